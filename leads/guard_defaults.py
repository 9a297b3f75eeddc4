"""Which rules of law does a new workspace start with?

Rows for `GuardRule`, as plain data. Each is the strictest reading known on `VERIFIED_ON`; a workspace edits
the rows, never this module. What a field means stands on the model.
"""

from datetime import date
from typing import Any

VERIFIED_ON = date(2026, 11, 20)
IN_FORCE_SINCE = date(2000, 1, 1)  # older than any call the product can hold; later laws carry their own day

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Windows = dict[str, list[list[str]]]


def _week(opens: str, closes: str, **other_days: list[list[str]]) -> Windows:
    """The same window every day but for the days named; an empty list closes a day."""
    return {day: other_days.get(day, [[opens, closes]]) for day in DAYS}


def _rule(jurisdiction: str, citation: str, **values: Any) -> dict[str, Any]:
    row: dict[str, Any] = {
        "jurisdiction": jurisdiction,
        "audience": "any",
        "windows": {},
        "hours_bind_business": True,
        "closed_on_holidays": False,
        "dials_cap": None,
        "dials_cap_hours": 24,
        "refusal_bars_days": 0,
        "registries": [],
        "consent_regime": "",
        "machine_needs_written_consent": False,
        "consent_kept_years": None,
        "exemptions": [],
        "citation": citation,
        "verified_on": VERIFIED_ON,
        "effective_from": IN_FORCE_SINCE,
        "effective_until": None,
        "version": 1,
        "active": True,
        "note": "",
    }
    unknown = values.keys() - row.keys()
    if unknown:
        raise TypeError(f"no such field of a guard rule: {sorted(unknown)}")
    return row | values


def _state(state: str, citation: str, windows: Windows, **values: Any) -> dict[str, Any]:
    return _rule(f"US-{state}", citation, windows=windows, **values)


_US_EXEMPTIONS: list[dict[str, Any]] = [
    {"kind": "consent", "lifts": ["registry"], "firms": "others"},
    {"kind": "written_permission", "lifts": ["registry"], "firms": "others"},
    {"kind": "written_permission", "names_number": True, "lifts": ["registry"], "firms": "securities"},
    {"kind": "personal_relationship", "lifts": ["registry"], "firms": "securities"},
    {"kind": "purchase", "months": 18, "lifts": ["registry"], "firms": "all"},
    {"kind": "enquiry", "months": 3, "lifts": ["registry"], "firms": "all"},
]
_BY_CONSENT_ONLY: list[dict[str, Any]] = [
    {"kind": "consent", "lifts": ["registry"], "firms": "all"},
    {"kind": "written_permission", "lifts": ["registry"], "firms": "all"},
]

_COUNTRIES: list[dict[str, Any]] = [
    _rule(
        "*",
        "House default for a country without a rule of its own",
        windows=_week("08:00", "21:00"),
        dials_cap=3,
        verified_on=None,
        note="default rule, not verified",
    ),
    _rule(
        "US",
        "16 CFR 310.4(c); 47 CFR 64.1200(c)(1); FINRA 3230(a)",
        windows=_week("08:00", "21:00"),
        dials_cap=3,
        machine_needs_written_consent=True,
        note="The cap of three is some states' law, applied everywhere.",
    ),
    _rule(
        "US",
        "16 CFR 310.4(b)(1)(iii)(B), 310.4(b)(3); 47 CFR 64.1200(c)(2), (f)(5); 15 USC 6155; FINRA 3230(b)",
        audience="consumer",
        registries=[{"registry": "us-ftc", "max_age_days": 31, "hit": "block"}],
        exemptions=_US_EXEMPTIONS,
        note="Registrations do not expire; the list in use must be at most 31 days old at the call.",
    ),
    _rule(
        "US",
        "16 CFR 310.6(b)(7); 47 CFR 64.1200(e)",
        audience="business",
        registries=[{"registry": "us-ftc", "max_age_days": None, "hit": "unless_fixed"}],
        exemptions=_US_EXEMPTIONS,
        note="Businesses are exempt; a registered mobile, or line of unknown type, is presumed residential.",
    ),
    _rule(
        "GB",
        "Privacy and Electronic Communications (EC Directive) Regulations 2003, reg. 21",
        windows=_week("08:00", "21:00"),
        dials_cap=3,
        registries=[
            {"registry": "uk-tps", "max_age_days": 28, "hit": "block"},
            {"registry": "uk-ctps", "max_age_days": 28, "hit": "block"},
        ],
        exemptions=_BY_CONSENT_ONLY,
        note="No statutory hours: the window is the house default. Both registers bind companies too.",
    ),
    _rule(
        "DE",
        "UWG § 7(2) no. 1",
        windows=_week("08:00", "21:00"),
        dials_cap=3,
        note="No statutory hours: the window is the house default. Businesses: presumed consent.",
    ),
    _rule(
        "DE",
        "UWG § 7(2) no. 1, § 7a",
        audience="consumer",
        consent_regime="express",
        consent_kept_years=5,
        note="The record of a consent is kept five years from its giving and from each use.",
    ),
    _rule(
        "DK",
        "Markedsføringsloven § 10; forbrugeraftaleloven § 4",
        windows=_week("08:00", "21:00"),
        dials_cap=3,
        note="No statutory hours: the window is the house default.",
    ),
    _rule(
        "DK",
        "Forbrugeraftaleloven § 4",
        audience="consumer",
        consent_regime="asked_for",
        registries=[{"registry": "dk-robinson", "max_age_days": 92, "hit": "block", "when": "trade"}],
        exemptions=[
            {
                "kind": "trade",
                "trades": [
                    "books",
                    "newspaper_subscriptions",
                    "magazine_subscriptions",
                    "insurance",
                    "rescue",
                ],
                "lifts": ["consent"],
                "firms": "all",
            },
            *_BY_CONSENT_ONLY,
        ],
        note="The exempt trades check the Robinson list, published each quarter.",
    ),
    _rule(
        "PL",
        "Prawo komunikacji elektronicznej art. 398",
        windows=_week("08:00", "21:00"),
        dials_cap=3,
        consent_regime="prior",
        effective_from=date(2024, 11, 10),
        note="Businesses too. No statutory hours: the window is the house default.",
    ),
    _rule(
        "RU",
        "38-FZ art. 18",
        windows=_week("08:00", "21:00"),
        dials_cap=3,
        consent_regime="prior",
        note="Any subscriber; stop at once on demand. No hours of its own: the window is the house default.",
    ),
    _rule(
        "CA",
        "CRTC Unsolicited Telecommunications Rules, part III, s. 23",
        windows=_week("09:00", "21:30", sat=[["10:00", "18:00"]], sun=[["10:00", "18:00"]]),
        dials_cap=3,
    ),
]

