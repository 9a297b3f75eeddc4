"""What follows when leads ask to be contacted? The clock starts, the enquiry is kept, the call is placed at once."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.utils.translation import gettext

from leads import consents
from leads.models import Consent, Lead

from . import assign, customers, guarding, pursue, turns
from .cadence import Declined
from .follow_ups import Placed, from_placement, place
from .models import CallAttempt, FollowUp, HandRaise, Pursuit, Task, Touchpoint
from .next_step import Context, hand_raise
from .plans import Plans
from .todo import ask_all

if TYPE_CHECKING:
    from collections.abc import Sequence

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


def _not_yet_raised(touchpoints: Sequence[Touchpoint], *, now: datetime) -> list[Touchpoint]:
    fresh = [
        touchpoint
        for touchpoint in touchpoints
        if not touchpoint.historical
        and touchpoint.by_user_id is None
        and now - touchpoint.occurred_at < HAND_RAISE_FRESH_FOR
    ]
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
    """Place hand-raises; who has the lead on the screen or on the phone keeps it: nobody else must ring it now."""
    ids = [lead.pk for lead, _pursuit, _placed in placements]
    held = {row.lead_id: row for row in FollowUp.objects.open().filter(lead__in=ids, lease_until__gt=now)}
    calls = {call.lead_id: call for call in CallAttempt.objects.open().outbound().filter(lead__in=ids)}
    rows = {row.lead_id: row for row in place(placements, now=now, why=gettext("asked to be contacted"))}
    for lead, before in held.items():
        rows[lead].lease_by_id, rows[lead].lease_until = before.lease_by_id, before.lease_until
    FollowUp.objects.bulk_update([rows[lead] for lead in held], ["lease_by", "lease_until"])
    for lead, call in calls.items():
        call.follow_up = rows[lead]
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
