"""What people must do before leads can go on, one task in hand at a time. For everybody signed in, on tasks they may
see; a zone that a rep confirmed is for managers."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied, ValidationError
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from leads import consents
from leads.keyset import page
from leads.models import Workspace
from leads.prepare import LeadRefused, PhoneInput
from touchpoints import inbox, settling, task_answers, task_desk, their_zone, todo
from touchpoints.lead_forms import add_errors
from touchpoints.models import Task
from touchpoints.refusals import Refused, StillOpen
from touchpoints.situation import zones_of_lead
from touchpoints.task_forms import ZoneForm, form_of
from touchpoints.views.inbox import settle

if TYPE_CHECKING:
    from datetime import datetime

    from django import forms
    from django.http import HttpRequest, HttpResponse

ROWS = 50


@login_required
@never_cache
@require_GET
def tasks(request: HttpRequest) -> HttpResponse:
    """The desk: one task in hand (`?task=`, or the one `?next=` after it), all open ones below. Reps see their own and
    the pool's, managers their team's; `?whose=all` and `?whose=mine` say otherwise."""
    return _answer(request, wanted=request.GET.get("task", ""), following=request.GET.get("next", ""))


@login_required
@require_POST
def task_done(request: HttpRequest, pk: int) -> HttpResponse:
    """Note that a task is done, unless a decision is what ends it and is still to be made."""
    task = _task(request, pk)
    try:
        done = task_answers.done(
            task,
            note=request.POST.get("note", ""),
            by=request.user,  # type: ignore[arg-type]
            now=timezone.now(),
        )
    except StillOpen as refused:
        return _tell(request, refused.detail, tone="stop", wanted=f"task-{pk}")
    text = gettext("Done.") if done else gettext("Somebody was faster: it was done already.")
    return _tell(request, text, finished=task if done else None)


@login_required
@require_POST
def task_fact(request: HttpRequest, pk: int) -> HttpResponse:
    """Answer a task with what it asks for: a number, a name, a zone, a consent; others with a word."""
    task, now = _task(request, pk), timezone.now()
    form = form_of(task, request.POST, user=request.user, now=now)
    if form.is_valid():
        try:
            answered = _answer_with(task, form, by=request.user, now=now)
        except LeadRefused as refused:
            add_errors(form, refused.errors, phones="phone")
        except consents.ConsentRefused as refused:
            add_errors(form, refused.errors)
        except (consents.NotAllowed, ValidationError) as refused:
            form.add_error(None, str(refused) if not isinstance(refused, ValidationError) else refused)
        except Refused as refused:
            form.add_error(None, refused.detail)
        else:
            if answered.done:
                return _tell(request, gettext("Done."), finished=task)
            return _tell(request, answered.why, tone="warn", wanted=f"task-{pk}")
    return _answer(request, wanted=f"task-{pk}", form=form, status=422)


def _answer_with(task: Task, form: forms.Form, *, by: Any, now: datetime) -> task_answers.Answered:
    data = form.cleaned_data
    match task.kind if task.lead_id else "":
        case Task.Kind.FIND_NUMBER:
            phone = PhoneInput(data["phone"], label=data["label"], extension=data["extension"])
            return task_answers.found_number(task, phone, by=by, now=now)
        case Task.Kind.FIND_NAME:
            return task_answers.found_name(task, form.changes(), by=by, now=now)  # type: ignore[attr-defined]
        case Task.Kind.FIND_ZONE:
            return task_answers.found_zone(task, data["zone"], by=by, now=now)
        case Task.Kind.RECORD_CONSENT:
            return task_answers.recorded_consent(task, form.given(), by=by, now=now)  # type: ignore[attr-defined]
    task_answers.done(task, note=data["note"], by=by, now=now)
    return task_answers.Answered(True)


@login_required
@require_POST
def task_later(request: HttpRequest, pk: int) -> HttpResponse:
    """Not today: it comes back tomorrow."""
    task, now = _task(request, pk), timezone.now()
    tomorrow = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    kept = task_answers.put_off(task, tomorrow, by=request.user, now=now)  # type: ignore[arg-type]
    return _tell(request, gettext("It comes back tomorrow."), finished=task if kept else None)


@login_required
@require_POST
def task_cannot(request: HttpRequest, pk: int) -> HttpResponse:
    """It cannot be done, for a reason: a pursuit that needs it ends, what a manager can do goes to one."""
    task, now = _task(request, pk), timezone.now()
    try:
        done = task_answers.cannot(task, request.POST.get("reason", ""), by=request.user, now=now)  # type: ignore[arg-type]
    except Refused as refused:
        return _answer(request, wanted=f"task-{pk}", cannot_refused=refused.detail, status=422)
    task.refresh_from_db()
    closed = task.done_at is not None
    text = gettext("Noted: it cannot be done.") if closed else gettext("Handed to a manager.")
    return _tell(
        request, text if done else gettext("Somebody was faster."), finished=task if closed else None
    )


@login_required
@require_POST
def task_undo(request: HttpRequest, pk: int) -> HttpResponse:
    """Take back one's own answer, as long as the way back is shown."""
    task, now = _task(request, pk), timezone.now()
    try:
        task_answers.undo(task, by=request.user, now=now)  # type: ignore[arg-type]
    except Refused as refused:
        return _tell(request, refused.detail, tone="stop")
    except LeadRefused as refused:
        return _tell(request, refused.errors[0].detail, tone="stop")
    return _tell(request, gettext("Taken back."), wanted=f"task-{pk}")


