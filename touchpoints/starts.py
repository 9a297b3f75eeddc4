"""Which leads may start a pursuit now? As many as the coming days can carry, the warmest first."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Case, Exists, F, OuterRef, Q, QuerySet, When, Window
from django.db.models.functions import RowNumber

from leads.models import Lead

from . import presence, pursue, turns
from .blockers import look_everywhere
from .models import Cadence, Outcome, Pursuit, Task
from .room import Room, keeper_of, within_room
from .sweeps import noted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

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
    room = Room(now=now)
    new = _callable_at(Lead.Stage.NEW, Lead.Stage.ATTEMPTED)
    best = _best(new.filter(~Exists(Pursuit.objects.filter(lead=OuterRef("pk")))), room)
    sharing = turns.teams_sharing_new()
    shared = {keeper: sharing[keeper[1]] for keeper in best if keeper[0] == "team" and keeper[1] in sharing}
    started = 0
    for leads in _within(room, {keeper: best[keeper] for keeper in best if keeper not in shared}, new):
        started += _start(leads, room, now=now)
    for keeper, team in shared.items():
        for leads in _within(room, {keeper: best[keeper]}, new):
            started += _give_and_start(leads, team, room, now=now)
    return started


def _start(leads: Sequence[Lead], room: Room, *, now: datetime) -> int:
    begun = pursue.start(leads, by=None, now=now)
    for pursuit in begun:
        room.take(keeper_of(pursuit.lead))
    return len(begun)


def _give_and_start(best: Sequence[Lead], team: Any, room: Room, *, now: datetime) -> int:
    """Leads of a pool whose team shares them become a member's when they start: to each as many as they can carry."""
    with transaction.atomic():
        given = _give(best, team, room, now=now)
        return _start(given, room, now=now) if given else 0


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
        tried = _callable_at(Lead.Stage.ATTEMPTED, Lead.Stage.REACHED, Lead.Stage.CONVERSATION)
        for leads in _within(room, _best(tried.filter(pk__in=_rested(now=now).values("lead")), room), tried):
            run.looked_at += len(leads)
            run.changed += _start(leads, room, now=now)
    return run.changed


def _callable_at(*stages: str) -> QuerySet[Lead]:
    """Leads at one of these stages for whom nothing must be done before a call."""
    waits = Task.objects.filter(lead=OuterRef("pk"), done_at=None)
    return Lead.objects.live().filter(~Exists(waits), stage__in=stages)


def _rested(*, now: datetime) -> QuerySet[Pursuit]:
    """Leads' last pursuits that ended long enough ago. How long is the cadence's and the outcome's to say; nothing
    means never."""
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
    return Pursuit.objects.filter(rested, ~Exists(later)).order_by()


# --- the best of each keeper ---------------------------------------------------------------------------------

_BEST_FIRST = (
    F("temperature").desc(),
    F("warm_until").desc(),
    F("fit").desc(),
    F("value").desc(),
    F("pk").asc(),
)


def _best(leads: QuerySet[Lead], room: Room) -> dict[Keeper, list[int]]:
    """The ids of the best of these leads by who keeps them, owners before pools: of each keeper at most as many as
    they have room for. One query for all of them, which reads every lead once."""
    left = {keeper: room.left(keeper) for keeper in room.keepers if room.left(keeper) > 0}
    owners, teams = ([pk for field, pk in left if field == one] for one in ("owner", "team"))
    pool = Case(When(owner=None, then=F("team")))
    ranked = (
        leads.filter(Q(owner__in=owners) | Q(owner=None, team__in=teams))
        .annotate(place=Window(RowNumber(), partition_by=[F("owner"), pool], order_by=_BEST_FIRST))
        .filter(place__lte=max(left.values(), default=0))
        .order_by("place")
    )
    best: dict[Keeper, list[int]] = {keeper: [] for keeper in left}
    for pk, owner, team in ranked.values_list("pk", "owner_id", "team_id"):
        keeper = ("owner", owner) if owner else ("team", team)
        best[keeper].append(pk)
    return best


def _within(room: Room, best: dict[Keeper, list[int]], leads: QuerySet[Lead]) -> Iterator[list[Lead]]:
    """These leads, as many of each keeper as there is still room for when it is their turn, so many at a time as one
    transaction starts; who is none of `leads` any more is left out. Pools come after owners, whose starts take from
    their room."""
    for kind in ("owner", "team"):
        of_kind = [keeper for keeper in best if keeper[0] == kind]
        ids = [pk for keeper in of_kind for pk in best[keeper][: max(0, room.left(keeper))]]
        for first in range(0, len(ids), CHUNK):
            chunk = ids[first : first + CHUNK]
            still = leads.in_bulk(chunk)
            yield [still[pk] for pk in chunk if pk in still]


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
