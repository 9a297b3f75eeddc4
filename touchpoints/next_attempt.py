"""Which call does a pursuit stand at, and what must a person do where none can be placed?"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from django.utils.translation import gettext

from .cadence import Declined, add_business_days, next_slot, slot_from, slot_in_words
from .follow_ups import Placed, from_slot, place
from .models import Task
from .todo import ask_all

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from leads.models import Lead

    from .models import Pursuit
    from .plans import Plans
    from .situation import Situation

    Pair = tuple[Lead, Pursuit]
    Question = tuple[str, str]  # the kind of task, and why


def place_next(
    pairs: Iterable[Pair], situations: dict[int, Situation], plans: Plans, *, now: datetime
) -> None:
    """Place the call each pursuit stands at; where nothing can be placed, say what a person must do."""
    _write(
        ((lead, pursuit, _next_of(pursuit, situations[lead.pk], plans, now=now)) for lead, pursuit in pairs),
        now=now,
    )


def place_warmed(
    pairs: Iterable[Pair], situations: dict[int, Situation], plans: Plans, *, now: datetime
) -> None:
    """`place_next` for leads that turned warm just now: evidence is called on while it is fresh, at once where the
    guard leaves a window open, weekend or not."""
    found = []
    for lead, pursuit in pairs:
        what = _next_of(pursuit, situations[lead.pk], plans, now=now)
        if isinstance(what, Placed):
            what = _at_once(what, situations[lead.pk], now=now)
        found.append((lead, pursuit, what))
    _write(found, now=now, why=gettext("turned warm"))


def _write(found: Iterable[tuple[Lead, Pursuit, Placed | Question]], *, now: datetime, why: str = "") -> None:
    placements, questions = [], []
    for lead, pursuit, what in found:
        if isinstance(what, Placed):
            placements.append((lead, pursuit, what))
        else:
            questions.append((lead, *what))
    ask_all(questions, now=now)
    place(placements, now=now, why=why)


def _next_of(pursuit: Pursuit, situation: Situation, plans: Plans, *, now: datetime) -> Placed | Question:
    missing = situation.missing()
    if missing is not None:
        return missing
    before = pursuit.reached_at is None
    found = (
        _attempt(pursuit, situation, plans, now=now) if before else _follow_up(pursuit, situation, now=now)
    )
    return (Task.Kind.LOOK_INTO, found.reason) if isinstance(found, Declined) else found


def _attempt(pursuit: Pursuit, situation: Situation, plans: Plans, *, now: datetime) -> Placed | Declined:
    """Before the reach: the plan's next attempt."""
    slot = next_slot(
        plans.of(pursuit),
        pursuit.step,
        pursuit.attempt,
        situation.history,
        situation.place,
        after=now,
        now=now,
        earliest=situation.earliest,
    )
    return slot if isinstance(slot, Declined) else from_slot(slot, pursuit.step)


def _follow_up(pursuit: Pursuit, situation: Situation, *, now: datetime) -> Placed | Declined:
    """After the reach: a call on the next business day."""
    place, history = situation.place, situation.history
    day = add_business_days(place.local_date(now), 1, place)
    found = slot_from(day, history, place, now=max(now, situation.earliest or now))
    if isinstance(found, Declined):
        return found
    words = slot_in_words(found.window, found.cell, history, place)
    reason = gettext("follow-up call: %(slot)s") % {"slot": words}
    return Placed(pursuit.attempt, pursuit.step, "call", *found.window, found.cell[1], reason)


def _at_once(placed: Placed, situation: Situation, *, now: datetime) -> Placed:
    """The same call, moved to now where one is permitted now; an unworked one stays due, so that nothing is lost."""
    window = situation.next_window(now=now)
    if placed.due_at <= now or window is None or window[0] > now or situation.earliest is not None:
        return placed
    reason = gettext("turned warm: call now; planned was %(plan)s") % {"plan": placed.reason}
    return replace(placed, due_at=now, window_end=window[1], reason=reason[:300])
