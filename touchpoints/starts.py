"""Which leads may start a pursuit now? As many as the coming days can carry, the warmest first."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from leads.models import Lead

from . import presence, pursue, turns
from .blockers import look_everywhere
from .models import Cadence, Outcome, Pursuit, Task
from .room import Room, keeper_of, within_room
from .sweeps import noted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.contrib.auth.models import AbstractUser

    from .workload import Keeper

CHUNK = 500


def start_waiting(*, now: datetime) -> int:
    """Start pursuits for leads that wait in a pool or with an owner, as many as the coming days can carry.

    Warm leads first, then by fit and expected value. Pursuits that stalled go on first. Where a team shares what is
    new, its pool's leads become members' own as they start. Returns how many were started.
    """
    with noted("start_pursuits", now=now) as run:
        look_everywhere(now=now)
        run.looked_at = run.changed = pursue.resume_stalled(now=now) + _start_best(now=now)
    return run.changed


def _start_best(*, now: datetime) -> int:
    started = 0
    room = Room(now=now)
    sharing = turns.teams_sharing_new()
    for keeper in room.keepers:
        left = room.left(keeper)
        if left <= 0:
            continue
        waiting = Lead.objects.live().filter(
            _kept_by(keeper),
            ~Exists(Pursuit.objects.filter(lead=OuterRef("pk"))),
            ~Exists(Task.objects.filter(lead=OuterRef("pk"), done_at=None)),
            stage__in=[Lead.Stage.NEW, Lead.Stage.ATTEMPTED],
        )
        best = list(
            waiting.order_by("-temperature", "-warm_until", "-fit", "-value", "pk")[: min(left, CHUNK)]
        )
        if best and keeper[0] == "team" and keeper[1] in sharing:
            started += _give_and_start(best, sharing[keeper[1]], room, now=now)
        elif best:
            begun = len(pursue.start(best, by=None, now=now))
            room.take(keeper, begun)
            started += begun
    return started


def _give_and_start(best: Sequence[Lead], team: Any, room: Room, *, now: datetime) -> int:
    """Leads of a pool whose team shares them become a member's when they start: to each as many as they can carry."""
    with transaction.atomic():
        given = _give(best, team, room, now=now)
        begun = pursue.start(given, by=None, now=now) if given else []
    for pursuit in begun:
        room.take(keeper_of(pursuit.lead))
    return len(begun)


def _give(leads: Sequence[Lead], team: Any, room: Room, *, now: datetime) -> list[Lead]:
    """The leads that may start now: those given to a member who has room; all of them where nobody is here to get any,
    so that they wait for no one."""
    members = presence.members_here(team, now=now)
    most = {one.pk: max(0, room.left(("owner", one.pk))) for one in members}
    return turns.give(leads, team, team.gives_new, members, most=most, now=now) if members else list(leads)


def recycle(*, now: datetime) -> int:
    """Try those again whose last pursuit was exhausted, or met no interest, so long ago that they have rested: as many
    as the coming days can carry beside what waits. Returns how many were started."""
    with noted("recycle_pursuits", now=now) as run:
        room = Room(now=now)
        for keeper in room.keepers:
            left = min(room.left(keeper), CHUNK)
            chosen = list(_recyclable(keeper, now=now)[:left]) if left > 0 else []
            if chosen:
                begun = len(pursue.start(chosen, by=None, now=now))
                room.take(keeper, begun)
                run.looked_at += len(chosen)
                run.changed += begun
    return run.changed


def _kept_by(keeper: Keeper) -> Q:
    field, pk = keeper
    return Q(owner=pk) if field == "owner" else Q(owner=None, team=pk)


def _recyclable(keeper: Keeper, *, now: datetime) -> QuerySet[Lead]:
    """Leads whose last pursuit ended long enough ago, best first. How long is the cadence's and the outcome's to say;
    nothing means never."""
    rested = Q(pk=None)
    for days in set(
        Cadence.objects.exclude(recycle_after_days=0).values_list("recycle_after_days", flat=True)
    ):
        rested |= Q(
            end_reason=Pursuit.EndReason.EXHAUSTED,
            cadence__recycle_after_days=days,
            ended_at__lte=now - timedelta(days=days),
        )
    for reason, params in Outcome.objects.exclude(ends_pursuit="").values_list("ends_pursuit", "params"):
        if days := params.get("recycle_after_days"):
            rested |= Q(end_reason=reason, ended_at__lte=now - timedelta(days=int(days)))
    later = Pursuit.objects.filter(lead=OuterRef("lead"), started_at__gt=OuterRef("started_at"))
    ended = Pursuit.objects.filter(rested, ~Exists(later)).order_by()
    return (
        Lead.objects.live()
        .filter(
            _kept_by(keeper),
            ~Exists(Task.objects.filter(lead=OuterRef("pk"), done_at=None)),
            pk__in=ended.values("lead"),
            stage__in=[Lead.Stage.ATTEMPTED, Lead.Stage.REACHED, Lead.Stage.CONVERSATION],
        )
        .order_by("-temperature", "-warm_until", "-fit", "-value", "pk")
    )


def start_if_room(leads: Sequence[Lead], *, by: AbstractUser | None, now: datetime) -> list[Pursuit]:
    """Start pursuits for leads that were never pursued, as far as capacity allows; warmest first."""
    with transaction.atomic():
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
    fresh = [lead for lead in warmest_first(waiting, now=now) if lead.pk not in pursued]
    return _shared(within_room(fresh, now=now), now=now)


def _shared(leads: list[Lead], *, now: datetime) -> list[Lead]:
    """These leads, of which those of a pool that is shared have become a member's or are left to wait."""
    if all(lead.owner_id for lead in leads):
        return leads
    kept = leads
    for team in turns.teams_sharing_new().values():
        pooled = [lead for lead in leads if lead.owner_id is None and lead.team_id == team.pk]
        if pooled:
            given = {lead.pk for lead in _give(pooled, team, Room(now=now), now=now)}
            kept = [lead for lead in kept if lead not in pooled or lead.pk in given]
    return kept


def warmest_first(leads: Sequence[Lead], *, now: datetime) -> list[Lead]:
    return sorted(
        leads, key=lambda lead: (lead.warm_until is None, -(lead.warm_until or now).timestamp(), lead.pk)
    )
