"""How many more pursuits can each owner and each pool carry now?"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

from django.contrib.auth import get_user_model

from .capacity import starts_allowed
from .workload import Calendar, Keeper, days_off_first, dials_by_day, due_by_day

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from leads.models import Lead

# Working days: what begins on a Saturday is first called on Monday.
CAPACITY_DAYS = 5
MOST_DAYS = CAPACITY_DAYS + 2


def room_for(lead: Lead, *, now: datetime) -> int:
    """How many more pursuits the lead's owner or pool can start now."""
    return Room(now=now).left(keeper_of(lead))


def within_room(leads: Sequence[Lead], *, now: datetime) -> list[Lead]:
    """Those of these leads, first come first served, whose owners and pools can carry one more pursuit."""
    if not leads:
        return []
    room = Room(now=now)
    chosen = []
    for lead in leads:
        keeper = keeper_of(lead)
        if room.left(keeper) > 0:
            room.take(keeper)
            chosen.append(lead)
    return chosen


def keeper_of(lead: Lead) -> Keeper:
    """Who carries a lead: its owner, else its pool."""
    return ("owner", lead.owner_id) if lead.owner_id else ("team", lead.team_id or 0)


class Room:
    """Starts allowed now per owner and per pool: what the coming days can dial less what is due in them.

    A pool is worked by its team's reps, so that what an owner starts is gone from their pool's room too.
    """

    def __init__(self, *, now: datetime) -> None:
        self._calendar = Calendar(MOST_DAYS, now=now)
        fields = ("pk", "team_id", "dials_a_day", "working_hours")
        users = list(get_user_model().objects.filter(is_active=True).only(*fields))
        self._team_of = {user.pk: user.team_id for user in users}  # type: ignore[attr-defined]
        self._due = due_by_day(self._calendar)
        self._dials = dials_by_day(users, self._calendar)
        self._left: dict[Keeper, int] = {
            ("owner", user.pk): self._allowed([user], [("owner", user.pk)]) for user in users
        }
        members: dict[int, list[Any]] = defaultdict(list)
        for user in users:
            if team := self._team_of[user.pk]:
                members[team].append(user)
        for team, reps in members.items():
            keepers: list[Keeper] = [("team", team), *(("owner", user.pk) for user in reps)]
            self._left["team", team] = self._allowed(reps, keepers)

    def _allowed(self, people: Sequence[Any], keepers: Sequence[Keeper]) -> int:
        dials = [sum(self._dials[one.pk][day] for one in people) for day in range(MOST_DAYS)]
        due: Counter[int] = Counter()
        for keeper in keepers:
            due.update(self._due[keeper])
        off = days_off_first(people, self._calendar)
        # Nobody works before that day: what is due until then is called on it.
        carried = [sum(due[day] for day in range(off + 1)), *(due[day] for day in range(off + 1, MOST_DAYS))]
        return starts_allowed(dials[off:], carried, min(CAPACITY_DAYS, MOST_DAYS - off))

    @property
    def keepers(self) -> list[Keeper]:
        """Owners before pools."""
        return sorted(self._left)

    def left(self, keeper: Keeper) -> int:
        return self._left.get(keeper, 0)

    def take(self, keeper: Keeper, count: int = 1) -> None:
        self._left[keeper] = self.left(keeper) - count
        team = self._team_of.get(keeper[1]) if keeper[0] == "owner" else None
        if team:
            self._left["team", team] = self.left(("team", team)) - count
