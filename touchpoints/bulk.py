"""What is done to many leads of the list at once? In chunks, each set-wise and in one transaction."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Q

from leads.models import Lead, LeadNumber

from . import assign, pursue
from .bell import ring_on_commit
from .models import FollowUp, Pursuit
from .room import within_room

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from django.contrib.auth.models import AbstractUser
    from django.db.models import QuerySet

CHUNK = 500
# One request must answer in time; whoever wants more narrows the filter down.
MOST_AT_ONCE = 10_000
START_PURSUITS = "touchpoints.tasks.start_pursuits"
EXPORTED = (
    "id",
    "salutation",
    "first_name",
    "last_name",
    "job_title",
    "company",
    "email",
    "phone",
    "audience",
    "country",
    "region",
    "postcode",
    "time_zone",
    "language",
    "industry",
    "stage",
    "temperature",
    "warm_until",
    "owner",
    "team",
    "lists",
    "attempt",
    "target",
    "next_follow_up",
    "next_reason",
)


@dataclass(frozen=True)
class Started:
    """How many pursuits were started; how many leads wait because the coming days are full, must not be called, and
    are won or lost: those are reopened one by one, on their page."""

    started: int = 0
    waiting: int = 0
    refused: int = 0
    closed: int = 0


def chunks_of(found: QuerySet[Lead]) -> Iterator[list[Lead]]:
    """The leads in order of their ids, a chunk at a time; what changes under way is met once."""
    rows = found.order_by("pk")
    last = 0
    while chunk := list(rows.filter(pk__gt=last)[:CHUNK]):
        yield chunk
        last = chunk[-1].pk


def give(found: QuerySet[Lead], *, owner: Any, team: Any, by: AbstractUser, now: datetime) -> int:
    """Give these leads to an owner or a pool; returns how many moved."""
    moved = 0
    for chunk in _fixed(found):
        with transaction.atomic():
            moved += assign.assign(chunk, owner=owner, team=team, by=by, now=now)
            ring_on_commit(START_PURSUITS)
    return moved


def start(found: QuerySet[Lead], *, by: AbstractUser, now: datetime) -> Started:
    """Start a pursuit for each that has none open, as many as their owners and pools can carry, warm ones first."""
    closed = Q(stage__in=[Lead.Stage.WON, Lead.Stage.LOST])
    idle = found.exclude(closed).exclude(pk__in=Pursuit.objects.open().values("lead"))
    wanted = [lead for chunk in chunks_of(idle) for lead in chunk if lead.owner_id or lead.team_id]
    wanted.sort(key=lambda lead: (not lead.is_warm(now=now), -lead.fit, lead.pk))
    chosen = within_room(wanted, now=now)
    started = 0
    for first in range(0, len(chosen), CHUNK):
        started += len(pursue.start(chosen[first : first + CHUNK], by=by, now=now))
    return Started(
        started, len(wanted) - len(chosen), len(chosen) - started, found.order_by().filter(closed).count()
    )


def stop(found: QuerySet[Lead], *, note: str, by: AbstractUser, now: datetime) -> int:
    """Give up the open pursuits of these leads, for a reason; returns how many."""
    stopped = 0
    for chunk in _fixed(found):
        pursuits = list(Pursuit.objects.open().filter(lead__in=chunk))
        stopped += pursue.end_many(pursuits, Pursuit.EndReason.GIVEN_UP, by=by, now=now, note=note)
    return stopped


def _fixed(found: QuerySet[Lead]) -> Iterator[list[Lead]]:
    """The leads as they were found, although giving or stopping takes them out of the filter."""
    ids = list(found.order_by("pk").values_list("pk", flat=True))
    for first in range(0, len(ids), CHUNK):
        yield list(Lead.objects.filter(pk__in=ids[first : first + CHUNK]).order_by("pk"))


# --- out to a file ----------------------------------------------------------------------------------------------


def export_rows(found: QuerySet[Lead], *, now: datetime) -> Iterator[Sequence[str]]:
    """The head and one row a lead, read a chunk at a time: four queries each."""
    yield EXPORTED
    for chunk in chunks_of(found.select_related("company", "owner", "team").prefetch_related("lists")):
        yield from _rows(chunk, now=now)


def _rows(leads: list[Lead], *, now: datetime) -> Iterator[Sequence[str]]:
    follow_ups = {row.lead_id: row for row in FollowUp.objects.open().filter(lead__in=leads)}
    pursuits = {row.lead_id: row for row in Pursuit.objects.open().filter(lead__in=leads)}
    numbers: dict[int, str] = {}
    links = LeadNumber.objects.current().filter(lead__in=leads).order_by("position", "pk")
    for lead_id, e164 in links.values_list("lead_id", "number__e164"):
        numbers.setdefault(lead_id, e164)
    for lead in leads:
        follow_up, pursuit = follow_ups.get(lead.pk), pursuits.get(lead.pk)
        warm = lead.is_warm(now=now)
        told = {
            "phone": numbers.get(lead.pk),
            "temperature": "warm" if warm else "cold",
            "warm_until": lead.warm_until.isoformat() if warm and lead.warm_until else "",
            "owner": lead.owner.username if lead.owner else "",
            "lists": "; ".join(one.name for one in lead.lists.all()),
            "attempt": pursuit.attempt if pursuit else "",
            "target": pursuit.target if pursuit else "",
            "next_follow_up": follow_up.due_at.isoformat() if follow_up else "",
            "next_reason": follow_up.reason if follow_up else "",
        }
        yield [str(told.get(name, getattr(lead, name, "")) or "") for name in EXPORTED]
