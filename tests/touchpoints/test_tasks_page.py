"""Is what blocks a lead worked one task at a time, ended by the fact itself, and is the lead called again then?"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from crm.accounts.models import Team, User
from leads.identity import Identity
from leads.models import Consent, Lead
from leads.register import NewLead, PhoneInput, create_lead
from tests.touchpoints.conftest import NOW
from touchpoints import blockers, merge, pursue, queue, record, starts, task_desk, their_zone, todo
from touchpoints.models import FollowUp, Pursuit, Task, Touchpoint

pytestmark = pytest.mark.django_db
ALead = Callable[..., Lead]
HTMX = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def noon() -> Any:
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock


@pytest.fixture
def as_ada(client: Client, ada: User) -> Client:
    client.force_login(ada)
    return client


@pytest.fixture
def numberless(a_lead: ALead, ada: User) -> Task:
    """A warm pursuit of Ada's that waits for a number."""
    lead = a_lead(owner=ada, phones=(), company="Acme", email="jo@acme.example", country="US", region="NY")
    pursue.start([lead], by=None, now=NOW - timedelta(days=1))
    return Task.objects.get(lead=lead, kind="find_number")


def found(task: Task) -> Task:
    task.refresh_from_db()
    return task


def post(client: Client, task: Task, way: str, **data: Any) -> Any:
    return client.post(f"/tasks/{task.pk}/{way}/", data, headers=HTMX)


# --- the fact ends the task, whoever brings it ------------------------------------------------------------------------


def by_the_desk(task: Task, client: Client, user: User) -> None:
    assert post(client, task, "fact", phone="(212) 555-0177").status_code == 200


def by_the_lead_page(task: Task, client: Client, user: User) -> None:
    client.post(f"/leads/{task.lead_id}/numbers/", {"phone": "+1 212 555 0177"})


def by_a_program(task: Task, client: Client, user: User) -> None:
    from crm.accounts.models import ApiKey

    key = ApiKey.objects.create(user=user, expiry=None, name="k")[1]
    client.patch(
        f"/api/v1/leads/{task.lead_id}/",
        {"phone": "+12125550177"},
        content_type="application/json",
        headers={"Authorization": f"Bearer {key}"},
    )


def by_a_merge(task: Task, client: Client, user: User) -> None:
    other = create_lead(
        NewLead({"first_name": "Jo", "email": "jo@acme.example"}, [PhoneInput("+12125550177")]),
        owner=user,
        now=NOW,
    )
    assert task.lead is not None
    merge.merge(task.lead, other, by=user, now=NOW)
    starts.start_waiting(now=NOW)


@pytest.mark.parametrize("way", [by_the_desk, by_the_lead_page, by_a_program, by_a_merge])
def test_a_number_ends_the_task_and_the_lead_returns_to_the_queue(
    way: Callable[..., None], numberless: Task, as_ada: Client, ada: User
) -> None:
    assert queue.next_lead(ada, now=NOW) is None
    way(numberless, as_ada, ada)
    task = found(numberless)
    assert (task.done_as, task.done_at) == ("fact", NOW)
    planned = FollowUp.objects.open().get(lead=task.lead)
    assert planned.pursuit == Pursuit.objects.open().get(lead=task.lead)
    served = queue.next_lead(ada, now=planned.due_at)
    assert served is not None
    assert served.lead_id == task.lead_id


def test_a_number_that_may_not_be_called_leaves_the_task_open(
    numberless: Task, as_ada: Client, ada: User, a_lead: ALead
) -> None:
    from touchpoints import suppress

    other = a_lead(owner=ada, phones=("+12125550177",))
    number = other.lead_numbers.get().number
    suppress.suppress(scope="number", lead=other, number=number, reason="x", channel="page", by=ada, now=NOW)
    answer = post(as_ada, numberless, "fact", phone="+12125550177")
    assert "may not be called" in answer["HX-Trigger"]
    assert found(numberless).done_at is None


