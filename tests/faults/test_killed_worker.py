"""Does a worker that is killed amid its work lose anything, or do anything twice?"""

from __future__ import annotations

from pathlib import Path

from django.utils import timezone

from tests.faults.conftest import assert_each_counted_once, report, waiting
from tests.processes import Valkey, Worker, wait_until
from touchpoints.models import Touchpoint


def test_a_worker_killed_amid_500_touchpoints_loses_and_repeats_nothing(crowd, program, live_engine) -> None:
    """Posted one by one and in batches, with a kill after each hundred or so evaluated."""
    leads, posted, deaths = crowd(500), 0, 0
    while posted < 500:
        if posted % 100 < 50:
            answer = program.post("/api/v1/touchpoints/", report(leads[posted], posted, at=timezone.now()))
            assert answer.status_code == 201, answer.json()
            posted += 1
        else:
            rows = [report(leads[n], n, at=timezone.now()) for n in range(posted, posted + 50)]
            answer = program.post("/api/v1/touchpoints/batch/", rows)
            assert answer.json()["created"] == 50, answer.json()
            posted += 50
        done = Touchpoint.objects.exclude(evaluated_at=None).count()
        if deaths < 3 and done > deaths * 100 and waiting():
            live_engine.kill()
            deaths += 1
            assert waiting(), "it was killed with work to do"
            live_engine.start()
    assert deaths >= 2
    wait_until(lambda: not waiting(), seconds=60, what=f"the sweep; {live_engine.log}")
    assert_each_counted_once(leads, reports=500)


def test_what_is_posted_while_no_worker_lives_is_found(
    crowd, program, valkey: Valkey, tmp_path: Path
) -> None:
    """The ring is lost with the queue; the sweep finds the rows."""
    leads = crowd(40)
    for n, lead in enumerate(leads):
        assert program.post("/api/v1/touchpoints/", report(lead, n, at=timezone.now())).status_code == 201
    with valkey.client() as client:
        wait_until(lambda: client.llen("celery"), what="the ring")
        client.flushall()
    assert waiting() == 40
    engine = Worker(tmp_path / "engine.log", with_beat=True)
    engine.start()
    try:
        wait_until(lambda: not waiting(), seconds=30, what=f"the sweep; {engine.log}")
    finally:
        engine.stop()
    assert_each_counted_once(leads, reports=40)
