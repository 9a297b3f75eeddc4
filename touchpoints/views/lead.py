"""One lead's page. For everybody who is signed in, on leads they may see."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_GET

from leads.models import Lead
from touchpoints import lead_page

if TYPE_CHECKING:
    from django.http import HttpRequest


@login_required
@require_GET
def lead(request: HttpRequest, pk: int) -> HttpResponse:
    """The page, or the part of it that changes for htmx."""
    shown = get_object_or_404(
        Lead.objects.live().visible_to(request.user).select_related("company", "owner", "team"), pk=pk
    )
    now = timezone.now()
    context: dict[str, Any] = lead_page.show(
        shown, user=request.user, now=now, whole=request.GET.get("timeline") == "whole"
    )
    return render(request, "leads/lead.html", context)
