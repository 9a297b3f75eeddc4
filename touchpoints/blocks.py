"""How far is a rep in this sitting? Call blocks: a manageable batch of leads, its pace, its noes and its end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Count, Q
from django.utils.translation import gettext

from leads import segments
from leads.models import Lead, Segment

from .models import CallAttempt, CallBlock
from .refusals import Invalid

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser
    from django.db.models import QuerySet

    from leads.models import LeadList

SIZE = 25
MOST = 200
# What counts as a no: a refusal is a part of the count, not a failure.
NOES = ("not_interested", "hung_up", "do_not_call", "abusive")
# So many hang-ups in a row, or one attack, and a break is offered.
HANG_UPS_IN_A_ROW = 5


@dataclass(frozen=True)
class Progress:
    """A block in figures: calls with an outcome of `size`, per hour of sitting; `left` are calls still to make."""

    done: int
    size: int
    noes: int
    reaches: int
    meetings: int
    an_hour: int

    @property
    def left(self) -> int:
        return max(self.size - self.done, 0)


def of(user: AbstractUser) -> CallBlock | None:
    """The block the user is in, paused or not."""
    return (
        user.call_blocks.filter(ended_at=None).select_related("lead_list", "segment").first()  # type: ignore[attr-defined]
    )


def start(
    *,
    user: AbstractUser,
    size: int = SIZE,
    lead_list: LeadList | None = None,
    segment: Segment | None = None,
    now: datetime,
) -> CallBlock:
    """Sit down for `size` leads: those of a list or a segment, else what is due. Ends the block before it.

    Raises Invalid for a size nobody sits through and for a segment that cannot be read.
    """
    if not 1 <= size <= MOST:
        raise Invalid(
            gettext("%(n)d leads; expected 1 to %(most)d.") % {"n": size, "most": MOST}, field="size"
        )
    if segment is not None and (found := segments.problems(segment.query, now=now)):
        raise Invalid("; ".join(found), field="segment")
    with transaction.atomic():
        end(user, now=now)
        about = lead_list or segment
        name = about.name if about else gettext("what is due")
        return CallBlock.objects.create(
            user=user, name=name[:80], size=size, lead_list=lead_list, segment=segment, started_at=now
        )


def end(user: AbstractUser, *, now: datetime) -> None:
    CallBlock.objects.filter(user=user, ended_at=None).update(ended_at=now)


def pause(user: AbstractUser, *, now: datetime) -> None:
    """Get up for a while; calls made meanwhile are no part of the block."""
    CallBlock.objects.filter(user=user, ended_at=None, paused_at=None).update(paused_at=now)


def resume(user: AbstractUser, *, now: datetime) -> None:
    """Go on; the time of the pause does not count against the pace."""
    block = of(user)
    if block is not None and block.paused_at is not None:
        block.started_at += now - block.paused_at
        block.paused_at = None
        block.save(update_fields=["started_at", "paused_at"])


def members(block: CallBlock | None, *, now: datetime) -> QuerySet[Lead] | None:
    """The leads a block is about; None where it is about whatever is due."""
    if block is None or block.paused_at is not None:
        return None
    if block.lead_list_id is not None:
        return Lead.objects.filter(memberships__list=block.lead_list_id)
    return segments.members(block.segment.query, now=now) if block.segment is not None else None


def progress(block: CallBlock, *, now: datetime) -> Progress:
    found = CallAttempt.objects.filter(block=block, outcome__isnull=False).aggregate(
        done=Count("pk"),
        noes=Count("pk", filter=Q(outcome__in=NOES)),
        reaches=Count("pk", filter=Q(outcome__reach=True)),
        meetings=Count("pk", filter=Q(outcome__ends_pursuit="meeting")),
    )
    sat = max((block.ended_at or block.paused_at or now) - block.started_at, timedelta(minutes=1))
    return Progress(size=block.size, an_hour=round(found["done"] / (sat / timedelta(hours=1))), **found)


def needs_a_break(user: AbstractUser, *, now: datetime) -> bool:
    """After an attack, or five hang-ups in a row: look at the last calls of the past hour."""
    last = list(
        CallAttempt.objects.outbound()
        .filter(user=user, started_at__gt=now - timedelta(hours=1), outcome__isnull=False)
        .order_by("-started_at", "-pk")
        .values_list("outcome_id", flat=True)[:HANG_UPS_IN_A_ROW]
    )
    return last[:1] == ["abusive"] or last == ["hung_up"] * HANG_UPS_IN_A_ROW