_STATES: list[dict[str, Any]] = [
    _state("FL", "Fla. Stat. 501.059, 501.616(6)", _week("08:00", "20:00"), dials_cap=3),
    _state("OK", "15 O.S. 775C.1 ff.", _week("08:00", "20:00"), dials_cap=3),
    _state("MD", "Md. Code, Com. Law 14-4501 ff.", _week("08:00", "20:00"), dials_cap=3),
    _state("AL", "Ala. Code 8-19A", _week("08:00", "20:00", sun=[]), closed_on_holidays=True),
    _state("LA", "La. R.S. 45:844.11 ff.", _week("08:00", "20:00", sun=[]), closed_on_holidays=True),
    _state("MS", "Miss. Code 77-3-601 ff.", _week("08:00", "20:00", sun=[]), closed_on_holidays=True),
    _state("MA", "M.G.L. c. 159C", _week("08:00", "20:00")),
    _state("WA", "RCW 80.36.390", _week("08:00", "20:00"), refusal_bars_days=365),
    _state("WY", "Wyo. Stat. 40-12-301 ff.", _week("08:00", "20:00")),
    _state("CT", "Conn. Gen. Stat. 42-288a", _week("09:00", "20:00")),
    _state("IN", "Ind. Code 24-4.7, 24-5-12", _week("09:00", "20:00")),
    _state("NV", "NRS 598.0918", _week("09:00", "20:00")),
    _state("UT", "Utah Code 13-25a-103", _week("09:00", "20:00"), closed_on_holidays=True),
    _state("KY", "KRS 367.46951 ff.", _week("10:00", "21:00")),
    _state("MI", "MCL 445.111 ff.", _week("09:00", "21:00")),
    _state("MN", "Minn. Stat. 325E.30", _week("09:00", "21:00")),
    _state("NM", "NMSA 57-12-22", _week("09:00", "21:00")),
    _state("IL", "815 ILCS 413", _week("09:00", "21:00")),
    _state(
        "RI",
        "R.I. Gen. Laws 5-61-3.6",
        _week("09:00", "18:00", sat=[["10:00", "17:00"]], sun=[]),
        closed_on_holidays=True,
    ),
    _state("PA", "73 P.S. 2241 ff.", _week("08:00", "21:00", sun=[["13:30", "21:00"]])),
    _state("TX", "Tex. Bus. & Com. Code 301.051", _week("09:00", "21:00", sun=[["12:00", "21:00"]])),
    _state("SD", "SDCL 37-30A", _week("08:00", "21:00", sun=[])),
    _state("NE", "Neb. Rev. Stat. 86-212 ff.", _week("08:00", "21:00")),
    _state("TN", "Tenn. Code 47-18-1501 ff., 65-4-401 ff.", _week("08:00", "21:00")),
]

DEFAULT_GUARD_RULES: list[dict[str, Any]] = _COUNTRIES + _STATES
