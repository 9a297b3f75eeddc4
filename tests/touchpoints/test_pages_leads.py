"""The list of leads: who sees what, filters, segments, what is done to many, and what it costs."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.test import Client
from django.utils import timezone

from leads.models import AuditEvent, Lead, Segment
from tests.touchpoints.leads_cast import make_lead
from touchpoints import bulk, pursue, room
from touchpoints.models import Pursuit

if TYPE_CHECKING:
    from collections.abc import Callable

    from crm.accounts.models import Team, User

MOST_QUERIES = 16


def page_of(client: Client, user: User, url: str = "/leads/") -> str:
    client.force_login(user)
    response = client.get(url)
    assert response.status_code == 200
    return response.content.decode()


def ids(response: Any) -> list[int]:
    return [row.lead.pk for row in response.context["rows"]]


def test_each_role_sees_its_own_leads(
    client: Client, ada: User, bea: User, cy: User, max_: User, root: User, north: Team
) -> None:
    mine, beas, cys = (make_lead(owner=user) for user in (ada, bea, cy))
    pool, nobodys = make_lead(team=north), make_lead()
    for user, seen in (
        (ada, {mine, pool}),
        (max_, {mine, beas, pool, nobodys}),
        (cy, {cys}),
        (root, {mine, beas, cys, pool, nobodys}),
    ):
        client.force_login(user)
        assert set(ids(client.get("/leads/"))) == {lead.pk for lead in seen}, user


def test_the_list_costs_the_same_for_one_lead_and_for_fifty(
    client: Client, ada: User, django_assert_max_num_queries: Callable[..., Any]
) -> None:
    leads = [make_lead(f"N{n}", owner=ada, phone=f"+4532123{n:03}") for n in range(60)]
    pursue.start(leads, by=ada, now=timezone.now())
    client.force_login(ada)
    client.get("/leads/")
    with django_assert_max_num_queries(MOST_QUERIES) as few:
        client.get(f"/leads/?after={leads[1].pk}")
    with django_assert_max_num_queries(MOST_QUERIES) as many:
        assert len(ids(client.get("/leads/"))) == 50
    assert len(many) <= len(few) + 1


def test_warm_leads_come_warmest_first_unless_sorted(client: Client, ada: User) -> None:
    now = timezone.now()
    leads = [make_lead(f"N{n}", owner=ada) for n in range(3)]
    for lead, days in zip(leads, (5, 9, 2), strict=True):
        Lead.objects.filter(pk=lead.pk).update(temperature="warm", warm_until=now + timedelta(days=days))
    client.force_login(ada)
    first, second, third = (lead.pk for lead in leads)
    assert ids(client.get("/leads/?temperature=warm")) == [second, first, third]
    assert ids(client.get("/leads/?temperature=warm&ordering=id")) == [first, second, third]


def test_pages_keep_the_filter(client: Client, ada: User) -> None:
    for n in range(55):
        make_lead(f"N{n}", owner=ada, industry="Food" if n < 52 else "Steel")
    client.force_login(ada)
    first = client.get("/leads/?industry=food&ordering=name")
    rest = client.get(f"/leads/{first.context['next_url']}")
    assert "industry=food" in first.context["next_url"]
    assert len(ids(first)) + len(ids(rest)) == 52
    assert not set(ids(first)) & set(ids(rest))


def test_a_count_beyond_the_limit_is_not_made(
    client: Client, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("touchpoints.lead_list.COUNTED", 2)
    for n in range(4):
        make_lead(f"N{n}", owner=ada)
    assert "more than 2" in page_of(client, ada)


def test_no_leads_at_all_and_none_that_match_are_different_things(client: Client, ada: User) -> None:
    assert "No leads yet" in page_of(client, ada)
    make_lead(owner=ada)
    assert "No lead matches" in page_of(client, ada, "/leads/?search=zzz")


def test_what_a_filter_cannot_read_is_said_at_its_field(client: Client, ada: User) -> None:
    make_lead(owner=ada)
    assert "errorlist" in page_of(client, ada, "/leads/?country=Denmark")


def test_htmx_gets_the_list_alone_with_a_clean_address(client: Client, ada: User) -> None:
    make_lead(owner=ada)
    client.force_login(ada)
    response = client.get("/leads/?search=&stage=new", headers={"HX-Request": "true"})
    assert "<html" not in response.content.decode()
    assert response["HX-Push-Url"] == "/leads/?stage=new"


# --- many at once -----------------------------------------------------------------------------------------------


def test_a_manager_gives_chosen_leads_within_the_team(
    client: Client, ada: User, max_: User, north: Team
) -> None:
    leads = [make_lead(f"N{n}", team=north) for n in range(3)]
    client.force_login(max_)
    client.post(
        "/leads/bulk/",
        {
            "action": "assign",
            "keeper": f"user:{ada.pk}",
            "scope": "chosen",
            "lead": [leads[0].pk, leads[1].pk],
        },
    )
    assert list(Lead.objects.filter(owner=ada).order_by("pk")) == leads[:2]
    assert AuditEvent.objects.filter(action="lead.assigned", actor=max_).count() == 2


def test_all_of_the_filter_means_the_filter(client: Client, ada: User, max_: User, north: Team) -> None:
    for n in range(3):
        make_lead(f"N{n}", team=north, industry="Food")
    steel = make_lead(team=north, industry="Steel")
    client.force_login(max_)
    client.post(
        "/leads/bulk/?industry=food", {"action": "assign", "keeper": f"user:{ada.pk}", "scope": "all"}
    )
    assert Lead.objects.filter(owner=ada).count() == 3
    steel.refresh_from_db()
    assert steel.owner is None


def test_a_filter_that_cannot_be_read_acts_on_nothing(
    client: Client, ada: User, max_: User, north: Team
) -> None:
    make_lead(team=north)
    client.force_login(max_)
    client.post(
        "/leads/bulk/?country=Denmark", {"action": "assign", "keeper": f"user:{ada.pk}", "scope": "all"}
    )
    assert not Lead.objects.filter(owner=ada).exists()


@pytest.mark.parametrize("who", ["colleague", "other_team"])
def test_a_rep_cannot_give_a_lead_to_another(
    client: Client, ada: User, bea: User, cy: User, who: str
) -> None:
    lead = make_lead(owner=ada)
    other = {"colleague": bea, "other_team": cy}[who]
    client.force_login(ada)
    client.post(
        "/leads/bulk/", {"action": "assign", "keeper": f"user:{other.pk}", "scope": "chosen", "lead": lead.pk}
    )
    lead.refresh_from_db()
    assert lead.owner == ada
    assert not AuditEvent.objects.filter(action="lead.assigned").exists()


def test_a_manager_cannot_give_beyond_the_team(client: Client, ada: User, cy: User, max_: User) -> None:
    lead = make_lead(owner=ada)
    client.force_login(max_)
    client.post(
        "/leads/bulk/", {"action": "assign", "keeper": f"user:{cy.pk}", "scope": "chosen", "lead": lead.pk}
    )
    lead.refresh_from_db()
    assert lead.owner == ada


def test_nobody_acts_on_leads_they_cannot_see(client: Client, ada: User, cy: User) -> None:
    theirs = make_lead(owner=cy)
    client.force_login(ada)
    client.post(
        "/leads/bulk/", {"action": "assign", "keeper": f"user:{ada.pk}", "scope": "chosen", "lead": theirs.pk}
    )
    theirs.refresh_from_db()
    assert theirs.owner == cy


def test_pursuits_start_as_far_as_the_days_allow_and_the_rest_is_told(client: Client, ada: User) -> None:
    ada.dials_a_day = 1
    ada.save()
    leads = [make_lead(f"N{n}", owner=ada, phone=f"+4532123{n:03}") for n in range(12)]
    left = room.room_for(leads[0], now=timezone.now())
    assert 0 < left < 12
    client.force_login(ada)
    response = client.post(
        "/leads/bulk/", {"action": "start", "scope": "chosen", "lead": [x.pk for x in leads]}, follow=True
    )
    assert Pursuit.objects.open().count() == left
    assert f"{12 - left} wait" in response.content.decode()


def test_what_is_won_or_lost_is_not_reopened_in_bulk(client: Client, ada: User) -> None:
    lead = make_lead(owner=ada, phone="+4532123456")
    Lead.objects.filter(pk=lead.pk).update(stage="lost")
    client.force_login(ada)
    client.post("/leads/bulk/", {"action": "start", "scope": "chosen", "lead": lead.pk})
    assert not Pursuit.objects.exists()
    client.post(f"/leads/{lead.pk}/pursuit/start/")
    lead.refresh_from_db()
    assert (lead.stage, Pursuit.objects.open().count()) == ("attempted", 1)


def test_pursuits_stop_with_a_reason_only(client: Client, ada: User) -> None:
    lead = make_lead(owner=ada, phone="+4532123456")
    pursue.start([lead], by=ada, now=timezone.now())
    client.force_login(ada)
    post = {"action": "stop", "scope": "chosen", "lead": lead.pk}
    client.post("/leads/bulk/", post)
    assert Pursuit.objects.open().exists()
    client.post("/leads/bulk/", {**post, "note": "no answer"})
    pursuit = Pursuit.objects.get()
    assert (pursuit.end_reason, pursuit.end_note, pursuit.ended_by) == ("given_up", "no answer", ada)
    assert not lead.follow_ups.filter(closed_at=None).exists()


def test_too_many_at_once_are_refused_whole(
    client: Client, ada: User, max_: User, north: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "MOST_AT_ONCE", 2)
    for n in range(3):
        make_lead(f"N{n}", team=north)
    client.force_login(max_)
    client.post("/leads/bulk/", {"action": "assign", "keeper": f"user:{ada.pk}", "scope": "all"})
    assert not Lead.objects.filter(owner=ada).exists()


def test_the_export_streams_the_leads_one_sees(client: Client, ada: User, cy: User) -> None:
    make_lead("=cmd()", owner=ada, phone="+45 32 12 34 56")
    make_lead("Hidden", owner=cy)
    client.force_login(ada)
    response = client.post("/leads/bulk/", {"action": "export", "scope": "all"})
    assert response.streaming
    text = b"".join(response.streaming_content).decode()  # type: ignore[attr-defined]
    assert "'=cmd()" in text
    assert ",+4532123456," in text
    assert "Hidden" not in text


# --- segments ---------------------------------------------------------------------------------------------------


def test_a_segment_is_saved_shared_and_deleted_by_its_owner(client: Client, ada: User, bea: User) -> None:
    client.force_login(ada)
    client.post("/leads/segments/?stage=new&search=", {"name": "Fresh", "shared": "on"})
    segment = Segment.objects.get()
    assert (segment.query, segment.shared, segment.owner) == ({"stage": ["new"]}, True, ada)
    assert "Fresh" in page_of(client, bea)
    assert client.post(f"/leads/segments/{segment.pk}/delete/").status_code == 404
    client.force_login(ada)
    client.post(f"/leads/segments/{segment.pk}/delete/")
    assert not Segment.objects.exists()


def test_a_segment_of_ones_own_is_nobody_elses(client: Client, ada: User, bea: User) -> None:
    client.force_login(ada)
    client.post("/leads/segments/?stage=new", {"name": "Fresh"})
    make_lead(owner=bea)
    assert "Fresh" not in page_of(Client(), bea)


# --- one more lead ----------------------------------------------------------------------------------------------


def test_a_rep_makes_a_lead_of_their_own(client: Client, ada: User) -> None:
    client.force_login(ada)
    client.post("/leads/new/", {"first_name": "Ann", "last_name": "Lee", "phone": "+45 32 12 34 56"})
    lead = Lead.objects.get()
    assert (lead.owner, lead.team, lead.fit) == (ada, ada.team, 50)
    assert lead.lead_numbers.get().number.e164 == "+4532123456"


def test_wrong_facts_are_told_at_their_fields_and_nothing_is_made(client: Client, ada: User) -> None:
    client.force_login(ada)
    response = client.post(
        "/leads/new/", {"first_name": "Ann", "email": "no", "phone": "12", "country": "Atlantis"}
    )
    assert response.status_code == 422
    assert set(response.context["form"].errors) == {"email", "phone", "country"}
    assert not Lead.objects.exists()


def test_a_namesake_is_shown_before_another_is_made(client: Client, ada: User) -> None:
    known = make_lead("Ann", owner=ada, email="ann@example.com")
    client.force_login(ada)
    typed = {"first_name": "Ann", "last_name": "Hansen", "email": "ann@example.com"}
    response = client.post("/leads/new/", typed)
    assert response.context["known"] == [known]
    assert Lead.objects.count() == 1
    client.post("/leads/new/", {**typed, "anyway": "on"})
    assert Lead.objects.count() == 2


def test_another_teams_lead_is_neither_named_nor_doubled(client: Client, ada: User, cy: User) -> None:
    make_lead("Ann", owner=cy, email="ann@example.com")
    client.force_login(ada)
    typed = {"first_name": "Zoe", "email": "ann@example.com", "anyway": "on"}
    response = client.post("/leads/new/", typed)
    assert (response.context["known"], response.context["hidden"]) == ([], 1)
    assert "Hansen" not in response.content.decode()
    assert Lead.objects.count() == 1
