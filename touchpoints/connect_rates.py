"""When do people answer this team? Counted every night from its own dials, for the planner to learn from."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Count, Q

from .cadence import day_part_of, weights
from .models import CallAttempt, ConnectRate
from .sweeps import noted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .cadence import Cell

# Older habits say little about today's, and fewer dials than these say nothing.
REACHES_BACK = timedelta(days=180)
ENOUGH_DIALS = 300
COUNTED_EVERY = timedelta(hours=20)
# A day of which only the weekday and the hour matter: Monday, 5 January 2026.
_MONDAY = datetime(2026, 1, 5)
_KEPT_FOR = timedelta(minutes=10)
_kept: dict[tuple[int, str], tuple[datetime, Mapping[Cell, float]]] = {}


def count_nightly(*, now: datetime) -> int:
    """`count`, unless that was done within the last 20 hours: beat asks every hour, lest a restart skip a night."""
    with noted("count_connect_rates", now=now) as run:
        if not ConnectRate.objects.filter(counted_at__gt=now - COUNTED_EVERY).exists():
            run.looked_at = run.changed = count(now=now)
    return run.changed


def count(*, now: datetime) -> int:
    """Count every team's dials and connects by the leads' own weekday and hour anew; returns the number of cells."""
    cells = (
        CallAttempt.objects.outbound()
        .filter(
            started_at__gte=now - REACHES_BACK,
            started_at__lte=now,
            team__isnull=False,
            outcome__isnull=False,
            local_weekday__isnull=False,
            local_hour__isnull=False,
        )
        .order_by()
        .values_list("team_id", "local_weekday", "local_hour")
        .annotate(dials=Count("pk"), connects=Count("pk", filter=Q(outcome__connect=True)))
    )
    rows = [
        ConnectRate(team_id=team, weekday=weekday, hour=hour, dials=dials, connects=connects, counted_at=now)
        for team, weekday, hour, dials, connects in cells
    ]
    with transaction.atomic():
        ConnectRate.objects.all().delete()
        ConnectRate.objects.bulk_create(rows, batch_size=1000)
    forget()
    return len(rows)


def weights_of(team_id: int | None, audience: str, *, now: datetime) -> Mapping[Cell, float]:
    """How well each weekday × part of the day connects for this team; the priors where it has dialled too little.

    Read at most once in ten minutes by each process: the figures change overnight.
    """
    if team_id is None:
        return weights()
    kept = _kept.get((team_id, audience))
    if kept is None or not kept[0] <= now < kept[0] + _KEPT_FOR:
        kept = (now, weights(_observed(team_id, audience)))
        _kept[team_id, audience] = kept
    return kept[1]


def forget() -> None:
    """Read anew at the next question."""
    _kept.clear()


def _observed(team_id: int, audience: str) -> dict[Cell, tuple[int, int]] | None:
    rows = ConnectRate.objects.filter(team=team_id).values_list("weekday", "hour", "dials", "connects")
    found: dict[Cell, tuple[int, int]] = defaultdict(lambda: (0, 0))
    for weekday, hour, dials, connects in rows:
        local = datetime.combine(_MONDAY + timedelta(days=weekday - 1), time(hour))
        part = day_part_of(local, audience)
        if part:
            made, of = found[weekday, part]
            found[weekday, part] = (made + connects, of + dials)
    return dict(found) if sum(of for _made, of in found.values()) >= ENOUGH_DIALS else None
