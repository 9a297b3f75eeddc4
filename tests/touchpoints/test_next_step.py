"""What happens next once a call has an outcome?"""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from touchpoints.cadence import Declined, attempted
from touchpoints.defaults import DEFAULT_OUTCOMES
from touchpoints.next_step import (
    ENDLESS,
    POLICIES,
    Context,
    NeedsTask,
    NextStep,
    Placement,
    PursuitEnds,
    hand_raise,
    next_step,
    voicemail_allowed,
)

from .places import place, plan

CHICAGO = ZoneInfo("America/Chicago")
WARM = plan("warm-18")
WHERE = place()
OUTCOMES = {outcome.key: outcome for outcome in DEFAULT_OUTCOMES}


def chicago(month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=CHICAGO).astimezone(UTC)


TUESDAY = chicago(3, 3, 9)


def context(*, now: datetime = TUESDAY, **fields: Any) -> Context:
    """Attempt 3 of the warm plan, its first dial of the day."""
    told: dict[str, Any] = {"plan": WARM, "step": 3, "attempt": 3, "place": WHERE}
    told["history"] = (attempted(chicago(2, 27, 15), WHERE), attempted(now, WHERE))
    return Context(**{**told, **fields})


def after(outcome: str, *, now: datetime = TUESDAY, **fields: Any) -> NextStep:
    """What the default outcome decides."""
    row = OUTCOMES[outcome]
    fields.setdefault("reached", row.reach)
    told = context(now=now, ends_pursuit=row.ends_pursuit, **fields)
    return next_step(row.policy, row.params, told, now=now)


def placed(step: NextStep) -> Placement:
    assert isinstance(step, Placement), step
    assert step.reason
    return step


def when(step: NextStep) -> tuple[str, str]:
    one = placed(step)
    opens, closes = (at.astimezone(CHICAGO) for at in (one.due_at, one.until))
    return f"{opens:%a %d %b}", f"{opens:%H:%M}–{closes:%H:%M}"


def test_every_default_outcome_names_a_policy() -> None:
    assert {outcome.policy for outcome in DEFAULT_OUTCOMES} == set(POLICIES)


def test_an_unknown_policy_is_refused_with_those_known() -> None:
    with pytest.raises(ValueError, match="next_slot, voicemail, busy"):
        next_step("hope", {}, context(), now=TUESDAY)


class TestNoAnswer:
    def test_takes_the_next_step_of_the_plan_in_another_part_of_the_day(self) -> None:
        step = placed(after("no_answer"))
        assert (step.attempt, step.step, step.kind) == (4, 4, "attempt")
        assert step.due_at.astimezone(CHICAGO).date() == date(
            2026, 3, 5
        )  # two business days in the warm plan
        assert step.day_part not in ("early", "midday")
        assert step.reason.startswith("attempt 4 of 18: Thursday ")

    def test_the_last_attempt_of_the_target_exhausts_the_pursuit(self) -> None:
        assert isinstance(after("no_answer", attempt=17, step=17), Placement)
        end = after("no_answer", attempt=18, step=18)
        assert isinstance(end, PursuitEnds)
        assert end.end_reason == "exhausted"
        assert end.reason == "exhausted: 18 of 18 attempts made, never reached"

    @pytest.mark.parametrize("outcome", ["voicemail_left", "busy", "gatekeeper", "hung_up", "wrong_number"])
    def test_so_do_all_outcomes_that_reach_nobody(self, outcome: str) -> None:
        assert isinstance(after(outcome, attempt=18, step=18, other_numbers=1), PursuitEnds)

    def test_a_reach_at_the_last_attempt_goes_on(self) -> None:
        agreed = TUESDAY + timedelta(days=1)
        assert isinstance(after("callback_requested", attempt=18, step=18, agreed_at=agreed), Placement)


