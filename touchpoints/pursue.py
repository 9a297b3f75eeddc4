"""How does a pursuit start, go on and end? The one door for pursuits and for a lead's single next follow-up."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import Count, Q
from django.utils.translation import gettext

from leads.models import Consent, Lead

from . import guarding
from .cadence import Declined, Plan, Slot, next_slot
from .capacity import starts_allowed
from .models import (
    Cadence,
    FollowUp,
    HandRaise,
    Promise,
    Pursuit,
    SweepRun,
    Task,
    Touchpoint,
)
from .next_step import Context, Placement, hand_raise

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from django.contrib.auth.models import AbstractUser

CHUNK = 500
HAND_RAISE_FRESH_FOR = timedelta(hours=24)
RESPRINT_AT_MOST_EVERY = timedelta(days=30)
CAPACITY_DAYS = 5
# A relationship by enquiry lifts the registry check for so long (16 CFR 310.2: three months).
ENQUIRY_HOLDS_FOR = timedelta(days=90)
Rank = FollowUp.Rank


@dataclass(frozen=True)
class Placed:
    """What `place` wants written: a follow-up's own fields, before rank and assignee are added."""

    attempt: int
    step: int
    channel: str
    due_at: datetime
    window_end: datetime
    day_part: str
    reason: str
    rank: int | None = None
    agreed_at: datetime | None = None
    lifts_house_caps: bool = False


def from_slot(slot: Slot, step: int) -> Placed:
    return Placed(slot.attempt, step, slot.channel, slot.not_before, slot.until, slot.day_part, slot.reason)


def from_placement(placed: Placement) -> Placed:
    ranks = {"callback": Rank.CALLBACK, "hand_raise": Rank.HAND_RAISE}
    return Placed(
        placed.attempt,
        placed.step,
        placed.channel,
        placed.due_at,
        placed.until,
        placed.day_part,
        placed.reason,
        ranks.get(placed.kind),
        placed.agreed_at,
        placed.lifts_house_caps,
    )


# --- plans ---------------------------------------------------------------------------------------------------


def plan_of(cadence: Cadence) -> Plan:
    """A cadence as values; its steps must be prefetched where there are many."""
    steps = list(cadence.steps.all())
    return Plan(
        target=cadence.target,
        waits=tuple(step.wait_days for step in steps),
        phases=tuple(step.phase for step in steps),
        channels=tuple(step.channel for step in steps),
        name=cadence.name,
    )


class Plans:
    """The default cadences and their plans, read once for any number of leads."""

    def __init__(self) -> None:
        self.by_id = {cadence.pk: cadence for cadence in Cadence.objects.prefetch_related("steps")}
        self.plans = {pk: plan_of(cadence) for pk, cadence in self.by_id.items()}

    def default_for(self, lead: Lead) -> Cadence:
        wanted = (lead.temperature, lead.audience)
        return next(
            cadence
            for cadence in self.by_id.values()
            if cadence.is_default and cadence.active and (cadence.temperature, cadence.audience) == wanted
        )


# --- rank ----------------------------------------------------------------------------------------------------


def rank_of(lead: Lead, *, rank: int | None, agreed_at: datetime | None, now: datetime) -> tuple[int, float]:
    """(rank, value within it, higher first) of a follow-up.

    Callbacks go by the agreed time, hand-raises freshest first. Warm leads go by warmth × fit: as warmth halves
    every half-life for all of them alike, its order is that of `warm_until` plus one half-life per doubling of fit,
    which no passing of time changes. Cold leads go by expected value × fit.
    """
    if rank == Rank.CALLBACK and agreed_at is not None:
        return rank, -agreed_at.timestamp()
    if rank is not None:
        return rank, now.timestamp()
    fit = max(lead.fit, 1) / 100
    if lead.is_warm(now=now) and lead.warm_until is not None:
        return Rank.WARM, lead.warm_until.timestamp() / 86400 + 14 * math.log2(fit)
    return Rank.COLD, float(lead.value or 1) * fit


# --- placing -------------------------------------------------------------------------------------------------


