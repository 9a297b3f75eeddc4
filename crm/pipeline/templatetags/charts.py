"""How does a template ask for a chart and its table? Thin tags; the shapes are those of the pure functions.

{% funnel_chart rows %}{% funnel_table rows caption %}
{% step_chart curves label early=4 target=18 %}{% step_table curves caption %}
{% distribution_chart rows label early=4 target=18 %}{% distribution_table rows caption %}
{% heatmap_chart cells label %}{% heatmap_table cells caption %}
{% capacity_chart days label %}{% capacity_table days caption %}
{% warmth_chart points touches label now %}{% touch_table touches caption %}
{% attempt_meter dots attempt target %}   {% evidence_bar evidence temperature %}
{% chart_table head rows caption %}       any other rows of text
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from django import template
from django.utils.safestring import SafeString

from crm.pipeline import chart_tables, charts, lead_charts

register = template.Library()


@register.simple_tag
def funnel_chart(rows: Sequence[charts.FunnelRow]) -> SafeString:
    return charts.funnel(rows)


@register.simple_tag
def funnel_table(rows: Sequence[charts.FunnelRow], caption: str = "") -> SafeString:
    return chart_tables.chart_table(chart_tables.funnel_lines(rows), caption)


@register.simple_tag
def step_chart(curves: Sequence[charts.Curve], label: str, early: int = 4, target: int = 18) -> SafeString:
    return charts.step_curves(curves, label, early=early, target=target)


@register.simple_tag
def step_table(curves: Sequence[charts.Curve], caption: str = "") -> SafeString:
    return chart_tables.chart_table(chart_tables.curve_lines(curves), caption)


@register.simple_tag
def distribution_chart(
    rows: Sequence[charts.DistributionRow], label: str, early: int = 4, target: int = 18
) -> SafeString:
    return charts.distribution(rows, label, early=early, target=target)


@register.simple_tag
def distribution_table(rows: Sequence[charts.DistributionRow], caption: str = "") -> SafeString:
    return chart_tables.chart_table(chart_tables.distribution_lines(rows), caption)


@register.simple_tag
def heatmap_chart(cells: Iterable[charts.HeatCell], label: str, floor_n: int = 30) -> SafeString:
    return charts.heatmap(cells, label, floor_n=floor_n)


@register.simple_tag
def heatmap_table(cells: Iterable[charts.HeatCell], caption: str = "", floor_n: int = 30) -> SafeString:
    return chart_tables.chart_table(chart_tables.heatmap_lines(cells, floor_n), caption)


@register.simple_tag
def capacity_chart(days: Sequence[charts.CapacityDay], label: str) -> SafeString:
    return charts.capacity(days, label)


@register.simple_tag
def capacity_table(days: Sequence[charts.CapacityDay], caption: str = "") -> SafeString:
    return chart_tables.chart_table(chart_tables.capacity_lines(days), caption)


@register.simple_tag
def warmth_chart(
    points: Sequence[lead_charts.WarmthPoint],
    touches: Sequence[lead_charts.TouchMark],
    label: str,
    now: datetime,
) -> SafeString:
    return lead_charts.warmth_curve(points, touches, label, now=now)


@register.simple_tag
def touch_table(touches: Sequence[lead_charts.TouchMark], caption: str = "") -> SafeString:
    return chart_tables.chart_table(chart_tables.touch_lines(touches), caption)


@register.simple_tag
def attempt_meter(dots: Sequence[lead_charts.MeterDot], attempt: int, target: int = 18) -> SafeString:
    return lead_charts.attempt_meter(dots or [], attempt, target)


@register.simple_tag
def evidence_bar(items: Sequence[lead_charts.EvidenceShare], temperature: str = "warm") -> SafeString:
    return lead_charts.evidence_bar(items, temperature or "warm")


@register.simple_tag
def chart_table(head: Sequence[str], rows: Sequence[Sequence[str]], caption: str = "") -> SafeString:
    return chart_tables.chart_table(chart_tables.Lines(head, rows), caption)
