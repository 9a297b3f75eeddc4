"""How does a pursuit start, go on and end? The one door for pursuits.

What a pursuit places next is in `next_attempt`, the follow-ups themselves in `follow_ups`.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from leads import plain_sql
from leads.models import Lead

from . import customers, guarding, stage
from .follow_ups import close
from .models import CallAttempt, FollowUp, Pursuit, Task
from .next_attempt import place_next, place_warmed
from .plans import Plans

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from django.contrib.auth.models import AbstractUser

    from .models import Cadence
    from .situation import Situation

CHUNK = 500
# Why a pursuit may be given up before its target.
GIVE_UP_REASONS = (
    ("no fit", _("does not fit what we sell")),
    ("bad timing", _("bad timing for them")),
    ("bad data", _("what we know of them is wrong")),
    ("duplicate", _("somebody else pursues them")),
    ("no answer", _("never answers")),
    ("other leads first", _("other leads come first")),
)


def start(leads: Sequence[Lead], *, by: AbstractUser | None, now: datetime) -> list[Pursuit]:
    """Start a pursuit for each of these leads that has an owner or a pool, none open, and may be called at all.

    The first attempt is placed, or a task where none can be. Existing customers are left out: their account owner
    calls. A lost lead comes back by its new pursuit. Capacity is the caller's matter.
    """
    with transaction.atomic():
        opened = _Opening(leads, now=now).without_customers().open(by=by)
        place_next(opened.pairs, opened.situations, opened.plans, now=now)
    return opened.pursuits


def start_warmed(leads: Sequence[Lead], *, by: AbstractUser | None, now: datetime) -> list[Pursuit]:
    """`start` for leads that turned warm just now: they are called on at once where the guard allows it."""
    with transaction.atomic():
        opened = _Opening(leads, now=now).without_customers().open(by=by)
        place_warmed(opened.pairs, opened.situations, opened.plans, now=now)
    return opened.pursuits


def begin(leads: Sequence[Lead], *, by: AbstractUser | None, now: datetime) -> list[Pursuit]:
    """Open pursuits as `start` does, customers included, and place nothing: the caller calls, or places the call."""
    with transaction.atomic():
        return _Opening(leads, now=now).open(by=by).pursuits


class _Opening:
    """Pursuits being opened: for whom they may be, with what was read to decide it."""

    def __init__(self, leads: Sequence[Lead], *, now: datetime) -> None:
        self.now = now
        self.pursuits: list[Pursuit] = []
        self.situations: dict[int, Situation] = {}
        ids = [lead.pk for lead in leads]
        # Two starters of one lead wait for each other here; the second finds the pursuit of the first.
        list(Lead.objects.select_for_update().filter(pk__in=ids).order_by("pk").values_list("pk", flat=True))
        busy = set(Pursuit.objects.open().filter(lead__in=ids).values_list("lead_id", flat=True))
        self.leads = [
            lead
            for lead in leads
            if lead.pk not in busy
            and (lead.owner_id or lead.team_id)
            and not lead.erased_at
            and not lead.merged_into_id
        ]
        if self.leads:
            self.situations = guarding.gather(self.leads, now=now)
        self.leads = [lead for lead in self.leads if not self.situations[lead.pk].suppressed]

    @cached_property
    def plans(self) -> Plans:
        return Plans()

    @property
    def pairs(self) -> list[tuple[Lead, Pursuit]]:
        return list(zip(self.leads, self.pursuits, strict=True))

    def without_customers(self) -> _Opening:
        self.leads = [lead for lead in self.leads if not self.situations[lead.pk].is_customer]
        return self

    def open(self, *, by: AbstractUser | None) -> _Opening:
        chosen = self.plans.chosen_for(self.leads, now=self.now)
        self.pursuits = plain_sql.insert(self._of(lead, chosen[lead.pk], by) for lead in self.leads)
        stage.reopen(self.leads, by=by, now=self.now)
        return self

    def _of(self, lead: Lead, cadence: Cadence, by: AbstractUser | None) -> Pursuit:
        return Pursuit(
            lead=lead,
            cadence=cadence,
            started_at=self.now,
            started_by=by,
            temperature_at_start=lead.temperature,
            target=cadence.target,
        )


def go_on(leads: Sequence[Lead], *, now: datetime) -> None:
    """Place the attempt each lead's open pursuit stands at, after one that nobody logged."""
    by_id = {lead.pk: lead for lead in leads}
    with transaction.atomic():
        open_ones = list(Pursuit.objects.open().filter(lead__in=by_id, reached_at=None))
        _go_on([(by_id[pursuit.lead_id], pursuit) for pursuit in open_ones], now=now)


