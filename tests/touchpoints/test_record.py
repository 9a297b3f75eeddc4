"""Does every report get in exactly once, to the right lead, whatever else is in its batch or comes at the same time?"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from crm.accounts.models import User
from leads.identity import Identity
from leads.models import AuditEvent, Consent, Lead
from leads.register import LeadRefused, NewLead, PhoneInput
from touchpoints import corrections, engine, record, settling
from touchpoints.models import HandRaise, Touchpoint, UnmatchedTouchpoint
from touchpoints.record import NewTouchpoint, Recorded, RowRefused

pytestmark = pytest.mark.django_db
ALead = Callable[..., Lead]
PHONE = "+12125550123"


def report(now: datetime, *, number: int = 1, **who: Any) -> NewTouchpoint:
    """A referral by a form, of somebody known by e-mail unless told otherwise."""
    identity = Identity(source="form", **(who or {"email": "ann@example.com"}))
    return NewTouchpoint(
        kind="referral",
        occurred_at=now - timedelta(days=1),
        lead=identity,
        lead_fields=NewLead({"last_name": "Lee"}),
        source="form",
        external_id=f"e{number}",
        referred_by="Bo",
    )


def statuses(results: list[Recorded | RowRefused]) -> list[str]:
    return [one.status if isinstance(one, Recorded) else "rejected" for one in results]


# --- one report -------------------------------------------------------------------------------------------


def test_a_report_of_somebody_unknown_makes_the_lead(now: datetime, ada: User) -> None:
    made = record.record(report(now), user=ada, now=now)
    assert made.touchpoint is not None
    assert (made.status, made.lead_created) == ("created", True)
    lead = made.touchpoint.lead
    assert (lead.email, lead.last_name, lead.owner) == ("ann@example.com", "Lee", ada)
    assert (made.touchpoint.direction, made.touchpoint.evaluated_at) == ("inbound", None)


def test_a_known_lead_gets_the_touchpoint_and_keeps_its_fields(now: datetime, a_lead: ALead) -> None:
    lead = a_lead(email="ann@example.com", last_name="Old")
    made = record.record(report(now), user=None, now=now)
    lead.refresh_from_db()
    assert (made.lead_created, lead.touchpoints.count(), lead.last_name) == (False, 1, "Old")


def test_a_replay_is_a_duplicate_and_a_changed_one_a_correction(now: datetime) -> None:
    new = report(now)
    first = record.record(new, user=None, now=now).touchpoint
    engine.evaluate_waiting(now=now)
    again = record.record(new, user=None, now=now)
    assert first is not None
    first.refresh_from_db()
    assert (again.status, again.touchpoint, first.evaluated_at) == ("duplicate", first, now)
    changed = record.record(replace(new, kind="website_visit"), user=None, now=now)
    first.refresh_from_db()
    assert (changed.status, first.kind_id, first.evaluated_at) == ("updated", "website_visit", None)
    assert Touchpoint.objects.count() == 1


def test_what_was_set_aside_is_tried_again_once_it_is_corrected(now: datetime) -> None:
    made = record.record(report(now), user=None, now=now).touchpoint
    Touchpoint.objects.update(set_aside_at=now, evaluation_tries=5, evaluation_error="boom")
    assert made is not None
    assert corrections.correct(made, {"summary": "mended"}, user=None, now=now)
    assert list(Touchpoint.objects.waiting()) == [made]
    assert (made.evaluation_tries, made.evaluation_error) == (0, "")


def test_two_leads_pointed_at_wait_for_a_person(now: datetime, a_lead: ALead, ada: User) -> None:
    one, two = a_lead(email="ann@example.com"), a_lead(phones=())
    two.external_id_rows.create(source="form", external_id="x7")
    torn = report(now, email="ann@example.com", external_id="x7")
    made = record.record(torn, user=None, now=now)
    assert made.unmatched is not None
    assert (made.status, made.touchpoint) == ("unresolved", None)
    assert set(made.unmatched.candidates.all()) == {one, two}
    again = record.record(replace(torn, summary="said more"), user=None, now=now)
    assert (again.status, again.unmatched) == ("unresolved", made.unmatched)
    settled = settling.settle_for(made.unmatched, two, user=ada, now=now)
    assert settled is not None
    assert (settled.lead, settled.summary, settled.referred_by) == (two, "said more", "Bo")
    assert record.record(replace(torn, summary="said more"), user=None, now=now).status == "duplicate"
    with pytest.raises(settling.AlreadySettled):
        settling.settle_for(made.unmatched, one, user=ada, now=now)


def test_a_waiting_report_becomes_a_new_lead_or_nothing(now: datetime, a_lead: ALead, ada: User) -> None:
    a_lead(email="ann@example.com")
    a_lead(phones=()).external_id_rows.create(source="form", external_id="x7")
    for number, settled_as in ((1, "new"), (2, "discarded")):
        torn = report(now, number=number, email="ann@example.com", external_id="x7")
        torn = replace(torn, lead_fields=NewLead({"last_name": "New"}, [PhoneInput(PHONE)]))
        # Whom it names is taken: a person makes of it somebody of another address.
        row = record.record(torn, user=None, now=now).unmatched
        assert row is not None
        row.payload["lead"]["external_id"] = ""
        row.save()
        if settled_as == "discarded":
            settling.discard(row, user=ada, now=now)
        else:
            touchpoint = settling.settle_as_new(row, user=ada, now=now)
        row.refresh_from_db()
        assert row.settled_as == settled_as
        if settled_as == "discarded":
            assert row.touchpoint is None
        else:
            assert touchpoint is not None
            assert (touchpoint.lead.last_name, row.settled_as) == ("New", "new")


def test_whom_a_rep_may_not_see_is_not_told(now: datetime, a_lead: ALead, ada: User, cy: User) -> None:
    lead = a_lead(owner=cy, email="ann@example.com")
    made = record.record(report(now), user=ada, now=now)
    assert made.unmatched is not None
    assert (made.status, made.unmatched.candidates.count(), lead.touchpoints.count()) == ("unresolved", 0, 0)
    (by_id,) = record.record_many([report(now, number=2, id=lead.pk)], user=ada, now=now)
    assert isinstance(by_id, RowRefused)
    assert by_id.errors[0].field == "lead.id"
    record.record(report(now, number=3), user=cy, now=now)
    (replay,) = record.record_many([report(now, number=3)], user=ada, now=now)
    assert isinstance(replay, RowRefused)
    assert (replay.errors[0].field, replay.errors[0].code) == ("external_id", "taken")


def test_what_cannot_be_stored_is_refused_by_field(now: datetime) -> None:
    new = replace(report(now), lead_fields=NewLead({"country": "Atlantis"}))
    with pytest.raises(LeadRefused) as refused:
        record.record(new, user=None, now=now)
    assert [error.field for error in refused.value.errors] == ["country"]
    (unknown,) = record.record_many([replace(report(now), kind="seance")], user=None, now=now)
    assert isinstance(unknown, RowRefused)
    assert unknown.errors[0].field == "kind"
    assert not Lead.objects.exists()


def test_a_correction_and_a_withdrawal_leave_their_trace(now: datetime, a_lead: ALead, ada: User) -> None:
    lead = a_lead(owner=ada)
    made = record.record(report(now, id=lead.pk), user=ada, now=now).touchpoint
    assert made is not None
    engine.evaluate_waiting(now=now)
    assert not corrections.correct(made, {"referred_by": "Bo"}, user=ada, now=now)
    assert corrections.correct(made, {"referred_by": "Al"}, user=ada, now=now)
    assert (made.referred_by, made.evaluated_at) == ("Al", None)
    corrections.withdraw(made, user=ada, now=now, reason="never happened")
    events = list(AuditEvent.objects.filter(subject_type="touchpoint").order_by("pk"))
    assert [event.action for event in events] == ["touchpoint.corrected", "touchpoint.withdrawn"]
    assert (events[0].before["referred_by"], events[0].after["referred_by"]) == ("Bo", "Al")
    assert (events[1].before["kind_id"], events[1].reason) == ("referral", "never happened")
    engine.evaluate_waiting(now=now)
    lead.refresh_from_db()
    assert (lead.temperature, lead.evaluation_due_at) == ("cold", None)


def test_a_withdrawn_enquiry_permits_no_calls(now: datetime, a_lead: ALead, ada: User, touched: Any) -> None:
    lead = a_lead(owner=ada)
    made = touched(lead, "web_form", days=0.01)
    consent = Consent.objects.get()
    corrections.withdraw(made, user=ada, now=now)
    consent.refresh_from_db()
    assert (consent.revoked_at, HandRaise.objects.count()) == (now, 0)


# --- batches ----------------------------------------------------------------------------------------------


def test_rows_of_one_new_person_make_one_lead(now: datetime) -> None:
    rows = [
        report(now, number=1, email="Ann@Example.com", phone="(212) 555-0123"),
        report(now, number=2, email="ann@example.com "),
        report(now, number=3, phone="+1 212 555 0123"),
        report(now, number=4, email="bo@example.com", phone=PHONE),
        report(now, number=5, external_id="x1"),
        report(now, number=6, external_id="x1", email="cy@example.com"),
    ]
    results = record.record_many(rows, user=None, now=now)
    made = [one for one in results if isinstance(one, Recorded)]
    leads = [one.touchpoint.lead_id for one in made if one.touchpoint]
    assert statuses(results) == ["created"] * 6
    assert [one.lead_created for one in made] == [True, False, False, True, True, False]
    assert leads[0] == leads[1] == leads[2]
    assert leads[4] == leads[5]
    assert Lead.objects.count() == 3


def test_identities_that_meet_two_newcomers_wait_for_a_person(now: datetime) -> None:
    rows = [
        report(now, number=1, email="ann@example.com"),
        report(now, number=2, external_id="x1"),
        report(now, number=3, external_id="x1", email="ann@example.com"),
    ]
    results = record.record_many(rows, user=None, now=now)
    assert statuses(results) == ["created", "created", "unresolved"]
    assert UnmatchedTouchpoint.objects.get().candidates.count() == 2


def test_replays_inside_one_batch(now: datetime) -> None:
    new = report(now)
    results = record.record_many([new, new, replace(new, summary="more"), new], user=None, now=now)
    assert statuses(results) == ["created", "duplicate", "updated", "updated"]
    assert Touchpoint.objects.get().summary == ""


def test_one_bad_row_spoils_nothing_of_the_same_person(now: datetime) -> None:
    bad = replace(report(now), lead_fields=NewLead({"country": "Atlantis"}))
    results = record.record_many([bad, report(now, number=2), report(now)], user=None, now=now)
    assert statuses(results) == ["rejected", "created", "created"]
    assert Lead.objects.get().touchpoints.count() == 2


@pytest.mark.parametrize("known", [True, False], ids=["replays", "new"])
def test_the_number_of_rows_costs_no_statements(known: bool, now: datetime) -> None:
    def statements(first: int, count: int) -> int:
        rows = [report(now, number=n, email=f"p{n}@example.com") for n in range(first, first + count)]
        if known:
            record.record_many(rows, user=None, now=now)
            rows = [replace(row, summary="more") for row in rows]
        with CaptureQueriesContext(
            connection,
        ) as spent:
            assert set(statuses(record.record_many(rows, user=None, now=now))) == {
                "updated" if known else "created"
            }
        return len(spent)

    few, many = statements(0, 10), statements(1000, 200)
    # SQLite takes a limited number of values at once, so that long inserts are cut there.
    assert many == few or (connection.vendor == "sqlite" and many <= few + 25)


# --- at the same time -------------------------------------------------------------------------------------


def at_once(*doings: Callable[[], Any]) -> list[Any]:
    """The results of these, begun at the same moment in threads of their own."""
    start = Barrier(len(doings))

    def run(do: Callable[[], Any]) -> Any:
        try:
            start.wait()
            return do()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(doings)) as pool:
        return [one.result() for one in [pool.submit(run, do) for do in doings]]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("round_", range(5))
def test_the_same_new_person_posted_twice_at_once_is_one_lead(round_: int, now: datetime) -> None:
    first = report(now, number=1, phone="(212) 555-0123")
    second = report(now, number=2, phone="+1 212 555 0123")
    results = at_once(*(lambda new=new: record.record(new, user=None, now=now) for new in (first, second)))
    assert [one.status for one in results] == ["created", "created"]
    assert sorted(one.lead_created for one in results) == [False, True]
    assert Lead.objects.get().touchpoints.count() == 2


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("round_", range(5))
def test_the_same_external_id_posted_by_four_at_once_is_one_touchpoint(round_: int, now: datetime) -> None:
    new = report(now)
    results = at_once(*[lambda: record.record_many([new], user=None, now=now)[0]] * 4)
    assert sorted(statuses(results)) == ["created", "duplicate", "duplicate", "duplicate"]
    assert (Lead.objects.count(), Touchpoint.objects.count()) == (1, 1)
