"""Which rows does the guard read of these leads? Each kind by one query, as many for one lead as for thousands.

A kind of which nothing can exist (a lead without numbers) is not asked for. Nothing is decided here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db.models import (
    BigIntegerField,
    Count,
    DateTimeField,
    Exists,
    F,
    OuterRef,
    Q,
    Subquery,
    Value,
)

from leads.erasure import Lookup
from leads.guard import Permission
from leads.models import Consent, Customer, Lead, LeadNumber, Suppression

from .models import Dial, FollowUp

if TYPE_CHECKING:
    from leads.erasure import Callee

# A law's cap spans at most a week, and the house's week is one too; one day more for the zones.
CAPS_REACH_BACK = timedelta(days=8)
HISTORY_REACHES_BACK = timedelta(days=200)

Scope = Suppression.Scope
_CUSTOMER = "customer"


def links_of(leads: Sequence[Lead], *, now: datetime) -> dict[int, list[LeadNumber]]:
    """Each lead's current numbers in the order we try them, with `users` (how many people share the number) and
    `asked`: a call that the lead itself asked for is due.

    A callback agreed for next week lifts the caps for that call, not for those a rep makes before it.
    """
    sharing = LeadNumber.objects.current().filter(number=OuterRef("number")).order_by().values("number")
    due = FollowUp.objects.due(now=now).filter(lead=OuterRef("lead"), lifts_house_caps=True)
    found: dict[int, list[LeadNumber]] = defaultdict(list)
    rows = LeadNumber.objects.current().filter(lead__in=[lead.pk for lead in leads]).select_related("number")
    for link in rows.annotate(users=Subquery(sharing.values(n=Count("*"))), asked=Exists(due)):
        found[link.lead_id].append(link)
    return found


@dataclass
class Lists:
    """What our own lists hold: do-not-call entries, erased persons, customers."""

    on_list: set[tuple[str, Any]] = field(default_factory=set)  # (scope, number, lead's or company's id)
    erased: set[Callee] = field(default_factory=set)
    stopped_at: dict[int, datetime] = field(default_factory=dict)  # lead id -> the last request to stop
    customers: set[str] = field(default_factory=set)  # numbers and mail domains


def lists_of(
    *,
    callees: set[Callee],
    lead_ids: Sequence[int] = (),
    company_ids: set[int] | None = None,
    domains: set[str] | None = None,
    at: datetime | None = None,
) -> Lists:
    """The entries that concern these callees and leads: as they stand now, or as they stood `at` a past call.

    A call about to be made goes by every entry, however its clock stands to ours. Raises `erasure.KeyMissing`.
    """
    e164s = {e164 for e164, _name in callees}
    erasures = Lookup(callees)
    entries = (
        Suppression.objects.filter(
            Q(scope=Scope.NUMBER, e164__in=e164s) & ~Q(e164="")
            | Q(scope=Scope.PERSON, lead__in=lead_ids)
            | Q(scope=Scope.COMPANY, company__in=company_ids or ())
            | erasures.q
        )
        .exclude(state=Suppression.State.DECLINED)
        .order_by()
    )
    known = Customer.objects.filter(
        Q(e164__in=e164s) & ~Q(e164="") | Q(domain__in=domains or ()) & ~Q(domain="")
    ).order_by()
    rows = entries.values_list(
        "scope", "e164", "lead_id", "company_id", "digest", "key_id", "requested_at", "lifted_at"
    ).union(_as_entries(known), all=True)
    return _read(rows, erasures, at)


def _as_entries(customers: Any) -> Any:
    nobody = Value(None, output_field=BigIntegerField())
    never = Value(None, output_field=DateTimeField())
    return customers.annotate(
        what=Value(_CUSTOMER), lead=nobody, company=nobody, none=Value(""), ended=never
    ).values_list("what", "e164", "lead", "company", "domain", "none", "added_at", "ended")


def _read(rows: Any, erasures: Lookup, at: datetime | None) -> Lists:
    lists = Lists()
    digests = []
    for scope, e164, lead, company, text, key, since, until in rows:
        if at is not None and since > at:
            continue
        if scope == _CUSTOMER:
            lists.customers |= {one for one in (e164, text) if one}
            continue
        if scope == Scope.ERASED:
            digests.append((text, key))
        elif until is None or (at is not None and until > at):
            lists.on_list.add((scope, e164 or lead or company))
        if lead is not None:
            lists.stopped_at[lead] = max(since, lists.stopped_at.get(lead, since))
    lists.erased = erasures.erased(digests)
    return lists


def permissions_of(lead_ids: Sequence[int]) -> dict[int, tuple[Permission, ...]]:
    """Consents, permissions and relationships for calls, by lead id."""
    found: dict[int, list[Permission]] = defaultdict(list)
    rows = Consent.objects.filter(lead__in=lead_ids, channel=Consent.Channel.CALL).order_by("starts_at", "pk")
    for lead, kind, start, end, revoked, number in rows.values_list(
        "lead_id", "kind", "starts_at", "ends_at", "revoked_at", "number__e164"
    ):
        found[lead].append(Permission(kind, start, end, revoked, number or ""))
    return {lead: tuple(permissions) for lead, permissions in found.items()}


@dataclass
class Dials:
    """Dials so far, oldest first: of each number by anybody, of each lead on any number."""

    to_number: dict[int, tuple[datetime, ...]] = field(default_factory=dict)
    to_lead: dict[int, tuple[datetime, ...]] = field(default_factory=dict)
    busy: set[int] = field(default_factory=set)  # the numbers whose last dial was answered by the busy tone


def dials_of(lead_ids: Sequence[int], number_ids: set[int], *, now: datetime, past: bool = False) -> Dials:
    """Dials of the numbers as far back as caps reach, of the leads as far as the planner looks; for a `past` call
    only those before it."""
    since = now - CAPS_REACH_BACK
    to_number: dict[int, list[datetime]] = defaultdict(list)
    to_lead: dict[int, list[datetime]] = defaultdict(list)
    last: dict[int, str | None] = {}
    rows = Dial.objects.filter(
        Q(lead__in=lead_ids, at__gte=now - HISTORY_REACHES_BACK) | Q(number__in=number_ids, at__gte=since)
    )
    if past:
        rows = rows.filter(at__lte=now)
    wanted = set(lead_ids)
    for lead, number, at, outcome in rows.order_by("at", "pk").values_list(
        "lead_id", "number_id", "at", F("call__outcome_id")
    ):
        if number is not None and at >= since:
            to_number[number].append(at)
            last[number] = outcome
        if lead in wanted:
            to_lead[lead].append(at)
    return Dials(
        {number: tuple(times) for number, times in to_number.items()},
        {lead: tuple(times) for lead, times in to_lead.items()},
        {number for number, outcome in last.items() if outcome == "busy"},
    )
