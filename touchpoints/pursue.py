"""How does a pursuit start, go on and end? The one door for pursuits and for a lead's single next follow-up."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import structlog
from django.contrib.auth import get_user_model
from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Count, Exists, OuterRef, Q
from django.utils.translation import gettext

from leads.models import Consent, Lead

from . import assign, guarding, stage
from .cadence import Declined, Plan, Slot, add_business_days, next_slot, slot_from, slot_in_words
from .capacity import starts_allowed
from .models import (
    Cadence,
    CallAttempt,
    FollowUp,
    HandRaise,
    Promise,
    Pursuit,
    Task,
    Touchpoint,
)
from .next_step import Context, Placement, hand_raise
from .sweeps import noted

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from django.contrib.auth.models import AbstractUser

log = structlog.get_logger(__name__)

CHUNK = 500
HAND_RAISE_FRESH_FOR = timedelta(hours=24)
RESPRINT_AT_MOST_EVERY = timedelta(days=30)
CAPACITY_DAYS = 5
# More promotions than this at once are no news of single leads but a mailing, an import or a change of rules.
MASS = 20
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

    def of(self, pursuit: Pursuit) -> Plan:
        """The plan a pursuit follows, with the target it was promised: a change of plans does not cut that short."""
        return replace(self.plans[pursuit.cadence_id], target=pursuit.target)

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

    Callbacks go by the agreed time, promises oldest first, hand-raises freshest first. Warm leads go by warmth × fit:
    as warmth halves every half-life for all of them alike, its order is that of `warm_until` plus one half-life per
    doubling of fit, which no passing of time changes. Cold leads go by expected value × fit.
    """
    if rank == Rank.CALLBACK and agreed_at is not None:
        return rank, -agreed_at.timestamp()
    if rank == Rank.PROMISE:
        return rank, -(agreed_at or now).timestamp()
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
    with transaction.atomic():
        close([row.lead_id for row in rows], FollowUp.Closed.REPLACED, now=now, why=why)
        return FollowUp.objects.bulk_create(rows)


def close(lead_ids: Collection[int], closed_as: str, *, now: datetime, why: str = "") -> int:
    """Close the open follow-ups of these leads, with what became of them."""
    return (
        FollowUp.objects.open()
        .filter(lead__in=lead_ids)
        .update(closed_at=now, closed_as=closed_as, closed_why=why[:200], lease_by=None, lease_until=None)
    )