def resume_stalled(*, leads: Collection[int] | None = None, now: datetime) -> int:
    """Go on with pursuits that wait for nothing any more: the task that held them up is done. Returns how many.

    `leads`: of these alone.
    """
    of_lead = {"lead": OuterRef("lead")}
    stalled = list(
        Pursuit.objects.open()
        .filter(
            Q() if leads is None else Q(lead__in=leads),
            ~Exists(FollowUp.objects.open().filter(**of_lead)),
            ~Exists(Task.objects.filter(**of_lead, done_at=None)),
            ~Exists(CallAttempt.objects.open().filter(**of_lead)),
            Q(lead__owner__isnull=False) | Q(lead__team__isnull=False),
            Q(paused_until=None) | Q(paused_until__lte=now),
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
    through = {one for _lead, one in pairs if one.reached_at is None and one.attempt > one.target}
    if through:
        end_many(list(through), Pursuit.EndReason.EXHAUSTED, by=None, now=now)
    going = [(lead, pursuit) for lead, pursuit in pairs if pursuit not in through]
    if going:
        situations = guarding.gather([lead for lead, _p in going], now=now)
        customers.hand_over([lead for lead, _p in going if situations[lead.pk].is_customer], now=now)
        ours = [(lead, pursuit) for lead, pursuit in going if not situations[lead.pk].is_customer]
        place_next(ours, situations, Plans(), now=now)


def end(
    pursuit: Pursuit,
    reason: str,
    *,
    by: AbstractUser | None,
    now: datetime,
    note: str = "",
    planned_stays: bool = False,
) -> None:
    """End a pursuit for exactly one reason; the lead's follow-up is cancelled, unless it was agreed since and stays."""
    _check_given_up(reason, note)
    pursuit.ended_at, pursuit.end_reason, pursuit.ended_by, pursuit.end_note = now, reason, by, note[:300]
    pursuit.save(update_fields=["ended_at", "end_reason", "ended_by", "end_note"])
    if not planned_stays:
        close([pursuit.lead_id], FollowUp.Closed.CANCELLED, now=now, why=reason)


def end_many(
    pursuits: Sequence[Pursuit], reason: str, *, by: AbstractUser | None, now: datetime, note: str = ""
) -> int:
    """`end` for any number of pursuits in two statements; returns how many were open until now. Raises ValueError where
    they are given up for no reason of the list."""
    _check_given_up(reason, note)
    with transaction.atomic():
        ended = (
            Pursuit.objects.open()
            .filter(pk__in=[pursuit.pk for pursuit in pursuits])
            .update(ended_at=now, end_reason=reason, ended_by=by, end_note=note[:300])
        )
        close([pursuit.lead_id for pursuit in pursuits], FollowUp.Closed.CANCELLED, now=now, why=reason)
    return ended


def _check_given_up(reason: str, note: str) -> None:
    if reason == Pursuit.EndReason.GIVEN_UP and note not in dict(GIVE_UP_REASONS):
        known = ", ".join(key for key, _words in GIVE_UP_REASONS)
        raise ValueError(f"a pursuit is given up for one of {known}, not {note!r}")
