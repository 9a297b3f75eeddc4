"""Does the planner learn when people answer this team, and not from a handful of calls?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from tests.touchpoints.leads_cast import make_lead
from touchpoints import connect_rates, guarding
from touchpoints.cadence import slot_from, weights
from touchpoints.models import CallAttempt, ConnectRate

if TYPE_CHECKING:
    from crm.accounts.models import User

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 3, 6, 0, tzinfo=UTC)  # a Tuesday, 7:00 in Copenhagen


@pytest.fixture(autouse=True)
def _nothing_kept() -> Iterator[None]:
    connect_rates.forget()
    yield
    connect_rates.forget()


def dials(user: User, hour: int, count: int, connects: int, *, ago: timedelta = timedelta(days=7)) -> None:
    lead = make_lead("Old", owner=user)
    CallAttempt.objects.bulk_create(
        CallAttempt(
            lead=lead,
            user=user,
            team=user.team,
            started_at=NOW - ago,
            ended_at=NOW - ago,
            outcome_id="gatekeeper" if n < connects else "no_answer",
            local_weekday=2,
            local_hour=hour,
        )
        for n in range(count)
    )


def test_calls_go_where_this_team_was_answered(ada: User) -> None:
    dials(ada, 8, 300, 3)
    dials(ada, 15, 300, 120)
    assert connect_rates.count(now=NOW) == 2
    learned = connect_rates.weights_of(ada.team_id, "business", now=NOW)
    assert learned[2, "afternoon"] > 1.5 > 0.5 > learned[2, "early"]
    # Where nothing was dialled the prior stands.
    assert learned[3, "early"] == weights()[3, "early"]
    lead = make_lead(owner=ada, phone="+45 32 12 34 56")
    place = guarding.gather([lead], now=NOW)[lead.pk].place
    found = slot_from(NOW.date(), (), place, now=NOW)
    assert found.cell == (2, "afternoon")  # type: ignore[union-attr]


def test_a_handful_of_calls_teaches_nothing(ada: User, cy: User) -> None:
    dials(ada, 15, 100, 90)
    connect_rates.count(now=NOW)
    assert connect_rates.weights_of(ada.team_id, "business", now=NOW) == weights()
    assert connect_rates.weights_of(cy.team_id, "business", now=NOW) == weights()
    assert connect_rates.weights_of(None, "business", now=NOW) == weights()


def test_old_habits_are_forgotten_and_counts_are_made_once_a_night(ada: User) -> None:
    dials(ada, 15, 400, 200, ago=timedelta(days=181))
    assert connect_rates.count(now=NOW) == 0
    dials(ada, 9, 10, 5)
    assert connect_rates.count_nightly(now=NOW) == 1
    assert connect_rates.count_nightly(now=NOW + timedelta(hours=19)) == 0
    assert ConnectRate.objects.get().counted_at == NOW
    assert connect_rates.count_nightly(now=NOW + timedelta(hours=20)) == 1
    assert ConnectRate.objects.get().counted_at == NOW + timedelta(hours=20)
