"""Which temperature do these rules give each lead, against the one it has? Judged by one statement for any number.

The preview counts what the judgement says; a re-evaluation writes it. Both read the same rows by the same words, so
that publishing does what the preview said.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import connections, transaction
from django.db.models import Max, Min, QuerySet

from leads.models import Lead, LeadList

from .follow_ups import DAYS_PER_DOUBLING
from .models import FollowUp, TemperatureOverride, WarmthRuleset
from .warmth_sql import ComputedWarmth, Span, aware, compiled, computed_warmth, dialect_of, within

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from datetime import datetime

SAMPLE = 50
# Read at a time: what a statement sorts stays in memory, so that a million leads cost what fifty chunks do.
CHUNK = 20_000


@dataclass(frozen=True)
class Changed:
    """One lead whose temperature changes, with the date that held before."""

    lead_id: int
    before: str
    after: str
    held_until: datetime | None


@dataclass(frozen=True)
class Written:
    """How many leads' dates moved, and the leads that changed temperature."""

    moved: int
    changed: list[Changed]


@dataclass(frozen=True)
class Settled:
    """Leads whose dates were written, and those that would change temperature."""

    moved: list[int]
    turning: list[int]


@dataclass(frozen=True)
class Effect:
    """How many leads would warm and cool now. `by` maps list, source and owner to {id or key: (warm, cool)}.

    A lead on two lists counts with each; None stands for leads without one. `sample` holds ids of leads that would
    change, warming and cooling ones in turn.
    """

    warm: int
    cool: int
    looked_at: int
    by: dict[str, dict[Any, tuple[int, int]]]
    sample: list[int]


def effect_of(
    ruleset: WarmthRuleset, *, now: datetime, visible: QuerySet[Lead] | None = None, using: str = "default"
) -> Effect:
    """What publishing these rules now would do, without doing it: one statement for every `CHUNK` ids.

    Leads that a sweep would cool in any case are no effect of the rules. The sample is drawn from `visible`.
    """
    seen = Lead.objects.live() if visible is None else visible
    rows: list[tuple[Any, ...]] = []
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        spans = _spans(using)
        _give_room(cursor, connections[using].vendor)
        for span in spans:
            rows += _effect_within(cursor, span, ruleset, seen, now=now, using=using)
    return _told(rows)


def _spans(using: str) -> list[Span]:
    ends = Lead.objects.using(using).aggregate(first=Min("pk"), last=Max("pk"))
    if ends["first"] is None:
        return []
    return [Span(at, at + CHUNK) for at in range(ends["first"] - 1, ends["last"], CHUNK)]


