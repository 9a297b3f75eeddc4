"""How does a call come about? By a rep's dial past the guard, or by the lead's own call."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import structlog
from django.db import IntegrityError, connection, transaction
from django.utils.translation import gettext

from leads import plain_sql
from leads.identity import Identity
from leads.models import Lead, Number
from leads.plain_sql import Joined

from . import guarding, outcomes, pursue, record, refusals, stage, talk_tracks
from .call_proof import proof_of, refusal_as_kept, verdict_as_kept
from .models import (
    BlockedDial,
    CallAttempt,
    Dial,
    Direction,
    FollowUp,
    HandRaise,
    Pursuit,
)

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser

    from leads.guard import Verdict

log = structlog.get_logger(__name__)

REDIAL_WITHIN = timedelta(minutes=5)
FORGOTTEN_AFTER = timedelta(hours=2)


def dial(
    lead: Lead,
    *,
    user: AbstractUser,
    now: datetime,
    number: Number | None = None,
    warn_reason: str = "",
    redial: bool = False,
) -> CallAttempt:
    """Ask the guard and open an attempt; the caller then follows the number's link. A person dials, never we.

    Without `number` the first number that the guard allows is taken. `redial` takes up a call that dropped within
    five minutes: the same attempt, one more dial. Raises a `refusals.Refused`; a block is kept as proof.
    """
    blocked: Verdict | None = None
    with transaction.atomic():
        locked, follow_up = _locked(lead)
        open_calls = _open_calls(locked, user)
        again = _taken_up(locked, open_calls, user, number, now=now, redial=redial)
        _check_lease(follow_up, open_calls, user, now=now)
        _hold_numbers(locked)
        situation = guarding.gather([locked], now=now)[locked.pk]
        chosen = situation.choose(again.number if again is not None and number is None else number)
        verdict = situation.verdict(chosen, now=now, redial=again is not None)
        if verdict.decision == "block":
            blocked = verdict
            kept = refusal_as_kept(verdict, situation.facts.get(chosen.pk), at=now)
            BlockedDial.objects.create(lead=locked, number=chosen, user=user, at=now, guard=kept)
        elif verdict.decision == "warn" and not warn_reason.strip():
            raise refusals.GuardWarned(
                gettext("%(why)s Say why you call all the same.") % {"why": verdict.reasons[0].detail},
                field="warn_reason",
                verdict=verdict,
            )
        else:
            call = again or _open_attempt(
                locked, follow_up, chosen, verdict, situation, user, now=now, warn_reason=warn_reason
            )
            if again is not None:
                again.guard["redials"] = [
                    *again.guard.get("redials", ()),
                    verdict_as_kept(verdict, situation.facts.get(chosen.pk), at=now),
                ]
                again.save(update_fields=["guard"])
            Dial.objects.create(call=call, number=chosen, lead=locked, at=now)
    if blocked is not None:
        raise refusals.GuardBlocked(blocked.reasons[0].detail, verdict=blocked)
    return call


_LEAD = Joined("l", Lead)
_LOCKED = f"SELECT {_LEAD.columns} FROM leads_lead l WHERE l.id = %s {{lock:l}}"  # noqa: S608 - our models' columns
_PLANNED = Joined("f", FollowUp, lease_by="u")
_FOLLOW_UP = f"""
    SELECT {_PLANNED.columns} FROM touchpoints_followup f LEFT JOIN accounts_user u ON u.id = f.lease_by_id
    WHERE f.closed_at IS NULL AND f.lead_id = %s
"""  # noqa: S608 - the columns are our models' own


def _locked(lead: Lead) -> tuple[Lead, FollowUp | None]:
    """The lead, locked, and what is planned for it, as it stands once others have let go of the lead."""
    ((found, _rest),) = (_LEAD.read(row) for row in plain_sql.rows(_LOCKED, [lead.pk]))
    return found, next((_PLANNED.read(row)[0] for row in plain_sql.rows(_FOLLOW_UP, [lead.pk])), None)


_OPEN = """
    SELECT id FROM touchpoints_callattempt
    WHERE ended_at IS NULL AND direction = 'outbound' AND (user_id = %s OR lead_id = %s)
