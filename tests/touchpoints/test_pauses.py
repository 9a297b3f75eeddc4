"""Does a pursuit rest while a reply is answered, and go on afterwards; is who rested long enough tried again?"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from crm.accounts.models import User
from leads.models import AuditEvent, Lead
from touchpoints import calls, outcomes, pauses, pursue, queue, starts, take_back
from touchpoints.models import FollowUp, Pursuit, Task, Touchpoint

pytestmark = pytest.mark.django_db
ALead = Callable[..., Lead]
Touched = Callable[..., Touchpoint]
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


@pytest.fixture
def jo(a_lead: ALead, ada: User, now: datetime) -> Lead:
    lead = a_lead(owner=ada)
    pursue.start([lead], by=ada, now=now - 3 * DAY)
    return lead


def the_pursuit(lead: Lead) -> Pursuit:
    return Pursuit.objects.get(lead=lead)


def the_follow_up(lead: Lead) -> FollowUp:
    return FollowUp.objects.open().get(lead=lead)


@pytest.mark.parametrize("kind", ["email_reply", "text_reply"])
def test_a_reply_rests_the_pursuit_and_asks_for_one_answer(
    jo: Lead, ada: User, touched: Touched, now: datetime, kind: str
) -> None:
    """Wednesday noon: answer by Thursday, and Jo is on no list before next Wednesday, warm as she is."""
    assert queue.next_lead(ada, now=now) is not None
    queue.release(ada, now=now)
    touched(jo, kind, summary="What does it cost?")
    task = Task.objects.get(lead=jo)
    assert (task.kind, task.due_at, task.assignee) == ("answer", now + DAY, ada)
    assert "What does it cost?" in task.reason
    assert the_pursuit(jo).paused_until == now + 7 * DAY
    assert jo.temperature == "warm"
    assert queue.next_lead(ada, now=now + DAY) is None
    touched(jo, kind)
    assert Task.objects.filter(lead=jo).count() == 1
    row = queue.next_lead(ada, now=now + 7 * DAY)
    assert row is not None
    assert row.lead_id == jo.pk


def test_the_call_that_answers_lets_it_go_on_and_taking_it_back_does_not(
    jo: Lead, ada: User, touched: Touched, now: datetime
) -> None:
    touched(jo, "email_reply")
    call = calls.dial(jo, user=ada, now=now)
    call = outcomes.log_outcome(call, outcomes.Logged("no_answer"), user=ada, now=now + MINUTE)
    assert the_pursuit(jo).paused_until is None
    assert not Task.objects.filter(lead=jo, done_at=None).exists()
    assert the_follow_up(jo).due_at < now + 5 * DAY
    take_back.undo(call, user=ada, now=now + MINUTE + timedelta(seconds=5))
    assert the_pursuit(jo).paused_until == now + 7 * DAY


def test_what_was_agreed_stays_where_it_is(jo: Lead, ada: User, touched: Touched, now: datetime) -> None:
    call = calls.dial(jo, user=ada, now=now)
    agreed = now + DAY
    said = outcomes.Logged("callback_requested", callback_at=agreed)
    outcomes.log_outcome(call, said, user=ada, now=now + MINUTE)
    touched(jo, "email_reply", now=now + timedelta(hours=1))
    assert the_follow_up(jo).agreed_at == agreed
    assert the_follow_up(jo).due_at <= agreed


@pytest.mark.parametrize("more", [{"historical": True}, {"days": 8}])
def test_old_replies_rest_nobody(jo: Lead, touched: Touched, now: datetime, more: dict[str, object]) -> None:
    touched(jo, "email_reply", **more)
    assert the_pursuit(jo).paused_until is None
    assert not Task.objects.exists()


def test_a_person_lets_it_rest_and_go_on(jo: Lead, ada: User, now: datetime) -> None:
    until = now + 10 * DAY
    assert not pauses.pause(the_pursuit(jo), now - MINUTE, why="budget", by=ada, now=now)
    assert not pauses.pause(the_pursuit(jo), now + 400 * DAY, why="budget", by=ada, now=now)
    assert not pauses.pause(the_pursuit(jo), until, why="  ", by=ada, now=now)
    assert pauses.pause(the_pursuit(jo), until, why="budget frozen", by=ada, now=now)
    assert the_follow_up(jo).due_at >= until
    assert "budget frozen" in the_follow_up(jo).reason
    assert queue.next_lead(ada, now=now) is None
    assert pauses.resume(the_pursuit(jo), by=ada, now=now + DAY)
    assert the_follow_up(jo).due_at < until
    assert not pauses.resume(the_pursuit(jo), by=ada, now=now + DAY)
    told = AuditEvent.objects.filter(subject_type="pursuit").values_list("action", flat=True)
    assert sorted(told) == ["pursuit.paused", "pursuit.resumed"]
    assert the_pursuit(jo).paused_why == ""


def test_a_reply_does_not_cut_a_longer_rest_short(
    jo: Lead, ada: User, touched: Touched, now: datetime
) -> None:
    until = now + 30 * DAY
    pauses.pause(the_pursuit(jo), until, why="budget frozen", by=ada, now=now)
    touched(jo, "email_reply")
    assert (the_pursuit(jo).paused_until, the_pursuit(jo).paused_why) == (until, "budget frozen")
    assert the_follow_up(jo).due_at >= until
    assert Task.objects.get(lead=jo).kind == "answer"


def test_a_rest_ends_by_itself_and_the_pursuit_for_one_reason(jo: Lead, ada: User, now: datetime) -> None:
    """It goes on with the attempt it stood at; giving up before the target needs a reason from the list."""
    until = now + 10 * DAY
    pauses.pause(the_pursuit(jo), until, why="budget frozen", by=ada, now=now)
    row = queue.next_lead(ada, now=the_follow_up(jo).due_at)
    assert row is not None
    assert row.attempt == the_pursuit(jo).attempt
    for note in ("", "just so"):
        with pytest.raises(ValueError, match="given up"):
            pursue.end(the_pursuit(jo), "given_up", by=ada, note=note, now=until)
        with pytest.raises(ValueError, match="given up"):
            pursue.end_many([the_pursuit(jo)], "given_up", by=ada, note=note, now=until)
    assert the_pursuit(jo).ended_at is None
    pursue.end(the_pursuit(jo), "given_up", by=ada, note="no fit", now=until)
    assert pursue.end_many([the_pursuit(jo)], "not_interested", by=ada, now=until) == 0
    assert (the_pursuit(jo).end_reason, the_pursuit(jo).end_note) == ("given_up", "no fit")


# --- resting for half a year -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("reason", "again"), [("exhausted", 1), ("not_interested", 1), ("disqualified", 0)])
def test_who_rested_half_a_year_is_tried_again(
    jo: Lead, ada: User, now: datetime, reason: str, again: int
) -> None:
    Lead.objects.filter(pk=jo.pk).update(stage="attempted")
    pursue.end(the_pursuit(jo), reason, by=ada, now=now)
    assert starts.recycle(now=now + 179 * DAY) == 0
    assert starts.recycle(now=now + 181 * DAY) == again
    assert Pursuit.objects.open().count() == again
    assert starts.recycle(now=now + 181 * DAY) == 0


def test_recycling_keeps_to_what_the_days_can_carry(a_lead: ALead, ada: User, now: datetime) -> None:
    ada.dials_a_day = 1
    ada.save()
    leads = [a_lead(owner=ada) for _n in range(9)]
    Lead.objects.update(stage="attempted")
    for pursuit in pursue.start(leads, by=None, now=now):
        pursue.end(pursuit, "exhausted", by=None, now=now)
    assert 0 < starts.recycle(now=now + 200 * DAY) < 9
