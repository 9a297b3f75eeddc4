"""The bars by attempt: what each says, how it is filled, where it leads."""

import re

import pytest

from crm.pipeline.attempt_bars import Bar, attempt_bars, swatch


def drawn(bars, **more):
    return str(attempt_bars(bars, "Calls", early=4, target=18, **more))


def heights(svg):
    return [float(h) for h in re.findall(r'<rect class="bar-all"[^>]* height="([\d.]+)"', svg)]


def test_nothing_is_drawn_of_nothing():
    assert drawn([]) == ""


def test_bars_are_as_high_as_their_size():
    svg = drawn([Bar(1, [(10, "solid")], "a"), Bar(2, [(5, "solid")], "b"), Bar(3, [(0, "solid")], "c")])
    first, second = heights(svg)
    assert first == pytest.approx(2 * second)


def test_segments_stand_on_one_another_and_differ_by_more_than_colour():
    svg = drawn([Bar(4, [(3, "hatched"), (2, "hollow"), (1, "solid")], "six")])
    tops = [float(y) for y in re.findall(r'<rect class="bar-(?:early|frame|all)"[^>]* y="([\d.]+)"', svg)]
    assert tops == sorted(tops, reverse=True)
    assert 'class="bar-early"' in svg
    assert 'fill="url(#hatch-' in svg
    assert "style=" not in svg


def test_bars_stay_inside_whatever_the_first_attempt():
    for first in (0, 1):
        svg = drawn([Bar(n, [(1, "solid")], str(n)) for n in range(first, 22)], first=first)
        edges = re.findall(r'<rect class="bar-all" x="([\d.]+)%"[^>]* width="([\d.]+)%"', svg)
        assert len(edges) == 22 - first
        assert all(float(x) >= 0 and float(x) + float(w) <= 100 for x, w in edges)


def test_a_linked_bar_can_be_reached_without_seeing_it():
    assert 'role="img"' in drawn([Bar(1, [(1, "solid")], "one call")])
    linked = drawn([Bar(1, [(1, "solid")], "one & a call", href="/pipeline/leads/?tile=a&part=b")])
    assert 'role="group"' in linked
    assert 'aria-label="one &amp; a call"' in linked
    assert 'href="/pipeline/leads/?tile=a&amp;part=b"' in linked


def test_values_stand_above_numbered_bars_alone():
    svg = drawn([Bar(n, [(n, "solid")], "w", value=f"v{n}") for n in range(1, 19)])
    assert [n for n in range(1, 19) if f">v{n}<" in svg] == [1, 4, 8, 12, 15, 18]


@pytest.mark.parametrize("fill", ["solid", "hollow", "hatched", "thin"])
def test_a_swatch_is_small_and_decoration(fill):
    assert 'width="16"' in swatch(fill)
    assert 'aria-hidden="true"' in swatch(fill)
