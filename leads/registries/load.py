"""How does a registry's file become the list in force: all of it at once, or nothing of it?

`start` keeps the file and its row of the ledger, `run` works on it: it may be called again and again, by a command,
a task or a sweep. What a killed process leaves behind is not seen by anybody and goes with the next run.
"""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO, cast

import structlog
from django.core.files import File
from django.db import IntegrityError, InterfaceError, OperationalError, transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from leads.models import RegistryArea, RegistryBitmap, RegistryLoad
from leads.registries import scrub
from leads.registries.files import FileRefused
from leads.registries.lookup import is_dead
from leads.registries.reach import reach_of
from leads.registries.reading import ListRead, Source, read_list
from leads.registries.rejects import Rejects

log = structlog.get_logger(__name__)

Status = RegistryLoad.Status

# A process that has said nothing for so long is taken for dead. No step in between takes as long.
CLAIM = timedelta(seconds=60)
TELLS_EVERY = timedelta(seconds=2)

Clock = Callable[[], datetime]
Tell = Callable[[RegistryLoad], None]


class ClaimLost(Exception):
    """Somebody else has taken the load for dead and cleared it away; nothing of it takes effect."""


def start(
    source: Path | File[bytes],
    *,
    registry: str,
    list_date: date | None = None,
    by: Any = None,
    forced: bool = False,
    now: datetime,
) -> RegistryLoad:
    """Hand in a file, to be worked on by `run(load.pk)`; for the upload page and the command alike.

    An upload (a django File) is kept until it is loaded or refused: save the row, then ring
    `touchpoints.tasks.run_registry_loads`; a lost ring is made up for by the sweep. A Path is read where it lies:
    give it to `run` too. `list_date` counts where the file's name gives none. Raises UnknownRegistry.
    """
    reach_of(registry)
    name = Path(str(source.name)).name
    load = RegistryLoad(
        registry=registry, file_name=name[-200:], given_date=list_date, forced=forced, at=now, by=by
    )
    if isinstance(source, File):
        load.size_bytes = source.size
        load.file.save(f"{secrets.token_hex(16)}.list", source, save=False)
    load.save()
    return load


def waiting(*, now: datetime) -> list[int]:
    """Loads to work on, the oldest first; what dead processes left is put back or refused first."""
    clear_away_dead(now=now)
    return list(
        RegistryLoad.objects.filter(status=Status.WAITING)
        .exclude(file="")
        .order_by("at", "pk")
        .values_list("pk", flat=True)
    )


def run(pk: int, *, clock: Clock, path: Path | None = None, tell: Tell | None = None) -> RegistryLoad:
    """Work on a load to its end, and return it: loaded, or refused with the reason in `why`.

    It comes back still waiting where another list of the registry is being loaded. `tell` is called every few
    seconds with how far it is. Raises OSError where the file cannot be read.
    """
    clear_away_dead(now=clock())
    if not _claim(pk, now=clock()):
        return RegistryLoad.objects.get(pk=pk)
    load = RegistryLoad.objects.get(pk=pk)
    try:
        _work(load, clock=clock, path=path, tell=tell)
    except FileRefused as refused:
        _refuse(load, str(refused), now=clock())
    except (OperationalError, InterfaceError, ClaimLost):
        raise  # the database is away, or the load is not ours any more
    except FileNotFoundError:
        _refuse(load, _("The file is gone."), now=clock())
        if path:
            raise
    except OSError as error:
        _refuse(load, error.strerror or str(error), now=clock())
        if path:
            raise
    except (KeyboardInterrupt, SystemExit):
        _refuse(load, interrupted(), now=clock())
        raise
    except Exception:
        log.exception("registry_load_failed", load=pk)
        _refuse(load, _("Thaw failed at this file; it is our fault and has been logged."), now=clock())
    load.refresh_from_db()
    return load


def interrupted() -> str:
    return _("The load was interrupted. Nothing was changed; load the file again.")


def clear_away_dead(*, now: datetime) -> None:
    """Put back what a process that is no more was loading, where its file is kept; else refuse it."""
    for load in RegistryLoad.objects.filter(status=Status.LOADING):
        if load.claimed_until and load.claimed_until > now and not is_dead(load.host, load.pid):
            continue
        with transaction.atomic():
            mine = RegistryLoad.objects.filter(
                pk=load.pk, status=Status.LOADING, claimed_until=load.claimed_until
            )
            fate: dict[str, Any] = {"status": Status.WAITING}
            if not load.file:
                fate = {"status": Status.REFUSED, "why": interrupted(), "finished_at": now}
            if mine.update(**fate, claimed_until=None):
                _release(load)


def _claim(pk: int, *, now: datetime) -> bool:
    """Take a waiting load, if no other of its registry is under way."""
    try:
        with transaction.atomic():
            return bool(
                RegistryLoad.objects.filter(pk=pk, status=Status.WAITING).update(
                    status=Status.LOADING,
                    started_at=now,
                    claimed_until=now + CLAIM,
                    host=socket.gethostname()[:120],
                    pid=os.getpid(),
                    bytes_done=0,
                )
            )
    except IntegrityError:
        return False


