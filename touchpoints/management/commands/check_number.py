"""Say what the guard answers for a bare number."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from leads.models import Lead
from leads.zones import country_of_number
from touchpoints import guarding
from touchpoints.management import arguments

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from leads.numbers import ParsedNumber


class Command(BaseCommand):
    help = "The guard's verdict for NUMBER at an instant, by today's lists, rows and rules."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("number")
        parser.add_argument("--region", help="Country to read a number without + in, as in US.")
        parser.add_argument("--zone", default="", help="Time zone confirmed by you, as in America/Chicago.")
        parser.add_argument("--state", default="", help="State of the address, as in FL.")
        parser.add_argument("--audience", choices=Lead.Audience.values, default=Lead.Audience.CONSUMER)
        parser.add_argument("--at", help="The instant, with offset; default: now.")
        parser.add_argument("--json", action="store_true", help="Print one JSON document.")

    def handle(self, *, number: str, at: str | None, json: bool, **options: Any) -> None:
        home = arguments.country("region", options["region"]) if options["region"] else None
        parsed = arguments.number(number, home)
        country, state = arguments.state("state", options["state"], _countries(parsed, home))
        verdict = guarding.of_number(
            parsed,
            today=timezone.now().date(),
            now=arguments.instant("at", at) if at else timezone.now(),
            zone=arguments.zone("zone", options["zone"]) if options["zone"] else "",
            country=country,
            region=state,
            audience=options["audience"],
        )
        document = {"number": parsed.e164, **verdict.as_json()}
        self.stdout.write(_as_json(document) if json else _in_words(document, verdict.verified))


def _countries(number: ParsedNumber, home: str | None) -> list[str]:
    """Where a state without its country may lie: the number's own country, that of --region, the United States."""
    return [country for country in (country_of_number(number.e164), home, "US") if country]


def _as_json(document: dict[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False)


def _in_words(document: dict[str, Any], verified: bool) -> str:
    lines = [f"{document['number']}: {document['decision']}"]
    lines += [f"  {reason['code']}: {reason['detail']}" for reason in document["reasons"]]
    lines += [f"  there it is {one['time']} ({one['zone']})" for one in document["local_times"]]
    lines.append(f"  next allowed: {document['next_allowed_at'] or 'not before a person changes something'}")
    rules = document["rule_version"] or "none"
    if not verified:
        rules += " (default rule, not verified)" if "*" in rules else " (not verified)"
    lines.append(f"  rules: {rules}")
    return "\n".join(lines)
