"""Consents, written permissions and relationships of all leads the user may see. For managers and admins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from crm.compliance.access import managers_only
from crm.compliance.listing import count_in_words, place_of, query_of, urls_beside
from leads import consents
from leads.keyset import page
from leads.models import AuditEvent, Consent, Lead
from leads.permission_filters import ConsentFilter
from touchpoints.consent_forms import ConsentForm
from touchpoints.lead_forms import add_errors
from touchpoints.lead_page import clock_of

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest

ROWS = 50


def _seen_by(user: Any) -> QuerySet[Consent]:
    return Consent.objects.filter(lead__in=Lead.objects.live().visible_to(user))


@managers_only
@require_safe
def compliance_consents(request: HttpRequest) -> HttpResponse:
    """Managers and admins: what the filter in the address finds, newest first."""
    now = timezone.now()
    rows = _seen_by(request.user).order_by("-pk")
    chosen = ConsentFilter(request.GET, queryset=rows, request=request, now=now)
    after, before = place_of(request.GET)
    shown = chosen.qs.select_related("lead__company", "number", "recorded_by")
    found = page(shown, size=ROWS, after=after, before=before)
    context = {
        "form": chosen.form,
        "rows": [{"consent": row, "state": consents.state_of(row, now=now)} for row in found.rows],
        "counted": count_in_words(chosen.qs),
        "filtered": bool(query_of(request.GET)),
        **urls_beside(request.GET, found),
    }
    return render(request, "compliance/consents.html", context)


@managers_only
@require_http_methods(["GET", "POST"])
def compliance_consent(request: HttpRequest, pk: int) -> HttpResponse:
    """Managers and admins: one of them, with its history, to correct. It is ended or revoked on the lead's page."""
    now = timezone.now()
    row = get_object_or_404(
        _seen_by(request.user).select_related("lead__company", "number", "recorded_by"), pk=pk
    )
    zone = clock_of(request.user)
    form = ConsentForm(request.POST or None, lead=row.lead, user=request.user, zone=zone, now=now, stored=row)
    if request.method == "POST" and form.is_valid():
        try:
            consents.edit(row, form.given(), by=request.user, now=now)
        except consents.ConsentRefused as refused:
            add_errors(form, refused.errors)
        else:
            messages.success(request, gettext("Saved; the change is in the audit trail."))
            return redirect("compliance_consent", pk=pk)
    events = AuditEvent.objects.filter(subject_type="consent", subject_id=str(pk)).select_related("actor")
    context = {
        "consent": row,
        "state": consents.state_of(row, now=now),
        "form": form,
        "events": [(event, DONE.get(event.action, event.action)) for event in events],
    }
    return render(request, "compliance/consent.html", context, status=422 if form.errors else 200)


DONE = {
    "consent.recorded": gettext_lazy("Recorded"),
    "consent.edited": gettext_lazy("Corrected"),
    "consent.ended": gettext_lazy("Ended"),
    "consent.revoked": gettext_lazy("Revoked"),
    "consent.restored": gettext_lazy("Restored: it was no wish"),
}
