"""A meeting's own acts: how it went, another time, called off, its calendar file. For everybody signed in, on meetings
they may see; the calendar feed is for whoever holds its secret link."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from django.contrib.auth import get_user_model
from django.contrib.auth.decorators import login_required
from django.core import signing
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext, override
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from touchpoints import calendar_link, guarding, invitations, meetings
from touchpoints.forms import LocalTimeField
from touchpoints.models import Meeting
from touchpoints.reasons import zone_of
from touchpoints.refusals import Refused
from touchpoints.views.lead import done, lead_of, refuse

if TYPE_CHECKING:
    from django.http import HttpRequest


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
    now = timezone.now()
    meeting = get_object_or_404(Meeting.objects.visible_to(request.user), pk=pk)
    shown = lead_of(request, meeting.lead_id)
    zone = zone_of(guarding.gather([shown], now=now)[shown.pk].zones)
    try:
        local = LocalTimeField(label=gettext("New time")).clean(request.POST.get("starts_at"))
    except ValidationError as error:
        return refuse(request, shown, " ".join(error.messages), now=now)
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
    rows = Meeting.objects.visible_to(request.user).select_related("lead", "host")
    meeting = get_object_or_404(rows, pk=pk)
    return _calendar(invitations.file_of(meeting, now=timezone.now()), f"meeting-{meeting.pk}.ics")


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
    now = timezone.now()
    meeting = get_object_or_404(Meeting.objects.visible_to(request.user), pk=pk)
    shown = lead_of(request, meeting.lead_id)
    try:
        act(meeting, by=request.user, now=now)
    except Refused as refused:
        return refuse(request, shown, refused.detail, now=now)
    return done(request, shown.pk, text, now=now)