def _effect_within(
    cursor: Any, span: Span, ruleset: WarmthRuleset, seen: QuerySet[Lead], *, now: datetime, using: str
) -> list[tuple[Any, ...]]:
    """Counts and a sample of one span, as rows of (what, id, key, temperature it becomes, n)."""
    asked = Lead.objects.live().filter(pk__gt=span.after, pk__lte=span.last)
    judged = _judged(asked, ruleset, now=now, using=using, span=span)
    if judged is None:
        return []
    ctes, params = judged
    shown_sql, shown_params = compiled(
        seen.filter(pk__gt=span.after, pk__lte=span.last).order_by().values("pk"), using
    )
    name = connections[using].ops.quote_name
    membership, lists = name(Lead.lists.through._meta.db_table), name(LeadList._meta.db_table)
    sql = f"""{ctes},
        changed AS MATERIALIZED (
            SELECT lead_id, owner_id, after FROM judged
            WHERE after <> CASE WHEN {_is_later("stored_until", using)} THEN stored ELSE 'cold' END
        ),
        shown AS (
            SELECT lead_id, after, (lead_id * 7919) %% 10007 AS lot,
                ROW_NUMBER() OVER (PARTITION BY after ORDER BY (lead_id * 7919) %% 10007, lead_id) AS nth
            FROM changed WHERE lead_id IN ({shown_sql})
        ),
        placed AS (
            SELECT changed.after, changed.lead_id, m.list_id, l.source
            FROM changed LEFT JOIN {membership} m ON m.lead_id = changed.lead_id
                LEFT JOIN {lists} l ON l.id = m.list_id
        )
        SELECT 'all', NULL, NULL, after, COUNT(*) FROM changed GROUP BY after
        UNION ALL SELECT 'owner', owner_id, NULL, after, COUNT(*) FROM changed GROUP BY owner_id, after
        UNION ALL SELECT 'list', list_id, NULL, after, COUNT(*) FROM placed GROUP BY list_id, after
        UNION ALL SELECT 'source', NULL, source, after, COUNT(DISTINCT lead_id) FROM placed GROUP BY source, after
        UNION ALL SELECT 'looked_at', NULL, NULL, '', COUNT(*) FROM asked
        UNION ALL SELECT 'sample', lead_id, NULL, after, lot FROM shown WHERE nth <= {SAMPLE}
    """  # noqa: S608 - every part is ours or compiled by the ORM; values are parameters
    cursor.execute(sql, (*params, now, *shown_params))
    rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def _told(rows: list[tuple[Any, ...]]) -> Effect:
    counts: dict[str, dict[Any, list[int]]] = {name: {} for name in ("all", "list", "source", "owner")}
    lots: dict[str, list[tuple[int, int]]] = {"cold": [], "warm": []}
    looked_at = 0
    for what, pk, key, after, n in rows:
        if what == "looked_at":
            looked_at += n
        elif what == "sample":
            lots[after].append((n, pk))
        else:
            pair = counts[what].setdefault(key if what == "source" else pk, [0, 0])
            pair[after == "cold"] += n
    warm, cool = counts["all"].get(None, [0, 0])
    by = {
        name: {key: (pair[0], pair[1]) for key, pair in counts[name].items()}
        for name in ("list", "source", "owner")
    }
    drawn = sorted((nth, pk) for drawn in lots.values() for nth, (_lot, pk) in enumerate(sorted(drawn)))
    return Effect(warm, cool, looked_at, by, [pk for _nth, pk in drawn[:SAMPLE]])


def write(
    leads: QuerySet[Lead], span: Span, ruleset: WarmthRuleset, *, now: datetime, using: str = "default"
) -> Written:
    """Write what the rules say onto these leads, with ids in `span`, where it differs by over a second.

    Overrides are respected.

    A lead that somebody else wrote since it was read is left alone: who evaluates does so by the rules in force.
    Follow-ups and history are the caller's.
    """
    judged = _judged(leads, ruleset, now=now, using=using, span=span)
    if judged is None:
        return Written(0, [])
    return _WRITERS[connections[using].vendor](*judged, span, using)


def settle(
    lead_ids: Collection[int], ruleset: WarmthRuleset, *, now: datetime, using: str = "default"
) -> Settled:
    """Write what the rules say onto those of these leads whose temperature stays; say which others turn.

    The caller holds the leads. Whoever turns is not written: history and follow-ups go with it.
    """
    judged = _judged(lead_ids, ruleset, now=now, using=using)
    if judged is None:
        return Settled([], [])
    return _SETTLERS[connections[using].vendor](*judged, lead_ids, using)


def rank_follow_ups(where: Span | Collection[int], *, now: datetime, using: str = "default") -> int:
    """Let the rank of open follow-ups follow the dates of leads by span or ids: `follow_ups.rank_of`, for many.

    Returns how many moved. Callbacks, hand-raises and promises keep their place.
    """
    if not where:
        return 0
    connection = connections[using]
    asked, asked_params = within("f.lead_id", where, connection.vendor)
    dialect = dialect_of(connection)
    follow_up, lead = (connection.ops.quote_name(model._meta.db_table) for model in (FollowUp, Lead))
    warm, cold = int(FollowUp.Rank.WARM), int(FollowUp.Rank.COLD)
    doubling = DAYS_PER_DOUBLING / math.log(2)
    sql = f"""
        UPDATE {follow_up} SET rank = ranked.rank, rank_value = ranked.value
        FROM (
            SELECT id, CASE WHEN is_warm THEN {warm} ELSE {cold} END AS rank,
                CASE WHEN is_warm THEN days + {doubling!r} * LN(fit) ELSE worth * fit END AS value
            FROM (
                SELECT f.id, l.temperature = 'warm' AND {_is_later("l.warm_until", using)} AS is_warm,
                    {dialect.seconds.format("l.warm_until")} / 86400.0 AS days,
                    CAST(CASE WHEN l.fit < 1 THEN 1 ELSE l.fit END AS double precision) / 100.0 AS fit,
                    COALESCE(NULLIF(CAST(l.value AS double precision), 0.0), 1.0) AS worth
                FROM {follow_up} f JOIN {lead} l ON l.id = f.lead_id
                WHERE f.closed_at IS NULL AND f.rank IN ({warm}, {cold}) AND {asked}
            ) facts
        ) ranked
        WHERE ranked.id = {follow_up}.id
            AND ({follow_up}.rank <> ranked.rank OR ABS({follow_up}.rank_value - ranked.value) > 0.00001)
    """  # noqa: S608 - as above
    with connection.cursor() as cursor:
        cursor.execute(sql, (now, *asked_params))
        return int(cursor.rowcount)


