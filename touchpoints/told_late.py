"""What may an outcome still change that is told, or amended, after the lead was called again?

It is counted where it belongs: the attempts are numbered anew, and what the later calls found is carried on. What was
agreed when the lead was last reached stands; so does the plan, unless the lead asked for something else, or refused.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from django.db.models import Q
from django.utils.dateparse import parse_datetime

from leads.models import Company, Lead

from . import assign, guarding, pursue, stage
from .follow_ups import Rank
from .models import CallAttempt, Direction, FollowUp, Pursuit
from .next_attempt import place_next
from .next_step import MOST_TRIES_AFTER_REACH
from .plans import Plans
from .standing import CONVERSATION_SECONDS, Count, Facts, Said, carried, counted, left, number_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from django.contrib.auth.models import AbstractUser

    from .models import Outcome
    from .stages import Stage

EXHAUSTED = Pursuit.EndReason.EXHAUSTED


@dataclass(frozen=True)
class Since:
    """What happened to a lead after a call: the calls in order, and whether a later pursuit was begun."""

    calls: tuple[CallAttempt, ...] = ()
    pursued_again: bool = False

    def __bool__(self) -> bool:
        return bool(self.calls) or self.pursued_again

    @property
    def reached(self) -> bool:
        """Whether they spoke with us again: then what was said last stands."""
        return any(call.outcome is not None and call.outcome.reach for call in self.calls)

    def within(self, pursuit: Pursuit) -> bool:
        """Whether a later call belongs to the same pursuit."""
        return any(call.pursuit_id == pursuit.pk for call in self.calls)


def since(call: CallAttempt) -> Since:
    """What came after a call."""
    later = Q(started_at__gt=call.started_at) | Q(started_at=call.started_at, pk__gt=call.pk)
    rows = CallAttempt.objects.filter(later, lead=call.lead_id).select_related("outcome", "user")
    again = Pursuit.objects.filter(lead=call.lead_id, started_at__gt=call.started_at)
    return Since(tuple(rows.order_by("started_at", "pk")), again.exclude(pk=call.pursuit_id).exists())


def said_by(call: CallAttempt, outcome: Outcome | None) -> Said:
    """A call as later ones rest on it, were this its outcome."""
    user = call.user
    begun = Said(
        started_at=call.started_at,
        ended_at=call.ended_at,
        dialled=call.direction == Direction.OUTBOUND,
        user=call.user_id,
        team=user.team_id if user else None,  # type: ignore[attr-defined]
    )
    if outcome is None:
        return begun
    long_enough = bool(call.source) and (call.duration_seconds or 0) >= CONVERSATION_SECONDS
    return replace(
        begun,
        outcome=outcome.pk,
        reach=outcome.reach,
        talked=outcome.conversation or (outcome.reach and long_enough),
        ends=outcome.ends_pursuit,
        cools=outcome.sets_cooled,
    )


# --- the count of a pursuit --------------------------------------------------------------------------------------


def count_anew(pursuit: Pursuit, *, now: datetime) -> None:
    """Number the pursuit's calls anew, in the order in which they were made, and let its own count follow.

    What the calls keep of the count they found is mended with it, so that they can still be taken back.
    """
    before, visited = pursuit.attempt, pursuit.reached_at_attempt is None and pursuit.reached_at
    count = Count(reached_at=visited or None)
    calls = list(pursuit.calls.select_related("outcome", "user").order_by("started_at", "pk"))
    moved = []
    for call in calls:
        said = said_by(call, call.outcome)
        kept = call.effects.get("before", {}).get("pursuit")
        if kept:
            kept |= {
                "attempt": count.attempt,
                "reached_at": count.reached_at.isoformat() if count.reached_at else None,
                "reached_at_attempt": count.reached_at_attempt,
                "tries_since_reach": count.tries_since_reach,
            }
        if call.attempt != (number := number_of(count, said)):
            call.attempt = number
            moved.append(call)
        count = counted(count, said)
    # Numbers are unique within the pursuit at every instant.
    CallAttempt.objects.filter(pk__in=[call.pk for call in moved]).update(attempt=None)
    CallAttempt.objects.bulk_update(calls, ["attempt", "effects"])
    pursuit.attempt, pursuit.reached_at = count.attempt, count.reached_at
    pursuit.reached_at_attempt, pursuit.tries_since_reach = count.reached_at_attempt, count.tries_since_reach
    last = calls[-1].started_at if calls else now
    if pursuit.resprinted_at is None or pursuit.resprinted_at < last:
        pursuit.step = max(1, pursuit.step + count.attempt - before)
    pursuit.save(update_fields=["attempt", "step", "reached_at", "reached_at_attempt", "tries_since_reach"])


def settle_plan(lead: Lead, pursuit: Pursuit, *, by: AbstractUser | None, now: datetime) -> None:
    """Let the plan follow a count that changed: it ends at the target or goes on below it, and what is planned
    bears the right number. What was agreed with the lead, and what somebody has in hand, stays."""
    if pursuit.calls.open().exists():
        return  # whoever is on the phone says what comes next
    if pursuit.ended_at is not None:
        if pursuit.end_reason != EXHAUSTED or _exhausted(pursuit) or not reopen(pursuit):
            return
    elif _exhausted(pursuit):
        pursue.end(pursuit, EXHAUSTED, by=by, now=now)
        return
    row = FollowUp.objects.open().filter(lead=lead).first()
    if row is None:
        if lead.tasks.filter(done_at=None).exists():
            return
    elif row.pursuit_id != pursuit.pk or row.attempt == pursuit.attempt:
        return
    elif not _is_of_plan(row, pursuit, now=now):
        FollowUp.objects.filter(pk=row.pk).update(attempt=pursuit.attempt, step=pursuit.step)
        return
    place_next([(lead, pursuit)], guarding.gather([lead], now=now), Plans(), now=now)


def _exhausted(pursuit: Pursuit) -> bool:
    if pursuit.reached_at is not None:
        return pursuit.tries_since_reach >= MOST_TRIES_AFTER_REACH
    return pursuit.attempt > pursuit.target


def _is_of_plan(row: FollowUp, pursuit: Pursuit, *, now: datetime) -> bool:
    in_hand = row.lease_until is not None and row.lease_until > now
    rests = pursuit.paused_until is not None and pursuit.paused_until > now
    return row.agreed_at is None and row.rank in (Rank.WARM, Rank.COLD) and not in_hand and not rests


def reopen(pursuit: Pursuit) -> bool:
    """Let a pursuit go on whose end was taken back; False where another one is open by now."""
    if Pursuit.objects.open().filter(lead=pursuit.lead_id).exclude(pk=pursuit.pk).exists():
        return False
    pursuit.ended_at, pursuit.end_reason, pursuit.ended_by, pursuit.end_note = None, "", None, ""
    pursuit.save(update_fields=["ended_at", "end_reason", "ended_by", "end_note"])
    return True


# --- what the later calls found ----------------------------------------------------------------------------------


def facts_kept(effects: dict[str, Any]) -> Facts | None:
    """What a call found of its lead when its outcome was logged; None where that was not kept."""
    before = effects.get("before") or {}
    if "stage" not in before:
        return None
    return Facts(
        stage=before["stage"],
        owner=before.get("owner"),
        team=before.get("team"),
        company=before.get("company"),
        cooled_at=parse_datetime(before["cooled_at"]) if before.get("cooled_at") else None,
    )


def facts_of(lead: Lead) -> Facts:
    current: Stage = lead.stage  # type: ignore[assignment]
    return Facts(current, lead.owner_id, lead.team_id, lead.company_id, lead.cooled_at)


def facts_after(found: Facts, then: Said, say: Said, later: Sequence[CallAttempt], lead: Lead) -> Facts:
    """What holds for the lead where a call that found `found` says `say` instead of `then`; what the later calls keep
    of what they found follows."""
    left_then, left_now = left(found, then), left(found, say)
    changed = []
    for call in later:
        seen = facts_kept(call.effects)
        if seen is None:
            continue
        finds = carried(seen, left_then=left_then, left_now=left_now)
        if finds != seen:
            call.effects["before"] |= {
                "stage": finds.stage,
                "owner": finds.owner,
                "team": finds.team,
                "company": finds.company,
                "cooled_at": finds.cooled_at.isoformat() if finds.cooled_at else None,
            }
            changed.append(call)
        said = said_by(call, call.outcome)
        left_then, left_now = left(seen, said), left(finds, said)
    if changed:
        CallAttempt.objects.bulk_update(changed, ["effects"])
    return carried(facts_of(lead), left_then=left_then, left_now=left_now)


def put_facts(
    lead: Lead, facts: Facts, *, by: AbstractUser, now: datetime, call: CallAttempt, why: str
) -> None:
    """Let these facts hold for the lead, each through its door."""
    if facts.stage != lead.stage:
        stage.put(lead, facts.stage, by=by, now=now, why=why, call=call)
    if (facts.owner, facts.team) != (lead.owner_id, lead.team_id):
        people = Lead._meta.get_field("owner").related_model.objects
        teams = Lead._meta.get_field("team").related_model.objects
        owner = people.select_related("team").filter(pk=facts.owner).first()
        assign.assign([lead], owner=owner, team=teams.filter(pk=facts.team).first(), by=by, now=now)
    if (facts.cooled_at, facts.company) != (lead.cooled_at, lead.company_id):
        known = facts.company is not None and Company.objects.filter(pk=facts.company).exists()
        lead.cooled_at, lead.company_id = facts.cooled_at, facts.company if known else None
        lead.save(update_fields=["cooled_at", "company", "updated_at"])
