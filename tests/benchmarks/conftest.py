"""What the benchmarks measure on, and how their figures are kept: a table at the end, and a JSON file."""

from __future__ import annotations

import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext, setup_databases, teardown_databases

from tests.benchmarks.data import World, build
from tests.lists import load_current
from tests.processes import ROOT

LEADS = int(os.environ.get("BENCH_LEADS", "20000"))


@dataclass
class Figures:
    """The figures of one run. Times are medians; `u` says how many bare list views one takes."""

    leads: int
    rows: list[dict[str, Any]] = field(default_factory=list)
    u_ms: float = 0.0

    def measure(
        self, name: str, act: Callable[[], Any], *, times: int = 15, unit: str = "ms", queries: bool = True
    ) -> float:
        """The median time of `act` in milliseconds, after one run to warm up, and how many queries it takes."""
        act()
        count: int | str = ""
        if queries:
            with CaptureQueriesContext(connection) as seen:
                act()
            count = len(seen)
        taken = []
        for _time in range(times):
            begun = time.perf_counter()
            act()
            taken.append(1000 * (time.perf_counter() - begun))
        median = statistics.median(taken)
        self.note(name, median, unit, queries=count, worst=max(taken))
        return median

    def note(self, name: str, value: float, unit: str, **more: Any) -> None:
        row = {"name": name, "value": round(value, 2), "unit": unit, **more}
        if unit == "ms" and self.u_ms:
            row["u"] = round(value / self.u_ms, 1)
        if "worst" in row:
            row["worst"] = round(row["worst"], 2)
        self.rows.append(row)

    def table(self) -> str:
        lines = [f"{'':52} {'median':>11} {'× U':>8} {'queries':>8} {'worst':>9}"]
        for row in self.rows:
            value = f"{row['value']:,.1f} {row['unit']}"
            u, queries, worst = (row.get(name, "") for name in ("u", "queries", "worst"))
            lines.append(f"{row['name']:52} {value:>11} {u:>8} {queries:>8} {worst:>9}")
        return "\n".join(lines)


@pytest.fixture(scope="session")
def figures(request: pytest.FixtureRequest) -> Iterator[Figures]:
    figures = Figures(LEADS)
    yield figures
    database = connection.vendor
    directory = Path(os.environ.get("BENCH_RESULTS", ROOT / "bench-results"))
    directory.mkdir(exist_ok=True)
    kept = {
        "database": database,
        "leads": LEADS,
        "python": platform.python_version(),
        "processors": os.cpu_count(),
        "u_ms": round(figures.u_ms, 3),
        "figures": figures.rows,
    }
    file = directory / f"{database}-{LEADS}.json"
    file.write_text(json.dumps(kept, indent=1) + "\n")
    print(
        f"\n\n{LEADS:,} leads, {database}, one process, {os.cpu_count()} processors\n{figures.table()}\n{file}"
    )


COPIED = 200_000


@pytest.fixture(scope="session")
def copy_rate(django_db_setup: None, django_db_blocker: Any, figures: Figures) -> float:
    """The control of everything that writes rows: how many of 7 narrow columns PostgreSQL copies a second into a
    table with a key and two indexes; 0 on SQLite, which has no COPY."""
    if connection.vendor != "postgresql":
        return 0.0
    with django_db_blocker.unblock():
        rate = max(_copied_a_second() for _round in range(3))
    figures.note("control: COPY into a narrow table, two indexes", rate, "/s")
    return rate


def _copied_a_second() -> float:
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE bench_copy (id bigint PRIMARY KEY, a int, b int, c text, d text, e int, f int)"
        )
        cursor.execute("CREATE INDEX ON bench_copy (a)")
        cursor.execute("CREATE INDEX ON bench_copy (c)")
        rows = [f"{n}\t{n % 997}\t{n % 7}\tp{n}\tlast{n % 4001}\t{n}\t0\n" for n in range(COPIED)]
        begun = time.perf_counter()
        with cursor.copy("COPY bench_copy FROM STDIN") as copy:
            for start in range(0, COPIED, 1_000):
                copy.write("".join(rows[start : start + 1_000]))
        taken = time.perf_counter() - begun
        cursor.execute("DROP TABLE bench_copy")
    return COPIED / taken


@pytest.fixture(scope="session")
def django_db_setup(
    django_test_environment: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    """A database for the whole run: nothing is rolled back between benchmarks."""
    with django_db_blocker.unblock():
        made = setup_databases(verbosity=0, interactive=False)
        load_current(tmp_path_factory.mktemp("lists"))
    yield
    with django_db_blocker.unblock():
        teardown_databases(made, verbosity=0)


@pytest.fixture(scope="session")
def world(django_db_setup: None, django_db_blocker: Any, figures: Figures) -> Iterator[World]:
    """The rows, built once and committed; every benchmark finds them as the one before left them."""
    with django_db_blocker.unblock():
        begun = time.perf_counter()
        world = build(LEADS)
        figures.note("build the data", time.perf_counter() - begun, "s")
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("ANALYZE")
        yield world
