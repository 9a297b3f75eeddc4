"""How do two reports of one new person, arriving at once, make one lead and not two?"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

from django.db import connection

if TYPE_CHECKING:
    from collections.abc import Iterable

    from leads.known import Keys


def hold_people(people: Iterable[Keys]) -> None:
    """Let whoever reports somebody by one of the same ids, addresses or numbers wait until this transaction ends."""
    hold(name for keys in people for name in names_of(keys))


def names_of(keys: Keys) -> list[str]:
    """By what somebody is claimed, one spelling for every door: external ids in their namespace, e-mail, E.164."""
    return [
        *(f"id {source} {external_id}" for source, external_id in keys.externals),
        *([f"mail {keys.email}"] if keys.email else []),
        *(f"phone {e164}" for e164 in keys.e164s),
    ]


def hold(names: Iterable[str]) -> None:
    """Let whoever asks for one of the same names wait until this transaction ends.

    PostgreSQL locks the names' hashes, in order, so that nobody waits in a circle. SQLite has one writer at a time.
    """
    if connection.vendor != "postgresql":
        return
    hashes = sorted(
        {
            int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), signed=True)
            for name in names
            if name
        }
    )
    if hashes:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(k) FROM unnest(%s::bigint[]) AS k", [hashes])
