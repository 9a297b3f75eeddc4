"""Which of our numbers are on a do-not-call list?

All numbers are held against the lists as sets, and what changed is noted on them: [{registry, list_date}]. The
note is for people to see; the guard reads the lists themselves.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Q, QuerySet
from pyroaring import BitMap

from leads.models import Number, RegistryArea, RegistryLoad, RegistryScrub, Workspace
from leads.registries.bitmaps import LEAD_DIGITS, LONGEST_REST, country_code, number_at, prefix_of
from leads.registries.facts import TRIES, facts_of
from leads.registries.lookup import Gone, bitmaps, in_force

Hits = list[dict[str, str]]

# Numbers in memory at once. They come sorted, so that each list is read once for all of them.
CHUNK = 1_000_000
WRITTEN_AT_ONCE = 2_000
# Of more areas than these all numbers are read.
MOST_RANGES = 20
# A scrub still under way after so long has been left by a process that is no more.
SCRUBS_WITHIN = timedelta(minutes=10)
SMALL_HOURS = range(2, 5)
NOT_AGAIN_WITHIN = timedelta(hours=12)
MISSED_AFTER = timedelta(hours=30)


def after_load(load: RegistryLoad, *, clock: Callable[[], datetime]) -> None:
    """Hold the numbers of a load's areas against the lists, once."""
    scrub([row["area"] for row in load.areas], load=load, clock=clock)
    RegistryLoad.objects.filter(pk=load.pk).update(scrubbed_at=clock())


def unscrubbed(*, now: datetime) -> Iterable[RegistryLoad]:
    """Loads whose process ended before it could say what they mean to our numbers."""
    return RegistryLoad.objects.filter(
        status=RegistryLoad.Status.LOADED, scrubbed_at=None, finished_at__lt=now - SCRUBS_WITHIN
    )


def is_due(*, now: datetime) -> bool:
    """Whether the nightly scrub is to run: in the small hours of the workspace, or when it was missed."""
    last = (
        RegistryScrub.objects.filter(cause=RegistryScrub.Cause.NIGHTLY).values_list("at", flat=True).first()
    )
    if last is None or now - last > MISSED_AFTER:
        return RegistryArea.objects.exists() or last is not None
    local = now.astimezone(ZoneInfo(Workspace.current().time_zone))
    return local.hour in SMALL_HOURS and now - last > NOT_AGAIN_WITHIN


def nightly(*, clock: Callable[[], datetime]) -> RegistryScrub:
    """Hold all numbers against all lists."""
    return scrub(None, load=None, clock=clock)


def scrub(
    areas: Collection[str] | None, *, load: RegistryLoad | None, clock: Callable[[], datetime]
) -> RegistryScrub:
    """Hold the numbers of these areas (None: all) against the lists in force, and note what was found."""
    cause = RegistryScrub.Cause.LOAD if load else RegistryScrub.Cause.NIGHTLY
    report = RegistryScrub.objects.create(cause=cause, load=load, at=clock())
    for e164s in _numbers(_within(areas)):
        hits = hits_of(e164s)
        noted = _noted(e164s, areas)
        report.numbers += len(e164s)
        report.hits += len(hits)
        _write(report, hits, noted)
    report.finished_at = clock()
    report.save()
    return report


def note_hits(numbers: Iterable[Number]) -> None:
    """Fill in `registry_hits` of numbers about to be stored: one query, as `facts_of`."""
    rows = list(numbers)
    facts = facts_of([number.e164 for number in rows])
    for number in rows:
        number.registry_hits = [
            _hit(fact.registry, fact.list_date) for fact in facts[number.e164] if fact.hit
        ]


def renew(numbers: QuerySet[Number]) -> None:
    """Note anew what these few numbers are on."""
    rows = list(numbers)
    note_hits(rows)
    Number.objects.bulk_update(rows, ["registry_hits"], batch_size=WRITTEN_AT_ONCE)


def _hit(registry: str, list_date: Any) -> dict[str, str]:
    return {"registry": registry, "list_date": list_date.isoformat()}