"""


def _open_calls(lead: Lead, user: AbstractUser) -> list[CallAttempt]:
    """Open dials of this rep, and anybody's to this lead: mostly none."""
    found = [pk for (pk,) in plain_sql.rows(_OPEN, [user.pk, lead.pk])]
    return (
        list(CallAttempt.objects.filter(pk__in=found).select_related("lead", "number", "user"))
        if found
        else []
    )


def _taken_up(
    lead: Lead,
    open_calls: list[CallAttempt],
    user: AbstractUser,
    number: Number | None,
    *,
    now: datetime,
    redial: bool,
) -> CallAttempt | None:
    """The open attempt that a redial takes up; raises where an open one stands in the way.

    Another number of the lead is an attempt of its own.
    """
    open_call = next((call for call in open_calls if call.user_id == user.pk), None)
    if open_call is None:
        return None
    same = open_call.lead_id == lead.pk and (number is None or number.pk == open_call.number_id)
    if redial and same and now - open_call.started_at <= REDIAL_WITHIN:
        return open_call
    raise refusals.AttemptOpen(
        gettext("Your call to %(name)s is still open: log its outcome first.") % {"name": open_call.lead.name}
    )


_HELD = """
    SELECT n.id FROM leads_number n JOIN leads_leadnumber k ON k.number_id = n.id
    WHERE k.lead_id = %s AND k.detached_at IS NULL ORDER BY n.id {lock:n}
"""


def _hold_numbers(lead: Lead) -> None:
    """Let nobody else dial these numbers until this dial counts, through whichever lead that shares one."""
    if connection.features.has_select_for_update:
        plain_sql.rows(_HELD, [lead.pk])


def _check_lease(
    follow_up: FollowUp | None, open_calls: list[CallAttempt], user: AbstractUser, *, now: datetime
) -> None:
    other = next((call for call in open_calls if call.user_id != user.pk), None)
    leased = (
        follow_up is not None
        and follow_up.lease_by_id not in (None, user.pk)
        and follow_up.lease_until is not None
        and follow_up.lease_until > now
    )
    if leased or other is not None:
        holder = other.user if other is not None else follow_up.lease_by if follow_up else None
        raise refusals.LeasedByAnother(
            gettext("%(who)s has this lead on the screen just now.")
            % {"who": holder or gettext("A colleague")}
        )


_SEAT = """
    SELECT w.calling_number, b.id FROM leads_workspace w LEFT JOIN touchpoints_callblock b
        ON b.user_id = %s AND b.ended_at IS NULL AND b.paused_at IS NULL
    WHERE w.id = 1
"""


def _seat_of(user: AbstractUser) -> tuple[int | None, str]:
    """The block of calls a rep sits in, and the number the house calls from."""
    number, sitting = next(iter(plain_sql.rows(_SEAT, [user.pk])), ("", None))
    return sitting, number


