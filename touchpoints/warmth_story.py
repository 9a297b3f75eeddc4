"""How did a lead come to be as warm as it is? The curve, what counts, what does not and why, what changed when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from . import engine
from .icebreaker import in_words
from .models import Direction, TemperatureChange, Touchpoint, TouchpointKind
from .reasons import fact_of
from .screen import first_up
from .warmth import Ruleset, Touch, Warmth, warmth, with_share

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from leads.models import Lead

    from .models import TemperatureOverride

# The curve is computed anew at every change; older changes than the last so many are cold by now.
MOST_CORNERS = 80
MOST_TURNS = 30
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
    """{found, points, touches, uncounted, keepers, turns, override} for the lead's page; six queries.

    `points` and `touches` are what `warmth_chart` draws, `uncounted` [{label, at, why}], `keepers` as `keepers`
    returns them, `found` the Warmth, `turns` as `turns_of` returns them.
    """
    rows = list(Touchpoint.objects.filter(lead=lead, set_aside_at=None).select_related("kind", "by_user"))
    by_hand = list(lead.overrides.select_related("by")[:MOST_TURNS])
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
        "turns": turns_of(lead, by_hand, words),
        "override": next((one for one in by_hand if one.ended_at is None and one.until > now), None),
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


@dataclass(frozen=True)
class Turn:
    """One entry of a lead's history of temperature: what held from then on, why, and by whom.

    `turned`: it was another before; who sets a warm lead warm turns nothing. `strongest`: the piece of evidence that
    weighed most then, blank where none decided or it is gone.
    """

    at: datetime
    temperature: str
    turned: bool
    why: str
    by: str
    strongest: str = ""
    version: int | None = None

    @property
    def text(self) -> str:
        said = {
            ("warm", True): gettext("Turned warm: %(why)s"),
            ("cold", True): gettext("Turned cold: %(why)s"),
            ("warm", False): gettext("Stays warm: %(why)s"),
            ("cold", False): gettext("Stays cold: %(why)s"),
        }
        return said[self.temperature, self.turned] % {"why": self.why}


def turns_of(lead: Lead, by_hand: Sequence[TemperatureOverride], words: Mapping[int, str]) -> list[Turn]:
    """The latest promotions and coolings and what was set by hand, newest first; `words` for its touchpoints."""
    changes = (
        TemperatureChange.objects.filter(lead=lead)
        .select_related("by", "ruleset")
        .order_by("-at", "-pk")[:MOST_TURNS]
    )
    untold = {(row.starts_at, row.temperature): row for row in by_hand}
    turns = []
    for change in changes:
        is_by_hand = change.cause == TemperatureChange.Cause.OVERRIDE
        row = untold.pop((change.at, change.after), None) if is_by_hand else None
        turns.append(
            Turn(
                at=change.at,
                temperature=change.after,
                turned=True,
                why=_by_hand_in_words(row) if row is not None else str(change.get_cause_display()),
                by=_name_of(change.by),
                strongest="" if is_by_hand else _strongest(change, words),
                version=change.ruleset.version if change.ruleset else None,
            )
        )
    turns += [
        Turn(row.starts_at, row.temperature, turned=False, why=_by_hand_in_words(row), by=_name_of(row.by))
        for row in untold.values()
    ]
    return sorted(turns, key=lambda turn: turn.at, reverse=True)[:MOST_TURNS]


def _strongest(change: TemperatureChange, words: Mapping[int, str]) -> str:
    piece = max(change.evidence, key=lambda piece: piece["share"], default=None)
    said = words.get(piece["touchpoint"], "") if piece else ""
    return with_share(said, piece["share"]) if piece and said else ""


def _by_hand_in_words(row: TemperatureOverride) -> str:
    said = gettext("set by hand until %(until)s: %(why)s")
    if row.ended_at is not None and row.ended_at < row.until:
        said = gettext("set by hand until %(until)s, ended on %(ended)s: %(why)s")
    ended = _day(row.ended_at) if row.ended_at else ""
    return said % {"until": _day(row.until), "ended": ended, "why": row.reason}


def _day(at: datetime) -> str:
    return date_format(localtime(at), "j F Y")


def _name_of(user: Any) -> str:
    return str(user.short_name) if user else ""
