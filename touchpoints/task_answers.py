"""What does a person answer to a task: the fact, done, later, or that it cannot be? And how is that taken back?

What blocks a lead is done by the fact itself; whatever else changed by it is kept with the task (`effects`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.contrib.auth import get_user_model
from django.db import IntegrityError, transaction
from django.utils.translation import gettext

from leads import register
from leads.models import Lead, Workspace
from leads.prepare import PhoneInput

from . import blockers, follow_ups, permissions, pursue, refusals, their_zone, todo
from .models import FollowUp, Pursuit, Task

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser

Kind = Task.Kind
# Without these no call is possible: who cannot find them ends the pursuit, with the reason the domain has for it.
ENDS_WITHOUT = {
    Kind.FIND_NUMBER: (Pursuit.EndReason.NO_NUMBER, None),
    Kind.FIND_ZONE: (Pursuit.EndReason.GIVEN_UP, "bad data"),
    Kind.RECORD_CONSENT: (Pursuit.EndReason.DISQUALIFIED, None),
}


@dataclass(frozen=True)
class Answered:
    """`done`: the task is closed; else `why` it is still open although the answer was kept."""

    done: bool
    why: str = ""


def found_number(task: Task, phone: PhoneInput, *, by: AbstractUser, now: datetime) -> Answered:
    """One more number of the lead. Raises `register.LeadRefused`."""
    lead = _lead(task)
    links = lead.lead_numbers.current().select_related("number")
    known = [PhoneInput(one.number.e164, label=one.label, extension=one.extension) for one in links]
    with transaction.atomic():
        blockers.edit_lead(lead, {"phones": [*known, phone]}, by=by, now=now)
        before = {one.raw for one in known}
        new = [
            one.number.e164
            for one in lead.lead_numbers.current().select_related("number")
            if one.number.e164 not in before
        ]
        return _closed(task, {"numbers": new})


def found_name(task: Task, fields: dict[str, Any], *, by: AbstractUser, now: datetime) -> Answered:
    """Who it is. Raises `register.LeadRefused`."""
    lead = _lead(task)
    before = {name: getattr(lead, name) for name in fields}
    with transaction.atomic():
        blockers.edit_lead(lead, fields, by=by, now=now)
        return _closed(task, {"fields": before})


def found_zone(task: Task, zone: str, *, by: AbstractUser, now: datetime) -> Answered:
    """In which zone they are; a rep's word only tightens until a manager agrees. Raises ValidationError."""
    lead = _lead(task)
    before = their_zone.standing(lead)
    with transaction.atomic():
        their_zone.confirm_zone(lead, zone, by=by, now=now)
        return _closed(task, {"zone": before})


def recorded_consent(task: Task, given: dict[str, Any], *, by: AbstractUser, now: datetime) -> Answered:
    """What they allowed, with its evidence: that is no slip of a key, and stays. Raises as `consents.record` does."""
    with transaction.atomic():
        permissions.record(_lead(task), by=by, now=now, **given)
        return _closed(task, {"stays": True})


def done(task: Task, *, note: str = "", by: AbstractUser, now: datetime) -> bool:
    """It was done, in a person's word; False where somebody was faster. Raises `refusals.StillOpen`."""
    with transaction.atomic():
        closed = todo.finish(task, by=by, now=now)
        if closed:
            Task.objects.filter(pk=task.pk).update(note=note[:300])
            blockers.go_on([task.lead_id] if task.lead_id else [], now=now)
    return closed


def put_off(task: Task, until: datetime, *, by: AbstractUser, now: datetime) -> bool:
    """Not now: it comes back at `until`; False where it is done already."""
    free = Task.objects.filter(pk=task.pk, done_at=None)
    return bool(free.update(put_off_until=until, held_by=None, held_until=None))


def cannot(task: Task, why: str, *, by: AbstractUser, now: datetime) -> bool:
    """It cannot be done, for a reason. What a call is impossible without ends the pursuit, a missing name does not, and
    everything else goes to a manager. Returns False where somebody was faster. Raises `refusals.Invalid`."""
    if not why.strip():
        raise refusals.Invalid(gettext("Say why it cannot be done."), field="reason")
    if todo.undecided([task]):
        raise refusals.StillOpen(gettext("Only a decision ends this task: a manager makes it."))
    with transaction.atomic():
        row = Task.objects.select_for_update().filter(pk=task.pk, done_at=None).first()
        if row is None:
            return False
        ends = ENDS_WITHOUT.get(Kind(row.kind))
        if ends is None and row.kind != Kind.FIND_NAME:
            _hand_on(row, why, by=by, now=now)
            return True
        row.done_at, row.done_by, row.done_as, row.note = now, by, Task.DoneAs.CANNOT, why[:300]
        row.held_by = row.held_until = None
        ended = _end_pursuit(row, *ends, why=why, by=by, now=now) if ends else None
        row.effects = {"pursuit": ended} if ended else {}
        row.save()
        if ends is None and row.lead_id:
            blockers.go_on([row.lead_id], now=now)
    return True


