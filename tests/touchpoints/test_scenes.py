"""What happens on the phone, told as it happens: does Thaw do what a rep expects of it?

Each scene is played through the pages and the API, with a clock that is moved by hand. It is noon in New York, on a
Wednesday, unless it says otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from crm.accounts.models import Absence, Team, User
from leads.models import Consent, Lead, Number, Suppression
from touchpoints import engine, pursue
from touchpoints.models import (
    CallAttempt,
    Dial,
    FollowUp,
    HandRaise,
    Meeting,
    Promise,
    Pursuit,
    Task,
    Touchpoint,
)

from .stage_hands import Clock, Desk, clock, due, new_york, planned

pytestmark = pytest.mark.django_db
ALead = Callable[..., Lead]
FIRST, SECOND, THIRD = "+12125550190", "+12125550191", "+12125550192"


@pytest.fixture
def it() -> Iterator[Clock]:
    with clock("Wed 4 Mar 12:00") as moved:
        yield moved


@pytest.fixture
def jo(it: Clock, a_lead: ALead, ada: User) -> Lead:
    """Ada's, at Acme, with two numbers and a first attempt that is due."""
    lead = a_lead(owner=ada, first_name="Jo", last_name="Jones", company="Acme", phones=(FIRST, SECOND))
    pursue.start([lead], by=ada, now=new_york("Tue 3 Mar 12:00"))
    return lead


@pytest.fixture
def desk(ada: User) -> Desk:
    return Desk(ada)


def other_lead(a_lead: ALead, owner: User, **fields: Any) -> Lead:
    """Somebody else whose first attempt is due."""
    lead = a_lead(owner=owner, **fields)
    pursue.start([lead], by=owner, now=new_york("Tue 3 Mar 12:00"))
    return lead


# --- one call --------------------------------------------------------------------------------------------------------


def test_the_line_drops_and_ada_dials_again(it: Clock, jo: Lead, desk: Desk) -> None:
    first = desk.dial(jo)
    it.is_("Wed 4 Mar 12:03")
    again = desk.dial(jo, redial="on")
    assert again == first
    assert (CallAttempt.objects.count(), Dial.objects.count(), first.attempt) == (1, 2, 1)
    it.is_("Wed 4 Mar 12:04")
    call = desk.say("info_requested", notes="was cut off, wants the study")
    assert (call.pk, Pursuit.objects.get().reached_at_attempt) == (first.pk, 1)


def test_after_five_minutes_it_is_no_redial_any_more(it: Clock, jo: Lead, desk: Desk) -> None:
    desk.dial(jo)
    it.is_("Wed 4 Mar 12:06")
    desk.dial(jo, redial="on", status=422)
    assert "still open" in desk.refused.detail
    assert Dial.objects.count() == 1


def test_the_line_that_drops_for_the_third_time_is_left_for_tomorrow(it: Clock, jo: Lead, desk: Desk) -> None:
    desk.dial(jo)
    for minute in (1, 2):
        it.is_(f"Wed 4 Mar 12:0{minute}")
        desk.dial(jo, redial="on")
    it.is_("Wed 4 Mar 12:03")
    desk.dial(jo, redial="on", status=422)
    assert desk.refused.verdict.codes == ("frequency_cap",)
    assert desk.refused.verdict.next_allowed_at == new_york("Thu 5 Mar 12:00")


def test_nobody_at_the_desk_so_ada_tries_the_mobile(it: Clock, jo: Lead, desk: Desk) -> None:
    """Another number of the same lead is an attempt of its own and needs no gap; the house allows two a day."""
    desk.dial(jo, number=FIRST)
    desk.say("no_answer")
    it.is_("Wed 4 Mar 12:01")
    shown = desk.screen(jo)
    assert [(one.text, one.allowed) for one in shown["numbers"]] == [
        ("+1 212-555-0191", True),
        ("+1 212-555-0190", False),
    ]
    call = desk.dial(jo, number=SECOND)
    assert call.attempt == 2
    desk.say("no_answer")
    assert (planned(jo).attempt, due(jo)[:9]) == (3, "Fri 6 Mar")
    it.is_("Wed 4 Mar 16:00")
    desk.dial(jo, number=FIRST, status=422)
    assert desk.refused.verdict.codes == ("house_cap",)


