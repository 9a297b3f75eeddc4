"""Does the guard know everything that bears on a call, by few queries, and never go by what was true before?"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from crm.accounts.models import User
from leads import erasure
from leads.models import AuditEvent, Consent, Customer, GuardRule, Lead, Number, Suppression, Workspace
from tests.lists import load_list
from touchpoints import calls, guarding, pursue, queue, refusals, reported, suppress, their_zone
from touchpoints.models import BlockedDial, CallAttempt, Dial, FollowUp

pytestmark = pytest.mark.django_db
ALead = Callable[..., Lead]
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
Scope = Suppression.Scope
CHICAGO_SWITCHBOARD = "+13125550199"


@pytest.fixture
def jo(a_lead: ALead, ada: User, now: datetime) -> Lead:
    return a_lead(owner=ada, company="Acme", email="jo@acme.example")


def codes(lead: Lead, now: datetime, **more: Any) -> tuple[str, ...]:
    return guarding.verdict(Lead.objects.get(pk=lead.pk), now=now, **more).codes


def asked_by(act: Callable[[], Any]) -> int:
    with CaptureQueriesContext(connection) as seen:
        act()
    return len(seen)


# --- how many queries ---------------------------------------------------------------------------------------

BY_ONE_DECISION = 6


def test_one_decision_takes_six_queries_however_many_numbers_the_lead_has(
    a_lead: ALead, now: datetime
) -> None:
    for phones in (("+12125550151",), ("+12125550152", "+12125550153", "+13125550154")):
        lead = a_lead(phones=phones)
        guarding.verdict(lead, now=now)  # reads the lists' bitmaps once
        assert asked_by(lambda lead=lead: guarding.verdict(lead, now=now)) == BY_ONE_DECISION


def test_many_leads_take_as_many_queries_as_one(a_lead: ALead, now: datetime) -> None:
    leads = [a_lead(company=f"Firm {n}", email=f"a{n}@firm{n}.example") for n in range(30)]
    guarding.verdicts(leads, now=now)
    assert asked_by(lambda: guarding.verdicts(leads, now=now)) == BY_ONE_DECISION
    assert len(guarding.verdicts(leads, now=now)) == 30


def test_a_lead_without_a_number_is_asked_no_more_than_needed(a_lead: ALead, now: datetime) -> None:
    lead = a_lead(phones=())
    assert asked_by(lambda: guarding.verdict(lead, now=now)) == 3
    assert codes(lead, now) == ("number_invalid",)


# --- never by what was true before --------------------------------------------------------------------------


def close_everywhere() -> None:
    """As another program might: by plain SQL, past every model and signal of ours."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE leads_guardrule SET windows = %s WHERE jurisdiction = 'US'",
            ['{"mon": [["08:00", "09:00"]]}'],
        )


def test_a_rule_changed_in_the_database_binds_the_next_decision(jo: Lead, now: datetime) -> None:
    assert codes(jo, now) == ()
    close_everywhere()
    assert codes(jo, now) == ("day_closed",)


def test_a_change_that_is_rolled_back_binds_nobody_afterwards(jo: Lead, now: datetime) -> None:
    with transaction.atomic():
        close_everywhere()
        assert codes(jo, now) == ("day_closed",)
        transaction.set_rollback(True)
    assert codes(jo, now) == ()
    close_everywhere()
    assert codes(jo, now) == ("day_closed",)


@pytest.mark.django_db(transaction=True)
def test_a_rule_changed_over_another_connection_binds_the_next_decision(jo: Lead, now: datetime) -> None:
    def elsewhere() -> None:
        GuardRule.objects.filter(jurisdiction="US", audience="any").update(
            windows={"sun": [["08:00", "21:00"]]}
        )
        connection.close()

    assert codes(jo, now) == ()
    other = Thread(target=elsewhere)
    other.start()
    other.join()
    assert codes(jo, now) == ("day_closed",)


def test_a_setting_changed_binds_the_next_decision(jo: Lead, ada: User, now: datetime) -> None:
    calls.dial(jo, user=ada, now=now)
    later = now + 3 * HOUR
    assert codes(jo, later) == ()
    Workspace.objects.update(per_day_cap=1)
    assert codes(jo, later) == ("house_cap",)


def test_without_settings_nobody_is_called(jo: Lead, now: datetime) -> None:
    Workspace.objects.all().delete()
    assert codes(jo, now) == ("guard_error",)


