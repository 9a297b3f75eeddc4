"""When did each sweep last run, and what did it do? Noted here by every sweep, read by whoever watches the engine."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .models import SweepRun

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime


# The row of the clock itself: when it last began to ring.
CLOCK = "clock"


@dataclass
class Run:
    """What one run of a sweep looked at and changed; the sweep counts, `noted` writes it down."""

    looked_at: int = 0
    changed: int = 0


@contextmanager
def noted(name: str, *, now: datetime) -> Iterator[Run]:
    """Note the run of a sweep when it ends, with its error where it failed; the error goes on to the caller."""
    run = Run()
    try:
        yield run
    except Exception as error:
        _note(name, run, now=now, error=str(error) or type(error).__name__)
        raise
    _note(name, run, now=now)


def _note(name: str, run: Run, *, now: datetime, error: str = "") -> None:
    values = {
        "started_at": now,
        "finished_at": now,
        "looked_at": run.looked_at,
        "changed": run.changed,
        "error": error[:500],
    }
    SweepRun.objects.update_or_create(name=name, defaults=values)


def note_start(*, now: datetime) -> None:
    """The clock that rings the sweeps begins anew: each sweep has its first turn one period from now."""
    _note(CLOCK, Run(), now=now)
