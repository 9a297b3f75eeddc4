"""How does somebody become a lead, and how are a lead's facts changed? One door for page, API and import."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models.functions import Upper
from django.utils.translation import gettext as _

from leads import erasure, numbers
from leads.agreement import keep_before, standing_of
from leads.facts import FieldError, clean, shown
from leads.known import folded, spellings
from leads.models import (
    AuditEvent,
    Company,
    ExternalId,
    Lead,
    LeadList,
    LeadNumber,
    ListMembership,
    Number,
    Suppression,
    Workspace,
)
from leads.prepare import (
    LeadRefused,
    NewLead,
    PhoneInput,
    PhoneRead,
    Prepared,
    nobody,
    prepare,
    read_external_ids,
    read_phones,
)
from leads.registries.scrub import note_hits

__all__ = ["FieldError", "LeadRefused", "NewLead", "PhoneInput", "create_lead", "create_leads", "edit_lead"]


def home_of(by: Any) -> tuple[Any, Any]:
    """(owner, team) of a lead that `by` makes without saying whose it is: a rep's own, a manager's pool,
    nobody's for admins and programs without a user."""
    if by is None or by.is_admin:
        return None, None
    return (None, by.team) if by.is_manager else (by, by.team)


def create_lead(new: NewLead, *, owner: Any = None, team: Any = None, by: Any = None, now: datetime) -> Lead:
    """Make one lead; raises LeadRefused. Who it belongs to is as given (see `home_of`)."""
    made = create_leads([new], owner=owner, team=team, by=by, now=now)[0]
    if isinstance(made, LeadRefused):
        raise made
    return made


def create_leads(
    news: Sequence[NewLead],
    *,
    lead_list: LeadList | None = None,
    owner: Any = None,
    team: Any = None,
    by: Any = None,
    now: datetime,
) -> list[Lead | LeadRefused]:
    """Make many leads in a constant number of statements; what is wrong with one refuses that one alone.

    Looks for no duplicates (see `identity.duplicates_of`), but an external id that is taken refuses its lead.
    """
    home = Workspace.current().region if news else ""
    results: list[Prepared | LeadRefused] = []
    for new in news:
        try:
            results.append(prepare(new, home=home))
        except LeadRefused as refused:
            results.append(refused)
    return create_prepared(results, lead_list=lead_list, owner=owner, team=team, by=by, now=now)


def create_prepared(
    results: Sequence[Prepared | LeadRefused],
    *,
    lead_list: LeadList | None = None,
    owner: Any = None,
    team: Any = None,
    by: Any = None,
    now: datetime,
) -> list[Lead | LeadRefused]:
    """`create_leads` for what was read already; refusals are handed through in their places."""
    whose = {"owner": owner, "team": owner.team if owner else team, "created_by": by, "created_at": now}
    results = _refuse_erased(results)
    for last_try in (False, True):
        checked = _refuse_taken_ids(results)
        try:
            with transaction.atomic():
                return _write(checked, whose, lead_list, now)
        except IntegrityError:
            # Somebody registered one of the external ids meanwhile: now it is seen as taken.
            if last_try:
                raise
    raise AssertionError("unreachable")


def _refuse_erased(results: Sequence[Prepared | LeadRefused]) -> list[Prepared | LeadRefused]:
    """Whoever asked to be forgotten does not come back by a list."""
    try:
        erased = erasure.erased_callees(
            pair for r in results if isinstance(r, Prepared) for pair in r.callees()
        )
    except erasure.KeyMissing as missing:
        unknown = LeadRefused([erasure.unanswerable(missing)])
        return [unknown if isinstance(result, Prepared) else result for result in results]
    if not erased:
        return list(results)
    return [
        LeadRefused([erasure.refusal()])
        if isinstance(result, Prepared) and not erased.isdisjoint(result.callees())
        else result
        for result in results
    ]


