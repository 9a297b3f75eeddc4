"""Is a call refused, opened, logged, taken back and amended as the domain says, with nothing left behind?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from crm.accounts.models import Team, User
from leads.models import Consent, Customer, Lead, LeadNumber, Number, Suppression
from touchpoints import (
    calls,
    engine,
    outcomes,
    pursue,
    refusals,
    reported,
    screen,
    suppress,
    take_back,
    unlogged,
)
from touchpoints.models import (
    Answer,
    BlockedDial,
    CallAttempt,
    Dial,
    FollowUp,
    HandRaise,
    Meeting,
    OutcomeChange,
    Promise,
    Pursuit,
    Task,
    TemperatureOverride,
    Touchpoint,
    UnmatchedTouchpoint,
)
from touchpoints.outcomes import Logged

pytestmark = pytest.mark.django_db
ALead = Callable[..., Lead]
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def jo(a_lead: ALead, ada: User, now: datetime) -> Lead:
    """Ada's, at Acme, with a pursuit whose first attempt is due."""
    lead = a_lead(owner=ada, company="Acme", first_name="Jo", email="jo@acme.example")
    pursue.start([lead], by=ada, now=now - timedelta(days=1))
    return lead


def open_follow_up(lead: Lead) -> FollowUp | None:
    return FollowUp.objects.open().filter(lead=lead).first()


def logged(lead: Lead, user: User, outcome: str, *, now: datetime, **more: Any) -> CallAttempt:
    call = calls.dial(lead, user=user, now=now)
    return outcomes.log_outcome(call, Logged(outcome, **more), user=user, now=now + 30 * SECOND)


# --- dialling ---------------------------------------------------------------------------------------------


def test_a_blocked_dial_is_no_attempt_but_proof(jo: Lead, ada: User, now: datetime) -> None:
    night = now + timedelta(hours=11)
    with pytest.raises(refusals.GuardBlocked) as refused:
        calls.dial(jo, user=ada, now=night)
    assert refused.value.verdict is not None
    assert "hours_closed" in refused.value.verdict.codes
    assert not CallAttempt.objects.exists()
    assert not Dial.objects.exists()
    proof = BlockedDial.objects.get()
    assert (proof.lead, proof.user, proof.at, proof.guard["decision"]) == (jo, ada, night, "block")


def test_a_warning_asks_for_a_reason_and_keeps_it(jo: Lead, ada: User, now: datetime) -> None:
    Customer.objects.create(domain="acme.example", added_at=now)
    with pytest.raises(refusals.GuardWarned) as refused:
        calls.dial(jo, user=ada, now=now, warn_reason="  ")
    assert (refused.value.code, refused.value.field) == ("guard_warned", "warn_reason")
    assert not CallAttempt.objects.exists()
    call = calls.dial(jo, user=ada, now=now, warn_reason="they asked for an offer")
    assert (call.warn_reason, call.guard["decision"]) == ("they asked for an offer", "warn")


def test_a_dial_opens_the_attempt_of_the_pursuit(jo: Lead, ada: User, now: datetime) -> None:
    call = calls.dial(jo, user=ada, now=now)
    jo.refresh_from_db()
    follow_up = open_follow_up(jo)
    assert (call.attempt, call.target, call.temperature) == (1, 18, "cold")
    assert (call.local_weekday, call.local_hour) == (3, 12)
    assert (call.follow_up, jo.stage, call.dials.count()) == (follow_up, "attempted", 1)
    assert follow_up is not None
    assert follow_up.lease_by == ada


def test_one_open_call_a_rep(jo: Lead, ada: User, a_lead: ALead, now: datetime) -> None:
    calls.dial(jo, user=ada, now=now)
    for lead in (a_lead(owner=ada), jo):
        with pytest.raises(refusals.AttemptOpen):
            calls.dial(lead, user=ada, now=now + MINUTE)
    assert Dial.objects.count() == 1


def test_a_colleague_on_the_phone_or_on_the_screen_holds_the_lead(
    jo: Lead, ada: User, bea: User, now: datetime
) -> None:
    FollowUp.objects.open().update(lease_by=ada, lease_until=now + MINUTE)
    with pytest.raises(refusals.LeasedByAnother):
        calls.dial(jo, user=bea, now=now)
    calls.dial(jo, user=ada, now=now)
    with pytest.raises(refusals.LeasedByAnother):
        calls.dial(jo, user=bea, now=now + 2 * MINUTE)