def test_a_stranger_answers(it: Clock, jo: Lead, desk: Desk) -> None:
    """The number goes from this person alone; the next one is due at once, and without one somebody has to find it."""
    desk.dial(jo, number=FIRST)
    desk.say("wrong_number")
    assert list(jo.lead_numbers.current().values_list("number__e164", flat=True)) == [SECOND]
    assert (planned(jo).attempt, planned(jo).due_at) == (2, new_york("Wed 4 Mar 12:00"))
    assert desk.screen()["lead"] == jo
    desk.ring(jo, "wrong_number")
    assert not FollowUp.objects.open().exists()
    task = Task.objects.get(done_at=None)
    assert (task.kind, task.lead, task.assignee) == ("find_number", jo, desk.user)
    assert Pursuit.objects.open().exists()
    # The number is found, and the pursuit goes on with the attempt it stands at.
    desk.post("lead_number_add", jo.pk, phone=THIRD)
    at = it.is_("Wed 4 Mar 12:30")
    if Task.objects.filter(done_at=None).exists():
        desk.post("lead_task_done", task.pk)
    pursue.resume_stalled(now=at)
    assert (planned(jo).attempt, due(jo)[:9]) == (3, "Fri 6 Mar")


# --- they ring us -----------------------------------------------------------------------------------------------------


def test_jo_rings_back(it: Clock, jo: Lead, desk: Desk) -> None:
    """Slash, the number on the display, and they are on the line; no dial, no cap, and what comes next is placed."""
    desk.ring(jo, "voicemail_left")
    it.is_("Wed 4 Mar 12:40")
    found = desk.get("lookup", q="(212) 555-0190").content.decode()
    number = jo.lead_numbers.get(number__e164=FIRST).number_id
    assert f"/lookup/{jo.pk}/inbound/?number={number}" in found
    answer = desk.client.post(
        reverse("lookup_inbound", args=[jo.pk]),
        {
            "number": number,
            "outcome": "callback_requested",
            "callback_at": "2026-03-06T15:00",
            "notes": "busy",
        },
    )
    assert answer.status_code == 302
    engine.evaluate_waiting(now=new_york("Wed 4 Mar 12:41"))
    jo.refresh_from_db()
    call, pursuit = jo.calls.first(), Pursuit.objects.get()
    assert (call.direction, call.attempt, call.number.e164) == ("inbound", None, FIRST)
    assert (Dial.objects.count(), jo.is_warm(now=call.started_at)) == (1, True)
    assert set(jo.touchpoints.values_list("kind_id", flat=True)) == {
        "voicemail_left",
        "inbound_call",
        "conversation",
    }
    assert (pursuit.reached_at_attempt, pursuit.attempt) == (2, 2)
    assert (planned(jo).agreed_at, planned(jo).rank) == (new_york("Fri 6 Mar 15:00"), FollowUp.Rank.CALLBACK)
    assert not HandRaise.objects.exists()


def test_jo_rings_while_nobody_is_there(it: Clock, jo: Lead, desk: Desk, api_key: Any) -> None:
    """The phone system reports a call that nobody took: a hand-raise at the head of the queue, past the caps."""
    desk.ring(jo, "no_answer")
    it.is_("Wed 4 Mar 12:30")
    answer = Client().post(
        "/api/v1/calls/",
        {
            "source": "pbx",
            "external_id": "77",
            "number": FIRST,
            "direction": "inbound",
            "started_at": "2026-03-04T12:29:30-05:00",
            "duration_seconds": 0,
        },
        content_type="application/json",
        headers={"Authorization": f"Bearer {api_key(desk.user)}"},
    )
    assert answer.status_code == 201, answer.content
    it.is_("Wed 4 Mar 12:31")
    assert planned(jo).rank == FollowUp.Rank.HAND_RAISE
    assert desk.screen()["lead"] == jo
    assert desk.dial(jo, number=FIRST).attempt == 2


# --- what was agreed --------------------------------------------------------------------------------------------------


