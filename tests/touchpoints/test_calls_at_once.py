"""What becomes of dials to one shared number that start in the same instant?"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier

import pytest
from django.db import connection, transaction

from crm.accounts.models import User
from leads.models import Lead, Workspace
from touchpoints import calls, refusals, suppress
from touchpoints.models import BlockedDial, CallAttempt, Dial

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)

REPS = 4
SWITCHBOARDS = ("+12125550191", "+12125550192", "+12125550193")


def dial_at_once(rows: list[tuple[Lead, User]], now: datetime) -> list[str]:
    """What each rep was told: "" for a call, else the first reason of the block."""
    together = Barrier(len(rows))

    def dial(row: tuple[Lead, User]) -> str:
        lead, rep = row
        try:
            together.wait()
            calls.dial(lead, user=rep, now=now)
        except refusals.GuardBlocked as blocked:
            return blocked.verdict.codes[0] if blocked.verdict else "without a verdict"
        finally:
            connection.close()
        return ""

    with ThreadPoolExecutor(len(rows)) as pool:
        return list(pool.map(dial, rows))


@pytest.mark.parametrize("switchboard", SWITCHBOARDS)
def test_one_of_them_takes_the_last_call_that_the_law_permits(
    a_lead: Callable[..., Lead], person: Callable[..., User], now: datetime, switchboard: str
) -> None:
    Workspace.objects.update(min_gap_minutes=0)
    reps = [person(f"rep{n}", role="rep") for n in range(REPS)]
    leads = [a_lead(owner=rep, phones=(switchboard,)) for rep in reps]
    for lead, rep, earlier in zip(leads, reps, (timedelta(hours=3), timedelta(hours=2)), strict=False):
        call = CallAttempt.objects.create(
            lead=lead, user=rep, started_at=now - earlier, ended_at=now - earlier
        )
        number = lead.lead_numbers.get().number
        Dial.objects.create(call=call, lead=lead, number=number, at=now - earlier)
    answers = dial_at_once(list(zip(leads, reps, strict=True)), now)
    assert sorted(answers) == ["", *["frequency_cap"] * (REPS - 1)]
    assert Dial.objects.filter(number__e164=switchboard).count() == 3
    assert CallAttempt.objects.open().count() == 1
    assert BlockedDial.objects.count() == REPS - 1


def test_the_gap_between_two_calls_to_a_number_holds_for_those_who_start_together(
    a_lead: Callable[..., Lead], person: Callable[..., User], now: datetime
) -> None:
    reps = [person(f"rep{n}", role="rep") for n in range(REPS)]
    rows = [(a_lead(owner=rep, phones=(SWITCHBOARDS[0],)), rep) for rep in reps]
    assert sorted(dial_at_once(rows, now)) == ["", *["min_gap"] * (REPS - 1)]
    assert Dial.objects.count() == 1


@pytest.mark.parametrize("scope", ["number", "person", "company"])
def test_a_wish_waits_for_a_dial_that_has_begun(
    a_lead: Callable[..., Lead], ada: User, bea: User, now: datetime, scope: str
) -> None:
    """Else a link to dial would be handed out after "they are on the list, everywhere"."""
    lead = a_lead(owner=ada, company="Umbrella", phones=(SWITCHBOARDS[0],))
    kept: list[str] = []
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            calls.dial(lead, user=ada, now=now)
            wish = pool.submit(put_on_the_list, lead, scope, bea, now, kept.append)
            with pytest.raises(TimeoutError):
                wish.result(timeout=0.7)
            assert not kept
        wish.result(timeout=20)
    assert kept == [scope]


@pytest.mark.parametrize("scope", ["number", "person", "company"])
def test_a_dial_waits_for_a_wish_that_is_being_written_down(
    a_lead: Callable[..., Lead], ada: User, bea: User, now: datetime, scope: str
) -> None:
    lead = a_lead(owner=ada, company="Umbrella", phones=(SWITCHBOARDS[0],))
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            put_on_the_list(lead, scope, bea, now, lambda _scope: None, last=False)
            dialling = pool.submit(dial_at_once, [(lead, ada)], now)
            with pytest.raises(TimeoutError):
                dialling.result(timeout=0.7)
        assert dialling.result(timeout=20) == ["internal_dnc"]
    assert not CallAttempt.objects.exists()


def put_on_the_list(
    lead: Lead,
    scope: str,
    by: User,
    now: datetime,
    told: Callable[[str], object],
    *,
    last: bool = True,
) -> None:
    """What their page or program does; `last`: the thread's connection is not needed any more."""
    try:
        number = lead.lead_numbers.get().number
        suppress.suppress(scope=scope, lead=lead, number=number, by=by, now=now)
        told(scope)
    finally:
        if last:
            connection.close()
