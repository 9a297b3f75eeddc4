"""Does the export prove each call, for those who may see it, and is no cell of it run as a formula?"""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from crm.accounts.models import User
from leads import erasure, numbers, register
from leads.models import AuditEvent, Consent, Lead, Number, Suppression, Workspace
from leads.register import NewLead, PhoneInput
from touchpoints import calls, erase, evidence_export, outcomes, subject_access, suppress, take_back
from touchpoints.models import CallAttempt, Complaint, Dial

pytestmark = pytest.mark.django_db
OWN = "+12125550142"
NOW = datetime.fromisoformat("2026-03-04T17:00:00+00:00")


@pytest.fixture(autouse=True)
def ledger(settings: Any, tmp_path: Any) -> None:
    settings.ERASURE_LEDGER = tmp_path / "ledger"


@pytest.fixture
def ann(ada: User) -> Lead:
    new = NewLead({"first_name": "Ann", "last_name": "Lee", "company": "Acme"}, [PhoneInput(OWN)])
    return register.create_lead(new, owner=ada, now=NOW - timedelta(days=30))


@pytest.fixture
def call(ann: Lead, ada: User) -> CallAttempt:
    ada.calling_number = "+12125550100"
    ada.save()
    Consent.objects.create(
        lead=ann,
        kind="consent",
        starts_at=NOW - timedelta(days=9),
        recorded_at=NOW - timedelta(days=9),
        recorded_by=ada,
        evidence="form 7",
    )
    Consent.objects.create(
        lead=ann,
        kind="enquiry",
        starts_at=NOW - timedelta(days=99),
        ends_at=NOW - timedelta(days=1),
        recorded_at=NOW,
        evidence="over",
    )
    made = calls.dial(ann, user=ada, now=NOW)
    outcomes.log_outcome(made, outcomes.Logged("no_answer"), user=ada, now=NOW + timedelta(seconds=40))
    take_back.undo(made, user=ada, now=NOW + timedelta(seconds=45))
    outcomes.log_outcome(
        made, outcomes.Logged("do_not_call", scope="person"), user=ada, now=NOW + timedelta(seconds=60)
    )
    Complaint.objects.create(lead=ann, call=made, said="I will report you", at=NOW)
    return made


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_everything_the_law_lists(call: CallAttempt, ada: User) -> None:
    (row,) = evidence_export.rows(CallAttempt.objects.all())
    assert set(row) == set(evidence_export.COLUMNS)
    assert (row["calling_number"], row["called_number"]) == ("+12125550100", OWN)
    assert (row["started_at"], row["duration_seconds"], row["outcome"]) == (NOW, 60, "do_not_call")
    assert row["zones"] == [{"zone": "America/New_York", "time": row["local_time"]}]
    assert row["local_time"].startswith("2026-03-04T12:00")
    assert (row["user"], row["team"], row["decision"]) == ("ada", "North", "allow")
    assert row["rule_version"] == row["verdict"]["rule_version"] != ""
    assert [(one["kind"], one["evidence"], one["recorded_by"]) for one in row["consents"]] == [
        ("consent", "form 7", "ada")
    ]
    assert [(one["scope"], one["asked_at"]) for one in row["own_list"]] == [
        ("person", NOW + timedelta(seconds=60))
    ]
    assert [one["status"] for one in row["complaints"]] == ["open"]
    assert [one["number"] for one in row["dials"]] == [OWN]
    assert [(one["from"], one["to"]) for one in row["outcome_changes"]] == [("no_answer", None)]


def test_the_number_called_from_is_the_one_of_then(
    call: CallAttempt, ada: User, ann: Lead, bea: User
) -> None:
    ada.calling_number = "+12125550109"
    ada.save()
    Workspace.objects.update(calling_number="+12125550000")
    (row,) = evidence_export.rows(CallAttempt.objects.all())
    assert row["calling_number"] == "+12125550100"


def test_an_erased_persons_calls_are_found_by_the_number(call: CallAttempt, ann: Lead, root: User) -> None:
    erase.erase(ann, reason="", by=root, now=NOW + timedelta(days=1))
    (row,) = evidence_export.rows(evidence_export.to_number(CallAttempt.objects.all(), OWN))
    assert (row["called_number"], row["called_number_digest"]) == ("", erasure.digests(OWN)[0])
    assert {one["scope"] for one in row["own_list"]} == {"person", "erased"}
    (consent,) = row["consents"]
    assert (consent["kind"], consent["evidence"]) == ("consent", f"sealed {erasure.seal('form 7')}")
    page = signed_in(root).get("/compliance/evidence/", {"number": "(212) 555-0142"})
    assert f"/compliance/evidence/{call.pk}/" in page.content.decode()
    assert "Lee" not in page.content.decode()


