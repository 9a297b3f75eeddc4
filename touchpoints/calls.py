"""How does a call come about? By a rep's dial past the guard, by the lead's own call, or as a phone system's report."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import structlog
from django.db import IntegrityError, InterfaceError, OperationalError, connection, transaction
from django.db.models import Case, F, When
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
    from collections.abc import Sequence

    from django.contrib.auth.models import AbstractUser

    from leads.guard import Verdict

log = structlog.get_logger(__name__)

REDIAL_WITHIN = timedelta(minutes=5)
SAME_CALL_WITHIN = timedelta(minutes=3)
FORGOTTEN_AFTER = timedelta(hours=2)
CHUNK = 500


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
    pursuit = _pursuit_of(lead, user, now=now)
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
                attempt=_attempt_number(pursuit),
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


def _pursuit_of(lead: Lead, user: AbstractUser, *, now: datetime) -> Pursuit | None:
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


def _attempt_number(pursuit: Pursuit | None) -> int | None:
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


def _touch_by_reported(call: CallAttempt, user: AbstractUser, *, now: datetime) -> None:
    """A call from them that a phone system reports: somebody spoke with them, or they ask to be called back."""
    taken = bool(call.duration_seconds)
    # Whoever took it need not be whose lead it is.
    record.store_for(
        record.NewTouchpoint(
            kind="inbound_call",
            occurred_at=call.started_at,
            lead=Identity(id=call.lead_id),
            source="thaw",
            external_id=f"call:{call.pk}:inbound",
            by=(user.get_full_name() or user.get_username()) if taken else "",
            by_user_id=user.pk if taken else None,
        ),
        call.lead,
        user=user,
        now=now,
    )
    if taken:
        HandRaise.objects.filter(
            lead=call.lead_id, first_attempt_at=None, raised_at__lte=call.started_at
        ).update(first_attempt_at=call.started_at)


@dataclass(frozen=True)
class PastCall:
    """A call that a phone system reports after the fact."""

    source: str
    external_id: str
    started_at: datetime
    duration_seconds: int | None = None
    direction: str = Direction.OUTBOUND
    outcome: str = ""
    notes: str = ""
    recording_url: str = ""


def record_past_call(
    past: PastCall, *, lead: Lead, number: Number | None, user: AbstractUser, now: datetime
) -> tuple[CallAttempt, bool]:
    """Keep a call that already happened; returns it and whether it is new.

    The same (source, external_id) again changes nothing. A call of the same user to the same number within three
    minutes of an attempt completes that attempt. What the guard would have blocked is kept and marked a breach.
    """
    with transaction.atomic():
        locked = Lead.objects.select_for_update(of=("self",)).get(pk=lead.pk)
        if past.external_id:
            known = CallAttempt.objects.filter(source=past.source, external_id=past.external_id).first()
            if known is not None:
                return known, False
        number = number or _only_number(locked)
        call = _attempt_of(past, number, user)
        if call is not None:
            call.source, call.external_id = past.source, past.external_id
        else:
            call = _past_attempt(past, locked, number, user, now=now)
        call.duration_seconds, call.recording_url = past.duration_seconds, past.recording_url
        call.save()
        if past.direction == Direction.INBOUND:
            _touch_by_reported(call, user, now=now)
        if past.outcome and call.outcome_id is None:
            logged = outcomes.Logged(outcome=past.outcome, notes=past.notes)
            return outcomes.log_outcome(call, logged, user=user, now=now), True
    return call, True


def _only_number(lead: Lead) -> Number | None:
    """The number a report meant that names only the lead: its one number, for whose caps the call counts then."""
    numbers = list(Number.objects.filter(links__lead=lead, links__detached_at=None).distinct()[:2])
    return numbers[0] if len(numbers) == 1 else None


def _attempt_of(past: PastCall, number: Number | None, user: AbstractUser) -> CallAttempt | None:
    """The attempt a phone system's record belongs to: same user, same number, begun within three minutes."""
    if number is None or past.direction != Direction.OUTBOUND:
        return None
    return (
        CallAttempt.objects.outbound()
        .filter(user=user, number=number, external_id="")
        .filter(
            started_at__gte=past.started_at - SAME_CALL_WITHIN,
            started_at__lte=past.started_at + SAME_CALL_WITHIN,
        )
        .order_by("-started_at")
        .first()
    )