def ask(lead: Lead, kind: str, reason: str, *, now: datetime) -> Task | None:
    """Put a task where no call can be placed; returns it, None where the same task is open already."""
    made, created = Task.objects.get_or_create(
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
    return made if created else None


def ask_all(questions: Sequence[tuple[Lead, str, str]], *, now: datetime) -> None:
    """`ask` for any number of (lead, kind, reason), in one statement."""
    Task.objects.bulk_create(
        (
            Task(
                lead=lead,
                kind=kind,
                reason=reason[:300],
                assignee_id=lead.owner_id,
                team_id=lead.team_id,
                created_at=now,
            )
            for lead, kind, reason in questions
        ),
        ignore_conflicts=True,
    )


# --- starting and ending -------------------------------------------------------------------------------------


def start(
    leads: Sequence[Lead],
    *,
    by: AbstractUser | None,
    now: datetime,
    follow_up: bool = True,
    fresh: bool = False,
) -> list[Pursuit]:
    """Start a pursuit for each of these leads that has an owner or a pool, none open, and may be called at all.

    Capacity is the caller's matter. With `follow_up` the first attempt is placed, or a task where none can be, and
    existing customers are left out: their account owner calls. A lost lead comes back by its new pursuit. `fresh`:
    they turned warm just now (see `_place_next`).
    """
    ids = [lead.pk for lead in leads]
    with transaction.atomic():
        # Two starters of one lead wait for each other here; the second finds the pursuit of the first.
        list(Lead.objects.select_for_update().filter(pk__in=ids).order_by("pk").values_list("pk", flat=True))
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
        wanted = [
            lead
            for lead in wanted
            if not situations[lead.pk].suppressed and not (follow_up and situations[lead.pk].is_customer)
        ]
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
        stage.reopen(wanted, by=by, now=now)
        if follow_up:
            pairs = list(zip(wanted, pursuits, strict=True))
            _place_next(pairs, situations, plans, now=now, fresh=fresh)
    return pursuits


def _place_next(
    pairs: Sequence[tuple[Lead, Pursuit]],
    situations: dict[int, guarding.Situation],
    plans: Plans,
    *,
    now: datetime,
    why: str = "",
    fresh: bool = False,
) -> None:
    """Place the call each pursuit stands at; where nothing can be placed, say what a person must do.

    `fresh` evidence is called on while it is warm: at once where the guard leaves a window open, weekend or not.
    """
    placements, questions = [], []
    for lead, pursuit in pairs:
        missing = situations[lead.pk].missing()
        found = (
            Declined("no_window", "") if missing else _next_of(pursuit, situations[lead.pk], plans, now=now)
        )
        if fresh and not isinstance(found, Declined):
            found = _at_once(found, situations[lead.pk], now=now)
        if missing is not None:
            questions.append((lead, *missing))
        elif isinstance(found, Declined):
            questions.append((lead, Task.Kind.LOOK_INTO, found.reason))
        else:
            placements.append((lead, pursuit, found))
    ask_all(questions, now=now)
    place(placements, now=now, why=why)


def _next_of(
    pursuit: Pursuit, situation: guarding.Situation, plans: Plans, *, now: datetime
) -> Placed | Declined:
    """Before the reach the plan's next attempt; after it a call on the next business day."""
    place, history = situation.place, situation.history
    if pursuit.reached_at is None:
        slot = next_slot(
            plans.of(pursuit),
            pursuit.step,
            pursuit.attempt,
            history,
            place,
            after=now,
            now=now,
            earliest=situation.earliest,
        )
        return slot if isinstance(slot, Declined) else from_slot(slot, pursuit.step)
    day = add_business_days(place.local_date(now), 1, place)
    found = slot_from(day, history, place, now=max(now, situation.earliest or now))
    if isinstance(found, Declined):
        return found
    words = slot_in_words(found.window, found.cell, history, place)
    return Placed(
        pursuit.attempt,
        pursuit.step,
        "call",
        *found.window,
        found.cell[1],
        gettext("follow-up call: %(slot)s") % {"slot": words},
    )


def _at_once(placed: Placed, situation: guarding.Situation, *, now: datetime) -> Placed:
    """The same call, moved to now where one is permitted now; an unworked one stays due, so that nothing is lost."""
    window = situation.next_window(now=now)
    if placed.due_at <= now or window is None or window[0] > now or situation.earliest is not None:
        return placed
    reason = gettext("turned warm: call now; planned was %(plan)s") % {"plan": placed.reason}
    return replace(placed, due_at=now, window_end=window[1], reason=reason[:300])


def go_on(leads: Sequence[Lead], *, now: datetime) -> None:
    """Place the attempt each lead's open pursuit stands at, after one that nobody logged."""
    by_id = {lead.pk: lead for lead in leads}
    with transaction.atomic():
        open_ones = list(Pursuit.objects.open().filter(lead__in=by_id, reached_at=None))
        _go_on([(by_id[pursuit.lead_id], pursuit) for pursuit in open_ones], now=now)


def resume_stalled(*, now: datetime) -> int:
    """Go on with pursuits that wait for nothing any more: the task that held them up is done. Returns how many."""
    of_lead = {"lead": OuterRef("lead")}
    stalled = list(
        Pursuit.objects.open()
        .filter(
            ~Exists(FollowUp.objects.open().filter(**of_lead)),
            ~Exists(Task.objects.filter(**of_lead, done_at=None)),
            ~Exists(CallAttempt.objects.open().filter(**of_lead)),
            Q(lead__owner__isnull=False) | Q(lead__team__isnull=False),
            lead__merged_into=None,
            lead__erased_at=None,
        )
        .select_related("lead")
        .order_by("pk")[:CHUNK]
    )
    with transaction.atomic():
        _go_on([(pursuit.lead, pursuit) for pursuit in stalled], now=now)
    return len(stalled)


def _go_on(pairs: Sequence[tuple[Lead, Pursuit]], *, now: datetime) -> None:
    going = []
    for lead, pursuit in pairs:
        if pursuit.reached_at is None and pursuit.attempt > pursuit.target:
            end(pursuit, Pursuit.EndReason.EXHAUSTED, by=None, now=now)
        else:
            going.append((lead, pursuit))
    if going:
        _place_next(going, guarding.gather([lead for lead, _p in going], now=now), Plans(), now=now)


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
        close([pursuit.lead_id for pursuit in pursuits], FollowUp.Closed.CANCELLED, now=now, why=reason)
    return ended


def start_waiting(*, now: datetime) -> int:
    """Start pursuits for leads that wait in a pool or with an owner, as many as the coming days can carry.

    Warm leads first, then by fit and expected value. Pursuits that stalled go on first. Returns how many were started.
    """
    with noted("start_pursuits", now=now) as run:
        run.looked_at = run.changed = resume_stalled(now=now) + _start_best(now=now)
    return run.changed


def _start_best(*, now: datetime) -> int:
    started = 0
    room = _Room(now=now)
    for keeper in room.keepers:
        left = room.left(keeper)
        if left <= 0:
            continue
        field, pk = keeper
        waiting = Lead.objects.live().filter(
            Q(owner=pk) if field == "owner" else Q(owner=None, team=pk),
            ~Exists(Pursuit.objects.filter(lead=OuterRef("pk"))),
            ~Exists(Task.objects.filter(lead=OuterRef("pk"), done_at=None)),
            stage__in=[Lead.Stage.NEW, Lead.Stage.ATTEMPTED],
        )
        best = list(
            waiting.order_by("-temperature", "-warm_until", "-fit", "-value", "pk")[: min(left, CHUNK)]
        )
        if best:
            begun = len(start(best, by=None, now=now))
            room.take(keeper, begun)
            started += begun
    return started


def room_for(lead: Lead, *, now: datetime) -> int:
    """How many more pursuits the lead's owner or pool can start now."""
    return _Room(now=now).left(_keeper(lead))


Keeper = tuple[str, int]


def _keeper(lead: Lead) -> Keeper:
    return ("owner", lead.owner_id) if lead.owner_id else ("team", lead.team_id or 0)


class _Room:
    """Starts allowed now per owner and per pool: capacity of the coming days less what is due in them.

    A pool is worked by its team's reps, so that what an owner starts is gone from their pool's room too.
    """

    def __init__(self, *, now: datetime) -> None:
        days = range(CAPACITY_DAYS)
        users = list(get_user_model().objects.filter(is_active=True).values("pk", "team_id", "dials_a_day"))
        self._team_of = {user["pk"]: user["team_id"] for user in users}
        due, away = _due_by_keeper(now=now), _away(now=now)
        dials = {
            user["pk"]: [0 if (user["pk"], day) in away else user["dials_a_day"] for day in days]
            for user in users
        }
        self._left: dict[Keeper, int] = {
            ("owner", pk): starts_allowed(mine, [due["owner", pk][day] for day in days], CAPACITY_DAYS)
            for pk, mine in dials.items()
        }
        members: dict[int, list[int]] = defaultdict(list)
        for pk, team in self._team_of.items():
            if team:
                members[team].append(pk)
        for team, reps in members.items():
            keepers: list[Keeper] = [("team", team), *(("owner", pk) for pk in reps)]
            self._left["team", team] = starts_allowed(
                [sum(dials[pk][day] for pk in reps) for day in days],
                [sum(due[keeper][day] for keeper in keepers) for day in days],
                CAPACITY_DAYS,
            )

    @property
    def keepers(self) -> list[Keeper]:
        """Owners before pools."""
        return sorted(self._left)

    def left(self, keeper: Keeper) -> int:
        return self._left.get(keeper, 0)

    def take(self, keeper: Keeper, count: int = 1) -> None:
        self._left[keeper] = self.left(keeper) - count
        team = self._team_of.get(keeper[1]) if keeper[0] == "owner" else None
        if team:
            self._left["team", team] = self.left(("team", team)) - count


def _due_by_keeper(*, now: datetime) -> dict[Keeper, Counter[int]]:
    """Follow-ups due per keeper and day from now, what is overdue with the first."""
    due: dict[Keeper, Counter[int]] = defaultdict(Counter)
    open_ones = FollowUp.objects.open().filter(due_at__lt=now + timedelta(days=CAPACITY_DAYS))
    for index in range(CAPACITY_DAYS):
        until = now + timedelta(days=index + 1)
        span = (
            Q(due_at__lt=until) if index == 0 else Q(due_at__gte=until - timedelta(days=1), due_at__lt=until)
        )
        for row in open_ones.filter(span).values("assignee_id", "team_id").annotate(n=Count("pk")):
            keeper = ("owner", row["assignee_id"]) if row["assignee_id"] else ("team", row["team_id"])
            due[keeper][index] += row["n"]
    return due


def _away(*, now: datetime) -> set[tuple[int, int]]:
    """(user id, days from now) on which a user is absent."""
    first, last = now.date(), (now + timedelta(days=CAPACITY_DAYS - 1)).date()
    rows = (
        get_user_model()
        .objects.filter(absences__starts_on__lte=last, absences__ends_on__gte=first)
        .values_list("pk", "absences__starts_on", "absences__ends_on")
    )
    return {
        (pk, index)
        for pk, starts_on, ends_on in rows
        for index in range(CAPACITY_DAYS)
        if starts_on <= first + timedelta(days=index) <= ends_on
    }


# --- what temperature and hand-raises do to a pursuit ----------------------------------------------------------


def follow_temperature(
    moved: Sequence[Lead],
    *,
    promoted: set[int],
    now: datetime,
    sprint: bool = True,
    within_capacity: bool = False,
) -> None:
    """Let the open follow-ups follow their leads' temperature.

    A promotion takes the warm plan from step 1, keeps the attempt count and moves the follow-up up (at most one
    re-sprint per 30 days); otherwise only the rank follows. What was agreed with the lead stays where it is, and so
    does what a rep has in hand. Without `sprint` no promotion does more than that. Where many warm at once, or
    `within_capacity` is asked for, only as many re-sprint as their owners and pools can carry, warmest first.
    """
    by_id = {lead.pk: lead for lead in moved}
    rows = FollowUp.objects.open().filter(lead__in=by_id).select_related("pursuit")
    follow_ups = {row.lead_id: row for row in rows}
    again = {
        pk
        for pk in promoted
        if sprint and pk in follow_ups and _may_resprint(follow_ups[pk].pursuit, now=now)
    }
    if within_capacity or len(promoted) > MASS:
        again = {
            lead.pk for lead in within_room(_warmest_first([by_id[pk] for pk in again], now=now), now=now)
        }
    movable = {pk for pk in again if not _stays(follow_ups[pk], now=now)}
    if again:
        _resprint([by_id[pk] for pk in sorted(again)], follow_ups, movable=movable, now=now)
    rest = [row for pk, row in follow_ups.items() if pk not in movable and row.rank in (Rank.WARM, Rank.COLD)]
    for row in rest:
        row.rank, row.rank_value = rank_of(by_id[row.lead_id], rank=None, agreed_at=None, now=now)
    FollowUp.objects.bulk_update(rest, ["rank", "rank_value"])
    if sprint:
        new = [by_id[pk] for pk in sorted(promoted) if pk not in follow_ups]
        start_if_room(new, by=None, now=now, fresh=True)


def _may_resprint(pursuit: Pursuit | None, *, now: datetime) -> bool:
    if pursuit is None or pursuit.ended_at or pursuit.reached_at:
        return False
    return pursuit.resprinted_at is None or now - pursuit.resprinted_at >= RESPRINT_AT_MOST_EVERY


def _stays(follow_up: FollowUp, *, now: datetime) -> bool:
    """Whether a follow-up must not be moved: agreed with the lead, or on somebody's screen."""
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
    _place_next(moving, situations, plans, now=now, why=gettext("turned warm"), fresh=True)


def start_if_room(
    leads: Sequence[Lead], *, by: AbstractUser | None, now: datetime, fresh: bool = False
) -> list[Pursuit]:
    """Start pursuits for leads that were never pursued, as far as capacity allows; warmest first.

    `fresh`: because they turned warm just now.
    """
    waiting = [lead for lead in leads if lead.owner_id or lead.team_id]
    if not waiting:
        return []
    waiting = _warmest_first(waiting, now=now)
    ended = set(Pursuit.objects.filter(lead__in=waiting).values_list("lead_id", flat=True))
    chosen = within_room([lead for lead in waiting if lead.pk not in ended], now=now)
    return start(chosen, by=by, now=now, fresh=fresh)


def _warmest_first(leads: Sequence[Lead], *, now: datetime) -> list[Lead]:
    return sorted(
        leads, key=lambda lead: (lead.warm_until is None, -(lead.warm_until or now).timestamp(), lead.pk)
    )


def within_room(leads: Sequence[Lead], *, now: datetime) -> list[Lead]:
    """Those of these leads, first come first served, whose owners and pools can carry one more pursuit."""
    if not leads:
        return []
    room = _Room(now=now)
    chosen = []
    for lead in leads:
        keeper = _keeper(lead)
        if room.left(keeper) > 0:
            room.take(keeper)
            chosen.append(lead)
    return chosen


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
    _give_to_default_pool(
        [lead for lead in raised.values() if not lead.owner_id and not lead.team_id], now=now
    )
    open_ones = {pursuit.lead_id: pursuit for pursuit in Pursuit.objects.open().filter(lead__in=raised)}
    missing = [lead for pk, lead in raised.items() if pk not in open_ones]
    open_ones.update(
        {pursuit.lead_id: pursuit for pursuit in start(missing, by=None, now=now, follow_up=False)}
    )
    situations = guarding.gather(list(raised.values()), now=now)
    plans = Plans()
    placements, questions = [], []
    for pk, pursuit in open_ones.items():
        lead, situation = raised[pk], situations[pk]
        wanting = situation.missing()
        if wanting is not None:
            questions.append((lead, *wanting))
            continue
        context = Context(
            plan=plans.of(pursuit),
            step=max(pursuit.step - 1, 0),
            attempt=max(pursuit.attempt - 1, 0),
            history=situation.history,
            place=situation.place,
            reached=False,
            earliest=situation.law_earliest,
        )
        placed = hand_raise(context, now=now)
        if isinstance(placed, Declined):
            questions.append((lead, Task.Kind.ANSWER, placed.reason))
        else:
            placements.append((lead, pursuit, from_placement(placed)))
    ask_all(questions, now=now)
    _place_in_hand(placements, now=now)


def _place_in_hand(placements: Sequence[tuple[Lead, Pursuit | None, Placed]], *, now: datetime) -> None:
    """Place hand-raises; who has the lead on the screen or on the phone keeps it: nobody else must ring it now."""
    ids = [lead.pk for lead, _pursuit, _placed in placements]
    held = {row.lead_id: row for row in FollowUp.objects.open().filter(lead__in=ids, lease_until__gt=now)}
    calls = {call.lead_id: call for call in CallAttempt.objects.open().outbound().filter(lead__in=ids)}
    rows = {row.lead_id: row for row in place(placements, now=now, why=gettext("asked to be contacted"))}
    for lead, before in held.items():
        rows[lead].lease_by_id, rows[lead].lease_until = before.lease_by_id, before.lease_until
    FollowUp.objects.bulk_update([rows[lead] for lead in held], ["lease_by", "lease_until"])
    for lead, call in calls.items():
        call.follow_up = rows[lead]
    CallAttempt.objects.bulk_update(calls.values(), ["follow_up"])


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


def _give_to_default_pool(leads: list[Lead], *, now: datetime) -> None:
    """A hand-raise that belongs to nobody must not wait for somebody to assign it."""
    pool = (
        Lead._meta.get_field("team").related_model.objects.filter(is_default=True).first() if leads else None
    )
    if pool is not None:
        assign.assign(leads, team=pool, by=None, now=now)


# --- sweeps --------------------------------------------------------------------------------------------------


def tend_follow_ups(*, now: datetime) -> int:
    """Look after follow-ups whose window has closed: a missed callback is a broken promise and moves to the next
    permitted day; everything else stays due in the next permitted window. Each row looked at is moved on.
    """
    with noted("tend_follow_ups", now=now) as run:
        while rows := list(
            FollowUp.objects.open()
            .filter(Q(lease_until=None) | Q(lease_until__lte=now), window_end__lte=now)
            .select_related("lead", "pursuit")
            .order_by("window_end")[:CHUNK]
        ):
            _tend_or_isolate(rows, now=now)
            run.looked_at += len(rows)
            run.changed += len(rows)
    return run.looked_at


def _tend_or_isolate(rows: list[FollowUp], *, now: datetime) -> None:
    """Tend the rows; where that fails each by itself, and one that fails alone is looked at again tomorrow."""
    try:
        with transaction.atomic():
            _tend(rows, now=now)
        return
    except (OperationalError, InterfaceError):
        raise  # the database is away: no row is to blame
    except Exception:
        log.exception("tending_failed", follow_ups=len(rows))
    if len(rows) > 1:
        for row in FollowUp.objects.filter(pk__in=[row.pk for row in rows]).select_related("lead", "pursuit"):
            _tend_or_isolate([row], now=now)
    else:
        FollowUp.objects.filter(pk=rows[0].pk).update(window_end=max(now, rows[0].due_at) + timedelta(days=1))


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
