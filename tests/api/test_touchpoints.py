"""What may a program report of touchpoints, and what becomes of a report that comes twice, late or wrong?"""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from leads.models import AuditEvent, Lead, LeadList
from tests.api.conftest import codes
from touchpoints import engine
from touchpoints.models import Touchpoint, TouchpointKind, UnmatchedTouchpoint

URL = "/api/v1/touchpoints/"
BATCH = "/api/v1/touchpoints/batch/"


@pytest.fixture
def report(noon):
    """report(kind="event", lead={…}): a body that is fit to be posted."""

    def make(number: int = 1, **changes):
        body = {
            "kind": "referral",
            "occurred_at": (noon - timedelta(days=1)).isoformat(),
            "source": "crm",
            "external_id": f"r-{number}",
            "lead": {"email": "ann@acme.example", "first_name": "Ann", "last_name": "Lee"},
        }
        return body | changes

    return make


def test_a_report_of_somebody_new_makes_the_lead(client_of, root, report):
    answer = client_of(root).post(URL, report(referred_by="Bo Berg", data={"score": [1, 2.5, None]}))
    assert answer.status_code == 201
    touchpoint, lead = Touchpoint.objects.get(), Lead.objects.get()
    assert answer.json() == {"id": touchpoint.pk, "created": True, "lead": {"id": lead.pk, "created": True}}
    assert (lead.first_name, lead.email, lead.owner, lead.team) == ("Ann", "ann@acme.example", None, None)
    assert (touchpoint.referred_by, touchpoint.data, touchpoint.direction) == (
        "Bo Berg",
        {"score": [1, 2.5, None]},
        "inbound",
    )
    assert touchpoint.evaluated_at is None


def test_a_replay_is_answered_and_a_changed_one_corrects(client_of, root, report):
    client = client_of(root)
    first = client.post(URL, report()).json()
    again = client.post(URL, report())
    assert (again.status_code, again.json()) == (
        200,
        {"id": first["id"], "created": False, "lead": {"id": first["lead"]["id"], "created": False}},
    )
    changed = client.post(URL, report(summary="Ann called it urgent"))
    assert changed.status_code == 200
    assert changed.json() == again.json() | {"updated": True}
    assert Touchpoint.objects.get().summary == "Ann called it urgent"
    assert client.post(URL, report(summary="Ann called it urgent")).json() == again.json()


def test_an_existing_lead_keeps_its_fields(client_of, a_lead, root, report):
    lead = a_lead(first_name="Anne", email="ann@acme.example")
    answer = client_of(root).post(URL, report()).json()
    assert answer["lead"] == {"id": lead.pk, "created": False}
    lead.refresh_from_db()
    assert (lead.first_name, lead.last_name) == ("Anne", "Jones")


def test_an_external_id_is_the_lead_s_in_the_namespace_of_the_source(client_of, root, report):
    client = client_of(root)
    first = client.post(URL, report(1, lead={"external_id": "u-7", "last_name": "Lee"})).json()
    same = client.post(URL, report(2, lead={"external_id": "u-7"})).json()
    other = client.post(URL, report(3, source="forms", lead={"external_id": "u-7", "last_name": "Ng"})).json()
    assert same["lead"] == {"id": first["lead"]["id"], "created": False}
    assert other["lead"]["created"]
    assert client.get(f"/api/v1/leads/{first['lead']['id']}/").json()["external_ids"] == {"crm": "u-7"}


def test_an_identity_that_points_at_two_waits_for_a_person(client_of, a_lead, root, report):
    a_lead(email="ann@acme.example")
    other = a_lead(last_name="Other")
    client = client_of(root)
    two = report(lead={"id": other.pk, "email": "ann@acme.example"})
    answer = client.post(URL, two)
    assert (answer.status_code, answer.json()) == (202, {"status": "unresolved"})
    assert client.post(URL, two).status_code == 202
    assert (Touchpoint.objects.count(), UnmatchedTouchpoint.objects.count()) == (0, 1)