def test_a_row_that_somebody_quicker_wrote_counts_though_its_time_is_later(
    jo: Lead, ada: User, now: datetime
) -> None:
    """A request that waited for a lock goes on with the time it began at."""
    suppress.suppress(scope=Scope.PERSON, lead=jo, by=ada, now=now + MINUTE)
    assert codes(jo, now) == ("internal_dnc",)


def test_a_dial_that_somebody_quicker_made_counts_for_the_shared_number(
    a_lead: ALead, ada: User, bea: User, now: datetime
) -> None:
    one, other = (a_lead(owner=who, phones=(CHICAGO_SWITCHBOARD,)) for who in (ada, bea))
    calls.dial(one, user=ada, now=now + MINUTE)
    assert codes(other, now) == ("min_gap",)


# --- our own lists ------------------------------------------------------------------------------------------


def test_the_laws_cap_counts_every_lead_that_shares_the_number(
    a_lead: ALead, person: Callable[..., User], now: datetime
) -> None:
    Workspace.objects.update(min_gap_minutes=0)
    for n in range(3):
        rep = person(f"rep{n}", role="rep")
        calls.dial(a_lead(owner=rep, phones=(CHICAGO_SWITCHBOARD,)), user=rep, now=now + n * MINUTE)
    verdict = guarding.verdict(a_lead(phones=(CHICAGO_SWITCHBOARD,)), now=now + 3 * MINUTE)
    assert (verdict.codes, verdict.next_allowed_at) == (("frequency_cap",), now + DAY)


def test_each_scope_of_our_own_list_and_a_customer(a_lead: ALead, jo: Lead, ada: User, now: datetime) -> None:
    mate = a_lead(company=jo.company.name, phones=("+12125550160",))  # type: ignore[union-attr]
    stranger = a_lead(phones=("+12125550161",))
    suppress.suppress(scope=Scope.COMPANY, lead=jo, by=ada, now=now)
    suppress.suppress_numbers(["+12125550161"], reason="asked", channel="mail", evidence="", by=ada, now=now)
    assert [codes(lead, now) for lead in (jo, mate, stranger)] == [("internal_dnc",)] * 3
    buyer = a_lead(email="Ann@BIG.example", phones=("+12125550162",))
    Customer.objects.create(domain="big.example", added_at=now)
    assert codes(buyer, now) == ("existing_customer",)


def test_an_erased_number_is_blocked_for_whoever_has_it_now(a_lead: ALead, ada: User, now: datetime) -> None:
    lead = a_lead(phones=("+12125550170",))
    Suppression.objects.create(
        scope=Scope.ERASED,
        digest=erasure.digests("+12125550170")[0],
        key_id=erasure.current_key_id(),
        requested_at=now,
    )
    assert codes(lead, now) == ("erased",)
    with pytest.raises(refusals.GuardBlocked):
        calls.dial(lead, user=ada, now=now)


def test_without_the_key_of_the_erased_every_dial_is_refused_and_says_why(
    jo: Lead, ada: User, now: datetime
) -> None:
    Suppression.objects.create(scope=Scope.ERASED, digest="d" * 64, key_id="another", requested_at=now)
    with pytest.raises(refusals.GuardBlocked) as refused:
        calls.dial(jo, user=ada, now=now)
    assert "ERASURE_KEY" in refused.value.detail
    assert not CallAttempt.objects.exists()
    assert codes(jo, now) == ("guard_error",)


# --- registries ---------------------------------------------------------------------------------------------


def test_without_a_list_households_are_blocked_and_businesses_are_not(
    no_lists: None, a_lead: ALead, now: datetime
) -> None:
    assert codes(a_lead(), now) == ("registry_area_not_loaded",)
    assert codes(a_lead(company="Acme"), now) == ()


