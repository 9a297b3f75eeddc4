"""Until when are all these leads warm? The formula of `warmth`, as one statement for any number of leads.

The rules of a ruleset compile to one CASE that names the rule of each touchpoint; windows keep the latest of
a campaign and of a rule, then exp, sum and ln do what `warmth.warmth` does for one lead. A property test
holds the two equal to one second on SQLite and on PostgreSQL.
"""

from __future__ import annotations

import json
import math
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from django.core.exceptions import EmptyResultSet
from django.db import connections
from django.db.models import Case, IntegerField, Q, QuerySet, Value, When
from django.utils.dateparse import parse_datetime

from leads import segments
from leads.models import Lead

from .models import Touchpoint, WarmthRule, WarmthRuleset
from .warmth import FADED, MOST_HALF_LIVES_AHEAD

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

# No rule may reach so far ahead (see warmth.Ruleset); should one, it must not overflow for all the others.
_MOST = (MOST_HALF_LIVES_AHEAD + 90) * math.log(2)

Leads = QuerySet[Lead] | Collection[int] | None


class Span(NamedTuple):
    """Leads with ids in (after, last]: said besides, so that a chunk reads its own touchpoints by their index."""

    after: int
    last: int


def within(column: str, where: Span | Collection[int], vendor: str) -> tuple[str, tuple[Any, ...]]:
    """That an id lies in a span or among some ids, as SQL with its parameters: said at every table of a statement, so
    that each is read by its index."""
    if isinstance(where, Span):
        return f"{column} > %s AND {column} <= %s", where
    if vendor == "postgresql":
        return f"{column} = ANY(%s)", (list(where),)
    return f"{column} IN (SELECT value FROM json_each(%s))", (json.dumps(list(where)),)  # noqa: S608


@dataclass(frozen=True)
class _Dialect:
    """What the two databases say differently: an instant as seconds of double precision, and back."""

    seconds: str
    instant: str
    unequal: str


_DIALECTS = {
    "sqlite": _Dialect(
        seconds="((julianday({0}) - 2440587.5) * 86400.0)",
        instant="strftime('%%Y-%%m-%%d %%H:%%M:%%f', {0}, 'unixepoch')",
        unequal="{0} IS NOT {1}",
    ),
    "postgresql": _Dialect(
        seconds="date_part('epoch', {0})",
        instant="to_timestamp({0})",
        unequal="{0} IS DISTINCT FROM {1}",
    ),
}


@dataclass(frozen=True)
class ComputedWarmth:
    """A statement that yields (lead_id, warm_until) for each lead asked for, None without evidence."""

    ctes: str
    params: tuple[Any, ...]
    using: str

    @property
    def sql(self) -> str:
        until = dialect_of(connections[self.using]).instant.format("seconds")
        return f"{self.ctes} SELECT lead_id, {until} AS warm_until FROM computed"  # noqa: S608 - as below

    def rows(self) -> list[tuple[int, datetime | None]]:
        with connections[self.using].cursor() as cursor:
            cursor.execute(self.sql, self.params)
            return [(lead_id, aware(until)) for lead_id, until in cursor.fetchall()]


def computed_warmth(
    leads: Leads,
    ruleset: WarmthRuleset,
    *,
    now: datetime,
    using: str = "default",
    span: Span | None = None,
) -> ComputedWarmth | None:
    """What the evidence says of these leads (None: of all) under a ruleset, published or draft.

    The leads are read when the rows are. `span` says which ids they lie in, where they do. Returns None where `leads`
    is known to be empty.
    """
    connection = connections[using]
    dialect = dialect_of(connection)
    asked = Lead.objects.order_by().values("pk", "cooled_at")
    if span is not None and isinstance(leads, QuerySet):
        asked = leads.order_by().values("pk", "cooled_at")
    elif leads is not None:
        asked = asked.filter(pk__in=leads.values("pk") if isinstance(leads, QuerySet) else list(leads))
    rules = list(ruleset.rules.filter(active=True).select_related("segment").order_by("position"))
    try:
        asked_sql, asked_params = compiled(asked, using)
        matched_sql, matched_params = compiled(
            _matched(rules, leads, asked.values("pk"), span, now=now), using
        )
    except EmptyResultSet:
        return None
    quote = connection.ops.quote_name
    half_life = ruleset.half_life_days * 86400.0
    columns = "lead_id, id, kind, campaign, occurred_at, rule"
    ctes = f"""
        WITH asked (lead_id, cooled_at) AS ({asked_sql}),
        matched ({columns}) AS ({matched_sql}),
        campaigns AS (
            SELECT matched.*, CASE WHEN campaign = '' THEN 1 ELSE ROW_NUMBER() OVER (
                PARTITION BY matched.lead_id, kind, campaign ORDER BY occurred_at DESC, id DESC) END AS nth
            FROM matched JOIN asked ON asked.lead_id = matched.lead_id
            WHERE rule IS NOT NULL AND (asked.cooled_at IS NULL OR occurred_at > asked.cooled_at)
        ),
        ranked AS (
            SELECT campaigns.lead_id, rules.counts_at_most,
                ({dialect.seconds.format("campaigns.occurred_at")} + rules.warms_for_days * 86400.0
                    - CAST(%s AS double precision)) * CAST(%s AS double precision) AS x,
                ROW_NUMBER() OVER (
                    PARTITION BY campaigns.lead_id, campaigns.rule
                    ORDER BY campaigns.occurred_at DESC, campaigns.id DESC
                ) AS nth
            FROM campaigns JOIN {quote(WarmthRule._meta.db_table)} rules ON rules.id = campaigns.rule
            WHERE campaigns.nth = 1
        ),
        summed AS (
            SELECT lead_id, LN(SUM(EXP(CASE WHEN x > %s THEN %s ELSE x END))) AS total
            FROM ranked WHERE nth <= counts_at_most AND x > %s GROUP BY lead_id
        ),
        computed AS (
            SELECT asked.lead_id,
                CAST(%s AS double precision) + CAST(%s AS double precision) * summed.total AS seconds
            FROM asked LEFT JOIN summed ON summed.lead_id = asked.lead_id
        )
    """  # noqa: S608 - every part is ours or compiled by the ORM; values are parameters
    landmark = now.timestamp()
    params = (
        *asked_params,
        *matched_params,
        *(landmark, math.log(2) / half_life),
        *(_MOST, _MOST, FADED),
        *(landmark, half_life / math.log(2)),
    )
    return ComputedWarmth(ctes, params, using)