def test_call_me_in_twenty_minutes(it: Clock, jo: Lead, desk: Desk, bea: User, a_lead: ALead) -> None:
    other = other_lead(a_lead, desk.user, company="Bolt")
    desk.dial(jo)
    desk.say("callback_requested", callback_at="2026-03-04T12:20", notes="in a meeting until then")
    # Not a quarter of an hour early: it was said for then.
    assert due(jo) == "Wed 4 Mar 12:15"
    it.is_("Wed 4 Mar 12:05")
    assert desk.screen()["lead"] == other
    desk.post("call_skip", follow_up=planned(other).pk, reason="later")
    # Five minutes before it a toast says so, and nobody new is served.
    third = other_lead(a_lead, desk.user, company="Cog")
    it.is_("Wed 4 Mar 12:15")
    assert "Jo Jones" in desk.get("call_alerts").content.decode()
    assert desk.screen()["lead"] == jo
    assert planned(third).lease_by is None
    # Their own wish lifts the house's two hours; the note of the first call is before her.
    it.is_("Wed 4 Mar 12:20")
    shown = desk.screen()
    assert (shown["lead"], shown["promise"].due_at) == (jo, new_york("Wed 4 Mar 12:20"))
    assert any("until then" in row["note"] for row in shown["timeline"])
    desk.dial(jo, number=FIRST)
    desk.say("info_requested", promise_text="the study", promise_on="2026-03-06")
    kept = Promise.objects.get(due_at=new_york("Wed 4 Mar 12:20"))
    assert (kept.kept_at, kept.broken_at) == (new_york("Wed 4 Mar 12:20"), None)
    assert due(jo)[:9] == "Fri 6 Mar"


def test_ada_is_held_up_and_bea_makes_the_call_she_promised(
    it: Clock, jo: Lead, desk: Desk, bea: User
) -> None:
    desk.ring(jo, "callback_requested", callback_at="2026-03-04T14:00", notes="likes blue")
    hers = Desk(bea)
    it.is_("Wed 4 Mar 14:05")
    assert hers.screen().get("lead") is None
    it.is_("Wed 4 Mar 14:10")
    shown = hers.screen()
    assert (shown["lead"], shown["has_page"]) == (jo, False)
    assert any("likes blue" in row["note"] for row in shown["timeline"])
    hers.ring(jo, "info_requested")
    jo.refresh_from_db()
    assert (jo.owner, planned(jo).assignee) == (desk.user, desk.user)
    assert Promise.objects.exclude(kept_at=None).exists()


def test_nobody_makes_the_promised_call(it: Clock, jo: Lead, desk: Desk) -> None:
    """It heads the queue all day; only then it moves to the next permitted day, counted as a broken promise."""
    desk.ring(jo, "callback_requested", callback_at="2026-03-04T14:00")
    it.is_("Wed 4 Mar 17:30")
    assert desk.screen()["lead"] == jo
    assert not Promise.objects.exclude(broken_at=None).exists()
    desk.post("call_skip", follow_up=planned(jo).pk, reason="ill")
    it.is_("Thu 5 Mar 00:01")
    assert Promise.objects.get().broken_at == new_york("Thu 5 Mar 00:01")
    assert (due(jo), planned(jo).rank) == ("Thu 5 Mar 08:00", FollowUp.Rank.PROMISE)
    assert "callback missed" in planned(jo).reason


def test_who_left_us_has_promised_calls_that_others_make(
    it: Clock, jo: Lead, desk: Desk, bea: User, max_: User
) -> None:
    desk.ring(jo, "callback_requested", callback_at="2026-03-05T14:00")
    User.objects.filter(pk=desk.user.pk).update(is_active=False)
    it.is_("Thu 5 Mar 14:00")
    assert Desk(bea).screen()["lead"] == jo
    jo.refresh_from_db()
    assert (jo.owner, planned(jo).assignee) == (desk.user, desk.user)


def test_who_is_away_has_a_cover(it: Clock, jo: Lead, desk: Desk, bea: User) -> None:
    desk.ring(jo, "callback_requested", callback_at="2026-03-05T14:00")
    Absence.objects.create(user=desk.user, starts_on="2026-03-05", ends_on="2026-03-05", cover=bea)
    it.is_("Thu 5 Mar 14:00")
    assert Desk(bea).screen()["lead"] == jo


