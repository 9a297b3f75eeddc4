"""Is there a way past the guard through what a rep may change, repeat, merge, amend, import or spell otherwise?"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from django.test import Client

from crm.accounts.models import User
from leads import identity, numbers, register
from leads.models import AuditEvent, Consent, Lead, LeadNumber, Number, Suppression
from leads.register import LeadRefused, PhoneInput
from tests.lists import load_list
from touchpoints import (
    calls,
    guarding,
    merge,
    outcomes,
    pursue,
    refusals,
    reported,
    suppress,
    take_back,
    their_line,
    their_zone,
)
from touchpoints.models import Dial, Direction, FollowUp, Pursuit

pytestmark = pytest.mark.django_db
ALead = Callable[..., Lead]
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
OWN, SWITCHBOARD = "+12125550123", "+12125550177"
# 20:30 in New York, 17:30 in Los Angeles.
EVENING = datetime(2026, 3, 5, 1, 30, tzinfo=UTC)


def decision(lead: Lead, now: datetime) -> str:
    return guarding.verdict(Lead.objects.get(pk=lead.pk), now=now).decision


def codes(lead: Lead, now: datetime) -> tuple[str, ...]:
    return guarding.verdict(Lead.objects.get(pk=lead.pk), now=now).codes


# --- by spelling ------------------------------------------------------------------------------------------------

SPELLINGS = [
    "+12125550123",
    "+1 (212) 555-0123",
    "212-555-0123",
    "1 212 555 0123",
    "011 1 212 555 0123",
    "2125550123 ext. 7",
    "+1 212 555 0123;ext=99",
    "+12125550123x4",
    "tel:+1-212-555-0123",
    "＋１２１２５５５０１２３",
    "٢١٢٥٥٥٠١٢٣",
    "+1\u00a0212\u202f555\u20110123",
    "212.555.0123",
    "(212)5550123",
    "+1/212/555/0123",
    "\u200e+12125550123",
]


@pytest.mark.parametrize("typed", SPELLINGS)
def test_no_spelling_of_a_number_on_our_own_list_is_callable(
    a_lead: ALead, ada: User, now: datetime, typed: str
) -> None:
    suppress.suppress(scope="number", e164=OWN, by=ada, now=now)
    try:
        lead = a_lead(owner=ada, phones=(typed,))
    except LeadRefused:
        return  # what is no number is not dialled either
    with pytest.raises(refusals.GuardBlocked):
        calls.dial(lead, user=ada, now=now)
    assert not Dial.objects.exists()


# --- by what a rep says of a lead ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stands", "changed"),
    [
        ({"country": "PL", "audience": "consumer"}, {"country": "US", "region": "NY"}),
        ({"country": "PL", "audience": "consumer"}, {"country": ""}),
        ({"country": "DE", "audience": "consumer"}, {"audience": "business"}),
        ({"country": "DK", "audience": "consumer"}, {"audience": "business", "country": "US"}),
    ],
    ids=["to another country", "to none", "to a business", "both"],
)
def test_what_a_rep_says_of_place_and_audience_only_tightens(
    a_lead: ALead, ada: User, max_: User, now: datetime, stands: dict[str, Any], changed: dict[str, Any]
) -> None:
    lead = a_lead(owner=ada, **stands)
    assert codes(lead, now) == ("consent_missing",)
    register.edit_lead(lead, changed, by=ada, now=now)
    assert codes(lead, now) == ("consent_missing",)
    register.edit_lead(lead, {"first_name": "Joan"}, by=ada, now=now + MINUTE)
    assert codes(lead, now) == ("consent_missing",)


def test_a_zone_that_a_rep_writes_down_opens_nothing(a_lead: ALead, ada: User, max_: User) -> None:
    lead = a_lead(owner=ada, country="US", region="CT")
    assert codes(lead, EVENING) == ("hours_closed",)
    for zone in ("America/Los_Angeles", "Pacific/Honolulu", ""):
        register.edit_lead(lead, {"time_zone": zone}, by=ada, now=EVENING)
        assert codes(lead, EVENING) == ("hours_closed",)


def test_no_run_of_edits_by_a_rep_allows_more(a_lead: ALead, ada: User, now: datetime) -> None:
    """Three hundred edits of five leads at random: at every hour of a day each is as blocked as before all of them."""
    dice = Random(4)
    strictness = {"allow": 0, "warn": 1, "block": 2}
    said: dict[str, list[str]] = {
        "audience": ["business", "consumer"],
        "country": ["", "US", "CA", "DE", "PL", "GB", "NP"],
        "region": [""],
        "postcode": ["", "2000", "10001"],
        "time_zone": ["", "America/New_York", "Pacific/Honolulu", "Europe/Warsaw", "Asia/Kathmandu"],
    }
    hours = [now + timedelta(hours=hour) for hour in range(0, 24, 3)]
    for facts in (
        {"country": "US", "region": "RI"},
        {"country": "DE", "audience": "consumer"},
        {"country": "US", "audience": "business", "company": "Acme"},
        {"phones": ("+18505550123",)},
        {"phones": ("+9779841234567",), "audience": "business"},
    ):
        lead = a_lead(owner=ada, **facts)
        before = [strictness[decision(lead, at)] for at in hours]
        for _ in range(60):
            names = dice.sample(list(said), k=dice.randint(1, 3))
            try:
                register.edit_lead(lead, {name: dice.choice(said[name]) for name in names}, by=ada, now=now)
            except LeadRefused:
                continue
            after = [strictness[decision(lead, at)] for at in hours]
            assert all(old <= new for old, new in zip(before, after, strict=True)), (facts, lead.pk)


def test_what_a_rep_says_tightens_at_once(a_lead: ALead, ada: User, now: datetime) -> None:
    lead = a_lead(owner=ada)
    assert decision(lead, now) == "allow"
    register.edit_lead(lead, {"country": "PL"}, by=ada, now=now)
    assert codes(lead, now) == ("consent_missing",)
    other = a_lead(owner=ada)
    register.edit_lead(other, {"time_zone": "Asia/Tokyo"}, by=ada, now=now)
    assert codes(other, now) == ("hours_closed",)


def test_a_manager_agrees_and_it_stands_alone(a_lead: ALead, ada: User, max_: User, now: datetime) -> None:
    lead = a_lead(owner=ada, country="DE", audience="consumer")
    register.edit_lead(lead, {"audience": "business"}, by=ada, now=now)
    with pytest.raises(refusals.NotYours):
        their_zone.agree_facts(lead, by=ada, now=now)
    their_zone.agree_facts(lead, by=max_, now=now)
    assert decision(lead, now) == "allow"
    event = AuditEvent.objects.filter(lead=lead, action="lead.facts_agreed").get()
    assert (event.actor, event.before["audience"], event.after["audience"]) == (max_, "consumer", "business")


def test_a_managers_own_word_and_the_way_back_stand_at_once(
    a_lead: ALead, ada: User, max_: User, now: datetime
) -> None:
    lead = a_lead(owner=ada, country="DE", audience="consumer")
    register.edit_lead(lead, {"audience": "business"}, by=max_, now=now)
    assert decision(lead, now) == "allow"
    register.edit_lead(lead, {"country": "PL"}, by=ada, now=now)
    register.edit_lead(lead, {"country": "DE"}, by=ada, now=now)
    assert Lead.objects.get(pk=lead.pk).stood_before == []


def test_merging_into_a_lead_of_ones_own_making_loosens_nothing(
    a_lead: ALead, ada: User, now: datetime
) -> None:
    goes = a_lead(owner=ada, country="DE", audience="consumer")
    stays = a_lead(owner=ada, country="US", audience="business", company="Jo's front")
    merge.merge(stays, goes, by=ada, now=now)
    assert codes(stays, now) == ("consent_missing",)


def test_merging_into_a_lead_of_an_agreed_zone_opens_no_other_hours(
    a_lead: ALead, ada: User, max_: User
) -> None:
    evening = EVENING + HOUR
    stays, goes = a_lead(owner=ada, phones=("+12135550111",)), a_lead(owner=ada, phones=("+12125550112",))
    their_zone.confirm_zone(stays, "America/Los_Angeles", by=max_, now=evening)
    merge.merge(stays, goes, by=ada, now=evening)
    merged = Lead.objects.get(pk=stays.pk)
    new_york = Number.objects.get(e164="+12125550112")
    assert guarding.verdict(merged, number=new_york, now=evening).codes == ("hours_closed",)
    their_zone.agree_zone(merged, "America/Los_Angeles", by=max_, now=evening)
    merged.refresh_from_db()
    assert guarding.verdict(merged, number=new_york, now=evening).decision == "allow"


def test_merging_with_who_refused_keeps_the_refusal(a_lead: ALead, ada: User, now: datetime) -> None:
    goes, stays = a_lead(owner=ada, phones=("+12065550111",)), a_lead(owner=ada, phones=("+12065550112",))
    Lead.objects.filter(pk=goes.pk).update(cooled_at=now - timedelta(days=30))
    merge.merge(stays, goes, by=ada, now=now)
    assert codes(stays, now) == ("frequency_cap",)


def test_a_rep_cannot_take_a_lead_out_of_a_company_that_asked_not_to_be_called(
    a_lead: ALead, ada: User, max_: User, now: datetime
) -> None:
    lead = a_lead(owner=ada, company="Acme")
    suppress.suppress(scope="company", lead=lead, by=ada, now=now)
    for name in ("", "Acme Incorporated"):
        with pytest.raises(LeadRefused) as refused:
            register.edit_lead(lead, {"company": name}, by=ada, now=now)
        assert [error.field for error in refused.value.errors] == ["company"]
    assert codes(lead, now) == ("internal_dnc",)
    register.edit_lead(lead, {"company": "Other"}, by=max_, now=now)
    assert decision(lead, now) == "allow"


# --- by somebody made anew ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "again",
    [
        {"first_name": "JO", "last_name": " smith "},
        {"first_name": "", "last_name": ""},
        {"first_name": "Jo Smith", "last_name": ""},
    ],
    ids=["spelled otherwise", "without a name", "in one field"],
)
def test_a_person_on_our_own_list_is_not_called_as_a_new_lead(
    a_lead: ALead, ada: User, now: datetime, again: dict[str, str]
) -> None:
    """On a switchboard the wish is the person's; made once more they are the same person."""
    a_lead(owner=ada, phones=(SWITCHBOARD,))
    lead = a_lead(owner=ada, first_name="Jo", last_name="Smith", phones=(SWITCHBOARD,))
    suppress.suppress(scope="person", lead=lead, by=ada, now=now)
    second = a_lead(owner=ada, phones=(SWITCHBOARD,), **again)
    assert codes(second, now) == ("internal_dnc",)
    with pytest.raises(refusals.GuardBlocked):
        calls.dial(second, user=ada, now=now)


