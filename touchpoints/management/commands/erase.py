"""Forget a person who asks for it."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from leads import erasure
from leads.models import Lead
from touchpoints import erase, refusals

if TYPE_CHECKING:
    from argparse import ArgumentParser


class Command(BaseCommand):
    help = (
        "Remove who a lead is and what they said; the calls stay provable without name and number. Cannot be taken "
        "back. With --reapply: erase again whoever a restored backup brought back."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("lead", nargs="?", metavar="LEAD", help="The lead's id.")
        parser.add_argument("--reason", default="asked to be erased", help="Kept with the digests.")
        parser.add_argument("--yes", action="store_true", help="Do not ask, on a terminal.")
        parser.add_argument(
            "--reapply", action="store_true", help="Hold the database against the ledger in THAW_DIR."
        )
        parser.add_argument("--json", action="store_true", help="Print one JSON document.")

    def handle(
        self, *, lead: str | None, reason: str, yes: bool, reapply: bool, json: bool, **options: Any
    ) -> None:
        if reapply == (lead is not None):
            raise CommandError("Expected either LEAD, the id of a lead, or --reapply.")
        try:
            result, words = self._reapply() if reapply else self._erase(str(lead), reason, ask=not yes)
        except refusals.Refused as refused:
            raise CommandError(refused.detail) from None
        except (erasure.KeyMissing, OSError) as error:
            raise CommandError(str(error)) from None
        self.stdout.write(_as_json(result) if json else words)

    def _reapply(self) -> tuple[dict[str, Any], str]:
        again = erase.reapply(now=timezone.now())
        return {"erased_again": again}, f"{len(again)} leads erased again."

    def _erase(self, text: str, reason: str, *, ask: bool) -> tuple[dict[str, Any], str]:
        lead = Lead.objects.filter(pk=int(text)).first() if text.isdecimal() and len(text) < 18 else None
        if lead is None:
            raise CommandError(f"LEAD: there is no lead {text!r}; expected the number in its page's address.")
        if lead.erased_at is None and ask and sys.stdin.isatty():
            # Standard output carries the answer alone.
            self.stderr.write(f"Erase {lead.name} (lead {lead.pk})? This cannot be taken back. Type yes: ")
            if input().strip().lower() != "yes":
                raise CommandError("Nothing was erased.")
        others = [one.pk for one in erase.namesakes(lead)]
        done = erase.erase(lead, reason=reason, by=None, now=timezone.now())
        rows = ", ".join(f"{count} {name}" for name, count in done.counts.items()) or "nothing more"
        words = f"Lead {done.lead} is erased ({rows}); {done.digests} digests under key {done.key_id}."
        if others:
            words += f" Leads that seem to be the same person: {', '.join(map(str, others))}."
        return {**done.as_json(), "namesakes": others}, words


def _as_json(result: dict[str, Any]) -> str:
    return json.dumps(result, ensure_ascii=False)
