"""Does Thaw take what it is told while the broker is away, quickly, and act on it once the broker is back?"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from django.utils import timezone

from crm import broker
from crm.settings import IS_SQLITE
from tests.faults.conftest import assert_each_counted_once, report, waiting
from tests.processes import ROOT, Thaw, Valkey, Worker, free_port, start, wait_until

pytestmark = pytest.mark.skipif(not IS_SQLITE, reason="what a broker does hangs on no database")
QUICKLY = 2.0


def timed_post(program: Any, body: dict[str, Any]) -> float:
    start = time.monotonic()
    answer = program.post("/api/v1/touchpoints/", body)
    assert answer.status_code == 201, answer.json()
    return time.monotonic() - start


def done_by(engine: Worker) -> bool:
    """Nothing waits. A worker that loses the broker while it holds a message may die of it, and is started anew."""
    engine.revive()
    return not waiting()


def test_posts_succeed_while_the_broker_is_gone(crowd, program, valkey: Valkey, live_engine: Worker) -> None:
    leads = crowd(8)
    timed_post(program, report(leads[0], 0, at=timezone.now()))
    wait_until(lambda: not waiting(), seconds=20, what=f"the engine; {live_engine.log}")
    valkey.stop()
    slowest = max(
        timed_post(program, report(lead, n, at=timezone.now())) for n, lead in enumerate(leads[1:], 1)
    )
    assert slowest < QUICKLY
    assert waiting() == 7
    valkey.start()
    wait_until(lambda: done_by(live_engine), seconds=60, what=f"the sweep; {live_engine.log}")
    assert_each_counted_once(leads, reports=8)


def test_posts_succeed_while_the_broker_hangs(crowd, program, valkey: Valkey, live_engine: Worker) -> None:
    """It takes connections and answers nothing, as a machine that swaps to death does."""
    leads = crowd(4)
    timed_post(program, report(leads[0], 0, at=timezone.now()))
    assert valkey.process is not None
    valkey.process.send_signal(signal.SIGSTOP)
    try:
        slowest = max(
            timed_post(program, report(lead, n, at=timezone.now())) for n, lead in enumerate(leads[1:], 1)
        )
    finally:
        valkey.process.send_signal(signal.SIGCONT)
    assert slowest < QUICKLY
    wait_until(lambda: done_by(live_engine), seconds=60, what=f"the sweep; {live_engine.log}")


# --- a web server whose REDIS_URL leads nowhere ---------------------------------------------------------------------


@pytest.fixture
def web_alone(idle_thaw: Thaw) -> Iterator[Thaw]:
    """The web server without the rest, its REDIS_URL a port that nobody listens on."""
    idle_thaw.environment["REDIS_URL"] = f"redis://127.0.0.1:{free_port()}/0"
    idle_thaw.environment["PYTHONPATH"] = str(ROOT)
    idle_thaw.environment["DJANGO_SETTINGS_MODULE"] = "crm.settings"
    web = [sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1"]
    web += ["--port", str(idle_thaw.port), "--blocking-threads", "2", "crm.wsgi:application"]
    with idle_thaw.log.open("ab") as log:
        process = start(web, env=idle_thaw.env(), cwd=ROOT, stdout=log, stderr=log)
    wait_until(idle_thaw.answers, seconds=30, what=f"the web server; {idle_thaw.log}")
    yield idle_thaw
    process.terminate()
    process.wait(15)


def test_a_closed_port_slows_nothing_down_and_loses_nothing(web_alone: Thaw, tmp_path: Any) -> None:
    assert web_alone.manage("user", "root", "--role", "admin", given="melt-the-ice-18\n").returncode == 0
    key = web_alone.manage("api_key", "forms", "--user", "root").stdout.strip()
    lead = 0
    for n in range(5):
        body = {
            "kind": "referral",
            "occurred_at": timezone.now().isoformat(),
            "source": "forms",
            "external_id": f"t-{n}",
            "lead": {"email": "ann@acme.example"},
        }
        begun = time.monotonic()
        lead = ask(web_alone, "POST", "/api/v1/touchpoints/", key, body)["lead"]["id"]
        assert time.monotonic() - begun < QUICKLY
    assert ask(web_alone, "GET", f"/api/v1/leads/{lead}/", key)["temperature"] == "cold"
    engine = list(broker_and_engine(web_alone, tmp_path))
    try:
        wait_until(
            lambda: ask(web_alone, "GET", f"/api/v1/leads/{lead}/", key)["temperature"] == "warm",
            seconds=60,
            what=f"the sweep; {web_alone.log}",
        )
    finally:
        for process in reversed(engine):  # the broker last: the worker hands back to it
            process.terminate()
            process.wait(20)


def ask(thaw: Thaw, verb: str, path: str, key: str, body: Any = None) -> Any:
    request = urllib.request.Request(
        thaw.url + path,
        method=verb,
        data=json.dumps(body).encode() if body else None,
        headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as response:
        return json.load(response)


def broker_and_engine(thaw: Thaw, directory: Any) -> Iterator[subprocess.Popen[bytes]]:
    """A broker at the address that was dead, a worker and a beat: what was missing."""
    program = broker.find_server()
    assert program is not None
    port = thaw.environment["REDIS_URL"].rsplit(":", 1)[1].partition("/")[0]
    celery = [sys.executable, "-m", "celery", "--quiet", "-A", "crm"]
    beat = ["beat", "--pidfile=", "--schedule", str(directory / "beat")]
    worker = ["worker", "--concurrency", "1", "--without-gossip", "--without-mingle"]
    environment = {**thaw.env(), "REMAP_SIGTERM": "SIGQUIT"}
    with thaw.log.open("ab") as log:
        yield start(
            [str(program), "--port", port, "--save", "", "--dir", str(directory)], stdout=log, stderr=log
        )
        for command in (worker, beat):
            yield start([*celery, *command], env=environment, cwd=ROOT, stdout=log, stderr=log)
