"""How does one command keep a tree of processes running, and leave none behind?"""

import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import FrameType

import structlog

from crm.tether import tether_to_parent

logger = structlog.get_logger("thaw.serve")

# A service that keeps dying is tried again after these seconds, the last for as long as it takes.
BACKOFF = (0.1, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0)
# Whoever lived this long was healthy: the next death starts the backoff anew.
HEALTHY_AFTER = 20.0
TICK = 0.1
# How long the rest waits for the web to answer, so that it starts undisturbed.
WAIT_FOR_READY = 15.0


@dataclass(frozen=True)
class Service:
    """A process to keep running. Those with a later `stage` are stopped first."""

    name: str
    command: Sequence[str]
    stage: int = 1
    stop_seconds: float = 8.0
    wait_for_ready: bool = False


@dataclass
class _Running:
    service: Service
    process: "subprocess.Popen[bytes] | None" = None
    started_at: float = 0.0
    start_at: float = 0.0
    failures: int = 0


@dataclass
class Supervisor:
    """Runs `services` until a signal asks it to stop.

    `is_ready` is asked until it says yes, then `on_ready` is called once. Every service is in a session of
    its own, so that Ctrl-C reaches only the supervisor, and dies with the supervisor, however that ends.
    """

    services: Sequence[Service]
    environment: dict[str, str]
    is_ready: Callable[[], bool]
    on_ready: Callable[[], None]
    _running: list[_Running] = field(default_factory=list, init=False)
    _stops: int = field(default=0, init=False)

    def run(self) -> None:
        wake, wakened = os.pipe()
        for end in (wake, wakened):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(wakened, warn_on_full_buffer=False)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._ask_to_stop)
        signal.signal(signal.SIGCHLD, lambda *_: None)  # only to wake up
        self._running = [_Running(service) for service in self.services]
        ready, begun = False, time.monotonic()
        while not self._stops:
            may_all_start = ready or time.monotonic() - begun > WAIT_FOR_READY
            for running in self._running:
                if may_all_start or not running.service.wait_for_ready:
                    self._tend(running)
            if not ready and self.is_ready():
                ready = True
                self.on_ready()
                continue
            select.select([wake], [], [], TICK)
            _drain(wake)
        self._stop_all(wake)

    def _ask_to_stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stops += 1

    def _tend(self, running: _Running) -> None:
        """Start what is not running, once its time has come; notice what has died."""
        now = time.monotonic()
        if running.process is None:
            if now >= running.start_at:
                self._start(running)
            return
        code = running.process.poll()
        if code is None:
            return
        if now - running.started_at > HEALTHY_AFTER:
            running.failures = 0
        delay = BACKOFF[min(running.failures, len(BACKOFF) - 1)]
        running.failures += 1
        running.start_at = now + delay
        _kill_group(running.process)
        running.process = None
        logger.warning("died", service=running.service.name, exit_code=code, restart_in_seconds=delay)

    def _start(self, running: _Running) -> None:
        me = os.getpid()
        running.started_at = time.monotonic()
        running.process = subprocess.Popen(
            running.service.command,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=lambda: tether_to_parent(me),  # safe: this process has one thread
        )
        logger.info("started", service=running.service.name, pid=running.process.pid)

    def _stop_all(self, wake: int) -> None:
        """Later stages first. A second signal ends the waiting."""
        logger.info("stopping")
        for stage in sorted({service.stage for service in self.services}, reverse=True):
            here = [r for r in self._running if r.service.stage == stage and r.process is not None]
            for running in here:
                assert running.process is not None
                if running.process.poll() is None:
                    running.process.terminate()
            begun = time.monotonic()
            for running in here:
                assert running.process is not None
                while running.process.poll() is None and self._stops < 2:
                    if time.monotonic() - begun > running.service.stop_seconds:
                        logger.warning("killed", service=running.service.name)
                        break
                    select.select([wake], [], [], TICK)
                    _drain(wake)
                _kill_group(running.process)
                running.process.wait()


def _drain(pipe: int) -> None:
    try:
        while os.read(pipe, 4096):
            pass
    except BlockingIOError:
        pass


def _kill_group(process: "subprocess.Popen[bytes]") -> None:
    """End whatever is left of the service's session, itself included."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass
