"""When does a pursuit rest? While somebody answers what the lead wrote, or for as long as a person says.

A pause moves the open follow-up to its end, so that the pursuit goes on by itself; an outcome ends it earlier. What
was agreed with the lead, and what it asked for, stays where it is.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.translation import gettext

from leads.models import AuditEvent, Lead

from . import guarding
from .cadence import add_business_days
from .follow_ups import Rank
from .models import FollowUp, Pursuit, Task
from .next_attempt import place_next
from .plans import Plans

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.contrib.auth.models import AbstractUser

    from .models import Touchpoint
    from .situation import Situation

REPLIES = ("email_reply", "text_reply")
# A reply reported later than this is history: nobody waits for an answer to it any more.
REPLY_FRESH_FOR = timedelta(days=7)
ANSWER_WITHIN_BUSINESS_DAYS = 1
RESTS_BUSINESS_DAYS = 5
# What is to rest longer has ended.
LONGEST_PAUSE = timedelta(days=366)


def read_replies(touchpoints: Sequence[Touchpoint], *, now: datetime) -> None:
    """A reply pauses its lead's pursuit and asks for one answer within a business day; a fixed number of statements."""
    replies = {
        one.lead_id: one
        for one in touchpoints
        if one.kind_id in REPLIES and not one.historical and now - one.occurred_at < REPLY_FRESH_FOR
    }
    if not replies:
        return
    pursuits = list(Pursuit.objects.open().filter(lead__in=replies).select_related("lead"))
    situations = guarding.gather([pursuit.lead for pursuit in pursuits], now=now)
    with transaction.atomic(savepoint=False):
        Task.objects.bulk_create(
            (
                _answer_task(pursuit.lead, replies[pursuit.lead_id], situations[pursuit.lead_id], now=now)
                for pursuit in pursuits
            ),
            ignore_conflicts=True,
        )
        for pursuit in pursuits:
            rests_until = _end_of_rest(situations[pursuit.lead_id], now=now)
            if pursuit.paused_until is None or pursuit.paused_until < rests_until:
                # Who was to rest longer, a person said why.
                pursuit.paused_until, pursuit.paused_why = rests_until, gettext("they replied")
        Pursuit.objects.bulk_update(pursuits, ["paused_until", "paused_why"])
        _move(pursuits, situations, why=gettext("they replied: answer first"))


def _answer_task(lead: Lead, reply: Touchpoint, situation: Situation, *, now: datetime) -> Task:
    day = add_business_days(situation.local_date(now), ANSWER_WITHIN_BUSINESS_DAYS, situation.place)
    said = f": “{reply.summary}”" if reply.summary else ""
    return Task(
        lead=lead,
        kind=Task.Kind.ANSWER,
        reason=(gettext("they replied") + said)[:300],
        assignee_id=lead.owner_id,
        team_id=lead.team_id,
        created_at=now,
        due_at=now + (day - situation.local_date(now)),
    )


def _end_of_rest(situation: Situation, *, now: datetime) -> datetime:
    today = situation.local_date(now)
    return now + (add_business_days(today, RESTS_BUSINESS_DAYS, situation.place) - today)


def pause(pursuit: Pursuit, until: datetime, *, why: str, by: AbstractUser, now: datetime) -> bool:
    """Let a pursuit rest until a time ahead, for a reason; False where it has ended, the time has passed or lies more
    than a year ahead, or no reason is given. Audited."""
    why = why.strip()[:200]
    if pursuit.ended_at is not None or not now < until <= now + LONGEST_PAUSE or not why:
        return False
    with transaction.atomic():
        _audit("pursuit.paused", pursuit, until, why=why, by=by, now=now)
        pursuit.paused_until, pursuit.paused_why = until, why
        pursuit.save(update_fields=["paused_until", "paused_why"])
        situations = guarding.gather([pursuit.lead], now=now)
        said = gettext("paused by %(who)s: %(why)s") % {"who": by, "why": why}
        _move([pursuit], situations, why=said)
    return True


def resume(pursuit: Pursuit, *, by: AbstractUser, now: datetime) -> bool:
    """Let a paused pursuit go on with the attempt it stands at; False where it rests no more. Audited."""
    if pursuit.ended_at is not None or pursuit.paused_until is None or pursuit.paused_until <= now:
        return False
    with transaction.atomic():
        _audit("pursuit.resumed", pursuit, None, by=by, now=now)
        pursuit.paused_until, pursuit.paused_why = None, ""
        pursuit.save(update_fields=["paused_until", "paused_why"])
        kept = FollowUp.objects.open().filter(lead=pursuit.lead_id, rank__lte=Rank.PROMISE)
        if not kept.exists():
            situations = guarding.gather([pursuit.lead], now=now)
            place_next([(pursuit.lead, pursuit)], situations, Plans(), now=now)
    return True


def _move(pursuits: Sequence[Pursuit], situations: dict[int, Situation], *, why: str) -> None:
    """Put the open follow-ups of these pursuits off to the first permitted time after their pause."""
    until = {pursuit.lead_id: pursuit.paused_until for pursuit in pursuits}
    rows = list(
        FollowUp.objects.open().filter(lead__in=until, rank__in=(Rank.WARM, Rank.COLD), agreed_at=None)
    )
    for row in rows:
        ends = until[row.lead_id]
        assert ends is not None  # whoever comes here is paused
        if row.due_at >= ends:
            continue
        window = situations[row.lead_id].next_window(now=ends) or (ends, ends + timedelta(hours=1))
        row.due_at, row.window_end = window
        row.planned_for = row.due_at
        row.reason = f"{why}; {row.reason}"[:300]
        row.lease_by = row.lease_until = None
    FollowUp.objects.bulk_update(
        rows, ["due_at", "window_end", "planned_for", "reason", "lease_by", "lease_until"]
    )


def _audit(
    action: str, pursuit: Pursuit, until: datetime | None, *, why: str = "", by: AbstractUser, now: datetime
) -> None:
    AuditEvent.objects.create(
        at=now,
        actor=by,
        action=action,
        subject_type="pursuit",
        subject_id=str(pursuit.pk),
        lead_id=pursuit.lead_id,
        before={"paused_until": pursuit.paused_until and pursuit.paused_until.isoformat()},
        after={"paused_until": until and until.isoformat()},
        reason=why,
    )
