"""Does a rep whose network drops lose a word, or log a call twice?"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.utils import timezone

from crm.accounts.models import User
from leads.models import Lead
from tests.browser.keys import call_of, choose, dial, in_front, outcomes_of, until
from touchpoints import outcomes, unlogged
from touchpoints.models import CallAttempt, FollowUp

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

Desk = Callable[..., list[Lead]]
AtDesk = Callable[[], "Page"]
KEPT = "Object.keys(localStorage).filter((key) => key.startsWith('thaw:kept:'))"


def says(page: Page, words: str) -> None:
    page.wait_for_selector(f"#screen [data-kept-state] >> text={words}")


def note(page: Page, text: str) -> None:
    page.keyboard.press("n")
    page.keyboard.type(text)


def nothing_kept(page: Page) -> None:
    until(page, lambda: page.evaluate(f"{KEPT}.length") == 0)


def says_nothing(page: Page) -> None:
    until(page, lambda: page.locator("[data-kept-state]").inner_text() == "")


def test_note_and_outcome_are_kept_told_and_sent_when_the_network_returns(
    desk: Desk, at_desk: AtDesk
) -> None:
    one, two = desk(2)
    page = at_desk()
    call_of(page, one)
    page.context.set_offline(True)
    says(page, "No connection: what you type is kept here.")
    note(page, "wants the study")
    page.keyboard.press("Escape")
    page.keyboard.press("4")
    says(page, "No connection: kept here, sent when it returns.")
    assert outcomes_of(one) == [None]
    # What is added meanwhile goes with it.
    note(page, ", in German")
    page.context.set_offline(False)
    in_front(page, two)
    says(page, "Sent: Gatekeeper, Jo Lead00")
    call = one.calls.get()
    assert (call.outcome_id, call.notes) == ("gatekeeper", "wants the study, in German")
    assert page.evaluate("window.mark") == "kept"
    nothing_kept(page)


def test_another_outcome_while_it_waits_calls_the_first_back(desk: Desk, at_desk: AtDesk) -> None:
    one, two = desk(2)
    page = at_desk()
    call_of(page, one)
    page.context.set_offline(True)
    page.keyboard.press("1")
    says(page, "sent when it returns")
    choose(page, "9", "promise")
    page.keyboard.type("the study")
    page.context.set_offline(False)
    says_nothing(page)
    assert outcomes_of(one) == [None], "it is not finished yet"
    page.keyboard.press("Enter")
    in_front(page, two)
    assert outcomes_of(one) == ["info_requested"]
    assert one.promises.get().text == "the study"


def test_what_is_called_back_while_its_send_fails_stays_called_back(
    desk: Desk, at_desk: AtDesk, page: Page
) -> None:
    one, two = desk(2)
    held: list[Route] = []
    # Before the page is opened: a page that is open may send one more request past a route that is made beside it.
    page.route("**/outcome/", lambda route: held.append(route))
    at_desk()
    call_of(page, one)
    page.keyboard.press("1")
    until(page, lambda: held)
    choose(page, "9", "promise")
    page.keyboard.type("the study")
    with page.expect_event("requestfailed"):
        held[0].abort("connectionreset")
    page.unroute("**/outcome/")
    page.context.set_offline(True)
    page.context.set_offline(False)
    says_nothing(page)
    page.wait_for_timeout(500)
    assert outcomes_of(one) == [None], "it is not finished yet"
    page.keyboard.press("Enter")
    in_front(page, two)
    assert outcomes_of(one) == ["info_requested"]


def test_a_reload_in_the_middle_keeps_note_and_chosen_outcome(desk: Desk, at_desk: AtDesk) -> None:
    one, two = desk(2)
    page = at_desk()
    in_front(page, one)
    note(page, "before the dial")
    page.keyboard.press("Escape")
    page.reload()
    assert page.locator("#notes").input_value() == "before the dial"
    dial(page)
    assert page.locator("#notes").input_value() == "before the dial"
    note(page, ", and after")
    page.keyboard.press("Escape")
    choose(page, "9", "promise")
    page.keyboard.type("the price list")
    page.reload()
    in_front(page, one)
    assert page.locator("#notes").input_value() == "before the dial, and after"
    assert page.locator("#promise_text").input_value() == "the price list"
    page.keyboard.press("Control+Enter")
    in_front(page, two)
    assert outcomes_of(one) == ["info_requested"]
    assert one.calls.get().notes == "before the dial, and after"
    assert page.locator("#notes").input_value() == ""
    nothing_kept(page)


def test_whoever_reloads_while_it_is_sent_logs_it_once(desk: Desk, at_desk: AtDesk, page: Page) -> None:
    """The server has logged it, the answer is lost: the page that comes back sends it again, and all is well."""
    one, two = desk(2)
    page.route("**/outcome/", lambda route: (route.fetch(), route.abort("connectionreset")))
    at_desk()
    call_of(page, one)
    note(page, "said yes to a study")
    page.keyboard.press("Alt+4")
    says(page, "sent when it returns")
    assert outcomes_of(one) == ["gatekeeper"]
    page.unroute("**/outcome/")
    page.reload()
    in_front(page, two)
    nothing_kept(page)
    assert outcomes_of(one) == ["gatekeeper"]
    assert outcomes_of(two) == []
    assert one.follow_ups.count() == 2, "the one it closed and the one it placed"
    assert page.locator("#unsent").inner_text() == ""


def test_a_server_that_fails_is_asked_again(desk: Desk, at_desk: AtDesk, page: Page) -> None:
    one, two = desk(2)
    failed = []
    page.route("**/outcome/", lambda route: (failed.append(1), route.fulfill(status=503, body="")))
    at_desk()
    call_of(page, one)
    page.keyboard.press("1")
    until(page, lambda: failed)
    says(page, "Thaw cannot take it just now: kept here, sent again in a moment.")
    page.unroute("**/outcome/")
    in_front(page, two)
    assert outcomes_of(one) == ["no_answer"]
    assert failed


def test_the_back_button_brings_nothing_of_one_call_to_the_next(desk: Desk, at_desk: AtDesk) -> None:
    one, two = desk(2)
    page = at_desk()
    call_of(page, one)
    note(page, "about the first")
    page.keyboard.press("Escape")
    page.goto("/leads/")
    page.go_back()
    in_front(page, one)
    assert page.locator("#notes").input_value() == "about the first"
    page.keyboard.press("1")
    in_front(page, two)
    page.goto("/leads/")
    page.go_back()
    in_front(page, two)
    assert page.locator("#notes").input_value() == ""
    assert outcomes_of(one) == ["no_answer"]


def test_a_second_tab_follows_and_neither_loses_nor_doubles(desk: Desk, at_desk: AtDesk) -> None:
    one, two = desk(2)
    page = at_desk()
    second = page.context.new_page()
    second.goto("/call/")
    in_front(second, one)
    page.bring_to_front()
    dial(page)
    second.wait_for_selector("#screen:not([data-call=''])")
    note(page, "written in the first")
    page.keyboard.press("Escape")
    until(second, lambda: second.locator("#notes").input_value() == "written in the first")
    second.bring_to_front()
    second.keyboard.press("4")
    in_front(second, two)
    in_front(page, two)
    assert outcomes_of(one) == ["gatekeeper"]
    assert one.calls.get().notes == "written in the first"
    nothing_kept(page)


def test_a_conflict_is_told_and_the_text_kept_until_it_is_dealt_with(
    desk: Desk, at_desk: AtDesk, ada: User
) -> None:
    """Without a connection Ada writes; meanwhile the call gets another outcome: no word is lost, none forced."""
    one, _two = desk(2)
    page = at_desk()
    call_of(page, one)
    page.context.set_offline(True)
    note(page, "<b>the whole story</b>")
    page.keyboard.press("Alt+4")
    says(page, "sent when it returns")
    call = one.calls.get()
    outcomes.log_outcome(call, outcomes.Logged("busy"), user=ada, now=timezone.now())
    page.context.set_offline(False)
    told = page.locator("#unsent [data-call]")
    told.wait_for()
    assert "logged as “busy” already" in told.inner_text().lower()
    assert told.locator("blockquote").inner_text() == "Gatekeeper: <b>the whole story</b>"
    assert outcomes_of(one) == ["busy"]
    page.reload()
    told.wait_for()
    told.get_by_role("button", name="Add the note").click()
    told.wait_for(state="detached")
    assert one.calls.get().notes == "<b>the whole story</b>"
    assert outcomes_of(one) == ["busy"]
    nothing_kept(page)


def test_a_call_closed_without_an_outcome_meanwhile_is_logged_late_and_said_so(
    desk: Desk, at_desk: AtDesk
) -> None:
    one, _two = desk(2)
    page = at_desk()
    call_of(page, one)
    page.context.set_offline(True)
    note(page, "rang for long")
    page.keyboard.press("Alt+1")
    says(page, "sent when it returns")
    CallAttempt.objects.update(started_at=timezone.now() - timedelta(hours=3))
    assert unlogged.close_forgotten(now=timezone.now()) == 1
    page.context.set_offline(False)
    page.wait_for_selector("#screen >> text=had been closed without an outcome; yours is logged now")
    assert outcomes_of(one) == ["no_answer"]
    assert one.calls.get().notes == "rang for long"
    assert FollowUp.objects.open().filter(lead=one).count() == 1


def test_what_was_written_of_a_call_that_is_over_is_offered(desk: Desk, at_desk: AtDesk) -> None:
    """Nothing was chosen when the call was closed: the note is shown, and where to say what came of the call."""
    one, _two = desk(2)
    page = at_desk()
    call_of(page, one)
    note(page, "left for lunch")
    CallAttempt.objects.update(started_at=timezone.now() - timedelta(hours=3))
    unlogged.close_forgotten(now=timezone.now())
    page.reload()
    told = page.locator("#unsent [data-call]")
    told.wait_for()
    assert "Jo Lead00" in told.inner_text()
    assert "left for lunch" in told.inner_text()
    assert told.get_by_role("link").get_attribute("href") == f"/call/{one.calls.get().pk}/amend/"
    told.get_by_role("button", name="Discard").click()
    nothing_kept(page)


def test_a_dial_without_a_connection_is_no_dial(desk: Desk, at_desk: AtDesk) -> None:
    (lead,) = desk(1)
    page = at_desk()
    in_front(page, lead)
    page.context.set_offline(True)
    page.keyboard.press("d")
    page.wait_for_selector("#toasts >> text=No connection: nothing was done.")
    assert not CallAttempt.objects.exists()
    page.context.set_offline(False)
    says_nothing(page)
    dial(page)
    assert lead.calls.count() == 1


def test_whoever_signs_out_leaves_nothing_behind(desk: Desk, at_desk: AtDesk) -> None:
    (lead,) = desk(1)
    page = at_desk()
    call_of(page, lead)
    note(page, "private")
    assert page.evaluate(f"{KEPT}.length") == 1
    page.locator(".top-end details summary").click()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/account/login/**")
    nothing_kept(page)


@pytest.mark.parametrize("gone", ["sessionid", None], ids=["the-session", "every-cookie"])
def test_a_session_that_ends_costs_no_word(
    desk: Desk, at_desk: AtDesk, sign_in: Callable, ada: User, gone: str | None
) -> None:
    one, two = desk(2)
    page = at_desk()
    # The look for alerts would lead to the sign-in page too, in its own time.
    page.evaluate("document.getElementById('alerts').remove()")
    call_of(page, one)
    note(page, "long talk")
    page.context.clear_cookies(name=gone)
    page.keyboard.press("Alt+4")
    if gone is None:
        page.get_by_role("button", name="Reload").click()
    page.wait_for_url("**/account/login/**")
    assert outcomes_of(one) == [None]
    sign_in(page, ada)
    page.goto("/call/")
    in_front(page, two)
    call = one.calls.get()
    assert (call.outcome_id, call.notes) == ("gatekeeper", "long talk")
