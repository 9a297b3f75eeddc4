"""The settings: one's own, and for managers those of the people they plan with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Exists, F, OuterRef
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST

from crm.accounts import working_hours
from crm.accounts.forms import AbsenceForm, HoursForm, KeysForm, MeForm, MemberForm, audit, people_of
from crm.accounts.models import Absence, Team, User
from touchpoints import calendar_link, reassign
from touchpoints.models import Outcome

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

ACTION_LABELS = {
    "dial": _("Dial the number in front"),
    "elsewhere": _("Dialled elsewhere"),
    "research": _("Change what was found out"),
    "number": _("Next number of this lead"),
    "redial": _("Dial again a call that dropped"),
    "note": _("Write a note"),
    "skip": _("Skip this lead for now"),
    "undo": _("Take the last outcome back"),
    "more": _("Show all outcomes"),
    "objections": _("Answers to objections"),
    "voicemail": _("What to say after the beep"),
}
PAST_ABSENCES = 10


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def settings(request: HttpRequest) -> HttpResponse:
    """Everybody: their own name, language, time zone, phone and working hours."""
    me = _me(request)
    sent = request.POST if request.method == "POST" else None
    form = MeForm(sent, instance=User.objects.get(pk=me.pk))
    hours = HoursForm(sent, hours=me.working_hours)
    if sent is not None and form.is_valid() and hours.is_valid():
        with transaction.atomic():
            form.instance.working_hours = hours.hours
            form.save()
            if me.working_hours != hours.hours:
                audit(me, "user.hours", me.working_hours, hours.hours, by=me, now=timezone.now())
        messages.success(request, gettext("Saved."))
        return redirect("settings")
    return render(request, "settings/me.html", {"form": form, "hours": hours}, status=422 if sent else 200)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def settings_keys(request: HttpRequest) -> HttpResponse:
    """Everybody: which key does what on their call screen."""
    me = _me(request)
    outcomes = {row.pk: row for row in Outcome.objects.filter(active=True)}
    standard = {key: row.hotkey for key, row in outcomes.items()}
    labels = {**ACTION_LABELS, **{key: gettext(row.label) for key, row in outcomes.items()}}
    sent = request.POST if request.method == "POST" else None
    if sent is not None and "reset" in sent:
        User.objects.filter(pk=me.pk).update(key_map={})
        messages.success(request, gettext("All keys are where they were."))
        return redirect("settings_keys")
    form = KeysForm(sent, standard=standard, own=me.key_map, labels=labels)
    if sent is not None and form.is_valid():
        User.objects.filter(pk=me.pk).update(key_map=form.moved)
        messages.success(request, gettext("Saved: the call screen takes these keys from now on."))
        return redirect("settings_keys")
    context = {
        "actions": [form[name] for name in ACTION_LABELS],
        "outcomes": [form[name] for name in standard],
        "form": form,
        "moved": bool(me.key_map),
    }
    return render(request, "settings/keys.html", context, status=422 if sent else 200)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def settings_absences(request: HttpRequest) -> HttpResponse:
    """Everybody their own absences; managers those of their team."""
    me = _me(request)
    today = timezone.localdate()
    sent = request.POST if request.method == "POST" else None
    form = AbsenceForm(sent, by=me)
    if sent is not None and form.is_valid():
        with transaction.atomic():
            absence = form.save()
            audit(absence.user, "user.absence_added", {}, _told(absence), by=me, now=timezone.now())
        messages.success(request, gettext("Noted."))
        return redirect("settings_absences")
    rows = Absence.objects.filter(user__in=people_of(me)).select_related("user", "cover")
    context = {
        "form": form,
        "coming": rows.filter(ends_on__gte=today).order_by("starts_on", "pk"),
        "past": rows.filter(ends_on__lt=today).order_by("-ends_on", "-pk")[:PAST_ABSENCES],
        "today": today,
    }
    return render(request, "settings/absences.html", context, status=422 if sent else 200)


@login_required
@require_POST
def settings_absence_remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Whoever may enter an absence takes it away: one's own, a manager those of the team."""
    me = _me(request)
    absence = get_object_or_404(Absence.objects.filter(user__in=people_of(me)), pk=pk)
    with transaction.atomic():
        audit(absence.user, "user.absence_removed", _told(absence), {}, by=me, now=timezone.now())
        absence.delete()
    messages.success(request, gettext("Taken away."))
    return redirect("settings_absences")


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def settings_calendar(request: HttpRequest) -> HttpResponse:
    """Everybody: the secret link of their own calendar, and a new one that makes the old one none."""
    me = _me(request)
    if request.method == "POST":
        User.objects.filter(pk=me.pk).update(calendar_version=F("calendar_version") + 1)
        messages.success(request, gettext("This is your new link; the old one shows nothing any more."))
        return redirect("settings_calendar")
    link = request.build_absolute_uri(reverse("calendar_feed", args=[calendar_link.token_of(me)]))
    return render(request, "settings/calendar.html", {"link": link})


@login_required
@require_http_methods(["GET", "HEAD"])
def settings_team(request: HttpRequest) -> HttpResponse:
    """Managers and admins: their people, when they work and how much they dial, how the pool is shared, what was given
    on at once lately."""
    me, now = _manager(request), timezone.now()
    today = timezone.localdate()
    away = {
        row.user_id: row
        for row in Absence.objects.filter(starts_on__lte=today, ends_on__gte=today).select_related("cover")
    }
    people = (
        User.objects.visible_to(me)
        .select_related("team")
        .annotate(has_leads=Exists(reassign.open_leads().filter(owner=OuterRef("pk"))))
        .order_by("-is_active", "first_name", "username")
    )
    members = [
        {"user": one, "away": away.get(one.pk), "hours": working_hours.in_words(one.working_hours)}
        for one in people
    ]
    teams = Team.objects.all() if me.is_admin else Team.objects.filter(pk=me.team_id)
    context = {"members": members, "teams": teams, "lately": reassign.lately(me, now=now)}
    return render(request, "settings/team.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def settings_member(request: HttpRequest, pk: int) -> HttpResponse:
    """Managers and admins: one member's dials a day and working hours."""
    me = _manager(request)
    member = get_object_or_404(people_of(me), pk=pk)
    sent = request.POST if request.method == "POST" else None
    before = {"dials_a_day": member.dials_a_day, "working_hours": member.working_hours}
    form, hours = MemberForm(sent, instance=member), HoursForm(sent, hours=member.working_hours)
    if sent is not None and form.is_valid() and hours.is_valid():
        with transaction.atomic():
            form.instance.working_hours = hours.hours
            form.save()
            after = {"dials_a_day": member.dials_a_day, "working_hours": member.working_hours}
            if after != before:
                audit(member, "user.hours", before, after, by=me, now=timezone.now())
        messages.success(request, gettext("Saved."))
        return redirect("settings_team")
    context = {"member": member, "form": form, "hours": hours}
    return render(request, "settings/member.html", context, status=422 if sent else 200)


def _me(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user


def _manager(request: HttpRequest) -> User:
    me = _me(request)
    if not me.is_manager:
        raise PermissionDenied
    return me


def _told(absence: Absence) -> dict[str, Any]:
    return {
        "from": absence.starts_on.isoformat(),
        "until": absence.ends_on.isoformat(),
        "cover": absence.cover.username if absence.cover else "",
    }
