"""The rep's home: lead in hand, dial, outcome, undo, skip. For whoever is signed in, on leads within their reach."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from leads.models import Lead, Number, Workspace
from touchpoints import (
    call_notes,
    callbacks,
    calls,
    guarding,
    outcomes,
    phones,
    queue,
    refusals,
    repeats,
    screen,
    steps,
    take_back,
    their_zone,
)
from touchpoints.forms import OutcomeForm
from touchpoints.models import CallAttempt, Channel, Direction, FollowUp
from touchpoints.reasons import zone_of

if TYPE_CHECKING:
    from datetime import datetime

    from django.http import HttpRequest


@login_required
@never_cache
@require_GET
def call(request: HttpRequest) -> HttpResponse:
    """The lead in hand: the one of the open call, the one asked for by ?lead=, else the next of the queue."""
    now = timezone.now()
    chosen = request.GET.get("lead", "")
    if chosen:
        lead = get_object_or_404(queue.reachable_by(request.user, now=now), pk=_number(chosen))
        return _answer(request, _in_hand(request, now=now, lead=lead))
    return _answer(request, _in_hand(request, now=now))


@login_required
@require_POST
def dial(request: HttpRequest) -> HttpResponse:
    """Ask the guard and open an attempt; the answer tells the browser which link to follow, unless `elsewhere`."""
    now = timezone.now()
    lead = get_object_or_404(queue.reachable_by(request.user, now=now), pk=_number(request.POST.get("lead")))
    number = Number.objects.filter(pk=_number(request.POST.get("number"))).first()
    try:
        made = calls.dial(
            lead,
            user=request.user,
            number=number,
            warn_reason=request.POST.get("warn_reason", ""),
            redial="redial" in request.POST,
            now=now,
        )
    except refusals.Refused as refused:
        return _refuse(request, refused, lead=lead, now=now)
    response = _answer(request, _in_hand(request, now=now))
    if "elsewhere" not in request.POST and made.number is not None:
        response["HX-Trigger-After-Swap"] = json.dumps({"dialled": {"url": _dial_url(request, made)}})
    return response


@login_required
@require_POST
def outcome(request: HttpRequest, pk: int) -> HttpResponse:
    """Log the outcome of a call of one's own; the answer is the next lead, with the way back for some seconds.

    What was logged already, to the letter, is answered as if it had been logged now: the browser lost the first answer.
    What cannot be logged any more is told, and its text goes back to the browser.
    """
    now = timezone.now()
    open_call = get_object_or_404(CallAttempt.objects.filter(user=request.user).select_related("lead"), pk=pk)
    left_open = open_call.ended_at is not None and open_call.outcome_id is None
    situation = guarding.gather([open_call.lead], now=now)[open_call.lead_id]
    form = OutcomeForm(request.POST, zone=zone_of(situation.zones), now=now)
    if not form.is_valid():
        return _mend(request, open_call, form, now=now)
    try:
        logged = outcomes.log_outcome(
            open_call, form.logged(), user=request.user, now=now, situation=situation
        )
    except refusals.Invalid as refused:
        form.add_error(refused.field if refused.field in form.fields else None, _in_their_time(refused, form))
        return _mend(request, open_call, form, now=now)
    except refusals.Refused as refused:
        open_call = CallAttempt.objects.select_related("lead", "outcome").get(pk=pk)
        if not repeats.is_repeat(open_call, form.logged()):
            return _unsent(request, open_call, refused, now=now)
        logged = open_call
    context = _in_hand(request, now=now)
    if (agreed_at := form.logged().callback_at) and (
        others := callbacks.at_the_same_minute(request.user, agreed_at, but=open_call.lead_id)  # type: ignore[arg-type]
    ):
        said = gettext("You have agreed to call %(name)s at that very minute too.")
        context["warning"] = said % {"name": others[0].lead.name}
    if left_open:
        said = gettext("The call to %(name)s had been closed without an outcome; yours is logged now.")
        context["notice"] = said % {"name": open_call.lead.name}
    undo_seconds = context.get("undo_seconds") or Workspace.current().undo_seconds
    return _answer(request, {**context, "just_logged": logged, "undo_seconds": undo_seconds})


@login_required
@require_POST
def note(request: HttpRequest, pk: int) -> HttpResponse:
    """Add to the note of a call of one's own that is over: what the browser kept and could not be sent any more."""
    own = get_object_or_404(CallAttempt.objects.filter(user=request.user), pk=pk)
    try:
        call_notes.add(own, request.POST.get("notes", ""), user=request.user)  # type: ignore[arg-type]
    except refusals.Refused as refused:
        return HttpResponse(refused.detail, status=422, content_type="text/plain")
    return HttpResponse(status=204)


