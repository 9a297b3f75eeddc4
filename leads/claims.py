"""How do two reports of one new person, arriving at once, make one lead and not two?"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

from django.db import connection

if TYPE_CHECKING:
    from collections.abc import Iterable


def hold(keys: Iterable[str]) -> None:
    """Let whoever asks for one of the same keys wait until this transaction ends.

    PostgreSQL locks the keys' hashes, in order, so that nobody waits in a circle. SQLite has one writer at a time.
    """
    if connection.vendor != "postgresql":
        return
    hashes = sorted(
        {int.from_bytes(blake2b(key.encode(), digest_size=8).digest(), signed=True) for key in keys if key}
    )
    if hashes:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(k) FROM unnest(%s::bigint[]) AS k", [hashes])
