"""How does a touchpoint get in? The one door to record, correct, withdraw and settle one, for whoever reports it.

A touchpoint is stored with `evaluated_at` empty in the caller's transaction; the engine is rung after commit.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.translation import gettext

from leads import claims, identity, numbers, register
from leads.models import AuditEvent, Consent, Lead, Workspace
from leads.prepare import Prepared, prepare

from .bell import ring_on_commit
from .models import Touchpoint, TouchpointKind, UnmatchedTouchpoint

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from django.contrib.auth.models import AbstractUser

EVALUATE = "touchpoints.tasks.evaluate_waiting"
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


@dataclass(frozen=True)
class NewTouchpoint:
    """A touchpoint as somebody reports it. `lead` says whose it is, `lead_fields` what to make of an unknown one."""

    kind: str
    occurred_at: datetime
    lead: identity.Identity
    lead_fields: register.NewLead | None = None
    source: str = ""
    external_id: str = ""
    direction: str = ""
    network: str = ""
    campaign: str = ""
    summary: str = ""
    referred_by: str = ""
    by: str = ""
    by_user_id: int | None = None
    url: str = ""
    data: dict[str, Any] = field(default_factory=dict)
    historical: bool = False


@dataclass(frozen=True)
class Recorded:
    """What became of one report. `unmatched` is set where it waits in the matching inbox, `touchpoint` elsewhere."""

    status: Literal["created", "duplicate", "updated", "unresolved"]
    touchpoint: Touchpoint | None = None
    lead_created: bool = False
    unmatched: UnmatchedTouchpoint | None = None


@dataclass(frozen=True)
class RowRefused:
    """A report that cannot be stored, with the fields to mend; the others of its batch are not touched."""

    errors: list[register.FieldError]


def record(new: NewTouchpoint, *, user: AbstractUser | None, now: datetime) -> Recorded:
    """Record one touchpoint. Raises `register.LeadRefused` with the fields where it cannot be stored."""
    (result,) = record_many([new], user=user, now=now)
    if isinstance(result, RowRefused):
        raise register.LeadRefused(result.errors)
    return result


def record_many(
    news: Sequence[NewTouchpoint], *, user: AbstractUser | None, now: datetime
) -> list[Recorded | RowRefused]:
    """Record touchpoints in a constant number of statements; one result per report, in their order.

    A (source, external_id) that is known already, in the database or earlier in `news`, is a replay: a changed
    body corrects the touchpoint. Another process that stores the same one meanwhile makes this one a replay too.
    """
    for _try in range(2):
        try:
            with transaction.atomic():
                return _Batch(news, user, now).store()
        except IntegrityError:
            continue
    with transaction.atomic():
        return _Batch(news, user, now).store()


class _Batch:
    """One run of `record_many`: reads what is known, decides row by row, then writes everything at once."""

    def __init__(self, news: Sequence[NewTouchpoint], user: AbstractUser | None, now: datetime) -> None:
        self.news, self.user, self.now = news, user, now
        self.kinds = TouchpointKind.objects.in_bulk(list({new.kind for new in news}))
        self.results: dict[int, Recorded | RowRefused] = {}

    def store(self) -> list[Recorded | RowRefused]:
        fresh = self._answer_replays()
        self._place(self._match(fresh))
        if any(
            isinstance(one, Recorded) and one.touchpoint and one.status != "duplicate"
            for one in self.results.values()
        ):
            ring_on_commit(EVALUATE)
        return [self.results[row] for row in range(len(self.news))]

    def _answer_replays(self) -> list[int]:
        """Settle the rows whose (source, external_id) is stored already; return the others."""
        keys = {(new.source, new.external_id) for new in self.news if new.external_id}
        known = _by_external_id(Touchpoint.objects.select_related("lead"), keys)
        waiting = _by_external_id(UnmatchedTouchpoint.objects.all(), keys)
        seen = (
            set(
                Touchpoint.objects.visible_to(self.user)
                .filter(pk__in=[t.pk for t in known.values()])
                .values_list("pk", flat=True)
            )
            if self.user and known
            else {t.pk for t in known.values()}
        )
        changed: dict[int, Touchpoint] = {}
        fresh = []
        for row, new in enumerate(self.news):
            key = (new.source, new.external_id)
            if new.kind not in self.kinds:
                self.results[row] = _refused(
                    "kind", "unknown", gettext("there is no such kind of touchpoint")
                )
            elif new.external_id and key in known:
                self.results[row] = self._replay(new, known[key], seen, changed)
            elif new.external_id and key in waiting:
                self.results[row] = Recorded("unresolved", unmatched=self._wait_on(waiting[key], new))
            else:
                fresh.append(row)
        self._write(changed)
        return fresh

    def _wait_on(self, unmatched: UnmatchedTouchpoint, new: NewTouchpoint) -> UnmatchedTouchpoint:
        """A replay of one that still waits: what was sent last is what will be settled."""
        payload = to_payload(new)
        if unmatched.settled_at is None and unmatched.payload != payload:
            unmatched.payload = payload
            unmatched.save(update_fields=["payload"])
        return unmatched

    def _write(self, changed: dict[int, Touchpoint]) -> None:
        """Write corrected touchpoints, to be evaluated again. Their leads are held, so that an evaluation that read
        the old values cannot call the new ones evaluated."""
        if changed:
            leads = sorted({touchpoint.lead_id for touchpoint in changed.values()})
            list(
                Lead.objects.select_for_update()
                .filter(pk__in=leads)
                .order_by("pk")
                .values_list("pk", flat=True)
            )
            Touchpoint.objects.bulk_update(changed.values(), [*_writable(OWN_FIELDS), *AFRESH])

    def _replay(
        self, new: NewTouchpoint, stored: Touchpoint, seen: set[int], changed: dict[int, Touchpoint]
    ) -> Recorded | RowRefused:
        if stored.pk not in seen:
            return _refused("external_id", "taken", gettext("belongs to a touchpoint you may not see"))
        if not _apply(stored, self._values(new)):
            return Recorded("duplicate", stored)
        _apply(stored, AFRESH)
        changed[stored.pk] = stored
        return Recorded("updated", stored)

    def _match(self, fresh: list[int]) -> dict[int, identity.Match]:
        identities = [self.news[row].lead for row in fresh]
        self.home = Workspace.current().region
        claims.hold(key for one in identities for key in _Keys.of(one, self.home).all)
        return dict(zip(fresh, identity.match(identities, user=self.user), strict=True))

    def _place(self, matches: dict[int, identity.Match]) -> None:
        """Attach each fresh row to its lead, make the leads that are missing, or put it into the matching inbox."""
        lead_of: dict[int, int] = {}
        newcomers = _Newcomers()
        to_make: dict[int, Prepared] = {}
        maker_of: dict[int, int] = {}
        torn: dict[int, list[int]] = {}
        unresolved: list[int] = []
        first_of_key: dict[tuple[str, str], int] = {}
        repeats: list[tuple[int, int]] = []
        for row, match in matches.items():
            new = self.news[row]
            key = (new.source, new.external_id)
            if new.external_id and key in first_of_key:
                repeats.append((row, first_of_key[key]))
                continue
            if match.lead_id:
                lead_of[row] = match.lead_id
            elif match.candidates or match.hidden:
                unresolved.append(row)
            elif match.unknown_id:
                self.results[row] = _refused("lead.id", "not_found", gettext("there is no such lead"))
                continue
            else:
                keys = _Keys.of(new.lead, self.home)
                makers = newcomers.meant_by(keys)
                if len(makers) > 1:
                    torn[row] = makers
                    unresolved.append(row)
                elif makers or self._prepare(row, to_make):
                    maker_of[row] = makers[0] if makers else row
                    newcomers.add(maker_of[row], keys)
                else:
                    continue  # refused; a later row of the same key may be in order
            if new.external_id:
                first_of_key[key] = row
        made = self._make(to_make)
        self._store(matches, lead_of, maker_of, made)
        for row, makers in torn.items():
            found = [one for maker in makers if isinstance(one := made[maker], Lead)]
            matches[row] = identity.Match(candidates=tuple(lead.pk for lead in found))
        self._shelve(unresolved, matches)
        self._repeat(repeats)

    def _prepare(self, row: int, to_make: dict[int, Prepared]) -> bool:
        """Whether a lead can be made of this row; if not it is refused alone, whoever else it names."""
        try:
            to_make[row] = prepare(self._new_lead(self.news[row]), home=self.home)
        except register.LeadRefused as refused:
            self.results[row] = RowRefused(refused.errors)
            return False
        return True

    def _store(
        self,
        rows: Iterable[int],
        lead_of: dict[int, int],
        maker_of: dict[int, int],
        made: dict[int, Lead | register.LeadRefused],
    ) -> None:
        created: list[tuple[int, Touchpoint, bool]] = []
        leads = Lead.objects.in_bulk(list(lead_of.values()))
        for row in rows:
            if row in lead_of:
                created.append((row, self._touchpoint(row, leads[lead_of[row]]), False))
            elif row in maker_of:
                lead = made[maker_of[row]]
                if isinstance(lead, register.LeadRefused):
                    self.results[row] = RowRefused(lead.errors)
                else:
                    created.append((row, self._touchpoint(row, lead), maker_of[row] == row))
        stored = Touchpoint.objects.bulk_create([touchpoint for _row, touchpoint, _made in created])
        for (row, _t, lead_created), touchpoint in zip(created, stored, strict=True):
            self.results[row] = Recorded("created", touchpoint, lead_created)

    def _make(self, to_make: dict[int, Prepared]) -> dict[int, Lead | register.LeadRefused]:
        if not to_make:
            return {}
        owner, team = register.home_of(self.user)
        made = register.create_prepared(
            list(to_make.values()), owner=owner, team=team, by=self.user, now=self.now
        )
        return dict(zip(to_make, made, strict=True))

    def _new_lead(self, new: NewTouchpoint) -> register.NewLead:
        """What to make of an unknown lead: the fields sent, and what it was identified by."""
        fields = new.lead_fields or register.NewLead()
        extra_ids = {new.source: new.lead.external_id} if new.lead.external_id else {}
        phones = fields.phones
        if new.lead.phone and not phones:
            phones = [register.PhoneInput(raw=new.lead.phone)]
        values = dict(fields.fields)
        if new.lead.email:
            values.setdefault("email", new.lead.email)
        return replace(
            fields, fields=values, phones=phones, external_ids={**fields.external_ids, **extra_ids}
        )

    def _values(self, new: NewTouchpoint) -> dict[str, Any]:
        return {
            "kind_id": new.kind,
            "direction": new.direction or self.kinds[new.kind].direction,
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

    def _touchpoint(self, row: int, lead: Lead) -> Touchpoint:
        new = self.news[row]
        return Touchpoint(
            lead=lead,
            source=new.source,
            external_id=new.external_id,
            recorded_at=self.now,
            recorded_by=self.user,
            **self._values(new),
        )

    def _shelve(self, rows: list[int], matches: dict[int, identity.Match]) -> None:
        shelved = UnmatchedTouchpoint.objects.bulk_create(
            UnmatchedTouchpoint(
                source=self.news[row].source,
                external_id=self.news[row].external_id,
                payload=to_payload(self.news[row]),
                why=_why_unmatched(matches[row]),
                received_at=self.now,
                received_from=self.user,
            )
            for row in rows
        )
        through = UnmatchedTouchpoint.candidates.through
        through.objects.bulk_create(
            through(unmatchedtouchpoint_id=unmatched.pk, lead_id=lead)
            for row, unmatched in zip(rows, shelved, strict=True)
            for lead in matches[row].candidates
        )
        for row, unmatched in zip(rows, shelved, strict=True):
            self.results[row] = Recorded("unresolved", unmatched=unmatched)

    def _repeat(self, repeats: Iterable[tuple[int, int]]) -> None:
        """Answer rows that repeat an earlier row of the same batch as replays of it."""
        changed: dict[int, Touchpoint] = {}
        for row, first in repeats:
            earlier = self.results[first]
            if isinstance(earlier, Recorded) and earlier.touchpoint is not None:
                self.results[row] = self._replay(
                    self.news[row], earlier.touchpoint, {earlier.touchpoint.pk}, changed
                )
            else:
                self.results[row] = earlier
        self._write(changed)


def correct(
    touchpoint: Touchpoint, changes: dict[str, Any], *, user: AbstractUser | None, now: datetime
) -> bool:
    """Change a touchpoint's own fields (model names); its lead is evaluated again. Returns whether anything changed."""
    with transaction.atomic():
        # The lead first: no evaluation that has read the old values may call the new ones evaluated.
        Lead.objects.select_for_update().get(pk=touchpoint.lead_id)
        locked = Touchpoint.objects.select_for_update(of=("self",)).get(pk=touchpoint.pk)
        before = snapshot(locked)
        if not _apply(locked, changes):
            return False
        _apply(locked, AFRESH)
        locked.save()
        _audit("touchpoint.corrected", locked, before, snapshot(locked), user, now, "")
        ring_on_commit(EVALUATE)
    touchpoint.refresh_from_db()
    return True


