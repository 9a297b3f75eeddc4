"""The list of leads and what is done to many of them. For everybody who is signed in, on leads they may see."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from leads.models import Lead
from touchpoints import lead_list

if TYPE_CHECKING:
    from django.http import HttpRequest


@login_required
@require_GET
def leads(request: HttpRequest) -> HttpResponse:
    """The leads of the filter in the address, a page at a time."""
    now = timezone.now()
    chosen = lead_list.filtered(request.GET, request=request, now=now)
    page = lead_list.read_page(chosen.qs, request.GET)
    count, counted = lead_list.count_in_words(chosen.qs)
    context: dict[str, Any] = {
        "now": now,
        "chosen": chosen,
        "form": chosen.form,
        "rows": lead_list.rows_of(page.rows, now=now),
        "page": page,
        "count": count,
        "counted": counted,
        "query": lead_list.query_of(request.GET),
        "any_leads": bool(page.rows) or Lead.objects.live().visible_to(request.user).exists(),
        **lead_list.choices_for(request.user),
    }
    return render(request, "leads/leads.html", context)
