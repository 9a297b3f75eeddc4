"""What allows a call the rules would refuse, and until when? The one door for consents, permissions, relationships.

A rep records a consent they heard, with its evidence, and notes that one was revoked: that only restricts. The rest
is for managers. Who recorded a row, and when, is never the client's to say. Each change is audited.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from leads.facts import FieldError
from leads.models import AuditEvent, Consent, Number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.db.models import QuerySet

    from leads.models import Lead

CLOCKS_DIFFER = timedelta(minutes=5)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FEWEST_WORDS = 3  # characters: enough for "fax", too many for a dash
MOST_EVIDENCE = 5_000
# What a rep may hear on a call; a signature, a purchase or a friendship is for somebody else to vouch for.
REPS_RECORD = (Consent.Kind.CONSENT,)
EDITABLE = ("kind", "channel", "starts_at", "ends_at", "evidence", "number")
Channel, Kind = Consent.Channel, Consent.Kind


class ConsentRefused(Exception):
    """A consent that cannot be kept so, with the fields to mend."""

    def __init__(self, errors: Sequence[FieldError]) -> None:
        super().__init__("; ".join(error.detail for error in errors))
        self.errors = list(errors)


class NotAllowed(Exception):
    """This user may not do that to a consent; the text says who may."""


def kinds_for(user: Any) -> list[str]:
    """The kinds of permission this user may record."""
    return list(Kind.values) if user.is_manager else list(REPS_RECORD)


def record(
    lead: Lead,
    *,
    by: Any,
    now: datetime,
    evidence: str,
    kind: str = Kind.CONSENT,
    channel: str = Channel.CALL,
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
    number: Number | None = None,
) -> Consent:
    """Keep a permission of the lead's, for one number or for all. Raises ConsentRefused and NotAllowed."""
    row = Consent(
        lead=lead,
        kind=kind,
        channel=channel,
        starts_at=starts_at or now,
        ends_at=ends_at,
        evidence=evidence.strip(),
        number=number,
        recorded_at=now,
        recorded_by=by,
    )
    _check(row, now=now)
    if kind not in kinds_for(by):
        raise NotAllowed(_("Only managers record this kind of permission."))
    with transaction.atomic():
        row.save()
        _audit("consent.recorded", [row], by=by, now=now)
    return row


def record_many(rows: Sequence[Consent], *, by: Any, now: datetime) -> list[Consent]:
    """Keep permissions that the product itself made out, as the enquiry that a hand-raise is; audited set-wise."""
    with transaction.atomic():
        made = Consent.objects.bulk_create(rows)
        _audit("consent.recorded", made, by=by, now=now)
    return made


def edit(consent: Consent, changes: dict[str, Any], *, by: Any, now: datetime) -> bool:
    """Correct a row: a manager's act. Returns whether anything changed; raises ConsentRefused and NotAllowed."""
    _managers(by)
    if unknown := set(changes) - set(EDITABLE):
        raise ConsentRefused(
            [FieldError(name, "unknown", _("cannot be changed")) for name in sorted(unknown)]
        )
    with transaction.atomic():
        row = Consent.objects.select_for_update(of=("self",)).get(pk=consent.pk)
        before = snapshot(row)
        for name, value in changes.items():
            setattr(row, name, value.strip() if name == "evidence" else value)
        _check(row, now=now)
        if snapshot(row) == before:
            return False
        row.save()
        _audit("consent.edited", [row], by=by, now=now, before=[before])
    consent.refresh_from_db()
    return True


def end(consent: Consent, *, reason: str, by: Any, now: datetime) -> None:
    """Let it end now, as a relationship does that is over; a manager's act."""
    _managers(by)
    _close(consent, "ends_at", "consent.ended", reason=reason, by=by, now=now)


def revoke(consent: Consent, *, reason: str, by: Any, now: datetime) -> None:
    """They took it back: whoever hears it notes it, and nothing given before it counts any more."""
    _close(consent, "revoked_at", "consent.revoked", reason=reason, by=by, now=now)


def revoke_all(rows: QuerySet[Consent], *, reason: str, by: Any, now: datetime) -> int:
    """Revoke whatever of these rows still stands, set-wise, each with its audit event; returns how many."""
    return _close_all(rows, "revoked_at", "consent.revoked", reason=reason, by=by, now=now)


def end_all(rows: QuerySet[Consent], *, reason: str, by: Any, now: datetime) -> int:
    """Let whatever of these rows has no end yet, or a later one, end now; else as `revoke_all`."""
    lasting = rows.filter(Q(ends_at=None) | Q(ends_at__gt=now))
    return _close_all(lasting, "ends_at", "consent.ended", reason=reason, by=by, now=now)