def _write_at_once(ctes: str, params: tuple[Any, ...], span: Span, using: str) -> Written:
    """PostgreSQL: judge, compare and swap, and say what changed, in one statement."""
    table = connections[using].ops.quote_name(Lead._meta.db_table)
    asked, asked_params = within(f"{table}.id", span, "postgresql")
    sql = f"""{ctes},
        moved AS MATERIALIZED (SELECT * FROM judged WHERE {_differs(using)}),
        written AS (
            UPDATE {table} SET temperature = moved.after, warm_until = moved.until, evidence_until = moved.evidence
            FROM moved
            WHERE {table}.id = moved.lead_id AND {asked}
                AND {table}.temperature = moved.stored
                AND {table}.warm_until IS NOT DISTINCT FROM moved.stored_until
                AND {table}.evidence_until IS NOT DISTINCT FROM moved.stored_evidence
                AND {table}.cooled_at IS NOT DISTINCT FROM moved.cooled_at
            RETURNING {table}.id, moved.stored, moved.after, moved.stored_until
        )
        SELECT counted.n, written.* FROM (SELECT COUNT(*) AS n FROM written) counted
            LEFT JOIN written ON written.stored <> written.after
    """  # noqa: S608 - as above
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        _give_room(cursor, "postgresql")
        cursor.execute(sql, (*params, *asked_params))
        rows = cursor.fetchall()
        _take_room(cursor)
    return Written(rows[0][0], [Changed(*row[1:]) for row in rows if row[1] is not None])


