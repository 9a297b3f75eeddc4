"""Who reads and who keeps lists, segments, customers, suppressions, tasks, meetings, imports and rules?"""

from __future__ import annotations

from datetime import timedelta

import pytest

from crm.intake.models import LeadImport
from leads.models import Customer, LeadList, Segment, Suppression
from tests.api.conftest import codes
from touchpoints import todo
from touchpoints.models import Meeting, Outcome, Task


def test_anybody_makes_a_list_and_managers_rename_it(client_of, ada, max_, noon):
    rep, manager = client_of(ada), client_of(max_)
    made = rep.post("/api/v1/lists/", {"name": "Fair", "source": "event"})
    assert made.status_code == 201
    created = {"created_at": "2026-03-04T17:00:00Z", "created_by": "ada"}
    assert made.json() == {"id": made.json()["id"], "name": "Fair", "source": "event"} | created
    url = f"/api/v1/lists/{made.json()['id']}/"
    assert codes(rep.post("/api/v1/lists/", {"name": "Fair"})) == {"name": "taken"}
    assert codes(rep.post("/api/v1/lists/", {"name": "B", "source": "stolen"})) == {
        "source": "invalid_choice"
    }
    assert rep.patch(url, {"name": "Mine"}).status_code == 403
    assert LeadList.objects.get().name == "Fair"
    assert manager.patch(url, {"name": "Fair 2026"}).json()["name"] == "Fair 2026"
    assert rep.delete(url).status_code == 405


def test_segments_are_ones_own_or_shared(client_of, ada, bea, noon):
    rep, colleague = client_of(ada), client_of(bea)
    body = {
        "name": "Warm in NY",
        "query": {"temperature": "warm", "stage": ["new", "reached"]},
        "shared": False,
    }
    made = rep.post("/api/v1/segments/", body).json()
    url = f"/api/v1/segments/{made['id']}/"
    assert made == {"id": made["id"], "owner": "ada"} | body | {"id": made["id"]}
    assert colleague.get(url).status_code == 404
    rep.patch(url, {"shared": True})
    assert colleague.get(url).json()["name"] == "Warm in NY"
    assert colleague.patch(url, {"name": "Mine"}).status_code == 403
    assert colleague.delete(url).status_code == 403
    assert Segment.objects.get().name == "Warm in NY"
    assert rep.delete(url).status_code == 204


@pytest.mark.parametrize(
    "query, refused",
    [
        ({"owner__password": "x"}, {"query.owner__password": "unknown_parameter"}),
        ({"stage": "flying"}, {"query.stage": "invalid_choice"}),
        ([], {"query": "invalid"}),
    ],
    ids=str,
)
def test_a_segment_holds_only_filters_that_exist(client_of, ada, query, refused):
    answer = client_of(ada).post("/api/v1/segments/", {"name": "x", "query": query})
    assert codes(answer) == refused
    assert not Segment.objects.exists()


def test_customers_are_kept_by_managers(client_of, ada, max_):
    rep, manager = client_of(ada), client_of(max_)
    body = {"name": "Acme", "domain": "WWW.Acme.example", "number": "(212) 555-0123"}
    assert rep.post("/api/v1/customers/", body).status_code == 403
    assert not Customer.objects.exists()
    made = manager.post("/api/v1/customers/", body).json()
    assert (made["domain"], made["number"]) == ("acme.example", "+12125550123")
    assert rep.get("/api/v1/customers/").json()["results"] == [made]
    url = f"/api/v1/customers/{made['id']}/"
    assert codes(manager.patch(url, {"number": "12"})) == {"number": "invalid"}
    assert codes(manager.post("/api/v1/customers/", {"name": "Nameless"})) == {"domain": "required"}
    assert codes(manager.post("/api/v1/customers/", {"domain": "acme.example"})) == {"domain": "taken"}
    assert rep.delete(url).status_code == 403
    assert manager.delete(url).status_code == 204


def test_anybody_records_a_wish_managers_read_and_admins_lift_them(client_of, ada, max_, root, a_lead, cy):
    lead, other = a_lead(owner=ada, company="Acme"), a_lead(owner=cy)
    rep, manager, admin = client_of(ada), client_of(max_), client_of(root)
    url = "/api/v1/suppressions/"
    by_number = rep.post(url, {"scope": "number", "number": "(212) 555-0123", "reason": "wrote to us"})
    assert by_number.status_code == 201
    assert by_number.json()["number"] == "+12125550123"
    assert rep.post(url, {"scope": "company", "lead": lead.pk}).json()["company"] == "Acme"
    assert codes(rep.post(url, {"scope": "person", "lead": other.pk})) == {"lead": "does_not_exist"}
    assert codes(rep.post(url, {"scope": "person"})) == {"lead": "required"}
    assert codes(rep.post(url, {"scope": "number", "number": "12"})) == {"number": "invalid"}
    assert codes(rep.post(url, {"scope": "erased", "number": "+12125550123"})) == {"scope": "invalid_choice"}
    assert rep.get(url).status_code == 403
    assert len(manager.get(url).json()["results"]) == 2
    lift = f"{url}{by_number.json()['id']}/lift/"
    why = {"reason": "the number was sold", "evidence": "mail of 3 March"}
    assert rep.post(lift, why).status_code == 403
    assert manager.post(lift, why).status_code == 403
    assert codes(admin.post(lift, {})) == {"reason": "required", "evidence": "required"}
    assert codes(admin.post(lift, {"reason": "they agree"})) == {"evidence": "required"}
    assert Suppression.objects.active().count() == 2
    assert admin.post(lift, why).status_code == 204
    assert Suppression.objects.active().count() == 1
    assert admin.post(lift, why).status_code == 404


