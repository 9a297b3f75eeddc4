"""Whom does this rep call next? The best due follow-up that the guard allows, held so that nobody else gets it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Exists, Min, OuterRef, Q, Subquery
from django.utils.translation import gettext

from leads.models import Lead, Workspace

from . import blocks, cover, customers, follow_ups, guarding, hand_raises, todo
from .models import CallAttempt, Channel, FollowUp, Skip

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser
    from django.db.models import QuerySet

    from .models import CallBlock
    from .situation import Situation

LOOKED_AT_A_TIME = 20
MOST_LOOKED_AT = 400
SKIPPED_FOR = timedelta(hours=2)
SHOWN_BEHIND = 5
# So long before a callback no other lead is served.
CALLBACK_AHEAD = timedelta(minutes=5)
COMPANY_RESTS = timedelta(hours=1)


def _open_to(user: AbstractUser, *, now: datetime) -> Q:
    """Follow-ups this rep may work: their own, their team's pool, and what of their colleagues' cannot wait."""
    pool = Q(assignee=None, team=user.team_id) if user.team_id else Q(pk=None)  # type: ignore[attr-defined]
    return Q(assignee=user) | pool | Q(pk__in=cover.lent_to(user, now=now))


def reachable_by(user: AbstractUser, *, now: datetime) -> QuerySet[Lead]:
    """Leads this person may have before them to call: those they may see, those lent to them as a member of the
    team or as cover, and the one of their open call.
    """
    lent = cover.lent_to(user, now=now)
    offered = FollowUp.objects.filter(pk__in=lent).values_list("lead_id", flat=True) if lent else ()
    called = CallAttempt.objects.open().filter(user=user).values_list("lead_id", flat=True)
    seen = Lead.objects.live().visible_to(user)
    others = {*offered, *called}
    return seen | Lead.objects.live().filter(pk__in=others) if others else seen


def due_own(user: AbstractUser, *, now: datetime) -> QuerySet[FollowUp]:
    """The rep's own follow-ups that are due and free, best first: one scan of `queue_own`. A callback is there minutes
    ahead, so that nothing else is begun before it."""
    soon = Q(rank=FollowUp.Rank.CALLBACK, due_at__lte=now + CALLBACK_AHEAD)
    return _free(user, now=now).filter(Q(due_at__lte=now) | soon, assignee=user)


def due_pool(user: AbstractUser, *, now: datetime) -> QuerySet[FollowUp]:
    """Those of the rep's team that nobody has yet, best first: one scan of `queue_pool`."""
    pool = _due(user, now=now).filter(assignee=None, team=user.team_id)  # type: ignore[attr-defined]
    return pool if user.team_id else pool.none()  # type: ignore[attr-defined]


def _due(user: AbstractUser, *, now: datetime) -> QuerySet[FollowUp]:
    return _free(user, now=now).filter(due_at__lte=now)


def _free(user: AbstractUser, *, now: datetime) -> QuerySet[FollowUp]:
    """What nobody else has before them, best first. Of a company that a colleague is calling, or called within
    the hour, only what was promised or asked for."""
    free = Q(lease_until=None) | Q(lease_until__lte=now) | Q(lease_by=user)
    same_company = {"lead__company": OuterRef("lead__company")}
    called = CallAttempt.objects.outbound().filter(**same_company, started_at__gt=now - COMPANY_RESTS)
    before_a_colleague = FollowUp.objects.open().filter(**same_company, lease_until__gt=now)
    alone = ~Exists(called.exclude(user=user)) & ~Exists(before_a_colleague.exclude(lease_by=user))
    return (
        FollowUp.objects.open()
        .filter(free)
        .filter(Q(rank__lte=FollowUp.Rank.PROMISE) | Q(lead__company=None) | alone)
        .exclude(skipped_until__gt=now)
        .exclude(channel=Channel.VISIT)
        .select_related("lead", "lead__company", "pursuit", "assignee")
        .annotate(lease_seconds=Subquery(Workspace.objects.filter(pk=1).values("lease_seconds")))
        .order_by("rank", "-rank_value", "due_at", "pk")
    )


def _best(
    user: AbstractUser, block: CallBlock | None, *, now: datetime, count: int, **without: Any
) -> list[FollowUp]:
    """The best of what is theirs, their pool's and lent to them, in order. Each comes ordered from an index of
    its own; asked for together they would be sorted anew for every lead that is served."""
    sources = [
        blocks.narrowed(due, block, now=now) for due in (due_own(user, now=now), due_pool(user, now=now))
    ]
    if lent := cover.lent_to(user, now=now):
        sources.append(_due(user, now=now).filter(pk__in=lent))
    rows = {row.pk: row for source in sources for row in source.exclude(**without)[:count]}
    return sorted(rows.values(), key=lambda row: (row.rank, -row.rank_value, row.due_at, row.pk))[:count]


