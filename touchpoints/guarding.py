"""What does the guard need to know of these leads? Gathers its facts, a constant number of queries for any number.

`gather` is the shell around the pure guard: it decides nothing. Whatever fails inside blocks.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext

from leads import guard as rules_of_call
from leads.calendar import business_day, holiday_name
from leads.hours import ALWAYS, Hours, LocalRule, hours_of
from leads.law import ANYWHERE, RuleBook, Rules, jurisdictions
from leads.models import (
    AuditEvent,
    Consent,
    Customer,
    GuardRule,
    Lead,
    LeadNumber,
    Number,
    Suppression,
    Workspace,
)
from leads.zones import find_zones
from leads.zones_field import validate_zone

from . import refusals
from .cadence import Attempted, Caps, Place, attempted
from .models import CallAttempt, Dial, FollowUp

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser

    from leads.guard import GuardFacts, Verdict
    from leads.numbers import ParsedNumber

DIALS_REACH_BACK = timedelta(days=8)
HISTORY_REACHES_BACK = timedelta(days=200)
ENQUIRY_CONSENT_MONTHS = 3
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
        return _zones(self.lead, "", agreed=False)[0]

    @cached_property
    def country(self) -> str:
        if self.lead.country:
            return self.lead.country
        first = next(iter(self.links), None)
        return first.number.region if first is not None else ""

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
        )

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
            # The day of the house caps is the lead's own; without a zone nothing is placed anyway.
            facts = replace(facts, lead_request=lead_request, zones=facts.zones or ("UTC",))
            always = replace(self.rules[link.number_id], hours=_ALWAYS)
            times.append(rules_of_call.guard(facts, always, now=self.now).next_allowed_at or self.now)
        first = min(times, default=self.now)
        return first if first > self.now else None

    # --- numbers -------------------------------------------------------------------------------------------

    def callable_numbers(self, *, without: int | None = None) -> list[LeadNumber]:
        """Numbers that are in use and on no list, in the order we try them."""
        return [
            link
            for link in self.links
            if link.number_id != without
            and link.number.status == Number.Status.OK
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
            return _no_number(now)
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
        verdicts = [self.verdict(link.number, now=self.now) for link in self.callable_numbers()]
        if all(verdict.next_allowed_at is None for verdict in verdicts):
            return _task_for(verdicts[0])
        return None

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


def _no_number(now: datetime) -> Verdict:
    reason = rules_of_call.Reason("number_invalid", gettext("The lead has no number: find one first."))
    return rules_of_call.Verdict("block", (reason,), None, "", ())


def _never(_start: datetime, _end: datetime) -> list[tuple[datetime, datetime]]:
    return []


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


def gather(leads: Sequence[Lead], *, now: datetime) -> dict[int, Situation]:
    """Each lead's situation at `now`, by id."""
    return _Gathering(leads, now).situations()


