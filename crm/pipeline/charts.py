"""How are the manager's numbers drawn? Pure functions from plain rows to inline SVG.

Every drawing has a name for those who do not see it, tells nothing by colour alone (warm is filled or solid,
cold is hollow or dashed, "too early" is hatched), takes its colours from CSS classes, and has its table in
`chart_tables`. Positions across are percentages without a viewBox, so that text keeps its size on a phone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import NotRequired, TypedDict

from django.utils import formats
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext

from crm.figures import count_text, percent_text
from crm.pipeline.drawing import NOTHING, figure, hatch, hatch_id, line, linked, place, text


class FunnelRow(TypedDict):
    """One step. The first row counts everybody; the others are shares of it."""

    label: str
    cold: int
    warm: int
    cold_href: NotRequired[str]
    warm_href: NotRequired[str]


class Curve(TypedDict):
    """One Kaplan–Meier curve: `shares[k]` of the leads are reached by attempt k + 1."""

    label: str
    kind: str  # "warm", "cold" or "all"
    shares: Sequence[float]


class DistributionRow(TypedDict):
    """How many pursuits ended after so many attempts."""

    attempt: int
    pursuits: int
    href: NotRequired[str]


class HeatCell(TypedDict):
    """One lead-local weekday (1 = Monday) and hour: dials, and the share of them that connected."""

    weekday: int
    hour: int
    n: int
    rate: float | None


class CapacityDay(TypedDict):
    """One day's follow-ups due against what the team can dial."""

    label: str
    due: int
    capacity: int
    href: NotRequired[str]


def funnel(rows: Sequence[FunnelRow]) -> SafeString:
    """A hollow cold bar above a solid warm one for each step, as shares of the first row."""
    if not rows:
        return NOTHING
    first = rows[0]
    head = format_html(
        '<li class="head"><span></span><span></span><span class="cold-value">○ {}</span>'
        '<span class="warm-value">● {}</span></li>',
        gettext("cold"),
        gettext("warm"),
    )
    body = [_funnel_step(row, first, is_first=index == 0) for index, row in enumerate(rows)]
    return format_html('<ol class="funnel">{}{}</ol>', head, SafeString("".join(body)))


def _funnel_step(row: FunnelRow, first: FunnelRow, *, is_first: bool) -> SafeString:
    cold, warm = _share(row["cold"], first["cold"]), _share(row["warm"], first["warm"])
    cold_text = count_text(row["cold"]) if is_first else percent_text(cold)
    warm_text = count_text(row["warm"]) if is_first else percent_text(warm)
    return format_html(
        '<li><span>{}</span><svg class="chart" height="21" aria-hidden="true">'
        '<rect class="bar-cold" x="1" y="1" width="{}%" height="8" rx="2"/>'
        '<rect class="bar-warm" x="0" y="12" width="{}%" height="9" rx="2"/></svg>'
        '<span class="cold-value" title="{}">{}</span><span class="warm-value" title="{}">{}</span></li>',
        row["label"],
        place((cold or 0) * 99),
        place((warm or 0) * 100),
        count_text(row["cold"]),
        linked(cold_text, row.get("cold_href", "")),
        count_text(row["warm"]),
        linked(warm_text, row.get("warm_href", "")),
    )


def step_curves(
    curves: Sequence[Curve], label: str, *, early: int = 4, target: int = 18, height: int = 210
) -> SafeString:
    """Share first reached by attempt: warm solid, cold dashed, the early stop and the target marked."""
    curves = [curve for curve in curves if curve["shares"]]
    if not curves:
        return NOTHING
    last = max(target, *(len(curve["shares"]) for curve in curves))
    # Room above the highest curve, for the words that stand there.
    top = _round_up(min(1.0, max(max(curve["shares"]) for curve in curves) * 1.15))
    floor = height - 22

    def across(attempt: float) -> float:
        return attempt / last * 100

    def up(share: float) -> float:
        return 14 + (1 - share / top) * (floor - 14)

    parts = [_grid(top, up)]
    parts += [_attempt_mark(early, across(early), floor, gettext("most stop: {n}"), "stop", "start")]
    parts += [_attempt_mark(target, across(target), floor, gettext("target: {n}"), "", "end")]
    for attempt in _ticks(last, {early, target}):
        anchor = "end" if attempt == last else "middle"
        parts.append(text(f"{place(across(attempt))}%", floor + 16, str(attempt), anchor=anchor))
    for curve in curves:
        parts.append(_step_path(curve, last, top, floor))
    parts += _curve_labels(curves, across, up)
    summary = "; ".join(_curve_summary(curve, early, target) for curve in curves)
    return figure(f"{label}: {summary}", height, parts, "chart-axis-y chart-right")


