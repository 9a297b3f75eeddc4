"""Do the docs show in a real browser, offline and under the content security policy?"""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect


def test_the_docs_list_the_operations(page: Page, live_server) -> None:
    """The `page` fixture fails on any breach of the policy."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{live_server.url}/api/docs/")
    expect(page.locator(".opblock").first).to_be_visible(timeout=60_000)
    expect(page.locator("#operations-touchpoints-touchpoints_post")).to_be_visible()
    assert page.locator(".opblock").count() >= 40
    assert all(re.match(rf"{live_server.url}/|data:", url) for url in asked)
