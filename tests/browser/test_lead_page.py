"""Is a lead's page readable on any screen, whatever was written about the lead?"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from django.utils import timezone

from crm.accounts.models import User
from leads.models import Lead

if TYPE_CHECKING:
    from playwright.sync_api import Page

LEGIBLE = 100  # so many pixels hold a word


@pytest.mark.parametrize("width", [390, 1280])
def test_a_long_question_leaves_room_for_its_answer(
    page: Page, desk: Callable[..., list[Lead]], sign_in: Callable[..., None], ada: User, width: int
) -> None:
    (lead,) = desk(1)
    lead.answers.create(
        field="bill",
        question="How did the last power bill compare with the year before, all sites taken together?",
        answer="about the same",
        at=timezone.now(),
    )
    page.set_viewport_size({"width": width, "height": 900})
    sign_in(page, ada)
    page.goto(lead.get_absolute_url())
    shown: list[Any] = page.locator(".facts dd").evaluate_all(
        "all => all.map(one => one.getBoundingClientRect().width)"
    )
    assert len(shown) > 4
    assert min(shown) >= LEGIBLE
    assert page.evaluate("document.documentElement.scrollWidth") == width
