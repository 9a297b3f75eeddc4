"""What may a program do with leads, and what does it see?"""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from leads.models import AuditEvent, Lead, LeadList
from tests.api.conftest import codes
from touchpoints import engine
from touchpoints.models import Touchpoint

SHAPE = [
    "id", "salutation", "first_name", "last_name", "job_title", "company", "email", "phone", "phones",
    "external_ids", "audience", "country", "region", "postcode", "language", "industry", "company_size",
    "occupation", "value", "time_zone", "owner", "team", "lists", "stage", "temperature", "warm_until",
    "evidence", "pursuit",
]  # fmt: skip

ANN = {
    "salutation": "Mrs",
    "first_name": "Ann",
    "last_name": "Lee",
    "job_title": "Head of purchasing",
    "company": "Acme",
    "email": "Ann.Lee@Acme.example",
    "phones": [
        {"number": "(212) 555-0123", "label": "desk", "extension": "12"},
        {"number": "+1 212 555 0199"},
    ],
    "external_ids": {"hubspot": "42"},
    "country": "US",
    "region": "NY",
    "value": 25000,
    "time_zone": "America/New_York",
}


def test_a_new_lead_has_exactly_the_promised_shape(client_of, root, noon):
    answer = client_of(root).post("/api/v1/leads/", ANN)
    assert answer.status_code == 201
    lead = answer.json()
    assert list(lead) == SHAPE
    assert lead["phones"][0] == {
        "number": "+12125550123",
        "extension": "12",
        "label": "desk",
        "line_type": "unknown",
        "status": "ok",
        "shared": False,
    }
    assert (lead["phone"], lead["email"], lead["company"]) == ("+12125550123", "ann.lee@acme.example", "Acme")
    assert (lead["audience"], lead["value"], lead["external_ids"]) == ("business", 25000, {"hubspot": "42"})
    assert (lead["stage"], lead["temperature"], lead["warm_until"]) == ("new", "cold", None)
    assert (lead["evidence"], lead["pursuit"], lead["owner"], lead["team"]) == ([], None, None, None)
    assert answer["Location"].endswith(f"/api/v1/leads/{lead['id']}/")
    assert client_of(root).get(answer["Location"]).json() == lead


def test_a_number_of_several_people_says_so(client_of, root, a_lead):
    both = [a_lead(owner=root, phones=("+12125550199", own)) for own in ("+12125550123", "+12125550124")]
    for lead in both:
        phones = client_of(root).get(f"/api/v1/leads/{lead.pk}/").json()["phones"]
        assert [phone["shared"] for phone in phones] == [True, False]


def test_evidence_has_shares_that_sum_to_one(client_of, a_lead, ada, noon):
    lead = a_lead(owner=ada)
    for days, kind in ((34, "event"), (15, "social_follow"), (30, "direct_mail")):
        Touchpoint.objects.create(
            lead=lead,
            kind_id=kind,
            direction="inbound",
            occurred_at=noon - timedelta(days=days),
            recorded_at=noon,
        )
    engine.evaluate_leads([lead.pk], now=noon)
    shown = client_of(ada).get(f"/api/v1/leads/{lead.pk}/").json()
    assert shown["temperature"] == "warm"
    assert list(shown["evidence"][0]) == ["touchpoint", "kind", "occurred_at", "alone_until", "share"]
    assert [piece["kind"] for piece in shown["evidence"]] == ["event", "social_follow", "direct_mail"]
    assert sum(piece["share"] for piece in shown["evidence"]) == pytest.approx(1, abs=1e-5)
    assert shown["evidence"][0]["share"] == pytest.approx(0.46, abs=0.01)


def test_a_lead_whose_date_has_passed_is_cold_before_any_sweep(client_of, a_lead, ada, noon):
    lead = a_lead(owner=ada)
    Lead.objects.filter(pk=lead.pk).update(temperature="warm", warm_until=noon - timedelta(seconds=1))
    client = client_of(ada)
    assert client.get(f"/api/v1/leads/{lead.pk}/").json()["temperature"] == "cold"
    assert client.get("/api/v1/leads/?temperature=warm").json()["results"] == []
    assert [one["id"] for one in client.get("/api/v1/leads/?temperature=cold").json()["results"]] == [lead.pk]


