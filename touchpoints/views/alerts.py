"""What must somebody hear of at once, whatever page they are on? For whoever is signed in, what is theirs to answer."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from touchpoints import hand_raises, idle, reminders

if TYPE_CHECKING:
    from django.http import HttpRequest

COOKIE = "told"
MOST_REMEMBERED = 60
# So long a browser remembers what was told: what is told once a day is told once.
REMEMBERED_FOR = timedelta(days=1)
# More toasts than these at once hide the page; the rest are counted in one line.
MOST_SHOWN = 3


@login_required
@never_cache
@require_GET
def alerts(request: HttpRequest) -> HttpResponse:
    """Hand-raises, agreed times and leads that go back to the pool of which this browser has not told this user yet, as
    toasts; 204 where there is none.

    What was told is remembered in a cookie: pages poll this without a write, and no page change loses an alert.
    """
    now, told = timezone.now(), _told(request)
    new = [one for one in hand_raises.alerts_for(request.user, now=now) if one.key not in told]
    agreed = [one for one in reminders.reminders_for(request.user, now=now) if one.key not in told]
    lying = idle.news_for(request.user, now=now)
    if lying is not None and lying.key in told:
        lying = None
    if not new and not agreed and lying is None:
        return HttpResponse(status=204)
    context = {"alerts": new[:MOST_SHOWN], "more": len(new[MOST_SHOWN:]), "reminders": agreed, "lying": lying}
    response = render(request, "call/alerts.html", context)
    said = [*new, *agreed, *([lying] if lying else [])]
    remembered = [*told, *(one.key for one in said)][-MOST_REMEMBERED:]
    response.set_signed_cookie(
        COOKIE,
        ".".join([str(request.user.pk), *remembered]),
        max_age=REMEMBERED_FOR,
        httponly=True,
        samesite="Lax",
        secure=request.is_secure(),
    )
    return response


def _told(request: HttpRequest) -> list[str]:
    """The keys of what this user was told; another user of this browser was told nothing."""
    whose, *keys = (request.get_signed_cookie(COOKIE, default="") or "").split(".")
    return keys if whose == str(request.user.pk) else []
