"""Do leads that nobody works return to the pool, and only those, and does their owner hear of it before?"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from crm.accounts.models import Absence, Team, User
from leads.models import AuditEvent, Lead
from touchpoints import assign, calls, idle, lead_page, outcomes, pauses, pursue, reassign, tending, todo
from touchpoints.models import FollowUp, IdleNotice, Promise, Pursuit, Reassignment, SweepRun, Touchpoint

pytestmark = pytest.mark.django_db
ALead = Callable[..., Lead]
Touched = Callable[..., Touchpoint]
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
AFTER = 10


@pytest.fixture(autouse=True)
def _ten_days(north: Team) -> None:
    Team.objects.filter(pk=north.pk).update(idle_days=AFTER)


@pytest.fixture
def jo(a_lead: ALead, ada: User, now: datetime) -> Lead:
    """Ada's; due since today."""
    lead = a_lead(owner=ada)
    pursue.start([lead], by=ada, now=now)
    return lead


def swept(now: datetime) -> int:
    """Both sweeps as they run: first the one that moves on missed follow-ups."""
    tending.tend_follow_ups(now=now)
    return idle.sweep(now=now)


def test_the_owner_is_told_three_days_before_and_then_it_goes(
    jo: Lead, ada: User, north: Team, now: datetime
) -> None:
    assert swept(now + 6 * DAY) == 0
    assert idle.told_to(ada, most=9) == []
    assert swept(now + 7 * DAY) == 0
    (notice,) = idle.told_to(ada, most=9)
    assert (notice.lead, notice.returns_at) == (jo, now + 10 * DAY)
    assert swept(now + 9 * DAY) == 0
    assert IdleNotice.objects.count() == 1
    assert swept(now + 10 * DAY) == 1
    jo.refresh_from_db()
    assert (jo.owner, jo.team) == (None, north)
    row = FollowUp.objects.open().get(lead=jo)
    assert (row.assignee, row.team) == (None, north)
    assert not IdleNotice.objects.exists()
    kept = Reassignment.objects.get()
    assert (kept.cause, kept.giver, kept.by, kept.rows.get().lead) == ("idle", ada, None, jo)
    assert SweepRun.objects.get(name="return_idle_leads").error == ""
    assert swept(now + 30 * DAY) == 0


def test_the_reason_stands_in_the_lead_s_history(jo: Lead, ada: User, max_: User, now: datetime) -> None:
    for day in (7, 10):
        swept(now + day * DAY)
    jo.refresh_from_db()
    told = [row["text"] for row in lead_page.show(jo, user=max_, now=now + 11 * DAY)["timeline"]]
    assert "Ada → the pool of North: nobody worked it for 10 days" in told


def test_it_can_be_taken_back(jo: Lead, ada: User, max_: User, now: datetime) -> None:
    for day in (7, 10):
        swept(now + day * DAY)
    assert reassign.undo(Reassignment.objects.get(), by=max_, now=now + 11 * DAY) == 1
    jo.refresh_from_db()
    assert jo.owner == ada
    assert swept(now + 12 * DAY) == 0, "whoever gets it back has the days once more"


def call_it(lead: Lead, ada: User, now: datetime) -> None:
    call = calls.dial(lead, user=ada, now=now)
    outcomes.log_outcome(call, outcomes.Logged("no_answer"), user=ada, now=now + MINUTE)


def promise_it(lead: Lead, ada: User, now: datetime) -> None:
    Promise.objects.create(lead=lead, text="the study", due_at=now, made_at=now, made_by=ada)


def agree_on_it(lead: Lead, ada: User, now: datetime) -> None:
    FollowUp.objects.filter(lead=lead).update(agreed_at=now, rank=FollowUp.Rank.CALLBACK)


def pause_it(lead: Lead, ada: User, now: datetime) -> None:
    pauses.pause(Pursuit.objects.get(lead=lead), now + 90 * DAY, by=ada, why="their budget", now=now)


def give_it(lead: Lead, ada: User, now: datetime) -> None:
    assign.assign([lead], team=ada.team, by=None, now=now)
    assign.assign([lead], owner=ada, by=None, now=now)


def end_it(lead: Lead, ada: User, now: datetime) -> None:
    pursue.end(Pursuit.objects.get(lead=lead), "not_interested", by=ada, now=now)


def ask_about_it(lead: Lead, ada: User, now: datetime) -> None:
    todo.ask(lead, "find_name", "who is it?", now=now)


@pytest.mark.parametrize(
    "happens",
    [call_it, promise_it, agree_on_it, pause_it, give_it, end_it, ask_about_it],
    ids=lambda it: it.__name__,
)
def test_who_is_worked_promised_to_or_resting_stays(
    jo: Lead, ada: User, now: datetime, happens: Callable[..., None]
) -> None:
    swept(now + 7 * DAY)
    assert IdleNotice.objects.exists()
    happens(jo, ada, now + 8 * DAY)
    assert swept(now + 10 * DAY) == 0
    jo.refresh_from_db()
    assert jo.owner == ada
    assert not IdleNotice.objects.exists()


def test_what_is_planned_for_later_is_not_idle(jo: Lead, ada: User, now: datetime) -> None:
    """ "Call me in ninety days": on the ninetieth it is due, not idle for ninety days."""
    call = calls.dial(jo, user=ada, now=now)
    outcomes.log_outcome(call, outcomes.Logged("not_now", days=90), user=ada, now=now + MINUTE)
    due_at = FollowUp.objects.open().get(lead=jo).due_at
    assert swept(due_at + DAY) == 0
    assert not IdleNotice.objects.exists()
    swept(due_at + 8 * DAY)
    assert IdleNotice.objects.exists()


def test_leads_that_wait_for_their_first_call_return_too(a_lead: ALead, ada: User, now: datetime) -> None:
    """Ada hoards: she has more than she will ever start. They were hers for thirty days."""
    lead = a_lead(owner=ada)
    swept(now)
    assert swept(now + 3 * DAY) == 1
    lead.refresh_from_db()
    assert lead.owner is None


def test_nobody_s_leads_are_taken_while_they_are_away(jo: Lead, ada: User, now: datetime) -> None:
    swept(now + 7 * DAY)
    Absence.objects.create(user=ada, starts_on=(now + 8 * DAY).date(), ends_on=(now + 20 * DAY).date())
    assert swept(now + 15 * DAY) == 0
    assert IdleNotice.objects.exists()
    assert swept(now + 21 * DAY) == 1


def test_a_team_that_did_not_ask_for_it_keeps_its_leads(a_lead: ALead, cy: User, now: datetime) -> None:
    a_lead(owner=cy)
    assert swept(now + 300 * DAY) == 0
    assert not IdleNotice.objects.exists()


def test_the_sweep_takes_many_by_the_same_statements(a_lead: ALead, ada: User, now: datetime) -> None:
    counted = []
    for size in (3, 30):
        for _ in range(size):
            a_lead(owner=ada)
        idle.sweep(now=now)
        with CaptureQueriesContext(connection) as context:
            assert idle.sweep(now=now + 3 * DAY) == size
        counted.append(len(context))
        Lead.objects.update(stage="won")
    assert counted[0] == counted[1]
    assert AuditEvent.objects.filter(action="lead.assigned").count() == 33