def place(
    placements: Iterable[tuple[Lead, Pursuit | None, Placed]], *, now: datetime, why: str = ""
) -> list[FollowUp]:
    """Make each lead's next follow-up, in place of the open one; a constant number of statements."""
    rows = []
    for lead, pursuit, placed in placements:
        rank, value = rank_of(lead, rank=placed.rank, agreed_at=placed.agreed_at, now=now)
        rows.append(
            FollowUp(
                lead=lead,
                pursuit=pursuit,
                attempt=placed.attempt,
                step=placed.step,
                channel=placed.channel,
                due_at=placed.due_at,
                window_end=placed.window_end,
                day_part=placed.day_part,
                reason=placed.reason[:300],
                assignee_id=lead.owner_id,
                team_id=lead.team_id,
                rank=rank,
                rank_value=value,
                agreed_at=placed.agreed_at,
                lifts_house_caps=placed.lifts_house_caps,
                placed_at=now,
            )
        )
    close([row.lead_id for row in rows], FollowUp.Closed.REPLACED, now=now, why=why)
    return FollowUp.objects.bulk_create(rows)


def close(lead_ids: Collection[int], closed_as: str, *, now: datetime, why: str = "") -> int:
    """Close the open follow-ups of these leads, with what became of them."""
    return (
        FollowUp.objects.open()
        .filter(lead__in=lead_ids)
        .update(closed_at=now, closed_as=closed_as, closed_why=why[:200], lease_by=None, lease_until=None)
    )


def ask(lead: Lead, kind: str, reason: str, *, now: datetime) -> None:
    """Put a task where no call can be placed; the same open task is asked once."""
    Task.objects.get_or_create(
        lead=lead,
        kind=kind,
        done_at=None,
        defaults={
            "reason": reason[:300],
            "assignee_id": lead.owner_id,
            "team_id": lead.team_id,
            "created_at": now,
        },
    )


# --- starting and ending -------------------------------------------------------------------------------------


def start(
    leads: Sequence[Lead], *, by: AbstractUser | None, now: datetime, follow_up: bool = True
) -> list[Pursuit]:
    """Start a pursuit for each of these leads that has an owner or a pool, none open, and may be called at all.

    Capacity is the caller's matter. With `follow_up` the first attempt is placed, or a task where none can be.
    """
    ids = [lead.pk for lead in leads]
    with transaction.atomic():
        busy = set(Pursuit.objects.open().filter(lead__in=ids).values_list("lead_id", flat=True))
        wanted = [
            lead
            for lead in leads
            if lead.pk not in busy
            and (lead.owner_id or lead.team_id)
            and not lead.erased_at
            and not lead.merged_into_id
        ]
        situations = guarding.gather(wanted, now=now)
        wanted = [lead for lead in wanted if not situations[lead.pk].suppressed]
        plans = Plans()
        rows = []
        for lead in wanted:
            cadence = plans.default_for(lead)
            rows.append(
                Pursuit(
                    lead=lead,
                    cadence=cadence,
                    started_at=now,
                    started_by=by,
                    temperature_at_start=lead.temperature,
                    target=cadence.target,
                )
            )
        pursuits = Pursuit.objects.bulk_create(rows)
        if follow_up:
            _place_next(list(zip(wanted, pursuits, strict=True)), situations, plans, now=now)
    return pursuits


def _place_next(
    pairs: Sequence[tuple[Lead, Pursuit]],
    situations: dict[int, guarding.Situation],
    plans: Plans,
    *,
    now: datetime,
    why: str = "",
) -> None:
    """Place the attempt each pursuit stands at by its plan; where nothing can be placed, say what a person must do."""
    placements = []
    for lead, pursuit in pairs:
        situation = situations[lead.pk]
        missing = situation.missing()
        if missing is not None:
            ask(lead, *missing, now=now)
            continue
        slot = next_slot(
            plans.plans[pursuit.cadence_id],
            pursuit.step,
            pursuit.attempt,
            situation.history,
            situation.place,
            after=now,
            now=now,
            earliest=situation.earliest,
        )
        if isinstance(slot, Declined):
            ask(lead, Task.Kind.LOOK_INTO, slot.reason, now=now)
        else:
            placements.append((lead, pursuit, from_slot(slot, pursuit.step)))
    place(placements, now=now, why=why)


def go_on(leads: Sequence[Lead], *, now: datetime) -> None:
    """Place the attempt each lead's open pursuit stands at, after one that nobody logged."""
    open_ones = {row.lead_id: row for row in Pursuit.objects.open().filter(lead__in=leads, reached_at=None)}
    pairs = []
    for lead in leads:
        pursuit = open_ones.get(lead.pk)
        if pursuit is None:
            continue
        if pursuit.attempt > pursuit.target:
            end(pursuit, Pursuit.EndReason.EXHAUSTED, by=None, now=now)
        else:
            pairs.append((lead, pursuit))
    if pairs:
        _place_next(pairs, guarding.gather([lead for lead, _p in pairs], now=now), Plans(), now=now)


