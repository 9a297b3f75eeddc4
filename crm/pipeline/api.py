"""The dashboards' numbers for programs: `GET /api/v1/reports/…/`, one address for each of `GROUPS`."""

from __future__ import annotations

from typing import Any

from django.urls import path
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from crm.pipeline.filters import DEFAULT_PERIOD, PERIODS, ReportFilter
from crm.pipeline.reports import GROUPS, Tile, build
from leads.api.strict import StrictView


class ColumnShape(serializers.Serializer[Any]):
    key = serializers.CharField(help_text="The name of the value in each row.")
    label = serializers.CharField()
    kind = serializers.ChoiceField(["text", "count", "share", "decimal", "minutes", "ratio", "date"])


class TileShape(serializers.Serializer[Any]):
    """One tile: what it counts, of what, and its rows."""

    key = serializers.CharField()
    title = serializers.CharField()
    definition = serializers.CharField()
    denominator = serializers.CharField()
    sentence = serializers.CharField(help_text="What the figures say, blank where the numbers say it.")
    columns = ColumnShape(many=True)
    rows = serializers.ListField(
        child=serializers.DictField(), help_text="Shares are fractions; null where nothing is known."
    )
    summary = serializers.DictField(help_text="Figures of the tile as a whole.")


class ReportShape(serializers.Serializer[Any]):
    as_of = serializers.DateTimeField()
    since = serializers.DateTimeField()
    until = serializers.DateTimeField(help_text="Not included.")
    team = serializers.CharField(allow_null=True)
    list = serializers.CharField(allow_null=True)
    tiles = serializers.DictField(child=TileShape())


PARAMETERS = [
    OpenApiParameter("period", str, enum=list(PERIODS), default=DEFAULT_PERIOD),
    OpenApiParameter("since", str, description="First day, YYYY-MM-DD, in the workspace's zone."),
    OpenApiParameter("until", str, description="Last day, YYYY-MM-DD, included."),
    OpenApiParameter("team", str, description="A team's name; managers have only their own."),
    OpenApiParameter("list", str, description="A list's name."),
]


class ReportView(StrictView, APIView):
    """Managers get their team's figures, admins everybody's, reps their own."""

    reads_parameters = ("period", "since", "until", "team", "list")
    group = ""

    @extend_schema(parameters=PARAMETERS, responses=ReportShape)
    def get(self, request: Request) -> Response:
        form = ReportFilter(request.query_params, viewer=request.user, now=self.now)
        if not form.is_valid():
            errors = form.errors.get_json_data()
            raise ValidationError(
                {
                    field: [ErrorDetail(e["message"], e["code"] or "invalid") for e in found]
                    for field, found in errors.items()
                }
            )
        scope = form.scope()
        return Response(
            {
                "as_of": scope.now,
                "since": scope.since,
                "until": scope.until,
                "team": scope.team.name if scope.team else None,
                "list": scope.lead_list.name if scope.lead_list else None,
                "tiles": {key: as_json(tile) for key, tile in build(GROUPS[self.group], scope).items()},
            }
        )


def as_json(tile: Tile) -> dict[str, Any]:
    """A tile as `TileShape` describes it."""
    headline = tile.headline
    summary = {key: value for key, value in tile.marks.items() if isinstance(value, int | float | str | None)}
    if headline:
        summary |= {"value": headline.value, "goal": headline.goal}
    return {
        "key": tile.key,
        "title": tile.title,
        "definition": tile.definition,
        "denominator": tile.denominator,
        "sentence": tile.sentence,
        "columns": [{"key": c.key, "label": c.label, "kind": c.kind} for c in tile.columns],
        "rows": [dict(row.values) for row in tile.rows],
        "summary": summary,
    }


def _view(group: str) -> Any:
    """One address a group; the schema names its operations for their addresses."""
    return type(f"{group.capitalize()}Report", (ReportView,), {"group": group}).as_view()


urlpatterns = [path(f"reports/{group}/", _view(group), name=f"report-{group}") for group in GROUPS]
