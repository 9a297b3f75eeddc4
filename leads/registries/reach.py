"""Which registries are there, and which part of the world does each one's list cover?"""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _
from phonenumbers import country_code_for_region

from leads.area_codes import codes_of
from leads.models import GuardRule

US_FTC, UK_TPS, UK_CTPS = "us-ftc", "uk-tps", "uk-ctps"
NORTH_AMERICA = 1


class UnknownRegistry(Exception):
    """No registry of this name; the message says which there are."""


@dataclass(frozen=True, slots=True)
class Reach:
    """`areas`: what one file covers whole, even where it names no number; none where a file covers the area codes
    that occur in it. `region`: the country its numbers are written in, "" where they need a +. `national`: one
    number a line, in no given shape."""

    registry: str
    region: str = ""
    areas: frozenset[str] = frozenset()
    national: bool = True


_OWN = {
    US_FTC: Reach(US_FTC, "US", national=False),
    UK_TPS: Reach(UK_TPS, "GB", frozenset({"+44"})),
    UK_CTPS: Reach(UK_CTPS, "GB", frozenset({"+44"})),
}


def registries() -> list[str]:
    """Every registry there is a list for: those whose files we know, and those the guard's rules name."""
    return [*_OWN, *sorted(set(_named_in_rules()) - _OWN.keys())]


def reach_of(registry: str) -> Reach:
    """What the registry's list covers; raises UnknownRegistry."""
    if registry in _OWN:
        return _OWN[registry]
    places = _named_in_rules().get(registry)
    if not places:
        raise UnknownRegistry(
            _("There is no registry %(name)r; expected one of: %(known)s (a guard rule may name another).")
            % {"name": registry[:40], "known": ", ".join(registries())}
        )
    countries = {place.partition("-")[0] for place in places} - {"*"}
    region = countries.pop() if len(countries) == 1 else ""
    return Reach(registry, region, frozenset().union(*map(_areas_of, places)))


def _named_in_rules() -> dict[str, set[str]]:
    """The places whose rules name a registry, by registry."""
    found: dict[str, set[str]] = {}
    for place, uses in GuardRule.objects.filter(active=True).values_list("jurisdiction", "registries"):
        for use in uses:
            found.setdefault(use["registry"], set()).add(place)
    return found


def _areas_of(place: str) -> frozenset[str]:
    country, _dash, state = place.partition("-")
    code = country_code_for_region(country)
    if code == NORTH_AMERICA:
        return codes_of(country, state)
    return frozenset({f"+{code}"} if code else ())
