"""What becomes of leads that turn out to buy from us already? Their account owner calls; they leave the queues."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils.translation import gettext

from leads import customers
from leads.models import Customer, Lead

from .follow_ups import close
from .models import FollowUp, Pursuit, Task

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

WHY = "existing customer"
CHUNK = 1_000


@dataclass
class Brought:
    """What came of a file of customers."""

    rows: int = 0
    added: int = 0
    known: int = 0
    refusals: list[dict[str, Any]] = field(default_factory=list)


def add(values: dict[str, Any], *, region: str, by: Any, now: datetime) -> Customer:
    """`customers.add`; whoever of our leads is at this customer leaves the queues in the same transaction."""
    with transaction.atomic():
        made = customers.add(values, region=region, by=by, now=now)
        welcome([made], now=now)
    return made


def change(customer: Customer, values: dict[str, Any], *, region: str, by: Any, now: datetime) -> Customer:
    """`customers.change`, with the same effect for whom the customer is known by now."""
    with transaction.atomic():
        customers.change(customer, values, region=region, by=by, now=now)
        welcome([customer], now=now)
    return customer


def bring(rows: Iterable[tuple[int, dict[str, str]]], *, region: str, by: Any, now: datetime) -> Brought:
    """Add customers from (line, fields); a row that cannot be is refused alone, one that is known changes nothing."""
    found = Brought()
    fresh: list[Customer] = []
    with transaction.atomic():
        for line, values in rows:
            found.rows += 1
            try:
                fresh.append(customers.add(values, region=region, by=by, now=now))
            except customers.CustomerRefused as refused:
                error = refused.errors[0]
                if error.code == "taken":
                    found.known += 1
                else:
                    found.refusals.append(
                        {"line": line, "field": error.field, "value": error.value, "reason": error.detail}
                    )
        found.added = len(fresh)
        welcome(fresh, now=now)
    return found


def welcome(fresh: Sequence[Customer], *, now: datetime) -> int:
    """Take the leads at these customers out of the queues; returns how many were planned."""
    planned = 0
    for start in range(0, len(fresh), CHUNK):
        at_them = customers.leads_of(fresh[start : start + CHUNK])
        leads = list(
            at_them.filter(pursuits__ended_at=None, pursuits__isnull=False)
            | at_them.filter(follow_ups__closed_at=None, follow_ups__isnull=False)
        )
        leads = list({lead.pk: lead for lead in leads}.values())
        hand_over(leads, now=now)
        planned += len(leads)
    return planned


def hand_over(leads: Sequence[Lead], *, now: datetime, why: str = "") -> None:
    """Give these leads to their account owners: no pursuit goes on, no call of ours is planned, a task says so.

    A constant number of statements. Without an account owner the task is their owner's, or the pool's.
    """
    if not leads:
        return
    of = customers.customers_of(leads)
    ids = [lead.pk for lead in leads]
    with transaction.atomic():
        Pursuit.objects.open().filter(lead__in=ids).update(
            ended_at=now, end_reason=Pursuit.EndReason.DISQUALIFIED, end_note=WHY
        )
        close(ids, FollowUp.Closed.CANCELLED, now=now, why=WHY)
        Task.objects.bulk_create(
            (_task(lead, of.get(lead.pk), why, now=now) for lead in leads), ignore_conflicts=True
        )


def _task(lead: Lead, customer: Customer | None, why: str, *, now: datetime) -> Task:
    owner = customer.account_owner if customer else None
    reason = gettext("%(customer)s buys from us already: the account owner calls.") % {
        "customer": customer or lead
    }
    return Task(
        lead=lead,
        kind=Task.Kind.CUSTOMER,
        reason=(f"{why} · {reason}" if why else reason)[:300],
        assignee=owner if owner is not None and owner.is_active else lead.owner,
        team_id=lead.team_id,
        created_at=now,
    )
