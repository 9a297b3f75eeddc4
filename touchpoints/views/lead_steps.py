"""What goes on with a lead: pursuit, promises, tasks, a call's outcome amended. For everybody signed in,
on leads they may see."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST

from touchpoints import guarding, lead_page, pauses, promises, pursue, room, stage, take_back, todo
from touchpoints.forms import OutcomeForm
from touchpoints.lead_forms import PauseForm, StopForm
from touchpoints.models import CallAttempt, Outcome, Promise, Pursuit
from touchpoints.reasons import zone_of
from touchpoints.refusals import Invalid, Refused, StillOpen
from touchpoints.views.lead import done, lead_of, refuse, show

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


@login_required
@require_POST
def pursuit_start(request: HttpRequest, pk: int) -> HttpResponse:
    """Start a pursuit, where the lead has a keeper, may be called, and the coming days have room."""
    now = timezone.now()
    shown = lead_of(request, pk)
    if not (shown.owner_id or shown.team_id):
        return refuse(request, shown, gettext("Give the lead to somebody first."), now=now)
    if room.room_for(shown, now=now) <= 0:
        text = gettext("The coming days are full: what is due already fills them. Nothing was started.")
        return refuse(request, shown, text, now=now)
    with transaction.atomic():
        started = pursue.start([shown], by=request.user, now=now)
        if started:
            stage.move(shown, "reopened", by=request.user, now=now)
    if not started:
        text = gettext("No pursuit was started: one is open already, or the lead must not be called.")
        return refuse(request, shown, text, now=now)
    return done(request, pk, gettext("Pursuit started."), now=now)


@login_required
@require_POST
def pursuit_stop(request: HttpRequest, pk: int) -> HttpResponse:
    """Give the open pursuit up, with a reason."""
    now = timezone.now()
    shown = lead_of(request, pk)
    form = StopForm(request.POST)
    if not form.is_valid():
        return show(request, shown, now=now, forms={"stop_form": form}, status=422)
    pursuits = list(Pursuit.objects.open().filter(lead=shown))
    if not pursue.end_many(
        pursuits, Pursuit.EndReason.GIVEN_UP, by=request.user, now=now, note=form.cleaned_data["note"]
    ):
        return refuse(request, shown, gettext("No pursuit is open."), now=now)
    return done(request, pk, gettext("Pursuit stopped."), now=now)


@login_required
@require_POST
def pursuit_pause(request: HttpRequest, pk: int) -> HttpResponse:
    """Let the open pursuit rest until a time, with a reason; what was agreed with the lead stays where it is."""
    now = timezone.now()
    shown = lead_of(request, pk)
    form = PauseForm(request.POST, zone=lead_page.clock_of(request.user), now=now)
    if not form.is_valid():
        return show(request, shown, now=now, forms={"pause_form": form}, status=422)
    pursuit = Pursuit.objects.open().filter(lead=shown).select_related("lead").first()
    data = form.cleaned_data
    if pursuit is None or not pauses.pause(pursuit, data["until"], why=data["why"], by=request.user, now=now):  # type: ignore[arg-type]
        return refuse(request, shown, gettext("No pursuit is open."), now=now)
    return done(request, pk, gettext("The pursuit rests."), now=now)


@login_required
@require_POST
def pursuit_resume(request: HttpRequest, pk: int) -> HttpResponse:
    """Let a resting pursuit go on with the attempt it stands at."""
    now = timezone.now()
    shown = lead_of(request, pk)
    pursuit = Pursuit.objects.open().filter(lead=shown).select_related("lead").first()
    if pursuit is None or not pauses.resume(pursuit, by=request.user, now=now):  # type: ignore[arg-type]
        return refuse(request, shown, gettext("No pursuit rests."), now=now)
    return done(request, pk, gettext("The pursuit goes on."), now=now)


@login_required
@require_POST
def promise_kept(request: HttpRequest, pk: int) -> HttpResponse:
    """What we promised was done: said on the lead's page or, by whoever promised it, in their own list."""
    now = timezone.now()
    promise = get_object_or_404(Promise.objects.filter(kept_at=None, cancelled_at=None), pk=pk)
    if "own" in request.POST:
        # The lead may be a colleague's by now, whose page they do not see.
        get_object_or_404(Promise.objects.filter(made_by=request.user), pk=pk)
        promises.keep(promise, now=now)
        messages.success(request, gettext("Promise kept."))
        return redirect("call_callbacks")
    shown = lead_of(request, promise.lead_id)
    promises.keep(promise, now=now)
    return done(request, shown.pk, gettext("Promise kept."), now=now)


@login_required
@require_POST
def lead_task_done(request: HttpRequest, pk: int) -> HttpResponse:
    """A task of this lead is done."""
    now = timezone.now()
    task = get_object_or_404(todo.visible_to(request.user).filter(lead__isnull=False), pk=pk)
    assert task.lead_id is not None
    shown = lead_of(request, task.lead_id)
    try:
        todo.finish(task, by=request.user, now=now)
    except StillOpen as refused:
        return refuse(request, shown, refused.detail, now=now)
    return done(request, shown.pk, gettext("Done."), now=now)


@login_required
@require_http_methods(["GET", "POST"])
def call_amend(request: HttpRequest, pk: int) -> HttpResponse:
    """Replace a call's outcome: one's own on the same day, any as a manager; what the old one did is taken back."""
    now = timezone.now()
    call = get_object_or_404(CallAttempt.objects.filter(ended_at__isnull=False), pk=pk)
    shown = lead_of(request, call.lead_id)
    zone = zone_of(guarding.gather([shown], now=now)[shown.pk].zones)
    if request.method == "GET":
        initial = {"outcome": call.outcome_id, "notes": call.notes}
        return show(request, shown, now=now, forms=_amending(call, OutcomeForm(initial=initial, zone=zone)))
    form = OutcomeForm(request.POST, zone=zone)
    if form.is_valid():
        try:
            take_back.amend(call, form.logged(), user=request.user, now=now)
        except Invalid as refused:
            name = refused.field.replace(".", "_")
            form.add_error(name if name in form.fields else None, refused.detail)
        except Refused as refused:
            return refuse(request, shown, refused.detail, now=now)
        else:
            return done(request, shown.pk, gettext("Outcome amended."), now=now)
    return show(request, shown, now=now, forms=_amending(call, form), status=422)


def _amending(call: CallAttempt, form: OutcomeForm) -> dict[str, Any]:
    return {"amend_call": call, "outcome_form": form, "outcomes": list(Outcome.objects.filter(active=True))}