def end(pursuit: Pursuit, reason: str, *, by: AbstractUser | None, now: datetime, note: str = "") -> None:
    """End a pursuit for exactly one reason; its follow-up is cancelled."""
    pursuit.ended_at, pursuit.end_reason, pursuit.ended_by, pursuit.end_note = now, reason, by, note[:300]
    pursuit.save(update_fields=["ended_at", "end_reason", "ended_by", "end_note"])
    close([pursuit.lead_id], FollowUp.Closed.CANCELLED, now=now, why=reason)


def end_many(
    pursuits: Sequence[Pursuit], reason: str, *, by: AbstractUser | None, now: datetime, note: str = ""
) -> int:
    """`end` for any number of pursuits in two statements; returns how many were open until now."""
    with transaction.atomic():
        ended = (
            Pursuit.objects.open()
            .filter(pk__in=[pursuit.pk for pursuit in pursuits])
            .update(ended_at=now, end_reason=reason, ended_by=by, end_note=note[:300])
        )
        close(
            [pursuit.lead_id for pursuit in pursuits], FollowUp.Closed.CANCELLED, now=now, why=reason
        )
    return ended


def start_waiting(*, now: datetime) -> int:
    """Start pursuits for leads that wait in a pool or with an owner, as many as the coming days can carry.

    Warm leads first, then by fit and expected value. Returns how many were started.
    """
    started = 0
    for keeper, room in _room(now=now).items():
        if room <= 0:
            continue
        field, pk = keeper
        waiting = Lead.objects.live().filter(
            Q(owner=pk) if field == "owner" else Q(owner=None, team=pk),
            ~Q(pursuits__isnull=False),
            stage__in=[Lead.Stage.NEW, Lead.Stage.ATTEMPTED],
        )
        waiting = waiting.exclude(tasks__done_at=None, tasks__isnull=False)
        best = list(
            waiting.order_by("-temperature", "-warm_until", "-fit", "-value", "pk")[: min(room, CHUNK)]
        )
        if best:
            started += len(start(best, by=None, now=now))
    _note("start_pursuits", now=now, looked_at=started, changed=started)
    return started


def room_for(lead: Lead, *, now: datetime) -> int:
    """How many more pursuits the lead's owner or pool can start now."""
    keeper = ("owner", lead.owner_id) if lead.owner_id else ("team", lead.team_id)
    return _room(now=now).get(keeper, 0)


def within_room(leads: Iterable[Lead], *, now: datetime) -> list[Lead]:
    """Those of these leads, in their order, whose owner or pool can start one more pursuit now."""
    room = _room(now=now)
    chosen = []
    for lead in leads:
        keeper = ("owner", lead.owner_id) if lead.owner_id else ("team", lead.team_id)
        if room.get(keeper, 0) > 0:
            room[keeper] -= 1
            chosen.append(lead)
    return chosen


def _room(*, now: datetime) -> dict[tuple[str, int], int]:
    """Starts allowed now per owner and per pool: capacity of the coming days less what is due in them."""
    users = list(get_user_model().objects.filter(is_active=True).values("pk", "team_id", "dials_a_day"))
    due: dict[tuple[str, int], Counter[int]] = defaultdict(Counter)
    open_ones = FollowUp.objects.open().filter(due_at__lt=now + timedelta(days=CAPACITY_DAYS))
    for index in range(CAPACITY_DAYS):
        until = now + timedelta(days=index + 1)
        span = (
            Q(due_at__lt=until) if index == 0 else Q(due_at__gte=until - timedelta(days=1), due_at__lt=until)
        )
        for row in open_ones.filter(span).values("assignee_id", "team_id").annotate(n=Count("pk")):
            keeper = ("owner", row["assignee_id"]) if row["assignee_id"] else ("team", row["team_id"])
            due[keeper][index] += row["n"]
    room = {
        ("owner", user["pk"]): starts_allowed(
            user["dials_a_day"],
            [due["owner", user["pk"]][day] for day in range(CAPACITY_DAYS)],
            CAPACITY_DAYS,
        )
        for user in users
    }
    by_team: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for user in users:
        if user["team_id"]:
            by_team[user["team_id"]].append(user)
    for team, members in by_team.items():
        keepers = [("team", team), *(("owner", user["pk"]) for user in members)]
        load = [sum(due[keeper][day] for keeper in keepers) for day in range(CAPACITY_DAYS)]
        room["team", team] = starts_allowed(sum(user["dials_a_day"] for user in members), load, CAPACITY_DAYS)
    return room


