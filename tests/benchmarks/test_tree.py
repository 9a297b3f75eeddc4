"""What does the whole tree cost: time to start, memory, and from a touchpoint posted to a lead warm?"""

from __future__ import annotations

import json
import statistics
import time
import urllib.request
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from tests.benchmarks.conftest import Figures
from tests.processes import Thaw, wait_until

TOUCHPOINTS = 50


def test_the_tree(figures: Figures, tmp_path: Path) -> None:
    thaw = Thaw(tmp_path / "thaw")
    first = seconds_to_start(thaw)
    thaw.stop()
    check = min(seconds_of_check(thaw) for _time in range(3))
    second = seconds_to_start(thaw)
    figures.note("manage.py check", check, "s")
    figures.note("first start, until /readyz", first, "s")
    figures.note("second start, until /readyz", second, "s")
    figures.note("second start as a multiple of check", second / check, "×")
    try:
        assert thaw.manage("user", "root", "--role", "admin", given="melt-the-ice-18\n").returncode == 0
        key = thaw.manage("api_key", "bench", "--user", "root").stdout.strip()
        taken = [seconds_until_warm(thaw, key, n) for n in range(TOUCHPOINTS)]
        figures.note(
            f"touchpoint posted → lead warm, of {TOUCHPOINTS}",
            1000 * statistics.median(taken),
            "ms",
            worst=1000 * max(taken),
        )
        assert thaw.process is not None
        tree = [psutil.Process(thaw.process.pid), *thaw.tree()]
        figures.note(f"memory of the tree, PSS, {len(tree)} processes", sum(map(pss, tree)) / 2**20, "MB")
    finally:
        thaw.stop()


def seconds_to_start(thaw: Thaw) -> float:
    begun = time.perf_counter()
    thaw.start(ready=False)
    wait_until(lambda: thaw.answers("/readyz"), seconds=120, what=f"the tree; {thaw.log}")
    return time.perf_counter() - begun


def seconds_of_check(thaw: Thaw) -> float:
    begun = time.perf_counter()
    assert thaw.manage("check").returncode == 0
    return time.perf_counter() - begun


def seconds_until_warm(thaw: Thaw, key: str, n: int) -> float:
    body = {
        "kind": "referral",
        "occurred_at": datetime.now(UTC).isoformat(),
        "source": "bench",
        "external_id": str(n),
        "lead": {"email": f"p{n}@example.com"},
    }
    begun = time.perf_counter()
    lead = ask(thaw, key, "/api/v1/touchpoints/", body)["lead"]["id"]
    while ask(thaw, key, f"/api/v1/leads/{lead}/")["temperature"] != "warm":
        assert time.perf_counter() - begun < 30, "it never turned warm"
        time.sleep(0.01)
    return time.perf_counter() - begun


def ask(thaw: Thaw, key: str, path: str, body: Any = None) -> Any:
    request = urllib.request.Request(
        thaw.url + path,
        data=json.dumps(body).encode() if body else None,
        headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as response:
        return json.load(response)


def pss(process: psutil.Process) -> int:
    return int(process.memory_full_info().pss)
