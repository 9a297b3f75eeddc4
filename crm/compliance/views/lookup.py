"""What do the lists hold of one number? For managers and admins, counted and written into the audit trail."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from crm.compliance.access import managers_only
from leads import guard_checks, law_words
from leads.models import Lead, LeadNumber, Suppression, Workspace
from touchpoints import number_lookup
from touchpoints.number_forms import NumberQuestion

MOST_LEADS = 20


@managers_only
@require_http_methods(["GET", "HEAD", "POST"])
def compliance_lookup(request: HttpRequest) -> HttpResponse:
    """Managers and admins: registries, our own list and the guard's answer for one number. A POST asks."""
    now = timezone.now()
    form = NumberQuestion(request.POST or None, home=Workspace.current().region)
    context: dict[str, Any] = {"form": form}
    status = 422 if form.errors else 200
    if request.method == "POST" and form.is_valid():
        try:
            look = number_lookup.look_up(form.cleaned_data["number"], by=request.user, now=now)  # type: ignore[arg-type]
        except number_lookup.TooManyLookups as refused:
            context["refused"], status = refused, 429
        else:
            context |= _found(request, look)
    context["allowance"] = number_lookup.allowance(request.user, now=now)  # type: ignore[arg-type]
    return render(request, "compliance/lookup.html", context, status=status)


def _found(request: HttpRequest, look: number_lookup.Look) -> dict[str, Any]:
    e164 = look.number.e164
    using = LeadNumber.objects.current().filter(number__e164=e164)
    mine = using.filter(lead__in=Lead.objects.visible_to(request.user).order_by()).select_related(
        "lead__company"
    )
    shown = list(mine[:MOST_LEADS])
    return {
        "look": look,
        "checks": guard_checks.named(look.checks),
        "lists": [
            {"name": law_words.registry_name(fact.registry), "fact": fact}
            for fact in ((look.asked.facts.registries if look.asked else None) or ())
        ],
        "own_entries": Suppression.objects.filter(scope=Suppression.Scope.NUMBER, e164=e164).select_related(
            "by"
        ),
        "leads": [link.lead for link in shown],
        "others": using.count() - mine.count(),
    }
