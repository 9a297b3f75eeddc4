"""The calls a rep agreed on, when to agree on one, what was promised, what is left to finish. For everybody signed in,
one's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.auth.decorators import login_required
from django.db.models import Exists, OuterRef
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from leads.models import Lead
from touchpoints import callbacks, finish, guarding, spoken_time
from touchpoints.forms import OutcomeForm, in_words
from touchpoints.models import CallAttempt, Promise
from touchpoints.reasons import zone_of

if TYPE_CHECKING:
    from typing import Any

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
        .exclude(
            # To call back at the agreed time is said above, unless the lead is a colleague's: who promised it still
            # has to know.
            Exists(
                callbacks.agreed(request.user)  # type: ignore[arg-type]
                .order_by()
                .filter(lead=OuterRef("lead"), agreed_at=OuterRef("due_at"))
            )
        )
        .select_related("lead")
        .order_by("due_at", "pk")[:MOST]
    )
    context = {
        "callbacks": [
            {"row": row, "clash": row.pk in clashes, "late": row.agreed_at < now} for row in rows[:MOST]
        ],
        "more": len(rows) > MOST,
        "promises": promises,
        "pages": set(
            Lead.objects.live()
            .visible_to(request.user)
            .filter(pk__in=[promise.lead_id for promise in promises])
            .values_list("pk", flat=True)
        ),
        "unfinished": finish.left_open_by(request.user, now=now)[:MOST],  # type: ignore[arg-type]
        "now": now,
    }
    return render(request, "call/callbacks.html", context)


@login_required
@never_cache
@require_safe
def call_when(request: HttpRequest, pk: int) -> HttpResponse:
    """A moment on the lead's clock, theirs and mine. To call back, `?callback_words=` or `?callback_at=`: whether they
    may be called then, when instead, and who else is agreed for that minute. To meet, `?meeting_words=` or
    `?meeting_at=`: no calling hours stand against it."""
    now = timezone.now()
    rows = CallAttempt.objects.filter(user=request.user).select_related("lead", "pursuit__cadence", "user")
    call = get_object_or_404(rows, pk=pk)
    situation = guarding.gather([call.lead], now=now)[call.lead_id]
    zone = zone_of(situation.zones)
    context: dict[str, Any] = {}
    what = "meeting" if {"meeting_words", "meeting_at"} & request.GET.keys() else "callback"
    words = request.GET.get(f"{what}_words", "")[:100].strip()
    try:
        at = (
            in_words(words, zone=zone, now=now)
            if words
            else OutcomeForm.moment(request.GET, what, zone=zone, now=now)
        )
    except spoken_time.Unclear as unclear:
        context["unclear"] = unclear.detail
        at = None
    if at is not None:
        is_call = what == "callback"
        weighed = callbacks.weigh(call, at, situation, now=now) if is_call else callbacks.Weighed(at)
        nearest = callbacks.on_the_clock(weighed.nearest.astimezone(zone)) if weighed.nearest else None
        theirs = callbacks.on_the_clock(at.astimezone(zone))
        context |= {"weighed": weighed, "theirs": theirs, "nearest": nearest}
    return render(request, "call/when.html", context)
