"""Does the shared screen work in a real browser: policy, keys, dialogs, failures, phone, entrance?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from crm.accounts.models import User

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page
    from pytest_django.live_server_helper import LiveServer

PASSWORD_PAGE = "/account/password/change/"


@pytest.fixture
def screen(browser: Browser, live_server: LiveServer) -> Iterator[Page]:
    """A page that remembers what the browser complained of."""
    context = browser.new_context(base_url=live_server.url, viewport={"width": 1280, "height": 720})
    page = context.new_page()
    page.complaints = []  # type: ignore[attr-defined]
    page.on("console", lambda m: m.type == "error" and page.complaints.append(m.text))  # type: ignore[attr-defined]
    page.on("pageerror", lambda error: page.complaints.append(str(error)))  # type: ignore[attr-defined]
    yield page
    context.close()


@pytest.fixture
def signed_in(screen: Page, ada: User) -> Page:
    ada.set_password("melt-the-ice-18")
    ada.save()
    screen.goto(f"/account/login/?next={PASSWORD_PAGE}")
    screen.get_by_label("Name").fill(ada.username)
    screen.get_by_label("Password").fill("melt-the-ice-18")
    screen.get_by_role("button", name="Sign in").click()
    screen.wait_for_url(f"**{PASSWORD_PAGE}")
    return screen


def test_signing_in_and_out_breaks_no_policy(signed_in: Page) -> None:
    signed_in.get_by_text("Ada", exact=False).first.click()
    signed_in.get_by_role("button", name="Sign out").click()
    signed_in.wait_for_url("**/account/login/**")
    assert signed_in.complaints == []  # type: ignore[attr-defined]


def test_question_mark_opens_the_keys_and_is_dead_while_typing(signed_in: Page) -> None:
    help_dialog = signed_in.locator("#help")
    field = signed_in.locator("input[type=password]").first
    field.focus()
    signed_in.keyboard.press("?")
    assert not help_dialog.is_visible()
    signed_in.keyboard.press("Escape")  # leaves the field
    signed_in.keyboard.press("?")
    assert help_dialog.is_visible()
    signed_in.keyboard.press("Escape")
    assert not help_dialog.is_visible()


@pytest.mark.parametrize(
    ("status", "kind", "body", "words"),
    [
        (500, "text/html", "<h1>x</h1>", "Thaw failed at that"),
        (
            409,
            "application/problem+json",
            '{"detail": "Bea is calling this lead."}',
            "Bea is calling this lead.",
        ),
        (404, "text/html", "", "no longer exists"),
        (None, "", "", "cannot be reached"),
    ],
    ids=["our-fault", "with-its-own-words", "gone", "no-connection"],
)
def test_a_failed_request_says_what_to_do(
    signed_in: Page, status: int | None, kind: str, body: str, words: str
) -> None:
    def answer(route) -> None:  # type: ignore[no-untyped-def]
        if status is None:
            route.abort()
        else:
            route.fulfill(status=status, content_type=kind, body=body)

    signed_in.route("**/failing/", answer)
    signed_in.evaluate("void htmx.ajax('GET', '/failing/', '#main')")
    toast = signed_in.locator(".toast.stop")
    toast.wait_for()
    assert words in toast.inner_text()
    toast.get_by_role("button", name="Dismiss").click()
    assert toast.count() == 0


def test_an_ended_session_leads_to_sign_in_and_back(signed_in: Page) -> None:
    signed_in.context.clear_cookies()
    signed_in.evaluate(f"void htmx.ajax('GET', '{PASSWORD_PAGE}', '#main')")
    signed_in.wait_for_url("**/account/login/?next=*")
    assert PASSWORD_PAGE in signed_in.url.replace("%2F", "/")


def test_a_question_is_asked_before_a_form_with_data_confirm_goes_out(signed_in: Page) -> None:
    signed_in.evaluate("""() => {
        const form = document.querySelector('.menu form');
        form.dataset.confirm = 'Really?';
        document.querySelector('header .menu:last-child').open = true;
    }""")
    signed_in.get_by_role("button", name="Sign out").click()
    question = signed_in.locator("#confirm")
    assert "Really?" in question.inner_text()
    question.get_by_role("button", name="Cancel").click()
    assert PASSWORD_PAGE in signed_in.url
    signed_in.evaluate("document.querySelector('header .menu:last-child').open = true")
    signed_in.get_by_role("button", name="Sign out").click()
    question.get_by_role("button", name="Go on").click()
    signed_in.wait_for_url("**/account/login/**")


@pytest.mark.parametrize("address", ["/account/login/", "/account/password/reset/", "/no-such-page/"])
def test_entrance_fits_a_phone(screen: Page, address: str) -> None:
    screen.set_viewport_size({"width": 390, "height": 844})
    screen.goto(address)
    assert screen.evaluate("document.documentElement.scrollWidth") == 390


def test_account_pages_fit_a_phone_and_its_menu_opens(signed_in: Page) -> None:
    signed_in.set_viewport_size({"width": 390, "height": 844})
    for address in (PASSWORD_PAGE, "/account/2fa/"):
        signed_in.goto(address)
        assert signed_in.evaluate("document.documentElement.scrollWidth") == 390
