"""The next ten days: what is due against what can be dialled. Everybody their own, managers everybody's of the team."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.auth.decorators import login_required
from django.shortcuts import render
from django.utils import timezone
from django.utils.formats import date_format
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from touchpoints import cover, idle, outlook

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.http import HttpRequest, HttpResponse

MOST = 50


@login_required
@never_cache
@require_safe
def ten_days(request: HttpRequest) -> HttpResponse:
    """Everybody: their days, what they cover, which of their leads go back to the pool; managers: all of the team."""
    user, now = request.user, timezone.now()
    mine = outlook.of_person(user, now=now)
    notices = idle.told_to(user, most=MOST + 1)
    context: dict[str, Any] = {
        "mine": mine,
        "chart": _chart(mine.people[0].days),
        "covering": cover.covering_for(user, now=now)[:MOST],  # type: ignore[arg-type]
        "idle": notices[:MOST],
        "more_idle": len(notices) > MOST,
    }
    if user.is_manager:  # type: ignore[union-attr]
        team = outlook.of_team(user, now=now)
        context |= {"team": team, "team_chart": _chart(team.total)}
    return render(request, "call/outlook.html", context)


def _chart(days: Sequence[outlook.Day]) -> list[dict[str, Any]]:
    # Two letters of the weekday: ten days stand side by side on a phone.
    return [
        {"label": f"{date_format(day.on, 'D')[:2]} {day.on.day}", "due": day.due, "capacity": day.capacity}
        for day in days
    ]
