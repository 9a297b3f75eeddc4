"""Do two reps in two browsers work one pool without ever having the same lead before them?"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

from django.utils import timezone

from crm.accounts.models import Team, User
from leads.models import Lead
from tests.browser.keys import dial, outcomes_of, until
from touchpoints.models import CallAttempt, FollowUp

if TYPE_CHECKING:
    from playwright.sync_api import Page

Desk = Callable[..., list[Lead]]
Browsers = Callable[..., "Page"]
SignIn = Callable[["Page", User], None]


def lead_of(page: Page) -> int | None:
    shown = page.locator("#screen").get_attribute("data-lead")
    return int(shown) if shown else None


def sit_down(page: Page, user: User, sign_in: SignIn) -> Page:
    sign_in(page, user)
    page.goto("/call/")
    return page


def test_twenty_leads_of_one_pool_each_before_one_rep(
    desk: Desk, another_browser: Browsers, sign_in: SignIn, ada: User, bea: User, north: Team
) -> None:
    leads = desk(20, pool=north, company="Firm {n}")
    reps = {user.pk: sit_down(another_browser(), user, sign_in) for user in (ada, bea)}
    shown: dict[int, list[int]] = {user: [] for user in reps}
    while True:
        before = {user: lead_of(page) for user, page in reps.items()}
        at_work = {user: lead for user, lead in before.items() if lead is not None}
        if not at_work:
            break
        assert len(set(at_work.values())) == len(at_work), "one lead before both"
        # Both press at once, as near as two keyboards come to it.
        for user in at_work:
            shown[user].append(at_work[user])
            reps[user].keyboard.press("d")
        for user in at_work:
            reps[user].wait_for_selector("#screen:not([data-call=''])")
        for user in at_work:
            reps[user].keyboard.press("1" if len(shown[user]) % 2 else "4")
        for user, lead in at_work.items():
            reps[user].wait_for_selector(f"#screen:not([data-lead='{lead}'])")
    ada_had, bea_had = (set(had) for had in shown.values())
    assert not ada_had & bea_had
    assert ada_had | bea_had == {lead.pk for lead in leads}
    assert min(len(ada_had), len(bea_had)) >= 5
    assert sorted(CallAttempt.objects.values_list("lead", flat=True)) == sorted(lead.pk for lead in leads)
    assert all(len(outcomes_of(lead)) == 1 for lead in leads)


def test_a_lead_is_free_when_its_rep_signs_out_or_is_gone_for_too_long(
    desk: Desk, another_browser: Browsers, sign_in: SignIn, ada: User, bea: User, north: Team
) -> None:
    (lead,) = desk(1, pool=north)
    one, two = (sit_down(another_browser(), user, sign_in) for user in (ada, bea))
    assert (lead_of(one), lead_of(two)) == (lead.pk, None)
    one.locator(".top-end details summary").click()
    one.get_by_role("button", name="Sign out").click()
    one.wait_for_url("**/account/login/**")
    two.reload()
    assert lead_of(two) == lead.pk
    # Bea's machine is shut: nothing renews the lease, and three minutes later the lead is another's.
    two.close()
    sit_down(one, ada, sign_in)
    assert lead_of(one) is None
    FollowUp.objects.filter(lead=lead).update(lease_until=timezone.now() - timedelta(seconds=1))
    one.reload()
    assert lead_of(one) == lead.pk


def test_an_open_page_renews_its_lease_and_an_open_call_needs_none(
    desk: Desk, another_browser: Browsers, sign_in: SignIn, ada: User, bea: User, north: Team
) -> None:
    (lead,) = desk(1, pool=north)
    one, two = (sit_down(another_browser(), user, sign_in) for user in (ada, bea))
    soon = timezone.now() + timedelta(seconds=20)
    FollowUp.objects.filter(lead=lead).update(lease_until=soon)
    with one.expect_response("**/call/renew/"):
        one.evaluate("htmx.ajax('POST', '/call/renew/', {source: '#screen', swap: 'none'})")
    until(one, lambda: FollowUp.objects.get(lead=lead).lease_until > soon + timedelta(minutes=1))
    dial(one)
    FollowUp.objects.filter(lead=lead).update(lease_until=timezone.now() - timedelta(minutes=1))
    two.reload()
    assert lead_of(two) is None
    # Who asks for it by its address sees it, and does not ring a second time.
    two.goto(f"/call/?lead={lead.pk}")
    two.keyboard.press("d")
    two.wait_for_timeout(400)
    assert two.locator("#screen").get_attribute("data-call") == ""
    assert CallAttempt.objects.count() == 1
