"""How does somebody get onto our own do-not-call list, and off it? In one transaction, everywhere at once.

A message that asks us to stop proposes an entry, which blocks until a person confirms or declines it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext

from leads import claims, consents
from leads.models import AuditEvent, Company, Consent, Lead, LeadNumber, Number, Suppression, Workspace

from . import follow_ups, refusals, todo
from .models import FollowUp, Pursuit, Task, Wish

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from django.contrib.auth.models import AbstractUser

Scope, State = Suppression.Scope, Suppression.State
# Why a follow-up was cancelled: a stable text, by which it is found again where the wish is taken back.
WHY = "do not call"


@dataclass(frozen=True)
class Proposal:
    """That this person may have asked us to stop: when they wrote it, and where it can be read."""

    lead_id: int
    said_at: datetime
    reason: str
    channel: str
    evidence: str


def suppress(
    *,
    scope: str,
    by: AbstractUser | None,
    now: datetime,
    lead: Lead | None = None,
    number: Number | None = None,
    e164: str = "",
    company: Company | None = None,
    reason: str = "",
    channel: str = "",
    evidence: str = "",
) -> Suppression:
    """Put a person, a number or a company on our own list; a second wish for the same changes nothing, but confirms
    an entry that was only proposed.

    Follow-ups and pursuits of whoever it covers end in the same transaction, and consents of a person are revoked.
    Raises `refusals.Invalid` where the scope names nothing.
    """
    with transaction.atomic():
        what = _named(scope, lead, number, e164, company)
        if "company_id" in what:
            _hold_numbers(_numbers_of(lead__company=what["company_id"]))
        else:
            _hold_numbers(Q(**what) if "e164" in what else _numbers_of(**what))
        entry, created = Suppression.objects.get_or_create(
            scope=scope,
            lifted_at=None,
            **what,
            defaults={
                "reason": reason[:200],
                "channel": channel[:40],
                "evidence": evidence,
                "requested_at": now,
                "by": by,
            },
        )
        if created:
            AuditEvent.objects.bulk_create([_audited("suppression.added", entry, by=by, now=now)])
        elif entry.state == State.PROPOSED:
            confirm([entry], reason=reason, by=by, now=now)
        _stop_calling([entry], by=by, now=now)
    return entry


def suppress_numbers(
    e164s: Sequence[str], *, reason: str, channel: str, evidence: str, by: AbstractUser | None, now: datetime
) -> int:
    """Put many numbers on the list, set-wise; returns how many were not on it yet."""
    with transaction.atomic():
        claims.hold(["own list"])
        _hold_numbers(Q(e164__in=e164s))
        known = set(
            Suppression.objects.active()
            .filter(scope=Scope.NUMBER, e164__in=e164s)
            .values_list("e164", flat=True)
        )
        fresh = [one for one in dict.fromkeys(e164s) if one not in known]
        rows = Suppression.objects.bulk_create(
            Suppression(
                scope=Scope.NUMBER,
                e164=one,
                reason=reason[:200],
                channel=channel[:40],
                evidence=evidence,
                requested_at=now,
                by=by,
            )
            for one in fresh
        )
        AuditEvent.objects.bulk_create(
            (_audited("suppression.added", row, by=by, now=now) for row in rows), batch_size=1_000
        )
        _stop_calling(rows, by=by, now=now)
    return len(rows)


# --- what a message proposes -----------------------------------------------------------------------------------


def propose(proposals: Sequence[Proposal], *, now: datetime) -> dict[int, Suppression]:
    """Put people on the list until somebody decides, set-wise; their entries by lead, one they had before included."""
    first: dict[int, Proposal] = {}
    for one in sorted(proposals, key=lambda one: one.said_at):
        first.setdefault(one.lead_id, one)
    with transaction.atomic():
        # Whoever else stops the same person waits: one active entry each.
        list(
            Lead.objects.select_for_update().filter(pk__in=first).order_by("pk").values_list("pk", flat=True)
        )
        _hold_numbers(_numbers_of(lead__in=first))
        known = {
            row.lead_id: row
            for row in Suppression.objects.active().filter(scope=Scope.PERSON, lead__in=first)
        }
        made = Suppression.objects.bulk_create(
            Suppression(
                scope=Scope.PERSON,
                lead_id=lead_id,
                reason=one.reason[:200],
                channel=one.channel[:40],
                evidence=one.evidence,
                requested_at=min(one.said_at, now),
                state=State.PROPOSED,
            )
            for lead_id, one in first.items()
            if lead_id not in known
        )
        AuditEvent.objects.bulk_create(
            _audited("suppression.proposed", row, by=None, now=now) for row in made
        )
        _stop_calling(made, by=None, now=now)
    return {lead_id: row for lead_id, row in known.items() if lead_id is not None} | {
        row.lead_id: row for row in made if row.lead_id is not None
    }


def confirm(entries: Sequence[Suppression], *, reason: str, by: AbstractUser | None, now: datetime) -> None:
    """Somebody read the message and agrees: the entries stand as if a person had made them."""
    proposed = [entry for entry in entries if entry.state == State.PROPOSED]
    with transaction.atomic():
        ids = [entry.pk for entry in proposed]
        Suppression.objects.filter(pk__in=ids).update(state=State.CONFIRMED, decided_at=now, decided_by=by)
        for entry in proposed:
            entry.state, entry.decided_at, entry.decided_by = State.CONFIRMED, now, by  # type: ignore[assignment]
        AuditEvent.objects.bulk_create(
            _audited("suppression.confirmed", entry, by=by, now=now, reason=reason) for entry in proposed
        )
        _settle_wishes(ids, Wish.State.CONFIRMED, reason=reason, by=by, now=now)


def decline(entry: Suppression, *, reason: str, by: AbstractUser, now: datetime) -> None:
    """It was no wish: the entry goes off the list and what it stopped goes on. A manager's act, with a reason."""
    if not by.is_manager:  # type: ignore[attr-defined]
        raise refusals.NotYours(
            gettext("A manager decides that this was no wish; you may confirm that it was.")
        )
    if not reason.strip():
        raise refusals.Invalid(gettext("Say why this is no wish to be left alone."), field="reason")
    with transaction.atomic():
        locked = Suppression.objects.select_for_update(of=("self",)).get(pk=entry.pk)
        if locked.state != State.PROPOSED or locked.lifted_at is not None:
            raise refusals.TooLate(gettext("Somebody decided this already."))
        stopped_at = _stopped_at(locked)
        locked.state, locked.decided_at, locked.decided_by = State.DECLINED, now, by  # type: ignore[assignment]
        locked.lifted_at, locked.lifted_by, locked.lifted_reason = now, by, reason[:300]  # type: ignore[assignment]
        locked.save()
        AuditEvent.objects.bulk_create(
            [_audited("suppression.declined", locked, by=by, now=now, reason=reason)]
        )
        _settle_wishes([locked.pk], Wish.State.DECLINED, reason=reason, by=by, now=now)
        _give_back(locked, at=stopped_at, by=by, now=now)


