"""Does a change of the rules do what its preview said: everybody right, once, whoever dies on the way?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import time_machine
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leads.models import AuditEvent, Lead, LeadList, ListMembership, Segment
from touchpoints import engine, follow_ups, pursue, reevaluate, rule_effect, rulesets, set_aside
from touchpoints.models import (
    EvaluationFailure,
    FollowUp,
    Pursuit,
    RuleChangeRun,
    TemperatureChange,
    TemperatureOverride,
    Touchpoint,
    WarmthRuleset,
)
from touchpoints.warmth import Touch, warmth
from touchpoints.warmth_sql import computed_warmth

from .histories import NOW, histories, times

if TYPE_CHECKING:
    from crm.accounts.models import User

pytestmark = pytest.mark.django_db
SECOND = timedelta(seconds=1)
Cause = TemperatureChange.Cause


def lead_with(*touches: tuple[str, int], **fields: Any) -> Lead:
    """A lead with touchpoints of these kinds so many days ago, evaluated."""
    lead = Lead.objects.create(created_at=NOW - timedelta(days=400), **fields)
    Touchpoint.objects.bulk_create(
        Touchpoint(
            lead=lead,
            kind_id=kind,
            direction="inbound",
            occurred_at=NOW - timedelta(days=days),
            recorded_at=NOW,
        )
        for kind, days in touches
    )
    engine.evaluate_leads([lead.pk], now=NOW)
    lead.refresh_from_db()
    return lead


def rule_of(draft: WarmthRuleset, kind: str) -> Any:
    return draft.rules.get(kind=kind, segment=None)


def work(now: datetime = NOW) -> RuleChangeRun:
    """Work the open run to its end."""
    while reevaluate.run_rule_changes(clock=lambda: now):
        pass
    return RuleChangeRun.objects.first()


@pytest.fixture
def longer_events(max_: User) -> WarmthRuleset:
    """A draft in which having met warms for 100 days and a referral for 10 only."""
    draft = rulesets.draft(by=max_, now=NOW)
    rulesets.change_rule(rule_of(draft, "event"), {"warms_for_days": 100})
    rulesets.change_rule(rule_of(draft, "referral"), {"warms_for_days": 10})
    return draft


@pytest.fixture
def affected(ada: User, bea: User) -> dict[str, Lead]:
    return {
        "warms": lead_with(("event", 60), first_name="Will", owner=ada),
        "cools": lead_with(("referral", 30), first_name="Cole", owner=bea),
        "stays warm": lead_with(("event", 5), first_name="Ember"),
        "stays cold": lead_with(("voicemail_left", 1), first_name="Ice"),
    }


# --- publishing -----------------------------------------------------------------------------------------------


def test_a_published_change_reaches_every_lead_and_names_its_version(
    longer_events: WarmthRuleset, affected: dict[str, Lead], max_: User
) -> None:
    run = rulesets.publish(longer_events, by=max_, now=NOW)
    assert run.total == 4
    assert Lead.objects.get(pk=affected["warms"].pk).temperature == "cold"  # not before its turn
    run = work()
    assert (run.looked_at, run.warmed, run.cooled, run.failed) == (4, 1, 1, 0)
    assert run.finished_at == NOW
    assert run.moved == 3
    for lead in affected.values():
        lead.refresh_from_db()
    assert [lead.temperature for lead in affected.values()] == ["warm", "cold", "warm", "cold"]
    assert abs(affected["warms"].warm_until - (NOW + timedelta(days=40))) < SECOND
    changes = {
        row.lead_id: row
        for row in TemperatureChange.objects.filter(cause=Cause.RULE_CHANGE, ruleset__version=2)
    }
    assert changes.keys() == {affected["warms"].pk, affected["cools"].pk}
    warmed = changes[affected["warms"].pk]
    assert (warmed.before, warmed.after) == ("cold", "warm")
    assert [piece["share"] for piece in warmed.evidence] == [1.0]


def test_the_lead_touched_meanwhile_is_right_before_its_turn(
    longer_events: WarmthRuleset, affected: dict[str, Lead], max_: User
) -> None:
    rulesets.publish(longer_events, by=max_, now=NOW)
    engine.evaluate_leads([affected["warms"].pk], now=NOW)
    lead = Lead.objects.get(pk=affected["warms"].pk)
    assert lead.temperature == "warm"
    assert work().warmed == 0
    assert lead.temperature_changes.count() == 1


def test_a_run_that_dies_goes_on_where_it_was_and_repeats_nothing(
    longer_events: WarmthRuleset, affected: dict[str, Lead], max_: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reevaluate, "CHUNK", 1)
    rulesets.publish(longer_events, by=max_, now=NOW)
    assert reevaluate._step(now=NOW)
    assert RuleChangeRun.objects.get().last_lead == affected["warms"].pk
    assert reevaluate._step(now=NOW)
    run = work()
    assert (run.looked_at, run.warmed, run.cooled) == (4, 1, 1)
    assert TemperatureChange.objects.filter(ruleset__version=2).count() == 2
    assert not reevaluate.run_rule_changes(clock=lambda: NOW)
    assert TemperatureChange.objects.filter(ruleset__version=2).count() == 2


def test_a_turn_ends_when_its_time_is_over(
    longer_events: WarmthRuleset, affected: dict[str, Lead], max_: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reevaluate, "CHUNK", 1)
    rulesets.publish(longer_events, by=max_, now=NOW)
    ticks = iter(NOW + timedelta(seconds=12 * n) for n in range(99))
    assert reevaluate.run_rule_changes(clock=lambda: next(ticks))
    assert RuleChangeRun.objects.get().looked_at == 1


def test_a_later_version_takes_over_the_run_of_an_earlier_one(
    longer_events: WarmthRuleset, affected: dict[str, Lead], max_: User
) -> None:
    first = rulesets.publish(longer_events, by=max_, now=NOW)
    again = rulesets.draft(by=max_, now=NOW)
    rulesets.change_rule(rule_of(again, "event"), {"warms_for_days": 1})
    second = rulesets.publish(again, by=max_, now=NOW)
    first.refresh_from_db()
    assert first.superseded
    assert work().pk == second.pk
    assert set(Lead.objects.values_list("temperature", flat=True)) == {"cold"}
    assert [row.status for row in WarmthRuleset.objects.all()] == ["published", "retired", "retired"]


def test_an_override_decides_over_any_rule(
    longer_events: WarmthRuleset, affected: dict[str, Lead], max_: User
) -> None:
    engine.set_override(
        affected["cools"],
        temperature="warm",
        until=NOW + timedelta(days=9),
        reason="asked to",
        by=max_,
        now=NOW,
    )
    effect = rule_effect.effect_of(longer_events, now=NOW)
    assert (effect.warm, effect.cool) == (1, 0)
    rulesets.publish(longer_events, by=max_, now=NOW)
    assert work().cooled == 0
    affected["cools"].refresh_from_db()
    assert affected["cools"].temperature == "warm"
    assert affected["cools"].warm_until == NOW + timedelta(days=9)
    # What the evidence alone says moved: it holds when the override ends.
    assert abs(affected["cools"].evidence_until - (NOW - timedelta(days=20))) < SECOND


def test_a_lead_heard_of_just_now_is_left_to_the_engine(
    longer_events: WarmthRuleset, affected: dict[str, Lead], max_: User
) -> None:
    cold = affected["stays cold"]
    Touchpoint.objects.create(
        lead=cold,
        kind_id="web_form",
        direction="inbound",
        occurred_at=NOW - timedelta(minutes=1),
        recorded_at=NOW,
    )
    Touchpoint.objects.create(
        lead=affected["stays warm"],
        kind_id="webinar",
        direction="inbound",
        occurred_at=NOW - timedelta(days=3),
        recorded_at=NOW,
    )
    rulesets.publish(longer_events, by=max_, now=NOW)
    work()
    assert [row.kind_id for row in Touchpoint.objects.waiting()] == ["web_form"]
    engine.evaluate_waiting(now=NOW)
    cold.refresh_from_db()
    assert cold.temperature == "warm"
    assert cold.temperature_changes.get().cause == Cause.TOUCHPOINT
    assert cold.hand_raises.count() == 1


def test_what_ran_out_by_itself_is_no_effect_of_the_rules(longer_events: WarmthRuleset, max_: User) -> None:
    lead = lead_with(("webinar", 29))
    later = NOW + timedelta(days=2)
    assert rule_effect.effect_of(longer_events, now=later).cool == 0
    rulesets.publish(longer_events, by=max_, now=later)
    work(later)
    assert lead.temperature_changes.first().cause == Cause.DECAY


@contextmanager
def poisoned_history(lead_id: int) -> Iterator[None]:
    """The database refuses any row of history for one lead."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(
                "CREATE TEMP TRIGGER poison BEFORE INSERT ON touchpoints_temperaturechange "
                f"WHEN NEW.lead_id = {lead_id} BEGIN SELECT RAISE(ABORT, 'poison'); END"
            )
        else:
            cursor.execute(
                "CREATE FUNCTION poison() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
                "RAISE EXCEPTION 'poison' USING ERRCODE = 'check_violation'; END $$"
            )
            cursor.execute(
                "CREATE TRIGGER poison BEFORE INSERT ON touchpoints_temperaturechange FOR EACH ROW "
                f"WHEN (NEW.lead_id = {lead_id}) EXECUTE FUNCTION poison()"
            )
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            if connection.vendor == "sqlite":
                cursor.execute("DROP TRIGGER poison")
            else:
                cursor.execute("DROP FUNCTION poison CASCADE")


