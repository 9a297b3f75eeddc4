"""What happens to a file that is handed in: is it kept, what is in it, and when may it be worked on?"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, BinaryIO

from django.core.files import File
from django.db import transaction
from django.utils.translation import gettext as _

from crm.intake import dialect, load, mapping
from crm.intake.models import ImportedRow, LeadImport
from leads.known import Known
from leads.models import LeadList

SAMPLE_ROWS = 50
# An upload nobody confirmed is forgotten, with the people in it.
KEPT_UNCONFIRMED = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Recognised:
    """A file that can be read: how it is written, its first rows, and what its columns seem to be."""

    how: dialect.Dialect
    samples: list[list[str]]
    columns: list[mapping.Column]


def recognise(file: BinaryIO) -> Recognised:
    """Look through a file; raises dialect.FileRefused."""
    how = dialect.recognise(file)
    found = samples(file, how)
    return Recognised(how, found, mapping.guess(how.header, found))


def samples(file: BinaryIO, how: dialect.Dialect, count: int = SAMPLE_ROWS) -> list[list[str]]:
    with closing(dialect.read(file, how)) as lines:
        return [cells for _line, cells in islice(lines, count)]


def must_identify(columns: Sequence[mapping.Column]) -> None:
    """Raises FileRefused where no column says who a row is about."""
    if not mapping.identifies(columns):
        raise dialect.FileRefused(
            _(
                "No column says who a row is about (columns: %(columns)s); expected a name, an e-mail, a phone, or "
                "company and job title."
            )
            % {"columns": ", ".join(column.header for column in columns)[:200]}
        )


def keep(file: File, recognised: Recognised, *, name: str, region: str, by: Any, now: datetime) -> LeadImport:
    """Store the file under a name nobody can guess, its columns waiting to be confirmed."""
    received = LeadImport(
        file_name=name[-200:],
        dialect=recognised.how.as_json(),
        mapping=mapping.as_json(recognised.columns),
        region=region,
        size_bytes=file.size,
        created_at=now,
        created_by=by,
    )
    received.file.save(f"{secrets.token_hex(16)}.csv", file, save=False)
    received.save()
    return received


def confirm(
    received: LeadImport,
    columns: Sequence[mapping.Column],
    *,
    list_name: str,
    region: str,
    owner: Any,
    team: Any,
    now: datetime,
) -> bool:
    """Let the rows be worked on: into this list (made where there is none), for this owner or pool. False where
    somebody confirmed before."""
    must_identify(columns)
    with transaction.atomic():
        lead_list, _made = LeadList.objects.get_or_create(
            name=list_name, defaults={"created_at": now, "created_by": received.created_by}
        )
        confirmed = LeadImport.objects.filter(pk=received.pk, status=LeadImport.Status.MAPPING).update(
            status=LeadImport.Status.WAITING,
            mapping=mapping.as_json(columns),
            lead_list=lead_list,
            region=region,
            owner=owner,
            team=owner.team if owner else team,
        )
    received.refresh_from_db()
    return bool(confirmed)


def forget(unconfirmed: LeadImport) -> None:
    """Drop an upload that was not confirmed, file and all."""
    unconfirmed.file.delete(save=False)
    unconfirmed.delete()


def forget_unconfirmed(*, now: datetime) -> None:
    for stale in LeadImport.objects.filter(
        status=LeadImport.Status.MAPPING, created_at__lt=now - KEPT_UNCONFIRMED
    ):
        forget(stale)


def rehearse(file: BinaryIO, recognised: Recognised, *, namespace: str, region: str) -> Iterator[load.Read]:
    """What would become of every row, with nothing written."""
    reading = load.Reading(recognised.columns, namespace, region)
    earlier = Known()
    with closing(dialect.read(file, recognised.how)) as lines:
        while batch := [reading.read(line, cells) for line, cells in islice(lines, load.CHUNK)]:
            load.tell_apart(batch, earlier=earlier)
            yield from batch


def refusal(line: int, errors: Sequence[dict[str, str]]) -> dict[str, Any]:
    """One refused row as reports show it: its first error, and the others beside it."""
    first, *others = errors
    return {"line": line, **first, **({"also": others} if others else {})}


def refused_lines(received: LeadImport) -> Iterator[Sequence[str]]:
    """The refused rows with what was wrong with each, under their own header, to be mended and sent again."""
    yield [*received.how_written.header, _("What was wrong")]
    width = len(received.how_written.header)
    refused = ImportedRow.objects.filter(lead_import=received, result=ImportedRow.Result.REFUSED)
    for row in refused.order_by("line").iterator(chunk_size=1000):
        wrong = "; ".join(f"{e['field']}: {e['reason']} ({e['expected']})" for e in row.errors)
        yield [*row.cells, *[""] * (width - len(row.cells)), wrong]