def _stopped_at(entry: Suppression) -> datetime:
    """When the proposal stopped the calls: later than the message that asked for it."""
    proposed = AuditEvent.objects.filter(
        subject_type="suppression", subject_id=str(entry.pk), action="suppression.proposed"
    )
    return proposed.values_list("at", flat=True).first() or entry.requested_at


def _settle_wishes(
    entry_ids: Iterable[int], state: str, *, reason: str, by: AbstractUser | None, now: datetime
) -> None:
    """The messages behind these entries are decided with them, and so are the tasks that asked for it."""
    wishes = Wish.objects.open().filter(suppression__in=list(entry_ids))
    leads = list(wishes.values_list("lead_id", flat=True))
    wishes.update(state=state, decided_at=now, decided_by=by, reason=reason[:300])
    todo.finish_all(leads, Task.Kind.DECIDE_WISH, by=by, now=now)


# --- taking off ------------------------------------------------------------------------------------------------


def lift(entry: Suppression, *, reason: str, evidence: str, by: AbstractUser, now: datetime) -> None:
    """Take an entry off the list: an admin's act, with a reason and with what shows that they agree; audited."""
    if not by.is_admin:  # type: ignore[attr-defined]
        raise refusals.NotYours(gettext("Only an admin takes an entry off the do-not-call list."))
    if not reason.strip():
        raise refusals.Invalid(gettext("Say why it comes off the list."), field="reason")
    if not evidence.strip():
        raise refusals.Invalid(
            gettext("Say what shows that they agree: a mail, a letter, a form, with its date."),
            field="evidence",
        )
    with transaction.atomic():
        locked = Suppression.objects.select_for_update(of=("self",)).get(pk=entry.pk)
        if locked.lifted_at is not None:
            raise refusals.TooLate(gettext("This entry is off the list already."))
        locked.lifted_at, locked.lifted_by = now, by  # type: ignore[assignment]
        locked.lifted_reason, locked.lifted_evidence = reason[:300], evidence
        locked.save(update_fields=["lifted_at", "lifted_by", "lifted_reason", "lifted_evidence"])
        event = _audited("suppression.lifted", locked, by=by, now=now, reason=reason)
        event.before, event.after = event.after, {"evidence": evidence}
        event.save()
        _settle_wishes([locked.pk], Wish.State.DECLINED, reason=reason, by=by, now=now)
    entry.refresh_from_db()


