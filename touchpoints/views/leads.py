"""The list of leads and what is done to many of them. For everybody who is signed in, on leads they may see."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import ProtectedError, QuerySet
from django.http import HttpResponse, QueryDict, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from leads import identity, register
from leads.models import Lead, Segment
from leads.spreadsheet import csv_lines
from touchpoints import bulk, lead_list
from touchpoints.bell import ring_on_commit
from touchpoints.lead_forms import KeeperForm, NewLeadForm, StopForm, add_errors

if TYPE_CHECKING:
    from datetime import datetime

    from django.http import HttpRequest

MORE_FILTERS = ("audience", "country", "region", "language", "industry", "created_from", "value_min")


@login_required
@require_GET
def leads(request: HttpRequest) -> HttpResponse:
    """The leads of the filter in the address, a page at a time."""
    context = _shown(request, now=timezone.now())
    if not request.htmx:  # type: ignore[attr-defined]
        return render(request, "leads/leads.html", context)
    response = render(request, "leads/found.html", context)
    response["HX-Push-Url"] = f"{reverse('leads')}{'?' if context['query'] else ''}{context['query']}"
    return response


def _shown(request: HttpRequest, *, now: datetime, **forms: Any) -> dict[str, Any]:
    chosen = lead_list.filtered(request.GET, request=request, now=now)
    found = chosen.qs
    page = lead_list.read_page(found, request.GET)
    count, counted = lead_list.count_in_words(found)
    query = lead_list.query_of(request.GET)
    return {
        "now": now,
        "form": chosen.form,
        "rows": lead_list.rows_of(page.rows, now=now),
        "count": count,
        "counted": counted,
        "query": query,
        "more_filters": any(request.GET.get(name) for name in MORE_FILTERS),
        "filtered": bool(set(QueryDict(query)) - {"ordering"}),
        "previous_url": _page_url(query, before=page.before),
        "next_url": _page_url(query, after=page.after),
        "any_leads": bool(page.rows) or Lead.objects.live().visible_to(request.user).exists(),
        "keeper_form": KeeperForm(user=request.user),
        "stop_form": StopForm(),
        "most_at_once": bulk.MOST_AT_ONCE,
        **lead_list.choices_for(request.user),
        **forms,
    }


def _page_url(query: str, **place: int | None) -> str:
    ((name, pk),) = place.items()
    return f"?{query}{'&' if query else ''}{name}={pk}" if pk is not None else ""


@login_required
@require_POST
def leads_bulk(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
    """Assign, start, stop or export the chosen leads, or all that the filter in the address finds."""
    now = timezone.now()
    found = _chosen(request, now=now)
    act = {"assign": _assign, "start": _start, "stop": _stop, "export": _export}.get(
        request.POST.get("action", "")
    )
    if act is None or found is None:
        messages.error(request, gettext("Choose leads first, and what to do with them."))
        return _back(request)
    if act is not _export and found.order_by()[: bulk.MOST_AT_ONCE + 1].count() > bulk.MOST_AT_ONCE:
        messages.error(
            request,
            gettext("At most %(most)s leads at once: narrow the filter down. Nothing was changed.")
            % {"most": f"{bulk.MOST_AT_ONCE:,}"},
        )
        return _back(request)
    return act(request, found, now=now)


def _chosen(request: HttpRequest, *, now: datetime) -> QuerySet[Lead] | None:
    """The leads to act on, among those the user may see; None where none were chosen."""
    if request.POST.get("scope") == "all":
        chosen = lead_list.filtered(request.GET, request=request, now=now)
        # What cannot be read must not widen what is acted on.
        return chosen.qs if chosen.form.is_valid() else None
    ids = [int(pk) for pk in request.POST.getlist("lead") if pk.isdecimal() and len(pk) < 18]
    return Lead.objects.live().visible_to(request.user).filter(pk__in=ids) if ids else None


def _assign(request: HttpRequest, found: QuerySet[Lead], *, now: datetime) -> HttpResponse:
    form = KeeperForm(request.POST, user=request.user)
    if not form.is_valid():
        messages.error(
            request, gettext("You may not give leads to that person or pool. Nothing was changed.")
        )
        return _back(request)
    owner, team = form.owner_and_team()
    moved = bulk.give(found, owner=owner, team=team, by=request.user, now=now)
    messages.success(request, ngettext("%(n)d lead given.", "%(n)d leads given.", moved) % {"n": moved})
    return _back(request)


def _start(request: HttpRequest, found: QuerySet[Lead], *, now: datetime) -> HttpResponse:
    done = bulk.start(found, by=request.user, now=now)
    said = ngettext("%(n)d pursuit started.", "%(n)d pursuits started.", done.started) % {"n": done.started}
    if done.waiting:
        said += " " + gettext("%(n)d wait: the coming days are full.") % {"n": done.waiting}
    if done.refused:
        said += " " + gettext("%(n)d must not be called.") % {"n": done.refused}
    if done.closed:
        said += " " + gettext("%(n)d are won or lost: reopen them on their page.") % {"n": done.closed}
    (messages.success if done.started else messages.warning)(request, said)
    return _back(request)


def _stop(request: HttpRequest, found: QuerySet[Lead], *, now: datetime) -> HttpResponse:
    form = StopForm(request.POST)
    if not form.is_valid():
        messages.error(request, gettext("Say why the pursuits are given up. Nothing was changed."))
        return _back(request)
    stopped = bulk.stop(found, note=form.cleaned_data["note"], by=request.user, now=now)
    messages.success(
        request, ngettext("%(n)d pursuit stopped.", "%(n)d pursuits stopped.", stopped) % {"n": stopped}
    )
    return _back(request)


def _export(request: HttpRequest, found: QuerySet[Lead], *, now: datetime) -> StreamingHttpResponse:
    response = StreamingHttpResponse(
        csv_lines(bulk.export_rows(found, now=now)), content_type="text/csv; charset=utf-8"
    )
    response["Content-Disposition"] = f'attachment; filename="leads-{now:%Y-%m-%d}.csv"'
    return response


def _back(request: HttpRequest) -> HttpResponse:
    query = lead_list.query_of(request.GET)
    return redirect(f"{reverse('leads')}{'?' if query else ''}{query}")


# --- segments ---------------------------------------------------------------------------------------------------


@login_required
@require_POST
def segment_save(request: HttpRequest) -> HttpResponse:
    """Save the filter in the address under a name of one's own; the same name again replaces it."""
    name = request.POST.get("name", "").strip()
    if not name or len(name) > 80:
        messages.error(request, gettext("Give the segment a name of at most 80 characters."))
        return _back(request)
    params = QueryDict(lead_list.query_of(request.GET))
    query = {key: params.getlist(key) for key in params}
    Segment.objects.update_or_create(
        owner=request.user,
        name=name,
        defaults={"query": query, "shared": "shared" in request.POST},
    )
    messages.success(request, gettext("Segment “%(name)s” saved.") % {"name": name})
    return _back(request)