def test_their_colleague_on_the_switchboard_is(a_lead: ALead, ada: User, now: datetime) -> None:
    lead = a_lead(owner=ada, first_name="Jo", last_name="Smith", phones=(SWITCHBOARD,))
    suppress.suppress(scope="person", lead=lead, by=ada, now=now)
    colleague = a_lead(owner=ada, phones=(SWITCHBOARD,))
    role = a_lead(
        owner=ada, first_name="", last_name="", company="Acme", job_title="buyer", phones=(SWITCHBOARD,)
    )
    assert (decision(colleague, now), decision(role, now)) == ("allow", "allow")


def test_taking_the_number_from_the_lead_on_the_list_frees_nobody(
    a_lead: ALead, ada: User, now: datetime
) -> None:
    lead = a_lead(owner=ada, first_name="Jo", last_name="Smith", phones=(SWITCHBOARD,))
    suppress.suppress(scope="person", lead=lead, by=ada, now=now)
    register.edit_lead(lead, {"phones": []}, by=ada, now=now)
    second = a_lead(owner=ada, first_name="Jo", last_name="Smith", phones=(SWITCHBOARD,))
    assert codes(second, now) == ("internal_dnc",)


def test_a_rep_does_not_rename_a_person_on_the_list(
    a_lead: ALead, ada: User, max_: User, now: datetime
) -> None:
    lead = a_lead(owner=ada, first_name="Jo", last_name="Smith", phones=(SWITCHBOARD,))
    suppress.suppress(scope="person", lead=lead, by=ada, now=now)
    for changes in ({"last_name": "Somebody"}, {"first_name": "", "last_name": ""}):
        with pytest.raises(LeadRefused):
            register.edit_lead(lead, changes, by=ada, now=now)
    register.edit_lead(lead, {"first_name": "JO", "city": "Albany"}, by=ada, now=now)
    register.edit_lead(lead, {"last_name": "Smith-Lee"}, by=max_, now=now)


