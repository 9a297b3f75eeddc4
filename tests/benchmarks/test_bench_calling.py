"""Does calling stay as quick with a million leads and ten million calls as with ten thousand leads?

BENCH_CALLING_LEADS says how many leads there are (20,000), each with ten calls, beside a floor of 10,000 whose figures
the large one's are compared with; BENCH_CALLING_SECONDS how long a hundred reps work (60; they keep a human pace). On
PostgreSQL, in databases of their own on the tests' server: where that stays (TEST_DATABASE_URL) they are built once.
The hour is that of the data. Figures of requests come from a real web server with its default processes and threads.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
import urllib.request
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIRequestFactory

from crm.accounts.models import ApiKey, User
from crm.celery import set_apart_what_stays
from leads.models import Lead
from tests.benchmarks.calling_data import NOW, TARGET, build, own_database
from tests.benchmarks.conftest import Figures
from tests.benchmarks.reps import Heard, Rep
from tests.benchmarks.test_bench import BareList
from tests.lists import load_current
from tests.processes import ROOT, free_port, start, wait_until
from touchpoints import calls, connect_rates, engine, outcomes, queue, starts, tending, unlogged
from touchpoints.models import CallAttempt, Dial, FollowUp
from touchpoints.outcomes import Logged

SMALL = 10_000
LEADS = int(os.environ.get("BENCH_CALLING_LEADS", "20000"))
SECONDS = int(os.environ.get("BENCH_CALLING_SECONDS", "60"))
RATE, ASKED = 10, 300
ROUNDS, TIMES = 3, 70
TALK = timedelta(seconds=40)
CONTROL = ("SAVEPOINT", "RELEASE", "ROLLBACK", "BEGIN", "COMMIT")
OPENS = {"IL": 9}
ZONES = {"CO": "America/Denver", "CA": "America/Los_Angeles", "WA": "America/Los_Angeles"}
ZONES |= dict.fromkeys(("IL", "MN", "WI", "IA", "MO"), "America/Chicago")


@pytest.fixture(scope="module")
def floors(
    django_db_setup: None, django_db_blocker: Any, figures: Figures, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    """Both floors, built where they are not there yet, with what was left over from yesterday seen to."""
    if connection.vendor != "postgresql":
        pytest.skip("a floor of this size is PostgreSQL's")
    before = figures.u_ms
    with django_db_blocker.unblock():
        for leads in (SMALL, LEADS):
            with own_database(leads):
                call_command("migrate", verbosity=0)
                if not Lead.objects.exists():
                    begun = time.perf_counter()
                    build(leads)
                    load_current(tmp_path_factory.mktemp("lists"))
                    made = f"{leads:,} leads, {CallAttempt.objects.count():,} calls"
                    figures.note(f"build {made}", time.perf_counter() - begun, "s")
        with own_database(LEADS):
            look = bare_list()
            figures.u_ms = min(
                figures.measure(f"U at {LEADS:,} leads", look, times=40) for _round in range(3)
            )
            swept(figures, "callbacks missed, windows closed", lambda: tending.tend_follow_ups(now=NOW))
        with own_database(SMALL):
            tending.tend_follow_ups(now=NOW)
            tidy()
        yield
    figures.u_ms = before


@pytest.fixture
def large(floors: None) -> Iterator[list[User]]:
    """The reps of the large floor, which is worked on."""
    with own_database(LEADS):
        yield reps()


def bare_list() -> Callable[[], Any]:
    view, factory = BareList.as_view(), APIRequestFactory()
    return lambda: view(factory.get("/")).render()


def took(act: Callable[[], Any]) -> float:
    begun = time.perf_counter()
    act()
    return 1000 * (time.perf_counter() - begun)


def reps() -> list[User]:
    return list(User.objects.filter(role="rep").select_related("team").order_by("pk"))


def tidy() -> None:
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def swept(figures: Figures, name: str, act: Callable[[], int], *, rounds: int = 1) -> None:
    """Note how long a sweep takes for how many rows, run again until it finds none or `rounds` are over."""
    begun, rows = time.perf_counter(), 0
    for _round in range(rounds):
        done = act()
        rows += done
        if not done:
            break
    taken = time.perf_counter() - begun
    figures.note(f"sweep: {name}, {rows:,} due", taken, "s")
    if rows:
        figures.note(f"sweep: {name}, 100,000 due", 100_000 * taken / rows, "s")
    tidy()


# --- one rep after the other ---------------------------------------------------------------------------------

SAID = (
    "no_answer",
    "no_answer",
    "hung_up",
    "no_answer",
    "gatekeeper",
    "no_answer",
    "busy",
    "callback_requested",
)


@dataclass
class Shift:
    """Milliseconds of each step, and how many statements it took each time."""

    next: list[float] = field(default_factory=list)
    dial: list[float] = field(default_factory=list)
    log: list[float] = field(default_factory=list)
    control: list[float] = field(default_factory=list)
    queries: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))


def work(shift: Shift, users: list[User], *, since: datetime, times: int, counting: bool = False) -> None:
    """So many calls by one rep after the other: next lead, dial, outcome."""

    def timed(step: str, act: Callable[[], Any]) -> Any:
        if counting:
            with CaptureQueriesContext(connection) as seen:
                done = act()
            said = [one for one in seen.captured_queries if not one["sql"].startswith(CONTROL)]
            shift.queries[step].append(len(said))
            return done
        begun = time.perf_counter()
        done = act()
        getattr(shift, step).append(1000 * (time.perf_counter() - begun))
        return done

    for n in range(times):
        user, now, key = users[n * 7 % len(users)], since + timedelta(seconds=n), SAID[n % len(SAID)]
        logged = Logged(key, callback_at=now + timedelta(days=1) if key == "callback_requested" else None)
        row = timed("next", lambda: queue.next_lead(user, now=now))  # noqa: B023 - asked at once
        assert row is not None, f"nobody is left for {user}"
        call = timed("dial", lambda: calls.dial(row.lead, user=user, now=now))  # noqa: B023
        timed("log", lambda: outcomes.log_outcome(call, logged, user=user, now=now + TALK))  # noqa: B023


def test_one_call_after_the_other(figures: Figures, floors: None) -> None:
    """In turns on both floors and the control, so that a busy moment of the machine meets all of them."""
    shifts = {leads: Shift() for leads in (SMALL, LEADS)}
    for at in range(ROUNDS + 1):
        for leads, shift in shifts.items():
            with own_database(leads):
                everybody, since = reps(), NOW + timedelta(minutes=5 * at)
                if at == 0:
                    work(Shift(), everybody, since=since, times=16)
                    work(shift, everybody, since=since + timedelta(minutes=1), times=24, counting=True)
                else:
                    work(shift, everybody, since=since, times=TIMES)
                    look = bare_list()
                    shift.control += [took(look) for _time in range(40)][5:]
    figures.u_ms = statistics.median(shifts[LEADS].control)
    note(figures, f"U meanwhile, {LEADS:,} leads", shifts[LEADS].control, queries=1)
    for leads, shift in shifts.items():
        for step, name in (("next", "next lead"), ("dial", "dial"), ("log", "log an outcome")):
            times, queries = getattr(shift, step), statistics.median_high(shift.queries[step])
            note(figures, f"{name}, {leads:,} leads", times, queries=queries)
            figures.note(f"{name}, {leads:,} leads: most statements", max(shift.queries[step]), "")
    assert max(shifts[LEADS].queries["next"]) <= 12
    # More where the outcome also makes a pool's lead the rep's own.
    assert statistics.median_high(shifts[LEADS].queries["log"]) <= 20
    for step, name in (("next", "next lead"), ("log", "log an outcome")):
        small, large = (statistics.median(getattr(shifts[leads], step)) for leads in (SMALL, LEADS))
        figures.note(f"{name}: {LEADS:,} leads / {SMALL:,} leads", large / small, "×")


def note(figures: Figures, name: str, times: list[float], **more: Any) -> None:
    """Median and 95th percentile."""
    times = sorted(times)
    figures.note(f"{name}, median of {len(times):,}", statistics.median(times), "ms", worst=times[-1], **more)
    figures.note(f"{name}, p95", times[int(0.95 * (len(times) - 1))], "ms", worst=times[-1], **more)


# --- over HTTP -----------------------------------------------------------------------------------------------


@contextmanager
def served(directory: Path, now: datetime) -> Iterator[str]:
    """A web server of its own at the floor's hour; its address."""
    port = free_port()
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("THAW_", "PYTEST"))
    }
    environment |= {
        "BENCH_NOW": now.isoformat(),
        "DATABASE_URL": f"{os.environ['DATABASE_URL'].rpartition('/')[0]}/{connection.settings_dict['NAME']}",
        "DJANGO_SETTINGS_MODULE": "crm.settings",
        "PORT": str(port),
        "PYTHONPATH": str(ROOT),
        "SECRET_KEY": settings.SECRET_KEY,
        "THAW_DIR": str(settings.THAW_DIR),
    }
    command = [
        sys.executable,
        "-m",
        "granian",
        "--interface",
        "wsgi",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
    ]
    command += ["--workers", str(settings.WEB_WORKERS), "--blocking-threads", str(settings.WEB_THREADS)]
    command += [
        "--http",
        "1",
        "--no-ws",
        "--log-level",
        "warning",
        "tests.benchmarks.at_the_hour:application",
    ]
    url = f"http://127.0.0.1:{port}"
    with (directory / "web.log").open("ab") as log:
        server = start(command, env=environment, cwd=ROOT, stdout=log, stderr=log)
    try:
        wait_until(lambda: answers(url), seconds=60, what=f"the web server, {directory / 'web.log'}")
        yield url
    finally:
        server.terminate()
        server.wait(20)


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/healthz", timeout=3) as response:
            return bool(response.status == 200)
    except OSError:
        return False


