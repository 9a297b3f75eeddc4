"""What does `check_number` say of a number that need be nobody's, in words and as one document?"""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

pytestmark = pytest.mark.django_db

NEW_YORK, TORONTO, LONDON, COPENHAGEN = "+12125550123", "+14165550123", "+442079460123", "+4532123456"
TOLL_FREE, KATHMANDU = "+18005550123", "+9779841234567"
FRIDAY_NOON = "2026-11-20T12:00:00-05:00"


def said(number: str, **options: Any) -> str:
    out = StringIO()
    call_command("check_number", number, stdout=out, **{"at": FRIDAY_NOON} | options)
    return out.getvalue()


def document(number: str, **options: Any) -> dict[str, Any]:
    return json.loads(said(number, json=True, **options))


ANSWERS: list[tuple[str, str, dict[str, str], str, tuple[str, ...]]] = [
    ("a household in New York", NEW_YORK, {}, "allow", ()),
    ("a firm in New York", NEW_YORK, {"audience": "business"}, "allow", ()),
    ("national digits with a region", "(212) 555-0123", {"region": "US"}, "allow", ()),
    ("an extension is not part of the number", "+1 212 555 0123 ext. 7", {}, "allow", ()),
    ("a second before it opens", NEW_YORK, {"at": "2026-11-20T07:59:59-05:00"}, "block", ("hours_closed",)),
    ("as it opens", NEW_YORK, {"at": "2026-11-20T08:00:00-05:00"}, "allow", ()),
    ("the last second", NEW_YORK, {"at": "2026-11-20T20:59:59-05:00"}, "allow", ()),
    ("as it closes", NEW_YORK, {"at": "2026-11-20T21:00:00-05:00"}, "block", ("hours_closed",)),
    (
        "with an address in Florida it closes an hour earlier",
        NEW_YORK,
        {"at": "2026-11-20T20:00:00-05:00", "state": "FL"},
        "block",
        ("hours_closed",),
    ),
    (
        "a zone confirmed by the caller",
        NEW_YORK,
        {"at": "2026-11-20T10:59:59-05:00", "zone": "America/Los_Angeles"},
        "block",
        ("hours_closed",),
    ),
    (
        "Toronto on a Saturday morning",
        TORONTO,
        {"at": "2026-11-21T09:59:59-05:00"},
        "block",
        ("hours_closed",),
    ),
    ("Toronto at ten that day", TORONTO, {"at": "2026-11-21T10:00:00-05:00"}, "allow", ()),
    ("a British number", LONDON, {}, "allow", ()),
    ("a household in Denmark", COPENHAGEN, {}, "block", ("consent_missing",)),
    ("a firm in Denmark", COPENHAGEN, {"audience": "business"}, "allow", ()),
    ("toll-free", TOLL_FREE, {}, "block", ("zone_unknown",)),
    ("toll-free, zone confirmed", TOLL_FREE, {"zone": "America/Chicago"}, "allow", ()),
    ("toll-free, with an address", TOLL_FREE, {"state": "NY"}, "allow", ()),
    (
        "toll-free, with an address in Florida in the evening",
        TOLL_FREE,
        {"state": "FL", "at": "2026-11-20T20:00:00-05:00"},
        "block",
        ("hours_closed",),
    ),
    ("a Canadian number in Florida", TORONTO, {"state": "FL"}, "allow", ()),
]


@pytest.mark.parametrize(
    ("number", "options", "decision", "codes"), [one[1:] for one in ANSWERS], ids=[one[0] for one in ANSWERS]
)
def test_the_verdict(number: str, options: dict[str, str], decision: str, codes: tuple[str, ...]) -> None:
    answer = document(number, **options)
    assert (answer["decision"], tuple(one["code"] for one in answer["reasons"])) == (decision, codes)
    assert said(number, **options).startswith(f"{answer['number']}: {decision}\n")


def test_the_document_holds_the_shape_of_the_guard() -> None:
    answer = document(NEW_YORK, at="2026-11-20T21:00:00-05:00")
    assert answer.pop("number") == NEW_YORK
    assert set(answer) == {"decision", "reasons", "next_allowed_at", "local_times", "rule_version"}
    assert answer["next_allowed_at"] == "2026-11-21T13:00:00+00:00"
    assert answer["local_times"] == [{"zone": "America/New_York", "time": "2026-11-20T21:00:00-05:00"}]


@pytest.mark.usefixtures("no_lists")
@pytest.mark.parametrize(("number", "firm"), [(NEW_YORK, ()), (LONDON, ("registry_area_not_loaded",))])
def test_without_lists_households_are_blocked_and_british_firms_too(
    number: str, firm: tuple[str, ...]
) -> None:
    answer = document(number)
    assert [one["code"] for one in answer["reasons"]] == ["registry_area_not_loaded"]
    assert answer["next_allowed_at"] is None
    asked = document(number, audience="business")
    assert tuple(one["code"] for one in asked["reasons"]) == firm


def test_a_country_without_a_rule_of_its_own_is_called_by_one_that_nobody_verified() -> None:
    there = said(KATHMANDU, at="2026-11-20T10:00:00Z")
    assert "rules: *:1 (default rule, not verified)" in there
    assert "15:45:00+05:45" in there
    assert "not verified" not in said(NEW_YORK)


REFUSED = [
    ("letters", "garbage", {}, "NUMBER"),
    ("nothing", "", {}, "NUMBER"),
    ("no country", "2125550123", {}, "NUMBER"),
    ("too few digits", "+1212555", {}, "NUMBER"),
    ("two numbers", "+1 212 555 0123 / +1 305 555 0123", {}, "NUMBER"),
    ("no instant", NEW_YORK, {"at": "yesterday"}, "--at"),
    ("an instant without its offset", NEW_YORK, {"at": "2026-11-20T10:00:00"}, "--at"),
    ("an instant of no calendar", NEW_YORK, {"at": "9999-12-31T23:59:59Z"}, "--at"),
    ("no state", NEW_YORK, {"state": "XX"}, "--state: 'XX' is no state or region of US"),
    ("no state, toll-free", TOLL_FREE, {"state": "XX"}, "--state: 'XX' is no state or region of US"),
    ("no zone", NEW_YORK, {"zone": "Mars"}, "--zone"),
    ("no region", NEW_YORK, {"region": "ZZ"}, "--region"),
    ("no audience", NEW_YORK, {"audience": "everybody"}, "audience"),
]


@pytest.mark.parametrize(
    ("number", "options", "named"), [one[1:] for one in REFUSED], ids=[one[0] for one in REFUSED]
)
def test_what_cannot_be_read_is_refused_by_name(number: str, options: dict[str, str], named: str) -> None:
    given = [f"--{name}={value}" for name, value in ({"at": FRIDAY_NOON} | options).items()]
    with pytest.raises(CommandError, match=named):
        call_command("check_number", number, *given, stdout=StringIO())
