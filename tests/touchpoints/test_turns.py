"""Does everybody get their turn, and whoever has least to do the next lead, also when two give at once?"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from crm.accounts.models import Absence, Team, User
from leads.models import AuditEvent, Lead
from leads.register import NewLead, PhoneInput, create_leads
from touchpoints import dealing, pursue, starts, turns
from touchpoints.models import FollowUp, Pursuit, Touchpoint

ALead = Callable[..., Lead]
Touched = Callable[..., Touchpoint]
HOUR = timedelta(hours=1)


# --- the rules, as values --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("count", "after", "most", "expected"),
    [
        pytest.param(5, None, None, [1, 2, 3, 1, 2], id="from the first, round and round"),
        pytest.param(2, 1, None, [2, 3], id="behind whose turn was last"),
        pytest.param(2, 3, None, [1, 2], id="behind the last comes the first"),
        pytest.param(2, 99, None, [1, 2], id="whose turn was last has left"),
        pytest.param(4, None, {1: 1, 2: 0, 3: 5}, [1, 3, 3, 3], id="whoever is full is passed over"),
        pytest.param(3, None, {1: 1, 2: 0, 3: 1}, [1, 3], id="when all are full the rest waits"),
        pytest.param(0, None, None, [], id="nothing to give"),
    ],
)
def test_turns(count: int, after: int | None, most: dict[int, int] | None, expected: list[int]) -> None:
    assert dealing.in_turn(count, [1, 2, 3], after=after, most=most) == expected


@pytest.mark.parametrize(
    ("loads", "dials", "expected"),
    [
        pytest.param({1: 9, 2: 0}, {1: 80, 2: 80}, [2, 2, 2], id="whoever has nothing"),
        pytest.param({1: 1, 2: 1}, {1: 80, 2: 80}, [1, 2, 1], id="of two alike the first"),
        pytest.param({1: 0, 2: 0}, {1: 20, 2: 40}, [2, 1, 2], id="half a day gets half"),
    ],
)
def test_loads(loads: dict[int, int], dials: dict[int, int], expected: list[int]) -> None:
    assert dealing.by_load(3, loads, dials) == expected


@given(
    wanted=st.lists(st.integers(0, 12), max_size=40),
    room=st.lists(st.integers(-5, 9), min_size=1, max_size=20),
    days=st.integers(1, 10),
)
def test_nobody_s_day_overflows(wanted: list[int], room: list[int], days: int) -> None:
    """Never earlier than it was due, never moved to a day without room; a day that holds more than its room holds
    what was due on it, and no later day has any."""
    chosen = dealing.days_of(wanted, room, days)
    moved = Counter(day for day, due in zip(chosen, wanted, strict=True) if day != due)
    assert all(day >= due for day, due in zip(chosen, wanted, strict=True))
    assert all(count <= max(0, room[day]) for day, count in moved.items())
    on = Counter(chosen)
    for day in range(len(room)):
        if on[day] > max(0, room[day]):
            assert on[day] > moved[day], chosen
            assert all(on[later] >= max(0, room[later]) for later in range(day + 1, len(room)))


@pytest.mark.parametrize(
    ("wanted", "room", "days", "expected"),
    [
        pytest.param([0] * 6, [9] * 9, 3, [0, 0, 1, 1, 2, 2], id="evenly over the days"),
        pytest.param([0] * 6, [4, 2, 9], 2, [0, 0, 0, 0, 1, 1], id="by the room of each"),
        pytest.param([0] * 4, [1, 0, 1, 9], 2, [0, 2, 3, 3], id="what they cannot carry goes to the next"),
        pytest.param([0, 5], [9] * 9, 1, [0, 5], id="what is due later stays"),
        pytest.param([5, 5], [9, 9, 9, 9, 9, 1, 9], 1, [5, 6], id="unless its day is full"),
        pytest.param([0], [0, 0], 2, [0], id="nobody has room: it stays"),
        pytest.param([30], [1], 1, [30], id="beyond what is planned"),
    ],
)
def test_days(wanted: list[int], room: list[int], days: int, expected: list[int]) -> None:
    assert dealing.days_of(wanted, room, days) == expected


# --- new leads -------------------------------------------------------------------------------------------------


def share(team: Team, **settings: str) -> None:
    Team.objects.filter(pk=team.pk).update(**settings)
    team.refresh_from_db()


def owners() -> Counter[str | None]:
    return Counter(Lead.objects.values_list("owner__username", flat=True))


@pytest.mark.django_db
def test_new_leads_of_the_pool_are_everybody_s_in_turn(
    a_lead: ALead, north: Team, ada: User, bea: User, max_: User, now: datetime
) -> None:
    """Three leads for two reps; their manager gets none. The fourth is for whose turn it is then."""
    share(north, gives_new="round_robin")
    for _ in range(3):
        a_lead(team=north)
    assert starts.start_waiting(now=now) == 3
    assert owners() == {"ada": 2, "bea": 1}
    a_lead(team=north)
    starts.start_waiting(now=now)
    assert owners() == {"ada": 2, "bea": 2}
    assert set(FollowUp.objects.open().values_list("assignee", flat=True)) == {ada.pk, bea.pk}
    assert AuditEvent.objects.filter(action="lead.assigned", reason="it was their turn").count() == 4


@pytest.mark.django_db
def test_nobody_is_given_more_than_they_can_carry_and_who_is_away_nothing(
    a_lead: ALead, north: Team, ada: User, bea: User, person: Callable[..., User], now: datetime
) -> None:
    share(north, gives_new="round_robin")
    User.objects.filter(pk=ada.pk).update(dials_a_day=2)
    User.objects.filter(pk=bea.pk).update(dials_a_day=3)
    dee = person("dee", team=north)
    Absence.objects.create(user=dee, starts_on=now.date(), ends_on=now.date())
    for _ in range(9):
        a_lead(team=north)
    assert starts.start_waiting(now=now) == 5
    assert owners() == {"ada": 2, "bea": 3, None: 4}
    assert starts.start_waiting(now=now) == 0


@pytest.mark.django_db
def test_whoever_has_least_to_do_gets_it(
    a_lead: ALead, north: Team, ada: User, bea: User, now: datetime
) -> None:
    share(north, gives_new="least_loaded")
    pursue.start([a_lead(owner=ada) for _ in range(3)], by=None, now=now)
    a_lead(owner=bea)  # waits still, and is work all the same
    for _ in range(2):
        a_lead(team=north)
    assert turns.loads_of([ada.pk, bea.pk]) == {ada.pk: 3, bea.pk: 1}
    starts.start_waiting(now=now)
    assert owners() == {"ada": 3, "bea": 3}


@pytest.mark.django_db
def test_a_team_that_shares_nothing_keeps_its_pool(
    a_lead: ALead, north: Team, ada: User, now: datetime
) -> None:
    a_lead(team=north)
    assert starts.start_waiting(now=now) == 1
    assert owners() == {None: 1}


@pytest.mark.django_db
def test_a_lead_made_by_a_program_is_somebody_s_at_once(
    a_lead: ALead, north: Team, ada: User, now: datetime
) -> None:
    share(north, gives_new="round_robin")
    lead = a_lead(team=north)
    starts.start_if_room([lead], by=None, now=now)
    assert Pursuit.objects.get().lead.owner == ada
    assert FollowUp.objects.get().assignee == ada


@pytest.mark.django_db
def test_five_hundred_imported_leads_make_no_five_hundred_dials_today(ada: User, now: datetime) -> None:
    """Eighty today; as they are called the rest waits, and tomorrow's eighty are not begun today."""
    news = [NewLead({"last_name": f"No {n}"}, [PhoneInput(f"+1212556{n:04d}")]) for n in range(500)]
    create_leads(news, owner=ada, now=now)
    assert starts.start_waiting(now=now) == 80
    assert starts.start_waiting(now=now + HOUR) == 0
    assert FollowUp.objects.open().filter(due_at__lt=now + 12 * HOUR).count() <= 80
    from touchpoints.models import CallAttempt

    done = list(FollowUp.objects.open().select_related("pursuit"))
    CallAttempt.objects.bulk_create(
        CallAttempt(lead_id=row.lead_id, pursuit=row.pursuit, user=ada, started_at=now, ended_at=now)
        for row in done
    )
    FollowUp.objects.update(due_at=now + 48 * HOUR, window_end=now + 50 * HOUR)
    assert starts.start_waiting(now=now + 2 * HOUR) == 0, "she has made her eighty calls"
    assert starts.start_waiting(now=now + 24 * HOUR) == 80


