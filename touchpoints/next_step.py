"""What happens next to a lead once a call has an outcome?

Each outcome names one of the policies here (domain.md §4). A policy is a pure function of its parameters and
of what is known about the pursuit; it places the next call, ends the pursuit or asks a person for something.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Literal

from django.utils.dateformat import format as format_date
from django.utils.translation import gettext, ngettext

from .cadence import (
    Attempted,
    Declined,
    Place,
    Plan,
    Slot,
    Window,
    add_business_days,
    attempted,
    earliest_permitted,
    next_slot,
    slot_from,
    slot_in_words,
)

MOST_TRIES_AFTER_REACH = 6
HAND_RAISE_TRIES_FIRST_DAY = 3
HAND_RAISE_RETRY = (timedelta(minutes=30), timedelta(minutes=60))
RETRY_STAYS_OPEN = timedelta(minutes=60)

PlacementKind = Literal["attempt", "follow_up", "retry", "callback", "hand_raise", "other_number"]


@dataclass(frozen=True)
class Context:
    """What a policy may know when the outcome of attempt `attempt` at `step` is logged.

    `history` holds every dial to the lead, this one included. `reached` says whether the pursuit has reached
    the lead, this call included; `found_nobody` counts the follow-up calls since then that did not, this one
    included.
    """

    plan: Plan
    step: int
    attempt: int
    history: tuple[Attempted, ...]
    place: Place
    reached: bool = False
    found_nobody: int = 0
    busy_today: int = 0
    hang_ups: int = 0
    voicemails: tuple[int, ...] = ()  # the steps at which one was left in this pursuit, this one included
    other_numbers: int = 0
    agreed_at: datetime | None = None
    promised_on: date | None = None
    days: int | None = None
    hand_raised_at: datetime | None = None
    hand_raise_tries: int = 0
    hand_raise_tried_at: datetime | None = None  # the first of these tries, this one included
    earliest: datetime | None = None  # from when the law's caps let a dial through
    ends_pursuit: str = ""


@dataclass(frozen=True, slots=True)
class Placement:
    """The next call: `attempt` and `step` as the pursuit should hold them, when, and why in words.

    `lifts_house_caps` marks a call the lead asked for. `warm_override_until` is set where the lead said
    "later".
    """

    kind: PlacementKind
    attempt: int
    step: int
    due_at: datetime
    until: datetime
    channel: str
    day_part: str
    reason: str
    agreed_at: datetime | None = None
    lifts_house_caps: bool = False
    warm_override_until: datetime | None = None
    ask_to_stop: bool = False

    @property
    def not_before(self) -> datetime:
        return self.due_at


@dataclass(frozen=True, slots=True)
class PursuitEnds:
    end_reason: str
    reason: str
    recycle_after: timedelta | None = None


@dataclass(frozen=True, slots=True)
class NeedsTask:
    """The pursuit waits until a person has done `task`; then the attempt to be made is this one."""

    task: str
    reason: str
    attempt: int
    step: int


NextStep = Placement | PursuitEnds | NeedsTask | Declined
Policy = Callable[[Mapping[str, Any], Context, datetime], NextStep]


def next_step(policy: str, params: Mapping[str, Any], context: Context, *, now: datetime) -> NextStep:
    """What the named policy decides; raises ValueError for a name that is none of POLICIES.

    Before the reach a dial that was the last of the target ends the pursuit, whatever the policy would place
    next; after it, so does the sixth follow-up call in a row that found nobody.
    """
    if policy not in POLICIES:
        raise ValueError(f"policy must be one of {', '.join(POLICIES)}, not {policy!r}")
    if policy not in ENDLESS:
        exhausted = _exhausted(context)
        if exhausted is not None:
            return exhausted
    return POLICIES[policy](params, context, now)


def voicemail_allowed(params: Mapping[str, Any], context: Context) -> bool:
    """Whether one more voicemail may be left: so many a phase, so many a pursuit."""
    phases = [context.plan.phase(step) for step in context.voicemails]
    in_phase = phases.count(context.plan.phase(context.step))
    return in_phase < int(params.get("per_phase", 1)) and len(phases) < int(params.get("per_pursuit", 4))


def hand_raise(context: Context, *, now: datetime) -> Placement | Declined:
    """A lead who asked to be contacted is called at once, or in the next permitted minute, weekend or not."""
    window = earliest_permitted(context.place, at=max(now, context.earliest or now))
    if window is None:
        return _no_window()
    return _asked_for("hand_raise", context, window, gettext("asked to be contacted: call at once"))


def _exhausted(context: Context) -> PursuitEnds | None:
    if context.reached:
        if context.found_nobody < MOST_TRIES_AFTER_REACH:
            return None
        why = gettext("exhausted: %(tries)d follow-up calls in a row found nobody") % {
            "tries": context.found_nobody
        }
    elif context.attempt >= context.plan.target:
        why = gettext("exhausted: %(attempt)d of %(target)d attempts made, never reached") % {
            "attempt": context.attempt,
            "target": context.plan.target,
        }
    else:
        return None
    return PursuitEnds("exhausted", why)


def _next_slot(params: Mapping[str, Any], context: Context, now: datetime) -> NextStep:
    """The plan's next slot, in another part of the day; a fresh hand-raise is tried again within the hour
    first.
    """
    again = _hand_raise_again(context, now)
    return again or _cadence(context, now)


def _voicemail(params: Mapping[str, Any], context: Context, now: datetime) -> NextStep:
    days = int(params.get("business_days", 1))
    placed = _cadence(context, now, at_least=days)
    if isinstance(placed, Placement):
        more = ngettext(
            "a voicemail waits at least %(days)d business day",
            "a voicemail waits at least %(days)d business days",
            days,
        )
        return _because(placed, more % {"days": days})
    return placed


def _busy(params: Mapping[str, Any], context: Context, now: datetime) -> NextStep:
    wait = timedelta(minutes=int(params.get("minutes", 30)))
    place, at = context.place, max(now + wait, context.earliest or now)
    today = place.local_date(now)
    dials = sum(place.local_date(past.at) == today for past in context.history)
    window = earliest_permitted(place, at=at, horizon=timedelta(days=1))
    may_retry = (
        context.busy_today <= int(params.get("per_day", 2))
        and dials < place.caps.per_day
        and window is not None
        and window[0] == at
        and at == now + wait
        and place.local_date(at) == today
    )
    if not may_retry or window is None:
        return _cadence(context, now)
    window = (at, min(window[1], at + RETRY_STAYS_OPEN))
    why = gettext("was busy: again in %(minutes)d minutes") % {"minutes": wait // timedelta(minutes=1)}
    return _placed("retry", context, window, why)


def _gatekeeper(params: Mapping[str, Any], context: Context, now: datetime) -> NextStep:
    """One or two business days later, early or late, when the decision maker answers in person."""
    place = context.place
    first, last = params.get("business_days", (1, 2))
    today = place.local_date(now)
    found = slot_from(
        add_business_days(today, int(first), place),
        context.history,
        place,
        now=max(now, context.earliest or now),
        only_parts=tuple(params.get("day_parts", ("early", "late_afternoon"))),
        last_day=add_business_days(today, int(last), place),
    )
    if isinstance(found, Declined):
        return _cadence(context, now, at_least=int(first))
    words = slot_in_words(found.window, found.cell, context.history, place)
    why = gettext("gatekeeper answered: %(slot)s") % {"slot": words}
    return _placed("attempt", context, found.window, why, day_part=found.cell[1])


def _agreed_time(params: Mapping[str, Any], context: Context, now: datetime) -> NextStep:
    """The agreed time, give or take some minutes: the lead's own request, so only the law may stand against
    it.
    """
    agreed = context.agreed_at
    if agreed is None:
        return Declined("time_missing", gettext("an agreed time is needed for a callback"))
    if agreed <= now:
        return Declined("time_past", gettext("the agreed time must lie in the future"))
    tolerance = timedelta(minutes=int(params.get("tolerance_minutes", 15)))
    # "In twenty minutes" is not five: what was agreed for soon opens only shortly before.
    early = min(tolerance, (agreed - now) / 4)
    window = earliest_permitted(context.place, at=agreed)
    if window is None:
        return _no_window()
    if window[0] > agreed or (context.earliest and agreed < context.earliest):
        nearest = max(window[0], context.earliest or window[0])
        allowed = earliest_permitted(context.place, at=nearest)
        why = gettext("no call is permitted at the agreed time")
        return Declined("not_permitted", why, allowed[0] if allowed else None)
    opened = earliest_permitted(context.place, at=max(now, agreed - early))
    opens = opened[0] if opened else agreed
    local = agreed.astimezone(context.place.zone)
    why = gettext("callback agreed for %(when)s their time") % {"when": format_date(local, "l j F, H:i")}
    placed = _asked_for("callback", context, (opens, min(agreed + tolerance, window[1])), why)
    return replace(placed, agreed_at=agreed)


def _later(params: Mapping[str, Any], context: Context, now: datetime) -> NextStep:
    offered = [int(days) for days in params.get("days", (30, 60, 90))]
    days = context.days if context.days is not None else offered[0]
    if days not in offered:
        known = ", ".join(str(day) for day in offered)
        why = gettext("days must be one of %(offered)s, not %(days)d") % {"offered": known, "days": days}
        return Declined("days_not_offered", why)
    day = add_business_days(context.place.local_date(now) + timedelta(days=days), 0, context.place)
    why = gettext('said "later": %(days)d days on') % {"days": days}
    placed = _on_day(context, day, why, now)
    if isinstance(placed, Declined):
        return placed
    return replace(
        placed, warm_override_until=placed.due_at + timedelta(days=int(params.get("warm_extra_days", 14)))
    )


def _send_info(params: Mapping[str, Any], context: Context, now: datetime) -> NextStep:
    place, today = context.place, context.place.local_date(now)
    if context.promised_on is not None:
        day = add_business_days(max(context.promised_on, today), 0, place)
        return _on_day(context, day, gettext("promised for this day"), now)
    days = int(params.get("business_days", 2))
    why = ngettext(
        "asked for information: %(days)d business day on",
        "asked for information: %(days)d business days on",
        days,
    )
    return _on_day(context, add_business_days(today, days, place), why % {"days": days}, now)


def _cool_off(params: Mapping[str, Any], context: Context, now: datetime) -> NextStep:
    days = int(params.get("business_days", 5))
    day = add_business_days(context.place.local_date(now), days, context.place)
    why = ngettext(
        "hung up: %(days)d business day of peace", "hung up: %(days)d business days of peace", days
    )
    placed = _on_day(context, day, why % {"days": days}, now)
    if isinstance(placed, Placement) and context.hang_ups >= int(params.get("ask_to_stop_at", 2)):
        return replace(_because(placed, gettext("hung up before: stop calling?")), ask_to_stop=True)
    return placed


def _next_number(params: Mapping[str, Any], context: Context, now: datetime) -> NextStep:
    """Another number of the lead is its own attempt and needs no gap; without one a person must find it."""
    if not context.other_numbers:
        why = gettext("no number left: find another one")
        return NeedsTask("find_number", why, *_numbers(context))
    window = earliest_permitted(context.place, at=max(now, context.earliest or now))
    if window is None:
        return _no_window()
    return _placed("other_number", context, window, gettext("this number is of no use: try the next one"))


def _end(params: Mapping[str, Any], context: Context, now: datetime) -> NextStep:
    if not context.ends_pursuit:
        raise ValueError("an outcome that ends a pursuit needs the reason in ends_pursuit")
    days = params.get("recycle_after_days")
    if not days:
        return PursuitEnds(context.ends_pursuit, gettext("the pursuit ends"))
    why = gettext("the pursuit ends; it may start again after %(days)d days") % {"days": days}
    return PursuitEnds(context.ends_pursuit, why, timedelta(days=int(days)))


POLICIES: dict[str, Policy] = {
    "next_slot": _next_slot,
    "voicemail": _voicemail,
    "busy": _busy,
    "gatekeeper": _gatekeeper,
    "agreed_time": _agreed_time,
    "later": _later,
    "send_info": _send_info,
    "cool_off": _cool_off,
    "next_number": _next_number,
    "end": _end,
}
# What the lead asked for, and what ends anyway, is not cut short by a count.
ENDLESS = {"agreed_time", "later", "send_info", "end"}


def _numbers(context: Context) -> tuple[int, int]:
    """Attempt and step of the call to be made: the reach stops the count, and the plan with it."""
    if context.reached:
        return context.attempt, context.step
    return context.attempt + 1, context.step + 1


def _cadence(context: Context, now: datetime, *, at_least: int = 0) -> NextStep:
    if context.reached:
        return _follow_up_again(context, now, at_least)
    attempt, step = _numbers(context)
    slot = next_slot(
        context.plan,
        step,
        attempt,
        context.history,
        context.place,
        after=now,
        now=now,
        earliest=context.earliest,
        at_least=at_least,
    )
    if isinstance(slot, Slot):
        return Placement(
            "attempt", attempt, step, slot.not_before, slot.until, slot.channel, slot.day_part, slot.reason
        )
    return slot


def _follow_up_again(context: Context, now: datetime, at_least: int) -> NextStep:
    """A follow-up that found nobody is tried with the sprint's waits, counted from the agreed call."""
    sprint = [
        wait for wait, phase in zip(context.plan.waits, context.plan.phases, strict=True) if phase == "sprint"
    ]
    waits = sprint or list(context.plan.waits)
    wait = max(waits[min(context.found_nobody, len(waits) - 1)], at_least, 1)
    why = gettext("follow-up call %(number)d of %(most)d") % {
        "number": context.found_nobody + 1,
        "most": MOST_TRIES_AFTER_REACH,
    }
    return _on_day(context, add_business_days(context.place.local_date(now), wait, context.place), why, now)


