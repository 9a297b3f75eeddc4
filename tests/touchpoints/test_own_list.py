"""Does a file of numbers get onto our own list whole, row by row accounted for, and stop calls in any spelling?"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from crm.accounts.models import User
from leads.models import AuditEvent, Lead, OwnListLoad, Suppression
from touchpoints import calls, own_list, refusals

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
