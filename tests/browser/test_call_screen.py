"""Can a rep work the call screen by keyboard alone, and never lose the place?"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from crm.accounts.models import User
from leads.identity import Identity
from leads.models import Lead
from tests.browser.keys import dial, in_front, outcomes_of, until
from touchpoints import blocks, engine, record
from touchpoints.models import CallAttempt, FollowUp

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route


def test_ten_calls_by_keyboard_alone(desk: Callable[[int], list[Lead]], at_desk: Callable[[], Page]) -> None:
    leads = desk(11)
    page = at_desk()
    told = ["1", "2", "4", "h", "5", "9", "6", "8", "0", "7"]
    for key, lead in zip(told, leads, strict=False):
        in_front(page, lead)
        assert page.evaluate("window.mark") == "kept", key
        dial(page)
        page.keyboard.press(key)
        if key == "5":
            # The first shortcut has the focus: "in 20 minutes", then Enter finishes.
            page.keyboard.press("Enter")
            page.keyboard.press("Enter")
        elif key == "7":
            at = datetime.now(UTC) + timedelta(days=2)
            page.locator("#screen [name=meeting_at]").fill(f"{at:%Y-%m-%dT10:00}")
            page.keyboard.press("Control+Enter")
        elif key in "6908":
            page.keyboard.press("Control+Enter")
    in_front(page, leads[10])
    assert page.evaluate("window.mark") == "kept"
    expected = (
        "no_answer voicemail_left gatekeeper hung_up callback_requested info_requested not_now not_interested"
    )
    assert [outcomes_of(lead) for lead in leads[:10]] == [
        [key] for key in [*expected.split(), "disconnected", "meeting_booked"]
    ]
    assert FollowUp.objects.open().get(lead=leads[4]).agreed_at is not None
    assert leads[9].meetings.count() == 1


def test_whoever_is_faster_than_the_screen_loses_nothing(
    desk: Callable[[int], list[Lead]], at_desk: Callable[[], Page]
) -> None:
    """A key pressed in the very moment a lead appears acts on the bound form, and reloads no page."""
    leads = desk(4)
    page = at_desk()
    page.evaluate(
        """new MutationObserver(() => {
            const screen = document.getElementById("screen");
            if (!screen || screen.dataset.seen) return;
            screen.dataset.seen = "1";
            const code = screen.dataset.call ? "Digit1" : "KeyD";
            document.body.dispatchEvent(new KeyboardEvent("keydown", {code, key: code.at(-1), bubbles: true}));
        }).observe(document.body, {childList: true, subtree: true})"""
    )
    page.keyboard.press("d")
    page.wait_for_selector('#screen[data-lead=""]')
    assert page.evaluate("window.mark") == "kept"
    assert [outcomes_of(lead) for lead in leads] == [["no_answer"]] * 4


@pytest.mark.parametrize("key", ["d", "g"], ids=["dial", "redial"])
def test_an_outcome_pressed_before_the_dial_is_answered_waits_for_it(
    desk: Callable[[int], list[Lead]], at_desk: Callable[[], Page], page: Page, key: str
) -> None:
    one, two = desk(2)
    held: list[Route] = []
    page.route("**/call/dial/", lambda route: held.append(route))
    at_desk()
    in_front(page, one)
    page.keyboard.press("d")
    if key == "g":
        until(page, lambda: held)
        held.pop().continue_()
        page.wait_for_selector("#screen:not([data-call=''])")
        page.keyboard.press("g")
    until(page, lambda: held)
    page.keyboard.press("1")
    page.wait_for_timeout(300)
    assert one.calls.exclude(outcome=None).count() == 0
    held.pop().continue_()
    in_front(page, two)
    assert outcomes_of(one) == ["no_answer"]
    assert outcomes_of(two) == []


def test_outcome_keys_are_dead_before_the_dial(
    desk: Callable[[int], list[Lead]], at_desk: Callable[[], Page]
) -> None:
    (lead,) = desk(1)
    page = at_desk()
    in_front(page, lead)
    page.keyboard.press("1")
    page.get_by_text("Dial first").first.wait_for()
    assert not CallAttempt.objects.exists()


def test_a_dangerous_key_asks_for_enter(
    desk: Callable[[int], list[Lead]], at_desk: Callable[[], Page]
) -> None:
    one, two = desk(2)
    page = at_desk()
    in_front(page, one)
    dial(page)
    page.keyboard.press("x")
    page.wait_for_timeout(200)
    assert outcomes_of(one) == [None]
    page.keyboard.press("Escape")
    page.keyboard.press("w")
    page.wait_for_timeout(200)
    assert outcomes_of(one) == [None]
    page.keyboard.press("Enter")
    in_front(page, two)
    assert outcomes_of(one) == ["wrong_number"]


@pytest.mark.parametrize("key, outcome", [("6", "not_now"), ("9", "info_requested"), ("8", "not_interested")])
def test_enter_in_an_outcomes_field_logs_that_outcome(
    desk: Callable[[int], list[Lead]], at_desk: Callable[[], Page], key: str, outcome: str
) -> None:
    one, two = desk(2)
    page = at_desk()
    in_front(page, one)
    dial(page)
    page.keyboard.press(key)
    page.wait_for_selector("#outcome-form fieldset:not([hidden])")
    page.keyboard.press("Enter")
    in_front(page, two)
    assert outcomes_of(one) == [outcome]


def test_z_returns_to_the_lead_and_the_dial_stays(
    desk: Callable[[int], list[Lead]], at_desk: Callable[[], Page]
) -> None:
    one, two = desk(2)
    page = at_desk()
    in_front(page, one)
    dial(page)
    page.keyboard.press("1")
    in_front(page, two)
    page.keyboard.press("z")
    in_front(page, one)
    assert outcomes_of(one) == [None]
    page.keyboard.press("4")
    in_front(page, two)
    call = one.calls.get()
    assert (call.outcome_id, call.dials.count(), page.evaluate("window.mark")) == ("gatekeeper", 1, "kept")


def test_a_held_key_logs_one_call(desk: Callable[[int], list[Lead]], at_desk: Callable[[], Page]) -> None:
    one, two = desk(2)
    page = at_desk()
    in_front(page, one)
    dial(page)
    for _repeat in range(6):
        page.keyboard.down("1")  # every one after the first is a repeat
    in_front(page, two)
    page.keyboard.down("d")
    page.wait_for_selector("#screen:not([data-call=''])")
    for _repeat in range(4):
        page.keyboard.down("1")
    page.wait_for_timeout(300)
    assert (outcomes_of(one), outcomes_of(two)) == (["no_answer"], [None])


def test_keys_are_letters_while_typing_and_work_with_alt(
    desk: Callable[[int], list[Lead]], at_desk: Callable[[], Page]
) -> None:
    one, two = desk(2)
    page = at_desk()
    in_front(page, one)
    dial(page)
    page.keyboard.press("n")
    page.keyboard.type("18 dials, x")
    assert page.locator("#notes").input_value() == "18 dials, x"
    assert outcomes_of(one) == [None]
    page.keyboard.press("Alt+1")
    in_front(page, two)
    call = one.calls.get()
    assert (call.outcome_id, call.notes) == ("no_answer", "18 dials, x")


def test_keys_that_were_moved_do_what_they_say(
    desk: Callable[[int], list[Lead]], at_desk: Callable[[], Page], ada: User
) -> None:
    lead, _next = desk(2)
    User.objects.filter(pk=ada.pk).update(key_map={"dial": "k", "no_answer": "d"})
    page = at_desk()
    in_front(page, lead)
    page.keyboard.press("d")
    page.wait_for_timeout(300)
    assert not lead.calls.exists()
    page.keyboard.press("k")
    page.wait_for_selector("#screen:not([data-call=''])")
    page.keyboard.press("d")
    in_front(page, _next)
    assert outcomes_of(lead) == ["no_answer"]


def test_a_softphone_is_posted_the_number(
    desk: Callable[[int], list[Lead]], at_desk: Callable[[], Page], ada: User
) -> None:
    (lead,) = desk(1)
    User.objects.filter(pk=ada.pk).update(dial_url="http://127.0.0.1:9/dial?to={number}")
    page = at_desk()
    with page.expect_request("http://127.0.0.1:9/**") as posted:
        page.keyboard.press("d")
    assert posted.value.method == "POST"
    assert posted.value.url.endswith("/dial?to=%2B12125550100")
    # Nothing listens on that port: the rep is told, and the attempt stands.
    page.wait_for_selector("#toasts >> text=did not take the number")
    assert lead.calls.count() == 1


def test_nothing_scrolls_sideways_on_a_phone(
    desk: Callable[[int], list[Lead]], at_desk: Callable[[], Page], page: Page
) -> None:
    (lead,) = desk(1)
    page.set_viewport_size({"width": 390, "height": 844})
    at_desk()
    in_front(page, lead)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.locator("#screen [data-act=dial]").first.click()
    page.wait_for_selector("#screen:not([data-call=''])")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_what_will_be_logged_has_its_name_on_the_button(
    desk: Callable[[int], list[Lead]], at_desk: Callable[[], Page]
) -> None:
    """Also where the outcome stands behind "More", out of sight."""
    (one,) = desk(1)
    page = at_desk()
    in_front(page, one)
    dial(page)
    for key, name in (("w", "Wrong number"), ("v", "Abusive"), ("q", "Disqualified"), ("5", "Callback")):
        page.keyboard.press(key)
        assert name in page.locator("[data-finish]").inner_text()
        page.keyboard.press("Escape")
        page.keyboard.press("Escape")
    assert outcomes_of(one) == [None]


def test_a_meeting_is_made_in_words_by_keyboard_alone(
    desk: Callable[[int], list[Lead]], at_desk: Callable[[], Page]
) -> None:
    one, two = desk(2)
    page = at_desk()
    in_front(page, one)
    dial(page)
    page.keyboard.press("7")
    page.keyboard.type("day after tomorrow 10:30")
    told = page.wait_for_selector("#meeting-when [data-at]").inner_text()
    assert "10:30" in told
    assert "yours" in told
    page.keyboard.press("Enter")
    in_front(page, two)
    meeting = one.meetings.get()
    assert meeting.starts_at.astimezone(ZoneInfo("America/New_York")).strftime("%H:%M") == "10:30"


def boxes(page: Page, *selectors: str) -> list[dict[str, float]]:
    found = [page.locator(one).first.bounding_box() for one in selectors]
    assert all(found)
    return found  # type: ignore[return-value]


def test_what_can_be_undone_covers_nothing_that_is_read_to_the_next_lead(
    desk: Callable[[int], list[Lead]], at_desk: Callable[[], Page]
) -> None:
    """Nor does anything move when it comes, when it goes, or when an outcome is taken back."""
    leads = desk(2)
    page = at_desk()
    read = (".call-strip", ".call-who", ".call-why", "#outcome-form")
    in_front(page, leads[0])
    dial(page)
    before = boxes(page, *read)
    page.keyboard.press("1")
    in_front(page, leads[1])
    bar, *others = boxes(page, ".undo-bar", *read)
    for other in others:
        aside = bar["x"] >= other["x"] + other["width"] or other["x"] >= bar["x"] + bar["width"]
        apart = bar["y"] >= other["y"] + other["height"] or other["y"] >= bar["y"] + bar["height"]
        assert aside or apart, (bar, other)
    page.keyboard.press("z")
    in_front(page, leads[0])
    page.wait_for_selector("text=Taken back")
    assert boxes(page, *read) == before


def test_the_block_and_the_offer_of_a_break_are_in_sight(
    desk: Callable[[int], list[Lead]], at_desk: Callable[[], Page], ada: User
) -> None:
    leads = desk(8)
    blocks.start(user=ada, now=timezone.now())
    page = at_desk()
    for n in range(5):
        in_front(page, leads[n])
        dial(page)
        page.keyboard.press("h")
    in_front(page, leads[5])
    offer = page.wait_for_selector("text=Take a break")
    box, (bar,) = offer.bounding_box(), boxes(page, "#outcome-form")
    assert box is not None
    assert box["y"] + box["height"] < bar["y"]
    page.wait_for_selector("text=5 of 25")


def test_one_escape_leaves_the_look_up(
    desk: Callable[[int], list[Lead]], at_desk: Callable[[], Page]
) -> None:
    """Whatever was typed there: the next key is one of the screen again."""
    (one,) = desk(1)
    page = at_desk()
    in_front(page, one)
    page.keyboard.press("/")
    page.keyboard.type("nobody")
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog#lookup:not([open])", state="attached")
    dial(page)


@pytest.mark.parametrize(
    "width, height, seen",
    [(390, 844, ".ice-breaker"), (640, 360, "#who")],
    ids=["phone", "zoomed in to 200 %"],
)
def test_a_small_screen_keeps_who_and_what_to_say_in_sight(
    desk: Callable[[int], list[Lead]],
    at_desk: Callable[[], Page],
    page: Page,
    width: int,
    height: int,
    seen: str,
) -> None:
    (lead,) = desk(1)
    page.set_viewport_size({"width": width, "height": height})
    at_desk()
    in_front(page, lead)
    shown, bar = boxes(page, seen, "#outcome-form")
    assert shown["y"] + shown["height"] <= bar["y"]
    dial(page)
    (bar,) = boxes(page, "#outcome-form")
    assert bar["height"] <= height / 2
    assert page.locator("#screen [value=no_answer]").is_visible()


def test_a_button_stays_under_the_finger(
    desk: Callable[[int], list[Lead]],
    another_browser: Callable[..., Page],
    ada: User,
    sign_in: Callable[..., None],
) -> None:
    """A finger on an outcome tells what comes next, which is longer than what stood there; the tap is still one."""
    one, two = desk(2)
    page = another_browser(has_touch=True, is_mobile=True, viewport={"width": 390, "height": 844})
    sign_in(page, ada)
    page.goto("/call/")
    in_front(page, one)
    page.locator("#screen [data-act=dial]").first.tap()
    page.wait_for_selector("#screen:not([data-call=''])")
    (button,) = boxes(page, ".outcomes [value=no_answer]")
    page.locator("#then").evaluate(
        "(node) => { node.textContent = 'Tuesday early, not tried yet; '.repeat(4); }"
    )
    assert boxes(page, ".outcomes [value=no_answer]") == [button]
    page.touchscreen.tap(button["x"] + 20, button["y"] + button["height"] - 4)
    in_front(page, two)
    assert outcomes_of(one) == ["no_answer"]


def test_a_dropped_call_is_dialled_again_by_its_key(
    desk: Callable[[int], list[Lead]], at_desk: Callable[[], Page]
) -> None:
    """The same attempt, and another dial of that number; before the dial the key does nothing."""
    one, two = desk(2)
    page = at_desk()
    in_front(page, one)
    page.keyboard.press("g")
    dial(page)
    call = one.calls.get()
    assert call.dials.count() == 1
    with page.expect_response("**/call/dial/"):
        page.keyboard.press("g")
    page.wait_for_selector("body > iframe", state="detached")
    assert call.dials.count() == 2
    page.keyboard.press("1")
    in_front(page, two)
    assert outcomes_of(one) == ["no_answer"]


def test_an_alert_goes_once_its_lead_is_in_front(
    desk: Callable[[int], list[Lead]], at_desk: Callable[[], Page]
) -> None:
    one, two = desk(2)
    page = at_desk()
    in_front(page, one)
    now = timezone.now()
    record.record(
        record.NewTouchpoint(kind="web_form", occurred_at=now, lead=Identity(id=two.pk)), user=None, now=now
    )
    engine.evaluate_leads([two.pk], now=now)
    page.reload()
    alert = page.locator(".toast", has_text="asked to be contacted")
    alert.wait_for()
    dial(page)
    page.keyboard.press("1")
    in_front(page, two)
    alert.wait_for(state="detached")