def _hand_raise_again(context: Context, now: datetime) -> Placement | None:
    """Unanswered on the first day of a hand-raise: again after 30 to 60 minutes, three calls that day at most.

    Who raised a hand at night, or on a day on which no call is permitted, has their first day when we first could call.
    """
    raised, place = context.hand_raised_at, context.place
    if raised is None or context.hand_raise_tries >= HAND_RAISE_TRIES_FIRST_DAY:
        return None
    at, until = now + HAND_RAISE_RETRY[0], now + HAND_RAISE_RETRY[1]
    first = context.hand_raise_tried_at or raised
    if place.local_date(first) != place.local_date(at) or at < (context.earliest or at):
        return None
    window = earliest_permitted(place, at=at, horizon=timedelta(days=1))
    if window is None or window[0] > at:
        return None
    why = gettext("asked to be contacted and did not answer: again within the hour")
    return _asked_for("hand_raise", context, (at, min(until, window[1])), why)


def _on_day(context: Context, day: date, why: str, now: datetime) -> Placement | Declined:
    """The best slot on a day or the next one that has any, with the reason before it."""
    found = slot_from(day, context.history, context.place, now=max(now, context.earliest or now))
    if isinstance(found, Declined):
        return found
    words = slot_in_words(found.window, found.cell, context.history, context.place)
    reason = gettext("%(why)s: %(slot)s") % {"why": why, "slot": words}
    kind: PlacementKind = "follow_up" if context.reached else "attempt"
    return _placed(kind, context, found.window, reason, day_part=found.cell[1])


def _placed(
    kind: PlacementKind, context: Context, window: Window, reason: str, *, day_part: str | None = None
) -> Placement:
    attempt, step = _numbers(context)
    if day_part is None:
        day_part = attempted(window[0], context.place).day_part
    return Placement(kind, attempt, step, window[0], window[1], "call", day_part, reason)


def _asked_for(kind: PlacementKind, context: Context, window: Window, reason: str) -> Placement:
    return replace(_placed(kind, context, window, reason), lifts_house_caps=True)


def _because(placed: Placement, more: str) -> Placement:
    return replace(placed, reason=gettext("%(reason)s; %(more)s") % {"reason": placed.reason, "more": more})


def _no_window() -> Declined:
    return Declined("no_window", gettext("no permitted window ahead"))
