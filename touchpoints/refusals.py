"""Why was a call or its outcome refused? Each refusal has a code that clients rely on."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from leads.guard import Verdict


class Refused(Exception):
    """A call or outcome that cannot be; `code` is stable, the text says what to do. `nearest`: the closest moment that
    would do, where a time was refused."""

    code = "refused"

    def __init__(
        self,
        detail: str,
        *,
        field: str = "",
        verdict: Verdict | None = None,
        nearest: datetime | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail, self.field, self.verdict, self.nearest = detail, field, verdict, nearest


class GuardBlocked(Refused):
    code = "guard_blocked"


class GuardWarned(Refused):
    code = "guard_warned"


class LeasedByAnother(Refused):
    code = "leased_by_another"


class AttemptOpen(Refused):
    code = "attempt_open"


class AttemptClosed(Refused):
    code = "attempt_closed"


class StillOpen(Refused):
    """What a task asks about is decided elsewhere, and is not yet."""

    code = "still_open"


class NotYours(Refused):
    code = "not_yours"


class TooLate(Refused):
    code = "too_late"


class Invalid(Refused):
    """A value of the request is missing or cannot be; `field` names it."""

    code = "invalid"