# --- hand-raises -----------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_who_asks_to_be_contacted_is_given_to_whose_turn_it_is(
    a_lead: ALead, touched: Touched, north: Team, ada: User, bea: User, now: datetime
) -> None:
    share(north, gives_hand_raises="round_robin")
    User.objects.update(working_hours={"3": [["09:00", "18:00"]]})
    leads = [a_lead(team=north) for _ in range(3)]
    for lead in leads:
        touched(lead, "web_form")
    assert [lead.owner for lead in leads] == [ada, bea, ada]
    assert set(FollowUp.objects.open().values_list("assignee__username", "rank")) == {("ada", 2), ("bea", 2)}


@pytest.mark.django_db
def test_who_is_at_work_comes_before_who_has_gone_home(
    a_lead: ALead, touched: Touched, north: Team, ada: User, bea: User, now: datetime
) -> None:
    """It is 17:00: Ada's day ended, Bea works until eight. At night, when nobody is there, it is Ada's turn."""
    share(north, gives_hand_raises="round_robin")
    User.objects.filter(pk=bea.pk).update(working_hours={"3": [["12:00", "20:00"]]})
    one, two, three = (a_lead(team=north) for _ in range(3))
    touched(one, "web_form")
    touched(two, "web_form")
    assert (one.owner, two.owner) == (bea, bea)
    touched(three, "web_form", now=now + 4 * HOUR)
    assert three.owner == ada