def test_one_lead_that_cannot_be_explained_holds_up_nobody(
    longer_events: WarmthRuleset, affected: dict[str, Lead], max_: User
) -> None:
    """It is tried again by itself, in the name of the change of rules."""
    rulesets.publish(longer_events, by=max_, now=NOW)
    poisoned = affected["warms"]
    with poisoned_history(poisoned.pk):
        run = work()
        assert (run.failed, run.cooled, run.finished_at) == (1, 1, NOW)
        assert "poison" in run.error
        failure = EvaluationFailure.objects.get()
        assert (failure.lead_id, failure.tries, failure.cause) == (poisoned.pk, 1, Cause.RULE_CHANGE)
        assert engine.evaluate_waiting(now=NOW).looked_at == 0, "not at once"
    engine.evaluate_waiting(now=NOW + set_aside.RETRY_AFTER)
    poisoned.refresh_from_db()
    assert (poisoned.temperature, poisoned.evaluation_due_at) == ("warm", None)
    assert poisoned.temperature_changes.get().cause == Cause.RULE_CHANGE
    assert not EvaluationFailure.objects.exists()


def test_a_lead_that_fails_again_and_again_is_set_aside_until_somebody_asks(
    longer_events: WarmthRuleset, affected: dict[str, Lead], max_: User, root: User, client: Client
) -> None:
    rulesets.publish(longer_events, by=max_, now=NOW)
    poisoned, at = affected["warms"], NOW
    with poisoned_history(poisoned.pk):
        work()
        for tries in range(2, set_aside.MOST_TRIES + 1):
            at += set_aside.RETRY_AFTER
            engine.evaluate_waiting(now=at)
            failure = EvaluationFailure.objects.get()
            assert (failure.tries, failure.set_aside_at) == (
                tries,
                at if tries == set_aside.MOST_TRIES else None,
            )
        assert engine.evaluate_waiting(now=at + timedelta(days=1)).looked_at == 0
    with time_machine.travel(at, tick=False):
        client.force_login(root)
        page = client.get("/engine/").content.decode()
        assert "poison" in failure.error
        assert f"/engine/leads/{poisoned.pk}/again/" in page
        assert client.post(f"/engine/leads/{poisoned.pk}/again/").status_code == 302
    engine.evaluate_waiting(now=at)
    poisoned.refresh_from_db()
    assert poisoned.temperature_changes.get().cause == Cause.RULE_CHANGE
    assert not EvaluationFailure.objects.exists()
    assert AuditEvent.objects.get(action="evaluation_tried_again").before["tries"] == set_aside.MOST_TRIES


