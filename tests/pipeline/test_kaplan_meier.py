"""The first-reach curve against hand-computed and textbook figures, and what must hold for any counts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.pipeline.kaplan_meier import curve, late_share, reached_by


def test_ten_pursuits_by_hand():
    # Reached at 1, 1, 2, 4, 5; gave up after 1, 2, 2, 4, 5 attempts.
    points = curve({1: 2, 2: 1, 4: 1, 5: 1}, {1: 1, 2: 2, 4: 1, 5: 1})
    assert [(p.attempt, p.at_risk, p.reached, p.censored) for p in points] == [
        (1, 10, 2, 1),
        (2, 7, 1, 2),
        (3, 4, 0, 0),
        (4, 4, 1, 1),
        (5, 2, 1, 1),
    ]
    # S = 0.8, 0.8·6/7, the same, ·3/4, ·1/2
    assert [p.reached_by for p in points] == pytest.approx(
        [0.2, 1 - 0.8 * 6 / 7, 1 - 0.8 * 6 / 7, 1 - 0.8 * 6 / 7 * 0.75, 1 - 0.8 * 6 / 7 * 0.75 * 0.5]
    )
    assert [p.hazard for p in points] == pytest.approx([0.2, 1 / 7, 0, 0.25, 0.5])


def test_the_remission_times_of_freireich_and_others_1963():
    """Weeks of remission of the 21 leukaemia patients on 6-MP: the example nearly every textbook prints."""
    events = {6: 3, 7: 1, 10: 1, 13: 1, 16: 1, 22: 1, 23: 1}
    censored = {6: 1, 9: 1, 10: 1, 11: 1, 17: 1, 19: 1, 20: 1, 25: 1, 32: 2, 34: 1, 35: 1}
    points = curve(events, censored)
    at = {p.attempt: p for p in points}
    printed = {6: 0.857, 7: 0.807, 10: 0.753, 13: 0.690, 16: 0.627, 22: 0.538, 23: 0.448}
    assert {k: round(1 - at[k].reached_by, 3) for k in printed} == printed
    assert {k: at[k].at_risk for k in printed} == {6: 21, 7: 17, 10: 15, 13: 12, 16: 11, 22: 7, 23: 6}
    # R's survfit(conf.type = "log-log") at week 10: 0.503 to 0.889 of survival.
    assert (round(1 - at[10].high, 3), round(1 - at[10].low, 3)) == (0.503, 0.889)


def test_pursuits_never_dialled_are_nobody_at_risk():
    assert curve({1: 1}, {0: 50, 1: 1})[0].at_risk == 2


def test_nobody_tried_gives_no_curve():
    assert curve({}, {}) == ()
    assert curve({}, {0: 3}) == ()
    assert reached_by((), 4) is None
    assert late_share((), after=4, until=18) is None


def test_the_late_share_compares_two_heights_of_the_curve():
    points = curve(dict.fromkeys(range(1, 6), 1), {5: 5})
    assert reached_by(points, 5) == pytest.approx(0.5)
    assert late_share(points, after=4, until=5) == pytest.approx(0.2)
    assert late_share(points, after=4, until=6) is None, "nobody was tried six times"


def test_nobody_reached_leaves_no_share_to_speak_of():
    assert late_share(curve({}, {6: 9}), after=4, until=6) is None


def test_everybody_reached_is_certain():
    last = curve({1: 3, 2: 2}, {})[-1]
    assert (last.reached_by, last.low, last.high) == (1, 1, 1)


COUNTS = st.dictionaries(st.integers(0, 20), st.integers(0, 40), max_size=20)


@given(events=COUNTS, censored=COUNTS)
def test_the_curve_rises_within_its_interval_and_loses_nobody(events, censored):
    events.pop(0, None)
    points = curve(events, censored)
    heights = [p.reached_by for p in points]
    assert heights == sorted(heights)
    assert all(
        0 <= p.low <= p.reached_by + 1e-9 and p.reached_by <= p.high + 1e-9 <= 1 + 2e-9 for p in points
    )
    everyone = sum(events.values()) + sum(n for k, n in censored.items() if k)
    assert sum(p.reached + p.censored for p in points) == everyone


@given(events=COUNTS)
def test_without_censoring_it_is_the_plain_share(events):
    events.pop(0, None)
    total, so_far = sum(events.values()), 0
    for point in curve(events, {}):
        so_far += events.get(point.attempt, 0)
        assert point.reached_by == pytest.approx(so_far / total)
