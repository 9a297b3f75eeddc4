"""Who hears of a meeting by mail, and has it gone out? Invitations, and word of meetings that were called off.

A mail waits until the outcome that booked the meeting can no longer be taken back. Rows say what is due; a sweep sends.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import structlog
from django.core.mail import EmailMessage
from django.db import models, transaction
from django.utils import formats, translation
from django.utils.translation import gettext

from leads.models import Workspace

from . import guarding
from .calendar_files import Appointment, Person, calendar_file
from .models import FollowUp, Meeting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.contrib.auth.models import AbstractUser

log = structlog.get_logger(__name__)

MOST_TRIES = 5
TRIED_AGAIN_AFTER = timedelta(minutes=5)
FEED_REACHES_BACK = timedelta(days=90)
CALLBACK_MINUTES = 15
AT_ONCE = 50


def due_from(*, now: datetime) -> datetime:
    """From when an invitation made now may go out."""
    return now + timedelta(seconds=Workspace.current().undo_seconds + 1)


def uid_of(meeting: Meeting) -> str:
    """What calendars know the meeting by; the same after every move."""
    return meeting.uid or f"meeting-{meeting.pk}@thaw"


def appointment(meeting: Meeting) -> Appointment:
    lead, host = meeting.lead, meeting.host
    moves = Meeting.objects.filter(uid=meeting.uid, pk__lt=meeting.pk).count() if meeting.uid else 0
    return Appointment(
        uid=uid_of(meeting),
        title=meeting.title,
        starts_at=meeting.starts_at,
        minutes=meeting.minutes,
        place=meeting.place,
        # Whoever calls off says so with a number of its own, or calendars take it for what they know already.
        sequence=2 * moves + (meeting.status != Meeting.Status.BOOKED),
        host=Person(host.get_full_name() or host.get_username(), host.email) if host else None,
        guest=Person(lead.person or lead.name, lead.email) if lead.email else None,
    )


def file_of(meeting: Meeting, *, now: datetime) -> bytes:
    """One meeting to put into a calendar by hand."""
    return calendar_file([appointment(meeting)], method="PUBLISH", now=now)


def feed(user: AbstractUser, *, now: datetime) -> bytes:
    """The meetings a user hosts, from 90 days back, and the calls they agreed on."""
    rows = (
        Meeting.objects.filter(
            host=user, status=Meeting.Status.BOOKED, starts_at__gte=now - FEED_REACHES_BACK
        )
        | Meeting.objects.filter(
            host=user, status=Meeting.Status.HELD, starts_at__gte=now - FEED_REACHES_BACK
        )
    ).select_related("lead__company", "host")
    calls = (
        FollowUp.objects.open()
        .filter(assignee=user, agreed_at__isnull=False)
        .select_related("lead__company")
        .order_by("agreed_at")
    )
    entries = [_shown(row) for row in rows.order_by("starts_at")] + [_callback(row) for row in calls]
    return calendar_file(entries, method="PUBLISH", now=now, name=gettext("Thaw: meetings and callbacks"))


def _shown(meeting: Meeting) -> Appointment:
    who = f"{meeting.lead.name} · {meeting.lead.company}" if meeting.lead.company else meeting.lead.name
    return Appointment(
        uid_of(meeting), meeting.title, meeting.starts_at, meeting.minutes, meeting.place, description=who
    )


def _callback(row: FollowUp) -> Appointment:
    assert row.agreed_at is not None
    title = gettext("Call %(name)s") % {"name": row.lead.name}
    return Appointment(f"callback-{row.pk}@thaw", title, row.agreed_at, CALLBACK_MINUTES)


# --- sending ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sent:
    looked_at: int
    sent: int


def send_due(*, now: datetime) -> Sent:
    """Send what is due, one mail a transaction: a mail server that fails holds up no other."""
    looked_at = sent = 0
    for pk in list(_due(now).values_list("pk", flat=True)[:AT_ONCE]):
        with transaction.atomic():
            row = (
                _due(now)
                .select_for_update(skip_locked=True, of=("self",))
                .select_related("lead__company", "host")
                .filter(pk=pk)
                .first()
            )
            if row is None:
                continue
            looked_at += 1
            sent += _send(row, now=now)
    return Sent(looked_at, sent)


def _due(now: datetime) -> models.QuerySet[Meeting]:
    return Meeting.objects.filter(invite_due_at__lte=now).order_by("invite_due_at", "pk")


def _send(row: Meeting, *, now: datetime) -> int:
    row.invite_due_at = None
    try:
        mails = list(_mails(row, now=now))
        for mail in mails:
            mail.send()
    except Exception as error:  # whatever a mail server says, the meeting stands and the mail is tried again
        log.warning("invitation_failed", meeting=row.pk, error=str(error))
        row.invite_tries += 1
        row.invite_error = str(error)[:300] or type(error).__name__
        if row.invite_tries < MOST_TRIES:
            row.invite_due_at = now + TRIED_AGAIN_AFTER * row.invite_tries
        mails = []
    else:
        row.invite_error = ""
        row.invited_at = now if mails else row.invited_at
    row.save(update_fields=["invite_due_at", "invite_tries", "invite_error", "invited_at"])
    return len(mails)


def _mails(row: Meeting, *, now: datetime) -> Iterator[EmailMessage]:
    """What is to be said of the meeting as it stands, to everybody who has an address."""
    booked = row.status == Meeting.Status.BOOKED
    if not booked and (row.invited_at is None or row.status != Meeting.Status.CANCELLED):
        return
    file = calendar_file([appointment(row)], method="REQUEST" if booked else "CANCEL", now=now)
    for address, language, zone in _addressed(row, now=now):
        with translation.override(language):
            said = gettext("Invitation: %(title)s") if booked else gettext("Called off: %(title)s")
            mail = EmailMessage(
                subject=(said % {"title": row.title}).replace("\n", " "),
                body=_text(row, zone),
                to=[address],
                reply_to=[row.host.email] if row.host and row.host.email else None,
            )
        mail.attach("meeting.ics", file, f"text/calendar; method={'REQUEST' if booked else 'CANCEL'}")
        yield mail


def _addressed(row: Meeting, *, now: datetime) -> list[tuple[str, str, str]]:
    """(address, language, time zone) of the lead and the host."""
    people = []
    if row.lead.email:
        zones = guarding.gather([row.lead], now=now)[row.lead_id].zones
        people.append((row.lead.email, row.lead.language or "en", zones[0] if len(zones) == 1 else "UTC"))
    host = row.host
    if host is not None and host.email:
        people.append((host.email, host.language, host.time_zone))  # type: ignore[attr-defined]
    return people


def _text(row: Meeting, zone: str) -> str:
    local = row.starts_at.astimezone(ZoneInfo(zone))
    lines = [
        row.title,
        gettext("%(when)s (%(zone)s), %(n)d minutes")
        % {"when": formats.date_format(local, "l j F Y H:i"), "zone": zone, "n": row.minutes},
        row.place,
        gettext("With %(host)s, %(firm)s")
        % {
            "host": row.host.get_full_name() or row.host.get_username(),
            "firm": Workspace.current().seller_name or Workspace.current().name,
        }
        if row.host
        else "",
    ]
    return "\n".join(line for line in lines if line) + "\n"
