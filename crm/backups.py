"""How is an installation saved into one file, and brought back from it?

A backup is a gzipped tar: `manifest.json`, the database (an SQLite file, or a PostgreSQL dump in its custom
format), the keys of THAW_DIR, the ledger of erasures and the uploaded files. Whoever holds it holds everything: it
is readable by its owner only.
"""

import json
import os
import shutil
import sqlite3
import subprocess
import tarfile
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection

FORMAT = 1
ERASURE_KEYS = "erasure_key"
DATABASE = {"sqlite": "database.sqlite3", "postgresql": "database.dump"}


class BackupRefused(Exception):
    """Why nothing was saved or restored, in one line."""


def write_backup(directory: Path, *, now: datetime) -> Path:
    """Save database, keys and files into a new archive in `directory`; return its path."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    target = directory / f"thaw-{now:%Y%m%dT%H%M%S%fZ}.tar.gz"
    with tempfile.TemporaryDirectory(dir=directory) as scratch:
        database = Path(scratch) / DATABASE[connection.vendor]
        _dump(database)
        manifest = Path(scratch) / "manifest.json"
        manifest.write_text(
            json.dumps({"format": FORMAT, "vendor": connection.vendor, "made_at": now.isoformat()})
        )
        draft = Path(scratch) / "draft"
        with tarfile.open(draft, "w:gz", compresslevel=2) as archive:
            for path in (
                manifest,
                database,
                *sorted(settings.THAW_DIR.glob("*_key")),
                settings.ERASURE_LEDGER,
            ):
                if path.exists():
                    archive.add(path, path.name)
            if (settings.THAW_DIR / "files").is_dir():
                archive.add(settings.THAW_DIR / "files", "files")
        draft.chmod(0o600)
        draft.rename(target)
    return target


def restore_backup(archive: Path) -> Path | None:
    """Put back what `archive` holds. Everything is unpacked and checked before anything is replaced.

    Returns where the replaced SQLite database was kept, None where there was none. Raises BackupRefused.
    """
    with tempfile.TemporaryDirectory(dir=settings.THAW_DIR) as scratch:
        unpacked = Path(scratch)
        try:
            with tarfile.open(archive) as source:
                source.extractall(unpacked, filter="data")
            manifest = json.loads((unpacked / "manifest.json").read_text())
        except FileNotFoundError as error:
            raise BackupRefused(
                f"{archive}: no backup of Thaw, {error.filename or 'a part'} is missing."
            ) from None
        except (OSError, tarfile.TarError, EOFError, ValueError) as error:
            raise BackupRefused(f"{archive} cannot be read as a backup: {error}") from None
        _check(manifest, unpacked)
        kept = _load(unpacked / DATABASE[connection.vendor])
        # Erasures made since the backup stay known, and so do the keys they were written down with.
        for name in (ERASURE_KEYS, settings.ERASURE_LEDGER.name):
            _add_lines(unpacked / name, settings.THAW_DIR / name)
        for key in unpacked.glob("*_key"):
            key.chmod(0o600)
            key.replace(settings.THAW_DIR / key.name)
        if (unpacked / "files").is_dir():
            shutil.rmtree(settings.THAW_DIR / "files", ignore_errors=True)
            (unpacked / "files").rename(settings.THAW_DIR / "files")
    return kept


def _add_lines(source: Path, target: Path) -> None:
    """Let `target` have the lines of both, its own first, and take `source` away."""
    if not source.is_file():
        return
    own = target.read_text().splitlines() if target.is_file() else []
    both = dict.fromkeys([*own, *source.read_text().splitlines()])
    draft = source.with_name(f"{source.name}.both")
    draft.write_text("".join(f"{line}\n" for line in both if line))
    draft.chmod(0o600)
    draft.replace(target)
    source.unlink()


def _check(manifest: Any, unpacked: Path) -> None:
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise BackupRefused("The backup's format is unknown to this version of Thaw.")
    if manifest.get("vendor") != connection.vendor:
        raise BackupRefused(
            f"The backup holds a {manifest.get('vendor')} database, but {connection.vendor} is in use here."
        )
    database = unpacked / DATABASE[connection.vendor]
    if not database.is_file():
        raise BackupRefused(f"The backup holds no {database.name}.")
    if connection.vendor == "sqlite":
        try:
            with sqlite3.connect(database) as found:
                sound = found.execute("PRAGMA integrity_check").fetchone()[0]
        except sqlite3.DatabaseError as error:
            sound = str(error)
        if sound != "ok":
            raise BackupRefused(f"The backup's database is damaged: {sound}")


def _dump(target: Path) -> None:
    if connection.vendor == "sqlite":
        connection.ensure_connection()
        with sqlite3.connect(target) as copy:
            connection.connection.backup(copy)
        copy.close()
    else:
        _run_postgres_tool("pg_dump", "--format=custom", "--no-owner", "--no-acl", f"--file={target}")


def _load(database: Path) -> Path | None:
    if connection.vendor != "sqlite":
        name = connection.settings_dict["NAME"]
        _run_postgres_tool(
            "pg_restore",
            "--clean",
            "--if-exists",
            "--no-owner",
            "--no-acl",
            "--single-transaction",
            f"--dbname={name}",
            str(database),
        )
        return None
    connection.close()
    current = Path(connection.settings_dict["NAME"])
    kept = None
    if current.exists():
        with sqlite3.connect(current) as old:  # the write-ahead log belongs to what is kept
            old.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        old.close()
        kept = current.with_name(f"{current.name}.before-restore")
        current.replace(kept)
        for rest in ("-wal", "-shm"):
            Path(f"{current}{rest}").unlink(missing_ok=True)
    shutil.copyfile(database, current)
    current.chmod(0o600)
    return kept


def _run_postgres_tool(program: str, *arguments: str) -> None:
    found = shutil.which(program)
    if found is None:
        raise BackupRefused(f"{program} is not installed: it comes with PostgreSQL's client programs.")
    at = connection.settings_dict
    environment = {
        "PGHOST": at["HOST"],
        "PGPORT": str(at["PORT"]),
        "PGUSER": at["USER"],
        "PGPASSWORD": at["PASSWORD"],
        "PGDATABASE": at["NAME"],
    }
    done = subprocess.run(
        [found, *arguments],
        env={**os.environ, **{name: value for name, value in environment.items() if value}},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise BackupRefused(f"{program} failed: {done.stderr.strip()}")
