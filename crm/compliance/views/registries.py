"""The do-not-call registries' files: handed in, on their way, loaded, refused. Managers hand in; admins force."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import UploadedFile
from django.core.paginator import Paginator
from django.db import transaction
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.text import get_valid_filename
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods, require_safe

from crm.compliance.access import managers_only
from crm.compliance.registry_forms import ForceForm, HandInForm
from crm.intake.uploads import Turnstile
from leads import law_rows, law_words
from leads.models import AuditEvent, RegistryLoad
from leads.registries import load as loading
from leads.registries import rejects
from touchpoints import bell

TASK = "touchpoints.tasks.run_registry_loads"
# All of the United States' numbers, zipped, are about a gigabyte.
MOST_BYTES = 4 * 1024**3
ROWS_A_PAGE = 25
UNDERWAY = (RegistryLoad.Status.WAITING, RegistryLoad.Status.LOADING)
AREAS_SHOWN = 400


# Reading the form's token reads the upload: who may not upload is turned away, and the turnstile stands, before that.
@csrf_exempt
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def compliance_registries(request: HttpRequest) -> HttpResponse:
    """Managers and admins: hand in lists; and the ledger of all that were."""
    _managers(request)
    turnstile = Turnstile(request, MOST_BYTES)
    request.upload_handlers.insert(0, turnstile)
    return _ledger(request, turnstile)


@csrf_protect
def _ledger(request: HttpRequest, turnstile: Turnstile) -> HttpResponse:
    now = timezone.now()
    form = HandInForm(request.POST or None, request.FILES or None, today=law_rows.day_of(now))
    if request.method == "POST":
        form = HandInForm(request.POST, request.FILES, today=law_rows.day_of(now))
        if turnstile.too_large:
            form.add_error(None, _too_large())
            form.errors.pop("files", None)
        elif form.is_valid():
            _hand_in(request, form, now)
            return redirect("compliance_registries")
    context = {"form": form, **_loads(request)}
    return render(request, "compliance/registries.html", context, status=422 if form.errors else 200)


def _managers(request: HttpRequest) -> None:
    if not request.user.is_manager:  # type: ignore[union-attr]
        raise PermissionDenied


def _too_large() -> str:
    return _("A file is larger than %(most)d GB, which is the most that can be taken at once.") % {
        "most": MOST_BYTES // 1024**3
    }


def _hand_in(request: HttpRequest, form: HandInForm, now: Any) -> None:
    files: list[UploadedFile] = form.cleaned_data["files"]
    with transaction.atomic():
        for file in files:
            loading.start(
                file,
                registry=form.cleaned_data["registry"],
                list_date=form.cleaned_data["list_date"],
                by=request.user,
                now=now,
            )
        bell.ring_on_commit(TASK)
    text = ngettext(
        "%(n)d file is kept and is being loaded; you may leave this page.",
        "%(n)d files are kept and are being loaded; you may leave this page.",
        len(files),
    )
    messages.success(request, text % {"n": len(files)})


@managers_only
@require_safe
def compliance_registries_progress(request: HttpRequest) -> HttpResponse:
    """Managers and admins: the ledger alone; the page asks for it again while files are on their way."""
    return render(request, "compliance/registries.html#ledger", _loads(request))


def _loads(request: HttpRequest) -> dict[str, Any]:
    rows = RegistryLoad.objects.select_related("by")
    page = Paginator(rows, ROWS_A_PAGE).get_page(request.GET.get("page"))
    return {
        "page_obj": page,
        "loads": [_told(load) for load in page],
        "is_underway": rows.filter(status__in=UNDERWAY).exists(),
    }


def _told(load: RegistryLoad) -> dict[str, Any]:
    return {
        "load": load,
        "registry": law_words.registry_name(load.registry),
        "areas": _areas(load),
        "is_underway": load.status in UNDERWAY,
    }


def _areas(load: RegistryLoad) -> str:
    """The areas of a load in a few words."""
    areas = [str(row["area"]) for row in load.areas]
    if len(areas) <= 4:
        return ", ".join(areas)
    return ngettext("%(n)d area", "%(n)d areas", len(areas)) % {"n": len(areas)}


# --- one load -------------------------------------------------------------------------------------------------------


@csrf_exempt
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def compliance_load(request: HttpRequest, pk: int) -> HttpResponse:
    """Managers and admins: one file and what became of it. A POST by an admin hands it in again, forced."""
    _managers(request)
    if request.method == "POST" and not request.user.is_admin:  # type: ignore[union-attr]
        raise PermissionDenied(_("Only admins load a list that was refused."))
    turnstile = Turnstile(request, MOST_BYTES)
    request.upload_handlers.insert(0, turnstile)
    return _one(request, pk, turnstile)


@csrf_protect
def _one(request: HttpRequest, pk: int, turnstile: Turnstile) -> HttpResponse:
    load = get_object_or_404(RegistryLoad.objects.select_related("by"), pk=pk)
    form = ForceForm(request.POST or None, request.FILES or None)
    if request.method == "POST":
        form = ForceForm(request.POST, request.FILES)
        if turnstile.too_large:
            form.add_error(None, _too_large())
        elif form.is_valid() and (again := _force(request, form, load)):
            return redirect("compliance_load", again.pk)
    context = {
        "form": form,
        "told": _told(load),
        "load": load,
        "can_force": load.status == RegistryLoad.Status.REFUSED,
        "scrubs": load.scrubs.filter(finished_at__isnull=False),
        "areas": load.areas[:AREAS_SHOWN],
        "more_areas": max(0, len(load.areas) - AREAS_SHOWN),
        "forced": AuditEvent.objects.filter(subject_type="registry_load", subject_id=str(load.pk))
        .select_related("actor")
        .first(),
    }
    return render(request, "compliance/load.html", context, status=422 if form.errors else 200)


def _force(request: HttpRequest, form: ForceForm, load: RegistryLoad) -> RegistryLoad | None:
    """Hand the same file in again, past the guards against short lists and wrong areas; None where it is refused."""
    file: UploadedFile = form.cleaned_data["file"]
    if load.status != RegistryLoad.Status.REFUSED:
        form.add_error(None, _("Only a refused file can be forced; this one is not."))
        return None
    if load.sha256 and _sha256(file) != load.sha256:
        form.add_error("file", _("This is another file; expected the one that was refused."))
        return None
    now = timezone.now()
    with transaction.atomic():
        # Under the name it had: the name may give the list's date.
        file.name = load.file_name
        again = loading.start(
            file,
            registry=load.registry,
            list_date=load.given_date,
            by=request.user,
            forced=True,
            now=now,
        )
        AuditEvent.objects.create(
            at=now,
            actor=request.user,
            action="registry_load.forced",
            subject_type="registry_load",
            subject_id=str(again.pk),
            before={"load": load.pk, "why": load.why},
            after={"load": again.pk, "registry": load.registry, "file": load.file_name},
            reason=form.cleaned_data["reason"],
        )
        bell.ring_on_commit(TASK)
    messages.success(request, _("Handed in again, forced; it is being loaded."))
    return again


def _sha256(file: UploadedFile) -> str:
    digest = hashlib.sha256()
    for block in file.chunks():
        digest.update(block)
    file.seek(0)
    return digest.hexdigest()


@managers_only
@require_safe
def compliance_load_progress(request: HttpRequest, pk: int) -> HttpResponse:
    """Managers and admins: how far one file is; the page asks again while it is on its way."""
    load = get_object_or_404(RegistryLoad.objects.select_related("by"), pk=pk)
    if load.status not in UNDERWAY:
        # The page is another one now: counts, rejected lines, areas.
        return HttpResponse(headers={"HX-Refresh": "true"})
    return render(request, "compliance/load.html#progress", {"load": load})


@managers_only
@require_safe
def compliance_load_rejected(request: HttpRequest, pk: int) -> StreamingHttpResponse:
    """Managers and admins: every rejected line of a file as CSV: line, value, reason."""
    load = get_object_or_404(RegistryLoad, pk=pk)
    name = get_valid_filename(f"rejected-{load.file_name.rsplit('.', 1)[0]}.csv")

    def lines() -> Iterator[bytes]:
        yield "\ufeff".encode()  # tells spreadsheets that this is UTF-8
        for line in rejects.all_of(load):
            yield line.encode()

    return StreamingHttpResponse(
        lines(),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
