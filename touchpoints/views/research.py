"""What we know of a lead beside how to call them, and where they work now. For everybody signed in, on leads they may
see; of others at the company each user sees the leads they may see, and how many more there are."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from leads.models import Lead
from leads.register import LeadRefused
from touchpoints import blockers, changed_jobs, research
from touchpoints.lead_forms import add_errors
from touchpoints.refusals import Refused
from touchpoints.research_forms import JobForm, ResearchForm
from touchpoints.views.lead import lead_of

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def lead_research(request: HttpRequest, pk: int) -> HttpResponse:
    """The panel: with `?edit=1` the form where it stands, with `?part=beyond` what a page leaves to be fetched.
    Without the script: the lead's page, which shows the panel, or its form."""
    shown = lead_of(request, pk)
    editing = "edit" in request.GET
    if request.method == "POST":
        return _save(request, shown)
    if not request.htmx:  # type: ignore[attr-defined]
        return redirect("lead_edit" if editing else "lead", pk)
    if request.GET.get("part") == "beyond":
        return render(request, "leads/research_beyond.html", _beyond(request, shown))
    if editing:
        return render(
            request, "leads/research.html", {"lead": shown, "research_form": ResearchForm(lead=shown)}
        )
    return render(request, "leads/research.html", _beyond(request, shown))


def _save(request: HttpRequest, shown: Lead) -> HttpResponse:
    form = ResearchForm(request.POST, lead=shown)
    if form.is_valid():
        try:
            shown = blockers.edit_lead(shown, form.changes(), by=request.user, now=timezone.now())
        except LeadRefused as refused:
            add_errors(form, refused.errors)
        else:
            if not request.htmx:  # type: ignore[attr-defined]
                messages.success(request, gettext("Saved."))
                return redirect("lead", shown.pk)
            response = render(request, "leads/research.html", {**_beyond(request, shown), "focus_edit": True})
            response["HX-Trigger"] = json.dumps({"toast": {"text": gettext("Saved."), "tone": "ok"}})
            return response
    context = {"lead": shown, "research_form": form}
    if request.htmx:  # type: ignore[attr-defined]
        # A refusal names its own place, or it would be told as an error of the request.
        response = render(request, "leads/research.html", context, status=422)
        response["HX-Retarget"], response["HX-Reswap"] = "#research", "outerHTML"
        return response
    return redirect("lead_edit", shown.pk)


def _beyond(request: HttpRequest, shown: Lead) -> dict[str, Any]:
    beyond = research.beyond_the_facts(shown, user=request.user, now=timezone.now())  # type: ignore[arg-type]
    return {"lead": shown, "beyond": beyond}


@login_required
@require_http_methods(["GET", "POST"])
def lead_job(request: HttpRequest, pk: int) -> HttpResponse:
    """They work somewhere else now: the new desk, what is still theirs, and who sits at the old one."""
    shown = lead_of(request, pk)
    form = JobForm(request.POST or None, lead=shown)
    if request.method == "POST" and form.is_valid():
        try:
            moved = changed_jobs.move(shown, form.job(), by=request.user, now=timezone.now())  # type: ignore[arg-type]
        except LeadRefused as refused:
            add_errors(form, refused.errors, **_PLACES)
        except Refused as refused:
            form.add_error(None, refused.detail)
        else:
            for text in _told(moved):
                messages.success(request, text)
            seen = Lead.objects.visible_to(request.user).filter(pk=pk).exists()
            return redirect(shown.get_absolute_url() if seen else "leads")
    context = {"lead": shown, "form": form}
    return render(request, "leads/job.html", context, status=422 if form.errors else 200)


_PLACES = {
    "phones": "phone",
    "successor.first_name": "first_name",
    "successor.last_name": "last_name",
    "successor.lead": "follows",
    "successor.phone": "follows",
}


def _told(moved: changed_jobs.Moved) -> list[str]:
    said = [
        gettext("%(name)s works at %(company)s now; what was before stays on record.")
        % {"name": moved.lead.name, "company": moved.lead.company}
    ]
    if moved.full:
        said.append(gettext("The coming days are full: start the pursuit when there is room."))
    if moved.successor is not None:
        said.append(gettext("%(name)s was made a lead.") % {"name": moved.successor.name})
    elif moved.known:
        said.append(gettext("Whoever sits at the old desk is known already: no lead was made."))
    return said
