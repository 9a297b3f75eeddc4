"""What else did a rep write down of a call that is over?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.translation import gettext

from . import refusals
from .after_call import locked

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser

    from .models import CallAttempt

MOST = 10_000


def add(call: CallAttempt, text: str, *, user: AbstractUser) -> CallAttempt:
    """Add to the note of one's own call; what stands in it already is not added again. Nothing else changes.

    Raises a `refusals.Refused`, and writes nothing then.
    """
    text = text.strip()
    with transaction.atomic():
        call, _lead = locked(call)
        if call.user_id != user.pk:
            raise refusals.NotYours(gettext("This call is a colleague's."))
        if not text:
            raise refusals.Invalid(gettext("There is nothing to add."), field="notes")
        if text not in call.notes:
            notes = f"{call.notes}\n{text}" if call.notes else text
            if len(notes) > MOST:
                raise refusals.Invalid(gettext("The note is too long with that."), field="notes")
            call.notes = notes
            call.save(update_fields=["notes"])
    return call
