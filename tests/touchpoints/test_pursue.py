"""Does a pursuit start within capacity, go on by its plan, follow its lead and end, in hours and under every cap?"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from crm.accounts.models import Absence, Team, User
from leads import numbers
from leads.models import Customer, Lead, LeadNumber
from leads.register import number_rows
from touchpoints import (
    calls,
    engine,
    follow_ups,
    outcomes,
    pursue,
    refusals,
    starts,
    suppress,
    tending,
    todo,
    unlogged,
)
from touchpoints.models import FollowUp, Promise, Pursuit, Task

pytestmark = pytest.mark.django_db
ALead = Callable[..., Lead]
DAY = timedelta(days=1)
NEW_YORK = ZoneInfo("America/New_York")


def open_follow_up(lead: Lead) -> FollowUp:
    return FollowUp.objects.open().get(lead=lead)


def logged(lead: Lead, user: User, outcome: str, *, now: datetime, **more: Any) -> None:
    call = calls.dial(lead, user=user, now=now)
    outcomes.log_outcome(call, outcomes.Logged(outcome, **more), user=user, now=now)


# --- starting ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("temperature", "fields", "cadence", "target"),
    [
        ("cold", {"company": "Acme"}, "cold-18", 18),
        ("warm", {"company": "Acme"}, "warm-18", 18),
        ("cold", {}, "cold-6-consumer", 6),
        ("warm", {}, "warm-6-consumer", 6),
    ],
)
def test_the_plan_goes_by_temperature_and_audience(
    temperature: str,
    fields: dict[str, str],
    cadence: str,
    target: int,
    a_lead: ALead,
    ada: User,
    now: datetime,
) -> None:
    lead = a_lead(owner=ada, **fields)
    Lead.objects.filter(pk=lead.pk).update(temperature=temperature, warm_until=now + DAY)
    lead.refresh_from_db()
    (pursuit,) = pursue.start([lead], by=ada, now=now)
    follow_up = open_follow_up(lead)
    assert (pursuit.cadence.key, pursuit.target, pursuit.temperature_at_start) == (
        cadence,
        target,
        temperature,
    )
    assert (follow_up.attempt, follow_up.step, follow_up.due_at, follow_up.assignee) == (1, 1, now, ada)
    assert follow_up.rank == (4 if temperature == "warm" else 5)


def test_who_gets_no_pursuit(a_lead: ALead, ada: User, now: datetime) -> None:
    nobodys, running, gone, stopped, customer = (a_lead(owner=owner) for owner in (None, ada, ada, ada, ada))
    pursue.start([running], by=ada, now=now)
    gone.erased_at = now
    suppress.suppress(scope="person", lead=stopped, by=ada, now=now)
    Customer.objects.create(e164=customer.lead_numbers.get().number.e164, added_at=now)
    assert pursue.start([nobodys, running, gone, stopped, customer], by=ada, now=now) == []
    assert (Pursuit.objects.count(), FollowUp.objects.count()) == (1, 1)


def test_the_sweep_starts_what_the_day_can_carry_warm_first(
    a_lead: ALead, ada: User, bea: User, north: Team, now: datetime
) -> None:
    for user in (ada, bea):
        user.dials_a_day = 3
        user.save()
    own = [a_lead(owner=ada) for _ in range(5)]
    pool = [a_lead(team=north, value=n) for n in range(6)]
    warm = own[-1]
    Lead.objects.filter(pk=warm.pk).update(temperature="warm", warm_until=now + DAY)
    # Ada's three leave three of the team's six dials to the pool.
    assert starts.start_waiting(now=now) == 6
    begun = set(Pursuit.objects.values_list("lead_id", flat=True))
    assert warm.pk in begun
    assert len(begun & {lead.pk for lead in own}) == 3
    assert begun & {lead.pk for lead in pool} == {lead.pk for lead in pool[3:]}
    assert starts.start_waiting(now=now) == 0
    Pursuit.objects.filter(lead=warm).update(ended_at=now, end_reason="given_up")
    FollowUp.objects.filter(lead=warm).update(closed_at=now, closed_as="cancelled")
    assert starts.start_waiting(now=now) == 1


def test_each_starts_the_best_of_their_own_however_many_keep_leads(
    a_lead: ALead, ada: User, bea: User, north: Team, now: datetime
) -> None:
    most = {ada: 2, bea: 3}
    for user, dials in most.items():
        user.dials_a_day = dials
        user.save()
    own = {user: [a_lead(owner=user, value=n, fit=90 - n % 2) for n in range(6)] for user in most}
    pool = [a_lead(team=north, value=n) for n in range(3)]
    with CaptureQueriesContext(connection) as seen:
        assert starts.start_waiting(now=now) == 5
    asked = [one["sql"] for one in seen.captured_queries if "ROW_NUMBER" in one["sql"]]
    assert len(asked) == 1
    begun = [(one.lead.owner, one.lead) for one in Pursuit.objects.order_by("pk")]
    for user, dials in most.items():
        best = sorted(own[user], key=lambda lead: (-lead.fit, -lead.value))
        assert [lead for owner, lead in begun if owner == user] == best[:dials]
    assert not Pursuit.objects.filter(lead__in=pool).exists(), (
        "what the owners took is gone from the pool's room"
    )


def test_nobody_is_given_work_on_days_away(a_lead: ALead, ada: User, now: datetime) -> None:
    a_lead(owner=ada)
    Absence.objects.create(user=ada, starts_on=date(2026, 3, 3), ends_on=date(2026, 3, 4))
    assert starts.start_waiting(now=now) == 0
    assert starts.start_waiting(now=now + DAY) == 1


def test_a_lead_that_waits_for_a_person_waits(a_lead: ALead, ada: User, max_: User, now: datetime) -> None:
    waiting, done, free = (a_lead(owner=ada) for _ in range(3))
    for lead in (waiting, done):
        todo.ask(lead, "look_into", "who decides there?", now=now)
    todo.finish(done.tasks.get(), by=max_, now=now)
    starts.start_waiting(now=now)
    assert set(Pursuit.objects.values_list("lead", flat=True)) == {done.pk, free.pk}


def test_without_a_number_a_person_is_asked_and_the_pursuit_goes_on_when_it_is_found(
    a_lead: ALead, ada: User, now: datetime
) -> None:
    lead = a_lead(owner=ada, phones=(), email="jo@example.com")
    pursue.start([lead], by=ada, now=now)
    task = Task.objects.get()
    assert (task.kind, task.assignee, FollowUp.objects.count()) == ("find_number", ada, 0)
    assert pursue.resume_stalled(now=now) == 0
    row = number_rows([numbers.parse("+12125550166", "US")], now=now)["+12125550166"]
    LeadNumber.objects.create(lead=lead, number=row)
    todo.finish(task, by=ada, now=now)
    starts.start_waiting(now=now)
    assert (open_follow_up(lead).attempt, open_follow_up(lead).due_at) == (1, now)
    assert pursue.resume_stalled(now=now) == 0


def test_one_open_follow_up_a_lead(a_lead: ALead, ada: User, now: datetime) -> None:
    lead = a_lead(owner=ada)
    (pursuit,) = pursue.start([lead], by=ada, now=now)
    placed = follow_ups.Placed(1, 1, "call", now, now + DAY, "", "again")
    follow_ups.place([(lead, pursuit, placed)], now=now, why="moved")
    first, second = FollowUp.objects.order_by("pk")
    assert (first.closed_as, first.closed_why, second.closed_at) == ("replaced", "moved", None)


# --- following the lead -----------------------------------------------------------------------------------


@pytest.fixture
def tried(a_lead: ALead, ada: User, now: datetime) -> Lead:
    """A cold lead of Ada's at attempt 3, whose next call is days away."""
    lead = a_lead(owner=ada, company="Acme")
    for days in (9, 6):
        logged(lead, ada, "no_answer", now=now - days * DAY)
    logged(lead, ada, "gatekeeper", now=now - 2 * DAY)
    FollowUp.objects.open().update(due_at=now + 8 * DAY, window_end=now + 9 * DAY)
    return lead


