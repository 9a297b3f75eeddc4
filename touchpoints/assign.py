"""Who keeps a lead? The one door for giving leads to a rep or a pool."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import transaction

from leads.models import AuditEvent, Lead

from .models import CallAttempt, FollowUp, IdleNotice, Task

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from django.contrib.auth.models import AbstractUser


def assign(
    leads: Sequence[Lead],
    *,
    by: AbstractUser | None,
    now: datetime,
    owner: Any = None,
    team: Any = None,
    reason: str = "",
) -> int:
    """Give leads to an owner (their team comes with them), to a team's pool, or to nobody; returns how many moved.

    Open follow-ups and tasks go with the lead; each move is an audit row, with the reason where nobody chose it.
    """
    team = owner.team if owner is not None else team
    owner_id, team_id = owner.pk if owner else None, team.pk if team else None
    moved = [lead for lead in leads if (lead.owner_id, lead.team_id) != (owner_id, team_id)]
    ids = [lead.pk for lead in moved]
    with transaction.atomic():
        AuditEvent.objects.bulk_create(
            AuditEvent(
                at=now,
                actor=by,
                action="lead.assigned",
                subject_type="lead",
                subject_id=str(lead.pk),
                lead=lead,
                before={"owner": lead.owner_id, "team": lead.team_id},
                after={"owner": owner_id, "team": team_id},
                reason=reason[:300],
            )
            for lead in moved
        )
        Lead.objects.filter(pk__in=ids).update(owner=owner, team=team, updated_at=now)
        FollowUp.objects.open().filter(lead__in=ids).update(assignee=owner, team=team)
        # Whoever has it on the phone keeps it until the call is logged; from a screen it goes.
        on_the_phone = CallAttempt.objects.open().filter(lead__in=ids).values("follow_up")
        FollowUp.objects.open().filter(lead__in=ids).exclude(pk__in=on_the_phone).update(
            lease_by=None, lease_until=None
        )
        Task.objects.filter(lead__in=ids, done_at=None).update(assignee=owner, team=team)
        IdleNotice.objects.filter(lead__in=ids).delete()
    for lead in moved:
        lead.owner, lead.team = owner, team
    return len(moved)