def test_a_dropped_call_redialled_is_the_same_attempt_and_another_dial(
    a_lead: ALead, ada: User, now: datetime
) -> None:
    lead = a_lead(owner=ada, phones=("+12125550190", "+12125550191"))
    call = calls.dial(lead, user=ada, now=now)
    again = calls.dial(lead, user=ada, now=now + 2 * MINUTE, redial=True)
    assert again == call
    assert [dial.number for dial in call.dials.all()] == [call.number, call.number]
    other = Number.objects.exclude(pk=call.number_id).get()
    with pytest.raises(refusals.AttemptOpen):
        calls.dial(lead, user=ada, now=now + 3 * MINUTE, redial=True, number=other)
    with pytest.raises(refusals.AttemptOpen):
        calls.dial(lead, user=ada, now=now + 6 * MINUTE, redial=True)
    assert (CallAttempt.objects.count(), Dial.objects.count()) == (1, 2)


def test_redials_are_bound_by_the_laws_cap(jo: Lead, ada: User, now: datetime) -> None:
    calls.dial(jo, user=ada, now=now)
    calls.dial(jo, user=ada, now=now + MINUTE, redial=True)
    calls.dial(jo, user=ada, now=now + 2 * MINUTE, redial=True)
    with pytest.raises(refusals.GuardBlocked) as refused:
        calls.dial(jo, user=ada, now=now + 3 * MINUTE, redial=True)
    assert refused.value.verdict is not None
    assert "frequency_cap" in refused.value.verdict.codes


def test_a_number_of_somebody_else_is_refused(jo: Lead, a_lead: ALead, ada: User, now: datetime) -> None:
    other = a_lead(owner=ada).lead_numbers.get().number
    with pytest.raises(refusals.Invalid) as refused:
        calls.dial(jo, user=ada, number=other, now=now)
    assert refused.value.field == "number"
    assert not CallAttempt.objects.exists()


def test_a_callback_of_next_week_lifts_no_caps_today(jo: Lead, ada: User, now: datetime) -> None:
    logged(jo, ada, "callback_requested", now=now - timedelta(hours=3), callback_at=now + timedelta(days=6))
    logged(jo, ada, "no_answer", now=now)
    with pytest.raises(refusals.GuardBlocked) as refused:
        calls.dial(jo, user=ada, now=now + timedelta(hours=3))
    assert refused.value.verdict is not None
    assert refused.value.verdict.codes == ("house_cap",)


def test_a_dial_by_hand_of_nobodys_lead(a_lead: ALead, root: User, now: datetime) -> None:
    """No pursuit, as nobody keeps it; who reaches it does from then on, and an agreed callback is not lost."""
    lead = a_lead()
    call = calls.dial(lead, user=root, now=now)
    assert (call.pursuit, call.attempt) == (None, None)
    outcomes.log_outcome(call, Logged("no_answer"), user=root, now=now + MINUTE)
    assert open_follow_up(lead) is None
    call = calls.dial(lead, user=root, now=now + timedelta(hours=3))
    agreed = now + timedelta(days=1)
    outcomes.log_outcome(
        call, Logged("callback_requested", callback_at=agreed), user=root, now=now + timedelta(hours=3)
    )
    lead.refresh_from_db()
    follow_up = open_follow_up(lead)
    assert follow_up is not None
    assert (lead.owner, follow_up.assignee, follow_up.agreed_at) == (root, root, agreed)


def test_a_call_about_a_meeting_starts_no_new_pursuit(jo: Lead, ada: User, now: datetime) -> None:
    starts = now + timedelta(days=3)
    logged(jo, ada, "meeting_booked", now=now, meeting={"starts_at": starts})
    call = calls.dial(jo, user=ada, now=now + timedelta(hours=3))
    assert call.pursuit is None
    outcomes.log_outcome(call, Logged("no_answer"), user=ada, now=now + timedelta(hours=3))
    jo.refresh_from_db()
    assert (jo.stage, Pursuit.objects.open().count(), open_follow_up(jo)) == ("meeting", 0, None)


# --- outcomes ---------------------------------------------------------------------------------------------


@dataclass
class Expected:
    """What an outcome of domain.md §4 does to a lead on its first attempt."""

    stage: str = "attempted"
    ends: str = ""
    attempt: int = 2
    rank: int | None = 5
    touchpoint: str = ""
    reached: bool = False
    task: str = ""
    warm: bool = False
    cooled: bool = False
    promise: bool = False
    more: dict[str, Any] = field(default_factory=dict)


