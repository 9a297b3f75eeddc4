"""One lead's page. For everybody who is signed in, on leads they may see."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET

from leads.models import Lead

if TYPE_CHECKING:
    from django.http import HttpRequest


@login_required
@require_GET
def lead(request: HttpRequest, pk: int) -> HttpResponse:
    return HttpResponse(str(get_object_or_404(Lead.objects.visible_to(request.user), pk=pk)))
