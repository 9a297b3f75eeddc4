"""Save the whole installation into one file and print its path."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from crm.backups import BackupRefused, write_backup


class Command(BaseCommand):
    help = "Save database, keys and files into one archive; prints its path. Works while Thaw runs."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--to", type=Path, metavar="DIRECTORY", help="Default: backups in THAW_DIR.")

    def handle(self, *, to: Path | None, **options: Any) -> None:
        try:
            saved = write_backup(to or settings.THAW_DIR / "backups", now=timezone.now())
        except (BackupRefused, OSError) as error:
            raise CommandError(str(error)) from None
        self.stdout.write(str(saved))