def _step_path(curve: Curve, last: int, top: float, floor: int) -> SafeString:
    """Steps in a stretched drawing of their own; vector-effect in the stylesheet keeps the line's width."""
    height = floor - 14
    path, level = [f"M0 {height}"], 0.0
    for attempt, share in enumerate(curve["shares"], start=1):
        path.append(f"H{place(attempt / last * 1000)}")
        if share != level:
            path.append(f"V{place(height - share / top * height)}")
        level = share
    return format_html(
        '<svg x="0" y="14" width="100%" height="{0}" viewBox="0 0 1000 {0}" preserveAspectRatio="none"'
        ' overflow="visible"><path class="curve {1}" d="{2}"/></svg>',
        height,
        _kind(curve["kind"]),
        "".join(path),
    )


def _curve_labels(
    curves: Sequence[Curve], across: Callable[[float], float], up: Callable[[float], float]
) -> list[SafeString]:
    """The name and last share of each curve above its end, pushed apart where two ends are close."""
    labels: list[SafeString] = []
    taken: list[float] = []
    for curve in sorted(curves, key=lambda item: item["shares"][-1]):
        y = up(curve["shares"][-1]) - 8
        while any(abs(y - other) < 15 for other in taken):
            y -= 3
        taken.append(y)
        words = f"{curve['label']} {percent_text(curve['shares'][-1])}"
        x = across(len(curve["shares"])) - 4
        labels.append(text(f"{place(x)}%", y, words, f"halo {_kind(curve['kind'])}", "end"))
    return labels


def _curve_summary(curve: Curve, early: int, target: int) -> str:
    shares = curve["shares"]
    return gettext("{name}: {first} by attempt {early}, {last} by attempt {end}").format(
        name=curve["label"],
        first=percent_text(shares[min(early, len(shares)) - 1]),
        early=min(early, len(shares)),
        last=percent_text(shares[min(target, len(shares)) - 1]),
        end=min(target, len(shares)),
    )


def distribution(
    rows: Sequence[DistributionRow], label: str, *, early: int = 4, target: int = 18, height: int = 190
) -> SafeString:
    """Pursuits by the attempt they ended at; those ended at `early` or before are hatched, and labelled."""
    if not rows:
        return NOTHING
    last = max(target, *(row["attempt"] for row in rows))
    highest = max(max(row["pursuits"] for row in rows), 1)
    total = sum(row["pursuits"] for row in rows)
    stopped = sum(row["pursuits"] for row in rows if row["attempt"] <= early)
    floor, slot = height - 22, 100 / last
    pattern = hatch_id(label, total)
    parts = [hatch(pattern), line(0, floor, 100, floor, "base-line")]
    for row in rows:
        if not row["pursuits"]:
            continue
        tall = max(row["pursuits"] / highest * (floor - 30), 1.5)
        words = _attempt_words(row)
        is_early = row["attempt"] <= early
        bar = format_html(
            '<rect class="{}" x="{}%" y="{}" width="{}%" height="{}" rx="2"{}><title>{}</title></rect>',
            "bar-early" if is_early else "bar-all",
            place((row["attempt"] - 1) * slot + slot * 0.12),
            place(floor - tall),
            place(slot * 0.76),
            place(tall),
            format_html(' fill="url(#{})"', pattern) if is_early else "",
            words,
        )
        parts.append(linked(bar, row.get("href", ""), words))
    for attempt in _ticks(last, {early, target}):
        parts.append(text(f"{place((attempt - 0.5) * slot)}%", floor + 16, str(attempt), anchor="middle"))
    share = gettext("{share} stopped at {early} or fewer").format(
        share=percent_text(_share(stopped, total)), early=early
    )
    edge = place(early * slot)
    parts.append(line(early * slot, 6, early * slot, floor, "mark-line stop"))
    parts.append(text(f"{edge}%", 15, share, "halo stop", dx=6))
    return figure(f"{label}: {share}", height, parts, "chart-right")