def _open_attempt(
    lead: Lead,
    follow_up: FollowUp | None,
    number: Number,
    verdict: Verdict,
    situation: guarding.Situation,
    user: AbstractUser,
    *,
    now: datetime,
    warn_reason: str,
) -> CallAttempt:
    pursuit = pursuit_of(lead, user, now=now)
    local = situation.local_time(now)
    script = talk_tracks.choose(lead, situation.jurisdictions, now=now)
    block, calling_number = _seat_of(user)
    try:
        with transaction.atomic():
            call = CallAttempt.objects.create(
                lead=lead,
                pursuit=pursuit,
                follow_up=follow_up,
                block_id=block,
                user=user,
                team_id=user.team_id,  # type: ignore[attr-defined]
                number=number,
                attempt=attempt_number(pursuit),
                target=pursuit.target if pursuit else 18,
                started_at=now,
                guard=verdict_as_kept(verdict, situation.facts.get(number.pk), at=now),
                **proof_of(user, situation.facts.get(number.pk), shared=calling_number),
                warn_reason=warn_reason.strip()[:300],
                temperature=lead.temperature,
                local_weekday=local.isoweekday() if local else None,
                local_hour=local.hour if local else None,
                talk_track=script.track,
                disclosures=[asdict(one) for one in script.disclosures],
            )
    except IntegrityError as error:
        raise refusals.AttemptOpen(gettext("Another call is open: log its outcome first.")) from error
    if follow_up is not None:
        follow_up.lease_by, follow_up.lease_until = user, now + FORGOTTEN_AFTER
        follow_up.save(update_fields=["lease_by", "lease_until"])
    HandRaise.objects.filter(lead=lead, first_attempt_at=None).update(first_attempt_at=now)
    stage.move(lead, "attempted", by=user, now=now, call=call)
    return call


_RUNNING = Joined("p", Pursuit)
_PURSUIT = f"""
    SELECT {_RUNNING.columns}, (SELECT MAX(c.attempt) FROM touchpoints_callattempt c WHERE c.pursuit_id = p.id)
    FROM touchpoints_pursuit p WHERE p.ended_at IS NULL AND p.lead_id = %s
"""  # noqa: S608 - the columns are our models' own


def pursuit_of(lead: Lead, user: AbstractUser, *, now: datetime) -> Pursuit | None:
    """The pursuit a dial belongs to, with `last`, the number of its last attempt: the open one, else a new one.

    None where the lead is nobody's, and where what a pursuit is for has been reached: a call about a meeting or to a
    customer is no new run at reaching them.
    """
    for row in plain_sql.rows(_PURSUIT, [lead.pk]):
        pursuit, (pursuit.last,) = _RUNNING.read(row)
        return pursuit  # type: ignore[no-any-return]
    if lead.stage in (Lead.Stage.MEETING, Lead.Stage.HELD, Lead.Stage.WON):
        return None
    return next(iter(pursue.begin([lead], by=user, now=now)), None)


def attempt_number(pursuit: Pursuit | None) -> int | None:
    """The number of an attempt that begins now, behind those that are still open; None after the reach."""
    if pursuit is None or pursuit.reached_at:
        return None
    return max(pursuit.attempt, (getattr(pursuit, "last", None) or 0) + 1)


def log_inbound(
    lead: Lead, logged: outcomes.Logged, *, user: AbstractUser, now: datetime, number: Number | None = None
) -> CallAttempt:
    """A lead rang us and one of us took the call: a touchpoint, a call without a dial, and what comes next."""
    with transaction.atomic():
        locked = Lead.objects.select_for_update(of=("self",)).get(pk=lead.pk)
        _touch_by_inbound(locked, user, now=now)
        situation = guarding.gather([locked], now=now)[locked.pk]
        local = situation.local_time(now)
        call = CallAttempt.objects.create(
            lead=locked,
            pursuit=Pursuit.objects.open().filter(lead=locked).first(),
            follow_up=FollowUp.objects.open().filter(lead=locked).first(),
            user=user,
            team_id=user.team_id,  # type: ignore[attr-defined]
            number=number,
            direction=Direction.INBOUND,
            started_at=now,
            temperature=locked.temperature,
            local_weekday=local.isoweekday() if local else None,
            local_hour=local.hour if local else None,
        )
        return outcomes.log_outcome(call, logged, user=user, now=now)


def _touch_by_inbound(lead: Lead, user: AbstractUser, *, now: datetime) -> None:
    record.record(
        record.NewTouchpoint(
            kind="inbound_call",
            occurred_at=now,
            lead=Identity(id=lead.pk),
            source="thaw",
            by=user.get_full_name() or user.get_username(),
            by_user_id=user.pk,
        ),
        user=user,
        now=now,
    )
    HandRaise.objects.filter(lead=lead, first_attempt_at=None).update(first_attempt_at=now)
