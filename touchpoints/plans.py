"""Which plan does a pursuit follow? The cadences as the planner's values, read once for any number of leads."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from leads import segments
from leads.plain_sql import rows

from .cadence import Plan
from .models import Cadence

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from leads.models import Lead

    from .models import Pursuit


_STEPS = "SELECT wait_days, phase, channel FROM touchpoints_cadencestep WHERE cadence_id = %s ORDER BY step"


def plan_of(cadence: Cadence) -> Plan:
    """A cadence as values; one query."""
    return _plan(cadence, rows(_STEPS, [cadence.pk]))


def _plan(cadence: Cadence, steps: Iterable[Sequence[Any]]) -> Plan:
    waits, phases, channels = zip(*steps, strict=True)
    return Plan(target=cadence.target, waits=waits, phases=phases, channels=channels, name=cadence.name)


class Plans:
    """The default cadences and their plans, read once for any number of leads."""

    def __init__(self) -> None:
        self.by_id = {
            cadence.pk: cadence
            for cadence in Cadence.objects.select_related("segment").prefetch_related("steps")
        }
        self.plans = {
            pk: _plan(cadence, [(step.wait_days, step.phase, step.channel) for step in cadence.steps.all()])
            for pk, cadence in self.by_id.items()
        }

    def of(self, pursuit: Pursuit) -> Plan:
        """The plan a pursuit follows, with the target it was promised: a change of plans does not cut that short."""
        return replace(self.plans[pursuit.cadence_id], target=pursuit.target)

    def chosen_for(self, leads: Sequence[Lead], *, now: datetime) -> dict[int, Cadence]:
        """The cadence each lead's new pursuit follows, by lead id: the first whose segment holds the lead, else the
        default. One query a cadence that is for a segment."""
        chosen: dict[int, Cadence] = {}
        own = [cadence for cadence in self.by_id.values() if cadence.active and cadence.segment is not None]
        for cadence in sorted(own, key=lambda one: (one.position, one.pk)):
            kind = (cadence.temperature, cadence.audience)
            left = [
                lead.pk
                for lead in leads
                if lead.pk not in chosen and (lead.temperature, lead.audience) == kind
            ]
            assert cadence.segment is not None
            found = segments.members(cadence.segment.query, now=now).filter(pk__in=left) if left else ()
            chosen |= {lead.pk: cadence for lead in found}
        return {lead.pk: chosen.get(lead.pk) or self.default_for(lead) for lead in leads}

    def default_for(self, lead: Lead) -> Cadence:
        wanted = (lead.temperature, lead.audience)
        return next(
            cadence
            for cadence in self.by_id.values()
            if cadence.is_default and cadence.active and (cadence.temperature, cadence.audience) == wanted
        )
