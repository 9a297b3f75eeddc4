"""Our own do-not-call list: search, add, upload, export, take off. Managers and admins see all of it; admins lift."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy, ngettext
from django.views.decorators.http import require_POST, require_safe

from crm.compliance.access import admins_only, managers_only
from crm.compliance.listing import count_in_words, place_of, query_of, urls_beside
from crm.compliance.own_list_forms import CHANNELS, AddForm, LiftForm, UploadForm
from leads import numbers
from leads.keyset import page
from leads.models import AuditEvent, Lead, OwnListLoad, Suppression, Workspace
from leads.permission_filters import SuppressionFilter
from leads.spreadsheet import csv_lines
from touchpoints import bell, own_list, suppress
from touchpoints.models import Wish
from touchpoints.refusals import Refused

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from django.http import HttpRequest

TASK = "touchpoints.tasks.run_own_list_loads"
ROWS = 50
LOADS = 5
MOST_BYTES = 50 * 1024 * 1024
REFUSALS_SHOWN = 200
DONE = {
    "suppression.added": gettext_lazy("Put on the list"),
    "suppression.proposed": gettext_lazy("Proposed by a message"),
    "suppression.confirmed": gettext_lazy("Confirmed"),
    "suppression.declined": gettext_lazy("Declined: no wish"),
    "suppression.lifted": gettext_lazy("Taken off the list"),
}
COLUMNS = (
    "scope",
    "number",
    "person",
    "company",
    "state",
    "reason",
    "asked_by",
    "evidence",
    "asked_at",
    "added_by",
    "off_since",
    "off_by",
    "off_reason",
    "off_evidence",
)


@managers_only
@require_safe
def compliance_own_list(request: HttpRequest) -> HttpResponse:
    """Managers and admins: the entries that the filter in the address finds, newest first."""
    return _show(request, now=timezone.now())


def _show(request: HttpRequest, *, now: datetime, status: int = 200, **forms: Any) -> HttpResponse:
    chosen = _filter(request, now=now)
    rows = chosen.qs.select_related("lead__company", "company", "by", "lifted_by")
    after, before = place_of(request.GET)
    found = page(rows, size=ROWS, after=after, before=before)
    context = {
        "now": now,
        "form": chosen.form,
        "rows": _shown(found.rows, request.user),
        "counted": count_in_words(chosen.qs),
        "filtered": bool(set(request.GET) - {"after", "before"}),
        "any": bool(found.rows) or Suppression.objects.exists(),
        "query": query_of(request.GET),
        "channels": CHANNELS,
        "loads": OwnListLoad.objects.select_related("by").defer("refusals")[:LOADS],
        "add_form": AddForm(user=request.user),
        "upload_form": UploadForm(initial={"region": Workspace.current().region}),
        **urls_beside(request.GET, found),
        **forms,
    }
    return render(request, "compliance/own_list.html", context, status=status)


def _filter(request: HttpRequest, *, now: datetime) -> SuppressionFilter:
    params = request.GET.copy()
    params.setdefault("state", "active")
    entries = Suppression.objects.order_by("-pk")
    return SuppressionFilter(params, queryset=entries, request=request, now=now)


def _shown(entries: Iterable[Suppression], user: Any) -> list[dict[str, Any]]:
    """Each entry with whom it names; a lead's page is linked for those who see it."""
    entries = list(entries)
    ids = [entry.lead_id for entry in entries if entry.lead_id]
    seen = set(Lead.objects.live().visible_to(user).filter(pk__in=ids).values_list("pk", flat=True))
    return [
        {
            "entry": entry,
            "who": who(entry),
            "url": reverse("lead", args=[entry.lead_id]) if entry.lead_id in seen else "",
        }
        for entry in entries
    ]


def who(entry: Suppression) -> str:
    """Whom or what an entry names, in words."""
    if entry.lead is not None:
        return entry.lead.name
    if entry.company is not None:
        return entry.company.name
    return numbers.display(entry.e164) if entry.e164 else gettext("an erased person")


@managers_only
@require_POST
def compliance_own_list_add(request: HttpRequest) -> HttpResponse:
    """Managers and admins: put a number, a person or a company on the list, at once and everywhere."""
    now = timezone.now()
    form = AddForm(request.POST, user=request.user)
    if not form.is_valid():
        return _show(request, now=now, status=422, add_form=form)
    data = form.cleaned_data
    common = {name: data[name] for name in ("scope", "reason", "channel", "evidence")}
    try:
        entry = suppress.suppress(**common, **data["named"], by=request.user, now=now)
    except Refused as refused:
        form.add_error("what", refused.detail)
        return _show(request, now=now, status=422, add_form=form)
    messages.success(request, gettext("On the do-not-call list, everywhere, from now on."))
    return redirect("compliance_own_list_one", pk=entry.pk)