def test_the_registry_binds_and_the_call_keeps_which_list_it_went_by(
    no_lists: None, a_lead: ALead, ada: User, now: datetime, tmp_path: Path
) -> None:
    listed, free = a_lead(phones=("+12125550180",)), a_lead(phones=("+12125550181",))
    load = load_list(tmp_path, "us-ftc", "212,5550180\n", on=(now - DAY).date(), now=now)
    assert codes(listed, now) == ("registry_hit",)
    assert codes(free, now) == ()
    assert codes(free, now + 31 * DAY) == ("registry_list_stale",)
    with pytest.raises(refusals.GuardBlocked):
        calls.dial(listed, user=ada, now=now)
    call = calls.dial(free, user=ada, now=now)
    expected = {
        "registry": "us-ftc",
        "list_date": (now - DAY).date().isoformat(),
        "load": load.pk,
        "loaded": True,
    }
    assert call.guard_lists == [expected | {"hit": False}]
    assert BlockedDial.objects.get().guard["lists"] == [expected | {"hit": True}]


def test_the_verdict_is_kept_with_every_candidate_zone_and_the_time_there(
    a_lead: ALead, ada: User, now: datetime
) -> None:
    call = calls.dial(a_lead(owner=ada, phones=("+18505550123",)), user=ada, now=now)
    assert call.guard["zones"] == ["America/Chicago", "America/New_York"]
    assert (call.guard["zones_from"], call.guard["asked_at"]) == ("number", now.isoformat())
    assert [one["time"] for one in call.guard["local_times"]] == [
        "2026-03-04T11:00:00-06:00",
        "2026-03-04T12:00:00-05:00",
    ]
    calls.dial(call.lead, user=ada, now=now + MINUTE, redial=True)
    call.refresh_from_db()
    assert [one["asked_at"] for one in call.guard["redials"]] == [(now + MINUTE).isoformat()]
    assert Dial.objects.filter(call=call).count() == 2


# --- calls that were made already ---------------------------------------------------------------------------

BEFORE_OR_AFTER = [("before the call", -HOUR, True), ("after it", HOUR, False)]


def told_of(lead: Lead, user: User, at: datetime, now: datetime) -> CallAttempt:
    call, _new = reported.keep(
        reported.PastCall(source="pbx", external_id="1", started_at=at),
        lead=lead,
        number=lead.lead_numbers.get().number,
        user=user,
        now=now,
    )
    return call


@pytest.mark.parametrize(
    ("when", "breach"), [c[1:] for c in BEFORE_OR_AFTER], ids=[c[0] for c in BEFORE_OR_AFTER]
)
@pytest.mark.parametrize("what", ["our own list", "a dead number", "a customer", "a refusal in Washington"])
def test_a_reported_call_is_judged_by_what_stood_when_it_was_made(
    a_lead: ALead, ada: User, now: datetime, what: str, when: timedelta, breach: bool
) -> None:
    lead = a_lead(
        owner=ada,
        company="Acme",
        email="jo@acme.example",
        country="US",
        region="WA",
        phones=("+12065550123",),
    )
    at = now + 3 * HOUR  # ten in the morning in Seattle, and later here
    since = at + when
    if what == "our own list":
        suppress.suppress(scope=Scope.PERSON, lead=lead, by=ada, now=since)
    elif what == "a dead number":
        Number.objects.update(status="invalid", status_at=since)
    elif what == "a customer":
        Customer.objects.create(domain="acme.example", added_at=since)
    else:
        Lead.objects.update(cooled_at=since)
    call = told_of(lead, ada, at, at + 2 * HOUR)
    if what == "a customer":  # warns; nobody blocks a call to one
        assert (call.breach, call.guard["decision"]) == (False, "warn" if breach else "allow")
    else:
        assert call.breach is breach


def test_an_entry_lifted_since_still_makes_a_breach_of_an_earlier_call(
    jo: Lead, ada: User, root: User, now: datetime
) -> None:
    entry = suppress.suppress(scope=Scope.PERSON, lead=jo, by=ada, now=now - HOUR)
    Suppression.objects.filter(pk=entry.pk).update(lifted_at=now + HOUR)
    assert codes(jo, now) == ()
    assert told_of(jo, ada, now, now + 2 * HOUR).breach is True


# --- zones that people confirm ------------------------------------------------------------------------------


@pytest.fixture
def pensacola(a_lead: ALead, ada: User) -> Lead:
    """A number of area code 850: Chicago's time or New York's."""
    return a_lead(owner=ada, phones=("+18505550124",))


def local_zones(lead: Lead, now: datetime) -> list[str]:
    situation = guarding.gather([Lead.objects.get(pk=lead.pk)], now=now)[lead.pk]
    return list(next(iter(situation.facts.values())).zones)


