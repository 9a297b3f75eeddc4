"""What follows when leads ask to be contacted? The clock starts, the enquiry is kept, the call is placed at once."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db.models import Q
from django.utils.translation import gettext

from leads import consents
from leads.models import Consent, Lead

from . import assign, customers, guarding, pursue, turns
from .cadence import Declined
from .follow_ups import Placed, from_placement, place
from .models import CallAttempt, FollowUp, HandRaise, Pursuit, Task, Touchpoint, TouchpointKind
from .next_attempt import place_next
from .next_step import Context, hand_raise
from .plans import Plans
from .todo import ask_all

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from django.contrib.auth.models import AbstractUser
    from django.db.models import QuerySet

    from .situation import Situation

HAND_RAISE_FRESH_FOR = timedelta(hours=24)
# A relationship by enquiry lifts the registry check for so long (16 CFR 310.2: three months).
ENQUIRY_HOLDS_FOR = timedelta(days=90)


def raise_hands(touchpoints: Sequence[Touchpoint], leads: dict[int, Lead], *, now: datetime) -> None:
    """Leads that asked to be contacted go to the head of their owner's queue, at once or in the next permitted minute.

    The speed-to-lead clock starts and the enquiry is recorded with the touchpoint as evidence. Historical ones,
    those older than a day and calls that one of us took already do none of it.
    """
    fresh = _not_yet_raised(touchpoints, now=now)
    if not fresh:
        return
    HandRaise.objects.bulk_create(
        HandRaise(lead_id=touchpoint.lead_id, touchpoint=touchpoint, raised_at=touchpoint.occurred_at)
        for touchpoint in fresh
    )
    consents.record_many([_enquiry(touchpoint, now=now) for touchpoint in fresh], by=None, now=now)
    raised = {touchpoint.lead_id: leads[touchpoint.lead_id] for touchpoint in fresh}
    nobodys = [lead for lead in raised.values() if not lead.owner_id and not lead.team_id]
    _give_to_default_pool(nobodys, now=now)
    turns.give_raised(list(raised.values()), now=now)
    _place_calls(raised, now=now)


def follow_corrections(
    touchpoints: Collection[Touchpoint], *, by: AbstractUser | None, now: datetime
) -> None:
    """What these touchpoints raised follows what they say now: one that asks for nothing any more hurries nobody and
    permits no call, one of another time holds from then. One query where nothing was raised."""
    raised = list(HandRaise.objects.filter(touchpoint__in=touchpoints))
    if not raised:
        return
    said = {touchpoint.pk: touchpoint for touchpoint in touchpoints}
    kinds = set(TouchpointKind.objects.filter(hand_raise=True).values_list("pk", flat=True))
    none = [one for one in raised if not _raises(said[one.touchpoint_id], kinds)]
    _take_back(none, by=by, now=now)
    for one in raised:
        touchpoint = said[one.touchpoint_id]
        if one not in none and one.raised_at != touchpoint.occurred_at:
            one.raised_at = touchpoint.occurred_at
            one.save(update_fields=["raised_at"])
            # One that somebody ended stays ended.
            if consents.revoke_all(_enquiries_of([one]), reason="touchpoint corrected", by=by, now=now):
                consents.record_many([_enquiry(touchpoint, now=now)], by=by, now=now)


def withdrawn(touchpoint: Touchpoint, *, by: AbstractUser | None, now: datetime) -> None:
    """Let go of what a touchpoint raised that is taken back."""
    _take_back(list(HandRaise.objects.filter(touchpoint=touchpoint)), by=by, now=now)


def _raises(touchpoint: Touchpoint, kinds: Collection[str]) -> bool:
    """Whether it would have raised a hand, had it been reported as it is now."""
    return touchpoint.kind_id in kinds and _is_fresh(touchpoint, now=touchpoint.recorded_at)


def _take_back(raised: Sequence[HandRaise], *, by: AbstractUser | None, now: datetime) -> None:
    if not raised:
        return
    consents.revoke_all(_enquiries_of(raised), reason="touchpoint withdrawn", by=by, now=now)
    HandRaise.objects.filter(pk__in=[one.pk for one in raised]).delete()
    others = HandRaise.objects.filter(raised_at__gt=now - HAND_RAISE_FRESH_FOR).values("lead")
    rows = (
        FollowUp.objects.open()
        .filter(
            lead__in=[one.lead_id for one in raised],
            rank=FollowUp.Rank.HAND_RAISE,
            pursuit__isnull=False,
            pursuit__ended_at=None,
        )
        .exclude(lead__in=others)
        .select_related("lead", "pursuit")
    )
    pairs = [(row.lead, row.pursuit) for row in rows if row.pursuit is not None]
    situations = guarding.gather([lead for lead, _pursuit in pairs], now=now)
    with _in_hand([lead.pk for lead, _pursuit in pairs], now=now):
        place_next(pairs, situations, Plans(), now=now)


def _enquiries_of(raised: Sequence[HandRaise]) -> QuerySet[Consent]:
    words = Q()
    for one in raised:
        words |= Q(lead=one.lead_id, evidence__startswith=f"touchpoint {one.touchpoint_id}:")
    return Consent.objects.filter(words, kind=Consent.Kind.ENQUIRY)


def _is_fresh(touchpoint: Touchpoint, *, now: datetime) -> bool:
    return (
        not touchpoint.historical
        and touchpoint.by_user_id is None
        and now - touchpoint.occurred_at < HAND_RAISE_FRESH_FOR
    )


def _not_yet_raised(touchpoints: Sequence[Touchpoint], *, now: datetime) -> list[Touchpoint]:
    fresh = [touchpoint for touchpoint in touchpoints if _is_fresh(touchpoint, now=now)]
    if not fresh:
        return []
    known = set(HandRaise.objects.filter(touchpoint__in=fresh).values_list("touchpoint_id", flat=True))
    return [touchpoint for touchpoint in fresh if touchpoint.pk not in known]


def _place_calls(raised: dict[int, Lead], *, now: datetime) -> None:
    open_ones = {pursuit.lead_id: pursuit for pursuit in Pursuit.objects.open().filter(lead__in=raised)}
    situations = guarding.gather(list(raised.values()), now=now)
    theirs = [lead for pk, lead in raised.items() if situations[pk].is_customer]
    customers.hand_over(theirs, why=gettext("asked to be contacted"), now=now)
    raised = {pk: lead for pk, lead in raised.items() if not situations[pk].is_customer}
    open_ones = {pk: pursuit for pk, pursuit in open_ones.items() if pk in raised}
    missing = [lead for pk, lead in raised.items() if pk not in open_ones]
    open_ones.update({pursuit.lead_id: pursuit for pursuit in pursue.begin(missing, by=None, now=now)})
    plans = Plans()
    placements, questions = [], []
    for pk, pursuit in open_ones.items():
        lead = raised[pk]
        what = _call_of(pursuit, situations[pk], plans, now=now)
        if isinstance(what, Placed):
            placements.append((lead, pursuit, what))
        else:
            questions.append((lead, *what))
    ask_all(questions, now=now)
    _place_in_hand(placements, now=now)


def _call_of(
    pursuit: Pursuit, situation: Situation, plans: Plans, *, now: datetime
) -> Placed | tuple[str, str]:
    """The call a hand-raise asks for, or (kind of task, why) where only a person can make it possible."""
    missing = situation.missing()
    if missing is not None:
        return missing
    context = Context(
        plan=plans.of(pursuit),
        step=max(pursuit.step - 1, 0),
        attempt=max(pursuit.attempt - 1, 0),
        history=situation.history,
        place=situation.place,
        reached=False,
        earliest=situation.law_earliest,
    )
    placed = hand_raise(context, now=now)
    return (Task.Kind.ANSWER, placed.reason) if isinstance(placed, Declined) else from_placement(placed)


def _place_in_hand(placements: Sequence[tuple[Lead, Pursuit | None, Placed]], *, now: datetime) -> None:
    with _in_hand([lead.pk for lead, _pursuit, _placed in placements], now=now):
        place(placements, now=now, why=gettext("asked to be contacted"))


@contextmanager
def _in_hand(ids: Collection[int], *, now: datetime) -> Iterator[None]:
    """While follow-ups are placed: who has a lead on the screen or on the phone keeps it, nobody else must ring it."""
    held = {row.lead_id: row for row in FollowUp.objects.open().filter(lead__in=ids, lease_until__gt=now)}
    calls = {call.lead_id: call for call in CallAttempt.objects.open().outbound().filter(lead__in=ids)}
    yield
    if not held and not calls:
        return
    rows = {row.lead_id: row for row in FollowUp.objects.open().filter(lead__in=[*held, *calls])}
    for lead in held.keys() & rows.keys():
        rows[lead].lease_by_id, rows[lead].lease_until = held[lead].lease_by_id, held[lead].lease_until
    FollowUp.objects.bulk_update(rows.values(), ["lease_by", "lease_until"])
    for lead in calls.keys() & rows.keys():
        calls[lead].follow_up = rows[lead]
    CallAttempt.objects.bulk_update(calls.values(), ["follow_up"])


def _enquiry(touchpoint: Touchpoint, *, now: datetime) -> Consent:
    return Consent(
        lead_id=touchpoint.lead_id,
        kind=Consent.Kind.ENQUIRY,
        channel=Consent.Channel.CALL,
        starts_at=touchpoint.occurred_at,
        ends_at=touchpoint.occurred_at + ENQUIRY_HOLDS_FOR,
        evidence=f"touchpoint {touchpoint.pk}: {touchpoint.kind_id}, {touchpoint.occurred_at.isoformat()}, "
        f"{touchpoint.source or '–'}",
        recorded_at=now,
        recorded_by_id=touchpoint.recorded_by_id,
    )


def _give_to_default_pool(leads: list[Lead], *, now: datetime) -> None:
    """A hand-raise that belongs to nobody must not wait for somebody to assign it."""
    pool = (
        Lead._meta.get_field("team").related_model.objects.filter(is_default=True).first() if leads else None
    )
    if pool is not None:
        assign.assign(leads, team=pool, by=None, now=now)
