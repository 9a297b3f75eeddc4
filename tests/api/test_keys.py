"""Whose key is it, what does it open, and how often?"""

from __future__ import annotations

from datetime import timedelta

import pytest
from rest_framework.test import APIClient

from crm.accounts.models import ApiKey

LEADS = "/api/v1/leads/"


def test_a_key_is_kept_as_a_hash_only(api_key, ada):
    token = api_key(ada)
    row = ApiKey.objects.values().get()
    assert token not in str(row)
    assert row["digest"]


def test_a_key_notes_when_it_was_used_to_the_minute(client_of, ada, time_machine, noon):
    client = client_of(ada)
    client.get(LEADS)
    assert ApiKey.objects.get().last_used_at == noon
    time_machine.shift(timedelta(seconds=30))
    client.get(LEADS)
    assert ApiKey.objects.get().last_used_at == noon
    time_machine.shift(timedelta(seconds=31))
    client.get(LEADS)
    assert ApiKey.objects.get().last_used_at == noon + timedelta(seconds=61)


def test_the_key_of_somebody_who_left_opens_nothing(client_of, ada):
    client = client_of(ada)
    assert client.get(LEADS).status_code == 200
    ada.is_active = False
    ada.save()
    assert client.get(LEADS).status_code == 401


def test_a_revoked_or_expired_key_opens_nothing(client_of, ada, noon):
    client = client_of(ada)
    ApiKey.objects.update(expiry=noon)
    assert client.get(LEADS).status_code == 401
    ApiKey.objects.update(expiry=noon + timedelta(seconds=1))
    assert client.get(LEADS).status_code == 200
    ApiKey.objects.all().delete()
    assert client.get(LEADS).status_code == 401


@pytest.mark.parametrize(
    "scopes, read_leads, write_leads, read_calls",
    [
        ([], 200, 201, 200),
        (["read"], 200, 403, 200),
        (["write"], 403, 201, 403),
        (["leads:read"], 200, 403, 403),
        (["leads:write"], 403, 201, 403),
        (["leads:read", "leads:write"], 200, 201, 403),
        (["touchpoints:write"], 403, 403, 403),
    ],
    ids=str,
)
def test_scopes_narrow_what_a_key_may_do(client_of, ada, scopes, read_leads, write_leads, read_calls):
    client = client_of(ada, scopes=scopes)
    answers = client.get(LEADS), client.post(LEADS, {"last_name": "Lee"}), client.get("/api/v1/calls/")
    assert [answer.status_code for answer in answers] == [read_leads, write_leads, read_calls]
    for answer in answers:
        if answer.status_code == 403:
            assert answer.json()["code"] == "missing_scope"


def test_scopes_never_widen(client_of, a_lead, ada, cy):
    lead = a_lead(owner=ada)
    assert client_of(cy, scopes=["read", "write"]).get(f"{LEADS}{lead.pk}/").status_code == 404


def test_there_is_no_limit_until_one_is_set(client_of, ada, noon):
    free, limited = client_of(ada), client_of(ada, requests_a_minute=2)
    assert [limited.get(LEADS).status_code for _ in range(3)] == [200, 200, 429]
    answer = limited.get(LEADS)
    assert (answer.json()["code"], answer["Content-Type"]) == ("throttled", "application/problem+json")
    assert int(answer["Retry-After"]) > 0
    assert all(free.get(LEADS).status_code == 200 for _ in range(5))


def test_a_signed_in_person_needs_no_key(ada):
    client = APIClient()
    client.force_login(ada)
    assert client.get(LEADS).status_code == 200
