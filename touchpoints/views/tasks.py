"""What people must do before leads can go on. For everybody signed in, on tasks they may see."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Q
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_GET, require_POST

from leads.keyset import page
from touchpoints import todo
from touchpoints.refusals import StillOpen

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

ROWS = 50


@login_required
@require_GET
def tasks(request: HttpRequest) -> HttpResponse:
    """Open tasks of one's own and of nobody in particular; `?whose=all`: everything one may see."""
    return _answer(request)


@login_required
@require_POST
def task_done(request: HttpRequest, pk: int) -> HttpResponse:
    """Note that a task is done, unless a decision is what ends it and is still to be made."""
    task = get_object_or_404(todo.visible_to(request.user), pk=pk)
    tone = "ok"
    try:
        done = todo.finish(task, by=request.user, now=timezone.now())
        text = gettext("Done.") if done else gettext("Somebody was faster: it was done already.")
    except StillOpen as refused:
        tone, text = "stop", refused.detail
    if request.htmx:  # type: ignore[attr-defined]
        response = _answer(request)
        response["HX-Trigger"] = json.dumps({"toast": {"text": text, "tone": tone}})
        return response
    (messages.success if tone == "ok" else messages.error)(request, text)
    return redirect("tasks")


def _answer(request: HttpRequest) -> HttpResponse:
    whole = request.GET.get("whose") == "all"
    after = request.GET.get("after", "")
    open_ones = todo.visible_to(request.user).filter(done_at=None).order_by("created_at", "pk")
    if not whole:
        open_ones = open_ones.filter(Q(assignee=request.user) | Q(assignee=None))
    shown = page(
        open_ones.select_related("lead__company", "assignee", "team"),
        size=ROWS,
        after=int(after) if after.isdecimal() and len(after) < 18 else None,
    )
    tail = "&whose=all" if whole else ""
    context = {
        "tasks": shown.rows,
        "undecided": todo.undecided(shown.rows),
        "whole": whole,
        "first_url": f"?{tail[1:]}" if after else "",
        "next_url": f"?after={shown.after}{tail}" if shown.after else "",
        "here": request.get_full_path(),
        "now": timezone.now(),
    }
    template = "leads/open_tasks.html" if request.htmx else "leads/tasks.html"  # type: ignore[attr-defined]
    return render(request, template, context)