# --- what follows for the queue -------------------------------------------------------------------------------


def test_ranks_follow_as_if_each_lead_had_been_ranked_alone(
    longer_events: WarmthRuleset, ada: User, max_: User
) -> None:
    leads = [
        lead_with(("event", 60), owner=ada, fit=80, team=ada.team),
        lead_with(("event", 5), owner=ada, fit=0, team=ada.team),
        lead_with(("referral", 30), owner=ada, value=250, fit=30, team=ada.team),
        lead_with(owner=ada, value=0, team=ada.team),
    ]
    for lead in leads:
        pursue.begin([lead], by=ada, now=NOW)
        follow_ups.place([(lead, Pursuit.objects.open().get(lead=lead), a_call())], now=NOW)
    rulesets.publish(longer_events, by=max_, now=NOW)
    work()
    for row in FollowUp.objects.open().select_related("lead"):
        rank, value = follow_ups.rank_of(row.lead, rank=None, agreed_at=None, now=NOW)
        assert (row.rank, pytest.approx(row.rank_value, abs=1e-4)) == (rank, value), row.lead_id


def a_call() -> follow_ups.Placed:
    return follow_ups.Placed(1, 1, "call", NOW, NOW + timedelta(hours=4), "early", "attempt 1 of 18")


def test_mass_promotions_resprint_only_within_capacity(
    longer_events: WarmthRuleset, ada: User, max_: User
) -> None:
    ada.dials_a_day = 3
    ada.save()
    leads = [lead_with(("event", 60), owner=ada, team=ada.team) for _ in range(8)]
    pursuits = pursue.begin(leads, by=ada, now=NOW)
    far = NOW + timedelta(days=30)
    follow_ups.place(
        [
            (
                lead,
                pursuit,
                follow_ups.Placed(1, 1, "call", far, far + timedelta(hours=4), "early", "attempt 1"),
            )
            for lead, pursuit in zip(leads, pursuits, strict=True)
        ],
        now=NOW,
    )
    rulesets.publish(longer_events, by=max_, now=NOW)
    assert work().warmed == 8
    assert Pursuit.objects.filter(resprinted_at=NOW).count() == ada.dials_a_day
    assert set(FollowUp.objects.open().values_list("rank", flat=True)) <= {FollowUp.Rank.WARM}


