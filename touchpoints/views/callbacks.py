"""The calls a rep agreed on, what was promised, what is left to finish. For everybody signed in, one's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.auth.decorators import login_required
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from touchpoints import callbacks, finish
from touchpoints.models import Promise

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

MOST = 200


@login_required
@never_cache
@require_safe
def call_callbacks(request: HttpRequest) -> HttpResponse:
    """One's own agreed calls with those that share a minute, promises to keep, and calls nobody finished."""
    now = timezone.now()
    rows = list(callbacks.agreed(request.user)[: MOST + 1])  # type: ignore[arg-type]
    clashes = callbacks.clashing(rows)
    promises = (
        Promise.objects.filter(made_by=request.user, kept_at=None, broken_at=None, cancelled_at=None)
        .select_related("lead")
        .order_by("due_at", "pk")[:MOST]
    )
    context = {
        "callbacks": [
            {"row": row, "clash": row.pk in clashes, "late": row.agreed_at < now} for row in rows[:MOST]
        ],
        "more": len(rows) > MOST,
        "promises": promises,
        "unfinished": finish.left_open_by(request.user, now=now)[:MOST],  # type: ignore[arg-type]
        "now": now,
    }
    return render(request, "call/callbacks.html", context)
