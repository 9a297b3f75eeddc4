"""What does a cadence look like over the weeks? Its steps on a line, as numbers a template can draw."""

from collections.abc import Sequence
from dataclasses import dataclass

from .cadence import Plan

WIDTH = 960
LEFT = 12


@dataclass(frozen=True, slots=True)
class Mark:
    """One step on the line: `x` in picture units, which of the calls it is (None: no call)."""

    x: float
    step: int
    attempt: int | None
    channel: str
    phase: str


@dataclass(frozen=True, slots=True)
class Picture:
    marks: tuple[Mark, ...]
    weeks: tuple[tuple[float, int], ...]  # (x, number of the week, from 1)
    width: int = WIDTH


def of_plan(plan: Plan) -> Picture:
    """The plan by business days alone, five to the week."""
    offsets, total = [], 0
    for step in range(1, len(plan.waits) + 1):
        total += plan.wait(step)
        offsets.append(total)
    last = max(offsets[-1], 5)
    return _picture(
        plan, [offset / last for offset in offsets], [week * 5 / last for week in range(last // 5 + 1)]
    )


def _picture(plan: Plan, shares: Sequence[float], weeks: Sequence[float]) -> Picture:
    marks, attempt = [], 0
    for step, share in enumerate(shares, start=1):
        is_call = plan.channel(step) == "call"
        attempt += is_call
        marks.append(
            Mark(_x(share), step, attempt if is_call else None, plan.channel(step), plan.phase(step))
        )
    return Picture(tuple(marks), tuple((_x(share), week) for week, share in enumerate(weeks, start=1)))


def _x(share: float) -> float:
    return round(LEFT + share * (WIDTH - 2 * LEFT), 1)
