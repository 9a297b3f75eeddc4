"""Run Thaw on this machine: web, worker, beat and, where none is configured, a broker."""

import getpass
import os
import subprocess
import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connection, connections
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from crm.backups import write_backup
from crm.demo import logins as demo_logins
from crm.health import pending_migrations
from crm.serve import (
    CannotServe,
    check_port,
    embedded_broker,
    environment,
    hold_lock,
    own_services,
    web_answers,
)
from crm.supervisor import Supervisor
from touchpoints import erase

ADMIN_COMMAND = "printf PASSWORD | .venv/bin/python manage.py user NAME --role admin"


class Command(BaseCommand):
    help = "Run web, worker, beat and an embedded broker as one process tree until Ctrl-C."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        first = parser.add_mutually_exclusive_group()
        first.add_argument("--demo", action="store_true", help="Fill an empty workspace with a demo first.")
        first.add_argument(
            "--first-admin", action="store_true", help="Ask for the first admin of an empty workspace."
        )

    def handle(self, *, demo: bool, first_admin: bool, **options: Any) -> None:
        try:
            lock = hold_lock(settings.THAW_DIR)
            check_port(settings.HOST, settings.PORT)
            broker = embedded_broker()
            services = own_services()
            self._prepare_database()
        except CannotServe as error:
            raise CommandError(str(error)) from None
        except DatabaseError as error:
            raise CommandError(f"The database cannot be used: {str(error).strip()}") from None
        if demo:
            self._fill_demo()
        if first_admin:
            self._ask_for_admin()
        connections.close_all()
        with lock:
            Supervisor(
                services=[broker, *services] if broker else services,
                environment=environment(),
                is_ready=web_answers,
                on_ready=self._say_ready,
            ).run()
        self.stdout.write("Thaw has stopped.")

    def _prepare_database(self) -> None:
        """Bring an embedded or an empty database up to date, and hold it against the ledger of erasures. One on a
        server that holds data is migrated by its operator, who decides when."""
        self._migrate()
        if again := erase.reapply(now=timezone.now()):
            self.stdout.write(f"A backup had brought {len(again)} erased persons back: erased again.")

    def _migrate(self) -> None:
        pending = pending_migrations()
        if not pending:
            return
        is_new = not MigrationRecorder(connection).applied_migrations()
        if not is_new:
            if not settings.IS_SQLITE:
                raise CannotServe(f"The database lacks {pending} migrations: run `manage.py migrate` first.")
            saved = write_backup(settings.THAW_DIR / "backups", now=timezone.now())
            self.stdout.write(f"The database is being brought up to date; a backup is in {saved}")
        call_command("migrate", interactive=False, verbosity=0)

    def _fill_demo(self) -> None:
        if get_user_model().objects.exists():
            return
        self.stdout.write("Filling a demo workspace…")
        self.stdout.flush()
        # A full team's twelve weeks by default; DEMO_LEADS makes a smaller workspace for a quick look.
        size = ["--leads", os.environ["DEMO_LEADS"]] if os.environ.get("DEMO_LEADS") else []
        filled = subprocess.run(
            [sys.executable, settings.BASE_DIR / "manage.py", "demo", *size],
            env=environment(),
            stdout=subprocess.DEVNULL,  # the logins are printed once Thaw is ready
            check=False,
        )
        if filled.returncode:
            raise CommandError("The demo workspace could not be filled.")

    def _ask_for_admin(self) -> None:
        if get_user_model().objects.filter(role="admin").exists():
            return
        if not sys.stdin.isatty():
            self.stdout.write(f"Nobody can sign in yet. Make the first admin with: {ADMIN_COMMAND}")
            return
        self.stdout.write("Nobody can sign in yet. The first admin:")
        name = input("  Name: ").strip()
        password = getpass.getpass("  Password: ")
        made = subprocess.run(
            [sys.executable, settings.BASE_DIR / "manage.py", "user", name, "--role", "admin"],
            input=password.encode(),
            env=environment(),
            check=False,
        )
        if made.returncode:
            raise CommandError("No admin was made.")

    def _say_ready(self) -> None:
        self.stdout.write(f"Thaw is ready: {settings.BASE_URL}  (Ctrl-C stops it)")
        for line in demo_logins():
            self.stdout.write(line)
        self.stdout.flush()
