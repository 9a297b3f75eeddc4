"""What do the do-not-call lists say of these numbers?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection

from leads.guard_facts import RegistryFact
from leads.registries.bitmaps import Part, part_of
from leads.registries.lookup import Gone, bitmaps, in_force

# A list may be replaced between finding it in force and reading it; by then the newer one is.
TRIES = 3


def facts_of(e164s: Collection[str]) -> dict[str, tuple[RegistryFact, ...]]:
    """What every loaded list says of each number, in the order of the registries' names.

    One query for the lists in force, however many numbers, and one for every few bitmaps that this process does
    not hold yet. A registry that is not among a number's facts is not loaded for its area. A list that is being
    loaded says so (`loading`); one whose stored bytes are damaged counts as not loaded.
    """
    parts = {e164: part for e164 in e164s if (part := part_of(e164)) is not None}
    found: dict[str, tuple[RegistryFact, ...]] = {}
    for left in reversed(range(TRIES)):
        try:
            found = _facts(parts)
            break
        except Gone:
            if not left:
                raise
    return {e164: found.get(e164, ()) for e164 in e164s}


def _facts(parts: dict[str, Part]) -> dict[str, tuple[RegistryFact, ...]]:
    numbers_at: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for e164, part in parts.items():
        numbers_at[part.key].append((e164, part.value))
    if not numbers_at:
        return {}
    found: dict[str, list[RegistryFact]] = defaultdict(list)
    for listed, bitmap in bitmaps.each(in_force(numbers_at)):
        for e164, value in numbers_at[listed.key]:
            hit = bitmap is not None and value in bitmap
            found[e164].append(
                RegistryFact(
                    listed.registry, hit, listed.list_date, bitmap is not None, listed.loading, listed.load
                )
            )
    return {e164: tuple(sorted(facts, key=lambda fact: fact.registry)) for e164, facts in found.items()}
