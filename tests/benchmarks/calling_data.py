"""A calling floor of any size, in a database of its own: 100 reps in ten teams, every second lead in a pool.

For each thousand leads there are 350 open pursuits with a planned call and 50 whose evidence has run out, 500 that
have ended and 100 that wait for a start; ten calls a lead, each with its dial and the follow-up it answered. Of the
planned calls one in eight is due, twice as many were left over from yesterday. Written by SQL alone (PostgreSQL),
with foreign keys and indexes set aside meanwhile.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from django.core.management import call_command
from django.core.management.color import no_style
from django.db import connection, transaction

from crm.accounts.models import Team, User
from leads.models import Company, Lead, LeadNumber, Number
from touchpoints.models import Cadence, CallAttempt, Dial, FollowUp, Promise, Pursuit, Touchpoint

# A Wednesday: half past ten in New York, half past eight in Denver, and nobody may be called on the Pacific yet.
NOW = datetime(2026, 3, 4, 15, 30, tzinfo=UTC)
AT = f"'{NOW.isoformat()}'::timestamptz"
REPS, TEAMS = 100, 10
TARGET = 18
# (state, area code); the last two are still asleep.
STATES = (
    ("NY", 212), ("PA", 215), ("OH", 216), ("GA", 404), ("NC", 704), ("MA", 617), ("NJ", 201), ("VA", 804),
    ("IL", 312), ("MN", 612), ("WI", 414), ("IA", 515), ("MO", 314), ("CO", 303), ("CA", 213), ("WA", 206),
)  # fmt: skip
BIG = (Company, Lead, Number, LeadNumber, Touchpoint, Pursuit, FollowUp, Promise, CallAttempt, Dial)
GUARD = """{"decision": "allow", "reasons": [], "next_allowed_at": null, "rule_version": "1", "zones_from": "address",
 "local_times": [{"zone": "America/New_York", "time": "2026-01-05T10:30:00-05:00"}], "zones": ["America/New_York"]}"""

# What each lead is, from its number alone. `k`: in pursuit and due (0), later (1-4), left over (5, 6), in pursuit
# and gone cold (7); rested for 180 days (8, 9), gone cold (10), ended lately (11-17), never pursued (18, 19).
PEOPLE = f"""
    CREATE UNLOGGED TABLE bench_people AS
    SELECT n, k, m, past, state, team, rep, CASE WHEN m % 2 = 0 THEN rep END AS owner,
        1 + h % {{companies}} AS company, (k < 7 AND m % 5 = 0) OR k IN (7, 10) AS warm,
        CASE WHEN h % 10 < 3 THEN 500 * (1 + h % 40) END AS value,
        CASE WHEN h % 7 < 2 THEN 20 + h % 80 ELSE 50 END AS fit,
        at - make_interval(hours => 1) + make_interval(secs => h % 21600)
            - make_interval(days => CAST(CASE WHEN k < 8 THEN 2 + h % 12 WHEN k < 10 THEN 181 + h % 320
                ELSE 3 + h % 160 END AS int)) AS last_at, h
    FROM (
        SELECT n, n % 20 AS k, n / 20 AS m, at, h / 1000 AS h, h / 100 % {len(STATES)} AS state,
            1 + h % {REPS} AS rep, 1 + h % {TEAMS} AS team,
            CASE WHEN n % 20 < 8 THEN (n / 20) % 13 WHEN n % 20 < 10 THEN {TARGET}
                WHEN n % 20 < 18 THEN 12 + (n / 20) % 7 ELSE 0 END AS past
        FROM (SELECT n, abs(hashint8(n)::bigint) AS h, {{at}} AS at
            FROM generate_series(1::bigint, {{leads}}) n) numbered
    ) known ORDER BY n"""


@contextmanager
def own_database(leads: int) -> Iterator[None]:
    """Work in the database of this size, made by the first who asks; what is in the tests' own stays as it is."""
    name, usual = f"thaw_calling_{leads}", connection.settings_dict["NAME"]
    with connection._nodb_cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
        found = cursor.fetchone()
        if not found:
            cursor.execute(f'CREATE DATABASE "{name}"')
    connection.close()
    connection.settings_dict["NAME"] = name
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["NAME"] = usual


