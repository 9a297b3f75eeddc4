"""What becomes of "call me on Thursday at two"? The life of an agreed call, minute by minute: nobody forgets it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.test import Client

from crm.accounts.models import Absence, User
from leads.models import Lead
from tests.touchpoints.leads_cast import make_lead
from touchpoints import calls, outcomes, pursue, queue, reminders, tending
from touchpoints.models import CallAttempt, FollowUp, Promise

# A Tuesday, 10:00 in Copenhagen, and the Thursday after it at 14:00.
NOW = datetime(2026, 3, 3, 9, 0, tzinfo=UTC)
AGREED = datetime(2026, 3, 5, 13, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def anna(ada: User) -> Lead:
    """Anna, who asked Ada to call her on Thursday at two, and said why; beside her a lead that is due all the time."""
    anna = make_lead("Anna", owner=ada, phone="+45 32 12 34 50")
    other = make_lead("Bo", owner=ada, phone="+45 32 12 34 51")
    pursue.start([anna, other], by=ada, now=NOW)
    call = calls.dial(anna, user=ada, now=NOW)
    logged = outcomes.Logged("callback_requested", notes="budget is decided at noon", callback_at=AGREED)
    outcomes.log_outcome(call, logged, user=ada, now=NOW + MINUTE)
    return anna


def told(user: User, at: datetime) -> list[str]:
    return [one.kind for one in reminders.reminders_for(user, now=at)]


def served(user: User, at: datetime) -> Lead | None:
    queue.release(user, now=at)
    row = queue.next_lead(user, now=at)
    return row.lead if row else None


def page_of(user: User, at: datetime, address: str = "/call/") -> str:
    client = Client()
    client.force_login(user)
    with time_machine.travel(at, tick=False):
        return client.get(address).content.decode()


def test_five_minutes_before_its_rep_hears_of_it_and_nobody_else(anna: Lead, ada: User, bea: User) -> None:
    assert told(ada, AGREED - 6 * MINUTE) == []
    assert told(ada, AGREED - 5 * MINUTE) == ["callback"]
    assert told(bea, AGREED - 5 * MINUTE) == []
    toast = page_of(ada, AGREED - 4 * MINUTE, "/call/alerts/")
    assert "You agreed to call <b>Anna Hansen</b>" in toast
    assert f"/call/?lead={anna.pk}" in toast


def test_within_five_minutes_no_fresh_lead_is_served(anna: Lead, ada: User) -> None:
    row = FollowUp.objects.open().get(lead=anna)
    FollowUp.objects.filter(pk=row.pk).update(due_at=AGREED)
    other = served(ada, AGREED - 6 * MINUTE)
    assert other is not None
    assert other != anna
    assert served(ada, AGREED - 5 * MINUTE) == anna


def test_ten_minutes_late_a_team_mate_is_told_served_and_reads_the_notes(
    anna: Lead, ada: User, bea: User, cy: User
) -> None:
    assert told(bea, AGREED + 9 * MINUTE) == []
    assert served(bea, AGREED + 9 * MINUTE) is None
    late = AGREED + 10 * MINUTE
    assert told(bea, late) == ["late_callback"]
    assert told(cy, late) == []
    toast = page_of(bea, late, "/call/alerts/")
    assert "Ada agreed to call <b>Anna Hansen</b>" in toast
    shown = page_of(bea, late)
    assert f'data-lead="{anna.pk}"' in shown
    assert "budget is decided at noon" in shown
    # Bea has her in hand: nobody else is sent, and Ada sees so too.
    assert told(bea, late + MINUTE) == []
    call = calls.dial(anna, user=bea, now=late + MINUTE)
    assert call.number is not None
    row = FollowUp.objects.open().get(lead=anna)
    assert (row.assignee, row.lease_by) == (ada, bea)


@pytest.mark.parametrize("busy", ["away", "on the phone"])
def test_who_is_away_or_on_the_phone_is_not_asked(
    anna: Lead, bea: User, busy: str, a_lead: Callable[..., Lead]
) -> None:
    late = AGREED + 10 * MINUTE
    if busy == "away":
        Absence.objects.create(user=bea, starts_on=late.date(), ends_on=late.date())
    else:
        CallAttempt.objects.create(lead=a_lead(owner=bea), user=bea, started_at=late - MINUTE)
    assert told(bea, late) == []
    assert told(bea, late + MINUTE) == []


def test_it_heads_the_queue_all_day_and_the_next_day_is_a_broken_promise(anna: Lead, ada: User) -> None:
    evening = AGREED + timedelta(hours=4)
    tending.tend_follow_ups(now=AGREED + 20 * MINUTE)
    tending.tend_follow_ups(now=evening)
    assert served(ada, evening) == anna
    assert not Promise.objects.filter(broken_at__isnull=False).exists()
    midnight = datetime(2026, 3, 5, 23, 0, tzinfo=UTC)
    tending.tend_follow_ups(now=midnight + MINUTE)
    row = FollowUp.objects.open().get(lead=anna)
    assert (row.rank, row.due_at) == (FollowUp.Rank.PROMISE, datetime(2026, 3, 6, 7, 0, tzinfo=UTC))
    assert "callback missed" in row.reason
    assert Promise.objects.get().broken_at is not None
    assert served(ada, row.due_at) == anna
    assert "Promised and late:" in page_of(ada, row.due_at)


def test_who_is_called_at_the_agreed_time_had_the_promise_kept(anna: Lead, ada: User) -> None:
    call = calls.dial(anna, user=ada, now=AGREED)
    outcomes.log_outcome(call, outcomes.Logged("info_requested"), user=ada, now=AGREED + 5 * MINUTE)
    tending.tend_follow_ups(now=AGREED + timedelta(days=1))
    promise = Promise.objects.order_by("made_at").first()
    assert promise is not None
    assert (promise.kept_at is not None, promise.broken_at) == (True, None)
