"""Is what held a lead up still so? A fact that came in ends the task that asked for it, whoever brought it.

Whoever changes a lead's facts comes through `edit_lead` here; what came by other ways (a merge, a list that was
loaded, an import) the sweep finds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q

from leads import register
from leads.models import Lead, LeadNumber, Number, RegistryLoad

from . import guarding, pursue
from .bell import ring_on_commit
from .bulk import START_PURSUITS
from .models import Task

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from .situation import Situation

Kind = Task.Kind
BY_FACT = (Kind.FIND_NUMBER, Kind.FIND_NAME, Kind.FIND_ZONE, Kind.RECORD_CONSENT, Kind.LOAD_REGISTRY)
CHUNK = 500
MOST_A_SWEEP = 10_000


def edit_lead(lead: Lead, changes: dict[str, Any], *, by: Any, now: datetime, **more: Any) -> Lead:
    """`register.edit_lead`; what waited for these facts is done, and the lead goes on. Raises LeadRefused."""
    with transaction.atomic():
        changed = register.edit_lead(lead, changes, by=by, now=now, **more)
        look_again([lead.pk], by=by, now=now)
    return changed


def look_again(leads: Collection[int], *, by: Any, now: datetime) -> int:
    """Close the tasks of these leads whose blocker is gone, and let the pursuits they held up go on. Returns how many
    were closed."""
    asked = Task.objects.filter(lead__in=leads, done_at=None, kind__in=BY_FACT)
    return _look(list(asked.select_related("lead__company")), by=by, now=now)


def look_everywhere(*, now: datetime) -> int:
    """`look_again` for whatever may have got its fact by another way. Returns how many tasks were closed."""
    closed, last = 0, 0
    for _chunk in range(MOST_A_SWEEP // CHUNK):
        tasks = list(
            Task.objects.filter(_perhaps(), done_at=None, kind__in=BY_FACT, pk__gt=last)
            .select_related("lead__company")
            .order_by("pk")[:CHUNK]
        )
        if not tasks:
            break
        closed += _look(tasks, by=None, now=now)
        last = tasks[-1].pk
    return closed


def _perhaps() -> Q:
    """Open tasks that something happened to since they were asked for: only these are worth a closer look."""
    in_use = LeadNumber.objects.current().filter(lead=OuterRef("lead"), number__status=Number.Status.OK)
    loaded = RegistryLoad.objects.filter(
        status=RegistryLoad.Status.LOADED, finished_at__gt=OuterRef("created_at")
    )
    return (
        Q(kind=Kind.FIND_NUMBER) & Exists(in_use)
        | Q(kind=Kind.FIND_ZONE, lead__updated_at__gte=F("created_at"))
        | Q(kind=Kind.FIND_NAME) & ~Q(lead__first_name="", lead__last_name="")
        | Q(kind=Kind.LOAD_REGISTRY, lead__isnull=False) & Exists(loaded)
    )


def _look(tasks: Sequence[Task], *, by: Any, now: datetime) -> int:
    leads = {task.lead_id: task.lead for task in tasks if task.lead is not None}
    if not leads:
        return 0
    situations = guarding.gather(list(leads.values()), now=now)
    over = [
        task for task in tasks if task.lead_id in leads and not _blocks(task, situations[task.lead_id or 0])
    ]
    return settled(over, by=by, now=now) if over else 0


def _blocks(task: Task, situation: Situation) -> bool:
    if task.kind == Kind.FIND_NAME:
        return not situation.lead.person
    # What cannot be read for the moment decides nothing.
    missing = situation.missing()
    return situation.failed or (missing is not None and missing[0] == task.kind)


def settled(tasks: Sequence[Task], *, by: Any, now: datetime) -> int:
    """What these tasks asked for is there: they are done, and their leads' pursuits go on at once. Returns how many
    were still open."""
    with transaction.atomic():
        closed = Task.objects.filter(pk__in=[task.pk for task in tasks], done_at=None).update(
            done_at=now, done_by=by, done_as=Task.DoneAs.FACT, held_by=None, held_until=None
        )
        go_on({task.lead_id for task in tasks if task.lead_id}, now=now)
    return closed


def go_on(leads: Collection[int], *, now: datetime) -> None:
    """Let the pursuits of these leads go on where nothing holds them up any more; those never begun are rung for."""
    pursue.resume_stalled(leads=leads, now=now)
    ring_on_commit(START_PURSUITS)
