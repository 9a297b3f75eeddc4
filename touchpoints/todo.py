"""What must a person do before a lead can go on, and who sees it? The door to finishing a task."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from leads.models import Lead
from touchpoints.models import Task


def visible_to(user: Any) -> QuerySet[Task]:
    """Tasks of leads the user may see, and those without a lead that are theirs or their team's."""
    tasks = Task.objects.all()
    if user.is_admin:
        return tasks
    general = Q(assignee=user) | (Q(assignee=None, team=user.team_id) if user.team_id else Q(pk=None))
    return tasks.filter(Q(lead__in=Lead.objects.visible_to(user)) | Q(lead=None) & general)


def finish(task: Task, *, by: Any, now: datetime) -> bool:
    """Note that a task is done; False where somebody was faster."""
    done = Task.objects.filter(pk=task.pk, done_at=None).update(done_at=now, done_by=by)
    return bool(done)
