"""What does the guard say of these leads? Gathers its facts, a constant number of queries for any number of leads.

`gather` is the shell around the pure guard: it decides nothing. Whatever fails inside blocks.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, NamedTuple
from zoneinfo import ZoneInfo

from django.utils.translation import gettext

from leads import agreement
from leads import guard as rules_of_call
from leads.calendar import business_day, holiday_name
from leads.erasure import KeyMissing
from leads.hours import hours_of
from leads.law import both, jurisdictions, together
from leads.models import Lead, Number
from leads.registries import facts as registries
from leads.registries.lookup import Gone
from leads.terms import terms
from leads.zones import find_zones

from . import guard_rows
from .cadence import Caps, Place
from .desk_hours import Desks
from .guard_rows import CAPS_REACH_BACK, Dials, Lists
from .situation import Scope, Situation, zones_of_lead

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser

    from leads.guard import GuardFacts, Rules, Verdict
    from leads.models import LeadNumber
    from leads.numbers import ParsedNumber

__all__ = ["Asked", "Situation", "asked_of_number", "gather", "of_number", "place_of", "verdict", "verdicts"]

log = logging.getLogger(__name__)


def verdict(
    lead: Lead, *, now: datetime, number: Number | None = None, user: AbstractUser | None = None
) -> Verdict:
    """May this lead be called now, on this number or on the best of its numbers? Fails closed."""

    def ask() -> Verdict:
        situation = gather([lead], now=now)[lead.pk]
        if number is not None:
            return situation.verdict(situation.choose(number), now=now)
        return situation.best_verdict(now=now)

    return rules_of_call.guarded(ask, now=now)


def verdicts(leads: Sequence[Lead], *, now: datetime) -> dict[tuple[int, int], Verdict]:
    """The verdict now by (lead id, number id) for every current number of these leads."""
    return {
        (pk, number): one
        for pk, situation in gather(leads, now=now).items()
        for number, one in situation.verdicts(now=now).items()
    }


# --- gathering -----------------------------------------------------------------------------------------------


def gather(leads: Sequence[Lead], *, now: datetime, past: bool = False) -> dict[int, Situation]:
    """Each lead's situation by id: at `now`, going by every row there is; or, for a `past` call, by what stood then.

    Rows newer than `now` count unless `past`: they come from people who were quicker than this request.
    """
    return _Gathering(leads, now, past=past).situations() if leads else {}


class _Gathering:
    """Everything read for a set of leads."""

    def __init__(self, leads: Sequence[Lead], now: datetime, *, past: bool) -> None:
        self.leads, self.now, self.past = leads, now, past
        self.desks = Desks(lead.owner_id for lead in leads)
        ids = [lead.pk for lead in leads]
        self.terms = terms()
        self.links = guard_rows.links_of(ids, now=now)
        numbers = {link.number_id: link.number.e164 for links in self.links.values() for link in links}
        self.dials = guard_rows.dials_of(ids, set(numbers), now=now, past=past)
        self.failed, self.lists, self.permissions, self.registries = "", Lists(), {}, {}
        if numbers:
            self.permissions = guard_rows.permissions_of(ids)
            self.registries, unscreened = _screened(set(numbers.values()))
            self.lists, unread = _lists(
                callees={(link.number.e164, lead.person) for lead in leads for link in self.links[lead.pk]},
                lead_ids=ids,
                company_ids={lead.company_id for lead in leads if lead.company_id},
                domains={_domain(lead) for lead in leads if lead.email},
                at=now if past else None,
            )
            self.failed = unread or unscreened

    def situations(self) -> dict[int, Situation]:
        return {lead.pk: self._situation(lead) for lead in self.leads}

    def _situation(self, lead: Lead) -> Situation:
        links = self.links[lead.pk]
        on_list, caps = self.lists.on_list, self.terms.settings.house_caps
        whole = (Scope.PERSON, lead.pk) in on_list or (Scope.COMPANY, lead.company_id) in on_list
        return Situation(
            lead=lead,
            links=links,
            facts={link.number_id: self._facts(lead, link) for link in links},
            rules={link.number_id: self._rules(lead, link.number.e164) for link in links},
            now=self.now,
            suppressed=whole,
            dialled=self.dials.to_lead.get(lead.pk, ()),
            caps=Caps(caps.per_day, caps.per_7_days),
            users_of={link.number_id: link.users for link in links},
            desks=self.desks,
        )

    def _rules(self, lead: Lead, e164: str) -> rules_of_call.Rules:
        places, book, on = jurisdictions(lead.country, lead.region, e164), self.terms.book, self.now.date()
        before = agreement.former(lead)
        for one in before:
            places = together(places, jurisdictions(one["country"], one["region"], e164))
        rules = book.rules_for(places, lead.audience, on)
        for one in before:
            rules = both(rules, book.rules_for(places, one["audience"], on))
        return rules

    def _facts(self, lead: Lead, link: LeadNumber) -> GuardFacts:
        number = link.number
        zones, zones_from = zones_of_lead(lead, number.e164)
        keys = {Scope.NUMBER: number.e164, Scope.PERSON: lead.pk, Scope.COMPANY: lead.company_id}
        since = self.now - CAPS_REACH_BACK
        return rules_of_call.GuardFacts(
            number=number.e164,
            country=lead.country,
            region=lead.region,
            audience=lead.audience,
            zones=zones,
            zones_from=zones_from,
            line_type=number.line_type,
            number_status=self._status(number),
            erased=self._stood(lead.erased_at) or (number.e164, lead.person) in self.lists.erased,
            suppressed=self._suppressed(lead, keys),
            permissions=self.permissions.get(lead.pk, ()),
            stop_requested_at=self.lists.stopped_at.get(lead.pk),
            refused_at=lead.cooled_at if self._stood(lead.cooled_at) else None,
            registries=self.registries.get(number.e164, ()),
            dials_to_number=self.dials.to_number.get(number.pk, ()),
            dials_to_lead=tuple(at for at in self.dials.to_lead.get(lead.pk, ()) if at >= since),
            last_dial_busy=number.pk in self.dials.busy,
            lead_request=bool(link.asked),
            is_customer=bool({number.e164, _domain(lead)} & self.lists.customers),
            failed=self.failed,
            workspace=self.terms.settings,
        )

    def _suppressed(self, lead: Lead, keys: dict[Scope, Any]) -> tuple[str, ...]:
        """The scopes of our own list that hold this number, person or company, whichever lead they came by."""
        found = {scope for scope in keys if (scope, keys[scope]) in self.lists.on_list}
        if self.lists.holds_namesake(keys[Scope.NUMBER], lead.person, lead.job_title):
            found.add(Scope.PERSON)
        return tuple(str(scope) for scope in keys if scope in found)

    def _stood(self, at: datetime | None) -> bool:
        """Had it happened when the call was, or is to be, made?"""
        return at is not None and not (self.past and at > self.now)

    def _status(self, number: Number) -> str:
        """A number found dead only after a past call was in use at its time."""
        known_later = number.status_at is not None and not self._stood(number.status_at)
        return Number.Status.OK if known_later else number.status


def _lists(**which: Any) -> tuple[Lists, str]:
    """Our own lists, and why they could not be read: then every call is blocked."""
    try:
        return guard_rows.lists_of(**which), ""
    except KeyMissing as missing:
        log.error("every call is blocked: %s", missing)
        return Lists(), str(missing)


def _screened(e164s: set[str]) -> tuple[dict[str, tuple[rules_of_call.RegistryFact, ...]], str]:
    """What the registries say of the numbers, and why they could not be read."""
    try:
        return registries.facts_of(e164s), ""
    except Gone:
        log.exception("calls are blocked: the lists changed faster than they could be read")
        return {}, gettext("the do-not-call lists are just being replaced; try again.")


def _domain(lead: Lead) -> str:
    return lead.email.rpartition("@")[2].lower()


# --- bare numbers and places ---------------------------------------------------------------------------------


class Asked(NamedTuple):
    """What the guard is asked: may one call on these facts under these rules?"""

    facts: GuardFacts
    rules: Rules


def asked_of_number(
    number: ParsedNumber,
    *,
    now: datetime,
    today: date,
    zone: str = "",
    country: str = "",
    region: str = "",
    audience: str = Lead.Audience.CONSUMER,
) -> Asked:
    """The question about a bare number that need be nobody's, by the lists, rows and rules of `today`.

    `zone` is confirmed by whoever asks; `country` and `region` are an address's.
    """
    stands = terms()
    row = Number.objects.filter(e164=number.e164).first()
    dials = guard_rows.dials_of((), {row.pk}, now=now, past=True) if row else Dials()
    lists, unread = _lists(callees={(number.e164, "")})
    known, unscreened = _screened({number.e164})
    found = find_zones(confirmed=zone, country=country, region=region, number=number.e164)
    facts = rules_of_call.GuardFacts(
        number=number.e164,
        country=country,
        region=region,
        audience=audience,
        zones=found.zones,
        zones_from=found.source,
        line_type=row.line_type if row else number.line_type,
        number_status=row.status if row else Number.Status.OK,
        erased=bool(lists.erased),
        suppressed=(str(Scope.NUMBER),) if lists.on_list else (),
        registries=known.get(number.e164, ()),
        dials_to_number=dials.to_number.get(row.pk, ()) if row else (),
        last_dial_busy=bool(dials.busy),
        is_customer=bool(lists.customers),
        failed=unread or unscreened,
        workspace=stands.settings,
    )
    places = jurisdictions(country, region, number.e164)
    return Asked(facts, stands.book.rules_for(places, audience, today))


def of_number(number: ParsedNumber, *, now: datetime, today: date, **place: str) -> Verdict:
    """The verdict for a bare number at the instant `now`; `today` and `place` as in `asked_of_number`."""

    def ask() -> Verdict:
        asked = asked_of_number(number, now=now, today=today, **place)
        return rules_of_call.guard(asked.facts, asked.rules, now=now)

    return rules_of_call.guarded(ask, now=now)


def place_of(*, zone: str, country: str, region: str, audience: str, now: datetime) -> Place:
    """A place for the planner where only the zone and the jurisdiction are known: the time-dependent checks alone."""
    stands = terms()
    rules = stands.book.rules_for(jurisdictions(country, region), audience, now.date())
    caps = stands.settings.house_caps
    return Place(
        zone=ZoneInfo(zone),
        is_business_day=lambda day: business_day(day, country, region),
        permitted=hours_of((zone,), rules.hours).permitted,
        audience=audience,
        is_holiday=lambda day: bool(holiday_name(day, country=country, region=region)),
        caps=Caps(caps.per_day, caps.per_7_days),
    )
