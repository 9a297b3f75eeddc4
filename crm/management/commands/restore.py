"""Bring an installation back from a backup."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from crm.backups import BackupRefused, restore_backup
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
