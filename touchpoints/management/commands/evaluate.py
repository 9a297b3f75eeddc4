"""Evaluate the warmth of leads now, without waiting for the engine."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from touchpoints import engine, reevaluate

if TYPE_CHECKING:
    from argparse import ArgumentParser


class Command(BaseCommand):
    help = (
        "Evaluate the leads whose touchpoints wait and cool those whose date has passed; --all: every lead."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--all", action="store_true", help="Every lead, whether or not anything waits.")
        parser.add_argument("--json", action="store_true", help="Print one JSON document.")

    def handle(self, *, all: bool, json: bool, **options: Any) -> None:
        now = timezone.now()
        done = engine.evaluate_waiting(now=now)
        done.add(engine.cool_expired(now=now))
        if all:
            done.add(reevaluate.evaluate_all(now=now))
        counts = {"evaluated": done.looked_at, "warmed": len(done.promoted), "cooled": len(done.cooled)}
        said = "{evaluated} leads evaluated: {warmed} turned warm, {cooled} turned cold.".format(**counts)
        self.stdout.write(_as_json(counts) if json else said)


def _as_json(counts: dict[str, int]) -> str:
    return json.dumps(counts)
