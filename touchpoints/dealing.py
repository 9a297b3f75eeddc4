"""Who gets each of these leads, and on which day is each called? Turns, loads and days, as values."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Mapping, Sequence
from math import ceil


def in_turn(
    count: int, members: Sequence[int], *, after: int | None = None, most: Mapping[int, int] | None = None
) -> list[int]:
    """`count` members, one after the other, beginning with the one behind `after`; whoever has their `most` is
    passed over. Fewer than `count` where nobody may have more. `members` are ids in their fixed order."""
    left = {pk: most[pk] if most is not None else count for pk in members}
    order = [pk for pk in members if after is None or pk > after]
    order += [pk for pk in members if after is not None and pk <= after]
    chosen: list[int] = []
    while len(chosen) < count and any(left[pk] > 0 for pk in order):
        for pk in order:
            if left[pk] > 0 and len(chosen) < count:
                left[pk] -= 1
                chosen.append(pk)
    return chosen


def by_load(
    count: int,
    loads: Mapping[int, int],
    dials_a_day: Mapping[int, int],
    *,
    most: Mapping[int, int] | None = None,
) -> list[int]:
    """`count` members, each time the one with least to do for the dials they make a day; of two alike the one who
    came first. `loads`: what each has already, by id."""
    left = {pk: most[pk] if most is not None else count for pk in loads}
    waiting = [
        ((load + 1) / max(dials_a_day[pk], 1), place, pk, load)
        for place, (pk, load) in enumerate(loads.items())
    ]
    heapq.heapify(waiting)
    chosen: list[int] = []
    while waiting and len(chosen) < count:
        _share, place, pk, load = heapq.heappop(waiting)
        if left[pk] <= 0:
            continue
        left[pk] -= 1
        chosen.append(pk)
        heapq.heappush(waiting, ((load + 2) / max(dials_a_day[pk], 1), place, pk, load + 1))
    return chosen


def days_of(wanted: Sequence[int], room: Sequence[int], days: int) -> list[int]:
    """On which day (0 is today) each call is made, in the order given: the most pressing first.

    `wanted` is the day each was due, `room` what one person can still call on each day ahead. What was due within the
    next `days` is spread over them, to each in proportion to its room; nothing is called earlier than it was due, and
    no day gets more than its room. What the days cannot carry goes to the next ones that can; what none can stays.
    """
    free = [max(0, one) for one in room]
    chosen = list(wanted)
    early = [index for index, day in enumerate(wanted) if day < days]
    left = _spread(early, chosen, wanted, free, min(days, len(free)))
    later = [index for index, day in enumerate(wanted) if days <= day < len(free)]
    first = 0
    for index in sorted([*left, *later], key=lambda one: (max(wanted[one], 0), one)):
        while first < len(free) and free[first] == 0:
            first += 1
        day = next((day for day in range(max(first, wanted[index]), len(free)) if free[day]), None)
        if day is not None:
            free[day] -= 1
            chosen[index] = day
    return chosen


def _spread(
    early: Collection[int], chosen: list[int], wanted: Sequence[int], free: list[int], days: int
) -> list[int]:
    """Fill `days` evenly; returns those that found no place in them."""
    total, passed, placed = sum(free[:days]), 0, 0
    waiting = list(early)
    for day in range(days):
        passed += free[day]
        share = ceil(len(early) * passed / total) - placed if total else 0
        fits = [index for index in waiting if wanted[index] <= day][: max(0, min(share, free[day]))]
        for index in fits:
            chosen[index] = day
        gone = set(fits)
        waiting = [index for index in waiting if index not in gone]
        free[day] -= len(fits)
        placed += len(fits)
    return waiting
