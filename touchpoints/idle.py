"""Which leads go back to the pool by themselves? Those nobody worked for long, and those whose owner has left.

A team says after how many days; the owner is told three days before, once a day on whatever page they are, and on the
lead's. What was promised or agreed stays with whoever promised it. Nobody's leads are taken while they are away.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import Count, Exists, Min, OuterRef, Q
from django.db.models.functions import Coalesce
from django.utils.translation import gettext, ngettext

from leads.models import AuditEvent, Lead

from . import assign, presence
from .models import (
    CallAttempt,
    FollowUp,
    IdleNotice,
    Meeting,
    Promise,
    Pursuit,
    ReassignedLead,
    Reassignment,
    Task,
    Touchpoint,
)
from .sweeps import noted
from .workload import Calendar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from django.db.models import QuerySet

CHUNK = 500
# How long before its leads go the owner hears of it.
TOLD_DAYS = 3
# So long somebody has to deal out the leads of a person who left; then their team's pool has them.
DEALT_OUT_WITHIN = timedelta(days=1)
OPEN_STAGES = (Lead.Stage.NEW, Lead.Stage.ATTEMPTED, Lead.Stage.REACHED, Lead.Stage.CONVERSATION)
DEACTIVATED = "user.deactivated"


def sweep(*, now: datetime) -> int:
    """Tell owners of leads they let lie, return those they let lie on, and those of people who left. Returns how many
    went back to a pool."""
    with noted("return_idle_leads", now=now) as run:
        for days in _days_of_teams():
            run.looked_at += _tell(days, now=now)
        _forget_worked(now=now)
        run.changed = _return_idle(now=now) + return_left(now=now)
        run.looked_at += run.changed
    return run.changed


# --- idle leads ------------------------------------------------------------------------------------------------


def idle(days: int, *, now: datetime) -> QuerySet[Lead]:
    """Leads of teams that return theirs after `days`, whose owners let them lie long enough to be told, or longer."""
    since = now - timedelta(days=_told_after(days))
    today = Calendar(1, now=now).today
    of_lead = {"lead": OuterRef("pk")}
    planned = FollowUp.objects.open().annotate(planned=Coalesce("planned_for", "due_at"))
    kept = Q(planned__gt=since) | Q(agreed_at__isnull=False) | Q(rank__lte=FollowUp.Rank.PROMISE)
    in_hand = Q(lease_until__gt=now) | Q(skipped_until__gt=now)
    promised = Promise.objects.filter(**of_lead, kept_at=None, cancelled_at=None)
    ran = Pursuit.objects.filter(**of_lead)
    return Lead.objects.live().filter(
        ~Exists(planned.filter(kept | in_hand, **of_lead)),
        ~Exists(CallAttempt.objects.filter(**of_lead, started_at__gt=since)),
        ~Exists(Touchpoint.objects.filter(**of_lead, by_user__isnull=False, occurred_at__gt=since)),
        ~Exists(AuditEvent.objects.filter(**of_lead, action="lead.assigned", at__gt=since)),
        ~Exists(promised),
        ~Exists(Meeting.objects.filter(**of_lead, status=Meeting.Status.BOOKED)),
        ~Exists(Task.objects.filter(**of_lead, done_at=None, created_at__gt=since)),
        ~Exists(ran.filter(ended_at=None, paused_until__gt=now)),
        # One whose pursuit ended rests, or is done with.
        Q(Exists(ran.filter(ended_at=None))) | ~Exists(ran),
        owner__in=presence.here(today).values("pk"),
        team__idle_days=days,
        stage__in=OPEN_STAGES,
        created_at__lte=since,
    )


def _told_after(days: int) -> int:
    return max(days - TOLD_DAYS, 0)


def _teams() -> Any:
    return Lead._meta.get_field("team").related_model._default_manager  # type: ignore[union-attr]


def _days_of_teams() -> list[int]:
    rows = _teams().filter(idle_days__gt=0).order_by("idle_days")
    return list(rows.values_list("idle_days", flat=True).distinct())


def _tell(days: int, *, now: datetime) -> int:
    """Note that the owners were told; each chunk two statements."""
    returns_at, told = now + timedelta(days=days - _told_after(days)), 0
    untold = idle(days, now=now).filter(idle_notice=None)
    for chunk in _chunks(untold.values_list("pk", "owner")):
        notices = [
            IdleNotice(lead_id=lead, owner_id=owner, told_at=now, returns_at=returns_at)
            for lead, owner in chunk
        ]
        IdleNotice.objects.bulk_create(notices, ignore_conflicts=True)
        told += len(notices)
    return told


def _forget_worked(*, now: datetime) -> None:
    """A lead that was worked since, or changed hands, goes nowhere; one statement for each length of patience."""
    still = Q(pk=None)
    for days in _days_of_teams():
        still |= Q(lead__in=idle(days, now=now).order_by().values("pk"))
    here = presence.here(Calendar(1, now=now).today).values("pk")
    # Whoever is away is asked nothing: what they were told waits for them.
    IdleNotice.objects.filter(owner__in=here).exclude(still).delete()


def _return_idle(*, now: datetime) -> int:
    returned = 0
    for days in _days_of_teams():
        ripe = idle(days, now=now).filter(idle_notice__returns_at__lte=now)

        def why(days: int = days) -> str:
            said = ngettext("nobody worked it for %(days)d day", "nobody worked it for %(days)d days", days)
            return said % {"days": days}

        returned += _return(ripe, Reassignment.Cause.IDLE, why, now=now)
    return returned


# --- leads of those who left -----------------------------------------------------------------------------------


def left_by_leavers(*, now: datetime) -> QuerySet[Lead]:
    """Open leads whose owner has left for longer than somebody needs to deal them out."""
    lately = AuditEvent.objects.filter(
        subject_type="user", action=DEACTIVATED, at__gt=now - DEALT_OUT_WITHIN
    ).values_list("subject_id", flat=True)
    gone = get_user_model().objects.filter(is_active=False).exclude(pk__in=[int(pk) for pk in lately])
    return Lead.objects.live().filter(owner__in=gone.values("pk"), stage__in=OPEN_STAGES)


def return_left(*, now: datetime) -> int:
    """Give leads of those who left to their team's pool; returns how many."""
    return _return(
        left_by_leavers(now=now), Reassignment.Cause.LEFT, lambda: gettext("their owner left"), now=now
    )


