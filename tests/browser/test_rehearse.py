"""Is a call rehearsed by keyboard as it is made, and a talk track written while it is counted and read?"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.urls import reverse
from django.utils import timezone

from crm.accounts.models import User
from touchpoints import rehearsal, talk_tracks
from touchpoints.models import CallAttempt, Dial, TalkTrack

if TYPE_CHECKING:
    from playwright.sync_api import Page


def with_objections() -> int:
    """A seed whose first round is somebody with objections."""
    return next(
        seed for seed in range(100) if rehearsal.scene(seed, 0, language="en", objections=5).objections
    )


def test_the_keys_of_a_call_rehearse_one_and_nothing_is_dialled(
    live_server: Any, page: Page, sign_in: Callable[..., None], ada: User
) -> None:
    asked: list[str] = []
    sign_in(page, ada)
    page.on("request", lambda request: asked.append(request.url) if request.method == "POST" else None)
    page.goto(f"{reverse('rehearse')}?seed={with_objections()}")
    assert page.locator(".rehearsal-strip").is_visible()
    # An outcome before the dial is no outcome.
    page.keyboard.press("1")
    page.locator("#toasts .toast", has_text="Dial first").wait_for()
    page.keyboard.press("d")
    page.wait_for_selector("[data-timer]")
    page.keyboard.press("d")
    page.wait_for_selector(".they-say li:nth-child(2)")
    panel = page.locator("#objections")
    assert not panel.is_visible()
    page.keyboard.press("o")
    assert panel.is_visible()
    page.keyboard.press("o")
    page.locator("#rehearsal input[name=answer_1]").fill("cost")
    assert "measure a month" in page.locator("[data-tip]").first.inner_text()
    page.keyboard.press("Escape")
    # A conversation waits to be finished; one key is no slip of the hand.
    page.keyboard.press("8")
    assert page.locator("#notes").evaluate("node => node === document.activeElement")
    page.keyboard.press("Control+Enter")
    page.get_by_text("2 of 5").wait_for()
    page.keyboard.press("Escape")
    page.keyboard.press("z")
    page.get_by_text("1 of 5", exact=True).first.wait_for()
    page.wait_for_selector("[data-timer]")
    page.keyboard.press("1")
    page.get_by_text("2 of 5").wait_for()
    page.get_by_role("button", name="Enough").click()
    page.get_by_role("heading", name="What you practised").wait_for()
    assert "No answer" in page.locator("#rehearsal table").inner_text()
    assert {url.partition("?")[0].removeprefix(live_server.url) for url in asked} == {reverse("rehearse")}
    assert not CallAttempt.objects.exists()
    assert not Dial.objects.exists()


def test_a_pitch_is_counted_and_read_while_it_is_typed(
    live_server: Any, page: Page, sign_in: Callable[..., None], max_: User
) -> None:
    draft = talk_tracks.start("Meters", "en", by=max_, now=timezone.now())
    sign_in(page, max_)
    page.goto(reverse("rules_track", args=[draft.pk]))
    page.locator("#id_pitch").fill("word " * 60 + "– {first_name}")
    assert page.locator("[data-count]").inner_text() == "61"
    page.locator("#preview", has_text="The pitch has 61 words").wait_for()
    page.locator("#id_pitch").fill("Two weeks of measuring.")
    page.locator("#preview .pitch", has_text="Two weeks of measuring.").wait_for()
    page.locator('[data-part="objections"] [data-add-row]').click()
    page.keyboard.type("We are too small.")
    page.locator('[name="objections-6-answer"]').fill("Then it is quick.")
    page.get_by_role("button", name="Approve and use").click()
    page.wait_for_url(f"**{reverse('rules_tracks')}")
    kept = TalkTrack.objects.in_use().get(pk=draft.pk)
    assert kept.pitch == "Two weeks of measuring."
    assert kept.objections[-1] == {"objection": "We are too small.", "answer": "Then it is quick."}
