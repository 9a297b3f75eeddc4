"""May somebody be told what the lists hold of one number, and what do they hold? The door for people.

A look-up tells who registered, so it is written down before it is answered, and nobody may ask for many: each
person as many in any rolling hour as the workspace sets. The count is the audit trail itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.contrib.auth import get_user_model
from django.db import transaction

from leads import guard as rules_of_call
from leads import numbers
from leads.guard_checks import Check, checks, only_the_failure
from leads.models import AuditEvent, Workspace

from . import guarding

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser

    from leads.guard import Verdict
    from leads.numbers import ParsedNumber

ACTION = "number.looked_up"
_HOUR = timedelta(hours=1)


class TooManyLookups(Exception):
    """This person asked for as many as may be asked; `next_at` is when one more may be, None: never."""

    def __init__(self, limit: int, next_at: datetime | None) -> None:
        super().__init__(f"{limit} look-ups an hour")
        self.limit, self.next_at = limit, next_at


@dataclass(frozen=True)
class Look:
    """What was found: the verdict at `at`, each check behind it, and what both rest on."""

    number: ParsedNumber
    at: datetime
    verdict: Verdict
    checks: tuple[Check, ...]
    asked: guarding.Asked | None  # None where the facts could not even be gathered

    @property
    def shown(self) -> str:
        return numbers.display(self.number.e164)


@dataclass(frozen=True)
class Allowance:
    limit: int
    left: int
    next_at: datetime | None  # when one more may be asked; None: now, or never where the limit is 0


def allowance(user: AbstractUser, *, now: datetime) -> Allowance:
    """How many look-ups this person has left in the present hour; two queries."""
    limit = Workspace.current().number_lookups_an_hour
    asked = AuditEvent.objects.filter(actor=user, action=ACTION, at__gt=now - _HOUR, at__lte=now)
    times = list(asked.order_by("-at").values_list("at", flat=True)[:limit])
    free_at = times[-1] + _HOUR if limit and len(times) >= limit else None
    return Allowance(limit, limit - len(times), free_at)


def look_up(
    number: ParsedNumber, *, by: AbstractUser, now: datetime, at: datetime | None = None, **place: str
) -> Look:
    """What the guard says of a number at the instant `at` (now), for a person who asks. Raises TooManyLookups.

    `place`: zone, country, region and audience as in `guarding.asked_of_number`.
    """
    at = at or now
    with transaction.atomic():
        # One at a time for each person, or two requests would both find the last look-up free.
        get_user_model().objects.select_for_update().get(pk=by.pk)
        left = allowance(by, now=now)
        if left.left <= 0:
            raise TooManyLookups(left.limit, left.next_at)
        looked: list[guarding.Asked] = []

        def ask() -> Verdict:
            looked.append(guarding.asked_of_number(number, now=at, today=now.date(), **place))
            return rules_of_call.guard(*looked[0], now=at)

        verdict = rules_of_call.guarded(ask, now=at)
        AuditEvent.objects.create(
            at=now,
            actor=by,
            action=ACTION,
            subject_type="number",
            subject_id=number.e164,
            after={
                "asked_for": at.isoformat(),
                **{name: said for name, said in place.items() if said},
                "decision": verdict.decision,
                "reasons": list(verdict.codes),
                "rule_version": verdict.rule_version,
            },
        )
    asked = looked[0] if looked else None
    each = checks(*asked, verdict, now=at) if asked else only_the_failure(verdict)
    return Look(number, at, verdict, each, asked)