def _close_all(
    rows: QuerySet[Consent], field: str, action: str, *, reason: str, by: Any, now: datetime
) -> int:
    standing = list(rows.filter(revoked_at=None))
    before = [snapshot(row) for row in standing]
    Consent.objects.filter(pk__in=[row.pk for row in standing]).update(**{field: now})
    for row in standing:
        setattr(row, field, now)
    _audit(action, standing, by=by, now=now, before=before, reason=reason)
    return len(standing)


def restore(rows: QuerySet[Consent], *, reason: str, by: Any, now: datetime) -> int:
    """Give back what was revoked for a wish that was none; returns how many."""
    revoked = list(rows.exclude(revoked_at=None))
    before = [snapshot(row) for row in revoked]
    Consent.objects.filter(pk__in=[row.pk for row in revoked]).update(revoked_at=None)
    for row in revoked:
        row.revoked_at = None
    _audit("consent.restored", revoked, by=by, now=now, before=before, reason=reason)
    return len(revoked)


def snapshot(row: Consent) -> dict[str, Any]:
    """A row's own values as JSON, for the audit trail."""
    values = {name: getattr(row, name) for name in ("kind", "channel", "number_id", "evidence")}
    times = {name: getattr(row, name) for name in ("starts_at", "ends_at", "revoked_at")}
    return values | {name: at.isoformat() if at else None for name, at in times.items()}


def state_of(row: Consent, *, now: datetime) -> str:
    """in_force, later, ended or revoked."""
    if row.revoked_at is not None and row.revoked_at <= now:
        return "revoked"
    if row.ends_at is not None and row.ends_at <= now:
        return "ended"
    return "in_force" if row.starts_at <= now else "later"


def _close(consent: Consent, field: str, action: str, *, reason: str, by: Any, now: datetime) -> None:
    if not reason.strip():
        raise ConsentRefused([FieldError("reason", "required", _("nothing is said"), _("why it ends"))])
    with transaction.atomic():
        row = Consent.objects.select_for_update(of=("self",)).get(pk=consent.pk)
        if state_of(row, now=now) in ("ended", "revoked"):
            raise ConsentRefused([FieldError("", "closed", _("it has ended already"))])
        before = snapshot(row)
        setattr(row, field, max(now, row.starts_at) if field == "ends_at" else now)
        row.save(update_fields=[field])
        _audit(action, [row], by=by, now=now, before=[before], reason=reason)
    consent.refresh_from_db()


def _managers(by: Any) -> None:
    if not by.is_manager:
        raise NotAllowed(_("Only managers change or end a permission; say that they revoked it instead."))


def _check(row: Consent, *, now: datetime) -> None:
    errors = []
    if row.kind not in Kind.values:
        errors.append(FieldError("kind", "invalid", _("no such kind"), " / ".join(Kind.values)))
    if row.channel not in Channel.values:
        errors.append(FieldError("channel", "invalid", _("no such channel"), " / ".join(Channel.values)))
    if len(row.evidence) < FEWEST_WORDS:
        wanted = _("where and how they said so, as somebody else can check it")
        errors.append(FieldError("evidence", "required", _("no evidence"), wanted))
    elif len(row.evidence) > MOST_EVIDENCE or "\x00" in row.evidence:
        wanted = _("at most %(n)d readable characters") % {"n": MOST_EVIDENCE}
        errors.append(FieldError("evidence", "too_long", _("cannot be kept"), wanted))
    if row.starts_at > now + CLOCKS_DIFFER:
        errors.append(FieldError("starts_at", "future", _("lies ahead"), _("when they gave it")))
    elif row.starts_at < EPOCH:
        errors.append(FieldError("starts_at", "too_early", _("lies before 1970"), _("when they gave it")))
    if row.ends_at is not None and row.ends_at <= row.starts_at:
        wanted = _("a time after it was given, or none")
        errors.append(FieldError("ends_at", "invalid", _("ends before it begins"), wanted))
    if row.number_id and not row.lead.lead_numbers.current().filter(number=row.number_id).exists():
        errors.append(FieldError("number", "invalid", _("no number of this lead"), _("one of theirs")))
    if errors:
        raise ConsentRefused(errors)


def _audit(
    action: str,
    rows: Sequence[Consent],
    *,
    by: Any,
    now: datetime,
    before: Sequence[dict[str, Any]] = (),
    reason: str = "",
) -> None:
    AuditEvent.objects.bulk_create(
        AuditEvent(
            at=now,
            actor=by,
            action=action,
            subject_type="consent",
            subject_id=str(row.pk),
            lead_id=row.lead_id,
            before=before[index] if before else {},
            after=snapshot(row),
            reason=reason[:300],
        )
        for index, row in enumerate(rows)
    )
