"""How many new touchpoints a second does one worker turn into temperatures, follow-ups and history?

The stream is what a workspace hears all day: mostly faint contacts that move a date, and one in twenty that turns a
cold lead warm. The control is the rate at which rows are copied into a narrow table (PostgreSQL's COPY).
"""

from __future__ import annotations

import random
import time
from datetime import timedelta

import pytest
from django.db import connection

from leads.models import Lead
from tests.benchmarks.conftest import Figures
from tests.benchmarks.data import NOON, World
from touchpoints import engine, reevaluate
from touchpoints.models import TemperatureChange, Touchpoint

STREAM = 20_000
TURNING = 0.05
FAINT = ("website_visit", "email_sent", "voicemail_left", "visit")


@pytest.fixture
def steady(world: World) -> World:
    """Every lead is what its evidence says before the stream begins."""
    engine.evaluate_waiting(now=NOON, limit=10**9)
    reevaluate.evaluate_all(now=NOON)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE" if connection.vendor == "postgresql" else "ANALYZE")
    return world


def stream(size: int) -> list[Touchpoint]:
    """So many new touchpoints of leads in no order, of which TURNING turn a lead warm."""
    chance = random.Random(18)
    cold = list(Lead.objects.filter(temperature="cold").order_by("pk").values_list("pk", flat=True))
    every = list(Lead.objects.order_by("pk").values_list("pk", flat=True))
    turning = chance.sample(cold, int(size * TURNING))
    others = chance.choices(sorted(set(every) - set(turning)), k=size - len(turning))
    pairs = [(pk, "referral") for pk in turning] + [(pk, chance.choice(FAINT)) for pk in others]
    chance.shuffle(pairs)
    return [
        Touchpoint(
            lead_id=pk,
            kind_id=kind,
            direction="inbound",
            occurred_at=NOON - timedelta(minutes=chance.randrange(60 * 24)),
            source="bench-stream",
            external_id=f"stream-{n}",
            recorded_at=NOON - timedelta(seconds=size - n),
        )
        for n, (pk, kind) in enumerate(pairs)
    ]


def test_a_stream_of_new_touchpoints(figures: Figures, steady: World, copy_rate: float) -> None:
    Touchpoint.objects.bulk_create(stream(STREAM), batch_size=2_000)
    before = TemperatureChange.objects.count()
    begun = time.perf_counter()
    while Touchpoint.objects.waiting().exists():
        engine.evaluate_waiting(now=NOON)
    rate = STREAM / (time.perf_counter() - begun)
    changed = TemperatureChange.objects.count() - before
    figures.note("engine: new touchpoints evaluated, one worker's function", rate, "/s")
    figures.note("engine: leads of the stream that change temperature", 100 * changed / STREAM, "%")
    if copy_rate:
        figures.note("engine: touchpoints evaluated / rows copied", 100 * rate / copy_rate, "%")
