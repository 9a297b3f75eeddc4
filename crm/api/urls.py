"""Which address of the API does what?"""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from django.urls import URLPattern, URLResolver, include, path, re_path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from crm.api.imports import ImportView
from crm.api.problems import nothing_here
from leads.api.records import LeadListView, SegmentView
from touchpoints.api.calls import CallView
from touchpoints.api.leads import LeadView
from touchpoints.api.permissions import ConsentView, CustomerView
from touchpoints.api.queue import QueueView
from touchpoints.api.records import MeetingView, RulesView, SuppressionView, TaskView
from touchpoints.api.touchpoints import TouchpointView

READ_MANY, READ_ONE = {"get": "list"}, {"get": "retrieve"}
MAKE, CHANGE, REMOVE = {"post": "create"}, {"patch": "partial_update"}, {"delete": "destroy"}


def resource(name: str, view: Any, many: dict[str, str], one: dict[str, str]) -> list[URLPattern]:
    """The addresses of a collection and of one of its rows."""
    return [
        path(f"{name}/", view.as_view(many), name=f"api_{name}"),
        path(f"{name}/<int:pk>/", view.as_view(one), name=f"api_{name}_one"),
    ]


def action(address: str, view: Any, methods: dict[str, str]) -> URLPattern:
    return path(
        f"{address}/", view.as_view(methods), name="api_" + address.replace("/<int:pk>", "").replace("/", "_")
    )


named_touchpoint = {"patch": "correct_named", "delete": "withdraw_named"}

v1: list[URLPattern | URLResolver] = [
    action("touchpoints/batch", TouchpointView, {"post": "batch"}),
    *resource("touchpoints", TouchpointView, READ_MANY | MAKE | named_touchpoint, READ_ONE | CHANGE | REMOVE),
    *resource("leads", LeadView, READ_MANY | MAKE, READ_ONE | CHANGE),
    action("leads/<int:pk>/guard", LeadView, {"get": "guard"}),
    action("leads/<int:pk>/research", LeadView, {"get": "research"}),
    action("leads/<int:pk>/dial", LeadView, {"post": "dial"}),
    action("leads/<int:pk>/pursuit/pause", LeadView, {"post": "pause"}),
    action("leads/<int:pk>/pursuit/resume", LeadView, {"post": "resume"}),
    action("leads/<int:pk>/pursuit/stop", LeadView, {"post": "stop"}),
    *resource("calls", CallView, READ_MANY | MAKE, READ_ONE),
    action("calls/<int:pk>/outcome", CallView, {"post": "outcome", "patch": "amend"}),
    action("queue/next", QueueView, {"get": "next"}),
    action("queue/<int:pk>/skip", QueueView, {"post": "skip"}),
    action("queue/<int:pk>/done", QueueView, {"post": "done"}),
    *resource("meetings", MeetingView, READ_MANY, READ_ONE | CHANGE),
    *resource("segments", SegmentView, READ_MANY | MAKE, READ_ONE | CHANGE | REMOVE),
    *resource("lists", LeadListView, READ_MANY | MAKE, READ_ONE | CHANGE),
    *resource("imports", ImportView, READ_MANY, READ_ONE),
    *resource("suppressions", SuppressionView, READ_MANY | MAKE, READ_ONE),
    action("suppressions/<int:pk>/lift", SuppressionView, {"post": "lift"}),
    *resource("consents", ConsentView, READ_MANY | MAKE, READ_ONE),
    action("consents/<int:pk>/end", ConsentView, {"post": "end"}),
    action("consents/<int:pk>/revoke", ConsentView, {"post": "revoke"}),
    *resource("customers", CustomerView, READ_MANY | MAKE, READ_ONE | CHANGE | REMOVE),
    *resource("tasks", TaskView, READ_MANY, READ_ONE),
    action("tasks/<int:pk>/done", TaskView, {"post": "done"}),
    action("rules", RulesView, READ_ONE),
]
if find_spec("crm.pipeline.api"):
    v1.append(path("", include("crm.pipeline.api")))

urlpatterns = [
    path("v1/", include(v1)),
    path("schema/", SpectacularAPIView.as_view(), name="api_schema"),
    path(
        "docs/",
        SpectacularSwaggerSplitView.as_view(url_name="api_schema", template_name="api/docs.html"),
        name="api_docs",
    ),
    re_path(r"^(?P<path>.*)$", nothing_here, name="api_nothing_here"),
]