class TestVoicemail:
    def test_waits_at_least_one_business_day_and_says_so(self) -> None:
        impatient = replace(WARM, waits=(0,) * 18)
        step = placed(after("voicemail_left", plan=impatient, voicemails=(3,)))
        assert when(step)[0] == "Wed 04 Mar"
        assert step.reason.endswith("a voicemail waits at least 1 business day")

    @pytest.mark.parametrize(
        ("left_at", "step", "allowed"),
        [
            ((), 1, True),
            ((1,), 6, False),
            ((1,), 7, True),
            ((1, 7), 11, True),
            ((1, 7, 11), 15, True),
            ((1, 1, 7, 11), 15, False),
        ],
        ids=[
            "none yet",
            "one in this phase",
            "a new phase",
            "the third phase",
            "the fourth phase",
            "four in the pursuit",
        ],
    )
    def test_one_a_phase_and_four_a_pursuit(self, left_at: tuple[int, ...], step: int, allowed: bool) -> None:
        params = OUTCOMES["voicemail_left"].params
        assert voicemail_allowed(params, context(voicemails=left_at, step=step)) is allowed


class TestBusy:
    def test_is_tried_again_in_half_an_hour(self) -> None:
        step = placed(after("busy", busy_today=1))
        assert when(step) == ("Tue 03 Mar", "09:30–10:30")
        assert (step.kind, step.attempt) == ("retry", 4)

    @pytest.mark.parametrize(
        ("now", "fields"),
        [
            (chicago(3, 3, 20, 45), {"busy_today": 1}),
            (TUESDAY, {"busy_today": 3}),
            (
                TUESDAY,
                {
                    "busy_today": 1,
                    "history": (attempted(chicago(3, 3, 8), WHERE), attempted(TUESDAY, WHERE)),
                },
            ),
            (TUESDAY, {"busy_today": 1, "earliest": chicago(3, 4, 9)}),
        ],
        ids=["the window closes", "busy all day", "the house cap of the day", "the law's cap"],
    )
    def test_takes_the_next_slot_of_the_plan_where_it_cannot_be(
        self, now: datetime, fields: dict[str, Any]
    ) -> None:
        assert when(after("busy", now=now, **fields))[0] == "Thu 05 Mar"


class TestGatekeeper:
    def test_early_or_late_one_or_two_business_days_on(self) -> None:
        step = placed(after("gatekeeper"))
        assert when(step) == ("Wed 04 Mar", "16:00–18:00")
        assert (
            step.reason
            == "gatekeeper answered: Wednesday late afternoon, not tried yet; their time 16:00–18:00"
        )

    def test_goes_over_the_weekend(self) -> None:
        friday = chicago(3, 6, 9)
        assert when(after("gatekeeper", now=friday))[0] == "Mon 09 Mar"

    def test_takes_what_the_plan_has_where_neither_is_permitted(self) -> None:
        midday_only = place(opens=time(11), closes=time(15))
        step = placed(after("gatekeeper", place=midday_only))
        assert step.day_part in ("late_morning", "midday", "afternoon")


class TestCallback:
    agreed = chicago(3, 5, 14)

    def test_stands_a_quarter_of_an_hour_around_the_agreed_time(self) -> None:
        step = placed(after("callback_requested", agreed_at=self.agreed))
        assert when(step) == ("Thu 05 Mar", "13:45–14:15")
        assert (step.kind, step.agreed_at, step.lifts_house_caps) == ("callback", self.agreed, True)
        assert (step.attempt, step.step) == (3, 3)  # the reach ends the count
        assert step.reason == "callback agreed for Thursday 5 March, 14:00 their time"

    def test_in_five_minutes_works_although_the_house_caps_are_full(self) -> None:
        history = tuple(attempted(chicago(3, 3, hour), WHERE) for hour in (8, 9))
        soon = TUESDAY + timedelta(minutes=5)
        assert when(after("callback_requested", agreed_at=soon, history=history)) == (
            "Tue 03 Mar",
            "09:03–09:20",
        )

    def test_on_a_sunday_works_where_the_law_allows_it(self) -> None:
        assert when(after("callback_requested", agreed_at=chicago(3, 8, 11)))[0] == "Sun 08 Mar"

    @pytest.mark.parametrize(
        ("agreed", "fields", "code", "nearest"),
        [
            (None, {}, "time_missing", None),
            (TUESDAY, {}, "time_past", None),
            (chicago(3, 5, 22), {}, "not_permitted", chicago(3, 6, 8)),
            (chicago(3, 3, 12), {"earliest": chicago(3, 4, 9)}, "not_permitted", chicago(3, 4, 9)),
        ],
        ids=["no time given", "a time that is over", "outside the law's hours", "against the law's caps"],
    )
    def test_is_declined_with_the_nearest_time_allowed(
        self, agreed: datetime | None, fields: dict[str, Any], code: str, nearest: datetime | None
    ) -> None:
        declined = after("callback_requested", agreed_at=agreed, **fields)
        assert isinstance(declined, Declined)
        assert (declined.code, declined.nearest) == (code, nearest)
        assert declined.reason


