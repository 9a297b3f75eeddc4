"""Put the numbers of a CSV file on our own do-not-call list."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from touchpoints import own_list
from touchpoints.management import arguments

if TYPE_CHECKING:
    from argparse import ArgumentParser


class Command(BaseCommand):
    help = "Add the numbers in a column of a CSV file to our own list; rows that are no numbers are refused one by one."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file")
        parser.add_argument("--column", required=True, help="The column that holds the numbers.")
        parser.add_argument("--region", required=True, help="Country to read numbers without + in, as in US.")
        parser.add_argument("--reason", default="", help="Kept with each entry. Default: the file's name.")
        parser.add_argument("--json", action="store_true", help="Print one JSON document.")

    def handle(self, *, file: str, column: str, region: str, reason: str, json: bool, **options: Any) -> None:
        home, now, path = arguments.country("region", region), timezone.now(), Path(file)
        try:
            made = own_list.load(
                path.read_bytes(),
                file_name=path.name,
                column=column,
                region=home,
                reason=reason,
                by=None,
                now=now,
            )
        except OSError as error:
            raise CommandError(f"{path}: {error.strerror}.") from None
        except own_list.FileRefused as refused:
            raise CommandError(f"{path}: {refused.reason}.") from None
        result = {name: getattr(made, name) for name in ("rows", "accepted", "added", "refused", "refusals")}
        self.stdout.write(_as_json(result) if json else _in_words(result))


def _as_json(result: dict[str, Any]) -> str:
    return json.dumps(result, ensure_ascii=False)


def _in_words(result: dict[str, Any]) -> str:
    lines = ["{rows} rows: {accepted} numbers, {added} new on the list, {refused} refused.".format(**result)]
    lines += [f"  line {one['line']}: {one['value']!r}: {one['reason']}" for one in result["refusals"]]
    return "\n".join(lines)
