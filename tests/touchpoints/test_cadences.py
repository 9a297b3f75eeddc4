"""Can a manager change a plan without changing what was promised, and does the plan say where its steps fall?"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.urls import reverse

from leads.models import AuditEvent, Segment
from tests.touchpoints.leads_cast import make_lead
from touchpoints import cadences, guarding, plan_picture, pursue
from touchpoints.cadence import Plan, plan_all
from touchpoints.cadences import Step
from touchpoints.models import Cadence, Pursuit
from touchpoints.refusals import Invalid

if TYPE_CHECKING:
    from crm.accounts.models import User

pytestmark = pytest.mark.django_db

# A Tuesday morning in Copenhagen.
NOW = datetime(2026, 3, 3, 8, 0, tzinfo=UTC)
MAIL_FIRST = (
    Step(0, "mail", "sprint", "Hello {first_name}"),
    Step(1, "call", "sprint"),
    Step(2, "call", "sprint"),
)


def default(temperature: str = "cold") -> Cadence:
    return Cadence.objects.get(is_default=True, active=True, temperature=temperature, audience="business")


def test_a_change_is_a_new_version_and_old_pursuits_keep_theirs(max_: User, ada: User) -> None:
    lead = make_lead(owner=ada, phone="+45 32 12 34 56")
    (pursuit,) = pursue.start([lead], by=ada, now=NOW)
    old = default()
    new = cadences.change(old, replace(cadences.wanted_of(old), steps=MAIL_FIRST), by=max_, now=NOW)
    assert (new.key, new.version, new.target, new.is_default) == (old.key, old.version + 1, 2, True)
    old.refresh_from_db()
    pursuit.refresh_from_db()
    assert (old.active, old.is_default, old.steps.count()) == (False, False, 18)
    assert (pursuit.cadence, pursuit.target) == (old, 18)
    assert cadences.followed_by([old.key]) == {(old.key, old.version): 1}
    (other,) = pursue.start([make_lead("Bo", owner=ada, phone="+45 32 12 34 57")], by=ada, now=NOW)
    assert (other.cadence, other.target) == (new, 2)
    event = AuditEvent.objects.get(action="cadence.changed")
    assert (event.actor, len(event.before["steps"]), len(event.after["steps"])) == (max_, 18, 3)


def test_saving_what_is_there_already_makes_no_version(max_: User) -> None:
    old = default()
    assert cadences.change(old, cadences.wanted_of(old), by=max_, now=NOW) == old


def test_of_two_managers_the_second_is_told(max_: User) -> None:
    old = default()
    cadences.change(old, replace(cadences.wanted_of(old), recycle_after_days=90), by=max_, now=NOW)
    with pytest.raises(Invalid, match="meanwhile"):
        cadences.change(old, replace(cadences.wanted_of(old), recycle_after_days=60), by=max_, now=NOW)


@pytest.mark.parametrize(
    "changes, said",
    [
        pytest.param({"steps": (Step(0, "mail", text="hello"),)}, "must be a call", id="no call at all"),
        pytest.param({"steps": (Step(0), Step(1, "text"))}, "Step 2", id="a message without a text"),
        pytest.param({"steps": (Step(0), Step(900))}, "Step 2 waits 900", id="a wait of years"),
        pytest.param({"steps": (Step(0),) * 41}, "At most 40", id="too many steps"),
        pytest.param({"name": " "}, "name", id="no name"),
    ],
)
def test_a_plan_nobody_can_follow_is_refused(changes: dict[str, object], said: str, max_: User) -> None:
    old = default()
    with pytest.raises(Invalid, match=said):
        cadences.change(old, replace(cadences.wanted_of(old), **changes), by=max_, now=NOW)  # type: ignore[arg-type]
    assert Cadence.objects.filter(key=old.key).count() == 1


def test_a_copy_is_nobodys_until_it_is_given_to_somebody(max_: User, ada: User) -> None:
    mine = cadences.copy(default(), "Fair follow-up", by=max_, now=NOW)
    assert (mine.key, mine.version, mine.is_default) == ("fair-follow-up", 1, False)
    with pytest.raises(Invalid, match="already"):
        cadences.copy(default(), "Fair follow-up", by=max_, now=NOW)
    (pursuit,) = pursue.start([make_lead(owner=ada, phone="+45 32 12 34 56")], by=ada, now=NOW)
    assert pursuit.cadence == default()
    cadences.make_default(mine, by=max_, now=NOW)
    assert default() == mine
    with pytest.raises(Invalid, match="stays"):
        cadences.retire(default(), by=max_, now=NOW)


def test_the_leads_of_a_segment_follow_its_cadence(max_: User, ada: User) -> None:
    danes = Segment.objects.create(name="Danes", query={"country": "DK"}, owner=max_, shared=True)
    mine = cadences.copy(default(), "Danish", by=max_, now=NOW)
    cadences.change(mine, replace(cadences.wanted_of(mine), segment=danes), by=max_, now=NOW)
    dane = make_lead("Anna", owner=ada, phone="+45 32 12 34 56")
    swede = make_lead("Sven", owner=ada, phone="+46 8 123 456 78", country="SE")
    pursue.start([dane, swede], by=ada, now=NOW)
    keys = dict(Pursuit.objects.values_list("lead__first_name", "cadence__key"))
    assert keys == {"Anna": "danish", "Sven": "cold-18"}


def test_messages_take_a_place_in_the_plan_and_no_number() -> None:
    plan = Plan(2, (0, 1, 2), ("sprint",) * 3, ("mail", "call", "call"), "x")
    place = guarding.place_of(zone="Europe/Copenhagen", country="DK", region="", audience="business", now=NOW)
    slots = plan_all(plan, place, start=NOW)
    assert [(slot.channel, slot.attempt) for slot in slots] == [("mail", 1), ("call", 1), ("call", 2)]
    days = [slot.not_before.astimezone(ZoneInfo("Europe/Copenhagen")).date().isoformat() for slot in slots]
    assert days == ["2026-03-03", "2026-03-04", "2026-03-06"]
    assert slots[0].reason.startswith("before attempt 1 of 2")


def test_the_picture_runs_from_left_to_right_within_its_frame() -> None:
    plan = Plan(2, (0, 3, 9), ("a",) * 3, ("mail", "call", "call"), "x")
    picture = plan_picture.of_plan(plan)
    xs = [mark.x for mark in picture.marks]
    assert xs == sorted(xs)
    assert 0 < xs[0] < xs[-1] < picture.width
    assert [mark.attempt for mark in picture.marks] == [None, 1, 2]
    assert [week for _x, week in picture.weeks] == [1, 2, 3]


# --- the page ---------------------------------------------------------------------------------------------------


def form(cadence: Cadence, *steps: tuple[int, str, str], **other: str) -> dict[str, str]:
    sent = {
        "name": cadence.name,
        "recycle_after_days": "180",
        "position": "0",
        "steps-TOTAL_FORMS": str(len(steps)),
        "steps-INITIAL_FORMS": "0",
        "sample-zone": "Europe/Copenhagen",
        "sample-country": "DK",
    }
    for n, (wait, channel, text) in enumerate(steps):
        sent |= {f"steps-{n}-wait_days": str(wait), f"steps-{n}-channel": channel, f"steps-{n}-text": text}
    return sent | other


def test_the_preview_tells_the_time_of_the_sample_lead(max_: User) -> None:
    """The column says the same hours as the reason beside it: theirs."""
    client, old = Client(), default()
    client.force_login(max_)
    there = {"sample-zone": "Asia/Tokyo", "sample-country": "JP"}
    sent = form(old, (0, "call", ""), (1, "call", ""), preview="1", **there)
    answer = client.post(reverse("rules_cadence", args=[old.pk]), sent)
    page = answer.content.decode()
    assert len(answer.context["slots"]) == 2
    for one in answer.context["slots"]:
        assert f" {one['slot'].reason.rpartition(' ')[2]}</td>" in page.partition('class="nowrap"')[2]
        opens = one["slot"].not_before.astimezone(ZoneInfo("Asia/Tokyo"))
        assert f"{opens:%d %b %Y %H:%M}–".lstrip("0") in page


def test_a_preview_saves_nothing_and_shows_where_calls_fall(max_: User) -> None:
    client, old = Client(), default()
    client.force_login(max_)
    url = reverse("rules_cadence", args=[old.pk])
    assert len(client.get(url).context["slots"]) == 18
    answer = client.post(url, form(old, (0, "mail", "Hello"), (1, "call", ""), preview="1"))
    assert [one["slot"].channel for one in answer.context["slots"]] == ["mail", "call"]
    assert Cadence.objects.filter(key=old.key).count() == 1
    refused = client.post(url, form(old, (0, "mail", ""), (1, "call", "")))
    assert refused.status_code == 422
    assert "Step 1" in refused.content.decode()
    assert client.post(url, form(old, (0, "mail", "Hello"), (1, "call", ""))).status_code == 302
    assert default().target == 1
