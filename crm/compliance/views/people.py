"""What do we hold about a person, and how are they forgotten? Managers export, admins erase; all of it audited."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from crm.compliance.access import admins_only, managers_only
from crm.compliance.people_forms import EraseForm, ReadmitForm
from leads import erasure
from leads.filters import LeadFilter
from leads.models import AuditEvent, Lead
from touchpoints import erase, subject_access
from touchpoints.refusals import Refused

if TYPE_CHECKING:
    from datetime import datetime

    from django.http import HttpRequest

ROWS = 20
ERASURES = 20


@managers_only
@require_safe
def compliance_people(request: HttpRequest) -> HttpResponse:
    """Managers and admins: find somebody among the leads they see; the latest erasures."""
    return _show(request, now=timezone.now())


def _show(request: HttpRequest, *, now: datetime, status: int = 200, **forms: Any) -> HttpResponse:
    text = request.GET.get("search", "").strip()[:254]
    erased = AuditEvent.objects.filter(action=erase.ACTION).select_related("actor")
    context = {
        "text": text,
        "found": _find(request, text, now=now) if text else None,
        "most": ROWS,
        "erased": erased[:ERASURES],
        "keys_missing": erasure.keys_missing(),
        "readmit_form": ReadmitForm(),
        **forms,
    }
    return render(request, "compliance/people.html", context, status=status)


def _find(request: HttpRequest, text: str, *, now: datetime) -> list[Lead]:
    seen = Lead.objects.live().visible_to(request.user).select_related("company", "owner")
    chosen = LeadFilter({"search": text}, queryset=seen, request=request, now=now)
    return list(chosen.qs[:ROWS])


def _lead_of(request: HttpRequest, pk: int) -> Lead:
    return get_object_or_404(Lead.objects.live().visible_to(request.user), pk=pk)


@managers_only
@require_POST
def compliance_person_export(request: HttpRequest, pk: int) -> HttpResponse:
    """Managers and admins, on leads they see: everything about the person in one archive; audited."""
    now = timezone.now()
    lead = _lead_of(request, pk)
    held = subject_access.as_zip(subject_access.everything_about(lead, now=now))
    AuditEvent.objects.create(
        at=now, actor=request.user, action="lead.told", subject_type="lead", subject_id=str(pk), lead=lead
    )
    name = slugify(lead.name) or f"lead-{pk}"
    headers = {"Content-Disposition": f'attachment; filename="everything-{name}-{now:%Y-%m-%d}.zip"'}
    return HttpResponse(held, content_type="application/zip", headers=headers)


@admins_only
@require_http_methods(["GET", "HEAD", "POST"])
def compliance_person_erase(request: HttpRequest, pk: int) -> HttpResponse:
    """Admins: forget a person, after their name was typed once more."""
    lead = _lead_of(request, pk)
    form = EraseForm(request.POST or None, lead=lead)
    if request.method == "POST" and form.is_valid():
        try:
            done = erase.erase(lead, reason=form.cleaned_data["reason"], by=request.user, now=timezone.now())
        except Refused as refused:
            form.add_error(None, refused.detail)
        else:
            said = ngettext(
                "Erased. %(n)d call stays, without name and number.",
                "Erased. %(n)d calls stay, without name and number.",
                done.counts.get("calls", 0),
            )
            messages.success(request, said % {"n": done.counts.get("calls", 0)})
            return redirect("compliance_people")
    context = {"lead": lead, "form": form, "namesakes": erase.namesakes(lead)}
    return render(request, "compliance/erase.html", context, status=422 if form.errors else 200)


@admins_only
@require_POST
def compliance_person_readmit(request: HttpRequest) -> HttpResponse:
    """Admins: let somebody who was erased be called again, since they ask for it."""
    now = timezone.now()
    form = ReadmitForm(request.POST)
    if form.is_valid():
        try:
            count = erase.readmit(**form.cleaned_data, by=request.user, now=now)
        except Refused as refused:
            form.add_error(refused.field or None, refused.detail)
        else:
            said = ngettext("%(n)d entry is off the list.", "%(n)d entries are off the list.", count)
            messages.success(request, said % {"n": count})
            return redirect("compliance_people")
    messages.error(request, gettext("Nothing was changed."))
    return _show(request, now=now, status=422, readmit_form=form)
