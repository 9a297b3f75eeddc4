"""Which secret link shows whose calendar? Signed, not stored: a new version of a user's link makes the old one none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.signing import BadSignature, Signer

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser

_SALT = "thaw.calendar"


def token_of(user: AbstractUser) -> str:
    """The secret part of the link, the same until the user asks for a new one."""
    return Signer(salt=_SALT).sign(f"{user.pk}-{user.calendar_version}")  # type: ignore[attr-defined]


def read(token: str) -> tuple[int, int]:
    """(user id, version) of a link; raises `django.core.signing.BadSignature` for one nobody was given."""
    try:
        pk, version = Signer(salt=_SALT).unsign(token).split("-")
        return int(pk), int(version)
    except ValueError:
        raise BadSignature(token) from None