@pytest.mark.django_db
def test_whoever_has_it_on_the_screen_keeps_it(
    a_lead: ALead, touched: Touched, north: Team, ada: User, bea: User, now: datetime
) -> None:
    from touchpoints import queue

    share(north, gives_hand_raises="round_robin")
    lead = a_lead(team=north)
    pursue.start([lead], by=None, now=now)
    assert queue.next_lead(bea, now=now) is not None
    touched(lead, "web_form")
    assert lead.owner is None
    assert FollowUp.objects.open().get().lease_by == bea


@pytest.mark.django_db
def test_when_everybody_is_away_it_stays_the_pool_s(
    a_lead: ALead, touched: Touched, north: Team, ada: User, now: datetime
) -> None:
    share(north, gives_hand_raises="least_loaded")
    Absence.objects.create(user=ada, starts_on=now.date(), ends_on=now.date())
    lead = a_lead(team=north)
    touched(lead, "web_form")
    assert (lead.owner, lead.team) == (None, north)


# --- at once ---------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_who_gives_at_the_same_time_repeats_nobody(
    a_lead: ALead, north: Team, ada: User, bea: User, person: Callable[..., User], now: datetime
) -> None:
    """Six threads give four leads each, and all of them try one more that only one can give."""
    share(north, gives_new="round_robin")
    members = [ada, bea, person("dee", team=north)]
    leads = [a_lead(team=north) for _ in range(25)]
    wanted, failed = leads[24], []
    gate = threading.Barrier(6)

    def work(number: int) -> None:
        try:
            gate.wait(10)
            mine = Lead.objects.in_bulk([lead.pk for lead in (*leads[number * 4 : number * 4 + 4], wanted)])
            for lead in mine.values():
                turns.give([lead], north, "round_robin", members, now=now)
        except Exception as error:
            failed.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failed == []
    assert sorted(owners().values()) == [8, 8, 9]
    assert AuditEvent.objects.filter(action="lead.assigned", lead=wanted).count() == 1
    given = AuditEvent.objects.filter(action="lead.assigned").order_by("pk").values_list("after", flat=True)
    order = [after["owner"] for after in given]
    ids = [one.pk for one in members]
    assert order == [ids[n % 3] for n in range(25)], "each turn follows the one before it"
