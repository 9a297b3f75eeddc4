"""How did a lead come to be as warm as it is? The curve, what counts, what does not and why, what changed when."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from . import engine
from .icebreaker import in_words
from .models import Direction, TemperatureChange, Touchpoint, TouchpointKind
from .reasons import fact_of
from .screen import first_up
from .warmth import Ruleset, Touch, Warmth, warmth

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from leads.models import Lead

# The curve is computed anew at every change; older changes than the last so many are cold by now.
MOST_CORNERS = 80
MOST_CHANGES = 30
# What we can bring about besides the kinds that are ours by their direction.
OURS_TOO = frozenset({"meeting_held", "event", "webinar"})
MOST_KEEPERS = 4
WHY_UNCOUNTED = {
    "before_refusal": _("before they refused: no longer counts"),
    "same_campaign": _("a later one of the same campaign counts"),
    "over_limit": _("enough of this kind count already"),
    "no_rule": _("no rule for this kind"),
    "faded": _("too long ago to count"),
}


def story(lead: Lead, *, now: datetime) -> dict[str, Any]:
    """{found, points, touches, uncounted, keepers, changes, override} for the lead's page; six queries.

    `points` and `touches` are what `warmth_chart` draws, `uncounted` [{label, at, why}], `keepers` as `keepers`
    returns them, `found` the Warmth.
    """
    rows = list(Touchpoint.objects.filter(lead=lead, set_aside_at=None).select_related("kind", "by_user"))
    ruleset = engine.rules_for([lead.pk], now=now)[lead.pk]
    touches = [engine.touch_of(row) for row in rows]
    found = warmth(touches, ruleset, now=now, cooled_at=lead.cooled_at)
    words = {row.pk: first_up(in_words(fact_of(row))) for row in rows}
    points = corners(touches, ruleset, now=now, cooled_at=lead.cooled_at)
    days_at = {point["at"]: point["days"] for point in points}
    return {
        "found": found,
        "points": points,
        "touches": [
            {
                "at": row.occurred_at,
                "label": words[row.pk],
                "outbound": row.direction == Direction.OUTBOUND,
                "days": days_at.get(row.occurred_at, 0.0),
            }
            for row in sorted(rows, key=lambda row: row.occurred_at)[-MOST_CORNERS:]
        ],
        "uncounted": [
            {"at": one.touch.occurred_at, "label": words[one.touch.id], "why": WHY_UNCOUNTED[one.reason]}
            for one in found.uncounted
        ],
        "keepers": keepers(
            touches,
            ruleset,
            [kind for kind in TouchpointKind.objects.filter(active=True) if _is_ours(kind)],
            found=found,
            now=now,
            cooled_at=lead.cooled_at,
        ),
        "changes": changes_of(lead),
        "override": lead.overrides.filter(ended_at=None, until__gt=now).select_related("by").first(),
    }


def _is_ours(kind: TouchpointKind) -> bool:
    return kind.direction == Direction.OUTBOUND or kind.pk in OURS_TOO


def keepers(
    touches: Sequence[Touch],
    ruleset: Ruleset,
    kinds: Iterable[TouchpointKind],
    *,
    found: Warmth,
    now: datetime,
    cooled_at: datetime | None,
) -> list[dict[str, Any]]:
    """[{label, until}]: what, done today, would leave the lead warm for longer than it is, the longest first.

    What moves the date by less than a day is left out.
    """
    stays = max(found.warm_until or now, now) + timedelta(days=1)
    said: list[dict[str, Any]] = []
    for kind in kinds:
        done = Touch(0, kind.pk, now, direction=kind.direction)
        until = warmth([*touches, done], ruleset, now=now, cooled_at=cooled_at).warm_until
        if until is not None and until >= stays:
            said.append({"label": gettext(kind.label), "until": until})
    return sorted(said, key=lambda one: one["until"], reverse=True)[:MOST_KEEPERS]


def corners(
    touches: Sequence[Touch], ruleset: Ruleset, *, now: datetime, cooled_at: datetime | None
) -> list[dict[str, Any]]:
    """[{at, days}]: how many days of warmth the evidence left at each instant at which it changed.

    Each instant sees only what had happened by then, the refusal included.
    """
    instants = {touch.occurred_at for touch in touches if touch.occurred_at <= now}
    if cooled_at is not None and cooled_at <= now:
        instants.add(cooled_at)
    return [
        {"at": at, "days": _days_left(touches, ruleset, at=at, cooled_at=cooled_at)}
        for at in sorted(instants)[-MOST_CORNERS:]
    ]


def _days_left(
    touches: Iterable[Touch], ruleset: Ruleset, *, at: datetime, cooled_at: datetime | None
) -> float:
    refused = cooled_at if cooled_at is not None and cooled_at <= at else None
    known = [touch for touch in touches if touch.occurred_at <= at]
    found: Warmth = warmth(known, ruleset, now=at, cooled_at=refused)
    return max(0.0, (found.warm_until - at) / timedelta(days=1)) if found.warm_until else 0.0


def changes_of(lead: Lead) -> list[TemperatureChange]:
    """The lead's latest promotions and coolings, newest first."""
    return list(
        TemperatureChange.objects.filter(lead=lead)
        .select_related("by", "ruleset")
        .order_by("-at", "-pk")[:MOST_CHANGES]
    )


def change_in_words(change: TemperatureChange) -> str:
    if change.after == "warm":
        return gettext("Turned warm: %(why)s") % {"why": change.get_cause_display()}
    return gettext("Turned cold: %(why)s") % {"why": change.get_cause_display()}
