"""How far is a rep in this sitting? Call blocks: a manageable batch of leads, its pace, its noes and its end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import Count, Exists, OuterRef, Q, Subquery
from django.utils.translation import gettext

from leads import segments
from leads.models import Lead, Segment

from .models import CallAttempt, CallBlock, FollowUp
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


@dataclass(frozen=True)
class Desk:
    """Where a user stands: on a call (of which follow-up), and in which block, paused ones left out."""

    on_a_call: bool
    follow_up_id: int | None
    block: CallBlock | None


def desk_of(user: AbstractUser) -> Desk:
    """In one query: it is asked for every lead that is served."""
    calls = CallAttempt.objects.open().outbound().filter(user=OuterRef("pk"))
    sitting = CallBlock.objects.filter(user=OuterRef("pk"), ended_at=None, paused_at=None)
    on_a_call, follow_up, pk, lead_list, segment, query = (
        get_user_model()
        .objects.filter(pk=user.pk)
        .values_list(
            Exists(calls),
            Subquery(calls.values("follow_up")[:1]),
            Subquery(sitting.values("pk")[:1]),
            Subquery(sitting.values("lead_list")[:1]),
            Subquery(sitting.values("segment")[:1]),
            Subquery(sitting.values("segment__query")[:1]),
        )
        .get()
    )
    if pk is None:
        return Desk(on_a_call, follow_up, None)
    about = Segment(pk=segment, query=query) if segment else None
    return Desk(on_a_call, follow_up, CallBlock(pk=pk, user=user, lead_list_id=lead_list, segment=about))


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


def narrowed(rows: QuerySet[FollowUp], block: CallBlock | None, *, now: datetime) -> QuerySet[FollowUp]:
    """The follow-ups a block is about. What was promised and whoever raised a hand comes between all the same."""
    if block is None or block.paused_at is not None or (block.lead_list_id is None and block.segment is None):
        return rows
    theirs = (
        Lead.objects.filter(memberships__list=block.lead_list_id)
        if block.lead_list_id is not None
        else segments.members(block.segment.query, now=now)  # type: ignore[union-attr]
    )
    return rows.filter(Q(rank__lte=FollowUp.Rank.PROMISE) | Q(lead__in=theirs.order_by().values("pk")))


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
