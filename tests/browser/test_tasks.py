"""Can what blocks leads be worked by keyboard alone, one task after the other?"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.utils import timezone

from crm.accounts.models import User
from leads.identity import Identity
from leads.models import Lead
from leads.register import NewLead, PhoneInput, create_lead
from touchpoints import record, todo
from touchpoints.models import Task, Touchpoint

if TYPE_CHECKING:
    from playwright.sync_api import Page


@pytest.fixture
def blocked(live_server: Any, ada: User) -> dict[str, Any]:
    """Ada's five things to do, oldest first: a number, a name, a zone, a consent, a match."""
    now = timezone.now()

    def lead(n: int, phones: tuple[str, ...], **fields: str) -> Lead:
        told = {"company": f"Firm {n}", "job_title": "Buyer", **fields}
        return create_lead(NewLead(told, [PhoneInput(one) for one in phones]), owner=ada, now=now)

    leads = {
        "find_number": lead(1, (), last_name="Number", country="US", region="NY"),
        "find_name": lead(2, ("+12125550102",)),
        "find_zone": lead(3, ("+18005550103",), last_name="Zone"),
        "record_consent": lead(4, ("+48221234567",), last_name="Consent", country="PL"),
    }
    for days, (kind, one) in enumerate(leads.items()):
        todo.ask(one, kind, f"what blocks {one}", now=now - timedelta(days=9 - days))
    one, _two = lead(5, (), email="one@acme.example"), lead(6, (), email="two@acme.example")
    one.external_id_rows.create(source="forms", external_id="1")
    report = record.NewTouchpoint(
        kind="event",
        occurred_at=now - timedelta(days=1),
        lead=Identity(source="forms", external_id="1", email="two@acme.example"),
        source="forms",
        external_id="t-1",
    )
    waiting = record.record(report, user=ada, now=now).unmatched
    assert waiting is not None
    return {**leads, "match": waiting, "first_candidate": one}


def in_hand(page: Page, item: str) -> None:
    page.wait_for_selector(f'#tasks[data-item="{item}"]')


def focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.name ?? document.activeElement.tagName"))


def task_of(blocked: dict[str, Any], kind: str) -> Task:
    return Task.objects.get(lead=blocked[kind], kind=kind)


def test_five_tasks_by_keyboard_alone(
    blocked: dict[str, Any], page: Page, sign_in: Callable[..., None], ada: User
) -> None:
    sign_in(page, ada)
    page.goto("/tasks/")
    page.evaluate("window.mark = 'kept'")
    keys = page.keyboard
    number, name, zone, consent = (
        task_of(blocked, kind) for kind in ("find_number", "find_name", "find_zone", "record_consent")
    )

    # A number: the field has the focus; a wrong one is refused where it stands, the right one leads on.
    in_hand(page, f"task-{number.pk}")
    assert focused(page) == "phone"
    keys.type("12")
    keys.press("Enter")
    page.wait_for_selector("#task-form [aria-invalid=true]")
    assert focused(page) == "phone"
    keys.press("Control+A")
    keys.type("212 555 0177")
    keys.press("Enter")
    in_hand(page, f"task-{name.pk}")

    # Z takes it back at once; then the same once more.
    keys.press("Escape")
    keys.press("z")
    in_hand(page, f"task-{number.pk}")
    number.refresh_from_db()
    assert number.done_at is None
    keys.type("212 555 0177")
    keys.press("Enter")
    in_hand(page, f"task-{name.pk}")

    # N and P only look; then the name.
    keys.press("Escape")
    keys.press("n")
    in_hand(page, f"task-{zone.pk}")
    keys.press("Alt+p")
    in_hand(page, f"task-{name.pk}")
    keys.press("Tab")
    keys.type("Ewa")
    keys.press("Tab")
    keys.type("Kowalska")
    keys.press("Enter")

    # A zone: a list is chosen from by typing; Enter confirms it.
    in_hand(page, f"task-{zone.pk}")
    assert focused(page) == "zone"
    keys.type("America/New_Y")
    keys.press("Enter")

    # A consent: its evidence is a text, which Ctrl+Enter sends from.
    in_hand(page, f"task-{consent.pk}")
    page.wait_for_function("document.activeElement.name === 'kind'")
    while focused(page) != "evidence":
        keys.press("Tab")
    keys.type("“yes, call me”, on the phone")
    keys.press("Control+Enter")

    # A match: one key chooses the candidate.
    in_hand(page, f"match-{blocked['match'].pk}")
    keys.press("1")
    in_hand(page, "")
    page.get_by_text("Nothing to do").wait_for()
    assert page.evaluate("window.mark") == "kept"
    assert not Task.objects.filter(done_at=None).exists()
    assert set(Task.objects.values_list("done_as", "done_by")) == {("fact", ada.pk)}
    blocked["find_name"].refresh_from_db()
    assert blocked["find_name"].person == "Ewa Kowalska"
    assert Touchpoint.objects.get().lead == blocked["first_candidate"]


def test_what_cannot_be_done_asks_why_and_what_was_found_out_is_kept(
    blocked: dict[str, Any], page: Page, sign_in: Callable[..., None], ada: User
) -> None:
    sign_in(page, ada)
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto("/tasks/")
    number, name = task_of(blocked, "find_number"), task_of(blocked, "find_name")
    in_hand(page, f"task-{number.pk}")
    # The research panel beside it, by its key and back.
    page.keyboard.press("Alt+i")
    page.wait_for_selector("#research-form")
    page.wait_for_function("document.activeElement.name === 'decision_role'")
    page.keyboard.type("signs alone")
    page.keyboard.press("Control+Enter")
    page.get_by_text("signs alone").wait_for()
    page.keyboard.press("c")
    assert focused(page) == "reason"
    page.keyboard.type("ex-directory")
    page.keyboard.press("Enter")
    in_hand(page, f"task-{name.pk}")
    number.refresh_from_db()
    assert (number.done_as, number.note) == ("cannot", "ex-directory")
    number.lead.refresh_from_db()
    assert number.lead.decision_role == "signs alone"
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= 390
