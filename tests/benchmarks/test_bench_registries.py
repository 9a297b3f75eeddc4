"""What do the do-not-call lists cost: to load, to keep, to look into, and to hold all our numbers against?

BENCH_REGISTRY_NUMBERS says how many registered numbers there are over 330 areas (2,000,000; all of the United States
is 250000000, and takes 4 GB of disk on the way), BENCH_REGISTRY_LEADS how many numbers of ours (100,000).
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.db.models import Sum
from django.db.models.functions import Length

from leads.area_codes import STATE_OF_AREA_CODE
from leads.models import Number, RegistryBitmap, RegistryLoad
from leads.registries import load, lookup, scrub
from leads.registries.facts import facts_of
from tests.benchmarks.conftest import Figures
from tests.processes import ROOT

NUMBERS = int(os.environ.get("BENCH_REGISTRY_NUMBERS", "2000000"))
OURS = int(os.environ.get("BENCH_REGISTRY_LEADS", "100000"))
AREAS = sorted(STATE_OF_AREA_CODE)[:330]
NOW = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
# An exchange begins with 2 to 9.
FIRST, BEYOND = 2_000_000, 10_000_000
SAMPLES = 4


def write_list(path: Path) -> int:
    """A list as the registry gives it, sorted, as many numbers in each area; returns how many."""
    dice = random.Random(4)
    each = NUMBERS // len(AREAS)
    samples = [[f"{n}\n" for n in sorted(dice.sample(range(FIRST, BEYOND), each))] for _ in range(SAMPLES)]
    with path.open("w") as file:
        for at, area in enumerate(AREAS):
            file.write(f"{area},")
            file.write(f"{area},".join(samples[at % SAMPLES]))
    return each * len(AREAS)


@pytest.fixture(scope="module")
def loaded(
    django_db_setup: None, django_db_blocker: Any, figures: Figures, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RegistryLoad]:
    """The list, loaded through the door and timed."""
    path = tmp_path_factory.mktemp("registry") / "2026-11-19_Global_bench.txt"
    written = write_list(path)
    with django_db_blocker.unblock():
        row = load.start(path, registry="us-ftc", forced=True, now=NOW)
        begun = time.perf_counter()
        row = load.run(row.pk, clock=lambda: datetime.now(UTC), path=path)
        taken = time.perf_counter() - begun
        path.unlink()
        assert (row.status, row.accepted) == ("loaded", written), row.why
        figures.note(f"registry: load {written:,} numbers, {len(AREAS)} areas", written / taken, "/s")
        yield row


@pytest.fixture
def _reading(django_db_blocker: Any) -> Iterator[None]:
    with django_db_blocker.unblock():
        yield


def our_numbers(count: int, seed: int) -> list[str]:
    dice = random.Random(seed)
    return [f"+1{dice.choice(AREAS)}{dice.randrange(FIRST, BEYOND)}" for _number in range(count)]


@pytest.mark.usefixtures("_reading")
def test_the_lists_are_small(loaded: RegistryLoad, figures: Figures) -> None:
    stored = RegistryBitmap.objects.aggregate(bytes=Sum(Length("data")))["bytes"] / 1024**2
    figures.note("registry: stored bitmaps", stored, "MB")
    assert stored <= 500


@pytest.mark.usefixtures("_reading")
def test_looking_numbers_up(loaded: RegistryLoad, figures: Figures) -> None:
    many = our_numbers(10_000, seed=1)
    one = many[:1]
    figures.measure("registry: facts of 1 number, its list at hand", lambda: facts_of(one))
    figures.measure("registry: facts of 10,000 numbers in 330 areas", lambda: facts_of(many), times=5)
    near = [f"+1{AREAS[0]}{number[5:]}" for number in many]
    figures.measure("registry: facts of 10,000 numbers in one area", lambda: facts_of(near), times=5)


GROWTH = """
import gc, django, psutil
django.setup()
from django.db import connection
from leads.registries.facts import facts_of
from tests.benchmarks.test_bench_registries import our_numbers
facts_of(["+4532123456"])
gc.collect()
before = psutil.Process().memory_info().rss
for seed in range(3):
    facts_of(our_numbers(10_000, seed=seed))
gc.collect()
print(psutil.Process().memory_info().rss - before)
"""


@pytest.mark.usefixtures("_reading")
def test_a_process_keeps_little_of_the_lists_at_hand(loaded: RegistryLoad, figures: Figures) -> None:
    """A process of its own, that looks into every area again and again."""
    done = subprocess.run(
        [sys.executable, "-c", GROWTH],
        cwd=ROOT,
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.worker_settings",
            "THAW_TEST_DATABASE_NAME": str(connection.settings_dict["NAME"]),
            "PYTHONPATH": str(ROOT),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    grown = int(done.stdout) / 1024**2
    figures.note("registry: resident memory of a process's lists", grown, "MB")
    assert grown <= 64
    assert lookup.bitmaps.bytes <= lookup.bitmaps.limit


@pytest.mark.usefixtures("_reading")
def test_holding_our_numbers_against_the_lists(loaded: RegistryLoad, figures: Figures) -> None:
    ours = sorted(set(our_numbers(OURS, seed=2)))
    for begin in range(0, len(ours), 50_000):
        Number.objects.bulk_create((Number(e164=e164) for e164 in ours[begin : begin + 50_000]), 5_000)
    for name in ("first, hits written", "again, nothing new"):
        begun = time.perf_counter()
        report = scrub.nightly(clock=lambda: NOW)
        figures.note(
            f"registry: scrub {report.numbers:,} numbers, {name}",
            report.numbers / (time.perf_counter() - begun),
            "/s",
        )
    assert report.hits
    assert not report.found
    assert connection.vendor in ("sqlite", "postgresql")
