"""Say what the cadence would place if nobody ever answered."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError

from leads.models import Lead
from touchpoints import guarding
from touchpoints.cadence import plan_all
from touchpoints.management import arguments
from touchpoints.models import Cadence
from touchpoints.plans import plan_of

if TYPE_CHECKING:
    from argparse import ArgumentParser


class Command(BaseCommand):
    help = (
        "Every attempt the default cadence would place from a start on, in a zone, if nobody ever answered."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--start", required=True, help="From when on, with offset.")
        parser.add_argument("--zone", required=True, help="The lead's time zone, as in America/Chicago.")
        parser.add_argument("--temperature", choices=Lead.Temperature.values, default=Lead.Temperature.COLD)
        parser.add_argument("--audience", choices=Lead.Audience.values, default=Lead.Audience.BUSINESS)
        parser.add_argument("--country", default="US")
        parser.add_argument("--region", default="", help="State or region, as in FL.")
        parser.add_argument("--json", action="store_true", help="Print one JSON document.")

    def handle(self, *, start: str, zone: str, country: str, region: str, json: bool, **options: Any) -> None:
        land = arguments.country("country", country)
        place = guarding.place_of(
            zone=arguments.zone("zone", zone),
            country=land,
            region=arguments.region("region", region, land) if region else "",
            audience=options["audience"],
            now=arguments.instant("start", start),
        )
        cadence = Cadence.objects.prefetch_related("steps").get(
            is_default=True, active=True, temperature=options["temperature"], audience=options["audience"]
        )
        slots = plan_all(plan_of(cadence), place, start=arguments.instant("start", start))
        if not slots:
            raise CommandError("Nothing can be placed there: no call is ever permitted.")
        rows = [
            {
                "attempt": slot.attempt,
                "not_before": slot.not_before.astimezone(place.zone).isoformat(),
                "until": slot.until.astimezone(place.zone).isoformat(),
                "day_part": slot.day_part,
                "channel": slot.channel,
            }
            for slot in slots
        ]
        self.stdout.write(_as_json(rows) if json else _in_words(rows))


def _as_json(rows: list[dict[str, Any]]) -> str:
    return json.dumps(rows, ensure_ascii=False)


def _in_words(rows: list[dict[str, Any]]) -> str:
    return "\n".join(
        f"{row['attempt']:>2}  {row['not_before']} – {row['until'][11:16]}  {row['day_part']}  {row['channel']}"
        for row in rows
    )
