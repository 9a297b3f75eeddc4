"""The real processes that tests start: broker, worker, the whole tree. None outlives the tests."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest
import redis

from crm import broker
from crm.tether import tether_to_parent
from tests.settings import RUN_DIR

ROOT = Path(__file__).resolve().parent.parent


def wait_until(true: Callable[[], Any], *, seconds: float = 10, what: str = "") -> Any:
    """The first true answer of `true`, asked again and again; fails the test after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        answer = true()
        if answer:
            return answer
        if time.monotonic() > deadline:
            pytest.fail(f"waited {seconds} s in vain{': ' + what if what else ''}")
        time.sleep(0.05)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start(command: list[str], **options: Any) -> subprocess.Popen[bytes]:
    """A process in a session of its own that dies with the tests."""
    me = os.getpid()
    return subprocess.Popen(
        command, start_new_session=True, preexec_fn=lambda: tether_to_parent(me), **options
    )


@dataclass
class Valkey:
    """A real broker at the socket the tests' settings name; a test may stop and start it."""

    socket: Path
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        program = broker.find_server()
        assert program is not None, broker.NOT_FOUND
        self.process = start(broker.command(program, socket=self.socket, directory=RUN_DIR / "broker"))
        wait_until(self.answers, what="the broker")

    def answers(self) -> bool:
        try:
            with self.client() as client:
                return bool(client.ping())
        except redis.RedisError:
            return False

    def client(self) -> redis.Redis:
        return redis.Redis(unix_socket_path=str(self.socket))

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.socket.unlink(missing_ok=True)
            self.process = None


@dataclass
class Worker:
    """A real Celery worker on the test's own database, with the logs it wrote."""

    log: Path
    with_beat: bool = False
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self) -> None:
        """Start it and wait until it takes tasks."""
        before = self.log.stat().st_size if self.log.exists() else 0
        celery = [sys.executable, "-m", "celery", "-A", "crm"]
        name = f"{self.log.stem}@%h"
        worker = [*celery, "worker", "--hostname", name, "--concurrency", "2"]
        commands = [[*worker, "--without-gossip", "--without-mingle"]]
        if self.with_beat:
            commands.append([*celery, "beat", "--pidfile=", "--schedule", str(self.log.with_suffix(".beat"))])
        self.processes = [self._launch(command) for command in commands]

        def is_ready() -> bool:
            written = self.log.read_bytes()[before:]
            if any(process.poll() is not None for process in self.processes):
                pytest.fail(f"the worker died: {written[-3000:].decode()}")
            return b"tests.worker_settings: ready" in written

        wait_until(is_ready, seconds=30, what=f"the worker, see {self.log}")

    def _launch(self, command: list[str]) -> subprocess.Popen[bytes]:
        from django.conf import settings

        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.worker_settings",
            "THAW_TEST_DATABASE_NAME": str(settings.DATABASES["default"]["NAME"]),
            "PYTHONPATH": str(ROOT),
            "REMAP_SIGTERM": "SIGQUIT",
        }
        with self.log.open("ab") as log:
            return start(command, env=environment, cwd=ROOT, stdout=log, stderr=log)

    def revive(self) -> None:
        """Start anew whatever died, as `serve` and every service manager do."""
        self.processes = [
            process if process.poll() is None else self._launch(process.args)  # type: ignore[arg-type]
            for process in self.processes
        ]

    @property
    def pid(self) -> int:
        return self.processes[0].pid

    def kill(self) -> None:
        """SIGKILL, as a crash or the kernel's out-of-memory killer would."""
        for process in self.processes:
            process.send_signal(signal.SIGKILL)
            process.wait()
        self.processes = []

    def stop(self) -> None:
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.processes = []


@dataclass
class Thaw:
    """`manage.py serve` in a THAW_DIR of its own on a free port."""

    directory: Path
    port: int = field(default_factory=free_port)
    environment: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        return self.directory.parent / f"{self.directory.name}.log"

    def env(self) -> dict[str, str]:
        """This environment without what the tests configured for themselves."""
        ours = ("DATABASE_URL", "REDIS_URL", "THAW_DIR", "DJANGO_SETTINGS_MODULE")
        plain = {
            name: value
            for name, value in os.environ.items()
            if name not in ours and not name.startswith(("THAW_TEST", "PYTEST", "DJANGO_ALLOW"))
        }
        return {**plain, "THAW_DIR": str(self.directory), "PORT": str(self.port), **self.environment}

    def manage(self, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
        """Run `manage.py` in this THAW_DIR to its end."""
        return subprocess.run(
            [sys.executable, ROOT / "manage.py", *arguments],
            env=self.env(),
            input=given,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def start(self, *arguments: str, ready: bool = True) -> None:
        with self.log.open("ab") as log:
            self.process = start(
                [sys.executable, str(ROOT / "manage.py"), "serve", *arguments],
                env=self.env(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        if ready:
            wait_until(self.answers, seconds=60, what=f"{self.url}; {self.log}")

    def answers(self, path: str = "/healthz") -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}{path}", timeout=3) as response:
                return bool(response.status == 200)
        except OSError:
            return False

    def tree(self) -> list[psutil.Process]:
        """All descendants of the supervisor."""
        assert self.process is not None
        return psutil.Process(self.process.pid).children(recursive=True)

    def service(self, word: str) -> psutil.Process | None:
        """The direct child of the supervisor whose command has `word`."""
        assert self.process is not None
        for child in psutil.Process(self.process.pid).children():
            try:
                words = " ".join(child.cmdline()).split()  # some rewrite their title into one string
                if any(found == word or found.endswith(f"/{word}") for found in words):
                    return child
            except psutil.Error:
                continue
        return None

    def stop(self) -> int:
        """Ask it to stop as Ctrl-C would; its exit code."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            return self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