def _mine(load: RegistryLoad) -> QuerySet[RegistryLoad]:
    return RegistryLoad.objects.filter(
        pk=load.pk, status=Status.LOADING, host=socket.gethostname()[:120], pid=os.getpid()
    )


def _release(load: RegistryLoad) -> None:
    """Let go of what a load had under way: nobody has seen it."""
    RegistryArea.objects.filter(loading=load).update(loading=None)
    _delete(RegistryBitmap.objects.filter(load=load))


@contextmanager
def _opened(load: RegistryLoad, path: Path | None) -> Iterator[BinaryIO]:
    if path is not None:
        with path.open("rb") as file:
            yield file
        return
    with load.file.open("rb") as file:
        yield cast("BinaryIO", file)


class _Progress:
    """Keeps the claim, and shows how far the load is."""

    def __init__(self, load: RegistryLoad, file: BinaryIO, clock: Clock, tell: Tell | None) -> None:
        self.load, self.file, self.clock, self.tell = load, file, clock, tell
        self.told_at = clock()

    def __call__(self, *, lines: int = 0) -> None:
        now = self.clock()
        if now - self.told_at < TELLS_EVERY:
            return
        self.told_at = now
        # Before the first line the file is read for its checksum.
        self.load.bytes_done, self.load.lines = self.file.tell() if lines else 0, lines
        if not _mine(self.load).update(
            claimed_until=now + CLAIM, bytes_done=self.load.bytes_done, lines=lines
        ):
            raise ClaimLost
        if self.tell:
            self.tell(self.load)


def _work(load: RegistryLoad, *, clock: Clock, path: Path | None, tell: Tell | None) -> None:
    _delete(RegistryBitmap.objects.filter(load=load))  # of a run that was killed
    with _opened(load, path) as file:
        load.size_bytes = file.seek(0, os.SEEK_END)
        _mine(load).update(size_bytes=load.size_bytes)
        progress = _Progress(load, file, clock, tell)
        load.sha256 = _hash(file, progress)
        rejects = Rejects()
        try:
            found = read_list(Source(load, file, rejects, progress), now=clock())
        finally:
            rejects.keep(load)
            _mine(load).update(
                **{name: getattr(load, name) for name in NOTED}, rejected_file=load.rejected_file.name or ""
            )
    _swap(load, found, now=clock())
    _drop_file(load)
    forget_replaced()
    scrub.after_load(load, clock=clock)


# What is known of a file, whether it is loaded or refused.
NOTED = (
    "sha256",
    "size_bytes",
    "kind",
    "list_date",
    "areas",
    "lines",
    "accepted",
    "rejected",
    "rejections",
    "why",
)


def _hash(file: BinaryIO, progress: _Progress) -> str:
    file.seek(0)
    digest = sha256()
    while block := file.read(1024 * 1024):
        digest.update(block)
        progress()
    return digest.hexdigest()


def _swap(load: RegistryLoad, found: ListRead, *, now: datetime) -> None:
    """Let the new list take effect: one transaction, which readers see all of or nothing."""
    with transaction.atomic():
        done = _mine(load).update(
            status=Status.LOADED, finished_at=now, claimed_until=None, bytes_done=load.size_bytes
        )
        if not done:
            raise ClaimLost
        versions = dict(
            RegistryArea.objects.filter(registry=load.registry, key__in=found.parts).values_list(
                "key", "version"
            )
        )
        RegistryArea.objects.bulk_create(
            (
                RegistryArea(
                    registry=load.registry,
                    key=part.key,
                    area=part.area,
                    list_date=found.list_date,
                    version=versions.get(part.key, 0) + 1,
                    count=part.count,
                    bitmap_id=part.bitmap,
                    load=load,
                    loading=None,
                )
                for part in found.parts.values()
            ),
            update_conflicts=True,
            unique_fields=["registry", "key"],
            update_fields=["area", "list_date", "version", "count", "bitmap", "load", "loading"],
        )
        RegistryArea.objects.filter(loading=load).update(loading=None)


def _refuse(load: RegistryLoad, why: str, *, now: datetime) -> None:
    with transaction.atomic():
        if _mine(load).update(status=Status.REFUSED, why=why, finished_at=now, claimed_until=None):
            _release(load)
    _drop_file(load)


def _drop_file(load: RegistryLoad) -> None:
    """A list is full of people who want to be left alone: its file is kept no longer than it is needed."""
    if load.file:
        load.file.delete(save=False)
        RegistryLoad.objects.filter(pk=load.pk).update(file="")


def forget_replaced() -> None:
    """Delete the bitmaps of lists that newer ones have replaced; those of a load under way stay."""
    used = RegistryArea.objects.filter(bitmap__isnull=False).values("bitmap")
    underway = Q(load__status__in=(Status.LOADING, Status.WAITING))
    left = list(RegistryBitmap.objects.exclude(pk__in=used).exclude(underway).values_list("pk", flat=True))
    for begin in range(0, len(left), 20):
        _delete(RegistryBitmap.objects.filter(pk__in=left[begin : begin + 20]))


def _delete(bitmaps: QuerySet[RegistryBitmap]) -> None:
    """Without reading them first, as `delete()` would: each is about a megabyte."""
    bitmaps._raw_delete(bitmaps.db)
