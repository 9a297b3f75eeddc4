"""How do the rows of a file become leads, each exactly once, whatever is killed on the way?

Rows are taken in chunks. A chunk's leads, what became of each of its rows, and the checkpoint to go on from are
written in one transaction; whoever writes must still hold the claim, so that two workers never both do.
"""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

import structlog
from django.db import DataError, IntegrityError, InterfaceError, OperationalError, transaction
from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext as _

from crm.intake import dialect, mapping, rows
from crm.intake.models import ImportedRow, LeadImport
from leads import claims, erasure, identity
from leads.facts import FieldError
from leads.known import Keys, Known, look_up
from leads.models import Lead, ListMembership
from leads.prepare import LeadRefused, Prepared, keys_of, nobody, prepare
from leads.register import create_prepared

log = structlog.get_logger(__name__)

CHUNK = 1000
CLAIM = timedelta(seconds=120)
# A worker has more to do than one long file: it goes on with the next ring.
TURN = timedelta(seconds=20)

Result = ImportedRow.Result
Status = LeadImport.Status


@dataclass(slots=True)
class Read:
    """One row on its way: as it stands in the file, and what it was found to be."""

    line: int
    cells: list[str]
    found: Prepared | LeadRefused
    result: Result = Result.CREATED
    lead: int | None = None
    same_as: Read | None = None

    def __post_init__(self) -> None:
        if isinstance(self.found, LeadRefused):
            self.result = Result.REFUSED

    def callees(self) -> set[tuple[str, str]]:
        return self.found.callees() if isinstance(self.found, Prepared) else set()

    def refuse(self, refused: LeadRefused) -> None:
        self.result, self.found = Result.REFUSED, refused


@dataclass(frozen=True, slots=True)
class Reading:
    """How the rows of one file are understood."""

    columns: Sequence[mapping.Column]
    namespace: str
    home: str

    def read(self, line: int, cells: list[str]) -> Read:
        """A row checked by itself, without looking anybody up."""
        found: Prepared | LeadRefused
        try:
            new = rows.to_lead(cells, self.columns, namespace=self.namespace, home=self.home)
            found = prepare(new, home=self.home)
            if not found.says_who():
                found = LeadRefused([nobody()])
        except LeadRefused as refused:
            found = refused
        return Read(line, cells, found)


class ClaimLost(Exception):
    """Somebody else has taken the import over; nothing of this chunk is written."""


# --- Running ------------------------------------------------------------------------------------------------


def waiting(*, now: datetime) -> list[int]:
    """Imports to work on, the least advanced first: never begun, or left by a worker that is no more."""
    return list(_open(now).order_by("rows_done", "created_at").values_list("pk", flat=True))


def _open(now: datetime) -> QuerySet[LeadImport]:
    left = Q(status=Status.RUNNING) & (Q(claimed_until=None) | Q(claimed_until__lt=now))
    return LeadImport.objects.filter(Q(status=Status.WAITING) | left)


def run(pk: int, *, clock: Callable[[], datetime], turn: timedelta | None = None) -> bool:
    """Work on an import for one `turn` and return True where rows remain; without one work to its end.

    Safe to call at any time: without the claim it does nothing. Within a turn it also does nothing while another
    import is being worked on, since the workers have more to do than imports.
    """
    now = clock()
    if turn and LeadImport.objects.filter(status=Status.RUNNING, claimed_until__gte=now).exists():
        return False
    taken = _claim(pk, now=now)
    if taken is None:
        return False
    try:
        return _work(taken, clock=clock, until=now + turn if turn else None)
    except ClaimLost:
        return False
    except (OperationalError, InterfaceError):
        raise  # the database is away or busy: the claim lapses and the sweep goes on from the checkpoint
    except (dialect.FileRefused, FileNotFoundError, erasure.KeyMissing) as refused:
        _fail(taken, _("The file is gone.") if isinstance(refused, OSError) else str(refused), now=clock())
    except Exception:
        log.exception("import failed", lead_import=pk)
        _fail(taken, _("Thaw failed at this file; it is our fault and has been logged."), now=clock())
    return False


