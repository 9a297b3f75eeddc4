"""Can the pages of compliance be worked by keyboard, on a phone, and do they tell how far a file is?"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from crm.accounts.models import User
from leads.models import GuardRule, RegistryArea, RegistryLoad

if TYPE_CHECKING:
    from playwright.sync_api import Page

PAGES = (
    "/compliance/",
    "/compliance/registries/",
    "/compliance/lookup/",
    "/compliance/audit/",
    "/rules/guard/",
    "/rules/guard/try/",
    "/rules/guard/new/",
)


@pytest.fixture
def at_work(page: Page, sign_in: Callable[..., None], root: User) -> Page:
    sign_in(page, root)
    return page


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_wider_than_a_phone(at_work: Page, scheme: str) -> None:
    at_work.set_viewport_size({"width": 390, "height": 844})
    at_work.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    rule = GuardRule.objects.get(jurisdiction="US", audience="consumer")
    for url in (*PAGES, f"/rules/guard/{rule.pk}/", f"/rules/guard/{rule.pk}/edit/"):
        at_work.goto(url)
        assert at_work.locator("h1").count() == 1, url
        assert at_work.evaluate("document.documentElement.scrollWidth <= innerWidth"), url


def test_a_rule_is_changed_by_keyboard_alone(at_work: Page) -> None:
    rule = GuardRule.objects.get(jurisdiction="US-FL")
    at_work.goto(f"/rules/guard/{rule.pk}/edit/")
    at_work.get_by_label("Mon 1, from").focus()
    at_work.keyboard.press("Control+A")
    at_work.keyboard.type("9.30")
    at_work.keyboard.press("Tab")
    assert at_work.evaluate("document.activeElement.getAttribute('aria-label')") == "Mon 1, until"
    at_work.get_by_label("Why the change").focus()
    at_work.keyboard.type("a later start")
    at_work.get_by_role("button", name="Show what would change").focus()
    at_work.keyboard.press("Enter")
    preview = at_work.locator("#preview")
    preview.wait_for()
    assert "Mon 09:30–20:00" in preview.inner_text()
    at_work.get_by_role("button", name="Keep as version 2").focus()
    at_work.keyboard.press("Enter")
    at_work.get_by_text("Version 2 is kept").wait_for()
    assert GuardRule.objects.get(jurisdiction="US-FL", version=2).windows["mon"] == [["09:30", "20:00"]]


def test_retiring_asks_first(at_work: Page) -> None:
    rule = GuardRule.objects.get(jurisdiction="US-FL")
    at_work.goto(f"/rules/guard/{rule.pk}/")
    at_work.get_by_label("Why").fill("repealed")
    at_work.get_by_role("button", name="Retire").click()
    at_work.locator("#confirm[open]").wait_for()
    assert GuardRule.objects.get(pk=rule.pk).active


def test_a_number_is_tried_and_every_check_told(at_work: Page) -> None:
    at_work.goto("/rules/guard/try/")
    at_work.get_by_label("Number", exact=True).fill("+1 212 555 0142")
    at_work.keyboard.press("Enter")
    at_work.locator("tr[data-code]").first.wait_for()
    assert at_work.locator("tr[data-code]").count() == 15
    assert "29 of 30" in at_work.locator("main").inner_text()


def test_a_file_is_handed_in_and_followed(at_work: Page) -> None:
    RegistryArea.objects.all().delete()
    at_work.goto("/compliance/registries/")
    at_work.get_by_label("Files").set_input_files(
        {"name": "2026-11-1_212_x.txt", "mimeType": "text/plain", "buffer": b"212,5550101\r\n"}
    )
    at_work.get_by_role("button", name="Load").click()
    at_work.get_by_role("link", name="2026-11-1_212_x.txt").wait_for()
    load = RegistryLoad.objects.get(file_name="2026-11-1_212_x.txt")
    at_work.goto(f"/compliance/registries/{load.pk}/")
    at_work.get_by_text("Waiting for the worker").wait_for()
    RegistryLoad.objects.filter(pk=load.pk).update(status="refused", why="Area 212 would shrink.")
    at_work.get_by_text("Area 212 would shrink.").wait_for()
    assert at_work.get_by_role("button", name="Load it anyway").is_visible()
