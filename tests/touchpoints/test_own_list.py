"""Does a file of numbers get onto our own list whole, row by row accounted for, and stop calls in any spelling?"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from crm.accounts.models import User
from leads.models import AuditEvent, Lead, OwnListLoad, Suppression
from touchpoints import calls, guarding, own_list, refusals

pytestmark = pytest.mark.django_db
ALead = Callable[..., Lead]
FILE = b"name;Phone\r\nAnn;(212) 555-0123\r\nBo;nonsense\r\nCy;\r\nAnn again;+1 212 555 0123\r\n"


def test_every_row_is_accounted_for(now: datetime, ada: User) -> None:
    load = own_list.load(FILE, file_name="stop.csv", region="US", by=ada, now=now)
    assert (load.rows, load.accepted, load.added, load.refused) == (4, 2, 1, 2)
    assert [(one["line"], one["value"]) for one in load.refusals] == [(3, "nonsense"), (4, "")]
    entry = Suppression.objects.get()
    assert (entry.e164, entry.reason, entry.channel, entry.by) == ("+12125550123", "stop.csv", "file", ada)
    assert AuditEvent.objects.get(action="suppression.added").subject_id == str(entry.pk)
    again = own_list.load(FILE, file_name="stop.csv", region="US", by=ada, now=now)
    assert (again.accepted, again.added, again.sha256) == (2, 0, load.sha256)


@pytest.mark.parametrize("typed", ["2125550123", "+1 (212) 555-0123", "212.555.0123", "1-212-555-0123 x5"])
def test_a_lead_typed_in_any_spelling_is_blocked(a_lead: ALead, ada: User, now: datetime, typed: str) -> None:
    own_list.load(FILE, file_name="stop.csv", region="US", by=ada, now=now)
    lead = a_lead(owner=ada, phones=(typed,))
    with pytest.raises(refusals.GuardBlocked) as block:
        calls.dial(lead, user=ada, now=now)
    assert block.value.verdict is not None
    assert block.value.verdict.codes == ("internal_dnc",)


# A day of complaints in the shape the FTC publishes: line by line, what stands in the column "number".
DAY = {
    2: "2125550101",
    3: "8665550102",
    4: "",
    5: "2125550101",  # complained of twice
    6: "+1 (312) 555-0103",
    7: "312.555.0104",
    8: "0000000000",
    9: "12125550105",
    10: "  9075550106 ",
    11: "123",
    12: "44 20 7946 0107",  # read in the region that was given, so no number
    13: "anonymous",
    14: "212-555-0108 x 7",
    15: "9999999999",
}
ON_THE_LIST = {
    "+12125550101",
    "+18665550102",
    "+13125550103",
    "+13125550104",
    "+12125550105",
    "+19075550106",
    "+12125550108",
}


@pytest.fixture
def day_file(tmp_path: Path) -> Path:
    rows = [f"{line:032x},2026-03-03,{number},{number.strip()[:3]}" for line, number in DAY.items()]
    file = tmp_path / "complaints_of_a_day.csv"
    file.write_text("\n".join(["record_id,file_date,number,consumer_area_code", *rows]) + "\n")
    return file


def loaded(file: Path) -> dict[str, Any]:
    out = StringIO()
    call_command("load_suppressions", str(file), column="number", region="US", json=True, stdout=out)
    document: dict[str, Any] = json.loads(out.getvalue())
    return document


def test_a_day_of_complaints_is_accounted_for_line_by_line_and_adds_nothing_twice(day_file: Path) -> None:
    first = loaded(day_file)
    refused = {4: "", 8: "0000000000", 11: "123", 12: "44 20 7946 0107", 13: "anonymous", 15: "9999999999"}
    assert {one["line"]: one["value"] for one in first.pop("refusals")} == refused
    assert first == {"rows": 14, "accepted": 8, "added": 7, "refused": 6}
    assert set(Suppression.objects.values_list("e164", flat=True)) == ON_THE_LIST
    again = loaded(day_file)
    assert (again["accepted"], again["added"], again["refused"]) == (8, 0, 6)
    assert Suppression.objects.count() == 7


SPELLINGS = [
    "3125550104",
    "+13125550104",
    "1 312 555 0104",
    "(312) 555-0104",
    "312.555.0104 ext 12",
    "011 1 312 555 0104",
    "tel:+1-312-555-0104",
    "\u200e312\u2011555\u20110104",
    "\uff13\uff11\uff12 555 0104",
]


@pytest.mark.parametrize("typed", SPELLINGS)
def test_a_lead_typed_in_any_spelling_of_one_of_them_is_blocked(
    a_lead: ALead, ada: User, now: datetime, day_file: Path, typed: str
) -> None:
    before = a_lead(owner=ada, phones=(typed,))
    assert guarding.verdict(before, now=now).decision == "allow"
    loaded(day_file)
    after = a_lead(owner=ada, phones=(typed,))
    for lead in (before, after):
        assert guarding.verdict(lead, now=now).codes == ("internal_dnc",)
        with pytest.raises(refusals.GuardBlocked):
            calls.dial(lead, user=ada, now=now)


@pytest.mark.parametrize(
    ("content", "column", "reason"),
    [
        (b"", "", "empty"),
        (b"\xff\x00\xff", "", "UTF-8"),
        (b"a,b\n1,2\n", "", "say which column"),
        (b"number\n1\n", "phone", "no column"),
    ],
)
def test_a_file_that_is_no_list_changes_nothing(
    content: bytes, column: str, reason: str, now: datetime
) -> None:
    with pytest.raises(own_list.FileRefused) as refused:
        own_list.load(content, file_name="x", column=column, region="US", by=None, now=now)
    assert reason in refused.value.reason
    assert not OwnListLoad.objects.exists()


def test_too_many_rows_are_refused_before_anything_is_kept(
    now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = b"number\n" + b"\n".join(b"+1212555%04d" % n for n in range(200, 300))
    with pytest.raises(own_list.FileRefused):
        own_list.load(many, file_name="x", region="US", by=None, now=now, most_rows=99)
    assert not Suppression.objects.exists()
    assert own_list.load(many, file_name="x", region="US", by=None, now=now, most_rows=100).added == 100


def test_the_command_reads_the_same_way(tmp_path: Path) -> None:
    file = tmp_path / "stop.csv"
    file.write_bytes(FILE)
    out = StringIO()
    call_command("load_suppressions", str(file), column="Phone", region="US", json=True, stdout=out)
    result = json.loads(out.getvalue())
    assert list(result) == ["rows", "accepted", "added", "refused", "refusals"]
    assert (result["rows"], result["added"], result["refused"]) == (4, 1, 2)
    with pytest.raises(CommandError, match="no column"):
        call_command("load_suppressions", str(file), column="x", region="US")
