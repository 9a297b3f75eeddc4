"""The pages on which people bring files in: upload, columns, progress, what became of each row.

Every page here is for anyone signed in; an import is seen by who brought it and by admins.
"""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.text import get_valid_filename
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from crm.intake import dialect, mapping, receive
from crm.intake.forms import ConfirmForm, UploadForm
from crm.intake.models import ImportedRow, LeadImport
from crm.intake.uploads import Turnstile
from leads.models import LeadList, Workspace
from leads.spreadsheet import csv_lines
from touchpoints import bell

PAST_IMPORTS = 20
REFUSALS_A_PAGE = 50


# Reading the form's token reads the upload: the turnstile must stand before that, so the check comes inside.
@csrf_exempt
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def lead_import(request: HttpRequest) -> HttpResponse:
    """Choose a file; and the files of the past."""
    turnstile = Turnstile(request)
    request.upload_handlers.insert(0, turnstile)
    return _upload(request, turnstile)


@csrf_protect
def _upload(request: HttpRequest, turnstile: Turnstile) -> HttpResponse:
    form = UploadForm(request.POST or None, request.FILES or None)
    if request.method == "POST":
        form = UploadForm(request.POST, request.FILES)
        if turnstile.too_large:
            form.add_error(None, _too_large())
            form.errors.pop("file", None)
        elif form.is_valid() and (received := _receive(request, form)):
            return redirect("lead_import_one", received.pk)
    past = LeadImport.objects.visible_to(request.user).select_related("lead_list", "created_by")
    context = {"form": form, "past": past[:PAST_IMPORTS], "most_mb": dialect.MAX_BYTES // 2**20}
    return render(request, "intake/upload.html", context, status=422 if form.errors else 200)


def _too_large() -> str:
    return _(
        "The file is larger than %(most)d MB, which is the most that can be taken at once. Split it."
    ) % {"most": dialect.MAX_BYTES // 2**20}


def _receive(request: HttpRequest, form: UploadForm) -> LeadImport | None:
    upload = form.cleaned_data["file"]
    try:
        recognised = receive.recognise(upload.file)
    except dialect.FileRefused as refused:
        form.add_error("file", str(refused))
        return None
    return receive.keep(
        upload,
        recognised,
        name=upload.name,
        region=Workspace.current().region,
        by=request.user,
        now=timezone.now(),
    )


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def lead_import_one(request: HttpRequest, pk: int) -> HttpResponse:
    """One import at its present step: columns to confirm, under way, done, failed."""
    received = _mine(request, pk)
    if received.status == LeadImport.Status.MAPPING:
        return _confirm(request, received)
    if request.method == "POST":
        return redirect("lead_import_one", received.pk)
    return render(request, "intake/import.html", _progress(request, received))


def _mine(request: HttpRequest, pk: int) -> LeadImport:
    visible = LeadImport.objects.visible_to(request.user)
    return get_object_or_404(visible.select_related("lead_list", "owner", "team", "created_by"), pk=pk)


def _confirm(request: HttpRequest, received: LeadImport) -> HttpResponse:
    with received.file.open("rb") as file:
        samples = receive.samples(file, received.how_written, 5)
    form = ConfirmForm(
        request.POST if request.method == "POST" else None,
        user=request.user,
        columns=mapping.from_json(received.mapping),
        initial={"list_name": _list_name(received), "region": received.region},
    )
    if request.method == "POST" and form.is_valid():
        owner, team = form.whose()
        receive.confirm(
            received,
            form.chosen(),
            list_name=form.cleaned_data["list_name"],
            region=form.cleaned_data["region"],
            owner=owner,
            team=team,
            now=timezone.now(),
        )
        bell.ring_on_commit("crm.intake.tasks.run_waiting_imports")
        return redirect("lead_import_one", received.pk)
    context = {
        "import": received,
        "form": form,
        "columns": _columns(form, samples),
        "lists": LeadList.objects.values_list("name", flat=True)[:500],
    }
    return render(request, "intake/columns.html", context, status=422 if form.errors else 200)


def _list_name(received: LeadImport) -> str:
    return received.file_name.rsplit(".", 1)[0].replace("_", " ")[:120]


def _columns(form: ConfirmForm, samples: list[list[str]]) -> list[dict[str, Any]]:
    """Each column with its field and what its first cells hold; those to be imported first."""
    columns = [
        {
            "field": form[f"column_{number}"],
            "samples": [cell for row in samples if number < len(row) and (cell := row[number].strip())][:3],
        }
        for number in range(len(form.columns))
    ]
    return sorted(columns, key=lambda column: not column["field"].value())


@login_required
@require_GET
def lead_import_progress(request: HttpRequest, pk: int) -> HttpResponse:
    """The part of the page that is asked for again and again while rows come in."""
    received = _mine(request, pk)
    if not received.is_underway:
        # The page is another one now: counts, refusals, downloads.
        return HttpResponse(headers={"HX-Refresh": "true"})
    return render(request, "intake/import.html#progress", _progress(request, received))


def _progress(request: HttpRequest, received: LeadImport) -> dict[str, Any]:
    refused = received.rows.filter(result=ImportedRow.Result.REFUSED).order_by("line")
    page = Paginator(refused, REFUSALS_A_PAGE).get_page(request.GET.get("page"))
    return {"import": received, "page": page, "rows": [_shown(row) for row in page]}


def _shown(row: ImportedRow) -> dict[str, Any]:
    return {"line": row.line, "errors": row.errors, "cells": " | ".join(row.cells)[:200]}


@login_required
@require_GET
def lead_import_refused(request: HttpRequest, pk: int) -> StreamingHttpResponse:
    """The refused rows as a CSV file to mend and send again."""
    received = _mine(request, pk)
    lines = csv_lines(receive.refused_lines(received))
    name = get_valid_filename(f"refused-{received.file_name.rsplit('.', 1)[0]}.csv")
    # The mark tells spreadsheets that the file is UTF-8.
    return StreamingHttpResponse(
        (part.encode() for part in _with_mark(lines)),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _with_mark(lines: Any) -> Any:
    yield "\ufeff"
    yield from lines


@login_required
@require_POST
def lead_import_discard(request: HttpRequest, pk: int) -> HttpResponse:
    """Drop an upload whose columns were not confirmed."""
    received = _mine(request, pk)
    if received.status == LeadImport.Status.MAPPING:
        receive.forget(received)
        messages.success(request, _("The file was dropped; nothing was imported."))
    return redirect("lead_import")