@login_required
@require_POST
def task_match(request: HttpRequest, pk: int) -> HttpResponse:
    """Say whose a waiting touchpoint is: a candidate's, a new lead's, nobody's."""
    row = get_object_or_404(inbox.waiting_for(request.user), pk=pk)
    (entry,) = inbox.entries([row], user=request.user)
    try:
        text = settle(entry, request.POST.get("to", ""), user=request.user, now=timezone.now())
    except settling.AlreadySettled:
        return _tell(request, gettext("Somebody settled this one meanwhile."), tone="warn")
    except Refused as refused:
        return _tell(request, refused.detail, tone="stop", wanted=f"match-{pk}")
    except LeadRefused as refused:
        return _tell(request, str(refused), tone="stop", wanted=f"match-{pk}")
    return _tell(request, text)


@login_required
@require_POST
def task_zone(request: HttpRequest, pk: int) -> HttpResponse:
    """Managers: agree to the zone a rep confirmed, or say another one."""
    if not request.user.is_manager:  # type: ignore[union-attr]
        raise PermissionDenied
    lead, now = get_object_or_404(task_desk.zones_to_agree(request.user), pk=pk), timezone.now()
    zone = request.POST.get("zone", "")
    door = their_zone.agree_zone if zone == lead.confirmed_zone else their_zone.confirm_zone
    try:
        door(lead, zone, by=request.user, now=now)  # type: ignore[arg-type]
    except ValidationError as error:
        return _tell(request, error.messages[0], tone="stop", wanted=f"zone-{pk}")
    except Refused as refused:
        return _tell(request, refused.detail, tone="stop", wanted=f"zone-{pk}")
    return _tell(request, gettext("The time zone stands."))


# --- how every action is answered ------------------------------------------------------------------------------------


def _task(request: HttpRequest, pk: int) -> Task:
    seen = todo.visible_to(request.user).select_related("lead__company")
    return get_object_or_404(seen, pk=pk)


def _whole(request: HttpRequest) -> bool:
    asked = request.GET.get("whose", "")
    return asked == "all" or (asked != "mine" and request.user.is_manager)  # type: ignore[union-attr]


