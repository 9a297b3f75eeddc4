"""Who buys from us already, by which domains and numbers, and which leads are they? The door to the customer list."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from django.contrib.auth import get_user_model
from django.db import IntegrityError, transaction
from django.db.models import Q, Value
from django.db.models.functions import StrIndex, Substr
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _

from leads import numbers
from leads.facts import FieldError
from leads.models import AuditEvent, Customer, Lead, LeadNumber

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from django.db.models import QuerySet

FIELDS = ("name", "domain", "number", "account_owner", "since")
# Everybody's addresses end in these: as a customer's domain one would take half the leads out of the queues.
FREE_MAIL = frozenset(
    [
        "gmail.com",
        "googlemail.com",
        "outlook.com",
        "hotmail.com",
        "live.com",
        "msn.com",
        "yahoo.com",
        "icloud.com",
        "me.com",
        "aol.com",
        "gmx.de",
        "gmx.net",
        "web.de",
        "proton.me",
        "protonmail.com",
        "mail.com",
        "mail.ru",
        "yandex.ru",
        "bk.ru",
        "list.ru",
        "inbox.ru",
        "wp.pl",
        "o2.pl",
        "onet.pl",
        "interia.pl",
        "live.dk",
        "hotmail.dk",
        "outlook.dk",
    ]
)
_DOMAIN = re.compile(r"(?=.{4,200}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}")


class CustomerRefused(Exception):
    """A customer that cannot be kept so, with the fields to mend."""

    def __init__(self, errors: Sequence[FieldError]) -> None:
        super().__init__("; ".join(error.detail for error in errors))
        self.errors = list(errors)


def clean(values: dict[str, Any], *, region: str) -> dict[str, Any]:
    """The fields as they are stored: domain bare and in lower case, number in E.164. Raises CustomerRefused."""
    errors: list[FieldError] = []
    cleaned: dict[str, Any] = {"name": " ".join(str(values.get("name") or "").split())[:200]}
    cleaned["domain"] = _domain(str(values.get("domain") or ""), errors)
    cleaned["e164"] = _number(str(values.get("number") or "").strip(), region, errors)
    cleaned["account_owner"] = _owner(values.get("account_owner"), errors)
    cleaned["since"] = _since(values.get("since"), errors)
    if not errors and not cleaned["domain"] and not cleaned["e164"]:
        errors.append(
            FieldError("domain", "required", _("nothing to know them by"), _("a domain or a number"))
        )
    if errors:
        raise CustomerRefused(errors)
    return cleaned


def _domain(text: str, errors: list[FieldError]) -> str:
    bare = text.strip().lower().rpartition("@")[2]
    bare = bare.removeprefix("https://").removeprefix("http://").partition("/")[0].removeprefix("www.")
    if not bare:
        return ""
    if not _DOMAIN.fullmatch(bare):
        errors.append(
            FieldError("domain", "invalid", _("not a domain"), _("one such as acme.com"), text[:80])
        )
    elif bare in FREE_MAIL:
        wanted = _("a firm's own domain; whoever uses this one is known by their number")
        errors.append(FieldError("domain", "free_mail", _("everybody's mail"), wanted, bare))
    return bare


def _number(text: str, region: str, errors: list[FieldError]) -> str:
    if not text:
        return ""
    try:
        return numbers.parse(text, region).e164
    except numbers.NumberRefused as refused:
        errors.append(FieldError("number", "invalid", refused.reason, "", text[:80]))
        return ""


def _owner(given: Any, errors: list[FieldError]) -> Any:
    if not given or not isinstance(given, str):
        return given or None
    found = get_user_model().objects.filter(username=given.strip(), is_active=True).first()
    if found is None:
        errors.append(
            FieldError("account_owner", "unknown", _("nobody signs in by that name"), "", given[:80])
        )
    return found


def _since(given: Any, errors: list[FieldError]) -> date | None:
    if not given or isinstance(given, date):
        return given or None
    try:
        found = parse_date(str(given).strip())
    except ValueError:
        found = None
    if found is None:
        errors.append(
            FieldError("since", "invalid", _("not a date"), _("one such as 2026-03-01"), str(given)[:80])
        )
    return found


def add(values: dict[str, Any], *, region: str, by: Any, now: datetime) -> Customer:
    """Keep one more customer; raises CustomerRefused, also where the domain or number is known already."""
    cleaned = clean(values, region=region)
    return _store(Customer(added_at=now, **cleaned), "customer.added", {}, by=by, now=now)


def change(customer: Customer, values: dict[str, Any], *, region: str, by: Any, now: datetime) -> Customer:
    """Change the fields that are given; raises CustomerRefused."""
    before = snapshot(customer)
    present = {
        "name": customer.name,
        "domain": customer.domain,
        "number": customer.e164,
        "account_owner": customer.account_owner,
        "since": customer.since,
    }
    for name, value in clean(present | values, region=region).items():
        setattr(customer, name, value)
    return _store(customer, "customer.changed", before, by=by, now=now)


def remove(customer: Customer, *, by: Any, now: datetime) -> None:
    """They buy no more: their people are leads like others again."""
    with transaction.atomic():
        _audit("customer.removed", customer, before=snapshot(customer), after={}, by=by, now=now)
        customer.delete()


def _store(customer: Customer, action: str, before: dict[str, Any], *, by: Any, now: datetime) -> Customer:
    try:
        with transaction.atomic():
            customer.save()
            _audit(action, customer, before=before, after=snapshot(customer), by=by, now=now)
    except IntegrityError:
        raise CustomerRefused(
            [FieldError("domain", "taken", _("a customer with this domain or number is known"))]
        ) from None
    return customer


def snapshot(customer: Customer) -> dict[str, Any]:
    """A customer's own fields as JSON, for the audit trail."""
    return {
        "name": customer.name,
        "domain": customer.domain,
        "number": customer.e164,
        "account_owner": customer.account_owner_id,
        "since": customer.since.isoformat() if customer.since else None,
    }