def withdraw(touchpoint: Touchpoint, *, user: AbstractUser | None, now: datetime, reason: str = "") -> None:
    """Take a touchpoint back; what it was stays in the audit trail and its lead is evaluated again."""
    with transaction.atomic():
        Lead.objects.filter(pk=touchpoint.lead_id).update(evaluation_due_at=now)
        # An enquiry that was none allows no calls.
        Consent.objects.filter(
            lead=touchpoint.lead_id,
            kind=Consent.Kind.ENQUIRY,
            evidence__startswith=f"touchpoint {touchpoint.pk}:",
            revoked_at=None,
        ).update(revoked_at=now)
        _audit("touchpoint.withdrawn", touchpoint, snapshot(touchpoint), {}, user, now, reason)
        touchpoint.delete()
        ring_on_commit(EVALUATE)


def settle(
    unmatched: UnmatchedTouchpoint,
    *,
    user: AbstractUser,
    now: datetime,
    lead: Lead | None = None,
    discard: bool = False,
) -> Touchpoint | None:
    """A person says whose an unmatched touchpoint is: `lead`'s, a new lead's (neither given), or nobody's.

    Raises `AlreadySettled`, and `register.LeadRefused` where no new lead can be made of it.
    """
    with transaction.atomic():
        row = UnmatchedTouchpoint.objects.select_for_update().get(pk=unmatched.pk)
        if row.settled_at:
            raise AlreadySettled
        touchpoint = None
        if not discard:
            touchpoint = _settled_touchpoint(row, lead, user=user, now=now)
        row.settled_at, row.settled_by, row.touchpoint = now, user, touchpoint
        kinds = UnmatchedTouchpoint.Settled
        row.settled_as = kinds.DISCARDED if discard else kinds.LEAD if lead else kinds.NEW
        row.save()
        ring_on_commit(EVALUATE)
    return touchpoint