# --- hands raised -----------------------------------------------------------------------------------------------------


def report(key: str, **touchpoint: Any) -> Any:
    answer = Client().post(
        "/api/v1/touchpoints/",
        {"source": "site", **touchpoint},
        content_type="application/json",
        headers={"Authorization": f"Bearer {key}"},
    )
    assert answer.status_code in (200, 201), answer.content
    return answer.json()


def test_a_hand_raised_at_night_is_called_when_the_day_opens(
    it: Clock, jo: Lead, desk: Desk, a_lead: ALead, api_key: Any
) -> None:
    """Unanswered it is tried again within the hour, three times that morning."""
    other = other_lead(a_lead, desk.user, company="Bolt")
    it.is_("Wed 4 Mar 23:30")
    report(
        api_key(desk.user),
        kind="web_form",
        occurred_at="2026-03-04T23:29:00-05:00",
        external_id="f1",
        lead={"phone": FIRST},
        summary="please call me",
    )
    it.is_("Wed 4 Mar 23:31")
    assert (due(jo), planned(jo).rank) == ("Thu 5 Mar 08:00", FollowUp.Rank.HAND_RAISE)
    desk.dial(jo, status=422)
    it.is_("Thu 5 Mar 08:00")
    shown = desk.screen()
    assert shown["lead"] == jo
    assert other.pk != jo.pk
    desk.dial(jo)
    raised = HandRaise.objects.get()
    assert (raised.raised_at, raised.first_attempt_at) == (
        new_york("Wed 4 Mar 23:29"),
        new_york("Thu 5 Mar 08:00"),
    )
    desk.say("no_answer")
    assert due(jo) == "Thu 5 Mar 08:30"
    it.is_("Thu 5 Mar 08:30")
    assert desk.screen()["lead"] == jo
    desk.ring(jo, "no_answer")
    assert due(jo) == "Thu 5 Mar 09:00"
    it.is_("Thu 5 Mar 09:00")
    desk.ring(jo, "no_answer")
    # Three were enough for a day: the plan takes over.
    assert planned(jo).rank == FollowUp.Rank.WARM
    assert planned(jo).due_at > new_york("Thu 5 Mar 18:00")


# --- people and their numbers ----------------------------------------------------------------------------------------


@pytest.fixture
def couple(it: Clock, a_lead: ALead, ada: User) -> tuple[Lead, Lead]:
    """Ann and Bo Lee, who decide together and share a telephone at home."""
    both = tuple(
        a_lead(owner=ada, first_name=name, last_name="Lee", country="US", region="NY", phones=(FIRST,))
        for name in ("Ann", "Bo")
    )
    pursue.start(both, by=ada, now=new_york("Tue 3 Mar 12:00"))
    return both  # type: ignore[return-value]


def test_a_couple_at_one_telephone(it: Clock, couple: tuple[Lead, Lead], desk: Desk) -> None:
    """Each has a pursuit and promises of their own; the telephone rings for both, and its caps are of both."""
    ann, bo = couple
    desk.ring(ann, "callback_requested", callback_at="2026-03-05T17:00", notes="decides with Bo")
    assert Pursuit.objects.get(lead=bo).reached_at is None
    it.is_("Wed 4 Mar 12:10")
    desk.dial(bo, status=422)
    assert desk.refused.verdict.codes == ("min_gap",)
    hits = desk.get("lookup", q="212 555 0190").content.decode()
    assert "Ann Lee" in hits
    assert "Bo Lee" in hits
    it.is_("Wed 4 Mar 14:01")
    assert desk.dial(bo).attempt == 1
    # Whoever answers for both is asked about, and only Bo said so.
    shown = desk.screen()
    asked = {one["key"]: one["asks"] for one in shown["outcome_buttons"]}
    assert asked["do_not_call"] == "scope"
    desk.say("do_not_call", scope="person")
    assert Pursuit.objects.get(lead=bo).end_reason == "do_not_call"
    assert planned(ann).agreed_at == new_york("Thu 5 Mar 17:00")
    it.is_("Thu 5 Mar 17:00")
    assert desk.screen()["lead"] == ann
    desk.dial(ann)
    desk.say("do_not_call", scope="number")
    assert Suppression.objects.filter(scope="number", e164=FIRST).exists()
    assert not FollowUp.objects.open().exists()


