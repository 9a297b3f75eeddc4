"""Which do-not-call lists does the demo bring, so that its people may be called, and who of them is on one?

Invented, of today, and loaded through the door that real lists take. A list that the workspace has loaded itself
stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.core.files.base import ContentFile

from leads.models import Lead, Number, RegistryArea, RegistryLoad
from leads.registries import load, scrub
from leads.registries.bitmaps import area_of, part_of
from leads.registries.reach import UK_CTPS, UK_TPS, US_FTC

# Of the cold leads' numbers one in so many is on a list.
ONE_IN = 25


def bring(*, now: datetime) -> list[RegistryLoad]:
    """Load the lists that the demo's people ask for."""
    loads = [_bring(US_FTC, _american(now=now), now=now)]
    british = [f"0{number[3:]}" for number in _registered("GB", now=now)]
    loads.append(_bring(UK_TPS, british[::2], now=now, filler="01000000000"))
    loads.append(_bring(UK_CTPS, british[1::2], now=now, filler="01000000000"))
    return [one for one in loads if one is not None]


def _bring(registry: str, lines: Iterable[str], *, now: datetime, filler: str = "") -> RegistryLoad | None:
    lines = sorted({*lines, *([filler] if filler else [])})
    if not lines or (filler and RegistryArea.objects.filter(registry=registry).exists()):
        return None
    text = "".join(f"{line}\r\n" for line in lines)
    file = ContentFile(text.encode(), name=f"{now:%Y-%m-%d}_Demo_{registry}.txt")
    row = load.start(file, registry=registry, now=now)
    return load.run(row.pk, clock=lambda: now)


def _american(*, now: datetime) -> list[str]:
    """A line for each area that no list covers yet: a number nobody can have, and those registered."""
    numbers = Number.objects.filter(links__lead__is_demo=True, region="US").distinct()
    areas = {area_of(part.key) for e164 in numbers.values_list("e164", flat=True) if (part := part_of(e164))}
    areas -= set(RegistryArea.objects.filter(registry=US_FTC).values_list("area", flat=True))
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
