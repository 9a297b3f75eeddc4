"""Does a file of numbers get onto our own list whole, row by row accounted for, and stop calls in any spelling?"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client

from crm.accounts.models import User
from leads.models import AuditEvent, Lead, OwnListLoad, Suppression
from touchpoints import calls, guarding, own_list, refusals, tasks

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
        (b"(212) 555-0141\n2125550142\n", "", "expected a header"),
        (b"Jones;+12125550141\nLee;+12125550142\n", "+12125550141", "expected a header"),
    ],
)
def test_a_file_that_is_no_list_changes_nothing(
    content: bytes, column: str, reason: str, now: datetime
) -> None:
    with pytest.raises(own_list.FileRefused) as refused:
        own_list.load(content, file_name="x", column=column, region="US", by=None, now=now)
    assert reason in refused.value.reason
    assert not OwnListLoad.objects.exists()


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


# --- large files: in the background, chunk by chunk ----------------------------------------------------------------


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> bytes:
    """Five rows, where two are a chunk and more than three are too many to wait for."""
    monkeypatch.setattr(own_list, "CHUNK", 2)
    monkeypatch.setattr(own_list, "AT_ONCE", 3)
    lines = [f"21255501{n:02}" for n in range(4)]
    return ("number\n" + "\n".join([*lines[:3], "nonsense", lines[3]]) + "\n").encode()


def hand_in(content: bytes, ada: User, now: datetime) -> OwnListLoad:
    return own_list.hand_in(content, file_name="many.csv", region="US", by=ada, now=now)


def test_a_small_file_is_on_the_list_at_once(now: datetime, ada: User) -> None:
    made = hand_in(FILE, ada, now)
    assert (made.status, made.added, made.finished_at) == ("loaded", 1, now)
    assert own_list.waiting(now=now) == []


def test_a_large_file_is_kept_read_and_forgotten(
    large: bytes, a_lead: ALead, ada: User, now: datetime
) -> None:
    lead = a_lead(owner=ada, phones=("+12125550103",))
    made = hand_in(large, ada, now)
    assert (made.status, made.rows, made.rows_expected) == ("waiting", 0, 5)
    assert not Suppression.objects.exists()
    (pk,) = own_list.waiting(now=now)
    done = own_list.run(pk, clock=lambda: now)
    assert (done.status, done.rows, done.accepted, done.added, done.refused) == ("loaded", 5, 4, 4, 1)
    assert [(one["line"], one["value"]) for one in done.refusals] == [(5, "nonsense")]
    assert (done.file.name, done.finished_at, done.claimed_until) == ("", now, None)
    assert guarding.verdict(lead, now=now).codes == ("internal_dnc",)
    assert {entry.by for entry in Suppression.objects.all()} == {ada}
    assert own_list.run(pk, clock=lambda: now).rows == 5, "once done it is done"


def test_a_reader_that_dies_loses_nothing_and_repeats_nothing(large: bytes, ada: User, now: datetime) -> None:
    made = hand_in(large, ada, now)
    own_list.run(made.pk, clock=lambda: now, most_chunks=1)
    assert Suppression.objects.count() == 2
    # The next process dies amid its chunk: its claim stays, and nobody else takes the file meanwhile.
    later = now + timedelta(minutes=1)
    OwnListLoad.objects.update(claimed_until=later + own_list.CLAIM)
    assert own_list.waiting(now=later) == []
    assert own_list.run(made.pk, clock=lambda: later).rows == 2
    after = later + own_list.CLAIM
    assert own_list.waiting(now=after) == [made.pk]
    done = own_list.run(made.pk, clock=lambda: after)
    assert (done.status, done.rows, done.added, done.refused) == ("loaded", 5, 4, 1)
    assert AuditEvent.objects.filter(action="suppression.added").count() == 4


def test_a_file_that_went_missing_is_refused_with_what_was_read(
    large: bytes, ada: User, now: datetime
) -> None:
    made = hand_in(large, ada, now)
    own_list.run(made.pk, clock=lambda: now, most_chunks=1)
    made.file.storage.delete(made.file.name)
    done = own_list.run(made.pk, clock=lambda: now)
    assert (done.status, done.rows) == ("refused", 2)
    assert "upload it again" in done.why


def test_the_task_reads_what_waits_and_the_page_tells_how_far_it_is(
    large: bytes, client: Client, max_: User
) -> None:
    client.force_login(max_)
    sent = {"file": SimpleUploadedFile("many.csv", large), "region": "US"}
    answer = client.post("/compliance/own-list/upload/", sent, follow=True)
    made = OwnListLoad.objects.get()
    page = answer.content.decode()
    assert "0 of 5" in page
    assert f'hx-get="/compliance/own-list/loads/{made.pk}/"' in page
    tasks.run_own_list_loads()
    part = client.get(
        f"/compliance/own-list/loads/{made.pk}/", headers={"HX-Request": "true"}
    ).content.decode()
    assert "<html" not in part
    assert "hx-get" not in part
    assert OwnListLoad.objects.get().status == "loaded"
