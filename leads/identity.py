"""Whose touchpoint, call or row is this? From what another system knows of a person to our lead.

Order of trust: id, external id (in its source's namespace), e-mail, phone. A phone identifies only where it
is not shared and contradicts no stronger identity that was sent. Two leads pointed at are candidates for a
person to settle, never a guess.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _

from leads import numbers
from leads.facts import FieldError, check_email, shown
from leads.known import Keys, Known, Person, look_up
from leads.models import Lead, Workspace

if TYPE_CHECKING:
    from leads.prepare import NewLead


@dataclass(frozen=True, slots=True)
class Identity:
    """What a sender knows of a person. `region` is the country to read the phone in where it has no +; blank
    means the workspace's. `source` is the namespace of `external_id`."""

    id: int | None = None
    source: str = ""
    external_id: str = ""
    email: str = ""
    phone: str = ""
    region: str = ""


@dataclass(frozen=True, slots=True)
class Match:
    """The lead, or the candidates where the identities disagree, or neither: nobody we know.

    `hidden`: somebody fits whom the asking user may not see; nothing else is told, and no lead may be made
    in their place. `unknown_id`: an id was sent that is nobody's (or nobody's the user may see).
    """

    lead_id: int | None = None
    candidates: tuple[int, ...] = ()
    hidden: bool = False
    unknown_id: bool = False

    @property
    def is_new(self) -> bool:
        """Nobody fits: the sender's fields may make a new lead."""
        return self.lead_id is None and not self.candidates and not self.hidden and not self.unknown_id


def check(identity: Identity) -> list[FieldError]:
    """What cannot be read in an identity: each named, with what was expected; [] where all is well."""
    errors = []
    error = check_email(identity.email)[1]
    if error:
        errors.append(error)
    if identity.phone:
        try:
            numbers.parse(identity.phone, identity.region or Workspace.current().region)
        except numbers.NumberRefused as refused:
            errors.append(number_error("phone", identity.phone, refused))
    if identity.external_id and not identity.source:
        errors.append(FieldError("source", "required", _("an external id needs the system it comes from")))
    if not (identity.id or identity.external_id or identity.email or identity.phone):
        errors.append(
            FieldError("lead", "required", _("nothing says who this is"), "id, external_id, email / phone")
        )
    return errors


def number_error(name: str, raw: str, refused: numbers.NumberRefused) -> FieldError:
    reason, _sep, expected = refused.reason.partition("; expected ")
    return FieldError(name, "invalid", reason, expected, shown(raw))


def match(identities: Sequence[Identity], *, user: Any = None) -> list[Match]:
    """One Match per identity, in order, in a constant number of queries. What cannot be read identifies
    nobody (see `check`). With `user`, leads they may not see are never named."""
    matches = find(comparable(identities))
    if user is None:
        return matches
    return [
        Match(unknown_id=True) if seen.hidden and identity.id is not None and not seen.candidates else seen
        for identity, seen in zip(identities, _hide(matches, user), strict=True)
    ]


def duplicates_of(new: NewLead) -> list[int]:
    """Ids of the leads a new one would duplicate: same external id or e-mail, or the same number under no
    other name; without e-mail and number the same name at the same company or address. Raises LeadRefused."""
    from leads.prepare import keys_of, prepare

    found = find([keys_of(prepare(new, home=Workspace.current().region))])[0]
    return [found.lead_id] if found.lead_id else list(found.candidates)


def comparable(identities: Sequence[Identity]) -> list[Keys]:
    """Identities as they are compared and claimed: what cannot be read is left out."""
    home = Workspace.current().region if any(i.phone and not i.region for i in identities) else ""
    return [
        Keys(
            lead_id=i.id,
            externals=((i.source, i.external_id),) if i.external_id else (),
            email=check_email(i.email)[0],
            e164s=_readable(i.phone, i.region or home),
        )
        for i in identities
    ]


