"""Steps that are no calls: an introduction before the first call, a visit. Do they wait, speak, count and go on?"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from django.test import Client

from leads.models import Lead
from tests.touchpoints.leads_cast import make_lead
from touchpoints import cadences, prepared, pursue, queue, refusals, steps
from touchpoints.cadences import Step
from touchpoints.models import Cadence, FollowUp, Pursuit, Touchpoint

if TYPE_CHECKING:
    from crm.accounts.models import User

# A Tuesday, 9:00 in Copenhagen.
NOW = datetime(2026, 3, 3, 8, 0, tzinfo=UTC)
TEXT = "Subject: Fish for {company}\nHello {first_name},\n\nmay I call you? {sender}, {firm}"


def following(lead: Lead, by: User, *plan: Step) -> Pursuit:
    old = Cadence.objects.get(is_default=True, active=True, temperature="cold", audience="business")
    cadences.change(old, replace(cadences.wanted_of(old), steps=plan), by=by, now=NOW)
    (pursuit,) = pursue.start([lead], by=by, now=NOW)
    return pursuit


@pytest.fixture
def lead(ada: User) -> Lead:
    return make_lead("Anna", owner=ada, phone="+45 32 12 34 56", email="anna@fisk.example")


def test_an_introduction_is_served_with_its_text_and_then_comes_the_first_call(lead: Lead, ada: User) -> None:
    pursuit = following(lead, ada, Step(0, "mail", "sprint", TEXT), Step(1, "call", "sprint"), Step(2))
    row = queue.next_lead(ada, now=NOW)
    assert row is not None
    assert (row.channel, row.attempt, row.lead) == ("mail", 1, lead)
    shown = steps.prepare(row, user=ada, now=NOW)
    assert shown.message.subject == "Fish for Nordisk Fisk"
    assert shown.message.body.startswith("Hello Anna,")
    assert shown.link.startswith("mailto:anna@fisk.example?subject=Fish%20for%20Nordisk%20Fisk&body=Hello")
    touchpoint = steps.done(row, note="sent with the leaflet", user=ada, now=NOW)
    assert touchpoint is not None
    assert (touchpoint.kind_id, touchpoint.direction, touchpoint.by_user) == ("email_sent", "outbound", ada)
    pursuit.refresh_from_db()
    call = FollowUp.objects.open().get()
    # A message takes a place in the plan and no number.
    assert (pursuit.step, pursuit.attempt, call.step, call.attempt, call.channel) == (2, 1, 2, 1, "call")
    assert call.due_at.date() == NOW.date() + timedelta(days=1)


def test_a_step_is_done_once_and_a_call_is_no_step(lead: Lead, ada: User) -> None:
    following(lead, ada, Step(0, "mail", "sprint", TEXT), Step(1))
    row = FollowUp.objects.open().get()
    steps.done(row, user=ada, now=NOW)
    with pytest.raises(refusals.Invalid, match="faster"):
        steps.done(row, user=ada, now=NOW)
    with pytest.raises(refusals.Invalid, match="dial"):
        steps.done(FollowUp.objects.open().get(), user=ada, now=NOW)
    assert Touchpoint.objects.count() == 1


@pytest.mark.parametrize(
    "outcome, kind, stage, goes_on",
    [
        ("nobody_met", "visit", "new", True),
        ("met", "conversation", "conversation", True),
        ("refused", "conversation", "new", False),
    ],
)
def test_a_visit_has_outcomes_of_its_own(
    outcome: steps.VisitOutcome, kind: str, stage: str, goes_on: bool, lead: Lead, ada: User
) -> None:
    pursuit = following(lead, ada, Step(0, "visit"), Step(1), Step(1))
    assert queue.next_lead(ada, now=NOW) is None  # a visit is on the day's list, not between two calls
    touchpoint = steps.done(FollowUp.objects.open().get(), outcome=outcome, user=ada, now=NOW)
    assert touchpoint is not None
    assert touchpoint.kind_id == kind
    lead.refresh_from_db()
    pursuit.refresh_from_db()
    assert lead.stage == stage
    assert FollowUp.objects.open().exists() is goes_on
    assert (pursuit.end_reason, lead.cooled_at is not None) == (
        ("", False) if goes_on else ("not_interested", True)
    )


def test_visits_come_in_the_order_of_their_postcodes(ada: User, bea: User) -> None:
    far = make_lead("Far", owner=ada, phone="+45 32 12 34 57", postcode="9000")
    near = make_lead("Near", owner=ada, phone="+45 32 12 34 58", postcode="1050")
    following(far, ada, Step(0, "visit"), Step(1))
    pursue.start([near], by=ada, now=NOW)
    FollowUp.objects.update(due_at=NOW - timedelta(days=1))
    client = Client()
    client.force_login(ada)
    assert [row.lead.first_name for row in client.get("/visits/").context["visits"]] == ["Near", "Far"]
    client.force_login(bea)
    assert list(client.get("/visits/").context["visits"]) == []


# --- prepared texts ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text, facts, said",
    [
        pytest.param("Hello {first_name}, ", {"first_name": "Ann"}, "Hello Ann,", id="a name"),
        pytest.param("Hello {first_name}, hi", {}, "Hello, hi", id="nobody's name leaves no gap"),
        pytest.param("Dear {first_name} {last_name}!", {"last_name": "Lee"}, "Dear Lee!", id="half a name"),
    ],
)
def test_what_is_not_known_leaves_nothing_behind(text: str, facts: dict[str, str], said: str) -> None:
    assert prepared.filled(text, facts).body == said


def test_a_text_that_asks_for_what_nobody_knows_is_refused(max_: User) -> None:
    old = Cadence.objects.get(key="cold-18", active=True)
    plan = (Step(0, "mail", text="Hello {nickname}"), Step(1))
    with pytest.raises(refusals.Invalid, match="nickname"):
        cadences.change(old, replace(cadences.wanted_of(old), steps=plan), by=max_, now=NOW)
