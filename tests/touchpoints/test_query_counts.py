"""How many statements does working the queue cost? Pinned, so that nothing grows without somebody deciding it.

Counted are statements that read or write; what opens and closes transactions is not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from crm.accounts.models import Team, User
from leads.models import Lead
from tests.touchpoints.conftest import NOW
from touchpoints import calls, connect_rates, outcomes, pursue, queue
from touchpoints.models import CallAttempt, FollowUp, Outcome, Touchpoint

pytestmark = pytest.mark.django_db
ALead = Callable[..., Lead]
MINUTE = timedelta(minutes=1)
CONTROL = ("SAVEPOINT", "RELEASE", "ROLLBACK", "BEGIN", "COMMIT")
# What logging each default outcome costs at most. Beyond twenty is what evaluates the lead's warmth anew (not_now,
# not_interested, abusive), makes another lead (referred_on), or puts somebody on our own list (do_not_call).
LOGGING = {
    "no_answer": 16,
    "voicemail_left": 17,
    "busy": 15,
    "gatekeeper": 16,
    "callback_requested": 20,
    "not_now": 34,
    "meeting_booked": 20,
    "not_interested": 26,
    "info_requested": 20,
    "hung_up": 16,
    "referred_on": 37,
    "left_company": 19,
    "wrong_number": 18,
    "disconnected": 17,
    "disqualified": 19,
    "abusive": 25,
    "do_not_call": 40,
}


@contextmanager
def at_most(count: int) -> Iterator[None]:
    # When people answer is read once in ten minutes by each process, not once a call.
    for team in Team.objects.all():
        connect_rates.weights_of(team.pk, "business", now=NOW)
    with CaptureQueriesContext(connection) as context:
        yield
    said = [query["sql"] for query in context.captured_queries]
    counted = [sql for sql in said if not sql.startswith(CONTROL)]
    assert len(counted) <= count, "\n".join([f"{len(counted)} statements", *(sql[:160] for sql in counted)])


def held() -> int:
    """One statement more where rows can be locked: a dial holds the numbers until it counts, a wish until it stands."""
    return int(connection.features.has_select_for_update)


@pytest.fixture
def pursued(
    a_lead: ALead, touched: Callable[..., Touchpoint], ada: User, north: Team, now: datetime
) -> list[Lead]:
    """Thirty due leads of Ada's and of her pool, some of them warm."""
    leads = [
        a_lead(
            owner=ada if n % 2 else None,
            team=None if n % 2 else north,
            company=f"Firm {n}",
            email=f"jo@firm{n}.example",
        )
        for n in range(30)
    ]
    for lead in leads[:5]:
        touched(lead, "event")
    pursue.start(leads, by=None, now=now - timedelta(days=3))
    assert FollowUp.objects.due(now=now).count() == 30
    return leads


def test_the_next_lead(pursued: list[Lead], ada: User, now: datetime) -> None:
    with at_most(12):
        assert queue.next_lead(ada, now=now) is not None
    with at_most(5):
        assert queue.next_lead(ada, now=now + MINUTE) is not None


def test_a_dial(pursued: list[Lead], ada: User, now: datetime) -> None:
    row = queue.next_lead(ada, now=now)
    assert row is not None
    with at_most(18 + held()):
        calls.dial(row.lead, user=ada, now=now)


SAID: dict[str, Callable[[datetime], dict[str, Any]]] = {
    "callback_requested": lambda now: {"callback_at": now + timedelta(days=1)},
    "meeting_booked": lambda now: {"meeting": {"starts_at": now + timedelta(days=3)}},
    "not_now": lambda now: {"days": 30},
    "referred_on": lambda now: {"referred": {"first_name": "Bo", "last_name": "Ek", "phone": "+12125550199"}},
}


def test_every_default_outcome_has_its_number() -> None:
    assert set(LOGGING) == set(Outcome.objects.filter(builtin=True).values_list("pk", flat=True))


@pytest.mark.parametrize("key", LOGGING)
def test_an_outcome(key: str, a_lead: ALead, ada: User, now: datetime) -> None:
    lead = a_lead(owner=ada, company="Acme", email="jo@acme.example")
    pursue.start([lead], by=None, now=now - timedelta(days=3))
    call = calls.dial(lead, user=ada, now=now)
    said = outcomes.Logged(key, **SAID.get(key, lambda _now: {})(now))
    wishes = 2 if key == "do_not_call" else 0  # of the person and of the number
    with at_most(LOGGING[key] + wishes * held()):
        outcomes.log_outcome(call, said, user=ada, now=now + MINUTE)


def test_dial_outcome_and_the_next_lead_on_the_screen(
    client: Client, pursued: list[Lead], ada: User, now: datetime
) -> None:
    client.force_login(ada)
    htmx = {"HX-Request": "true"}
    with time_machine.travel(now, tick=False):
        shown = client.get("/call/", headers=htmx)
        lead = shown.context["lead"]
        with at_most(56 + held()):
            client.post("/call/dial/", {"lead": lead.pk}, headers=htmx)
        call = CallAttempt.objects.open().get()
        with at_most(52):
            answer = client.post(f"/call/{call.pk}/outcome/", {"outcome": "no_answer"}, headers=htmx)
    assert answer.context["lead"] != lead