def take_back(ids: Iterable[int], *, by: AbstractUser, now: datetime) -> None:
    """Take back what an outcome that is itself taken back had put on the list: a slip of the key, seen at once.

    An entry older than the undo window stays: from then on only an admin takes it off, with evidence. The others go,
    as one that was only lifted would void older consents for ever; the audit trail keeps them. What they stopped goes
    on: consents, pursuits and follow-ups of everyone they covered. An entry that a message of theirs rests on as well
    stays.
    """
    ids = list(ids)
    if not ids:
        return
    with transaction.atomic():
        asked = Wish.objects.filter(suppression=OuterRef("pk")).exclude(state=Wish.State.DECLINED)
        a_slip_since = now - timedelta(seconds=Workspace.current().undo_seconds)
        entries = list(
            Suppression.objects.select_for_update()
            .active()
            .filter(~Exists(asked), pk__in=ids, requested_at__gte=a_slip_since)
        )
        AuditEvent.objects.bulk_create(
            _audited("suppression.lifted", entry, by=by, now=now, reason="outcome taken back")
            for entry in entries
        )
        for entry in entries:
            covered = _covered([entry])
            Suppression.objects.filter(pk=entry.pk).delete()
            _give_back(entry, at=entry.requested_at, by=by, now=now, covered=covered)


def _give_back(
    entry: Suppression, *, at: datetime, by: AbstractUser, now: datetime, covered: set[int] | None = None
) -> None:
    """Let go on what the entry stopped at that instant."""
    covered = _covered([entry]) if covered is None else covered
    consents.restore(
        Consent.objects.filter(lead__in=covered, revoked_at=at), reason="no wish after all", by=by, now=now
    )
    Pursuit.objects.filter(
        ~Exists(Pursuit.objects.open().filter(lead=OuterRef("lead"))),
        lead__in=covered,
        ended_at=at,
        end_reason=Pursuit.EndReason.DO_NOT_CALL,
    ).update(ended_at=None, end_reason="", end_note="", ended_by=None)
    FollowUp.objects.filter(
        ~Exists(FollowUp.objects.open().filter(lead=OuterRef("lead"))),
        lead__in=covered,
        closed_at=at,
        closed_why=WHY,
    ).update(closed_at=None, closed_as="", closed_why="")


