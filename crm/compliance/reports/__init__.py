"""Every figure of the compliance page, once: page and CSV build the same tiles from here."""

from __future__ import annotations

from collections.abc import Callable

from crm.compliance.reports import dials, lists, people
from crm.pipeline.reports.scope import Scope
from crm.pipeline.reports.tile import Tile

REPORTS: dict[str, Callable[[Scope], Tile]] = {
    "registries": lists.registries,
    "loads": lists.loads,
    "scrubs": lists.scrubs,
    "blocked": dials.blocked,
    "blocked_reps": dials.blocked_reps,
    "breaches": dials.breaches,
    "wishes": people.wishes,
    "complaints": people.complaints,
    "own_list": people.own_list,
    "consents_ending": people.consents_ending,
}
