"""How do we stand with the law, and what stands behind each figure? For managers and admins.

Managers see the leads of their team, admins all; period, team and list stand in the address.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from crm.compliance.access import managers_only
from crm.compliance.panels import CompliancePanel
from crm.compliance.reports import REPORTS, dials
from crm.figures import count_text
from crm.pipeline.filters import ReportFilter
from crm.pipeline.panels import csv_lines
from crm.pipeline.reports.scope import Scope
from crm.pipeline.reports.yields import reason_in_words
from leads import erasure, numbers
from leads.models import Lead
from leads.spreadsheet import csv_lines as spreadsheet_lines

ROWS_A_PAGE = 50
TOP = ("registries", "blocked", "breaches", "wishes", "complaints", "own_list")
EVENTS = {"blocked", "blocked_reps", "breaches"}


@managers_only
@require_safe
def compliance(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
    """Managers and admins: all that must be proved, on one page. `?tile=…&format=csv`: one tile as CSV."""
    form = _filter(request)
    if not form.is_valid():
        return render(request, "compliance/overview.html", {"form": form}, status=400)
    scope = form.scope()
    if "format" in request.GET:
        key = request.GET.get("tile", "")
        if request.GET["format"] != "csv":
            return _refuse(request, form, "format", request.GET["format"], ["csv"])
        if key not in REPORTS:
            return _refuse(request, form, "tile", key, REPORTS)
        return _file(csv_lines(REPORTS[key](scope)), key, scope)
    query = form.query()
    panels = {key: CompliancePanel(build(scope), query) for key, build in REPORTS.items()}
    context = {
        "form": form,
        "scope": scope,
        "panels": panels,
        "top": [panels[key] for key in TOP],
        "is_filtered": bool(query),
        "keys_missing": erasure.keys_missing(),
    }
    return render(request, "compliance/overview.html", context)


@managers_only
@require_safe
def compliance_dials(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
    """Managers and admins: the very dials behind a figure, `?tile=…&part=…` and the overview's filters."""
    form = _filter(request)
    if not form.is_valid():
        return render(request, "compliance/overview.html", {"form": form}, status=400)
    key, part = request.GET.get("tile", ""), request.GET.get("part", "")
    if key not in EVENTS:
        return _refuse(request, form, "tile", key, EVENTS)
    scope = form.scope()
    breaches = key == "breaches"
    every: QuerySet[Any] = dials.breached_calls(scope) if breaches else dials.blocked_dials(scope)
    rows = dials.narrowed(every, part)
    if rows is None:
        return _refuse(request, form, "part", part, ["all", "reason.…", "rep.…"])
    moment = "started_at" if breaches else "at"
    shown = rows.select_related("lead__company", "number", "user").order_by(f"-{moment}", "-pk")
    if request.GET.get("format") == "csv":
        return _file(_event_lines(shown, moment), key, scope)
    pages = Paginator(shown, ROWS_A_PAGE)
    page = pages.get_page(request.GET.get("page"))
    leads = rows.values("lead").distinct().count()
    panel = CompliancePanel(REPORTS[key](scope), form.query())
    context = {
        "form": form,
        "tile": panel.tile,
        "figure": panel.figure(part),
        "page_obj": page,
        "events": [_event(row, moment) for row in page],
        "breaches": breaches,
        "hidden": {"tile": key, "part": part},
        "found": _("%(dials)s to %(leads)s")
        % {
            "dials": ngettext("%(n)s dial", "%(n)s dials", pages.count) % {"n": count_text(pages.count)},
            "leads": ngettext("%(n)s lead", "%(n)s leads", leads) % {"n": count_text(leads)},
        },
    }
    return render(request, "compliance/dials.html", context)


def _event(row: Any, moment: str) -> dict[str, Any]:
    guard = row.guard if isinstance(row.guard, dict) else {}
    reasons = guard.get("reasons") or []
    lead: Lead = row.lead
    return {
        "row": row,
        "at": getattr(row, moment),
        "lead": lead,
        "number": numbers.display(row.number.e164) if row.number else "–",
        "rep": row.user,
        "reasons": [
            {"word": reason_in_words(reason.get("code", "")), "detail": reason.get("detail", "")}
            for reason in reasons
        ],
        "next": guard.get("next_allowed_at"),
        "source": getattr(row, "source", ""),
    }


def _event_lines(rows: QuerySet[Any], moment: str) -> Iterator[str]:
    yield from spreadsheet_lines(
        [
            [
                _("At"),
                _("Lead"),
                _("Company"),
                _("Number"),
                _("Rep"),
                _("Reasons"),
                _("Codes"),
                _("Reported by"),
            ]
        ]
    )
    for row in rows.iterator(chunk_size=500):
        reasons = (row.guard or {}).get("reasons") or []
        yield from spreadsheet_lines(
            [
                [
                    getattr(row, moment).isoformat(),
                    row.lead.name,
                    str(row.lead.company or ""),
                    row.number.e164 if row.number else "",
                    row.user.username if row.user else "",
                    "; ".join(reason.get("detail", "") for reason in reasons),
                    " ".join(reason.get("code", "") for reason in reasons),
                    getattr(row, "source", ""),
                ]
            ]
        )


def _filter(request: HttpRequest) -> ReportFilter:
    return ReportFilter(request.GET, viewer=request.user, now=timezone.now())  # type: ignore[arg-type]


def _file(lines: Iterator[str], key: str, scope: Scope) -> StreamingHttpResponse:
    def marked() -> Iterator[bytes]:
        yield "\ufeff".encode()  # tells spreadsheets that this is UTF-8
        for line in lines:
            yield line.encode()

    name = f"thaw-{key.replace('_', '-')}-{scope.today.isoformat()}.csv"
    return StreamingHttpResponse(
        marked(),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _refuse(request: HttpRequest, form: ReportFilter, field: str, value: str, expected: Any) -> HttpResponse:
    refused = _("%(field)s is “%(value)s”; expected one of: %(expected)s.") % {
        "field": field,
        "value": value[:60],
        "expected": ", ".join(sorted(expected)),
    }
    return render(request, "compliance/overview.html", {"form": form, "refused": refused}, status=400)
