"""How do we stand with the law: lists, refusals, breaches, wishes, complaints, consents? For managers and admins."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from crm.compliance.access import managers_only


@managers_only
@require_safe
def compliance(request: HttpRequest) -> HttpResponse:
    """Managers and admins: the state of everything that must be proved, on one page."""
    return render(request, "compliance/overview.html")