def build(leads: int) -> None:
    """Fill the migrated, empty database at hand."""
    call_command("createcachetable", verbosity=0)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("SET LOCAL maintenance_work_mem = '1GB'; SET LOCAL work_mem = '256MB'")
        indexes = _take_indexes(cursor)
        _staff()
        cursor.execute(PEOPLE.format(at=AT, leads=leads, companies=max(leads // 3, 1)))
        cursor.execute("ANALYZE bench_people")
        _people(leads)
        _plans()
        _calls(leads)
        for index in indexes:
            cursor.execute(index)
        for statement in connection.ops.sequence_reset_sql(no_style(), [*BIG, Team, User]):
            cursor.execute(statement)
        cursor.execute("DROP TABLE bench_people")
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def _staff() -> None:
    teams = Team.objects.bulk_create(Team(pk=n, name=f"Floor {n}") for n in range(101, 101 + TEAMS))
    User.objects.bulk_create(
        User(pk=n, username=f"rep-{n}", role="rep", team=teams[(n - 1) % TEAMS], dials_a_day=80)
        for n in range(1, 1 + REPS)
    )


def _take_indexes(cursor: Any) -> list[str]:
    """Drop the indexes of the big tables that are no constraints; the statements that bring them back."""
    cursor.execute(
        """SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index
        WHERE indrelid::regclass::text = ANY(%s)
            AND NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conindid = indexrelid)""",
        [[model._meta.db_table for model in BIG]],
    )
    found = cursor.fetchall()
    for name, _definition in found:
        cursor.execute(f"DROP INDEX {name}")
    return [definition for _name, definition in found]


def _write(row: Any, source: str, **columns: str) -> None:
    """A copy of `row` for each row of `source`, with these columns computed from it."""
    row.pk = 0
    row.save(force_insert=True)
    table = row._meta.db_table
    names = [field.column for field in row._meta.concrete_fields]
    assert set(columns) <= set(names), set(columns) - set(names)
    values = ", ".join(columns.get(name, f't."{name}"') for name in names)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} ({', '.join(names)}) "
            f"SELECT {values} FROM {source} p CROSS JOIN {table} t WHERE t.id = 0"
        )
        cursor.execute(f"DELETE FROM {table} WHERE id = 0")


def _of_state(which: int) -> str:
    listed = ", ".join(f"'{state[which]}'" for state in STATES)
    return f"(ARRAY[{listed}])[p.state + 1]"


# Until when warm leads are: those gone cold these five days, the others for up to two months.
WARM_UNTIL = f"""CASE WHEN p.k IN (7, 10) THEN {AT} - interval '5 days'
    ELSE {AT} + make_interval(days => 1 + (p.h % 40)::int) END"""


def _people(leads: int) -> None:
    _write(
        Company(name="-", country="US"),
        f"(SELECT g FROM generate_series(1, {max(leads // 3, 1)}) g)",
        id="p.g",
        name="'Company ' || p.g",
    )
    _write(
        Lead(first_name="-", audience="business", country="US", created_at=NOW),
        "bench_people",
        id="p.n",
        first_name="'First' || p.h % 997",
        last_name="'Last' || p.h % 40009",
        email="'p' || p.n || '@example.com'",
        company_id="p.company",
        region=_of_state(0),
        owner_id="p.owner",
        team_id="100 + p.team",
        value="p.value",
        fit="p.fit",
        stage="CASE WHEN p.k < 18 THEN 'attempted' ELSE 'new' END",
        temperature="CASE WHEN p.warm THEN 'warm' ELSE 'cold' END",
        warm_until=f"CASE WHEN p.warm THEN {WARM_UNTIL} END",
        evidence_until=f"CASE WHEN p.warm THEN {WARM_UNTIL} END",
        created_at=f"{AT} - interval '700 days'",
    )
    _write(
        Number(e164="+10", region="US", line_type="fixed"),
        "bench_people",
        id="p.n",
        e164=f"'+1' || {_of_state(1)} || (2000000 + p.n)",
    )
    _write(
        LeadNumber(lead_id=0, number_id=0, raw="-", region_used="US"),
        "bench_people",
        id="p.n",
        lead_id="p.n",
        number_id="p.n",
    )
    touch = {
        "direction": "inbound",
        "source": "bench",
        "occurred_at": NOW,
        "recorded_at": NOW,
        "evaluated_at": NOW,
    }
    _write(
        Touchpoint(lead_id=0, kind_id="email_sent", **touch),
        "bench_people",
        id="p.n",
        lead_id="p.n",
        external_id="'mail-' || p.n",
        occurred_at="p.last_at - interval '1 hour'",
    )
    _write(
        Touchpoint(lead_id=0, kind_id="event", **touch),
        "(SELECT * FROM bench_people WHERE warm)",
        id=f"{leads} + p.n",
        lead_id="p.n",
        external_id="'event-' || p.n",
        occurred_at=f"{WARM_UNTIL} - interval '45 days'",
    )


def _plans() -> None:
    """Pursuits and the calls they stand at."""
    cadence = Cadence.objects.get(is_default=True, active=True, temperature="cold", audience="business")
    _write(
        Pursuit(lead_id=0, cadence=cadence, started_at=NOW, target=TARGET, temperature_at_start="cold"),
        "(SELECT * FROM bench_people WHERE k < 18)",
        id="p.n",
        lead_id="p.n",
        started_at="p.last_at - make_interval(days => 4 * p.past::int)",
        step=f"least(p.past + 1, {TARGET})",
        attempt="p.past + 1",
        ended_at="CASE WHEN p.k >= 8 THEN p.last_at + interval '1 minute' END",
        end_reason=f"CASE WHEN p.k < 8 THEN '' WHEN p.past = {TARGET} THEN 'exhausted' ELSE 'not_interested' END",
    )
    day = f"date_trunc('day', {AT})"
    later = f"{day} + make_interval(days => 1 + (p.h % 60)::int)"
    asleep = "p.state >= 14 AND p.m % 16 > 0"
    callback = "p.k = 5 AND p.m % 10 = 0"
    _write(
        FollowUp(
            lead_id=0, attempt=1, due_at=NOW, window_end=NOW.replace(hour=23), reason="attempt", placed_at=NOW
        ),
        "(SELECT * FROM bench_people WHERE k < 8)",
        id="p.n",
        lead_id="p.n",
        pursuit_id="p.n",
        attempt="p.past + 1",
        step="p.past + 1",
        due_at=f"""CASE WHEN p.k = 0 AND {asleep} THEN {AT} + interval '30 minutes'
            WHEN p.k = 0 THEN {day} - make_interval(days => (p.m % 3)::int) + interval '14 hours'
            WHEN p.k IN (5, 6) THEN {day} - interval '9 hours' ELSE {later} + interval '14 hours' END""",
        window_end=f"""CASE WHEN p.k = 0 THEN {AT} + interval '150 minutes'
            WHEN p.k IN (5, 6) THEN {day} - interval '2 hours' ELSE {later} + interval '18 hours' END""",
        assignee_id="p.owner",
        team_id="100 + p.team",
        rank=f"CASE WHEN {callback} THEN 1 WHEN p.warm THEN 4 ELSE 5 END",
        rank_value=f"""CASE WHEN {callback} THEN -extract(epoch FROM {day} - interval '9 hours')
            WHEN p.warm THEN extract(epoch FROM {WARM_UNTIL}) / 86400 + 14 * log(2, p.fit / 100.0)
            ELSE coalesce(p.value, 1) * p.fit / 100.0 END""",
        agreed_at=f"CASE WHEN {callback} THEN {day} - interval '9 hours' END",
        placed_at="p.last_at + interval '1 minute'",
    )
    _write(
        Promise(lead_id=0, text="call back", due_at=NOW, made_at=NOW),
        "(SELECT * FROM bench_people WHERE k = 5 AND m % 10 = 0)",
        id="p.n",
        lead_id="p.n",
        due_at=f"{day} - interval '9 hours'",
        made_at="p.last_at",
    )


def _calls(leads: int) -> None:
    """The attempts so far, the first of everybody before the second of anybody: as they lie on disk in real life."""
    call = CallAttempt(lead_id=0, started_at=NOW, ended_at=NOW, duration_seconds=40, outcome_id="no_answer")
    call.guard, call.target = json.loads(GUARD), TARGET
    for i in range(1, TARGET + 1):
        called_at = f"last_at - make_interval(days => 4 * (past::int - {i}))"
        who = f"(SELECT *, {called_at} AS called_at FROM bench_people WHERE past >= {i})"
        ids = f"{i} * {leads}::bigint + p.n"
        rep = f"coalesce(p.owner, p.team + {TEAMS} * ((p.h + {i}) % {REPS // TEAMS}))"
        _write(
            FollowUp(
                lead_id=0,
                due_at=NOW,
                window_end=NOW.replace(hour=23),
                reason=f"attempt {i} of 18",
                placed_at=NOW,
                closed_as="done",
                closed_at=NOW,
            ),
            who,
            id=ids,
            lead_id="p.n",
            pursuit_id="p.n",
            attempt=str(i),
            step=str(i),
            due_at="p.called_at - interval '1 hour'",
            window_end="p.called_at + interval '1 hour'",
            assignee_id="p.owner",
            team_id="100 + p.team",
            placed_at="p.called_at - interval '4 days'",
            closed_at="p.called_at",
        )
        _write(
            call,
            who,
            id=ids,
            lead_id="p.n",
            pursuit_id="p.n",
            follow_up_id=ids,
            user_id=rep,
            team_id="100 + p.team",
            number_id="p.n",
            attempt=str(i),
            started_at="p.called_at",
            ended_at="p.called_at + interval '40 seconds'",
            outcome_id=f"""CASE WHEN p.k >= 8 AND p.past = {i} AND p.past < {TARGET} THEN 'not_interested' ELSE
                (ARRAY['no_answer', 'no_answer', 'no_answer', 'voicemail_left', 'no_answer', 'busy', 'gatekeeper'])
                [1 + (p.h + {i}) % 7] END""",
            local_weekday="extract(isodow FROM p.called_at)",
            local_hour="8 + p.h % 10",
        )
        _write(
            Dial(call_id=0, number_id=0, lead_id=0, at=NOW),
            who,
            id=ids,
            call_id=ids,
            number_id="p.n",
            lead_id="p.n",
            at="p.called_at",
        )