# What could not be read for one lead can mostly be read for none: nobody is asked to do anything about each.
FAILED_AGAIN = timedelta(minutes=15)


@dataclass(frozen=True)
class Served:
    """What a rep has before them: the follow-up, the lead's situation, and the next few behind it.

    `situation` and `behind` are None where they were not read on the way.
    """

    follow_up: FollowUp
    situation: Situation | None = None
    behind: list[FollowUp] | None = None


def next_lead(user: AbstractUser, *, now: datetime) -> FollowUp | None:
    """The follow-up this rep works now, leased to them: the one of their open call, else the one they hold,
    else the best that is due and allowed; None where there is none.
    """
    served = serve(user, now=now)
    return served.follow_up if served else None


def serve(user: AbstractUser, *, now: datetime) -> Served | None:
    """`next_lead` with what was read to find it."""
    desk = blocks.desk_of(user)
    if desk.on_a_call:
        # An open call holds its lease, and nobody is given a second lead beside it.
        row = _rows().filter(pk=desk.follow_up_id).first()
        return Served(row) if row else None
    leased = list(_rows().filter(lease_by=user, lease_until__gt=now).order_by("-lease_until"))
    held = next((row for row in leased if row.due_at <= now), None)
    if held is not None and _lease(held, user, now=now):
        return Served(held)
    if leased:
        release(user, now=now)
    return _serve_fresh(user, desk.block, now=now)


def _serve_fresh(user: AbstractUser, block: CallBlock | None, *, now: datetime) -> Served | None:
    looked_at: set[int] = set()
    while len(looked_at) < MOST_LOOKED_AT:
        batch = _best(user, block, now=now, count=LOOKED_AT_A_TIME, pk__in=looked_at)
        if not batch:
            return None
        looked_at.update(row.pk for row in batch)
        situations = guarding.gather([row.lead for row in batch], now=now)
        for place, row in enumerate(batch):
            situation = situations[row.lead_id]
            may_serve = _may_serve(row, situation, now=now)
            if row.due_at > now and not may_serve:
                return None  # a callback within minutes: nothing else is begun
            if not may_serve:
                _put_off(row, situation, now=now)
            elif _take(row, user, now=now):
                behind = batch[place + 1 :]
                enough = len(behind) >= SHOWN_BEHIND or len(batch) < LOOKED_AT_A_TIME
                return Served(row, situation, behind[:SHOWN_BEHIND] if enough else None)
    return None


def _may_serve(row: FollowUp, situation: Situation, *, now: datetime) -> bool:
    """A call where the guard lets one through; a message to anybody who may be spoken to at all."""
    if row.channel == Channel.CALL:
        return situation.may_serve(now=now)
    return not (situation.suppressed or situation.is_customer or situation.failed)


def _rows() -> Any:
    return FollowUp.objects.open().select_related("lead", "lead__company", "pursuit", "assignee")


def _lease(row: FollowUp, user: AbstractUser, *, now: datetime) -> bool:
    """Take or renew a lease; whatever else the rep held is let go."""
    with transaction.atomic(savepoint=False):
        FollowUp.objects.open().filter(lease_by=user).exclude(pk=row.pk).update(
            lease_by=None, lease_until=None
        )
        return _take(row, user, now=now)


def _take(row: FollowUp, user: AbstractUser, *, now: datetime) -> bool:
    """Take a lease by compare-and-swap: only one of two reps gets it."""
    held = row.lease_by_id == user.pk and row.lease_until is not None and row.lease_until > now
    if held and row.rank == FollowUp.Rank.HAND_RAISE and _offered(now=now).filter(pk=row.pk).exists():
        return True  # until its lease ends: see `renew`
    until = now + timedelta(seconds=getattr(row, "lease_seconds", None) or Workspace.current().lease_seconds)
    free = Q(lease_until=None) | Q(lease_until__lte=now) | Q(lease_by=user)
    taken = FollowUp.objects.open().filter(free, pk=row.pk).update(lease_by=user, lease_until=until)
    if taken:
        row.lease_by, row.lease_until = user, until  # type: ignore[assignment]
    return bool(taken)