def heatmap(cells: Iterable[HeatCell], label: str, *, floor_n: int = 30) -> SafeString:
    """Connect rate by lead-local weekday and hour; cells of under `floor_n` dials are dashed and empty."""
    known = {(cell["weekday"], cell["hour"]): cell for cell in cells}
    if not known:
        return NOTHING
    days = sorted({day for day, _hour in known})
    hours = list(range(min(hour for _day, hour in known), max(hour for _day, hour in known) + 1))
    rates = [c["rate"] for c in known.values() if c["n"] >= floor_n and c["rate"] is not None]
    low, high = (min(rates), max(rates)) if rates else (0.0, 0.0)
    slot, row_height = 100 / len(hours), 27
    parts = [
        text(f"{place((i + 0.5) * slot)}%", 11, str(hour), anchor="middle") for i, hour in enumerate(hours)
    ]
    for y, day in enumerate(days):
        parts.append(text("0", y * row_height + 36, weekday_name(day), anchor="end", dx=-8))
        for x, hour in enumerate(hours):
            cell = known.get((day, hour))
            parts.append(
                _heat_cell(cell, day, hour, x * slot, y * row_height + 18, slot, (low, high), floor_n)
            )
    best = max((c for c in known.values() if c["n"] >= floor_n), key=lambda c: c["rate"] or 0, default=None)
    summary = gettext("too few dials so far")
    if best is not None:
        summary = gettext("best {day} at {hour} with {rate}").format(
            day=weekday_name(best["weekday"]), hour=best["hour"], rate=percent_text(best["rate"], 0)
        )
    return figure(f"{label}: {summary}", 18 + len(days) * row_height, parts, "chart-axis-y")


def _heat_cell(
    cell: HeatCell | None,
    day: int,
    hour: int,
    x: float,
    y: int,
    slot: float,
    span: tuple[float, float],
    floor_n: int,
) -> SafeString:
    n = cell["n"] if cell else 0
    rate = cell["rate"] if cell else None
    shown = rate is not None and n >= floor_n
    level = heat_level(rate, *span) if shown and rate is not None else "thin"
    words = ngettext(
        "{day} {hour}–{end}: {rate} of {n} dial", "{day} {hour}–{end}: {rate} of {n} dials", n
    ).format(day=weekday_name(day), hour=hour, end=hour + 1, rate=percent_text(rate, 0), n=count_text(n))
    value = formats.number_format(round(rate * 100)) if shown and rate is not None else ""
    return format_html(
        '<g><title>{}</title><rect class="heat-{}" x="{}%" y="{}" width="{}%" height="24" rx="3"/>{}</g>',
        words,
        level,
        place(x + slot * 0.03),
        y,
        place(slot * 0.94),
        text(f"{place(x + slot / 2)}%", y + 16, value, f"on-heat-{level}", "middle") if value else "",
    )


def heat_level(rate: float, low: float, high: float) -> str:
    """Which of the five shades, "0" to "4", a rate takes between the lowest and the highest shown."""
    if high <= low:
        return "2"
    return str(min(4, int((rate - low) / (high - low) * 5)))


