"""Does anything get lost or happen twice when the database goes away amid the work and comes back?"""

from __future__ import annotations

import json
import signal
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from django.utils import timezone

from tests import postgres
from tests.processes import Thaw, wait_until

LEADS = 24


@pytest.fixture
def database() -> Iterator[postgres.Server]:
    """A PostgreSQL that this test may crash: what it said is stored survives that."""
    binaries = postgres.find_binaries()
    if binaries is None:
        pytest.skip("no PostgreSQL here")
    server = postgres.Server(binaries)
    start(server)
    yield server
    server.stop(signal.SIGINT)


def start(server: postgres.Server) -> None:
    server.start(fsync="on", synchronous_commit="on", full_page_writes="on")


def ask(thaw: Thaw, key: str, path: str, body: Any = None) -> Any:
    request = urllib.request.Request(
        thaw.url + path,
        data=json.dumps(body).encode() if body else None,
        headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as response:
        return json.load(response)


def query(server: postgres.Server, sql: str) -> str:
    psql = [server.binaries / "psql", "-h", server.directory, "-U", "thaw", "-At", "thaw", "-c", sql]
    return subprocess.run(psql, capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT], ids=["restarted", "crashed"])
def test_a_database_that_goes_away_amid_the_work_costs_nothing(
    database: postgres.Server, idle_thaw: Thaw, how: signal.Signals
) -> None:
    """Every report that was answered with yes counts once; those that failed are sent again and count once."""
    idle_thaw.environment["DATABASE_URL"] = database.url
    assert idle_thaw.manage("migrate", "--verbosity", "0").returncode == 0
    assert idle_thaw.manage("user", "root", "--role", "admin", given="melt-the-ice-18\n").returncode == 0
    key = idle_thaw.manage("api_key", "forms", "--user", "root").stdout.strip()
    idle_thaw.start()
    refused = []
    for n in range(LEADS):
        if n == LEADS // 3:
            database.stop(how)
        if n == LEADS // 2:
            start(database)
        if not posted(idle_thaw, key, n):
            refused.append(n)
    assert len(refused) >= LEADS // 2 - LEADS // 3, "it was away"
    for n in refused:
        wait_until(lambda n=n: posted(idle_thaw, key, n), seconds=30, what=f"{idle_thaw.log}")
    waiting = "SELECT count(*) FROM touchpoints_touchpoint WHERE evaluated_at IS NULL"
    wait_until(lambda: query(database, waiting) == "0", seconds=60, what=f"the engine; {idle_thaw.log}")
    assert query(database, "SELECT count(*), count(DISTINCT lead_id) FROM touchpoints_touchpoint") == (
        f"{LEADS}|{LEADS}"
    )
    assert query(database, "SELECT count(*) FROM leads_lead WHERE temperature = 'warm'") == str(LEADS)
    changes = "SELECT count(*), count(DISTINCT lead_id) FROM touchpoints_temperaturechange"
    assert query(database, changes) == f"{LEADS}|{LEADS}"
    blamed = (
        "SELECT count(*) FROM touchpoints_touchpoint WHERE evaluation_tries > 0 OR set_aside_at IS NOT NULL"
    )
    assert query(database, blamed) == "0", "the database was away: no touchpoint is to blame"
    wait_until(lambda: idle_thaw.answers("/readyz"), seconds=30, what="ready again")


def posted(thaw: Thaw, key: str, n: int) -> bool:
    body = {
        "kind": "referral",
        "occurred_at": timezone.now().isoformat(),
        "source": "forms",
        "external_id": f"t-{n}",
        "lead": {"email": f"p{n}@example.com"},
    }
    try:
        return bool(ask(thaw, key, "/api/v1/touchpoints/", body)["lead"]["id"])
    except (OSError, urllib.error.HTTPError):
        return False
