"""Is what a rep agreed on in one place, with two calls of one minute warned about, and calls left open to finish?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from leads.models import Lead
from tests.touchpoints.leads_cast import make_lead
from touchpoints import callbacks, calls, finish, outcomes, pursue, screen, unlogged
from touchpoints.models import CallAttempt, FollowUp, Promise

if TYPE_CHECKING:
    from django.http import HttpResponse

    from crm.accounts.models import User

# A Tuesday, 10:00 in Copenhagen.
NOW = datetime(2026, 3, 3, 9, 0, tzinfo=UTC)
THURSDAY = datetime(2026, 3, 5, 13, 0, tzinfo=UTC)


def two(ada: User) -> list[Lead]:
    leads = [make_lead(name, owner=ada, phone=f"+45 32 12 34 5{n}") for n, name in enumerate(["Anna", "Bo"])]
    pursue.start(leads, by=ada, now=NOW)
    return leads


def page_of(user: User, url: str = "call_callbacks") -> HttpResponse:
    client = Client()
    client.force_login(user)
    with time_machine.travel(NOW + timedelta(minutes=2), tick=False):
        return client.get(reverse(url))


def agree(lead: Lead, at: datetime, *, user: User, now: datetime = NOW) -> CallAttempt:
    call = calls.dial(lead, user=user, now=now)
    logged = outcomes.Logged("callback_requested", callback_at=at)
    return outcomes.log_outcome(call, logged, user=user, now=now)


def test_agreed_calls_come_in_order_and_the_same_minute_shows(ada: User, bea: User) -> None:
    anna, bo = two(ada)
    agree(bo, THURSDAY + timedelta(seconds=30), user=ada)
    agree(anna, THURSDAY, user=ada, now=NOW + timedelta(minutes=1))
    rows = list(callbacks.agreed(ada))
    assert [row.lead for row in rows] == [anna, bo]
    assert callbacks.clashing(rows) == {row.pk for row in rows}
    assert list(callbacks.agreed(bea)) == []
    assert callbacks.at_the_same_minute(ada, THURSDAY, but=anna.pk) == [rows[1]]
    assert callbacks.at_the_same_minute(ada, THURSDAY + timedelta(minutes=1)) == []


def test_the_next_five_say_of_whom_was_reached_at_which_attempt(ada: User) -> None:
    """Not "attempt 1 of 18", which the strip of the same lead would deny a moment later."""
    anna, bo = two(ada)
    call = calls.dial(anna, user=ada, now=NOW)
    outcomes.log_outcome(call, outcomes.Logged("not_now", days=30), user=ada, now=NOW)
    rows = {row.lead: row for row in FollowUp.objects.open().select_related("lead__company", "pursuit")}
    said = {one["name"]: one["why"] for one in screen.rail_of(list(rows.values()), user=ada, now=NOW)}
    assert said[anna.name].endswith("reached at 1")
    assert said[bo.name].endswith("attempt 1 of 18")


def test_a_second_call_of_one_minute_is_warned_about_when_it_is_agreed(ada: User) -> None:
    anna, bo = two(ada)
    agree(anna, THURSDAY, user=ada)
    client = Client()
    client.force_login(ada)
    with time_machine.travel(NOW + timedelta(minutes=2), tick=False):
        call = calls.dial(bo, user=ada, now=NOW + timedelta(minutes=2))
        sent = {"outcome": "callback_requested", "callback_at": "2026-03-05T14:00"}
        answer = client.post(reverse("call_outcome", args=[call.pk]), sent, headers={"HX-Request": "true"})
    assert answer.status_code == 200
    assert "Anna" in answer.context["warning"]


def test_a_promise_to_call_back_is_not_said_twice(ada: User) -> None:
    anna, bo = two(ada)
    agree(anna, THURSDAY, user=ada)
    Promise.objects.create(lead=bo, text="send the study", due_at=THURSDAY, made_at=NOW, made_by=ada)
    page = page_of(ada)
    assert [row["row"].lead for row in page.context["callbacks"]] == [anna]
    assert [promise.text for promise in page.context["promises"]] == ["send the study"]


def test_what_was_promised_is_ticked_off_in_ones_own_list(ada: User, bea: User) -> None:
    """Also of a colleague's lead, whose page one does not see: it is named and leads nowhere."""
    anna, bo = two(ada)
    Lead.objects.filter(pk=bo.pk).update(owner=bea)
    for lead in (anna, bo):
        Promise.objects.create(lead=lead, text="the study", due_at=THURSDAY, made_at=NOW, made_by=ada)
    page = page_of(ada).content.decode()
    assert anna.get_absolute_url() in page
    assert bo.get_absolute_url() not in page
    assert bo.name in page
    url = reverse("promise_kept", args=[Promise.objects.get(lead=bo).pk])
    client = Client()
    client.force_login(bea)
    assert client.post(url, {"own": ""}).status_code == 404
    client.force_login(ada)
    assert client.post(url, {"own": ""}).url == reverse("call_callbacks")
    assert [promise.lead for promise in page_of(ada).context["promises"]] == [anna]