# --- what temperature and hand-raises do to a pursuit ----------------------------------------------------------


def follow_temperature(moved: Sequence[Lead], *, promoted: set[int], cooled: set[int], now: datetime) -> None:
    """Let the open follow-ups follow their leads' temperature.

    A promotion takes the warm plan from step 1, keeps the attempt count and moves the follow-up up (at most one
    re-sprint per 30 days); otherwise only the rank follows. What was agreed with the lead stays where it is.
    """
    by_id = {lead.pk: lead for lead in moved}
    rows = FollowUp.objects.open().filter(lead__in=by_id).select_related("pursuit")
    follow_ups = {row.lead_id: row for row in rows}
    again = [by_id[pk] for pk in promoted if pk in follow_ups and _may_resprint(follow_ups[pk], now=now)]
    if again:
        _resprint(again, follow_ups, now=now)
    rest = [
        row for pk, row in follow_ups.items() if by_id[pk] not in again and row.rank in (Rank.WARM, Rank.COLD)
    ]
    for row in rest:
        row.rank, row.rank_value = rank_of(by_id[row.lead_id], rank=None, agreed_at=None, now=now)
    FollowUp.objects.bulk_update(rest, ["rank", "rank_value"])
    fresh = [by_id[pk] for pk in promoted if pk not in follow_ups]
    start_if_room(fresh, by=None, now=now)


def _may_resprint(follow_up: FollowUp, *, now: datetime) -> bool:
    pursuit = follow_up.pursuit
    if pursuit is None or pursuit.reached_at or follow_up.agreed_at or follow_up.rank <= Rank.PROMISE:
        return False
    if follow_up.lease_until is not None and follow_up.lease_until > now:
        return False
    return pursuit.resprinted_at is None or now - pursuit.resprinted_at >= RESPRINT_AT_MOST_EVERY


def _resprint(leads: list[Lead], follow_ups: dict[int, FollowUp], *, now: datetime) -> None:
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
    situations = guarding.gather(leads, now=now)
    _place_next(pairs, situations, plans, now=now, why=gettext("turned warm"))


def start_if_room(leads: Sequence[Lead], *, by: AbstractUser | None, now: datetime) -> list[Pursuit]:
    """Start pursuits for leads that were never pursued, as far as capacity allows; warmest first."""
    waiting = [lead for lead in leads if lead.owner_id or lead.team_id]
    if not waiting:
        return []
    waiting.sort(key=lambda lead: (lead.warm_until is None, -(lead.warm_until or now).timestamp()))
    ended = set(Pursuit.objects.filter(lead__in=waiting).values_list("lead_id", flat=True))
    room = _room(now=now)
    chosen = []
    for lead in waiting:
        keeper = ("owner", lead.owner_id) if lead.owner_id else ("team", lead.team_id)
        if lead.pk not in ended and room.get(keeper, 0) > 0:
            room[keeper] -= 1
            chosen.append(lead)
    return start(chosen, by=by, now=now)


def raise_hands(touchpoints: Sequence[Touchpoint], leads: dict[int, Lead], *, now: datetime) -> None:
    """Leads that asked to be contacted go to the head of their owner's queue, at once or in the next permitted minute.

    The speed-to-lead clock starts and the enquiry is recorded with the touchpoint as evidence. Historical ones,
    those older than a day and calls that one of us took already do none of it.
    """
    fresh = [
        touchpoint
        for touchpoint in touchpoints
        if not touchpoint.historical
        and touchpoint.by_user_id is None
        and now - touchpoint.occurred_at < HAND_RAISE_FRESH_FOR
    ]
    known = set(HandRaise.objects.filter(touchpoint__in=fresh).values_list("touchpoint_id", flat=True))
    fresh = [touchpoint for touchpoint in fresh if touchpoint.pk not in known]
    if not fresh:
        return
    HandRaise.objects.bulk_create(
        HandRaise(lead_id=touchpoint.lead_id, touchpoint=touchpoint, raised_at=touchpoint.occurred_at)
        for touchpoint in fresh
    )
    Consent.objects.bulk_create(_enquiry(touchpoint, now=now) for touchpoint in fresh)
    raised = {touchpoint.lead_id: leads[touchpoint.lead_id] for touchpoint in fresh}
    _give_to_default_pool([lead for lead in raised.values() if not lead.owner_id and not lead.team_id])
    open_ones = {pursuit.lead_id: pursuit for pursuit in Pursuit.objects.open().filter(lead__in=raised)}
    missing = [lead for pk, lead in raised.items() if pk not in open_ones]
    open_ones.update(
        {pursuit.lead_id: pursuit for pursuit in start(missing, by=None, now=now, follow_up=False)}
    )
    situations = guarding.gather(list(raised.values()), now=now)
    plans = Plans()
    placements = []
    for pk, pursuit in open_ones.items():
        lead, situation = raised[pk], situations[pk]
        wanting = situation.missing()
        if wanting is not None:
            ask(lead, *wanting, now=now)
            continue
        context = Context(
            plan=plans.plans[pursuit.cadence_id],
            step=max(pursuit.step - 1, 0),
            attempt=max(pursuit.attempt - 1, 0),
            history=situation.history,
            place=situation.place,
            reached=False,
            earliest=situation.law_earliest,
        )
        placed = hand_raise(context, now=now)
        if isinstance(placed, Declined):
            ask(lead, Task.Kind.ANSWER, placed.reason, now=now)
        else:
            placements.append((lead, pursuit, from_placement(placed)))
    place(placements, now=now, why=gettext("asked to be contacted"))


