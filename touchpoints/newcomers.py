"""Who is new among the reports of one batch? As `identity.match` would tell them apart, were they stored already."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from leads.known import Keys


class Newcomers:
    """The people a batch makes, each by the row that makes them."""

    def __init__(self) -> None:
        self._by_external_id: dict[tuple[str, str], int] = {}
        self._by_email: dict[str, int] = {}
        self._by_phone: dict[str, dict[int, Keys]] = {}

    def meant_by(self, keys: Keys) -> list[int]:
        """The makers a row means: none, one, or two where its identities disagree. A phone decides only where it is
        one newcomer's alone and contradicts nothing stronger that was sent."""
        by_id = (self._by_external_id.get(pair) for pair in keys.externals)
        strong = {maker for maker in (*by_id, self._by_email.get(keys.email)) if maker is not None}
        if strong:
            return sorted(strong)
        return sorted({maker for e164 in keys.e164s for maker in self._by_number(e164, keys)})

    def _by_number(self, e164: str, keys: Keys) -> list[int]:
        users = self._by_phone.get(e164, {})
        return [maker for maker, known in users.items() if len(users) == 1 and _agree(keys, known)]

    def add(self, maker: int, keys: Keys) -> None:
        for pair in keys.externals:
            self._by_external_id.setdefault(pair, maker)
        if keys.email:
            self._by_email.setdefault(keys.email, maker)
        for e164 in keys.e164s:
            self._by_phone.setdefault(e164, {}).setdefault(maker, keys)


def _agree(one: Keys, other: Keys) -> bool:
    two_mails = one.email and other.email and one.email != other.email
    ids, known = dict(one.externals), dict(other.externals)
    two_ids = any(source in known and known[source] != external_id for source, external_id in ids.items())
    return not (two_mails or two_ids)
