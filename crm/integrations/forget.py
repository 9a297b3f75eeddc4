"""What do replies kept for repeated requests tell of a person who is erased?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Q

from crm.integrations.models import IdempotencyKey

if TYPE_CHECKING:
    from touchpoints.traces import Traces


def forget(found: Traces) -> int:
    """Drop the kept replies in which the person stands; returns how many."""
    naming = Q()
    for word in found.words:
        naming |= Q(response__icontains=word)
    for pk in found.leads:
        naming |= Q(path__contains=f"/leads/{pk}/")
    if not naming:
        return 0
    return IdempotencyKey.objects.filter(naming).delete()[0]