def _enquiry(touchpoint: Touchpoint, *, now: datetime) -> Consent:
    return Consent(
        lead_id=touchpoint.lead_id,
        kind=Consent.Kind.ENQUIRY,
        channel=Consent.Channel.CALL,
        starts_at=touchpoint.occurred_at,
        ends_at=touchpoint.occurred_at + ENQUIRY_HOLDS_FOR,
        evidence=f"touchpoint {touchpoint.pk}: {touchpoint.kind_id}, {touchpoint.occurred_at.isoformat()}, "
        f"{touchpoint.source or '–'}",
        recorded_at=now,
        recorded_by_id=touchpoint.recorded_by_id,
    )


def _give_to_default_pool(leads: list[Lead]) -> None:
    """A hand-raise that belongs to nobody must not wait for somebody to assign it."""
    if not leads:
        return
    pool = Lead._meta.get_field("team").related_model.objects.filter(is_default=True).first()
    if pool is None:
        return
    for lead in leads:
        lead.team = pool
    Lead.objects.bulk_update(leads, ["team"])


# --- sweeps --------------------------------------------------------------------------------------------------


def tend_follow_ups(*, now: datetime) -> int:
    """Look after follow-ups whose window has closed: a missed callback is a broken promise and moves to the next
    permitted day; everything else stays due in the next permitted window. Each row looked at is moved on.
    """
    looked_at = 0
    while rows := list(
        FollowUp.objects.open()
        .filter(Q(lease_until=None) | Q(lease_until__lte=now), window_end__lte=now)
        .select_related("lead", "pursuit")
        .order_by("window_end")[:CHUNK]
    ):
        with transaction.atomic():
            _tend(rows, now=now)
        looked_at += len(rows)
    _note("tend_follow_ups", now=now, looked_at=looked_at, changed=looked_at)
    return looked_at


def _tend(rows: list[FollowUp], *, now: datetime) -> None:
    situations = guarding.gather([row.lead for row in rows], now=now)
    broken = []
    for row in rows:
        situation = situations[row.lead_id]
        window = situation.next_window(now=now)
        if row.rank == Rank.CALLBACK and row.agreed_at is not None:
            if situation.local_date(row.agreed_at) < situation.local_date(now):
                broken.append(row)
                row.rank = Rank.PROMISE
                row.reason = gettext("callback missed; %(reason)s") % {"reason": row.reason}
                row.reason = row.reason[:300]
            else:
                # It heads the queue for the rest of the agreed day.
                row.window_end = max(situation.end_of_day(row.agreed_at), now + timedelta(minutes=1))
                continue
        if window is None:
            row.window_end = now + timedelta(days=1)
        else:
            row.due_at, row.window_end = (
                (max(window[0], row.due_at) if window[0] > now else row.due_at),
                window[1],
            )
        row.window_end = max(row.window_end, row.due_at + timedelta(minutes=1))
    FollowUp.objects.bulk_update(rows, ["due_at", "window_end", "rank", "reason"])
    Promise.objects.filter(
        lead__in=[row.lead_id for row in broken],
        kept_at=None,
        broken_at=None,
        cancelled_at=None,
        due_at__lte=now,
    ).update(broken_at=now)


def _note(name: str, *, now: datetime, looked_at: int, changed: int) -> None:
    SweepRun.objects.update_or_create(
        name=name,
        defaults={
            "started_at": now,
            "finished_at": now,
            "looked_at": looked_at,
            "changed": changed,
            "error": "",
        },
    )
