"""Is a look-up of a number by a person counted, written down and refused when there are too many?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from leads import numbers
from leads.guard_checks import ORDER
from leads.models import AuditEvent, GuardRule, Suppression, Workspace
from touchpoints import number_lookup

# A Wednesday, noon in New York.
NOW = datetime(2026, 3, 4, 17, 0, tzinfo=UTC)
NUMBER = numbers.parse("+12125550123", None)


def states(look: number_lookup.Look) -> dict[str, str]:
    return {check.code: check.state for check in look.checks}


def test_each_check_is_told_in_the_guards_order(max_: Any) -> None:
    look = number_lookup.look_up(NUMBER, by=max_, now=NOW, audience="business")
    assert [check.code for check in look.checks] == list(ORDER)
    assert look.verdict.decision == "allow", look.verdict.reasons
    found = states(look)
    assert found["consent_missing"] == "not_applicable"
    assert {found[code] for code in ("erased", "internal_dnc", "hours_closed", "frequency_cap")} == {"passed"}
    assert all(check.detail for check in look.checks)


def test_what_fails_is_what_the_verdict_says(max_: Any) -> None:
    Suppression.objects.create(scope="number", e164=NUMBER.e164, requested_at=NOW)
    night = NOW.replace(hour=7)
    look = number_lookup.look_up(NUMBER, by=max_, now=NOW, at=night)
    failed = {code for code, state in states(look).items() if state == "failed"}
    assert failed == set(look.verdict.codes) >= {"internal_dnc", "hours_closed"}


def test_a_guard_that_fails_blocks_and_says_so(max_: Any) -> None:
    GuardRule.objects.all().delete()
    look = number_lookup.look_up(NUMBER, by=max_, now=NOW)
    assert states(look) == {"guard_error": "failed"}
    assert look.verdict.decision == "block"


def test_a_look_up_is_written_down(max_: Any) -> None:
    look = number_lookup.look_up(NUMBER, by=max_, now=NOW, zone="America/Chicago")
    event = AuditEvent.objects.get()
    assert (event.action, event.actor, event.subject_id, event.at) == (
        "number.looked_up",
        max_,
        NUMBER.e164,
        NOW,
    )
    assert event.after["decision"] == look.verdict.decision
    assert event.after["zone"] == "America/Chicago"


def test_one_too_many_is_refused_until_the_first_is_an_hour_old(max_: Any, root: Any) -> None:
    Workspace.objects.update(number_lookups_an_hour=2)
    number_lookup.look_up(NUMBER, by=max_, now=NOW)
    number_lookup.look_up(NUMBER, by=max_, now=NOW + timedelta(minutes=20))
    with pytest.raises(number_lookup.TooManyLookups) as refused:
        number_lookup.look_up(NUMBER, by=max_, now=NOW + timedelta(minutes=30))
    assert refused.value.next_at == NOW + timedelta(hours=1)
    assert AuditEvent.objects.count() == 2
    number_lookup.look_up(NUMBER, by=root, now=NOW + timedelta(minutes=30))  # another person's count
    with pytest.raises(number_lookup.TooManyLookups):
        number_lookup.look_up(NUMBER, by=max_, now=NOW + timedelta(minutes=60) - timedelta(seconds=1))
    number_lookup.look_up(NUMBER, by=max_, now=NOW + timedelta(minutes=60))


def test_none_an_hour_is_never(max_: Any) -> None:
    Workspace.objects.update(number_lookups_an_hour=0)
    with pytest.raises(number_lookup.TooManyLookups) as refused:
        number_lookup.look_up(NUMBER, by=max_, now=NOW)
    assert refused.value.next_at is None


@pytest.fixture
def manager(max_: Any) -> Client:
    client = Client()
    client.force_login(max_)
    return client


@pytest.mark.parametrize("url", ["/compliance/lookup/", "/rules/guard/try/"])
def test_both_pages_ask_through_the_same_count(manager: Client, max_: Any, url: str) -> None:
    Workspace.objects.update(number_lookups_an_hour=1)
    data = {"number": "212 555 0123", "audience": "consumer"}
    answer = manager.post(url, data)
    assert answer.status_code == 200
    assert answer.context["look"].number.e164 == NUMBER.e164
    assert answer.context["allowance"].left == 0
    again = manager.post(url, data)
    assert again.status_code == 429
    assert "The next look-up is possible" in again.content.decode()
    assert again.context["refused"].next_at > timezone.now()
    assert AuditEvent.objects.filter(action="number.looked_up", actor=max_).count() == 1


def test_what_is_no_number_costs_nothing(manager: Client) -> None:
    answer = manager.post("/compliance/lookup/", {"number": "12"})
    assert answer.status_code == 422
    assert not AuditEvent.objects.exists()


@pytest.mark.parametrize(
    ("state", "at", "code"),
    [("TX", "2026-03-08T17:00", "hours_closed"), ("Rhode Island", "2026-03-08T17:00", "day_closed")],
    ids=["Sunday from noon in Texas", "no Sunday in Rhode Island"],
)
def test_the_test_box_asks_for_a_state_and_an_instant(
    manager: Client, state: str, at: str, code: str
) -> None:
    data = {
        "number": "+12125550123",
        "state": state,
        "zone": "America/Denver",
        "audience": "business",
        "at": at,
    }
    look = manager.post("/rules/guard/try/", {**data, "at": at.replace("T17", "T16")}).context["look"]
    assert look.at == datetime(2026, 3, 8, 16, 0, tzinfo=UTC)
    assert code in look.verdict.codes


def test_a_state_nobody_knows_is_named(manager: Client) -> None:
    answer = manager.post(
        "/rules/guard/try/", {"number": "+12125550123", "state": "ZZ", "audience": "business"}
    )
    assert answer.status_code == 422
    assert "state" in answer.context["form"].errors


def test_the_page_names_own_leads_and_counts_the_others(manager: Client, ada: Any, cy: Any) -> None:
    from leads.register import NewLead, PhoneInput, create_lead

    for who, name in ((ada, "Ann"), (cy, "Cyd")):
        create_lead(
            NewLead({"first_name": name}, [PhoneInput(NUMBER.e164)]), owner=who, team=who.team, now=NOW
        )
    answer = manager.post("/compliance/lookup/", {"number": NUMBER.e164})
    assert [lead.first_name for lead in answer.context["leads"]] == ["Ann"]
    assert answer.context["others"] == 1
    assert "Cyd" not in answer.content.decode()
