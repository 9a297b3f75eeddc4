"""When is whoever keeps a lead at their desk? Working hours and absences, read once for any number of leads.

Somebody who never said where they work is taken to be there whenever their leads may be called: the hours that every
account begins with, in no zone of their own, say nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django.contrib.auth import get_user_model

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from .cadence import Window


@dataclass(frozen=True)
class DeskHours:
    """One person's hours by ISO weekday, as {"1": [["09:00", "17:00"]]} in their own zone, and days away with their
    first and last day; `hours` is None where they never said."""

    zone: str
    hours: Mapping[str, Sequence[Sequence[str]]] | None
    away: tuple[tuple[date, date], ...] = ()

    def windows(self, start: datetime, end: datetime) -> list[Window]:
        """When they are at work between two instants, in order."""
        zone, found = ZoneInfo(self.zone), []
        day = start.astimezone(zone).date()
        while _at(day, time(), zone) < end:
            for opens, closes in self._on(day, zone):
                opens, closes = max(opens, start), min(closes, end)
                if closes > opens:
                    found.append((opens, closes))
            day += timedelta(days=1)
        return found

    def _on(self, day: date, zone: ZoneInfo) -> list[Window]:
        if any(first <= day <= last for first, last in self.away):
            return []
        if self.hours is None:
            return [(_at(day, time(), zone), _at(day + timedelta(days=1), time(), zone))]
        spans = sorted(self.hours.get(str(day.isoweekday()), ()))
        return [(_clock(day, start, zone), _clock(day, until, zone)) for start, until in spans]


def _at(day: date, clock: time, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, clock, tzinfo=zone).astimezone(UTC)


def _clock(day: date, text: str, zone: ZoneInfo) -> datetime:
    """Until 24:00 is until the next day."""
    if text == "24:00":
        return _at(day + timedelta(days=1), time(), zone)
    return _at(day, time.fromisoformat(text), zone)


class Desks:
    """The hours of the owners of a set of leads; one query, at the first question."""

    def __init__(self, owner_ids: Iterable[int | None]) -> None:
        self._ids = {pk for pk in owner_ids if pk is not None}
        self._known: dict[int, DeskHours] | None = None

    def of(self, owner_id: int | None) -> Callable[[datetime, datetime], Sequence[Window]] | None:
        """When the owner is at work between two instants; None where a lead is nobody's own, or nothing is known."""
        if owner_id is None:
            return None
        if self._known is None:
            self._known = _read(self._ids)
        desk = self._known.get(owner_id)
        return desk.windows if desk is not None and (desk.hours is not None or desk.away) else None


def _read(ids: set[int]) -> dict[int, DeskHours]:
    people = get_user_model()
    unsaid = {name: people._meta.get_field(name).get_default() for name in ("time_zone", "working_hours")}
    rows = people.objects.filter(pk__in=ids, is_active=True).order_by("pk")
    found: dict[int, tuple[str, Any]] = {}
    away: dict[int, list[tuple[date, date]]] = {}
    wanted = ("pk", "time_zone", "working_hours", "absences__starts_on", "absences__ends_on")
    for pk, zone, hours, first, last in rows.values_list(*wanted):
        said = {"time_zone": zone, "working_hours": hours} != unsaid
        found[pk] = zone, hours if said and any(hours.values()) else None
        if first is not None:
            away.setdefault(pk, []).append((first, last))
    return {pk: DeskHours(zone, hours, tuple(away.get(pk, ()))) for pk, (zone, hours) in found.items()}