def _refuse_taken_ids(results: Sequence[Prepared | LeadRefused]) -> list[Prepared | LeadRefused]:
    wanted = {pair for r in results if isinstance(r, Prepared) for pair in r.external_ids.items()}
    if not wanted:
        return list(results)
    taken = set(
        ExternalId.objects.filter(
            source__in={source for source, _id in wanted}, external_id__in={eid for _source, eid in wanted}
        ).values_list("source", "external_id")
    )
    checked: list[Prepared | LeadRefused] = []
    for result in results:
        mine = set(result.external_ids.items()) if isinstance(result, Prepared) else set()
        if clash := sorted(mine & taken):
            checked.append(LeadRefused(_taken(source, eid) for source, eid in clash))
        else:
            checked.append(result)
            taken |= mine
    return checked


def _taken(source: str, external_id: str) -> FieldError:
    return FieldError(
        "external_ids",
        "taken",
        _("another lead has this id in %(source)s") % {"source": source},
        _("an id no other lead has"),
        shown(external_id),
    )


def _write(
    checked: Sequence[Prepared | LeadRefused],
    whose: dict[str, Any],
    lead_list: LeadList | None,
    now: datetime,
) -> list[Lead | LeadRefused]:
    ready = [result for result in checked if isinstance(result, Prepared)]
    firms = companies({p.fields["company"] for p in ready if p.fields.get("company")})
    leads = Lead.objects.bulk_create(
        Lead(
            **{**p.fields, "company": firms.get(folded(p.fields.get("company", "")))}, **whose, updated_at=now
        )
        for p in ready
    )
    _link_numbers(zip(leads, (p.phones for p in ready), strict=True), now=now)
    ExternalId.objects.bulk_create(
        ExternalId(lead=lead, source=source, external_id=external_id)
        for lead, p in zip(leads, ready, strict=True)
        for source, external_id in p.external_ids.items()
    )
    if lead_list:
        ListMembership.objects.bulk_create(
            ListMembership(lead=lead, list=lead_list, added_at=now) for lead in leads
        )
    made = iter(leads)
    return [next(made) if isinstance(result, Prepared) else result for result in checked]


def companies(names: Iterable[str]) -> dict[str, Company]:
    """The companies of these names by folded name, made where there are none; the oldest of namesakes."""
    wanted = {folded(name): name for name in sorted(names, reverse=True)}
    if not wanted:
        return {}
    forms = {form for name in wanted.values() for form in spellings(name)}
    found: dict[str, Company] = {}
    for firm in Company.objects.annotate(_name=Upper("name")).filter(_name__in=forms).order_by("pk"):
        found.setdefault(folded(firm.name), firm)
    missing = [Company(name=name) for key, name in wanted.items() if key not in found]
    found.update((folded(firm.name), firm) for firm in Company.objects.bulk_create(missing))
    return found


def _link_numbers(leads: Iterable[tuple[Lead, list[PhoneRead]]], *, now: datetime) -> list[LeadNumber]:
    pairs = list(leads)
    rows = number_rows((parsed for _lead, phones in pairs for _phone, parsed, _region in phones), now=now)
    return LeadNumber.objects.bulk_create(
        LeadNumber(
            lead=lead,
            number=rows[parsed.e164],
            extension=phone.extension or parsed.extension,
            label=phone.label,
            position=position,
            raw=phone.raw,
            region_used=region,
        )
        for lead, phones in pairs
        for position, (phone, parsed, region) in enumerate(phones)
    )


def number_rows(parsed: Iterable[numbers.ParsedNumber], *, now: datetime) -> dict[str, Number]:
    """The rows of these numbers by E.164, made where there are none; two makers at once get the same row."""
    wanted = {number.e164: number for number in parsed}
    if not wanted:
        return {}
    found = {row.e164: row for row in Number.objects.filter(e164__in=wanted)}
    if missing := wanted.keys() - found.keys():
        new = [_new_number(wanted[e164], now) for e164 in sorted(missing)]
        note_hits(new)
        Number.objects.bulk_create(new, ignore_conflicts=True)
        found.update((row.e164, row) for row in Number.objects.filter(e164__in=missing))
    return found


