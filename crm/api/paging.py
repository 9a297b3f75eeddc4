"""Which rows come next? Keyset pages that stay right while rows are added, however deep one reads.

A cursor names the last row seen by its place in the order, so that a page costs the same at any depth and equal
values (a thousand leads without a last name) neither repeat nor vanish.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import reduce
from operator import or_
from typing import Any

from django.core.exceptions import FieldError, ValidationError
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import F, Q, QuerySet
from django.db.models.expressions import OrderBy
from django.utils.translation import gettext as _
from rest_framework import exceptions
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import remove_query_param, replace_query_param

PAGE_SIZE = 50
MOST_ROWS = 500


@dataclass(frozen=True)
class Key:
    """One column of the order. Rows without a value come last, whichever way it is read."""

    name: str
    descending: bool

    def order(self, *, backwards: bool, nullable: bool) -> OrderBy:
        descending = self.descending != backwards
        if not nullable:
            return OrderBy(F(self.name), descending=descending)
        side = {"nulls_first": True} if backwards else {"nulls_last": True}
        return OrderBy(F(self.name), descending=descending, **side)

    def after(self, value: Any, *, backwards: bool, nullable: bool) -> tuple[Q, Q]:
        """Which rows come strictly after `value` in this column, and which have the same value."""
        beyond = Q(**{f"{self.name}__{'lt' if self.descending != backwards else 'gt'}": value})
        if not nullable:
            return beyond, Q(**{self.name: value})
        missing = Q(**{f"{self.name}__isnull": True})
        if value is None:
            return (~missing if backwards else Q(pk__in=())), missing
        return (beyond if backwards else beyond | missing), Q(**{self.name: value})


class CursorPages(BasePagination):
    """{next, previous, results}; `?page_size=` up to 500. The order is the queryset's, its last key made unique."""

    def paginate_queryset(self, queryset: QuerySet[Any], request: Request, view: Any = None) -> list[Any]:
        self.request = request
        size = self._size(request)
        self.keys = _keys(queryset)
        seen, backwards = self._cursor(request)
        rows = self._after(queryset, seen, backwards)[: size + 1]
        try:
            found = list(rows)
        except (ValueError, TypeError, OverflowError, ValidationError, FieldError):
            raise self._bad_cursor() from None
        more, found = len(found) > size, found[:size]
        if backwards:
            found.reverse()
            self.has_next, self.has_previous = bool(found), more
        else:
            self.has_next, self.has_previous = more, bool(found) and seen is not None
        self.first, self.last = (found[0], found[-1]) if found else (None, None)
        return found

    def get_paginated_response(self, data: Any) -> Response:
        return Response({"next": self.get_next_link(), "previous": self.get_previous_link(), "results": data})

    def get_next_link(self) -> str | None:
        return self._link(self.last, backwards=False) if self.has_next else None

    def get_previous_link(self) -> str | None:
        return self._link(self.first, backwards=True) if self.has_previous else None

    def _link(self, row: Any, *, backwards: bool) -> str:
        values = [_value(row, key.name) for key in self.keys]
        cursor = json.dumps([backwards, *values], cls=DjangoJSONEncoder, separators=(",", ":"))
        text = base64.urlsafe_b64encode(cursor.encode()).decode().rstrip("=")
        url = remove_query_param(self.request.build_absolute_uri(), "cursor")
        return replace_query_param(url, "cursor", text)

    def _size(self, request: Request) -> int:
        text = request.query_params.get("page_size")
        if text is None:
            return PAGE_SIZE
        if not (text.isascii() and text.isdigit()) or int(text[:9]) < 1:
            detail = _("Expected a whole number from 1 to %(most)d.") % {"most": MOST_ROWS}
            raise exceptions.ValidationError({"page_size": [exceptions.ErrorDetail(detail, "invalid")]})
        return min(int(text[:9]), MOST_ROWS)

    def _cursor(self, request: Request) -> tuple[list[Any] | None, bool]:
        text = request.query_params.get("cursor")
        if text is None:
            return None, False
        try:
            backwards, *values = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        except (binascii.Error, ValueError, TypeError, RecursionError):
            raise self._bad_cursor() from None
        scalar = all(value is None or isinstance(value, (str, int, float)) for value in values)
        if not isinstance(backwards, bool) or len(values) != len(self.keys) or not scalar:
            raise self._bad_cursor()
        return values, backwards

    @staticmethod
    def _bad_cursor() -> exceptions.ValidationError:
        detail = _("Not a cursor of this list; follow `next` and `previous`.")
        return exceptions.ValidationError({"cursor": [exceptions.ErrorDetail(detail, "invalid")]})

    def _after(self, queryset: QuerySet[Any], seen: list[Any] | None, backwards: bool) -> QuerySet[Any]:
        nullable = {key.name for key in self.keys if _nullable(queryset, key.name)}
        ordered = queryset.order_by(
            *(key.order(backwards=backwards, nullable=key.name in nullable) for key in self.keys)
        )
        if seen is None:
            return ordered
        steps, same = [], Q()
        for key, value in zip(self.keys, seen, strict=True):
            step, equal = key.after(value, backwards=backwards, nullable=key.name in nullable)
            steps.append(same & step)
            same &= equal
        try:
            return ordered.filter(reduce(or_, steps))
        except (ValueError, TypeError, OverflowError, ValidationError, FieldError):
            raise self._bad_cursor() from None

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        return [
            {
                "name": "cursor",
                "in": "query",
                "required": False,
                "description": "Where to go on: follow `next` and `previous`.",
                "schema": {"type": "string"},
            },
            {
                "name": "page_size",
                "in": "query",
                "required": False,
                "description": "Rows a page; more than the maximum gives the maximum.",
                "schema": {"type": "integer", "minimum": 1, "maximum": MOST_ROWS, "default": PAGE_SIZE},
            },
        ]

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        link = {"type": ["string", "null"], "format": "uri"}
        return {
            "type": "object",
            "required": ["next", "previous", "results"],
            "properties": {"next": link, "previous": link, "results": schema},
        }


def _keys(queryset: QuerySet[Any]) -> list[Key]:
    """The columns of a queryset's order, ending with the primary key."""
    order: Sequence[Any] = queryset.query.order_by or queryset.model._meta.ordering or ["-pk"]
    keys = [_key(part) for part in order]
    primary = {"pk", "id", queryset.model._meta.pk.name}
    if not any(key.name in primary for key in keys):
        keys.append(Key("pk", keys[-1].descending))
    return keys


def _key(part: Any) -> Key:
    if isinstance(part, OrderBy):
        return Key(part.expression.name, part.descending)  # type: ignore[attr-defined]
    return Key(part.lstrip("-"), part.startswith("-"))


def _nullable(queryset: QuerySet[Any], name: str) -> bool:
    if name in queryset.query.annotations or name == "pk":
        return False
    return bool(queryset.model._meta.get_field(name).null)


def _value(row: Any, name: str) -> Any:
    value = getattr(row, name)
    # The encoder cuts times to milliseconds, and a cut time would repeat or skip a row.
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else getattr(value, "pk", value)
