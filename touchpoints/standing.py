"""How far has a pursuit come by its calls, and what of its lead did each call leave for the next one?

A call takes what it found to what it leaves. So where an outcome is told late or amended, the calls after it are gone
through again from there; whatever a person changed in between stands as they left it.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any

from .stages import Event, Stage, advance

FOUND_NOBODY = ("no_answer", "voicemail_left", "busy")
CONVERSATION_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Said:
    """A call as far as others rest on it; `outcome` is "" where nobody said what came of it."""

    started_at: datetime
    ended_at: datetime | None
    dialled: bool
    outcome: str = ""
    reach: bool = False
    talked: bool = False
    ends: str = ""
    cools: bool = False
    user: int | None = None
    team: int | None = None


# --- the count ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Count:
    """Where a pursuit stands: `attempt` is the next one to be made, or the one that reached the lead."""

    attempt: int = 1
    reached_at: datetime | None = None
    reached_at_attempt: int | None = None
    tries_since_reach: int = 0


def number_of(count: Count, call: Said) -> int | None:
    """The attempt a call is; None for calls from them and for follow-up calls after the reach."""
    return count.attempt if call.dialled and not _reached_before(count, call) else None


def counted(count: Count, call: Said) -> Count:
    """Where the pursuit stands after one more call. A dial that is not over yet is not counted."""
    if _reached_before(count, call):
        if not call.outcome:
            return count
        tries = count.tries_since_reach + 1 if call.outcome in FOUND_NOBODY else 0
        return replace(count, tries_since_reach=tries)
    if call.reach:
        return Count(count.attempt, call.started_at, count.attempt)
    if call.dialled and call.ended_at is not None:
        return replace(count, attempt=count.attempt + 1)
    return count


def _reached_before(count: Count, call: Said) -> bool:
    """A visit reaches too, between two calls."""
    return count.reached_at is not None and count.reached_at <= call.started_at


# --- the lead ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Facts:
    """What a call may change of its lead; people, teams and companies by their ids."""

    stage: Stage
    owner: int | None
    team: int | None
    company: int | None
    cooled_at: datetime | None


def events_of(call: Said) -> list[Event]:
    """What the stage hears of a call, in order."""
    events: list[Event] = ["attempted"] if call.dialled else []
    events += ["reached"] if call.reach else []
    events += ["conversation"] if call.talked else []
    events += ["meeting"] if call.ends == "meeting" else []
    events += ["lost"] if call.ends == "disqualified" else []
    return events


def left(found: Facts, call: Said) -> Facts:
    """What a call leaves of what it found."""
    stage = found.stage
    for event in events_of(call):
        stage = advance(stage, event) or stage
    taken = call.reach and found.owner is None
    return Facts(
        stage=stage,
        owner=call.user if taken else found.owner,
        team=call.team if taken else found.team,
        company=None if call.ends == "left_company" else found.company,
        cooled_at=later_of(found.cooled_at, call.ended_at) if call.cools else found.cooled_at,
    )


def carried(found: Facts, *, left_then: Facts, left_now: Facts) -> Facts:
    """What whoever comes after a call finds, now that it left something else: `found` is what they did find, and
    where that is not what the call had left somebody changed it in between."""
    values: dict[str, Any] = {}
    for one in fields(Facts):
        here, then = getattr(found, one.name), getattr(left_then, one.name)
        values[one.name] = getattr(left_now, one.name) if here == then else here
    return Facts(**values)


def later_of(one: datetime | None, other: datetime | None) -> datetime | None:
    return max((at for at in (one, other) if at is not None), default=None)
