"""Was this touchpoint reported before? A replay changes nothing, or corrects what it said the first time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db.models import Q
from django.utils.translation import gettext

from leads.models import Lead

from . import enquiries
from .models import Touchpoint, UnmatchedTouchpoint
from .reports import NewTouchpoint, Recorded, RowRefused, refused, to_payload

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from django.contrib.auth.models import AbstractUser

    from .models import TouchpointKind

# A corrected touchpoint is evaluated as a new one, even where it had been set aside.
AFRESH = {"evaluated_at": None, "evaluation_tries": 0, "evaluation_error": "", "set_aside_at": None}
OWN_FIELDS = (
    "kind_id",
    "direction",
    "occurred_at",
    "network",
    "campaign",
    "summary",
    "referred_by",
    "by",
    "by_user_id",
    "url",
    "data",
    "historical",
)


class Replays:
    """What is stored already of a set of reports, by (source, external_id)."""

    def __init__(
        self, news: Sequence[NewTouchpoint], kinds: dict[str, TouchpointKind], user: AbstractUser | None
    ) -> None:
        self.kinds = kinds
        keys = {(new.source, new.external_id) for new in news if new.external_id}
        self._known = _by_external_id(Touchpoint.objects.select_related("lead"), keys)
        self._waiting = _by_external_id(UnmatchedTouchpoint.objects.all(), keys)
        self._seen = _seen_by(user, [touchpoint.pk for touchpoint in self._known.values()])
        self._changed: dict[int, Touchpoint] = {}

    def answer(self, new: NewTouchpoint) -> Recorded | RowRefused | None:
        """What a report of something known comes to; None where it is news. `write` stores the corrections."""
        key = (new.source, new.external_id)
        if not new.external_id:
            return None
        if key in self._known:
            stored = self._known[key]
            if stored.pk not in self._seen:
                return refused("external_id", "taken", gettext("belongs to a touchpoint you may not see"))
            return self.repeat(new, stored)
        if key in self._waiting:
            return Recorded("unresolved", unmatched=_wait_on(self._waiting[key], new))
        return None

    def repeat(self, new: NewTouchpoint, stored: Touchpoint) -> Recorded:
        """A report of a stored touchpoint: a duplicate, or a correction of it."""
        if not apply(stored, values_of(new, self.kinds)):
            return Recorded("duplicate", stored)
        apply(stored, AFRESH)
        self._changed[stored.pk] = stored
        return Recorded("updated", stored)

    def write(self, *, by: AbstractUser | None, now: datetime) -> None:
        """Write corrected touchpoints, to be evaluated again. Their leads are held, so that an evaluation that read
        the old values cannot call the new ones evaluated."""
        if self._changed:
            leads = sorted({touchpoint.lead_id for touchpoint in self._changed.values()})
            held = Lead.objects.select_for_update().filter(pk__in=leads).order_by("pk")
            list(held.values_list("pk", flat=True))
            Touchpoint.objects.bulk_update(self._changed.values(), [*_writable(OWN_FIELDS), *AFRESH])
            enquiries.follow_corrections(self._changed.values(), by=by, now=now)
            self._changed = {}


def _seen_by(user: AbstractUser | None, ids: list[int]) -> set[int]:
    if user is None or not ids:
        return set(ids)
    return set(Touchpoint.objects.visible_to(user).filter(pk__in=ids).values_list("pk", flat=True))


def _wait_on(unmatched: UnmatchedTouchpoint, new: NewTouchpoint) -> UnmatchedTouchpoint:
    """A replay of one that still waits: what was sent last is what will be settled."""
    payload = to_payload(new)
    if unmatched.settled_at is None and unmatched.payload != payload:
        unmatched.payload = payload
        unmatched.save(update_fields=["payload"])
    return unmatched


def values_of(new: NewTouchpoint, kinds: dict[str, TouchpointKind]) -> dict[str, Any]:
    """A report as a touchpoint's own fields."""
    return {
        "kind_id": new.kind,
        "direction": new.direction or kinds[new.kind].direction,
        "occurred_at": new.occurred_at,
        "network": new.network,
        "campaign": new.campaign,
        "summary": new.summary,
        "referred_by": new.referred_by,
        "by": new.by,
        "by_user_id": new.by_user_id,
        "url": new.url,
        "data": new.data,
        "historical": new.historical,
    }


def apply(touchpoint: Touchpoint, values: dict[str, Any]) -> bool:
    """Set fields of a touchpoint; returns whether any changed."""
    changed = False
    for name, value in values.items():
        if getattr(touchpoint, name) != value:
            setattr(touchpoint, name, value)
            changed = True
    return changed


def _by_external_id(rows: Any, keys: set[tuple[str, str]]) -> dict[tuple[str, str], Any]:
    """Rows by (source, external_id): one query, an IN per source."""
    if not keys:
        return {}
    wanted = Q()
    for source in {source for source, _id in keys}:
        wanted |= Q(source=source, external_id__in=[one for of, one in keys if of == source])
    return {(row.source, row.external_id): row for row in rows.filter(wanted)}


def _writable(names: Iterable[str]) -> list[str]:
    return [name.removesuffix("_id") for name in names]