def _put_off(row: FollowUp, situation: guarding.Situation, *, now: datetime) -> None:
    """Move a follow-up that may not be served now to the next permitted time, or ask a person where there is none."""
    if situation.is_customer:
        customers.hand_over([row.lead], now=now)
        return
    missing = situation.missing()
    verdict = situation.best_verdict(now=now)
    if missing is None and situation.failed:
        later = now + FAILED_AGAIN
        FollowUp.objects.open().filter(pk=row.pk).update(
            due_at=later, window_end=later + (row.window_end - row.due_at)
        )
        return
    if missing is not None or verdict.next_allowed_at is None:
        kind, reason = missing or ("look_into", verdict.reasons[0].detail)
        todo.ask(row.lead, kind, reason, now=now)
        follow_ups.close([row.lead_id], FollowUp.Closed.CANCELLED, now=now, why=reason)
        return
    due_at = verdict.next_allowed_at
    length = max(row.window_end - row.due_at, timedelta(minutes=30))
    FollowUp.objects.open().filter(pk=row.pk).update(due_at=due_at, window_end=due_at + length)


def take(lead: Lead, user: AbstractUser, *, now: datetime) -> FollowUp | None:
    """Put a lead of the rep's own choice before them: its follow-up is leased to them whether due or not."""
    row = FollowUp.objects.open().filter(lead=lead).select_related("lead", "pursuit").first()
    if row is None or not _lease(row, user, now=now):
        return None
    return row


def renew(user: AbstractUser, *, now: datetime) -> bool:
    """Hold on to what the rep has on the screen; False where nothing is held any more.

    A hand-raise that was left unanswered until it was offered to the team is held for one lease, to dial in: whoever
    only looks at it lets it go to a colleague.
    """
    until = now + timedelta(seconds=Workspace.current().lease_seconds)
    if CallAttempt.objects.open().outbound().filter(user=user).exists():
        return True
    held = FollowUp.objects.open().filter(lease_by=user, lease_until__gt=now)
    return (
        bool(held.exclude(pk__in=_offered(now=now).values("pk")).update(lease_until=until)) or held.exists()
    )


def _offered(*, now: datetime) -> QuerySet[FollowUp]:
    return FollowUp.objects.open().filter(hand_raises.is_offered(now=now))


def skip(follow_up: FollowUp, reason: str, *, user: AbstractUser, now: datetime) -> Skip:
    """Pass over a lead for a while, with the reason; no attempt."""
    with transaction.atomic():
        skipped = Skip.objects.create(follow_up=follow_up, user=user, at=now, reason=reason[:300])
        FollowUp.objects.open().filter(pk=follow_up.pk).update(
            skipped_until=now + SKIPPED_FOR, lease_by=None, lease_until=None
        )
    return skipped


def release(user: AbstractUser, *, now: datetime) -> None:
    """Let go of what the rep holds, unless a call is open on it."""
    held_by_call = CallAttempt.objects.open().outbound().filter(user=user).values("follow_up")
    FollowUp.objects.open().filter(lease_by=user).exclude(pk__in=held_by_call).update(
        lease_by=None, lease_until=None
    )


def upcoming(user: AbstractUser, *, now: datetime, count: int = SHOWN_BEHIND) -> list[FollowUp]:
    """The next few after the one in hand, in order; not leased, so a colleague may still get one of them."""
    block = blocks.desk_of(user).block
    return _best(user, block, now=now, count=count, lease_by=user, lease_by__isnull=False)


def opens_at(user: AbstractUser, *, now: datetime) -> datetime | None:
    """When the next lead of an empty queue is due; None where nothing is planned at all."""
    rows = FollowUp.objects.open().filter(_open_to(user, now=now)).exclude(channel=Channel.VISIT)
    ahead = rows.filter(due_at__gt=now).aggregate(at=Min("due_at"))["at"]
    skipped = rows.filter(skipped_until__gt=now).aggregate(at=Min("skipped_until"))["at"]
    return min((at for at in (ahead, skipped) if at is not None), default=None)


def why_ranked(row: FollowUp) -> str:
    """Why this lead is where it is in the queue, in words."""
    said = {
        FollowUp.Rank.CALLBACK: gettext("promised callback"),
        FollowUp.Rank.HAND_RAISE: gettext("asked to be contacted"),
        FollowUp.Rank.PROMISE: gettext("a promise is due"),
        FollowUp.Rank.WARM: gettext("warm, by warmth and fit"),
        FollowUp.Rank.COLD: gettext("cold, by expected value"),
    }
    return said[FollowUp.Rank(row.rank)]
