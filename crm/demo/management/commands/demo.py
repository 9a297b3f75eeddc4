"""Fill the workspace with a demo, or take it out again."""

import json
import sys
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from crm.demo import access
from crm.demo.build import DEFAULT_LEADS, DEFAULT_SEED, FEWEST, MOST, Refused, build
from crm.demo.clear import clear
from crm.demo.manifest import exists


class Command(BaseCommand):
    help = "Fill the workspace with invented people and twelve weeks of their history, or remove them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        leads = f"how many leads, {FEWEST} to {MOST} (default {DEFAULT_LEADS})"
        parser.add_argument("--leads", type=int, default=DEFAULT_LEADS, metavar="N", help=leads)
        seed = f"another seed, other people (default {DEFAULT_SEED})"
        parser.add_argument("--seed", type=int, default=DEFAULT_SEED, metavar="S", help=seed)
        parser.add_argument("--clear", action="store_true", help="remove the demo and nothing else")
        parser.add_argument("--json", action="store_true", help="print one JSON document of counts")

    def handle(self, *, leads: int, seed: int, **options: Any) -> None:
        if options["clear"]:
            self._clear(as_json=options["json"])
        else:
            self._build(leads, seed, as_json=options["json"])

    def _build(self, leads: int, seed: int, *, as_json: bool) -> None:
        begun = time.monotonic()
        password = access.passphrase()
        try:
            built = build(leads=leads, seed=seed, now=timezone.now(), password=password, progress=self._say)
        except Refused as refused:
            raise CommandError(str(refused)) from None
        access.keep(password)
        self._say(f"done in {time.monotonic() - begun:.1f} s")
        if as_json:
            self.stdout.write(json.dumps({"built": built.counts}))
            return
        for name in ("leads", "touchpoints", "calls", "meetings"):
            self.stdout.write(f"{built.counts[name]:>7} {name}")
        self.stdout.write("\n".join(access.in_words()))

    def _clear(self, *, as_json: bool) -> None:
        if not exists():
            raise CommandError("there is no demo to remove")
        gone = clear()
        if as_json:
            self.stdout.write(json.dumps({"removed": gone}))
        else:
            self.stdout.write(f"The demo is gone: {gone['leads']} leads, {gone['users']} users.")

    def _say(self, text: str) -> None:
        """Progress goes to stderr, so that stdout carries only the result."""
        sys.stderr.write(f"demo: {text}\n")
        sys.stderr.flush()
