"""Who had this lead before, why did it change hands, when did its pursuit rest, and who let the evidence decide again?
The audit trail, in words."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext

from leads.models import AuditEvent, Lead

ASSIGNED, PAUSED, RESUMED = "lead.assigned", "pursuit.paused", "pursuit.resumed"
OVERRIDE_ENDED = "override.ended"
TOLD = (ASSIGNED, PAUSED, RESUMED, OVERRIDE_ENDED)


def rows_of(lead: Lead, *, most: int) -> list[dict[str, Any]]:
    """Rows of the lead's timeline, newest first. Three queries."""
    events = list(AuditEvent.objects.filter(lead=lead, action__in=TOLD).select_related("actor")[:most])
    if not events:
        return []
    sides = [side for event in events if event.action == ASSIGNED for side in (event.before, event.after)]
    people = get_user_model().objects.in_bulk({side["owner"] for side in sides if side.get("owner")})
    teams = Lead._meta.get_field("team").related_model._default_manager.in_bulk(  # type: ignore[union-attr]
        {side["team"] for side in sides if side.get("team")}
    )
    return [
        {
            "at": event.at,
            "text": _in_words(event, people, teams),
            "kind": "",
            "by": event.actor.short_name if event.actor else "",  # type: ignore[attr-defined]
            "note": "",
            "quiet": True,
        }
        for event in events
    ]


def _in_words(event: AuditEvent, people: dict[int, Any], teams: dict[int, Any]) -> str:
    if event.action == ASSIGNED:
        said = f"{_keeper(event.before, people, teams)} → {_keeper(event.after, people, teams)}"
    elif event.action == RESUMED:
        said = gettext("The pursuit goes on")
    elif event.action == OVERRIDE_ENDED:
        said = gettext("The setting by hand ended: the evidence decides")
    else:
        until = _moment(event.after.get("paused_until"))
        said = gettext("The pursuit rests until %(until)s") % {"until": until}
    return f"{said}: {event.reason}" if event.reason else said


def _keeper(side: dict[str, Any], people: dict[int, Any], teams: dict[int, Any]) -> str:
    if side.get("owner"):
        one = people.get(side["owner"])
        return str(one.short_name) if one else gettext("somebody")
    if side.get("team"):
        return gettext("the pool of %(team)s") % {"team": teams.get(side["team"], gettext("another team"))}
    return gettext("nobody")


def _moment(text: str | None) -> str:
    return date_format(localtime(datetime.fromisoformat(text)), "j F, H:i") if text else "–"
