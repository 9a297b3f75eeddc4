"""Which lists are in force for a part of the numbering plan, and what is on them?

Bitmaps are read when first asked for and stay in this process, the least used leaving first. What is in force is
read from the database every time, so that a newer list counts at once and what it replaced is dropped.
"""

from __future__ import annotations

import os
import socket
from collections import OrderedDict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from threading import Lock

import structlog
from django.conf import settings
from django.db import connection
from pyroaring import BitMap

from leads import plain_sql
from leads.models import RegistryBitmap, RegistryLoad
from leads.registries.bitmaps import BitmapDamaged, from_bytes

log = structlog.get_logger(__name__)

# Read from the database at a time: a part is about a megabyte.
FETCHED_AT_ONCE = 4
# What a bitmap weighs beside its numbers.
OWN_WEIGHT = 2_000

_EMPTY = BitMap()


@dataclass(frozen=True, slots=True)
class Listed:
    """The list in force for one part; `checksum` is that of its bitmap, "" where it holds no number."""

    registry: str
    key: str
    list_date: date
    version: int
    bitmap: int | None
    checksum: str
    loading: bool
    load: int


_DATABASE_CLOCK = {
    "postgresql": "STATEMENT_TIMESTAMP()",
    "sqlite": "STRFTIME('%%Y-%%m-%%d %%H:%%M:%%f', 'NOW')",
}
_IN_FORCE = {
    vendor: f"""
    SELECT a.registry, a.key, a.list_date, a.version, a.bitmap_id, b.checksum,
        CASE WHEN l.status = %s AND l.claimed_until > {clock} THEN 1 ELSE 0 END, a.load_id, l.host, l.pid
    FROM leads_registryarea a LEFT JOIN leads_registrybitmap b ON b.id = a.bitmap_id
        LEFT JOIN leads_registryload l ON l.id = a.loading_id
    WHERE {{in:a.key}} ORDER BY a.registry, a.key"""  # noqa: S608 - the clock is ours
    for vendor, clock in _DATABASE_CLOCK.items()
}


def in_force(keys: Collection[str]) -> list[Listed]:
    """The lists in force for these parts: one query.

    Whether a list is being loaded is a matter of this very moment, even where a verdict is asked for another one:
    hence the database's clock.
    """
    rows = plain_sql.rows(_IN_FORCE[connection.vendor], [RegistryLoad.Status.LOADING.value, list(keys)])
    return [
        Listed(
            registry, key, on, version, bitmap, checksum or "", bool(running) and not is_dead(host, pid), load
        )
        for registry, key, on, version, bitmap, checksum, running, load, host, pid in rows
    ]


def is_dead(host: str, pid: int) -> bool:
    """True where the process was of this machine and is no more; of another machine's nobody knows."""
    if host != socket.gethostname():
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


class Gone(Exception):
    """A bitmap left the database after its list was found in force: a newer list has landed."""


class BitmapCache:
    """The bitmaps this process has read, up to `limit` bytes of them."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.bytes = 0
        self._held: OrderedDict[tuple[str, str], tuple[str, BitMap, int]] = OrderedDict()
        self._lock = Lock()

    def each(self, lists: Iterable[Listed]) -> Iterator[tuple[Listed, BitMap | None]]:
        """Every list with its bitmap, those held first; None for one whose stored bytes are damaged. Raises Gone."""
        missing = []
        for listed in lists:
            if listed.bitmap is None:
                yield listed, _EMPTY
            elif (bitmap := self._get(listed)) is not None:
                yield listed, bitmap
            else:
                missing.append(listed)
        for start in range(0, len(missing), FETCHED_AT_ONCE):
            yield from self._fetch(missing[start : start + FETCHED_AT_ONCE])

    def _get(self, listed: Listed) -> BitMap | None:
        place = (listed.registry, listed.key)
        with self._lock:
            held = self._held.get(place)
            if held is None:
                return None
            if held[0] != listed.checksum:
                self._drop(place)
                return None
            self._held.move_to_end(place)
            return held[1]

    def _fetch(self, lists: list[Listed]) -> Iterator[tuple[Listed, BitMap | None]]:
        rows = RegistryBitmap.objects.filter(pk__in=[listed.bitmap for listed in lists])
        stored = {pk: (checksum, data) for pk, checksum, data in rows.values_list("pk", "checksum", "data")}
        for listed in lists:
            if listed.bitmap not in stored:
                raise Gone
            checksum, data = stored.pop(listed.bitmap)
            try:
                bitmap = from_bytes(bytes(data), checksum)
            except BitmapDamaged:
                log.error("registry_bitmap_damaged", registry=listed.registry, part=listed.key)
                yield listed, None
                continue
            self._keep(listed, bitmap, len(data) + OWN_WEIGHT)
            yield listed, bitmap

    def _keep(self, listed: Listed, bitmap: BitMap, weight: int) -> None:
        place = (listed.registry, listed.key)
        with self._lock:
            if place in self._held:
                self._drop(place)
            self._held[place] = (listed.checksum, bitmap, weight)
            self.bytes += weight
            while self.bytes > self.limit and len(self._held) > 1:
                self._drop(next(iter(self._held)))

    def _drop(self, place: tuple[str, str]) -> None:
        self.bytes -= self._held.pop(place)[2]


bitmaps = BitmapCache(settings.REGISTRY_CACHE_MB * 1024 * 1024)
