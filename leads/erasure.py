"""Is this the number of somebody who asked to be forgotten? Answered without keeping the number.

Kept is an HMAC-SHA-256 of the number in E.164, made with a key that lies outside the database: plain hashes of
phone numbers are reversible in minutes. On a number that others use too (a switchboard, a household) the digest is
of number and name together, so that it stops calls to that person alone. An e-mail address and the ids of other
systems are kept the same way, or the next list or sync would bring the person back under another number.

`settings.ERASURE_KEYS` holds the keys: the first makes new digests, all of them are read. A digest made with a key
that is not at hand answers for nobody and for anybody: asking then raises, and the guard blocks.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Collection, Iterable
from functools import lru_cache
from itertools import pairwise

from django.conf import settings
from django.db.models import Q
from django.utils.translation import gettext as _

from leads.facts import FieldError
from leads.known import folded
from leads.models import Suppression

# (number in E.164, e-mail or `other_id`; first and last name, blank where unknown)
Callee = tuple[str, str]


class KeyMissing(Exception):
    """Digests were made with a key that this process does not have, so nobody can be told from the erased."""


def key_id(key: str) -> str:
    """The name a key goes by beside its digests; says nothing about the key."""
    return hashlib.sha256(b"thaw erasure key:" + key.encode()).hexdigest()[:12]


@lru_cache(maxsize=4)
def _named(keys: tuple[str, ...]) -> dict[str, bytes]:
    return {key_id(key): key.encode() for key in keys}


def _keys() -> dict[str, bytes]:
    """The keys at hand by id, the one that makes new digests first."""
    return _named(tuple(settings.ERASURE_KEYS))


def current_key_id() -> str:
    return next(iter(_keys()))


def key_ids() -> list[str]:
    """The ids of the keys at hand, sorted."""
    return sorted(_keys())


def digests(e164: str, person: str = "") -> tuple[str, ...]:
    """The number's digest by each key, the current key's first; with `person` that of the two together."""
    text = f"{e164.lower()} {folded(person)}".rstrip().encode()
    return tuple(hmac.digest(key, text, "sha256").hex() for key in _keys().values())


def other_id(source: str, external_id: str) -> str:
    """What another system calls somebody, as one text."""
    return f"id {source} {external_id}"


def seal(text: str) -> str:
    """The digest of any other text by the current key: what proves later that a text shown is the one that was kept."""
    return hmac.digest(next(iter(_keys().values())), text.encode(), "sha256").hex()


def seals(text: str) -> set[str]:
    """The digests `seal` may have given for `text`, whichever key was current."""
    return {hmac.digest(key, text.encode(), "sha256").hex() for key in _keys().values()}


class Lookup:
    """Which of these callees are erased persons: one condition on suppressions, which may be part of a larger
    query, and the reading of its rows."""

    def __init__(self, callees: Iterable[Callee]) -> None:
        self._who: dict[str, set[Callee]] = {}
        for callee in set(callees):
            e164, person = callee
            named = digests(e164, person) if person.strip() else ()
            for digest in (*digests(e164), *named):
                self._who.setdefault(digest, set()).add(callee)

    @property
    def digests(self) -> list[str]:
        """The digests that entries for these callees would have."""
        return list(self._who)

    @property
    def q(self) -> Q:
        """Entries for one of the callees, and any made with a key that is missing here."""
        wanted = Q(digest__in=list(self._who)) | _beside(_keys())
        return Q(scope=Suppression.Scope.ERASED, lifted_at=None) & wanted

    def erased(self, rows: Iterable[tuple[str, str]]) -> set[Callee]:
        """The callees among `rows` of (digest, key id). Raises KeyMissing."""
        found: set[Callee] = set()
        for digest, key in rows:
            if key not in _keys():
                raise KeyMissing(
                    f"Erased persons are kept under key {key}, which is not here: add it to ERASURE_KEY, or to "
                    "the file erasure_key in THAW_DIR. Until then no call is allowed."
                )
            found |= self._who.get(digest, set())
        return found


def _beside(keys: Collection[str]) -> Q:
    """Every key id but these, as ranges between them: what an index can find, and "not in" cannot."""
    known = sorted(keys)
    outside = Q(key_id__lt=known[0]) | Q(key_id__gt=known[-1])
    for low, high in pairwise(known):
        outside |= Q(key_id__gt=low, key_id__lt=high)
    return outside


def erased_callees(callees: Iterable[Callee]) -> set[Callee]:
    """Those of (number, name) that belong to erased persons, by one query. Raises KeyMissing."""
    lookup = Lookup(callees)
    return lookup.erased(Suppression.objects.filter(lookup.q).values_list("digest", "key_id"))


def erased_among(e164s: Collection[str]) -> set[str]:
    """Those of the numbers that are an erased person's alone, by one query. Raises KeyMissing."""
    return {e164 for e164, _person in erased_callees((e164, "") for e164 in e164s)}


def refusal() -> FieldError:
    """Why a number is not stored; without the number, which would then be kept with the refusal."""
    return FieldError(
        "lead",
        "erased",
        _(
            "a number or e-mail here belongs to a person whose data was erased on request; they must not be called"
        ),
        _(
            "other people; or, where they ask for contact again, an admin who takes the entry off our own list"
        ),
    )


def unanswerable(missing: KeyMissing) -> FieldError:
    """Why nobody is stored while a key is missing: whoever is may be an erased person."""
    return FieldError("lead", "erasure_key_missing", str(missing))


def keys_missing() -> list[str]:
    """The ids of keys that digests were made with and that are not at hand."""
    rows = Suppression.objects.filter(_beside(_keys()), scope=Suppression.Scope.ERASED, lifted_at=None)
    return sorted(set(rows.values_list("key_id", flat=True)))
