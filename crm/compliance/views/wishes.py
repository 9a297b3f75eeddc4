"""Requests to stop that wait for a decision, and complaints that wait for an answer. For managers and admins, on leads
they may see."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from crm.compliance.access import managers_only
from crm.compliance.listing import place_of, urls_beside
from leads.keyset import page
from leads.models import LeadNumber
from touchpoints import complaints, wishes
from touchpoints.models import Complaint, Wish
from touchpoints.refusals import Refused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.http import HttpRequest

ROWS = 25


@managers_only
@require_safe
def compliance_wishes(request: HttpRequest) -> HttpResponse:
    """Managers and admins: the messages to decide about, oldest first; `?state=decided` shows what was decided."""
    return _show(request)


def _show(request: HttpRequest, *, refused: dict[str, Any] | None = None, status: int = 200) -> HttpResponse:
    seen = Wish.objects.visible_to(request.user).select_related(
        "lead__company", "suppression", "decided_by", "touchpoint__kind"
    )
    decided = request.GET.get("state") == "decided"
    rows = (
        seen.exclude(state=Wish.State.OPEN).order_by("-pk")
        if decided
        else seen.open().exclude(kind=Wish.Kind.HINT).order_by("pk")  # type: ignore[attr-defined]
    )
    after, before = place_of(request.GET)
    found = page(rows, size=ROWS, after=after, before=before)
    context = {
        "wishes": found.rows,
        "decided": decided,
        "sharing": _sharing(found.rows),
        "refused": refused,
        **urls_beside(request.GET, found),
    }
    return render(request, "compliance/wishes.html", context, status=status)


def _sharing(shown: Sequence[Wish]) -> set[int]:
    """The leads that have a number of their own, which a confirmation may put on the list with them."""
    links = LeadNumber.objects.current().filter(lead__in=[wish.lead_id for wish in shown]).with_shared()
    return set(links.filter(shared=False).values_list("lead_id", flat=True))


@managers_only
@require_POST
def compliance_wish_decide(request: HttpRequest, pk: int) -> HttpResponse:
    """Managers and admins: they want no more calls, or it was no wish; the latter needs a reason."""
    wish = get_object_or_404(Wish.objects.visible_to(request.user).select_related("lead"), pk=pk)
    reason = request.POST.get("reason", "")[:300]
    try:
        if request.POST.get("decision") == "decline":
            wishes.decline(wish, reason=reason, by=request.user, now=timezone.now())
            messages.success(request, gettext("Declined: what it had stopped goes on."))
        else:
            wishes.confirm(
                wish,
                reason=reason,
                own_numbers="own_numbers" in request.POST,
                company="company" in request.POST,
                by=request.user,
                now=timezone.now(),
            )
            messages.success(request, gettext("Confirmed: nobody calls them again."))
    except Refused as refused:
        return _show(request, refused={"pk": pk, "text": refused.detail}, status=422)
    return redirect("compliance_wishes")


@managers_only
@require_safe
def compliance_complaints(request: HttpRequest) -> HttpResponse:
    """Managers and admins: complaints with the calls they are about; `?state=closed` shows those that were handled."""
    return _show_complaints(request)


def _show_complaints(
    request: HttpRequest, *, refused: dict[str, Any] | None = None, status: int = 200
) -> HttpResponse:
    seen = Complaint.objects.visible_to(request.user).select_related(
        "lead__company", "call__user", "call__outcome", "call__number", "by", "handled_by"
    )
    closed = request.GET.get("state") == "closed"
    rows = seen.exclude(status=Complaint.Status.OPEN) if closed else seen.open()  # type: ignore[attr-defined]
    after, before = place_of(request.GET)
    found = page(rows.order_by("-pk"), size=ROWS, after=after, before=before)
    context = {
        "complaints": found.rows,
        "closed": closed,
        "refused": refused,
        **urls_beside(request.GET, found),
    }
    return render(request, "compliance/complaints.html", context, status=status)


@managers_only
@require_POST
def compliance_complaint_handle(request: HttpRequest, pk: int) -> HttpResponse:
    """Managers and admins: say what was done about a complaint, or open it again."""
    complaint = get_object_or_404(Complaint.objects.visible_to(request.user), pk=pk)
    try:
        complaints.handle(
            complaint,
            status=request.POST.get("status", ""),
            handling=request.POST.get("handling", ""),
            by=request.user,
            now=timezone.now(),
        )
    except Refused as refused:
        return _show_complaints(request, refused={"pk": pk, "text": refused.detail}, status=422)
    messages.success(request, gettext("Kept with the complaint."))
    return redirect("compliance_complaints")
