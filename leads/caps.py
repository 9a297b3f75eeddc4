"""When do the law's caps and the house's leave a number free to be dialled again?

Each function answers with the first instant from `at` on that its caps leave free, if nobody dials meanwhile.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from leads.guard_facts import GuardFacts
from leads.law import Rules

_WEEK_HOURS = 7 * 24


def law_cap_in_words(facts: GuardFacts, rules: Rules, now: datetime) -> str:
    """Which of the law's caps binds at `now`; call it only where `law_free_at` is later."""
    for bar in rules.refusal_bars:
        if _bar_ends_at(facts, bar.days, now) > now:
            return f"The rule of {bar.jurisdiction} bars calls for {bar.days} days after a refusal."
    cap = next(cap for cap in rules.caps if _rolling(facts.dials_to_number, cap.most, cap.hours, now) > now)
    return f"The rule of {cap.jurisdiction} allows {cap.most} calls to one number in {cap.hours} hours."


def law_free_at(facts: GuardFacts, rules: Rules, at: datetime) -> datetime:
    """By the law: dials to the number in rolling hours, and the time a refusal bars calls."""
    return max(
        at,
        *(_rolling(facts.dials_to_number, cap.most, cap.hours, at) for cap in rules.caps),
        *(_bar_ends_at(facts, bar.days, at) for bar in rules.refusal_bars),
    )


def _bar_ends_at(facts: GuardFacts, days: int, at: datetime) -> datetime:
    return at if facts.refused_at is None else max(at, facts.refused_at + timedelta(days=days))


def _rolling(dials: Sequence[datetime], most: int, hours: int, at: datetime) -> datetime:
    """Once fewer than `most` dials lie in the hours before; a dial leaves those exactly `hours` later."""
    if len(dials) < most:
        return at
    return max(at, sorted(dials)[-most] + timedelta(hours=hours))


def house_free_at(facts: GuardFacts, at: datetime) -> datetime:
    """By the house: dials to the lead in its local day and in 7 days; its own request lifts both."""
    caps = facts.workspace.house_caps
    if facts.lead_request:
        return at
    free = at
    if caps.per_7_days:
        free = _rolling(facts.dials_to_lead, caps.per_7_days, _WEEK_HOURS, free)
    if caps.per_day:
        free = max(
            [free, *(_day_free_at(facts.dials_to_lead, caps.per_day, zone, free) for zone in facts.zones)]
        )
    return free


def _day_free_at(dials: Sequence[datetime], most: int, zone: str, at: datetime) -> datetime:
    """`at`, or the next midnight there after the local days that have had their dials."""
    clock = ZoneInfo(zone)
    days = [dial.astimezone(clock).date() for dial in dials]
    today = at.astimezone(clock).date()
    day = today
    while days.count(day) >= most:
        day += timedelta(days=1)
    return at if day == today else datetime.combine(day, time(), clock).astimezone(UTC)


def gap_free_at(facts: GuardFacts, at: datetime) -> datetime:
    """By the house: the rest between two dials to one number; the lead's own request lifts it."""
    if facts.lead_request or not facts.dials_to_number:
        return at
    return max(at, max(facts.dials_to_number) + gap(facts))


def gap(facts: GuardFacts) -> timedelta:
    """The rest the number has after its last dial."""
    caps = facts.workspace.house_caps
    return caps.busy_gap if facts.last_dial_busy else caps.min_gap
