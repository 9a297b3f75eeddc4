"""Is this new lead fit to be stored, in what form, and by what would it be recognised? Reads no database."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from leads import erasure, numbers
from leads.facts import FieldError, clean, shown
from leads.identity import number_error
from leads.known import Keys, Person, street
from leads.models import Lead


@dataclass(frozen=True, slots=True)
class PhoneInput:
    """A number as typed. `region` is the country to read it in where it has no +: blank means the lead's
    country, else the workspace's."""

    raw: str
    region: str = ""
    label: str = ""
    extension: str = ""


@dataclass(slots=True)
class NewLead:
    """A lead to be: `fields` by the model's names, with `company` as a name."""

    fields: dict[str, Any] = field(default_factory=dict)
    phones: list[PhoneInput] = field(default_factory=list)
    external_ids: dict[str, str] = field(default_factory=dict)


class LeadRefused(Exception):
    """The lead is not made or changed; `errors` names every field that was wrong."""

    def __init__(self, errors: Iterable[FieldError]) -> None:
        self.errors = list(errors)
        super().__init__("; ".join(f"{error.field}: {error.detail}" for error in self.errors))


# As typed, as understood, and the country it was read in.
PhoneRead = tuple[PhoneInput, numbers.ParsedNumber, str]


@dataclass(slots=True)
class Prepared:
    """A new lead read and found fit, with its numbers in E.164."""

    fields: dict[str, Any]
    phones: list[PhoneRead]
    external_ids: dict[str, str]

    def says_who(self) -> bool:
        """Is there anything but another system's id: a name, an address, a number, a company and a role?"""
        fields = self.fields
        named = fields.get("first_name") or fields.get("last_name") or fields.get("email")
        return bool(named or self.phones or (fields.get("company") and fields.get("job_title")))

    def callees(self) -> set[tuple[str, str]]:
        """(number in E.164, e-mail or id, name) for each of them: by what an erased person is recognised."""
        person = f"{self.fields.get('first_name', '')} {self.fields.get('last_name', '')}".strip()
        known_by = {parsed.e164 for _phone, parsed, _region in self.phones} | {self.fields.get("email", "")}
        known_by |= {erasure.other_id(source, eid) for source, eid in self.external_ids.items()}
        return {(text, person) for text in known_by if text}


def prepare(new: NewLead, *, home: str) -> Prepared:
    """`new` as it would be stored. `home` is the country to read numbers in where nothing else says it.

    Raises LeadRefused with everything that is wrong with it, reading no database.
    """
    fields, errors = clean(new.fields, hint=home)
    phones, phone_errors = read_phones(new.phones, fields.get("country") or home)
    external_ids, id_errors = read_external_ids(new.external_ids)
    errors += phone_errors + id_errors
    ready = Prepared(fields, phones, external_ids)
    if not errors and not external_ids and not ready.says_who():
        errors.append(nobody())
    if errors:
        raise LeadRefused(errors)
    if not fields.get("audience"):
        fields["audience"] = _audience(fields)
    return ready


def nobody() -> FieldError:
    return FieldError(
        "lead",
        "required",
        _("nothing says who this is"),
        _("a name, an e-mail, a phone, an external id, or company and job title"),
    )


def _audience(fields: dict[str, Any]) -> str:
    return Lead.Audience.BUSINESS if fields.get("company") else Lead.Audience.CONSUMER


def read_phones(phones: Sequence[PhoneInput], home: str) -> tuple[list[PhoneRead], list[FieldError]]:
    read, errors, seen = [], [], set()
    for phone in phones:
        if not isinstance(phone.raw, str) or not phone.raw.strip():
            continue
        region = (phone.region or home).upper()
        try:
            parsed = numbers.parse(phone.raw, region)
        except numbers.NumberRefused as refused:
            errors.append(number_error("phone", phone.raw, refused))
            continue
        errors += _too_long("extension", phone.extension or parsed.extension, 20)
        errors += _too_long("label", phone.label, 40)
        if parsed.e164 not in seen:
            seen.add(parsed.e164)
            read.append((phone, parsed, region))
    return read, errors


def read_external_ids(external_ids: dict[str, str]) -> tuple[dict[str, str], list[FieldError]]:
    kept, errors = {}, []
    for source, external_id in external_ids.items():
        source, external_id = str(source).strip(), str("" if external_id is None else external_id).strip()
        if not source or not external_id:
            errors.append(
                FieldError(
                    "external_ids", "required", _("blank"), _("a source and the id it uses"), shown(source)
                )
            )
        errors += _too_long("external_ids", source, 80) + _too_long("external_ids", external_id, 200)
        kept[source] = external_id
    return kept, errors


def _too_long(name: str, text: str, longest: int) -> list[FieldError]:
    if "\x00" in text:
        return [FieldError(name, "invalid", _("holds characters that cannot be stored"), value=shown(text))]
    if len(text) <= longest:
        return []
    expected = _("at most %(n)d characters") % {"n": longest}
    return [
        FieldError(name, "too_long", _("%(n)d characters long") % {"n": len(text)}, expected, shown(text))
    ]


def keys_of(ready: Prepared) -> Keys:
    """By what a new lead would be recognised."""
    fields = ready.fields
    return Keys(
        externals=tuple(ready.external_ids.items()),
        email=fields.get("email", ""),
        e164s=tuple(parsed.e164 for _phone, parsed, _region in ready.phones),
        person=Person(
            fields.get("first_name", ""),
            fields.get("last_name", ""),
            fields.get("company", ""),
            fields.get("job_title", ""),
            street(fields),
        ),
    )