NOON = datetime.fromisoformat("2026-03-04T17:00:00+00:00")
REACHED: dict[str, Any] = {"attempt": 1, "reached": True}
TABLE = {
    "no_answer": Expected(),
    "voicemail_left": Expected(touchpoint="voicemail_left"),
    "busy": Expected(),
    "gatekeeper": Expected(),
    "callback_requested": Expected(
        "conversation",
        **REACHED,
        rank=1,
        touchpoint="conversation",
        promise=True,
        more={"callback_at": NOON + timedelta(days=1)},
    ),
    "not_now": Expected(
        "conversation", **REACHED, rank=4, touchpoint="conversation", warm=True, more={"days": 60}
    ),
    "meeting_booked": Expected(
        "meeting", "meeting", **REACHED, rank=None, more={"meeting": {"starts_at": NOON + timedelta(days=3)}}
    ),
    "not_interested": Expected("conversation", "not_interested", **REACHED, rank=None, cooled=True),
    "info_requested": Expected("conversation", **REACHED, rank=3, touchpoint="conversation", promise=True),
    "hung_up": Expected(),
    "referred_on": Expected(
        "conversation",
        "referred_on",
        **REACHED,
        rank=None,
        more={"referred": {"first_name": "Kim", "last_name": "Lee", "phone": "+12125550177"}},
    ),
    "left_company": Expected(ends="left_company", attempt=2, rank=None),
    "wrong_number": Expected(rank=None, task="find_number"),
    "disconnected": Expected(rank=None, task="find_number"),
    "disqualified": Expected("lost", "disqualified", **REACHED, rank=None, more={"reason": "too small"}),
    "abusive": Expected(ends="not_interested", rank=None, task="look_into", cooled=True),
    "do_not_call": Expected(ends="do_not_call", rank=None, cooled=True),
}


def test_the_table_tells_every_outcome() -> None:
    from touchpoints.models import Outcome

    assert set(TABLE) == set(Outcome.objects.values_list("key", flat=True))


@pytest.mark.parametrize("key", TABLE)
def test_what_an_outcome_does(key: str, jo: Lead, ada: User, now: datetime) -> None:
    expected = TABLE[key]
    call = logged(jo, ada, key, now=now, notes="as said", **expected.more)
    jo.refresh_from_db()
    pursuit, follow_up = call.pursuit, open_follow_up(jo)
    assert pursuit is not None
    pursuit.refresh_from_db()
    assert (call.outcome_id, call.notes, call.duration_seconds) == (key, "as said", 30)
    assert jo.stage == expected.stage
    assert (pursuit.end_reason, pursuit.attempt) == (expected.ends, expected.attempt)
    assert (pursuit.reached_at_attempt == 1) is expected.reached
    assert (follow_up.rank if follow_up else None) == expected.rank
    if follow_up is not None:
        assert (follow_up.attempt, follow_up.assignee, follow_up.pursuit) == (expected.attempt, ada, pursuit)
        assert follow_up.due_at > now
    kinds = set(jo.touchpoints.values_list("kind_id", flat=True))
    assert kinds == ({expected.touchpoint} if expected.touchpoint else set())
    assert list(jo.tasks.values_list("kind", flat=True)) == ([expected.task] if expected.task else [])
    assert jo.is_warm(now=now) is expected.warm
    assert (jo.cooled_at is not None) is expected.cooled
    assert jo.promises.exists() is expected.promise
    closed = FollowUp.objects.get(pk=call.follow_up_id)
    assert closed.closed_as in ("done", "cancelled")


def test_a_wrong_number_leaves_this_person_and_the_next_number_is_due(
    a_lead: ALead, ada: User, now: datetime
) -> None:
    lead = a_lead(owner=ada, phones=("+12125550190", "+12125550191"))
    pursue.start([lead], by=ada, now=now)
    logged(lead, ada, "wrong_number", now=now)
    follow_up = open_follow_up(lead)
    assert [link.number.e164 for link in lead.lead_numbers.current()] == ["+12125550191"]
    assert follow_up is not None
    assert (follow_up.attempt, follow_up.due_at) == (2, now + 30 * SECOND)
    assert calls.dial(lead, user=ada, now=now + MINUTE).attempt == 2


def test_a_disconnected_number_is_invalid_for_everybody(
    jo: Lead, a_lead: ALead, ada: User, now: datetime
) -> None:
    number = jo.lead_numbers.get().number
    logged(jo, ada, "disconnected", now=now)
    number.refresh_from_db()
    assert (number.status, jo.lead_numbers.current().count()) == ("invalid", 1)


