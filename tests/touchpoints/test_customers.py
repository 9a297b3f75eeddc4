"""Does whoever buys from us already leave the queues, and hear from their account owner instead?"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from crm.accounts.models import User
from leads import customers as the_list
from leads.identity import Identity
from leads.models import AuditEvent, Customer, Lead
from touchpoints import calls, customers, engine, pursue, queue, record, refusals, todo
from touchpoints.models import FollowUp, Pursuit, Task

pytestmark = pytest.mark.django_db
ALead = Callable[..., Lead]


def add(now: datetime, by: User, **values: Any) -> Customer:
    return customers.add(values, region="US", by=by, now=now)


@pytest.fixture
def lead(a_lead: ALead, ada: User, now: datetime) -> Lead:
    made = a_lead(owner=ada, email="jo@acme.example", phones=("+12125550123",))
    pursue.start([made], by=ada, now=now - timedelta(days=1))
    FollowUp.objects.update(due_at=now - timedelta(hours=1), window_end=now + timedelta(hours=2))
    return made


@pytest.mark.parametrize("known_by", [{"domain": "WWW.Acme.example"}, {"number": "(212) 555-0123"}])
def test_whoever_is_there_leaves_the_queues(
    lead: Lead, ada: User, bea: User, max_: User, now: datetime, known_by: dict[str, str]
) -> None:
    add(now, max_, name="Acme", account_owner="bea", **known_by)
    assert not FollowUp.objects.open().exists()
    assert (Pursuit.objects.get().end_reason, Pursuit.objects.get().end_note) == (
        "disqualified",
        "existing customer",
    )
    assert queue.next_lead(ada, now=now) is None
    task = Task.objects.get()
    assert (task.kind, task.lead, task.assignee) == ("customer", lead, bea)
    assert list(todo.visible_to(bea)) == [task]
    with pytest.raises(refusals.GuardWarned):
        calls.dial(lead, user=ada, now=now)
    assert AuditEvent.objects.get(action="customer.added").actor == max_


def test_who_turns_out_to_be_a_customer_later_is_handed_over_once(
    lead: Lead, ada: User, bea: User, now: datetime
) -> None:
    Customer.objects.create(domain="acme.example", account_owner=bea, added_at=now)
    assert queue.next_lead(ada, now=now) is None
    task = Task.objects.get()
    todo.finish(task, by=bea, now=now)
    assert pursue.resume_stalled(now=now) == 0
    assert Task.objects.count() == 1
    assert pursue.start([lead], by=ada, now=now) == []


def test_a_customer_who_asks_is_called_by_the_account_owner(
    a_lead: ALead, ada: User, bea: User, now: datetime
) -> None:
    lead = a_lead(owner=ada, email="jo@acme.example")
    Customer.objects.create(domain="acme.example", account_owner=bea, added_at=now)
    new = record.NewTouchpoint(kind="web_form", occurred_at=now, lead=Identity(id=lead.pk))
    record.record(new, user=None, now=now)
    engine.evaluate_waiting(now=now)
    task = Task.objects.get()
    assert (task.kind, task.assignee) == ("customer", bea)
    assert not FollowUp.objects.exists()
    assert not Pursuit.objects.exists()


@pytest.mark.parametrize(
    ("values", "field", "code"),
    [
        ({}, "domain", "required"),
        ({"domain": "gmail.com"}, "domain", "free_mail"),
        ({"domain": "not a domain"}, "domain", "invalid"),
        ({"number": "12"}, "number", "invalid"),
        ({"domain": "acme.example", "account_owner": "nobody"}, "account_owner", "unknown"),
        ({"domain": "acme.example", "since": "yesterday"}, "since", "invalid"),
    ],
    ids=str,
)
def test_a_customer_that_cannot_be(
    max_: User, now: datetime, values: dict[str, str], field: str, code: str
) -> None:
    with pytest.raises(the_list.CustomerRefused) as refused:
        add(now, max_, **values)
    assert [(error.field, error.code) for error in refused.value.errors] == [(field, code)]
    assert not Customer.objects.exists()


def test_a_file_brings_them_row_by_row(max_: User, now: datetime) -> None:
    rows = [
        (2, {"domain": "acme.example"}),
        (3, {"domain": "gmail.com"}),
        (4, {"domain": "www.acme.example"}),
    ]
    brought = customers.bring(rows, region="US", by=max_, now=now)
    assert (brought.rows, brought.added, brought.known) == (3, 1, 1)
    assert [(one["line"], one["field"]) for one in brought.refusals] == [(3, "domain")]
