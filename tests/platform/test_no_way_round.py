"""Does any page, answer or form hand out a link that dials, but for the dial that the guard let through?

Every address of the matrix that is looked at is asked by everybody, for a lead whose number is on our own list, and
read for anything a phone would dial. Then everybody tries to dial.
"""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from crm.accounts.models import User
from leads.models import Suppression
from tests.platform.stage import NOON, NUMBER, Stage
from tests.platform.test_matrix import DECIDED, OURS, QUERIES, ROLES, reverse_of, stage  # noqa: F401
from touchpoints.models import BlockedDial, CallAttempt, Dial

pytestmark = pytest.mark.django_db

SIGNED_IN = [role for role in ROLES if role != "anonymous"]
# Where people and their numbers are shown, and what hangs on the one lead there is.
SHOWS = re.compile(
    r"(api/v1/)?(call|calls|leads|lookup|tasks|inbox|pipeline|visits|queue|meetings|compliance|suppressions)\b"
)
LOOKED_AT = sorted(
    name
    for name in DECIDED
    if name in OURS
    and SHOWS.match(OURS[name])
    and DECIDED[name].get("GET", ("",))[0] in ("-", "lead", "logged_call")
)
# Anything a phone or a softphone takes, with digits in it, and the keys under which the API gives it.
DIALS = re.compile(
    rb"(?:tel|sip|sips|callto|facetime|skype):[^\s\"'<>]*\d{4}|pbx\.example/\S*\d{4}|\"tel_url\"", re.I
)


@pytest.fixture
def blocked(stage: Stage) -> Stage:  # noqa: F811
    """Everything the pages show hangs on a lead; its number and the person are on our own list. Some dial by link,
    some by their phone system."""
    for of in ("lead", "logged_call"):
        stage.one(of)
    Dial.objects.all().delete()
    CallAttempt.objects.filter(ended_at=None).update(ended_at=NOON)
    Suppression.objects.get_or_create(
        scope="number", e164=NUMBER, lifted_at=None, defaults={"requested_at": NOON}
    )
    Suppression.objects.get_or_create(
        scope="person", lead=stage.one("lead"), lifted_at=None, defaults={"requested_at": NOON}
    )
    User.objects.filter(username__in=["ada", "mo"]).update(dial_url="sip:{number}@pbx.example")
    User.objects.filter(username="root").update(dial_url="https://pbx.example/dial/{number}")
    return stage


def as_page(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def as_program(user: User, api_key: Any) -> APIClient:
    return APIClient(headers={"Authorization": f"Bearer {api_key(user)}"})


def body(answer: Any) -> bytes:
    whole = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return whole + repr(sorted(answer.headers.items())).encode()


def test_no_page_and_no_answer_holds_a_link_that_dials(blocked: Stage, api_key: Any) -> None:
    found, looked_at = [], 0
    for role in SIGNED_IN:
        user = User.objects.get(pk=blocked.cast[role].pk)
        page, program = as_page(user), as_program(user, api_key)
        for name in LOOKED_AT:
            asks = program if OURS[name].startswith("api/") else page
            query, needed = QUERIES.get((name, "GET"), ("", "-"))
            blocked.arguments(needed)
            url = reverse_of(name, blocked, DECIDED[name]["GET"][0]) + query
            said = body(asks.get(url))
            looked_at += NUMBER.encode() in said or b"555-0123" in said
            found += [(role, url, match[0]) for match in DIALS.finditer(said)]
    assert looked_at > 20, "the pages no longer show the number, so this test sees nothing"
    assert not found


def test_the_back_office_holds_no_link_that_dials(blocked: Stage) -> None:
    client = as_page(blocked.cast["root"])
    found = []
    for model in admin.site._registry:
        base = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        urls = [reverse(f"{base}_changelist")]
        urls += [
            reverse(f"{base}_change", args=[pk])
            for pk in model._default_manager.values_list("pk", flat=True)[:3]
        ]
        found += [(url, match[0]) for url in urls for match in DIALS.finditer(body(client.get(url)))]
    assert not found


@pytest.mark.parametrize("role", SIGNED_IN)
def test_nobody_dials_past_the_guard(blocked: Stage, api_key: Any, role: str) -> None:
    lead, user = blocked.one("lead"), blocked.cast[role]
    page, program = as_page(user), as_program(user, api_key)
    number = lead.lead_numbers.get().number_id
    for asked in ({"lead": lead.pk}, {"lead": lead.pk, "number": number, "warn_reason": "he is my uncle"}):
        for headers in ({}, {"HX-Request": "true"}):
            answer = page.post(reverse("call_dial"), asked, headers=headers)
            assert not DIALS.search(body(answer)), answer.content
        sent = {"warn_reason": "he is my uncle"} | ({"number": NUMBER} if "number" in asked else {})
        answer = program.post(f"/api/v1/leads/{lead.pk}/dial/", sent, format="json")
        assert answer.status_code in (404, 409), answer.content
        assert not DIALS.search(body(answer))
    assert not Dial.objects.exists()
    assert not CallAttempt.objects.open().exists()
    reached = role in ("ada", "max", "root")
    assert BlockedDial.objects.filter(user=user).exists() is reached


def test_what_the_guard_lets_through_does_dial(blocked: Stage, api_key: Any) -> None:
    """The eye of this test: it knows a link when there is one."""
    Suppression.objects.all().delete()
    lead = blocked.one("lead")
    page = as_page(User.objects.get(username="ada")).post(
        reverse("call_dial"), {"lead": lead.pk}, headers={"HX-Request": "true"}
    )
    assert DIALS.search(body(page))
    CallAttempt.objects.filter(ended_at=None).update(ended_at=NOON)
    Dial.objects.all().delete()
    answer = as_program(blocked.cast["ada"], api_key).post(
        f"/api/v1/leads/{lead.pk}/dial/", {"warn_reason": "x"}
    )
    assert DIALS.search(body(answer)), answer.content