def test_who_left_the_company_keeps_the_warmth(jo: Lead, ada: User, touched: Any, now: datetime) -> None:
    touched(jo, "referral", days=1)
    logged(jo, ada, "left_company", now=now)
    jo.refresh_from_db()
    assert (jo.company, jo.lead_numbers.current().count(), jo.is_warm(now=now)) == (None, 0, True)


def test_a_referral_makes_a_warm_lead_of_the_same_company(jo: Lead, ada: User, now: datetime) -> None:
    from touchpoints import engine

    logged(jo, ada, "referred_on", now=now, **TABLE["referred_on"].more)
    engine.evaluate_waiting(now=now + MINUTE)
    kim = Lead.objects.get(last_name="Lee")
    assert (kim.owner, kim.company, kim.is_warm(now=now + MINUTE)) == (ada, jo.company, True)
    assert kim.touchpoints.get().referred_by == jo.name


def test_a_pool_lead_becomes_whose_who_first_reaches_it(
    a_lead: ALead, north: Team, ada: User, bea: User, now: datetime
) -> None:
    lead = a_lead(team=north)
    pursue.start([lead], by=ada, now=now)
    logged(lead, ada, "gatekeeper", now=now)
    lead.refresh_from_db()
    assert lead.owner is None
    logged(lead, bea, "info_requested", now=now + timedelta(hours=3))
    lead.refresh_from_db()
    follow_up = open_follow_up(lead)
    assert follow_up is not None
    assert (lead.owner, lead.team, follow_up.assignee) == (bea, north, bea)
    assert lead.audit_events.filter(action="lead.assigned").count() == 1


def test_a_promise_kept_by_the_reach(jo: Lead, ada: User, now: datetime) -> None:
    logged(jo, ada, "callback_requested", now=now, callback_at=now + timedelta(hours=4))
    logged(jo, ada, "info_requested", now=now + timedelta(hours=4))
    kept, new = Promise.objects.order_by("pk")
    assert (kept.kept_at, new.kept_at) == (now + timedelta(hours=4, seconds=30), None)


def test_a_second_hang_up_asks_whether_to_stop(jo: Lead, ada: User, now: datetime) -> None:
    logged(jo, ada, "hung_up", now=now)
    logged(jo, ada, "hung_up", now=now + timedelta(days=7))
    follow_up = open_follow_up(jo)
    assert follow_up is not None
    assert "stop calling?" in follow_up.reason


def test_what_is_refused_writes_nothing(jo: Lead, ada: User, now: datetime) -> None:
    call = calls.dial(jo, user=ada, now=now)
    before = state(jo)
    for wrong, name in (
        (Logged("nonsense"), "outcome"),
        (Logged("callback_requested"), "callback_at"),
        (Logged("callback_requested", callback_at=now - MINUTE), "callback_at"),
        (Logged("callback_requested", callback_at=now + timedelta(hours=12)), "callback_at"),
        (Logged("not_now", days=31), "days"),
        (Logged("meeting_booked", meeting={"starts_at": now, "host": "nobody"}), "meeting.host"),
        (Logged("referred_on", referred={"email": "no mail"}), "referred.email"),
    ):
        with pytest.raises(refusals.Invalid) as refused:
            outcomes.log_outcome(call, wrong, user=ada, now=now + MINUTE)
        assert refused.value.field == name
        call.refresh_from_db()
        assert (call.outcome_id, state(jo)) == (None, before)


def test_an_outcome_is_logged_once_and_by_its_caller(
    jo: Lead, ada: User, bea: User, max_: User, now: datetime
) -> None:
    call = calls.dial(jo, user=ada, now=now)
    with pytest.raises(refusals.NotYours):
        outcomes.log_outcome(call, Logged("no_answer"), user=bea, now=now)
    outcomes.log_outcome(call, Logged("no_answer"), user=max_, now=now + MINUTE)
    with pytest.raises(refusals.AttemptClosed):
        outcomes.log_outcome(call, Logged("busy"), user=ada, now=now + MINUTE)


# --- taking back and amending -----------------------------------------------------------------------------


def rows(found: Any, *without: str) -> list[dict[str, Any]]:
    return [{name: row[name] for name in row if name not in without} for row in found.order_by("pk").values()]


