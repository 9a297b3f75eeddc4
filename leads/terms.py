"""On which terms does this workspace call: by which rules of law, and with which limits of its own?

Asked at every decision, so the rows are read each time as they stand and parsed only when they differ from those
parsed last. The text of the rows is the version of what is kept: whoever changed one, by whichever door or
process, the next decision goes by the change.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any

from django.db import connection, models

from leads import plain_sql
from leads.guard_facts import HouseCaps
from leads.guard_facts import Workspace as Settings
from leads.law import RuleBook
from leads.models import GuardRule, Workspace

# An enquiry that counts as consent does so for as long as it counts as a relationship in the United States.
ENQUIRY_CONSENT_MONTHS = 3

_RULE_FIELDS = [
    field
    for field in GuardRule._meta.concrete_fields
    if field.name not in ("id", "citation", "note", "consent_kept_years")
]
_SETTINGS = (
    "per_day_cap",
    "per_week_cap",
    "min_gap_minutes",
    "busy_gap_minutes",
    "mobile_hit_blocks",
    "securities_firm",
    "enquiry_is_consent",
    "trades",
)


class NoTerms(Exception):
    """The workspace has no row of settings, so nothing says on which terms it calls."""


@dataclass(frozen=True)
class Terms:
    settings: Settings
    book: RuleBook


_kept: tuple[list[tuple[Any, ...]], Terms] | None = None


def terms() -> Terms:
    """The terms as the rows stand now, by one query. Raises NoTerms, and ValueError for a row that makes no sense."""
    global _kept
    rows = plain_sql.rows(_query(), [])
    kept = _kept
    if kept is None or kept[0] != rows:
        kept = _kept = rows, _parsed(rows)
    return kept[1]


@cache
def _query() -> str:
    name = connection.ops.quote_name
    columns = [f"w.{name(Workspace._meta.get_field(field).column)}" for field in _SETTINGS]
    columns += [f"r.{name(field.column)}" for field in _RULE_FIELDS]
    # Every row repeats the settings: shorter than asking for them apart. Names from our own models alone.
    return (
        f"SELECT {', '.join(columns)} FROM {name(Workspace._meta.db_table)} w "  # noqa: S608
        f"LEFT JOIN {name(GuardRule._meta.db_table)} r ON 1 = 1 WHERE w.id = 1 ORDER BY r.id"
    )


def _parsed(rows: Sequence[Sequence[Any]]) -> Terms:
    if not rows:
        raise NoTerms("the workspace has no row of settings")
    rules = [_rule(row[len(_SETTINGS) :]) for row in rows]
    return Terms(_settings(dict(zip(_SETTINGS, rows[0], strict=False))), RuleBook(filter(None, rules)))


def _rule(values: Sequence[Any]) -> GuardRule | None:
    """The rule that a row's raw values say; None for the row that stands for no rule at all."""
    if values[0] is None:
        return None
    return GuardRule(
        **{
            field.attname: json.loads(value)
            if isinstance(field, models.JSONField)
            else field.to_python(value)
            for field, value in zip(_RULE_FIELDS, values, strict=True)
        }
    )


def _settings(row: dict[str, Any]) -> Settings:
    return Settings(
        house_caps=HouseCaps(
            per_day=row["per_day_cap"],
            per_7_days=row["per_week_cap"],
            min_gap=timedelta(minutes=row["min_gap_minutes"]),
            busy_gap=timedelta(minutes=row["busy_gap_minutes"]),
        ),
        mobile_hit_blocks=bool(row["mobile_hit_blocks"]),
        securities_firm=bool(row["securities_firm"]),
        enquiry_consent_months=ENQUIRY_CONSENT_MONTHS if row["enquiry_is_consent"] else 0,
        trades=frozenset(json.loads(row["trades"])),
    )
