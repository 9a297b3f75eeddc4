"""Which leads may start a pursuit now? As many as the coming days can carry, the warmest first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Exists, OuterRef, Q

from leads.models import Lead

from . import pursue
from .models import Pursuit, Task
from .room import Room, within_room
from .sweeps import noted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from django.contrib.auth.models import AbstractUser

CHUNK = 500


def start_waiting(*, now: datetime) -> int:
    """Start pursuits for leads that wait in a pool or with an owner, as many as the coming days can carry.

    Warm leads first, then by fit and expected value. Pursuits that stalled go on first. Returns how many were started.
    """
    with noted("start_pursuits", now=now) as run:
        run.looked_at = run.changed = pursue.resume_stalled(now=now) + _start_best(now=now)
    return run.changed


def _start_best(*, now: datetime) -> int:
    started = 0
    room = Room(now=now)
    for keeper in room.keepers:
        left = room.left(keeper)
        if left <= 0:
            continue
        field, pk = keeper
        waiting = Lead.objects.live().filter(
            Q(owner=pk) if field == "owner" else Q(owner=None, team=pk),
            ~Exists(Pursuit.objects.filter(lead=OuterRef("pk"))),
            ~Exists(Task.objects.filter(lead=OuterRef("pk"), done_at=None)),
            stage__in=[Lead.Stage.NEW, Lead.Stage.ATTEMPTED],
        )
        best = list(
            waiting.order_by("-temperature", "-warm_until", "-fit", "-value", "pk")[: min(left, CHUNK)]
        )
        if best:
            begun = len(pursue.start(best, by=None, now=now))
            room.take(keeper, begun)
            started += begun
    return started


def start_if_room(leads: Sequence[Lead], *, by: AbstractUser | None, now: datetime) -> list[Pursuit]:
    """Start pursuits for leads that were never pursued, as far as capacity allows; warmest first."""
    return pursue.start(_never_pursued_in_room(leads, now=now), by=by, now=now)


def start_warmed_if_room(leads: Sequence[Lead], *, now: datetime) -> list[Pursuit]:
    """`start_if_room` for leads that turned warm just now: they are called on at once."""
    chosen = _never_pursued_in_room(leads, now=now)
    return pursue.start_warmed(chosen, by=None, now=now) if chosen else []


def _never_pursued_in_room(leads: Sequence[Lead], *, now: datetime) -> list[Lead]:
    waiting = [lead for lead in leads if lead.owner_id or lead.team_id]
    if not waiting:
        return []
    pursued = set(Pursuit.objects.filter(lead__in=waiting).values_list("lead_id", flat=True))
    return within_room([lead for lead in warmest_first(waiting, now=now) if lead.pk not in pursued], now=now)


def warmest_first(leads: Sequence[Lead], *, now: datetime) -> list[Lead]:
    return sorted(
        leads, key=lambda lead: (lead.warm_until is None, -(lead.warm_until or now).timestamp(), lead.pk)
    )