class AlreadySettled(Exception):
    """Somebody settled this touchpoint meanwhile."""


def _settled_touchpoint(
    row: UnmatchedTouchpoint, lead: Lead | None, *, user: AbstractUser, now: datetime
) -> Touchpoint:
    batch = _Batch([from_payload(row.payload)], user, now)
    if lead is None:
        ready = prepare(batch._new_lead(batch.news[0]), home=Workspace.current().region)
        made = batch._make({0: ready})[0]
        if isinstance(made, register.LeadRefused):
            raise made
        lead = made
    touchpoint = batch._touchpoint(0, lead)
    touchpoint.save()
    return touchpoint


def to_payload(new: NewTouchpoint) -> dict[str, Any]:
    """A report as JSON, so that it can wait; `from_payload` reads it back."""
    payload = asdict(new)
    payload["occurred_at"] = new.occurred_at.isoformat()
    return payload


def from_payload(payload: dict[str, Any]) -> NewTouchpoint:
    from datetime import datetime

    values = dict(payload)
    values["occurred_at"] = datetime.fromisoformat(values["occurred_at"])
    values["lead"] = identity.Identity(**values["lead"])
    if values["lead_fields"] is not None:
        fields = dict(values["lead_fields"])
        fields["phones"] = [register.PhoneInput(**phone) for phone in fields["phones"]]
        values["lead_fields"] = register.NewLead(**fields)
    return NewTouchpoint(**values)


