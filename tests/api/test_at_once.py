"""What becomes of two requests that arrive at the same moment?"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection

from leads.models import Lead
from touchpoints.models import Touchpoint

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)


def at_once(clients, url: str, body: dict, **how) -> list:
    """The answers to one body posted by several programs in the same instant."""
    together = Barrier(len(clients))

    def post(client):
        try:
            together.wait()
            return client.post(url, body, **how)
        finally:
            connection.close()

    with ThreadPoolExecutor(len(clients)) as pool:
        return list(pool.map(post, clients))


def test_one_person_becomes_one_lead(client_of, root):
    clients = [client_of(root) for _ in range(3)]
    answers = at_once(clients, "/api/v1/leads/", {"last_name": "Lee", "email": "ann@acme.example"})
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409]
    assert Lead.objects.count() == 1


def test_one_report_becomes_one_touchpoint(client_of, root):
    clients = [client_of(root) for _ in range(3)]
    body = {
        "kind": "event",
        "occurred_at": "2026-03-01T12:00:00Z",
        "source": "expo",
        "external_id": "badge-7",
        "lead": {"email": "ann@acme.example"},
    }
    answers = at_once(clients, "/api/v1/touchpoints/", body)
    assert sorted(answer.status_code for answer in answers) == [200, 200, 201]
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert (Lead.objects.count(), Touchpoint.objects.count()) == (1, 1)


def test_one_idempotency_key_is_one_request(client_of, root):
    clients = [client_of(root) for _ in range(3)]
    answers = at_once(clients, "/api/v1/leads/", {"last_name": "Lee"}, headers={"Idempotency-Key": "k"})
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert (
        len(
            [
                answer
                for answer in answers
                if answer.status_code == 201 and "Idempotency-Replayed" not in answer
            ]
        )
        == 1
    )
    assert Lead.objects.count() == 1
