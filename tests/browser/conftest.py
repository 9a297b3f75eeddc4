"""A rep's desk in a real browser: leads that are due and callable whatever the hour, and the call screen before her."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
from django.utils import timezone

from crm.accounts.models import Team, User
from leads.models import GuardRule, Lead
from leads.register import NewLead, PhoneInput, create_lead
from touchpoints import pursue
from touchpoints.models import FollowUp

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ALL_DAY = {day: [["00:00", "24:00"]] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}


@pytest.fixture
def desk(live_server: Any, ada: User) -> Callable[..., list[Lead]]:
    """desk(12): so many leads of Ada's, due now, callable whatever the hour, in the order of the queue.

    With `pool` they are a team's; each has so many `numbers`; `company` may hold {n}, the lead's number."""
    line = count(100)

    def make(many: int, *, pool: Team | None = None, numbers: int = 1, company: str = "Acme") -> list[Lead]:
        GuardRule.objects.filter(jurisdiction__startswith="US").update(
            windows=ALL_DAY, closed_on_holidays=False
        )
        now = timezone.now()
        leads = [
            create_lead(
                NewLead(
                    {
                        "first_name": "Jo",
                        "last_name": f"Lead{n:02}",
                        "value": str(1000 - n),
                        "company": company.format(n=n),
                    },
                    [PhoneInput(f"+1212555{next(line):04d}") for _ in range(numbers)],
                ),
                owner=None if pool else ada,
                team=pool,
                now=now,
            )
            for n in range(many)
        ]
        pursue.start(leads, by=ada, now=now)
        FollowUp.objects.update(due_at=now - timedelta(minutes=1))
        return leads

    return make


@pytest.fixture
def at_desk(page: Page, sign_in: Callable[..., None], ada: User) -> Callable[[], Page]:
    """The call screen with a mark on the window: whoever reloads the page loses it."""

    def open_screen() -> Page:
        sign_in(page, ada)
        page.goto("/call/")
        page.evaluate("window.mark = 'kept'")
        return page

    return open_screen


@pytest.fixture
def another_browser(browser: Browser, live_server: Any) -> Iterator[Callable[..., Page]]:
    """another_browser(): a page that shares nothing with the first one, of the given kind (has_touch=True)."""
    contexts = []

    def open_one(**kind: Any) -> Page:
        kind.setdefault("viewport", {"width": 1280, "height": 720})
        context = browser.new_context(base_url=live_server.url, locale="en-GB", **kind)
        context.set_default_timeout(10_000)
        contexts.append(context)
        return context.new_page()

    yield open_one
    for context in contexts:
        context.close()
