"""How does a query that is asked all day reach both databases as plain SQL?

What costs less to answer than the ORM takes to word it is written by hand: the guard's rows, the queue's order.
"""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from django.db import connection

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from django.db import models


def rows(sql: str, params: Sequence[Any]) -> list[tuple[Any, ...]]:
    """The rows of a query. In `sql` {in:column} stands for "column is one of the next parameter's values": a list of
    any length is one parameter."""
    with _cursor() as cursor:
        cursor.execute(_worded(sql, connection.vendor), [_bound(one) for one in params])
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found if connection.vendor == "postgresql" else [tuple(map(_read_value, row)) for row in found]


def _cursor() -> Any:
    """A cursor that plans a statement once for each connection, where the database is PostgreSQL and
    `prepare_threshold` allows it: planning takes longer than answering, for what is asked by index."""
    if connection.vendor != "postgresql":
        return connection.cursor()
    connection.close_if_health_check_failed()
    connection.ensure_connection()
    return connection._prepare_cursor(_planning_once()(connection.connection))


@cache
def _planning_once() -> Any:
    from django.db.backends.postgresql.base import ServerBindingCursor  # needs its driver

    class PlanningOnce(ServerBindingCursor):
        def _convert_query(self, query: Any, params: Any = None) -> Any:
            # What Django logs of a statement that was sent; a cursor that binds on the client keeps it by itself.
            self._query = super()._convert_query(query, params)
            return self._query

    return PlanningOnce


@lru_cache(maxsize=256)
def _worded(sql: str, vendor: str) -> str:
    is_one_of = "{} = ANY(%s)" if vendor == "postgresql" else "{} IN (SELECT value FROM json_each(%s))"
    before, *rest = sql.split("{in:")
    for piece in rest:
        column, _brace, after = piece.partition("}")
        before += is_one_of.format(column) + after
    return before


def _bound(value: Any) -> Any:
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value)
    if isinstance(value, date):
        return connection.ops.adapt_datefield_value(value)
    if isinstance(value, list) and connection.vendor != "postgresql":
        return json.dumps(value)
    return value


def _read_value(value: Any) -> Any:
    """SQLite keeps times without a zone; they are UTC."""
    if isinstance(value, datetime) and value.tzinfo is None:
        return value.replace(tzinfo=UTC)
    return value


def write(found: Iterable[models.Model], names: Sequence[str]) -> None:
    """Store these fields of rows of one model: a statement for each row, sent together. `bulk_update` words one
    statement for all of them, which takes ten times as long."""
    made = list(found)
    if not made:
        return
    fields = [made[0]._meta.get_field(name) for name in names]
    quoted = connection.ops.quote_name
    columns = ", ".join(f"{quoted(str(field.column))} = %s" for field in fields)  # type: ignore[union-attr]
    key = made[0]._meta.pk
    sql = f"UPDATE {quoted(made[0]._meta.db_table)} SET {columns} WHERE {quoted(str(key.column))} = %s"  # noqa: S608
    with _cursor() as cursor:
        cursor.executemany(
            sql,
            [
                (
                    *(field.get_db_prep_save(getattr(row, field.attname), connection) for field in fields),
                    row.pk,
                )  # type: ignore[union-attr]
                for row in made
            ],
        )