def test_a_name_a_zone_and_a_consent_end_their_tasks(as_ada: Client, ada: User, a_lead: ALead) -> None:
    nameless = a_lead(owner=ada, first_name="", last_name="", job_title="Buyer", company="Acme")
    todo.ask(nameless, "find_name", "nobody knows it", now=NOW)
    name = Task.objects.get(kind="find_name")
    assert post(as_ada, name, "fact", job_title="Buyer").status_code == 422
    assert post(as_ada, name, "fact", last_name="Kowalska", job_title="Buyer").status_code == 200
    assert found(name).done_as == "fact"
    nameless.refresh_from_db()
    assert nameless.last_name == "Kowalska"

    zoneless = create_lead(NewLead({"first_name": "Zoe"}, [PhoneInput("+18005550142")]), owner=ada, now=NOW)
    pursue.start([zoneless], by=None, now=NOW)
    zone = Task.objects.get(lead=zoneless)
    assert zone.kind == "find_zone"
    assert post(as_ada, zone, "fact", zone="Mars/Base").status_code == 422
    assert post(as_ada, zone, "fact", zone="America/New_York").status_code == 200
    assert found(zone).done_as == "fact"
    assert FollowUp.objects.open().filter(lead=zoneless).exists()

    polish = create_lead(
        NewLead({"last_name": "Nowak", "country": "PL"}, [PhoneInput("+48 22 123 45 67")]), owner=ada, now=NOW
    )
    pursue.start([polish], by=None, now=NOW)
    consent = Task.objects.get(lead=polish)
    assert consent.kind == "record_consent"
    given = {
        "kind": "consent",
        "channel": "call",
        "starts_at": "2026-03-04T12:00",
        "evidence": "“yes, call me”",
    }
    assert post(as_ada, consent, "fact", **{**given, "evidence": ""}).status_code == 422
    assert post(as_ada, consent, "fact", **given).status_code == 200
    assert (found(consent).done_as, Consent.objects.get().recorded_by) == ("fact", ada)
    assert FollowUp.objects.open().filter(lead=polish).exists()


def test_the_sweep_finds_facts_that_came_by_no_door(numberless: Task, ada: User) -> None:
    assert numberless.lead is not None
    from leads.models import LeadNumber, Number

    number = Number.objects.create(e164="+12125550177", region="US", line_type="fixed")
    LeadNumber.objects.create(lead=numberless.lead, number=number)
    assert blockers.look_everywhere(now=NOW) == 1
    assert blockers.look_everywhere(now=NOW) == 0
    assert FollowUp.objects.open().filter(lead=numberless.lead).exists()


# --- ways out, and back ---------------------------------------------------------


def test_whoever_cannot_find_a_number_ends_the_pursuit_for_it(numberless: Task, as_ada: Client) -> None:
    assert post(as_ada, numberless, "cannot", reason=" ").status_code == 422
    post(as_ada, numberless, "cannot", reason="ex-directory")
    task, ended = found(numberless), Pursuit.objects.get(lead=numberless.lead)
    assert (task.done_as, task.note, ended.end_reason, ended.end_note) == (
        "cannot",
        "ex-directory",
        "no_number",
        "ex-directory",
    )
    post(as_ada, numberless, "undo")
    ended.refresh_from_db()
    assert (found(numberless).done_at, ended.ended_at, ended.end_reason) == (None, None, "")


def test_what_a_rep_cannot_look_into_goes_to_the_manager(
    as_ada: Client, ada: User, max_: User, a_lead: ALead
) -> None:
    todo.ask(a_lead(owner=ada), "look_into", "no permitted time lies ahead", now=NOW)
    task = Task.objects.get()
    post(as_ada, task, "cannot", reason="not mine to decide")
    assert (found(task).assignee, task.done_at) == (max_, None)
    assert "not mine to decide" in task.note