def test_a_zone_a_rep_confirms_only_tightens_until_a_manager_agrees(
    pensacola: Lead, ada: User, max_: User, now: datetime
) -> None:
    both = ["America/Chicago", "America/New_York"]
    their_zone.confirm_zone(pensacola, "America/Los_Angeles", by=ada, now=now)
    assert local_zones(pensacola, now) == ["America/Los_Angeles", *both]
    with pytest.raises(refusals.NotYours):
        their_zone.agree_zone(pensacola, "America/Los_Angeles", by=ada, now=now)
    with pytest.raises(refusals.Invalid):
        their_zone.agree_zone(pensacola, "America/Chicago", by=max_, now=now)
    their_zone.agree_zone(pensacola, "America/Los_Angeles", by=max_, now=now)
    assert local_zones(pensacola, now) == ["America/Los_Angeles"]
    their_zone.confirm_zone(pensacola, "America/Los_Angeles", by=ada, now=now)
    assert local_zones(pensacola, now) == ["America/Los_Angeles"]
    their_zone.confirm_zone(pensacola, "America/Chicago", by=ada, now=now)
    assert local_zones(pensacola, now) == both
    their_zone.confirm_zone(pensacola, "America/Chicago", by=max_, now=now)
    assert local_zones(pensacola, now) == ["America/Chicago"]
    said = (
        AuditEvent.objects.filter(lead=pensacola)
        .order_by("pk")
        .values_list("action", "actor", "after__agreed")
    )
    assert list(said) == [
        ("lead.zone_confirmed", ada.pk, False),
        ("lead.zone_agreed", max_.pk, True),
        ("lead.zone_confirmed", ada.pk, True),
        ("lead.zone_confirmed", ada.pk, False),
        ("lead.zone_confirmed", max_.pk, True),
    ]


def test_a_rep_who_becomes_manager_has_agreed_to_nothing_yet(
    pensacola: Lead, ada: User, now: datetime
) -> None:
    their_zone.confirm_zone(pensacola, "America/Chicago", by=ada, now=now)
    User.objects.filter(pk=ada.pk).update(role="manager")
    assert local_zones(pensacola, now) == ["America/Chicago", "America/New_York"]


def test_a_consent_for_another_number_does_not_lift_the_registry(
    no_lists: None, a_lead: ALead, now: datetime, tmp_path: Path
) -> None:
    lead = a_lead(phones=("+12125550190", "+12125550191"))
    load_list(tmp_path, "us-ftc", "212,5550190\n212,5550191\n", on=now.date(), now=now)
    first, second = (link.number for link in lead.lead_numbers.order_by("position"))
    Consent.objects.create(
        lead=lead, number=second, kind="consent", starts_at=now - DAY, recorded_at=now, evidence="a form"
    )
    assert codes(lead, now, number=first) == ("registry_hit",)
    assert codes(lead, now, number=second) == ()


def test_what_could_not_be_read_leaves_follow_ups_where_they_are(jo: Lead, ada: User, now: datetime) -> None:
    pursue.start([jo], by=ada, now=now - DAY)
    missing = Suppression.objects.create(
        scope=Scope.ERASED, digest="d" * 64, key_id="another", requested_at=now
    )
    assert queue.next_lead(ada, now=now) is None
    assert not jo.tasks.exists()
    missing.delete()
    assert queue.next_lead(ada, now=now + 15 * MINUTE) == FollowUp.objects.open().get(lead=jo)


def test_a_manager_agrees_on_the_leads_page_and_a_rep_cannot(
    client: Client, pensacola: Lead, ada: User, max_: User
) -> None:
    page, url = pensacola.get_absolute_url(), reverse("lead_zone", args=[pensacola.pk])
    client.force_login(ada)
    assert b"Where are they?" in client.get(page).content
    client.post(url, {"zone": "America/Chicago"})
    assert b'name="agree"' not in client.get(page).content
    assert client.post(url, {"zone": "America/Chicago", "agree": "1"}).status_code == 422
    assert client.post(url, {"zone": "Mars/Olympus"}).status_code == 422
    client.force_login(max_)
    assert b'name="agree"' in client.get(page).content
    client.post(url, {"zone": "America/Chicago", "agree": "1"})
    pensacola.refresh_from_db()
    assert (pensacola.confirmed_zone, pensacola.zone_agreed_by) == ("America/Chicago", max_)
    assert b'name="agree"' not in client.get(page).content
