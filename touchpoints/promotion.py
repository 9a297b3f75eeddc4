"""What does a lead's turning warm or cold do to its open follow-up? A promotion starts the sprint again."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from . import guarding, rule_effect
from .follow_ups import Rank
from .models import FollowUp, Pursuit
from .next_attempt import place_warmed
from .plans import Plans
from .room import within_room
from .starts import start_warmed_if_room, warmest_first

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leads.models import Lead

RESPRINT_AT_MOST_EVERY = timedelta(days=30)
# More promotions than this at once are no news of single leads but a mailing, an import or a change of rules.
MASS = 20


def follow_temperature(moved: Sequence[Lead], *, promoted: set[int], now: datetime) -> None:
    """Let the open follow-ups follow their leads' temperature.

    A promotion takes the warm plan from step 1, keeps the attempt count and moves the follow-up up (at most one
    re-sprint per 30 days); otherwise only the rank follows. What was agreed with the lead stays where it is, and so
    does what a rep has in hand. Where many warm at once, only as many re-sprint as their owners and pools can carry.
    """
    if not promoted:
        follow_rank(moved, now=now)
        return
    if len(promoted) > MASS:
        follow_temperature_within_room(moved, promoted=promoted, now=now)
        return
    follow_ups = _open_follow_ups(moved)
    again = [
        lead for lead in moved if lead.pk in promoted and _may_resprint(follow_ups.get(lead.pk), now=now)
    ]
    _follow(moved, follow_ups, again, promoted, now=now)


def follow_temperature_within_room(moved: Sequence[Lead], *, promoted: set[int], now: datetime) -> None:
    """`follow_temperature` where only as many re-sprint as their owners and pools can carry, warmest first."""
    follow_ups = _open_follow_ups(moved)
    again = [
        lead for lead in moved if lead.pk in promoted and _may_resprint(follow_ups.get(lead.pk), now=now)
    ]
    _follow(moved, follow_ups, within_room(warmest_first(again, now=now), now=now), promoted, now=now)


def follow_rank(moved: Sequence[Lead], *, now: datetime) -> None:
    """Let only the rank of the open follow-ups follow their leads' temperature: nothing is planned anew."""
    rule_effect.rank_follow_ups([lead.pk for lead in moved], now=now)


def _open_follow_ups(leads: Sequence[Lead]) -> dict[int, FollowUp]:
    rows = FollowUp.objects.open().filter(lead__in=[lead.pk for lead in leads]).select_related("pursuit")
    return {row.lead_id: row for row in rows}


def _follow(
    moved: Sequence[Lead],
    follow_ups: dict[int, FollowUp],
    again: Sequence[Lead],
    promoted: set[int],
    *,
    now: datetime,
) -> None:
    movable = {lead.pk for lead in again if not _stays(follow_ups[lead.pk], now=now)}
    if again:
        leads = sorted(again, key=lambda lead: lead.pk)
        _resprint(leads, follow_ups, movable=movable, now=now)
    rule_effect.rank_follow_ups([pk for pk in follow_ups if pk not in movable], now=now)
    new = sorted(
        (lead for lead in moved if lead.pk in promoted and lead.pk not in follow_ups),
        key=lambda lead: lead.pk,
    )
    start_warmed_if_room(new, now=now)


def _may_resprint(follow_up: FollowUp | None, *, now: datetime) -> bool:
    pursuit = follow_up.pursuit if follow_up is not None else None
    if pursuit is None or pursuit.ended_at or pursuit.reached_at:
        return False
    return pursuit.resprinted_at is None or now - pursuit.resprinted_at >= RESPRINT_AT_MOST_EVERY


def _stays(follow_up: FollowUp, *, now: datetime) -> bool:
    """Whether a follow-up must not be moved: agreed with the lead, on somebody's screen, or resting."""
    pursuit = follow_up.pursuit
    if pursuit is not None and pursuit.paused_until is not None and pursuit.paused_until > now:
        return True
    held = follow_up.lease_until is not None and follow_up.lease_until > now
    return held or follow_up.agreed_at is not None or follow_up.rank <= Rank.PROMISE


def _resprint(
    leads: list[Lead], follow_ups: dict[int, FollowUp], *, movable: set[int], now: datetime
) -> None:
    plans = Plans()
    pairs = []
    for lead in leads:
        pursuit = follow_ups[lead.pk].pursuit
        assert pursuit is not None  # _may_resprint looked
        warm = plans.default_for(lead)
        pursuit.cadence, pursuit.step, pursuit.resprinted_at = warm, 1, now
        # Whoever changes plans on the way keeps the higher target: a promise of 18 is not cut short.
        pursuit.target = max(pursuit.target, warm.target)
        pairs.append((lead, pursuit))
    Pursuit.objects.bulk_update(
        [pursuit for _lead, pursuit in pairs], ["cadence", "step", "resprinted_at", "target"]
    )
    moving = [(lead, pursuit) for lead, pursuit in pairs if lead.pk in movable]
    situations = guarding.gather([lead for lead, _pursuit in moving], now=now)
    place_warmed(moving, situations, plans, now=now)
