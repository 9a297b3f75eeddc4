"""Our commands make the embedded database where there is none, once however many start together."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from django.conf import settings

COMMAND = [
    "plan_cadence",
    "--start",
    "2026-11-18T10:00:00-06:00",
    "--zone",
    "America/Chicago",
    "--json",
]


def _start(tmp_path: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, settings.BASE_DIR / "manage.py", *arguments],
        env={"THAW_DIR": str(tmp_path / "thaw"), "PATH": "/usr/bin:/bin"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_two_first_commands_at_once_make_one_database_and_print_one_document_each(tmp_path: Path) -> None:
    running = [_start(tmp_path, *COMMAND) for _ in range(2)]
    answers = [one.communicate(timeout=120) for one in running]
    assert [one.returncode for one in running] == [0, 0], answers
    assert [len(json.loads(out)) for out, _err in answers] == [18, 18]
    assert sum("Making the database" in err for _out, err in answers) == 1


def test_help_makes_nothing(tmp_path: Path) -> None:
    running = _start(tmp_path, "plan_cadence", "--help")
    running.communicate(timeout=60)
    assert running.returncode == 0
    assert not (tmp_path / "thaw" / "thaw.sqlite3").exists()
