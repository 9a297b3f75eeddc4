"""What becomes of what cannot be evaluated? Tried again a few times, then set aside visibly, until a person asks again.

A new touchpoint carries its own tries. Where none is to blame, as under new rules, the lead has an `EvaluationFailure`.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import F

from leads.models import AuditEvent, Lead

from . import bell
from .models import EvaluationFailure, TemperatureChange, Touchpoint

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from django.contrib.auth.models import AbstractUser
    from django.db.models import QuerySet

# After so many failures it is set aside, so that it cannot hold up the rest.
MOST_TRIES = 5
RETRY_AFTER = timedelta(minutes=5)
RUNG = "touchpoints.tasks.evaluate_waiting"


def count_failure(lead_id: int, error: Exception, *, cause: str, now: datetime) -> None:
    """Note that a lead could not be evaluated: on its new touchpoints where these were the cause, else on the lead."""
    said = (str(error) or type(error).__name__)[:500]
    with transaction.atomic():
        waiting = Touchpoint.objects.waiting().filter(lead=lead_id)
        if cause == TemperatureChange.Cause.TOUCHPOINT and waiting.exists():
            waiting.update(evaluation_tries=F("evaluation_tries") + 1, evaluation_error=said)
            waiting.filter(evaluation_tries__gte=MOST_TRIES).update(set_aside_at=now)
            Lead.objects.filter(pk=lead_id, evaluation_due_at__isnull=False).update(
                evaluation_due_at=now + RETRY_AFTER
            )
        else:
            _count_on_lead(lead_id, said, cause=cause, now=now)


def _count_on_lead(lead_id: int, error: str, *, cause: str, now: datetime) -> None:
    failure, is_first = EvaluationFailure.objects.select_for_update().get_or_create(
        lead_id=lead_id, defaults={"cause": cause, "error": error, "failed_at": now}
    )
    if not is_first:
        failure.tries, failure.error, failure.failed_at = failure.tries + 1, error, now
    if failure.tries >= MOST_TRIES:
        failure.set_aside_at = now
    failure.save()
    due_at = None if failure.set_aside_at else now + RETRY_AFTER
    Lead.objects.filter(pk=lead_id).update(evaluation_due_at=due_at)


def causes_of(lead_ids: Collection[int]) -> dict[int, str]:
    """Why those of these leads whose last evaluation failed were evaluated."""
    return dict(EvaluationFailure.objects.filter(lead__in=lead_ids).values_list("lead", "cause"))


def forget(failures: QuerySet[EvaluationFailure]) -> None:
    """These leads have been evaluated."""
    failures.delete()


def try_again(touchpoint: Touchpoint, *, by: AbstractUser, now: datetime) -> bool:
    """Let the engine evaluate it as if it were new, audited; False where it is not set aside any more.

    The error stays until it is evaluated: what failed before is no measure of how far behind the engine is.
    """
    with transaction.atomic():
        back = (
            Touchpoint.objects.set_aside()
            .filter(pk=touchpoint.pk)
            .update(set_aside_at=None, evaluation_tries=0)
        )
        if not back:
            return False
        AuditEvent.objects.create(
            at=now,
            actor=by,
            action="touchpoint_tried_again",
            subject_type="touchpoint",
            subject_id=str(touchpoint.pk),
            lead_id=touchpoint.lead_id,
            before={"tries": touchpoint.evaluation_tries, "error": touchpoint.evaluation_error},
        )
        bell.ring_on_commit(RUNG)
    return True


def try_lead_again(failure: EvaluationFailure, *, by: AbstractUser, now: datetime) -> bool:
    """The same for a lead that could not be evaluated."""
    with transaction.atomic():
        back = EvaluationFailure.objects.set_aside().filter(pk=failure.pk).update(set_aside_at=None, tries=0)
        if not back:
            return False
        Lead.objects.filter(pk=failure.lead_id).update(evaluation_due_at=now)
        AuditEvent.objects.create(
            at=now,
            actor=by,
            action="evaluation_tried_again",
            subject_type="lead",
            subject_id=str(failure.lead_id),
            lead_id=failure.lead_id,
            before={"tries": failure.tries, "error": failure.error, "cause": failure.cause},
        )
        bell.ring_on_commit(RUNG)
    return True
