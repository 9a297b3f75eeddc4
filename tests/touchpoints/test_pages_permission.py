"""The pages of wishes: own list, requests to stop, complaints, consents, customers, and what a lead's page says."""

from __future__ import annotations

import csv
from datetime import timedelta
from io import StringIO
from typing import TYPE_CHECKING, Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from leads.identity import Identity
from leads.models import Consent, Customer, Lead, OwnListLoad, Suppression
from tests.touchpoints.leads_cast import make_lead
from touchpoints import complaints, record, suppress
from touchpoints.models import Complaint, Task, Wish

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test import Client

    from crm.accounts.models import User

OWN_LIST = "/compliance/own-list/"


@pytest.fixture
def anna(ada: User) -> Lead:
    return make_lead(owner=ada, phone="+45 32 12 34 56")


@pytest.fixture
def as_max(client: Client, max_: User) -> Client:
    client.force_login(max_)
    return client


def writes(lead: Lead, text: str) -> Wish:
    new = record.NewTouchpoint(
        kind="text_reply",
        occurred_at=timezone.now() - timedelta(minutes=5),
        lead=Identity(id=lead.pk),
        summary=text,
    )
    record.record(new, user=None, now=timezone.now())
    return Wish.objects.get()


def on_list(e164: str, **more: Any) -> Suppression:
    return suppress.suppress(scope="number", e164=e164, by=None, now=timezone.now(), **more)


# --- own list -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("typed", ["+4532123456", "+45 32 12 34 56", "0045 32123456", "32123456"])
def test_a_number_is_found_in_any_spelling_with_whoever_it_is(
    as_max: Client, anna: Lead, ada: User, typed: str, settings: Any
) -> None:
    from leads.models import Workspace

    Workspace.objects.update(region="DK")
    number = on_list("+4532123456")
    person = suppress.suppress(scope="person", lead=anna, by=ada, now=timezone.now())
    on_list("+4520202020")
    rows = as_max.get(OWN_LIST, {"search": typed}).context["rows"]
    assert {row["entry"] for row in rows} == {number, person}


def test_people_and_companies_are_found_by_name(as_max: Client, anna: Lead, ada: User) -> None:
    entry = suppress.suppress(scope="person", lead=anna, by=ada, now=timezone.now())
    company = suppress.suppress(scope="company", lead=anna, by=ada, now=timezone.now())
    on_list("+4520202020")
    assert [row["entry"] for row in as_max.get(OWN_LIST, {"search": "anna hansen"}).context["rows"]] == [
        entry
    ]
    rows = as_max.get(OWN_LIST, {"search": "fisk", "scope": "company"}).context["rows"]
    assert [row["entry"] for row in rows] == [company]


def test_the_list_is_paged_at_a_constant_cost(
    as_max: Client, django_assert_max_num_queries: Callable[..., Any]
) -> None:
    numbers = [f"+1212555{n:04d}" for n in range(200, 320)]
    suppress.suppress_numbers(numbers, reason="x", channel="file", evidence="f", by=None, now=timezone.now())
    with django_assert_max_num_queries(14):
        first = as_max.get(OWN_LIST)
    assert len(first.context["rows"]) == 50
    second = as_max.get(OWN_LIST + first.context["next_url"])
    seen = [row["entry"].e164 for page in (first, second) for row in page.context["rows"]]
    assert seen == sorted(numbers, reverse=True)[:100]
    assert as_max.get(OWN_LIST + second.context["previous_url"]).context["rows"][0]["entry"].e164 == seen[0]


def test_a_letter_puts_a_person_on_the_list(as_max: Client, anna: Lead) -> None:
    typed = {
        "scope": "person",
        "what": f"#{anna.pk}",
        "channel": "letter",
        "reason": "wrote",
        "evidence": "3 March",
    }
    made = as_max.post(f"{OWN_LIST}add/", typed)
    entry = Suppression.objects.get()
    assert (made.status_code, entry.lead, entry.channel, entry.evidence) == (302, anna, "letter", "3 March")
    nobody = as_max.post(f"{OWN_LIST}add/", typed | {"what": "nobody@x.example"})
    assert (nobody.status_code, set(nobody.context["add_form"].errors)) == (422, {"what"})


