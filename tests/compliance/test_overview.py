"""Does the compliance page count what there is, lead to the very rows, and cost the same however much there is?"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from crm.compliance.reports import REPORTS
from leads import erasure
from leads.models import (
    Consent,
    GuardRule,
    Lead,
    Number,
    RegistryArea,
    RegistryLoad,
    RegistryScrub,
    Suppression,
    Workspace,
)
from leads.register import NewLead, PhoneInput, create_lead
from touchpoints.models import BlockedDial, CallAttempt, Complaint, Wish

QUERIES = 23


def verdict(*codes: str) -> dict[str, Any]:
    return {
        "decision": "block",
        "reasons": [{"code": code, "detail": f"because of {code}"} for code in codes],
        "next_allowed_at": None,
    }


@pytest.fixture
def manager(max_: Any) -> Client:
    client = Client()
    client.force_login(max_)
    return client


@pytest.fixture
def lead(ada: Any) -> Lead:
    return _lead(ada, "Ann", 100)


def _lead(owner: Any, name: str, n: int) -> Lead:
    new = NewLead({"first_name": name, "last_name": "Jones"}, [PhoneInput(f"+1212555{n:04d}")])
    return create_lead(new, owner=owner, team=owner.team, now=timezone.now())


def _block(lead: Lead, user: Any, *codes: str, days_ago: int = 1) -> BlockedDial:
    return BlockedDial.objects.create(
        lead=lead,
        number=Number.objects.filter(links__lead=lead).first(),
        user=user,
        at=timezone.now() - timedelta(days=days_ago),
        guard=verdict(*codes),
    )


def tile(client: Client, key: str, query: str = "") -> list[dict[str, Any]]:
    panel = client.get(f"/compliance/?{query}").context["panels"][key]
    return [dict(row.values) for row in panel.tile.rows]


def test_an_empty_workspace_says_what_to_do(manager: Client) -> None:
    page = manager.get("/compliance/").content.decode()
    for text in ("The guard refused no dial", "No phone system reported", "No request to stop waits"):
        assert text in page


def test_blocked_dials_by_reason_and_rep_lead_to_the_very_dials(
    manager: Client, ada: Any, bea: Any, cy: Any, lead: Lead
) -> None:
    _block(lead, ada, "hours_closed")
    _block(lead, ada, "hours_closed", "min_gap")
    _block(lead, bea, "internal_dnc")
    _block(lead, bea, "internal_dnc", days_ago=400)
    _block(_lead(cy, "Cyd", 200), cy, "hours_closed")
    reasons = {row["reason"]: row["dials"] for row in tile(manager, "blocked")}
    assert reasons == {"outside calling hours": 2, "our own do-not-call list": 1}
    reps = [(row["rep"], row["dials"], row["most"]) for row in tile(manager, "blocked_reps")]
    assert reps == [("Ada", 2, "outside calling hours"), ("Bea", 1, "our own do-not-call list")]
    panel = manager.get("/compliance/").context["panels"]["blocked_reps"]
    for line, row in zip(panel.lines, panel.tile.rows, strict=True):
        behind = manager.get(line[1].href)
        assert behind.context["page_obj"].paginator.count == row.values["dials"]
    shown = manager.get("/compliance/dials/?tile=blocked&part=reason.hours_closed")
    assert "Ann Jones" in shown.content.decode()
    assert "because of min_gap" in shown.content.decode()
    assert "Cyd" not in shown.content.decode()
    assert tile(manager, "blocked", "period=today") == []


def test_the_team_stands_in_the_address(root: Any, ada: Any, cy: Any, lead: Lead) -> None:
    client = Client()
    client.force_login(root)
    _block(lead, ada, "hours_closed")
    _block(_lead(cy, "Cyd", 200), cy, "min_gap")
    assert len(tile(client, "blocked")) == 2
    assert [row["reason"] for row in tile(client, "blocked", "team=South")] == [
        "too soon after the last call"
    ]


def test_breaches_are_calls_reported_by_phone_systems(manager: Client, ada: Any, lead: Lead) -> None:
    for n, breach in enumerate((True, True, False)):
        CallAttempt.objects.create(
            lead=lead,
            user=ada,
            started_at=timezone.now() - timedelta(hours=n + 1),
            ended_at=timezone.now(),
            breach=breach,
            guard=verdict("registry_hit") if breach else {},
            source="pbx",
            external_id=f"c-{n}",
        )
    assert [(row["rep"], row["calls"]) for row in tile(manager, "breaches")] == [("Ada", 2)]
    panel = manager.get("/compliance/").context["panels"]["breaches"]
    behind = manager.get(panel.lines[0][2].href)
    assert behind.context["page_obj"].paginator.count == 2
    assert "pbx" in behind.content.decode()


@pytest.mark.parametrize(
    "query", ["tile=nothing&part=all", "tile=blocked&part=moon", "tile=blocked&part=rep.x", "tile=breaches"]
)
def test_a_figure_that_is_none_is_refused(manager: Client, query: str) -> None:
    assert manager.get(f"/compliance/dials/?{query}").status_code == 400


def _registry(days_old: int, *, area: str = "212", registry: str = "us-ftc") -> None:
    on = timezone.now().date() - timedelta(days=days_old)
    load = RegistryLoad.objects.create(
        registry=registry, file_name="x", status="loaded", list_date=on, at=timezone.now(), accepted=7
    )
    RegistryArea.objects.create(
        registry=registry, key=f"1{area}", area=area, list_date=on, count=7, load=load
    )


def test_registries_tell_their_age_and_when_the_next_is_due(manager: Client, lead: Lead) -> None:
    RegistryArea.objects.all().delete()
    before = {row["registry"]: row["state"] for row in tile(manager, "registries")}
    assert before["United States: National Do Not Call Registry"] == "not loaded"
    assert before["United Kingdom: TPS"] == "not loaded; no number there"
    _registry(31)
    _registry(5, area="312")
    row = next(row for row in tile(manager, "registries") if row["areas"])
    assert (row["areas"], row["numbers"], row["age"], row["stale"], row["state"]) == (
        2,
        14,
        31,
        0,
        "due soon",
    )
    assert row["due"] == timezone.now().date()
    _registry(32, area="415")
    row = next(row for row in tile(manager, "registries") if row["areas"])
    assert (row["stale"], row["state"]) == (1, "too old")
    assert manager.get("/compliance/").context["panels"]["registries"].tile.headline.value == 1


def test_the_strictest_rule_in_effect_says_how_old_a_list_may_be(manager: Client, lead: Lead) -> None:
    RegistryArea.objects.all().delete()
    _registry(12)
    GuardRule.objects.filter(jurisdiction="US", audience="consumer").update(
        registries=[{"registry": "us-ftc", "max_age_days": 10, "hit": "block"}]
    )
    row = next(row for row in tile(manager, "registries") if row["areas"])
    assert (row["stale"], row["state"]) == (1, "too old")


def test_a_missing_key_of_erased_persons_raises_the_alarm(manager: Client, root: Any, settings: Any) -> None:
    """Without it no call is allowed: whoever looks must see why."""
    alarm = "by which erased persons are recognised"
    erased = {"scope": "erased", "digest": "d", "requested_at": timezone.now()}
    Suppression.objects.create(key_id=erasure.current_key_id(), **erased)
    assert alarm not in manager.get("/compliance/").content.decode()
    lost = erasure.current_key_id()
    settings.ERASURE_KEYS = ("another key of erased persons",)
    admin = Client()
    admin.force_login(root)
    for page in (manager.get("/compliance/"), admin.get("/engine/")):
        text = page.content.decode()
        assert alarm in text
        assert lost in text


def test_a_list_for_an_exempt_trade_is_asked_of_those_in_it(manager: Client) -> None:
    def asked() -> set[str]:
        return {row["registry"] for row in tile(manager, "registries")}

    before = asked()
    Workspace.objects.update(trades=["insurance"])
    (more,) = asked() - before
    assert "obinson" in more


def test_wishes_complaints_consents_and_our_own_list(manager: Client, ada: Any, cy: Any, lead: Lead) -> None:
    now, other = timezone.now(), _lead(cy, "Cyd", 200)
    for whose in (lead, other):
        Wish.objects.create(lead=whose, kind="stop", word="stop", message="stop", said_at=now, found_at=now)
        Complaint.objects.create(lead=whose, said="I will report you", at=now - timedelta(days=400))
        for days in (10, 60):
            Consent.objects.create(
                lead=whose,
                kind="consent",
                starts_at=now - timedelta(days=1),
                ends_at=now + timedelta(days=days),
                evidence="form",
                recorded_at=now,
            )
    Suppression.objects.create(scope="number", e164="+12125550999", requested_at=now)
    assert [row["n"] for row in tile(manager, "wishes")] == [1]
    assert [(row["kind"], row["n"]) for row in tile(manager, "complaints")] == [("open", 1)]
    assert [row["n"] for row in tile(manager, "consents_ending")] == [1]
    own = tile(manager, "own_list")[0]
    assert (own["entries"], own["new"]) == (1, 1)


def test_every_tile_is_a_file_too(manager: Client, ada: Any, lead: Lead) -> None:
    _block(lead, ada, "hours_closed")
    for key in REPORTS:
        answer = manager.get(f"/compliance/?tile={key}&format=csv")
        text = b"".join(answer.streaming_content).decode()
        assert answer.headers["Content-Type"].startswith("text/csv")
        assert text.count("\n") >= 1, key
    rows = manager.get("/compliance/dials/?tile=blocked&part=all&format=csv")
    assert "because of hours_closed" in b"".join(rows.streaming_content).decode()
    assert manager.get("/compliance/?tile=moon&format=csv").status_code == 400
    assert manager.get("/compliance/?tile=blocked&format=pdf").status_code == 400


def test_the_page_costs_the_same_however_much_there_is(
    manager: Client, ada: Any, bea: Any, lead: Lead
) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as seen:
            manager.get("/compliance/")
        return len(seen)

    RegistryArea.objects.all().delete()
    _block(lead, ada, "hours_closed")
    _registry(1)
    first = cost()
    for n in range(5):
        other = _lead(bea, f"Bo{n}", 300 + n)
        _block(other, bea, "min_gap", "house_cap")
        _registry(n, area=f"41{n}")
        RegistryScrub.objects.create(cause="nightly", at=timezone.now(), finished_at=timezone.now())
        Complaint.objects.create(lead=other, said="hm", at=timezone.now())
    assert cost() == first <= QUERIES
