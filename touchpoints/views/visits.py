"""Whom does this rep visit today, in which order? By postcode. For everybody signed in, on follow-ups of their own."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Q
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from touchpoints import queue, refusals, steps
from touchpoints.models import Channel, FollowUp

if TYPE_CHECKING:
    from datetime import date

    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse

MOST = 200
SAID = {
    "met": _("Met: the lead is in conversation."),
    "nobody_met": _("Nobody met: the plan goes on."),
    "refused": _("Refused: the pursuit has ended."),
}


@login_required
@require_safe
def visits(request: HttpRequest) -> HttpResponse:
    """The visits of a day, `?day=2026-03-04`, today's with those left over; by postcode."""
    zone = ZoneInfo(request.user.time_zone)  # type: ignore[union-attr]
    today = timezone.now().astimezone(zone).date()
    day = parse_date(request.GET.get("day", "")) or today
    rows = list(_of_day(request, day, today, zone)[: MOST + 1])
    context = {
        "visits": rows[:MOST],
        "more": len(rows) > MOST,
        "day": day,
        "today": today,
        "before": day - timedelta(days=1),
        "after": day + timedelta(days=1),
    }
    return render(request, "leads/visits.html", context)


@login_required
@require_POST
def visit_done(request: HttpRequest, pk: int) -> HttpResponse:
    """What came of a visit: met, nobody met, refused."""
    now = timezone.now()
    row = get_object_or_404(_mine(request).select_related("lead"), pk=pk)
    outcome: Any = request.POST.get("outcome", "")
    if outcome not in SAID:
        messages.error(request, gettext("Say what came of it: met, nobody met or refused."))
        return redirect("visits")
    try:
        steps.done(row, note=request.POST.get("note", ""), outcome=outcome, user=request.user, now=now)  # type: ignore[arg-type]
    except refusals.Refused as refused:
        messages.error(request, refused.detail)
    else:
        messages.success(request, SAID[outcome])
    return redirect("visits")


def _mine(request: HttpRequest) -> QuerySet[FollowUp]:
    user = request.user
    pool = Q(assignee=None, team=user.team_id) if user.team_id else Q(pk=None)  # type: ignore[union-attr]
    seen = queue.reachable_by(user, now=timezone.now())  # type: ignore[arg-type]
    return FollowUp.objects.open().filter(Q(assignee=user) | pool, lead__in=seen, channel=Channel.VISIT)


def _of_day(request: HttpRequest, day: date, today: date, zone: ZoneInfo) -> QuerySet[FollowUp]:
    begins = datetime.combine(day, time(), tzinfo=zone)
    rows = _mine(request).filter(due_at__lt=begins + timedelta(days=1))
    if day != today:
        rows = rows.filter(due_at__gte=begins)
    return rows.select_related("lead__company", "pursuit").order_by(
        "lead__country", "lead__postcode", "due_at", "pk"
    )
