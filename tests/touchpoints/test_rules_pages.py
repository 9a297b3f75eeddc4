"""Do the pages of rules show, change and refuse what they should, for managers and admins alone?"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format

from leads.models import AuditEvent, Lead, Segment
from touchpoints import engine, reevaluate, rule_words, rulesets
from touchpoints.models import IceBreaker, RuleChangeRun, Touchpoint, TouchpointKind, WarmthRuleset

if TYPE_CHECKING:
    from django.test import Client

    from crm.accounts.models import User

pytestmark = pytest.mark.django_db
READING = (
    "rules",
    "rules_run",
    "rules_versions",
    "rules_kinds",
    "rules_lines",
    "rules_history",
    "rules_cadences",
    "rules_outcomes",
    "rules_guard",
)
HX = {"headers": {"HX-Request": "true"}}


@pytest.fixture
def manager(client: Client, max_: User) -> Client:
    client.force_login(max_)
    return client


@pytest.fixture
def draft(max_: User) -> WarmthRuleset:
    return rulesets.draft(by=max_, now=timezone.now())


def met(days: int, **fields: object) -> Lead:
    now = timezone.now()
    lead = Lead.objects.create(created_at=now, **fields)
    Touchpoint.objects.create(
        lead=lead,
        kind_id="event",
        campaign="ABC Expo",
        direction="inbound",
        occurred_at=now - timedelta(days=days),
        recorded_at=now,
    )
    engine.evaluate_leads([lead.pk], now=now)
    return lead


@pytest.mark.parametrize("name", READING)
def test_managers_and_admins_read_and_reps_do_not(
    client: Client, ada: User, max_: User, root: User, name: str
) -> None:
    assert client.get(reverse(name)).status_code == 302
    for user, status in ((ada, 403), (max_, 200), (root, 200)):
        client.force_login(user)
        assert client.get(reverse(name)).status_code == status


def test_rules_are_said_in_words(manager: Client) -> None:
    page = manager.get(reverse("rules")).content.decode()
    assert "Referral warms for 90 days, counts at most 3" in page
    assert " warms nobody alone (−21 days), counts at most 3" in page


@pytest.mark.parametrize(
    ("days", "said"),
    [
        (45, "Referral warms for 45 days"),
        (1, "Referral warms for 1 day"),
        (1.4, "Referral warms for 1.4 days"),
        (0, "Referral warms nobody alone (0 days)"),
        (-1, "Referral warms nobody alone (−1 day)"),
        (-10.5, "Referral warms nobody alone (−10.5 days)"),
    ],
)
def test_the_days_of_a_rule_are_said_as_people_count(draft: WarmthRuleset, days: float, said: str) -> None:
    (rule,) = draft.rules.filter(kind="referral")
    rule.warms_for_days = days
    assert rule_words.in_words(rule) == f"{said}, counts at most 3"


def test_a_draft_is_begun_edited_and_discarded(manager: Client, max_: User) -> None:
    assert manager.get(reverse("rules_draft")).status_code == 302
    assert manager.post(reverse("rules_draft_start")).status_code == 302
    draft = WarmthRuleset.objects.get(status="draft")
    assert (draft.version, draft.rules.count()) == (2, 23)
    assert draft.created_by == max_
    first, second = draft.rules.all()[:2]
    page = manager.get(reverse("rules_draft") + f"?rule={first.pk}", **HX).content.decode()
    assert page.lstrip().startswith("<div")
    assert 'name="warms_for_days"' in page
    values = {"kind": first.kind_id, "warms_for_days": "100", "counts_at_most": "4", "active": "on"}
    answer = manager.post(reverse("rules_draft_change", args=[first.pk]), values, **HX)
    assert "Referral warms for 100 days, counts at most 4" in answer.content.decode()
    manager.post(reverse("rules_draft_change", args=[first.pk]), {"do": "down"}, **HX)
    assert [rule.pk for rule in draft.rules.all()[:2]] == [second.pk, first.pk]
    manager.post(reverse("rules_draft_settings"), {"half_life_days": "10", "note": "autumn"})
    manager.post(reverse("rules_draft_change", args=[second.pk]), {"do": "remove"})
    draft.refresh_from_db()
    assert (draft.half_life_days, draft.note, draft.rules.count()) == (10, "autumn", 22)
    assert list(draft.rules.values_list("position", flat=True)) == list(range(1, 23))
    assert engine.published().rules.count() == 23
    manager.post(reverse("rules_draft_discard"))
    assert not WarmthRuleset.objects.filter(status="draft").exists()
    assert AuditEvent.objects.filter(action="rules_discarded", actor=max_).exists()


@pytest.mark.parametrize(
    "field, value, said",
    [
        ("counts_at_most", "0", "greater than or equal to 1"),
        ("warms_for_days", "9999", "less than or equal to 3650"),
        ("warms_for_days", "soon", "Enter a number"),
        ("kind", "nothing", "Select a valid choice"),
    ],
)
def test_a_wrong_value_is_refused_at_its_field(
    manager: Client, draft: WarmthRuleset, field: str, value: str, said: str
) -> None:
    values = {"kind": "event", "warms_for_days": "9", "counts_at_most": "1", "active": "on", field: value}
    answer = manager.post(reverse("rules_draft_add"), values, **HX)
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert draft.rules.count() == 23


@pytest.mark.parametrize(
    "query",
    [{"temperature": "warm"}, {"owner": ["me"]}, {"pursuit": "open"}, {"nonsense": "1"}, {"stage": "x"}],
)
def test_a_segment_that_rests_on_warmth_or_on_the_reader_is_refused(
    manager: Client, draft: WarmthRuleset, max_: User, query: dict[str, object]
) -> None:
    segment = Segment.objects.create(name="mine", owner=max_, query=query)
    values = {"kind": "event", "warms_for_days": "9", "counts_at_most": "1", "segment": segment.pk}
    answer = manager.post(reverse("rules_draft_add"), values, **HX)
    assert answer.status_code == 422
    assert "A rule cannot use it" in answer.content.decode()
    # One that was turned into such a one later stops the publication.
    rulesets.add_rule(
        draft, {"kind_id": "event", "segment_id": segment.pk, "warms_for_days": 9, "counts_at_most": 1}
    )
    with pytest.raises(rulesets.RulesRefused, match="cannot be used"):
        rulesets.publish(draft, by=max_, now=timezone.now())
    assert "cannot be published yet" in manager.get(reverse("rules_draft_preview"), **HX).content.decode()


def test_a_rule_with_conditions_comes_before_the_one_that_takes_all(draft: WarmthRuleset) -> None:
    made = rulesets.add_rule(
        draft, {"kind_id": "event", "campaign": "ABC Expo", "warms_for_days": 80, "counts_at_most": 1}
    )
    rules = list(draft.rules.filter(kind="event"))
    assert rules[0] == made
    assert rulesets.unreachable(list(draft.rules.all())) == set()
    rulesets.move_rule(made, by=99)
    assert rulesets.unreachable(list(draft.rules.all())) == {made.pk}


def test_the_preview_says_how_many_and_publishing_asks_for_what_was_seen(
    manager: Client, draft: WarmthRuleset, ada: User
) -> None:
    lead = met(60, first_name="Will", owner=ada, team=ada.team)
    rule = draft.rules.get(kind="event")
    rulesets.change_rule(rule, {"warms_for_days": 100})
    seen = manager.get(reverse("rules_draft_preview"), **HX)
    page = seen.content.decode()
    assert "This change would warm 1 lead and cool 0." in page
    assert "Will" in page
    assert "met at ABC Expo" in page
    stamp = seen.context["stamp"]
    rulesets.change_rule(rule, {"warms_for_days": 101})
    manager.post(reverse("rules_draft_publish"), {"stamp": stamp})
    assert engine.published().version == 1
    assert manager.get(reverse("rules_draft_preview")).status_code == 200  # without the script, too
    again = manager.get(reverse("rules_draft_preview"), **HX).context["stamp"]
    manager.post(reverse("rules_draft_publish"), {"stamp": again})
    assert engine.published().version == 2
    assert 'hx-trigger="every 1s"' in manager.get(reverse("rules_run"), **HX).content.decode()
    reevaluate.run_rule_changes(clock=timezone.now)
    done = manager.get(reverse("rules_run"), **HX).content.decode()
    assert "hx-trigger" not in done
    assert "1 turned warm" in done
    assert Lead.objects.warm(now=timezone.now()).get() == lead
    versions = manager.get(reverse("rules_versions")).content.decode()
    assert "Version 1" in versions
    assert "Version 2" in versions
    assert manager.get(reverse("rules_version", args=[1])).status_code == 200
    history = manager.get(reverse("rules_history")).content.decode()
    assert "1 promotion and 0 coolings" in history
    assert "rule change" in history


def test_the_sample_holds_only_leads_the_manager_may_see(
    manager: Client, draft: WarmthRuleset, cy: User
) -> None:
    met(60, first_name="Foreign", owner=cy, team=cy.team)
    rulesets.change_rule(draft.rules.get(kind="event"), {"warms_for_days": 100})
    page = manager.get(reverse("rules_draft_preview"), **HX).content.decode()
    assert "would warm 1 lead and" in page
    assert "Foreign" not in page


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])  # never on the same day
def test_the_days_of_the_sample_are_the_managers(
    manager: Client, max_: User, draft: WarmthRuleset, zone: str
) -> None:
    lead = met(60, first_name="Will", owner=max_, team=max_.team)
    rulesets.change_rule(draft.rules.get(kind="event"), {"warms_for_days": 100})
    max_.time_zone = zone
    max_.save()
    page = manager.get(reverse("rules_draft_preview"), **HX).content.decode()
    lead.refresh_from_db()
    assert lead.evidence_until is not None
    assert f"Cold since {date_format(lead.evidence_until.astimezone(ZoneInfo(zone)), 'j F')}" in page


def test_the_draft_says_what_was_taken_out(manager: Client, draft: WarmthRuleset) -> None:
    assert "Taken out" not in manager.get(reverse("rules_draft")).content.decode()
    rulesets.change_rule(draft.rules.get(kind="event"), {"warms_for_days": 100})
    rulesets.remove_rule(draft.rules.get(kind="webinar"))
    page = manager.get(reverse("rules_draft"))
    assert page.context["taken_out"] == ["Webinar warms for 30 days, counts at most 2"]
    assert "Taken out" in page.content.decode()


def test_reps_change_nothing(client: Client, ada: User, draft: WarmthRuleset) -> None:
    client.force_login(ada)
    rule = draft.rules.first()
    assert rule is not None
    for name, arguments in (
        ("rules_draft_start", []),
        ("rules_draft_add", []),
        ("rules_draft_change", [rule.pk]),
        ("rules_draft_settings", []),
        ("rules_draft_publish", []),
        ("rules_draft_discard", []),
        ("rules_kinds", []),
        ("rules_kind", ["event"]),
        ("rules_kind_remove", ["event"]),
        ("rules_line", ["event"]),
    ):
        assert client.post(reverse(name, args=arguments), {"do": "remove"}).status_code == 403
    assert draft.rules.count() == 23


# --- kinds and lines ------------------------------------------------------------------------------------------

BREAKFAST = {
    "key": "breakfast",
    "label": "Breakfast",
    "direction": "inbound",
    "icon": "cake",
    "warms_for_days": "20",
    "counts_at_most": "2",
}


def test_a_kind_of_ones_own_comes_with_its_rule_in_the_draft(manager: Client) -> None:
    assert manager.post(reverse("rules_kinds"), BREAKFAST).status_code == 302
    kind = TouchpointKind.objects.get(pk="breakfast")
    assert not kind.builtin
    rule = WarmthRuleset.objects.get(status="draft").rules.get(kind=kind)
    assert (rule.warms_for_days, rule.counts_at_most) == (20, 2)
    assert not engine.published().rules.filter(kind=kind).exists()
    again = manager.post(reverse("rules_kinds"), BREAKFAST)
    assert again.status_code == 422
    assert "already" in again.content.decode()
    assert manager.post(reverse("rules_kind_remove", args=["breakfast"])).status_code == 302
    assert not TouchpointKind.objects.filter(pk="breakfast").exists()


def test_an_unknown_icon_is_refused(manager: Client) -> None:
    answer = manager.post(reverse("rules_kinds"), {**BREAKFAST, "icon": "no-such"})
    assert answer.status_code == 422
    assert not TouchpointKind.objects.filter(pk="breakfast").exists()


def test_built_in_kinds_stay_and_keep_their_meaning(manager: Client) -> None:
    manager.post(reverse("rules_kind_remove", args=["event"]))
    values = {"label": "Fair", "icon": "", "active": "on", "hand_raise": "on", "direction": "outbound"}
    assert manager.post(reverse("rules_kind", args=["event"]), values).status_code == 302
    kind = TouchpointKind.objects.get(pk="event")
    assert (kind.label, kind.hand_raise, kind.direction) == ("Fair", False, "inbound")


def test_a_kind_in_use_cannot_be_deleted(manager: Client) -> None:
    manager.post(reverse("rules_kinds"), BREAKFAST)
    lead = met(1, first_name="Al")
    Touchpoint.objects.filter(lead=lead).update(kind="breakfast")
    manager.post(reverse("rules_kind_remove", args=["breakfast"]))
    assert TouchpointKind.objects.filter(pk="breakfast").exists()
    assert WarmthRuleset.objects.get(status="draft").rules.filter(kind="breakfast").exists()


def test_a_line_that_is_too_long_is_refused_and_not_cut(manager: Client) -> None:
    values = {"language": "en", "tone": "formal", "text": "We met. " + "x" * 393}
    refused = manager.post(reverse("rules_line", args=["event"]), values, **HX)
    assert (refused.status_code, "at most 400 characters, not 401" in refused.content.decode()) == (422, True)
    assert not IceBreaker.objects.filter(text__startswith="We met. x").exists()


def test_a_line_is_previewed_refused_and_saved(manager: Client) -> None:
    address = reverse("rules_line", args=["event"])
    values = {"language": "en", "tone": "formal", "text": "We met {when}[ at {campaign}]."}
    read = manager.post(address, {**values, "preview": "1"}, **HX).content.decode()
    assert re.search(r"“We met [\w ]+ at ABC Expo\.”", read)
    assert re.search(r"“We met [\w ]+\.”", read)
    assert "We met" not in next(said for said in read.split("<li>") if "Bo Chen" in said)
    stored = IceBreaker.objects.get(kind="event", language="en", tone="formal")
    assert stored.text != values["text"]
    bad = manager.post(address, {**values, "text": "We met {where}."}, **HX)
    assert bad.status_code == 422
    assert "{where} is no fact" in bad.content.decode()
    assert manager.post(address, values, **HX).status_code == 200
    stored.refresh_from_db()
    assert stored.text == values["text"]
    assert manager.post(address, {**values, "text": ""}).status_code == 302
    assert not IceBreaker.objects.filter(pk=stored.pk).exists()
    assert manager.post(address, {**values, "tone": "rude"}).status_code == 302


# --- another piece of evidence for the line -------------------------------------------------------------------


def test_the_rep_picks_another_piece_of_evidence(client: Client, ada: User, cy: User) -> None:
    lead = met(2, first_name="Ann", owner=ada, team=ada.team)
    now = timezone.now()
    follow = Touchpoint.objects.create(
        lead=lead,
        kind_id="social_follow",
        network="LinkedIn",
        direction="inbound",
        occurred_at=now - timedelta(days=1),
        recorded_at=now,
    )
    foreign = met(2, first_name="Fay", owner=cy, team=cy.team).touchpoints.get()
    client.force_login(ada)
    address = reverse("call_line", args=[lead.pk])
    said = client.get(address, {"touchpoint": follow.pk}).content.decode()
    assert "LinkedIn" in said
    assert "ABC Expo" not in said
    assert "LinkedIn" in client.get(address).content.decode()  # the strongest, and another that weighs
    assert client.get(address, {"touchpoint": foreign.pk}).status_code == 404
    assert (
        client.get(reverse("call_line", args=[foreign.lead_id]), {"touchpoint": foreign.pk}).status_code
        == 404
    )
    screen = client.get(reverse("call"), {"lead": lead.pk}).content.decode()
    assert re.search(rf'<input [^>]*type="radio" name="touchpoint" value="{follow.pk}">', screen)


def test_one_run_is_open_at_a_time(max_: User) -> None:
    now = timezone.now()
    for days in (50, 51):
        draft = rulesets.draft(by=max_, now=now)
        rulesets.change_rule(draft.rules.get(kind="event"), {"warms_for_days": days})
        rulesets.publish(draft, by=max_, now=now)
    assert RuleChangeRun.objects.filter(finished_at=None).count() == 1
    with pytest.raises(rulesets.RulesRefused):
        rulesets.publish(engine.published(), by=max_, now=now)


def test_whoever_works_on_a_draft_that_is_gone_is_led_to_the_rules_in_force(
    manager: Client, draft: WarmthRuleset, max_: User
) -> None:
    rulesets.discard(draft, by=max_, now=timezone.now())
    answer = manager.get(reverse("rules_draft"), **HX)
    assert answer.headers["HX-Redirect"] == reverse("rules")


def test_a_condition_offers_what_touchpoints_hold(manager: Client, draft: WarmthRuleset) -> None:
    met(2, first_name="Will")
    page = manager.get(reverse("rules_draft"), {"rule": "new"}, **HX).content.decode()
    offered = re.search(r'<datalist id="known-campaign">(.*?)</datalist>', page)
    assert offered is not None
    assert re.findall(r'value="([^"]*)"', offered[1]) == ["ABC Expo"]


def test_the_focus_goes_on_where_the_work_was(manager: Client, draft: WarmthRuleset) -> None:
    first, second = draft.rules.all()[:2]
    page = manager.post(reverse("rules_draft_change", args=[second.pk]), {"do": "up"}, **HX).content.decode()
    assert re.search(rf'id="up-{second.pk}"[^>]* data-autofocus', page)
    page = manager.post(
        reverse("rules_draft_change", args=[second.pk]), {"do": "remove"}, **HX
    ).content.decode()
    assert re.search(rf'id="edit-{first.pk}"[^>]* data-autofocus', page)


def test_a_kind_keeps_an_icon_that_is_not_among_the_pictures(manager: Client) -> None:
    TouchpointKind.objects.filter(pk="event").update(icon="fire")
    page = manager.get(reverse("rules_kind", args=["event"])).content.decode()
    assert re.search(r'name="icon" value="fire" checked', page)
    values = {"label": "Fair", "icon": "fire", "active": "on"}
    assert manager.post(reverse("rules_kind", args=["event"]), values).status_code == 302


def test_a_line_goes_back_to_its_built_in_wording(manager: Client) -> None:
    stored = IceBreaker.objects.get(kind="event", language="da", tone="formal")
    before = stored.text
    values = {"language": "da", "tone": "formal", "text": "Vi mødtes {when}."}
    address = reverse("rules_line", args=["event"])
    said = manager.post(address, values, **HX).content.decode()
    assert "Back to the built-in wording" in said
    manager.post(address, {**values, "builtin": "1"}, **HX)
    stored.refresh_from_db()
    assert stored.text == before
