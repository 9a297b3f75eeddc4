"""How is the engine doing, and what could it not do? For admins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from leads import erasure
from touchpoints import health, set_aside
from touchpoints.models import EvaluationFailure, Touchpoint

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

MOST_SHOWN = 50


@login_required
@never_cache
@require_GET
def engine(request: HttpRequest) -> HttpResponse:
    """Admins: the figures, the sweeps, and what was set aside. htmx asks for the changing part alone."""
    _for_admins(request)
    template = "engine/figures.html" if request.htmx else "engine/engine.html"  # type: ignore[attr-defined]
    return render(request, template, _context())


@login_required
@require_POST
def try_again(request: HttpRequest, pk: int) -> HttpResponse:
    """Admins: have a touchpoint that was set aside evaluated once more."""
    _for_admins(request)
    rows = Touchpoint.objects.visible_to(request.user).set_aside()
    touchpoint = get_object_or_404(rows, pk=pk)
    set_aside.try_again(touchpoint, by=request.user, now=timezone.now())
    return _asked(request)


@login_required
@require_POST
def try_lead_again(request: HttpRequest, pk: int) -> HttpResponse:
    """Admins: have a lead whose evaluation was given up evaluated once more."""
    _for_admins(request)
    failure = get_object_or_404(EvaluationFailure.objects.visible_to(request.user).set_aside(), lead=pk)
    set_aside.try_lead_again(failure, by=request.user, now=timezone.now())
    return _asked(request)


def _asked(request: HttpRequest) -> HttpResponse:
    if request.htmx:  # type: ignore[attr-defined]
        return render(request, "engine/figures.html", _context())
    messages.success(request, _("It is tried again with the next touchpoints."))
    return redirect("engine")


def _context() -> dict[str, object]:
    touchpoints = Touchpoint.objects.set_aside().select_related("lead", "kind")
    leads = EvaluationFailure.objects.set_aside().select_related("lead")
    return {
        "health": health.figures(now=timezone.now()),
        "set_aside": touchpoints.order_by("-set_aside_at", "-pk")[:MOST_SHOWN],
        "failures": leads.order_by("-set_aside_at", "-pk")[:MOST_SHOWN],
        "keys_missing": erasure.keys_missing(),
    }


def _for_admins(request: HttpRequest) -> None:
    if not request.user.is_admin:  # type: ignore[union-attr]
        raise PermissionDenied(_("Only admins look after the engine."))
