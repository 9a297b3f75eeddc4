"""What is a lead's single next follow-up? The door that places and closes them, ranked for the queue."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import transaction

from leads import plain_sql

from .models import FollowUp

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import datetime

    from leads.models import Lead

    from .cadence import Slot
    from .models import Pursuit
    from .next_step import Placement

Rank = FollowUp.Rank
# So many days of warmth is twice the fit worth in the queue: the default half-life, and the same whatever half-life the
# rules in force have, so that ranks stored before and after a change of rules compare.
DAYS_PER_DOUBLING = 14


@dataclass(frozen=True)
class Placed:
    """What `place` wants written: a follow-up's own fields, before rank and assignee are added."""

    attempt: int
    step: int
    channel: str
    due_at: datetime
    window_end: datetime
    day_part: str
    reason: str
    rank: int | None = None
    agreed_at: datetime | None = None
    lifts_house_caps: bool = False


def from_slot(slot: Slot, step: int) -> Placed:
    return Placed(slot.attempt, step, slot.channel, slot.not_before, slot.until, slot.day_part, slot.reason)


def from_placement(placed: Placement) -> Placed:
    ranks = {"callback": Rank.CALLBACK, "hand_raise": Rank.HAND_RAISE}
    return Placed(
        placed.attempt,
        placed.step,
        placed.channel,
        placed.due_at,
        placed.until,
        placed.day_part,
        placed.reason,
        ranks.get(placed.kind),
        placed.agreed_at,
        placed.lifts_house_caps,
    )


def rank_of(lead: Lead, *, rank: int | None, agreed_at: datetime | None, now: datetime) -> tuple[int, float]:
    """(rank, value within it, higher first) of a follow-up.

    Callbacks go by the agreed time, promises oldest first, hand-raises freshest first. Warm leads go by warmth × fit:
    as warmth halves every half-life for all of them alike, its order is that of `warm_until` plus so many days for each
    doubling of fit, which no passing of time changes. Cold leads go by expected value × fit.
    """
    if rank == Rank.CALLBACK and agreed_at is not None:
        return rank, -agreed_at.timestamp()
    if rank == Rank.PROMISE:
        return rank, -(agreed_at or now).timestamp()
    if rank is not None:
        return rank, now.timestamp()
    fit = max(lead.fit, 1) / 100
    if lead.is_warm(now=now) and lead.warm_until is not None:
        return Rank.WARM, lead.warm_until.timestamp() / 86400 + DAYS_PER_DOUBLING * math.log2(fit)
    return Rank.COLD, float(lead.value or 1) * fit


def place(
    placements: Iterable[tuple[Lead, Pursuit | None, Placed]],
    *,
    now: datetime,
    why: str = "",
    closed_as: str = FollowUp.Closed.REPLACED,
) -> list[FollowUp]:
    """Make each lead's next follow-up, in place of the open one; a constant number of statements.

    `why` and `closed_as`: what became of the one before.
    """
    rows = []
    for lead, pursuit, placed in placements:
        rank, value = rank_of(lead, rank=placed.rank, agreed_at=placed.agreed_at, now=now)
        rows.append(
            FollowUp(
                lead=lead,
                pursuit=pursuit,
                attempt=placed.attempt,
                step=placed.step,
                channel=placed.channel,
                due_at=placed.due_at,
                window_end=placed.window_end,
                planned_for=placed.due_at,
                day_part=placed.day_part,
                reason=placed.reason[:300],
                assignee_id=lead.owner_id,
                team_id=lead.team_id,
                rank=rank,
                rank_value=value,
                agreed_at=placed.agreed_at,
                lifts_house_caps=placed.lifts_house_caps,
                placed_at=now,
            )
        )
    if not rows:
        return []
    with transaction.atomic(savepoint=False):
        close([row.lead_id for row in rows], closed_as, now=now, why=why)
        return plain_sql.insert(rows)


def close(lead_ids: Collection[int], closed_as: str, *, now: datetime, why: str = "") -> int:
    """Close the open follow-ups of these leads, with what became of them."""
    return (
        FollowUp.objects.open()
        .filter(lead__in=lead_ids)
        .update(closed_at=now, closed_as=closed_as, closed_why=why[:200], lease_by=None, lease_until=None)
    )
