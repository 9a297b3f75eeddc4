"""Did a meeting take place? The one door to say so, with everything that follows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.translation import gettext

from leads import identity
from leads.models import Lead

from . import follow_ups, guarding, pursue, record, refusals, stage, todo
from .cadence import Declined, add_business_days, slot_from, slot_in_words
from .models import Meeting, Pursuit, Task

if TYPE_CHECKING:
    from datetime import datetime

    from django.contrib.auth.models import AbstractUser

Status = Meeting.Status


def hold(meeting: Meeting, *, by: AbstractUser, now: datetime) -> Meeting:
    """Note that a meeting was held: the lead's stage follows, and a touchpoint says so."""
    with transaction.atomic():
        row = _begun(meeting, now=now)
        _settle(row, Status.HELD, now=now)
        stage.move(row.lead, "held", by=by, now=now)
        host = row.host
        record.record(
            record.NewTouchpoint(
                kind="meeting_held",
                occurred_at=row.starts_at,
                lead=identity.Identity(id=row.lead_id),
                source="thaw",
                external_id=f"meeting:{row.pk}",
                summary=row.title,
                by=(host.get_full_name() or host.get_username()) if host else "",
                by_user_id=row.host_id,
            ),
            user=by,
            now=now,
        )
    return row


def miss(meeting: Meeting, *, by: AbstractUser, now: datetime) -> Meeting:
    """Note a no-show: the stage goes back, and the pursuit goes on with a call on the next business day."""
    with transaction.atomic():
        row = _begun(meeting, now=now)
        _settle(row, Status.NO_SHOW, now=now)
        stage.move(row.lead, "no_show", by=by, now=now)
        pursuit = _reopened(row, by=by, now=now)
        if pursuit is not None:
            _call_next_business_day(row.lead, pursuit, now=now)
    return row


def _begun(meeting: Meeting, *, now: datetime) -> Meeting:
    """The meeting, locked; raises where nobody can know yet how it went, or somebody said so already."""
    row = Meeting.objects.select_for_update(of=("self",)).select_related("host", "pursuit").get(pk=meeting.pk)
    row.lead = Lead.objects.select_for_update(of=("self",)).get(pk=row.lead_id)
    if row.status != Status.BOOKED:
        raise refusals.Invalid(
            gettext("This meeting was settled already: %(status)s.") % {"status": row.get_status_display()},
            field="status",
        )
    if row.starts_at > now:
        raise refusals.Invalid(gettext("This meeting has not begun yet."), field="status")
    return row


def _settle(row: Meeting, status: str, *, now: datetime) -> None:
    row.status, row.status_at = status, now
    row.save(update_fields=["status", "status_at"])


def _reopened(row: Meeting, *, by: AbstractUser, now: datetime) -> Pursuit | None:
    """The pursuit that goes on: the open one, else the one the meeting ended, else a new one; None where the lead
    must not be called or belongs to nobody."""
    lead = row.lead
    pursuit = Pursuit.objects.open().filter(lead=lead).first()
    if pursuit is not None:
        return pursuit
    if guarding.gather([lead], now=now)[lead.pk].suppressed:
        return None
    if row.pursuit is None or row.pursuit.end_reason != Pursuit.EndReason.MEETING:
        return next(iter(pursue.begin([lead], by=by, now=now)), None)
    pursuit = row.pursuit
    pursuit.ended_at, pursuit.end_reason, pursuit.ended_by, pursuit.end_note = None, "", None, ""
    pursuit.save(update_fields=["ended_at", "end_reason", "ended_by", "end_note"])
    return pursuit


def _call_next_business_day(lead: Lead, pursuit: Pursuit, *, now: datetime) -> None:
    situation = guarding.gather([lead], now=now)[lead.pk]
    missing = situation.missing()
    if missing is not None:
        todo.ask(lead, *missing, now=now)
        return
    place = situation.place
    day = add_business_days(place.local_date(now), 1, place)
    found = slot_from(day, situation.history, place, now=max(now, situation.earliest or now))
    if isinstance(found, Declined):
        todo.ask(lead, Task.Kind.LOOK_INTO, found.reason, now=now)
        return
    slot = slot_in_words(found.window, found.cell, situation.history, place)
    placed = follow_ups.Placed(
        attempt=pursuit.attempt,
        step=pursuit.step,
        channel="call",
        due_at=found.window[0],
        window_end=found.window[1],
        day_part=found.cell[1],
        reason=gettext("did not come to the meeting: %(slot)s") % {"slot": slot},
    )
    follow_ups.place([(lead, pursuit, placed)], now=now, why=gettext("did not come to the meeting"))