def _new_number(parsed: numbers.ParsedNumber, now: datetime) -> Number:
    known = parsed.line_type != Number.LineType.UNKNOWN
    return Number(
        e164=parsed.e164,
        region="" if parsed.region == "001" else parsed.region,
        line_type=parsed.line_type,
        line_type_source="numbering plan" if known else "",
        line_type_on=now.date() if known else None,
    )


def edit_lead(
    lead: Lead, changes: dict[str, Any], *, by: Any, now: datetime, action: str = "lead.edit"
) -> Lead:
    """Change a lead's facts and record what changed; raises LeadRefused, and then nothing is changed.

    `changes` holds model fields (company as a name), `phones` (a list of PhoneInput or texts that replaces
    all numbers), `phone` (the number tried first, the others stay) and `external_ids` ({source: id}, blank
    to remove). A time zone set here has the trust of an address: confirming one is another door. `action` is what
    the audit trail calls it; a number that goes by another action than an edit is detached under its name.
    """
    plain = {
        name: value for name, value in changes.items() if name not in ("phones", "phone", "external_ids")
    }
    with transaction.atomic():
        lead = Lead.objects.select_for_update(of=("self",)).select_related("company").get(pk=lead.pk)
        fields, errors = clean(plain, country=lead.country)
        home = fields.get("country", lead.country) or Workspace.current().region
        phones, phone_errors = read_phones(_phone_inputs(changes), home)
        ids, id_errors = _id_changes(lead, changes.get("external_ids") or {})
        errors += phone_errors + id_errors + _wish_evaded(lead, fields, by)
        if errors := errors or _erased(lead, fields, phones, ids):
            raise LeadRefused(errors)
        stood = standing_of(lead)
        before, after = _set_fields(lead, fields)
        keep_before(lead, stood, before, by=by)
        if "phones" in changes or phones:
            why = "edited" if action == "lead.edit" else action.removeprefix("lead.")
            replace = why if "phones" in changes else ""
            _note(before, after, "phones", *_set_phones(lead, phones, replace=replace, now=now))
        _note(before, after, "external_ids", *_set_external_ids(lead, ids))
        _must_stay_somebody(lead)
        if before:
            lead.updated_at = now
            lead.save()
            AuditEvent.objects.create(
                at=now,
                actor=by,
                action=action,
                subject_type="lead",
                subject_id=str(lead.pk),
                lead=lead,
                before=before,
                after=after,
            )
    return lead


def _wish_evaded(lead: Lead, fields: dict[str, Any], by: Any) -> list[FieldError]:
    """A person on our own list is known by the name, a company's people by the company: managers change those."""
    if by is None or by.is_manager:
        return []
    person = f"{fields.get('first_name', lead.first_name)} {fields.get('last_name', lead.last_name)}".strip()
    company, scopes = lead.company.name if lead.company else "", Suppression.Scope
    asked, errors = Suppression.objects.active(), []
    left = company and folded(fields.get("company", company)) != folded(company)
    if left and asked.filter(scope=scopes.COMPANY, company=lead.company).exists():
        reason = _("%(company)s asked not to be called") % {"company": company}
        expected = _("a manager, where they do not work there")
        errors.append(FieldError("company", "not_yours", reason, expected))
    renamed = folded(person) != folded(lead.person)
    if renamed and asked.filter(scope=scopes.PERSON, lead=lead).exists():
        reason = _("%(name)s asked not to be called") % {"name": lead.name}
        errors.append(FieldError("last_name", "not_yours", reason, _("a manager, where the name is wrong")))
    return errors


def _erased(
    lead: Lead, fields: dict[str, Any], phones: list[PhoneRead], ids: dict[str, str]
) -> list[FieldError]:
    """What is wrong with a number, e-mail or id that comes to the lead, or with the lead's under a new name."""
    person = f"{fields.get('first_name', lead.first_name)} {fields.get('last_name', lead.last_name)}".strip()
    known_by = {parsed.e164 for _phone, parsed, _region in phones}
    known_by |= {erasure.other_id(source, external_id) for source, external_id in ids.items() if external_id}
    email = fields.get("email", lead.email)
    if email and email != lead.email:
        known_by.add(email)
    if folded(person) != folded(lead.person):
        known_by |= set(lead.lead_numbers.current().values_list("number__e164", flat=True)) | {lead.email}
    callees = [(text, person) for text in known_by if text]
    try:
        return [erasure.refusal()] if callees and erasure.erased_callees(callees) else []
    except erasure.KeyMissing as missing:
        return [erasure.unanswerable(missing)]


