"""The matching inbox, the look-up and the tasks: who finds what there, and what they can do with it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.utils import timezone

from leads import identity, register
from leads.models import Lead
from tests.touchpoints.leads_cast import make_lead
from touchpoints import record
from touchpoints.models import CallAttempt, Task, Touchpoint, UnmatchedTouchpoint

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test import Client

    from crm.accounts.models import Team, User

HTMX = {"HX-Request": "true"}


def post_ambiguous(sender: Any, n: int = 1) -> UnmatchedTouchpoint:
    """A report whose e-mail is one lead's and whose external id another's."""
    new = record.NewTouchpoint(
        kind="web_form",
        occurred_at=timezone.now() - timedelta(hours=1),
        lead=identity.Identity(source="site", external_id="s1", email="bo@example.com"),
        lead_fields=register.NewLead(fields={"first_name": "Bo", "city": "Aarhus"}),
        source="site",
        external_id=f"r{n}",
        summary="Asked for prices",
    )
    unmatched = record.record(new, user=sender, now=timezone.now()).unmatched
    assert unmatched is not None
    return unmatched


@pytest.fixture
def two(ada: User) -> tuple[Lead, Lead]:
    first = make_lead("Bo", owner=ada, email="bo@example.com", city="Odense")
    new = register.NewLead(fields={"first_name": "Ida"}, external_ids={"site": "s1"})
    return first, register.create_lead(new, owner=ada, now=timezone.now())


def test_the_sent_facts_stand_beside_each_candidate(client: Client, ada: User, two: Any) -> None:
    post_ambiguous(ada)
    client.force_login(ada)
    (entry,) = client.get("/inbox/").context["waiting"]
    bo, ida = entry.candidates
    told = {point.label: point.agrees for point in bo.points}
    assert told == {
        "Name": True,
        "Company": None,
        "E-mail": True,
        "Country": None,
        "City": False,
        "Id in site": None,
    }
    assert {point.label: point.agrees for point in ida.points}["Id in site"] is True


def test_it_is_given_to_one_candidate(client: Client, ada: User, two: Any) -> None:
    row = post_ambiguous(ada)
    client.force_login(ada)
    response = client.post(f"/inbox/{row.pk}/settle/", {"to": two[1].pk}, headers=HTMX)
    assert "Nothing waits" in response.content.decode()
    assert Touchpoint.objects.get().lead == two[1]
    row.refresh_from_db()
    assert (row.settled_as, row.settled_by) == ("lead", ada)


def test_it_becomes_a_new_lead_or_is_discarded(client: Client, ada: User, two: Any) -> None:
    first, second = post_ambiguous(ada, 1), post_ambiguous(ada, 2)
    client.force_login(ada)
    client.post(f"/inbox/{second.pk}/settle/", {"to": "discard"})
    assert not Touchpoint.objects.exists()
    second.refresh_from_db()
    assert second.settled_as == "discarded"
    # The external id is taken by a candidate: no second lead can have it, and that is said.
    response = client.post(f"/inbox/{first.pk}/settle/", {"to": "new"})
    assert response.status_code == 422
    assert "another lead has this id" in response.content.decode()
    assert Lead.objects.count() == 2


@pytest.mark.parametrize("to", ["", "0", "nobody", "999999"])
def test_only_what_is_offered_can_be_chosen(client: Client, ada: User, two: Any, to: str) -> None:
    row = post_ambiguous(ada)
    client.force_login(ada)
    assert client.post(f"/inbox/{row.pk}/settle/", {"to": to}).status_code == 422
    row.refresh_from_db()
    assert row.settled_at is None


def test_who_sees_what_waits(
    client: Client, ada: User, bea: User, cy: User, max_: User, root: User, two: Any
) -> None:
    row = post_ambiguous(None)
    for user, sees in ((ada, True), (bea, False), (cy, False), (max_, True), (root, True)):
        client.force_login(user)
        assert bool(client.get("/inbox/").context["waiting"]) is sees, user
    client.force_login(cy)
    assert client.post(f"/inbox/{row.pk}/settle/", {"to": "discard"}).status_code == 404


def test_whoever_sent_it_sees_only_the_candidates_they_may_see(
    client: Client, ada: User, cy: User, south: Team, two: Any
) -> None:
    row = post_ambiguous(cy)
    client.force_login(cy)
    (entry,) = client.get("/inbox/").context["waiting"]
    assert (entry.candidates, entry.hidden) == ([], True)
    assert "Hansen" not in client.get("/inbox/").content.decode()
    assert client.post(f"/inbox/{row.pk}/settle/", {"to": "new"}).status_code == 422
    assert client.post(f"/inbox/{row.pk}/settle/", {"to": two[0].pk}).status_code == 422
    assert not Touchpoint.objects.exists()


def test_nobody_doubles_a_lead_they_only_cannot_see(client: Client, ada: User, cy: User) -> None:
    for name in ("Bo", "Ida"):
        make_lead(name, owner=ada, email="home@example.com")
    report = record.NewTouchpoint(
        kind="web_form",
        occurred_at=timezone.now(),
        lead=identity.Identity(email="home@example.com"),
        source="site",
    )
    row = record.record(report, user=cy, now=timezone.now()).unmatched
    assert row is not None
    client.force_login(cy)
    assert client.post(f"/inbox/{row.pk}/settle/", {"to": "new"}).status_code == 422
    assert Lead.objects.count() == 2
    client.force_login(ada)
    row.candidates.set(Lead.objects.all())
    client.post(f"/inbox/{row.pk}/settle/", {"to": "new"})
    assert Lead.objects.count() == 3


def test_the_inbox_costs_the_same_for_one_and_for_ten(
    client: Client, ada: User, two: Any, django_assert_max_num_queries: Callable[..., Any]
) -> None:
    post_ambiguous(ada)
    client.force_login(ada)
    client.get("/inbox/")
    with django_assert_max_num_queries(20) as one:
        client.get("/inbox/")
    for n in range(2, 14):
        post_ambiguous(ada, n)
    with django_assert_max_num_queries(20) as ten:
        response = client.get("/inbox/")
    assert len(response.context["waiting"]) == 10
    assert len(ten) == len(one)
    rest = client.get(f"/inbox/{response.context['next_url']}")
    assert len(rest.context["waiting"]) == 3


# --- look-up ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "anna",
        "HANSEN",
        "nordisk fisk",
        "anna hansen",
        "anna@nordisk.dk",
        "+45 32 12 34 56",
        "32123456",
        "3456",
        "(0045) 32-12-34-56",
        "tel:+4532123456",
        " 4532123456",
    ],
)
def test_a_lead_is_found_by_any_part_of_what_is_known(client: Client, ada: User, text: str) -> None:
    anna = make_lead("Anna", owner=ada, email="anna@nordisk.dk", phone="+45 32 12 34 56")
    make_lead("Zoe", owner=ada, last_name="Lund", company="Albion", phone="+44 20 7946 0958")
    client.force_login(ada)
    response = client.get("/lookup/", {"q": text}, headers=HTMX)
    assert [hit.lead for hit in response.context["hits"]] == [anna]
    assert "<html" not in response.content.decode()


def test_nobody_finds_another_teams_lead(client: Client, ada: User, cy: User) -> None:
    make_lead("Anna", owner=cy, phone="+45 32 12 34 56")
    client.force_login(ada)
    for text in ("anna", "+4532123456"):
        assert client.get("/lookup/", {"q": text}).context["hits"] == []


def test_an_unknown_number_can_become_a_lead(client: Client, ada: User) -> None:
    client.force_login(ada)
    url = client.get("/lookup/", {"q": "+45 32 12 34 56"}).context["new_url"]
    assert client.get(url).context["form"]["phone"].value() == "+45 32 12 34 56"


def test_their_call_is_logged_with_the_number_they_rang_from(client: Client, ada: User) -> None:
    anna = make_lead(owner=ada, phone="+45 32 12 34 56")
    number = anna.lead_numbers.get().number
    client.force_login(ada)
    page = client.get(f"/lookup/{anna.pk}/inbound/?number={number.pk}")
    assert {one.connect for one in page.context["outcomes"]} == {True}
    assert page.context["number_id"] == number.pk
    client.post(
        f"/lookup/{anna.pk}/inbound/",
        {"outcome": "info_requested", "number": number.pk, "promise_text": "price list", "notes": "keen"},
    )
    call = CallAttempt.objects.get()
    assert (call.direction, call.outcome_id, call.number, call.notes) == (
        "inbound",
        "info_requested",
        number,
        "keen",
    )
    assert Touchpoint.objects.filter(lead=anna, kind="inbound_call").exists()


def test_an_outcome_that_lacks_its_time_is_told_and_nothing_is_logged(client: Client, ada: User) -> None:
    anna = make_lead(owner=ada, phone="+45 32 12 34 56")
    client.force_login(ada)
    response = client.post(f"/lookup/{anna.pk}/inbound/", {"outcome": "callback_requested"})
    assert response.status_code == 422
    assert "callback_at" in response.context["outcome_form"].errors
    assert not CallAttempt.objects.exists()
    assert not Touchpoint.objects.exists()


# --- tasks ------------------------------------------------------------------------------------------------------


def test_tasks_of_mine_and_of_the_pool_are_open_until_done(
    client: Client, ada: User, bea: User, north: Team
) -> None:
    now = timezone.now()
    mine = Task.objects.create(
        kind="find_name", lead=make_lead(owner=ada), reason="x", assignee=ada, team=north, created_at=now
    )
    pool = Task.objects.create(
        kind="find_zone", lead=make_lead(team=north), reason="y", team=north, created_at=now
    )
    Task.objects.create(
        kind="find_name", lead=make_lead(owner=bea), reason="z", assignee=bea, team=north, created_at=now
    )
    client.force_login(ada)
    assert client.get("/tasks/").context["tasks"] == [mine, pool]
    client.post(f"/tasks/{mine.pk}/done/")
    mine.refresh_from_db()
    assert mine.done_by == ada
    assert client.get("/tasks/").context["tasks"] == [pool]
