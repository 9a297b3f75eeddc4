"""Which do-not-call lists does the demo bring, so that its people may be called, and who of them is on one?

Invented, of today, and loaded through the door that real lists take. A list that the workspace has loaded itself
stays as it is. Lists grow old by law, made-up ones too: those of a demo that is kept for weeks are brought anew.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.core.files.base import ContentFile

from leads.models import Lead, Number, RegistryArea, RegistryLoad
from leads.registries import load, scrub
from leads.registries.bitmaps import area_of, part_of
from leads.registries.reach import UK_CTPS, UK_TPS, US_FTC

from .manifest import has_logins, list_ids, note_lists

# Of the cold leads' numbers one in so many is on a list.
ONE_IN = 25
# British lists serve for 28 days, American ones for 31.
RENEWED_AFTER = timedelta(days=7)
_FILLER = "01000000000"


def bring(*, now: datetime) -> list[RegistryLoad]:
    """Load the lists that the demo's people ask for."""
    loads = [_bring(US_FTC, _american(now=now), now=now)]
    british = [f"0{number[3:]}" for number in _registered("GB", now=now)]
    for registry, mine in ((UK_TPS, british[::2]), (UK_CTPS, british[1::2])):
        if not RegistryArea.objects.filter(registry=registry).exists():
            loads.append(_bring(registry, [_FILLER, *mine], now=now))
    return [one for one in loads if one is not None]


def renew(*, now: datetime) -> list[RegistryLoad]:
    """Bring the demo's own lists anew where they have grown old; a real list, and a workspace without a demo, stay."""
    if not has_logins():
        return []
    own = RegistryArea.objects.filter(load__in=list_ids(), list_date__lte=now.date() - RENEWED_AFTER)
    old: dict[str, set[str]] = defaultdict(set)
    for registry, area in own.values_list("registry", "area"):
        old[registry].add(area)
    loads = []
    if areas := old.get(US_FTC):
        loads.append(_bring(US_FTC, _lines_of(areas, now=now), now=now, forced=True))
    british = [f"0{number[3:]}" for number in _registered("GB", now=now)]
    for registry, mine in ((UK_TPS, british[::2]), (UK_CTPS, british[1::2])):
        if registry in old:
            loads.append(_bring(registry, [_FILLER, *mine], now=now, forced=True))
    found = [one for one in loads if one is not None]
    if found:
        note_lists([one.pk for one in found], now=now)
    return found


def _bring(
    registry: str, lines: Iterable[str], *, now: datetime, forced: bool = False
) -> RegistryLoad | None:
    """Load a list of these lines. `forced`: other people are on it by now, which looks like a list that shrank."""
    lines = sorted(set(lines))
    if not lines:
        return None
    text = "".join(f"{line}\r\n" for line in lines)
    file = ContentFile(text.encode(), name=f"{now:%Y-%m-%d}_Demo_{registry}.txt")
    row = load.start(file, registry=registry, forced=forced, now=now)
    return load.run(row.pk, clock=lambda: now)


def _american(*, now: datetime) -> list[str]:
    """The lines of each area that no list covers yet."""
    numbers = Number.objects.filter(links__lead__is_demo=True, region="US").distinct()
    areas = {area_of(part.key) for e164 in numbers.values_list("e164", flat=True) if (part := part_of(e164))}
    return _lines_of(
        areas - set(RegistryArea.objects.filter(registry=US_FTC).values_list("area", flat=True)), now=now
    )


def _lines_of(areas: set[str], *, now: datetime) -> list[str]:
    """For each area a number nobody can have, and those registered."""
    registered = [number[2:] for number in _registered("US", now=now) if number[2:5] in areas]
    return [f"{area},0000000" for area in areas] + [f"{number[:3]},{number[3:]}" for number in registered]


def _registered(country: str, *, now: datetime) -> list[str]:
    """Some of the cold leads' numbers: they have registered since we last called them."""
    cold = Lead.objects.filter(is_demo=True).exclude(warm_until__gt=now)
    numbers = Number.objects.filter(
        links__lead__in=cold, links__detached_at=None, region=country, status=Number.Status.OK
    )
    return sorted(set(numbers.values_list("e164", flat=True)))[::ONE_IN]


def withdraw(ids: Iterable[int]) -> None:
    """Take the lists of these loads out of force, as far as no newer list has replaced them."""
    loads = RegistryLoad.objects.filter(pk__in=ids)
    RegistryArea.objects.filter(load__in=loads).delete()
    loads.delete()
    scrub.renew(Number.objects.exclude(registry_hits=[]))
