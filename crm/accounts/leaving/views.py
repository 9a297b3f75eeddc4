"""Somebody leaves, or is overloaded: who may take them out, deal out what they have, and take that back?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_http_methods, require_POST

from crm.accounts.forms import audit
from crm.accounts.leaving.departure import deactivate
from crm.accounts.leaving.forms import DealForm, SharingForm
from crm.accounts.models import Team, User
from touchpoints import reassign
from touchpoints.models import Reassignment

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

SHOWN_DAYS = 10


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def settings_deal(request: HttpRequest, pk: int) -> HttpResponse:
    """Managers and admins: deal out what a member has, those who left included. First a preview, then the deed."""
    me, now = _manager(request), timezone.now()
    giver = get_object_or_404(User.objects.visible_to(me).select_related("team"), pk=pk)
    sent = request.POST if request.method == "POST" else None
    form = DealForm(
        sent,
        people=reassign.receivers_for(giver, by=me, now=now),
        agreed=reassign.agreed_with(giver),
        pool=gettext("the pool of %(team)s") % {"team": giver.team} if giver.team else gettext("nobody"),
    )
    shown, status = None, 200
    if sent is not None and form.is_valid():
        shown = reassign.plan(giver, form.wish(), receivers=form.chosen_people(), now=now)
        if sent.get("step") == "deal":
            kept = reassign.carry_out(shown, by=me, now=now)
            messages.success(request, _dealt(kept.rows.count(), giver))
            return redirect(f"{reverse('settings_team')}#lately")
    elif sent is not None:
        status = 422
    context = {
        "giver": giver,
        "form": form,
        "plan": shown,
        "table": _table(shown) if shown else None,
        "leads": reassign.leads_of(giver).count(),
        "open_leads": reassign.open_leads_of(giver).count(),
        "meetings": reassign.meetings_of(giver, now=now),
        "undo_days": reassign.UNDO_FOR.days,
    }
    return render(request, "settings/deal.html", context, status=status)


def _dealt(leads: int, giver: User) -> str:
    said = ngettext("%(n)d lead of %(who)s dealt out.", "%(n)d leads of %(who)s dealt out.", leads)
    return said % {"n": leads, "who": giver.get_full_name() or giver.username}


def _table(plan: reassign.Plan) -> dict[str, Any]:
    """The days of the preview: as many as the leads are spread over, and on to the last call that moved."""
    last = plan.calendar.days.index(plan.last_day) + 1 if plan.last_day else 0
    count = min(max(plan.wish.days, last), SHOWN_DAYS)
    return {
        "days": plan.calendar.days[:count],
        "shares": [{"share": share, "days": share.days[:count]} for share in plan.shares],
        "over": sum(day.over and day.more > 0 for share in plan.shares for day in share.days),
    }


@login_required
@require_POST
def settings_deal_undo(request: HttpRequest, pk: int) -> HttpResponse:
    """Managers and admins: take back what was given on at once, as far as it has not moved since."""
    me, now = _manager(request), timezone.now()
    kept = get_object_or_404(Reassignment.objects.visible_to(me), pk=pk)
    leads = kept.rows.count()
    given_back = reassign.undo(kept, by=me, now=now)
    if given_back == 0:
        messages.warning(
            request, gettext("Nothing was taken back: it is too late, or every lead has moved since.")
        )
    else:
        said = gettext("%(back)d of %(all)d leads are back; the others were called or given on since.")
        if given_back == leads:
            said = gettext("All %(all)d leads are back, with their calls on their old days.")
        messages.success(request, said % {"back": given_back, "all": leads})
    return redirect(f"{reverse('settings_team')}#lately")


@login_required
@require_POST
def settings_member_leaves(request: HttpRequest, pk: int) -> HttpResponse:
    """Admins: nobody signs in by this name any more; then their leads are dealt out."""
    me, now = _admin(request), timezone.now()
    member = get_object_or_404(User.objects.filter(is_active=True), pk=pk)
    if member == me:
        messages.error(request, gettext("You cannot take yourself out: another admin can."))
        return redirect("settings_member", pk)
    deactivate(member, by=me, now=now)
    name = member.get_full_name() or member.username
    messages.success(request, gettext("%(who)s cannot sign in any more.") % {"who": name})
    if reassign.open_leads_of(member).exists():
        return redirect("settings_deal", pk)
    return redirect("settings_team")


@login_required
@require_POST
def settings_member_returns(request: HttpRequest, pk: int) -> HttpResponse:
    """Admins: somebody who had left may sign in again."""
    me, now = _admin(request), timezone.now()
    member = get_object_or_404(User.objects.filter(is_active=False), pk=pk)
    with transaction.atomic():
        User.objects.filter(pk=pk).update(is_active=True)
        audit(member, "user.activated", {"is_active": False}, {"is_active": True}, by=me, now=now)
    messages.success(
        request, gettext("%(who)s may sign in again.") % {"who": member.get_full_name() or member.username}
    )
    return redirect("settings_team")


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def settings_sharing(request: HttpRequest, pk: int) -> HttpResponse:
    """Managers for their team, admins for each: who gets what comes into the pool, when idle leads return."""
    me = _manager(request)
    team = get_object_or_404(Team.objects.all() if me.is_admin else Team.objects.filter(pk=me.team_id), pk=pk)
    before = {name: getattr(team, name) for name in SharingForm.Meta.fields}
    sent = request.POST if request.method == "POST" else None
    form = SharingForm(sent, instance=team)
    if sent is not None and form.is_valid():
        with transaction.atomic():
            form.save()
            after = {name: getattr(team, name) for name in SharingForm.Meta.fields}
            if after != before:
                audit(me, "team.sharing", before, after, by=me, now=timezone.now())
        messages.success(request, gettext("Saved."))
        return redirect("settings_team")
    return render(request, "settings/sharing.html", {"team": team, "form": form}, status=422 if sent else 200)


def _manager(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    if not request.user.is_manager:
        raise PermissionDenied
    return request.user


def _admin(request: HttpRequest) -> User:
    me = _manager(request)
    if not me.is_admin:
        raise PermissionDenied
    return me