def test_merging_a_person_on_the_list_away_keeps_their_name_on_it(
    a_lead: ALead, ada: User, now: datetime
) -> None:
    goes = a_lead(owner=ada, first_name="Jo", last_name="Smith", phones=(SWITCHBOARD,))
    suppress.suppress(scope="person", lead=goes, by=ada, now=now)
    stays = a_lead(owner=ada, first_name="Another", last_name="Name", phones=(SWITCHBOARD,))
    merge.merge(stays, goes, by=ada, now=now)
    again = a_lead(owner=ada, first_name="Jo", last_name="Smith", phones=(SWITCHBOARD,))
    assert (codes(stays, now), codes(again, now)) == (("internal_dnc",), ("internal_dnc",))


# --- by amending, undoing, reporting ------------------------------------------------------------------------------


def test_amending_a_wish_away_leaves_it_on_the_list(
    a_lead: ALead, ada: User, max_: User, now: datetime
) -> None:
    lead = a_lead(owner=ada)
    Consent.objects.create(
        lead=lead, kind="consent", starts_at=now - HOUR, recorded_at=now - HOUR, evidence="form"
    )
    pursue.start([lead], by=ada, now=now - HOUR)
    call = calls.dial(lead, user=ada, now=now)
    outcomes.log_outcome(call, outcomes.Logged("do_not_call"), user=ada, now=now + MINUTE)
    take_back.amend(call, outcomes.Logged("no_answer"), user=ada, now=now + HOUR)
    take_back.amend(call, outcomes.Logged("not_interested"), user=max_, now=now + 2 * HOUR)
    assert Suppression.objects.active().count() == 2
    assert "internal_dnc" in codes(lead, now + timedelta(days=1))
    assert Consent.objects.get().revoked_at is not None
    assert not FollowUp.objects.open().exists()
    assert not Pursuit.objects.open().exists()


