"""Was the meeting held? What follows when it was, and when they did not come."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from leads.models import Lead, Suppression
from tests.touchpoints.leads_cast import make_lead
from touchpoints import meetings, pursue, refusals
from touchpoints.models import FollowUp, Meeting, Pursuit, StageChange, Touchpoint

if TYPE_CHECKING:
    from crm.accounts.models import User

# A Friday, noon in Copenhagen.
NOW = datetime(2026, 3, 6, 11, 0, tzinfo=UTC)


@pytest.fixture
def meeting(ada: User) -> Meeting:
    """A meeting that a call of Ada's led to, an hour ago; the pursuit ended by it."""
    lead = make_lead(owner=ada, phone="+45 32 12 34 56")
    (pursuit,) = pursue.start([lead], by=ada, now=NOW - timedelta(days=9))
    pursuit.reached_at, pursuit.reached_at_attempt = NOW - timedelta(days=8), 1
    pursuit.save()
    pursue.end(pursuit, Pursuit.EndReason.MEETING, by=ada, now=NOW - timedelta(days=8))
    Lead.objects.filter(pk=lead.pk).update(stage="meeting")
    return Meeting.objects.create(
        lead=lead,
        pursuit=pursuit,
        title="Demo",
        starts_at=NOW - timedelta(hours=1),
        host=ada,
        booked_by=ada,
        booked_at=NOW - timedelta(days=8),
    )


def test_a_meeting_held_moves_the_stage_and_is_a_touchpoint(meeting: Meeting, ada: User) -> None:
    meetings.hold(meeting, by=ada, now=NOW)
    meeting.refresh_from_db()
    assert (meeting.status, meeting.status_at, meeting.lead.stage) == ("held", NOW, "held")
    touchpoint = Touchpoint.objects.get()
    assert (touchpoint.kind_id, touchpoint.occurred_at) == ("meeting_held", meeting.starts_at)
    assert not FollowUp.objects.open().exists()


def test_a_no_show_reopens_the_pursuit_with_a_call_on_the_next_business_day(
    meeting: Meeting, ada: User
) -> None:
    meetings.miss(meeting, by=ada, now=NOW)
    pursuit = Pursuit.objects.get()
    assert (pursuit.ended_at, pursuit.end_reason, pursuit.reached_at_attempt) == (None, "", 1)
    follow_up = FollowUp.objects.open().get()
    assert follow_up.due_at.date().isoformat() == "2026-03-09"
    assert follow_up.assignee == ada
    assert "did not come" in follow_up.reason
    change = StageChange.objects.latest("pk")
    assert (change.before, change.after) == ("meeting", "conversation")


@pytest.mark.parametrize("act", [meetings.hold, meetings.miss])
def test_a_meeting_is_settled_once(meeting: Meeting, ada: User, act: object) -> None:
    meetings.hold(meeting, by=ada, now=NOW)
    with pytest.raises(refusals.Invalid):
        act(meeting, by=ada, now=NOW)  # type: ignore[operator]
    assert Touchpoint.objects.count() == 1


@pytest.mark.parametrize("act", [meetings.hold, meetings.miss])
def test_nobody_knows_before_it_began(meeting: Meeting, ada: User, act: object) -> None:
    with pytest.raises(refusals.Invalid):
        act(meeting, by=ada, now=NOW - timedelta(hours=2))  # type: ignore[operator]
    meeting.refresh_from_db()
    assert meeting.status == "booked"


def test_a_no_show_who_must_not_be_called_is_not_called(meeting: Meeting, ada: User) -> None:
    Suppression.objects.create(scope="person", lead=meeting.lead, requested_at=NOW)
    meetings.miss(meeting, by=ada, now=NOW)
    assert Pursuit.objects.get().end_reason == "meeting"
    assert not FollowUp.objects.open().exists()
