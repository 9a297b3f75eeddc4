"""Touchpoints by hand: record, correct, withdraw. For everybody signed in, on leads they may see.

Each is evaluated before the page answers, so that whoever typed it sees what it did. The engine was rung as well:
evaluating twice changes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.auth.decorators import login_required
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from leads import register
from touchpoints import corrections, engine, lead_page, record
from touchpoints.lead_forms import TouchpointForm, add_errors
from touchpoints.models import Touchpoint
from touchpoints.views.lead import done, lead_of, show

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


@login_required
@require_POST
def touchpoint_add(request: HttpRequest, pk: int) -> HttpResponse:
    """Record what happened between this lead and us."""
    now = timezone.now()
    shown = lead_of(request, pk)
    form = TouchpointForm(request.POST, zone=lead_page.clock_of(request.user), now=now)
    if form.is_valid():
        try:
            record.record(form.new_touchpoint(shown, user=request.user), user=request.user, now=now)
        except register.LeadRefused as refused:
            add_errors(form, refused.errors)
        else:
            engine.evaluate_leads([pk], now=now)
            return done(request, pk, gettext("Touchpoint recorded."), now=now)
    return show(request, shown, now=now, forms={"touchpoint_form": form}, status=422)


@login_required
@require_POST
def touchpoint_correct(request: HttpRequest, pk: int) -> HttpResponse:
    """Change what was recorded; the lead is evaluated again."""
    now = timezone.now()
    stored = get_object_or_404(Touchpoint.objects.visible_to(request.user), pk=pk)
    shown = lead_of(request, stored.lead_id)
    form = TouchpointForm(request.POST, zone=lead_page.clock_of(request.user), now=now, stored=stored)
    if not form.is_valid():
        return show(request, shown, now=now, forms={"touchpoint_form": form}, status=422)
    corrections.correct(stored, form.changes(), user=request.user, now=now)
    engine.evaluate_leads([shown.pk], now=now)
    return done(request, shown.pk, gettext("Touchpoint corrected."), now=now)


@login_required
@require_POST
def touchpoint_withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a touchpoint back; the audit trail keeps what it was."""
    now = timezone.now()
    stored = get_object_or_404(Touchpoint.objects.visible_to(request.user), pk=pk)
    shown = lead_of(request, stored.lead_id)
    corrections.withdraw(stored, user=request.user, now=now, reason=request.POST.get("reason", "")[:300])
    engine.evaluate_leads([shown.pk], now=now)
    return done(request, shown.pk, gettext("Touchpoint withdrawn."), now=now)