def test_undo_takes_the_number_and_what_came_of_it_back(
    numberless: Task, as_ada: Client, ada: User, bea: User, client: Client, noon: Any
) -> None:
    post(as_ada, numberless, "fact", phone="+12125550177")
    assert FollowUp.objects.open().filter(lead=numberless.lead).exists()
    assert numberless.lead is not None
    post(as_ada, numberless, "undo")
    assert found(numberless).done_at is None
    assert not numberless.lead.lead_numbers.current().exists()
    assert not FollowUp.objects.open().filter(lead=numberless.lead).exists()
    # Later it is the lead's page that changes it.
    post(as_ada, numberless, "fact", phone="+12125550177")
    noon.shift(60)
    assert "Too late" in post(as_ada, numberless, "undo")["HX-Trigger"]
    assert found(numberless).done_at is not None


def test_undo_of_a_zone_and_of_what_was_put_off(as_ada: Client, ada: User) -> None:
    zoneless = create_lead(NewLead({"first_name": "Zoe"}, [PhoneInput("+18005550142")]), owner=ada, now=NOW)
    pursue.start([zoneless], by=None, now=NOW)
    task = Task.objects.get(lead=zoneless)
    post(as_ada, task, "fact", zone="America/New_York")
    post(as_ada, task, "undo")
    zoneless.refresh_from_db()
    assert (found(task).done_at, zoneless.confirmed_zone) == (None, "")
    post(as_ada, task, "later")
    assert task_desk.look(ada, whole=False, now=NOW).item is None
    assert task_desk.look(ada, whole=False, now=NOW + timedelta(days=1)).item == task_desk.Item(
        "task", task.pk
    )
    post(as_ada, task, "undo")
    assert task_desk.look(ada, whole=False, now=NOW).item == task_desk.Item("task", task.pk)


def test_nobody_takes_back_what_a_colleague_did(
    numberless: Task, as_ada: Client, max_: User, ada: User
) -> None:
    post(as_ada, numberless, "fact", phone="+12125550177")
    other = Client()
    other.force_login(max_)
    assert "colleague" in post(other, numberless, "undo")["HX-Trigger"]
    assert found(numberless).done_at is not None


# --- whose, in which order ------------------------------------------------------


def ask(lead: Lead, kind: str = "find_name", **fields: Any) -> Task:
    at = fields.pop("created_at", NOW - timedelta(days=1))
    todo.ask(lead, kind, "x", now=at)
    task = Task.objects.get(lead=lead, kind=kind)
    Task.objects.filter(pk=task.pk).update(**fields)
    return found(task)


def test_reps_work_theirs_and_the_pools_managers_their_teams(
    ada: User, bea: User, cy: User, max_: User, north: Team, a_lead: ALead
) -> None:
    mine, pool = ask(a_lead(owner=ada)), ask(a_lead(team=north))
    beas, cys = ask(a_lead(owner=bea)), ask(a_lead(owner=cy))

    def on(user: User, *, whole: bool) -> set[int]:
        return set(task_desk.open_tasks(user, whole=whole).values_list("pk", flat=True))

    assert on(ada, whole=False) == on(ada, whole=True) == {mine.pk, pool.pk}
    assert on(max_, whole=True) == {mine.pk, pool.pk, beas.pk}
    assert on(cy, whole=True) == {cys.pk}
    client = Client()
    client.force_login(max_)
    assert {one.pk for one in client.get("/tasks/").context["tasks"]} == {mine.pk, pool.pk, beas.pk}
    assert {one.pk for one in client.get("/tasks/?whose=mine").context["tasks"]} == {pool.pk}