def test_chunks_hold_each_call_once_and_cost_the_same(
    ann: Lead, ada: User, django_assert_num_queries: Any
) -> None:
    at = [NOW - timedelta(days=day // 3) for day in range(25)]  # three at one instant
    CallAttempt.objects.bulk_create(
        CallAttempt(lead=ann, user=ada, started_at=one, ended_at=one) for one in at
    )
    with django_assert_num_queries(7 * 6):
        found = [row["call"] for row in evidence_export.rows(CallAttempt.objects.all(), chunk=4)]
    assert sorted(found) == sorted(CallAttempt.objects.values_list("pk", flat=True))
    assert len(found) == 25


# --- who may see it ------------------------------------------------------------------------------------------


def exported(user: User, file_format: str = "json", /, **query: str) -> Any:
    url = f"/compliance/evidence/export.{file_format}?" + "&".join(f"{k}={v}" for k, v in query.items())
    response = signed_in(user).post(url)
    if response.status_code != 200:
        return response.status_code
    text = b"".join(response.streaming_content).decode()
    return json.loads(text) if file_format == "json" else list(csv.DictReader(io.StringIO(text)))


def test_managers_see_their_teams_calls_and_admins_all(
    call: CallAttempt, ada: User, max_: User, root: User, person: Callable[..., User], south: Any
) -> None:
    mo = person("mo", role="manager", team=south)
    day = {"first": "2026-03-04", "last": "2026-03-04"}
    assert [exported(user, **day)["count"] for user in (max_, root, mo)] == [1, 1, 0]
    assert exported(ada, **day) == 403
    assert exported(mo, call=str(call.pk))["calls"] == []
    assert signed_in(mo).get(f"/compliance/evidence/{call.pk}/").status_code == 404
    assert signed_in(max_).get(f"/compliance/evidence/{call.pk}/").status_code == 200
    events = AuditEvent.objects.filter(action="evidence.exported")
    assert {(event.actor, event.after["format"]) for event in events} == {
        (user, "json") for user in (max_, root, mo)
    }


def test_reading_is_no_export_and_a_link_exports_nothing(call: CallAttempt, max_: User) -> None:
    assert signed_in(max_).get("/compliance/evidence/export.csv").status_code == 405
    assert signed_in(max_).post("/compliance/evidence/export.xml").status_code == 404
    assert not AuditEvent.objects.filter(action="evidence.exported").exists()


@pytest.mark.parametrize(
    "query",
    [
        {"number": "nonsense"},
        {"first": "x"},
        {"call": "-1"},
        {"user": "cy"},
        {"first": "2026-03-05", "last": "2026-03-04"},
        {"first": "0001-01-01"},
        {"last": "9999-12-31"},
    ],
)
def test_what_cannot_be_read_exports_nothing(
    call: CallAttempt, max_: User, cy: User, query: dict[str, str]
) -> None:
    assert exported(max_, **query) == 400
    assert signed_in(max_).get("/compliance/evidence/", query).status_code == 400


def test_the_filter_goes_by_day_user_and_verdict(call: CallAttempt, max_: User) -> None:
    day = {"first": "2026-03-04", "last": "2026-03-04"}
    for query, count in (
        (day, 1),
        ({"first": "2026-03-05"}, 0),
        ({"last": "2026-03-03"}, 0),
        ({**day, "user": "ada"}, 1),
        ({**day, "decision": "warn"}, 0),
        ({**day, "only": "breach"}, 0),
        ({**day, "only": "complaint"}, 1),
        ({"number": "%2B12125550142"}, 1),
        ({"number": "%2B12125550143"}, 0),
    ):
        assert exported(max_, **query)["count"] == count, query


def test_no_cell_is_a_formula_and_numbers_survive(call: CallAttempt, max_: User) -> None:
    CallAttempt.objects.update(warn_reason='=HYPERLINK("http://x")', external_id="@SUM(1)", source="pbx")
    (row,) = exported(max_, "csv", call=str(call.pk))
    assert (row["warn_reason"], row["external_id"]) == ('\'=HYPERLINK("http://x")', "'@SUM(1)")
    assert numbers.parse(row["called_number"], None).e164 == OWN
    assert json.loads(row["consents"])[0]["kind"] == "consent"


# --- what we hold --------------------------------------------------------------------------------------------


def test_a_person_is_told_everything(call: CallAttempt, ann: Lead, max_: User) -> None:
    suppress.suppress(scope="number", e164=OWN, by=max_, now=NOW)
    ann.research = "=cmd|' /C calc'!A0"
    ann.save()
    response = signed_in(max_).post(f"/compliance/people/{ann.pk}/export/")
    archive = zipfile.ZipFile(io.BytesIO(response.content))
    told = json.loads(archive.read("everything.json"))
    for kind in (
        "person",
        "company",
        "number",
        "call_attempt",
        "consent",
        "complaint",
        "dial",
        "audit_event",
    ):
        assert told["sections"][kind], kind
    assert told["sections"]["complaint"][0]["said"] == "I will report you"
    assert "I will report you" in archive.read("everything.html").decode()
    assert "'=cmd" in archive.read("person.csv").decode()
    assert OWN in archive.read("number.csv").decode()
    assert {f"{name}.csv" for name in told["sections"]} < set(archive.namelist())
    assert AuditEvent.objects.get(action="lead.told").actor == max_


def test_what_was_merged_in_is_told_too(ann: Lead, ada: User) -> None:
    twin = register.create_lead(NewLead({"last_name": "Lee-Twin"}), owner=ada, now=NOW)
    Lead.objects.filter(pk=twin.pk).update(merged_into=ann)
    told = subject_access.everything_about(ann, now=NOW)
    assert {row.get("last_name") for row in told["sections"]["person"]} == {"Lee", "Lee-Twin"}


def test_managers_tell_only_of_leads_they_see(
    ann: Lead, ada: User, cy: User, person: Any, south: Any
) -> None:
    mo = person("mo", role="manager", team=south)
    url = f"/compliance/people/{ann.pk}/export/"
    assert [signed_in(user).post(url).status_code for user in (mo, ada)] == [404, 403]
    assert not AuditEvent.objects.filter(action="lead.told").exists()


# --- erased from the page ------------------------------------------------------------------------------------


def test_the_name_must_be_typed(ann: Lead, root: User, max_: User) -> None:
    url = f"/compliance/people/{ann.pk}/erase/"
    assert signed_in(max_).post(url, {"typed": "Ann Lee", "reason": "x"}).status_code == 403
    client = signed_in(root)
    assert client.post(url, {"typed": "Ann", "reason": "letter"}).status_code == 422
    assert Lead.objects.live().filter(pk=ann.pk).exists()
    assert client.post(url, {"typed": " ann  LEE ", "reason": "letter"}).status_code == 302
    assert client.get(url).status_code == 404
    page = client.get("/compliance/people/").content.decode()
    assert "letter" in page
    assert "Lee" not in page
    assert not Number.objects.filter(e164=OWN).exists()


def test_an_erased_person_may_be_called_again_when_they_ask(ann: Lead, root: User, ada: User) -> None:
    erase.erase(ann, reason="", by=root, now=NOW)
    url, client = "/compliance/people/readmit/", signed_in(root)
    typed = {"known_by": "212 555 0142", "reason": "rang us", "evidence": "mail of 5 March"}
    assert client.post(url, typed | {"evidence": ""}).status_code == 422
    assert client.post(url, typed | {"known_by": "212 555 0143"}).status_code == 422
    assert Suppression.objects.active().filter(scope="erased").exists()
    assert client.post(url, typed).status_code == 302
    assert erasure.erased_among([OWN]) == set()
    assert AuditEvent.objects.get(action="suppression.lifted").reason == "rang us"
    register.create_lead(NewLead({"last_name": "Again"}, [PhoneInput(OWN)]), owner=ada, now=NOW)


def test_a_dial_of_an_erased_person_stays_counted(call: CallAttempt, ann: Lead, root: User) -> None:
    erase.erase(ann, reason="", by=root, now=NOW + timedelta(days=1))
    assert Dial.objects.count() == 1


@pytest.mark.parametrize("whose", ["user", "team"])
def test_who_called_is_not_deleted_in_the_back_office(call: CallAttempt, root: User, whose: str) -> None:
    gone = getattr(call, whose)
    client = signed_in(root)
    answer = client.post(f"/admin/accounts/{whose}/{gone.pk}/delete/", {"post": "yes"})
    many = {"action": "delete_selected", "_selected_action": [gone.pk], "post": "yes"}
    client.post(f"/admin/accounts/{whose}/", many)
    assert answer.status_code == 403
    call.refresh_from_db()
    assert getattr(call, whose) == gone