def test_a_referral_warms_and_its_withdrawal_cools(client_of, root, report, noon):
    client = client_of(root)
    made = client.post(URL, report()).json()
    engine.evaluate_waiting(now=noon)
    lead_url = f"/api/v1/leads/{made['lead']['id']}/"
    warm = client.get(lead_url).json()
    assert (warm["temperature"], len(warm["evidence"]), warm["evidence"][0]["share"]) == ("warm", 1, 1)
    assert warm["warm_until"] == (noon - timedelta(days=1) + timedelta(days=90)).isoformat().replace(
        "+00:00", "Z"
    )

    corrected = client.patch(f"{URL}{made['id']}/", {"kind": "website_visit"})
    assert corrected.status_code == 200
    assert corrected.json()["kind"] == "website_visit"
    engine.evaluate_waiting(now=noon)
    assert client.get(lead_url).json()["temperature"] == "cold"

    assert client.patch(f"{URL}?source=crm&external_id=r-1", {"kind": "event"}).json()["kind"] == "event"
    engine.evaluate_waiting(now=noon)
    assert client.get(lead_url).json()["temperature"] == "warm"

    assert client.delete(f"{URL}?source=crm&external_id=r-1").status_code == 204
    engine.evaluate_waiting(now=noon)
    assert client.get(lead_url).json()["evidence"] == []
    assert client.delete(f"{URL}{made['id']}/").status_code == 404
    assert AuditEvent.objects.filter(action__startswith="touchpoint.").count() == 3


@pytest.mark.parametrize(
    "change, refused",
    [
        ({"mood": "good"}, {"mood": "unknown_field"}),
        ({"kind": "telepathy"}, {"kind": "invalid_choice"}),
        ({"kind": None}, {"kind": "null"}),
        ({"kind": ["event"]}, {"kind": "invalid_choice"}),
        ({"occurred_at": "2026-03-04T16:00:00"}, {"occurred_at": "naive"}),
        ({"occurred_at": "2026-03-04"}, {"occurred_at": "naive"}),
        ({"occurred_at": "yesterday"}, {"occurred_at": "invalid"}),
        ({"occurred_at": 1772640000}, {"occurred_at": "invalid"}),
        ({"occurred_at": "2026-03-04T17:05:01Z"}, {"occurred_at": "in_the_future"}),
        ({"occurred_at": "1969-12-31T23:59:59Z"}, {"occurred_at": "too_early"}),
        ({"occurred_at": "0001-01-01T00:00:00+14:00"}, {"occurred_at": "too_early"}),
        ({"direction": "sideways"}, {"direction": "invalid_choice"}),
        ({"url": "javascript:alert(1)"}, {"url": "invalid"}),
        ({"data": [1, 2]}, {"data": "invalid"}),
        ({"data": {"x": "y" * 70_000}}, {"data": "too_large"}),
        ({"historical": "yes"}, {"historical": "invalid"}),
        ({"summary": "x" * 501}, {"summary": "max_length"}),
        ({"lead": "ann@acme.example"}, {"lead": "invalid"}),
        ({"lead": {}}, {"lead": "required"}),
        ({"lead": {"last_name": "Lee"}}, {"lead": "required"}),
        ({"lead": {"email": "ann at acme"}}, {"lead.email": "invalid"}),
        ({"lead": {"phone": "12"}}, {"lead.phone": "invalid"}),
        ({"lead": {"email": "ann@acme.example", "shoe_size": 44}}, {"lead.shoe_size": "unknown_field"}),
        ({"lead": {"email": "ann@acme.example", "stage": "won"}}, {"lead.stage": "read_only"}),
        ({"lead": {"email": "ann@acme.example", "country": "Atlantis"}}, {"lead.country": "invalid"}),
        ({"lead": {"email": "ann@acme.example", "owner": "nobody"}}, {"lead.owner": "does_not_exist"}),
        ({"lead": {"email": "ann@acme.example", "lists": ["None such"]}}, {"lead.lists": "does_not_exist"}),
        ({"lead": {"id": 424242}}, {"lead.id": "not_found"}),
        ({"lead": {"id": "7"}}, {"lead.id": "invalid"}),
        ({"lead": {"id": 2**63}}, {"lead.id": "max_value"}),
        ({"source": ""}, {"source": "blank"}),
    ],
    ids=lambda value: str(value)[:50],
)  # fmt: skip
def test_a_wrong_report_names_the_field_and_leaves_nothing(client_of, root, report, change, refused):
    answer = client_of(root).post(URL, report(**change))
    assert answer.status_code == 400, answer.json()
    assert codes(answer) == refused
    assert not Lead.objects.exists()
    assert not Touchpoint.objects.exists()


