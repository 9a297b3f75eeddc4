"""How do the guard and the planner see one lead at one moment?

Made by `guarding.gather`; everything here is worked out from what was read there, without another query.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from django.utils.translation import gettext

from leads import agreement
from leads import guard as rules_of_call
from leads.calendar import business_day, holiday_name
from leads.hours import ALWAYS, Hours, LocalRule, hours_of
from leads.law import ANYWHERE, Rules, jurisdictions
from leads.models import Lead, LeadNumber, Number, Suppression
from leads.zones import FoundZones, find_zones

from . import connect_rates, refusals
from .cadence import Attempted, Caps, Place, attempted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leads.guard import GuardFacts, Verdict

    from .cadence import Window
    from .desk_hours import Desks

Scope = Suppression.Scope
# For asking about caps alone: every hour open.
_ALWAYS = (LocalRule(ANYWHERE, ALWAYS),)
_ORDER = {"allow": 0, "warn": 1, "block": 2}


@dataclass
class Situation:
    """One lead as the guard and the planner see it at one moment."""

    lead: Lead
    links: list[LeadNumber]
    facts: dict[int, GuardFacts]  # by number id
    rules: dict[int, Rules]
    now: datetime
    suppressed: bool
    dialled: tuple[datetime, ...]
    caps: Caps
    users_of: dict[int, int] = field(default_factory=dict)  # number id -> how many people share it
    desks: Desks | None = None  # of the leads gathered together

    # --- places and times ----------------------------------------------------------------------------------

    @cached_property
    def _reference(self) -> LeadNumber | None:
        """The number that tells where the lead is: the first in use whose zone is known, else the first."""
        usable = self.callable_numbers()
        known = (link for link in usable if self.facts[link.number_id].zones)
        return next(known, None) or next(iter(usable), None) or next(iter(self.links), None)

    @cached_property
    def zones(self) -> tuple[str, ...]:
        """Candidate zones of the reference number, else of the address alone."""
        if self._reference is not None:
            return self.facts[self._reference.number_id].zones
        return zones_of_lead(self.lead, "")[0]

    @cached_property
    def country(self) -> str:
        if self.lead.country:
            return self.lead.country
        first = next(iter(self.links), None)
        return first.number.region if first is not None else ""

    @cached_property
    def jurisdictions(self) -> tuple[str, ...]:
        """Whose law binds a call: the address's and those of the numbers in use, countries before their states."""
        numbers = [link.number.e164 for link in self.callable_numbers()] or [""]
        found = dict.fromkeys(
            one for e164 in numbers for one in jurisdictions(self.lead.country, self.lead.region, e164)
        )
        return tuple(sorted(found, key=lambda place: "-" in place))

    @property
    def failed(self) -> bool:
        """Something could not be read, so that every call is blocked until whoever runs this puts it right."""
        return any(facts.failed for facts in self.facts.values())

    @property
    def is_customer(self) -> bool:
        return any(facts.is_customer for facts in self.facts.values())

    @cached_property
    def place(self) -> Place:
        """The lead's place for the planner; without a known zone nothing is permitted there."""
        hours = self.hours
        country, region = self.country, self.lead.region
        return Place(
            zone=ZoneInfo(self.zones[0]) if self.zones else ZoneInfo("UTC"),
            is_business_day=lambda day: business_day(day, country, region),
            permitted=hours.permitted if hours else _never,
            audience=self.lead.audience,
            is_holiday=lambda day: bool(holiday_name(day, country=country, region=region)),
            caps=self.caps,
            weights=connect_rates.weights_of(self.lead.team_id, self.lead.audience, now=self.now),
            at_desk=self._at_desk,
        )

    def _at_desk(self, start: datetime, end: datetime) -> Sequence[Window]:
        """When the lead's owner is at work; read when the planner first asks."""
        asked = self.desks.of(self.lead.owner_id) if self.desks else None
        return asked(start, end) if asked else [(start, end)]

    @cached_property
    def hours(self) -> Hours | None:
        if not self.callable_numbers() or self._reference is None or not self.zones:
            return None
        return hours_of(self.zones, self.rules[self._reference.number_id].hours)

    @cached_property
    def history(self) -> tuple[Attempted, ...]:
        return tuple(attempted(at, self.place) for at in self.dialled)

    def local_time(self, at: datetime) -> datetime | None:
        return at.astimezone(ZoneInfo(self.zones[0])) if self.zones else None

    def local_date(self, at: datetime) -> date:
        return self.place.local_date(at)

    def end_of_day(self, at: datetime) -> datetime:
        tomorrow = self.place.local_date(at) + timedelta(days=1)
        return datetime.combine(tomorrow, time(), tzinfo=self.place.zone).astimezone(UTC)

    def next_window(self, *, now: datetime) -> tuple[datetime, datetime] | None:
        """The first permitted window open at or after `now`."""
        opens = self.hours.next_open(now) if self.hours else None
        if opens is None or self.hours is None:
            return None
        return opens, self.hours.closes_at(opens) or opens + timedelta(days=1)

    @cached_property
    def law_earliest(self) -> datetime | None:
        """From when the law's caps let one more dial through; None where they do now."""
        return self._earliest(lead_request=True)

    @cached_property
    def earliest(self) -> datetime | None:
        """From when every cap, the house's included, lets one more dial through on some number."""
        return self._earliest(lead_request=False)

    def _earliest(self, *, lead_request: bool) -> datetime | None:
        times = []
        for link in self.callable_numbers():
            facts = self.facts[link.number_id]
            if not facts.dials_to_number and not facts.dials_to_lead:
                return None  # no cap counts anything yet
            if facts.lead_request != lead_request or not facts.zones:
                # The day of the house caps is the lead's own; without a zone nothing is placed anyway.
                facts = replace(facts, lead_request=lead_request, zones=facts.zones or ("UTC",))
            rules = self.rules[link.number_id]
            times.append(rules_of_call.next_allowed_at(facts, rules, now=self.now, hours=_ALWAYS) or self.now)
        first = min(times, default=self.now)
        return first if first > self.now else None

    # --- numbers -------------------------------------------------------------------------------------------

    def callable_numbers(self, *, without: int | None = None) -> list[LeadNumber]:
        """Numbers that are in use and on no list, in the order we try them."""
        return [link for link in self._in_use if link.number_id != without]

    @cached_property
    def _in_use(self) -> list[LeadNumber]:
        return [
            link
            for link in self.links
            if link.number.status == Number.Status.OK
            and not self.facts[link.number_id].suppressed
            and not self.facts[link.number_id].erased
        ]

    def choose(self, number: Number | None) -> Number:
        """The number to dial: the one asked for, which must be the lead's, else the first the guard allows."""
        if number is not None:
            if number.pk not in self.facts:
                raise refusals.Invalid(gettext("This is no number of this lead."), field="number")
            return number
        if not self.links:
            raise refusals.Invalid(gettext("The lead has no number: find one first."), field="number")
        usable = self.callable_numbers() or self.links
        return min(usable, key=lambda link: _ORDER[self.verdict(link.number, now=self.now).decision]).number

    def verdict(self, number: Number, *, now: datetime, redial: bool = False) -> Verdict:
        """The guard's answer for one number. A redial of a dropped call is bound by the law's caps alone."""
        facts = self.facts[number.pk]
        if redial:
            facts = replace(facts, lead_request=True)
        return rules_of_call.guard(facts, self.rules[number.pk], now=now)

    def verdicts(self, *, now: datetime) -> dict[int, Verdict]:
        return {link.number_id: self.verdict(link.number, now=now) for link in self.links}

    def best_verdict(self, *, now: datetime) -> Verdict:
        """The most permissive verdict over the lead's numbers; a block where there is none."""
        far = datetime.max.replace(tzinfo=UTC)
        found = list(self.verdicts(now=now).values())
        if not found:
            return no_number(now)
        return min(found, key=lambda one: (_ORDER[one.decision], one.next_allowed_at or far))

    def may_serve(self, *, now: datetime) -> bool:
        """Whether the queue may put this lead before a rep: some number may be dialled, and it is no customer."""
        if not self.links:
            return False
        return self.best_verdict(now=now).decision != "block" and not self.is_customer

    def missing(self) -> tuple[str, str] | None:
        """(task kind, why) where only a person can make a call possible; None where time alone decides."""
        if not self.callable_numbers():
            return "find_number", gettext("no number that may be called: find one")
        if not self.zones:
            return "find_zone", gettext("nobody knows the time zone: confirm it, or add an address")
        if self.failed or any(self._time_will_come(link) for link in self.callable_numbers()):
            return None
        return _task_for(self.verdict(self.callable_numbers()[0].number, now=self.now))

    def _time_will_come(self, link: LeadNumber) -> bool:
        facts, rules = self.facts[link.number_id], self.rules[link.number_id]
        return rules_of_call.next_allowed_at(facts, rules, now=self.now) is not None

    def scopes_of_refusal(self, number_id: int | None) -> list[str]:
        """Whom a wish not to be called covers when nobody said: on a shared number this person, else number too."""
        if number_id is None or self.users_of.get(number_id, 0) > 1:
            return [Scope.PERSON]
        return [Scope.PERSON, Scope.NUMBER]


