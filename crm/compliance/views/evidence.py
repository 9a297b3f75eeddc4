"""What proves our calls? Search, read one, and take them away as CSV or JSON. Managers their team's, admins all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from crm.compliance.access import managers_only
from crm.compliance.evidence_filter import EvidenceFilter
from crm.compliance.listing import count_in_words, place_of, query_of, urls_beside
from leads import numbers
from leads.keyset import page
from leads.models import AuditEvent, Lead
from touchpoints import evidence_export

if TYPE_CHECKING:
    from datetime import datetime

    from django.http import HttpRequest

ROWS = 50
FORMATS = {"csv": "text/csv; charset=utf-8", "json": "application/json"}


@managers_only
@require_safe
def compliance_evidence(request: HttpRequest) -> HttpResponse:
    """Managers their team's calls, admins all: the calls that the filter in the address finds, newest first."""
    form = EvidenceFilter(request.GET, viewer=request.user, now=timezone.now())
    calls = form.calls()
    after, before = place_of(request.GET)
    rows = calls.select_related("lead", "number", "user", "outcome").order_by("-started_at", "-pk")
    found = page(rows, size=ROWS, after=after, before=before)
    context = {
        "form": form,
        "rows": [(call, called_in_words(call)) for call in found.rows],
        "counted": count_in_words(calls),
        "query": query_of(request.GET),
        **urls_beside(request.GET, found),
    }
    return render(request, "compliance/evidence.html", context, status=200 if form.is_valid() else 400)


def called_in_words(call: Any) -> str:
    if call.number is not None:
        return numbers.display(call.number.e164)
    return f"…{call.number_digest[:8]}" if call.number_digest else "–"


@managers_only
@require_safe
def compliance_evidence_call(request: HttpRequest, pk: int) -> HttpResponse:
    """Managers their team's calls, admins all: everything that proves one call."""
    calls = evidence_export.calls_of(request.user)
    call = get_object_or_404(calls.select_related("lead", "number", "user", "outcome", "talk_track"), pk=pk)
    (row,) = evidence_export.rows(calls.filter(pk=pk))
    context = {
        "call": call,
        "row": row,
        "called": called_in_words(call),
        "has_page": Lead.objects.live().visible_to(request.user).filter(pk=call.lead_id).exists(),
    }
    return render(request, "compliance/evidence_call.html", context)


@managers_only
@require_POST
def compliance_evidence_export(
    request: HttpRequest, file_format: str
) -> StreamingHttpResponse | HttpResponse:
    """Managers their team's calls, admins all: what the filter finds, streamed as one file; each export is audited."""
    if file_format not in FORMATS:
        raise Http404
    now = timezone.now()
    form = EvidenceFilter(request.GET, viewer=request.user, now=now)
    calls = form.calls()
    if not form.is_valid():
        context = {"form": form, "rows": [], "counted": "0", "query": ""}
        return render(request, "compliance/evidence.html", context, status=400)
    _audit(request, form, file_format, now=now)
    found = evidence_export.rows(calls)
    if file_format == "csv":
        pieces = evidence_export.as_csv(found)
    else:
        head = {"exported_at": now, "exported_by": request.user.get_username(), "filter": form.told()}
        pieces = evidence_export.as_json(found, head)
    response = StreamingHttpResponse(pieces, content_type=FORMATS[file_format])
    response["Content-Disposition"] = f'attachment; filename="evidence-{now:%Y-%m-%d-%H%M%S}.{file_format}"'
    return response


def _audit(request: HttpRequest, form: EvidenceFilter, file_format: str, *, now: datetime) -> None:
    told = form.told()
    if "number" in told:  # the trail would keep the number when its person is erased
        told["number"] = f"…{told['number'][-2:]}"
    AuditEvent.objects.create(
        at=now,
        actor=request.user,
        action="evidence.exported",
        subject_type="call",
        subject_id=told.get("call", ""),
        after={**told, "format": file_format},
    )
