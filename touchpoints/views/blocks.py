"""Sitting down for a batch of calls, getting up, and how it went. For everybody signed in, their own blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from leads.models import LeadList, Segment
from touchpoints import blocks
from touchpoints.models import CallBlock
from touchpoints.refusals import Invalid

if TYPE_CHECKING:
    from typing import Any

    from django.http import HttpRequest, HttpResponse

LATEST = 20


class BlockForm(forms.Form):
    size = forms.IntegerField(label=_("how many"), min_value=1, max_value=blocks.MOST, initial=blocks.SIZE)
    lead_list = forms.ModelChoiceField(
        label=_("list"), queryset=LeadList.objects.all(), required=False, empty_label=_("what is due")
    )
    segment = forms.ModelChoiceField(
        label=_("or segment"), queryset=Segment.objects.none(), required=False, empty_label="–"
    )

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["segment"].queryset = Segment.objects.visible_to(user)  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any] | None:
        found = super().clean() or {}
        if found.get("lead_list") and found.get("segment"):
            self.add_error("segment", gettext("A list or a segment, not both."))
        return found


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def block(request: HttpRequest) -> HttpResponse:
    """Start a block: by list, segment or what is due. The latest ones, with how they went."""
    now = timezone.now()
    sent = request.POST if request.method == "POST" else None
    form = BlockForm(sent, user=request.user)
    if sent is not None and form.is_valid():
        try:
            blocks.start(
                user=request.user,  # type: ignore[arg-type]
                size=form.cleaned_data["size"],
                lead_list=form.cleaned_data["lead_list"],
                segment=form.cleaned_data["segment"],
                now=now,
            )
        except Invalid as refused:
            form.add_error(refused.field if refused.field in form.fields else None, refused.detail)
        else:
            return redirect("call")
    latest = [
        {"block": one, "progress": blocks.progress(one, now=now)}
        for one in CallBlock.objects.filter(user=request.user)[:LATEST]
    ]
    return render(request, "call/block.html", {"form": form, "latest": latest}, status=422 if sent else 200)


@login_required
@never_cache
@require_safe
def block_progress(request: HttpRequest) -> HttpResponse:
    """How far one's own block is, for the side of the call screen."""
    now, row = timezone.now(), blocks.of(request.user)  # type: ignore[arg-type]
    context = {
        "block": row,
        "progress": blocks.progress(row, now=now) if row else None,
        "tired": blocks.needs_a_break(request.user, now=now),  # type: ignore[arg-type]
    }
    return render(request, "call/block_progress.html", context)


@login_required
@require_POST
def block_pause(request: HttpRequest) -> HttpResponse:
    """Get up for a while."""
    blocks.pause(request.user, now=timezone.now())  # type: ignore[arg-type]
    messages.success(request, gettext("Paused: take your time."))
    return redirect("call")


@login_required
@require_POST
def block_resume(request: HttpRequest) -> HttpResponse:
    """Go on with the block."""
    blocks.resume(request.user, now=timezone.now())  # type: ignore[arg-type]
    return redirect("call")


@login_required
@require_POST
def block_end(request: HttpRequest) -> HttpResponse:
    """End the block; the answer is how it went."""
    now, open_one = timezone.now(), blocks.of(request.user)  # type: ignore[arg-type]
    blocks.end(request.user, now=now)  # type: ignore[arg-type]
    return redirect("block_summary", pk=open_one.pk) if open_one else redirect("call_block")


@login_required
@require_safe
def block_summary(request: HttpRequest, pk: int) -> HttpResponse:
    """How a block of one's own went."""
    row = get_object_or_404(CallBlock.objects.filter(user=request.user), pk=pk)
    context = {"block": row, "progress": blocks.progress(row, now=timezone.now())}
    return render(request, "call/block_summary.html", context)