def capacity(days: Sequence[CapacityDay], label: str, *, height: int = 170) -> SafeString:
    """Due against capacity by day: solid bars in a frame, hatched where more is due than can be dialled."""
    if not days:
        return NOTHING
    highest = max(max(day["due"], day["capacity"]) for day in days) or 1
    floor, slot = height - 22, 100 / len(days)
    pattern = hatch_id(label, len(days))
    parts = [hatch(pattern)]
    for index, day in enumerate(days):
        parts.append(_capacity_day(day, index * slot, slot, floor, (floor - 20) / highest, pattern))
        parts.append(text(f"{place((index + 0.5) * slot)}%", floor + 16, day["label"], anchor="middle"))
    parts.append(line(0, floor, 100, floor, "base-line"))
    over = sum(day["due"] > day["capacity"] for day in days)
    summary = ngettext("{n} day over capacity", "{n} days over capacity", over).format(n=over)
    return figure(f"{label}: {summary}", height, parts)


def _capacity_day(
    day: CapacityDay, x: float, slot: float, floor: int, scale: float, pattern: str
) -> SafeString:
    due, room = day["due"] * scale, day["capacity"] * scale
    within = min(due, room)
    words = gettext("{day}: {due} due, {capacity} can be dialled").format(
        day=day["label"], due=count_text(day["due"]), capacity=count_text(day["capacity"])
    )
    left, width = place(x + slot * 0.16), place(slot * 0.68)
    over = NOTHING
    if due > room:
        over = format_html(
            '<rect class="bar-over" fill="url(#{})" x="{}%" y="{}" width="{}%" height="{}"/>',
            pattern,
            left,
            place(floor - due),
            width,
            place(due - room),
        )
    body = format_html(
        '<g><title>{}</title><rect class="bar-frame" x="{}%" y="{}" width="{}%" height="{}" rx="2"/>'
        '<rect class="bar-all" x="{}%" y="{}" width="{}%" height="{}" rx="2"/>{}{}</g>',
        words,
        left,
        place(floor - room),
        width,
        place(room),
        left,
        place(floor - within),
        width,
        place(within),
        over,
        text(
            f"{place(x + slot / 2)}%", floor - max(due, room) - 5, count_text(day["due"]), "strong", "middle"
        ),
    )
    return linked(body, day.get("href", ""), words)


def weekday_name(day: int) -> str:
    """1 is "Mon", 7 is "Sun", in the reader's language."""
    # 2024-01-01 was a Monday.
    return formats.date_format(datetime(2024, 1, day), "D")


def _grid(top: float, up: Callable[[float], float]) -> SafeString:
    levels = [top * quarter / 4 for quarter in range(5)]
    return format_html_join(
        "",
        "{}{}",
        (
            (
                line(0, up(level), 100, up(level), "grid-line" if level else "base-line"),
                text("0", up(level) + 4, percent_text(level, 0), anchor="end", dx=-8),
            )
            for level in levels
        ),
    )


def _attempt_mark(n: int, x: float, floor: int, words: str, css: str, anchor: str) -> SafeString:
    dx = 6 if anchor == "start" else -6
    return format_html(
        "{}{}",
        line(x, 4, x, floor, f"mark-line {css}".strip()),
        text(f"{place(x)}%", 12, words.format(n=n), f"halo {css}".strip(), anchor, dx),
    )


def _ticks(last: int, wanted: set[int]) -> list[int]:
    """A handful of attempt numbers under an axis: the marked ones, and others that leave them room."""
    ticks = sorted(n for n in wanted if n <= last)
    for n in (1, 8, 12, 15, 24, 30):
        if n <= last and all(abs(n - other) >= 3 for other in ticks):
            ticks.append(n)
    return sorted(ticks)


def _attempt_words(row: DistributionRow) -> str:
    pursuits = ngettext("{n} pursuit", "{n} pursuits", row["pursuits"]).format(n=count_text(row["pursuits"]))
    return gettext("ended at attempt {attempt}: {pursuits}").format(attempt=row["attempt"], pursuits=pursuits)


def _kind(kind: str) -> str:
    return kind if kind in ("warm", "cold") else "all"


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _round_up(share: float) -> float:
    """The top of a percentage axis: the next of a few round values."""
    return next((top for top in (0.04, 0.08, 0.2, 0.4, 0.6, 0.8) if share <= top), 1.0)