def test_what_is_late_comes_first_then_what_somebody_waits_for(ada: User, a_lead: ALead) -> None:
    old = ask(a_lead(owner=ada), created_at=NOW - timedelta(days=9))
    answer = ask(a_lead(owner=ada), "answer", due_at=NOW + timedelta(days=1))
    late = ask(a_lead(owner=ada), "answer", due_at=NOW - timedelta(hours=1))
    on_desk = task_desk.look(ada, whole=False, now=NOW)
    assert on_desk.item == task_desk.Item("task", late.pk)
    assert on_desk.following == task_desk.Item("task", answer.pk)
    assert on_desk.previous == task_desk.Item("task", old.pk)
    assert task_desk.look(ada, wanted=f"task-{old.pk}", whole=False, now=NOW).place == 3


def test_two_reps_of_a_pool_never_have_the_same_task_in_hand(
    ada: User, bea: User, north: Team, a_lead: ALead
) -> None:
    one, two = ask(a_lead(team=north), created_at=NOW - timedelta(days=2)), ask(a_lead(team=north))
    clients = []
    for user in (ada, bea):
        client = Client()
        client.force_login(user)
        clients.append(client)
    assert clients[0].get("/tasks/").context["task"] == one
    assert clients[1].get("/tasks/").context["task"] == two
    assert clients[1].get(f"/tasks/?task=task-{one.pk}").context["task"] == two
    assert clients[0].get("/tasks/").context["task"] == one


def test_a_waiting_match_is_settled_on_the_desk(as_ada: Client, ada: User, a_lead: ALead) -> None:
    one, two = a_lead(owner=ada, email="one@acme.example"), a_lead(owner=ada, email="two@acme.example")
    Lead.objects.filter(pk=one.pk).first()
    one.external_id_rows.create(source="forms", external_id="1")
    report = record.NewTouchpoint(
        kind="event",
        occurred_at=NOW - timedelta(days=1),
        lead=Identity(source="forms", external_id="1", email="two@acme.example"),
        source="forms",
        external_id="t-1",
    )
    waiting = record.record(report, user=ada, now=NOW).unmatched
    assert waiting is not None
    assert as_ada.get("/tasks/").context["entry"].row == waiting
    as_ada.post(f"/tasks/match/{waiting.pk}/", {"to": str(two.pk)}, headers=HTMX)
    assert Touchpoint.objects.get().lead == two
    assert as_ada.get("/tasks/").context["desk"].item is None


def test_a_manager_agrees_to_zones_that_reps_confirmed(ada: User, max_: User, a_lead: ALead) -> None:
    lead = a_lead(owner=ada)
    their_zone.confirm_zone(lead, "America/Chicago", by=ada, now=NOW)
    client = Client()
    client.force_login(max_)
    page = client.get("/tasks/")
    assert page.context["zone_lead"] == lead
    assert page.context["zone_others"] == ["America/New_York"]
    client.post(f"/tasks/zone/{lead.pk}/", {"zone": "America/Chicago"})
    lead.refresh_from_db()
    assert (lead.zone_agreed_by, lead.confirmed_zone) == (max_, "America/Chicago")
    assert task_desk.look(ada, whole=True, now=NOW).item is None


def test_the_desk_costs_the_same_however_much_lies_on_it(
    as_ada: Client, ada: User, a_lead: ALead, django_assert_max_num_queries: Callable[..., Any]
) -> None:
    first = ask(a_lead(owner=ada, phones=()), "find_number")
    as_ada.get("/tasks/")
    with django_assert_max_num_queries(22) as few:
        as_ada.get("/tasks/")
    for n in range(12):
        ask(a_lead(owner=ada, company=f"Firm {n}"))
    with django_assert_max_num_queries(len(few)):
        page = as_ada.get(f"/tasks/?task=task-{first.pk}")
    assert page.context["desk"].count == 13


def test_an_empty_desk_says_what_was_done(as_ada: Client, numberless: Task) -> None:
    post(as_ada, numberless, "fact", phone="+12125550177")
    page = as_ada.get("/tasks/")
    assert (page.context["desk"].item, page.context["desk"].done_today) == (None, 1)
    assert b"Nothing to do" in page.content
