"""Whatever happens to a lead, in whatever order: do its pursuits, calls and follow-ups still say the same thing?

Random weeks of a rep, a manager and a lead through the real doors: outcomes, taken back and amended, told late or
never, calls from them, pauses, stops and recycling. After each step the rows are held against each other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest
from django.db import transaction

from crm.accounts.models import User
from leads.models import Lead, Suppression
from touchpoints import (
    calls,
    engine,
    outcomes,
    pauses,
    pursue,
    refusals,
    starts,
    take_back,
    tending,
    unlogged,
)
from touchpoints.models import CallAttempt, FollowUp, Meeting, Outcome, Promise, Pursuit, Touchpoint
from touchpoints.outcomes import Logged

pytestmark = pytest.mark.django_db
ALead = Callable[..., Lead]
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)

# Often what is often said, at times what is rare; who must not be called ends the story, so seldom that.
OUTCOMES = [
    *["no_answer"] * 6,
    *["voicemail_left", "busy", "gatekeeper", "hung_up"] * 2,
    *["callback_requested", "info_requested", "not_now", "not_interested", "meeting_booked"],
    *["disqualified", "referred_on", "left_company", "wrong_number", "abusive", "do_not_call"],
]
TOLD_BY_THEM = ["callback_requested", "info_requested", "hung_up", "not_now", "meeting_booked"]
STEPS: dict[str, tuple[int, list[Any]]] = {  # how often, and with what
    "call": (8, OUTCOMES),
    "call and take back": (2, OUTCOMES),
    "amend": (5, OUTCOMES),
    "forget": (1, OUTCOMES),
    "tell late": (2, OUTCOMES),
    "they ring": (1, TOLD_BY_THEM),
    "they write": (1, ["web_form", "email_reply", "referral"]),
    "pause": (1, [1, 7, 20]),
    "resume": (1, [0]),
    "stop": (1, [0]),
    "start": (1, [0]),
    "rest half a year": (1, [0]),
    "wait": (2, [1, 24, 200]),
}


def said(key: str, now: datetime) -> Logged:
    more: dict[str, dict[str, Any]] = {
        "callback_requested": {"callback_at": (now + DAY).replace(hour=16, minute=0)},
        "meeting_booked": {"meeting": {"starts_at": now + 3 * DAY}},
        "not_now": {"days": 30},
        "referred_on": {"referred": {"first_name": "Kim", "email": "kim@elsewhere.example"}},
        "disqualified": {"reason": "too small"},
    }
    return Logged(key, **more.get(key, {}))


@dataclass
class Story:
    lead: Lead
    rep: User
    manager: User
    touched: Callable[..., Touchpoint]
    now: datetime
    chance: Random
    told: list[str] = field(default_factory=list)

    def play(self) -> None:
        (act,) = self.chance.choices(list(STEPS), [often for often, _what in STEPS.values()])
        what = self.chance.choice(STEPS[act][1])
        self.told.append(f"{self.now:%a %d %b %H:%M} {act} {what or ''}")
        self.lead.refresh_from_db()
        try:
            with transaction.atomic():
                getattr(self, "_" + act.replace(" ", "_"))(what)
        except refusals.Refused as refused:
            self.told[-1] += f" -> {refused.code}: {refused.detail}"
        assert not CallAttempt.objects.open().exists(), self.told

    def _dial(self) -> CallAttempt:
        row = FollowUp.objects.open().filter(lead=self.lead).first()
        if row is not None:
            self.now = max(self.now, row.due_at)
        call = calls.dial(self.lead, user=self.rep, now=self.now, warn_reason="as agreed")
        self.now += 2 * MINUTE
        return call

    def _call(self, key: str) -> CallAttempt:
        call = outcomes.log_outcome(self._dial(), said(key, self.now), user=self.rep, now=self.now)
        self.now += HOUR
        return call

    def _call_and_take_back(self, key: str) -> None:
        call = outcomes.log_outcome(self._dial(), said(key, self.now), user=self.rep, now=self.now)
        call = take_back.undo(call, user=self.rep, now=self.now + timedelta(seconds=5))
        self.now += MINUTE
        outcomes.log_outcome(call, said("no_answer", self.now), user=self.rep, now=self.now)
        self.now += HOUR

    def _amend(self, key: str) -> None:
        done = list(self.lead.calls.exclude(outcome=None))
        if done:
            call = self.chance.choice(done)
            self.told[-1] += f", was {call.outcome_id}, {call.started_at:%a %d %b %H:%M}"
            take_back.amend(call, said(key, self.now), user=self.manager, now=self.now)
            self.now += HOUR

    def _forget(self, _key: str) -> None:
        self._dial()
        self.now += 2 * HOUR
        assert unlogged.close_forgotten(now=self.now) == 1

    def _tell_late(self, key: str) -> None:
        call = self.lead.calls.filter(outcome=None).first()
        if call is not None:
            take_back.amend(call, said(key, self.now), user=self.rep, now=self.now)
            self.now += HOUR

    def _they_ring(self, key: str) -> None:
        calls.log_inbound(self.lead, said(key, self.now), user=self.rep, now=self.now)
        self.now += HOUR

    def _they_write(self, kind: str) -> None:
        self.touched(self.lead, kind, now=self.now)
        self.now += HOUR

    def _pause(self, days: int) -> None:
        for pursuit in Pursuit.objects.open().filter(lead=self.lead):
            pauses.pause(pursuit, self.now + days * DAY, by=self.rep, why="budget frozen", now=self.now)

    def _resume(self, _nothing: int) -> None:
        for pursuit in Pursuit.objects.open().filter(lead=self.lead):
            pauses.resume(pursuit, by=self.rep, now=self.now)

    def _stop(self, _nothing: int) -> None:
        for pursuit in Pursuit.objects.open().filter(lead=self.lead):
            pursue.end(pursuit, "given_up", by=self.rep, now=self.now, note="bad timing")
        self.now += HOUR

    def _start(self, _nothing: int) -> None:
        pursue.start([self.lead], by=self.rep, now=self.now)

    def _rest_half_a_year(self, _nothing: int) -> None:
        self.now += 181 * DAY
        tending.tend_follow_ups(now=self.now)
        starts.recycle(now=self.now)

    def _wait(self, hours: int) -> None:
        self.now += hours * HOUR
        tending.tend_follow_ups(now=self.now)
        engine.cool_expired(now=self.now)
        starts.start_waiting(now=self.now)


def check(story: Story) -> None:
    lead = Lead.objects.get(pk=story.lead.pk)
    pursuits = list(lead.pursuits.order_by("pk"))
    assert sum(pursuit.ended_at is None for pursuit in pursuits) <= 1
    for pursuit in pursuits:
        _count_is_of_the_rows(pursuit)
        assert (pursuit.ended_at is None) is (pursuit.end_reason == "")
        rows = FollowUp.objects.open().filter(pursuit=pursuit)
        if pursuit.ended_at is not None:
            assert not rows.exists()
            exhausted = (
                pursuit.tries_since_reach >= 6 if pursuit.reached_at else pursuit.attempt > pursuit.target
            )
            assert exhausted or pursuit.end_reason != "exhausted"
        else:
            planned, asked = FollowUp.objects.open().filter(lead=lead), lead.tasks.filter(done_at=None)
            if not planned and not asked:
                pursue.resume_stalled(now=story.now)
            rests = pursuit.paused_until is not None and pursuit.paused_until > story.now
            assert planned.count() == 1 or asked.exists() or rests, "nobody will ever call this lead again"
            for row in rows:
                assert row.attempt == pursuit.attempt, row.reason
                assert row.reason
    assert FollowUp.objects.open().filter(lead=lead).count() <= 1
    _effects_are_of_the_outcomes(lead)


def _count_is_of_the_rows(pursuit: Pursuit) -> None:
    numbers: list[int] = []
    reached: CallAttempt | None = None
    tries = 0
    for call in pursuit.calls.select_related("outcome").order_by("started_at", "pk"):
        if reached is not None:
            assert call.attempt is None
            if call.outcome is not None:
                tries = tries + 1 if call.outcome_id in ("no_answer", "voicemail_left", "busy") else 0
            continue
        if call.direction == "outbound":
            assert call.attempt is not None
            numbers.append(call.attempt)
        reached = call if call.outcome is not None and call.outcome.reach else None
    assert numbers == list(range(1, len(numbers) + 1))
    if reached is None:
        assert (pursuit.reached_at, pursuit.attempt) == (None, len(numbers) + 1)
    else:
        at = reached.attempt or len(numbers) + 1
        assert (pursuit.reached_at, pursuit.reached_at_attempt, pursuit.attempt) == (
            reached.started_at,
            at,
            at,
        )
        assert pursuit.tries_since_reach == tries


def _effects_are_of_the_outcomes(lead: Lead) -> None:
    logged = list(lead.calls.exclude(outcome=None).select_related("outcome"))
    keys = [call.outcome_id for call in logged]
    talked = sum(one.outcome.touchpoint_kind_id == "conversation" for one in logged if one.outcome)
    assert lead.touchpoints.filter(kind="conversation").count() == talked
    assert lead.touchpoints.filter(kind="voicemail_left").count() == keys.count("voicemail_left")
    on_list = Suppression.objects.active().exists()
    assert on_list or "do_not_call" not in keys
    planned = (
        FollowUp.objects.open().filter(lead=lead).exists() or lead.pursuits.filter(ended_at=None).exists()
    )
    assert not (on_list and planned)
    booked = Meeting.objects.filter(lead=lead, status="booked")
    assert {one.call_id for one in booked} == {one.pk for one in logged if one.outcome_id == "meeting_booked"}
    assert booked.count() == keys.count("meeting_booked")
    made_of = {
        one.call.outcome_id for one in Promise.objects.filter(lead=lead, cancelled_at=None) if one.call
    }
    assert made_of <= {"callback_requested", "info_requested"}
    refusing = set(Outcome.objects.filter(sets_cooled=True).values_list("pk", flat=True))
    ended = [call.ended_at for call in logged if call.outcome_id in refusing]
    assert lead.cooled_at == max((at for at in ended if at), default=None)


@pytest.mark.parametrize("seed", range(16))
def test_the_rows_agree_whatever_happens(
    seed: int, a_lead: ALead, touched: Any, ada: User, max_: User, now: datetime
) -> None:
    phones = ("+12125550190", "+12125550191")
    lead = a_lead(owner=ada, company="Acme", email="jo@acme.example", phones=phones)
    pursue.start([lead], by=ada, now=now)
    story = Story(lead, ada, max_, touched, now, Random(seed))
    for _step in range(20):
        story.play()
        try:
            check(story)
        except AssertionError as wrong:
            wrong.add_note("\n".join(story.told))
            raise
