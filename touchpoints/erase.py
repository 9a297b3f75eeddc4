"""How is somebody forgotten who asks for it, so that they are not called again and our calls can still be proved?

What goes: whatever says who they were or what they said. What stays, since the law wants calls provable for years
(16 CFR 310.5; GDPR 17(3)(b) and (e)): that there was a call, when, by whom, how long, how it ended, the guard's
verdict, the consents by kind and date. The called number stays as a digest: whoever names the number, as a
complaint does, finds the calls; nobody can read it from them.

The wish is written into a ledger outside the database before it is committed: a restored backup brings the person
back, and `reapply` removes them again. Written down twice it harms nobody; lost it would.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from datetime import UTC
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import transaction
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext

from leads import erasure, numbers
from leads.known import folded
from leads.models import AuditEvent, Lead, Suppression, Workspace

from . import forgetting, refusals, suppress, traces

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from django.contrib.auth.models import AbstractUser

ACTION = "lead.erased"


@dataclass(frozen=True)
class Erased:
    """What an erasure did: counts by kind of row, and under which key its digests are."""

    lead: int
    erased_at: datetime
    key_id: str
    digests: int
    counts: dict[str, int] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return {
            "lead": self.lead,
            "erased_at": self.erased_at.isoformat(),
            "key_id": self.key_id,
            "digests": self.digests,
            "rows": self.counts,
        }


def erase(lead: Lead, *, reason: str, by: AbstractUser | None, now: datetime) -> Erased:
    """Forget a person, with every lead that was merged into theirs; erasing twice changes nothing.

    `by` None: an operator, by command. Raises `refusals.NotYours` for anybody but an admin, `refusals.Invalid` for
    a lead that was merged into another (erase that one).
    """
    if by is not None and not by.is_admin:  # type: ignore[attr-defined]
        raise refusals.NotYours(gettext("Only an admin erases a person."))
    with transaction.atomic():
        people = _locked_with_merged(lead)
        survivor = people[0]
        if survivor.merged_into_id:
            raise refusals.Invalid(
                gettext("This lead was merged into lead %(id)s: erase that one.")
                % {"id": survivor.merged_into_id},
                field="lead",
            )
        if survivor.erased_at is not None:
            return Erased(survivor.pk, survivor.erased_at, erasure.current_key_id(), 0)
        sealed = [[one.pk, _sealed(one)] for one in people]
        done, entries = _forget(people, reason=reason, by=by, now=now)
        _write_down(sealed, entries, now=now)
    return done


def _forget(
    people: list[Lead], *, reason: str, by: AbstractUser | None, now: datetime
) -> tuple[Erased, list[Suppression]]:
    """`erase` but for the ledger. `people` are one person's leads, locked, the one that stands for them first."""
    survivor = people[0]
    found = traces.of(people)
    reason = found.without(reason.strip())[:200]
    entries = _suppress(found, reason=reason, by=by, now=now)
    counts = forgetting.forget(people, found, now=now, by=by)
    done = Erased(survivor.pk, now, erasure.current_key_id(), len(entries), counts)
    AuditEvent.objects.create(
        at=now,
        actor=by,
        action=ACTION,
        subject_type="lead",
        subject_id=str(survivor.pk),
        lead=survivor,
        after={"key_id": done.key_id, "digests": done.digests, "rows": counts},
        reason=reason,
    )
    return done, entries


def namesakes(lead: Lead) -> list[Lead]:
    """Other leads that seem to be the same person: the same name, with a number or the e-mail of theirs."""
    found = traces.of(_with_merged(lead))
    if not found.names:
        return []
    near = Lead.objects.live().exclude(pk__in=found.leads)
    numbers = [number.pk for number in (*found.alone, *found.shared)]
    by_number = near.filter(lead_numbers__number__in=numbers, lead_numbers__detached_at=None)
    by_email = near.filter(email__in=found.emails).exclude(email="")
    others = (by_number | by_email).distinct().select_related("company", "owner")
    return [one for one in others if folded(one.person) in found.names]


def _with_merged(lead: Lead) -> list[Lead]:
    """The lead and all that were merged into it, however long the chain."""
    people, last = [lead], [lead.pk]
    while step := list(Lead.objects.filter(merged_into__in=last).order_by("pk")):
        people += step
        last = [one.pk for one in step]
    return people


def _locked_with_merged(lead: Lead) -> list[Lead]:
    ids = [one.pk for one in _with_merged(lead)]
    rows = Lead.objects.select_for_update(of=("self",)).in_bulk(ids)
    return [rows[pk] for pk in ids if pk in rows]


