"""May this file be the registry's list: is its date known, is it whole, and is it of the areas it says?"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import BinaryIO, Protocol
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from leads.models import RegistryArea, RegistryLoad, Workspace
from leads.registries import formats
from leads.registries.bitmaps import area_of, keys_of
from leads.registries.files import FileRefused, Named, named, unpacked
from leads.registries.reach import Reach, reach_of
from leads.registries.rejects import Rejects
from leads.registries.staging import Staging

# What a file is recognised by.
HEAD_BYTES = 64 * 1024


class Progress(Protocol):
    def __call__(self, *, lines: int = 0) -> None: ...


@dataclass(frozen=True, slots=True)
class Source:
    """A file on its way in. What is found out about it is noted on `load`."""

    load: RegistryLoad
    file: BinaryIO
    rejects: Rejects
    progress: Progress


@dataclass(frozen=True, slots=True)
class PartRead:
    key: str
    area: str
    count: int
    bitmap: int | None


@dataclass(frozen=True, slots=True)
class ListRead:
    """A list that may take effect: the parts it covers, those without a number included."""

    list_date: date
    parts: dict[str, PartRead]


def read_list(source: Source, *, now: datetime) -> ListRead:
    """Read a file, its bitmaps written and not in use yet. Raises FileRefused."""
    load = source.load
    reach, name = reach_of(load.registry), named(load.file_name)
    load.list_date = _list_date(load, name, now=now)
    head = next(unpacked(source.file), b"")[:HEAD_BYTES]
    form = formats.recognise(head, national=reach.national)
    load.kind = RegistryLoad.Kind.CHANGE if form.changes else RegistryLoad.Kind.FULL
    expected = _expected(head, form, reach, name, forced=load.forced)
    before = _in_force(load, name.area if name.area in (expected.areas or ()) else "")
    staging = Staging(load, {row.key: row.bitmap_id for row in before.values()} if form.changes else None)
    strict = bool(name.area) and not load.forced
    for batch in formats.read(unpacked(source.file), form, expected):
        _count(source, batch)
        if batch.astray and strict:
            raise FileRefused(_astray(name.area, batch))
        staging.apply(batch)
        source.progress(lines=load.lines)
    return _checked(load, staging, reach, expected if name.area else formats.Expected(), before)


def _list_date(load: RegistryLoad, name: Named, *, now: datetime) -> date:
    on = name.list_date or load.given_date
    if on is None:
        raise FileRefused(
            _(
                "The list's date is not known: the file's name gives none, as 2026-11-20_212_….txt.zip does; give it."
            )
        )
    today = max(now.astimezone(UTC).date(), now.astimezone(ZoneInfo(Workspace.current().time_zone)).date())
    if on > today:
        raise FileRefused(_("The list's date, %s, lies in the future.") % on)
    return on


def _expected(
    head: bytes, form: formats.Form, reach: Reach, name: Named, *, forced: bool
) -> formats.Expected:
    """Which numbers belong into the list. Forced past a name that is wrong, what the file holds; past a name that
    is right of most of it, only what the name says: a few strays must not replace another area's list."""
    if name.area and not (reach.areas and name.area not in reach.areas):
        of_name = formats.Expected(reach.region, frozenset({name.area}))
        if not forced or any(b.accepted for b in formats.read(iter([head]), form, of_name)):
            return of_name
    return formats.Expected(reach.region, reach.areas or None)


def _in_force(load: RegistryLoad, area: str) -> dict[str, RegistryArea]:
    """The registry's parts by key, those that this file is to replace marked as being loaded."""
    rows = RegistryArea.objects.filter(registry=load.registry)
    (rows.filter(area=area) if area else rows).update(loading=load)
    return {row.key: row for row in rows}


def _count(source: Source, batch: formats.Batch) -> None:
    load = source.load
    load.lines += batch.lines
    load.accepted += batch.accepted
    source.rejects.add(batch.rejected)


def _astray(area: str, batch: formats.Batch) -> str:
    stray = next(one for one in batch.rejected if one.reason.startswith(_("of area")))
    return _(
        "The file's name says area %(area)s, but line %(line)d is %(value)s: wrong area. Force it to load it anyway."
    ) % {"area": area, "line": stray.line, "value": stray.value}


def _checked(
    load: RegistryLoad,
    staging: Staging,
    reach: Reach,
    of_name: formats.Expected,
    before: dict[str, RegistryArea],
) -> ListRead:
    assert load.list_date is not None
    written = staging.finish()
    areas = {area_of(key) for key in written} | (of_name.areas or frozenset())
    if load.kind == RegistryLoad.Kind.FULL:
        areas |= reach.areas
    if not areas or not (load.accepted or load.forced):
        raise FileRefused(_("The file holds no number of this registry: %d lines were read.") % load.lines)
    if load.kind == RegistryLoad.Kind.CHANGE:
        _must_follow(load, areas, before)
    parts = {}
    for area in sorted(areas):
        for key in keys_of(area):
            old = before.get(key)
            kept = (old.count, old.bitmap_id) if old and load.kind == RegistryLoad.Kind.CHANGE else (0, None)
            count, bitmap = written.get(key, kept)
            parts[key] = PartRead(key, area, count, bitmap)
    _must_not_shrink(load, parts, before)
    return ListRead(load.list_date, parts)


def _must_follow(load: RegistryLoad, areas: set[str], before: dict[str, RegistryArea]) -> None:
    """Changes apply to a list that is there, and not to a newer one."""
    dates: dict[str, date] = {}
    for row in before.values():
        dates[row.area] = row.list_date
    if missing := sorted(areas - dates.keys()):
        raise FileRefused(
            _("A change list needs the full list first; none is loaded for area %s.")
            % ", ".join(missing)[:200]
        )
    newer = sorted(area for area in areas if load.list_date and dates[area] > load.list_date)
    if newer and not load.forced:
        raise FileRefused(
            _(
                "The changes are of %(date)s, but the list of area %(areas)s is newer. Force it to apply them anyway."
            )
            % {"date": load.list_date, "areas": ", ".join(newer)[:200]}
        )


def _must_not_shrink(load: RegistryLoad, parts: dict[str, PartRead], before: dict[str, RegistryArea]) -> None:
    after_of: dict[str, int] = defaultdict(int)
    before_of: dict[str, int] = defaultdict(int)
    for part in parts.values():
        after_of[part.area] += part.count
        before_of[part.area] += before[part.key].count if part.key in before else 0
    load.areas = [
        {"area": area, "before": before_of[area], "after": after_of[area]} for area in sorted(after_of)
    ]
    older = [row for key, row in before.items() if key in parts and row.list_date > load.list_date]
    if older:
        load.why = _("Older than the list it replaced, which was of %s.") % max(
            row.list_date for row in older
        )
    shrunk = [row for row in load.areas if row["after"] * 2 < row["before"]]
    if shrunk and not load.forced:
        worst = shrunk[0]
        raise FileRefused(
            _(
                "Area %(area)s would shrink by more than half, from %(before)d to %(after)d numbers; is the file "
                "whole? Force it to load it anyway."
            )
            % worst
        )