def _note(before: dict[str, Any], after: dict[str, Any], name: str, old: Any, new: Any) -> None:
    if old != new:
        before[name], after[name] = old, new


def _phone_inputs(changes: dict[str, Any]) -> list[PhoneInput]:
    given = [changes["phone"]] if changes.get("phone") else []
    given += changes.get("phones") or []
    return [phone if isinstance(phone, PhoneInput) else PhoneInput(phone) for phone in given]


def _set_fields(lead: Lead, fields: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    if fields.get("audience") == "":
        fields["audience"] = lead.audience
    for name, value in fields.items():
        old = getattr(lead, name)
        if name == "company":
            old = lead.company.name if lead.company else ""
            if value != old:
                lead.company = companies([value])[folded(value)] if value else None
        else:
            setattr(lead, name, value)
        _note(before, after, name, _as_json(old), _as_json(value))
    return before, after


def _as_json(value: Any) -> Any:
    return value if value is None or isinstance(value, str | int) else str(value)


def _set_phones(
    lead: Lead, phones: list[PhoneRead], *, replace: str, now: datetime
) -> tuple[list[str], list[str]]:
    """Give the lead these numbers in this order, before those it has, or instead of them where `replace` says why;
    (before, after) in E.164. A number that goes is detached, not deleted: calls were made to it."""
    links = list(lead.lead_numbers.current().select_related("number"))
    old = [link.number.e164 for link in links]
    wanted = {parsed.e164: phone for phone, parsed, _region in phones}
    kept = [link for link in links if link.number.e164 in wanted]
    others = [link for link in links if link.number.e164 not in wanted]
    if replace:
        lead.lead_numbers.filter(pk__in=[link.pk for link in others]).update(
            detached_at=now, detached_reason=replace
        )
    new = [read for read in phones if read[1].e164 not in old]
    kept += _link_numbers([(lead, new)], now=now)
    order = [
        *sorted(kept, key=lambda link: list(wanted).index(link.number.e164)),
        *([] if replace else others),
    ]
    for position, link in enumerate(order):
        link.position = position
        if typed := wanted.get(link.number.e164):
            link.label, link.extension = typed.label or link.label, typed.extension or link.extension
    LeadNumber.objects.bulk_update(order, ["position", "label", "extension"])
    return old, [link.number.e164 for link in order]


def _id_changes(lead: Lead, given: dict[str, str]) -> tuple[dict[str, str], list[FieldError]]:
    """The ids to set, with a blank for each source to remove, and what is wrong with the rest."""
    removed = {source: "" for source, external_id in given.items() if not external_id}
    kept, errors = read_external_ids({s: eid for s, eid in given.items() if s not in removed})
    taken = ExternalId.objects.filter(source__in=kept, external_id__in=kept.values()).exclude(lead=lead)
    errors += [_taken(row.source, row.external_id) for row in taken if kept[row.source] == row.external_id]
    return kept | removed, errors


def _set_external_ids(lead: Lead, ids: dict[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    rows = ExternalId.objects.filter(lead=lead, source__in=ids)
    old = dict(rows.values_list("source", "external_id"))
    new = {source: external_id for source, external_id in ids.items() if external_id}
    if old != new:
        rows.delete()
        ExternalId.objects.bulk_create(
            ExternalId(lead=lead, source=source, external_id=external_id)
            for source, external_id in new.items()
        )
    return old, new


def _must_stay_somebody(lead: Lead) -> None:
    named = lead.person or lead.email or (lead.company and lead.job_title)
    if not (named or lead.lead_numbers.current().exists() or lead.external_id_rows.exists()):
        raise LeadRefused([nobody()])
