"""A permission was recorded: what waited for it? The door that reaches the lead's consents and its tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import transaction

from leads import consents
from leads.models import Consent

from . import blockers, todo
from .models import Task

if TYPE_CHECKING:
    from datetime import datetime

    from leads.models import Lead


def record(lead: Lead, *, by: Any, now: datetime, **given: Any) -> Consent:
    """`consents.record`; a permission for calls also settles the task that asked for one, and the pursuit goes on."""
    with transaction.atomic():
        made = consents.record(lead, by=by, now=now, **given)
        if made.channel == Consent.Channel.CALL and consents.state_of(made, now=now) == "in_force":
            todo.finish_all([lead.pk], Task.Kind.RECORD_CONSENT, by=by, now=now)
            blockers.go_on([lead.pk], now=now)
    return made
