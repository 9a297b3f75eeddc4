"""The lead's time zone, place and audience, said by whoever knows and agreed to by managers. For everybody signed in,
on leads they may see; agreeing is a manager's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from touchpoints import refusals, their_zone
from touchpoints.views.lead import done, lead_of, refuse

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


@login_required
@require_POST
def lead_zone(request: HttpRequest, pk: int) -> HttpResponse:
    """Confirm the zone, or with `agree` let it stand alone; back to the call screen where it was asked there."""
    now = timezone.now()
    lead, zone = lead_of(request, pk), request.POST.get("zone", "")
    door = their_zone.agree_zone if request.POST.get("agree") else their_zone.confirm_zone
    try:
        lead = door(lead, zone, by=request.user, now=now)
    except ValidationError as error:
        return refuse(request, lead, error.messages[0], now=now)
    except refusals.Refused as refused:
        return refuse(request, lead, refused.detail, now=now)
    if request.POST.get("from") == "call":
        return redirect("call")
    if lead.zone_agreed_at is not None:
        return done(request, pk, gettext("The time zone stands."), now=now)
    return done(request, pk, gettext("Noted: until a manager agrees it only narrows the hours."), now=now)


@login_required
@require_POST
def lead_agree(request: HttpRequest, pk: int) -> HttpResponse:
    """Managers: let place and audience as a rep changed them stand alone."""
    now = timezone.now()
    lead = lead_of(request, pk)
    try:
        their_zone.agree_facts(lead, by=request.user, now=now)
    except refusals.Refused as refused:
        return refuse(request, lead, refused.detail, now=now)
    if request.POST.get("from") == "call":
        return redirect("call")
    return done(request, pk, gettext("Agreed: what was changed stands."), now=now)
