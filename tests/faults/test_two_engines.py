"""Do two workers and two beats, on two machines perhaps, do anything twice?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from crm.settings import IS_SQLITE
from leads.models import Lead
from tests.faults.conftest import assert_each_counted_once, report, waiting
from tests.processes import Valkey, Worker, wait_until
from touchpoints.models import TemperatureChange, TemperatureOverride

pytestmark = pytest.mark.skipif(IS_SQLITE, reason="several machines share a server, not a file")


@pytest.fixture
def two_engines(transactional_db: None, valkey: Valkey, tmp_path: Path) -> Iterator[list[Worker]]:
    engines = [Worker(tmp_path / f"{name}.log", with_beat=True) for name in ("first", "second")]
    for engine in engines:
        engine.start()
    yield engines
    for engine in engines:
        engine.stop()


def test_two_engines_apply_nothing_twice(crowd, program, two_engines: list[Worker]) -> None:
    leads = crowd(300)
    for start in range(0, 300, 20):
        rows = [report(leads[n], n, at=timezone.now()) for n in range(start, start + 20)]
        assert program.post("/api/v1/touchpoints/batch/", rows).json()["created"] == 20
    wait_until(lambda: not waiting(), seconds=60, what=f"the sweeps; {two_engines[0].log.parent}")
    assert_each_counted_once(leads, reports=300)


def test_two_engines_cool_each_lead_once(crowd, root, two_engines: list[Worker]) -> None:
    """Overrides that are over, all at once: one change back for each lead."""
    leads, now = crowd(300), timezone.now()
    until = now + timedelta(seconds=1)
    TemperatureOverride.objects.bulk_create(
        TemperatureOverride(lead=lead, temperature="warm", until=until, reason="met", by=root, starts_at=now)
        for lead in leads
    )
    Lead.objects.filter(pk__in=[lead.pk for lead in leads]).update(temperature="warm", warm_until=until)
    warm = Lead.objects.filter(temperature="warm")
    wait_until(lambda: not warm.exists(), seconds=60, what=f"the cooling sweep; {two_engines[0].log.parent}")
    assert Counter(TemperatureChange.objects.values_list("lead_id", "after")) == Counter(
        (lead.pk, "cold") for lead in leads
    )
    assert not TemperatureOverride.objects.filter(ended_at=None).exists()