# --- both forms, preview and publication ----------------------------------------------------------------------

many = settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
overrides = st.none() | st.tuples(st.sampled_from(["warm", "cold"]), st.integers(-5, 30))
stories = st.lists(
    st.tuples(histories, st.none() | times, st.sampled_from(["", "steel"]), overrides), min_size=1, max_size=8
)


@pytest.fixture
def by_segment(max_: User) -> WarmthRuleset:
    """A draft that knows a segment: events warm steel for a year, and referrals nobody there."""
    segment = Segment.objects.create(
        name="steel", owner=max_, query={"industry": ["steel"], "ordering": "name"}
    )
    draft = rulesets.draft(by=max_, now=NOW)
    rulesets.set_half_life(draft, 9)
    for kind, days in (("event", 365), ("referral", -90)):
        rulesets.add_rule(
            draft,
            {"kind_id": kind, "segment_id": segment.pk, "warms_for_days": days, "counts_at_most": 2},
        )
    return draft


def stored(drawn: list[Any]) -> list[Lead]:
    leads = Lead.objects.bulk_create(
        Lead(first_name=f"L{n}", cooled_at=cooled_at, industry=industry, created_at=NOW)
        for n, (_history, cooled_at, industry, _override) in enumerate(drawn)
    )
    Touchpoint.objects.bulk_create(
        Touchpoint(
            lead=lead,
            kind_id=touch.kind,
            occurred_at=touch.occurred_at,
            direction=touch.direction,
            network=touch.network,
            campaign=touch.campaign,
            source=touch.source,
            recorded_at=NOW,
            evaluated_at=NOW,
        )
        for lead, (history, *_rest) in zip(leads, drawn, strict=True)
        for touch in history
    )
    TemperatureOverride.objects.bulk_create(
        TemperatureOverride(
            lead=lead,
            temperature=override[0],
            until=NOW + timedelta(days=override[1], hours=1),
            starts_at=NOW - timedelta(days=30),
            reason="-",
        )
        for lead, (*_rest, override) in zip(leads, drawn, strict=True)
        if override
    )
    return leads