def _suppress(
    found: traces.Traces, *, reason: str, by: AbstractUser | None, now: datetime
) -> list[Suppression]:
    """Digests instead of numbers on our own list. An earlier wish about the same number keeps its date."""
    alone = [*found.e164s, *(found.emails - found.shared_emails), *found.ids]
    shared = [*(number.e164 for number in found.shared), *found.shared_emails]
    wished = dict(
        Suppression.objects.filter(scope=Suppression.Scope.NUMBER, e164__in=found.e164s, lifted_at=None)
        .order_by("-requested_at")
        .values_list("e164", "requested_at")
    )
    wanted = {erasure.digests(text)[0]: wished.get(text, now) for text in alone}
    wanted |= {erasure.digests(text, name)[0]: now for text in shared for name in found.names}
    known = list(Suppression.objects.active().filter(scope=Suppression.Scope.ERASED, digest__in=wanted))
    kept = {entry.digest for entry in known}
    made = Suppression.objects.bulk_create(
        Suppression(
            scope=Suppression.Scope.ERASED,
            digest=digest,
            key_id=erasure.current_key_id(),
            reason=reason,
            channel="erasure",
            requested_at=at,
            by=by,
        )
        for digest, at in wanted.items()
        if digest not in kept
    )
    return [*known, *made]


def readmit(known_by: str, *, name: str, reason: str, evidence: str, by: AbstractUser, now: datetime) -> int:
    """Let an erased person be called again by a number or e-mail of theirs; returns how many entries came off.

    `name`: as they were known, where others share the number. Raises a `refusals.Refused`.
    """
    text = _read(known_by)
    wanted = {*erasure.digests(text), *(erasure.digests(text, name) if name.strip() else ())}
    entries = Suppression.objects.active().filter(scope=Suppression.Scope.ERASED, digest__in=wanted)
    found = list(entries)
    if not found:
        raise refusals.Invalid(
            gettext("Nobody who was erased is known by this; where others share a number, add the name."),
            field="known_by",
        )
    with transaction.atomic():
        for entry in found:
            suppress.lift(entry, reason=reason, evidence=evidence, by=by, now=now)
    return len(found)


def _read(known_by: str) -> str:
    if "@" in known_by:
        return known_by.strip()
    try:
        return numbers.parse(known_by, Workspace.current().region).e164
    except numbers.NumberRefused as refused:
        raise refusals.Invalid(refused.reason, field="known_by") from None


# --- the ledger ----------------------------------------------------------------------------------------------


def _sealed(lead: Lead) -> str:
    """What tells this lead from another that bears the same id in another installation."""
    return erasure.seal(_called(lead))


def _called(lead: Lead) -> str:
    return f"lead {lead.pk} {lead.created_at.astimezone(UTC).isoformat()}"


def _write_down(leads: list[list[Any]], entries: list[Suppression], *, now: datetime) -> None:
    line = {
        "at": now.isoformat(),
        "leads": leads,
        "reason": entries[0].reason if entries else "",
        "digests": [[entry.digest, entry.key_id, entry.requested_at.isoformat()] for entry in entries],
    }
    append(settings.ERASURE_LEDGER, [json.dumps(line)])


def append(ledger: Path, lines: list[str]) -> None:
    """Add lines to the ledger, on disk before this returns; readable by its owner only."""
    handle = os.open(ledger, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    with os.fdopen(handle, "a") as stream:
        stream.write("".join(f"{line}\n" for line in lines))
        stream.flush()
        os.fsync(stream.fileno())


def _ledger() -> list[dict[str, Any]]:
    try:
        return [json.loads(line) for line in settings.ERASURE_LEDGER.read_text().splitlines() if line]
    except FileNotFoundError:
        return []


def reapply(*, now: datetime) -> list[int]:
    """Forget again whoever a restored backup brought back; returns the ids of their leads.

    Their digests come back onto our own list as well, so that nobody imports them anew.
    """
    lines = _ledger()
    if not lines:
        return []
    wanted = {
        digest: (key, line["reason"], parse_datetime(at))
        for line in lines
        for digest, key, at in line["digests"]
    }
    known = Suppression.objects.filter(scope=Suppression.Scope.ERASED, digest__in=wanted)
    # One that was lifted stays lifted, where the restored database knows of it.
    missing = wanted.keys() - set(known.values_list("digest", flat=True))
    again: list[int] = []
    with transaction.atomic():
        Suppression.objects.bulk_create(
            Suppression(
                scope=Suppression.Scope.ERASED,
                digest=digest,
                key_id=wanted[digest][0],
                reason=wanted[digest][1],
                channel="erasure",
                requested_at=wanted[digest][2] or now,
            )
            for digest in sorted(missing)
        )
        reasons = {pk: (sealed, line["reason"]) for line in lines for pk, sealed in line["leads"]}
        back = Lead.objects.filter(erased_at=None, merged_into=None).in_bulk(list(reasons))
        for pk, lead in sorted(back.items()):
            sealed, reason = reasons[pk]
            if _is_of(lead, sealed):
                _forget(_locked_with_merged(lead), reason=reason, by=None, now=now)
                again.append(pk)
    return again


def _is_of(lead: Lead, sealed: str) -> bool:
    return sealed in erasure.seals(_called(lead))
