"""Is the audit trail complete for whom it concerns, searchable, and paged at the same cost however deep?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from leads.models import AuditEvent, Lead, Workspace
from leads.register import NewLead, create_lead

NOW = datetime(2026, 3, 4, 17, 0, tzinfo=UTC)


@pytest.fixture
def manager(max_: Any) -> Client:
    client = Client()
    client.force_login(max_)
    return client


def note(
    action: str, *, actor: Any = None, lead: Lead | None = None, at: datetime = NOW, **rest: Any
) -> AuditEvent:
    rest = {
        "subject_type": "lead" if lead else "guard_rule",
        "subject_id": str(lead.pk if lead else 1),
        **rest,
    }
    return AuditEvent.objects.create(action=action, actor=actor, lead=lead, at=at, **rest)


def actions(client: Client, query: str = "") -> list[str]:
    return [told["event"].action for told in client.get(f"/compliance/audit/?{query}").context["events"]]


def test_managers_see_their_own_leads_and_what_binds_all(
    manager: Client, ada: Any, cy: Any, root: Any
) -> None:
    ann = create_lead(NewLead({"first_name": "Ann"}), owner=ada, team=ada.team, now=NOW)
    cyd = create_lead(NewLead({"first_name": "Cyd"}), owner=cy, team=cy.team, now=NOW)
    AuditEvent.objects.all().delete()
    note("lead.edited", actor=ada, lead=ann)
    note("lead.hidden", actor=cy, lead=cyd)
    note("guard_rule.changed", actor=root)
    note("number.looked_up", actor=cy, subject_type="number", subject_id="+12125550142")
    note("number.asked", actor=ada, subject_type="number", subject_id="+12125550143")
    assert sorted(actions(manager)) == ["guard_rule.changed", "lead.edited", "number.asked"]
    admin = Client()
    admin.force_login(root)
    assert len(actions(admin)) == 5


def test_who_what_about_what_and_when(root: Any, ada: Any) -> None:
    client = Client()
    client.force_login(root)
    ann = create_lead(NewLead({"first_name": "Ann"}), owner=ada, team=ada.team, now=NOW)
    AuditEvent.objects.all().delete()
    note("lead.edited", actor=ada, lead=ann, at=NOW - timedelta(days=3))
    note("lead.merged", actor=root, lead=ann, at=NOW - timedelta(days=2))
    note("number.looked_up", actor=root, subject_type="number", subject_id="+12125550142")
    assert actions(client, "actor=ada") == ["lead.edited"]
    assert actions(client, "action=lead.") == ["lead.merged", "lead.edited"]
    assert actions(client, "action=lead.merged") == ["lead.merged"]
    assert actions(client, f"subject=lead+{ann.pk}") == ["lead.merged", "lead.edited"]
    assert actions(client, "subject=%2B12125550142") == ["number.looked_up"]
    assert actions(client, "since=2026-03-02&until=2026-03-03") == ["lead.merged"]
    assert client.get("/compliance/audit/?since=2026-03-03&until=2026-03-01").status_code == 400
    assert client.get("/compliance/audit/?actor=nobody-here").status_code == 400


def test_pages_hold_every_row_once(root: Any, django_assert_max_num_queries: Any) -> None:
    client = Client()
    client.force_login(root)
    AuditEvent.objects.all().delete()
    for n in range(120):
        note("guard_rule.changed", actor=root, at=NOW + timedelta(minutes=n // 3))
    seen: list[int] = []
    url = "/compliance/audit/"
    while url:
        with django_assert_max_num_queries(10):
            page = client.get(url)
        seen += [told["event"].pk for told in page.context["events"]]
        url = page.context["next_url"] and f"/compliance/audit/{page.context['next_url']}"
    assert len(seen) == len(set(seen)) == 120
    assert page.context["previous_url"]


def test_the_file_holds_what_is_shown_and_runs_nothing(root: Any) -> None:
    client = Client()
    client.force_login(root)
    AuditEvent.objects.all().delete()
    note("guard_rule.changed", actor=root, reason="=1+1", before={"dials_cap": 3}, after={"dials_cap": 2})
    text = b"".join(client.get("/compliance/audit/?format=csv").streaming_content).decode()
    assert "'=1+1" in text
    assert '""dials_cap"": 2' in text


def test_settings_that_bear_on_the_guard_are_audited(client, root):
    client.force_login(root)
    stood = Workspace.objects.get()
    form = client.get("/admin/leads/workspace/1/change/").context["adminform"].form
    sent = {name: value for name, value in form.initial.items() if value not in (None, False)}
    answer = client.post(
        "/admin/leads/workspace/1/change/", {**sent, "per_day_cap": 9, "trades": ["insurance"]}
    )
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    event = AuditEvent.objects.get(action="workspace.changed")
    assert (event.actor, event.subject_id) == (root, "1")
    assert event.before == {"per_day_cap": stood.per_day_cap, "trades": []}
    assert event.after == {"per_day_cap": 9, "trades": ["insurance"]}


@pytest.mark.parametrize("days", [{"since": "0001-01-01"}, {"until": "9999-12-31"}])
def test_a_day_that_no_calendar_holds_is_refused(client, root, days):
    client.force_login(root)
    assert client.get("/compliance/audit/", days).status_code == 400