def _audited(
    action: str, entry: Suppression, *, by: AbstractUser | None, now: datetime, reason: str | None = None
) -> AuditEvent:
    return AuditEvent(
        at=now,
        actor=by,
        action=action,
        subject_type="suppression",
        subject_id=str(entry.pk),
        lead_id=entry.lead_id,
        after={"scope": entry.scope, "e164": entry.e164, "company": entry.company_id, "state": entry.state},
        reason=(entry.reason if reason is None else reason)[:300],
    )


def _hold_numbers(what: Q) -> None:
    """Let a dial to these numbers that has begun end first, and one that begins meanwhile wait: it sees the entry."""
    if connection.features.has_select_for_update:
        held = Number.objects.filter(what).select_for_update(no_key=True).order_by("pk")
        list(held.values_list("pk", flat=True))


def _numbers_of(**leads: Any) -> Q:
    return Q(pk__in=LeadNumber.objects.current().filter(**leads).values("number"))


def _named(
    scope: str, lead: Lead | None, number: Number | None, e164: str, company: Company | None
) -> dict[str, Any]:
    if scope == Scope.NUMBER and (number is not None or e164):
        return {"e164": e164 or number.e164}  # type: ignore[union-attr]
    if scope == Scope.PERSON and lead is not None:
        return {"lead": lead}
    if scope == Scope.COMPANY and company is not None:
        return {"company_id": company.pk}
    if scope == Scope.COMPANY and lead is not None and lead.company_id is not None:
        return {"company_id": lead.company_id}
    raise refusals.Invalid(
        gettext("Nothing is known to suppress under “%(scope)s”; expected person, number or company.")
        % {"scope": scope},
        field="scope",
    )


def _stop_calling(entries: list[Suppression], *, by: AbstractUser | None, now: datetime) -> None:
    """End what is planned for everyone the entries cover."""
    covered = _covered(entries)
    people = [entry.lead_id for entry in entries if entry.scope == Scope.PERSON]
    companies = [entry.company_id for entry in entries if entry.scope == Scope.COMPANY]
    e164s = [entry.e164 for entry in entries if entry.scope == Scope.NUMBER]
    named = Lead.objects.filter(Q(pk__in=people) | Q(company__in=companies))
    # What they gave after the message came, which may be read long after, stands: they changed their mind since.
    after = Suppression.objects.filter(
        Q(lead=OuterRef("lead")) | Q(company=OuterRef("lead__company")) | Q(e164=OuterRef("number__e164")),
        pk__in=[entry.pk for entry in entries],
        requested_at__gte=OuterRef("starts_at"),
    )
    given = Q(lead__in=named) | Q(number__e164__in=e164s)
    consents.revoke_all(Consent.objects.filter(given, Exists(after)), reason=WHY, by=by, now=now)
    follow_ups.close(covered, FollowUp.Closed.CANCELLED, now=now, why=WHY)
    Pursuit.objects.open().filter(lead__in=covered).update(
        ended_at=now, end_reason=Pursuit.EndReason.DO_NOT_CALL, ended_by=by
    )


def _covered(entries: list[Suppression]) -> set[int]:
    """The leads that nobody may call any more. A suppressed number leaves their other numbers callable."""
    people = [entry.lead_id for entry in entries if entry.scope == Scope.PERSON]
    companies = [entry.company_id for entry in entries if entry.scope == Scope.COMPANY]
    covered = set(
        Lead.objects.filter(Q(pk__in=people) | Q(company__in=companies)).values_list("pk", flat=True)
    )
    e164s = [entry.e164 for entry in entries if entry.scope == Scope.NUMBER]
    users = LeadNumber.objects.current().filter(number__e164__in=e164s).values_list("lead_id", flat=True)
    left = (
        LeadNumber.objects.current()
        .filter(lead__in=list(users), number__status=Number.Status.OK)
        .exclude(number__e164__in=Suppression.objects.active().filter(scope=Scope.NUMBER).values("e164"))
        .values_list("lead_id", flat=True)
    )
    return covered | (set(users) - set(left))