def test_a_refused_word_comes_with_those_allowed(client_of, root, report):
    error = client_of(root).post(URL, report(kind="telepathy")).json()["errors"][0]
    assert all(kind in error["detail"] for kind in ("referral", "event", "web_form"))
    error = client_of(root).post(URL, report(mood="good")).json()["errors"][0]
    assert "occurred_at" in error["detail"]


def test_every_missing_field_is_named(client_of, root):
    answer = client_of(root).post(URL, {})
    assert codes(answer) == dict.fromkeys(
        ["kind", "occurred_at", "source", "external_id", "lead"], "required"
    )


def test_clocks_may_differ_by_five_minutes(client_of, root, report):
    assert client_of(root).post(URL, report(occurred_at="2026-03-04T17:05:00Z")).status_code == 201


def test_a_kind_that_is_switched_off_is_not_taken(client_of, root, report):
    TouchpointKind.objects.filter(key="referral").update(active=False)
    assert codes(client_of(root).post(URL, report())) == {"kind": "invalid_choice"}


def test_by_names_one_of_our_people(client_of, root, ada, report):
    client_of(root).post(URL, report(by="ada"))
    touchpoint = Touchpoint.objects.get()
    assert (touchpoint.by, touchpoint.by_user) == ("ada", ada)


def test_a_made_lead_goes_where_the_report_says(client_of, root, ada, report, noon):
    LeadList.objects.create(name="Fair", created_at=noon)
    body = report()
    body["lead"] |= {"owner": "ada", "lists": ["Fair"], "phone": "+1 212 555 0123"}
    lead = client_of(root).post(URL, body).json()["lead"]["id"]
    shown = client_of(ada).get(f"/api/v1/leads/{lead}/").json()
    assert (shown["owner"], shown["team"], shown["lists"], shown["phone"]) == (
        "ada",
        "North",
        ["Fair"],
        "+12125550123",
    )


def test_a_rep_s_report_makes_the_rep_s_lead(client_of, ada, report):
    lead = client_of(ada).post(URL, report()).json()["lead"]["id"]
    assert Lead.objects.get(pk=lead).owner == ada


def test_a_colleague_s_lead_is_neither_told_nor_doubled(client_of, a_lead, cy, ada, report):
    """Who fits is somebody Cy may not see: he learns no id and no name, and no second Ann is made."""
    lead = a_lead(owner=ada, email="ann@acme.example")
    client = client_of(cy)
    assert client.post(URL, report()).json() == {"status": "unresolved"}
    assert codes(client.post(URL, report(2, lead={"id": lead.pk}))) == {"lead.id": "not_found"}
    assert Lead.objects.count() == 1


def test_touchpoints_of_others_are_not_found(client_of, a_lead, ada, cy, report):
    made = client_of(ada).post(URL, report()).json()
    client = client_of(cy)
    url = f"{URL}{made['id']}/"
    assert client.get(URL).json()["results"] == []
    for answer in (
        client.get(url),
        client.patch(url, {"summary": "mine now"}),
        client.delete(url),
        client.patch(f"{URL}?source=crm&external_id=r-1", {"summary": "mine now"}),
        client.delete(f"{URL}?source=crm&external_id=r-1"),
    ):
        assert answer.status_code == 404
    assert codes(client.post(URL, report())) == {"external_id": "taken"}
    assert Touchpoint.objects.get().summary == ""