class TestLater:
    @pytest.mark.parametrize(
        ("days", "expected"),
        [(30, "Thu 02 Apr"), (60, "Mon 04 May"), (90, "Mon 01 Jun"), (None, "Thu 02 Apr")],
        ids=["30", "60: the 2nd is a Saturday", "90", "not chosen: the shortest"],
    )
    def test_so_many_days_on(self, days: int | None, expected: str) -> None:
        assert when(after("not_now", days=days))[0] == expected

    def test_stays_warm_until_a_fortnight_after_it(self) -> None:
        step = placed(after("not_now", days=30))
        assert step.warm_override_until == step.due_at + timedelta(days=14)

    def test_other_spans_are_declined_with_those_offered(self) -> None:
        declined = after("not_now", days=45)
        assert isinstance(declined, Declined)
        assert declined.reason == "days must be one of 30, 60, 90, not 45"


class TestInformation:
    def test_two_business_days_on(self) -> None:
        assert when(after("info_requested"))[0] == "Thu 05 Mar"

    def test_or_on_the_promised_date(self) -> None:
        assert when(after("info_requested", promised_on=date(2026, 3, 11)))[0] == "Wed 11 Mar"

    def test_a_promise_for_sunday_is_kept_on_monday(self) -> None:
        assert when(after("info_requested", promised_on=date(2026, 3, 8)))[0] == "Mon 09 Mar"


class TestHungUp:
    def test_five_business_days_of_peace(self) -> None:
        step = placed(after("hung_up", hang_ups=1))
        assert when(step)[0] == "Tue 10 Mar"
        assert not step.ask_to_stop

    def test_the_second_time_the_rep_is_asked_whether_to_stop(self) -> None:
        step = placed(after("hung_up", hang_ups=2))
        assert step.ask_to_stop
        assert step.reason.endswith("hung up before: stop calling?")


class TestBadNumber:
    @pytest.mark.parametrize("outcome", ["wrong_number", "disconnected"])
    def test_another_number_is_tried_at_once(self, outcome: str) -> None:
        step = placed(after(outcome, other_numbers=1))
        assert step.due_at == TUESDAY
        assert (step.kind, step.attempt) == ("other_number", 4)

    @pytest.mark.parametrize("outcome", ["wrong_number", "disconnected"])
    def test_without_one_a_person_has_to_find_it(self, outcome: str) -> None:
        assert after(outcome) == NeedsTask("find_number", "no number left: find another one", 4, 4)


class TestEnd:
    @pytest.mark.parametrize("outcome", [row.key for row in DEFAULT_OUTCOMES if row.policy == "end"])
    def test_for_exactly_the_reason_of_the_outcome(self, outcome: str) -> None:
        end = after(outcome)
        assert isinstance(end, PursuitEnds)
        assert end.end_reason == OUTCOMES[outcome].ends_pursuit
        recycled = timedelta(days=180) if outcome == "not_interested" else None
        assert end.recycle_after == recycled

    def test_without_a_reason_is_a_mistake_in_the_rows(self) -> None:
        with pytest.raises(ValueError, match="ends_pursuit"):
            next_step("end", {}, context(), now=TUESDAY)


