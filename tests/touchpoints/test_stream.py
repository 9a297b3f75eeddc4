"""Does a stream of touchpoints, in whatever order and portions it arrives, leave every lead where the pure rules do?"""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leads.models import Lead
from touchpoints import engine, reevaluate
from touchpoints.models import TemperatureChange, Touchpoint
from touchpoints.warmth import Touch, warmth

from .histories import NOW, histories, times

pytestmark = pytest.mark.django_db
SECOND = timedelta(seconds=1)
streams = st.lists(st.tuples(histories, st.none() | times), min_size=1, max_size=8)
many = settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])


def arrive(pairs: list[tuple[Lead, Touch]]) -> None:
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
            historical=True,
        )
        for lead, touch in pairs
    )


def assert_where_the_rules_put_them(leads: list[Lead]) -> None:
    ruleset = engine.as_values(engine.published())
    history: dict[int, list[tuple[str, str]]] = defaultdict(list)
    for change in TemperatureChange.objects.filter(lead__in=leads).order_by("pk"):
        history[change.lead_id].append((change.before, change.after))
    for lead in Lead.objects.filter(pk__in=[lead.pk for lead in leads]):
        touches = map(engine.touch_of, lead.touchpoints.all())
        expected = warmth(touches, ruleset, now=NOW, cooled_at=lead.cooled_at).warm_until
        for stored in (lead.warm_until, lead.evidence_until):
            assert (stored is None) == (expected is None)
            assert expected is None or abs(stored - expected) <= SECOND
        assert lead.temperature == ("warm" if expected is not None and expected > NOW else "cold")
        # Each row of history goes on from the one before, and the last says what is stored.
        path = ["cold", *(after for _before, after in history[lead.pk])]
        assert [before for before, _after in history[lead.pk]] == path[:-1]
        assert path[-1] == lead.temperature
    assert not Touchpoint.objects.waiting().exists()


@many
@given(drawn=streams, data=st.data())
def test_any_order_and_any_portions_end_in_the_same_place(drawn: list[Any], data: Any) -> None:
    leads = Lead.objects.bulk_create(
        Lead(first_name=f"L{n}", cooled_at=cooled_at, created_at=NOW)
        for n, (_history, cooled_at) in enumerate(drawn)
    )
    pairs = [(lead, touch) for lead, (history, _at) in zip(leads, drawn, strict=True) for touch in history]
    pairs = data.draw(st.permutations(pairs))
    cut = data.draw(st.integers(0, len(pairs)))
    for portion in (pairs[:cut], pairs[cut:]):
        arrive(portion)
        engine.evaluate_waiting(now=NOW)
    assert_where_the_rules_put_them(leads)
    before = list(Lead.objects.filter(pk__in=[lead.pk for lead in leads]).order_by("pk").values())
    assert reevaluate.evaluate_all(now=NOW).promoted == []
    assert list(Lead.objects.filter(pk__in=[lead.pk for lead in leads]).order_by("pk").values()) == before


def test_what_is_faint_is_written_without_being_explained(django_assert_max_num_queries: Any) -> None:
    """Any number of faint contacts is one statement; history is written for those alone who turn."""
    leads = Lead.objects.bulk_create(Lead(first_name=f"L{n}", created_at=NOW) for n in range(300))
    arrive([(lead, Touch(n, "website_visit", NOW)) for n, lead in enumerate(leads)])
    arrive([(leads[7], Touch(999, "referral", NOW))])
    with django_assert_max_num_queries(40):
        engine.evaluate_waiting(now=NOW)
    assert_where_the_rules_put_them(leads)
    assert TemperatureChange.objects.get().lead_id == leads[7].pk


def test_what_was_corrected_is_settled_with_the_stream() -> None:
    """A correction that only moves the date clears the mark that asked for it."""
    lead = Lead.objects.create(first_name="Cora", created_at=NOW)
    arrive([(lead, Touch(1, "website_visit", NOW - timedelta(days=3)))])
    engine.evaluate_waiting(now=NOW)
    Touchpoint.objects.update(occurred_at=NOW - timedelta(days=1))
    Lead.objects.update(evaluation_due_at=NOW)
    assert engine.evaluate_waiting(now=NOW).looked_at == 1
    lead.refresh_from_db()
    assert lead.evaluation_due_at is None
    assert lead.evidence_until == NOW - timedelta(days=22)
    assert engine.evaluate_waiting(now=NOW).looked_at == 0
