"""What kind of line is a number, and who says so?

A registered mobile is presumed somebody's own, a registered landline of a business is not: the kind of line decides
whether a call is warned about. So anybody may say that it is a mobile; that it is not, a manager says. Each word is
audited, and holds for everybody who shares the number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.translation import gettext

from leads.models import AuditEvent, Lead, Number

from . import refusals

if TYPE_CHECKING:
    from datetime import datetime

    from django.contrib.auth.models import AbstractUser

LineType = Number.LineType
# What treats the number as if it were somebody's own, whoever says so.
STRICTEST = (LineType.MOBILE, LineType.UNKNOWN)


def choices_for(user: AbstractUser) -> list[tuple[str, str]]:
    """The kinds of line this user may say a number is."""
    if user.is_manager:  # type: ignore[attr-defined]
        return list(LineType.choices)
    return [choice for choice in LineType.choices if choice[0] in STRICTEST]


def say(number: Number, line_type: str, *, lead: Lead, by: AbstractUser, now: datetime) -> Number:
    """The number as the kind of line that `by` says it is; `lead`: on whose page.

    Raises NotYours for what only a manager may say, Invalid for what is no kind of line.
    """
    if line_type not in LineType.values:
        expected = ", ".join(LineType.values)
        raise refusals.Invalid(
            gettext("No such kind of line; expected one of: %(expected)s.") % {"expected": expected},
            field="line_type",
        )
    if line_type not in dict(choices_for(by)):
        raise refusals.NotYours(gettext("A manager says that a number is no mobile."))
    with transaction.atomic():
        row = Number.objects.select_for_update().get(pk=number.pk)
        if row.line_type != line_type:
            before = row.line_type
            row.line_type, row.line_type_source, row.line_type_on = line_type, "said by a user", now.date()
            row.save(update_fields=["line_type", "line_type_source", "line_type_on"])
            AuditEvent.objects.create(
                at=now,
                actor=by,
                action="number.line_type",
                subject_type="number",
                subject_id=row.e164,
                lead=lead,
                before={"line_type": before},
                after={"line_type": line_type},
            )
    return row
