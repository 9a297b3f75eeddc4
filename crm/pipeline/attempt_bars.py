"""How are counts and chances by attempt drawn? As stacked bars, the early stop marked.

Segments differ by filling, not by colour alone: hatched, hollow, solid, or dashed where they rest on few.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from crm.pipeline.drawing import NOTHING, figure, hatch, hatch_id, line, linked, place, text

Fill = Literal["solid", "hollow", "hatched", "thin"]
CLASSES: dict[Fill, str] = {
    "solid": "bar-all",
    "hollow": "bar-frame",
    "hatched": "bar-early",
    "thin": "bar-frame",
}
# No axis has room for more numbers than these; others are left out where they would touch.
NUMBERED = (1, 8, 12, 15, 24, 30)
# For the mark's words, and a value below them.
ROOM_ABOVE = 38


@dataclass(frozen=True)
class Bar:
    """One attempt: segments from the ground up as (size, filling), what they say, and where they lead.

    `value` stands above the bar where the axis has a number.
    """

    attempt: int
    segments: Sequence[tuple[float, Fill]]
    words: str
    href: str = ""
    value: str = ""


def attempt_bars(
    bars: Sequence[Bar], label: str, *, early: int, target: int, first: int = 1, height: int = 170
) -> SafeString:
    """The bars from attempt `first` to the last of them or the target, scaled to the highest."""
    if not bars:
        return NOTHING
    last = max(target, *(bar.attempt for bar in bars))
    highest = max(sum(size for size, _fill in bar.segments) for bar in bars) or 1
    floor, slot = height - 22, 100 / (last - first + 1)
    pattern = hatch_id(label, len(bars))
    parts = [hatch(pattern), line(0, floor, 100, floor, "base-line")]
    edge = (early - first + 1) * slot
    parts.append(line(edge, 6, edge, floor, "mark-line stop"))
    parts.append(text(f"{place(edge)}%", 15, gettext("most stop: {n}").format(n=early), "halo stop", dx=6))
    for bar in bars:
        left = (bar.attempt - first + 0.12) * slot
        parts.append(_bar(bar, left, slot * 0.76, floor, (floor - ROOM_ABOVE) / highest, pattern))
    by_attempt = {bar.attempt: bar for bar in bars}
    for attempt in _numbers(first, last, {early, target}):
        middle = f"{place((attempt - first + 0.5) * slot)}%"
        parts.append(text(middle, floor + 16, str(attempt), anchor="middle"))
        if bar := by_attempt.get(attempt):
            top = floor - sum(size for size, _fill in bar.segments) * (floor - ROOM_ABOVE) / highest
            parts.append(text(middle, top - 5, bar.value, "strong halo", "middle"))
    return figure(label, height, parts, "chart-right")


def _bar(bar: Bar, left: float, width: float, floor: int, scale: float, pattern: str) -> SafeString:
    parts, ground = [], float(floor)
    for size, fill in bar.segments:
        if not size:
            continue
        tall = max(size * scale, 1.5)
        ground -= tall
        parts.append(
            format_html(
                '<rect class="{}" x="{}%" y="{}" width="{}%" height="{}" rx="1.5"{}/>',
                CLASSES[fill],
                place(left),
                place(ground),
                place(width),
                place(tall),
                _filling(fill, pattern),
            )
        )
    if not parts:
        return NOTHING
    body = format_html("<g><title>{}</title>{}</g>", bar.words, SafeString("".join(parts)))
    return linked(body, bar.href, bar.words)


def swatch(fill: Fill) -> SafeString:
    """A filling as it stands in a legend. The class is on the group: a chart would take the whole width."""
    pattern = hatch_id("swatch", 0)
    return format_html(
        '<svg width="16" height="12" aria-hidden="true"><g class="chart">{}'
        '<rect class="{}" x="1" y="1" width="14" height="10" rx="2"{}/></g></svg>',
        hatch(pattern) if fill == "hatched" else "",
        CLASSES[fill],
        _filling(fill, pattern),
    )


def _filling(fill: Fill, pattern: str) -> SafeString:
    if fill == "hatched":
        return format_html(' fill="url(#{})"', pattern)
    return SafeString(' stroke-dasharray="3 2"' if fill == "thin" else "")


def _numbers(first: int, last: int, wanted: set[int]) -> list[int]:
    numbers = sorted(n for n in {*wanted, first} if first <= n <= last)
    for n in NUMBERED:
        if first <= n <= last and all(abs(n - other) >= 2 for other in numbers):
            numbers.append(n)
    return sorted(numbers)
