"""When do we meet, and did we? The one door to book, move and call off a meeting and to say how it went."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal
from uuid import uuid4

from django.contrib.auth import get_user_model
from django.db import transaction
from django.utils.translation import gettext

from leads import identity
from leads.models import AuditEvent, Lead

from . import follow_ups, guarding, invitations, pursue, record, refusals, stage, todo
from .cadence import Declined, add_business_days, slot_from, slot_in_words
from .models import FollowUp, Meeting, Pursuit, Task

if TYPE_CHECKING:
    from datetime import datetime

    from django.contrib.auth.models import AbstractUser

    from .models import CallAttempt

Status = Meeting.Status
# When a lead who did not come is called: right away, while they may merely be late, or on the next business day.
Again = Literal["soon", "next_day"]
SOON = timedelta(minutes=15)
SOON_LASTS = timedelta(minutes=30)


def book(
    lead: Lead,
    wanted: dict[str, Any],
    *,
    pursuit: Pursuit | None,
    call: CallAttempt | None,
    by: AbstractUser,
    now: datetime,
) -> Meeting:
    """Note a meeting that was agreed. `wanted`: {starts_at, title, minutes, place, host, value, invite}; `invite`
    sends the calendar file to the lead and the host once the outcome can no longer be taken back.

    Raises `refusals.Invalid` for a host who is no colleague.
    """
    return Meeting.objects.create(
        lead=lead,
        pursuit=pursuit,
        call=call,
        title=wanted.get("title") or gettext("Meeting with %(name)s") % {"name": lead.name},
        starts_at=wanted["starts_at"],
        minutes=wanted.get("minutes") or 30,
        place=wanted.get("place", ""),
        host=_host(wanted.get("host"), by),
        booked_by=by,
        booked_at=now,
        value=wanted.get("value"),
        uid=f"{uuid4().hex}@thaw",
        invite_due_at=invitations.due_from(now=now) if wanted.get("invite") else None,
    )


def _host(name: Any, user: AbstractUser) -> Any:
    if not name:
        return user
    host = get_user_model().objects.visible_to(user).filter(username=name, is_active=True).first()
    if host is None:
        raise refusals.Invalid(
            gettext("There is no colleague “%(name)s” in your team.") % {"name": name}, field="meeting.host"
        )
    return host


def move(meeting: Meeting, starts_at: datetime, *, by: AbstractUser, now: datetime) -> Meeting:
    """Agree on another time, before the meeting or after nobody came: the row is closed as moved, a new one stands.

    Whoever was invited is told. Returns the new row; it was booked when the first one was.
    """
    with transaction.atomic():
        row = _booked(meeting)
        if starts_at <= now:
            raise refusals.Invalid(gettext("The new time has passed already."), field="starts_at")
        if starts_at == row.starts_at:
            raise refusals.Invalid(gettext("That is the time it has already."), field="starts_at")
        uid = invitations.uid_of(row)
        row.uid = uid
        row.invite_due_at, invited = None, row.invited_at is not None or row.invite_due_at is not None
        row.save(update_fields=["uid", "invite_due_at"])
        _settle(row, Status.MOVED, now=now)
        new = Meeting.objects.create(
            lead=row.lead,
            pursuit=row.pursuit,
            call=row.call,
            title=row.title,
            starts_at=starts_at,
            minutes=row.minutes,
            place=row.place,
            host=row.host,
            booked_by=row.booked_by,
            booked_at=row.booked_at,
            value=row.value,
            moved_from=row,
            uid=uid,
            invite_due_at=now if invited else None,
        )
        _audit(row, "meeting.moved", {"starts_at": starts_at.isoformat()}, by=by, now=now)
    return new


def call_off(meeting: Meeting, *, why: str, by: AbstractUser, now: datetime) -> Meeting:
    """The meeting will not take place: the stage goes back and the pursuit goes on; whoever was invited is told."""
    if not why.strip():
        raise refusals.Invalid(gettext("Say why it is called off."), field="why")
    with transaction.atomic():
        row = _booked(meeting)
        row.invite_due_at = now if row.invited_at else None
        row.save(update_fields=["invite_due_at"])
        _settle(row, Status.CANCELLED, now=now)
        _audit(row, "meeting.called_off", {"why": why[:300]}, by=by, now=now)
        _go_on(row, "next_day", why=gettext("the meeting was called off"), by=by, now=now)
    return row


def _audit(row: Meeting, action: str, after: dict[str, str], *, by: AbstractUser, now: datetime) -> None:
    AuditEvent.objects.create(
        at=now,
        actor=by,
        action=action,
        subject_type="meeting",
        subject_id=str(row.pk),
        lead_id=row.lead_id,
        before={"starts_at": row.starts_at.isoformat()},
        after=after,
    )


def hold(meeting: Meeting, *, by: AbstractUser, now: datetime) -> Meeting:
    """Note that a meeting was held: the lead's stage follows, and a touchpoint says so."""
    with transaction.atomic():
        row = _begun(meeting, now=now)
        _settle(row, Status.HELD, now=now)
        stage.move(row.lead, "held", by=by, now=now)
        host = row.host
        # The host need not see the lead otherwise.
        record.store_for(
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
            row.lead,
            user=by,
            now=now,
        )
    return row