@login_required
@require_POST
def undo(request: HttpRequest, pk: int) -> HttpResponse:
    """Take back the outcome of a call of one's own within the undo window and return to its lead."""
    now = timezone.now()
    logged = get_object_or_404(CallAttempt.objects.filter(user=request.user).select_related("lead"), pk=pk)
    try:
        take_back.undo(logged, user=request.user, now=now)
    except refusals.Refused as refused:
        return _refuse(request, refused, lead=None, now=now)
    return _answer(
        request, {**_in_hand(request, now=now), "taken_back": gettext("Taken back: log the outcome again.")}
    )


@login_required
@require_POST
def skip(request: HttpRequest) -> HttpResponse:
    """Pass over the lead in hand, with a reason where one is given."""
    now = timezone.now()
    rows = FollowUp.objects.open().filter(lead__in=queue.reachable_by(request.user, now=now))
    row = get_object_or_404(rows, pk=_number(request.POST.get("follow_up")))
    queue.skip(row, request.POST.get("reason", ""), user=request.user, now=now)
    return _answer(request, _in_hand(request, now=now))


@login_required
@require_POST
def step(request: HttpRequest, pk: int) -> HttpResponse:
    """A step of the plan that is no call was done: it is logged, and the answer is the next lead."""
    now = timezone.now()
    rows = FollowUp.objects.open().filter(lead__in=queue.reachable_by(request.user, now=now))
    row = get_object_or_404(rows.select_related("lead"), pk=pk)
    outcome = request.POST.get("outcome", "")
    came_of_it: steps.VisitOutcome = outcome if outcome in ("met", "refused") else "nobody_met"
    try:
        steps.done(row, note=request.POST.get("note", ""), outcome=came_of_it, user=request.user, now=now)
    except refusals.Refused as refused:
        return _refuse(request, refused, lead=None, now=now)
    return _answer(request, _in_hand(request, now=now))


@login_required
@require_POST
def confirm_zone(request: HttpRequest, pk: int) -> HttpResponse:
    """Note the zone the lead is in, audited; until a manager agrees it can only tighten."""
    now = timezone.now()
    lead = get_object_or_404(queue.reachable_by(request.user, now=now), pk=pk)
    try:
        lead = their_zone.confirm_zone(lead, request.POST.get("zone", ""), by=request.user, now=now)
    except ValidationError as error:
        return HttpResponse(error.messages[0], status=400, content_type="text/plain")
    return _answer(request, _in_hand(request, now=now, lead=lead))


@login_required
@require_POST
def renew(request: HttpRequest) -> HttpResponse:
    """Hold on to the lead in hand while the page is open; who came onto our own list during the call is told."""
    now = timezone.now()
    queue.renew(request.user, now=now)
    response = HttpResponse(status=204)
    open_call = CallAttempt.objects.open().outbound().filter(user=request.user).select_related("lead").first()
    if open_call is not None:
        situation = guarding.gather([open_call.lead], now=now)[open_call.lead_id]
        if screen.on_list(open_call, situation):
            text = gettext("They are on our do-not-call list now: end the call, and do not dial again.")
            response["HX-Trigger"] = json.dumps({"toast": {"text": text, "tone": "stop"}})
    return response


@login_required
@never_cache
@require_GET
def rail(request: HttpRequest) -> HttpResponse:
    """The next five, so that a hand-raiser shows up without a reload."""
    return render(request, "call/rail.html", {"rail": screen.rail(request.user, now=timezone.now())})


@login_required
@never_cache
@require_GET
def line(request: HttpRequest, pk: int) -> HttpResponse:
    """The opening line about the piece of evidence the rep picked, `?touchpoint=`; without one, about the strongest."""
    now = timezone.now()
    lead = get_object_or_404(Lead.objects.live().visible_to(request.user), pk=pk)
    said = screen.line_of(lead, _number(request.GET.get("touchpoint")) or None, user=request.user, now=now)
    if said is None:
        raise Http404
    return render(request, "call/line.html", {"lead": lead, "line": said})


# --- what the answers are made of ----------------------------------------------------------------------------