@pytest.mark.parametrize(
    "change, refused",
    [
        ({"nickname": "Annie"}, {"nickname": "unknown_field"}),
        ({"stage": "won"}, {"stage": "read_only"}),
        ({"temperature": "warm", "id": 7}, {"temperature": "read_only", "id": "read_only"}),
        ({"evidence": [], "pursuit": None}, {"evidence": "read_only", "pursuit": "read_only"}),
        ({"email": "ann at acme"}, {"email": "invalid"}),
        ({"email": ["ann@acme.example"]}, {"email": "invalid"}),
        ({"first_name": 5}, {"first_name": "invalid"}),
        ({"phones": "555-0123"}, {"phones": "not_a_list"}),
        ({"phones": [{"number": "+1 212 555 0123", "line_type": "mobile"}]}, {"phones.0.line_type": "read_only"}),
        ({"phones": [{"label": "desk"}]}, {"phones.0.number": "required"}),
        ({"country": "Atlantis"}, {"country": "invalid"}),
        ({"audience": "martian"}, {"audience": "invalid_choice"}),
        ({"time_zone": "Mars/Olympus"}, {"time_zone": "invalid"}),
        ({"value": "much"}, {"value": "invalid"}),
        ({"value": -1}, {"value": "min_value"}),
        ({"lists": ["No such list"]}, {"lists": "does_not_exist"}),
        ({"external_ids": {"hubspot": 5}}, {"external_ids.hubspot": "invalid"}),
        ({"first_name": "x" * 101}, {"first_name": "too_long"}),
    ],
    ids=lambda value: ",".join(value),
)  # fmt: skip
def test_what_cannot_be_is_refused_by_name_and_changes_nothing(client_of, a_lead, root, change, refused):
    lead = a_lead(first_name="Ann")
    before = Lead.objects.values().get(), AuditEvent.objects.count()
    client = client_of(root)
    for answer in (
        client.post("/api/v1/leads/", {"last_name": "New"} | change),
        client.patch(f"/api/v1/leads/{lead.pk}/", change),
    ):
        assert answer.status_code == 400, answer.json()
        assert answer["Content-Type"] == "application/problem+json"
        assert answer.json()["code"] == "invalid"
        assert codes(answer) == refused
    assert (Lead.objects.values().get(), AuditEvent.objects.count()) == before


def test_an_invalid_number_is_named(client_of, root):
    answer = client_of(root).post("/api/v1/leads/", {"last_name": "Lee", "phone": "12345"})
    assert answer.status_code == 400
    assert set(codes(answer)) == {"phone"}
    assert not Lead.objects.exists()


def test_nobody_in_particular_is_no_lead(client_of, root):
    answer = client_of(root).post("/api/v1/leads/", {"country": "US"})
    assert (answer.status_code, codes(answer)) == (400, {"lead": "required"})


def test_a_duplicate_is_answered_with_the_candidates_one_may_see(client_of, a_lead, ada, cy, root):
    lead = a_lead(owner=ada, first_name="Ann", email="ann@acme.example", company="Acme")
    twin = {"first_name": "Ann", "last_name": "Lee", "email": "ANN@acme.example"}
    answer = client_of(ada).post("/api/v1/leads/", twin)
    assert (answer.status_code, answer.json()["code"]) == (409, "duplicate")
    assert answer.json()["candidates"] == [
        {"id": lead.pk, "name": "Ann Jones", "company": "Acme", "email": "ann@acme.example"}
    ]
    hidden = client_of(cy).post("/api/v1/leads/", twin)
    assert (hidden.status_code, hidden.json()["candidates"]) == (409, [])
    assert Lead.objects.count() == 1


def test_a_patch_changes_what_it_names(client_of, a_lead, ada, noon):
    lead = a_lead(owner=ada, first_name="Ann", company="Acme", phones=("+1 212 555 0123", "+1 212 555 0199"))
    LeadList.objects.create(name="Fair", created_at=noon)
    client = client_of(ada)
    url = f"/api/v1/leads/{lead.pk}/"
    before = client.get(url).json()
    after = client.patch(url, {"first_name": "Anne", "lists": ["Fair"], "value": None, "email": None}).json()
    assert after == before | {"first_name": "Anne", "lists": ["Fair"]}
    replaced = client.patch(url, {"phones": [{"number": "+1 646 555 0100", "label": "home"}]}).json()
    assert [one["number"] for one in replaced["phones"]] == ["+16465550100"]
    first = client.patch(url, {"phone": "+1 212 555 0123"}).json()
    assert [one["number"] for one in first["phones"]] == ["+12125550123", "+16465550100"]


def test_who_makes_a_lead_keeps_it_by_role(client_of, ada, max_, root, north):
    made = {
        user.username: client_of(user).post("/api/v1/leads/", {"last_name": user.username}).json()
        for user in (ada, max_, root)
    }
    keepers = {name: (lead["owner"], lead["team"]) for name, lead in made.items()}
    assert keepers == {"ada": ("ada", "North"), "max": (None, "North"), "root": (None, None)}


