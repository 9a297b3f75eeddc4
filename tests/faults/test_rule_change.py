"""Is a change of the rules carried to every lead once, whoever dies, doubles or cannot be evaluated on the way?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from crm.accounts.models import User
from crm.settings import IS_SQLITE
from leads.models import Lead
from tests.processes import Valkey, Worker, wait_until
from touchpoints import reevaluate, rulesets, set_aside
from touchpoints.models import EvaluationFailure, RuleChangeRun, TemperatureChange, Touchpoint

LEADS = 800
Cause = TemperatureChange.Cause


@pytest.fixture
def met_long_ago(transactional_db: None) -> list[Lead]:
    """Leads that were met sixty days ago: cold by the rules in force, warm where a meeting warms for 100 days."""
    now = timezone.now()
    leads = Lead.objects.bulk_create(Lead(first_name=f"P{n}", created_at=now) for n in range(LEADS))
    Touchpoint.objects.bulk_create(
        Touchpoint(
            lead=lead,
            kind_id="event",
            direction="inbound",
            occurred_at=now - timedelta(days=60),
            recorded_at=now,
            evaluated_at=now,
        )
        for lead in leads
    )
    reevaluate.evaluate_all(now=now)
    return leads


@pytest.fixture
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers go through the leads in small chunks, so that there is time to interfere."""
    monkeypatch.setenv("THAW_TEST_RULE_CHUNK", "10")


def publish(by: User) -> RuleChangeRun:
    draft = rulesets.draft(by=by, now=timezone.now())
    rulesets.change_rule(draft.rules.get(kind="event"), {"warms_for_days": 100})
    rulesets.publish(draft, by=by, now=timezone.now())
    return RuleChangeRun.objects.get()


def looked_at() -> int:
    return RuleChangeRun.objects.get().looked_at


def finished() -> bool:
    return RuleChangeRun.objects.get().finished_at is not None


def assert_each_warmed_once(leads: list[Lead]) -> None:
    run = RuleChangeRun.objects.get()
    assert (run.looked_at, run.warmed, run.cooled, run.failed) == (len(leads), len(leads), 0, 0)
    assert Lead.objects.filter(temperature="warm").count() == len(leads)
    changes = TemperatureChange.objects.values_list("lead_id", "after", "cause", "ruleset__version")
    version = run.ruleset.version
    assert Counter(changes) == Counter((lead.pk, "warm", Cause.RULE_CHANGE, version) for lead in leads)


def test_a_worker_killed_amid_a_change_of_rules_is_followed_by_another(
    met_long_ago: list[Lead], root: User, small_steps: None, live_engine: Worker
) -> None:
    publish(root)
    for death in (1, 2):
        wait_until(lambda n=death: looked_at() >= n * 100, seconds=30, what=f"{live_engine.log}")
        live_engine.kill()
        assert not finished(), "it was killed with work to do"
        live_engine.start()
    wait_until(finished, seconds=30, what=f"another worker; {live_engine.log}")
    assert_each_warmed_once(met_long_ago)


@pytest.mark.skipif(IS_SQLITE, reason="several machines share a server, not a file")
def test_two_engines_share_a_change_of_rules(
    met_long_ago: list[Lead], small_steps: None, root: User, valkey: Valkey, tmp_path: Path
) -> None:
    engines = [Worker(tmp_path / f"{name}.log", with_beat=True) for name in ("first", "second")]
    for engine in engines:
        engine.start()
    try:
        publish(root)
        wait_until(finished, seconds=30, what=f"the run; {tmp_path}")
    finally:
        for engine in engines:
            engine.stop()
    assert_each_warmed_once(met_long_ago)


@pytest.fixture
def poisoned(met_long_ago: list[Lead]) -> Iterator[Lead]:
    """The database refuses any row of history for one of them."""
    lead = met_long_ago[LEADS // 2]
    refuse = (
        f"CREATE TRIGGER poison BEFORE INSERT ON touchpoints_temperaturechange WHEN NEW.lead_id = {lead.pk} "
        "BEGIN SELECT RAISE(ABORT, 'poison'); END"
        if IS_SQLITE
        else "CREATE FUNCTION poison() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'poison' "
        "USING ERRCODE = 'check_violation'; END $$; CREATE TRIGGER poison BEFORE INSERT ON "
        f"touchpoints_temperaturechange FOR EACH ROW WHEN (NEW.lead_id = {lead.pk}) EXECUTE FUNCTION poison()"
    )
    with connection.cursor() as cursor:
        cursor.execute(refuse)
    yield lead
    heal()


def heal() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "DROP TRIGGER IF EXISTS poison" if IS_SQLITE else "DROP FUNCTION IF EXISTS poison CASCADE"
        )


def test_a_poisoned_lead_is_set_aside_and_tried_again_when_somebody_asks(
    poisoned: Lead, met_long_ago: list[Lead], root: User, live_engine: Worker
) -> None:
    publish(root)
    wait_until(finished, seconds=30, what=f"{live_engine.log}")
    run = RuleChangeRun.objects.get()
    assert (run.warmed, run.failed) == (LEADS - 1, 1), "the rest are unharmed"
    # Nobody waits minutes in a test: its next try is due at once.
    for tries in range(2, set_aside.MOST_TRIES + 1):
        Lead.objects.filter(pk=poisoned.pk).update(evaluation_due_at=timezone.now())
        failed_again = EvaluationFailure.objects.filter(lead=poisoned, tries=tries)
        wait_until(failed_again.exists, seconds=20, what=f"try {tries}; {live_engine.log}")
    operator = Client()
    operator.force_login(root)
    assert "poison" in operator.get("/engine/").content.decode()
    heal()
    assert operator.post(f"/engine/leads/{poisoned.pk}/again/").status_code == 302
    warm = Lead.objects.filter(pk=poisoned.pk, temperature="warm")
    wait_until(warm.exists, seconds=20, what=f"its second chance; {live_engine.log}")
    assert poisoned.temperature_changes.get().cause == Cause.RULE_CHANGE
    assert not EvaluationFailure.objects.exists()
