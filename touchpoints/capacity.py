"""How many new pursuits may start today without drowning the rep in calls that are due?"""

from collections.abc import Sequence


def starts_allowed(
    dials_a_day: int | Sequence[int], due_by_day: Sequence[int], days: int, *, offsets: Sequence[int] = (0,)
) -> int:
    """The number of pursuits that fit the coming `days` (today first) beside what is due already.

    `dials_a_day` is one number, or one a day where working hours and absences differ. Each start brings a
    dial on every day of `offsets`. Work may slip to a later day, so that what counts is the room up to and
    including a day: no day may be promised more than the days up to it can carry.
    """
    room = 0
    fits: int | None = None
    for day in range(days):
        capacity = (
            dials_a_day if isinstance(dials_a_day, int) else dials_a_day[day] if day < len(dials_a_day) else 0
        )
        room += capacity - (due_by_day[day] if day < len(due_by_day) else 0)
        brought = sum(offset <= day for offset in offsets)
        if brought:
            fits = room // brought if fits is None else min(fits, room // brought)
    return max(0, fits or 0)
