"""What becomes of a touchpoint that was set aside because it could not be evaluated? A person has it tried again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from leads.models import AuditEvent

from . import bell
from .models import Touchpoint

if TYPE_CHECKING:
    from datetime import datetime

    from django.contrib.auth.models import AbstractUser


def try_again(touchpoint: Touchpoint, *, by: AbstractUser, now: datetime) -> bool:
    """Let the engine evaluate it as if it were new, audited; False where it is not set aside any more."""
    with transaction.atomic():
        back = (
            Touchpoint.objects.set_aside()
            .filter(pk=touchpoint.pk)
            .update(set_aside_at=None, evaluation_tries=0, evaluation_error="")
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
        bell.ring_on_commit("touchpoints.tasks.evaluate_waiting")
    return True
