"""Which rows come next in the order of a list? Pages that cost the same however deep one reads.

A place in the order is named by a row's id, and the row's values are read again: an address holds no personal
data. A row that has left the list (or was never the reader's to see) names no place, and the list begins anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db.models import Model, Q, QuerySet
from django.db.models.expressions import OrderBy

Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True)
class Column:
    """One column of an order; rows without a value come last, whichever way it is sorted."""

    name: str
    descending: bool
    nullable: bool

    def beyond(self, value: Any, *, backwards: bool) -> tuple[Q, Q]:
        """(rows strictly past `value` in this column, rows with the same value)."""
        past = Q(**{f"{self.name}__{'gt' if self.descending == backwards else 'lt'}": value})
        if not self.nullable:
            return past, Q(**{self.name: value})
        missing = Q(**{f"{self.name}__isnull": True})
        if value is None:
            return (~missing if backwards else Q(pk__in=())), missing
        return (past if backwards else past | missing), Q(**{self.name: value})


@dataclass(frozen=True)
class Page(Generic[Row]):
    """Some rows, and the ids that name the pages beside them: None at an end of the list."""

    rows: list[Row]
    before: int | None
    after: int | None


def page(
    queryset: QuerySet[Row], *, size: int, after: int | None = None, before: int | None = None
) -> Page[Row]:
    """The page after one row or before another, in the queryset's own order, which must end in the key."""
    backwards = before is not None
    seen = before if backwards else after
    rows = _past(queryset, seen, backwards=backwards) if seen is not None else None
    if rows is None:
        rows, backwards, seen = queryset, False, None
    found = list((rows.reverse() if backwards else rows)[: size + 1])
    more, found = len(found) > size, found[:size]
    if backwards:
        found.reverse()
    earlier, later = (more, True) if backwards else (seen is not None, more)
    return Page(
        found,
        before=found[0].pk if found and earlier else None,
        after=found[-1].pk if found and later else None,
    )


def neighbours(queryset: QuerySet[Any], pk: int) -> tuple[int | None, int | None]:
    """The ids of the rows before and after one in the queryset's order; three queries."""
    earlier = _past(queryset, pk, backwards=True)
    later = _past(queryset, pk, backwards=False)
    if earlier is None or later is None:
        return None, None
    return earlier.reverse().values_list("pk", flat=True).first(), later.values_list("pk", flat=True).first()


def _past(queryset: QuerySet[Row], pk: int, *, backwards: bool) -> QuerySet[Row] | None:
    """The rows past one in the order; None where it is not among them."""
    columns = columns_of(queryset)
    names = [column.name for column in columns]
    values = queryset.filter(pk=pk).order_by().values_list(*names).first()
    if values is None:
        return None
    wanted = Q(pk__in=())
    for column, value in reversed(list(zip(columns, values, strict=True))):
        past, same = column.beyond(value, backwards=backwards)
        wanted = past | (same & wanted)
    return queryset.filter(wanted)


def columns_of(queryset: QuerySet[Any]) -> list[Column]:
    """The columns that the queryset is ordered by."""
    fields = {field.name: field for field in queryset.model._meta.concrete_fields}
    columns = []
    for part in queryset.query.order_by or queryset.model._meta.ordering:
        if isinstance(part, OrderBy):
            name, descending = part.expression.name, part.descending
        else:
            name, descending = part.removeprefix("-"), part.startswith("-")
        columns.append(Column(name, descending, name in fields and fields[name].null))
    return columns