class _Gathering:
    """Everything read for a set of leads, each kind of row by one query."""

    def __init__(self, leads: Sequence[Lead], now: datetime) -> None:
        self.leads, self.now = leads, now
        ids = [lead.pk for lead in leads]
        self.workspace = Workspace.current()
        self.book = RuleBook(GuardRule.objects.all())
        self.links: dict[int, list[LeadNumber]] = defaultdict(list)
        for link in LeadNumber.objects.current().filter(lead__in=ids).select_related("number"):
            self.links[link.lead_id].append(link)
        self.number_ids = {link.number_id for links in self.links.values() for link in links}
        self.e164s = {link.number.e164 for links in self.links.values() for link in links}
        confirmers = {lead.zone_confirmed_by_id for lead in leads if lead.confirmed_zone}
        users = get_user_model().objects.filter(pk__in=confirmers - {None}) if confirmers else ()
        self.agreeing = {user.pk for user in users if user.is_manager}
        self._read_suppressions(ids)
        self._read_consents(ids)
        self._read_dials(ids)
        self._read_requests(ids)
        self._read_sharing()
        self._read_customers()

    def _read_suppressions(self, ids: list[int]) -> None:
        companies = {lead.company_id for lead in self.leads if lead.company_id}
        rows = Suppression.objects.filter(
            Q(scope=Scope.NUMBER, e164__in=self.e164s)
            | Q(scope=Scope.PERSON, lead__in=ids)
            | Q(scope=Scope.COMPANY, company__in=companies)
        ).values_list("scope", "e164", "lead_id", "company_id", "requested_at", "lifted_at")
        self.on_list: set[tuple[str, Any]] = set()
        self.stopped_at: dict[int, datetime] = {}
        for scope, e164, lead, company, asked, lifted in rows:
            if lifted is None:
                self.on_list.add((scope, e164 or lead or company))
            if lead is not None:
                self.stopped_at[lead] = max(asked, self.stopped_at.get(lead, asked))

    def _read_consents(self, ids: list[int]) -> None:
        self.permissions: dict[int, list[rules_of_call.Permission]] = defaultdict(list)
        rows = Consent.objects.filter(lead__in=ids, channel=Consent.Channel.CALL).select_related("number")
        for row in rows:
            self.permissions[row.lead_id].append(
                rules_of_call.Permission(
                    row.kind,
                    row.starts_at,
                    row.ends_at,
                    row.revoked_at,
                    row.number.e164 if row.number else "",
                )
            )

    def _read_dials(self, ids: list[int]) -> None:
        self.dials_to_number: dict[int, list[datetime]] = defaultdict(list)
        self.dials_to_lead: dict[int, list[datetime]] = defaultdict(list)
        since = self.now - HISTORY_REACHES_BACK
        rows = Dial.objects.filter(at__lte=self.now).filter(
            Q(lead__in=ids, at__gte=since)
            | Q(number__in=self.number_ids, at__gte=self.now - DIALS_REACH_BACK)
        )
        wanted = set(ids)
        for lead, number, at in rows.values_list("lead_id", "number_id", "at"):
            if number is not None and at >= self.now - DIALS_REACH_BACK:
                self.dials_to_number[number].append(at)
            if lead in wanted:
                self.dials_to_lead[lead].append(at)
        last = CallAttempt.objects.filter(
            number__in=self.number_ids,
            started_at__lte=self.now,
            started_at__gte=self.now - timedelta(hours=3),
        ).order_by("started_at")
        self.last_outcome = dict(last.values_list("number_id", "outcome_id"))

    def _read_requests(self, ids: list[int]) -> None:
        # A callback agreed for next week lifts the caps for that call, not for those a rep makes before it.
        open_ones = FollowUp.objects.due(now=self.now).filter(lead__in=ids, lifts_house_caps=True)
        self.asked = set(open_ones.values_list("lead_id", flat=True))

    def _read_sharing(self) -> None:
        self.users_of: dict[int, int] = defaultdict(int)
        links = LeadNumber.objects.current().filter(number__in=self.number_ids)
        for number in links.values_list("number_id", flat=True):
            self.users_of[number] += 1

    def _read_customers(self) -> None:
        domains = {lead.email.rpartition("@")[2] for lead in self.leads if lead.email}
        rows = Customer.objects.filter(
            Q(e164__in=self.e164s, e164__gt="") | Q(domain__in=domains, domain__gt="")
        )
        self.customer_keys: set[str] = set()
        for e164, domain in rows.values_list("e164", "domain"):
            self.customer_keys |= {key for key in (e164, domain) if key}

    def situations(self) -> dict[int, Situation]:
        return {lead.pk: self._situation(lead) for lead in self.leads}

    def _situation(self, lead: Lead) -> Situation:
        facts, rules = {}, {}
        for link in self.links[lead.pk]:
            facts[link.number_id] = self._facts(lead, link)
            places = jurisdictions(lead.country, lead.region, link.number.e164)
            rules[link.number_id] = self.book.rules_for(places, lead.audience, self.now.date())
        whole = (Scope.PERSON, lead.pk) in self.on_list or (Scope.COMPANY, lead.company_id) in self.on_list
        return Situation(
            lead=lead,
            links=self.links[lead.pk],
            facts=facts,
            rules=rules,
            now=self.now,
            suppressed=whole,
            dialled=tuple(sorted(self.dials_to_lead[lead.pk])),
            caps=Caps(self.workspace.per_day_cap, self.workspace.per_week_cap),
            users_of={link.number_id: self.users_of[link.number_id] for link in self.links[lead.pk]},
        )

    def _facts(self, lead: Lead, link: LeadNumber) -> GuardFacts:
        number = link.number
        zones, zones_from = _zones(lead, number.e164, agreed=lead.zone_confirmed_by_id in self.agreeing)
        scopes = [
            scope
            for scope, key in (
                (Scope.NUMBER, number.e164),
                (Scope.PERSON, lead.pk),
                (Scope.COMPANY, lead.company_id),
            )
            if (scope, key) in self.on_list
        ]
        since = self.now - DIALS_REACH_BACK
        return rules_of_call.GuardFacts(
            number=number.e164,
            country=lead.country,
            region=lead.region,
            audience=lead.audience,
            zones=zones,
            zones_from=zones_from,
            line_type=number.line_type,
            number_status=number.status,
            erased=lead.erased_at is not None,
            suppressed=tuple(scopes),
            permissions=tuple(self.permissions[lead.pk]),
            stop_requested_at=self.stopped_at.get(lead.pk),
            refused_at=lead.cooled_at,
            registries=None,
            dials_to_number=tuple(sorted(self.dials_to_number[number.pk])),
            dials_to_lead=tuple(sorted(at for at in self.dials_to_lead[lead.pk] if at >= since)),
            last_dial_busy=self.last_outcome.get(number.pk) == "busy",
            lead_request=lead.pk in self.asked,
            is_customer=bool({number.e164, lead.email.rpartition("@")[2]} & self.customer_keys),
            workspace=self.settings,
        )

    @cached_property
    def settings(self) -> rules_of_call.Workspace:
        row = self.workspace
        return rules_of_call.Workspace(
            house_caps=rules_of_call.HouseCaps(
                per_day=row.per_day_cap,
                per_7_days=row.per_week_cap,
                min_gap=timedelta(minutes=row.min_gap_minutes),
                busy_gap=timedelta(minutes=row.busy_gap_minutes),
            ),
            mobile_hit_blocks=row.mobile_hit_blocks,
            securities_firm=row.securities_firm,
            enquiry_consent_months=ENQUIRY_CONSENT_MONTHS if row.enquiry_is_consent else 0,
        )


