"""Which numbers are on a do-not-call registry, according to these files? Each becomes the list in force, or is
refused."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from leads.models import RegistryLoad
from leads.registries import load
from leads.registries.files import named
from leads.registries.reach import UnknownRegistry, reach_of

Status = RegistryLoad.Status


class Command(BaseCommand):
    help = (
        "Load the files of a do-not-call registry. A full list replaces the list of its areas, all at once; a "
        "change list is applied to it. The list's date is read from the name (2026-11-20_212_….txt.zip), else "
        "from --list-date."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
        parser.add_argument(
            "--registry", required=True, help="us-ftc, uk-tps, uk-ctps, or one that a guard rule names."
        )
        parser.add_argument(
            "--list-date", help="The day the lists were obtained, as 2026-11-20, for files not named so."
        )
        parser.add_argument(
            "--force", action="store_true", help="Load lists that shrink by half or are of another area."
        )
        parser.add_argument("--json", action="store_true", help="Print one JSON document on stdout.")

    def handle(
        self,
        *,
        files: list[Path],
        registry: str,
        list_date: str | None,
        force: bool,
        json: bool,
        **options: Any,
    ) -> None:
        try:
            reach_of(registry)
        except UnknownRegistry as unknown:
            raise CommandError(f"--registry: {unknown}") from None
        given = _day(list_date)
        for file in files:
            if given is None and named(file.name).list_date is None:
                raise CommandError(
                    f"{file}: the name gives no list date, as 2026-11-20_212_….txt.zip does; expected --list-date."
                )
        done = [self._load(file, registry, given, force=force) for file in files]
        self.stdout.write(_as_json(registry, done) if json else "\n".join(map(_in_words, done)))
        refused = [one for one in done if one["status"] != Status.LOADED]
        if refused:
            raise CommandError("\n".join(f"{one['file']}: {one['why']}" for one in refused))

    def _load(self, file: Path, registry: str, given: date | None, *, force: bool) -> dict[str, Any]:
        if not file.is_file():
            return {"file": str(file), "status": Status.REFUSED, "why": "there is no such file."}
        row = load.start(file, registry=registry, list_date=given, forced=force, now=timezone.now())
        try:
            row = load.run(row.pk, clock=timezone.now, path=file, tell=_tell if sys.stderr.isatty() else None)
        except OSError as error:
            row.refresh_from_db()
            row.why = f"{error.strerror or error}."
        if row.status == Status.WAITING:
            row.why = f"another list of {registry} is being loaded; load this one when it is done."
            row.delete()
        if sys.stderr.isatty():
            sys.stderr.write("\r\033[K")
        return _document(file, row)


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise CommandError(f"--list-date: {text!r} is no day; expected one such as 2026-11-20.") from None


def _tell(row: RegistryLoad) -> None:
    share = row.bytes_done * 100 // max(row.size_bytes, 1)
    sys.stderr.write(f"\r\033[K{row.file_name}: {share} %, {row.lines:,} lines")
    sys.stderr.flush()


def _document(file: Path, row: RegistryLoad) -> dict[str, Any]:
    scrub = row.scrubs.first() if row.pk else None
    return {
        "file": str(file),
        "id": row.pk,
        "status": row.status,
        "why": row.why,
        "kind": row.kind,
        "list_date": row.list_date.isoformat() if row.list_date else None,
        "sha256": row.sha256,
        "areas": [one["area"] for one in row.areas],
        "numbers": sum(one["after"] for one in row.areas),
        "lines": row.lines,
        "accepted": row.accepted,
        "rejected": row.rejected,
        "rejections": row.rejections,
        "forced": row.forced,
        "scrub": scrub
        and {
            "numbers": scrub.numbers,
            "hits": scrub.hits,
            "found": scrub.found,
            "cleared": scrub.cleared,
        },
    }


def _as_json(registry: str, done: list[dict[str, Any]]) -> str:
    loaded = [one for one in done if one["status"] == Status.LOADED]
    return json.dumps(
        {
            "registry": registry,
            "loaded": len(loaded),
            "refused": len(done) - len(loaded),
            "areas": sorted({area for one in loaded for area in one["areas"]}),
            **{name: sum(one.get(name, 0) for one in done) for name in ("lines", "accepted", "rejected")},
            "files": done,
        },
        ensure_ascii=False,
    )


def _in_words(one: dict[str, Any]) -> str:
    if one["status"] != Status.LOADED:
        return f"{one['file']}: refused."
    areas = ", ".join(one["areas"]) if len(one["areas"]) <= 10 else f"{len(one['areas'])} areas"
    lines = [
        f"{one['file']}: {one['kind']} list of {one['list_date']}, {areas}: {one['numbers']:,} numbers "
        f"({one['accepted']:,} of {one['lines']:,} lines, {one['rejected']:,} rejected)."
    ]
    if one["why"]:
        lines.append(f"  {one['why']}")
    if scrub := one["scrub"]:
        lines.append(
            f"  Of our {scrub['numbers']:,} numbers there, {scrub['hits']:,} are on a list: "
            f"{scrub['found']:,} newly, {scrub['cleared']:,} no longer."
        )
    shown = one["rejections"]
    lines += [f"  line {row['line']}: {row['value']!r}: {row['reason']}" for row in shown]
    if one["rejected"] > len(shown):
        lines.append(f"  … and {one['rejected'] - len(shown):,} more; all of them are kept with the load.")
    return "\n".join(lines)
