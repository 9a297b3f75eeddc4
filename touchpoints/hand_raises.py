"""Who asked to be contacted and still waits: whom do we tell, and who else may call when the owner does not?

A hand-raise is alerted on the screen of its follow-up's assignee, a pool's on those of all its members. After some
callable minutes without a try the whole team is asked: whoever is free gets it from the queue, the owner stays.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db.models import BooleanField, Case, Q, Value, When

from leads.models import Lead

from . import guarding, presence, sweeps
from .models import CallAttempt, FollowUp, HandRaise

if TYPE_CHECKING:
    from collections.abc import Collection

    from django.contrib.auth.models import AbstractUser

# How many minutes in which a call was permitted the owner has it alone.
OFFERED_AFTER = timedelta(minutes=3)
# What was raised longer ago has become an ordinary follow-up: nobody is hurried by it any more.
HURRIES_FOR = timedelta(days=7)
# An alert that nobody saw in time is none: the queue has the lead at its head anyway.
ALERTED_FOR = timedelta(minutes=30)
CHUNK = 500


def _waiting(*, now: datetime):  # type: ignore[no-untyped-def]
    """Hand-raises that still hurry somebody."""
    return HandRaise.objects.unanswered().filter(raised_at__gt=now - HURRIES_FOR)


def _follow_ups(*, now: datetime):  # type: ignore[no-untyped-def]
    """The open follow-ups of leads whose hand-raise nobody has tried to answer."""
    return FollowUp.objects.open().filter(
        rank=FollowUp.Rank.HAND_RAISE, lead__in=_waiting(now=now).values("lead")
    )


# --- the offer to the team -----------------------------------------------------------------------------------


def offer_unanswered(*, now: datetime) -> int:
    """The sweep: offer to the team what its owner left unanswered for `OFFERED_AFTER` of callable time.

    Returns how many were offered. What is not offered yet is looked at again by the next run, every row of it.
    """
    with sweeps.noted("offer_hand_raises", now=now) as run:
        last = 0
        while rows := list(
            _follow_ups(now=now)
            .filter(
                pk__gt=last,
                due_at__lte=now,
                assignee__isnull=False,
                team__isnull=False,
                lead__in=_waiting(now=now)
                .filter(offered_at=None, raised_at__lte=now - OFFERED_AFTER)
                .values("lead"),
            )
            .select_related("lead")
            .order_by("pk")[:CHUNK]
        ):
            run.looked_at += len(rows)
            run.changed += _offer([row.lead for row in rows], now=now)
            last = rows[-1].pk
    return run.changed


def _offer(leads: Collection[Lead], *, now: datetime) -> int:
    situations = guarding.gather(list(leads), now=now)
    raised = (
        HandRaise.objects.unanswered()
        .filter(lead__in=situations, offered_at=None)
        .select_related("touchpoint")
    )
    ripe = {
        one.lead_id
        for one in raised
        if situations[one.lead_id].may_serve(now=now)
        and callable_time(situations[one.lead_id], _known_since(one), now) >= OFFERED_AFTER
    }
    # Whoever dials meanwhile has answered it: then there is nothing to offer.
    return HandRaise.objects.unanswered().filter(lead__in=ripe, offered_at=None).update(offered_at=now)


def _known_since(raised: HandRaise) -> datetime:
    """When the owner could first know: what is reported late hurries from then on."""
    return max(raised.raised_at, raised.touchpoint.evaluated_at or raised.raised_at)


def callable_time(situation: guarding.Situation, since: datetime, until: datetime) -> timedelta:
    """How much of the time between was within the hours in which the lead may be called."""
    if situation.hours is None or since >= until:
        return timedelta()
    open_then = situation.hours.permitted(since, until)
    return sum((closes - opens for opens, closes in open_then), timedelta())


def is_offered(*, now: datetime) -> Q:
    """Follow-ups of hand-raises that were left unanswered so long that they are offered to the team."""
    offered = _waiting(now=now).filter(offered_at__isnull=False)
    return Q(rank=FollowUp.Rank.HAND_RAISE, lead__in=offered.values("lead"))


def is_free(user: AbstractUser, *, now: datetime) -> bool:
    """Whether somebody can take one more call now: here today, and not on the phone."""
    today = presence.today_of(user, now=now)
    if user.absences.filter(starts_on__lte=today, ends_on__gte=today).exists():  # type: ignore[attr-defined]
        return False
    return not CallAttempt.objects.open().outbound().filter(user=user).exists()


# --- the alert on the screen ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Alert:
    """One thing to tell one person once. `key` is the same for as long as there is nothing new to say."""

    key: str
    lead: Lead
    raised_at: datetime
    opens_at: datetime | None  # from when it may be called, None: now
    offered: bool  # by the owner's silence, or because they are away
    instead_of: str = ""  # whoever is away


def alerts_for(user: AbstractUser, *, now: datetime) -> list[Alert]:
    """What this user should be told of, freshest first: a constant number of reads and no write.

    A lead that somebody has before them, or has passed over for a while, alerts nobody.
    """
    today = presence.today_of(user, now=now)
    mates = Q(team=user.team_id) if user.team_id else Q(pk=None)  # type: ignore[attr-defined]
    stands_in = Q(assignee__in=presence.covered_by(user, today)) | (
        mates & presence.is_away(today) & ~Q(assignee__in=presence.covered(today))
    )
    rows = list(
        _follow_ups(now=now)
        .filter(Q(assignee=user) | mates | stands_in, due_at__gt=now - ALERTED_FOR)
        .annotate(lent=Case(When(stands_in, then=Value(True)), default=False, output_field=BooleanField()))
        .exclude(lease_until__gt=now)
        .exclude(skipped_until__gt=now)
        .select_related("lead", "assignee")[:CHUNK]
    )
    if not rows:
        return []
    raised = {
        one.lead_id: one
        for one in _waiting(now=now)
        .filter(lead__in=[row.lead_id for row in rows])
        .select_related("touchpoint")
        .order_by("raised_at", "pk")
    }
    found = [_alert(row, raised[row.lead_id], user, now=now) for row in rows if row.lead_id in raised]
    told = [one for one in found if one is not None]
    if any(one.offered for one in told) and not is_free(user, now=now):
        told = [one for one in told if not one.offered]
    return sorted(told, key=lambda one: one.raised_at, reverse=True)


def _alert(row: FollowUp, raised: HandRaise, user: AbstractUser, *, now: datetime) -> Alert | None:
    known = _known_since(raised)
    offered = row.assignee_id not in (None, user.pk)
    lent = offered and row.lent  # type: ignore[attr-defined]
    if lent and row.due_at <= now:
        word, since = "lent", max(known, row.due_at)
    elif offered:
        word, since = "offered", raised.offered_at
    elif row.due_at > now:
        word, since = "later", known
    else:
        word, since = "now", max(known, row.due_at)
    if since is None or since <= now - ALERTED_FOR:
        return None
    opens_at = row.due_at if row.due_at > now else None
    name = row.assignee.short_name if lent and row.assignee else ""  # type: ignore[attr-defined]
    return Alert(f"{word}{raised.pk}", row.lead, raised.raised_at, opens_at, offered, name)
