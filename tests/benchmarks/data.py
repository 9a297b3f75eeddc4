"""A workspace of any size: leads with companies, numbers, touchpoints, pursuits and calls.

The first thousands are made by Django; the database copies them, each table in one statement, as often as asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.management.color import no_style
from django.db import connection

from crm.accounts.models import ApiKey, Team, User
from leads.models import Company, Lead, LeadNumber, Number
from touchpoints.models import Cadence, CallAttempt, FollowUp, Pursuit, Touchpoint

# A Wednesday, noon in New York: everybody may be called.
NOON = datetime(2026, 3, 4, 17, 0, tzinfo=UTC)
TEAMS, REPS_A_TEAM = 4, 5
KINDS = ("event", "website_visit", "email_sent", "referral", "content_download", "social_follow")
MADE = 2_000
COPIED = (Lead, Number, LeadNumber, Touchpoint, Pursuit, FollowUp, CallAttempt)
# What must differ from copy to copy; every other column is the original's. `k` is the copy, `id` the original.
DIFFERS = {
    "email": "'p' || (id - 1 + k * {made}) || '@example.com'",
    "e164": "'+1212' || (2000000 + id - 1 + k * {made})",
    "external_id": "CASE external_id WHEN '' THEN '' ELSE external_id || '-' || k END",
}

# How many rows of each model were made before they were copied.
SIZES: dict[Any, int] = {}


@dataclass
class World:
    root: User
    manager: User
    reps: list[User]
    key: str
    leads: int


def build(leads: int) -> World:
    """`leads` leads of 20 reps: two touchpoints and a past call each, a pursuit with its next call due."""
    teams = [Team.objects.create(name=f"Team {n}") for n in range(TEAMS)]
    root = User.objects.create(username="bench-root", role="admin")
    manager = User.objects.create(username="bench-manager", role="manager", team=teams[0])
    reps = [
        User.objects.create(username=f"bench-{n}", role="rep", team=teams[n % TEAMS], dials_a_day=80)
        for n in range(TEAMS * REPS_A_TEAM)
    ]
    made = min(leads, MADE)
    companies = Company.objects.bulk_create([Company(name=f"Company {n}", country="US") for n in range(made)])
    cadence = Cadence.objects.filter(is_default=True, temperature="cold").first()
    _make(range(made), companies, reps, cadence)
    for model in COPIED:
        _copy(model, times=-(-leads // made) - 1, leads=made)
    key = ApiKey.objects.create(user=root, name="bench", expiry=None)[1]
    return World(root, manager, reps, key, leads)


def _make(span: range, companies: list[Company], reps: list[User], cadence: Any) -> None:
    made = Lead.objects.bulk_create(_leads(span, companies, reps))
    numbers = Number.objects.bulk_create(
        Number(e164=f"+1212{2_000_000 + n}", region="US", line_type="fixed") for n in span
    )
    LeadNumber.objects.bulk_create(
        LeadNumber(lead=lead, number=number, position=0, raw=number.e164, region_used="US")
        for lead, number in zip(made, numbers, strict=True)
    )
    Touchpoint.objects.bulk_create(
        Touchpoint(
            lead=lead,
            kind_id=KINDS[(lead.pk + which) % len(KINDS)],
            direction="inbound",
            occurred_at=NOON - timedelta(days=3 + which * 20, minutes=lead.pk % 1_000),
            source="bench",
            external_id=f"{lead.pk}-{which}",
            recorded_at=NOON - timedelta(days=2),
            evaluated_at=NOON - timedelta(days=2),
        )
        for lead in made
        for which in range(2)
    )
    pursuits = Pursuit.objects.bulk_create(
        Pursuit(
            lead=lead,
            cadence=cadence,
            attempt=2,
            step=1,
            started_at=NOON - timedelta(days=5),
            target=18,
            temperature_at_start="cold",
        )
        for lead in made
    )
    FollowUp.objects.bulk_create(_follow_ups(made, pursuits))
    CallAttempt.objects.bulk_create(
        CallAttempt(
            lead=lead,
            pursuit=pursuit,
            user_id=lead.owner_id,
            number=number,
            attempt=1,
            outcome_id="no_answer",
            started_at=NOON - timedelta(days=4, minutes=lead.pk % 400),
            ended_at=NOON - timedelta(days=4, minutes=lead.pk % 400),
            local_weekday=1,
            local_hour=9 + lead.pk % 8,
        )
        for lead, pursuit, number in zip(made, pursuits, numbers, strict=True)
    )


def _copy(model: Any, *, times: int, leads: int) -> None:
    """Copy all rows `times` times; what pointed at a copied row points at the copy of it that goes along."""
    rows = SIZES[model] = model.objects.count()
    columns, values = [], []
    for field in model._meta.concrete_fields:
        column, value = field.column, f'"{field.column}"'
        if field.primary_key:
            value = f"id + k * {rows}"
        elif field.remote_field is not None and field.related_model in COPIED:
            value = f'"{column}" + k * {SIZES[field.related_model]}'
        elif column in DIFFERS:
            value = DIFFERS[column].format(made=leads)
        columns.append(f'"{column}"')
        values.append(value)
    table = f'"{model._meta.db_table}"'
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH RECURSIVE copies(k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM copies WHERE k < {times}) "
            f"INSERT INTO {table} ({', '.join(columns)}) SELECT {', '.join(values)} FROM {table} CROSS JOIN copies "
            f"WHERE k <= {times} ORDER BY k, id"
        )
        for statement in connection.ops.sequence_reset_sql(no_style(), [model]):
            cursor.execute(statement)


def _leads(span: range, companies: list[Company], reps: list[User]) -> Iterator[Lead]:
    for n in span:
        rep = reps[n % len(reps)]
        warm = n % 5 == 0
        yield Lead(
            first_name=f"First{n % 997}",
            last_name=f"Last{n % 4001}",
            email=f"p{n}@example.com",
            company=companies[n % len(companies)],
            audience="business",
            country="US",
            region="NY",
            owner=rep,
            team_id=rep.team_id,
            temperature="warm" if warm else "cold",
            warm_until=NOON + timedelta(days=1 + n % 60) if warm else None,
            evidence_until=NOON + timedelta(days=1 + n % 60) if warm else None,
            created_at=NOON - timedelta(days=30),
        )


def _follow_ups(leads: list[Lead], pursuits: list[Pursuit]) -> Iterator[FollowUp]:
    for lead, pursuit in zip(leads, pursuits, strict=True):
        warm = lead.temperature == "warm"
        yield FollowUp(
            lead=lead,
            pursuit=pursuit,
            attempt=2,
            channel="call",
            due_at=NOON - timedelta(minutes=lead.pk % 300),
            window_end=NOON + timedelta(hours=3),
            rank=FollowUp.Rank.WARM if warm else FollowUp.Rank.COLD,
            rank_value=float(lead.pk % 1_000),
            assignee_id=lead.owner_id,
            team_id=lead.team_id,
            reason="bench",
            placed_at=NOON - timedelta(days=1),
        )
