"""Does a list read page by page hold every row once, in its order, both ways, equal and missing values included?"""

from __future__ import annotations

import pytest
from django.utils import timezone

from leads.filters import LEAD_ORDERS
from leads.keyset import neighbours, page
from leads.models import Lead

ORDERS = [sign + name for name in LEAD_ORDERS for sign in ("", "-")]


@pytest.fixture
def crowd(db: None) -> None:
    now = timezone.now()
    Lead.objects.bulk_create(
        Lead(
            last_name=["Berg", "berg", "", "Ost", "Lund"][n % 5],
            first_name=["A", "", "a"][n % 3],
            value=[None, 10, 20, None][n % 4],
            created_at=now,
            temperature="warm" if n % 2 else "cold",
            warm_until=now if n % 2 else None,
        )
        for n in range(23)
    )


@pytest.mark.parametrize("ordering", ORDERS)
def test_pages_hold_every_row_once_in_order(crowd: None, ordering: str) -> None:
    found = LEAD_ORDERS[ordering.lstrip("-")](Lead.objects.all(), ordering.startswith("-"))
    whole = [lead.pk for lead in found]
    forwards: list[int] = []
    after = None
    while True:
        shown = page(found, size=5, after=after)
        forwards += [lead.pk for lead in shown.rows]
        if shown.after is None:
            break
        after = shown.after
    assert forwards == whole
    backwards: list[int] = []
    before: int | None = whole[-1]
    while before is not None:
        shown = page(found, size=5, before=before)
        backwards = [lead.pk for lead in shown.rows] + backwards
        before = shown.before
    assert backwards == whole[:-1]


def test_first_page_has_nothing_before_it_and_the_last_nothing_after(crowd: None) -> None:
    found = Lead.objects.order_by("pk")
    first = page(found, size=20)
    last = page(found, size=20, after=first.after)
    assert first.before is None
    assert first.after is not None
    assert last.after is None
    assert last.before == last.rows[0].pk


def test_a_row_that_left_the_list_begins_it_anew(crowd: None) -> None:
    assert (
        page(Lead.objects.order_by("pk"), size=3, after=10**9).rows[0] == Lead.objects.order_by("pk").first()
    )


@pytest.mark.parametrize("ordering", ORDERS)
def test_neighbours_are_the_rows_beside(crowd: None, ordering: str) -> None:
    found = LEAD_ORDERS[ordering.lstrip("-")](Lead.objects.all(), ordering.startswith("-"))
    whole = [lead.pk for lead in found]
    beside = [neighbours(found, pk) for pk in whole]
    assert beside == list(zip([None, *whole[:-1]], [*whole[1:], None], strict=True))
