"""What kind of line is a lead's number? For everybody signed in, on leads they may see; managers may unsay a mobile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.auth.decorators import login_required
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from leads.models import LeadNumber
from touchpoints import refusals, their_line
from touchpoints.views.lead import done, lead_of, refuse

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


@login_required
@require_POST
def lead_line(request: HttpRequest, pk: int, link: int) -> HttpResponse:
    """Say what kind of line one of the lead's numbers is."""
    now = timezone.now()
    lead = lead_of(request, pk)
    row = get_object_or_404(LeadNumber.objects.current().filter(lead=lead).select_related("number"), pk=link)
    try:
        their_line.say(row.number, request.POST.get("line_type", ""), lead=lead, by=request.user, now=now)
    except refusals.Refused as refused:
        return refuse(request, lead, refused.detail, now=now)
    return done(request, pk, gettext("Noted, for everybody who has this number."), now=now)
