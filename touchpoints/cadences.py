"""How does a plan of attempts change? By a new version: pursuits that follow the old one go on with it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from django.db import models, transaction
from django.utils.text import slugify
from django.utils.translation import gettext

from leads import segments
from leads.models import AuditEvent, Segment

from . import prepared
from .models import Cadence, CadenceStep, Channel, Pursuit
from .refusals import Invalid

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from django.contrib.auth.models import AbstractUser

MOST_STEPS = 40
LONGEST_WAIT = 250


@dataclass(frozen=True, slots=True)
class Step:
    """One step: so many business days after the one before, over a channel; `text` is what a message says."""

    wait_days: int
    channel: str = "call"
    phase: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A cadence as somebody wants it. Only calls count towards the target, which is their number."""

    name: str
    steps: tuple[Step, ...]
    recycle_after_days: int
    segment: Segment | None = None
    position: int = 0

    @property
    def target(self) -> int:
        return sum(step.channel == Channel.CALL for step in self.steps)


def active() -> list[Cadence]:
    """The cadences in use, the defaults first, with their steps."""
    rows = Cadence.objects.filter(active=True).select_related("segment").prefetch_related("steps")
    return list(rows.order_by("-is_default", "audience", "-temperature", "position", "name"))


def wanted_of(cadence: Cadence) -> Wanted:
    return Wanted(
        cadence.name,
        tuple(Step(row.wait_days, row.channel, row.phase, row.text) for row in cadence.steps.all()),
        cadence.recycle_after_days,
        cadence.segment,
        cadence.position,
    )


def copy(cadence: Cadence, name: str, *, by: AbstractUser, now: datetime) -> Cadence:
    """A cadence of one's own beside the one it was copied from; followed by nobody until it is given to somebody."""
    name = name.strip()
    if not name:
        raise Invalid(gettext("Give the copy a name."), field="name")
    key = slugify(name)[:40]
    if not key or Cadence.objects.filter(key=key).exists():
        raise Invalid(gettext("There is a cadence of this name already."), field="name")
    with transaction.atomic():
        row = Cadence.objects.create(
            key=key,
            version=1,
            name=name[:80],
            temperature=cadence.temperature,
            audience=cadence.audience,
            target=cadence.target,
            recycle_after_days=cadence.recycle_after_days,
        )
        _write_steps(row, wanted_of(cadence).steps)
        _audit(row, "cadence.copied", {}, {"from": str(cadence)}, by=by, now=now)
    return row


def change(cadence: Cadence, wanted: Wanted, *, by: AbstractUser, now: datetime) -> Cadence:
    """The next version, in force from now on for pursuits that start; raises Invalid for what cannot be followed."""
    check(wanted, now=now)
    with transaction.atomic():
        old = Cadence.objects.select_for_update(of=("self",)).get(pk=cadence.pk)
        if not old.active:
            raise Invalid(gettext("Somebody else changed this cadence meanwhile; look at the new version."))
        if wanted == wanted_of(old):
            return old
        Cadence.objects.filter(pk=old.pk).update(active=False, is_default=False)
        row = Cadence.objects.create(
            key=old.key,
            version=old.version + 1,
            name=wanted.name,
            temperature=old.temperature,
            audience=old.audience,
            target=wanted.target,
            recycle_after_days=wanted.recycle_after_days,
            is_default=old.is_default,
            segment=wanted.segment,
            position=wanted.position,
        )
        _write_steps(row, wanted.steps)
        _audit(row, "cadence.changed", _told(wanted_of(old)), _told(wanted), by=by, now=now)
    return row


def retire(cadence: Cadence, *, by: AbstractUser, now: datetime) -> None:
    """Out of use; pursuits that follow it go on. A default stays: somebody must have a plan."""
    if cadence.is_default:
        raise Invalid(gettext("A default cadence stays in use; make another the default first."))
    with transaction.atomic():
        Cadence.objects.filter(pk=cadence.pk).update(active=False)
        _audit(cadence, "cadence.retired", {}, {}, by=by, now=now)


def make_default(cadence: Cadence, *, by: AbstractUser, now: datetime) -> None:
    """The plan of every lead of its temperature and audience that no segment's cadence takes."""
    if cadence.segment is not None:
        raise Invalid(gettext("It is for a segment; a default is for everybody. Take the segment off first."))
    with transaction.atomic():
        same = Cadence.objects.select_for_update().filter(
            temperature=cadence.temperature, audience=cadence.audience, is_default=True
        )
        same.update(is_default=False)
        Cadence.objects.filter(pk=cadence.pk).update(is_default=True)
        _audit(cadence, "cadence.made_default", {}, {}, by=by, now=now)


def check(wanted: Wanted, *, now: datetime) -> None:
    """Raise Invalid, naming the step, for a plan that cannot be followed."""
    if not wanted.name.strip():
        raise Invalid(gettext("Give the cadence a name."), field="name")
    if wanted.target < 1:
        raise Invalid(gettext("At least one step must be a call."), field="steps")
    if len(wanted.steps) > MOST_STEPS:
        raise Invalid(gettext("At most %(n)d steps.") % {"n": MOST_STEPS}, field="steps")
    for number, step in enumerate(wanted.steps, start=1):
        if not 0 <= step.wait_days <= LONGEST_WAIT:
            raise Invalid(
                gettext("Step %(step)d waits %(days)d days; expected 0 to %(most)d.")
                % {"step": number, "days": step.wait_days, "most": LONGEST_WAIT},
                field="steps",
            )
        if step.channel not in (Channel.CALL, Channel.VISIT) and not step.text.strip():
            raise Invalid(
                gettext("Step %(step)d is a message without a text; write what it says.") % {"step": number},
                field="steps",
            )
        if strange := prepared.unknown_names(step.text):
            raise Invalid(
                gettext(
                    "Step %(step)d asks for {%(name)s}, which nobody can fill in; expected one of %(names)s."
                )
                % {"step": number, "name": strange[0], "names": ", ".join(prepared.NAMES)},
                field="steps",
            )
    if wanted.segment is not None and (found := segments.problems(wanted.segment.query, now=now)):
        raise Invalid("; ".join(found), field="segment")


def followed_by(keys: Sequence[str]) -> dict[tuple[str, int], int]:
    """How many open pursuits follow each version of these cadences."""
    rows = (
        Pursuit.objects.open()
        .filter(cadence__key__in=keys)
        .order_by()
        .values_list("cadence__key", "cadence__version")
        .annotate(n=models.Count("pk"))
    )
    return {(key, version): n for key, version, n in rows}


def _write_steps(cadence: Cadence, steps: Sequence[Step]) -> None:
    CadenceStep.objects.bulk_create(
        CadenceStep(cadence=cadence, step=number, **asdict(step))
        for number, step in enumerate(steps, start=1)
    )


def _told(wanted: Wanted) -> dict[str, Any]:
    return {
        "name": wanted.name,
        "steps": [asdict(step) for step in wanted.steps],
        "recycle_after_days": wanted.recycle_after_days,
        "segment": wanted.segment.name if wanted.segment else "",
    }


def _audit(
    row: Cadence,
    action: str,
    before: dict[str, Any],
    after: dict[str, Any],
    *,
    by: AbstractUser,
    now: datetime,
) -> None:
    AuditEvent.objects.create(
        at=now,
        actor=by,
        action=action,
        subject_type="cadence",
        subject_id=f"{row.key}:{row.version}"[:40],
        before=before,
        after=after,
    )
