"""Somebody complained of us: what did they say, about which call, and who was told? The one door for complaints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.translation import gettext

from leads.models import AuditEvent, Lead

from . import refusals, todo
from .models import CallAttempt, Complaint, Task

if TYPE_CHECKING:
    from datetime import datetime

    from django.contrib.auth.models import AbstractUser

LONGEST = 5_000
Status = Complaint.Status


def complain(
    lead: Lead, *, said: str, by: AbstractUser, now: datetime, call: CallAttempt | None = None
) -> Complaint:
    """Keep what they said, beside the call it is about and the guard's verdict on it; a manager is told by a task.

    `call` is the latest one to the lead where none is named. Raises `refusals.Invalid`.
    """
    said = said.strip()
    if not said or len(said) > LONGEST or "\x00" in said:
        raise refusals.Invalid(gettext("Write what they said, in their words."), field="said")
    if call is not None and call.lead_id != lead.pk:
        raise refusals.Invalid(gettext("That call was to somebody else."), field="call")
    if call is None:
        call = CallAttempt.objects.filter(lead=lead).order_by("-started_at", "-pk").first()
    with transaction.atomic():
        made = Complaint.objects.create(lead=lead, call=call, said=said, at=now, by=by)
        _audit("complaint.recorded", made, by=by, now=now, reason=said)
        _tell(lead, made, now=now)
    return made


def handle(complaint: Complaint, *, status: str, handling: str, by: AbstractUser, now: datetime) -> None:
    """Say what was done about it, or open it again; for managers. Raises a `refusals.Refused`."""
    if not by.is_manager:  # type: ignore[attr-defined]
        raise refusals.NotYours(gettext("A manager answers complaints."))
    if status not in Status.values:
        raise refusals.Invalid(gettext("There is no such state of a complaint."), field="status")
    if not handling.strip():
        raise refusals.Invalid(gettext("Say what was done."), field="handling")
    with transaction.atomic():
        row = Complaint.objects.select_for_update(of=("self",)).select_related("lead").get(pk=complaint.pk)
        before = row.status
        row.status, row.handling, row.handled_by, row.handled_at = status, handling[:LONGEST], by, now  # type: ignore[assignment]
        row.save(update_fields=["status", "handling", "handled_by", "handled_at"])
        _audit(
            "complaint.handled",
            row,
            by=by,
            now=now,
            reason=handling,
            before={"status": before},
            status=status,
        )
        if status == Status.OPEN:
            _tell(row.lead, row, now=now)
        elif not Complaint.objects.open().filter(lead=row.lead_id).exists():
            todo.finish_all([row.lead_id], Task.Kind.COMPLAINT, by=by, now=now)
    complaint.refresh_from_db()


def _tell(lead: Lead, complaint: Complaint, *, now: datetime) -> None:
    """One task a lead, for a manager of its team, else an admin."""
    Task.objects.get_or_create(
        lead=lead,
        kind=Task.Kind.COMPLAINT,
        done_at=None,
        defaults={
            "reason": gettext("They complained: %(said)s") % {"said": complaint.said[:200]},
            "assignee_id": todo.managers_of([lead])[lead.pk],
            "team_id": lead.team_id,
            "created_at": now,
        },
    )


def _audit(
    action: str,
    complaint: Complaint,
    *,
    by: AbstractUser,
    now: datetime,
    reason: str,
    before: dict[str, str] | None = None,
    **after: str,
) -> None:
    AuditEvent.objects.create(
        at=now,
        actor=by,
        action=action,
        subject_type="complaint",
        subject_id=str(complaint.pk),
        lead_id=complaint.lead_id,
        before=before or {},
        after={"call": complaint.call_id, **after},
        reason=reason[:300],
    )
