"""Is a POST that is sent twice done once?"""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from crm.integrations.models import IdempotencyKey
from leads.models import Lead
from touchpoints import suppress

LEADS = "/api/v1/leads/"


def key(text: str = "k-1") -> dict[str, str]:
    return {"Idempotency-Key": text}


def test_the_first_answer_is_given_again(client_of, ada):
    client = client_of(ada)
    first = client.post(LEADS, {"last_name": "Lee"}, headers=key())
    again = client.post(LEADS, {"last_name": "Lee"}, headers=key())
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert again["Content-Type"] == first["Content-Type"]
    assert again["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first
    assert Lead.objects.count() == 1


def test_a_refusal_is_given_again_too(client_of, ada):
    client = client_of(ada)
    first = client.post(LEADS, {"colour": "red"}, headers=key())
    again = client.post(LEADS, {"colour": "red"}, headers=key())
    assert (first.status_code, again.status_code) == (400, 400)
    assert again["Content-Type"] == "application/problem+json"
    assert again.json() == first.json()


@pytest.mark.parametrize(
    "url, body", [(LEADS, {"last_name": "Ng"}), ("/api/v1/lists/", {"last_name": "Lee"})], ids=str
)
def test_a_key_is_for_one_request(client_of, ada, url, body):
    client = client_of(ada)
    client.post(LEADS, {"last_name": "Lee"}, headers=key())
    answer = client.post(url, body, headers=key())
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_mismatch")
    assert Lead.objects.count() == 1


def test_keys_of_two_users_are_two_keys(client_of, ada, bea):
    for user in (ada, bea):
        assert client_of(user).post(LEADS, {"last_name": user.username}, headers=key()).status_code == 201


def test_a_request_that_is_still_being_done_is_in_flight(client_of, ada, noon):
    client = client_of(ada)
    client.post(LEADS, {"last_name": "Lee"}, headers=key())
    IdempotencyKey.objects.update(status=None)
    answer = client.post(LEADS, {"last_name": "Lee"}, headers=key())
    assert (answer.status_code, answer.json()["code"], answer["Retry-After"]) == (
        409,
        "idempotency_in_flight",
        "1",
    )


def test_what_a_dead_process_claimed_is_done_in_the_end(client_of, ada, noon, time_machine):
    client = client_of(ada)
    client.post(LEADS, {"last_name": "Lee"}, headers=key())
    Lead.objects.all().delete()
    IdempotencyKey.objects.update(status=None)
    time_machine.shift(timedelta(minutes=11))
    assert client.post(LEADS, {"last_name": "Lee"}, headers=key()).status_code == 201
    assert Lead.objects.count() == 1


def test_keys_are_forgotten_after_a_day(client_of, ada, noon, time_machine):
    client = client_of(ada)
    client.post(LEADS, {"last_name": "Lee"}, headers=key())
    time_machine.shift(timedelta(hours=24))
    assert client.post(LEADS, {"last_name": "Ng"}, headers=key()).status_code == 422
    time_machine.shift(timedelta(seconds=1))
    assert client.post(LEADS, {"last_name": "Ng"}, headers=key()).status_code == 201


def test_a_fault_of_ours_keeps_nothing_and_may_be_tried_again(client_of, ada, monkeypatch):
    from touchpoints.api import leads

    client = client_of(ada)
    client.raise_request_exception = False
    with monkeypatch.context() as broken:
        broken.setattr(leads, "show_leads", lambda *args, **kwargs: 1 / 0)
        assert client.post(LEADS, {"last_name": "Lee"}, headers=key()).status_code == 500
    assert not Lead.objects.exists()
    assert not IdempotencyKey.objects.exists()
    assert client.post(LEADS, {"last_name": "Lee"}, headers=key()).status_code == 201


def test_a_stranger_leaves_no_key(client, db):
    answer = client.post(LEADS, json.dumps({}), content_type="application/json", headers=key())
    assert answer.status_code == 401
    assert not IdempotencyKey.objects.exists()


def test_a_key_without_the_scope_may_be_used_when_it_has_it(client_of, ada):
    assert client_of(ada, scopes=["read"]).post(LEADS, {"last_name": "Lee"}, headers=key()).status_code == 403
    assert client_of(ada).post(LEADS, {"last_name": "Lee"}, headers=key()).status_code == 201


@pytest.mark.parametrize("text", ["", "x" * 201], ids=["blank", "201 characters"])
def test_a_key_that_is_none_is_refused(client_of, ada, text):
    answer = client_of(ada).post(LEADS, {"last_name": "Lee"}, headers=key(text))
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "Idempotency-Key"
    assert not Lead.objects.exists()


def test_a_dial_that_is_repeated_gives_its_link_only_while_it_is_the_same_dial(
    client_of, a_lead, ada, noon, time_machine
):
    lead = a_lead(owner=ada, phones=("+1 212 555 0123",))
    dial, client = f"{LEADS}{lead.pk}/dial/", client_of(ada)
    first = client.post(dial, {}, headers=key())
    time_machine.shift(timedelta(seconds=50))
    again = client.post(dial, {}, headers=key())
    assert again.json()["tel_url"] == first.json()["tel_url"] == "tel:+12125550123"
    time_machine.shift(timedelta(seconds=10))
    late = client.post(dial, {}, headers=key())
    assert (late.status_code, late.json()["tel_url"], late.json()["id"]) == (201, "", first.json()["id"])


@pytest.mark.parametrize("after", ["the outcome", "a wish"])
def test_a_repeated_dial_gives_no_link_after(client_of, a_lead, ada, noon, after):
    lead = a_lead(owner=ada, phones=("+1 212 555 0123",))
    dial, client = f"{LEADS}{lead.pk}/dial/", client_of(ada)
    call = client.post(dial, {}, headers=key()).json()
    if after == "a wish":
        suppress.suppress(scope="person", lead=lead, by=ada, now=noon)
    else:
        client.post(f"/api/v1/calls/{call['id']}/outcome/", {"outcome": "no_answer"})
    assert client.post(dial, {}, headers=key()).json()["tel_url"] == ""
