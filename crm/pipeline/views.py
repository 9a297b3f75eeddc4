"""The manager's screen: the tiles, their CSV, and the very leads behind a figure."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Count
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from crm.accounts.models import User
from crm.figures import count_text
from crm.pipeline.filters import ReportFilter
from crm.pipeline.panels import Panel, csv_lines
from crm.pipeline.reports import REPORTS, UnknownPart, build

LEADS_A_PAGE = 50


@require_safe
@login_required
def pipeline(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
    """Managers see their team's figures, admins everybody's. `?tile=…&format=csv`: one tile as CSV."""
    form = _filter(_manager(request), request)
    if not form.is_valid():
        return render(request, "pipeline/pipeline.html", {"form": form}, status=400)
    if "format" in request.GET:
        return _csv(request, form)
    scope = form.scope()
    query = form.query()
    panels = {key: Panel(tile, query) for key, tile in build(tuple(REPORTS), scope).items()}
    # What has numbers of its own and no drawing stands at the top.
    top = [panels[key] for key in ("hand_raisers", "capacity", "attempts", "meetings", "speed", "promises")]
    context = {"form": form, "scope": scope, "panels": panels, "top": top, "is_filtered": bool(query)}
    return render(request, "pipeline/pipeline.html", context)


@require_safe
@login_required
def pipeline_leads(request: HttpRequest) -> HttpResponse:
    """Managers and admins: the leads behind one figure of a tile, `?tile=…&part=…` and the page's filters."""
    form = _filter(_manager(request), request)
    if not form.is_valid():
        return render(request, "pipeline/pipeline.html", {"form": form}, status=400)
    key, part = request.GET.get("tile", ""), request.GET.get("part", "")
    if key not in REPORTS:
        return _refuse(request, form, "tile", key, ", ".join(REPORTS))
    scope = form.scope()
    try:
        leads = REPORTS[key].leads(scope, part)
    except UnknownPart as unknown:
        return _refuse(request, form, "part", part, str(unknown))
    shown = (
        leads.select_related("company", "owner", "team").annotate(calls_made=Count("calls")).order_by("-pk")
    )
    pages = Paginator(shown, LEADS_A_PAGE)
    pages.count = leads.order_by().count()
    page = pages.get_page(request.GET.get("page"))
    for lead in page:
        lead.is_warm_now = lead.is_warm(now=scope.now)
    panel = Panel(REPORTS[key].build(scope), form.query())
    context = {
        "form": form,
        "scope": scope,
        "tile": panel.tile,
        "figure": panel.figure(part),
        "page_obj": page,
        "found": ngettext("%(n)s lead", "%(n)s leads", pages.count) % {"n": count_text(pages.count)},
    }
    return render(request, "pipeline/leads.html", context)


def _manager(request: HttpRequest) -> User:
    user = request.user
    if not isinstance(user, User) or not user.is_manager:
        raise PermissionDenied
    return user


def _filter(viewer: User, request: HttpRequest) -> ReportFilter:
    return ReportFilter(request.GET, viewer=viewer, now=timezone.now())


def _csv(request: HttpRequest, form: ReportFilter) -> HttpResponse | StreamingHttpResponse:
    if request.GET["format"] != "csv":
        return _refuse(request, form, "format", request.GET["format"], "csv")
    key = request.GET.get("tile", "")
    if key not in REPORTS:
        return _refuse(request, form, "tile", key, ", ".join(REPORTS))
    scope = form.scope()
    lines = csv_lines(REPORTS[key].build(scope))
    name = f"thaw-{key.replace('_', '-')}-{scope.today.isoformat()}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    # The mark at the start tells spreadsheets that this is UTF-8.
    return HttpResponse("\ufeff" + "".join(lines), content_type="text/csv; charset=utf-8", headers=headers)


def _refuse(request: HttpRequest, form: ReportFilter, field: str, value: str, expected: str) -> HttpResponse:
    refused: dict[str, Any] = {"field": field, "value": value[:60], "expected": expected}
    refused["text"] = _("%(field)s is “%(value)s”; expected one of: %(expected)s.") % refused
    return render(request, "pipeline/pipeline.html", {"form": form, "refused": refused["text"]}, status=400)
