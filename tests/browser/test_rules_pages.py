"""Can a manager change the rules, knowing beforehand, and does a rep hear at once and say what fits?"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.utils import timezone

from crm.accounts.models import User
from leads.identity import Identity
from leads.models import GuardRule, Lead
from leads.register import NewLead, PhoneInput, create_lead
from touchpoints import engine, pursue, record, reevaluate, rulesets
from touchpoints.models import IceBreaker, Promise, TalkTrack, WarmthRuleset

if TYPE_CHECKING:
    from playwright.sync_api import Page

ALL_DAY = {day: [["00:00", "24:00"]] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}


@pytest.fixture
def known(live_server: Any, ada: User) -> Callable[..., Lead]:
    """known("Will", event=60, referral=3): a lead of Ada's with touchpoints so many days ago, evaluated."""

    def make(name: str, **days: int) -> Lead:
        GuardRule.objects.filter(jurisdiction__startswith="US").update(
            windows=ALL_DAY, closed_on_holidays=False
        )
        now = timezone.now()
        lead = create_lead(
            NewLead(
                {
                    "first_name": name,
                    "last_name": "Jones",
                    "company": "Acme",
                    "time_zone": "America/New_York",
                },
                [PhoneInput(f"+1212555{Lead.objects.count() + 100:04d}")],
            ),
            owner=ada,
            now=now,
        )
        for kind, ago in days.items():
            record.record(
                record.NewTouchpoint(
                    kind=kind,
                    occurred_at=now - timedelta(days=ago),
                    lead=Identity(id=lead.pk),
                    network="LinkedIn" if kind.startswith("social") else "",
                    campaign="ABC Expo" if kind == "event" else "",
                    referred_by="Ann Lee" if kind == "referral" else "",
                ),
                user=ada,
                now=now,
            )
        engine.evaluate_waiting(now=now)
        lead.refresh_from_db()
        return lead

    return make


@pytest.fixture
def draft(page: Page, sign_in: Callable[..., None], max_: User) -> Callable[[], None]:
    """The manager begins a draft on the page of the rules; the mark is lost by whoever reloads the page."""

    def begin() -> None:
        sign_in(page, max_)
        page.goto("/rules/")
        page.get_by_role("button", name="Change the rules").click()
        page.wait_for_url("**/rules/draft/")
        page.evaluate("window.mark = 'kept'")

    return begin


def row(page: Page, words: str) -> Any:
    return page.locator(".rule-table tbody tr", has_text=words)


def change(page: Page, words: str, days: int) -> None:
    row(page, words).get_by_role("link", name="Edit").click()
    page.locator(".rule-form [name=warms_for_days]").fill(str(days))
    page.locator(".rule-form").get_by_role("button", name="Save in the draft").click()
    page.locator(".rule-form").wait_for(state="detached")


def focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.id"))


def test_a_manager_sees_what_a_change_does_before_it_does_it(
    page: Page, known: Callable[..., Lead], draft: Callable[[], None]
) -> None:
    warms, cools, stays = known("Will", event=60), known("Cora", social_follow=5), known("Stu", referral=3)
    draft()
    change(page, "Met in person at an event warms for 45 days", 100)
    change(page, "Followed us warms for 21 days", 2)
    page.get_by_role("link", name="Preview").click()
    said = page.locator(".preview-sum").inner_text()
    assert "This change would warm 1 lead and cool 1. of 3 leads" in said
    sample = page.locator(".sample tbody tr")
    assert sample.count() == 2
    will = sample.filter(has_text="Will Jones").inner_text()
    assert re.search(r"Cold since .*Warm until", will, re.DOTALL)
    assert page.evaluate("window.mark") == "kept"
    assert [Lead.objects.get(pk=one.pk).temperature for one in (warms, cools)] == ["cold", "warm"]

    page.get_by_role("button", name="Publish").click()
    page.get_by_role("button", name="Go on").click()
    page.wait_for_url("**/rules/")
    page.get_by_text("Evaluating all leads by version 2").wait_for()
    page.evaluate("window.mark = 'kept'")
    reevaluate.run_rule_changes(clock=timezone.now)
    page.get_by_text("All 3 leads were evaluated by version 2: 1 turned warm, 1 turned cold").wait_for()
    assert page.evaluate("window.mark") == "kept"
    temperatures = [Lead.objects.get(pk=one.pk).temperature for one in (warms, cools, stays)]
    assert temperatures == ["warm", "cold", "warm"]