def test_who_promised_to_call_a_colleagues_lead_back_is_not_left_without_it(ada: User, max_: User) -> None:
    """The call is its owner's, and the screen says so; the word was given by somebody else."""
    anna, _bo = two(ada)
    call = calls.dial(anna, user=max_, now=NOW)
    shown = page_of(max_, "call").content.decode()
    assert "it heads the queue of Ada then" in shown
    said = outcomes.Logged("callback_requested", callback_at=THURSDAY)
    outcomes.log_outcome(call, said, user=max_, now=NOW)
    assert [row["row"].lead for row in page_of(ada).context["callbacks"]] == [anna]
    page = page_of(max_)
    assert page.context["callbacks"] == []
    assert [(promise.lead, promise.due_at) for promise in page.context["promises"]] == [(anna, THURSDAY)]


def test_a_call_left_open_stands_in_the_tray_until_its_outcome_is_said(ada: User, bea: User) -> None:
    anna, _bo = two(ada)
    call = calls.dial(anna, user=ada, now=NOW)
    assert list(finish.left_open_by(ada, now=NOW)) == []
    later = NOW + timedelta(hours=3)
    unlogged.close_forgotten(now=later)
    assert list(finish.left_open_by(ada, now=later)) == [call]
    assert list(finish.left_open_by(bea, now=later)) == []
    client = Client()
    client.force_login(ada)
    with time_machine.travel(later, tick=False):
        page = client.get(reverse("call_callbacks"))
        assert reverse("call_amend", args=[call.pk]) in page.content.decode()
    outcomes.log_outcome(call, outcomes.Logged("no_answer"), user=ada, now=later)
    assert list(finish.left_open_by(ada, now=later)) == []


# --- when to agree on one --------------------------------------------------------------------------------------------


def asked(user: User, call: CallAttempt, *, at: datetime = NOW, **said: str) -> HttpResponse:
    client = Client()
    client.force_login(user)
    with time_machine.travel(at, tick=False):
        return client.get(reverse("call_when", args=[call.pk]), said)


def test_a_time_in_words_is_theirs_and_mine(ada: User) -> None:
    anna, _bo = two(ada)
    call = calls.dial(anna, user=ada, now=NOW)
    shown = asked(ada, call, callback_words="thu 4pm").content.decode()
    assert 'data-wall="2026-03-05T16:00"' in shown
    assert 'data-at="2026-03-05T16:00+01:00"' in shown
    assert 'datetime="2026-03-05T16:00:00+01:00" data-local="moment"' in shown
    assert "data-nearest" not in shown