def test_a_stranger_at_the_telephone_of_a_couple(it: Clock, couple: tuple[Lead, Lead], desk: Desk) -> None:
    """A wrong number is so for one of them; a dead line is so for both."""
    ann, bo = couple
    desk.ring(ann, "wrong_number")
    assert (ann.lead_numbers.current().count(), bo.lead_numbers.current().count()) == (0, 1)
    it.is_("Wed 4 Mar 14:01")
    desk.ring(bo, "disconnected")
    assert Number.objects.get(e164=FIRST).status == "invalid"
    assert set(Task.objects.values_list("lead", "kind")) == {(ann.pk, "find_number"), (bo.pk, "find_number")}


def test_the_switchboard_tells_whom_to_ask_for(it: Clock, a_lead: ALead, desk: Desk, max_: User) -> None:
    """A lead may be a company and a role until somebody learns the name, and the direct line with it."""
    role = {"first_name": "", "last_name": "", "company": "Acme", "job_title": "Head of purchasing"}
    lead = other_lead(a_lead, desk.user, **role, phones=(FIRST,))
    other = a_lead(owner=desk.user, first_name="Kim", last_name="Lund", company="Acme", phones=(FIRST,))
    assert desk.screen()["lead"] == lead
    desk.dial(lead)
    shown = desk.screen()
    assert [one.shared for one in shown["numbers"]] == [True]
    assert {one["key"]: one["asks"] for one in shown["outcome_buttons"]}["gatekeeper"] == "referred"
    call = desk.say(
        "gatekeeper",
        referred_first_name="Mia",
        referred_last_name="Berg",
        referred_phone="+12125550123",
        notes="ask for extension 12",
    )
    lead.refresh_from_db()
    assert (lead.person, lead.stage, call.attempt) == ("Mia Berg", "attempted", 1)
    assert lead.audit_events.filter(action="lead.learned").count() == 1
    assert {link.number.e164 for link in lead.lead_numbers.current()} == {FIRST, "+12125550123"}
    assert other.lead_numbers.current().count() == 1
    # Early or late in the next two days, when she answers in person.
    assert (planned(lead).attempt, planned(lead).day_part in ("early", "late_afternoon")) == (2, True)
    assert due(lead)[:9] in ("Thu 5 Mar", "Fri 6 Mar")
    # It was the wrong Mia after all.
    Desk(max_).post("call_amend", call.pk, outcome="no_answer")
    lead.refresh_from_db()
    assert (lead.person, [link.number.e164 for link in lead.lead_numbers.current()]) == ("", [FIRST])


def test_jo_sends_us_to_somebody_else(it: Clock, jo: Lead, desk: Desk) -> None:
    desk.dial(jo)
    desk.say(
        "referred_on",
        referred_first_name="Kim",
        referred_last_name="Lund",
        referred_phone="+12125550177",
        notes="Kim decides about this",
    )
    assert Pursuit.objects.get(lead=jo).end_reason == "referred_on"
    it.is_("Wed 4 Mar 12:01")
    kim = Lead.objects.get(last_name="Lund")
    assert (kim.owner, kim.company, kim.is_warm(now=new_york("Wed 4 Mar 12:01"))) == (
        desk.user,
        jo.company,
        True,
    )
    touchpoint = kim.touchpoints.get()
    assert (touchpoint.kind_id, touchpoint.referred_by) == ("referral", "Jo Jones")
    assert planned(kim).reason.startswith("attempt 1 of 18")
    shown = desk.screen()
    assert shown["lead"] == kim
    assert "Jo Jones" in shown["reasons"].line


