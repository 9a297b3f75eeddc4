"""An outcome is put right an hour, a day or three calls later: does everything follow that rested on it?"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from crm.accounts.models import Team, User
from leads.models import Lead, LeadNumber, Number
from touchpoints import assign, calls, meetings, outcomes, pursue, refusals, stage, take_back, unlogged
from touchpoints.models import (
    CallAttempt,
    FollowUp,
    Meeting,
    OutcomeChange,
    Promise,
    Pursuit,
    StageChange,
    Touchpoint,
)
from touchpoints.outcomes import Logged
from touchpoints.standing import Count, Facts, Said, carried, counted, left, number_of

ALead = Callable[..., Lead]
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def jo(a_lead: ALead, ada: User, now: datetime) -> Lead:
    """Ada's, at Acme, with two numbers and a pursuit whose first attempt is due."""
    lead = a_lead(owner=ada, company="Acme", email="jo@acme.example", phones=("+12125550190", "+12125550191"))
    pursue.start([lead], by=ada, now=now - DAY)
    return lead


def say(lead: Lead, user: User, outcome: str, *, now: datetime, **more: Any) -> CallAttempt:
    call = calls.dial(lead, user=user, now=now)
    return outcomes.log_outcome(call, Logged(outcome, **more), user=user, now=now + MINUTE)


def amend(call: CallAttempt, outcome: str, *, user: User, now: datetime, **more: Any) -> CallAttempt:
    return take_back.amend(call, Logged(outcome, **more), user=user, now=now)


def numbers(lead: Lead) -> list[int | None]:
    return list(lead.calls.order_by("started_at").values_list("attempt", flat=True))


def planned(lead: Lead) -> FollowUp | None:
    return FollowUp.objects.open().filter(lead=lead).first()


# --- how calls are counted ------------------------------------------------------------------------------------------

AT = datetime.fromisoformat("2026-03-04T17:00:00+00:00")


def told(outcome: str = "", *, hour: int = 0, over: bool = True, dialled: bool = True, **more: Any) -> Said:
    at = AT + hour * HOUR
    return Said(at, at + MINUTE if over else None, dialled, outcome, **more)


REACH: dict[str, Any] = {"reach": True, "talked": True}


@pytest.mark.parametrize(
    ("story", "expected", "count"),
    [
        ([told("no_answer"), told("busy", hour=1)], [1, 2], Count(3)),
        ([told("no_answer"), told(hour=1, over=False)], [1, 2], Count(2)),
        ([told("no_answer"), told(hour=1)], [1, 2], Count(3)),
        ([told("busy"), told("info_requested", hour=1, **REACH)], [1, 2], Count(2, AT + HOUR, 2)),
        (
            [told("not_now", **REACH), told("no_answer", hour=1), told("busy", hour=2)],
            [1, None, None],
            Count(1, AT, 1, 2),
        ),
        (
            [told("not_now", **REACH), told("no_answer", hour=1), told("gatekeeper", hour=2)],
            [1, None, None],
            Count(1, AT, 1, 0),
        ),
        (
            [told("no_answer"), told("info_requested", hour=1, dialled=False, **REACH), told("busy", hour=2)],
            [1, None, None],
            Count(2, AT + HOUR, 2, 1),
        ),
    ],
    ids=[
        "nobody reached",
        "a dial that is not over",
        "one that nobody logged",
        "reached at the second",
        "nobody found since",
        "somebody answered: the row begins anew",
        "they rang and were reached by that",
    ],
)
def test_the_count_of_a_pursuit(story: list[Said], expected: list[int | None], count: Count) -> None:
    found, seen = Count(), []
    for call in story:
        seen.append(number_of(found, call))
        found = counted(found, call)
    assert (seen, found) == (expected, count)


def test_a_visit_reaches_too() -> None:
    count = Count(reached_at=AT + HOUR)
    assert number_of(count, told("no_answer")) == 1
    assert number_of(count, told("no_answer", hour=2)) is None


