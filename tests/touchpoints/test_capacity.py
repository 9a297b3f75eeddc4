"""How many pursuits may start today?"""

import pytest

from touchpoints.capacity import starts_allowed

SPRINT = (0, 1, 2, 4, 5, 7)


@pytest.mark.parametrize(
    ("dials", "due", "days", "offsets", "expected"),
    [
        (80, [], 5, (0,), 80),
        (80, [30], 5, (0,), 50),
        (80, [80], 5, (0,), 0),
        (80, [100], 5, (0,), 0),
        (80, [0, 160, 80], 3, (0,), 0),
        (80, [0, 150, 0], 3, (0,), 10),
        (80, [40] * 10, 10, SPRINT, 40),
        ([80, 0, 0], [], 3, (0, 1, 2), 26),
        (0, [], 5, (0,), 0),
        (80, [], 0, (0,), 0),
    ],
    ids=[
        "500 leads do not make 500 dials today",
        "what is due today comes first",
        "a full day takes none",
        "nor does an overfull one",
        "tomorrow's overload is worked off before new starts",
        "or leaves the room that is left",
        "each start brings its sprint",
        "absences ahead count",
        "nobody there",
        "no days asked about",
    ],
)
def test_starts_fit_beside_what_is_due(
    dials: int | list[int], due: list[int], days: int, offsets: tuple[int, ...], expected: int
) -> None:
    assert starts_allowed(dials, due, days, offsets=offsets) == expected
