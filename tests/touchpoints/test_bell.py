"""Does a ring hold anybody up where the broker is gone, refuses, or takes a call and says nothing?"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.processes import ROOT, free_port

RING = """
import time, django
django.setup()
from touchpoints import bell
begun = time.monotonic()
for _ in range(20):
    bell.ring("touchpoints.tasks.evaluate_waiting")
print(time.monotonic() - begun)
"""


@contextmanager
def silent() -> Iterator[str]:
    """A broker that takes connections and never answers."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(64)
        yield f"redis://127.0.0.1:{listening.getsockname()[1]}/0"


@contextmanager
def refusing() -> Iterator[str]:
    yield f"redis://127.0.0.1:{free_port()}/0"


@contextmanager
def missing() -> Iterator[str]:
    yield "unix:///nowhere/valkey.sock"


@pytest.mark.parametrize("broker", [silent, refusing, missing], ids=["silent", "refusing", "missing"])
def test_a_ring_returns_at_once_and_the_process_can_end(broker: object, tmp_path: Path) -> None:
    with broker() as url:  # type: ignore[operator]
        environment = {
            **os.environ,
            "REDIS_URL": url,
            "THAW_DIR": str(tmp_path),
            "DATABASE_URL": f"sqlite:///{tmp_path}/thaw.sqlite3",
            "DJANGO_SETTINGS_MODULE": "crm.settings",
        }
        done = subprocess.run(
            [sys.executable, "-c", RING],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 0.5