def _task_for(verdict: Verdict) -> tuple[str, str]:
    kinds = {
        "consent_missing": "record_consent",
        "consent_revoked": "record_consent",
        "registry_list_stale": "load_registry",
        "registry_area_not_loaded": "load_registry",
        "zone_unknown": "find_zone",
        "number_invalid": "find_number",
    }
    reason = verdict.reasons[0] if verdict.reasons else None
    if reason is None:
        return "look_into", gettext("no permitted time lies ahead")
    return kinds.get(reason.code, "find_number"), reason.detail


def no_number(now: datetime) -> Verdict:
    reason = rules_of_call.Reason("number_invalid", gettext("The lead has no number: find one first."))
    return rules_of_call.Verdict("block", (reason,), None, "", ())


def _never(_start: datetime, _end: datetime) -> list[tuple[datetime, datetime]]:
    return []


def zones_of_lead(lead: Lead, e164: str) -> tuple[tuple[str, ...], str]:
    """Candidate zones and where they came from. What no manager agreed to, a confirmed zone or an address that a rep
    changed, can but tighten."""
    found = _find(lead, agreement.standing_of(lead), e164)
    if found.source == "confirmed" and lead.zone_agreed_at is not None:
        return found.zones, found.source
    before = [zone for one in agreement.former(lead) for zone in _find(lead, one, e164).zones]
    return tuple(dict.fromkeys((*found.zones, *before))), found.source


def _find(lead: Lead, standing: agreement.Standing, e164: str) -> FoundZones:
    return find_zones(
        confirmed=lead.confirmed_zone,
        confirmed_agreed=lead.zone_agreed_at is not None,
        address_zone=standing["time_zone"],
        country=standing["country"],
        region=standing["region"],
        number=e164,
        postcode=standing["postcode"],
    )