def test_rules_are_put_in_order_by_keyboard(page: Page, draft: Callable[[], None], live_server: Any) -> None:
    draft()
    change(page, "Webinar warms for 30 days", 31)
    moved = WarmthRuleset.objects.get(status="draft").rules.get(kind="webinar")
    assert (moved.position, focused(page)) == (12, f"edit-{moved.pk}")
    page.keyboard.press("Tab")
    for place in (11, 10):
        assert focused(page) == f"up-{moved.pk}"
        page.keyboard.press("Enter")
        page.wait_for_selector(f"#rule-{moved.pk} >> text='{place}'")
    moved.refresh_from_db()
    assert (moved.position, focused(page)) == (10, f"up-{moved.pk}")
    assert page.evaluate("window.mark") == "kept"


def test_what_was_typed_wrong_is_said_where_the_focus_is(
    page: Page, draft: Callable[[], None], live_server: Any
) -> None:
    draft()
    page.get_by_role("link", name="Add a rule").click()
    page.locator(".rule-form [name=kind]").select_option("event")
    page.locator(".rule-form [name=warms_for_days]").fill("99999")
    page.locator(".rule-form [name=campaign]").fill("ABC Expo")
    page.keyboard.press("Enter")
    page.locator(".rule-form .errorlist").wait_for()
    assert focused(page) == "id_warms_for_days"
    page.locator("#id_warms_for_days").fill("90")
    page.keyboard.press("Enter")
    page.locator(".rule-form").wait_for(state="detached")
    made = rulesets.current_draft().rules.get(campaign="ABC Expo")  # type: ignore[union-attr]
    assert focused(page) == f"edit-{made.pk}"
    assert "campaign “ABC Expo”" in row(page, "Met in person at an event warms for 90 days").inner_text()


def test_an_opening_line_is_heard_while_it_is_typed(
    page: Page, sign_in: Callable[..., None], max_: User, live_server: Any
) -> None:
    sign_in(page, max_)
    page.goto("/rules/lines/?kind=referral")
    page.get_by_label("Kind of touchpoint").select_option("event")
    line = page.locator("#line-en-formal")
    page.locator("#text-en-formal", has_text="We met").wait_for()
    page.locator("#text-en-formal").fill("We shook hands {when}[ at {campaign}].")
    line.get_by_text(re.compile(r"“We shook hands [\w ]+ at ABC Expo\.”")).wait_for()
    # Of what a colleague did nothing is claimed.
    assert "shook" not in line.locator("li", has_text="Bo Chen").inner_text()
    page.locator("#text-en-formal").fill("We met at {place}.")
    line.get_by_text("{place} is no fact").wait_for()
    page.locator("#text-en-formal").fill("We shook hands {when}.")
    line.get_by_role("button", name="Save").click()
    line.get_by_text("Saved.").wait_for()
    assert IceBreaker.objects.get(kind="event", language="en", tone="formal").text == "We shook hands {when}."
    line.get_by_role("button", name="Back to the built-in wording").click()
    page.locator("#text-en-formal", has_text="My colleague").wait_for()


