"""Which rows come next? Keyset pages that stay right while rows are added, however deep one reads.

A cursor names the last row seen by its place in the order, so that a page costs the same at any depth and equal
values (a thousand leads without a last name) neither repeat nor vanish.
"""

from __future__ import annotations

import base64
import binascii
import json
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.core.exceptions import FieldError, ValidationError
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _
from rest_framework import exceptions
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import remove_query_param, replace_query_param

from leads.keyset import columns_of

PAGE_SIZE = 50
MOST_ROWS = 500


class CursorPages(BasePagination):
    """{next, previous, results}; `?page_size=` up to 500. The order is the queryset's, its last key made unique."""

    def paginate_queryset(self, queryset: QuerySet[Any], request: Request, view: Any = None) -> list[Any]:
        self.request = request
        size = self._size(request)
        ordered = _to_the_key(queryset)
        self.columns = columns_of(ordered)
        seen, backwards = self._cursor(request)
        rows = self._past(ordered.reverse() if backwards else ordered, seen, backwards)[: size + 1]
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
        values = [_value(row, column.name) for column in self.columns]
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
        if not isinstance(backwards, bool) or len(values) != len(self.columns) or not scalar:
            raise self._bad_cursor()
        return values, backwards

    @staticmethod
    def _bad_cursor() -> exceptions.ValidationError:
        detail = _("Not a cursor of this list; follow `next` and `previous`.")
        return exceptions.ValidationError({"cursor": [exceptions.ErrorDetail(detail, "invalid")]})

    def _past(self, ordered: QuerySet[Any], seen: list[Any] | None, backwards: bool) -> QuerySet[Any]:
        """The rows past the place in the order that `seen` names."""
        if seen is None:
            return ordered
        wanted = Q(pk__in=())
        for column, value in reversed(list(zip(self.columns, seen, strict=True))):
            past, same = column.beyond(value, backwards=backwards)
            wanted = past | (same & wanted)
        try:
            return ordered.filter(wanted)
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


def _to_the_key(queryset: QuerySet[Any]) -> QuerySet[Any]:
    """The same order, made unique by the primary key."""
    columns = columns_of(queryset)
    primary = {"pk", "id", queryset.model._meta.pk.name}
    if any(column.name in primary for column in columns):
        return queryset
    order = queryset.query.order_by or queryset.model._meta.ordering or []
    return queryset.order_by(*order, "-pk" if not columns or columns[-1].descending else "pk")


def _value(row: Any, name: str) -> Any:
    value = getattr(row, name)
    # The encoder cuts times to milliseconds, and a cut time would repeat or skip a row.
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else getattr(value, "pk", value)
