"""Do the sweeps cost as many statements for five hundred rows as for five, and does one bad row hold up no other?"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.forms.models import model_to_dict
from django.test.utils import CaptureQueriesContext

from crm.accounts.models import User
from leads import plain_sql
from leads.models import Lead
from leads.register import NewLead, PhoneInput, create_leads
from touchpoints import connect_rates, pursue, starts, tending, unlogged
from touchpoints.models import CallAttempt, Dial, FollowUp, Promise, Pursuit, SweepRun, Task

pytestmark = pytest.mark.django_db
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SIZES = (5, 500)


@pytest.fixture
def many(ada: User, now: datetime) -> Callable[[int], list[Lead]]:
    """many(500): leads of Ada's with a number each, whose first attempt is due."""
    ada.dials_a_day = 2_000
    ada.save()
    first = 0

    def make(count: int) -> list[Lead]:
        nonlocal first
        news = [
            NewLead(
                {
                    "first_name": "Jo",
                    "last_name": f"Jones {n}",
                    "company": f"Firm {n}",
                    "email": f"jo@f{n}.example",
                },
                [PhoneInput(raw=f"+1212555{n:04d}")],
            )
            for n in range(first, first + count)
        ]
        first += count
        made = [one for one in create_leads(news, owner=ada, now=now - 400 * DAY) if isinstance(one, Lead)]
        assert len(made) == count
        pursue.start(made, by=None, now=now - DAY)
        return made

    return make


def statements(act: Callable[[], object], *, team: int, now: datetime) -> int:
    # When people answer is read once in ten minutes by each process, not once a sweep.
    connect_rates.weights_of(team, "business", now=now)
    # That a sweep ran is a row that its first run makes.
    for name in ("tend_follow_ups", "recycle_pursuits"):
        SweepRun.objects.get_or_create(name=name, defaults={"started_at": now})
    with CaptureQueriesContext(connection) as said:
        act()
    return len(said.captured_queries)


def left_open(leads: list[Lead], user: User, *, now: datetime) -> None:
    """A call to each lead that nobody logs; every one by a rep of its own, as each has but one open."""
    reps = User.objects.bulk_create(
        User(username=f"rep{lead.pk}", team=user.team, email=f"rep{lead.pk}@thaw.example") for lead in leads
    )
    pursuits = {one.lead_id: one for one in Pursuit.objects.filter(lead__in=leads)}
    rows = {one.lead_id: one for one in FollowUp.objects.open().filter(lead__in=leads)}
    made = CallAttempt.objects.bulk_create(
        CallAttempt(
            lead=lead, pursuit=pursuits[lead.pk], follow_up=rows[lead.pk], user=rep, attempt=1, started_at=now
        )
        for lead, rep in zip(leads, reps, strict=True)
    )
    Dial.objects.bulk_create(Dial(call=call, lead=call.lead, at=now) for call in made)


def test_calls_nobody_logs(many: Callable[[int], list[Lead]], ada: User, now: datetime) -> None:
    cost = []
    for size in SIZES:
        leads = many(size)
        left_open(leads, ada, now=now)
        at = now + 2 * HOUR
        cost.append(statements(lambda at=at: unlogged.close_forgotten(now=at), team=ada.team_id, now=at))
        assert not CallAttempt.objects.open().exists()
        assert set(Pursuit.objects.filter(lead__in=leads).values_list("attempt", "step")) == {(2, 2)}
        rows = FollowUp.objects.open().filter(lead__in=leads, attempt=2, due_at__gt=at)
        assert rows.count() == size
    assert cost[0] == cost[1]


def test_the_last_attempt_of_many_ends_them_all(
    many: Callable[[int], list[Lead]], ada: User, now: datetime
) -> None:
    cost = []
    for size in SIZES:
        leads = many(size)
        left_open(leads, ada, now=now)
        Pursuit.objects.filter(lead__in=leads).update(target=1)
        at = now + 2 * HOUR
        cost.append(statements(lambda at=at: unlogged.close_forgotten(now=at), team=ada.team_id, now=at))
        ended = Pursuit.objects.filter(lead__in=leads, end_reason="exhausted", attempt=2)
        assert ended.count() == size
    assert cost[0] == cost[1]
    assert not FollowUp.objects.open().exists()


def test_one_forgotten_call_that_fails_holds_up_no_other(
    many: Callable[[int], list[Lead]], ada: User, now: datetime
) -> None:
    good, bad, last = many(3)
    left_open([good, bad, last], ada, now=now)
    Lead.objects.filter(pk=bad.pk).update(time_zone="Nowhere/Land")
    assert unlogged.close_forgotten(now=now + 2 * HOUR) == 3
    assert not CallAttempt.objects.open().exists()
    assert FollowUp.objects.open().count() == 3
    assert FollowUp.objects.open().get(lead=good).attempt == 2