def undo(task: Task, *, by: AbstractUser, now: datetime) -> Task:
    """Take back what a person just answered: the task is open again, and what came of it is as it was. Raises a
    `refusals.Refused` where it was somebody else's answer, too long ago, or one that stays."""
    with transaction.atomic():
        row = Task.objects.select_for_update().get(pk=task.pk)
        if row.done_at is None:
            if row.put_off_until is None:
                raise refusals.Invalid(gettext("There is nothing to take back."), field="task")
            row.put_off_until = None
            row.save(update_fields=["put_off_until"])
            return row
        if row.done_by_id != by.pk:
            raise refusals.NotYours(gettext("A colleague finished this task."))
        if now - row.done_at > timedelta(seconds=Workspace.current().undo_seconds):
            raise refusals.TooLate(gettext("Too late to take it back; change it on the lead's page."))
        if row.effects.get("stays"):
            raise refusals.Invalid(
                gettext("A consent stays on record: say on the lead's page that it ended."), field="task"
            )
        _restore(row, by=by, now=now)
        row.done_at = row.done_by = None
        row.done_as, row.note, row.effects = "", "", {}
        try:
            with transaction.atomic():
                row.save()
        except IntegrityError as twice:
            raise refusals.Invalid(gettext("The same was asked again meanwhile."), field="task") from twice
    return row


# --- how ------------------------------------------------------------------------------------------------------------


def _lead(task: Task) -> Lead:
    if task.lead is None:
        raise refusals.Invalid(gettext("This task is about no lead."), field="task")
    return task.lead


def _closed(task: Task, effects: dict[str, Any]) -> Answered:
    """Keep what was changed with the task, and say whether the fact was enough to close it."""
    Task.objects.filter(pk=task.pk).update(effects=effects)
    task.refresh_from_db(fields=["done_at"])
    if task.done_at is not None:
        return Answered(True)
    words = {
        Kind.FIND_NUMBER: gettext("Kept, but it may not be called: find another one."),
        Kind.RECORD_CONSENT: gettext("Recorded, but it does not allow calls yet."),
    }
    return Answered(False, words.get(Kind(task.kind), gettext("Kept, but something is still missing.")))


def _hand_on(task: Task, why: str, *, by: AbstractUser, now: datetime) -> None:
    """To a manager who is not the one who gives up; with nobody to take it, it stays with the note."""
    manager = todo.managers_of([task.lead]).get(task.lead_id) if task.lead and task.lead_id else None
    if manager is None:
        people = get_user_model().objects.filter(is_active=True, role="admin").order_by("pk")
        manager = people.values_list("pk", flat=True).first()
    if manager is not None and manager != by.pk:
        task.assignee_id = manager
    task.note = f"{by.get_full_name() or by.get_username()}: {why}"[:300]
    task.held_by = task.held_until = None
    task.save(update_fields=["assignee", "note", "held_by", "held_until"])


def _end_pursuit(
    task: Task, reason: str, note: str | None, *, why: str, by: AbstractUser, now: datetime
) -> int | None:
    pursuit = Pursuit.objects.open().filter(lead=task.lead_id).first()
    if pursuit is None:
        return None
    pursue.end(pursuit, reason, by=by, now=now, note=note or why)
    return pursuit.pk


def _restore(task: Task, *, by: AbstractUser, now: datetime) -> None:
    """The facts as they were, and nothing placed or asked because of them."""
    effects, lead = task.effects, task.lead
    if lead is None:
        return
    made = FollowUp.objects.open().filter(lead=lead, placed_at__gte=task.done_at)
    if made.filter(lease_until__gt=now).exclude(lease_by=by).exists():
        raise refusals.LeasedByAnother(gettext("A colleague has the lead on the screen just now."))
    if made.exists():
        follow_ups.close([lead.pk], FollowUp.Closed.CANCELLED, now=now, why="task taken back")
    asked = Task.objects.filter(lead=lead, done_at=None, created_at__gte=task.done_at).exclude(pk=task.pk)
    asked.filter(kind__in=blockers.BY_FACT).update(done_at=now, done_by=by, done_as=Task.DoneAs.FACT)
    if numbers := effects.get("numbers"):
        links = lead.lead_numbers.current().exclude(number__e164__in=numbers).select_related("number")
        left = [PhoneInput(one.number.e164, label=one.label, extension=one.extension) for one in links]
        register.edit_lead(lead, {"phones": left}, by=by, now=now)
    if fields := effects.get("fields"):
        register.edit_lead(lead, fields, by=by, now=now)
    if said := effects.get("zone"):
        their_zone.take_back(lead, said, by=by, now=now)
    if ended := effects.get("pursuit"):
        others = Pursuit.objects.open().filter(lead=lead).exists()
        if not others:
            Pursuit.objects.filter(pk=ended).update(ended_at=None, end_reason="", end_note="", ended_by=None)
