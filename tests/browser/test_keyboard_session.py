"""Does a rep get through a block of calls by keyboard alone, whatever the layout, and keep the place through all that
happens in between?"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from crm.accounts.models import User
from leads.models import GuardRule, Lead, Suppression
from tests.browser.conftest import ALL_DAY
from tests.browser.keys import ALT, SHIFT, call_of, choose, dial, in_front, outcomes_of, press_at, until
from touchpoints.models import CallAttempt, FollowUp, OutcomeChange

if TYPE_CHECKING:
    from playwright.sync_api import Page

Desk = Callable[..., list[Lead]]
AtDesk = Callable[[], "Page"]


def meeting(page: Page) -> None:
    at = datetime.now(UTC) + timedelta(days=2)
    page.locator("#meeting_at").fill(f"{at:%Y-%m-%dT10:00}")
    page.keyboard.press("Control+Enter")


def callback(words: str) -> Callable[[Page], None]:
    def say(page: Page) -> None:
        page.keyboard.type(words)
        page.wait_for_selector("#when [data-at]")
        page.keyboard.press("Enter")

    return say


def typed(words: str) -> Callable[[Page], None]:
    def say(page: Page) -> None:
        page.keyboard.type(words)
        page.keyboard.press("Enter")

    return say


def enter(page: Page) -> None:
    page.keyboard.press("Enter")


# (key, outcome, what it opens, what is done there)
SESSION: list[tuple[str, str, str, Callable[[Page], None] | None]] = [
    ("1", "no_answer", "", None),
    ("2", "voicemail_left", "", None),
    ("3", "busy", "", None),
    ("4", "gatekeeper", "", None),
    ("5", "callback_requested", "callback", callback("in 3 hours")),
    ("6", "not_now", "later", enter),
    ("7", "meeting_booked", "meeting", meeting),
    ("8", "not_interested", "reason", typed("has a supplier")),
    ("9", "info_requested", "promise", typed("the study")),
    ("h", "hung_up", "", None),
    ("r", "referred_on", "referred", typed("Bo")),
    ("l", "left_company", "", None),
    ("w", "wrong_number", "", enter),
    ("0", "disconnected", "", enter),
    ("q", "disqualified", "reason", typed("too small")),
    ("v", "abusive", "", enter),
    ("x", "do_not_call", "", enter),
    ("1", "no_answer", "", None),
    ("5", "callback_requested", "callback", callback("tomorrow 9:30")),
    ("4", "gatekeeper", "", None),
    ("8", "not_interested", "reason", enter),
    ("1", "no_answer", "", None),
    ("3", "busy", "", None),
    ("5", "callback_requested", "callback", callback("thu 4pm")),
    ("1", "no_answer", "", None),
]


def log(page: Page, lead: Lead, key: str, asks: str, say: Callable[[Page], None] | None) -> None:
    call_of(page, lead)
    if asks:
        choose(page, key, asks)
    else:
        page.keyboard.press(key)
    if say is not None:
        page.wait_for_selector("#outcome-form [data-finish]:not([hidden])")
        say(page)


def test_twenty_five_leads_twenty_five_outcomes_and_the_place_is_never_lost(
    desk: Desk, at_desk: AtDesk
) -> None:
    """On the way: an outcome is taken back, the page is reloaded in the middle of a call, another page is visited and
    left by the back button, and a second tab is opened."""
    leads = desk(26)
    page = at_desk()
    for n, (key, _outcome, asks, say) in enumerate(SESSION):
        if n == 5:  # undo: back to the lead, which gets another outcome
            log(page, leads[n], "1", "", None)
            in_front(page, leads[n + 1])
            page.keyboard.press("z")
            in_front(page, leads[n])
            assert outcomes_of(leads[n]) == [None]
            page.evaluate("window.undone = true")
            assert page.locator("#screen").get_attribute("data-call")
            choose(page, key, asks)
            enter(page)
            continue
        if n == 9:
            call_of(page, leads[n])
            page.reload()
            in_front(page, leads[n])
            page.keyboard.press(key)
            continue
        if n == 14:
            in_front(page, leads[n])
            page.goto("/leads/")
            page.go_back()
        if n == 17:
            in_front(page, leads[n])
            second = page.context.new_page()
            second.goto("/call/")
            in_front(second, leads[n])
            second.close()
        log(page, leads[n], key, asks, say)
    in_front(page, leads[25])
    assert [outcomes_of(lead) for lead in leads[:25]] == [[outcome] for _key, outcome, *_rest in SESSION]
    assert CallAttempt.objects.count() == 25
    assert OutcomeChange.objects.count() == 1
    assert not FollowUp.objects.open().filter(lead__in=[leads[n] for n in (6, 7, 14, 16)]).exists()
    assert FollowUp.objects.open().filter(agreed_at__isnull=False).count() == 3
    assert Suppression.objects.filter(lead=leads[16]).exists()


RUSSIAN = {"KeyD": "в", "Digit1": "1", "KeyH": "р", "KeyZ": "я", "KeyN": "т", "KeyX": "ч", "KeyA": "ф"}
GERMAN = {"KeyD": "d", "Digit1": "1", "KeyH": "h", "KeyZ": "y", "KeyN": "n", "KeyX": "x", "KeyA": "a"}


@pytest.mark.parametrize("layout", [RUSSIAN, GERMAN], ids=["Cyrillic", "German"])
def test_keys_go_by_their_place_on_any_layout(desk: Desk, at_desk: AtDesk, layout: dict[str, str]) -> None:
    one, two, three = desk(3)
    page = at_desk()

    def press(code: str, modifiers: int = 0) -> None:
        press_at(page, code, layout[code], modifiers)

    in_front(page, one)
    press("KeyD")
    page.wait_for_selector("#screen:not([data-call=''])")
    press("KeyH")
    in_front(page, two)
    press("KeyZ")
    in_front(page, one)
    assert outcomes_of(one) == [None]
    # In a field the same keys write.
    press("KeyN")
    press("KeyX")
    assert page.locator("#notes").input_value() == layout["KeyX"]
    press("Digit1", ALT)
    in_front(page, two)
    assert outcomes_of(one) == ["no_answer"]
    press("KeyD")
    page.wait_for_selector("#screen:not([data-call=''])")
    press("KeyX")
    page.wait_for_selector("#outcome-form [data-finish]:not([hidden])")
    assert outcomes_of(two) == [None]
    page.keyboard.press("Enter")
    in_front(page, three)
    assert outcomes_of(two) == ["do_not_call"]


def test_the_question_mark_is_help_wherever_it_is_printed(desk: Desk, at_desk: AtDesk) -> None:
    """On the 7 of a Russian keyboard, which is no meeting then; on the ß of a German one."""
    (one,) = desk(1)
    page = at_desk()
    call_of(page, one)
    for code in ("Digit7", "Minus", "Slash"):
        press_at(page, code, "?", SHIFT)
        page.wait_for_selector("dialog#help[open]")
        assert page.locator("#help").get_by_text("take the last outcome back").is_visible()
        page.keyboard.press("1")
        page.keyboard.press("Escape")
        page.wait_for_selector("dialog#help:not([open])", state="attached")
    assert outcomes_of(one) == [None]
    assert page.locator("#screen [data-finish]").is_hidden()


@pytest.mark.parametrize("char", ["@", "€", "ą"])
def test_what_alt_writes_is_written(desk: Desk, at_desk: AtDesk, char: str) -> None:
    """Some keyboards write @ by Alt and L, Polish ones ą by Alt and A: no outcome, and no other number."""
    (one,) = desk(1)
    page = at_desk()
    call_of(page, one)
    page.keyboard.press("n")
    press_at(page, "KeyL", char, ALT)
    page.wait_for_timeout(200)
    assert outcomes_of(one) == [None]


def test_a_puts_the_next_number_in_front_and_the_next_dial_is_its_own(desk: Desk, at_desk: AtDesk) -> None:
    (one,) = desk(1, numbers=2)
    page = at_desk()
    in_front(page, one)
    first, second = (link.number_id for link in one.lead_numbers.order_by("pk"))
    page.keyboard.press("a")
    assert page.evaluate("document.activeElement.value") == str(second)
    page.keyboard.press("a")
    page.keyboard.press("a")
    dial(page)
    assert one.calls.get().number_id == second
    # Of no use: the lead comes back at once with the other number, and that is an attempt of its own.
    page.keyboard.press("0")
    page.keyboard.press("Enter")
    page.wait_for_selector(f"#screen[data-lead='{one.pk}'][data-call='']")
    assert outcomes_of(one) == ["disconnected"]
    dial(page)
    assert [call.number_id for call in one.calls.order_by("pk")] == [second, first]
    assert [call.attempt for call in one.calls.order_by("pk")] == [1, 2]


def test_escape_leaves_a_field_first_and_the_outcome_then(desk: Desk, at_desk: AtDesk) -> None:
    (one,) = desk(1)
    page = at_desk()
    call_of(page, one)
    choose(page, "8", "reason")
    page.keyboard.type("dear")
    page.keyboard.press("Escape")
    assert page.locator('[data-for="reason"]').is_visible()
    page.keyboard.press("Escape")
    assert page.locator('[data-for="reason"]').is_hidden()
    assert page.locator('.outcomes [aria-pressed="true"]').count() == 0
    page.keyboard.press("Enter")
    page.wait_for_timeout(200)
    assert outcomes_of(one) == [None]


def test_what_a_screen_reader_hears_and_the_order_of_the_focus(desk: Desk, at_desk: AtDesk) -> None:
    """Who is in front and whether they may be called is said with each; Tab goes from number to outcomes to note."""
    one, two = desk(2)
    page = at_desk()
    in_front(page, one)
    said = page.locator("#said")
    until(page, lambda: said.inner_text() == "Jo Lead00, Acme. You may call.")
    dial(page)
    until(page, lambda: said.inner_text() == "Jo Lead00, Acme. On the call.")
    page.keyboard.press("1")
    in_front(page, two)
    until(page, lambda: said.inner_text() == "Jo Lead01, Acme. You may call.")
    dial(page)
    nameless = page.evaluate(
        """[...document.querySelectorAll("#screen :is(a, button, input, select, textarea)")].filter((one) => {
            const named = one.getAttribute("aria-label") || one.title || one.labels?.length || one.textContent.trim();
            return one.offsetParent && !named;
        }).map((one) => one.outerHTML)"""
    )
    assert nameless == []
    order = page.evaluate(
        """[...document.querySelectorAll("#screen :is(a, button, input, select, textarea):not([type=hidden])")]
            .filter((one) => !one.disabled && one.offsetParent)
            .map((one) => one.name || one.id || one.textContent.trim())"""
    )
    assert order.index("redial") < order.index("outcome") < order.index("notes")
    assert page.locator("#screen [tabindex]:not([tabindex='0'], [tabindex='-1'])").count() == 0


# --- when to call back -----------------------------------------------------------------------------------------------


def test_the_picker_tells_their_time_and_mine_and_offers_the_nearest_by_one_key(
    desk: Desk, at_desk: AtDesk
) -> None:
    one, two = desk(2)
    page = at_desk()
    call_of(page, one)
    GuardRule.objects.filter(jurisdiction__startswith="US").update(
        windows={day: [["09:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}
    )
    choose(page, "5", "callback")
    page.keyboard.type("day after tomorrow 22:00")
    page.wait_for_selector("#when [data-nearest]")
    assert "theirs" in page.locator("#when").inner_text()
    assert "yours" in page.locator("#when").inner_text()
    page.keyboard.press("Enter")
    until(page, lambda: page.locator("#callback_at").input_value().endswith("T09:00"))
    until(page, lambda: page.evaluate("document.activeElement.matches('[data-finish]')"))
    assert outcomes_of(one) == [None]
    # Whatever the hour is, the next one may be called.
    GuardRule.objects.filter(jurisdiction__startswith="US").update(windows=ALL_DAY)
    page.keyboard.press("Enter")
    in_front(page, two)
    agreed = FollowUp.objects.open().get(lead=one).agreed_at
    assert agreed is not None
    days = (agreed.date() - datetime.now(UTC).date()).days
    assert 2 <= days <= 4


def test_in_twenty_minutes_counts_from_the_key_and_not_from_the_screen(desk: Desk, at_desk: AtDesk) -> None:
    one, two = desk(2)
    page = at_desk()
    call_of(page, one)
    # The screen is as old as the talk was long.
    page.evaluate("document.querySelector('[data-minutes]').dataset.wall = '2020-01-01T00:00'")
    choose(page, "5", "callback")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    in_front(page, two)
    agreed = FollowUp.objects.open().get(lead=one).agreed_at
    assert agreed is not None
    assert timedelta(minutes=17) < agreed - datetime.now(UTC) <= timedelta(minutes=20)


def test_a_time_chosen_without_a_connection_is_that_time(desk: Desk, at_desk: AtDesk) -> None:
    one, two = desk(2)
    page = at_desk()
    call_of(page, one)
    page.context.set_offline(True)
    choose(page, "5", "callback")
    page.keyboard.press("Enter")
    chosen = page.locator("#callback_at").input_value()
    assert chosen
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-kept-state] >> text=sent when it returns")
    page.context.set_offline(False)
    in_front(page, two)
    agreed = FollowUp.objects.open().get(lead=one).agreed_at
    assert agreed is not None
    assert timedelta(minutes=15) < agreed - datetime.now(UTC) <= timedelta(minutes=20)


def test_a_finger_finds_what_it_presses(
    desk: Desk, another_browser: Callable[..., Page], ada: User, sign_in: Callable[..., None]
) -> None:
    """On a tablet nothing that is pressed during a call is smaller than 44 pixels."""
    desk(1)
    page = another_browser(has_touch=True, is_mobile=True, viewport={"width": 1180, "height": 820})
    sign_in(page, ada)
    page.goto("/call/")
    page.locator("#screen [data-act=dial]").first.tap()
    page.wait_for_selector("#screen:not([data-call=''])")
    page.locator(".outcomes [value=callback_requested]").tap()
    small = page.evaluate(
        """[...document.querySelectorAll("#screen :is(.btn, select)")].filter((one) => one.offsetParent)
            .map((one) => [one.textContent.trim(), one.getBoundingClientRect()])
            .filter(([, box]) => box.height < 44 || box.width < 44).map(([name]) => name)"""
    )
    assert small == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 1180
