"""Which calls has this user agreed on, do two fall on one minute, and may a lead be called when they ask to be?"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.utils.formats import date_format

from .after_call import AfterCall, earlier_calls
from .cadence import Declined
from .models import FollowUp, Outcome
from .next_step import NeedsTask
from .outcomes import Logged

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser
    from django.db.models import QuerySet

    from .models import CallAttempt
    from .situation import Situation

MINUTE = timedelta(minutes=1)


def agreed(user: AbstractUser) -> QuerySet[FollowUp]:
    """The calls the user promised and has not made yet, the earliest first."""
    return (
        FollowUp.objects.open()
        .filter(assignee=user, agreed_at__isnull=False)
        .select_related("lead__company")
        .order_by("agreed_at", "pk")
    )


def at_the_same_minute(user: AbstractUser, at: datetime, *, but: int | None = None) -> list[FollowUp]:
    """Other calls agreed for the minute of `at`; `but` leaves one lead's own out."""
    begins = at.replace(second=0, microsecond=0)
    rows = agreed(user).filter(agreed_at__gte=begins, agreed_at__lt=begins + MINUTE)
    return list(rows.exclude(lead=but))


def clashing(rows: list[FollowUp]) -> set[int]:
    """The ids of those that share their minute with another."""
    taken: dict[datetime, int] = {}
    found: set[int] = set()
    for row in rows:
        assert row.agreed_at is not None
        minute = row.agreed_at.replace(second=0, microsecond=0)
        if minute in taken:
            found |= {taken[minute], row.pk}
        taken.setdefault(minute, row.pk)
    return found


def on_the_clock(at: datetime) -> dict[str, str]:
    """A moment for a page, on its own zone's clock: {exact: with its offset, wall: for a field, said: in words}."""
    return {
        "exact": at.isoformat(timespec="minutes"),
        "wall": f"{at:%Y-%m-%dT%H:%M}",
        "said": date_format(at, "D j M H:i"),
    }


@dataclass(frozen=True)
class Weighed:
    """A moment somebody asks to be called at. `why`: why not then, "" where it may be; `nearest`: when instead;
    `others`: what is agreed for that minute already."""

    at: datetime
    why: str = ""
    nearest: datetime | None = None
    others: list[FollowUp] = field(default_factory=list)


def weigh(call: CallAttempt, at: datetime, situation: Situation, *, now: datetime) -> Weighed:
    """May the lead of this call be called at `at`? By their own wish, so that only the law stands against it."""
    assert call.user is not None  # whoever asks
    policy = Outcome.objects.filter(active=True, policy="agreed_time").first() or Outcome(
        policy="agreed_time"
    )
    logged = Logged(policy.pk or "", callback_at=at)
    after = AfterCall(call, call.lead, logged, situation, earlier_calls(call), None, now=now)
    step = after.decide(policy)
    others = at_the_same_minute(call.user, at, but=call.lead_id)
    if isinstance(step, NeedsTask):
        return Weighed(at, step.reason)
    if not isinstance(step, Declined):
        return Weighed(at, others=others)
    return Weighed(at, _why_not(situation, at) or step.reason, step.nearest)


def _why_not(situation: Situation, at: datetime) -> str:
    """The rule that stands against a call then, in one sentence; "" where none of the guard's does."""
    numbers = [link.number for link in situation.callable_numbers()]
    verdicts = [situation.verdict(number, now=at, redial=True) for number in numbers]
    if not verdicts or any(verdict.decision != "block" for verdict in verdicts):
        return ""
    return verdicts[0].reasons[0].detail.partition(". ")[0]
