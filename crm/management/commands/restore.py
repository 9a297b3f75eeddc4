"""Bring an installation back from a backup."""

import subprocess
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from crm.backups import BackupRefused, restore_backup
from crm.health import pending_migrations
from crm.serve import CannotServe, hold_lock


class Command(BaseCommand):
    help = "Replace database, keys and files by those of a backup. Thaw must be stopped."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("archive", type=Path)

    def handle(self, *, archive: Path, **options: Any) -> None:
        try:
            with hold_lock(settings.THAW_DIR):
                kept = restore_backup(archive)
        except CannotServe as error:
            raise CommandError(f"{error} Stop it first.") from None
        except (BackupRefused, OSError) as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"Restored {archive}." + (f" What was there is kept in {kept}." if kept else ""))
        self._erase_again()

    def _erase_again(self) -> None:
        """Whoever was erased since the backup was made has come back with it: see `touchpoints.erase`."""
        if pending_migrations():
            self.stdout.write(
                "The backup is of an older version: run `manage.py migrate`, then `erase --reapply`."
            )
            return
        # A process of its own, since the keys may have come with the backup.
        command = [sys.executable, settings.BASE_DIR / "manage.py", "erase", "--reapply"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise CommandError(f"Erased persons may have come back: {done.stderr.strip()}")
        self.stdout.write(done.stdout.strip())
