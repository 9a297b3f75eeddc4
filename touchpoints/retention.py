"""Which records of calls and consents have been kept long enough, and what becomes of them then?

Kept are the years the workspace asks for, and never less than the law does. What is older is thinned: a call keeps
its times, its outcome and whose it was, for the figures; verdict, note, recording and numbers go. Nothing that an
open complaint is about is touched, whatever its age, and no consent that a younger call rested on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Exists, F, Max, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce, Greatest

from leads.models import AuditEvent, Consent, GuardRule, Workspace

from . import sweeps
from .models import BlockedDial, CallAttempt, Complaint, Dial, Direction

if TYPE_CHECKING:
    from datetime import datetime

LAW_KEEPS_YEARS = 5  # 16 CFR 310.5(a) for telemarketing records in the United States
CHUNK = 2_000
ACTION = "records.thinned"
# What of a call is its evidence and its words; times, outcome and whose it was stay.
THINNED: dict[str, Any] = {
    "notes": "",
    "guard": {},
    "guard_lists": [],
    "warn_reason": "",
    "effects": {},
    "recording_url": "",
    "calling_number": "",
    "number_digest": "",
}


def years_kept() -> int:
    """The years records are kept here: the workspace's, never less than a rule in use or the law asks for."""
    rules = GuardRule.objects.filter(active=True).aggregate(most=Max("consent_kept_years"))
    return max(LAW_KEEPS_YEARS, Workspace.current().evidence_years, rules["most"] or 0)


def years_before(now: datetime, years: int) -> datetime:
    """The same moment so many years earlier; from a leap day the day before, which keeps longer, never shorter."""
    try:
        return now.replace(year=now.year - years)
    except ValueError:
        return now.replace(year=now.year - years, day=28)


def thin(*, now: datetime, chunk: int = CHUNK) -> dict[str, int]:
    """Thin what was kept long enough; returns how many of each kind, and writes one audit event if any."""
    with sweeps.noted("thin_records", now=now) as run:
        years = years_kept()
        cutoff = years_before(now, years)
        counts = {
            "calls": _in_chunks(_old_calls(cutoff), _thin_calls, chunk),
            "blocked_dials": _in_chunks(_old_blocked_dials(cutoff), _delete(BlockedDial), chunk),
            "consents": _in_chunks(_old_consents(cutoff), _delete(Consent), chunk),
            "complaints": _in_chunks(_old_complaints(cutoff), _delete(Complaint), chunk),
        }
        counts = {name: count for name, count in counts.items() if count}
        run.looked_at = run.changed = sum(counts.values())
        if counts:
            AuditEvent.objects.create(
                at=now,
                action=ACTION,
                subject_type="workspace",
                subject_id="1",
                after={**counts, "years": years, "older_than": cutoff.isoformat()},
            )
    return counts


def _in_chunks(found: QuerySet[Any], act: Callable[[list[int]], None], size: int) -> int:
    done = 0
    for ids in _chunks(found, size):
        with transaction.atomic():
            act(ids)
        done += len(ids)
    return done


def _chunks(found: QuerySet[Any], size: int) -> Iterator[list[int]]:
    while ids := list(found.order_by("pk").values_list("pk", flat=True)[:size]):
        yield ids


def _delete(model: Any) -> Callable[[list[int]], None]:
    return lambda ids: model.objects.filter(pk__in=ids).delete()


def _not_complained_of(lead: str = "lead") -> Q:
    """Nobody's lead that an open complaint is about: their whole history may be asked for."""
    return ~Exists(Complaint.objects.open().filter(lead=OuterRef(lead)))


def _old_calls(cutoff: datetime) -> QuerySet[CallAttempt]:
    """Calls that ended before the cutoff and still hold something to thin."""
    whole = Q()
    for name, empty in THINNED.items():
        whole |= ~Q(**{name: empty})
    old = CallAttempt.objects.filter(started_at__lt=cutoff, ended_at__lt=cutoff)
    own = ~Exists(Complaint.objects.open().filter(call=OuterRef("pk")))
    return old.filter(whole | Q(number__isnull=False), _not_complained_of(), own)


def _thin_calls(ids: list[int]) -> None:
    CallAttempt.objects.filter(pk__in=ids).update(number=None, **THINNED)
    Dial.objects.filter(call__in=ids).update(number=None)


def _old_blocked_dials(cutoff: datetime) -> QuerySet[BlockedDial]:
    return BlockedDial.objects.filter(_not_complained_of(), at__lt=cutoff)


def _old_consents(cutoff: datetime) -> QuerySet[Consent]:
    """Consents that ended before the cutoff and that no younger call rested on. One without an end goes on."""
    last_call = (
        CallAttempt.objects.filter(
            lead=OuterRef("lead"),
            direction=Direction.OUTBOUND,
            started_at__gte=OuterRef("starts_at"),
            started_at__lt=Coalesce(OuterRef("_ended_at"), OuterRef("starts_at")),
        )
        .order_by("-started_at")
        .values("started_at")[:1]
    )
    ended = Coalesce("revoked_at", "ends_at")
    return (
        Consent.objects.annotate(_ended_at=ended)
        .annotate(_used_at=Coalesce(last_call, F("starts_at")))
        .annotate(_kept_from=Greatest("_ended_at", "_used_at", "recorded_at"))
        .filter(_not_complained_of(), _ended_at__isnull=False, _kept_from__lt=cutoff)
    )


def _old_complaints(cutoff: datetime) -> QuerySet[Complaint]:
    return Complaint.objects.exclude(status=Complaint.Status.OPEN).filter(
        at__lt=cutoff, handled_at__lt=cutoff
    )
