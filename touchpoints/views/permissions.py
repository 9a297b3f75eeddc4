"""What a lead allows, wishes and holds against us: consents, requests to stop, complaints. For everybody signed in, on
leads they may see; of what a rep may do the doors decide."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST

from leads import consents
from leads.models import Consent, Lead
from touchpoints import complaints, lead_page, permissions, wishes
from touchpoints.consent_forms import ComplaintForm, ConsentForm, ReasonForm
from touchpoints.lead_forms import add_errors
from touchpoints.models import CallAttempt, Wish
from touchpoints.refusals import Refused
from touchpoints.views.lead import done, lead_of, refuse, show

if TYPE_CHECKING:
    from django.http import HttpRequest


@login_required
@require_POST
def consent_add(request: HttpRequest, pk: int) -> HttpResponse:
    """Record what the lead allows; who recorded it and when is ours to know."""
    now = timezone.now()
    shown = lead_of(request, pk)
    zone = lead_page.clock_of(request.user)
    form = ConsentForm(request.POST, lead=shown, user=request.user, zone=zone, now=now)
    if form.is_valid():
        try:
            permissions.record(shown, **form.given(), by=request.user, now=now)
        except consents.ConsentRefused as refused:
            add_errors(form, refused.errors)
        except consents.NotAllowed as refused:
            return refuse(request, shown, str(refused), now=now)
        else:
            return done(request, pk, gettext("Recorded, with its evidence."), now=now)
    return show(request, shown, now=now, forms={"consent_form": form}, status=422)


@login_required
@require_POST
def consent_end(request: HttpRequest, pk: int) -> HttpResponse:
    """It is over, which managers say; or they took it back, which whoever heard it says."""
    now = timezone.now()
    row = get_object_or_404(Consent.objects.select_related("number"), pk=pk)
    shown = lead_of(request, row.lead_id)
    form = ReasonForm(request.POST)
    if not form.is_valid():
        return refuse(request, shown, gettext("Say why it ends."), now=now)
    act = consents.end if request.POST.get("how") == "end" else consents.revoke
    try:
        act(row, reason=form.cleaned_data["reason"], by=request.user, now=now)
    except (consents.ConsentRefused, consents.NotAllowed) as refused:
        return refuse(request, shown, str(refused), now=now)
    return done(request, shown.pk, gettext("It allows nothing any more."), now=now)


@login_required
@require_POST
def wish_decide(request: HttpRequest, pk: int) -> HttpResponse:
    """Confirm that they want no more calls; that it was no wish is for managers where it blocks."""
    now = timezone.now()
    wish = get_object_or_404(Wish.objects.select_related("lead"), pk=pk)
    shown = lead_of(request, wish.lead_id)
    reason = request.POST.get("reason", "")[:300]
    try:
        if request.POST.get("decision") == "decline":
            wishes.decline(wish, reason=reason, by=request.user, now=now)
            text = gettext("Noted: no wish to be left alone.")
        else:
            own = "own_numbers" in request.POST
            wishes.confirm(wish, reason=reason, own_numbers=own, by=request.user, now=now)
            text = gettext("On the do-not-call list, everywhere, from now on.")
    except Refused as refused:
        return refuse(request, shown, refused.detail, now=now)
    return done(request, shown.pk, text, now=now)


@login_required
@require_http_methods(["GET", "POST"])
def complaint_add(request: HttpRequest, pk: int) -> HttpResponse:
    """They complained: what they said, about the call in `?call=` or the latest one; a manager is told."""
    now = timezone.now()
    shown = _complainer(request, pk)
    calls = CallAttempt.objects.filter(lead=shown).select_related("outcome", "user")
    asked = request.GET.get("call", "")
    call = calls.filter(pk=int(asked)).first() if asked.isdecimal() and len(asked) < 18 else calls.first()
    form = ComplaintForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            complaints.complain(shown, said=form.cleaned_data["said"], call=call, by=request.user, now=now)
        except Refused as refused:
            form.add_error("said", refused.detail)
        else:
            messages.success(request, gettext("Kept with the call; a manager is told."))
            seen = Lead.objects.visible_to(request.user).filter(pk=pk).exists()
            return redirect(shown.get_absolute_url() if seen else "call")
    context: dict[str, Any] = {"lead": shown, "call": call, "form": form}
    return render(request, "leads/complaint.html", context, status=422 if form.errors else 200)


def _complainer(request: HttpRequest, pk: int) -> Lead:
    """A lead the user may see, or whom they called: a colleague's hand-raiser complains to whoever rang."""
    lead = get_object_or_404(Lead.objects.live().select_related("company"), pk=pk)
    seen = Lead.objects.visible_to(request.user).filter(pk=pk).exists()
    if not seen and not CallAttempt.objects.filter(lead=lead, user=request.user).exists():
        raise Http404
    return lead
