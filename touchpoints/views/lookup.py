"""Look up a lead from anywhere, and log that one is calling us. For everybody signed in, on leads they may see."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_GET, require_http_methods

from leads import numbers
from leads.models import LeadNumber, Workspace
from touchpoints import calls, guarding
from touchpoints import lookup as who
from touchpoints.forms import OutcomeForm
from touchpoints.models import Outcome
from touchpoints.reasons import zone_of
from touchpoints.refusals import Refused
from touchpoints.views.lead import lead_of

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from leads.models import Lead


@login_required
@require_GET
def lookup(request: HttpRequest) -> HttpResponse:
    """`?q=`: the leads that fit; for htmx the list alone. With `open` the only one that fits is opened at once."""
    text = who.typed(request.GET.get("q", "")[:254])
    hits = who.find(text, request=request, now=timezone.now())
    if "open" in request.GET and len(hits) == 1:
        return redirect(hits[0].lead)
    context = {
        "q": text,
        "hits": hits,
        "new_url": _new_url(text),
        "is_number": who.is_number(text),
    }
    template = "leads/lookup_results.html" if request.htmx else "leads/lookup.html"  # type: ignore[attr-defined]
    return render(request, template, context)


def _new_url(text: str) -> str:
    """The form for a new lead with what was typed filled in; "" for nothing."""
    if not text:
        return ""
    if who.is_number(text):
        return f"{reverse('lead_new')}?{urlencode({'phone': text})}"
    first, _sep, last = text.rpartition(" ")
    return f"{reverse('lead_new')}?{urlencode({'first_name': first, 'last_name': last})}"


@login_required
@require_http_methods(["GET", "POST"])
def lookup_inbound(request: HttpRequest, pk: int) -> HttpResponse:
    """A lead rings us: log the call, what came of it and what comes next."""
    now = timezone.now()
    shown = lead_of(request, pk)
    zones = guarding.gather([shown], now=now)[shown.pk].zones
    asked = request.POST if request.method == "POST" else request.GET
    link = _link(shown, asked.get("number", ""))
    status = 200
    if request.method == "POST":
        form = OutcomeForm(request.POST, zone=zone_of(zones))
        if form.is_valid():
            try:
                calls.log_inbound(
                    shown, form.logged(), user=request.user, now=now, number=link.number if link else None
                )
            except Refused as refused:
                name = refused.field.replace(".", "_")
                form.add_error(name if name in form.fields else None, refused.detail)
            else:
                messages.success(request, gettext("Their call is logged."))
                return redirect(shown)
        status = 422
    else:
        form = OutcomeForm(zone=zone_of(zones))
    links = list(shown.lead_numbers.current().select_related("number"))
    if link is None and request.method == "GET" and len(links) == 1:
        link = links[0]
    context = {
        "lead": shown,
        "outcome_form": form,
        "outcomes": list(Outcome.objects.filter(active=True, connect=True)),
        "links": [(one.number_id, numbers.display(one.number.e164)) for one in links],
        "number_id": link.number_id if link else None,
        "their_zone": zones[0] if zones else "",
        "warm": shown.is_warm(now=now),
    }
    return render(request, "leads/inbound.html", context, status=status)


def _link(shown: Lead, text: str) -> LeadNumber | None:
    """The lead's number they ring from, by its id or as digits; None where it is none of them."""
    links = shown.lead_numbers.current().select_related("number")
    if text.isdecimal() and len(text) < 18 and (link := links.filter(number=int(text)).first()):
        return link
    try:
        e164 = numbers.parse(text, shown.country or Workspace.current().region).e164
    except numbers.NumberRefused:
        return None
    return links.filter(number__e164=e164).first()
