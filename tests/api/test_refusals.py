"""Is every no of the API one form, with a status and a code to rely on?"""

from __future__ import annotations

import pytest
from django.test import override_settings
from rest_framework.test import APIClient

from leads.models import Lead
from tests.api.conftest import codes

LEADS = "/api/v1/leads/"


def assert_problem(answer, status: int, code: str) -> dict:
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    body = answer.json()
    assert (body["status"], body["code"]) == (status, code)
    assert body["title"]
    assert body["detail"]
    return body


def test_who_does_not_say_who_they_are_is_not_let_in(db):
    for answer in (APIClient().get(LEADS), APIClient().post(LEADS, {})):
        assert_problem(answer, 401, "not_authenticated")
        assert answer["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("header", ["Bearer nonsense", "Bearer", "Bearer a b", "Bearer é"], ids=str)
def test_a_wrong_key_is_refused(db, header):
    assert_problem(APIClient(headers={"Authorization": header}).get(LEADS), 401, "authentication_failed")


def test_a_session_needs_its_token_to_write(ada):
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(ada)
    assert client.get(LEADS).status_code == 200
    assert_problem(client.post(LEADS, {"last_name": "Lee"}), 403, "permission_denied")
    assert not Lead.objects.exists()


def test_an_address_that_is_none_is_not_found(client_of, ada, db):
    for client in (client_of(ada), APIClient(), APIClient(enforce_csrf_checks=True)):
        assert_problem(client.get("/api/v1/unicorns/"), 404, "not_found")
        assert_problem(client.post("/api/v1/leads", {}), 404, "not_found")
        assert_problem(client.get("/api/v2/leads/"), 404, "not_found")
    assert_problem(client_of(ada).get("/api/v1/leads/999999999999999999999999/"), 404, "not_found")


def test_verbs_media_types_and_formats_that_are_not_spoken(client_of, ada):
    client = client_of(ada)
    assert_problem(client.put(LEADS, {}), 405, "method_not_allowed")
    assert_problem(client.delete(LEADS), 405, "method_not_allowed")
    assert_problem(client.get(LEADS, headers={"Accept": "text/csv"}), 406, "not_acceptable")
    assert_problem(client.post(LEADS, "a=b", content_type="text/plain"), 415, "unsupported_media_type")
    assert codes(client.get(f"{LEADS}?format=xml")) == {"format": "unknown_parameter"}


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b'{"last_name": "\xff"}',
        b'{"value": NaN}',
        b'{"value": 1e999}',
        b'{"last_name": "a\\u0000b"}',
        b'{"last_name": "\\ud800"}',
        b"[" * 100_000,
        b'{"value": ' + b"9" * 5_000 + b"}",
    ],
    ids=["cut", "no UTF-8", "NaN", "infinite", "NUL", "half a letter", "deep", "long number"],
)
def test_what_is_no_json_is_malformed(client_of, ada, body):
    answer = client_of(ada).post(LEADS, body, content_type="application/json")
    assert_problem(answer, 400, "malformed")
    assert not Lead.objects.exists()


@pytest.mark.parametrize("body", ["[]", '"text"', "5", "null", "true", "[{}]"], ids=str)
@pytest.mark.parametrize("url", [LEADS, "/api/v1/touchpoints/", "/api/v1/calls/", "/api/v1/segments/"])
def test_a_body_that_is_no_object_is_refused(client_of, ada, url, body):
    answer = client_of(ada).post(url, body, content_type="application/json")
    assert_problem(answer, 400, "invalid")
    assert list(codes(answer)) == ["body"]


@override_settings(DATA_UPLOAD_MAX_MEMORY_SIZE=200)
def test_a_body_that_is_too_large_is_refused(client_of, ada):
    answer = client_of(ada).post(LEADS, {"last_name": "x" * 300})
    assert_problem(answer, 413, "too_large")


@pytest.mark.parametrize(
    "url",
    [
        "/api/v1/leads/?colour=red",
        "/api/v1/leads/?owner__password=x",
        "/api/v1/touchpoints/?lead__email=x",
        "/api/v1/calls/?order=id",
        "/api/v1/meetings/?x=1",
        "/api/v1/tasks/?x=1",
        "/api/v1/lists/?x=1",
        "/api/v1/segments/?x=1",
        "/api/v1/imports/?x=1",
        "/api/v1/customers/?x=1",
        "/api/v1/rules/?x=1",
        "/api/v1/queue/next/?x=1",
        "/api/v1/reports/pipeline/?x=1",
    ],
)
def test_a_parameter_that_nothing_reads_is_named(client_of, ada, url):
    answer = client_of(ada).get(url)
    assert_problem(answer, 400, "invalid")
    assert list(codes(answer).values()) == ["unknown_parameter"]


def test_one_row_knows_no_filters(client_of, ada, a_lead):
    lead = a_lead(owner=ada)
    assert codes(client_of(ada).get(f"{LEADS}{lead.pk}/?stage=new")) == {"stage": "unknown_parameter"}
    assert codes(client_of(ada).patch(f"{LEADS}{lead.pk}/?page_size=5", {})) == {
        "page_size": "unknown_parameter"
    }


def test_a_fault_of_ours_is_a_problem_that_tells_nothing(client_of, ada, monkeypatch):
    from touchpoints.api import leads

    def fail(*args, **kwargs):
        raise RuntimeError("the inner workings")

    monkeypatch.setattr(leads, "show_leads", fail)
    client = client_of(ada)
    client.raise_request_exception = False
    answer = client.get(LEADS)
    assert "inner workings" not in str(assert_problem(answer, 500, "server_error"))
