"""How do many thousand rows get into their tables quickly? One prepared statement a table, column by column.

`bulk_create` compiles every row into SQL text, which takes ten times as long as storing it.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from django.db import models, transaction
from django.db.backends.base.base import BaseDatabaseWrapper


def store(model: type[models.Model], rows: Iterable[models.Model]) -> None:
    """Insert unsaved rows and give them their ids, in their order; call it inside a transaction."""
    new = list(rows)
    if not new:
        return
    connection = transaction.get_connection()
    for row, pk in zip(new, _reserve(model, len(new), connection), strict=True):
        row.pk = pk
        row._state.adding, row._state.db = False, connection.alias
    fields = model._meta.local_concrete_fields
    quote = connection.ops.quote_name
    names = ", ".join(quote(field.column) for field in fields)
    places = ", ".join(["%s"] * len(fields))
    columns = [_column(field, new, connection) for field in fields]
    with connection.cursor() as cursor:
        cursor.executemany(
            f"INSERT INTO {quote(model._meta.db_table)} ({names}) VALUES ({places})",  # noqa: S608 (names are ours)
            list(zip(*columns, strict=True)),
        )
        if connection.vendor == "postgresql":
            # Left to its own time it plans for the table as it was, and looks through all of it for each row.
            cursor.execute(f"ANALYZE {quote(model._meta.db_table)}")


def _reserve(model: type[models.Model], count: int, connection: BaseDatabaseWrapper) -> Sequence[int]:
    """`count` ids that nobody else gets: SQLite's writer is alone, PostgreSQL's sequence hands each out once."""
    table = model._meta.db_table
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT nextval(pg_get_serial_sequence(%s, %s)) FROM generate_series(1, %s)",
                [f'"{table}"', model._meta.pk.column, count],
            )
            return [pk for (pk,) in cursor.fetchall()]
        cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [table])
        found = cursor.fetchone()
        first = (found[0] if found else 0) + 1
        return range(first, first + count)


def _column(field: Any, rows: list[models.Model], connection: BaseDatabaseWrapper) -> list[Any]:
    """One field of all rows as the database takes it. Choices become plain values, relations ids."""
    if field.is_relation:
        return [_id(field, row) for row in rows]
    if getattr(field, "auto_now", False):
        return [field.get_db_prep_save(field.pre_save(row, True), connection) for row in rows]
    prepare = _PLAIN.get(field.get_internal_type())
    if prepare is None and isinstance(field, models.DateTimeField):
        prepare = connection.ops.adapt_datetimefield_value
    if prepare is None:

        def prepare(value: Any) -> Any:
            return field.get_db_prep_save(value, connection)

    values = [getattr(row, field.attname) for row in rows]
    return [None if value is None else prepare(value) for value in values]


def _id(field: Any, row: models.Model) -> Any:
    """The id a relation holds; its target may have been unsaved when it was set."""
    target = row._state.fields_cache.get(field.name)
    return target.pk if target is not None else getattr(row, field.attname)


_PLAIN: dict[str, Callable[[Any], Any]] = {
    "CharField": str,
    "TextField": str,
    "SlugField": str,
    "BigAutoField": int,
    "IntegerField": int,
    "PositiveIntegerField": int,
    "PositiveSmallIntegerField": int,
    "FloatField": float,
    "BooleanField": bool,
}