def test_a_hand_raise_is_heard_of_without_a_reload(
    page: Page,
    sign_in: Callable[..., None],
    known: Callable[..., Lead],
    api_key: Callable[..., str],
    ada: User,
) -> None:
    lead = known("Priya")
    sign_in(page, ada)
    page.goto("/leads/")
    page.evaluate("window.mark = 'kept'")
    page.wait_for_timeout(1200)
    assert page.locator("#toasts .toast").count() == 0
    posted = page.request.post(
        "/api/v1/touchpoints/",
        headers={"Authorization": f"Bearer {api_key(ada)}"},
        data={
            "kind": "web_form",
            "occurred_at": timezone.now().isoformat(),
            "source": "site",
            "external_id": "f1",
            "lead": {"id": lead.pk},
        },
    )
    assert posted.status == 201, posted.text()
    engine.evaluate_waiting(now=timezone.now())
    # What a page that comes to the front does, and every page four times a minute.
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    toast = page.locator("#toasts .toast", has_text="Priya Jones")
    toast.wait_for()
    assert "asked to be contacted" in toast.inner_text()
    assert page.evaluate("window.mark") == "kept"
    toast.get_by_role("link", name="call now").click()
    page.wait_for_selector(f'#screen[data-lead="{lead.pk}"]')


def places(page: Page) -> list[Any]:
    """Where everything stands that must never move or leave the screen."""
    parts = (".guard", "#who", ".call-numbers", "#why-now", "#track", ".ask", ".outcomes", "#notes")
    return [page.locator(f"#screen {part}").first.bounding_box() for part in parts]


def test_the_rep_says_another_thing_first_and_nothing_moves(
    page: Page, sign_in: Callable[..., None], known: Callable[..., Lead], ada: User
) -> None:
    lead = known("Marta", event=20, referral=60, social_follow=4, direct_mail=10)
    now = timezone.now()
    Promise.objects.create(
        lead=lead, text="the checklist", made_at=now - timedelta(days=2), due_at=now, made_by=ada
    )
    TalkTrack.objects.create(
        name="Meters",
        language="en",
        opening="This is Lumenvale. Is this a good moment?",
        pitch="We find out where a building wastes power, with small meters on the fuse board for two weeks. "
        "Most places find a tenth of their bill. May I ask two quick questions?",
        questions=[
            {"question": f"What runs in hall {n} when nobody is there?", "tip": "Advice: note the meter."}
            for n in range(3)
        ],
        approved_at=now,
    )
    pursue.start([lead], by=ada, now=now)
    sign_in(page, ada)
    page.goto(f"/call/?lead={lead.pk}")
    before = places(page)
    assert all(box and box["y"] + box["height"] <= 720 for box in before)
    assert (
        page.evaluate(
            "(() => { const w = document.querySelector('.call-why'); return w.scrollHeight - w.clientHeight })()"
        )
        <= 0
    )
    line = page.locator("#opening-line")
    first = line.inner_text()
    # What was promised comes before any evidence.
    assert re.match(r"“Good \w+, Marta Jones\. We promised you [\w ]+: the checklist\. Ann Lee", first)
    page.locator(".say-first input:checked").focus()
    page.keyboard.press("ArrowDown")
    page.wait_for_function("was => document.getElementById('opening-line').innerText !== was", arg=first)
    second = line.inner_text()
    chosen = page.locator(".say-first li:has(:checked)").inner_text().lower()
    assert ("linkedin" in chosen) == ("LinkedIn" in second)
    assert [round(box["y"]) for box in places(page)[:4]] == [round(box["y"]) for box in before[:4]]
    page.keyboard.press("ArrowUp")
    page.wait_for_function("was => document.getElementById('opening-line').innerText === was", arg=first)
    # A choice among the evidence is no typing: the keys go on working.
    page.keyboard.press("d")
    page.wait_for_selector("#screen:not([data-call=''])")


def test_enter_opens_the_only_one_that_was_looked_up(
    page: Page, sign_in: Callable[..., None], known: Callable[..., Lead], ada: User
) -> None:
    lead = known("Olga")
    sign_in(page, ada)
    page.goto("/leads/")
    page.keyboard.press("/")
    page.keyboard.type("212-555-0100")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/leads/{lead.pk}/")
