"""What does each chart say in words and numbers? Pure functions from its rows to a head and lines of text.

Beside every chart stands its table (`chart_table`), and an export writes the same lines.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from crm.figures import count_text, percent_text
from crm.pipeline.charts import CapacityDay, Curve, DistributionRow, FunnelRow, HeatCell, weekday_name
from crm.pipeline.lead_charts import TouchMark, short_day


class Lines(NamedTuple):
    """A table: its head, and rows of text of the same length."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]


def funnel_lines(rows: Sequence[FunnelRow]) -> Lines:
    """Each step's counts and shares of the first step, cold and warm."""
    head = [gettext("Step"), gettext("Cold"), gettext("Cold, share"), gettext("Warm"), gettext("Warm, share")]
    if not rows:
        return Lines(head, [])
    first = rows[0]
    return Lines(
        head,
        [
            [
                row["label"],
                count_text(row["cold"]),
                percent_text(row["cold"] / first["cold"] if first["cold"] else None),
                count_text(row["warm"]),
                percent_text(row["warm"] / first["warm"] if first["warm"] else None),
            ]
            for row in rows
        ],
    )


def curve_lines(curves: Sequence[Curve]) -> Lines:
    """The share reached by each attempt, a column a curve."""
    longest = max((len(curve["shares"]) for curve in curves), default=0)
    head = [gettext("Attempt"), *(curve["label"] for curve in curves)]
    return Lines(
        head,
        [
            [str(index + 1), *(percent_text(_at(curve["shares"], index), 1) for curve in curves)]
            for index in range(longest)
        ],
    )


def distribution_lines(rows: Sequence[DistributionRow]) -> Lines:
    """Pursuits by the attempt they ended at, with each one's share and the running share."""
    total = sum(row["pursuits"] for row in rows)
    lines, so_far = [], 0
    for row in rows:
        so_far += row["pursuits"]
        lines.append(
            [
                str(row["attempt"]),
                count_text(row["pursuits"]),
                percent_text(row["pursuits"] / total if total else None),
                percent_text(so_far / total if total else None),
            ]
        )
    return Lines([gettext("Attempt"), gettext("Pursuits"), gettext("Share"), gettext("Up to here")], lines)


def heatmap_lines(cells: Iterable[HeatCell], floor_n: int = 30) -> Lines:
    """Each weekday and hour with its dials and rate; a rate from too few dials says so."""
    return Lines(
        [gettext("Day"), gettext("Hour"), gettext("Dials"), gettext("Connect rate")],
        [
            [
                weekday_name(cell["weekday"]),
                f"{cell['hour']}–{cell['hour'] + 1}",
                count_text(cell["n"]),
                percent_text(cell["rate"], 1) if cell["n"] >= floor_n else gettext("too few"),
            ]
            for cell in sorted(cells, key=lambda cell: (cell["weekday"], cell["hour"]))
        ],
    )


def capacity_lines(days: Sequence[CapacityDay]) -> Lines:
    """Due, capacity and what is left, day by day."""
    return Lines(
        [gettext("Day"), gettext("Due"), gettext("Capacity"), gettext("Left")],
        [
            [
                day["label"],
                count_text(day["due"]),
                count_text(day["capacity"]),
                count_text(day["capacity"] - day["due"]),
            ]
            for day in days
        ],
    )


def touch_lines(touches: Sequence[TouchMark]) -> Lines:
    """The touchpoints behind a warmth curve, with the days of warmth that each left where they are known."""
    head = [gettext("Day"), gettext("Touchpoint")]
    rows = [[short_day(touch["at"]), touch["label"]] for touch in touches]
    if any("days" in touch for touch in touches):
        head.append(gettext("Days of warmth then"))
        for row, touch in zip(rows, touches, strict=True):
            days = round(touch.get("days", 0.0))
            row.append(str(days) if days else gettext("cold"))
    return Lines(head, rows)


def chart_table(lines: Lines, caption: str = "") -> SafeString:
    """The table under a chart: closed until someone asks for it."""
    head = format_html_join(
        "",
        '<th scope="col"{}>{}</th>',
        ((SafeString(' class="n"') if index else "", name) for index, name in enumerate(lines.head)),
    )
    body = format_html_join(
        "",
        '<tr><th scope="row">{}</th>{}</tr>',
        (
            (row[0], format_html_join("", '<td class="n">{}</td>', ((cell,) for cell in row[1:])))
            for row in lines.rows
        ),
    )
    return format_html(
        '<details class="chart-table"><summary>{}</summary><div class="table-wrap" tabindex="0" role="region"'
        ' aria-label="{}"><table class="table dense">{}<thead><tr>{}</tr></thead><tbody>{}</tbody></table>'
        "</div></details>",
        gettext("Table"),
        caption or gettext("Table"),
        format_html('<caption class="visually-hidden">{}</caption>', caption) if caption else "",
        head,
        body,
    )


def _at(shares: Sequence[float], index: int) -> float | None:
    return shares[index] if index < len(shares) else None
