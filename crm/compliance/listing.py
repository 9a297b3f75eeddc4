"""How are long lists of compliance paged and counted? By a row's place in them, at the same cost however deep."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import QueryDict

    from leads.keyset import Page

# More than so many are not counted: counting a million rows costs more than showing fifty.
COUNTED = 1_000
PLACE = ("after", "before")


def place_of(params: QueryDict) -> tuple[int | None, int | None]:
    """(after, before) as the address names them."""
    return _id(params.get("after")), _id(params.get("before"))


def query_of(params: QueryDict) -> str:
    """The filter as it stands in an address, without the place in the list and without what is blank."""
    kept = params.copy()
    for name in list(kept):
        if name in PLACE or not any(kept.getlist(name)):
            kept.pop(name)
    return kept.urlencode()


def urls_beside(params: QueryDict, found: Page[Any]) -> dict[str, str]:
    """The addresses of the pages beside this one: previous_url and next_url, "" at an end."""
    query = query_of(params)
    head = f"?{query}{'&' if query else ''}"
    return {
        "previous_url": f"{head}before={found.before}" if found.before is not None else "",
        "next_url": f"{head}after={found.after}" if found.after is not None else "",
    }


def count_in_words(rows: QuerySet[Any]) -> str:
    """How many there are, counted up to a limit."""
    count = rows.order_by()[: COUNTED + 1].count()
    return gettext("more than %(most)s") % {"most": f"{COUNTED:,}"} if count > COUNTED else f"{count:,}"


def _id(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() and len(text) < 18 else None
