"""How warm was a lead at each moment of the history? Keeps its touchpoints and every change of temperature."""

from datetime import datetime, timedelta
from typing import Any

from touchpoints.engine import as_values, published
from touchpoints.models import HandRaise, TemperatureChange, TemperatureOverride, Touchpoint, TouchpointKind
from touchpoints.warmth import OverrideValue, Touch, Warmth, effective, warmth

from .clock import instant
from .people import Person
from .stories import HAND_RAISES, Happening

Cause = TemperatureChange.Cause
# The sweep comes round every few seconds.
NOTICED_AFTER = timedelta(seconds=4)


class Rules:
    """The published warmth rules and the kinds, read once."""

    def __init__(self, *, start: int) -> None:
        self.start = instant(start)
        self.row = published()
        self.values = as_values(self.row)
        self.directions = dict(TouchpointKind.objects.values_list("key", "direction"))


class Thermometer:
    """One lead's evidence so far. `pending` holds what is still to happen, earliest last."""

    __slots__ = (
        "changes",
        "cooled_at",
        "evidence_until",
        "hand_raises",
        "lead",
        "override",
        "overrides",
        "pending",
        "person",
        "raised",
        "rows",
        "rules",
        "temperature",
        "touches",
        "warm_until",
    )  # fmt: skip

    def __init__(self, person: Person, happenings: list[Happening], rules: Rules) -> None:
        self.person, self.lead, self.rules = person, person.lead, rules
        self.pending = sorted(happenings, key=lambda one: -one.at)
        self.touches: list[Touch] = []
        self.rows: list[Touchpoint] = []
        self.changes: list[tuple[TemperatureChange, Warmth]] = []
        self.overrides: list[TemperatureOverride] = []
        self.override: TemperatureOverride | None = None
        self.hand_raises: list[HandRaise] = []
        self.raised: list[HandRaise] = []
        self.temperature = "cold"
        self.warm_until: datetime | None = None
        self.evidence_until: datetime | None = None
        self.cooled_at: datetime | None = None

    @property
    def warm(self) -> bool:
        return self.temperature == "warm"

    def advance(self, t: int) -> bool:
        """Let happen what happens until `t`; returns whether the lead turned warm meanwhile."""
        before = len(self.changes)
        while self.pending and self.pending[-1].at <= t:
            self._happen(self.pending.pop())
        self._cool(instant(t))
        return any(change.after == "warm" for change, _why in self.changes[before:])

    def soon(self, happening: Happening) -> None:
        self.pending.append(happening)
        self.pending.sort(key=lambda one: -one.at)

    def _happen(self, one: Happening) -> None:
        at = instant(one.at)
        self._cool(at)
        row = self.touch(
            one.kind, at, source=one.source, network=one.network, campaign=one.campaign, summary=one.summary,
            referred_by=one.referred_by, by=one.by,
        )  # fmt: skip
        if one.kind in HAND_RAISES and not row.historical:
            raised = HandRaise(lead=self.lead, touchpoint=row, raised_at=at)
            self.hand_raises.append(raised)
            self.raised.append(raised)

    def settle_old_hand_raises(self, before: datetime) -> None:
        """A team that answers in minutes leaves nobody waiting for weeks: what stayed open came in as past."""
        for raised in [one for one in self.raised if one.raised_at < before]:
            raised.touchpoint.historical = True
            self.raised.remove(raised)
            self.hand_raises.remove(raised)

    def touch(self, kind: str, at: datetime, **fields: Any) -> Touchpoint:
        """Record a touchpoint at `at`, already evaluated, and see whether the lead warms."""
        created = self.lead.created_at
        seen = max(at, created)
        row = Touchpoint(
            lead=self.lead,
            kind_id=kind,
            direction=self.rules.directions[kind],
            occurred_at=at,
            recorded_at=seen + timedelta(seconds=1),
            evaluated_at=seen + timedelta(seconds=2),
            # What lies before the twelve weeks, or before the lead was ours, came in as past.
            historical=at < max(self.rules.start, created - timedelta(hours=1)),
            **fields,
        )
        self.rows.append(row)
        # Ids are ours until the rows have theirs, in the same order.
        self.touches.append(
            Touch(len(self.rows), kind, at, row.direction, row.network, row.campaign, row.source)
        )
        self._judge(seen + timedelta(seconds=2), Cause.TOUCHPOINT)
        return row

    def refuse(self, at: datetime) -> None:
        self.cooled_at = self.lead.cooled_at = at
        self._end_override(at)
        self._judge(at, Cause.REFUSAL)

    def set_warm(self, until: datetime, at: datetime, reason: str, by: Any) -> None:
        self._end_override(at)
        self.override = TemperatureOverride(
            lead=self.lead, temperature="warm", starts_at=at, until=until, reason=reason, by=by
        )
        self.overrides.append(self.override)
        self._judge(at, Cause.OVERRIDE, by=by)

    def evidence(self, now: datetime) -> Warmth:
        return warmth(self.touches, self.rules.values, now=now, cooled_at=self.cooled_at)

    def settle(self) -> None:
        """Write onto the lead what holds at the end."""
        self.lead.temperature, self.lead.warm_until = self.temperature, self.warm_until
        self.lead.evidence_until = self.evidence_until

    def _end_override(self, at: datetime) -> None:
        if self.override is not None:
            self.override.ended_at, self.override = at, None

    def _cool(self, at: datetime) -> None:
        if self.override is not None and self.override.until <= at:
            ended = self.override.until + NOTICED_AFTER
            self._end_override(ended)
            self._judge(ended, Cause.OVERRIDE_ENDED)
        if self.warm and self.warm_until is not None and self.warm_until + NOTICED_AFTER <= at:
            self._judge(self.warm_until + NOTICED_AFTER, Cause.DECAY)

    def _judge(self, at: datetime, cause: str, by: Any = None) -> None:
        found = self.evidence(at)
        override = None
        if self.override is not None:
            override = OverrideValue(self.override.temperature, self.override.until)  # type: ignore[arg-type]
        temperature, self.warm_until = effective(found.warm_until, override, now=at)
        self.evidence_until = found.warm_until
        if temperature != self.temperature:
            change = TemperatureChange(
                lead=self.lead, at=at, before=self.temperature, after=temperature, cause=cause,
                warm_until=self.warm_until, ruleset=self.rules.row, by=by,
            )  # fmt: skip
            self.changes.append((change, found))
            self.temperature = temperature


def evidence_json(found: Warmth, rows: list[Touchpoint]) -> list[dict[str, Any]]:
    """The evidence as the engine keeps it, with the ids the rows have by now."""
    return [
        {
            "touchpoint": rows[piece.touch.id - 1].pk,
            "kind": piece.touch.kind,
            "occurred_at": piece.touch.occurred_at.isoformat(),
            "alone_until": piece.alone_until.isoformat(),
            "share": round(piece.share, 6),
        }
        for piece in found.evidence
    ]