def test_a_file_is_loaded_and_its_refusals_come_back(as_max: Client, max_: User) -> None:
    file = SimpleUploadedFile("stop.csv", b"number\n+12125550123\n=cmd()\n")
    made = as_max.post(f"{OWN_LIST}upload/", {"file": file, "region": "US"}, follow=True)
    load = OwnListLoad.objects.get()
    assert (load.added, load.refused, load.by) == (1, 1, max_)
    assert "stop.csv" in made.content.decode()
    rows = list(csv.reader(StringIO(b"".join(as_max.get(f"{OWN_LIST}loads/{load.pk}/refused/")).decode())))
    assert rows[1][:2] == ["3", "'=cmd()"]
    wrong = as_max.post(
        f"{OWN_LIST}upload/", {"file": SimpleUploadedFile("x.csv", b"a,b\n1,2\n"), "region": "US"}
    )
    assert (wrong.status_code, set(wrong.context["upload_form"].errors)) == (422, {"column"})


def test_the_export_is_safe_and_can_be_loaded_again(as_max: Client) -> None:
    on_list("+12125550123", reason="=HYPERLINK(1)")
    made = as_max.post(f"{OWN_LIST}export/?state=active")
    text = b"".join(made).decode()  # type: ignore[arg-type]
    row = next(csv.DictReader(StringIO(text)))
    assert (row["number"], row["reason"]) == ("+12125550123", "'=HYPERLINK(1)")
    Suppression.objects.all().delete()
    again = SimpleUploadedFile("again.csv", text.encode())
    as_max.post(f"{OWN_LIST}upload/", {"file": again, "region": "DK"})
    assert Suppression.objects.get().e164 == "+12125550123"


def test_only_an_admin_takes_off_with_reason_and_evidence(client: Client, max_: User, root: User) -> None:
    entry = on_list("+12125550123")
    why = {"reason": "sold the number", "evidence": "mail of 3 March"}
    client.force_login(max_)
    assert client.post(f"{OWN_LIST}{entry.pk}/lift/", why).status_code == 403
    client.force_login(root)
    missing = client.post(f"{OWN_LIST}{entry.pk}/lift/", {"reason": "sold"})
    assert (missing.status_code, set(missing.context["form"].errors)) == (422, {"evidence"})
    client.post(f"{OWN_LIST}{entry.pk}/lift/", why)
    entry.refresh_from_db()
    assert (entry.lifted_by, entry.lifted_evidence) == (root, "mail of 3 March")
    page = client.get(f"{OWN_LIST}{entry.pk}/").content.decode()
    assert "Taken off the list" in page
    assert "mail of 3 March" in page


# --- requests to stop and complaints --------------------------------------------------------------------------


def test_a_manager_reads_the_message_and_decides(as_max: Client, anna: Lead) -> None:
    wish = writes(anna, "Stop!")
    assert "Stop!" in as_max.get("/compliance/wishes/").content.decode()
    refused = as_max.post(f"/compliance/wishes/{wish.pk}/", {"decision": "decline"})
    assert (refused.status_code, Suppression.objects.get().state) == (422, "proposed")
    as_max.post(
        f"/compliance/wishes/{wish.pk}/", {"decision": "confirm", "own_numbers": "on", "reason": "clear"}
    )
    assert set(Suppression.objects.values_list("scope", "state")) == {
        ("person", "confirmed"),
        ("number", "confirmed"),
    }
    assert as_max.get("/compliance/wishes/").context["wishes"] == []
    assert as_max.get("/compliance/wishes/?state=decided").context["wishes"] == [wish]


def test_the_leads_page_and_the_call_screen_say_it(client: Client, ada: User, anna: Lead) -> None:
    wish = writes(anna, "I may cancel, call on Friday")
    client.force_login(ada)
    for address in (f"/leads/{anna.pk}/", f"/call/?lead={anna.pk}"):
        assert "read it before you call" in client.get(address).content.decode(), address
    client.post(f"/wishes/{wish.pk}/", {"decision": "decline", "reason": "another matter"})
    assert "read it before you call" not in client.get(f"/leads/{anna.pk}/").content.decode()


def test_a_rep_confirms_but_does_not_decline_what_blocks(client: Client, ada: User, anna: Lead) -> None:
    wish = writes(anna, "STOP")
    client.force_login(ada)
    refused = client.post(f"/wishes/{wish.pk}/", {"decision": "decline", "reason": "they like me"})
    assert (refused.status_code, Suppression.objects.get().state) == (422, "proposed")
    client.post(f"/wishes/{wish.pk}/", {"decision": "confirm"})
    assert Suppression.objects.get().state == "confirmed"