@login_required
@require_POST
def segment_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete a segment of one's own; one that rules rest on stays."""
    segment = get_object_or_404(Segment.objects.filter(owner=request.user), pk=pk)
    try:
        segment.delete()
    except ProtectedError:
        messages.error(request, gettext("A rule uses this segment: it stays."))
    else:
        messages.success(request, gettext("Segment “%(name)s” deleted.") % {"name": segment.name})
    return _back(request)


# --- one more lead ----------------------------------------------------------------------------------------------


@login_required
@require_http_methods(["GET", "POST"])
def lead_new(request: HttpRequest) -> HttpResponse:
    """Make a lead by hand: a rep's own, a manager's for the pool, nobody's for admins. Namesakes are shown first."""
    now = timezone.now()
    if request.method == "GET":
        named = {name: request.GET.get(name, "") for name in ("phone", "first_name", "last_name", "company")}
        return render(request, "leads/new.html", {"form": NewLeadForm(initial=named)})
    form = NewLeadForm(request.POST)
    context: dict[str, Any] = {"form": form, "now": now}
    if form.is_valid():
        new = form.new_lead()
        try:
            same = _same(new, request)
            if not same["hidden"] and (form.cleaned_data["anyway"] or not same["known"]):
                owner, team = register.home_of(request.user)
                made = register.create_lead(new, owner=owner, team=team, by=request.user, now=now)
                ring_on_commit(bulk.START_PURSUITS)
                messages.success(request, gettext("%(name)s is a lead now.") % {"name": made.name})
                return redirect(made)
            context |= same
        except register.LeadRefused as refused:
            add_errors(form, refused.errors, phones="phone")
    return render(request, "leads/new.html", context, status=422)


def _same(new: register.NewLead, request: HttpRequest) -> dict[str, Any]:
    """Leads that are the same person: `known` to the user, and how many more the user may not see."""
    same = identity.duplicates_of(new)
    seen = Lead.objects.live().visible_to(request.user).filter(pk__in=same)
    known = list(seen.select_related("company", "owner"))
    return {"known": known, "hidden": len(same) - len(known)}
