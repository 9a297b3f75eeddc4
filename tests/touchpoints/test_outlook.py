"""Does everybody see what is due against what they can dial, and managers who is drowning?"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from crm.accounts.models import Absence, Team, User
from leads.models import Lead, Workspace
from touchpoints import calls, idle, outcomes, outlook, pursue, room
from touchpoints.models import Channel, FollowUp, IdleNotice

pytestmark = pytest.mark.django_db
ALead = Callable[..., Lead]
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


def due(a_lead: ALead, count: int, at: datetime, **keeper: object) -> list[FollowUp]:
    leads = [a_lead(**keeper) for _ in range(count)]
    pursue.start(leads, by=None, now=at - 9 * DAY)
    rows = FollowUp.objects.open().filter(lead__in=leads)
    rows.update(due_at=at, window_end=at + timedelta(hours=1))
    return list(rows)


def test_ten_days_of_work_and_absence(a_lead: ALead, ada: User, now: datetime) -> None:
    """Wednesday: one overdue and two due today, one on Friday, when she is away, and one on Saturday, which is off."""
    User.objects.filter(pk=ada.pk).update(dials_a_day=2)
    ada.refresh_from_db()
    due(a_lead, 1, now - 2 * DAY, owner=ada)
    due(a_lead, 2, now + MINUTE, owner=ada)
    for days in (2, 3):
        due(a_lead, 1, now + days * DAY, owner=ada)
    due(a_lead, 1, now + 40 * DAY, owner=ada)
    (mail,) = due(a_lead, 1, now, owner=ada)
    FollowUp.objects.filter(pk=mail.pk).update(channel=Channel.MAIL)
    Absence.objects.create(user=ada, starts_on=date(2026, 3, 6), ends_on=date(2026, 3, 6))
    days = outlook.of_person(ada, now=now).people[0].days
    assert [day.on for day in days][:2] == [date(2026, 3, 4), date(2026, 3, 5)]
    assert [(day.due, day.capacity) for day in days] == [
        (3, 2), (0, 2), (1, 0), (1, 0), (0, 0), (0, 2), (0, 2), (0, 2), (0, 2), (0, 2),
    ]  # fmt: skip
    assert [day.over for day in days][:4] == [1, 0, 1, 0]


def test_calls_made_today_are_gone_from_today(a_lead: ALead, ada: User, now: datetime) -> None:
    User.objects.filter(pk=ada.pk).update(dials_a_day=5)
    ada.refresh_from_db()
    (row,) = due(a_lead, 1, now, owner=ada)
    outcomes.log_outcome(
        calls.dial(row.lead, user=ada, now=now), outcomes.Logged("no_answer"), user=ada, now=now + MINUTE
    )
    days = outlook.of_person(ada, now=now + 2 * MINUTE).people[0].days
    assert [day.capacity for day in days[:2]] == [4, 5]
    assert room.room_for(a_lead(owner=ada), now=now + 2 * MINUTE) == 4


def test_days_are_those_of_the_workspace(a_lead: ALead, ada: User, now: datetime) -> None:
    """Eleven in the evening of Wednesday in New York is Thursday in London."""
    Workspace.objects.update(time_zone="America/New_York")
    due(a_lead, 1, now + timedelta(hours=11), owner=ada)
    assert [day.due for day in outlook.of_person(ada, now=now).people[0].days][:2] == [1, 0]
    Workspace.objects.update(time_zone="Europe/London")
    assert [day.due for day in outlook.of_person(ada, now=now).people[0].days][:2] == [0, 1]


def test_a_manager_sees_who_is_drowning(
    a_lead: ALead, ada: User, bea: User, cy: User, max_: User, root: User, north: Team, now: datetime
) -> None:
    User.objects.filter(pk=bea.pk).update(dials_a_day=1)
    due(a_lead, 3, now, owner=bea)
    due(a_lead, 2, now, team=north)
    due(a_lead, 1, now, owner=cy)
    team = outlook.of_team(max_, now=now)
    assert [(one.user, one.overflows) for one in team.people] == [(ada, 0), (bea, 1)]
    assert (team.pool[0], team.total[0].due, team.total[0].capacity) == (2, 5, 81)
    assert {one.user for one in outlook.of_team(root, now=now).people} == {ada, bea, cy}
    due(a_lead, 1, now, owner=max_)
    assert max_ in [one.user for one in outlook.of_team(max_, now=now).people]


def test_it_costs_the_same_for_one_and_for_many(
    a_lead: ALead, max_: User, north: Team, person: Callable[..., User], now: datetime
) -> None:
    counted = []
    for size in (1, 12):
        for n in range(size):
            due(a_lead, 2, now, owner=person(f"rep{size}{n}", team=north))
        with CaptureQueriesContext(connection) as context:
            outlook.of_team(max_, now=now)
        counted.append(len(context))
    assert counted == [5, 5]


def test_the_page_shows_days_cover_and_idle_leads(
    a_lead: ALead, ada: User, bea: User, max_: User, now: datetime
) -> None:
    promised = due(a_lead, 1, now + DAY, owner=bea)[0]
    FollowUp.objects.filter(pk=promised.pk).update(rank=1, agreed_at=now + DAY)
    Absence.objects.create(user=bea, starts_on=now.date(), ends_on=now.date(), cover=ada)
    lying = a_lead(owner=ada, last_name="Lazarus")
    IdleNotice.objects.create(lead=lying, owner=ada, told_at=now, returns_at=now + 3 * DAY)
    client = Client()
    with time_machine.travel(now, tick=False):
        client.force_login(ada)
        page = client.get(reverse("outlook")).content.decode()
        told = client.get(reverse("call_alerts"))
        again = client.get(reverse("call_alerts"))
        client.force_login(max_)
        team = client.get(reverse("outlook")).content.decode()
    assert "for Bea" in page
    assert "Lazarus" in page
    assert "Everybody" not in page
    assert "goes back to the pool on" in told.content.decode()
    assert again.status_code == 204, "once a day"
    assert "Everybody" in team
    assert idle.news_for(bea, now=now) is None
