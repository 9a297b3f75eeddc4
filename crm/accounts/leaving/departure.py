"""What ends when somebody leaves? Their access at once; what they had in hand is let go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from crm.accounts.forms import audit
from crm.accounts.models import User
from touchpoints import idle, queue

if TYPE_CHECKING:
    from datetime import datetime


def deactivate(member: User, *, by: User, now: datetime) -> None:
    """End a person's access. Audited: their leads have a day to be dealt out, then the pool has them."""
    with transaction.atomic():
        User.objects.filter(pk=member.pk).update(is_active=False)
        queue.release(member, now=now)
        audit(member, idle.DEACTIVATED, {"is_active": True}, {"is_active": False}, by=by, now=now)