def _readable(phone: str, region: str) -> tuple[str, ...]:
    try:
        return (numbers.parse(phone, region).e164,) if phone else ()
    except numbers.NumberRefused:
        return ()


def find(keys: Sequence[Keys]) -> list[Match]:
    """`match` for keys that were read already; names everyone, whoever asks."""
    known = look_up(keys)
    return [decide(key, known) for key in keys]


def decide(key: Keys, known: Known) -> Match:
    """Whom `key` means among the `known`. Strongest first: the first identity that belongs to somebody decides,
    a later one may only agree."""
    if key.lead_id is not None and key.lead_id not in known.ids:
        return Match(unknown_id=True)
    pointed = [{known.ids[key.lead_id]}] if key.lead_id is not None else []
    pointed += [{known.externals[pair]} for pair in key.externals if pair in known.externals]
    pointed += [known.emails[key.email]] if key.email and known.emails.get(key.email) else []
    if not pointed:
        pointed = [
            among for e164 in key.e164s if (among := _by_phone(key, known.phones.get(e164, set()), known))
        ]
    if not pointed and key.person and not key.email and not key.e164s:
        pointed = [among] if (among := _by_person(key.person, known)) else []
    return _settle(pointed, key, known)


def _settle(pointed: list[set[int]], key: Keys, known: Known) -> Match:
    if not pointed:
        return Match()
    agreed = set.intersection(*pointed)
    if len(agreed) > 1 and key.person:
        # A couple shares an address: the name tells which of the two a row means.
        agreed = {lead for lead in agreed if known.person_of[lead].is_same(key.person)} or agreed
    if len(agreed) > 1:
        by_phone = agreed & set().union(*(known.phones.get(e164, set()) for e164 in key.e164s))
        agreed = by_phone if len(by_phone) == 1 else agreed
    if len(agreed) == 1:
        return Match(lead_id=next(iter(agreed)))
    return Match(candidates=tuple(sorted(agreed or set.union(*pointed))))


def _by_phone(key: Keys, users: set[int], known: Known) -> set[int]:
    """Whom a number identifies: its only user, unless something stronger that was sent says otherwise. A new
    lead is another person than one of another name, and the same as one of its own name even where shared."""
    fitting = {lead for lead in users if not _contradicts(key, lead, known)}
    if key.person is None:
        return fitting if len(users) == 1 else set()
    same = {lead for lead in fitting if known.person_of[lead].is_same(key.person)}
    return same or (fitting if len(users) == 1 or key.person.is_bare() else set())


def _contradicts(key: Keys, lead: int, known: Known) -> bool:
    email = known.email_of[lead]
    if key.email and email and email != key.email:
        return True
    sources = {source for source, _id in key.externals}
    if any(
        source in sources and (source, eid) not in key.externals for source, eid in known.externals_of[lead]
    ):
        return True
    return key.person is not None and key.person.contradicts(known.person_of[lead])


def _by_person(person: Person, known: Known) -> set[int]:
    """Without an address or number to tell by: the same name at the same company or in the same street."""
    namesakes = known.people.get(person.name, set()) if person.name else set()
    return {lead for lead in namesakes if person.shares_place_with(known.person_of[lead])}


def _hide(matches: list[Match], user: Any) -> list[Match]:
    """What `user` may know of the matches. An id they may not see is as good as no id."""
    mentioned = {m.lead_id for m in matches if m.lead_id} | {lead for m in matches for lead in m.candidates}
    if not mentioned:
        return matches
    visible = set(Lead.objects.visible_to(user).filter(pk__in=mentioned).values_list("pk", flat=True))
    return [_hidden(m, visible) for m in matches]


def _hidden(match: Match, visible: set[int]) -> Match:
    if match.lead_id is not None:
        return match if match.lead_id in visible else Match(hidden=True)
    seen = tuple(lead for lead in match.candidates if lead in visible)
    return match if seen == match.candidates else Match(candidates=seen, hidden=True)