@pytest.mark.parametrize(
    "change, refused",
    [
        ({"lead": 7}, {"lead": "read_only"}),
        ({"source": "x", "external_id": "y"}, {"source": "read_only", "external_id": "read_only"}),
        ({"kind": "telepathy"}, {"kind": "invalid_choice"}),
        ({"occurred_at": "2026-03-04T18:00:00Z"}, {"occurred_at": "in_the_future"}),
        ({"weight": 5}, {"weight": "unknown_field"}),
    ],
    ids=str,
)
def test_a_wrong_correction_changes_nothing(client_of, root, report, change, refused):
    client = client_of(root)
    made = client.post(URL, report()).json()
    before = Touchpoint.objects.values().get()
    assert codes(client.patch(f"{URL}{made['id']}/", change)) == refused
    assert Touchpoint.objects.values().get() == before


def test_by_name_needs_both_names(client_of, root):
    assert codes(client_of(root).delete(f"{URL}?source=crm")) == dict.fromkeys(["external_id"], "required")
    assert codes(client_of(root).delete(URL)) == dict.fromkeys(["source", "external_id"], "required")


def test_a_batch_answers_each_row_in_order_and_one_bad_row_spoils_nothing(client_of, a_lead, root, report):
    client = client_of(root)
    client.post(URL, report(1))
    a_lead(email="bo@acme.example")
    other = a_lead(last_name="Other")
    rows = [
        report(1),
        report(2, lead={"email": "cia@acme.example"}),
        report(3, kind="telepathy"),
        report(4, lead={"id": other.pk, "email": "bo@acme.example"}),
        "nonsense",
        report(2, lead={"email": "cia@acme.example"}),
        report(1, summary="new words"),
        report(5, lead={"email": "cia@acme.example"}),
    ]
    answer = client.post(BATCH, rows, format="json")
    assert answer.status_code == 200
    body = answer.json()
    assert list(body) == ["created", "duplicates", "updated", "unresolved", "rejected", "results"]
    statuses = [row["status"] for row in body["results"]]
    assert statuses == [
        "duplicate",
        "created",
        "rejected",
        "unresolved",
        "rejected",
        "duplicate",
        "updated",
        "created",
    ]
    assert [row["index"] for row in body["results"]] == list(range(8))
    assert [body[name] for name in list(body)[:5]] == [2, 2, 1, 1, 2]
    assert body["results"][2]["errors"][0] | {"detail": ""} == {
        "field": "kind",
        "code": "invalid_choice",
        "detail": "",
    }
    assert body["results"][4]["errors"][0]["code"] == "invalid"
    assert body["results"][1]["lead"]["created"]
    assert body["results"][7]["lead"] == {"id": body["results"][1]["lead"]["id"], "created": False}
    assert Touchpoint.objects.count() == 3


def test_a_batch_may_name_its_rows(client_of, root, report):
    assert client_of(root).post(BATCH, {"touchpoints": [report()]}, format="json").json()["created"] == 1


def test_a_batch_costs_the_same_whatever_its_length(client_of, root, report):
    client = client_of(root)
    client.post(BATCH, [report(0)], format="json")

    def queries(first: int, count: int) -> int:
        rows = [report(n, lead={"email": f"p{n}@acme.example"}) for n in range(first, first + count)]
        with CaptureQueriesContext(connection) as seen:
            assert client.post(BATCH, rows, format="json").json()["created"] == count
        return len(seen)

    assert queries(10, 2) == queries(20, 60)


@pytest.mark.parametrize(
    "body, code",
    [({}, "not_a_list"), ("text", "not_a_list"), ({"rows": []}, "unknown_field"), ([{}] * 5001, "too_many")],
    ids=["empty", "text", "another name", "5001 rows"],
)
def test_a_body_that_is_no_batch_is_refused(client_of, root, body, code):
    answer = client_of(root).post(BATCH, body, format="json")
    assert answer.status_code == 400
    assert set(codes(answer).values()) == {code}


def test_posting_needs_no_broker(client_of, root, report, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True) as rings:
        assert client_of(root).post(URL, report()).status_code == 201
    assert rings


def test_the_list_is_filtered_and_paged(client_of, root, report):
    client = client_of(root)
    for number in range(5):
        client.post(URL, report(number, kind="event" if number % 2 else "referral"))
    assert len(client.get(f"{URL}?kind=event").json()["results"]) == 2
    page = client.get(f"{URL}?page_size=3").json()
    assert (len(page["results"]), page["previous"]) == (3, None)
    assert len(client.get(page["next"]).json()["results"]) == 2