def test_a_promotion_takes_the_warm_plan_from_its_start_and_keeps_the_count(
    tried: Lead, touched: Any, now: datetime
) -> None:
    touched(tried, "referral")
    pursuit, follow_up = Pursuit.objects.get(), open_follow_up(tried)
    assert (pursuit.cadence.key, pursuit.step, pursuit.attempt, pursuit.resprinted_at) == (
        "warm-18",
        1,
        4,
        now,
    )
    assert (follow_up.attempt, follow_up.due_at, follow_up.rank) == (4, now, 4)


@pytest.mark.parametrize(
    ("there", "due_there"),
    [((7, 11, 0), "Sat 11:00"), ((7, 6, 0), "Mon 08:00")],
    ids=["while a call is permitted, Saturday or not", "before the hours open, by the plan"],
)
def test_fresh_evidence_is_called_on_at_once_where_a_call_is_permitted(
    a_lead: ALead, ada: User, touched: Any, there: tuple[int, int, int], due_there: str
) -> None:
    saturday = datetime(2026, 3, *there, tzinfo=NEW_YORK)
    waits, new = a_lead(owner=ada, company="Acme"), a_lead(owner=ada, company="Bolt")
    pursue.start([waits], by=None, now=saturday)
    for lead in (waits, new):
        touched(lead, "referral", now=saturday)
        assert f"{open_follow_up(lead).due_at.astimezone(NEW_YORK):%a %H:%M}" == due_there