@many
@given(drawn=stories)
def test_both_forms_agree_on_rules_for_segments(by_segment: WarmthRuleset, drawn: list[Any]) -> None:
    leads = stored(drawn)
    ids = [lead.pk for lead in leads]
    rules = engine.rules_for(ids, by_segment, now=NOW)
    touches = engine.touches_of(ids)
    computed = computed_warmth(ids, by_segment, now=NOW)
    assert computed is not None
    by_set = dict(computed.rows())
    for lead in leads:
        alone = warmth(
            map(engine.touch_of, touches[lead.pk]), rules[lead.pk], now=NOW, cooled_at=lead.cooled_at
        ).warm_until
        assert (alone is None) == (by_set[lead.pk] is None)
        assert alone is None or abs(alone - by_set[lead.pk]) <= SECOND


@many
@given(drawn=stories)
def test_publishing_does_what_the_preview_said(
    by_segment: WarmthRuleset, drawn: list[Any], max_: User
) -> None:
    with transaction.atomic():
        _publish_and_compare(by_segment, drawn, by=max_)
        transaction.set_rollback(True)  # as it was, for the next example


def _publish_and_compare(draft: WarmthRuleset, drawn: list[Any], *, by: User) -> None:
    ids = [lead.pk for lead in stored(drawn)]
    engine.evaluate_leads(ids, now=NOW)
    effect = rule_effect.effect_of(draft, now=NOW)
    rulesets.publish(draft, by=by, now=NOW)
    work()
    changed = TemperatureChange.objects.filter(lead__in=ids, cause=Cause.RULE_CHANGE)
    assert {row.lead_id for row in changed} == set(effect.sample)
    assert changed.filter(after="warm").count() == effect.warm
    assert changed.filter(after="cold").count() == effect.cool
    # Evaluating each of them alone has nothing to add.
    before = {lead.pk: (lead.temperature, lead.warm_until) for lead in Lead.objects.filter(pk__in=ids)}
    alone = engine.evaluate_leads(ids, now=NOW)
    assert not alone.promoted
    assert not alone.cooled
    for lead in Lead.objects.filter(pk__in=ids):
        temperature, until = before[lead.pk]
        assert (temperature, until is None) == (lead.temperature, lead.warm_until is None)
        assert until is None or lead.warm_until is None or abs(until - lead.warm_until) <= SECOND


def test_the_preview_tells_lists_sources_and_owners_apart(
    longer_events: WarmthRuleset, affected: dict[str, Lead], ada: User, bea: User, cy: User
) -> None:
    fair = LeadList.objects.create(name="Fair", source="event", created_at=NOW)
    bought = LeadList.objects.create(name="Bought", source="bought", created_at=NOW)
    other = LeadList.objects.create(name="Bought too", source="bought", created_at=NOW)
    for on in (fair, bought, other):
        ListMembership.objects.create(list=on, lead=affected["warms"], added_at=NOW)
    effect = rule_effect.effect_of(longer_events, now=NOW, visible=Lead.objects.visible_to(ada))
    assert (effect.warm, effect.cool, effect.looked_at) == (1, 1, 4)
    assert effect.by["owner"] == {ada.pk: (1, 0), bea.pk: (0, 1)}
    assert effect.by["list"] == {fair.pk: (1, 0), bought.pk: (1, 0), other.pk: (1, 0), None: (0, 1)}
    assert effect.by["source"] == {"event": (1, 0), "bought": (1, 0), None: (0, 1)}
    assert effect.sample == [affected["warms"].pk]  # what the asker may see of it
    assert rule_effect.effect_of(longer_events, now=NOW, visible=Lead.objects.visible_to(cy)).sample == []


