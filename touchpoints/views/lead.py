"""One lead's page: its facts, its numbers, whose it is. For everybody signed in, on leads they may see."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from leads import register
from leads.keyset import neighbours
from leads.models import Lead, LeadNumber
from leads.register import PhoneInput
from touchpoints import assign, blockers, engine, lead_list, lead_page, suppress
from touchpoints.bell import ring_on_commit
from touchpoints.consent_forms import ConsentForm
from touchpoints.lead_forms import (
    FactsForm,
    KeeperForm,
    NumberForm,
    OverrideForm,
    PauseForm,
    StopForm,
    SuppressForm,
    TouchpointForm,
    add_errors,
)
from touchpoints.models import Touchpoint
from touchpoints.refusals import Refused

if TYPE_CHECKING:
    from datetime import datetime

    from django.http import HttpRequest

START_PURSUITS = "touchpoints.tasks.start_pursuits"


@login_required
@require_GET
def lead(request: HttpRequest, pk: int) -> HttpResponse:
    """The page; for htmx the part of it that changes. `?touchpoint=` opens one to correct."""
    now = timezone.now()
    shown = lead_of(request, pk)
    forms: dict[str, Any] = {}
    chosen = request.GET.get("touchpoint", "")
    if chosen.isdecimal() and len(chosen) < 18:
        stored = get_object_or_404(Touchpoint.objects.filter(lead=shown), pk=int(chosen))
        forms["touchpoint_form"] = TouchpointForm(
            zone=lead_page.clock_of(request.user), now=now, stored=stored
        )
    return show(request, shown, now=now, forms=forms)


@login_required
@require_http_methods(["GET", "POST"])
def lead_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Change the facts where they stand."""
    now = timezone.now()
    shown = lead_of(request, pk)
    if request.method == "GET":
        return show(request, shown, now=now, forms={"facts_form": FactsForm(lead=shown)})
    form = FactsForm(request.POST, lead=shown)
    if form.is_valid():
        try:
            blockers.edit_lead(shown, form.changes(), by=request.user, now=now)
        except register.LeadRefused as refused:
            add_errors(form, refused.errors)
        else:
            return done(request, pk, gettext("Saved."), now=now)
    return show(request, shown, now=now, forms={"facts_form": form}, status=422)


@login_required
@require_POST
def number_add(request: HttpRequest, pk: int) -> HttpResponse:
    """One more number, tried after the others."""
    now = timezone.now()
    shown = lead_of(request, pk)
    form = NumberForm(request.POST)
    if form.is_valid():
        data = form.cleaned_data
        typed = PhoneInput(data["phone"], label=data["label"], extension=data["extension"])
        try:
            blockers.edit_lead(shown, {"phones": [*_phones(shown), typed]}, by=request.user, now=now)
        except register.LeadRefused as refused:
            add_errors(form, refused.errors, phones="phone")
        else:
            return done(request, pk, gettext("Number added."), now=now)
    return show(request, shown, now=now, forms={"number_form": form}, status=422)


@login_required
@require_POST
def number_remove(request: HttpRequest, pk: int, link: int) -> HttpResponse:
    """A number that is not the lead's any more; the calls made to it stay."""
    now = timezone.now()
    shown = lead_of(request, pk)
    row = get_object_or_404(LeadNumber.objects.current().filter(lead=shown), pk=link)
    try:
        register.edit_lead(shown, {"phones": _phones(shown, without=row.pk)}, by=request.user, now=now)
    except register.LeadRefused as refused:
        return refuse(request, shown, refused.errors[0].detail, now=now)
    return done(request, pk, gettext("Number removed."), now=now)


def _phones(shown: Lead, *, without: int | None = None) -> list[PhoneInput]:
    links = shown.lead_numbers.current().exclude(pk=without).select_related("number")
    return [PhoneInput(link.number.e164, label=link.label, extension=link.extension) for link in links]


@login_required
@require_POST
def lead_keeper(request: HttpRequest, pk: int) -> HttpResponse:
    """Give the lead to somebody: reps to themselves or their pool, managers within the team, admins to anybody."""
    now = timezone.now()
    shown = lead_of(request, pk)
    form = KeeperForm(request.POST, user=request.user)
    if not form.is_valid():
        return show(request, shown, now=now, forms={"keeper_form": form}, status=422)
    owner, team = form.owner_and_team()
    assign.assign([shown], owner=owner, team=team, by=request.user, now=now)
    ring_on_commit(START_PURSUITS)
    return done(request, pk, gettext("The lead was given on."), now=now)


@login_required
@require_POST
def override_set(request: HttpRequest, pk: int) -> HttpResponse:
    """Set the temperature by hand, until when and why."""
    now = timezone.now()
    shown = lead_of(request, pk)
    form = OverrideForm(request.POST, zone=lead_page.clock_of(request.user), now=now)
    if not form.is_valid():
        return show(request, shown, now=now, forms={"override_form": form}, status=422)
    engine.set_override(shown, **form.cleaned_data, by=request.user, now=now)
    return done(request, pk, gettext("The temperature is set by hand."), now=now)


@login_required
@require_POST
def override_end(request: HttpRequest, pk: int) -> HttpResponse:
    """Let the evidence decide again."""
    now = timezone.now()
    engine.end_override(lead_of(request, pk), by=request.user, now=now)
    return done(request, pk, gettext("The evidence decides again."), now=now)