def test_a_slip_of_the_key_is_undone_whole(a_lead: ALead, ada: User, now: datetime) -> None:
    lead = a_lead(owner=ada)
    call = calls.dial(lead, user=ada, now=now)
    outcomes.log_outcome(call, outcomes.Logged("do_not_call"), user=ada, now=now + MINUTE)
    take_back.undo(call, user=ada, now=now + MINUTE + timedelta(seconds=8))
    assert not Suppression.objects.active().exists()


def test_an_undone_outcome_leaves_the_dial_to_the_caps(a_lead: ALead, ada: User, now: datetime) -> None:
    lead = a_lead(owner=ada)
    call = calls.dial(lead, user=ada, now=now)
    outcomes.log_outcome(call, outcomes.Logged("busy"), user=ada, now=now + MINUTE)
    take_back.undo(call, user=ada, now=now + MINUTE)
    assert Dial.objects.filter(number__e164=lead.lead_numbers.get().number.e164).count() == 1
    outcomes.log_outcome(call, outcomes.Logged("no_answer"), user=ada, now=now + MINUTE)
    assert codes(lead, now + HOUR) == ("min_gap",)


def test_calls_reported_by_lead_alone_count_for_its_only_number(
    a_lead: ALead, ada: User, now: datetime
) -> None:
    lead = a_lead(owner=ada)
    for hour in (5, 4, 3):
        past = reported.PastCall("pbx", f"c{hour}", now - timedelta(hours=hour), 5, Direction.OUTBOUND)
        reported.keep(past, lead=lead, number=None, user=ada, now=now)
    number = Number.objects.get(links__lead=lead)
    assert Dial.objects.filter(number=number).count() == 3
    assert "frequency_cap" in codes(lead, now)
    # Whoever else has that number is not called either.
    other = a_lead(owner=ada, phones=(number.e164,))
    assert codes(other, now) == ("frequency_cap",)


