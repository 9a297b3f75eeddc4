"""Every figure a manager sees, once: page, CSV and API build the same tiles from here."""

from __future__ import annotations

from crm.pipeline.reports import activity, funnel, hand_raises, heatmap, persistence, today, yields
from crm.pipeline.reports.scope import Scope
from crm.pipeline.reports.tile import Column, Headline, Report, Row, Tile, UnknownPart

REPORTS: dict[str, Report] = {
    "hand_raisers": Report(hand_raises.hand_raisers, hand_raises.hand_raisers_leads),
    "capacity": Report(today.capacity, today.capacity_leads),
    "attempts": Report(persistence.attempts, persistence.attempts_leads),
    "meetings": Report(today.meetings, today.meetings_leads),
    "promises": Report(today.promises, today.promises_leads),
    "speed": Report(hand_raises.speed, hand_raises.speed_leads),
    "funnel": Report(funnel.funnel, funnel.funnel_leads),
    "first_reach": Report(persistence.first_reach, persistence.first_reach_leads),
    "comparison": Report(funnel.comparison, funnel.comparison_leads),
    "heatmap": Report(heatmap.heatmap, heatmap.heatmap_leads),
    "reps": Report(activity.reps, activity.reps_leads),
    "stages": Report(yields.stages, yields.stages_leads),
    "lists": Report(yields.lists, yields.lists_leads),
    "sources": Report(yields.sources, yields.sources_leads),
    "blocked": Report(yields.blocked, yields.blocked_leads),
}

# What each address of the API answers.
GROUPS: dict[str, tuple[str, ...]] = {
    "pipeline": (
        "hand_raisers",
        "capacity",
        "meetings",
        "promises",
        "speed",
        "funnel",
        "stages",
        "lists",
        "sources",
        "blocked",
    ),
    "persistence": ("attempts", "first_reach"),
    "activity": ("reps",),
    "heatmap": ("heatmap",),
    "comparison": ("comparison",),
}


def build(keys: tuple[str, ...], scope: Scope) -> dict[str, Tile]:
    return {key: REPORTS[key].build(scope) for key in keys}


__all__ = [
    "GROUPS",
    "REPORTS",
    "Column",
    "Headline",
    "Report",
    "Row",
    "Scope",
    "Tile",
    "UnknownPart",
    "build",
]