def test_what_a_person_changed_in_between_stands() -> None:
    found = Facts("attempted", None, 3, 7, None)
    talked = told("not_interested", user=5, team=3, cools=True, **REACH)
    after = left(found, talked)
    assert after == Facts("conversation", 5, 3, 7, AT + MINUTE)
    seen = Facts("meeting", 5, 3, 7, AT + MINUTE)
    silent = left(found, told("no_answer"))
    assert carried(seen, left_then=after, left_now=silent) == Facts("meeting", None, 3, 7, None)


# --- after the next attempt -----------------------------------------------------------------------------------------


@pytest.mark.django_db
class TestAfterLaterCalls:
    def test_a_reach_that_was_none_gives_the_later_calls_their_numbers(
        self, jo: Lead, ada: User, max_: User, now: datetime
    ) -> None:
        first = say(jo, ada, "info_requested", now=now)
        say(jo, ada, "no_answer", now=now + DAY)
        say(jo, ada, "gatekeeper", now=now + 2 * DAY)
        assert numbers(jo) == [1, None, None]
        amend(first, "no_answer", user=max_, now=now + 2 * DAY + HOUR)
        pursuit, row = Pursuit.objects.get(), planned(jo)
        assert numbers(jo) == [1, 2, 3]
        assert (pursuit.attempt, pursuit.reached_at, pursuit.reached_at_attempt) == (4, None, None)
        assert row is not None
        assert (row.attempt, row.reason.startswith("attempt 4 of 18")) == (4, True)
        jo.refresh_from_db()
        assert (jo.stage, jo.touchpoints.filter(kind="conversation").count()) == ("attempted", 0)
        assert not Promise.objects.filter(cancelled_at=None).exists()

    def test_a_missed_reach_ends_the_count_where_it_was(
        self, jo: Lead, ada: User, max_: User, now: datetime
    ) -> None:
        first = say(jo, ada, "no_answer", now=now)
        say(jo, ada, "no_answer", now=now + DAY)
        amend(first, "info_requested", user=max_, now=now + DAY + HOUR)
        pursuit = Pursuit.objects.get()
        assert numbers(jo) == [1, None]
        assert (pursuit.reached_at, pursuit.reached_at_attempt) == (first.started_at, 1)
        assert pursuit.tries_since_reach == 1
        row = planned(jo)
        assert row is not None
        assert row.rank == FollowUp.Rank.PROMISE

    def test_what_was_agreed_when_they_were_reached_last_stands(
        self, jo: Lead, ada: User, max_: User, now: datetime
    ) -> None:
        first = say(jo, ada, "no_answer", now=now)
        agreed = now + 5 * DAY
        say(jo, ada, "callback_requested", now=now + DAY, callback_at=agreed)
        amend(first, "not_interested", user=max_, now=now + DAY + HOUR)
        row, pursuit = planned(jo), Pursuit.objects.get()
        assert row is not None
        assert (row.agreed_at, row.attempt) == (agreed, pursuit.attempt)
        assert (pursuit.end_reason, pursuit.reached_at_attempt, numbers(jo)) == ("", 1, [1, None])
        # What they did since they refused counts; what was before does not.
        jo.refresh_from_db()
        assert jo.cooled_at == first.ended_at
        assert jo.is_warm(now=now + DAY + HOUR)
        with pytest.raises(refusals.Invalid) as refused:
            amend(first, "callback_requested", user=max_, now=now + DAY + HOUR, callback_at=now + 3 * DAY)
        assert refused.value.field == "callback_at"
        assert planned(jo) == row

    def test_a_refusal_ends_the_pursuit_where_nobody_was_reached_since(
        self, jo: Lead, ada: User, max_: User, now: datetime
    ) -> None:
        first = say(jo, ada, "no_answer", now=now)
        say(jo, ada, "no_answer", now=now + DAY)
        amend(first, "not_interested", user=max_, now=now + DAY + HOUR)
        assert (Pursuit.objects.get().end_reason, planned(jo)) == ("not_interested", None)

    def test_a_wish_not_to_be_called_binds_however_late_it_is_told(
        self, jo: Lead, ada: User, max_: User, now: datetime
    ) -> None:
        first = say(jo, ada, "no_answer", now=now)
        say(jo, ada, "callback_requested", now=now + DAY, callback_at=now + 3 * DAY)
        amend(first, "do_not_call", user=max_, now=now + DAY + HOUR)
        assert (Pursuit.objects.get().end_reason, planned(jo)) == ("do_not_call", None)
        with pytest.raises(refusals.GuardBlocked):
            calls.dial(jo, user=ada, now=now + 3 * DAY)

    def test_a_pursuit_that_went_on_in_a_later_one_is_not_opened_beside_it(
        self, jo: Lead, ada: User, max_: User, now: datetime
    ) -> None:
        first = say(jo, ada, "not_interested", now=now)
        later = say(jo, ada, "no_answer", now=now + DAY)
        assert later.pursuit_id != first.pursuit_id
        amend(first, "no_answer", user=max_, now=now + DAY + HOUR)
        old, new = Pursuit.objects.order_by("pk")
        assert (old.end_reason, new.end_reason, old.attempt) == ("given_up", "", 2)
        row = planned(jo)
        assert row is not None
        assert row.pursuit == new
        amend(first, "disqualified", user=max_, now=now + DAY + 2 * HOUR, reason="too small")
        old.refresh_from_db()
        assert (old.end_reason, Pursuit.objects.open().get()) == ("disqualified", new)

    def test_exhausted_by_a_call_too_many(self, jo: Lead, ada: User, max_: User, now: datetime) -> None:
        Pursuit.objects.update(target=2)
        first = say(jo, ada, "no_answer", now=now)
        say(jo, ada, "no_answer", now=now + DAY)
        assert Pursuit.objects.get().end_reason == "exhausted"
        amend(first, "info_requested", user=max_, now=now + DAY + HOUR)
        pursuit = Pursuit.objects.get()
        assert (pursuit.end_reason, pursuit.reached_at_attempt) == ("", 1)
        assert planned(jo) is not None
        amend(first, "busy", user=max_, now=now + DAY + 2 * HOUR)
        assert (Pursuit.objects.get().end_reason, planned(jo)) == ("exhausted", None)

    def test_an_outcome_told_late_counts_where_the_call_was(self, jo: Lead, ada: User, now: datetime) -> None:
        forgotten = calls.dial(jo, user=ada, now=now)
        unlogged.close_forgotten(now=now + 2 * HOUR)
        say(jo, ada, "no_answer", now=now + 20 * HOUR)
        assert numbers(jo) == [1, 2]
        amend(forgotten, "info_requested", user=ada, now=now + 21 * HOUR)
        pursuit = Pursuit.objects.get()
        assert (numbers(jo), pursuit.reached_at_attempt, pursuit.tries_since_reach) == ([1, None], 1, 1)

    def test_each_can_be_put_right_in_turn(self, jo: Lead, ada: User, max_: User, now: datetime) -> None:
        made = [
            say(jo, ada, key, now=now + day * DAY)
            for day, key in enumerate(["not_now", "no_answer", "info_requested"])
        ]
        for hour, call in enumerate(made):
            amend(call, "no_answer", user=max_, now=now + 2 * DAY + (hour + 1) * HOUR)
        jo.refresh_from_db()
        pursuit = Pursuit.objects.get()
        assert (numbers(jo), pursuit.attempt, pursuit.reached_at, jo.stage) == (
            [1, 2, 3],
            4,
            None,
            "attempted",
        )
        assert not jo.touchpoints.exists()
        assert not jo.overrides.filter(ended_at=None).exists()
        assert not jo.is_warm(now=now + 3 * DAY)
        assert OutcomeChange.objects.count() == 3


