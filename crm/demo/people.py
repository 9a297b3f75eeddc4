"""Whom does the demo sell to? Companies, switchboards, households and the people in them, before anything happens."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from random import Random

from leads.models import Company, Lead, LeadNumber, Number

from . import clock, names
from .cast import HOUSEHOLDS, ORIGINS, REPS, TEAMS, Origin, Rep
from .clock import DAY, HOUR
from .markets import MARKETS, TOLL_FREE, Market

CONSENT_COUNTRIES = ("PL", "RU")
BANDS = ("US-E", "US-C", "US-W", "EU", "ASIA", "PACIFIC")
_HOUSEHOLD_COUNTRIES = ("US", "CA", "GB", "AU")
_LANGUAGES = {"DK": "da", "PL": "pl", "RU": "ru"}


@dataclass(slots=True, eq=False)
class Person:
    """One lead before its history: who it is, whose, and where it stands in the line."""

    lead: Lead
    market: Market
    origin: Origin
    rep: Rep | None
    team: str
    arrived: int
    links: list[LeadNumber] = field(default_factory=list)
    consented: bool = True
    by_enquiry: bool = False  # the consent came with their own enquiry

    @property
    def consumer(self) -> bool:
        return self.lead.audience == "consumer"


class Town:
    """Makes the people of the demo, deterministically for one seed."""

    def __init__(self, dice: Random, *, start: int, end: int) -> None:
        self.dice, self.start, self.end = dice, start, end
        self.companies: list[Company] = []
        self.numbers: list[Number] = []
        self.people: list[Person] = []
        self._next_number: dict[str, int] = defaultdict(int)
        self._taken: set[str] = set()
        self._emails: set[str] = set()
        self._left = {market.prefix: market.capacity for market in MARKETS}

    def populate(self, count: int) -> list[Person]:
        """`count` people, shared out among the reps and the pools."""
        keepers: list[tuple[Rep | None, str]] = [(rep, rep.team) for rep in REPS]
        keepers += [(None, team) for team in TEAMS]
        shares = [rep.share for rep in REPS] + [0.45, 0.45]
        for index, ((rep, team), share) in enumerate(zip(keepers, shares, strict=True), start=1):
            before = len(self.people)
            wanted = round(count * share / sum(shares)) if index < len(keepers) else count - before
            markets, weights = self._markets(rep)
            # Some of every part of the world for everyone, so that at any hour somebody can be called.
            for market in self._some_of_each_band(wanted):
                self._household_or_firm(market, rep, team, most=1)
            while (missing := wanted - (len(self.people) - before)) > 0:
                market = self.dice.choices(markets, weights)[0]
                self._household_or_firm(market, rep, team, most=missing)
        return self.people

    def _markets(self, rep: Rep | None) -> tuple[list[Market], list[float]]:
        if rep is None:
            chosen = [market for market in MARKETS if market.language in ("en", "de")]
            return chosen, [market.weight for market in chosen]
        return list(MARKETS), [market.weight * _fit(rep, market) for market in MARKETS]

    def _some_of_each_band(self, wanted: int) -> Iterator[Market]:
        for _time in range(min(2, wanted // len(BANDS))):
            for band in BANDS:
                yield self.dice.choice(
                    [one for one in MARKETS if one.band == band and one.country not in CONSENT_COUNTRIES]
                )

    def _household_or_firm(self, market: Market, rep: Rep | None, team: str, *, most: int) -> None:
        while self._left[market.prefix] < 8:
            market = self.dice.choice(MARKETS)
        if market.country in _HOUSEHOLD_COUNTRIES and self.dice.random() < 0.11:
            self._household(market, rep, team, most)
        else:
            self._firm(market, rep, team, most)

    # --- households ----------------------------------------------------------------------------------------

    def _household(self, market: Market, rep: Rep | None, team: str, most: int) -> None:
        dice = self.dice
        arrived = self._arrival(market)
        line = self._number(market, "fixed" if dice.random() < 0.4 else "mobile")
        surname = names.person(market.locale, dice)[2]
        address = f"{dice.randrange(1, 240)} {dice.choice(market.locale.places)} Road"
        for _one in range(2 if most > 1 and dice.random() < 0.35 else 1):
            title, first, _last, _woman = names.person(market.locale, dice)
            lead = Lead(
                salutation=title,
                first_name=first,
                last_name=surname,
                audience=Lead.Audience.CONSUMER,
                occupation=dice.choice(names.OCCUPATIONS),
                address=address,
                email=self._email(f"{first}.{surname}", "home.example"),
                value=Decimal(dice.randrange(6, 40) * 100),
            )
            person = self._add(lead, market, HOUSEHOLDS, rep, team, arrived)
            self._link(person, line, "home")

    # --- firms ---------------------------------------------------------------------------------------------

    def _firm(self, market: Market, rep: Rep | None, team: str, most: int) -> None:
        dice = self.dice
        name, industry = names.company(market.locale, dice, self._taken)
        company = Company(
            name=name,
            domain=f"{names.ascii_of(name)[:60].strip('-')}.example",
            industry=industry,
            size=dice.choices(names.SIZES, (18, 34, 30, 14, 4))[0],
            country=market.country,
            region=market.region,
            city=market.city,
            postcode=_postcode(market, dice),
            is_demo=True,
        )
        company.website = f"https://{company.domain}"
        self.companies.append(company)
        people = min(most, dice.choices((1, 2, 3, 4, 6), (52, 24, 13, 8, 3))[0])
        switchboard = self._number(market, "fixed") if people > 1 or dice.random() < 0.3 else None
        origin = dice.choices(ORIGINS, [one.weight for one in ORIGINS])[0]
        arrived = self._arrival(market)
        for index in range(people):
            person = self._employee(company, market, origin, rep, team, arrived)
            if switchboard is None or index == 0 or dice.random() < 0.35:
                direct = (
                    "mobile"
                    if dice.random() < 0.35
                    else "unknown"
                    if market.country in ("US", "CA")
                    else "fixed"
                )
                self._link(person, self._number(market, direct), "direct" if direct != "mobile" else "mobile")
            if switchboard is not None:
                extension = str(100 + index * 7) if dice.random() < 0.6 else ""
                self._link(person, switchboard, "switchboard", extension)

    def _employee(
        self, company: Company, market: Market, origin: Origin, rep: Rep | None, team: str, arrived: int
    ) -> Person:
        dice = self.dice
        locale = (
            names.EN_IN if market.country in ("GB", "AU", "US") and dice.random() < 0.07 else market.locale
        )
        title, first, last, woman = names.person(locale, dice)
        lead = Lead(
            salutation=title,
            first_name=first,
            last_name=last,
            job_title=names.title(market.locale, dice, woman=woman),
            company=company,
            audience=Lead.Audience.BUSINESS,
            email=self._email(f"{first.split()[0]}.{last}", company.domain) if dice.random() < 0.8 else "",
            industry=company.industry,
            company_size=company.size,
            website=company.website,
            decision_role=dice.choice(names.DECIDES) if dice.random() < 0.5 else "",
            needs=dice.choice(names.NEEDS) if dice.random() < 0.45 else "",
            research=dice.choice(names.RESEARCH) if dice.random() < 0.4 else "",
            value=Decimal(round(dice.lognormvariate(8.8, 0.8) / 100) * 100 + 500),
        )
        if origin.story == "cold" and dice.random() < 0.11:
            # The list named a role, nobody has learned the name yet.
            lead.salutation = lead.first_name = lead.last_name = lead.email = ""
        return self._add(lead, market, origin, rep, team, arrived)

    # --- parts ---------------------------------------------------------------------------------------------

    def _add(
        self, lead: Lead, market: Market, origin: Origin, rep: Rep | None, team: str, arrived: int
    ) -> Person:
        lead.country, lead.region, lead.city = market.country, market.region, market.city
        lead.time_zone, lead.language = market.zone, _LANGUAGES.get(market.country, market.language)
        lead.postcode = lead.company.postcode if lead.company else _postcode(market, self.dice)
        lead.fit = min(100, max(5, round(self.dice.gauss(58, 18))))
        lead.created_at = clock.instant(arrived)
        lead.is_demo = True
        person = Person(lead, market, origin, rep, team, arrived)
        person.consented = market.country not in CONSENT_COUNTRIES or self.dice.random() < 0.88
        self.people.append(person)
        return person

    def zoneless(self, rep: Rep) -> Person:
        """Somebody of whom only a toll-free number is known: nobody can say what time it is there."""
        person = self._employee(
            Company(name="Prairie Wind Catalog Sales", domain="prairie-wind.example", is_demo=True),
            TOLL_FREE, ORIGINS[1], rep, rep.team, self.start,
        )  # fmt: skip
        assert person.lead.company is not None
        self.companies.append(person.lead.company)
        self._link(person, self._number(TOLL_FREE, "toll_free"), "orders")
        return person

    def numberless(self, market: Market, rep: Rep) -> Person:
        """Somebody of whom only a mail address is known."""
        title, first, last, _woman = names.person(names.EN_IN, self.dice)
        lead = Lead(
            salutation=title, first_name=first, last_name=last, email=self._email(f"{first}.{last}", "home.example"),
            audience=Lead.Audience.CONSUMER,
        )  # fmt: skip
        return self._add(lead, market, ORIGINS[6], rep, rep.team, self.start)

    def _arrival(self, market: Market) -> int:
        """Most were there when the twelve weeks began, the rest came in week by week, in their office hours."""
        if self.dice.random() < 0.6:
            at = self.start - self.dice.randrange(1, 40 * DAY)
        else:
            at = self.dice.randrange(self.start, self.end - 3 * DAY)
        day = clock.add_business_days(market, clock.local(market.zone, at)[0], 0)
        return min(clock.moment(market.zone, day, self.dice.randrange(8 * 60, 17 * 60)), self.end - DAY)

    def _email(self, local: str, domain: str) -> str:
        address = f"{names.ascii_of(local.replace('.', ' ')).replace('-', '.')}@{domain}"
        number = 2
        while address in self._emails:
            address = f"{address.split('@')[0].rstrip('0123456789')}{number}@{domain}"
            number += 1
        self._emails.add(address)
        return address

    def _number(self, market: Market, line_type: str) -> Number:
        index = self._next_number[market.prefix]
        self._next_number[market.prefix] += 1
        if market.prefix in self._left:
            self._left[market.prefix] -= 1
        # A stride that shares no factor with the range spreads the numbers over all of it.
        spread = index * 37 % market.capacity if market.capacity % 37 else index
        number = Number(
            e164=market.number(spread),
            region=market.country,
            line_type=line_type,
            line_type_source="" if line_type == "unknown" else "list",
            line_type_on=None if line_type == "unknown" else date.fromordinal(719_163 + self.start // DAY),
        )
        self.numbers.append(number)
        return number

    def _link(self, person: Person, number: Number, label: str, extension: str = "") -> None:
        link = LeadNumber(
            lead=person.lead,
            number=number,
            label=label,
            extension=extension,
            position=len(person.links),
            raw=number.e164,
            region_used=person.market.country,
        )
        person.links.append(link)


def _postcode(market: Market, dice: Random) -> str:
    return f"{market.postcode}{dice.randrange(1, 99):02d}" if len(market.postcode) == 3 else market.postcode


def _fit(rep: Rep, market: Market) -> float:
    """How many of a market's leads a rep gets: by language, and by the hours both are at work."""
    midday = 20_000 * DAY
    shared = 0
    for hour in range(24):
        at = midday + hour * HOUR
        mine, theirs = clock.local(rep.zone, at)[1] // 60, clock.local(market.zone, at)[1] // 60
        shared += rep.hours[0] <= mine < rep.hours[1] and 8 <= theirs < 18
    special = 0.25 if market.country in CONSENT_COUNTRIES else 1.0
    return rep.markets.get(market.country, special) * (0.03 + shared / 8)