def _zones(lead: Lead, e164: str, *, agreed: bool) -> tuple[tuple[str, ...], str]:
    """Candidate zones and where they came from. A zone that no manager confirmed can but tighten."""
    found = find_zones(
        confirmed=lead.confirmed_zone,
        confirmed_agreed=agreed,
        address_zone=lead.time_zone,
        country=lead.country,
        region=lead.region,
        number=e164,
        postcode=lead.postcode,
    )
    return found.zones, found.source


def of_number(
    number: ParsedNumber,
    *,
    now: datetime,
    today: date,
    zone: str = "",
    country: str = "",
    region: str = "",
    audience: str = Lead.Audience.CONSUMER,
) -> Verdict:
    """The verdict for a bare number that need be nobody's: the lists, rows and rules of `today`, at the instant `now`.

    `zone` is confirmed by whoever asks; `country` and `region` are an address's.
    """

    def ask() -> Verdict:
        gathering = _Gathering([], now)
        row = Number.objects.filter(e164=number.e164).first()
        dials = (
            Dial.objects.filter(number=row, at__lte=now, at__gte=now - DIALS_REACH_BACK)
            if row
            else Dial.objects.none()
        )
        on_list = Suppression.objects.active().filter(scope=Scope.NUMBER, e164=number.e164).exists()
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
            suppressed=(Scope.NUMBER,) if on_list else (),
            dials_to_number=tuple(sorted(dials.values_list("at", flat=True))),
            is_customer=Customer.objects.filter(e164=number.e164).exists(),
            workspace=gathering.settings,
        )
        places = jurisdictions(country, region, number.e164)
        return rules_of_call.guard(facts, gathering.book.rules_for(places, audience, today), now=now)

    return rules_of_call.guarded(ask, now=now)


def confirm_zone(lead: Lead, zone: str, *, by: AbstractUser, now: datetime) -> None:
    """Note the zone somebody says the lead is in; audited. Raises ValidationError for a name that is no zone."""
    validate_zone(zone)
    with transaction.atomic():
        AuditEvent.objects.create(
            at=now,
            actor=by,
            action="lead.zone_confirmed",
            subject_type="lead",
            subject_id=str(lead.pk),
            lead=lead,
            before={"confirmed_zone": lead.confirmed_zone},
            after={"confirmed_zone": zone},
        )
        lead.confirmed_zone, lead.zone_confirmed_at, lead.zone_confirmed_by = zone, now, by  # type: ignore[assignment]
        lead.save(update_fields=["confirmed_zone", "zone_confirmed_at", "zone_confirmed_by", "updated_at"])
        lead.tasks.filter(kind="find_zone", done_at=None).update(done_at=now, done_by=by)


def place_of(*, zone: str, country: str, region: str, audience: str, now: datetime) -> Place:
    """A place for the planner where only the zone and the jurisdiction are known: the time-dependent checks alone."""
    book = RuleBook(GuardRule.objects.all())
    rules = book.rules_for(jurisdictions(country, region), audience, now.date())
    settings = Workspace.current()
    return Place(
        zone=ZoneInfo(zone),
        is_business_day=lambda day: business_day(day, country, region),
        permitted=hours_of((zone,), rules.hours).permitted,
        audience=audience,
        is_holiday=lambda day: bool(holiday_name(day, country=country, region=region)),
        caps=Caps(settings.per_day_cap, settings.per_week_cap),
    )