def state(lead: Lead) -> dict[str, Any]:
    """Everything that holds for a lead now; history (moves, closed follow-ups, audit) may grow."""
    return {
        "lead": rows(Lead.objects.all(), "updated_at"),
        "pursuits": rows(Pursuit.objects.all()),
        "follow_ups": rows(FollowUp.objects.open(), "lease_by_id", "lease_until"),
        "numbers": rows(Number.objects.filter(links__isnull=False).distinct(), "status_at"),
        "links": rows(LeadNumber.objects.all()),
        "tasks": rows(Task.objects.filter(done_at=None)),
        "promises": rows(Promise.objects.filter(cancelled_at=None)),
        "meetings": rows(Meeting.objects.filter(status="booked")),
        "list": rows(Suppression.objects.all()),
        "consents": rows(Consent.objects.all()),
        "overrides": rows(TemperatureOverride.objects.filter(ended_at=None)),
        "touchpoints": rows(Touchpoint.objects.all()),
        "answers": rows(Answer.objects.all()),
        "inbox": rows(UnmatchedTouchpoint.objects.all()),
    }


@pytest.fixture
def rich(
    a_lead: ALead, ada: User, bea: User, north: Team, touched: Any, now: datetime
) -> Callable[[str], Lead]:
    """rich("warm" | "cold"): a pool lead with a history, whose number and company a colleague's lead shares."""

    def make(kind: str) -> Lead:
        lead = a_lead(
            team=north, company="Acme", email="jo@acme.example", phones=("+12125550180", "+12125550181")
        )
        other = a_lead(owner=bea, company="Acme", phones=("+12125550180",), last_name="Other")
        pursue.start([lead, other], by=None, now=now - timedelta(days=1))
        if kind == "warm":
            touched(lead, "referral", days=2)
            touched(lead, "web_form", days=0.1)
        Consent.objects.create(
            lead=lead, kind="consent", starts_at=now - timedelta(days=9), recorded_at=now, evidence="form"
        )
        Consent.objects.create(
            lead=other, kind="consent", starts_at=now - timedelta(days=9), recorded_at=now, evidence="form"
        )
        Promise.objects.create(
            lead=lead, text="send prices", due_at=now, made_at=now - timedelta(days=2), made_by=ada
        )
        Answer.objects.create(lead=lead, question="How many?", answer="Six", at=now - timedelta(days=2))
        Task.objects.create(lead=lead, kind="look_into", reason="who decides?", team=north, created_at=now)
        TemperatureOverride.objects.create(
            lead=lead, temperature=kind, starts_at=now - timedelta(days=1), until=now + timedelta(days=5)
        )
        from touchpoints import engine

        engine.evaluate_leads([lead.pk], now=now)
        return lead

    return make


@pytest.mark.parametrize("kind", ["warm", "cold"])
@pytest.mark.parametrize("key", TABLE)
def test_undo_leaves_nothing_but_the_dial(
    key: str, kind: str, rich: Callable[[str], Lead], ada: User, now: datetime
) -> None:
    lead = rich(kind)
    call = calls.dial(lead, user=ada, now=now)
    before = state(lead)
    told = Logged(key, notes="n", answers={"How many?": "Seven", "Who?": "Ann"}, **TABLE[key].more)
    outcomes.log_outcome(call, told, user=ada, now=now + MINUTE)
    assert state(lead) != before
    call = take_back.undo(call, user=ada, now=now + MINUTE + 9 * SECOND)
    assert state(lead) == before
    assert (call.outcome, call.ended_at, call.effects, call.dials.count()) == (None, None, {}, 1)
    assert open_follow_up(lead).lease_by == ada  # type: ignore[union-attr]
    assert OutcomeChange.objects.filter(call=call, before=key, after=None).count() == 1
    again = outcomes.log_outcome(call, told, user=ada, now=now + 2 * MINUTE)
    assert again.outcome_id == key


def test_undo_of_a_company_wide_wish_lets_the_colleagues_go_on(
    rich: Callable[[str], Lead], ada: User, now: datetime
) -> None:
    lead = rich("warm")
    call = calls.dial(lead, user=ada, now=now)
    before = state(lead)
    outcomes.log_outcome(call, Logged("do_not_call", scope="company"), user=ada, now=now + MINUTE)
    assert not FollowUp.objects.open().exists()
    take_back.undo(call, user=ada, now=now + MINUTE + SECOND)
    assert state(lead) == before


