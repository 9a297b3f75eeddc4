"""The plans of attempts: to read, to copy, to change by a new version. For managers and admins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from leads.models import Workspace
from touchpoints import cadences, guarding, plan_picture
from touchpoints.cadence import Plan, plan_all
from touchpoints.cadence_forms import CadenceForm, SampleForm, StepFormSet, steps_of, wanted
from touchpoints.models import Cadence
from touchpoints.plans import plan_of
from touchpoints.refusals import Invalid
from touchpoints.views.rules import managers_only

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


@managers_only
@require_safe
def rules_cadences(request: HttpRequest) -> HttpResponse:
    """Managers and admins: the plans in use, each with its picture."""
    rows = cadences.active()
    following = cadences.followed_by([row.key for row in rows])
    shown = [
        {
            "cadence": row,
            "picture": plan_picture.of_plan(plan_of(row)),
            "followed": following.get((row.key, row.version), 0),
            "older": sum(
                n for (key, version), n in following.items() if key == row.key and version != row.version
            ),
        }
        for row in rows
    ]
    return render(request, "rules/cadences.html", {"cadences": shown})


@managers_only
@require_http_methods(["GET", "HEAD", "POST"])
def rules_cadence(request: HttpRequest, pk: int) -> HttpResponse:
    """Managers and admins: change one plan; `preview` shows what was typed without saving it."""
    cadence = get_object_or_404(Cadence.objects.filter(active=True).prefetch_related("steps"), pk=pk)
    now = timezone.now()
    sent = request.POST if request.method == "POST" else None
    form = CadenceForm(sent, cadence=cadence)
    steps = StepFormSet(sent, prefix="steps", initial=steps_of(cadence))
    sample = SampleForm(sent, prefix="sample", initial=_sample_place(request))
    if sent is None:
        return _page(request, cadence, form, steps, sample, plan=plan_of(cadence))
    if not (form.is_valid() and steps.is_valid()):
        return _page(request, cadence, form, steps, sample, plan=None, status=422)
    what = wanted(form, steps)
    try:
        cadences.check(what, now=now)
        if "preview" not in sent:
            changed = cadences.change(cadence, what, by=request.user, now=now)  # type: ignore[arg-type]
            messages.success(
                request,
                gettext("Version %(n)d is in force for pursuits that start from now on.")
                % {"n": changed.version},
            )
            return redirect("rules_cadences")
    except Invalid as refused:
        form.add_error(refused.field if refused.field in form.fields else None, refused.detail)
        return _page(request, cadence, form, steps, sample, plan=None, status=422)
    return _page(request, cadence, form, steps, sample, plan=_plan(what))


@managers_only
@require_POST
def rules_cadence_copy(request: HttpRequest, pk: int) -> HttpResponse:
    """Managers and admins: a copy of one's own under another name."""
    cadence = get_object_or_404(Cadence.objects.filter(active=True), pk=pk)
    try:
        made = cadences.copy(
            cadence,
            request.POST.get("name", ""),
            by=request.user,
            now=timezone.now(),  # type: ignore[arg-type]
        )
    except Invalid as refused:
        messages.error(request, refused.detail)
        return redirect("rules_cadences")
    messages.success(request, gettext("Copied: say what differs, and for whom it is."))
    return redirect("rules_cadence", pk=made.pk)


@managers_only
@require_POST
def rules_cadence_default(request: HttpRequest, pk: int) -> HttpResponse:
    """Managers and admins: make this the plan of everybody of its temperature and audience."""
    return _act(request, pk, cadences.make_default, gettext("This is the default from now on."))


@managers_only
@require_POST
def rules_cadence_retire(request: HttpRequest, pk: int) -> HttpResponse:
    """Managers and admins: take a plan out of use."""
    return _act(request, pk, cadences.retire, gettext("Out of use; pursuits that follow it go on."))


def _act(request: HttpRequest, pk: int, act: Any, text: str) -> HttpResponse:
    cadence = get_object_or_404(Cadence.objects.filter(active=True).select_related("segment"), pk=pk)
    try:
        act(cadence, by=request.user, now=timezone.now())
    except Invalid as refused:
        messages.error(request, refused.detail)
    else:
        messages.success(request, text)
    return redirect("rules_cadences")


def _page(
    request: HttpRequest,
    cadence: Cadence,
    form: CadenceForm,
    steps: Any,
    sample: SampleForm,
    *,
    plan: Plan | None,
    status: int = 200,
) -> HttpResponse:
    context = {
        "cadence": cadence,
        "form": form,
        "steps": steps,
        "sample": sample,
        "picture": plan_picture.of_plan(plan) if plan else None,
        "calls": plan.target if plan else None,
        "slots": _fallen(plan, sample, cadence) if plan else [],
    }
    return render(request, "rules/cadence.html", context, status=status)


def _plan(what: cadences.Wanted) -> Plan:
    return Plan(
        target=what.target,
        waits=tuple(step.wait_days for step in what.steps),
        phases=tuple(step.phase for step in what.steps),
        channels=tuple(step.channel for step in what.steps),
        name=what.name,
    )


def _sample_place(request: HttpRequest) -> dict[str, str]:
    workspace = Workspace.current()
    zone = workspace.time_zone if workspace.time_zone != "UTC" else request.user.time_zone  # type: ignore[union-attr]
    return {"zone": zone, "country": workspace.region, "region": ""}


def _fallen(plan: Plan, sample: SampleForm, cadence: Cadence) -> list[dict[str, Any]]:
    """Where the calls would fall for the sample lead if nobody ever answered, in its own time."""
    if sample.is_bound and not sample.is_valid():
        return []
    given = sample.cleaned_data if sample.is_bound else sample.initial
    now = timezone.now()
    place = guarding.place_of(
        zone=given["zone"],
        country=given["country"],
        region=given["region"],
        audience=cadence.audience,
        now=now,
    )
    return [
        {
            "slot": slot,
            # In words: a template would say a moment on its own clock.
            "when": date_format(slot.not_before.astimezone(place.zone), "D j M Y H:i"),
            "until": date_format(slot.until.astimezone(place.zone), "H:i"),
        }
        for slot in plan_all(plan, place, start=now)
    ]
