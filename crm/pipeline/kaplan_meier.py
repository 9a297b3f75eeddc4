"""When are leads first reached, if those not reached yet are not forgotten?

The product-limit estimate of Kaplan and Meier (1958) over attempts 1, 2, 3 …: a pursuit reached at attempt k
is an event at k; one that made k attempts without a reach (still open, or ended otherwise) is censored after
k: it stands among those tried at k and says nothing of what later attempts would have brought.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, log, sqrt

from crm.pipeline.statistics import Z95


@dataclass(frozen=True)
class Point:
    """One attempt: how many were tried at it, what came of it, the share reached by then and its interval."""

    attempt: int
    at_risk: int
    reached: int
    censored: int
    hazard: float
    reached_by: float
    low: float
    high: float


def curve(events: Mapping[int, int], censored: Mapping[int, int]) -> tuple[Point, ...]:
    """The points from attempt 1 to the last at which anybody was tried.

    `events` and `censored` are counts of pursuits by attempt (1-based); attempt 0 is nobody tried and is left
    out. The interval is Greenwood's variance on the log(−log) scale, which keeps it inside 0..1.
    """
    last = max((k for counts in (events, censored) for k, n in counts.items() if n), default=0)
    at_risk = sum(n for counts in (events, censored) for k, n in counts.items() if k >= 1)
    survival, greenwood, points = 1.0, 0.0, []
    for attempt in range(1, last + 1):
        reached, lost = events.get(attempt, 0), censored.get(attempt, 0)
        hazard = reached / at_risk
        survival *= 1 - hazard
        if at_risk > reached:
            greenwood += reached / (at_risk * (at_risk - reached))
        low, high = _interval(survival, greenwood)
        points.append(Point(attempt, at_risk, reached, lost, hazard, 1 - survival, 1 - high, 1 - low))
        at_risk -= reached + lost
    return tuple(points)


def _interval(survival: float, greenwood: float) -> tuple[float, float]:
    """Lower and upper bound of a survival, 95 %; the value itself where it is certain."""
    if survival in (0.0, 1.0) or greenwood == 0.0:
        return survival, survival
    margin = Z95 * sqrt(greenwood) / abs(log(survival))
    return survival ** exp(margin), survival ** exp(-margin)


def reached_by(points: Sequence[Point], attempt: int) -> float | None:
    """The share reached by the attempt; None where nobody was tried so often."""
    if attempt < 1 or attempt > len(points):
        return None
    return points[attempt - 1].reached_by


def late_share(points: Sequence[Point], *, after: int, until: int) -> float | None:
    """Had every pursuit gone on to `until`: the share of all first reaches that attempts after `after` bring.

    None where the curve does not go so far, or nobody was reached at all.
    """
    early, all_of_them = reached_by(points, after), reached_by(points, until)
    if early is None or not all_of_them:
        return None
    return (all_of_them - early) / all_of_them