@managers_only
@require_POST
def compliance_own_list_upload(request: HttpRequest) -> HttpResponse:
    """Managers and admins: put every number of a CSV file on the list; what is none is refused row by row."""
    now = timezone.now()
    form = UploadForm(request.POST, request.FILES)
    if form.is_valid():
        data = form.cleaned_data
        if data["file"].size > MOST_BYTES:
            form.add_error("file", gettext("Larger than 50 MB; load it with manage.py load_suppressions."))
            return _show(request, now=now, status=422, upload_form=form)
        try:
            made = own_list.hand_in(
                data["file"].read(),
                file_name=data["file"].name,
                column=data["column"],
                region=data["region"],
                reason=data["reason"],
                by=request.user,
                now=now,
            )
        except own_list.FileRefused as refused:
            form.add_error(refused.field, refused.reason[:1].upper() + refused.reason[1:] + ".")
        else:
            if made.status == OwnListLoad.Status.WAITING:
                bell.ring_on_commit(TASK)
                said = gettext("The file is kept and is being read; you may leave this page.")
            else:
                text = ngettext(
                    "%(n)d number is new on the list.", "%(n)d numbers are new on the list.", made.added
                )
                said = text % {"n": made.added}
            messages.success(request, said)
            return redirect("compliance_own_list_load", pk=made.pk)
    return _show(request, now=now, status=422, upload_form=form)


@managers_only
@require_safe
def compliance_own_list_load(request: HttpRequest, pk: int) -> HttpResponse:
    """Managers and admins: what came of one file, with the rows that were refused; how far one is that is being read,
    for which htmx asks again."""
    load = get_object_or_404(OwnListLoad.objects.select_related("by"), pk=pk)
    context = {
        "load": load,
        "is_underway": load.status in (OwnListLoad.Status.WAITING, OwnListLoad.Status.LOADING),
        "refusals": load.refusals[:REFUSALS_SHOWN],
        "shown": REFUSALS_SHOWN,
    }
    part = "#load" if request.htmx else ""  # type: ignore[attr-defined]
    return render(request, f"compliance/own_list_load.html{part}", context)


@managers_only
@require_safe
def compliance_own_list_refused(request: HttpRequest, pk: int) -> StreamingHttpResponse:
    """Managers and admins: the refused rows of one file as CSV, to mend and upload again."""
    load = get_object_or_404(OwnListLoad, pk=pk)
    rows = ((str(one["line"]), str(one["value"]), str(one["reason"])) for one in load.refusals)
    return _csv(_with_header(("line", "number", "reason"), rows), f"refused-{load.pk}.csv")


@managers_only
@require_POST
def compliance_own_list_export(request: HttpRequest) -> StreamingHttpResponse:
    """Managers and admins: what the filter in the address finds, as CSV that can be loaded again; audited."""
    now = timezone.now()
    rows = _filter(request, now=now).qs.select_related("lead__company", "company", "by", "lifted_by")
    AuditEvent.objects.create(
        at=now,
        actor=request.user,
        action="suppression.exported",
        subject_type="suppression",
        subject_id="",
        after={"query": query_of(request.GET)},
    )
    return _csv(_with_header(COLUMNS, map(_as_row, rows.iterator(2_000))), f"own-list-{now:%Y-%m-%d}.csv")


def _as_row(entry: Suppression) -> tuple[str, ...]:
    return (
        entry.scope,
        entry.e164,
        entry.lead.name if entry.lead else "",
        entry.company.name if entry.company else "",
        "off" if entry.lifted_at else entry.state,
        entry.reason,
        entry.channel,
        entry.evidence,
        entry.requested_at.isoformat(),
        entry.by.get_username() if entry.by else "",
        entry.lifted_at.isoformat() if entry.lifted_at else "",
        entry.lifted_by.get_username() if entry.lifted_by else "",
        entry.lifted_reason,
        entry.lifted_evidence,
    )


def _with_header(names: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[tuple[str, ...]]:
    yield names
    yield from rows


def _csv(rows: Iterable[tuple[str, ...]], file_name: str) -> StreamingHttpResponse:
    response = StreamingHttpResponse(csv_lines(rows), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{file_name}"'
    return response


@managers_only
@require_safe
def compliance_own_list_one(request: HttpRequest, pk: int) -> HttpResponse:
    """Managers and admins: one entry, its evidence and everything that was done to it."""
    return _show_one(request, _entry(pk), LiftForm())


@admins_only
@require_POST
def compliance_own_list_lift(request: HttpRequest, pk: int) -> HttpResponse:
    """Admins: take an entry off the list, with a reason and with what shows that they agree."""
    entry, form = _entry(pk), LiftForm(request.POST)
    if form.is_valid():
        try:
            suppress.lift(entry, **form.cleaned_data, by=request.user, now=timezone.now())
        except Refused as refused:
            form.add_error(refused.field or None, refused.detail)
        else:
            messages.success(request, gettext("Off the list. The reason and the evidence are kept."))
            return redirect("compliance_own_list_one", pk=pk)
    return _show_one(request, entry, form, status=422)


def _entry(pk: int) -> Suppression:
    entries = Suppression.objects.select_related("lead__company", "company", "by", "lifted_by", "decided_by")
    return get_object_or_404(entries, pk=pk)


def _show_one(request: HttpRequest, entry: Suppression, form: LiftForm, *, status: int = 200) -> HttpResponse:
    events = AuditEvent.objects.filter(subject_type="suppression", subject_id=str(entry.pk))
    (shown,) = _shown([entry], request.user)
    wishes = Wish.objects.visible_to(request.user).filter(suppression=entry).select_related("lead")
    context = {
        **shown,
        "form": form,
        "events": [(event, DONE.get(event.action, event.action)) for event in events.select_related("actor")],
        "wishes": wishes,
        "may_lift": request.user.is_admin
        and entry.lifted_at is None
        and entry.scope != Suppression.Scope.ERASED,
    }
    return render(request, "compliance/own_list_one.html", context, status=status)