def snapshot(touchpoint: Touchpoint) -> dict[str, Any]:
    """A touchpoint's own fields as JSON, for the audit trail."""
    values = {name: getattr(touchpoint, name) for name in ("lead_id", "source", "external_id", *OWN_FIELDS)}
    values["occurred_at"] = touchpoint.occurred_at.isoformat()
    return values


def _by_external_id(rows: Any, keys: set[tuple[str, str]]) -> dict[tuple[str, str], Any]:
    """Rows by (source, external_id): one query, an IN per source."""
    if not keys:
        return {}
    wanted = Q()
    for source in {source for source, _id in keys}:
        wanted |= Q(source=source, external_id__in=[one for of, one in keys if of == source])
    return {(row.source, row.external_id): row for row in rows.filter(wanted)}


def _apply(touchpoint: Touchpoint, values: dict[str, Any]) -> bool:
    changed = False
    for name, value in values.items():
        if getattr(touchpoint, name) != value:
            setattr(touchpoint, name, value)
            changed = True
    return changed


def _writable(names: Iterable[str]) -> list[str]:
    return [name.removesuffix("_id") for name in names]


@dataclass(frozen=True)
class _Keys:
    """By what a report names somebody unknown, each in its comparable form; "" where it does not."""

    source: str
    external_id: str
    email: str
    phone: str

    @classmethod
    def of(cls, who: identity.Identity, home: str) -> _Keys:
        try:
            e164 = numbers.parse(who.phone, who.region or home).e164 if who.phone else ""
        except numbers.NumberRefused:
            e164 = ""
        return cls(
            who.source,
            f"id {who.source} {who.external_id}" if who.external_id else "",
            who.email.strip().lower(),
            e164,
        )

    @property
    def all(self) -> list[str]:
        return [key for key in (self.external_id, self.email, self.phone) if key]