def test_undo_keeps_whoever_was_on_the_list_before(jo: Lead, ada: User, now: datetime) -> None:
    call = calls.dial(jo, user=ada, now=now)
    entry = suppress.suppress(scope="number", number=call.number, by=ada, now=now, reason="wrote to us")
    outcomes.log_outcome(call, Logged("do_not_call"), user=ada, now=now + MINUTE)
    take_back.undo(call, user=ada, now=now + MINUTE + SECOND)
    assert list(Suppression.objects.active()) == [entry]


def test_undo_is_refused_when_it_is_too_late_or_anothers(
    jo: Lead, ada: User, bea: User, a_lead: ALead, now: datetime
) -> None:
    call = logged(jo, ada, "no_answer", now=now)
    at = now + 30 * SECOND
    with pytest.raises(refusals.NotYours):
        take_back.undo(call, user=bea, now=at)
    with pytest.raises(refusals.TooLate):
        take_back.undo(call, user=ada, now=at + 11 * SECOND)
    calls.dial(a_lead(owner=ada), user=ada, now=at)
    with pytest.raises(refusals.AttemptOpen):
        take_back.undo(call, user=ada, now=at + SECOND)


def test_undo_is_refused_while_a_colleague_has_what_it_placed(
    a_lead: ALead, ada: User, bea: User, north: Team, now: datetime
) -> None:
    lead = a_lead(team=north, phones=("+12125550190", "+12125550191"))
    pursue.start([lead], by=ada, now=now)
    call = logged(lead, ada, "disconnected", now=now)
    FollowUp.objects.open().update(lease_by=bea, lease_until=now + 5 * MINUTE)
    before = state(lead)
    with pytest.raises(refusals.LeasedByAnother):
        take_back.undo(call, user=ada, now=now + 35 * SECOND)
    assert state(lead) == before


def test_undo_of_an_outcome_told_late_opens_no_call(jo: Lead, ada: User, now: datetime) -> None:
    call = calls.dial(jo, user=ada, now=now)
    unlogged.close_forgotten(now=now + timedelta(hours=3))
    before = state(jo)
    at = now + timedelta(hours=4)
    outcomes.log_outcome(call, Logged("info_requested"), user=ada, now=at)
    call = take_back.undo(call, user=ada, now=at + SECOND)
    assert (call.outcome, call.ended_at) == (None, now + timedelta(hours=3))
    assert state(jo) == before


def test_an_amended_outcome_replaces_what_the_first_did(
    rich: Callable[[str], Lead], ada: User, now: datetime
) -> None:
    lead = rich("warm")
    call = logged(lead, ada, "not_interested", now=now)
    logged_at = call.ended_at
    lead.refresh_from_db()
    assert not lead.is_warm(now=now)
    take_back.amend(call, Logged("info_requested"), user=ada, now=now + timedelta(hours=2))
    lead.refresh_from_db()
    call.refresh_from_db()
    pursuit = Pursuit.objects.open().get(lead=lead)
    assert (call.outcome_id, call.ended_at) == ("info_requested", logged_at)
    assert (lead.is_warm(now=now), lead.cooled_at, lead.stage) == (True, None, "conversation")
    assert (pursuit.reached_at_attempt, open_follow_up(lead).rank) == (1, 3)  # type: ignore[union-attr]
    change = OutcomeChange.objects.get()
    assert (change.before_id, change.after_id) == ("not_interested", "info_requested")


def test_an_outcome_can_be_amended_while_another_call_is_open(
    jo: Lead, ada: User, a_lead: ALead, now: datetime
) -> None:
    call = logged(jo, ada, "no_answer", now=now)
    calls.dial(a_lead(owner=ada), user=ada, now=now + MINUTE)
    call = take_back.amend(call, Logged("busy"), user=ada, now=now + 2 * MINUTE)
    assert call.outcome_id == "busy"


def test_who_may_amend_and_until_when(jo: Lead, ada: User, bea: User, max_: User, now: datetime) -> None:
    call = logged(jo, ada, "no_answer", now=now)
    for user, at in ((bea, now + MINUTE), (ada, now + timedelta(hours=25))):
        with pytest.raises(refusals.TooLate):
            take_back.amend(call, Logged("busy"), user=user, now=at)
    take_back.amend(call, Logged("busy"), user=max_, now=now + timedelta(days=3))
    later = logged(jo, ada, "no_answer", now=now + timedelta(days=5))
    take_back.amend(call, Logged("gatekeeper"), user=max_, now=now + timedelta(days=5, hours=1))
    assert later.attempt == 2