# --- what others did since ------------------------------------------------------------------------------------------


@pytest.mark.django_db
class TestWhatOthersDid:
    def test_a_new_owner_and_a_stage_set_by_hand_stay(
        self, a_lead: ALead, north: Team, ada: User, bea: User, max_: User, now: datetime
    ) -> None:
        lead = a_lead(team=north, company="Acme")
        pursue.start([lead], by=None, now=now)
        call = say(lead, ada, "info_requested", now=now)
        lead.refresh_from_db()
        assert lead.owner == ada
        assign.assign([lead], owner=bea, by=max_, now=now + HOUR)
        stage.move(lead, "won", by=max_, now=now + HOUR)
        amend(call, "no_answer", user=max_, now=now + DAY)
        lead.refresh_from_db()
        assert (lead.owner, lead.stage) == (bea, "won")

    def test_a_pool_lead_goes_back_to_the_pool(
        self, a_lead: ALead, north: Team, ada: User, max_: User, now: datetime
    ) -> None:
        lead = a_lead(team=north, company="Acme")
        pursue.start([lead], by=None, now=now)
        call = say(lead, ada, "info_requested", now=now)
        amend(call, "no_answer", user=max_, now=now + HOUR)
        lead.refresh_from_db()
        row = planned(lead)
        assert row is not None
        assert (lead.owner, lead.team, row.assignee, row.team) == (None, north, None, north)

    def test_a_hand_raised_since_keeps_its_call(
        self, jo: Lead, ada: User, touched: Callable[..., Touchpoint], now: datetime
    ) -> None:
        call = say(jo, ada, "no_answer", now=now)
        touched(jo, "web_form", now=now + HOUR)
        row = planned(jo)
        assert row is not None
        assert row.rank == FollowUp.Rank.HAND_RAISE
        amend(call, "gatekeeper", user=ada, now=now + HOUR + MINUTE)
        assert planned(jo) == row

    def test_given_up_since_and_yet_they_had_met(
        self, jo: Lead, ada: User, max_: User, now: datetime
    ) -> None:
        call = say(jo, ada, "no_answer", now=now)
        pursue.end(Pursuit.objects.get(), "given_up", by=ada, now=now + HOUR, note="no answer")
        starts = now + 3 * DAY
        amend(call, "meeting_booked", user=max_, now=now + DAY, meeting={"starts_at": starts})
        pursuit = Pursuit.objects.get()
        assert (pursuit.end_reason, pursuit.end_note, pursuit.reached_at_attempt) == ("meeting", "", 1)
        assert (Meeting.objects.get().starts_at, planned(jo)) == (starts, None)

    def test_a_meeting_that_was_held_cannot_be_amended_away(
        self, jo: Lead, ada: User, max_: User, now: datetime
    ) -> None:
        call = say(jo, ada, "meeting_booked", now=now, meeting={"starts_at": now + HOUR})
        meetings.hold(Meeting.objects.get(), by=ada, now=now + 2 * HOUR)
        with pytest.raises(refusals.TooLate):
            amend(call, "not_interested", user=max_, now=now + DAY)
        jo.refresh_from_db()
        assert (jo.stage, Meeting.objects.get().status) == ("held", "held")

    def test_a_moved_meeting_is_called_off_with_the_first(
        self, jo: Lead, ada: User, max_: User, now: datetime
    ) -> None:
        call = say(jo, ada, "meeting_booked", now=now, meeting={"starts_at": now + 2 * DAY})
        meetings.move(Meeting.objects.get(), now + 4 * DAY, by=ada, now=now + HOUR)
        amend(call, "info_requested", user=max_, now=now + DAY)
        assert not Meeting.objects.filter(status="booked").exists()
        assert Pursuit.objects.get().end_reason == ""

    def test_a_number_that_was_entered_again_is_the_leads_once(
        self, jo: Lead, ada: User, max_: User, now: datetime
    ) -> None:
        call = say(jo, ada, "wrong_number", now=now)
        LeadNumber.objects.create(lead=jo, number=call.number)
        amend(call, "no_answer", user=max_, now=now + HOUR)
        assert jo.lead_numbers.current().filter(number=call.number).count() == 1

    def test_a_number_found_dead_again_since_stays_dead(
        self, jo: Lead, ada: User, max_: User, now: datetime
    ) -> None:
        call = say(jo, ada, "disconnected", now=now)
        Number.objects.filter(pk=call.number_id).update(status_at=now + HOUR)
        amend(call, "no_answer", user=max_, now=now + 2 * HOUR)
        assert Number.objects.get(pk=call.number_id).status == "invalid"

    def test_the_change_of_stage_is_in_the_history(
        self, jo: Lead, ada: User, max_: User, now: datetime
    ) -> None:
        call = say(jo, ada, "info_requested", now=now)
        amend(call, "no_answer", user=max_, now=now + HOUR)
        changes = list(
            StageChange.objects.filter(lead=jo).order_by("pk").values_list("before", "after", "by")
        )
        assert changes[-1] == ("conversation", "attempted", max_.pk)