# --- back to the pool ------------------------------------------------------------------------------------------


def _return(found: QuerySet[Lead], cause: str, why: Callable[[], str], *, now: datetime) -> int:
    """Give these leads to the pools of their teams, a row each; a fixed number of statements a chunk and team."""
    returned = 0
    default = None
    for chunk in _chunks(found.values_list("pk")):
        with transaction.atomic():
            ids = [pk for (pk,) in chunk]
            rows = Lead.objects.select_for_update(of=("self",)).filter(pk__in=ids, owner__isnull=False)
            leads = list(rows.exclude(pk__in=_on_the_phone(ids)).select_related("team").order_by("pk"))
            for team in {lead.team for lead in leads}:
                theirs = [lead for lead in leads if lead.team == team]
                if team is None:
                    default = default or _teams().filter(is_default=True).first()
                pool = team or default
                if pool is not None:
                    keep_row(theirs, cause, pool, now=now)
                    returned += assign.assign(theirs, team=pool, by=None, reason=why(), now=now)
    return returned


def _on_the_phone(ids: Iterable[int]) -> Any:
    return CallAttempt.objects.open().filter(lead__in=ids).values("lead")


def keep_row(leads: list[Lead], cause: str, pool: Any, *, now: datetime) -> Reassignment:
    """Note which leads go back to a pool, before they do."""
    planned = {row.lead_id: row for row in FollowUp.objects.open().filter(lead__in=leads)}
    owners = {lead.owner_id for lead in leads}
    kept = Reassignment.objects.create(
        cause=cause,
        method=Reassignment.Method.POOL,
        team=pool,
        giver_id=owners.pop() if len(owners) == 1 else None,
        at=now,
    )
    ReassignedLead.objects.bulk_create(
        ReassignedLead(
            reassignment=kept,
            lead=lead,
            from_owner_id=lead.owner_id,
            from_team_id=lead.team_id,
            to_team=pool,
            follow_up=planned.get(lead.pk),
        )
        for lead in leads
    )
    return kept


def _chunks(rows: Any) -> Iterator[list[tuple[Any, ...]]]:
    """Rows that begin with a lead's id, a chunk at a time; what changes under way is met once."""
    last = 0
    while chunk := list(rows.filter(pk__gt=last).order_by("pk")[:CHUNK]):
        yield chunk
        last = chunk[-1][0]


# --- what the owner is told ------------------------------------------------------------------------------------


def told_to(user: Any, *, most: int) -> list[IdleNotice]:
    """Leads of the user that go back to the pool soon unless they work them, the next first."""
    return list(IdleNotice.objects.filter(owner=user).select_related("lead__company")[:most])


@dataclass(frozen=True)
class News:
    """How many leads of somebody go back to the pool, the first of them when. `key` is another one each day."""

    key: str
    count: int
    first: datetime


def news_for(user: Any, *, now: datetime) -> News | None:
    """What to tell an owner once a day; None where nothing of theirs goes. One query."""
    found = IdleNotice.objects.filter(owner=user).aggregate(count=Count("pk"), first=Min("returns_at"))
    if not found["count"]:
        return None
    return News(f"idle{presence.today_of(user, now=now):%m%d}", found["count"], found["first"])