class _Newcomers:
    """Who is new in this batch: as `identity.match` would know them, were they stored already."""

    def __init__(self) -> None:
        self._by_external_id: dict[str, int] = {}
        self._by_email: dict[str, int] = {}
        self._by_phone: dict[str, dict[int, _Keys]] = {}

    def meant_by(self, keys: _Keys) -> list[int]:
        """The makers a row means: none, one, or two where its identities disagree. A phone decides only where it is
        one newcomer's alone and contradicts nothing stronger that was sent."""
        strong = {
            maker
            for maker in (self._by_external_id.get(keys.external_id), self._by_email.get(keys.email))
            if maker is not None
        }
        if strong:
            return sorted(strong)
        users = self._by_phone.get(keys.phone, {})
        return [maker for maker, known in users.items() if len(users) == 1 and _agree(keys, known)]

    def add(self, maker: int, keys: _Keys) -> None:
        if keys.external_id:
            self._by_external_id.setdefault(keys.external_id, maker)
        if keys.email:
            self._by_email.setdefault(keys.email, maker)
        if keys.phone:
            self._by_phone.setdefault(keys.phone, {}).setdefault(maker, keys)


def _agree(one: _Keys, other: _Keys) -> bool:
    two_mails = one.email and other.email and one.email != other.email
    same_source = one.external_id and other.external_id and one.source == other.source
    return not two_mails and not (same_source and one.external_id != other.external_id)


def _why_unmatched(match: identity.Match) -> str:
    if match.hidden:
        return gettext("it belongs to somebody the sender may not see")
    return gettext("it points at %(count)d leads") % {"count": len(match.candidates)}


def _refused(name: str, code: str, detail: str) -> RowRefused:
    return RowRefused([register.FieldError(name, code, detail)])


def _audit(
    action: str,
    touchpoint: Touchpoint,
    before: dict[str, Any],
    after: dict[str, Any],
    user: AbstractUser | None,
    now: datetime,
    reason: str,
) -> None:
    AuditEvent.objects.create(
        at=now,
        actor=user,
        action=action,
        subject_type="touchpoint",
        subject_id=str(touchpoint.pk),
        lead_id=touchpoint.lead_id,
        before=before,
        after=after,
        reason=reason,
    )