def test_a_wish_recorded_twice_does_not_tell_a_rep_what_a_colleague_wrote(client_of, ada, bea, max_):
    url, sent = "/api/v1/suppressions/", {"scope": "number", "number": "+12125550123"}
    words = {"reason": "is ill", "channel": "letter", "evidence": "letter of 3 March"}
    first = client_of(ada).post(url, sent | words).json()
    again = client_of(bea).post(url, sent)
    assert (again.status_code, again.json()["id"]) == (201, first["id"])
    assert {name: again.json()[name] for name in (*words, "by")} == dict.fromkeys(words, "") | {"by": None}
    for known in (ada, max_):
        assert client_of(known).post(url, sent).json() == first


def test_tasks_are_seen_with_their_lead_and_done_once(client_of, ada, bea, max_, a_lead, noon):
    todo.ask(a_lead(owner=ada), "find_number", "no number", now=noon)
    task = Task.objects.get()
    rep = client_of(ada)
    url = f"/api/v1/tasks/{task.pk}/"
    assert client_of(bea).get(url).status_code == 404
    assert client_of(bea).post(f"{url}done/", {}).status_code == 404
    assert len(client_of(max_).get("/api/v1/tasks/?done=false").json()["results"]) == 1
    done = rep.post(f"{url}done/", {}).json()
    assert (done["done_by"], done["done_at"]) == ("ada", "2026-03-04T17:00:00Z")
    assert rep.post(f"{url}done/", {}).json() == done
    assert rep.get("/api/v1/tasks/?done=false").json()["results"] == []
    assert codes(rep.post(f"{url}done/", {"x": 1})) == {"x": "unknown_field"}


def test_tasks_of_the_team_without_a_lead(client_of, ada, cy, root, north, noon):
    Task.objects.create(kind="load_registry", reason="the list is old", team=north, created_at=noon)
    seen = {
        user.username: len(client_of(user).get("/api/v1/tasks/").json()["results"])
        for user in (ada, cy, root)
    }
    assert seen == {"ada": 1, "cy": 0, "root": 1}


def test_meetings_are_seen_by_host_and_with_the_lead(client_of, ada, bea, cy, a_lead, noon):
    Meeting.objects.create(
        lead=a_lead(owner=ada), title="Demo", starts_at=noon, booked_at=noon, booked_by=ada, host=cy
    )
    for user, count in ((ada, 1), (cy, 1), (bea, 0)):
        assert len(client_of(user).get("/api/v1/meetings/").json()["results"]) == count


def test_whoever_sees_a_meeting_says_how_it_went(client_of, ada, bea, a_lead, noon):
    lead = a_lead(owner=ada)
    begun = Meeting.objects.create(
        lead=lead, title="Demo", starts_at=noon, booked_at=noon, booked_by=ada, host=ada
    )
    ahead = Meeting.objects.create(
        lead=lead, title="Later", starts_at=noon + timedelta(days=1), booked_at=noon, booked_by=ada, host=ada
    )
    rep, url = client_of(ada), f"/api/v1/meetings/{begun.pk}/"
    assert client_of(bea).patch(url, {"status": "held"}).status_code == 404
    assert codes(rep.patch(url, {"status": "booked"})) == {"status": "invalid_choice"}
    assert codes(rep.patch(url, {"status": "held", "title": "x"})) == {"title": "read_only"}
    assert codes(rep.patch(f"/api/v1/meetings/{ahead.pk}/", {"status": "held"})) == {"status": "invalid"}
    assert rep.patch(url, {"status": "held"}).json()["status"] == "held"
    assert codes(rep.patch(url, {"status": "no_show"})) == {"status": "invalid"}
    assert rep.get(f"/api/v1/touchpoints/?lead={lead.pk}").json()["results"][0]["kind"] == "meeting_held"


def test_imports_are_ones_own(client_of, ada, bea, root, noon):
    row = LeadImport.objects.create(file="x", file_name="leads.csv", created_at=noon, created_by=ada)
    assert client_of(ada).get(f"/api/v1/imports/{row.pk}/").json()["file_name"] == "leads.csv"
    assert client_of(bea).get(f"/api/v1/imports/{row.pk}/").status_code == 404
    assert len(client_of(root).get("/api/v1/imports/").json()["results"]) == 1


def test_the_rules_in_force_are_told(client_of, ada):
    rules = client_of(ada).get("/api/v1/rules/").json()
    assert list(rules) == ["kinds", "outcomes", "warmth", "cadences", "guard"]
    assert {one["key"] for one in rules["outcomes"]} == set(Outcome.objects.values_list("key", flat=True))
    assert rules["warmth"]["half_life_days"] == 14
    assert {"kind": "referral", "warms_for_days": 90, "counts_at_most": 3}.items() <= rules["warmth"][
        "rules"
    ][0].items()
    assert [len(plan["steps"]) for plan in rules["cadences"] if plan["key"] == "cold-18"] == [18]
    assert len(rules["guard"]) > 20
