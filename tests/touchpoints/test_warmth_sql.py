"""Do both forms of the warmth formula say the same, of random histories and of those that break databases?"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leads.models import Lead
from touchpoints import engine
from touchpoints.models import Touchpoint, WarmthRule, WarmthRuleset
from touchpoints.warmth import Touch, warmth
from touchpoints.warmth_sql import computed_warmth, store_evidence_until

from .histories import NOW, histories, times

pytestmark = pytest.mark.django_db
SECOND = timedelta(seconds=1)


@dataclass
class Story:
    """One lead as the database will hold it."""

    history: Sequence[Touch]
    cooled_at: datetime | None = None


def stored(stories: Sequence[Story]) -> list[Lead]:
    leads = Lead.objects.bulk_create(
        Lead(first_name=f"L{n}", cooled_at=story.cooled_at, created_at=NOW) for n, story in enumerate(stories)
    )
    Touchpoint.objects.bulk_create(
        Touchpoint(
            lead=lead,
            kind_id=touch.kind,
            occurred_at=touch.occurred_at,
            direction=touch.direction or "inbound",
            network=touch.network,
            campaign=touch.campaign,
            source=touch.source,
            recorded_at=NOW,
        )
        for lead, story in zip(leads, stories, strict=True)
        for touch in story.history
    )
    return leads


def by_the_pure_form(leads: Sequence[Lead], ruleset: WarmthRuleset) -> dict[int, datetime | None]:
    values = engine.as_values(ruleset)
    return {
        lead.pk: warmth(
            map(engine.touch_of, lead.touchpoints.all()), values, now=NOW, cooled_at=lead.cooled_at
        ).warm_until
        for lead in leads
    }


def by_the_set(leads: Sequence[Lead], ruleset: WarmthRuleset) -> dict[int, datetime | None]:
    computed = computed_warmth([lead.pk for lead in leads], ruleset, now=NOW)
    assert computed is not None
    return dict(computed.rows())


def assert_equal_to_one_second(leads: Sequence[Lead], ruleset: WarmthRuleset) -> None:
    pure, by_set = by_the_pure_form(leads, ruleset), by_the_set(leads, ruleset)
    assert pure.keys() == by_set.keys()
    for lead_id, expected in pure.items():
        found = by_set[lead_id]
        assert (found is None) == (expected is None)
        if expected is not None and found is not None:
            assert abs(found - expected) <= SECOND


@pytest.fixture
def published() -> WarmthRuleset:
    return engine.published()


@pytest.fixture
def conditional() -> WarmthRuleset:
    """A draft in which several rules of one kind compete, one inactive rule in front of them."""
    draft = WarmthRuleset.objects.create(version=2, half_life_days=3.5, created_at=NOW)
    rows = [
        {"kind_id": "event", "warms_for_days": 500, "counts_at_most": 9, "active": False},
        {"kind_id": "event", "warms_for_days": 60.25, "counts_at_most": 1, "campaign": "ABC Expo"},
        {"kind_id": "event", "warms_for_days": 2, "counts_at_most": 2, "direction": "inbound"},
        {"kind_id": "event", "warms_for_days": -5, "counts_at_most": 3},
        {"kind_id": "social_follow", "warms_for_days": 20, "counts_at_most": 2, "network": "LinkedIn"},
        {"kind_id": "direct_mail", "warms_for_days": 9, "counts_at_most": 1, "source": "form"},
    ]
    WarmthRule.objects.bulk_create(
        WarmthRule(ruleset=draft, position=position, **row) for position, row in enumerate(rows, start=1)
    )
    return draft


many = settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
stories = st.lists(st.builds(Story, histories, st.none() | times), min_size=1, max_size=12)


@many
@given(stories=stories)
def test_both_forms_agree_on_random_histories(published: WarmthRuleset, stories: list[Story]) -> None:
    assert_equal_to_one_second(stored(stories), published)


@many
@given(stories=stories)
def test_both_forms_agree_under_competing_rules(conditional: WarmthRuleset, stories: list[Story]) -> None:
    assert_equal_to_one_second(stored(stories), conditional)


def test_one_ancient_touchpoint_poisons_neither_its_lead_nor_the_batch(conditional: WarmthRuleset) -> None:
    ancient = datetime(1970, 1, 1, tzinfo=UTC)
    leads = stored(
        [
            Story([Touch(1, "event", ancient)]),
            Story([Touch(1, "event", ancient), Touch(2, "event", NOW)]),
            Story([]),
        ]
    )
    assert_equal_to_one_second(leads, conditional)
    assert [until is None for until in by_the_set(leads, conditional).values()] == [True, False, True]


def test_what_was_set_aside_does_not_count(published: WarmthRuleset) -> None:
    leads = stored([Story([Touch(1, "event", NOW), Touch(2, "referral", NOW)])])
    Touchpoint.objects.filter(kind="referral").update(set_aside_at=NOW)
    assert by_the_set(leads, published) == {leads[0].pk: NOW + timedelta(days=45)}
    assert engine.warmth_of(leads, now=NOW)[leads[0].pk].warm_until == NOW + timedelta(days=45)


def test_the_rules_in_force_are_read_in_their_order(published: WarmthRuleset) -> None:
    """The first that matches decides, whichever was written down first."""
    by_age = list(published.rules.order_by("pk"))
    for place, rule in enumerate(reversed(by_age)):
        WarmthRule.objects.filter(pk=rule.pk).update(position=1_000 + place)
    assert list(engine.published().rules.all()) == by_age[::-1]


@pytest.mark.parametrize("several", [1, 40])
def test_any_number_of_leads_is_one_statement(published: WarmthRuleset, several: int) -> None:
    leads = stored([Story([Touch(1, "event", NOW)])] * several)
    rules_and_statement = 2
    with CaptureQueriesContext(connection) as queries:
        assert len(by_the_set(leads, published)) == several
    assert len(queries) == rules_and_statement
    with CaptureQueriesContext(connection) as queries:
        assert store_evidence_until([lead.pk for lead in leads], published, now=NOW) == several
    assert len(queries) == rules_and_statement


def test_storing_writes_what_moved_and_only_that(published: WarmthRuleset) -> None:
    warm, refused, other = stored(
        [Story([Touch(1, "event", NOW)]), Story([Touch(1, "event", NOW)], cooled_at=NOW), Story([])]
    )
    Lead.objects.filter(pk=refused.pk).update(evidence_until=NOW)
    asked = Lead.objects.filter(pk__in=[warm.pk, refused.pk])
    assert store_evidence_until(asked, published, now=NOW) == 2
    assert store_evidence_until(asked, published, now=NOW) == 0
    for lead in (warm, refused, other):
        lead.refresh_from_db()
    assert warm.evidence_until == NOW + timedelta(days=45)
    assert refused.evidence_until is None
    assert Lead.objects.filter(evidence_until__gte=NOW + timedelta(days=45)).get() == warm


def test_nothing_is_asked_of_no_leads(published: WarmthRuleset) -> None:
    assert computed_warmth([], published, now=NOW) is None
    assert store_evidence_until([], published, now=NOW) == 0


def test_all_leads_can_be_asked_at_once(published: WarmthRuleset) -> None:
    leads = stored([Story([Touch(1, "event", NOW)]), Story([])])
    computed = computed_warmth(None, published, now=NOW)
    assert computed is not None
    assert {lead_id for lead_id, _until in computed.rows()} == {lead.pk for lead in leads}
