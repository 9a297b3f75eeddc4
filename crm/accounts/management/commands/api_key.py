"""Make a key for a program; it is printed once and never again."""

from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from crm.accounts.models import ApiKey, User
from crm.api.keys import SCOPES


class Command(BaseCommand):
    help = "Make the API key NAME with the rights of a user; prints the key alone."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--user", required=True, metavar="NAME")
        parser.add_argument(
            "--scope", action="append", default=[], help="May be repeated. Default: no limit."
        )

    def handle(self, *, name: str, user: str, scope: list[str], **options: Any) -> None:
        owner = User.objects.filter(username=user).first()
        if owner is None:
            raise CommandError(f"--user: there is no user {user!r}.")
        if not owner.is_active:
            raise CommandError(f"--user: {user!r} is not active.")
        if ApiKey.objects.filter(user=owner, name=name).exists():
            raise CommandError(
                f"name: {user!r} already has a key {name!r}; revoke it or choose another name."
            )
        unknown = sorted(set(scope) - SCOPES)
        if unknown:
            raise CommandError(
                f"--scope: there is no scope {unknown[0]!r}; known are {', '.join(sorted(SCOPES))}."
            )
        try:
            ApiKey(user=owner, name=name, scopes=scope).clean_fields(exclude=["digest", "token_key"])
        except ValidationError as error:
            reasons = "; ".join(f"{field}: {' '.join(texts)}" for field, texts in error.message_dict.items())
            raise CommandError(reasons) from None
        _key, token = ApiKey.objects.create(user=owner, name=name, scopes=scope, expiry=None)
        self.stdout.write(token)
