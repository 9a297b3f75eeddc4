"""Put the numbers of a CSV file on our own do-not-call list."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone

from leads import numbers
from touchpoints import suppress
from touchpoints.management import arguments

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Iterator

CHUNK = 5_000


class Command(BaseCommand):
    help = "Add the numbers in a column of a CSV file to our own list; rows that are no numbers are refused one by one."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file")
        parser.add_argument("--column", required=True, help="The column that holds the numbers.")
        parser.add_argument("--region", required=True, help="Country to read numbers without + in, as in US.")
        parser.add_argument("--reason", default="", help="Kept with each entry. Default: the file's name.")
        parser.add_argument("--json", action="store_true", help="Print one JSON document.")

    def handle(self, *, file: str, column: str, region: str, reason: str, json: bool, **options: Any) -> None:
        home, now = arguments.country("region", region), timezone.now()
        path = Path(file)
        result: dict[str, Any] = {"rows": 0, "accepted": 0, "added": 0, "refused": 0, "refusals": []}
        with transaction.atomic():
            chunk: list[str] = []
            for line, value in _values(path, column):
                result["rows"] += 1
                try:
                    chunk.append(numbers.parse(value, home).e164)
                    result["accepted"] += 1
                except numbers.NumberRefused as refused:
                    result["refusals"].append({"line": line, "value": value, "reason": refused.reason})
                if len(chunk) >= CHUNK:
                    result["added"] += _add(chunk, reason or path.name, now=now)
                    chunk = []
            result["added"] += _add(chunk, reason or path.name, now=now)
        result["refused"] = len(result["refusals"])
        self.stdout.write(_as_json(result) if json else _in_words(result))


def _add(e164s: list[str], reason: str, *, now: Any) -> int:
    return suppress.suppress_numbers(
        e164s, reason=reason, channel="file", evidence=f"file {reason}", by=None, now=now
    )


def _values(path: Path, column: str) -> Iterator[tuple[int, str]]:
    """(line, text) of the column in every row; raises CommandError for a file that cannot be read as such."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            if reader.fieldnames is None:
                raise CommandError(
                    f"{path}: the file is empty; expected a header with the column {column!r}."
                )
            if column not in reader.fieldnames:
                raise CommandError(
                    f"{path}: there is no column {column!r}; the header has {', '.join(reader.fieldnames)}."
                )
            for row in reader:
                yield reader.line_num, (row[column] or "").strip()
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise CommandError(f"{path}: not UTF-8 text; save the file as CSV UTF-8.") from None
    except csv.Error as error:
        raise CommandError(f"{path}: not a CSV file ({error}).") from None


def _as_json(result: dict[str, Any]) -> str:
    return json.dumps(result, ensure_ascii=False)


def _in_words(result: dict[str, Any]) -> str:
    lines = ["{rows} rows: {accepted} numbers, {added} new on the list, {refused} refused.".format(**result)]
    lines += [f"  line {one['line']}: {one['value']!r}: {one['reason']}" for one in result["refusals"]]
    return "\n".join(lines)
