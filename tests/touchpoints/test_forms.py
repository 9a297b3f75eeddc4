"""What does a rep have to say with an outcome before it is logged?"""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from touchpoints.forms import OutcomeForm

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("outcome", "field"), [("callback_requested", "callback_at"), ("meeting_booked", "meeting_at")]
)
def test_a_time_that_was_agreed_is_asked_for(outcome: str, field: str) -> None:
    form = OutcomeForm({"outcome": outcome}, zone=UTC)
    assert not form.is_valid()
    assert list(form.errors) == [field]


def test_times_are_read_on_the_leads_clock() -> None:
    form = OutcomeForm(
        {"outcome": "callback_requested", "callback_at": "2026-03-03T16:00"}, zone=ZoneInfo("Asia/Kathmandu")
    )
    assert form.is_valid(), form.errors
    assert form.logged().callback_at == datetime(2026, 3, 3, 10, 15, tzinfo=UTC)


def test_what_is_no_time_is_named() -> None:
    form = OutcomeForm({"outcome": "callback_requested", "callback_at": "soon"}, zone=UTC)
    assert not form.is_valid()
    assert "soon" in form.errors["callback_at"][0]
