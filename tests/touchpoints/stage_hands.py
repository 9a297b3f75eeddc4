"""A desk at which scenes are played: somebody signed in, a clock that is moved by hand, and the doors people use."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import time_machine
from django.test import Client
from django.urls import reverse

from crm.accounts.models import User
from leads.models import Lead
from touchpoints import engine, tending
from touchpoints.models import CallAttempt, FollowUp

NEW_YORK = ZoneInfo("America/New_York")
HTMX = {"HX-Request": "true"}


def new_york(text: str) -> datetime:
    """ "Wed 4 Mar 12:20" of 2026, on the clock in New York."""
    return datetime.strptime(f"{text} 2026", "%a %d %b %H:%M %Y").replace(tzinfo=NEW_YORK)


class Clock:
    """The time of a scene, for everybody in it."""

    def __init__(self, traveller: Any) -> None:
        self._traveller = traveller

    def is_(self, text: str) -> datetime:
        """Move to a time; the sweeps of that minute have run."""
        at = new_york(text)
        self._traveller.move_to(at, tick=False)
        engine.evaluate_waiting(now=at)
        engine.cool_expired(now=at)
        tending.tend_follow_ups(now=at)
        return at


@contextmanager
def clock(text: str) -> Iterator[Clock]:
    with time_machine.travel(new_york(text), tick=False) as traveller:
        yield Clock(traveller)


class Desk:
    """One rep's call screen, worked as the browser does it."""

    def __init__(self, user: User) -> None:
        self.user, self.client = user, Client()

    def _in(self) -> Client:
        self.client.force_login(self.user)
        return self.client

    def screen(self, lead: Lead | None = None) -> Any:
        """What is before the rep: the lead asked for, else the next."""
        url = reverse("call") + (f"?lead={lead.pk}" if lead else "")
        answer = self._in().get(url, headers=HTMX)
        assert answer.status_code == 200
        return answer.context

    def dial(self, lead: Lead, *, number: str = "", status: int = 200, **more: Any) -> CallAttempt:
        """Press D, or A and D for another number; returns the open call."""
        sent = {"lead": lead.pk, **more}
        if number:
            sent["number"] = lead.lead_numbers.get(number__e164=number).number_id
        answer = self._in().post(reverse("call_dial"), sent, headers=HTMX)
        assert answer.status_code == status, answer.content.decode()[:2000]
        self.refused = answer.context.get("refused") if status != 200 else None
        return self.call

    @property
    def call(self) -> Any:
        return CallAttempt.objects.open().outbound().filter(user=self.user).first()

    def say(self, outcome: str, *, status: int = 200, **more: Any) -> CallAttempt:
        """Log the open call; returns it as it is kept."""
        call = self.call
        sent = {"outcome": outcome, **more}
        answer = self._in().post(reverse("call_outcome", args=[call.pk]), sent, headers=HTMX)
        assert answer.status_code == status, answer.content.decode()[:4000]
        call.refresh_from_db()
        return call

    def ring(self, lead: Lead, outcome: str, **more: Any) -> CallAttempt:
        """Dial and log in one."""
        self.dial(lead)
        return self.say(outcome, **more)

    def post(self, name: str, *args: Any, status: int = 200, **sent: Any) -> Any:
        answer = self._in().post(reverse(name, args=args), sent, headers=HTMX)
        assert answer.status_code == status, answer.content.decode()[:4000]
        return answer

    def get(self, name: str, *args: Any, **query: Any) -> Any:
        return self._in().get(reverse(name, args=args), query)


def planned(lead: Lead) -> FollowUp:
    return FollowUp.objects.open().get(lead=lead)


def due(lead: Lead) -> str:
    return f"{planned(lead).due_at.astimezone(NEW_YORK):%a %-d %b %H:%M}"


def minutes(count: int) -> timedelta:
    return timedelta(minutes=count)