def test_a_meeting_is_said_in_words_too_and_no_calling_hours_stand_against_it(ada: User) -> None:
    anna, _bo = two(ada)
    call = calls.dial(anna, user=ada, now=NOW)
    shown = asked(ada, call, meeting_words="sat 22:00").content.decode()
    assert 'data-at="2026-03-07T22:00+01:00"' in shown
    assert "is-stop" not in shown
    assert "2026-03-05T10:00" in asked(ada, call, meeting_at="2026-03-05T10:00").content.decode()
    client = Client()
    client.force_login(ada)
    sent = {"outcome": "meeting_booked", "meeting_words": "half past four thu"}
    with time_machine.travel(NOW, tick=False):
        client.post(reverse("call_outcome", args=[call.pk]), sent, headers={"HX-Request": "true"})
    assert anna.meetings.get().starts_at == datetime(2026, 3, 5, 15, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "said, wall",
    [
        ({"callback_at": "2026-03-05T16:00"}, "2026-03-05T16:00"),
        # The hour that comes twice: the offset says which.
        ({"callback_at": "2026-10-25T02:30", "callback_exact": "2026-10-25T02:30+01:00"}, "+01:00"),
        ({"callback_at": "2026-10-25T02:30", "callback_exact": "2026-10-25T02:30+02:00"}, "+02:00"),
        ({"callback_at": "2026-10-25T02:30", "callback_exact": "2026-10-25T04:30+02:00"}, "+02:00"),
        ({"callback_at": "soon"}, ""),
        ({}, ""),
    ],
)
def test_a_time_from_the_calendar(ada: User, said: dict[str, str], wall: str) -> None:
    anna, _bo = two(ada)
    call = calls.dial(anna, user=ada, now=NOW)
    answer = asked(ada, call, **said)
    assert answer.status_code == 200
    assert wall in answer.content.decode()


def test_what_the_law_forbids_is_refused_with_the_nearest_moment_as_one_key(ada: User) -> None:
    anna, _bo = two(ada)
    call = calls.dial(anna, user=ada, now=NOW)
    shown = asked(ada, call, callback_words="thu 23:00").content.decode()
    assert "data-nearest" in shown
    assert 'data-wall="2026-03-06T08:00"' in shown
    assert "08:00" in shown


def test_house_caps_do_not_stand_against_what_they_ask_for(ada: User) -> None:
    """Called a minute ago, which the house would have rest for two hours."""
    anna, _bo = two(ada)
    call = calls.dial(anna, user=ada, now=NOW)
    shown = asked(ada, call, at=NOW + timedelta(minutes=1), callback_words="in 20 minutes").content.decode()
    assert 'data-wall="2026-03-03T10:21"' in shown
    assert "is-stop" not in shown


def test_the_laws_cap_does(ada: User) -> None:
    """Three calls in 24 hours: the fourth waits until the first is a day old, whatever was said."""
    anna, _bo = two(ada)
    call = None
    for hours in (0, 2, 4):
        call = calls.dial(anna, user=ada, now=NOW + timedelta(hours=hours))
        if hours < 4:
            outcomes.log_outcome(
                call,
                outcomes.Logged("callback_requested", callback_at=NOW + timedelta(hours=hours + 2)),
                user=ada,
                now=NOW + timedelta(hours=hours, minutes=1),
            )
    assert call is not None
    at = NOW + timedelta(hours=4, minutes=5)
    shown = asked(ada, call, at=at, callback_words="in 2 hours").content.decode()
    assert "is-stop" in shown
    assert 'data-wall="2026-03-04T10:00"' in shown


def test_two_at_the_same_minute_are_warned_about_when_the_time_is_chosen(ada: User) -> None:
    anna, bo = two(ada)
    agree(anna, THURSDAY, user=ada)
    call = calls.dial(bo, user=ada, now=NOW + timedelta(minutes=2))
    assert (
        "call Anna Hansen at that very minute"
        in asked(ada, call, callback_words="thu 14:00").content.decode()
    )
    assert "very minute" not in asked(ada, call, callback_words="thu 14:01").content.decode()