def test_the_preview_says_the_same_in_chunks_of_any_size(
    longer_events: WarmthRuleset, affected: dict[str, Lead], monkeypatch: pytest.MonkeyPatch
) -> None:
    fair = LeadList.objects.create(name="Fair", source="event", created_at=NOW)
    for days in (70, 80, 85):
        lead = lead_with(("event", days))
        ListMembership.objects.create(list=fair, lead=lead, added_at=NOW)
    at_once = rule_effect.effect_of(longer_events, now=NOW)
    assert at_once.warm > 1
    for size in (1, 2, 3):
        monkeypatch.setattr(rule_effect, "CHUNK", size)
        assert rule_effect.effect_of(longer_events, now=NOW) == at_once


def test_the_preview_changes_nothing_and_costs_the_same_for_any_number(
    longer_events: WarmthRuleset, affected: dict[str, Lead]
) -> None:
    before = list(Lead.objects.order_by("pk").values())
    with CaptureQueriesContext(connection) as few:
        rule_effect.effect_of(longer_events, now=NOW)
    for _ in range(30):
        lead_with(("event", 60))
    with CaptureQueriesContext(connection) as many_leads:
        rule_effect.effect_of(longer_events, now=NOW)
    assert len(few) == len(many_leads)
    assert list(Lead.objects.order_by("pk").values())[: len(before)] == before
    assert not any("UPDATE" in query["sql"] for query in few)


@pytest.mark.parametrize("several", [3, 60])
def test_a_chunk_is_a_constant_number_of_statements(
    longer_events: WarmthRuleset, max_: User, several: int
) -> None:
    leads = [lead_with(("event", 60)) for _ in range(several)]
    rulesets.publish(longer_events, by=max_, now=NOW)
    with CaptureQueriesContext(connection) as queries:
        assert reevaluate._step(now=NOW)
    assert Lead.objects.warm(now=NOW).count() == len(leads)
    writing = [query["sql"] for query in queries if not query["sql"].startswith(("SAVEPOINT", "RELEASE"))]
    assert len(writing) <= 22, "\n".join(sql[:160] for sql in writing)


# --- segments move -------------------------------------------------------------------------------------------


def test_leads_that_come_into_a_segment_are_found_within_the_hour(
    by_segment: WarmthRuleset, max_: User
) -> None:
    lead = lead_with(("event", 90))
    rulesets.publish(by_segment, by=max_, now=NOW)
    assert work().warmed == 0
    Lead.objects.filter(pk=lead.pk).update(industry="steel")
    assert work(NOW + timedelta(minutes=59)).warmed == 0
    run = work(NOW + timedelta(minutes=61))
    assert (run.cause, run.warmed) == (Cause.LEAD_CHANGE, 1)
    assert lead.temperature_changes.first().cause == Cause.LEAD_CHANGE


def test_a_published_rule_keeps_the_segment_as_it_was(by_segment: WarmthRuleset, max_: User) -> None:
    lead = lead_with(("event", 90), industry="steel")
    rulesets.publish(by_segment, by=max_, now=NOW)
    Segment.objects.update(query={"industry": ["wool"]})
    assert work().warmed == 1
    assert rulesets.draft(by=max_, now=NOW).rules.filter(segment__isnull=False).first().lead_query == {
        "industry": ["wool"]
    }
    assert engine.warmth_of([lead], now=NOW)[lead.pk].warm_until > NOW


EVALUATED: tuple[tuple[str, Callable[[], Any]], ...] = (
    ("the command's way", lambda: reevaluate.evaluate_all(now=NOW)),
)


@pytest.mark.parametrize("name, evaluate", EVALUATED, ids=[name for name, _ in EVALUATED])
def test_evaluating_all_takes_what_waits_along(name: str, evaluate: Callable[[], Any]) -> None:
    lead = Lead.objects.create(created_at=NOW)
    touch = Touch(1, "event", NOW - timedelta(days=3))
    Touchpoint.objects.create(
        lead=lead, kind_id=touch.kind, direction="inbound", occurred_at=touch.occurred_at, recorded_at=NOW
    )
    done = evaluate()
    assert (done.looked_at, done.promoted) == (1, [lead.pk])
    assert not Touchpoint.objects.waiting().exists()
    assert lead.temperature_changes.get().cause == Cause.TOUCHPOINT
    assert not evaluate().promoted
