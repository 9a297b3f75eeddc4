"""Make a user, or change one: role, team and password."""

import getpass
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from crm.accounts.models import Team, User


class Command(BaseCommand):
    help = "Make or change the user NAME; the password is read from standard input. Makes the team."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--role", required=True, choices=User.Role.values)
        parser.add_argument("--team", help="Made where it does not exist. Default: the default team.")
        parser.add_argument("--email", default="", help="Where a forgotten password is reset.")

    def handle(self, *, name: str, role: str, team: str | None, email: str, **options: Any) -> None:
        password = _password()
        with transaction.atomic():
            user = User.objects.filter(username=name).first() or User(username=name)
            user.role = role
            user.is_active = True
            user.is_staff = user.is_superuser = role == User.Role.ADMIN
            user.email = email or user.email
            user.set_password(password)
            if team is not None or user.team is None:
                user.team = _team(team)
            try:
                user.full_clean(exclude=["password"])
            except ValidationError as error:
                reasons = "; ".join(
                    f"{field}: {' '.join(texts)}" for field, texts in error.message_dict.items()
                )
                raise CommandError(reasons) from None
            is_new = user.pk is None
            user.save()
        self.stderr.write(f"{'Made' if is_new else 'Changed'} {role} {name} of team {user.team}.")


def _password() -> str:
    try:
        password = getpass.getpass() if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")
    except UnicodeDecodeError:
        raise CommandError("The password on standard input is not UTF-8 text.") from None
    if not password:
        raise CommandError("No password: expected one line on standard input.")
    return password


def _team(name: str | None) -> Team:
    """The named team, or the default one; made where it does not exist."""
    if name is None:
        found = Team.objects.filter(is_default=True).first()
        return found or Team.objects.create(name="Everyone", is_default=True)
    found = Team.objects.filter(name=name).first()
    if found is not None:
        return found
    made = Team(name=name)
    try:
        made.full_clean()
    except ValidationError as error:
        raise CommandError(f"--team: {' '.join(error.messages)}") from None
    made.save()
    return made