def test_ten_a_second(figures: Figures, large: list[User], tmp_path: Path) -> None:
    """Ten requests a second for the next lead, each by another rep who holds none."""
    ApiKey.objects.filter(name="bench", user__in=large).delete()
    keys = [ApiKey.objects.create(user=user, name="bench", expiry=None)[1] for user in large]
    FollowUp.objects.open().filter(lease_by__isnull=False).update(lease_by=None, lease_until=None)
    taken: list[float] = []

    def ask(url: str, key: str) -> int:
        request = urllib.request.Request(
            f"{url}/api/v1/queue/next/", headers={"Authorization": f"Bearer {key}"}
        )
        begun = time.perf_counter()
        with urllib.request.urlopen(request, timeout=30) as response:
            item = json.load(response)
        taken.append(1000 * (time.perf_counter() - begun))
        return int(item["id"])

    with served(tmp_path, NOW + timedelta(minutes=20)) as url, ThreadPoolExecutor(RATE) as pool:
        for _time in range(8):  # so that every thread has read what it reads once
            list(pool.map(ask, [url] * RATE, keys[:RATE]))
        taken.clear()
        begun, asked = time.perf_counter(), []
        for n in range(ASKED):
            time.sleep(max(0.0, begun + n / RATE - time.perf_counter()))
            asked.append(pool.submit(ask, url, keys[n % len(keys)]))
            if n >= len(keys) // 2:
                let_go(asked[n - len(keys) // 2].result())
        for one in asked:
            let_go(one.result())
    note(figures, f"GET next lead, {RATE} a second, {LEADS:,} leads", taken)


def let_go(follow_up: int) -> None:
    """As if the rep had passed over the lead: the next request needs a new one."""
    later = NOW + timedelta(hours=3)
    FollowUp.objects.filter(pk=follow_up).update(lease_by=None, lease_until=None, skipped_until=later)


def test_a_hundred_reps(figures: Figures, large: list[User], tmp_path: Path) -> None:
    """At a human pace, through the pages a browser shows and polls. Nobody is served twice, nobody is called outside
    their hours."""
    FollowUp.objects.open().filter(lease_by__isnull=False).update(lease_by=None, lease_until=None)
    heard = Heard()
    since = NOW + timedelta(minutes=40)
    with served(tmp_path, since) as url:
        begins = time.monotonic() + 2
        people = [
            Rep(user.pk, session_of(user), url, heard, begins=begins, ends=begins + SECONDS) for user in large
        ]
        for one in people:
            one.start()
        for one in people:
            one.join(SECONDS + 120)
    assert heard.refused == []
    by_lead: dict[int, list[int]] = defaultdict(list)
    for who, lead in heard.served:
        by_lead[lead].append(who)
    assert {lead: who for lead, who in by_lead.items() if len(who) > 1} == {}
    made = list(
        CallAttempt.objects.outbound()
        .filter(started_at__gte=since)
        .values_list("lead", "lead__region", "started_at")
    )
    assert len(made) == heard.logged >= len(people)
    assert len({lead for lead, _region, _at in made}) == len(made)
    assert [one for one in made if not within_hours(*one[1:])] == []
    what = f"{len(people)} reps, {SECONDS} s, {LEADS:,} leads"
    figures.note(f"{what}: calls made", len(made), "")
    figures.note(f"{what}: requests a second", sum(map(len, heard.taken.values())) / SECONDS, "/s")
    note(figures, f"{what}: dial and its screen", heard.taken["dial"])
    note(figures, f"{what}: outcome and the next lead's screen", heard.taken["log"])


def session_of(user: User) -> str:
    client = Client()
    client.force_login(user)
    return client.cookies["sessionid"].value


def within_hours(region: str, at: datetime) -> bool:
    """Worked out without the guard: who of our sixteen states may be called at this hour of this Wednesday?"""
    local = at.astimezone(ZoneInfo(ZONES.get(region, "America/New_York")))
    return OPENS.get(region, 8) <= local.hour < 20


# --- sweeps --------------------------------------------------------------------------------------------------


def test_sweeps(figures: Figures, large: list[User]) -> None:
    now, due = NOW + timedelta(hours=1), LEADS // 10
    set_apart_what_stays()  # as every worker does
    leave_open(due, now=now)
    tidy()
    swept(figures, "calls nobody logged", lambda: unlogged.close_forgotten(now=now), rounds=1_000)
    assert not CallAttempt.objects.open().filter(started_at__lt=NOW).exists()
    swept(figures, "leads that cool", lambda: len(engine.cool_expired(now=now).cooled))
    # Room enough, so that every row that is due is worked on.
    User.objects.update(dials_a_day=20_000)
    swept(figures, "rested leads tried again", lambda: starts.recycle(now=now), rounds=1_000)
    swept(figures, "pursuits started", lambda: starts.start_waiting(now=now), rounds=1_000)
    assert not Lead.objects.filter(pursuits=None).exists()
    swept(figures, "when people answer, of all calls", lambda: connect_rates.count(now=now) and 0)


def leave_open(count: int, *, now: datetime) -> None:
    """So many calls of people who have left, open for three hours."""
    rows = FollowUp.objects.open().filter(due_at__gt=now + timedelta(days=1), pursuit__attempt__lt=TARGET)
    rows = rows.filter(pursuit__calls__isnull=False).distinct()
    made = CallAttempt.objects.bulk_create(
        (
            CallAttempt(
                lead_id=row.lead_id,
                pursuit_id=row.pursuit_id,
                follow_up_id=row.pk,
                number_id=row.lead_id,
                attempt=row.attempt,
                started_at=now - timedelta(hours=3),
            )
            for row in rows.order_by("pk")[:count]
        ),
        batch_size=5_000,
    )
    Dial.objects.bulk_create(
        (Dial(call=call, number_id=call.lead_id, lead_id=call.lead_id, at=call.started_at) for call in made),
        batch_size=5_000,
    )