def test_at_most_one_new_sprint_in_thirty_days(tried: Lead, touched: Any, max_: User, now: datetime) -> None:
    touched(tried, "referral")
    for days, sprints in ((10, False), (30, True)):
        at = now + days * DAY
        engine.set_override(tried, temperature="cold", until=at, reason="x", by=max_, now=at - DAY)
        Pursuit.objects.update(step=5)
        FollowUp.objects.open().update(due_at=at + 8 * DAY, window_end=at + 9 * DAY)
        engine.end_override(tried, by=max_, now=at)
        assert Pursuit.objects.get().step == (1 if sprints else 5)
        assert (open_follow_up(tried).due_at < at + DAY) is sprints
        assert open_follow_up(tried).rank == 4


def test_cooling_keeps_the_plan(tried: Lead, touched: Any, now: datetime) -> None:
    touched(tried, "referral")
    planned = open_follow_up(tried).due_at
    engine.cool_expired(now=now + 91 * DAY)
    follow_up = open_follow_up(tried)
    assert (Pursuit.objects.get().cadence.key, follow_up.due_at, follow_up.rank) == ("warm-18", planned, 5)


def test_what_was_agreed_is_never_moved_by_a_promotion(
    a_lead: ALead, ada: User, touched: Any, now: datetime
) -> None:
    lead = a_lead(owner=ada)
    agreed = now + 3 * DAY
    logged(lead, ada, "callback_requested", now=now - DAY, callback_at=agreed)
    before = open_follow_up(lead)
    touched(lead, "referral")
    after = open_follow_up(lead)
    assert (after.pk, after.due_at, after.agreed_at, after.rank) == (before.pk, before.due_at, agreed, 1)


def test_what_is_in_hand_stays_and_the_plan_changes_under_it(
    tried: Lead, ada: User, touched: Any, now: datetime
) -> None:
    call = calls.dial(tried, user=ada, now=now)
    touched(tried, "referral", now=now + timedelta(minutes=1))
    assert open_follow_up(tried).pk == call.follow_up_id
    outcomes.log_outcome(call, outcomes.Logged("no_answer"), user=ada, now=now + timedelta(minutes=2))
    pursuit, follow_up = Pursuit.objects.get(), open_follow_up(tried)
    assert (pursuit.cadence.key, pursuit.step, pursuit.attempt) == ("warm-18", 2, 5)
    assert (follow_up.step, follow_up.attempt) == (2, 5)
    assert follow_up.due_at < now + 2 * DAY


