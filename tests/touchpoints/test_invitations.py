"""Do meetings find their way into calendars: by mail, by a file, by a secret feed? And out of them again?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.core import mail
from django.test import Client, override_settings
from icalendar import Calendar

from tests.touchpoints.leads_cast import make_lead
from touchpoints import calendar_link, invitations, meetings, refusals, reminders
from touchpoints.models import FollowUp, Meeting, Pursuit

if TYPE_CHECKING:
    from crm.accounts.models import User

# A Friday, noon in Copenhagen.
NOW = datetime(2026, 3, 6, 11, 0, tzinfo=UTC)
MONDAY = datetime(2026, 3, 9, 13, 0, tzinfo=UTC)
LATER = NOW + timedelta(minutes=1)


@pytest.fixture
def booked(ada: User) -> Meeting:
    ada.email = "ada@thaw.example"
    ada.save()
    lead = make_lead(
        owner=ada, phone="+45 32 12 34 56", email="ann@acme.example", first_name="Ann", last_name="Lee"
    )
    wanted = {"starts_at": MONDAY, "place": "Our office, ground floor", "invite": True}
    return meetings.book(lead, wanted, pursuit=None, call=None, by=ada, now=NOW)


def events(content: bytes) -> list[Any]:
    return list(Calendar.from_ical(content).walk("VEVENT"))


def sent() -> list[tuple[str, str, Any]]:
    """(to, method, event) of every mail so far."""
    found = []
    for message in mail.outbox:
        name, content, kind = message.attachments[0]
        assert name == "meeting.ics"
        raw = content if isinstance(content, bytes) else content.encode()
        found.append((message.to[0], str(kind).rpartition("=")[2], events(raw)[0]))
    return found


def test_an_invitation_waits_until_the_outcome_stands(booked: Meeting) -> None:
    assert invitations.send_due(now=NOW).sent == 0
    assert invitations.send_due(now=LATER).sent == 2
    ((lead, method, event), (host, _method, _event)) = sent()
    assert (lead, host, method) == ("ann@acme.example", "ada@thaw.example", "REQUEST")
    assert event["dtstart"].dt == MONDAY
    assert event["dtend"].dt - event["dtstart"].dt == timedelta(minutes=30)
    assert str(event["location"]) == "Our office, ground floor"
    assert str(event["organizer"]).lower() == "mailto:ada@thaw.example"
    assert "14:00 (Europe/Copenhagen)" in mail.outbox[0].body
    booked.refresh_from_db()
    assert (booked.invited_at, booked.invite_due_at) == (LATER, None)
    assert invitations.send_due(now=LATER + timedelta(hours=1)).sent == 0


def test_an_outcome_taken_back_in_time_mails_nobody(booked: Meeting) -> None:
    Meeting.objects.update(status="cancelled", invite_due_at=NOW)
    assert invitations.send_due(now=LATER).sent == 0
    assert mail.outbox == []
    assert not Meeting.objects.filter(invite_due_at__isnull=False).exists()


def test_a_moved_meeting_is_the_same_one_to_calendars(booked: Meeting, ada: User) -> None:
    invitations.send_due(now=LATER)
    tuesday = MONDAY + timedelta(days=1)
    new = meetings.move(booked, tuesday, by=ada, now=LATER)
    booked.refresh_from_db()
    assert (booked.status, new.status, new.moved_from, new.booked_at) == ("moved", "booked", booked, NOW)
    invitations.send_due(now=LATER)
    first, moved = sent()[0], sent()[2]
    assert first[2]["uid"] == moved[2]["uid"]
    assert moved[2]["sequence"] > first[2]["sequence"]
    assert (moved[1], moved[2]["dtstart"].dt) == ("REQUEST", tuesday)
    with pytest.raises(refusals.Invalid, match="settled"):
        meetings.move(booked, tuesday, by=ada, now=LATER)


def test_whoever_was_invited_hears_that_it_is_off(booked: Meeting, ada: User) -> None:
    invitations.send_due(now=LATER)
    with pytest.raises(refusals.Invalid, match="why"):
        meetings.call_off(booked, why=" ", by=ada, now=LATER)
    meetings.call_off(booked, why="budget frozen", by=ada, now=LATER)
    invitations.send_due(now=LATER)
    to, method, event = sent()[2]
    assert (to, method, str(event["status"])) == ("ann@acme.example", "CANCEL", "CANCELLED")
    # The pursuit goes on.
    assert Pursuit.objects.open().filter(lead=booked.lead).exists()
    assert "called off" in FollowUp.objects.open().get(lead=booked.lead).reason


@override_settings(
    EMAIL_BACKEND="django.core.mail.backends.smtp.EmailBackend", EMAIL_HOST="127.0.0.1", EMAIL_PORT=9
)
def test_a_mail_server_that_is_gone_is_tried_again_and_then_told_of(booked: Meeting) -> None:
    at = LATER
    for tries in range(1, invitations.MOST_TRIES + 1):
        invitations.send_due(now=at)
        booked.refresh_from_db()
        assert (booked.invite_tries, bool(booked.invite_error), booked.invited_at) == (tries, True, None)
        at += timedelta(hours=1)
    assert booked.invite_due_at is None
    assert booked.status == "booked"


# --- the feed ---------------------------------------------------------------------------------------------------


def test_the_secret_feed_shows_meetings_and_agreed_calls_until_there_is_a_new_link(
    booked: Meeting, ada: User, bea: User
) -> None:
    client, url = Client(), f"/calendar/{calendar_link.token_of(ada)}/thaw.ics"
    answer = client.get(url)
    assert answer["Content-Type"].startswith("text/calendar")
    # The clock of the request runs on: the meeting of this test lies within 90 days of it or it does not show.
    shown = events(invitations.feed(ada, now=NOW))
    assert [str(event["summary"]) for event in shown] == ["Meeting with Ann Lee"]
    assert events(invitations.feed(bea, now=NOW)) == []
    ada.calendar_version += 1
    ada.save()
    assert client.get(url).status_code == 404
    fresh = f"/calendar/{calendar_link.token_of(ada)}/thaw.ics"
    assert client.get(fresh).status_code == 200
    assert client.get(fresh.replace("/calendar/", "/calendar/9")).status_code == 404
    ada.is_active = False
    ada.save()
    assert client.get(fresh).status_code == 404


# --- no-shows and reminders -------------------------------------------------------------------------------------


def test_after_a_no_show_they_are_called_in_fifteen_minutes_if_one_wishes(booked: Meeting, ada: User) -> None:
    at = MONDAY + timedelta(minutes=10)
    meetings.miss(booked, by=ada, now=at, again="soon")
    row = FollowUp.objects.open().get(lead=booked.lead)
    assert row.due_at == at + timedelta(minutes=15)
    assert row.assignee == ada


def test_soon_is_the_next_day_where_their_day_has_ended(booked: Meeting, ada: User) -> None:
    at = MONDAY + timedelta(hours=7)
    meetings.miss(booked, by=ada, now=at, again="soon")
    assert FollowUp.objects.open().get(lead=booked.lead).due_at.date() > at.date()


def test_a_meeting_is_announced_and_asked_about_afterwards(booked: Meeting, ada: User, bea: User) -> None:
    def told(user: User, at: datetime) -> list[str]:
        return [one.kind for one in reminders.reminders_for(user, now=at)]

    assert told(ada, MONDAY - timedelta(minutes=6)) == []
    assert told(ada, MONDAY - timedelta(minutes=4)) == ["meeting"]
    assert told(ada, MONDAY + timedelta(minutes=10)) == []
    assert told(ada, MONDAY + timedelta(minutes=31)) == ["how_was_it"]
    assert told(bea, MONDAY + timedelta(minutes=31)) == []
    meetings.hold(booked, by=ada, now=MONDAY + timedelta(minutes=40))
    assert told(ada, MONDAY + timedelta(minutes=41)) == []
