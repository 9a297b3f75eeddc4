"""Intervals and shrinkage against published figures."""

import pytest

from crm.pipeline.statistics import median_of, proportion, ratio, shrunk


@pytest.mark.parametrize(
    ("hits", "trials", "low", "high"),
    [
        # Newcombe (1998), Statistics in Medicine 17, table I, Wilson's score method without correction.
        pytest.param(81, 263, 0.2553, 0.3662, id="Newcombe 81 of 263"),
        pytest.param(15, 148, 0.0624, 0.1605, id="Newcombe 15 of 148"),
        pytest.param(0, 20, 0.0000, 0.1611, id="Newcombe none of 20"),
        pytest.param(1, 29, 0.0061, 0.1718, id="Newcombe 1 of 29"),
        pytest.param(20, 20, 0.8389, 1.0000, id="all of 20, by symmetry"),
    ],
)
def test_wilson(hits, trials, low, high):
    found = proportion(hits, trials)
    assert found.share == hits / trials
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)


def test_no_trials_have_no_share():
    assert proportion(0, 0).share is None
    assert proportion(0, 0).high is None


@pytest.mark.parametrize(("hits", "trials"), [(3, 2), (-1, 4)])
def test_impossible_counts_are_refused(hits, trials):
    with pytest.raises(ValueError, match="hits"):
        proportion(hits, trials)


def test_shrinkage_pulls_thin_cells_to_the_mean_and_leaves_thick_ones():
    assert shrunk(0, 0, mean=0.2) == pytest.approx(0.2)
    assert shrunk(10, 10, mean=0.2) == pytest.approx(16 / 40)
    assert shrunk(500, 1000, mean=0.2) == pytest.approx(506 / 1030)


def test_a_ratio_needs_thirty_on_both_sides():
    assert ratio(proportion(20, 100), proportion(10, 100)) == pytest.approx(2)
    assert ratio(proportion(2, 29), proportion(10, 100)) is None
    assert ratio(proportion(20, 100), proportion(0, 100)) is None
    assert ratio(proportion(0, 100), proportion(20, 100)) is None
    assert ratio(proportion(20, 100), proportion(0, 0)) is None


def test_the_median_of_two_middles_lies_between_them():
    assert median_of([3.0, 5.0]) == 4
    assert median_of([3.0]) == 3
    assert median_of([]) is None