@pytest.mark.parametrize(
    "who, wish, status",
    [
        ("ada", {"owner": "ada"}, 201),
        ("ada", {"owner": None}, 201),
        ("ada", {"team": "North"}, 201),
        ("ada", {"owner": "bea"}, 400),
        ("ada", {"owner": "nobody-at-all"}, 400),
        ("ada", {"team": "South"}, 400),
        ("max", {"owner": "bea"}, 201),
        ("max", {"owner": "cy"}, 400),
        ("max", {"team": "South"}, 400),
        ("max", {"owner": "bea", "team": "North"}, 201),
        ("root", {"owner": "cy"}, 201),
        ("root", {"team": "South"}, 201),
        ("root", {"owner": "cy", "team": "North"}, 400),
        ("root", {"owner": None, "team": None}, 201),
    ],
    ids=str,
)
def test_a_lead_is_given_only_where_the_role_allows(client_of, ada, bea, cy, max_, root, who, wish, status):
    client = client_of({"ada": ada, "max": max_, "root": root}[who])
    answer = client.post("/api/v1/leads/", {"last_name": "Lee"} | wish)
    assert answer.status_code == status, answer.json()
    assert Lead.objects.count() == (status == 201)


def test_a_refused_gift_says_the_same_of_strangers_and_of_nobody(client_of, ada, cy):
    client = client_of(ada)
    stranger = client.post("/api/v1/leads/", {"last_name": "Lee", "owner": "cy"}).json()
    nobody = client.post("/api/v1/leads/", {"last_name": "Lee", "owner": "no-such-user"}).json()
    assert stranger == nobody


def test_a_lead_is_moved_through_the_one_door(client_of, a_lead, ada, bea, max_, north):
    lead = a_lead(owner=ada)
    client = client_of(max_)
    url = f"/api/v1/leads/{lead.pk}/"
    assert client.patch(url, {"owner": "bea"}).json()["owner"] == "bea"
    assert AuditEvent.objects.filter(lead=lead, action="lead.assigned").count() == 1
    pooled = client.patch(url, {"owner": None}).json()
    assert (pooled["owner"], pooled["team"]) == (None, "North")


def test_what_one_may_not_see_is_not_found(client_of, a_lead, ada, bea, cy, max_, root, north):
    lead = a_lead(owner=bea)
    url = f"/api/v1/leads/{lead.pk}/"
    for user, status in ((bea, 200), (max_, 200), (root, 200), (ada, 404), (cy, 404)):
        client = client_of(user)
        assert client.get(url).status_code == status
        assert len(client.get("/api/v1/leads/").json()["results"]) == (status == 200)
        if status == 404:
            assert client.patch(url, {"first_name": "Mallory"}).status_code == 404
            assert client.get(url + "guard/").status_code == 404
            assert client.post(url + "dial/", {}).status_code == 404
    lead.refresh_from_db()
    assert lead.first_name == ""


def test_the_page_costs_the_same_whatever_its_length(client_of, a_lead, ada, noon):
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as seen:
            assert client.get("/api/v1/leads/").status_code == 200
        return len(seen)

    client = client_of(ada)
    leads = [a_lead(owner=ada, company=f"Firm {n}", phones=(f"+1 212 555 01{n:02}",)) for n in range(3)]
    client.get("/api/v1/leads/")
    few = queries()
    leads += [a_lead(owner=ada, company=f"Firm {n}", phones=(f"+1 212 555 01{n:02}",)) for n in range(3, 20)]
    for lead in leads:
        Touchpoint.objects.create(
            lead=lead, kind_id="event", direction="inbound", occurred_at=noon, recorded_at=noon
        )
    assert queries() == few <= 13


def test_merged_and_erased_leads_are_gone(client_of, a_lead, root, noon):
    kept, merged, erased = a_lead(), a_lead(last_name="Twin"), a_lead(last_name="Gone")
    Lead.objects.filter(pk=merged.pk).update(merged_into=kept)
    Lead.objects.filter(pk=erased.pk).update(erased_at=noon)
    client = client_of(root)
    assert [one["id"] for one in client.get("/api/v1/leads/").json()["results"]] == [kept.pk]
    assert client.get(f"/api/v1/leads/{merged.pk}/").status_code == 404


def test_a_pursued_lead_shows_what_comes_next(client_of, a_lead, ada, noon):
    from touchpoints import pursue

    lead = a_lead(owner=ada, company="Acme", phones=("+1 212 555 0123",), country="US", region="NY")
    pursue.start([lead], by=ada, now=noon)
    pursuit = client_of(ada).get(f"/api/v1/leads/{lead.pk}/").json()["pursuit"]
    assert list(pursuit) == [
        "id",
        "cadence",
        "step",
        "attempt",
        "target",
        "reached_at_attempt",
        "next_follow_up",
    ]
    assert (pursuit["attempt"], pursuit["target"], pursuit["reached_at_attempt"]) == (1, 18, None)
    follow_up = pursuit["next_follow_up"]
    assert list(follow_up) == ["id", "attempt", "channel", "due_at", "window_end", "reason", "assignee"]
    assert (follow_up["attempt"], follow_up["channel"], follow_up["assignee"]) == (1, "call", "ada")
    assert datetime.fromisoformat(follow_up["due_at"]) >= noon
