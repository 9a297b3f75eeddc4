"""How sure is a share of few? Wilson's interval, shrinkage of thin cells, ratios worth saying."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import sqrt

# The standard normal quantile that leaves 2.5 % on either side.
Z95 = 1.959963984540054
# Below this many trials a share is shown greyed and no ratio is drawn from it.
FEW = 30


@dataclass(frozen=True)
class Proportion:
    """`hits` of `trials` with the 95 % interval; all three shares are None where there were no trials."""

    hits: int
    trials: int
    share: float | None
    low: float | None
    high: float | None


def proportion(hits: int, trials: int, *, z: float = Z95) -> Proportion:
    """The share and its Wilson score interval (1927), which stays inside 0..1 and holds for few trials.

    Raises ValueError where hits are not within 0..trials.
    """
    if not 0 <= hits <= trials:
        raise ValueError(f"hits must lie within 0..{trials}, not be {hits}")
    if trials == 0:
        return Proportion(0, 0, None, None, None)
    share = hits / trials
    spread = z * z / trials
    middle = (share + spread / 2) / (1 + spread)
    half = z * sqrt(share * (1 - share) / trials + spread / (4 * trials)) / (1 + spread)
    # At the ends the bound is exact; rounding must not carry it past them.
    low = 0.0 if hits == 0 else max(0.0, middle - half)
    high = 1.0 if hits == trials else min(1.0, middle + half)
    return Proportion(hits, trials, share, low, high)


def shrunk(hits: int, trials: int, *, mean: float, weight: float = FEW) -> float:
    """The share drawn towards `mean` as if `weight` more trials had gone at the mean.

    A cell without trials is at the mean, one with many keeps its share (posterior mean of a beta prior).
    """
    return (hits + weight * mean) / (trials + weight)


def ratio(one: Proportion, other: Proportion) -> float | None:
    """How many times the share of `other` that of `one` is; None where either rests on few or is nothing."""
    if not one.share or not other.share or min(one.trials, other.trials) < FEW:
        return None
    return one.share / other.share


def median_of(middle: Iterable[float]) -> float | None:
    """The mean of the one or two middle values of a sorted series; None of none."""
    values = list(middle)
    return sum(values) / len(values) if values else None