def _tell(
    request: HttpRequest, text: str, *, tone: str = "ok", wanted: str = "", finished: Task | None = None
) -> HttpResponse:
    """The desk after an action: with the task it was about, or with the one that was next."""
    wanted = wanted or request.POST.get("next", "")
    if finished is not None:
        finished.refresh_from_db(fields=["effects", "done_at"])
    if request.htmx:  # type: ignore[attr-defined]
        response = _answer(request, wanted=wanted, finished=finished, said=text)
        if finished is None:
            response["HX-Trigger"] = json.dumps({"toast": {"text": text, "tone": tone}})
        return response
    (messages.success if tone == "ok" else messages.error)(request, text)
    query = {"task": wanted} if wanted else {}
    query |= {"whose": whose} if (whose := request.GET.get("whose", "")) in ("all", "mine") else {}
    back = redirect("tasks")
    if query:
        back["Location"] += f"?{urlencode(query)}"
    return back


def _answer(
    request: HttpRequest,
    *,
    wanted: str = "",
    following: str = "",
    form: forms.Form | None = None,
    finished: Task | None = None,
    said: str = "",
    cannot_refused: str = "",
    status: int = 200,
) -> HttpResponse:
    now, whole = timezone.now(), _whole(request)
    after = request.GET.get("after", "")
    rows = task_desk.open_tasks(request.user, whole=whole).order_by("created_at", "pk")
    shown = page(
        rows.select_related("lead__company", "assignee", "team", "held_by"),
        size=ROWS,
        after=int(after) if after.isdecimal() and len(after) < 18 else None,
    )
    on_desk = task_desk.look(request.user, wanted=wanted, after=following, whole=whole, now=now)
    whose = request.GET.get("whose", "")
    tail = f"&whose={whose}" if whose in ("all", "mine") else ""
    context = {
        "tasks": shown.rows,
        "undecided": todo.undecided(shown.rows),
        "whole": whole,
        "tail": tail,
        "first_url": f"?{tail[1:]}" if after else "",
        "next_url": f"?after={shown.after}{tail}" if shown.after else "",
        "here": request.get_full_path(),
        "now": now,
        "desk": on_desk,
        "finished": finished,
        "said": said,
        "undo_seconds": Workspace.current().undo_seconds,
        "cannot_refused": cannot_refused,
        **_in_hand(request, on_desk.item, form, now=now),
    }
    template = "leads/open_tasks.html" if request.htmx else "leads/tasks.html"  # type: ignore[attr-defined]
    response = render(request, template, context, status=status)
    if status >= 400:
        # A refusal that names its own place is shown there.
        response["HX-Retarget"], response["HX-Reswap"] = "#tasks", "outerHTML"
    return response


def _in_hand(
    request: HttpRequest, item: task_desk.Item | None, form: forms.Form | None, *, now: datetime
) -> dict[str, Any]:
    """What is needed to work on the item in hand."""
    if item is None:
        return {}
    if item.sort == "match":
        entries = inbox.entries(list(inbox.waiting_for(request.user).filter(pk=item.pk)), user=request.user)
        return {"entry": entries[0] if entries else None}
    if item.sort == "zone":
        lead = (
            task_desk.zones_to_agree(request.user)
            .select_related("company", "zone_confirmed_by")
            .get(pk=item.pk)
        )
        number = lead.lead_numbers.current().select_related("number").first()
        known = zones_of_lead(lead, number.number.e164 if number else "")[0]
        others = [zone for zone in known if zone != lead.confirmed_zone]
        return {
            "zone_lead": lead,
            "zone_others": others,
            "zone_form": ZoneForm(
                possible=[lead.confirmed_zone, *others], initial={"zone": lead.confirmed_zone}
            ),
        }
    task = todo.visible_to(request.user).select_related("lead__company", "assignee", "team").get(pk=item.pk)
    task_desk.hold(task, request.user, now=now)  # type: ignore[arg-type]
    lead = task.lead
    return {
        "task": task,
        "undecided_in_hand": bool(todo.undecided([task])),
        "form": form or form_of(task, user=request.user, now=now),
        "ends_pursuit": task.kind in task_answers.ENDS_WITHOUT,
        "numbers": list(lead.lead_numbers.select_related("number").order_by("detached_at", "position")[:8])
        if lead
        else [],
    }