def _in_hand(request: HttpRequest, *, now: datetime, lead: Lead | None = None) -> dict[str, Any]:
    """What is before the rep now; an open call comes before everything that is asked for."""
    user = request.user
    open_call = (
        CallAttempt.objects.open()
        .filter(user=user, direction=Direction.OUTBOUND)
        .select_related("lead__company", "number", "follow_up", "talk_track")
        .first()
    )
    follow_up, situation, behind = None, None, None
    if open_call is not None:
        lead, follow_up = open_call.lead, open_call.follow_up
    elif lead is not None:
        follow_up = queue.take(lead, user, now=now)
    elif (served := queue.serve(user, now=now)) is not None:
        follow_up, situation, behind = served.follow_up, served.situation, served.behind
        lead = follow_up.lead
    context: dict[str, Any] = {
        "now": now,
        "rail": screen.rail(user, now=now) if behind is None else screen.rail_of(behind, user=user, now=now),
        "today": screen.day_so_far(user, now=now),
    }
    if lead is None:
        return {**context, "opens_at": queue.opens_at(user, now=now)}
    shown = screen.show(lead, user=user, now=now, call=open_call, follow_up=follow_up, situation=situation)
    if open_call is None and follow_up is not None and follow_up.channel != Channel.CALL:
        shown["step"] = steps.prepare(follow_up, user=user, now=now)
    return {**context, **shown}


def _answer(request: HttpRequest, context: dict[str, Any], *, status: int = 200) -> HttpResponse:
    """The part of the page that changes for htmx; the whole page, after a redirect, for everybody else."""
    if request.htmx:  # type: ignore[attr-defined]
        return render(request, "call/screen.html", context, status=status)
    if request.method == "POST" and status == 200 and "just_logged" not in context:
        return redirect("call")
    response = render(request, "call/call.html", context, status=status)
    response._csp_update = phones.allowance(request.user.dial_url)  # type: ignore[attr-defined]
    return response


def _mend(request: HttpRequest, open_call: CallAttempt, form: OutcomeForm, *, now: datetime) -> HttpResponse:
    """The form again with what is to be mended; where another lead is in hand by now, what was said goes back."""
    if open_call.ended_at is not None:
        errors = " ".join(str(error) for errors in form.errors.values() for error in errors)
        return _unsent(request, open_call, refusals.Invalid(errors), now=now)
    context = {**_in_hand(request, now=now), "form": form, "selected": form.data.get("outcome", "")}
    return _answer(request, context, status=422)


def _unsent(
    request: HttpRequest, call: CallAttempt, refused: refusals.Refused, *, now: datetime
) -> HttpResponse:
    """What a rep said of a call cannot be logged any more: say why. The browser keeps the text and offers what to do
    with it; whoever was erased meanwhile is written of nowhere."""
    said = gettext("What you said of the call to %(name)s was not logged: %(why)s")
    why = said % {"name": call.lead.name, "why": refused.detail}
    gone = call.lead.erased_at is not None
    unsent = "" if gone else request.POST.get("notes", "")
    context = {**_in_hand(request, now=now), "refused": refusals.Refused(why), "unsent": unsent}
    response = _answer(request, context, status=422)
    response["HX-Trigger"] = json.dumps({"unsent": {"call": call.pk, "why": why, "gone": gone}})
    return response


def _in_their_time(refused: refusals.Invalid, form: OutcomeForm) -> str:
    """A refusal of a time with the nearest one that would do, on the lead's clock."""
    if refused.nearest is None:
        return refused.detail
    nearest = date_format(refused.nearest.astimezone(form.zone), "D j M H:i")
    return gettext("They may not be called then; the nearest time is %(when)s, their time.") % {
        "when": nearest
    }


def _refuse(
    request: HttpRequest, refused: refusals.Refused, *, lead: Lead | None, now: datetime
) -> HttpResponse:
    """Show the refusal where the rep looks: on the screen, with the guard's answer as it is now."""
    context = {**_in_hand(request, now=now, lead=lead), "refused": refused}
    return _answer(request, context, status=422)


def _dial_url(request: HttpRequest, made: CallAttempt) -> str:
    e164 = made.number.e164 if made.number else ""
    link = made.lead.lead_numbers.filter(number=made.number).first()
    return phones.address(request.user.dial_url, e164, link.extension if link else "")


def _number(text: str | None) -> int:
    return int(text) if text and text.isdecimal() and len(text) < 18 else 0
