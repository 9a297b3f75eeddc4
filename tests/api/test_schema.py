"""Is the OpenAPI document valid, complete and true, and are its docs readable without a network?"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from django.test import Client
from django.urls import get_resolver
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from rest_framework.test import APIClient
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS, not_a_server_error

from touchpoints import pursue, todo
from touchpoints.models import CallAttempt, Touchpoint

EXAMPLES = 6


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return SchemaGenerator().get_schema(request=None, public=True)


def test_the_document_is_valid_openapi_3_1(document):
    assert document["openapi"].startswith("3.1")
    validate_schema(document)


def test_anybody_may_read_it_as_json_or_yaml(db):
    client = APIClient()
    assert client.get("/api/schema/?format=json").json()["info"]["title"] == "Thaw"
    assert client.get("/api/schema/").content.startswith(b"openapi: 3.1")


def test_every_address_is_in_it(document):
    def addresses(patterns, prefix=""):
        for one in patterns:
            path = prefix + str(one.pattern)
            if hasattr(one, "url_patterns"):
                yield from addresses(one.url_patterns, path)
            else:
                yield "/" + path.replace("<int:pk>", "{id}")

    routed = {path for path in addresses(get_resolver().url_patterns) if path.startswith("/api/v1/")}
    assert routed == set(document["paths"])


def test_operations_have_names_of_their_own(document):
    names = [operation["operationId"] for path in document["paths"].values() for operation in path.values()]
    assert len(names) == len(set(names))


def test_every_post_takes_an_idempotency_key_and_every_operation_may_refuse(document):
    for path, operations in document["paths"].items():
        for verb, operation in operations.items():
            headers = [one["name"] for one in operation.get("parameters", []) if one["in"] == "header"]
            assert headers == (["Idempotency-Key"] if verb == "post" else []), path
            assert "4XX" in operation["responses"], path
            assert operation["security"][0] == {"key": []}, path


def test_bodies_are_strict_in_the_document_too(document):
    for name in ("LeadInputRequest", "TouchpointInputRequest", "OutcomeInputRequest", "DialInputRequest"):
        assert document["components"]["schemas"][name]["additionalProperties"] is False, name


def test_words_that_managers_add_to_are_no_enumeration(document):
    """An empty one would allow nothing, and one from this database would be wrong in the next."""
    schemas = document["components"]["schemas"]
    assert schemas["TouchpointInputRequest"]["properties"]["kind"]["type"] == "string"
    assert "enum" not in schemas["OutcomeInputRequest"]["properties"]["outcome"]


def test_the_docs_need_no_network_and_no_inline_script(db):
    page = Client().get("/api/docs/")
    text = page.content.decode()
    assert page.status_code == 200
    assert "//" not in text.replace("<!doctype", "").replace("http://testserver", "")
    assert "<style" not in text
    assert "<script>" not in text
    for part in text.split('"'):
        if part.startswith("/static/"):
            assert Client().get(part).status_code == 200, part


# A wrong answer shows in a few tries of each operation; deeper search is not this test's business.
FEW = settings(
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def test_whatever_is_sent_the_answer_is_one_the_document_promises(
    document, api_key, max_, a_lead, noon, kept_connection
):
    """Requests made up from the document, fit and unfit: never a fault, always a promised status and shape."""
    lead = a_lead(owner=max_, company="Acme", country="US", region="NY", phones=("+1 212 555 0123",))
    pursue.start([lead], by=max_, now=noon)
    todo.ask(lead, "find_name", "nobody knows it", now=noon)
    rows = {
        "leads": lead,
        "calls": CallAttempt.objects.create(lead=lead, user=max_, started_at=noon),
        "touchpoints": Touchpoint.objects.create(
            lead=lead, kind_id="event", direction="inbound", occurred_at=noon, recorded_at=noon
        ),
        "queue": lead.follow_ups.get(),
        "tasks": lead.tasks.get(),
    }
    api = schemathesis.openapi.from_dict(document)
    api.app = get_wsgi_application()
    headers = {"Authorization": f"Bearer {api_key(max_)}"}
    promised = ("status_code_conformance", "content_type_conformance", "response_schema_conformance")
    checks = [not_a_server_error, *CHECKS.get_by_names(promised)]
    for result in api.get_all_operations():
        operation = result.ok()
        row = rows.get(operation.path.split("/")[3])
        known = {"path_parameters": {"id": row.pk}} if row and "{id}" in operation.path else {}
        fit = operation.as_strategy(generation_mode=GenerationMode.POSITIVE, **known)
        _ask(fit, checks=checks, headers=headers)
        with suppress(Unsatisfiable):  # what takes nothing can be asked in no wrong way
            unfit = operation.as_strategy(generation_mode=GenerationMode.NEGATIVE, **known)
            _ask(unfit, checks=checks, headers=headers)


@pytest.fixture
def kept_connection(db):
    """A server lets go of its connection after each request; here it is the test's own."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


def _ask(cases: Any, **how: Any) -> None:
    """Send a few made-up requests. Raises Unsatisfiable where none can be made up."""

    @FEW
    @given(case=cases)
    def ask(case: Any) -> None:
        case.call_and_validate(**how)

    ask()
