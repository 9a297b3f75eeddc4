"""The matching inbox. For everybody signed in, on what `inbox.waiting_for` lets them settle."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_GET, require_POST

from leads import register
from leads.keyset import page
from touchpoints import settling
from touchpoints.inbox import Entry, entries, waiting_for
from touchpoints.refusals import Invalid, Refused

if TYPE_CHECKING:
    from datetime import datetime

    from django.http import HttpRequest, HttpResponse

    from leads.models import Lead
    from touchpoints.models import Touchpoint, UnmatchedTouchpoint

ROWS = 10


@login_required
@require_GET
def inbox(request: HttpRequest) -> HttpResponse:
    """What waits, oldest first, each beside its candidates."""
    return _answer(request)


@login_required
@require_POST
def inbox_settle(request: HttpRequest, pk: int) -> HttpResponse:
    """Say whose a touchpoint is: one of its candidates', a new lead's, or nobody's."""
    now = timezone.now()
    row = get_object_or_404(waiting_for(request.user), pk=pk)
    (entry,) = entries([row], user=request.user)
    try:
        text = settle(entry, request.POST.get("to", ""), user=request.user, now=now)
    except settling.AlreadySettled:
        return _refuse(request, entry, gettext("Somebody settled this one meanwhile."))
    except register.LeadRefused as refused:
        return _refuse(request, entry, str(refused))
    except Refused as refused:
        return _refuse(request, entry, refused.detail)
    if request.htmx:  # type: ignore[attr-defined]
        response = _answer(request)
        response["HX-Trigger"] = json.dumps({"toast": {"text": text, "tone": "ok"}})
        return response
    messages.success(request, text)
    return redirect("inbox")


def settle(entry: Entry, choice: str, *, user: Any, now: datetime) -> str:
    """Do what was chosen (a candidate's id, new or discard), and say it. Raises `AlreadySettled`, LeadRefused, and
    Invalid for what was not offered."""
    lead = next((one.lead for one in entry.candidates if str(one.lead.pk) == choice), None)
    if lead is None and choice != "discard" and not (choice == "new" and entry.may_be_new):
        raise Invalid(gettext("Choose one of the candidates, a new lead, or discard it."), field="to")
    touchpoint = _settle(entry.row, lead, choice, user=user, now=now)
    if touchpoint is None:
        return gettext("Discarded.")
    return gettext("Given to %(name)s.") % {"name": touchpoint.lead.name}


def _settle(
    row: UnmatchedTouchpoint, lead: Lead | None, choice: str, *, user: Any, now: datetime
) -> Touchpoint | None:
    if choice == "discard":
        settling.discard(row, user=user, now=now)
        return None
    if lead is None:
        return settling.settle_as_new(row, user=user, now=now)
    return settling.settle_for(row, lead, user=user, now=now)


def _refuse(request: HttpRequest, entry: Entry, text: str) -> HttpResponse:
    return _answer(request, refused={"pk": entry.row.pk, "text": text}, status=422)


def _answer(request: HttpRequest, *, status: int = 200, **more: Any) -> HttpResponse:
    after = request.GET.get("after", "")
    shown = page(
        waiting_for(request.user).select_related("received_from"),
        size=ROWS,
        after=int(after) if after.isdecimal() and len(after) < 18 else None,
    )
    context = {
        "waiting": entries(shown.rows, user=request.user),
        "first_url": "?" if after else "",
        "next_url": f"?after={shown.after}" if shown.after else "",
        **more,
    }
    template = "inbox/waiting.html" if request.htmx else "inbox/inbox.html"  # type: ignore[attr-defined]
    return render(request, template, context, status=status)
