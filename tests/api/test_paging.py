"""Does following `next` show every row once, whatever the order and whatever is added meanwhile?"""

from __future__ import annotations

import base64
from datetime import timedelta

import pytest

from leads.models import Lead
from tests.api.conftest import codes

LEADS = "/api/v1/leads/"


def follow(client, url: str, link: str = "next") -> list[list[int]]:
    pages = []
    while url:
        body = client.get(url).json()
        pages.append([row["id"] for row in body["results"]])
        url = body[link]
    return pages


@pytest.fixture
def many(a_lead, noon):
    """23 leads: names repeat, many have no date and no value."""
    leads = [a_lead(last_name="Aa" if n % 3 else f"b{n % 2}", first_name="x") for n in range(23)]
    for n, lead in enumerate(leads):
        if n % 4 == 0:
            Lead.objects.filter(pk=lead.pk).update(
                warm_until=noon + timedelta(days=n % 8, microseconds=n % 5), value=n % 3 or None
            )
    return leads


@pytest.mark.parametrize("sign", ["", "-"])
@pytest.mark.parametrize("order", ["id", "name", "warm_until", "value", "created_at", "updated_at"])
def test_every_order_shows_each_row_once_there_and_back(client_of, root, many, order, sign):
    client = client_of(root)
    pages = follow(client, f"{LEADS}?ordering={sign}{order}&page_size=4")
    rows = [pk for page in pages for pk in page]
    assert sorted(rows) == sorted(lead.pk for lead in many)
    whole = [row["id"] for row in client.get(f"{LEADS}?ordering={sign}{order}").json()["results"]]
    assert rows == whole

    last = f"{LEADS}?ordering={sign}{order}&page_size=4"
    while following := client.get(last).json()["next"]:
        last = following
    assert follow(client, last, "previous")[::-1] == pages


def test_rows_without_a_value_come_last_either_way(client_of, root, many):
    client = client_of(root)
    for sign in ("", "-"):
        values = [row["value"] for row in client.get(f"{LEADS}?ordering={sign}value").json()["results"]]
        known = [value for value in values if value is not None]
        assert values == sorted(known, reverse=bool(sign)) + [None] * (len(values) - len(known))


def test_what_is_added_meanwhile_moves_nothing(client_of, root, many, a_lead):
    client = client_of(root)
    first = client.get(f"{LEADS}?page_size=10").json()
    a_lead(last_name="Newest")
    second = client.get(first["next"]).json()
    seen = [row["id"] for row in first["results"] + second["results"]]
    assert seen == sorted((lead.pk for lead in many), reverse=True)[:20]


def test_links_keep_the_filter(client_of, root, many):
    body = client_of(root).get(f"{LEADS}?page_size=2&search=aa").json()
    assert "search=aa" in body["next"]
    assert "page_size=2" in body["next"]


def test_the_default_page_has_fifty_and_none_more_than_500(client_of, root):
    Lead.objects.bulk_create(Lead(last_name=str(n), created_at="2026-01-01T00:00:00Z") for n in range(502))
    client = client_of(root)
    assert len(client.get(LEADS).json()["results"]) == 50
    assert len(client.get(f"{LEADS}?page_size=501").json()["results"]) == 500


@pytest.mark.parametrize("size", ["0", "-1", "ten", "", "5.5", "٣"])
def test_a_page_size_that_is_none_is_refused(client_of, root, size):
    assert codes(client_of(root).get(f"{LEADS}?page_size={size}")) == {"page_size": "invalid"}


@pytest.mark.parametrize(
    "cursor",
    [
        b"",
        b"garbage",
        b"[]",
        b"[true]",
        b"[false,{}]",
        b'[false,"x"]',
        b'[false,"a\\u0000"]',
        b"[false,1,2]",
        b"[" * 9,
    ],
)
def test_a_cursor_that_is_none_is_refused(client_of, root, many, cursor):
    for text in (cursor.decode(), base64.urlsafe_b64encode(cursor).decode()):
        assert codes(client_of(root).get(LEADS, {"cursor": text})) == {"cursor": "invalid"}