def test_a_complaint_comes_from_the_leads_page_and_is_answered(
    client: Client, ada: User, max_: User, anna: Lead
) -> None:
    client.force_login(ada)
    client.post(f"/leads/{anna.pk}/complaint/", {"said": "I will report you"})
    made = Complaint.objects.get()
    assert (made.by, Task.objects.get().assignee) == (ada, max_)
    assert "I will report you" in client.get(f"/leads/{anna.pk}/").content.decode()
    client.force_login(max_)
    assert client.get("/compliance/complaints/").context["complaints"] == [made]
    client.post(f"/compliance/complaints/{made.pk}/", {"status": "answered", "handling": "rang them"})
    assert client.get("/compliance/complaints/").context["complaints"] == []
    assert client.get("/compliance/complaints/?state=closed").context["complaints"] == [made]


def test_another_teams_wishes_and_complaints_are_not_there(as_max: Client, cy: User) -> None:
    theirs = make_lead("Zoe", owner=cy, phone="+45 32 12 34 57")
    writes(theirs, "STOP")
    complaints.complain(theirs, said="x", by=cy, now=timezone.now())
    assert as_max.get("/compliance/wishes/").context["wishes"] == []
    assert as_max.get("/compliance/complaints/").context["complaints"] == []


# --- consents and customers -----------------------------------------------------------------------------------


def consent(**more: str) -> dict[str, str]:
    given = timezone.now() - timedelta(days=1)
    return {
        "kind": "consent",
        "channel": "call",
        "starts_at": f"{given:%Y-%m-%dT10:00}",
        "evidence": "by phone",
        **more,
    }


def test_a_consent_is_recorded_ended_and_listed(client: Client, ada: User, max_: User, anna: Lead) -> None:
    client.force_login(ada)
    client.post(f"/leads/{anna.pk}/consents/", consent(recorded_by="max", recorded_at="2001-01-01"))
    row = Consent.objects.get()
    assert (row.recorded_by, row.recorded_at.year) == (ada, timezone.now().year)
    assert client.post(f"/leads/{anna.pk}/consents/", consent(kind="purchase")).status_code == 422
    assert client.post(f"/leads/{anna.pk}/consents/", consent(evidence="")).status_code == 422
    assert client.post(f"/consents/{row.pk}/end/", {"how": "end", "reason": "over"}).status_code == 422
    client.post(f"/consents/{row.pk}/end/", {"how": "revoke", "reason": "changed their mind"})
    row.refresh_from_db()
    assert row.revoked_at is not None
    client.force_login(max_)
    found = client.get("/compliance/consents/", {"state": "revoked", "search": "hansen"}).context["rows"]
    assert [one["consent"] for one in found] == [row]
    assert client.get("/compliance/consents/", {"state": "in_force"}).context["rows"] == []
    client.post(f"/compliance/consents/{row.pk}/", consent(evidence="by mail"))
    row.refresh_from_db()
    assert row.evidence == "by mail"


def test_customers_come_by_hand_and_by_file(as_max: Client, anna: Lead, ada: User) -> None:
    Lead.objects.filter(pk=anna.pk).update(email="anna@fisk.example")
    typed = {"name": "Fisk", "domain": "fisk.example", "account_owner": "ada"}
    assert as_max.post("/compliance/customers/add/", typed).status_code == 302
    customer = Customer.objects.get()
    assert list(as_max.get(f"/compliance/customers/{customer.pk}/").context["leads"]) == [anna]
    assert "buys from us already" in as_max.get(f"/leads/{anna.pk}/").content.decode()
    file = SimpleUploadedFile("c.csv", "Firma;Domæne\nA;a.example\nB;gmail.com\n".encode())
    page = as_max.post("/compliance/customers/upload/", {"file": file, "region": "DK"})
    assert [one["line"] for one in page.context["refusals"]] == [3]
    assert set(Customer.objects.values_list("domain", flat=True)) == {"fisk.example", "a.example"}
    as_max.post(f"/compliance/customers/{customer.pk}/", {"remove": "1"})
    assert not Customer.objects.filter(pk=customer.pk).exists()