def test_another_lead_of_the_number_does_not_reset_its_caps(a_lead: ALead, ada: User, now: datetime) -> None:
    for turn in range(3):
        lead = a_lead(owner=ada, phones=(SWITCHBOARD,))
        call = calls.dial(lead, user=ada, now=now + turn * 2 * HOUR)
        outcomes.log_outcome(call, outcomes.Logged("no_answer"), user=ada, now=now + turn * 2 * HOUR)
    with pytest.raises(refusals.GuardBlocked) as refused:
        calls.dial(a_lead(owner=ada, phones=(SWITCHBOARD,)), user=ada, now=now + 6 * HOUR - MINUTE * 30)
    assert refused.value.verdict is not None
    assert "frequency_cap" in refused.value.verdict.codes


def test_taking_a_number_off_and_on_again_forgets_no_dial(a_lead: ALead, ada: User, now: datetime) -> None:
    lead = a_lead(owner=ada)
    call = calls.dial(lead, user=ada, now=now)
    outcomes.log_outcome(call, outcomes.Logged("no_answer"), user=ada, now=now)
    e164 = lead.lead_numbers.get().number.e164
    register.edit_lead(lead, {"phones": []}, by=ada, now=now)
    register.edit_lead(lead, {"phones": [PhoneInput(f"{e164};ext=5")]}, by=ada, now=now)
    assert codes(lead, now + MINUTE) == ("min_gap",)


def test_a_number_that_is_dead_stays_so_under_another_lead(a_lead: ALead, ada: User, now: datetime) -> None:
    lead = a_lead(owner=ada)
    call = calls.dial(lead, user=ada, now=now)
    outcomes.log_outcome(call, outcomes.Logged("disconnected"), user=ada, now=now)
    e164 = LeadNumber.objects.get(lead=lead).number.e164
    assert "number_invalid" in codes(a_lead(owner=ada, phones=(e164,)), now)
    assert numbers.parse(e164, None).e164 == e164
    assert identity.match([identity.Identity(phone=e164)])[0] is not None


# --- toll-free ------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("no_lists")
def test_a_toll_free_number_needs_no_area_that_never_exists(a_lead: ALead, ada: User, now: datetime) -> None:
    lead = a_lead(owner=ada, country="US", region="NY", audience="consumer", phones=("+18005550199",))
    assert codes(lead, now) == ()
    ordinary = a_lead(owner=ada, country="US", region="NY", audience="consumer")
    assert codes(ordinary, now) == ("registry_area_not_loaded",)


# --- the kind of line ---------------------------------------------------------------------------------------------


def test_only_a_manager_says_that_a_registered_number_is_no_mobile(
    a_lead: ALead, ada: User, max_: User, now: datetime, tmp_path: Path
) -> None:
    lead = a_lead(owner=ada, company="Acme", phones=(OWN,))
    load_list(tmp_path, "us-ftc", "212,5550123\n212,5550124\n", on=now.date(), now=now)
    number = lead.lead_numbers.get().number
    assert decision(lead, now) == "warn"
    with pytest.raises(refusals.NotYours):
        their_line.say(number, "fixed", lead=lead, by=ada, now=now)
    their_line.say(number, "mobile", lead=lead, by=ada, now=now)
    assert decision(lead, now) == "warn"
    said = their_line.say(number, "fixed", lead=lead, by=max_, now=now)
    assert (said.line_type_source, said.line_type_on) == ("said by a user", now.date())
    assert decision(lead, now) == "allow"
    events = AuditEvent.objects.filter(action="number.line_type").order_by("pk")
    assert [(event.actor, event.after["line_type"], event.subject_id) for event in events] == [
        (ada, "mobile", OWN),
        (max_, "fixed", OWN),
    ]


def test_the_kind_of_line_is_said_on_the_leads_page(a_lead: ALead, client: Client, ada: User) -> None:
    lead = a_lead(owner=ada)
    link = lead.lead_numbers.get()
    client.force_login(ada)
    url = f"/leads/{lead.pk}/numbers/{link.pk}/line/"
    assert f'action="{url}"' in client.get(f"/leads/{lead.pk}/").content.decode()
    assert client.post(url, {"line_type": "mobile"}).status_code == 302
    assert Number.objects.get(pk=link.number_id).line_type == "mobile"
    assert client.post(url, {"line_type": "fixed"}).status_code == 422
    assert client.post(url, {"line_type": "satellite"}).status_code == 422
    assert Number.objects.get(pk=link.number_id).line_type == "mobile"
