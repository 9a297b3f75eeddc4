"""What must a person do before a lead can go on, and who sees it? The door to asking for a task and finishing it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import Q, QuerySet
from django.utils.translation import gettext

from leads.models import Lead

from . import refusals
from .models import Complaint, Task, Wish


def ask(lead: Lead, kind: str, reason: str, *, now: datetime) -> Task | None:
    """Put a task where no call can be placed; returns it, None where the same task is open already."""
    made, created = Task.objects.get_or_create(
        lead=lead,
        kind=kind,
        done_at=None,
        defaults={
            "reason": reason[:300],
            "assignee_id": lead.owner_id,
            "team_id": lead.team_id,
            "created_at": now,
        },
    )
    return made if created else None


def ask_all(questions: Sequence[tuple[Lead, str, str]], *, now: datetime) -> None:
    """`ask` for any number of (lead, kind, reason), in one statement."""
    Task.objects.bulk_create(
        (
            Task(
                lead=lead,
                kind=kind,
                reason=reason[:300],
                assignee_id=lead.owner_id,
                team_id=lead.team_id,
                created_at=now,
            )
            for lead, kind, reason in questions
        ),
        ignore_conflicts=True,
    )


def visible_to(user: Any) -> QuerySet[Task]:
    """Tasks of leads the user may see, those that are theirs, and those without a lead of their team."""
    tasks = Task.objects.all()
    if user.is_admin:
        return tasks
    general = Q(assignee=user) | (Q(assignee=None, team=user.team_id) if user.team_id else Q(pk=None))
    return tasks.filter(Q(lead__in=Lead.objects.visible_to(user)) | Q(assignee=user) | Q(lead=None) & general)


def undecided(tasks: Iterable[Task]) -> set[int]:
    """The ids of the tasks that only a decision made elsewhere ends: about a wish or a complaint that is still open.

    No query where none of these tasks is about one.
    """
    found: set[int] = set()
    tasks = list(tasks)
    stops = Wish.objects.open().filter(kind=Wish.Kind.STOP)
    for kind, rows in ((Task.Kind.DECIDE_WISH, stops), (Task.Kind.COMPLAINT, Complaint.objects.open())):
        asking = {task.pk: task.lead_id for task in tasks if task.kind == kind and task.lead_id}
        if asking:
            leads = set(rows.filter(lead__in=asking.values()).values_list("lead_id", flat=True))
            found |= {pk for pk, lead in asking.items() if lead in leads}
    return found


def finish(task: Task, *, by: Any, now: datetime) -> bool:
    """Note that a task is done; False where somebody was faster. Raises `refusals.StillOpen`."""
    if undecided([task]):
        if task.kind == Task.Kind.COMPLAINT:
            raise refusals.StillOpen(
                gettext("The complaint is still open. A manager says under Complaints what was done.")
            )
        raise refusals.StillOpen(
            gettext("Nobody has decided what they wrote. Decide under Wishes or on the lead's page.")
        )
    done = Task.objects.filter(pk=task.pk, done_at=None).update(
        done_at=now, done_by=by, done_as=Task.DoneAs.BY_HAND, held_by=None, held_until=None
    )
    return bool(done)


def finish_all(leads: Collection[int], kind: str, *, by: Any, now: datetime) -> int:
    """Note that what was asked of a person is answered for these leads; returns how many tasks were open."""
    return Task.objects.filter(lead__in=leads, kind=kind, done_at=None).update(
        done_at=now, done_by=by, done_as=Task.DoneAs.FACT, held_by=None, held_until=None
    )


def managers_of(leads: Iterable[Lead]) -> dict[int, int | None]:
    """Who decides for each lead, by its id: a manager of its team, else an admin; None where there is neither."""
    leads = list(leads)
    people = get_user_model().objects.filter(is_active=True).order_by("pk")
    of_team: dict[int, int] = {}
    for pk, team in people.filter(role="manager").values_list("pk", "team_id"):
        of_team.setdefault(team, pk)
    admin = people.filter(role="admin").values_list("pk", flat=True).first()
    return {lead.pk: of_team.get(lead.team_id or 0, admin) for lead in leads}