def miss(meeting: Meeting, *, by: AbstractUser, now: datetime, again: Again = "next_day") -> Meeting:
    """Note a no-show: the stage goes back, and the pursuit goes on with a call in 15 minutes or next business day."""
    with transaction.atomic():
        row = _begun(meeting, now=now)
        _settle(row, Status.NO_SHOW, now=now)
        _go_on(row, again, why=gettext("did not come to the meeting"), by=by, now=now)
    return row


def _go_on(row: Meeting, again: Again, *, why: str, by: AbstractUser, now: datetime) -> None:
    stage.move(row.lead, "no_show", by=by, now=now)
    pursuit = _reopened(row, by=by, now=now)
    if pursuit is not None:
        _call_again(row.lead, pursuit, again, why=why, now=now)


def _booked(meeting: Meeting) -> Meeting:
    """The meeting with its lead, locked; raises where it is settled already."""
    row = Meeting.objects.select_for_update(of=("self",)).select_related("host", "pursuit").get(pk=meeting.pk)
    row.lead = Lead.objects.select_for_update(of=("self",)).get(pk=row.lead_id)
    if row.status != Status.BOOKED:
        raise refusals.Invalid(
            gettext("This meeting was settled already: %(status)s.") % {"status": row.get_status_display()},
            field="status",
        )
    return row


def _begun(meeting: Meeting, *, now: datetime) -> Meeting:
    """A booked meeting; raises where nobody can know yet how it went."""
    row = _booked(meeting)
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


def _call_again(lead: Lead, pursuit: Pursuit, again: Again, *, why: str, now: datetime) -> None:
    situation = guarding.gather([lead], now=now)[lead.pk]
    missing = situation.missing()
    if missing is not None:
        todo.ask(lead, *missing, now=now)
        return
    place = situation.place
    soon = (now + SOON, now + SOON + SOON_LASTS)
    if again == "soon" and place.permitted(*soon) == [soon]:
        reason = gettext("%(why)s: they may merely be late") % {"why": why}
        placed = _placed(pursuit, soon, "", reason, rank=FollowUp.Rank.PROMISE)
    else:
        day = add_business_days(place.local_date(now), 1, place)
        found = slot_from(day, situation.history, place, now=max(now, situation.earliest or now))
        if isinstance(found, Declined):
            todo.ask(lead, Task.Kind.LOOK_INTO, found.reason, now=now)
            return
        slot = slot_in_words(found.window, found.cell, situation.history, place)
        placed = _placed(pursuit, found.window, found.cell[1], f"{why}: {slot}")
    follow_ups.place([(lead, pursuit, placed)], now=now, why=why)


def _placed(
    pursuit: Pursuit,
    window: tuple[datetime, datetime],
    day_part: str,
    reason: str,
    rank: int | None = None,
) -> follow_ups.Placed:
    return follow_ups.Placed(
        attempt=pursuit.attempt,
        step=pursuit.step,
        channel="call",
        due_at=window[0],
        window_end=window[1],
        day_part=day_part,
        reason=reason,
        rank=rank,
    )
