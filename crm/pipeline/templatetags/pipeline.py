"""How does the manager's page ask for its own drawings?"""

from __future__ import annotations

from collections.abc import Sequence

from django import template
from django.utils.safestring import SafeString

from crm.pipeline import attempt_bars
from crm.pipeline.panels import Panel

register = template.Library()


@register.simple_tag
def attempt_bars_chart(
    bars: Sequence[attempt_bars.Bar], label: str, early: int, target: int, first: int = 1
) -> SafeString:
    return attempt_bars.attempt_bars(bars, label, early=early, target=target, first=first)


@register.simple_tag
def bar_swatch(fill: attempt_bars.Fill) -> SafeString:
    return attempt_bars.swatch(fill)


@register.simple_tag
def at_a_glance(panel: Panel, keys: str, rows: int | None = None) -> Panel:
    """The panel with the named columns alone: {% at_a_glance panel "name dials" 10 as few %}."""
    return panel.only(*keys.split(), rows=rows)