def store_evidence_until(
    leads: Leads, ruleset: WarmthRuleset, *, now: datetime, using: str = "default"
) -> int:
    """Write what the evidence says onto these leads at once; returns how many moved by over a second.

    Only `evidence_until` is written: temperature, override and history follow through the engine.
    """
    computed = computed_warmth(leads, ruleset, now=now, using=using)
    if computed is None:
        return 0
    connection = connections[using]
    dialect = dialect_of(connection)
    table, column = (connection.ops.quote_name(name) for name in (Lead._meta.db_table, "evidence_until"))
    stored = dialect.seconds.format(f"{table}.{column}")
    changed = dialect.unequal.format(f"({table}.{column} IS NULL)", "(computed.seconds IS NULL)")
    sql = f"""
        UPDATE {table} SET {column} = {dialect.instant.format("computed.seconds")}
        FROM ({computed.ctes} SELECT lead_id, seconds FROM computed) AS computed
        WHERE computed.lead_id = {table}.id AND ({changed} OR ABS({stored} - computed.seconds) > 1)
    """  # noqa: S608 - as above
    with connection.cursor() as cursor:
        cursor.execute(sql, computed.params)
        return int(cursor.rowcount)


def _matched(
    rules: list[WarmthRule], leads: Leads, asked: QuerySet[Any], span: Span | None, *, now: datetime
) -> QuerySet[Any]:
    """The touchpoints of the leads (and perhaps of more) that were not set aside, each with its rule."""
    whens = [
        When(
            _condition(rule) & _of_lead(rule, None if leads is None else asked, now=now), then=Value(rule.pk)
        )
        for rule in rules
    ]
    touchpoints = Touchpoint.objects.filter(set_aside_at=None)
    if span is not None:
        touchpoints = touchpoints.filter(lead__gt=span.after, lead__lte=span.last)
    elif leads is not None:
        # Some ids are looked up one by one; as a subquery they would be met by reading every touchpoint.
        touchpoints = touchpoints.filter(lead__in=asked if isinstance(leads, QuerySet) else list(leads))
    return (
        touchpoints.order_by()
        .annotate(rule=Case(*whens, default=Value(None), output_field=IntegerField()))
        .values_list("lead_id", "pk", "kind_id", "campaign", "occurred_at", "rule")
    )


def _condition(rule: WarmthRule) -> Q:
    wanted = {name: getattr(rule, name) for name in ("direction", "network", "campaign", "source")}
    return Q(kind=rule.kind_id, **{name: value for name, value in wanted.items() if value})


def _of_lead(rule: WarmthRule, asked: QuerySet[Any] | None, *, now: datetime) -> Q:
    """That the lead is in the rule's segment, looked for among the leads that are asked for."""
    query = rule.lead_query
    if query is None:
        return Q()
    members = segments.members(query, now=now)
    if asked is not None:
        members = members.filter(pk__in=asked)
    return Q(lead__in=members.values("pk"))


def compiled(queryset: QuerySet[Any], using: str) -> tuple[str, tuple[Any, ...]]:
    sql, params = queryset.query.get_compiler(using=using).as_sql()
    return sql, tuple(params)


def dialect_of(connection: BaseDatabaseWrapper) -> _Dialect:
    return _DIALECTS[connection.vendor]


def aware(value: Any) -> datetime | None:
    """SQLite hands out text in UTC without saying so."""
    if isinstance(value, str):
        value = parse_datetime(value)
    if value is None:
        return None
    return value if value.tzinfo else value.replace(tzinfo=UTC)
