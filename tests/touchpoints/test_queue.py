"""Is the right lead served next, to one rep only, and does nobody stand in anybody's way?"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import connection, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext

from crm.accounts.models import Absence, Team, User
from leads import plain_sql
from leads.models import Customer, Lead
from touchpoints import calls, engine, follow_ups, outcomes, pursue, queue, queue_order, suppress
from touchpoints.models import FollowUp, Skip, Touchpoint

pytestmark = pytest.mark.django_db
ALead = Callable[..., Lead]
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


@pytest.fixture
def due(a_lead: ALead, now: datetime) -> Callable[..., FollowUp]:
    """due(owner=ada, rank=5, warm_days=…): the due follow-up of a pursued lead."""

    def make(
        *,
        warm_days: float | None = None,
        rank: int | None = None,
        agreed: timedelta | None = None,
        **fields: Any,
    ) -> FollowUp:
        fit = fields.pop("fit", 50)
        lead = a_lead(**fields)
        values: dict[str, Any] = {"fit": fit}
        if warm_days is not None:
            values |= {"temperature": "warm", "warm_until": now + timedelta(days=warm_days)}
        Lead.objects.filter(pk=lead.pk).update(**values)
        lead.refresh_from_db()
        (pursuit,) = pursue.start([lead], by=None, now=now - 5 * MINUTE)
        agreed_at = now + agreed if agreed is not None else None
        placed = follow_ups.Placed(
            1, 1, "call", now - 5 * MINUTE, now + DAY, "", "due", rank, agreed_at, rank in (1, 2)
        )
        (row,) = follow_ups.place([(lead, pursuit, placed)], now=now - 5 * MINUTE)
        return row

    return make


def served(user: User, now: datetime) -> FollowUp:
    row = queue.next_lead(user, now=now)
    assert row is not None
    return row


def worked_off(user: User, now: datetime) -> list[int]:
    """The follow-ups in the order in which this rep gets them, each skipped."""
    order = []
    while (row := queue.next_lead(user, now=now)) is not None:
        order.append(row.pk)
        queue.skip(row, "", user=user, now=now)
    return order


def test_the_order(due: Callable[..., FollowUp], ada: User, now: datetime) -> None:
    cold = due(owner=ada, value=100)
    dear = due(owner=ada, value=5000)
    promise = due(owner=ada, rank=3)
    warm = due(owner=ada, warm_days=20)
    warmer = due(owner=ada, warm_days=30)
    fitting = due(owner=ada, warm_days=20, fit=100)
    hand_raise = due(owner=ada, rank=2)
    later = due(owner=ada, rank=1, agreed=5 * MINUTE)
    sooner = due(owner=ada, rank=1, agreed=MINUTE)
    rows = [sooner, later, hand_raise, promise, fitting, warmer, warm, dear, cold]
    assert worked_off(ada, now) == [row.pk for row in rows]


def test_own_and_the_teams_pool_by_the_same_order_and_nobody_elses(
    due: Callable[..., FollowUp], ada: User, bea: User, cy: User, north: Team, south: Team, now: datetime
) -> None:
    own = due(owner=ada, value=10)
    pool = due(team=north, value=100)
    due(owner=bea, value=1000)
    due(owner=cy)
    due(team=south)
    assert [row.pk for row in queue.upcoming(ada, now=now)] == [pool.pk, own.pk]
    assert worked_off(ada, now) == [pool.pk, own.pk]


def test_a_rep_without_a_team_gets_their_own(
    due: Callable[..., FollowUp], person: Callable[..., User], north: Team, now: datetime
) -> None:
    dee = person("dee", role="rep")
    own = due(owner=dee)
    due(team=north)
    assert worked_off(dee, now) == [own.pk]


def test_a_lease_is_held_renewed_expires_and_is_let_go(
    due: Callable[..., FollowUp], ada: User, bea: User, north: Team, now: datetime
) -> None:
    row = due(team=north)
    held = served(ada, now)
    assert (held.lease_by, held.lease_until) == (ada, now + 3 * MINUTE)
    assert queue.next_lead(bea, now=now) is None
    assert queue.renew(ada, now=now + 2 * MINUTE)
    assert queue.next_lead(bea, now=now + 4 * MINUTE) is None
    assert served(ada, now + 4 * MINUTE) == row
    assert not queue.renew(ada, now=now + 7 * MINUTE)
    assert served(bea, now + 7 * MINUTE) == row
    assert queue.next_lead(ada, now=now + 7 * MINUTE) is None
    queue.release(bea, now=now + 7 * MINUTE)
    assert served(ada, now + 7 * MINUTE) == row


def test_of_two_that_are_held_the_one_that_is_due_is_shown(
    due: Callable[..., FollowUp], ada: User, now: datetime
) -> None:
    """A callback opened ahead of its time may be held the longer; what is due now stays before the rep."""
    row, ahead = due(owner=ada), due(owner=ada)
    FollowUp.objects.filter(pk=row.pk).update(lease_by=ada, lease_until=now + MINUTE)
    FollowUp.objects.filter(pk=ahead.pk).update(
        lease_by=ada, lease_until=now + 3 * MINUTE, due_at=now + 20 * MINUTE
    )
    due(owner=ada, rank=2)
    assert served(ada, now) == row


def test_a_hand_raise_does_not_take_the_lead_off_the_screen(
    due: Callable[..., FollowUp], ada: User, now: datetime
) -> None:
    row = due(owner=ada)
    assert served(ada, now) == row
    raised = due(owner=ada, rank=2)
    assert served(ada, now + MINUTE) == row
    assert [one.pk for one in queue.upcoming(ada, now=now + MINUTE)] == [raised.pk]


def test_taking_a_lead_by_hand_lets_go_of_the_one_before(
    due: Callable[..., FollowUp], ada: User, bea: User, north: Team, now: datetime
) -> None:
    first, second = due(team=north, value=9), due(team=north, value=5)
    assert served(ada, now) == first
    assert queue.take(second.lead, ada, now=now) == second
    assert queue.take(second.lead, bea, now=now) is None
    assert served(bea, now) == first


def test_a_skip_is_no_attempt_and_comes_back(due: Callable[..., FollowUp], ada: User, now: datetime) -> None:
    row = served(ada, now) if due(owner=ada) else None
    assert row is not None
    queue.skip(row, "at lunch", user=ada, now=now)
    assert queue.next_lead(ada, now=now + 119 * MINUTE) is None
    assert queue.opens_at(ada, now=now) == now + 120 * MINUTE
    assert served(ada, now + 120 * MINUTE) == row
    assert (Skip.objects.get().reason, row.lead.calls.count()) == ("at lunch", 0)


def test_an_open_call_holds_its_lead_and_brings_no_second(
    due: Callable[..., FollowUp], a_lead: ALead, ada: User, bea: User, north: Team, now: datetime
) -> None:
    first, other = due(team=north, value=9), due(owner=ada, value=5)
    calls.dial(first.lead, user=ada, now=now)
    at = now + 90 * MINUTE
    assert served(ada, at) == first
    assert queue.next_lead(bea, now=at) is None
    queue.release(ada, now=at)
    assert queue.next_lead(bea, now=at) is None
    calls_open = ada.calls.get()
    outcomes.log_outcome(calls_open, outcomes.Logged("no_answer"), user=ada, now=at)
    assert served(ada, at) == other
    queue.release(ada, now=at)
    unplanned = a_lead(owner=ada)
    calls.dial(unplanned, user=ada, now=at)
    assert queue.next_lead(ada, now=at) is None


def test_blocked_ones_are_put_off_and_starve_nobody(
    due: Callable[..., FollowUp], ada: User, now: datetime
) -> None:
    """It is five in Los Angeles: 45 leads there stand before the one in New York, who may be called."""
    dawn = datetime(2026, 3, 5, 13, 0, tzinfo=UTC)
    asleep = [due(owner=ada, value=1000, phones=(f"+1213555{n:04d}",)) for n in range(100, 145)]
    awake = due(owner=ada, value=1)
    assert served(ada, dawn) == awake
    for row in asleep:
        row.refresh_from_db()
    assert {row.due_at for row in asleep} == {datetime(2026, 3, 5, 16, 0, tzinfo=UTC)}
    queue.skip(awake, "", user=ada, now=dawn)
    assert queue.next_lead(ada, now=dawn) is None
    assert queue.opens_at(ada, now=dawn) == dawn + timedelta(hours=2)


def test_a_head_that_sleeps_costs_as_much_however_long_it_is(
    due: Callable[..., FollowUp], ada: User, bea: User
) -> None:
    """The guard is asked about the first alone, and then about all behind it at once."""
    dawn, cost = datetime(2026, 3, 5, 13, 0, tzinfo=UTC), {}
    for user, first, asleep in ((ada, 100, 2), (bea, 200, 5)):
        for n in range(first, first + asleep):
            due(owner=user, value=1000, phones=(f"+1213555{n:04d}",))
        awake = due(owner=user, value=1)
        with CaptureQueriesContext(connection) as asked:
            assert served(user, dawn) == awake
        cost[user] = len(asked)
    assert cost[ada] == cost[bea] <= 20


def test_what_no_time_will_open_becomes_a_task(
    due: Callable[..., FollowUp], ada: User, now: datetime
) -> None:
    row = due(owner=ada)
    row.lead.lead_numbers.get().number.__class__.objects.update(status="invalid")
    assert queue.next_lead(ada, now=now) is None
    row.refresh_from_db()
    assert (row.closed_as, row.lead.tasks.get().kind) == ("cancelled", "find_number")
    assert queue.opens_at(ada, now=now) is None


def test_customers_are_not_served(due: Callable[..., FollowUp], ada: User, now: datetime) -> None:
    customers = [due(owner=ada, value=1000, email=f"p{n}@acme.example") for n in range(25)]
    other = due(owner=ada, value=1)
    Customer.objects.create(domain="acme.example", added_at=now)
    assert served(ada, now) == other
    assert FollowUp.objects.due(now=now).filter(pk__in=[row.pk for row in customers]).count() == 0


def test_who_asked_not_to_be_called_is_not_served(
    due: Callable[..., FollowUp], ada: User, now: datetime
) -> None:
    row = due(owner=ada)
    assert served(ada, now) == row
    suppress.suppress(scope="person", lead=row.lead, by=None, now=now)
    assert queue.next_lead(ada, now=now) is None


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("leads", [1, 4])
def test_no_lead_is_served_to_two_reps_at_once(
    leads: int, due: Callable[..., FollowUp], north: Team, person: Callable[..., User], now: datetime
) -> None:
    reps = [person(f"rep{n}", role="rep", team=north) for n in range(4)]
    for _ in range(leads):
        due(team=north)
    start = Barrier(len(reps))

    def ask(rep: User) -> int | None:
        try:
            start.wait()
            row = queue.next_lead(rep, now=now)
            return row.pk if row else None
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(reps)) as pool:
        got = list(pool.map(ask, reps))
    given = [pk for pk in got if pk is not None]
    assert len(given) == len(set(given)) == leads


# --- at size ----------------------------------------------------------------------------------------------


@pytest.fixture
def many(a_lead: ALead, ada: User, north: Team, now: datetime) -> None:
    """20,000 leads with a follow-up each, one in 25 Ada's own, one in 25 her pool's; and their touchpoints."""
    others = Team.objects.create(name="Elsewhere")

    def keeper(n: int) -> dict[str, Any]:
        if n % 25 == 0:
            return {"owner": ada, "team": north}
        return {"owner": None, "team": north if n % 25 == 1 else others}

    made = Lead.objects.bulk_create(
        [
            Lead(
                last_name=f"L{n}",
                created_at=now,
                temperature="warm" if n % 10 == 0 else "cold",
                warm_until=now + timedelta(days=n % 90 - 1) if n % 10 == 0 else None,
                **keeper(n),
            )
            for n in range(20_000)
        ],
        batch_size=2000,
    )
    FollowUp.objects.bulk_create(
        [
            FollowUp(
                lead=lead,
                due_at=now - timedelta(minutes=n % 5000),
                window_end=now + DAY,
                reason="due",
                assignee=lead.owner,
                team=lead.team,
                rank=4 + n % 2,
                rank_value=n % 997,
                placed_at=now,
            )
            for n, lead in enumerate(made)
        ],
        batch_size=2000,
    )
    Touchpoint.objects.bulk_create(
        [
            Touchpoint(
                lead=lead,
                kind_id="referral",
                direction="inbound",
                occurred_at=now,
                recorded_at=now,
                evaluated_at=None if n % 1000 == 0 else now,
            )
            for n, lead in enumerate(made)
        ],
        batch_size=2000,
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


@pytest.mark.skipif(connection.vendor != "postgresql", reason="plans are PostgreSQL's")
def test_hot_queries_are_served_by_their_indexes(many: None, ada: User, now: datetime) -> None:
    sql, params = queue_order.statement(ada, None, now=now, count=20)
    in_order = "\n".join(row[0] for row in plain_sql.rows(f"EXPLAIN {sql}", params))
    plans = {
        "queue_own": in_order,
        "queue_pool": in_order,
        "lead_warm": engine.to_cool(now=now)[:500].explain(),
        "touchpoint_waiting": Touchpoint.objects.waiting().order_by("recorded_at")[:500].explain(),
    }
    for index, plan in plans.items():
        assert f"using {index}" in plan or f"Bitmap Index Scan on {index}" in plan, plan
        for table in ("touchpoints_followup", "touchpoints_touchpoint", "leads_lead"):
            assert f"Seq Scan on {table}" not in plan, plan
    for index in ("queue_own", "queue_pool"):
        # In the order of the index: nothing is sorted but what ties.
        assert f"Index Scan using {index}" in plans[index], plans[index]


# --- what cannot wait ----------------------------------------------------------------------------------------


def test_nothing_fresh_is_begun_minutes_before_a_callback(
    due: Callable[..., FollowUp], ada: User, now: datetime
) -> None:
    """Jo said "at ten past": from five past on Ada gets nobody else, and Jo as soon as she may be called."""
    cold = due(owner=ada)
    callback = due(owner=ada, rank=1, agreed=12 * MINUTE)
    FollowUp.objects.filter(pk=callback.pk).update(due_at=now + 9 * MINUTE)
    assert served(ada, now) == cold
    queue.release(ada, now=now)
    FollowUp.objects.filter(pk=callback.pk).update(due_at=now + 4 * MINUTE)
    assert served(ada, now) == callback
    queue.release(ada, now=now)
    Lead.objects.filter(pk=callback.lead_id).update(time_zone="Asia/Tokyo", region="", country="JP")
    assert queue.next_lead(ada, now=now) is None
    callback.refresh_from_db()
    assert callback.due_at == now + 4 * MINUTE


def test_a_callback_ten_minutes_late_is_lent_to_a_colleague_who_is_here(
    due: Callable[..., FollowUp], ada: User, bea: User, cy: User, now: datetime
) -> None:
    row = due(owner=ada, rank=1, agreed=0 * MINUTE)
    assert queue.next_lead(bea, now=now + 9 * MINUTE) is None
    late = now + 11 * MINUTE
    assert queue.next_lead(cy, now=late) is None
    assert served(bea, late) == row
    assert queue.reachable_by(bea, now=late).filter(pk=row.lead_id).exists()
    calls.dial(row.lead, user=bea, now=late)
    row.refresh_from_db()
    assert (row.assignee, row.lease_by) == (ada, bea)


@pytest.mark.parametrize("rank", [1, 2])
def test_cover_has_what_cannot_wait_while_a_colleague_is_away(
    due: Callable[..., FollowUp], ada: User, bea: User, cy: User, now: datetime, rank: int
) -> None:
    """Ada is away until tomorrow and named Cy, of another team: he gets callbacks and hand-raises, nothing else."""
    due(owner=ada, warm_days=20)
    row = due(owner=ada, rank=rank, agreed=MINUTE if rank == 1 else None)
    Absence.objects.create(user=ada, starts_on=now.date(), ends_on=now.date(), cover=cy)
    assert queue.next_lead(bea, now=now) is None
    assert served(cy, now) == row
    queue.release(cy, now=now)
    assert queue.next_lead(cy, now=now + DAY) is None
    assert served(ada, now + DAY) == row


def test_without_cover_the_team_has_what_cannot_wait_of_who_is_away_or_has_left(
    due: Callable[..., FollowUp], ada: User, bea: User, cy: User, now: datetime
) -> None:
    row = due(owner=ada, rank=1, agreed=MINUTE)
    assert queue.next_lead(bea, now=now) is None
    absence = Absence.objects.create(user=ada, starts_on=now.date(), ends_on=now.date())
    assert queue.next_lead(cy, now=now) is None
    assert served(bea, now) == row
    queue.release(bea, now=now)
    absence.delete()
    assert queue.next_lead(bea, now=now) is None
    User.objects.filter(pk=ada.pk).update(is_active=False)
    assert served(bea, now) == row


def test_two_reps_do_not_call_one_company_within_the_hour(
    due: Callable[..., FollowUp], ada: User, bea: User, now: datetime
) -> None:
    first = due(owner=ada, company="Acme")
    second = due(owner=bea, company="Acme")
    other = due(owner=bea, company="Other", value=0)
    assert served(ada, now) == first
    assert served(bea, now) == other
    queue.release(bea, now=now)
    call = calls.dial(first.lead, user=ada, now=now)
    outcomes.log_outcome(call, outcomes.Logged("no_answer"), user=ada, now=now + MINUTE)
    assert served(bea, now + 10 * MINUTE) == other
    queue.skip(other, "", user=bea, now=now + 10 * MINUTE)
    assert queue.next_lead(bea, now=now + 59 * MINUTE) is None
    assert served(bea, now + 61 * MINUTE) == second


def test_what_was_promised_is_called_whoever_else_called_the_company(
    due: Callable[..., FollowUp], ada: User, bea: User, now: datetime
) -> None:
    due(owner=ada, company="Acme")
    promised = due(owner=bea, company="Acme", rank=1, agreed=MINUTE)
    served(ada, now)
    assert served(bea, now) == promised


def test_who_signs_out_lets_the_lead_go(
    due: Callable[..., FollowUp], client: Client, ada: User, bea: User, north: Team, now: datetime
) -> None:
    row = due(team=north)
    client.force_login(ada)
    assert served(ada, now) == row
    assert queue.next_lead(bea, now=now) is None
    client.logout()
    assert served(bea, now) == row
