"""Is what was found out about a lead at hand, changed where it stands, and kept when they change jobs?"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from crm.accounts.models import Team, User
from leads.models import AuditEvent, Lead, LeadNumber
from leads.register import LeadRefused, PhoneInput
from tests.touchpoints.conftest import NOW
from touchpoints import calls, changed_jobs, outcomes, pursue, research, take_back
from touchpoints.changed_jobs import NewJob
from touchpoints.models import FollowUp, Pursuit, Task, Touchpoint

pytestmark = pytest.mark.django_db
ALead = Callable[..., Lead]
HTMX = {"HX-Request": "true"}
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def _noon() -> Any:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def as_ada(client: Client, ada: User) -> Client:
    client.force_login(ada)
    return client


# --- the panel -------------------------------------------------------------------------------------------------


def test_the_panel_is_changed_where_it_stands_and_audited(as_ada: Client, ada: User, a_lead: ALead) -> None:
    lead = a_lead(owner=ada, company="Acme")
    url = f"/leads/{lead.pk}/research/"
    assert b'name="buying_power"' in as_ada.get(f"{url}?edit=1", headers=HTMX).content
    typed = {
        "decision_role": "signs",
        "needs": "fewer outages",
        "cares_about": "a quiet life",
        "buying_power": "own budget up to 20k",
        "links": "https://www.linkedin.example/in/jo\nacme.example/about",
    }
    shown = as_ada.post(url, typed, headers=HTMX).content.decode()
    for words in ("signs", "fewer outages", "a quiet life", "own budget up to 20k", "linkedin.example/in/jo"):
        assert words in shown
    assert 'href="https://acme.example/about"' in shown
    event = AuditEvent.objects.get(lead=lead)
    assert (event.action, event.actor) == ("lead.edit", ada)
    assert event.after["cares_about"] == "a quiet life"


@pytest.mark.parametrize("link", ["javascript:alert(1)", "ftp://acme.example/x", "no address"])
def test_a_link_that_is_no_page_is_refused_and_nothing_is_changed(
    as_ada: Client, ada: User, a_lead: ALead, link: str
) -> None:
    lead = a_lead(owner=ada)
    answer = as_ada.post(f"/leads/{lead.pk}/research/", {"needs": "x", "links": link}, headers=HTMX)
    assert answer.status_code == 422
    assert answer["HX-Retarget"] == "#research"
    assert "links" in answer.context["research_form"].errors
    lead.refresh_from_db()
    assert (lead.needs, lead.links) == ("", "")


def test_others_at_the_company_are_told_as_far_as_one_may_see_them(
    as_ada: Client, ada: User, bea: User, max_: User, north: Team, south: Team, cy: User, a_lead: ALead
) -> None:
    lead = a_lead(owner=ada, company="Acme")
    pool = a_lead(team=north, company="Acme", last_name="Pool", job_title="Buyer")
    a_lead(owner=bea, company="Acme", last_name="Beas")
    a_lead(owner=cy, company="Acme", last_name="Cys")
    a_lead(owner=ada, company="Other", last_name="Elsewhere")
    pursue.start([pool], by=None, now=NOW - timedelta(days=1))
    call = calls.dial(pool, user=ada, now=NOW)
    outcomes.log_outcome(call, outcomes.Logged("gatekeeper", notes="ask for Ann"), user=ada, now=NOW)
    people = research.people_at(lead, user=ada, now=NOW)
    assert ([one.pk for one in people.shown], people.more, people.hidden) == ([pool.pk], 0, 2)
    assert people.shown[0].last_outcome == "Gatekeeper"  # type: ignore[attr-defined]
    assert research.people_at(lead, user=max_, now=NOW).hidden == 1
    shown = as_ada.get(f"/leads/{lead.pk}/research/?part=beyond", headers=HTMX).content.decode()
    assert "2 people whom others have" in shown
    assert "Beas" not in shown
    assert "Cys" not in shown
    own = as_ada.get(f"/leads/{pool.pk}/research/?part=beyond", headers=HTMX).content.decode()
    assert "ask for Ann" in own


def test_the_panel_costs_the_same_however_many_are_at_the_company(
    ada: User, a_lead: ALead, django_assert_max_num_queries: Callable[..., Any]
) -> None:
    lead = a_lead(owner=ada, company="Acme")
    for _n in range(12):
        a_lead(owner=ada, company="Acme")
    with django_assert_max_num_queries(6):
        beyond = research.beyond_the_facts(lead, user=ada, now=NOW)
    assert (len(beyond["people"].shown), beyond["people"].more, beyond["people"].hidden) == (8, 4, 0)


def test_the_call_screen_shows_the_facts_at_once_and_fetches_the_rest(
    as_ada: Client, ada: User, a_lead: ALead
) -> None:
    lead = a_lead(owner=ada, company="Acme", needs="fewer outages", cares_about="a quiet life")
    pursue.start([lead], by=None, now=NOW - timedelta(days=1))
    FollowUp.objects.update(due_at=NOW - MINUTE, window_end=NOW + timedelta(hours=3))
    shown = as_ada.get("/call/").content.decode()
    assert "a quiet life" in shown
    assert f"/leads/{lead.pk}/research/?part=beyond" in shown


def test_programs_write_and_filter_what_was_found_out(
    as_ada: Client, ada: User, a_lead: ALead, api_key: Callable[..., str]
) -> None:
    lead, other = a_lead(owner=ada, company="Acme"), a_lead(owner=ada)
    headers = {"Authorization": f"Bearer {api_key(ada)}"}
    told = {"cares_about": "a quiet life", "links": ["https://acme.example/"], "needs": "fewer outages"}
    answer = as_ada.patch(f"/api/v1/leads/{lead.pk}/", told, content_type="application/json", headers=headers)
    assert answer.status_code == 200, answer.content
    shown = as_ada.get(f"/api/v1/leads/{lead.pk}/research/", headers=headers).json()
    assert {name: shown[name] for name in told} == told
    assert shown["people"] == {"shown": [], "more": 0, "hidden": 0}
    found = as_ada.get("/api/v1/leads/?cares_about=quiet", headers=headers).json()["results"]
    assert [one["id"] for one in found] == [lead.pk]
    refused = as_ada.patch(
        f"/api/v1/leads/{other.pk}/",
        {"links": ["javascript:alert(1)"]},
        content_type="application/json",
        headers=headers,
    )
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "links")


# --- a lead who changed jobs --------------------------------------------------------------------------------------


def test_a_lead_who_changed_jobs_is_pursued_at_the_new_desk(
    as_ada: Client, ada: User, a_lead: ALead, touched: Callable[..., Touchpoint]
) -> None:
    """Jo is called at Acme without luck, then the gatekeeper says: she went to Beta, here is her number."""
    jo = a_lead(
        owner=ada, company="Acme", job_title="Buyer", email="jo@acme.example", phones=("+12125550101",)
    )
    touched(jo, "event")
    pursue.start([jo], by=None, now=NOW - timedelta(days=3))
    for at in (NOW - timedelta(days=2), NOW - timedelta(days=1)):
        call = calls.dial(jo, user=ada, now=at)
        outcomes.log_outcome(call, outcomes.Logged("no_answer"), user=ada, now=at + MINUTE)
    before = jo.pursuits.get()
    assert before.attempt == 3

    answer = as_ada.post(
        f"/leads/{jo.pk}/job/",
        {
            "company": "Beta",
            "job_title": "Head of purchasing",
            "phone": "+1 212 555 0177",
            "country": jo.country,
        },
        follow=True,
    )
    assert answer.status_code == 200
    jo.refresh_from_db()
    assert (str(jo.company), jo.job_title, jo.email) == ("Beta", "Head of purchasing", "")
    # The old number stays with the calls made to it, and is dialled no more.
    old = LeadNumber.objects.get(number__e164="+12125550101")
    assert (old.detached_at, old.detached_reason) == (NOW, "changed_jobs")
    assert jo.calls.count() == 2
    # The person is as warm as before, and the pursuit goes on with its count, at the new number.
    assert jo.is_warm(now=NOW)
    goes_on = jo.pursuits.get()
    assert (goes_on.pk, goes_on.attempt, goes_on.ended_at) == (before.pk, 3, None)
    planned = FollowUp.objects.open().get(lead=jo)
    assert (planned.pursuit, planned.attempt) == (before, 3)
    call = calls.dial(jo, user=ada, now=NOW + 5 * MINUTE)
    assert (call.number.e164 if call.number else "", call.attempt) == ("+12125550177", 3)
    event = AuditEvent.objects.get(lead=jo, action="lead.changed_jobs")
    assert (event.before["company"], event.after["company"]) == ("Acme", "Beta")
    assert "Acme" in as_ada.get(f"/leads/{jo.pk}/research/?part=beyond", headers=HTMX).content.decode()


def test_whoever_was_said_to_have_left_is_pursued_anew_where_they_are_now(
    ada: User, a_lead: ALead, touched: Callable[..., Touchpoint]
) -> None:
    jo = a_lead(owner=ada, company="Acme", job_title="Buyer")
    touched(jo, "referral")
    pursue.start([jo], by=None, now=NOW - timedelta(days=1))
    call = calls.dial(jo, user=ada, now=NOW)
    outcomes.log_outcome(call, outcomes.Logged("left_company"), user=ada, now=NOW)
    jo.refresh_from_db()
    assert (jo.company, jo.pursuits.get().end_reason) == (None, "left_company")
    moved = changed_jobs.move(
        jo, NewJob({"company": "Beta"}, phones=(PhoneInput("+12125550177"),)), by=ada, now=NOW + MINUTE
    )
    assert moved.pursuit is not None
    assert (moved.pursuit.attempt, moved.pursuit.temperature_at_start) == (1, "warm")
    assert FollowUp.objects.open().get(lead=jo).pursuit == moved.pursuit


def test_without_a_number_yet_the_pursuit_waits_for_one(ada: User, a_lead: ALead) -> None:
    jo = a_lead(owner=ada, company="Acme")
    pursue.start([jo], by=None, now=NOW)
    moved = changed_jobs.move(jo, NewJob({"company": "Beta"}), by=ada, now=NOW + MINUTE)
    assert moved.pursuit is not None
    assert not FollowUp.objects.open().filter(lead=jo).exists()
    assert Task.objects.get(lead=jo, done_at=None).kind == "find_number"


def test_a_mobile_and_what_was_agreed_go_along(ada: User, a_lead: ALead) -> None:
    jo = a_lead(owner=ada, company="Acme", phones=("+12125550101", "+12125550102"))
    pursue.start([jo], by=None, now=NOW - timedelta(days=1))
    call = calls.dial(jo, user=ada, now=NOW)
    agreed = NOW + timedelta(days=1)
    outcomes.log_outcome(
        call, outcomes.Logged("callback_requested", callback_at=agreed), user=ada, now=NOW + MINUTE
    )
    mobile = jo.lead_numbers.get(number__e164="+12125550102").number_id
    changed_jobs.move(
        jo, NewJob({"company": "Beta"}, keeps=frozenset([mobile])), by=ada, now=NOW + 2 * MINUTE
    )
    assert list(jo.lead_numbers.current().values_list("number", flat=True)) == [mobile]
    assert FollowUp.objects.open().get(lead=jo).agreed_at == agreed


def test_whoever_sits_at_the_old_desk_becomes_a_lead(ada: User, a_lead: ALead) -> None:
    jo = a_lead(owner=ada, company="Acme", job_title="Buyer", phones=("+12125550101",))
    pursue.start([jo], by=None, now=NOW)
    job = NewJob({"company": "Beta"}, phones=(PhoneInput("+12125550177"),), successor={"first_name": "Kim"})
    made = changed_jobs.move(jo, job, by=ada, now=NOW + MINUTE).successor
    assert made is not None
    assert (made.first_name, str(made.company), made.job_title, made.owner) == ("Kim", "Acme", "Buyer", ada)
    assert made.lead_numbers.get().number.e164 == "+12125550101"
    assert Pursuit.objects.open().filter(lead=made).exists()


def test_nothing_moves_while_somebody_is_on_the_phone_with_them(
    as_ada: Client, ada: User, a_lead: ALead
) -> None:
    jo = a_lead(owner=ada, company="Acme")
    calls.dial(jo, user=ada, now=NOW)
    answer = as_ada.post(f"/leads/{jo.pk}/job/", {"company": "Beta"})
    assert answer.status_code == 422
    assert b"log its outcome first" in answer.content
    jo.refresh_from_db()
    assert str(jo.company) == "Acme"


def test_a_confirmed_zone_of_the_old_place_only_tightens_from_now_on(
    ada: User, max_: User, a_lead: ALead
) -> None:
    for by, zone in ((ada, "America/New_York"), (max_, "")):
        jo = a_lead(owner=ada, company="Acme")
        Lead.objects.filter(pk=jo.pk).update(
            confirmed_zone="America/New_York", zone_confirmed_at=NOW, zone_agreed_at=NOW, zone_agreed_by=max_
        )
        changed_jobs.move(jo, NewJob({"company": f"Beta {by}"}), by=by, now=NOW)
        jo.refresh_from_db()
        assert (jo.confirmed_zone, jo.zone_agreed_at) == (zone, None)


def test_a_successor_that_cannot_be_is_refused_and_nothing_moves(ada: User, a_lead: ALead) -> None:
    jo = a_lead(owner=ada, company="Acme")
    with pytest.raises(LeadRefused) as refused:
        changed_jobs.move(
            jo, NewJob({"company": "Beta"}, successor={"first_name": "x" * 400}), by=ada, now=NOW
        )
    assert [error.field for error in refused.value.errors] == ["successor.first_name"]
    jo.refresh_from_db()
    assert str(jo.company) == "Acme"


def test_an_outcome_taken_back_after_the_move_leaves_the_new_desk(ada: User, a_lead: ALead) -> None:
    jo = a_lead(owner=ada, company="Acme", phones=("+12125550101",))
    pursue.start([jo], by=None, now=NOW - timedelta(days=1))
    call = calls.dial(jo, user=ada, now=NOW)
    outcomes.log_outcome(call, outcomes.Logged("no_answer"), user=ada, now=NOW)
    changed_jobs.move(jo, NewJob({"company": "Beta"}, phones=(PhoneInput("+12125550177"),)), by=ada, now=NOW)
    take_back.undo(call, user=ada, now=NOW + timedelta(seconds=5))
    jo.refresh_from_db()
    assert jo.lead_numbers.current().get().number.e164 == "+12125550177"