def test_nonsense_says_what_would_be_understood(ada: User, bea: User) -> None:
    anna, _bo = two(ada)
    call = calls.dial(anna, user=ada, now=NOW)
    shown = asked(ada, call, callback_words="<b>soonish").content.decode()
    assert "&lt;b&gt;soonish" in shown
    assert "is no time we understand" in shown
    assert asked(bea, call, callback_words="thu 14:00").status_code == 404


def test_words_are_taken_with_the_outcome_too(ada: User) -> None:
    """A browser without scripts, or one faster than the answer: read by the clock of when they were typed."""
    anna, bo = two(ada)
    client = Client()
    client.force_login(ada)
    call = calls.dial(anna, user=ada, now=NOW)
    sent = {"outcome": "callback_requested", "callback_words": "thu 16:00"}
    with time_machine.travel(NOW, tick=False):
        client.post(reverse("call_outcome", args=[call.pk]), sent, headers={"HX-Request": "true"})
    assert callbacks.agreed(ada).get().agreed_at == datetime(2026, 3, 5, 15, tzinfo=UTC)
    call = calls.dial(bo, user=ada, now=NOW)
    sent = {
        "outcome": "callback_requested",
        "callback_words": "in 2 hours",
        "callback_said_at": NOW.isoformat(),
    }
    with time_machine.travel(NOW + timedelta(minutes=30), tick=False):
        client.post(reverse("call_outcome", args=[call.pk]), sent, headers={"HX-Request": "true"})
    assert callbacks.agreed(ada).get(lead=bo).agreed_at == NOW + timedelta(hours=2)


# --- an outcome that is sent again -----------------------------------------------------------------------------------


def test_the_same_outcome_sent_again_is_logged_once_and_answered_alike(ada: User) -> None:
    anna, _bo = two(ada)
    client = Client()
    client.force_login(ada)
    call = calls.dial(anna, user=ada, now=NOW)
    sent = {"outcome": "callback_requested", "callback_at": "2026-03-05T14:00", "notes": "after lunch"}
    address = reverse("call_outcome", args=[call.pk])
    with time_machine.travel(NOW, tick=False):
        answers = [client.post(address, sent, headers={"HX-Request": "true"}) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 200]
        assert [answer.context["just_logged"] for answer in answers] == [call] * 3
        assert anna.follow_ups.count() == 2
        other = client.post(address, {**sent, "notes": "at noon"}, headers={"HX-Request": "true"})
    assert other.status_code == 422
    assert "unsent" in other.headers["HX-Trigger"]
    call.refresh_from_db()
    assert call.notes == "after lunch"


def test_what_cannot_be_mended_any_more_never_stands_in_the_form_of_another_lead(ada: User) -> None:
    """The call was closed meanwhile and what was said of it is refused: the next lead's note stays empty."""
    anna, _bo = two(ada)
    client = Client()
    client.force_login(ada)
    call = calls.dial(anna, user=ada, now=NOW)
    later = NOW + timedelta(hours=3)
    unlogged.close_forgotten(now=later)
    with time_machine.travel(later, tick=False):
        sent = {"outcome": "callback_requested", "notes": "about Anna"}
        answer = client.post(reverse("call_outcome", args=[call.pk]), sent, headers={"HX-Request": "true"})
    assert answer.status_code == 422
    assert "form" not in answer.context
    assert "Say when to call back" in answer.headers["HX-Trigger"]
    assert "Anna" in answer.context["refused"].detail


def test_a_note_is_added_to_ones_own_call_once(ada: User, bea: User) -> None:
    anna, _bo = two(ada)
    call = agree(anna, THURSDAY, user=ada)
    address = reverse("call_note", args=[call.pk])
    client = Client()
    client.force_login(ada)
    for _ in range(2):
        assert client.post(address, {"notes": "prefers mail"}).status_code == 204
    call.refresh_from_db()
    assert call.notes == "prefers mail"
    client.post(address, {"notes": "and texts"})
    call.refresh_from_db()
    assert call.notes == "prefers mail\nand texts"
    assert client.post(address, {"notes": " "}).status_code == 422
    client.force_login(bea)
    assert client.post(address, {"notes": "x"}).status_code == 404
