"""Which task is in a person's hands, and which come after it? One at a time, as calls are worked.

On the desk lie open tasks, touchpoints that wait to be matched, and for managers the zones a rep confirmed. What
somebody has in hand no colleague is given meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db.models import Q, QuerySet
from django.utils import timezone as clock

from leads.models import Lead

from . import inbox, todo
from .models import Task, UnmatchedTouchpoint

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.contrib.auth.models import AbstractUser

# How far ahead a person looks: what lies beyond comes when these are worked off.
MOST_IN_SIGHT = 300
HELD_FOR = timedelta(minutes=10)
# What somebody waits for comes before what only holds up our own plan.
SOMEBODY_WAITS = (Task.Kind.ANSWER, Task.Kind.COMPLAINT, Task.Kind.DECIDE_WISH, Task.Kind.CUSTOMER)


@dataclass(frozen=True)
class Item:
    """One thing to work on: a task, a touchpoint to match, or a lead's zone to agree to."""

    sort: str  # task, match or zone
    pk: int

    @property
    def key(self) -> str:
        return f"{self.sort}-{self.pk}"


@dataclass(frozen=True)
class Desk:
    """What lies before a person: the item in hand, the one after it and before it, how many there are in all."""

    item: Item | None
    following: Item | None
    previous: Item | None
    place: int
    count: int
    done_today: int


def open_tasks(user: Any, *, whole: bool) -> QuerySet[Task]:
    """Open tasks: one's own and those of nobody in particular, or everything one may see."""
    tasks = todo.visible_to(user).filter(done_at=None)
    return tasks if whole else tasks.filter(Q(assignee=user) | Q(assignee=None))


def look(user: Any, *, wanted: str = "", after: str = "", whole: bool, now: datetime) -> Desk:
    """The desk with one item in hand: the one `wanted` by its key, the one following `after`, else the first."""
    items = _items(user, whole=whole, now=now)
    chosen = next((one for one in items if one.key == wanted), None)
    if (
        chosen is None
        and (last := next((i for i, one in enumerate(items) if one.key == after), None)) is not None
    ):
        items_after = items[last + 1 :] + items[: last + 1]
        chosen = items_after[0]
    if chosen is None:
        chosen = items[0] if items else None
    place = items.index(chosen) if chosen else 0
    return Desk(
        item=chosen,
        following=items[(place + 1) % len(items)] if len(items) > 1 else None,
        previous=items[place - 1] if len(items) > 1 else None,
        place=place + 1 if chosen else 0,
        count=len(items),
        done_today=_done_today(user, now=now),
    )


def hold(task: Task, user: AbstractUser, *, now: datetime) -> None:
    """Keep a task in one person's hands for a while; whatever else they held is let go."""
    Task.objects.filter(held_by=user, done_at=None).exclude(pk=task.pk).update(held_by=None, held_until=None)
    free = Q(held_until=None) | Q(held_until__lte=now) | Q(held_by=user)
    Task.objects.filter(free, pk=task.pk, done_at=None).update(held_by=user, held_until=now + HELD_FOR)


def zones_to_agree(user: Any) -> QuerySet[Lead]:
    """Leads whose zone a rep confirmed and a manager has not looked at; nobody's work but managers'."""
    if not user.is_manager:
        return Lead.objects.none()
    seen = Lead.objects.live().visible_to(user)
    return seen.filter(zone_confirmed_at__isnull=False, zone_agreed_at=None).exclude(confirmed_zone="")


def _items(user: Any, *, whole: bool, now: datetime) -> list[Item]:
    return [
        *_tasks(user, whole=whole, now=now),
        *(Item("match", pk) for pk in inbox.waiting_for(user).values_list("pk", flat=True)[:MOST_IN_SIGHT]),
        *(
            Item("zone", pk)
            for pk in zones_to_agree(user)
            .order_by("zone_confirmed_at", "pk")
            .values_list("pk", flat=True)[:MOST_IN_SIGHT]
        ),
    ]


def _tasks(user: Any, *, whole: bool, now: datetime) -> Sequence[Item]:
    """Late ones first, then what somebody waits for, then the oldest; without what is put off or in other hands."""
    elsewhere = Q(held_until__gt=now) & ~Q(held_by=user)
    rows = (
        open_tasks(user, whole=whole)
        .filter(Q(put_off_until=None) | Q(put_off_until__lte=now))
        .exclude(elsewhere)
        .order_by("created_at", "pk")
        .values_list("pk", "kind", "created_at", "due_at")[:MOST_IN_SIGHT]
    )

    def order(row: Any) -> tuple[int, datetime, int]:
        pk, kind, created_at, due_at = row
        if due_at is not None and due_at <= now:
            return 0, due_at, pk
        return (1 if kind in SOMEBODY_WAITS else 2), created_at, pk

    return [Item("task", row[0]) for row in sorted(rows, key=order)]


def _done_today(user: Any, *, now: datetime) -> int:
    since = clock.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    tasks = Task.objects.filter(done_by=user, done_at__gte=since).count()
    return tasks + UnmatchedTouchpoint.objects.filter(settled_by=user, settled_at__gte=since).count()