def test_jo_does_not_work_there_any_more(it: Clock, jo: Lead, desk: Desk, api_key: Any) -> None:
    report(
        api_key(desk.user),
        kind="event",
        occurred_at="2026-03-01T12:00:00-05:00",
        external_id="fair",
        lead={"phone": FIRST},
    )
    it.is_("Wed 4 Mar 12:01")
    company = jo.company
    desk.ring(jo, "left_company", notes="left in January")
    jo.refresh_from_db()
    assert (jo.company, jo.lead_numbers.current().count()) == (None, 0)
    assert jo.is_warm(now=new_york("Wed 4 Mar 12:02"))
    assert (Pursuit.objects.get().end_reason, jo.stage) == ("left_company", "attempted")
    assert not FollowUp.objects.open().exists()
    assert company is not None
    assert type(company).objects.filter(pk=company.pk).exists()


# --- no means no ------------------------------------------------------------------------------------------------------


def test_stop_calling_me(it: Clock, jo: Lead, desk: Desk, bea: User, max_: User) -> None:
    Consent.objects.create(
        lead=jo,
        kind="consent",
        starts_at=new_york("Sun 1 Mar 12:00"),
        recorded_at=new_york("Sun 1 Mar 12:00"),
        evidence="form",
    )
    desk.dial(jo)
    desk.say("do_not_call", notes="never again")
    jo.refresh_from_db()
    assert set(Suppression.objects.active().values_list("scope", flat=True)) == {"person", "number"}
    assert (Pursuit.objects.get().end_reason, FollowUp.objects.open().count()) == ("do_not_call", 0)
    assert Consent.objects.get().revoked_at is not None
    assert not jo.is_warm(now=new_york("Wed 4 Mar 12:00"))
    for who in (desk, Desk(max_)):
        who.dial(jo, status=422)
        assert "suppressed" in " ".join(who.refused.verdict.codes) or who.refused.code == "guard_blocked"
    # Nothing of what follows calls them: not half a year, not a mailing they open, not a new start.
    it.is_("Fri 25 Sep 12:00")
    pursue.start([jo], by=desk.user, now=new_york("Fri 25 Sep 12:00"))
    assert not Pursuit.objects.open().exists()


def test_a_text_that_says_stop_while_ada_is_on_the_phone(
    it: Clock, jo: Lead, desk: Desk, api_key: Any
) -> None:
    desk.dial(jo)
    it.is_("Wed 4 Mar 12:01")
    report(
        api_key(desk.user),
        kind="text_reply",
        occurred_at="2026-03-04T12:01:00-05:00",
        external_id="sms1",
        lead={"phone": FIRST},
        summary="STOP",
    )
    answer = desk.post("call_renew", status=204)
    assert "do-not-call" in answer.headers["HX-Trigger"]
    desk.dial(jo, redial="on", status=422)
    call = desk.say("hung_up")
    assert call.outcome_id == "hung_up"
    assert not FollowUp.objects.open().exists()
    assert Task.objects.filter(kind="decide_wish", done_at=None).count() == 1


# --- meetings ---------------------------------------------------------------------------------------------------------


def booked(desk: Desk, jo: Lead, **more: Any) -> Meeting:
    desk.dial(jo)
    desk.say("meeting_booked", meeting_at="2026-03-05T10:00", meeting_minutes="30", **more)
    jo.refresh_from_db()
    assert (jo.stage, Pursuit.objects.get().end_reason) == ("meeting", "meeting")
    return Meeting.objects.get()


def test_jo_does_not_come_and_may_merely_be_late(it: Clock, jo: Lead, desk: Desk) -> None:
    meeting = booked(desk, jo)
    it.is_("Thu 5 Mar 10:05")
    desk.post("meeting_missed", meeting.pk, again="soon")
    jo.refresh_from_db()
    assert (jo.stage, Pursuit.objects.get().end_reason, due(jo)) == ("conversation", "", "Thu 5 Mar 10:20")
    assert "did not come" in planned(jo).reason
    it.is_("Thu 5 Mar 10:20")
    assert desk.screen()["lead"] == jo
    call = desk.dial(jo)
    assert (call.pursuit, call.attempt) == (Pursuit.objects.get(), None)
    desk.say("meeting_booked", meeting_at="2026-03-06T10:00")
    assert list(Meeting.objects.order_by("pk").values_list("status", flat=True)) == ["no_show", "booked"]
    assert Pursuit.objects.get().end_reason == "meeting"


