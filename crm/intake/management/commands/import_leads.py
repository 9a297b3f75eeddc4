"""Which people are in this CSV file? Brings them in as leads of a list."""

from __future__ import annotations

import json
import time
from collections import Counter
from pathlib import Path
from typing import Any

from django.contrib.auth import get_user_model
from django.core.files import File
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from crm.accounts.models import Team
from crm.intake import load, receive
from crm.intake.dialect import FileRefused
from crm.intake.models import ImportedRow, LeadImport
from leads.erasure import KeyMissing
from leads.models import LeadList, Workspace
from leads.places import country_code

Result = ImportedRow.Result


class Command(BaseCommand):
    help = "Bring the people of a CSV file in as leads of a list; columns are recognised by their names."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--list", required=True, help="The list they come on; made where there is none.")
        parser.add_argument(
            "--region", help="Country of numbers written without + (US); else the workspace's."
        )
        whose = parser.add_mutually_exclusive_group()
        whose.add_argument("--owner", help="The user who is to call them.")
        whose.add_argument("--team", help="The team whose pool they join; else the default team's.")
        parser.add_argument("--dry-run", action="store_true", help="Say what would happen and write nothing.")
        parser.add_argument("--json", action="store_true", help="Print one JSON document on stdout.")

    def handle(self, *, file: Path, list: str, **options: Any) -> None:
        owner, team = self._whose(options["owner"], options["team"])
        region = self._region(options["region"])
        name = self._list_name(list)
        try:
            with file.open("rb") as opened:
                recognised = receive.recognise(opened)
                receive.must_identify(recognised.columns)
                if options["dry_run"]:
                    counts, refusals = self._rehearse(opened, recognised, name, region)
                else:
                    counts, refusals = self._import(opened, recognised, name, region, owner, team)
        except (FileRefused, KeyMissing) as refused:
            raise CommandError(f"{file}: {refused}") from refused
        except OSError as error:
            raise CommandError(f"{file}: {error.strerror or error}") from error
        self._report(file, name, counts, refusals, as_json=options["json"], dry=options["dry_run"])

    def _whose(self, owner: str | None, team: str | None) -> tuple[Any, Team | None]:
        if owner is not None:
            user = (
                get_user_model().objects.filter(username=owner, is_active=True).select_related("team").first()
            )
            if user is None:
                raise CommandError(f"--owner: there is no active user {owner!r}.")
            return user, user.team
        pool = Team.objects.filter(name=team) if team is not None else Team.objects.filter(is_default=True)
        if team is not None and not pool:
            names = ", ".join(Team.objects.values_list("name", flat=True))
            raise CommandError(f"--team: there is no team {team!r}; expected one of: {names}.")
        return None, pool.first()

    def _region(self, text: str | None) -> str:
        if text is None:
            return Workspace.current().region
        code = country_code(text)
        if code is None:
            raise CommandError(f"--region: {text!r} is no country; expected two letters, as in US.")
        return code

    def _list_name(self, text: str) -> str:
        name = " ".join(text.split())
        longest = LeadList._meta.get_field("name").max_length or 0
        if not name or len(name) > longest:
            raise CommandError(f"--list: expected a name of 1 to {longest} characters.")
        return name

    def _rehearse(
        self, opened: Any, recognised: receive.Recognised, name: str, region: str
    ) -> tuple[Counter[str], list[dict[str, Any]]]:
        counts: Counter[str] = Counter()
        refusals = []
        for row in receive.rehearse(opened, recognised, namespace=name[:80], region=region):
            counts[row.result] += 1
            if row.result == Result.REFUSED:
                refusals.append(receive.refusal(row.line, load.errors_of(row)))
        return counts, refusals

    def _import(
        self,
        opened: Any,
        recognised: receive.Recognised,
        name: str,
        region: str,
        owner: Any,
        team: Team | None,
    ) -> tuple[Counter[str], list[dict[str, Any]]]:
        now = timezone.now()
        received = receive.keep(
            File(opened), recognised, name=Path(opened.name).name, region=region, by=None, now=now
        )
        receive.confirm(
            received, recognised.columns, list_name=name, region=region, owner=owner, team=team, now=now
        )
        # A worker may be faster, and leave it when it is killed.
        while received.is_underway:
            load.run(received.pk, clock=timezone.now)
            received.refresh_from_db()
            time.sleep(0 if not received.is_underway else 0.2)
        if received.status == LeadImport.Status.FAILED:
            raise CommandError(f"{opened.name}: {received.error}")
        counts = Counter(
            {
                Result.CREATED: received.created_count,
                Result.DUPLICATE: received.duplicate_count,
                Result.REFUSED: received.refused_count,
            }
        )
        refused = received.rows.filter(result=Result.REFUSED).order_by("line")
        return counts, [receive.refusal(row.line, row.errors) for row in refused.iterator(chunk_size=1000)]

    def _report(
        self,
        file: Path,
        name: str,
        counts: Counter[str],
        refusals: list[dict[str, Any]],
        *,
        as_json: bool,
        dry: bool,
    ) -> None:
        outcome = {
            "file": str(file),
            "list": name,
            "rows": sum(counts.values()),
            "created": counts[Result.CREATED],
            "duplicates": counts[Result.DUPLICATE],
            "refused": counts[Result.REFUSED],
            "refusals": refusals,
        }
        if as_json:
            self.stdout.write(json.dumps(outcome, ensure_ascii=False))
            return
        would = "Nothing was written. It would be: " if dry else ""
        self.stdout.write(
            f"{would}{outcome['rows']} rows: {outcome['created']} created, {outcome['duplicates']} already known, "
            f"{outcome['refused']} refused, list {name!r}."
        )
        for refusal in refusals:
            expected = f"; expected {refusal['expected']}" if refusal["expected"] else ""
            self.stdout.write(
                f"line {refusal['line']}: {refusal['field']} {refusal['value']!r}: {refusal['reason']}{expected}"
            )
