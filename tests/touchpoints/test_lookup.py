"""Does whoever looks somebody up get to them at once, and is the number they ring from the one that was looked up?"""

from __future__ import annotations

import logging
import re

import pytest
from django.test import Client
from django.utils import timezone

from crm.accounts.models import User
from leads.models import Lead
from leads.register import NewLead, PhoneInput, create_lead

pytestmark = pytest.mark.django_db
FIRST, SECOND = "+12125550141", "+12125550142"


@pytest.fixture
def as_ada(client: Client, ada: User) -> Client:
    client.force_login(ada)
    return client


@pytest.fixture
def anna(ada: User) -> Lead:
    return known_as("Anna", FIRST, SECOND, owner=ada)


def known_as(name: str, *phones: str, owner: User) -> Lead:
    new = NewLead({"first_name": name, "last_name": "Berg"}, [PhoneInput(raw) for raw in phones])
    return create_lead(new, owner=owner, now=timezone.now())


def inbound_links(page: str) -> list[str]:
    return re.findall(r'href="(/lookup/\d+/inbound/[^"]*)"', page)


def test_enter_with_one_hit_opens_the_lead(as_ada: Client, ada: User, anna: Lead) -> None:
    answer = as_ada.get("/lookup/", {"q": "Anna", "open": "1"})
    assert (answer.status_code, answer.headers["Location"]) == (302, anna.get_absolute_url())
    assert as_ada.get("/lookup/", {"q": "Anna"}).status_code == 200
    known_as("Annabel", "+12125550143", owner=ada)
    assert as_ada.get("/lookup/", {"q": "Anna", "open": "1"}).status_code == 200


def test_the_number_looked_up_is_the_one_they_ring_from(as_ada: Client, anna: Lead) -> None:
    number = anna.lead_numbers.get(number__e164=SECOND).number_id
    (link,) = inbound_links(as_ada.get("/lookup/", {"q": "(212) 555-0142"}).content.decode())
    assert link.endswith(f"?number={number}")
    assert as_ada.get(link).context["number_id"] == number
    assert f'<option value="{number}" selected>' in as_ada.get(link).content.decode()


def test_of_several_numbers_none_is_guessed(as_ada: Client, ada: User, anna: Lead) -> None:
    (link,) = inbound_links(as_ada.get("/lookup/", {"q": "Anna"}).content.decode())
    assert as_ada.get(link).context["number_id"] is None
    only = known_as("Olga", "+12125550143", owner=ada)
    assert as_ada.get(f"/lookup/{only.pk}/inbound/").context["number_id"] == only.lead_numbers.get().number_id


def test_a_refused_page_is_one_line_of_the_log(as_ada: Client, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, logger="django.request"):
        assert as_ada.get("/rules/").status_code == 403
    (record,) = [one for one in caplog.records if one.name == "django.request"]
    assert record.exc_info is None
    assert "/rules/" in record.getMessage()
