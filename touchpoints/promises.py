"""Was a promise kept? The door to say so by hand; a call's outcome says it by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .models import Promise

if TYPE_CHECKING:
    from datetime import datetime


def keep(promise: Promise, *, now: datetime) -> bool:
    """Note that a promise was kept; False where it was kept or called off already. A broken one stays broken too."""
    return bool(Promise.objects.filter(pk=promise.pk, kept_at=None, cancelled_at=None).update(kept_at=now))