def _past_attempt(
    past: PastCall, lead: Lead, number: Number | None, user: AbstractUser, *, now: datetime
) -> CallAttempt:
    situation = guarding.gather([lead], now=past.started_at, past=True)[lead.pk]
    outbound = past.direction == Direction.OUTBOUND
    verdict = None
    if outbound and situation.links:
        verdict = situation.verdict(situation.choose(number), now=past.started_at)
    pursuit = (
        _pursuit_of(lead, user, now=past.started_at)
        if outbound
        else Pursuit.objects.open().filter(lead=lead).first()
    )
    local = situation.local_time(past.started_at)
    call = CallAttempt(
        lead=lead,
        pursuit=pursuit,
        follow_up=FollowUp.objects.open().filter(lead=lead).first(),
        user=user,
        team_id=user.team_id,  # type: ignore[attr-defined]
        number=number,
        direction=past.direction,
        attempt=_attempt_number(pursuit) if outbound else None,
        target=pursuit.target if pursuit else 18,
        started_at=past.started_at,
        # Never open, however short a while: the rep may be on the phone with somebody else by now.
        ended_at=past.started_at + timedelta(seconds=past.duration_seconds or 0),
        notes=past.notes,
        guard=verdict_as_kept(verdict, situation.facts.get(number.pk if number else 0), at=past.started_at)
        if verdict
        else {},
        **(proof_of(user, situation.facts.get(number.pk if number else 0)) if outbound else {}),
        breach=bool(verdict and verdict.decision == "block"),
        source=past.source,
        external_id=past.external_id,
        temperature=lead.temperature,
        local_weekday=local.isoweekday() if local else None,
        local_hour=local.hour if local else None,
    )
    call.save()
    if outbound:
        Dial.objects.create(call=call, number=number, lead=lead, at=past.started_at)
        stage.move(lead, "attempted", by=user, now=past.started_at, call=call)
        raised = HandRaise.objects.filter(lead=lead, first_attempt_at=None, raised_at__lte=past.started_at)
        raised.update(first_attempt_at=past.started_at)
        if not past.outcome:
            _advance_count(call)
            pursue.go_on([lead], now=now)
    return call


def _advance_count(call: CallAttempt) -> None:
    """Let the pursuit of an attempt that ended without an outcome stand at the next one."""
    pursuit = call.pursuit
    if pursuit is not None and _counts(call, pursuit):
        pursuit.attempt, pursuit.step = (call.attempt or 0) + 1, pursuit.step + 1
        pursuit.save(update_fields=["attempt", "step"])


def _counts(call: CallAttempt, pursuit: Pursuit) -> bool:
    return call.attempt is not None and pursuit.reached_at is None and pursuit.attempt <= call.attempt


# --- calls nobody logs ---------------------------------------------------------------------------------------


def close_forgotten(*, now: datetime) -> int:
    """End attempts left open for two hours: unlogged, they count, and the lead goes on; they wait in the rep's tray.

    A fixed number of statements for any five hundred. Returns how many were ended.
    """
    closed = 0
    while pks := list(
        CallAttempt.objects.open()
        .filter(started_at__lte=now - FORGOTTEN_AFTER)
        .order_by("started_at", "pk")
        .values_list("pk", flat=True)[:CHUNK]
    ):
        closed += _end_or_isolate(pks, now=now)
    return closed


def _end_or_isolate(pks: list[int], *, now: datetime) -> int:
    """End these calls; where that fails each by itself. One whose lead cannot be planned for is ended all the same:
    what was planned for it stays due."""
    try:
        with transaction.atomic():
            return _end_unlogged(pks, now=now)
    except (OperationalError, InterfaceError):
        raise  # the database is away: no call is to blame
    except Exception:
        log.exception("forgotten_calls_failed", calls=len(pks))
    if len(pks) > 1:
        return sum(_end_or_isolate([pk], now=now) for pk in pks)
    return _end_unlogged(pks, now=now, go_on=False)


def _end_unlogged(pks: list[int], *, now: datetime, go_on: bool = True) -> int:
    held = CallAttempt.objects.filter(pk__in=pks).values("lead")
    leads = {
        lead.pk: lead
        for lead in Lead.objects.select_for_update(of=("self",)).filter(pk__in=held).order_by("pk")
    }
    # Whatever was logged while we waited for the leads is over.
    open_ones = CallAttempt.objects.open().filter(pk__in=pks).select_related("pursuit")
    ended = list(open_ones.only("lead", "follow_up", "attempt", "pursuit__attempt", "pursuit__reached_at"))
    CallAttempt.objects.filter(pk__in=[call.pk for call in ended]).update(ended_at=now)
    counted = [call for call in ended if call.pursuit is not None and _counts(call, call.pursuit)]
    if counted:
        _advance_counts(counted)
    if go_on:
        pursue.go_on([leads[call.lead_id] for call in ended], now=now)
    # What goes on has another follow-up by now; what does not is free for others again.
    rows = FollowUp.objects.open().filter(pk__in=[call.follow_up_id for call in ended if call.follow_up_id])
    rows.update(lease_by=None, lease_until=None)
    return len(ended)


def _advance_counts(calls: Sequence[CallAttempt]) -> None:
    """`_advance_count` for the pursuits of any number of calls, in one statement."""
    made: dict[int, list[int | None]] = defaultdict(list)
    for call in sorted(calls, key=lambda one: one.attempt or 0, reverse=True):
        made[call.attempt or 0].append(call.pursuit_id)
    standing = Case(*(When(pk__in=pursuits, then=attempt + 1) for attempt, pursuits in made.items()))
    rows = Pursuit.objects.filter(pk__in=[call.pursuit_id for call in calls])
    rows.update(attempt=standing, step=F("step") + 1)
