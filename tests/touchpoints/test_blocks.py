"""A sitting of 25: is it about the leads it names, is its pace honest, and is a break offered when it was rough?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from django.test import Client
from django.urls import reverse

from leads.models import Lead, LeadList, ListMembership, Segment
from tests.touchpoints.leads_cast import make_lead
from touchpoints import blocks, pursue, queue, refusals
from touchpoints.models import CallAttempt, CallBlock, FollowUp

if TYPE_CHECKING:
    from crm.accounts.models import User

# A Tuesday, 10:00 in Copenhagen.
NOW = datetime(2026, 3, 3, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def due(ada: User) -> list[Lead]:
    leads = [
        make_lead(name, owner=ada, phone=f"+45 32 12 34 5{n}")
        for n, name in enumerate(["Anna", "Bo", "Cleo"])
    ]
    pursue.start(leads, by=ada, now=NOW)
    FollowUp.objects.update(due_at=NOW - HOUR)
    return leads


def call(user: User, outcome: str, *, at: datetime, block: CallBlock | None = None) -> None:
    CallAttempt.objects.create(
        lead=Lead.objects.first() or make_lead(owner=user),
        user=user,
        block=block,
        started_at=at,
        ended_at=at,
        outcome_id=outcome,
    )


def test_a_block_is_about_its_list_but_promises_come_between(due: list[Lead], ada: User) -> None:
    anna, bo, _cleo = due
    fair = LeadList.objects.create(name="Fair", created_at=NOW)
    ListMembership.objects.create(lead=bo, list=fair, added_at=NOW)
    block = blocks.start(user=ada, lead_list=fair, now=NOW)
    assert block.name == "Fair"
    row = queue.next_lead(ada, now=NOW)
    assert row is not None
    assert row.lead == bo
    queue.release(ada, now=NOW)
    FollowUp.objects.filter(lead=anna).update(rank=FollowUp.Rank.CALLBACK)
    promised = queue.next_lead(ada, now=NOW)
    assert promised is not None
    assert promised.lead == anna


def test_a_paused_block_holds_nobody_back_and_an_ended_one_neither(due: list[Lead], ada: User) -> None:
    nobody = Segment.objects.create(name="Nobody", query={"country": "NZ"}, owner=ada)
    blocks.start(user=ada, segment=nobody, now=NOW)
    assert queue.next_lead(ada, now=NOW) is None
    blocks.pause(ada, now=NOW)
    assert queue.next_lead(ada, now=NOW) is not None
    queue.release(ada, now=NOW)
    blocks.resume(ada, now=NOW)
    assert queue.next_lead(ada, now=NOW) is None
    blocks.end(ada, now=NOW)
    assert queue.next_lead(ada, now=NOW) is not None


def test_the_pace_leaves_the_pause_out_and_a_no_counts(ada: User) -> None:
    block = blocks.start(user=ada, size=25, now=NOW)
    for n, outcome in enumerate(["no_answer", "not_interested", "meeting_booked", "hung_up"]):
        call(ada, outcome, at=NOW + n * timedelta(minutes=5), block=block)
    blocks.pause(ada, now=NOW + HOUR / 2)
    blocks.resume(ada, now=NOW + 2 * HOUR)
    found = blocks.progress(CallBlock.objects.get(), now=NOW + 2 * HOUR)
    assert (found.done, found.left, found.noes, found.reaches, found.meetings) == (4, 21, 2, 2, 1)
    assert found.an_hour == 8  # four calls in the half hour that was sat


def test_a_new_block_ends_the_one_before(ada: User) -> None:
    first = blocks.start(user=ada, now=NOW)
    second = blocks.start(user=ada, now=NOW + HOUR)
    first.refresh_from_db()
    assert (first.ended_at, blocks.of(ada)) == (NOW + HOUR, second)
    with pytest.raises(refusals.Invalid, match="1 to 200"):
        blocks.start(user=ada, size=0, now=NOW)


def test_a_break_is_offered_after_an_attack_or_five_hang_ups_in_a_row(ada: User) -> None:
    for n in range(4):
        call(ada, "hung_up", at=NOW + n * timedelta(minutes=1))
    assert not blocks.needs_a_break(ada, now=NOW + HOUR / 6)
    call(ada, "hung_up", at=NOW + timedelta(minutes=5))
    assert blocks.needs_a_break(ada, now=NOW + HOUR / 6)
    call(ada, "no_answer", at=NOW + timedelta(minutes=6))
    assert not blocks.needs_a_break(ada, now=NOW + HOUR / 6)
    call(ada, "abusive", at=NOW + timedelta(minutes=7))
    assert blocks.needs_a_break(ada, now=NOW + HOUR / 6)


def test_the_pages_of_a_block(ada: User, bea: User) -> None:
    client = Client()
    client.force_login(ada)
    assert client.post(reverse("call_block"), {"size": "500"}).status_code == 422
    assert client.post(reverse("call_block"), {"size": "10"}).status_code == 302
    assert "0 of 10" in client.get(reverse("block_progress")).content.decode()
    ended = client.post(reverse("block_end"))
    assert "part of the count" in client.get(ended["Location"]).content.decode()
    client.force_login(bea)
    assert client.get(ended["Location"]).status_code == 404