@login_required
@require_POST
def lead_suppress(request: HttpRequest, pk: int) -> HttpResponse:
    """Put the person, a number or the company on our own do-not-call list; only an admin takes it off again."""
    now = timezone.now()
    shown = lead_of(request, pk)
    form = _suppress_form(shown, request.POST)
    if not form.is_valid():
        return show(request, shown, now=now, forms={"suppress_form": form}, status=422)
    data = form.cleaned_data
    link = (
        shown.lead_numbers.current()
        .filter(number=data.get("number") or None)
        .select_related("number")
        .first()
    )
    try:
        suppress.suppress(
            scope=data["scope"],
            lead=shown,
            number=link.number if link else None,
            reason=data["reason"],
            channel="page",
            by=request.user,
            now=now,
        )
    except Refused as refused:
        return refuse(request, shown, refused.detail, now=now)
    return done(request, pk, gettext("On the do-not-call list, everywhere, from now on."), now=now)


def _suppress_form(shown: Lead, data: Any = None) -> SuppressForm:
    links = shown.lead_numbers.current().select_related("number")
    return SuppressForm(data, lead=shown, numbers=[(link.number_id, link.number.e164) for link in links])


# --- how every action on the page is answered ----------------------------------------------------------------------


def lead_of(request: HttpRequest, pk: int) -> Lead:
    """The lead, where the user may see it; 404 elsewhere."""
    seen = Lead.objects.live().visible_to(request.user).select_related("company", "owner", "team")
    return get_object_or_404(seen, pk=pk)


def show(
    request: HttpRequest,
    shown: Lead,
    *,
    now: datetime,
    forms: dict[str, Any] | None = None,
    status: int = 200,
    notice: str = "",
) -> HttpResponse:
    """The page with these forms open; for htmx the one region that changes, so that nothing contradicts the rest."""
    whole = request.GET.get("timeline") == "whole"
    context = lead_page.show(shown, user=request.user, now=now, whole=whole)
    context |= _forms(request, shown, context, now=now) | (forms or {}) | {"notice": notice}
    if request.htmx:  # type: ignore[attr-defined]
        return render(request, "leads/lead_body.html", context, status=status)
    return render(request, "leads/lead.html", context | _places(request, shown, now=now), status=status)


def _forms(request: HttpRequest, shown: Lead, context: dict[str, Any], *, now: datetime) -> dict[str, Any]:
    zone = lead_page.clock_of(request.user)
    numbers = [(one.link.number_id, one.text) for one in context["numbers"]]
    return {
        "touchpoint_form": TouchpointForm(zone=zone, now=now),
        "override_form": OverrideForm(zone=zone, now=now),
        "number_form": NumberForm(),
        "keeper_form": KeeperForm(user=request.user),
        "stop_form": StopForm(),
        "pause_form": PauseForm(zone=zone, now=now),
        "suppress_form": SuppressForm(lead=shown, numbers=numbers),
        "consent_form": ConsentForm(lead=shown, user=request.user, zone=zone, now=now),
    }


def _places(request: HttpRequest, shown: Lead, *, now: datetime) -> dict[str, Any]:
    """The leads beside this one in the list it was opened from, and the way back to it."""
    if request.GET.get("from") != "list":
        return {}
    query = lead_list.query_of(request.GET)
    found = lead_list.filtered(request.GET, request=request, now=now).qs
    previous, following = neighbours(found, shown.pk)
    tail = f"?from=list{'&' if query else ''}{query}"
    return {
        "list_url": f"{reverse('leads')}{'?' if query else ''}{query}",
        "previous_url": f"{reverse('lead', args=[previous])}{tail}" if previous else "",
        "next_url": f"{reverse('lead', args=[following])}{tail}" if following else "",
    }


def done(request: HttpRequest, pk: int, text: str, *, now: datetime) -> HttpResponse:
    """The page as it is after an action that succeeded; the list where the lead went out of the user's sight."""
    seen = Lead.objects.live().visible_to(request.user).select_related("company", "owner", "team")
    shown = seen.filter(pk=pk).first()
    if shown is not None and request.htmx:  # type: ignore[attr-defined]
        response = show(request, shown, now=now)
        response["HX-Trigger"] = json.dumps({"toast": {"text": text, "tone": "ok"}})
        return response
    messages.success(request, text)
    url = _same_place(request, pk) if shown is not None else reverse("leads")
    if request.htmx:  # type: ignore[attr-defined]
        return HttpResponse(headers={"HX-Redirect": url})
    return redirect(url)


def refuse(request: HttpRequest, shown: Lead, text: str, *, now: datetime) -> HttpResponse:
    """The page with a refusal that belongs to no field."""
    return show(request, shown, now=now, notice=text, status=422)


def _same_place(request: HttpRequest, pk: int) -> str:
    """The lead's page as it was opened, its list's filter included."""
    url = reverse("lead", args=[pk])
    came_from = urlsplit(request.headers.get("Referer", ""))
    opened_from_list = came_from.path == url and came_from.query.startswith("from=list")
    return f"{url}?{came_from.query}" if opened_from_list else url
