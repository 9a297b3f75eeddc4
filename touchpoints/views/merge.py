"""Are two leads one person? Shown side by side, and made one. For everybody signed in, on leads they may see."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Count, Prefetch, prefetch_related_objects
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from leads import erasure
from leads.filters import LeadFilter
from leads.models import Lead, LeadNumber
from touchpoints import merge
from touchpoints.refusals import Refused
from touchpoints.views.lead import lead_of

if TYPE_CHECKING:
    from datetime import datetime

    from django.http import HttpRequest

ROWS = 20


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def lead_merge(request: HttpRequest, pk: int) -> HttpResponse:
    """Everybody, on leads they may see, both of them: the leads that may be this one; with `with` posted, merge."""
    now = timezone.now()
    shown = lead_of(request, pk)
    if request.method != "POST":
        return _show(request, shown, now=now)
    other = _other(request)
    if other is None:
        return _show(request, shown, now=now, refused=gettext("Choose the lead to merge into this one."))
    try:
        merge.merge(shown, other, by=request.user, now=now)
    except Refused as refused:
        return _show(request, shown, now=now, refused=refused.detail)
    except erasure.KeyMissing as missing:
        return _show(request, shown, now=now, refused=str(missing))
    messages.success(request, gettext("Merged: this lead has everything of both."))
    return redirect("lead", pk)


def _other(request: HttpRequest) -> Lead | None:
    text = request.POST.get("with", "")
    seen = Lead.objects.live().visible_to(request.user)
    return seen.filter(pk=int(text)).first() if text.isdecimal() and len(text) < 18 else None


def _show(request: HttpRequest, shown: Lead, *, now: datetime, refused: str = "") -> HttpResponse:
    text = request.GET.get("search", "").strip()[:254]
    found = _search(request, shown, text, now=now) if text else merge.similar_to(shown, user=request.user)
    everybody = [shown, *found]
    links = LeadNumber.objects.current().select_related("number")
    prefetch_related_objects(everybody, Prefetch("lead_numbers", links, to_attr="current_numbers"))
    calls = dict(
        Lead.objects.filter(pk__in=[one.pk for one in everybody])
        .order_by()
        .annotate(n=Count("calls"))
        .values_list("pk", "n")
    )
    context = {
        "lead": shown,
        "own_calls": calls.get(shown.pk, 0),
        "found": [(one, calls.get(one.pk, 0)) for one in found],
        "text": text,
        "refused": refused,
    }
    return render(request, "leads/merge.html", context, status=422 if refused else 200)


def _search(request: HttpRequest, shown: Lead, text: str, *, now: datetime) -> list[Lead]:
    seen = Lead.objects.live().visible_to(request.user).exclude(pk=shown.pk)
    chosen = LeadFilter(
        {"search": text}, queryset=seen.select_related("company", "owner"), request=request, now=now
    )
    return list(chosen.qs[:ROWS])
