"""Does a filter show what it says, and nothing the caller may not see?"""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.http import QueryDict

from leads.filters import LeadFilter
from leads.models import Lead, LeadList, ListMembership
from tests.api.conftest import codes
from touchpoints import pursue

LEADS = "/api/v1/leads/"


@pytest.fixture
def names(client_of, root):
    """names(stage="new"): who is shown, by last name, in alphabetical order."""

    def shown(user=root, **asked):
        answer = client_of(user).get(f"{LEADS}?{urlencode(asked, doseq=True)}")
        assert answer.status_code == 200, answer.json()
        return sorted(lead["last_name"] for lead in answer.json()["results"])

    return shown


@pytest.fixture
def crowd(a_lead, ada, bea, north, noon):
    """Four people and how they differ."""
    lee = a_lead(
        owner=ada, first_name="Ann", last_name="Lee", company="Acme Expo", email="ann@acme.example", country="US",
        region="NY", phones=("+1 212 555 0123",), language="en", value=500,
    )  # fmt: skip
    berg = a_lead(team=north, last_name="Berg", country="DK", phones=("+45 32 12 34 56",), value=20)
    ivanov = a_lead(owner=bea, first_name="Пётр", last_name="Иванов", country="RU", company="Сибирь")
    zoe = a_lead(first_name="Zoë", last_name="O'Neil", email="zoe_o@neil.example")
    Lead.objects.filter(pk=lee.pk).update(temperature="warm", warm_until=noon + timedelta(days=3))
    Lead.objects.filter(pk=berg.pk).update(
        stage="reached", temperature="warm", warm_until=noon - timedelta(days=1)
    )
    Lead.objects.filter(pk=zoe.pk).update(stage="meeting", created_at=noon)
    fair = LeadList.objects.create(name="Fair", created_at=noon)
    ListMembership.objects.create(lead=lee, list=fair, added_at=noon)
    lee.external_id_rows.create(source="hubspot", external_id="42")
    zoe.external_id_rows.create(source="forms", external_id="42")
    pursue.start([lee], by=ada, now=noon)
    return lee, berg, ivanov, zoe


@pytest.mark.parametrize(
    "asked, expected",
    [
        ({"temperature": "warm"}, ["Lee"]),
        ({"temperature": "cold"}, ["Berg", "O'Neil", "Иванов"]),
        ({"stage": "reached"}, ["Berg"]),
        ({"stage": ["reached", "meeting"]}, ["Berg", "O'Neil"]),
        ({"stage": "reached,meeting"}, ["Berg", "O'Neil"]),
        ({"owner": "ada"}, ["Lee"]),
        ({"owner": "none"}, ["Berg", "O'Neil"]),
        ({"owner": "me"}, []),
        ({"team": "North", "owner": "none"}, ["Berg"]),
        ({"team": "none"}, ["O'Neil"]),
        ({"list": "Fair"}, ["Lee"]),
        ({"list": "none", "country": "dk"}, ["Berg"]),
        ({"country": "us", "region": "ny"}, ["Lee"]),
        ({"audience": "business"}, ["Lee", "Иванов"]),
        ({"company": "acme expo"}, ["Lee"]),
        ({"email": "ANN@acme.example"}, ["Lee"]),
        ({"phone": "+1 (212) 555-0123"}, ["Lee"]),
        ({"phone": "no number"}, []),
        ({"external_id": "42"}, ["Lee", "O'Neil"]),
        ({"external_id": "42", "source": "forms"}, ["O'Neil"]),
        ({"pursuit": "open"}, ["Lee"]),
        ({"pursuit": "none"}, ["Berg", "O'Neil", "Иванов"]),
        ({"value_min": "21"}, ["Lee"]),
        ({"value_max": "20"}, ["Berg"]),
        ({"created_from": "2026-03-04T17:00:00+00:00"}, ["O'Neil"]),
        ({"created_until": "2026-03-04"}, ["Berg", "Lee", "Иванов"]),
        ({"warm_from": "2026-03-05"}, ["Lee"]),
        ({"search": "lee"}, ["Lee"]),
        ({"search": "ann expo"}, ["Lee"]),
        ({"search": "ann berg"}, []),
        ({"search": "acme.example"}, ["Lee"]),
        ({"search": "ann@acme.example"}, ["Lee"]),
        ({"search": "5550123"}, ["Lee"]),
        ({"search": "(212) 555-0123"}, ["Lee"]),
        ({"search": "32 12 34"}, ["Berg"]),
        ({"search": "иванов"}, ["Иванов"]),
        ({"search": "сибирь ПЁТР"}, ["Иванов"]),
        ({"search": "o'neil"}, ["O'Neil"]),
        ({"search": "zoe_o"}, ["O'Neil"]),
        ({"search": "%"}, []),
        ({"search": "   "}, ["Berg", "Lee", "O'Neil", "Иванов"]),
    ],
    ids=str,
)
def test_a_filter_shows_what_it_says(crowd, names, asked, expected):
    assert names(**asked) == expected


@pytest.mark.parametrize(
    "asked",
    [
        {"stage": "reached,flying"},
        {"temperature": "lukewarm"},
        {"ordering": "password"},
        {"ordering": "owner__password"},
        {"created_from": "soon"},
        {"created_from": "9999-99-99"},
        {"value_min": "much"},
        {"value_min": "NaN"},
        {"search": "x" * 255},
        {"search": "a\0b"},
        {"pursuit": "maybe"},
        {"country": "United States"},
    ],
    ids=lambda asked: str(asked)[:50],
)
def test_a_value_that_cannot_be_is_refused_by_name(client_of, root, crowd, asked):
    answer = client_of(root).get(LEADS, asked)
    assert (answer.status_code, list(codes(answer))) == (400, list(asked)), answer.json()


def test_no_filter_widens_what_a_user_sees(crowd, names, ada, bea):
    assert names(ada) == ["Berg", "Lee"]
    assert names(ada, owner="bea") == []
    assert names(ada, search="Иванов") == []
    assert names(ada, external_id="42") == ["Lee"]
    assert names(ada, owner="me") == ["Lee"]


def test_every_filter_is_in_the_page_s_and_the_segments_one_set():
    """Page, API and segments share it, so a field that can be asked for is a field of the lead's shape."""
    assert set(LeadFilter.base_filters) >= {
        "temperature",
        "stage",
        "owner",
        "team",
        "list",
        "search",
        "ordering",
    }


def test_a_page_may_send_what_nothing_reads(crowd, ada, noon):
    asked = LeadFilter(
        QueryDict("page=2&tab=x&stage=new"), Lead.objects.visible_to(ada), request=None, now=noon
    )
    assert [lead.last_name for lead in asked.qs] == ["Lee"]


@pytest.mark.parametrize(
    "url",
    [
        "calls/?lead=x",
        "calls/?lead=1.5",
        "calls/?lead=99999999999999999999",
        "calls/?breach=perhaps",
        "calls/?started_from=soon",
        "touchpoints/?lead=-1",
        "touchpoints/?historical=1",
        "tasks/?kind=nap",
        "meetings/?status=x",
    ],
)
def test_other_lists_refuse_by_name_too(client_of, root, url):
    answer = client_of(root).get(f"/api/v1/{url}")
    assert (answer.status_code, list(codes(answer))) == (400, [url.split("?")[1].split("=")[0]]), (
        answer.json()
    )