def _claim(pk: int, *, now: datetime) -> LeadImport | None:
    if not _open(now).filter(pk=pk).update(status=Status.RUNNING, claimed_until=now + CLAIM):
        return None
    LeadImport.objects.filter(pk=pk, started_at=None).update(started_at=now)
    return LeadImport.objects.select_related("lead_list", "owner__team", "team", "created_by").get(pk=pk)


def _work(taken: LeadImport, *, clock: Callable[[], datetime], until: datetime | None) -> bool:
    reading = Reading(mapping.from_json(taken.mapping), namespace_of(taken), taken.region)
    with (
        _without_collector(),
        taken.file.open("rb") as file,
        closing(dialect.read(file, taken.how_written)) as lines,
    ):
        unread = islice(lines, taken.rows_done, None)
        while batch := [reading.read(line, cells) for line, cells in islice(unread, CHUNK)]:
            _write(taken, batch, now=clock())
            if until and clock() >= until:
                return _put_down(taken)
    _finish(taken, now=clock())
    return False


@contextmanager
def _without_collector() -> Iterator[None]:
    """A chunk is ten thousands of objects without a cycle among them, which the collector of cycles walks again
    and again as they are made: two fifths of an import's time. They go by their counts as ever."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def namespace_of(taken: LeadImport) -> str:
    """Where ids of no named system count: within their list."""
    return (taken.lead_list.name if taken.lead_list else taken.file_name)[:80]


def _write(taken: LeadImport, batch: Sequence[Read], *, now: datetime) -> None:
    with transaction.atomic():
        # One chunk at a time in the whole workspace: two files with the same new person make one lead.
        claims.hold(["lead import"])
        _renew(taken, len(batch), now=now)
        tell_apart(batch)
        _create(batch, taken, now=now)
        _record(batch, taken)
    taken.rows_done += len(batch)
    taken.claimed_until = now + CLAIM


def _mine(taken: LeadImport) -> QuerySet[LeadImport]:
    return LeadImport.objects.filter(
        pk=taken.pk, status=Status.RUNNING, claimed_until=taken.claimed_until, rows_done=taken.rows_done
    )


def _renew(taken: LeadImport, count: int, *, now: datetime) -> None:
    """Move the checkpoint and keep the claim, if it is still ours."""
    if not _mine(taken).update(rows_done=taken.rows_done + count, claimed_until=now + CLAIM):
        raise ClaimLost


def _put_down(taken: LeadImport) -> bool:
    return bool(_mine(taken).update(claimed_until=None))


def _finish(taken: LeadImport, *, now: datetime) -> None:
    """Done: the file is no longer needed, and it is full of people."""
    if not _mine(taken).update(status=Status.DONE, finished_at=now, claimed_until=None):
        raise ClaimLost
    taken.file.delete(save=False)
    LeadImport.objects.filter(pk=taken.pk).update(file="")


def _fail(taken: LeadImport, why: str, *, now: datetime) -> None:
    LeadImport.objects.filter(pk=taken.pk).update(
        status=Status.FAILED, error=why[:500], finished_at=now, claimed_until=None
    )


# --- One chunk ----------------------------------------------------------------------------------------------


def tell_apart(batch: Sequence[Read], *, earlier: Known | None = None) -> None:
    """Tell new people from known ones: those in the database, and those of earlier rows. `earlier` carries the
    rows of earlier chunks where nothing is written (a dry run). Erased persons are refused."""
    _refuse_erased(batch)
    fit = [(row, keys_of(row.found)) for row in batch if isinstance(row.found, Prepared)]
    known = look_up([key for _row, key in fit])
    made: dict[int, Read] = {}
    for row, key in fit:
        match = identity.decide(key, known)
        if match.is_new and earlier is not None:
            match = identity.decide(key, earlier)
        if match.candidates:
            row.refuse(LeadRefused([_ambiguous(key, match.candidates)]))
        elif match.lead_id is not None:
            row.result, row.same_as = Result.DUPLICATE, made.get(match.lead_id)
            row.lead = match.lead_id if match.lead_id > 0 else None
        else:
            not_an_id = -1 - len(made)
            made[not_an_id] = row
            known.add(not_an_id, key)
            if earlier is not None:
                earlier.add(-1 - len(earlier.person_of), key)


def _refuse_erased(batch: Sequence[Read]) -> None:
    """Of who asked to be forgotten nothing is kept with the refusal either."""
    read = [row for row in batch if isinstance(row.found, Prepared)]
    erased = erasure.erased_callees(callee for row in read for callee in row.callees())
    for row in read:
        if not erased.isdisjoint(row.callees()):
            row.refuse(LeadRefused([erasure.refusal()]))
            row.cells = []


def _ambiguous(key: Keys, candidates: tuple[int, ...]) -> FieldError:
    return FieldError(
        "row",
        "ambiguous",
        _("fits %(n)d leads we know") % {"n": len(candidates)},
        _("an e-mail, a number or an id that belongs to one of them"),
        key.email or ", ".join(key.e164s),
    )


def _create(batch: Sequence[Read], taken: LeadImport, *, now: datetime) -> None:
    """Make the new leads, and put the known ones onto the list as they are."""
    new = [row for row in batch if row.result == Result.CREATED]
    for row, lead in zip(new, _leads([row.found for row in new], taken, now=now), strict=True):
        if isinstance(lead, LeadRefused):
            row.refuse(lead)
        else:
            row.lead = lead.pk
    for row in batch:
        if row.same_as and isinstance(row.same_as.found, LeadRefused):
            row.refuse(row.same_as.found)
        elif row.same_as:
            row.lead = row.same_as.lead
    if taken.lead_list:
        again = {row.lead for row in batch if row.result == Result.DUPLICATE}
        ListMembership.objects.bulk_create(
            (ListMembership(lead_id=lead, list=taken.lead_list, added_at=now) for lead in sorted(again)),
            ignore_conflicts=True,
        )


def _leads(
    found: Sequence[Prepared | LeadRefused], taken: LeadImport, *, now: datetime
) -> list[Lead | LeadRefused]:
    """The new leads; where the database takes the chunk not at all, each by itself, so that one is refused."""
    given: dict[str, Any] = {
        "lead_list": taken.lead_list,
        "owner": taken.owner,
        "team": taken.team,
        "by": taken.created_by,
        "now": now,
    }
    try:
        return create_prepared(found, **given)
    except (DataError, IntegrityError):
        return [lead for one in found for lead in _one_by_one(one, given)]


def _one_by_one(one: Prepared | LeadRefused, given: dict[str, Any]) -> list[Lead | LeadRefused]:
    try:
        return create_prepared([one], **given)
    except (DataError, IntegrityError):
        log.exception("a row could not be stored")
        return [LeadRefused([FieldError("row", "invalid", _("could not be stored"), _("readable values"))])]


def _record(batch: Sequence[Read], taken: LeadImport) -> None:
    """What became of each row, and the counts."""
    ImportedRow.objects.bulk_create(
        ImportedRow(
            lead_import=taken,
            line=row.line,
            result=row.result,
            lead_id=row.lead,
            errors=errors_of(row),
            cells=row.cells if row.result == Result.REFUSED else [],
        )
        for row in batch
    )
    counts = Counter(row.result for row in batch)
    LeadImport.objects.filter(pk=taken.pk).update(
        created_count=F("created_count") + counts[Result.CREATED],
        duplicate_count=F("duplicate_count") + counts[Result.DUPLICATE],
        refused_count=F("refused_count") + counts[Result.REFUSED],
    )


def errors_of(row: Read) -> list[dict[str, str]]:
    """What was wrong with a row: [{field, value, reason, expected}]."""
    if not isinstance(row.found, LeadRefused):
        return []
    return [
        {"field": error.field, "value": error.value, "reason": error.reason, "expected": error.expected}
        for error in row.found.errors
    ]