def _within(areas: Collection[str] | None) -> Q:
    if areas is None or len(areas) > MOST_RANGES:
        return Q()
    within = Q(pk__in=[])
    for prefix in map(prefix_of, areas):
        within |= Q(e164__gte=prefix, e164__lt=prefix[:-1] + chr(ord(prefix[-1]) + 1))
    return within


def _numbers(within: Q) -> Iterator[list[str]]:
    """The numbers in E.164, sorted within chunks."""
    rows = Number.objects.filter(within).order_by("pk")
    chunk: list[str] = []
    for e164 in rows.values_list("e164", flat=True).iterator(chunk_size=20_000):
        chunk.append(e164)
        if len(chunk) >= CHUNK:
            yield sorted(chunk)
            chunk = []
    if chunk:
        yield sorted(chunk)


def _noted(e164s: list[str], areas: Collection[str] | None) -> dict[str, Hits]:
    """The hits these numbers carry now. Few do: they are read apart from the many."""
    rows = Number.objects.exclude(registry_hits=[]).filter(_within(areas))
    chunk = set(e164s)
    return {
        e164: hits
        for e164, hits in rows.values_list("e164", "registry_hits").iterator(chunk_size=20_000)
        if e164 in chunk
    }


def hits_of(e164s: list[str]) -> dict[str, Hits]:
    """Which of these sorted numbers are on lists, and on which."""
    values = {key: array("I", some) for key, some in _by_part(e164s)}
    for left in reversed(range(TRIES)):
        try:
            return _on_lists(values)
        except Gone:
            if not left:
                raise
    raise AssertionError("unreachable")


def _on_lists(values: dict[str, array[int]]) -> dict[str, Hits]:
    found: dict[str, Hits] = defaultdict(list)
    for listed, bitmap in bitmaps.each(in_force(_keys_in_use(values))):
        if bitmap:
            for value in BitMap(values[listed.key]) & bitmap:
                found[number_at(listed.key, value)].append(_hit(listed.registry, listed.list_date))
    return {e164: sorted(hits, key=lambda hit: hit["registry"]) for e164, hits in found.items()}


def _keys_in_use(values: dict[str, Any]) -> list[str]:
    listed = set(RegistryArea.objects.filter(bitmap__isnull=False).values_list("key", flat=True))
    return sorted(listed & values.keys())


def _by_part(e164s: list[str]) -> Iterator[tuple[str, list[int]]]:
    """Sorted numbers, cut where the part of the lists changes: each part with its values, as `part_of` has them."""
    place, end = 0, len(e164s)
    while place < end:
        e164 = e164s[place]
        american = e164.startswith("+1")
        size = 5 if american else 1 + len(country_code(e164[1:])) + LEAD_DIGITS
        prefix = e164[:size]
        after = bisect_left(e164s, prefix + ":", place)  # the character after 9
        some = e164s[place:after]
        if american:
            yield prefix[1:], [int(number[5:]) for number in some if len(number) == 12]
        elif size > 1 + LEAD_DIGITS:
            rests = (number[size:] for number in some)
            yield prefix[1:], [int("1" + rest) for rest in rests if rest and len(rest) <= LONGEST_REST]
        place = max(after, place + 1)


def _write(report: RegistryScrub, hits: dict[str, Hits], noted: dict[str, Hits]) -> None:
    """Note what changed, numbers with the same hits together."""
    groups: dict[tuple[tuple[str, str], ...], list[str]] = defaultdict(list)
    for e164 in hits.keys() | noted.keys():
        new, old = hits.get(e164, []), noted.get(e164, [])
        if new == old:
            continue
        groups[tuple((hit["registry"], hit["list_date"]) for hit in new)].append(e164)
        names, before = {hit["registry"] for hit in new}, {hit["registry"] for hit in old}
        report.found += bool(names - before)
        report.cleared += bool(before - names)
    for pairs, e164s in groups.items():
        value = [{"registry": registry, "list_date": on} for registry, on in pairs]
        e164s.sort()
        for begin in range(0, len(e164s), WRITTEN_AT_ONCE):
            with transaction.atomic():
                some = Number.objects.filter(e164__in=e164s[begin : begin + WRITTEN_AT_ONCE])
                some.update(registry_hits=value)
