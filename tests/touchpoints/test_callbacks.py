"""Is what a rep agreed on in one place, with two calls of one minute warned about, and calls left open to finish?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import time_machine
from django.test import Client
from django.urls import reverse

from leads.models import Lead
from tests.touchpoints.leads_cast import make_lead
from touchpoints import callbacks, calls, finish, outcomes, pursue
from touchpoints.models import CallAttempt

if TYPE_CHECKING:
    from crm.accounts.models import User

# A Tuesday, 10:00 in Copenhagen.
NOW = datetime(2026, 3, 3, 9, 0, tzinfo=UTC)
THURSDAY = datetime(2026, 3, 5, 13, 0, tzinfo=UTC)


def two(ada: User) -> list[Lead]:
    leads = [make_lead(name, owner=ada, phone=f"+45 32 12 34 5{n}") for n, name in enumerate(["Anna", "Bo"])]
    pursue.start(leads, by=ada, now=NOW)
    return leads


def agree(lead: Lead, at: datetime, *, user: User, now: datetime = NOW) -> CallAttempt:
    call = calls.dial(lead, user=user, now=now)
    logged = outcomes.Logged("callback_requested", callback_at=at)
    return outcomes.log_outcome(call, logged, user=user, now=now)


def test_agreed_calls_come_in_order_and_the_same_minute_shows(ada: User, bea: User) -> None:
    anna, bo = two(ada)
    agree(bo, THURSDAY + timedelta(seconds=30), user=ada)
    agree(anna, THURSDAY, user=ada, now=NOW + timedelta(minutes=1))
    rows = list(callbacks.agreed(ada))
    assert [row.lead for row in rows] == [anna, bo]
    assert callbacks.clashing(rows) == {row.pk for row in rows}
    assert list(callbacks.agreed(bea)) == []
    assert callbacks.at_the_same_minute(ada, THURSDAY, but=anna.pk) == [rows[1]]
    assert callbacks.at_the_same_minute(ada, THURSDAY + timedelta(minutes=1)) == []


def test_a_second_call_of_one_minute_is_warned_about_when_it_is_agreed(ada: User) -> None:
    anna, bo = two(ada)
    agree(anna, THURSDAY, user=ada)
    client = Client()
    client.force_login(ada)
    with time_machine.travel(NOW + timedelta(minutes=2), tick=False):
        call = calls.dial(bo, user=ada, now=NOW + timedelta(minutes=2))
        sent = {"outcome": "callback_requested", "callback_at": "2026-03-05T14:00"}
        answer = client.post(reverse("call_outcome", args=[call.pk]), sent, headers={"HX-Request": "true"})
    assert answer.status_code == 200
    assert "Anna" in answer.context["warning"]


def test_a_call_left_open_stands_in_the_tray_until_its_outcome_is_said(ada: User, bea: User) -> None:
    anna, _bo = two(ada)
    call = calls.dial(anna, user=ada, now=NOW)
    assert list(finish.left_open_by(ada, now=NOW)) == []
    later = NOW + timedelta(hours=3)
    calls.close_forgotten(now=later)
    assert list(finish.left_open_by(ada, now=later)) == [call]
    assert list(finish.left_open_by(bea, now=later)) == []
    client = Client()
    client.force_login(ada)
    with time_machine.travel(later, tick=False):
        page = client.get(reverse("call_callbacks"))
        assert reverse("call_amend", args=[call.pk]) in page.content.decode()
    outcomes.log_outcome(call, outcomes.Logged("no_answer"), user=ada, now=later)
    assert list(finish.left_open_by(ada, now=later)) == []
