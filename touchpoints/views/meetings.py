"""A meeting's own acts: how it went, another time, called off, its calendar file. For everybody signed in, on meetings
they may see; the calendar feed is for whoever holds its secret link."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.contrib.auth import get_user_model
from django.contrib.auth.decorators import login_required
from django.core import signing
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, override
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from leads.models import Lead
from touchpoints import calendar_link, guarding, invitations, meetings
from touchpoints.forms import LocalTimeField
from touchpoints.models import Meeting
from touchpoints.reasons import zone_of
from touchpoints.refusals import Refused
from touchpoints.views.lead import done, refuse

if TYPE_CHECKING:
    from datetime import datetime

    from django.http import HttpRequest


@login_required
@never_cache
@require_safe
def meeting(request: HttpRequest, pk: int) -> HttpResponse:
    """The lead's page; for a host whose lead it is not, whom they meet, what was said before and how it went."""
    now, chosen = timezone.now(), _meeting_of(request, pk)
    if _seen(request, chosen) is not None:
        return redirect(f"{chosen.lead.get_absolute_url()}#meetings")
    zones = guarding.gather([chosen.lead], now=now)[chosen.lead_id].zones
    context = {
        "lead": chosen.lead,
        "meeting": chosen,
        "now": now,
        "their_zone": zones[0] if zones else "",
        "answers": chosen.lead.answers.all(),
    }
    return render(request, "leads/meeting_page.html", context)


@login_required
@require_POST
def meeting_held(request: HttpRequest, pk: int) -> HttpResponse:
    """The meeting took place."""
    return _act(request, pk, meetings.hold, gettext("Meeting held: well done."))


@login_required
@require_POST
def meeting_missed(request: HttpRequest, pk: int) -> HttpResponse:
    """They did not come: the pursuit goes on, with a call in 15 minutes (`again=soon`) or on the next business day."""
    again: meetings.Again = "soon" if request.POST.get("again") == "soon" else "next_day"
    return _act(request, pk, partial(meetings.miss, again=again), gettext("No-show: the pursuit goes on."))


@login_required
@require_POST
def meeting_move(request: HttpRequest, pk: int) -> HttpResponse:
    """Another time, on the lead's own clock; whoever was invited is told."""
    now, chosen = timezone.now(), _meeting_of(request, pk)
    zone = zone_of(guarding.gather([chosen.lead], now=now)[chosen.lead_id].zones)
    try:
        local = LocalTimeField(label=gettext("New time")).clean(request.POST.get("starts_at"))
    except ValidationError as error:
        return _refused(request, chosen, " ".join(error.messages), now=now)
    act = partial(meetings.move, starts_at=local.replace(tzinfo=zone))
    return _act(request, pk, act, gettext("Moved."))


@login_required
@require_POST
def meeting_call_off(request: HttpRequest, pk: int) -> HttpResponse:
    """The meeting will not take place; why is asked. Whoever was invited is told."""
    act = partial(meetings.call_off, why=request.POST.get("why", ""))
    return _act(request, pk, act, gettext("Called off: the pursuit goes on."))


@login_required
@require_safe
def meeting_file(request: HttpRequest, pk: int) -> HttpResponse:
    """One meeting as a calendar file, for whoever sees the meeting."""
    chosen = _meeting_of(request, pk)
    return _calendar(invitations.file_of(chosen, now=timezone.now()), f"meeting-{chosen.pk}.ics")


@never_cache
@require_safe
def calendar_feed(request: HttpRequest, token: str) -> HttpResponse:
    """Whoever holds a user's secret link: that user's meetings and callbacks. Nobody else learns that it is none."""
    try:
        pk, version = calendar_link.read(token)
    except signing.BadSignature:
        raise Http404 from None
    user = get_user_model().objects.filter(pk=pk, calendar_version=version, is_active=True).first()
    if user is None:
        raise Http404
    with override(user.language):  # type: ignore[attr-defined]
        return _calendar(invitations.feed(user, now=timezone.now()), "thaw.ics")


def _calendar(content: bytes, name: str) -> HttpResponse:
    response = HttpResponse(content, content_type="text/calendar; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _act(request: HttpRequest, pk: int, act: Any, text: str) -> HttpResponse:
    now, chosen = timezone.now(), _meeting_of(request, pk)
    try:
        act(chosen, by=request.user, now=now)
    except Refused as refused:
        return _refused(request, chosen, refused.detail, now=now)
    if _seen(request, chosen) is not None:
        return done(request, chosen.lead_id, text, now=now)
    messages.success(request, text)
    return _back(request, chosen)


def _meeting_of(request: HttpRequest, pk: int) -> Meeting:
    """A meeting the user hosts or booked, or of a lead they see; 404 elsewhere."""
    rows = Meeting.objects.visible_to(request.user).filter(lead__in=Lead.objects.live())
    return get_object_or_404(rows.select_related("lead__company", "call__user", "host"), pk=pk)


def _seen(request: HttpRequest, chosen: Meeting) -> Lead | None:
    seen = Lead.objects.live().visible_to(request.user).select_related("company", "owner", "team")
    return seen.filter(pk=chosen.lead_id).first()


def _refused(request: HttpRequest, chosen: Meeting, text: str, *, now: datetime) -> HttpResponse:
    """The refusal on the lead's page, or on the meeting's own for a host who does not see that."""
    shown = _seen(request, chosen)
    if shown is not None:
        return refuse(request, shown, text, now=now)
    messages.error(request, text)
    return _back(request, chosen)


def _back(request: HttpRequest, chosen: Meeting) -> HttpResponse:
    url = reverse("meeting", args=[chosen.pk])
    if request.htmx:  # type: ignore[attr-defined]
        return HttpResponse(headers={"HX-Redirect": url})
    return redirect(url)
