"""Which rules of law bind a call to this place and this kind of person on this day?

Rows of `GuardRule` go in, one set of `Rules` comes out. All jurisdictions of a call bind it together, so that
more of them never allow more.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

from leads.calendar import subdivision
from leads.hours import ALWAYS, LocalRule, Week
from leads.zones import area_code_state, country_of_number

ANYWHERE = "*"

# Places with a country code of their own that are called under another country's rules.
_PART_OF = {
    **dict.fromkeys(("AS", "GU", "MP", "PR", "VI"), "US"),
    **dict.fromkeys(("GG", "IM", "JE"), "GB"),
}


class RuleRow(Protocol):
    """What is read of a rule; `leads.models.GuardRule` says what each field means."""

    jurisdiction: str
    audience: str
    windows: dict[str, list[list[str]]]
    hours_bind_business: bool
    closed_on_holidays: bool
    dials_cap: int | None
    dials_cap_hours: int
    refusal_bars_days: int
    registries: list[dict[str, Any]]
    consent_regime: str
    machine_needs_written_consent: bool
    exemptions: list[dict[str, Any]]
    verified_on: date | None
    effective_from: date
    effective_until: date | None
    version: int
    active: bool


@dataclass(frozen=True, slots=True)
class Exemption:
    """What lifts a check: a kind of permission, within so many months of it where months count."""

    kind: str
    lifts: frozenset[str]
    months: int | None = None
    firms: str = "all"
    names_number: bool = False
    trades: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class RegistryRule:
    registry: str
    max_age_days: int | None
    hit: str
    only_exempt_trades: bool
    jurisdiction: str
    exemptions: tuple[Exemption, ...]


@dataclass(frozen=True, slots=True)
class ConsentRule:
    regime: str
    jurisdiction: str
    exemptions: tuple[Exemption, ...]


@dataclass(frozen=True, slots=True)
class Cap:
    """At most so many dials to one number in any rolling hours."""

    most: int
    hours: int
    jurisdiction: str


@dataclass(frozen=True, slots=True)
class RefusalBar:
    """A refusal bars calls for so many days."""

    days: int
    jurisdiction: str


@dataclass(frozen=True, slots=True)
class Rules:
    """Everything the law says about one call. `version` names each row used, as in "US:1 US-FL:2"."""

    version: str
    hours: tuple[LocalRule, ...]
    caps: tuple[Cap, ...]
    refusal_bars: tuple[RefusalBar, ...] = ()
    registries: tuple[RegistryRule, ...] = ()
    consents: tuple[ConsentRule, ...] = ()
    machine_consent: tuple[str, ...] = ()
    verified: bool = True


def jurisdictions(country: str, region: str, number: str = "") -> tuple[str, ...]:
    """Every jurisdiction of a call, countries before their states: the address's and the number's.

    `country` and `region` are the address's. ("*",) where nothing tells the country; a number under +1 that
    belongs to no area is taken for the United States', the strictest of those that share it.
    """
    land, state = country.strip().upper(), subdivision(country.strip().upper(), region)
    places = (
        [(land, state), (country_of_number(number), area_code_state(number))] if number else [(land, state)]
    )
    countries: dict[str, None] = {}
    states: dict[str, None] = {}
    for place, part in places:
        whole = _PART_OF.get(place, place)
        if whole:
            countries[whole] = None
        part = part if whole == place else place
        if whole and part:
            states[f"{whole}-{part}"] = None
    if not countries and number.startswith("+1"):
        countries["US"] = None
    return (*countries, *states) or (ANYWHERE,)


def together(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
    """The jurisdictions of two sets at once, countries before their states."""
    return tuple(sorted(dict.fromkeys((*one, *other)), key=lambda place: "-" in place))


def both(one: Rules, other: Rules) -> Rules:
    """Two sets of rules that bind a call at once."""
    if one == other:
        return one
    return Rules(
        version=" ".join(dict.fromkeys(f"{one.version} {other.version}".split())),
        hours=tuple(dict.fromkeys((*one.hours, *other.hours))),
        caps=tuple(dict.fromkeys((*one.caps, *other.caps))),
        refusal_bars=tuple(dict.fromkeys((*one.refusal_bars, *other.refusal_bars))),
        registries=tuple(dict.fromkeys((*one.registries, *other.registries))),
        consents=tuple(dict.fromkeys((*one.consents, *other.consents))),
        machine_consent=tuple(dict.fromkeys((*one.machine_consent, *other.machine_consent))),
        verified=one.verified and other.verified,
    )


def may_list(jurisdiction: str, number: str) -> bool:
    """Whether a registry of this jurisdiction could hold the number: it is its country's, or nobody knows whose it is.

    An address in a country does not bring a foreign number onto that country's list.
    """
    country = country_of_number(number)
    whole = _PART_OF.get(country, country)
    return not whole or jurisdiction.partition("-")[0] in (whole, ANYWHERE)


def resolve(rule_rows: Iterable[RuleRow], jurisdictions: Iterable[str], audience: str, on: date) -> Rules:
    """The rules that bind on that day. A country without a row has the row of "*".

    Raises ValueError where nothing says when one may call, how often, or a row contradicts itself.
    """
    known = _in_effect(rule_rows, on)
    rows = [(place, row) for place in jurisdictions for row in _rows_of(known, place, audience)]
    world = [(ANYWHERE, row) for row in _rows_for(known, ANYWHERE, audience)]
    caps = _caps(rows) or _caps(world)
    if not caps:
        raise ValueError("no rule says how often one number may be called")
    return Rules(
        version=" ".join(dict.fromkeys(_name(row) for _, row in rows)) or ANYWHERE,
        hours=_hours(rows, world, audience),
        caps=caps,
        refusal_bars=tuple(
            RefusalBar(row.refusal_bars_days, at) for at, row in rows if row.refusal_bars_days
        ),
        registries=tuple(rule for at, row in rows for rule in _registries(row, at)),
        consents=tuple(
            ConsentRule(row.consent_regime, at, _exemptions(row)) for at, row in rows if row.consent_regime
        ),
        machine_consent=tuple(at for at, row in rows if row.machine_needs_written_consent),
        verified=all(row.verified_on is not None for _, row in rows),
    )


class RuleBook:
    """The rows read once, resolved once for each question asked of them."""

    def __init__(self, rule_rows: Iterable[RuleRow]) -> None:
        self._rows = tuple(rule_rows)
        self._resolved: dict[tuple[tuple[str, ...], str, date], Rules] = {}

    def rules_for(self, jurisdictions: tuple[str, ...], audience: str, on: date) -> Rules:
        """As `resolve`."""
        question = (jurisdictions, audience, on)
        if question not in self._resolved:
            self._resolved[question] = resolve(self._rows, jurisdictions, audience, on)
        return self._resolved[question]


_InEffect = dict[tuple[str, str], RuleRow]


def _in_effect(rule_rows: Iterable[RuleRow], on: date) -> _InEffect:
    """Of each jurisdiction and audience the highest active version in effect."""
    chosen: _InEffect = {}
    for row in rule_rows:
        in_time = row.effective_from <= on and (row.effective_until is None or on < row.effective_until)
        if not row.active or not in_time:
            continue
        key = (row.jurisdiction, row.audience)
        if key not in chosen or chosen[key].version < row.version:
            chosen[key] = row
    return chosen


def _rows_for(known: _InEffect, jurisdiction: str, audience: str) -> list[RuleRow]:
    return [row for who in ("any", audience) if (row := known.get((jurisdiction, who))) is not None]


def _rows_of(known: _InEffect, place: str, audience: str) -> list[RuleRow]:
    found = _rows_for(known, place, audience)
    return found if found or "-" in place else _rows_for(known, ANYWHERE, audience)


def _name(row: RuleRow) -> str:
    who = "" if row.audience == "any" else f"/{row.audience}"
    return f"{row.jurisdiction}{who}:{row.version}"


_Placed = list[tuple[str, RuleRow]]


def _hours(rows: _Placed, world: _Placed, audience: str) -> tuple[LocalRule, ...]:
    stated = [(at, row) for at, row in rows if row.windows or row.closed_on_holidays]
    if not any(row.windows for _, row in stated):
        stated = [(at, row) for at, row in world if row.windows] + stated
    if not any(row.windows for _, row in stated):
        raise ValueError("no rule says when one may call")
    binding = [(at, row) for at, row in stated if audience != "business" or row.hours_bind_business]
    if not binding:  # relaxed for businesses everywhere it was stated
        return (LocalRule(stated[0][0], ALWAYS),)
    return tuple(
        LocalRule(at, Week.from_json(row.windows) if row.windows else ALWAYS, row.closed_on_holidays)
        for at, row in binding
    )


def _caps(rows: _Placed) -> tuple[Cap, ...]:
    caps = tuple(Cap(row.dials_cap, row.dials_cap_hours, at) for at, row in rows if row.dials_cap is not None)
    for cap in caps:
        if cap.most < 1 or cap.hours < 1:
            raise ValueError(f"{cap.jurisdiction}: a cap needs at least one dial and one hour")
    return caps


def _exemptions(row: RuleRow) -> tuple[Exemption, ...]:
    return tuple(
        Exemption(
            kind=exemption["kind"],
            lifts=frozenset(exemption["lifts"]),
            months=exemption.get("months"),
            firms=exemption.get("firms", "all"),
            names_number=exemption.get("names_number", False),
            trades=frozenset(exemption.get("trades", ())),
        )
        for exemption in row.exemptions
    )


def _registries(row: RuleRow, jurisdiction: str) -> list[RegistryRule]:
    return [
        RegistryRule(
            registry=use["registry"],
            max_age_days=use["max_age_days"],
            hit=use.get("hit", "block"),
            only_exempt_trades=use.get("when") == "trade",
            jurisdiction=jurisdiction,
            exemptions=_exemptions(row),
        )
        for use in row.registries
    ]
