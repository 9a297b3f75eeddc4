"""What a rep does at the keyboard, and what is seen of it in the database."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from leads.models import Lead


def in_front(page: Page, lead: Lead) -> None:
    page.wait_for_selector(f'#screen[data-lead="{lead.pk}"]')


def dial(page: Page) -> None:
    page.keyboard.press("d")
    page.wait_for_selector("#screen:not([data-call=''])")
    # The link has been handed over to the phone: a browser that is busy with it may take no keys.
    page.wait_for_selector("body > iframe", state="detached")


def call_of(page: Page, lead: Lead) -> None:
    """Dial the lead in front, once it is there."""
    in_front(page, lead)
    dial(page)


def outcomes_of(lead: Lead) -> list[str | None]:
    return list(lead.calls.order_by("pk").values_list("outcome_id", flat=True))


def choose(page: Page, key: str, asks: str) -> None:
    """Press an outcome's key and wait until what it asks is open."""
    page.keyboard.press(key)
    page.wait_for_selector(f'#outcome-form [data-for="{asks}"]:not([hidden])')


def until(page: Page, seen: Callable[[], Any], *, seconds: float = 10) -> None:
    """Wait until something is so; the page's policy lets nobody wait inside it by an expression."""
    ends = time.monotonic() + seconds
    while not seen():
        assert time.monotonic() < ends, "waited in vain"
        page.wait_for_timeout(50)


# Where a key sits, what is printed on it, and its number for the browser.
VIRTUAL = {
    **{f"Key{c}": ord(c) for c in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"},
    **{f"Digit{n}": 48 + n for n in range(10)},
}
SHIFT, ALT = 8, 1


def press_at(page: Page, code: str, key: str, modifiers: int = 0) -> None:
    """Press the key at a place of the keyboard as a layout writes it: ("KeyD", "в") on a Russian one."""
    session = page.context.new_cdp_session(page)
    told = {"code": code, "key": key, "modifiers": modifiers, "windowsVirtualKeyCode": VIRTUAL.get(code, 0)}
    writes = {} if modifiers & ALT else {"text": key, "unmodifiedText": key}
    session.send("Input.dispatchKeyEvent", {"type": "keyDown", **told, **writes})
    session.send("Input.dispatchKeyEvent", {"type": "keyUp", **told})
    session.detach()