def test_jo_does_not_come_and_is_called_the_next_day(it: Clock, jo: Lead, desk: Desk) -> None:
    meeting = booked(desk, jo)
    it.is_("Thu 5 Mar 10:45")
    desk.post("meeting_missed", meeting.pk, again="next_day")
    assert due(jo)[:9] == "Fri 6 Mar"
    assert (planned(jo).assignee, Pursuit.objects.get().end_reason) == (desk.user, "")


def test_a_meeting_that_ada_books_for_bea(it: Clock, jo: Lead, desk: Desk, bea: User) -> None:
    """Bea sees it in her calendar, is asked how it went and may say so; the lead stays Ada's, who booked it."""
    meeting = booked(desk, jo, meeting_host="bea", meeting_title="Demo", notes="wants to see it work")
    assert (meeting.host, meeting.booked_by, jo.owner) == (bea, desk.user, desk.user)
    hers = Desk(bea)
    it.is_("Thu 5 Mar 09:56")
    assert "Jo Jones" in hers.get("call_alerts").content.decode()
    assert hers.get("meeting_file", meeting.pk).status_code == 200
    it.is_("Thu 5 Mar 10:35")
    toast = hers.get("call_alerts").content.decode()
    assert f"/meetings/{meeting.pk}/" in toast
    assert hers.get("lead", jo.pk).status_code == 404
    page = hers.get("meeting", meeting.pk).content.decode()
    assert "Jo Jones" in page
    assert "wants to see it work" in page
    answer = hers.post("meeting_move", meeting.pk, starts_at="2026-03-01T10:00")
    assert answer.headers["HX-Redirect"] == f"/meetings/{meeting.pk}/"
    assert "passed already" in hers.get("meeting", meeting.pk).content.decode()
    hers.post("meeting_held", meeting.pk)
    meeting.refresh_from_db()
    jo.refresh_from_db()
    touchpoint = Touchpoint.objects.get(kind="meeting_held")
    assert (meeting.status, jo.stage, jo.owner, touchpoint.by_user) == ("held", "held", desk.user, bea)


def test_nobody_can_book_for_whom_there_is_none(it: Clock, jo: Lead, desk: Desk, cy: User) -> None:
    desk.dial(jo)
    desk.say("meeting_booked", status=422, meeting_at="2026-03-05T10:00", meeting_host="cy")
    assert not Meeting.objects.exists()
    assert desk.call is not None


def test_the_pool_belongs_to_whoever_reaches_first(
    it: Clock, a_lead: ALead, north: Team, desk: Desk, bea: User
) -> None:
    lead = other_lead(a_lead, None, team=north, company="Acme")  # type: ignore[arg-type]
    desk.ring(lead, "no_answer")
    lead.refresh_from_db()
    assert lead.owner is None
    it.is_("Wed 4 Mar 14:30")
    Desk(bea).ring(lead, "info_requested")
    lead.refresh_from_db()
    assert (lead.owner, planned(lead).assignee) == (bea, bea)


def test_bea_takes_a_call_of_adas_lead(
    it: Clock, jo: Lead, desk: Desk, bea: User, max_: User, api_key: Any
) -> None:
    """The phone system reports it under its manager's key; Bea need not see the lead to have spoken with them."""
    User.objects.filter(pk=bea.pk).update(extension="22")
    answer = Client().post(
        "/api/v1/calls/",
        {
            "source": "pbx",
            "external_id": "78",
            "number": FIRST,
            "extension": "22",
            "direction": "inbound",
            "started_at": "2026-03-04T11:50:00-05:00",
            "duration_seconds": 95,
            "outcome": "info_requested",
        },
        content_type="application/json",
        headers={"Authorization": f"Bearer {api_key(max_)}"},
    )
    assert answer.status_code == 201, answer.content
    touchpoint = Touchpoint.objects.get(kind="inbound_call")
    assert (touchpoint.by_user, touchpoint.lead) == (bea, jo)
    jo.refresh_from_db()
    assert (jo.owner, jo.stage, planned(jo).assignee) == (desk.user, "conversation", desk.user)
