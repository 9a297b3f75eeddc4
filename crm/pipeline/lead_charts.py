"""How is one lead drawn? Its warmth over time, its attempts as dots, and the shares of its evidence."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import NotRequired, TypedDict

from django.utils import formats, timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext

from crm.figures import percent_text
from crm.pipeline.drawing import NOTHING, figure, line, linked, place, text


class WarmthPoint(TypedDict):
    """Days of warmth left at an instant (below zero: cold). Between points warmth runs off a day per day."""

    at: datetime
    days: float


class TouchMark(TypedDict):
    """A touchpoint on the warmth curve; `days` of warmth were left with it."""

    at: datetime
    label: str
    days: NotRequired[float]
    outbound: NotRequired[bool]
    href: NotRequired[str]


class MeterDot(TypedDict):
    """A past attempt. kind: "none" (nobody), "voicemail", "connect" (somebody else) or "reach" (the lead)."""

    kind: str
    label: str


class EvidenceShare(TypedDict):
    """One counted touchpoint and its share of the warmth; shares sum to 1."""

    label: str
    share: float


def warmth_curve(
    points: Sequence[WarmthPoint],
    touches: Sequence[TouchMark],
    label: str,
    *,
    now: datetime,
    height: int = 150,
) -> SafeString:
    """Days of warmth left over time, filled while warm, with touchpoints on the base line and "now" ruled.

    `points` are the instants at which the evidence changed, ascending. The curve runs on until it is cold.
    """
    if not points:
        return NOTHING
    outline = _warm_outline(points, now)
    touched = [touch["at"] for touch in touches]
    start = min([outline[0][0], *touched])
    end = max([outline[-1][0], now + timedelta(days=3), *touched])
    span = (end - start).total_seconds()
    top = max(7.0, *(days for _at, days in outline)) * 1.08
    floor = height - 24

    def across(moment: datetime) -> float:
        return (moment - start).total_seconds() / span * 100

    def up(days: float) -> float:
        return 12 + (1 - max(days, 0.0) / top) * (floor - 12)

    days_left = round(warmth_at(points, now))
    words = gettext("now: cold")
    if days_left > 0:
        words = ngettext("now: {n} day left", "now: {n} days left", days_left).format(n=days_left)
    parts = [
        *_warm_axis(top, up),
        _warm_shape([(across(at), up(days) - 12) for at, days in outline], floor - 12),
        line(0, floor, 100, floor, "base-line"),
        *_touch_marks(touches, across, floor),
        _now_rule(across(now), floor, words),
        text("0", floor + 17, short_day(start)),
        text("100%", floor + 17, short_day(end), anchor="end"),
    ]
    return figure(f"{label}: {words}", height, parts, "chart-axis-y chart-right")


def _warm_axis(top: float, up: Callable[[float], float]) -> list[SafeString]:
    step = next((days for days in (7, 14, 30, 60) if top / days < 4), 120)
    strokes = [text("0", up(0) + 4, gettext("cold"), anchor="end", dx=-8)]
    for days in range(step, int(top) + 1, step):
        strokes.append(line(0, up(days), 100, up(days), "grid-line"))
        # Translators: a number of days on a narrow axis.
        strokes.append(text("0", up(days) + 4, gettext("{n} d").format(n=days), anchor="end", dx=-8))
    return strokes


def _warm_shape(corners: Sequence[tuple[float, float]], height: int) -> SafeString:
    path = "L".join(f"{place(x * 10)} {place(y)}" for x, y in corners)
    return format_html(
        '<svg x="0" y="12" width="100%" height="{0}" viewBox="0 0 1000 {0}" preserveAspectRatio="none"'
        ' overflow="visible"><path class="area warm" d="M{1}L{2} {0}L{3} {0}Z"/>'
        '<path class="curve warm" d="M{1}"/></svg>',
        height,
        path,
        place(corners[-1][0] * 10),
        place(corners[0][0] * 10),
    )


def _now_rule(x: float, floor: int, words: str) -> SafeString:
    anchor, dx = ("end", -5) if x > 60 else ("start", 5)
    rule = line(x, 4, x, floor, "now-line")
    return format_html("{}{}", rule, text(f"{place(x)}%", 11, words, "halo strong", anchor, dx))


def warmth_at(points: Sequence[WarmthPoint], moment: datetime) -> float:
    """Days of warmth left at `moment`: the last change before it, less the days since."""
    before = [point for point in points if point["at"] <= moment]
    if not before:
        return 0.0
    return before[-1]["days"] - (moment - before[-1]["at"]).total_seconds() / 86400


def _warm_outline(points: Sequence[WarmthPoint], now: datetime) -> list[tuple[datetime, float]]:
    """The corners of the curve: a jump at each change, then down a day a day, flat at zero once cold."""
    corners: list[tuple[datetime, float]] = [(points[0]["at"], 0.0)]
    for index, point in enumerate(points):
        corners.append((point["at"], max(point["days"], 0.0)))
        cold_at = point["at"] + timedelta(days=max(point["days"], 0.0))
        following = points[index + 1]["at"] if index + 1 < len(points) else max(cold_at, now)
        if cold_at < following:
            corners += [(cold_at, 0.0), (following, 0.0)]
        else:
            corners.append((following, (cold_at - following).total_seconds() / 86400))
    return corners


def _touch_marks(
    touches: Sequence[TouchMark], across: Callable[[datetime], float], floor: int
) -> list[SafeString]:
    marks = []
    for touch in touches:
        words = f"{short_day(touch['at'])}: {touch['label']}"
        circle = format_html(
            '<circle class="touch{}" cx="{}%" cy="{}" r="5.5"><title>{}</title></circle>',
            " out" if touch.get("outbound") else "",
            place(across(touch["at"])),
            floor,
            words,
        )
        marks.append(linked(circle, touch.get("href", ""), words))
    return marks


def attempt_meter(dots: Sequence[MeterDot], attempt: int, target: int) -> SafeString:
    """A dot for each attempt up to the target: past ones by what they met, the next one ringed.

    Nobody is a filled circle, voicemail half a circle, somebody else a square, the lead a green diamond.
    """
    size, total = 12, max(target, attempt, len(dots))
    parts = [_meter_dot(dot["kind"], index * size + 6, dot["label"]) for index, dot in enumerate(dots)]
    for index in range(len(dots), total):
        kind = "m-next" if index == attempt - 1 else "m-todo"
        radius = 4 if kind == "m-todo" else 4.5
        parts.append(
            format_html('<circle class="{}" cx="{}" cy="6" r="{}"/>', kind, index * size + 6, radius)
        )
    met = ", ".join(str(dot["label"]) for dot in dots)
    words = gettext("Attempt {attempt} of {target}").format(attempt=attempt, target=target)
    return format_html(
        '<svg class="meter" width="{0}" height="12" viewBox="0 0 {0} 12" role="img" aria-label="{1}">'
        "{2}</svg>",
        total * size,
        f"{words}: {met}" if met else words,
        SafeString("".join(parts)),
    )


def _meter_dot(kind: str, x: int, label: str) -> SafeString:
    if kind == "voicemail":
        return format_html(
            '<g><title>{0}</title><circle class="m-voicemail" cx="{1}" cy="6" r="4"/>'
            '<path class="m-voicemail-half" d="M{1} 2a4 4 0 0 0 0 8z"/></g>',
            label,
            x,
        )
    if kind == "connect":
        return format_html(
            '<rect class="m-connect" x="{}" y="2" width="8" height="8" rx="1.5"><title>{}</title></rect>',
            x - 4,
            label,
        )
    if kind == "reach":
        return format_html(
            '<path class="m-reach" d="M{} 0.5l5.5 5.5-5.5 5.5-5.5-5.5z"><title>{}</title></path>', x, label
        )
    return format_html('<circle class="m-none" cx="{}" cy="6" r="4.5"><title>{}</title></circle>', x, label)


def evidence_bar(items: Sequence[EvidenceShare], temperature: str = "warm") -> SafeString:
    """The shares of a lead's evidence as one bar, strongest first; from the fourth on in one shade."""
    if not items:
        return NOTHING
    parts, left = [], 0.0
    for index, item in enumerate(items):
        width = item["share"] * 100
        parts.append(
            format_html(
                '<rect class="e-{}" x="{}%" y="0" width="{}%" height="10" rx="2"><title>{}</title></rect>',
                min(index, 3),
                place(left),
                place(max(width - 0.4, 0.3)),
                f"{percent_text(item['share'], 0)} {item['label']}",
            )
        )
        left += width
    words = ", ".join(f"{item['label']} {percent_text(item['share'], 0)}" for item in items)
    return format_html(
        '<svg class="evidence-bar{}" height="10" role="img" aria-label="{}">{}</svg>',
        "" if temperature == "warm" else " cold",
        gettext("Evidence: {shares}").format(shares=words),
        SafeString("".join(parts)),
    )


def short_day(moment: datetime) -> str:
    return formats.date_format(timezone.localtime(moment), "j M")
