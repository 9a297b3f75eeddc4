"""How does a query that is asked all day reach both databases as plain SQL?

What costs less to answer than the ORM takes to word it is written by hand: the guard's rows, the queue's order, what is
read at each dial and each outcome.
"""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from functools import cache, lru_cache, partial
from typing import TYPE_CHECKING, Any

from django.db import connection

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from django.db import models


def rows(sql: str, params: Sequence[Any]) -> list[tuple[Any, ...]]:
    """The rows of a query. In `sql` {in:column} stands for "column is one of the next parameter's values": a list of
    any length is one parameter; {lock:alias} for "and lock that table's rows", where the database locks rows; not
    their keys, so that whoever only refers to them need not wait."""
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
    before, *rest = before.split("{lock:")
    for piece in rest:
        alias, _brace, after = piece.partition("}")
        before += (f"FOR NO KEY UPDATE OF {alias}" if vendor == "postgresql" else "") + after
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


# --- rows that are models --------------------------------------------------------------------------------------


class Joined:
    """The models that the first columns of a row make: one, and those that its foreign keys point to, by their path,
    each with its table's alias in the query: `Joined("f", FollowUp, lead="l", lead__company="c")`."""

    def __init__(self, alias: str, model: type[models.Model], **beside: str) -> None:
        self._paths = [path.split("__") for path in beside]
        self._shapes = [_Shape(alias, model)]
        for path, other in zip(self._paths, beside.values(), strict=True):
            self._shapes.append(_Shape(other, _pointed_at(model, path)))
        self.columns = ", ".join(shape.columns for shape in self._shapes)

    def read(self, row: Sequence[Any]) -> tuple[Any, Sequence[Any]]:
        """The model of a row with those beside it, None where there is none; and the columns that follow."""
        made, at = [], 0
        for shape in self._shapes:
            made.append(shape.made(row[at : at + shape.width]))
            at += shape.width
        for path, other in zip(self._paths, made[1:], strict=True):
            holder = made[0]
            for name in path[:-1]:
                holder = holder and holder._state.fields_cache[name]
            if holder is not None:
                holder._state.fields_cache[path[-1]] = other
        return made[0], row[at:]


def _pointed_at(model: type[models.Model], path: Sequence[str]) -> type[models.Model]:
    for name in path:
        model = model._meta.get_field(name).related_model  # type: ignore[assignment]
    return model


class _Shape:
    """One model's columns in a row."""

    def __init__(self, alias: str, model: type[models.Model]) -> None:
        self._model, self._fields = model, model._meta.concrete_fields
        self._names = [one.attname for one in self._fields]
        self._key = self._fields.index(model._meta.pk)  # type: ignore[arg-type]
        self.width = len(self._fields)
        self.columns = ", ".join(f"{alias}.{one.column}" for one in self._fields)

    def made(self, values: Sequence[Any]) -> Any:
        if values[self._key] is None:
            return None
        values = list(values)
        for at, convert in _converters(self._model, connection.vendor):
            values[at] = convert(values[at])
        return self._model.from_db(connection.alias, self._names, values)


@cache
def _converters(model: type[models.Model], vendor: str) -> list[tuple[int, Callable[[Any], Any]]]:
    """What Django makes of a database's values, by the place of the field, for those that need it."""
    found = []
    for at, one in enumerate(model._meta.concrete_fields):
        column = one.get_col("")
        for convert in (*connection.ops.get_db_converters(column), *column.get_db_converters(connection)):
            found.append((at, partial(_converted, convert, column)))
    return found


def _converted(convert: Callable[..., Any], column: Any, value: Any) -> Any:
    return convert(value, column, connection)


def beside(row: models.Model, relation: str, found: list[Any]) -> None:
    """Let `row.relation.all()` be these, as if the ORM had prefetched them."""
    rows = getattr(row, relation).all()
    rows._result_cache, rows._prefetch_done = found, True
    vars(row).setdefault("_prefetched_objects_cache", {})[relation] = rows


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


def insert(found: Iterable[models.Model]) -> list[Any]:
    """`bulk_create` of new rows of one model, with the keys they got: sent to PostgreSQL as one JSON text, as wording
    each value by itself takes three times as long."""
    made = list(found)
    if not made or connection.vendor != "postgresql":
        return type(made[0])._default_manager.bulk_create(made) if made else []
    fields = [one for one in made[0]._meta.concrete_fields if not one.primary_key]
    texts = json.dumps(
        [{one.column: getattr(row, one.attname) for one in fields} for row in made], default=str
    )
    with _cursor() as cursor:
        cursor.execute(_insertion(type(made[0])), [texts])
        for row, (key,) in zip(made, cursor.fetchall(), strict=True):
            row.pk, row._state.adding, row._state.db = key, False, connection.alias
    return made


@cache
def _insertion(model: type[models.Model]) -> str:
    quoted = connection.ops.quote_name
    fields = [one for one in model._meta.concrete_fields if not one.primary_key]
    columns = ", ".join(quoted(str(one.column)) for one in fields)
    typed = ", ".join(f"{quoted(str(one.column))} {one.db_type(connection)}" for one in fields)
    return (
        f"INSERT INTO {quoted(model._meta.db_table)} ({columns}) "  # noqa: S608 - names from our own models alone
        f"SELECT {columns} FROM json_to_recordset(%s) AS made({typed}) RETURNING {quoted(model._meta.pk.column)}"
    )