def test_a_changed_plan_keeps_the_higher_target(
    a_lead: ALead, ada: User, touched: Any, now: datetime
) -> None:
    lead = a_lead(owner=ada, company="Acme")
    pursue.start([lead], by=ada, now=now - 30 * DAY)
    Pursuit.objects.update(attempt=7, step=7)
    Lead.objects.filter(pk=lead.pk).update(audience="consumer")
    lead.refresh_from_db()
    touched(lead, "referral")
    pursuit = Pursuit.objects.get()
    assert (pursuit.cadence.key, pursuit.target) == ("warm-6-consumer", 18)
    assert "7 of 18" in open_follow_up(lead).reason
    logged(lead, ada, "no_answer", now=now)
    assert (open_follow_up(lead).attempt, Pursuit.objects.open().count()) == (8, 1)


def test_a_promoted_lead_without_a_pursuit_gets_one_while_there_is_room(
    a_lead: ALead, ada: User, touched: Any, now: datetime
) -> None:
    ada.dials_a_day = 1
    ada.save()
    one, two, nobodys = a_lead(owner=ada), a_lead(owner=ada), a_lead()
    for lead in (one, two, nobodys):
        touched(lead, "referral")
    assert list(Pursuit.objects.values_list("lead", flat=True)) == [one.pk]


# --- the sweep --------------------------------------------------------------------------------------------


def test_every_row_looked_at_is_moved_on(a_lead: ALead, ada: User, now: datetime) -> None:
    leads = [a_lead(owner=ada) for _ in range(3)] + [a_lead(owner=ada, phones=("+18005550199",))]
    pursue.start(leads, by=ada, now=now - DAY)
    FollowUp.objects.update(window_end=now)
    night = now + timedelta(hours=11)
    assert tending.tend_follow_ups(now=night) == FollowUp.objects.open().count() == 3
    assert not FollowUp.objects.open().filter(window_end__lte=night).exists()
    follow_up = open_follow_up(leads[0])
    assert follow_up.due_at.astimezone(NEW_YORK).hour == 8
    assert tending.tend_follow_ups(now=night) == 0


def test_one_row_that_fails_holds_up_no_other(a_lead: ALead, ada: User, now: datetime) -> None:
    good, bad = a_lead(owner=ada), a_lead(owner=ada)
    pursue.start([good, bad], by=ada, now=now - DAY)
    FollowUp.objects.update(window_end=now)
    Lead.objects.filter(pk=bad.pk).update(time_zone="Nowhere/Land")
    assert tending.tend_follow_ups(now=now) >= 2
    assert not FollowUp.objects.open().filter(window_end__lte=now).exists()


def test_a_missed_callback_heads_the_queue_all_day_and_is_a_broken_promise_the_next(
    a_lead: ALead, ada: User, now: datetime
) -> None:
    lead = a_lead(owner=ada)
    agreed = now + DAY
    logged(lead, ada, "callback_requested", now=now, callback_at=agreed)
    tending.tend_follow_ups(now=agreed + timedelta(minutes=15))
    follow_up = open_follow_up(lead)
    assert (follow_up.rank, follow_up.due_at) == (1, agreed - timedelta(minutes=15))
    assert follow_up.window_end == datetime(2026, 3, 6, tzinfo=NEW_YORK)
    tending.tend_follow_ups(now=follow_up.window_end)
    follow_up.refresh_from_db()
    assert (follow_up.rank, follow_up.due_at.astimezone(NEW_YORK).isoformat()) == (
        3,
        "2026-03-06T08:00:00-05:00",
    )
    assert "callback missed" in follow_up.reason
    broken = Promise.objects.get()
    assert broken.broken_at is not None
    tending.tend_follow_ups(now=follow_up.window_end)
    reason = follow_up.reason
    follow_up.refresh_from_db()
    assert follow_up.reason == reason


# --- whole runs -------------------------------------------------------------------------------------------