def _write_one_by_one(ctes: str, params: tuple[Any, ...], span: Span, using: str) -> Written:
    """SQLite: there is one writer, so that nothing can move between the reading and the writing."""
    connection = connections[using]
    table = connection.ops.quote_name(Lead._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""{ctes} SELECT after, until, evidence, lead_id, stored, stored_until FROM judged
            WHERE {_differs(using)}""",  # noqa: S608 - as above
            params,
        )
        rows = cursor.fetchall()
        cursor.executemany(
            f"UPDATE {table} SET temperature = %s, warm_until = %s, evidence_until = %s WHERE id = %s",  # noqa: S608
            [row[:4] for row in rows],
        )
    return Written(
        len(rows),
        [Changed(row[3], row[4], row[0], aware(row[5])) for row in rows if row[0] != row[4]],
    )


def _settle_at_once(ctes: str, params: tuple[Any, ...], lead_ids: Collection[int], using: str) -> Settled:
    """PostgreSQL: judge, write and say who turns, in one statement."""
    table = connections[using].ops.quote_name(Lead._meta.db_table)
    asked, asked_params = within(f"{table}.id", lead_ids, "postgresql")
    sql = f"""{ctes},
        differing AS MATERIALIZED (
            SELECT lead_id, stored <> after AS turns, until, evidence FROM judged WHERE {_differs(using)}
        ),
        written AS (
            UPDATE {table} SET warm_until = differing.until, evidence_until = differing.evidence
            FROM differing WHERE {table}.id = differing.lead_id AND NOT turns AND {asked}
        )
        SELECT lead_id, turns FROM differing
    """  # noqa: S608 - as above
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        _give_room(cursor, "postgresql")
        cursor.execute(sql, (*params, *asked_params))
        rows = cursor.fetchall()
        _take_room(cursor)
    return Settled([pk for pk, turns in rows if not turns], [pk for pk, turns in rows if turns])


def _settle_one_by_one(ctes: str, params: tuple[Any, ...], lead_ids: Collection[int], using: str) -> Settled:
    """SQLite: as `_write_one_by_one`."""
    connection = connections[using]
    table = connection.ops.quote_name(Lead._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(
            f"{ctes} SELECT stored <> after, until, evidence, lead_id FROM judged WHERE {_differs(using)}",  # noqa: S608
            params,
        )
        rows = cursor.fetchall()
        cursor.executemany(
            f"UPDATE {table} SET warm_until = %s, evidence_until = %s WHERE id = %s",  # noqa: S608
            [row[1:] for row in rows if not row[0]],
        )
    return Settled([row[3] for row in rows if not row[0]], [row[3] for row in rows if row[0]])


_SETTLERS: dict[str, Callable[[str, tuple[Any, ...], Collection[int], str], Settled]] = {
    "postgresql": _settle_at_once,
    "sqlite": _settle_one_by_one,
}
_WRITERS: dict[str, Callable[[str, tuple[Any, ...], Span, str], Written]] = {
    "postgresql": _write_at_once,
    "sqlite": _write_one_by_one,
}


def _judged(
    leads: QuerySet[Lead] | Collection[int],
    ruleset: WarmthRuleset,
    *,
    now: datetime,
    using: str,
    span: Span | None = None,
) -> tuple[str, tuple[Any, ...]] | None:
    """The statement's head, ending in `judged`: what is stored of each lead, and what holds under the rules."""
    computed: ComputedWarmth | None = computed_warmth(leads, ruleset, now=now, using=using, span=span)
    if computed is None:
        return None
    connection = connections[using]
    name = connection.ops.quote_name
    instant = dialect_of(connection).instant.format("computed.seconds")
    where = span if isinstance(leads, QuerySet) else leads
    asked, asked_params = ("1 = 1", ()) if where is None else within("l.id", where, connection.vendor)
    ctes = f"""{computed.ctes},
        judged AS (
            SELECT l.id AS lead_id, l.owner_id, l.cooled_at, l.temperature AS stored,
                l.warm_until AS stored_until, l.evidence_until AS stored_evidence, {instant} AS evidence,
                CASE WHEN o.id IS NOT NULL THEN o.temperature
                    WHEN computed.seconds > CAST(%s AS double precision) THEN 'warm' ELSE 'cold' END AS after,
                CASE WHEN o.id IS NULL THEN {instant} WHEN o.temperature = 'warm' THEN o.until END AS until
            FROM computed JOIN {name(Lead._meta.db_table)} l ON l.id = computed.lead_id
                LEFT JOIN {name(TemperatureOverride._meta.db_table)} o
                    ON o.lead_id = l.id AND o.ended_at IS NULL AND {_is_later("o.until", using)}
            WHERE {asked}
        )
    """  # noqa: S608 - as above
    return ctes, (*computed.params, now.timestamp(), now, *asked_params)


def _is_later(column: str, using: str) -> str:
    """That an instant lies after one given as parameter; texts of SQLite differ in how they write fractions."""
    if connections[using].vendor == "sqlite":
        return f"julianday({column}) > julianday(%s)"
    return f"{column} > %s"


def _differs(using: str) -> str:
    """That what holds is not what is stored: another temperature, or a date that moved by over a second."""
    dialect = dialect_of(connections[using])

    def moved(old: str, new: str) -> str:
        apart = f"ABS({dialect.seconds.format(old)} - {dialect.seconds.format(new)}) > 1"
        return f"{dialect.unequal.format(f'({old} IS NULL)', f'({new} IS NULL)')} OR {apart}"

    return f"stored <> after OR {moved('stored_until', 'until')} OR {moved('stored_evidence', 'evidence')}"


# The planner cannot know how many rows a CASE of rules and two windows leave. It guesses one, and reads everything
# anew for each lead; so it is kept from loops, and gets the memory to sort at once instead of on disk.
_ROOM = {"work_mem": "'256MB'", "jit": "off", "enable_nestloop": "off"}


def _give_room(cursor: Any, vendor: str) -> None:
    if vendor == "postgresql":
        cursor.execute("; ".join(f"SET LOCAL {name} = {value}" for name, value in _ROOM.items()))


def _take_room(cursor: Any) -> None:
    """What comes after in the same transaction is planned as usual."""
    cursor.execute("; ".join(f"SET LOCAL {name} TO DEFAULT" for name in _ROOM))
