"""How is the engine told that there is something to do? By a ring that may be lost: rows are the truth."""

from __future__ import annotations

import atexit
import os
from queue import Empty, Queue
from threading import Lock, Thread

import structlog
from celery import current_app
from django.db import transaction

# The ring for the engine: touchpoints wait to be evaluated.
EVALUATE = "touchpoints.tasks.evaluate_waiting"

log = structlog.get_logger(__name__)

# A ring that nobody heard in time is worthless: the sweep has been by.
HEARD_WITHIN_SECONDS = 30
# How long a process that ends lets its last rings out.
LEAVES_WITHIN_SECONDS = 2


def ring_on_commit(task: str) -> None:
    """Ask a worker to run `task` once this transaction is committed; a dead broker is logged and left to the sweep."""
    transaction.on_commit(lambda: ring(task), robust=True)


def ring(task: str) -> None:
    """Ask a worker to run `task`. Returns at once, whatever state the broker is in."""
    _ringer.ring(task)


class _Ringer:
    """Rings from a thread of its own: a broker that is gone, or takes seconds to say so, holds nobody up.

    What is asked for many times while a ring is under way is rung for once.
    """

    def __init__(self) -> None:
        self._wanted: Queue[str] = Queue()
        self._starting = Lock()
        self._thread: Thread | None = None

    def ring(self, task: str) -> None:
        self._wanted.put(task)
        with self._starting:
            if self._thread is None:
                self._thread = Thread(target=self._run, name="bell", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while True:
            tasks = [self._wanted.get()]
            try:
                while True:
                    tasks.append(self._wanted.get_nowait())
            except Empty:
                pass
            for task in dict.fromkeys(tasks):
                _send(task)
            for _task in tasks:
                self._wanted.task_done()

    def let_out(self) -> None:
        """Wait a little for what is still to be rung."""
        done = self._wanted.all_tasks_done
        with done:
            done.wait_for(lambda: not self._wanted.unfinished_tasks, LEAVES_WITHIN_SECONDS)


def _send(task: str) -> None:
    try:
        current_app.send_task(task, expires=HEARD_WITHIN_SECONDS, ignore_result=True)
    except Exception as error:  # whatever goes wrong with a ring, the sweep finds the rows
        log.warning("ring_lost", task=task, error=str(error))


def _start_over() -> None:
    """A forked process has the queue and its locks, but not the thread."""
    global _ringer
    _ringer = _Ringer()


_ringer = _Ringer()
atexit.register(lambda: _ringer.let_out())
os.register_at_fork(after_in_child=_start_over)