# --- calls that were not dialled here ---------------------------------------------------------------------


def test_a_call_from_them_is_a_touchpoint_and_no_attempt(jo: Lead, ada: User, now: datetime) -> None:
    call = calls.log_inbound(jo, Logged("info_requested"), user=ada, now=now)
    pursuit = Pursuit.objects.get()
    assert (call.direction, call.attempt, call.dials.count()) == ("inbound", None, 0)
    assert set(jo.touchpoints.values_list("kind_id", flat=True)) == {"inbound_call", "conversation"}
    assert (pursuit.attempt, pursuit.reached_at) == (1, now)
    assert not HandRaise.objects.exists()


def test_a_call_from_them_that_reached_nobody_keeps_the_count(jo: Lead, ada: User, now: datetime) -> None:
    calls.log_inbound(jo, Logged("hung_up"), user=ada, now=now)
    follow_up = open_follow_up(jo)
    assert follow_up is not None
    assert (Pursuit.objects.get().attempt, follow_up.attempt) == (1, 1)


def test_what_a_caller_without_a_pursuit_asked_for_is_placed(a_lead: ALead, ada: User, now: datetime) -> None:
    lead = a_lead(owner=ada)
    agreed = now + timedelta(days=1)
    calls.log_inbound(lead, Logged("callback_requested", callback_at=agreed), user=ada, now=now)
    follow_up = open_follow_up(lead)
    assert follow_up is not None
    assert (follow_up.agreed_at, follow_up.rank, follow_up.assignee) == (agreed, 1, ada)


def past(now: datetime, **more: Any) -> reported.PastCall:
    values: dict[str, Any] = {"source": "pbx", "external_id": "1", "started_at": now, "duration_seconds": 65}
    return reported.PastCall(**{**values, **more})


def test_a_reported_call_counts_once(jo: Lead, ada: User, now: datetime) -> None:
    number = jo.lead_numbers.get().number
    call, new = reported.keep(
        past(now, outcome="no_answer"), lead=jo, number=number, user=ada, now=now + MINUTE
    )
    again, new_again = reported.keep(
        past(now, outcome="no_answer"), lead=jo, number=number, user=ada, now=now + 2 * MINUTE
    )
    follow_up = open_follow_up(jo)
    assert follow_up is not None
    assert (new, new_again, again) == (True, False, call)
    assert (call.attempt, call.breach, call.ended_at) == (1, False, now + timedelta(seconds=65))
    assert (Pursuit.objects.get().attempt, follow_up.attempt, Dial.objects.count()) == (2, 2, 1)
    assert FollowUp.objects.open().count() == 1


def test_a_report_within_three_minutes_completes_the_attempt(jo: Lead, ada: User, now: datetime) -> None:
    call = calls.dial(jo, user=ada, now=now)
    merged, _new = reported.keep(
        past(now + 2 * MINUTE, recording_url="https://pbx.example/1"),
        lead=jo,
        number=call.number,
        user=ada,
        now=now + 4 * MINUTE,
    )
    other, _new = reported.keep(
        past(now + 4 * MINUTE, external_id="2"), lead=jo, number=call.number, user=ada, now=now + 6 * MINUTE
    )
    call.refresh_from_db()
    assert (merged, call.duration_seconds, call.recording_url) == (call, 65, "https://pbx.example/1")
    assert other != call
    assert (call.attempt, other.attempt) == (1, 2)
    outcomes.log_outcome(call, Logged("no_answer"), user=ada, now=now + 7 * MINUTE)
    assert Pursuit.objects.get().attempt == 3


def test_a_report_while_the_rep_is_on_the_phone_with_somebody_else(
    jo: Lead, ada: User, a_lead: ALead, now: datetime
) -> None:
    calls.dial(a_lead(owner=ada), user=ada, now=now)
    call, _new = reported.keep(
        past(now - timedelta(hours=1), outcome="gatekeeper"), lead=jo, number=None, user=ada, now=now + MINUTE
    )
    assert call.outcome_id == "gatekeeper"


def test_a_reported_call_that_the_guard_would_have_blocked_is_a_breach(
    jo: Lead, ada: User, now: datetime
) -> None:
    night = now - timedelta(hours=12)
    call, _new = reported.keep(past(night), lead=jo, number=jo.lead_numbers.get().number, user=ada, now=now)
    assert (call.breach, call.guard["reasons"][0]["code"]) == (True, "hours_closed")
    follow_up = open_follow_up(jo)
    assert follow_up is not None
    assert follow_up.due_at > now


