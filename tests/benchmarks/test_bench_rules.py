"""How long does a change of the warmth rules take: to preview, to write on every lead, against the bare statement?

BENCH_RULE_LEADS says how many leads (100,000), each with three touchpoints. The control is the set-based UPDATE of
the same result in one statement, with nothing of what keeps history, overrides, ranks and others' work.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from leads.models import Lead
from tests.benchmarks.conftest import Figures
from touchpoints import engine, reevaluate, rule_effect, rulesets
from touchpoints.models import RuleChangeRun, Touchpoint, WarmthRuleset
from touchpoints.warmth_sql import computed_warmth, dialect_of

LEADS = int(os.environ.get("BENCH_RULE_LEADS", "100000"))
NOW = datetime(2026, 3, 4, 17, 0, tzinfo=UTC)
KINDS = ("event", "webinar", "email_sent", "referral", "content_download", "social_follow", "website_visit")


def cloned(row: Any, numbers: int, **columns: str) -> None:
    """As many copies of a row, with these columns computed from n."""
    table = row._meta.db_table
    names = [field.column for field in row._meta.concrete_fields if not field.primary_key]
    values = ", ".join(columns.get(name, f't."{name}"') for name in names)
    quoted = ", ".join(f'"{name}"' for name in names)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""INSERT INTO {table} ({quoted})
            WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {numbers})
            SELECT {values} FROM numbers CROSS JOIN {table} t WHERE t.id = {row.pk}"""
        )


@pytest.fixture(scope="module")
def evaluated(django_db_setup: None, django_db_blocker: Any, figures: Figures) -> Iterator[int]:
    """So many leads with three touchpoints each, all evaluated by the default rules; the number of touchpoints."""
    with django_db_blocker.unblock():
        lead = Lead.objects.create(first_name="L", created_at=NOW)
        cloned(lead, LEADS, last_name="'Nr ' || n")
        first = Lead.objects.filter(pk__gt=lead.pk).order_by("pk").values_list("pk", flat=True)[0]
        touch = Touchpoint.objects.create(
            lead=lead,
            kind_id="event",
            direction="inbound",
            occurred_at=NOW,
            recorded_at=NOW,
            evaluated_at=NOW,
        )
        which = " ".join(f"WHEN {at} THEN '{kind}'" for at, kind in enumerate(KINDS))
        ago = "((CAST(n AS bigint) * 7919 + 104729 * (n % 3)) % 7776000)"
        at = (
            f"t.occurred_at - {ago} * INTERVAL '1 second'"
            if connection.vendor == "postgresql"
            else f"strftime('%Y-%m-%d %H:%M:%f', t.occurred_at, '-' || {ago} || ' seconds')"
        )
        cloned(
            touch,
            3 * LEADS,
            lead_id=f"{first} + n % {LEADS}",
            kind=f"CASE (n / 7 + n) % {len(KINDS)} {which} END",
            occurred_at=at,
        )
        lead.delete()
        tidy()
        begun = time.perf_counter()
        reevaluate.evaluate_all(now=NOW)
        figures.note(
            f"evaluate {Lead.objects.count():,} leads for the first time", time.perf_counter() - begun, "s"
        )
        tidy()
        yield Touchpoint.objects.count()


def tidy() -> None:
    """As a database in use is kept: measured is not what a mass of dead rows costs."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE" if connection.vendor == "postgresql" else "ANALYZE")


def seconds(act: Callable[[], Any]) -> float:
    begun = time.perf_counter()
    act()
    return time.perf_counter() - begun


def bare_update(ruleset: WarmthRuleset) -> None:
    computed = computed_warmth(None, ruleset, now=NOW)
    assert computed is not None
    until = dialect_of(connection).instant.format("computed.seconds")
    sql = f"""
        UPDATE leads_lead SET evidence_until = {until}, warm_until = {until},
            temperature = CASE WHEN computed.seconds > {NOW.timestamp()} THEN 'warm' ELSE 'cold' END
        FROM ({computed.ctes} SELECT lead_id, seconds FROM computed) AS computed
        WHERE computed.lead_id = leads_lead.id"""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, computed.params)
        transaction.set_rollback(True)


def test_a_change_of_rules(evaluated: int, figures: Figures) -> None:
    size = f"{Lead.objects.count():,} leads, {evaluated:,} touchpoints"
    draft = rulesets.draft(by=None, now=NOW)
    rulesets.set_half_life(draft, 14.6)
    figures.note(f"preview, {size}", seconds(lambda: rule_effect.effect_of(draft, now=NOW)), "s")
    effect = rule_effect.effect_of(draft, now=NOW)
    changed = (effect.warm + effect.cool) / effect.looked_at
    figures.note("leads that change temperature", 100 * changed, "%")
    control = min(seconds(lambda: bare_update(draft)) for _time in range(2))
    figures.note(f"control: bare UPDATE, {size}", control, "s")
    tidy()
    rulesets.publish(draft, by=None, now=NOW)
    begun = time.perf_counter()
    while reevaluate.run_rule_changes(clock=lambda: NOW, turn=timedelta(hours=1)):
        pass
    taken = time.perf_counter() - begun
    figures.note(f"evaluate all by new rules, {size}", taken, "s")
    figures.note("evaluate all / bare UPDATE", taken / control, "×")
    run = RuleChangeRun.objects.get()
    assert (run.warmed, run.cooled) == (effect.warm, effect.cool)
    tidy()
    again = seconds(lambda: reevaluate.evaluate_all(now=NOW))
    figures.note(f"evaluate all where nothing changes, {size}", again, "s")
    assert engine.published().version == 2
