"""Whom does this rep call next? The best due follow-up that the guard allows, held so that nobody else gets it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Min, Q
from django.utils.translation import gettext

from leads import plain_sql
from leads.models import Lead, Workspace

from . import cover, customers, desk, follow_ups, guarding, hand_raises, queue_order, todo
from .models import CallAttempt, Channel, FollowUp, Skip

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.contrib.auth.models import AbstractUser
    from django.db.models import QuerySet

    from .situation import Situation

# The first is mostly the one: with those shown behind it.
LOOKED_AT_FIRST = 6
LOOKED_AT_A_TIME = 20
MOST_LOOKED_AT = 400
SKIPPED_FOR = timedelta(hours=2)
SHOWN_BEHIND = 5


def _open_to(user: AbstractUser, *, now: datetime) -> Q:
    """Follow-ups this rep may work: their own, their team's pool, and what of their colleagues' cannot wait."""
    pool = Q(assignee=None, team=user.team_id) if user.team_id else Q(pk=None)  # type: ignore[attr-defined]
    return Q(assignee=user) | pool | Q(pk__in=_lent_to(user, now=now))


def reachable_by(user: AbstractUser, *, now: datetime) -> QuerySet[Lead]:
    """Leads this person may have before them to call: those they may see, those lent to them as a member of the
    team or as cover, and the one of their open call.
    """
    lent = _lent_to(user, now=now)
    offered = FollowUp.objects.filter(pk__in=lent).values_list("lead_id", flat=True) if lent else ()
    called = CallAttempt.objects.open().filter(user=user).values_list("lead_id", flat=True)
    seen = Lead.objects.live().visible_to(user)
    others = {*offered, *called}
    return seen | Lead.objects.live().filter(pk__in=others) if others else seen


def _lent_to(user: AbstractUser, *, now: datetime) -> list[int]:
    return cover.lent_to(user, now=now) if desk.colleagues_wait(user, now=now) else []


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
    stands = desk.of(user, now=now)
    if stands.on_a_call:
        # An open call holds its lease, and nobody is given a second lead beside it.
        return next(map(Served, queue_order.loaded([stands.follow_up_id])), None)
    if stands.held_id is not None:
        for held in queue_order.loaded([stands.held_id]):
            if held.due_at <= now and _lease(held, user, now=now):
                return Served(held)
        release(user, now=now)
    return _serve_fresh(user, stands, now=now)


def _serve_fresh(user: AbstractUser, stands: desk.Desk, *, now: datetime) -> Served | None:
    lent = cover.lent_to(user, now=now) if stands.colleagues_wait else []
    looked_at: set[int] = set()
    while len(looked_at) < MOST_LOOKED_AT:
        count = LOOKED_AT_A_TIME if looked_at else LOOKED_AT_FIRST
        ids, resting = queue_order.best(
            user, stands.block, now=now, count=count, lent=lent, without=looked_at
        )
        first_look = not looked_at
        looked_at.update(ids)
        batch = queue_order.loaded([pk for pk in ids if pk not in resting])
        situations: dict[int, Situation] = {}
        blocked: list[FollowUp] = []
        for place, row in enumerate(batch):
            if row.lead_id not in situations:
                # Mostly the very first may be served; where not, the guard is asked about all behind it together.
                asked = batch[:1] if first_look and place == 0 else batch[place:]
                situations |= guarding.gather([one.lead for one in asked], now=now)
            situation = situations[row.lead_id]
            may_serve = _may_serve(row, situation, now=now)
            if row.due_at > now and not may_serve:
                _put_off(blocked, situations, now=now)
                return None  # a callback within minutes: nothing else is begun
            if not may_serve:
                blocked.append(row)
            elif _take(row, user, now=now):
                _put_off(blocked, situations, now=now)
                behind = batch[place + 1 :]
                enough = len(behind) >= SHOWN_BEHIND or len(ids) < count
                return Served(row, situation, behind[:SHOWN_BEHIND] if enough else None)
        _put_off(blocked, situations, now=now)
        if len(ids) < count:
            return None
    return None


def _may_serve(row: FollowUp, situation: Situation, *, now: datetime) -> bool:
    """A call where the guard lets one through; a message to anybody who may be spoken to at all."""
    if row.channel == Channel.CALL:
        return situation.may_serve(now=now)
    return not (situation.suppressed or situation.is_customer or situation.failed)


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


def _put_off(rows: Sequence[FollowUp], situations: dict[int, Situation], *, now: datetime) -> None:
    """Move follow-ups that may not be served now to the next permitted time, or ask a person where there is none: as
    many statements for one as for all."""
    if not rows:
        return
    later, questions = [], []
    customers.hand_over([row.lead for row in rows if situations[row.lead_id].is_customer], now=now)
    for row in rows:
        situation = situations[row.lead_id]
        if situation.is_customer:
            continue
        missing = situation.missing()
        verdict = situation.best_verdict(now=now)
        opens = now + FAILED_AGAIN if missing is None and situation.failed else verdict.next_allowed_at
        if missing is None and opens is not None:
            length = row.window_end - row.due_at
            length = length if situation.failed else max(length, timedelta(minutes=30))
            row.due_at, row.window_end = opens, opens + length
            later.append(row)
        else:
            questions.append((row.lead, *(missing or ("look_into", verdict.reasons[0].detail))))
    plain_sql.write(later, ["due_at", "window_end"])
    if questions:
        todo.ask_all(questions, now=now)
        for why in {why for _lead, _kind, why in questions}:
            asked = [lead.pk for lead, _kind, reason in questions if reason == why]
            follow_ups.close(asked, FollowUp.Closed.CANCELLED, now=now, why=why)


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
    stands = desk.of(user, now=now)
    lent = cover.lent_to(user, now=now) if stands.colleagues_wait else []
    ids, resting = queue_order.best(
        user, stands.block, now=now, count=count + LOOKED_AT_FIRST, lent=lent, unheld=True
    )
    return queue_order.loaded([pk for pk in ids if pk not in resting][:count])


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