def test_forgotten_calls_are_closed_counted_and_their_leads_go_on(jo: Lead, ada: User, now: datetime) -> None:
    call = calls.dial(jo, user=ada, now=now)
    assert unlogged.close_forgotten(now=now + timedelta(minutes=119)) == 0
    assert unlogged.close_forgotten(now=now + timedelta(hours=2)) == 1
    assert unlogged.close_forgotten(now=now + timedelta(hours=2)) == 0
    call.refresh_from_db()
    follow_up = open_follow_up(jo)
    assert follow_up is not None
    assert (call.outcome, call.ended_at) == (None, now + timedelta(hours=2))
    assert (Pursuit.objects.get().attempt, follow_up.attempt) == (2, 2)
    outcomes.log_outcome(call, Logged("no_answer"), user=ada, now=now + timedelta(hours=3))
    assert (Pursuit.objects.get().attempt, open_follow_up(jo)) == (2, follow_up)


def test_a_talk_of_a_minute_reported_by_a_phone_system_is_a_conversation(
    jo: Lead, ada: User, now: datetime
) -> None:
    reported.keep(past(now, outcome="disqualified"), lead=jo, number=None, user=ada, now=now + MINUTE)
    moves = list(jo.stage_changes.order_by("pk").values_list("after", flat=True))
    assert moves == ["attempted", "reached", "conversation", "lost"]


def test_a_lost_lead_comes_back_by_a_new_pursuit(jo: Lead, ada: User, now: datetime) -> None:
    logged(jo, ada, "disqualified", now=now)
    calls.dial(jo, user=ada, now=now + timedelta(days=1))
    jo.refresh_from_db()
    assert (jo.stage, Pursuit.objects.open().count()) == ("attempted", 1)


def test_the_preview_tells_every_outcome_in_a_bounded_number_of_queries(
    jo: Lead, ada: User, now: datetime, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(25):
        shown = screen.show(jo, user=ada, now=now, call=None, follow_up=None)
    told = {button["key"] for button in shown["outcome_buttons"] if button["then"]}
    assert set(TABLE) - told == {"callback_requested"}


# --- voicemails, and calls from them -----------------------------------------------------------------------------


def test_one_voicemail_a_phase_and_the_key_says_so(jo: Lead, ada: User, now: datetime) -> None:
    logged(jo, ada, "voicemail_left", now=now)
    call = calls.dial(jo, user=ada, now=now + timedelta(days=1))
    at = now + timedelta(days=1, minutes=1)
    shown = screen.show(jo, user=ada, now=at, call=call, follow_up=None)
    told = {button["key"]: button["then"] for button in shown["outcome_buttons"]}
    assert "no answer" in told["voicemail_left"]
    with pytest.raises(refusals.Invalid) as refused:
        outcomes.log_outcome(call, Logged("voicemail_left"), user=ada, now=at)
    assert refused.value.field == "outcome"
    assert CallAttempt.objects.open().get() == call
    outcomes.log_outcome(call, Logged("no_answer"), user=ada, now=at)
    # Six attempts on, the next phase has one of its own.
    Pursuit.objects.update(step=7, attempt=7)
    logged(jo, ada, "voicemail_left", now=now + timedelta(days=2))


def test_a_call_from_them_that_a_phone_system_reports_is_a_touchpoint(
    jo: Lead, ada: User, now: datetime
) -> None:
    from_them = past(now, direction="inbound", external_id="in-1", duration_seconds=90)
    call, _new = reported.keep(from_them, lead=jo, number=None, user=ada, now=now + MINUTE)
    touchpoint = jo.touchpoints.get()
    assert (touchpoint.kind_id, touchpoint.occurred_at, touchpoint.by_user) == (
        "inbound_call",
        call.started_at,
        ada,
    )
    reported.keep(from_them, lead=jo, number=None, user=ada, now=now + MINUTE)
    assert jo.touchpoints.count() == 1


def test_a_call_from_them_that_nobody_took_asks_for_a_call_back(jo: Lead, ada: User, now: datetime) -> None:
    missed = past(now, direction="inbound", external_id="in-2", duration_seconds=0)
    reported.keep(missed, lead=jo, number=None, user=ada, now=now + MINUTE)
    engine.evaluate_waiting(now=now + MINUTE)
    assert FollowUp.objects.open().get(lead=jo).rank == FollowUp.Rank.HAND_RAISE
