"""How does a lead move from stage to stage? Through this one door, which keeps every move as a row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .models import StageChange
from .stages import advance

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from django.contrib.auth.models import AbstractUser

    from leads.models import Lead

    from .models import CallAttempt
    from .stages import Event


def move(
    lead: Lead, event: Event, *, by: AbstractUser | None, now: datetime, call: CallAttempt | None = None
) -> StageChange | None:
    """Move a lead as the event asks; returns the change, None where the stage stays."""
    after = advance(lead.stage, event)  # type: ignore[arg-type]
    if after is None:
        return None
    return put(lead, after, by=by, now=now, why=event, call=call)


def move_through(
    lead: Lead,
    events: Sequence[str],
    *,
    by: AbstractUser | None,
    now: datetime,
    call: CallAttempt | None = None,
) -> list[StageChange]:
    """Move a lead as one event after the other asks; a row for each move, two statements for all of them."""
    changes = []
    for event in events:
        after = advance(lead.stage, event)  # type: ignore[arg-type]
        if after is not None:
            changes.append(
                StageChange(lead=lead, at=now, before=lead.stage, after=after, by=by, why=event, call=call)
            )
            lead.stage = after
    if changes:
        StageChange.objects.bulk_create(changes)
        lead.save(update_fields=["stage", "updated_at"])
    return changes


def reopen(leads: Sequence[Lead], *, by: AbstractUser | None, now: datetime) -> None:
    """A new pursuit takes leads whose way had ended back; three statements for any number of leads."""
    back = [(lead, after) for lead in leads if (after := advance(lead.stage, "reopened")) is not None]  # type: ignore[arg-type]
    if not back:
        return
    StageChange.objects.bulk_create(
        StageChange(lead=lead, at=now, before=lead.stage, after=after, by=by, why="reopened")
        for lead, after in back
    )
    for lead, after in back:
        lead.stage = after
    type(back[0][0]).objects.bulk_update([lead for lead, _after in back], ["stage"])


def put(
    lead: Lead,
    after: str,
    *,
    by: AbstractUser | None,
    now: datetime,
    why: str,
    call: CallAttempt | None = None,
) -> StageChange:
    """Set a stage and keep the move; for what `advance` cannot know, such as taking an outcome back."""
    change = StageChange.objects.create(
        lead=lead, at=now, before=lead.stage, after=after, by=by, why=why, call=call
    )
    lead.stage = after
    lead.save(update_fields=["stage", "updated_at"])
    return change