def _audit(
    action: str, customer: Customer, *, before: dict[str, Any], after: dict[str, Any], by: Any, now: datetime
) -> None:
    AuditEvent.objects.create(
        at=now,
        actor=by,
        action=action,
        subject_type="customer",
        subject_id=str(customer.pk),
        before=before,
        after=after,
    )


# --- which leads they are -------------------------------------------------------------------------------------


def leads_of(customers: Collection[Customer]) -> QuerySet[Lead]:
    """The leads at these customers: with one of their numbers, or an e-mail address of their domain."""
    domains = {one.domain for one in customers if one.domain}
    e164s = {one.e164 for one in customers if one.e164}
    by_number = LeadNumber.objects.current().filter(number__e164__in=e164s).values("lead")
    by_mail = (
        Lead.objects.exclude(email="")
        .annotate(mail_domain=Substr("email", StrIndex("email", Value("@")) + 1))
        .filter(mail_domain__in=domains)
        .values("pk")
    )
    return Lead.objects.live().filter(Q(pk__in=by_number) | Q(pk__in=by_mail))


def customers_of(leads: Collection[Lead]) -> dict[int, Customer]:
    """The customer each of these leads is at, by the lead's id; two queries."""
    links = LeadNumber.objects.current().filter(lead__in=[lead.pk for lead in leads])
    numbers_of: dict[int, set[str]] = {}
    for lead, e164 in links.values_list("lead_id", "number__e164"):
        numbers_of.setdefault(lead, set()).add(e164)
    domain_of = {lead.pk: lead.email.lower().rpartition("@")[2] for lead in leads}
    known = Customer.objects.select_related("account_owner").filter(
        Q(e164__in={one for of in numbers_of.values() for one in of}, e164__gt="")
        | Q(domain__in=set(domain_of.values()), domain__gt="")
    )
    by_key = {key: one for one in known for key in (one.e164, one.domain) if key}
    found: dict[int, Customer] = {}
    for lead in leads:
        keys = [*sorted(numbers_of.get(lead.pk, ())), domain_of[lead.pk]]
        match = next((by_key[key] for key in keys if key in by_key), None)
        if match is not None:
            found[lead.pk] = match
    return found
