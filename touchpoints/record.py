"""How does a touchpoint get in? The one door to record one, for whoever reports it.

A touchpoint is stored with `evaluated_at` empty in the caller's transaction; the engine is rung after commit.
Corrected and withdrawn it is in `corrections`, settled by a person in `settling`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction
from django.utils.translation import gettext

from leads import claims, identity, register
from leads.models import Lead, Workspace
from leads.prepare import Prepared, prepare

from . import pauses, wishes
from .bell import EVALUATE, ring_on_commit
from .models import Touchpoint, TouchpointKind, UnmatchedTouchpoint
from .newcomers import Newcomers
from .replays import Replays, values_of
from .reports import NewTouchpoint, Recorded, RowRefused, refused, to_payload

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from django.contrib.auth.models import AbstractUser

__all__ = ["NewTouchpoint", "Recorded", "RowRefused", "record", "record_many", "store_for"]


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


def store_for(
    new: NewTouchpoint, lead: Lead | None, *, user: AbstractUser | None, now: datetime
) -> Touchpoint:
    """Store a report whose lead a person named, or of whom they said that a lead is to be made (None).

    Raises `register.LeadRefused` where no lead can be made of it.
    """
    batch = _Batch([new], user, now)
    if lead is None:
        made = batch.make({0: prepare(batch.new_lead(new), home=Workspace.current().region)})[0]
        if isinstance(made, register.LeadRefused):
            raise made
        lead = made
    return batch.insert([(0, lead)])[0]


@dataclass
class _Sorted:
    """What is to be done with each row of a batch that is no replay of what is stored."""

    lead_of: dict[int, int] = field(default_factory=dict)  # known leads
    maker_of: dict[int, int] = field(default_factory=dict)  # new leads, by the row that makes them
    to_make: dict[int, Prepared] = field(default_factory=dict)
    torn: dict[int, list[int]] = field(default_factory=dict)  # between the makers of two new leads
    unresolved: list[int] = field(default_factory=list)
    repeats: list[tuple[int, int]] = field(default_factory=list)  # of an earlier row


class _Batch:
    """One run of `record_many`: reads what is known, decides row by row, then writes everything at once."""

    def __init__(self, news: Sequence[NewTouchpoint], user: AbstractUser | None, now: datetime) -> None:
        self.news, self.user, self.now = news, user, now
        self.kinds = TouchpointKind.objects.in_bulk(list({new.kind for new in news}))
        self.results: dict[int, Recorded | RowRefused] = {}

    def store(self) -> list[Recorded | RowRefused]:
        self.replays = Replays(self.news, self.kinds, self.user)
        fresh = [row for row in range(len(self.news)) if not self._answered(row)]
        self.replays.write(by=self.user, now=self.now)
        self._place(fresh)
        stored = [one for one in self.results.values() if isinstance(one, Recorded) and one.touchpoint]
        corrected = [one.touchpoint for one in stored if one.touchpoint and one.status == "updated"]
        wishes.read(corrected, now=self.now)
        if any(one.status != "duplicate" for one in stored):
            ring_on_commit(EVALUATE)
        return [self.results[row] for row in range(len(self.news))]

    def _answered(self, row: int) -> bool:
        """Whether a row is settled before anybody asks whose it is: of no known kind, or a replay."""
        new = self.news[row]
        if new.kind not in self.kinds:
            detail = gettext("there is no such kind of touchpoint")
            self.results[row] = refused("kind", "unknown", detail)
        elif (answer := self.replays.answer(new)) is not None:
            self.results[row] = answer
        return row in self.results

    def _place(self, fresh: list[int]) -> None:
        """Attach each fresh row to its lead, make the leads that are missing, or put it into the matching inbox."""
        identities = [self.news[row].lead for row in fresh]
        self.home = Workspace.current().region
        self.keys = dict(zip(fresh, identity.comparable(identities), strict=True))
        claims.hold_people(self.keys.values())
        matches = dict(zip(fresh, identity.match(identities, user=self.user), strict=True))
        found = self._sort(matches)
        made = self.make(found.to_make)
        self._store(matches, found, made)
        for row, makers in found.torn.items():
            leads = [one for maker in makers if isinstance(one := made[maker], Lead)]
            matches[row] = identity.Match(candidates=tuple(lead.pk for lead in leads))
        self._shelve(found.unresolved, matches)
        self._repeat(found.repeats)

    def _sort(self, matches: dict[int, identity.Match]) -> _Sorted:
        found, newcomers = _Sorted(), Newcomers()
        first_of_key: dict[tuple[str, str], int] = {}
        for row, match in matches.items():
            new = self.news[row]
            key = (new.source, new.external_id)
            if new.external_id and key in first_of_key:
                found.repeats.append((row, first_of_key[key]))
            # Of one that was refused a later row of the same key may be in order.
            elif self._sort_row(row, match, found, newcomers) and new.external_id:
                first_of_key[key] = row
        return found

    def _sort_row(self, row: int, match: identity.Match, found: _Sorted, newcomers: Newcomers) -> bool:
        """Decide whose one row is; False where it is refused."""
        if match.lead_id:
            found.lead_of[row] = match.lead_id
        elif match.candidates or match.hidden:
            found.unresolved.append(row)
        elif match.unknown_id:
            self.results[row] = refused("lead.id", "not_found", gettext("there is no such lead"))
            return False
        elif len(makers := newcomers.meant_by(self.keys[row])) > 1:
            found.torn[row] = makers
            found.unresolved.append(row)
        elif makers or self._prepare(row, found.to_make):
            found.maker_of[row] = makers[0] if makers else row
            newcomers.add(found.maker_of[row], self.keys[row])
        else:
            return False
        return True

    def _prepare(self, row: int, to_make: dict[int, Prepared]) -> bool:
        """Whether a lead can be made of this row; if not it is refused alone, whoever else it names."""
        try:
            to_make[row] = prepare(self.new_lead(self.news[row]), home=self.home)
        except register.LeadRefused as wrong:
            self.results[row] = RowRefused(wrong.errors)
            return False
        return True

    def _store(
        self, rows: Iterable[int], found: _Sorted, made: dict[int, Lead | register.LeadRefused]
    ) -> None:
        wanted: list[tuple[int, Lead]] = []
        leads = Lead.objects.in_bulk(list(found.lead_of.values()))
        for row in rows:
            if row in found.lead_of:
                wanted.append((row, leads[found.lead_of[row]]))
            elif row in found.maker_of:
                lead = made[found.maker_of[row]]
                if isinstance(lead, register.LeadRefused):
                    self.results[row] = RowRefused(lead.errors)
                else:
                    wanted.append((row, lead))
        for (row, _lead), touchpoint in zip(wanted, self.insert(wanted), strict=True):
            self.results[row] = Recorded("created", touchpoint, found.maker_of.get(row) == row)

    def insert(self, wanted: Sequence[tuple[int, Lead]]) -> list[Touchpoint]:
        """Store the touchpoints of these (row, lead): the one place where one comes into being."""
        stored = Touchpoint.objects.bulk_create(
            Touchpoint(
                lead=lead,
                source=self.news[row].source,
                external_id=self.news[row].external_id,
                recorded_at=self.now,
                recorded_by=self.user,
                **values_of(self.news[row], self.kinds),
            )
            for row, lead in wanted
        )
        wishes.read(stored, now=self.now)
        pauses.read_replies(stored, now=self.now)
        return stored

    def make(self, to_make: dict[int, Prepared]) -> dict[int, Lead | register.LeadRefused]:
        if not to_make:
            return {}
        owner, team = register.home_of(self.user)
        made = register.create_prepared(
            list(to_make.values()), owner=owner, team=team, by=self.user, now=self.now
        )
        return dict(zip(to_make, made, strict=True))

    def new_lead(self, new: NewTouchpoint) -> register.NewLead:
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
        for row, first in repeats:
            earlier = self.results[first]
            if isinstance(earlier, Recorded) and earlier.touchpoint is not None:
                earlier = self.replays.repeat(self.news[row], earlier.touchpoint)
            self.results[row] = earlier
        self.replays.write(by=self.user, now=self.now)


def _why_unmatched(match: identity.Match) -> str:
    if match.hidden:
        return gettext("it belongs to somebody the sender may not see")
    return gettext("it points at %(count)d leads") % {"count": len(match.candidates)}