def run_out(lead: Lead, user: User, *, outcome: str = "no_answer") -> list[datetime]:
    """The dials of a rep who works every follow-up the minute it is due, until none is placed."""
    dialled: list[datetime] = []
    while (row := FollowUp.objects.open().filter(lead=lead).first()) is not None:
        at = max([row.due_at, *dialled[-1:]])
        verdict = calls.guarding.verdict(lead, now=at)
        assert verdict.decision == "allow", (row.reason, verdict.reasons)
        call = calls.dial(lead, user=user, now=at)
        outcomes.log_outcome(call, outcomes.Logged(outcome), user=user, now=at + timedelta(minutes=1))
        dialled.append(at)
        assert len(dialled) < 40
    return dialled


@pytest.mark.parametrize(
    "phone", ["+12125550123", "+13125550123", "+442079460123"], ids=["NY", "IL", "London"]
)
@pytest.mark.parametrize("temperature", ["cold", "warm"])
def test_where_nobody_ever_answers_it_is_eighteen_and_the_end(
    temperature: str, phone: str, a_lead: ALead, ada: User, now: datetime
) -> None:
    lead = a_lead(owner=ada, company="Acme", phones=(phone,))
    Lead.objects.filter(pk=lead.pk).update(temperature=temperature, warm_until=now + 99 * DAY)
    lead.refresh_from_db()
    pursue.start([lead], by=ada, now=now)
    dialled = run_out(lead, ada)
    pursuit = Pursuit.objects.get()
    assert (len(dialled), pursuit.end_reason, pursuit.attempt) == (18, "exhausted", 19)
    assert list(lead.calls.order_by("attempt").values_list("attempt", flat=True)) == list(range(1, 19))
    for index, at in enumerate(dialled):
        assert sum(timedelta(0) <= at - other < DAY for other in dialled[: index + 1]) <= 2
        assert sum(timedelta(0) <= at - other < 7 * DAY for other in dialled[: index + 1]) <= 5
    lead.refresh_from_db()
    assert lead.stage == "attempted"


@pytest.mark.parametrize("outcome", ["busy", "gatekeeper", "hung_up"])
def test_other_outcomes_without_a_reach_end_at_the_target_too(
    outcome: str, a_lead: ALead, ada: User, now: datetime
) -> None:
    lead = a_lead(owner=ada)
    pursue.start([lead], by=ada, now=now)
    assert len(run_out(lead, ada, outcome=outcome)) == 6
    assert Pursuit.objects.get().end_reason == "exhausted"


def test_a_voicemail_at_the_last_attempt_ends_it_too(a_lead: ALead, ada: User, now: datetime) -> None:
    lead = a_lead(owner=ada)
    pursue.start([lead], by=ada, now=now)
    Pursuit.objects.update(step=6, attempt=6)
    logged(lead, ada, "voicemail_left", now=now)
    assert Pursuit.objects.get().end_reason == "exhausted"


def test_after_the_reach_six_calls_in_a_row_that_find_nobody_are_enough(
    a_lead: ALead, ada: User, now: datetime
) -> None:
    lead = a_lead(owner=ada, company="Acme")
    logged(lead, ada, "info_requested", now=now)
    assert len(run_out(lead, ada)) == 6
    pursuit = Pursuit.objects.get()
    assert (pursuit.end_reason, pursuit.attempt, pursuit.reached_at_attempt) == ("exhausted", 1, 1)
    assert list(lead.calls.exclude(attempt=None).values_list("attempt", flat=True)) == [1]


def test_attempts_nobody_logged_count_towards_the_target(a_lead: ALead, ada: User, now: datetime) -> None:
    lead = a_lead(owner=ada)
    pursue.start([lead], by=ada, now=now)
    for _attempt in range(6):
        at = open_follow_up(lead).due_at
        calls.dial(lead, user=ada, now=at)
        with pytest.raises(refusals.AttemptOpen):
            calls.dial(lead, user=ada, now=at)
        unlogged.close_forgotten(now=at + timedelta(hours=2))
    pursuit = Pursuit.objects.get()
    assert (pursuit.end_reason, pursuit.attempt, FollowUp.objects.open().count()) == ("exhausted", 7, 0)