def test_callbacks_missed(many: Callable[[int], list[Lead]], ada: User, now: datetime) -> None:
    cost = []
    for size in SIZES:
        leads = many(size)
        agreed = now - DAY
        FollowUp.objects.open().filter(lead__in=leads).update(
            rank=FollowUp.Rank.CALLBACK,
            agreed_at=agreed,
            due_at=agreed,
            window_end=agreed + 11 * HOUR,
            reason="callback agreed",
        )
        Promise.objects.bulk_create(
            Promise(lead=lead, text="call back", due_at=agreed, made_at=agreed - DAY, made_by=ada)
            for lead in leads
        )
        cost.append(statements(lambda: tending.tend_follow_ups(now=now), team=ada.team_id, now=now))
        rows = FollowUp.objects.open().filter(lead__in=leads, rank=FollowUp.Rank.PROMISE)
        assert (rows.filter(reason__startswith="callback missed", window_end__gt=now).count()) == size
        assert Promise.objects.filter(lead__in=leads, broken_at=now).count() == size
    assert cost[0] == cost[1]


def test_recycling(many: Callable[[int], list[Lead]], ada: User, now: datetime) -> None:
    cost = []
    for size in SIZES:
        leads = many(size)
        Lead.objects.filter(pk__in=[lead.pk for lead in leads]).update(stage="attempted")
        pursue.end_many(
            list(Pursuit.objects.filter(lead__in=leads)), "exhausted", by=None, now=now - 181 * DAY
        )
        cost.append(statements(lambda: starts.recycle(now=now), team=ada.team_id, now=now))
        assert Pursuit.objects.open().filter(lead__in=leads).count() == size
        assert FollowUp.objects.open().filter(lead__in=leads).count() == size
    assert cost[0] == cost[1]
    run = SweepRun.objects.get(name="recycle_pursuits")
    assert (run.looked_at, run.changed, run.error) == (500, 500, "")


def test_one_run_starts_all_there_is_room_for(
    many: Callable[[int], list[Lead]], ada: User, now: datetime
) -> None:
    leads = many(starts.CHUNK + 5)
    Pursuit.objects.all().delete()
    assert starts.start_waiting(now=now) == len(leads)
    assert FollowUp.objects.open().filter(lead__in=leads).count() == len(leads)


def test_rows_sent_as_one_text_are_the_rows_the_orm_would_write(
    many: Callable[[int], list[Lead]], ada: User, now: datetime
) -> None:
    leads = many(2)
    FollowUp.objects.all().delete()
    told = 'he said "späť"\n\\ 5 % of {us}'

    def planned() -> list[FollowUp]:
        moment = now.astimezone(ZoneInfo("America/New_York")) + timedelta(microseconds=7)
        times = {"due_at": moment, "window_end": moment + HOUR, "placed_at": now}
        return [
            FollowUp(lead=leads[0], reason=told, rank=FollowUp.Rank.WARM, rank_value=1 / 3, **times),
            FollowUp(lead=leads[1], reason="", assignee=ada, agreed_at=now, lifts_house_caps=True, **times),
        ]

    def kept(rows: list[FollowUp]) -> list[dict[str, object]]:
        found = FollowUp.objects.in_bulk([row.pk for row in rows])
        return [{**model_to_dict(found[row.pk]), "id": None} for row in rows]

    by_orm = FollowUp.objects.bulk_create(planned())
    expected = kept(by_orm)
    FollowUp.objects.all().delete()
    made = plain_sql.insert(planned())
    assert kept(made) == expected
    assert [(row.lead_id, row._state.adding) for row in made] == [(lead.pk, False) for lead in leads]
    assert plain_sql.insert([]) == []


def test_going_on_where_a_task_is_done(many: Callable[[int], list[Lead]], ada: User, now: datetime) -> None:
    cost = []
    for size in SIZES:
        leads = many(size)
        FollowUp.objects.open().filter(lead__in=leads).update(closed_at=now, closed_as="cancelled")
        Task.objects.bulk_create(
            Task(lead=lead, kind="find_number", reason="none", created_at=now, done_at=now) for lead in leads
        )
        cost.append(statements(lambda: pursue.resume_stalled(now=now), team=ada.team_id, now=now))
        assert FollowUp.objects.open().filter(lead__in=leads).count() == size
    assert cost[0] == cost[1]