class TestAfterTheReach:
    def test_a_follow_up_that_finds_nobody_is_tried_with_the_waits_of_the_sprint(self) -> None:
        now, days = TUESDAY, []
        for nobody in range(1, 6):
            step = placed(after("no_answer", now=now, reached=True, found_nobody=nobody, attempt=5, step=5))
            assert (step.attempt, step.step, step.kind) == (5, 5, "follow_up")
            days.append(step.due_at.astimezone(CHICAGO).date())
            now = step.due_at
        assert days == [date(2026, 3, day) for day in (4, 5, 9, 10, 12)]  # 1, 1, 2, 1, 2 business days
        assert step.reason.startswith("follow-up call 6 of 6: Thursday ")

    def test_the_sixth_in_a_row_exhausts_the_pursuit(self) -> None:
        end = after("voicemail_left", reached=True, found_nobody=6, attempt=5)
        assert end == PursuitEnds("exhausted", "exhausted: 6 follow-up calls in a row found nobody")

    def test_the_target_does_not_bind_follow_up_calls(self) -> None:
        assert isinstance(after("no_answer", reached=True, found_nobody=1, attempt=18), Placement)


class TestHandRaise:
    def test_is_called_at_once_weekend_or_not(self) -> None:
        sunday = chicago(3, 8, 11)
        step = hand_raise(context(attempt=0, step=0), now=sunday)
        assert isinstance(step, Placement)
        assert (step.due_at, step.kind, step.lifts_house_caps) == (sunday, "hand_raise", True)

    def test_or_in_the_next_permitted_minute(self) -> None:
        step = hand_raise(context(), now=chicago(3, 3, 23))
        assert isinstance(step, Placement)
        assert step.due_at == chicago(3, 4, 8)

    def test_or_declined_where_nothing_is_permitted(self) -> None:
        shut = replace(WHERE, permitted=lambda _start, _end: [])
        assert isinstance(hand_raise(context(place=shut), now=TUESDAY), Declined)

    @pytest.mark.parametrize(
        ("now", "tries", "again"),
        [
            (TUESDAY, 1, True),
            (TUESDAY, 2, True),
            (TUESDAY, 3, False),
            (chicago(3, 4, 9), 1, False),
            (chicago(3, 3, 20, 50), 1, False),
        ],
        ids=["once", "twice", "three calls are enough", "the day after", "the window closes"],
    )
    def test_unanswered_is_tried_again_within_the_hour_on_its_day(
        self, now: datetime, tries: int, again: bool
    ) -> None:
        raised = chicago(3, 3, 8, 55)
        step = placed(after("no_answer", now=now, hand_raised_at=raised, hand_raise_tries=tries))
        assert (step.kind == "hand_raise") is again
        if again:
            assert when(step) == ("Tue 03 Mar", "09:30–10:00")


@settings(max_examples=80)
@given(
    outcome=st.sampled_from(DEFAULT_OUTCOMES),
    now=st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC)),
    attempt=st.integers(1, 18),
    reached=st.booleans(),
    nobody=st.integers(0, 6),
    count=st.integers(0, 5),
)
def test_whatever_the_outcome_the_next_step_is_lawful_and_explained(
    outcome: Any, now: datetime, attempt: int, reached: bool, nobody: int, count: int
) -> None:
    told = context(
        now=now,
        attempt=attempt,
        step=attempt,
        reached=reached or outcome.reach,
        found_nobody=nobody,
        busy_today=count,
        hang_ups=count,
        other_numbers=count,
        agreed_at=now + timedelta(hours=7 * count),
        ends_pursuit=outcome.ends_pursuit,
    )
    step = next_step(outcome.policy, outcome.params, told, now=now)
    assert step == next_step(outcome.policy, outcome.params, told, now=now)
    assert step.reason
    if isinstance(step, Placement):
        assert now <= step.due_at < step.until
        opened = WHERE.permitted(step.due_at - timedelta(days=1), step.until + timedelta(days=1))
        assert any(opens <= step.due_at < step.until <= closes for opens, closes in opened)
        assert told.reached or step.attempt == attempt + 1 <= WARM.target
    elif isinstance(step, PursuitEnds):
        assert outcome.policy == "end" or outcome.policy not in ENDLESS
