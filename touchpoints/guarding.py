"""What does the guard need to know of these leads? Gathers its facts, a constant number of queries for any number.

`gather` is the shell around the pure guard: it decides nothing. Whatever fails inside blocks.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple
from zoneinfo import ZoneInfo

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import Q

from leads import guard as rules_of_call
from leads.calendar import business_day, holiday_name
from leads.hours import hours_of
from leads.law import RuleBook, jurisdictions
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

from .cadence import Caps, Place
from .models import CallAttempt, Dial, FollowUp
from .situation import Scope, Situation, zones_of_lead

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser

    from leads.guard import GuardFacts, Rules, Verdict
    from leads.numbers import ParsedNumber

__all__ = [
    "Asked",
    "Situation",
    "asked_of_number",
    "confirm_zone",
    "gather",
    "of_number",
    "place_of",
    "verdict",
    "verdicts",
]

DIALS_REACH_BACK = timedelta(days=8)
HISTORY_REACHES_BACK = timedelta(days=200)
ENQUIRY_CONSENT_MONTHS = 3


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
        named = Suppression.objects.filter(
            Q(scope=Scope.NUMBER, e164__in=self.e164s)
            | Q(scope=Scope.PERSON, lead__in=ids)
            | Q(scope=Scope.COMPANY, company__in=companies)
        )
        # A declined proposal was no wish: it voids nothing that was granted before.
        rows = named.exclude(state=Suppression.State.DECLINED).values_list(
            "scope", "e164", "lead_id", "company_id", "requested_at", "lifted_at"
        )
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
        zones, zones_from = zones_of_lead(
            lead, number.e164, agreed=lead.zone_confirmed_by_id in self.agreeing
        )
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
    return Asked(facts, gathering.book.rules_for(places, audience, today))


def of_number(number: ParsedNumber, *, now: datetime, today: date, **place: str) -> Verdict:
    """The verdict for a bare number at the instant `now`; `today` and `place` as in `asked_of_number`."""

    def ask() -> Verdict:
        asked = asked_of_number(number, now=now, today=today, **place)
        return rules_of_call.guard(asked.facts, asked.rules, now=now)

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
