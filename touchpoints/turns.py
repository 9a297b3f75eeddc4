"""Whose turn is it? Gives leads of a pool to its team's members, as the team shares what comes in.

Two who give at once wait for each other at the team's row, which also holds whose turn was last: nobody is passed over
and nobody has two turns. Leads are locked before the team, by everybody.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Count, Exists, OuterRef
from django.utils.translation import gettext

from leads.models import Lead

from . import assign, presence
from .dealing import by_load, in_turn
from .models import FollowUp

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

POOL, ROUND_ROBIN = "pool", "round_robin"


def give_raised(leads: Sequence[Lead], *, now: datetime) -> int:
    """Give those of these leads that asked to be contacted and are nobody's to a member who is at work, where their
    team shares hand-raises; else they stay the pool's. Whoever has one before them keeps it. Returns how many."""
    pooled = [lead for lead in leads if lead.owner_id is None and lead.team_id is not None]
    given = 0
    for team in _sharing({lead.team_id for lead in pooled}, "gives_hand_raises") if pooled else ():
        theirs = [lead for lead in pooled if lead.team_id == team.pk]
        here = presence.members_here(team, now=now)
        at_work = [one for one in here if presence.at_work(one, now=now)]
        given += len(give(theirs, team, team.gives_hand_raises, at_work or here, now=now))
    return given


def give(
    leads: Sequence[Lead],
    team: Any,
    method: str,
    members: Sequence[Any],
    *,
    now: datetime,
    most: Mapping[int, int] | None = None,
) -> list[Lead]:
    """Give leads of the team's pool to these members by the method; to each at most `most`. Returns those given, with
    their new owners; who was taken or leased by somebody meanwhile is left out."""
    if not members or not leads:
        return []
    with transaction.atomic():
        free = _still_free(leads, team, now=now)
        chosen = _choose(len(free), team, method, members, most)
        for member in members:
            mine = [lead for lead, pk in zip(free, chosen, strict=False) if pk == member.pk]
            if mine:
                assign.assign(mine, owner=member, by=None, reason=_why(method), now=now)
    return free[: len(chosen)]


def _sharing(teams: Collection[int], setting: str) -> list[Any]:
    rows = Lead._meta.get_field("team").related_model._default_manager
    return list(rows.filter(pk__in=teams).exclude(**{setting: POOL}).order_by("pk"))


def teams_sharing_new() -> dict[int, Any]:
    """Teams whose new leads are given to members, by id."""
    rows = Lead._meta.get_field("team").related_model._default_manager
    return {team.pk: team for team in rows.exclude(gives_new=POOL)}


def _still_free(leads: Sequence[Lead], team: Any, *, now: datetime) -> list[Lead]:
    """Those that are still the pool's and on nobody's screen, locked, in the order given."""
    in_hand = FollowUp.objects.open().filter(lead=OuterRef("pk"), lease_until__gt=now)
    free = set(
        Lead.objects.select_for_update(of=("self",))
        .filter(~Exists(in_hand), pk__in=[lead.pk for lead in leads], owner=None, team=team)
        .order_by("pk")
        .values_list("pk", flat=True)
    )
    return [lead for lead in leads if lead.pk in free]


def _choose(
    count: int, team: Any, method: str, members: Sequence[Any], most: Mapping[int, int] | None
) -> list[int]:
    """The ids of the members whose turn it is; keeps whose was last."""
    teams = type(team)._default_manager
    last = teams.select_for_update().values_list("last_in_turn", flat=True).get(pk=team.pk)
    ids = [one.pk for one in members]
    if method == ROUND_ROBIN:
        chosen = in_turn(count, ids, after=last, most=most)
    else:
        dials = {one.pk: one.dials_a_day for one in members}
        chosen = by_load(count, loads_of(ids), dials, most=most)
    if chosen:
        teams.filter(pk=team.pk).update(last_in_turn=chosen[-1])
    return chosen


def loads_of(users: Sequence[int]) -> dict[int, int]:
    """What each has to do: calls planned, and leads that wait for their first; two queries."""
    planned = FollowUp.objects.open().filter(assignee__in=users).order_by()
    mine = FollowUp.objects.open().filter(lead=OuterRef("pk"))
    waiting = Lead.objects.live().filter(~Exists(mine), owner__in=users, stage=Lead.Stage.NEW).order_by()
    counts = Counter(dict(planned.values_list("assignee").annotate(n=Count("pk"))))
    counts.update(dict(waiting.values_list("owner").annotate(n=Count("pk"))))
    return {pk: counts[pk] for pk in users}


def _why(method: str) -> str:
    if method == ROUND_ROBIN:
        return gettext("it was their turn")
    return gettext("they had least to do")
