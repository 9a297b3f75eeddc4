"""What do we hold about a person? Everything, for whoever asks under their right of access (GDPR 15).

Read from the models themselves: a kind of row that is added later is told without anybody thinking of it.
"""

from __future__ import annotations

import io
import json
import zipfile
from typing import TYPE_CHECKING, Any

from django.contrib.auth import get_user_model
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.template.loader import render_to_string
from django.utils.translation import gettext

from leads.models import Company, ExternalId, Lead, LeadNumber, ListMembership, Number
from leads.spreadsheet import csv_lines

if TYPE_CHECKING:
    from datetime import datetime

# How our side does its work; says nothing about them.
_INTERNAL = {
    "lead",
    "is_demo",
    "effects",
    "lease_by",
    "lease_until",
    "held_by",
    "held_until",
    "put_off_until",
    "evaluation_tries",
    "evaluation_error",
    "rank_value",
}
Section = tuple[str, list[dict[str, Any]]]
# The page lies in an archive: its style goes with it.
STYLE = """\
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:72rem;padding:0 1rem}
table{border-collapse:collapse;font-size:13px;width:100%}
th,td{border:1px solid #bbb;padding:.3rem .5rem;text-align:left;vertical-align:top;overflow-wrap:anywhere}
section{margin-top:2rem;overflow-x:auto}
"""


def everything_about(lead: Lead, *, now: datetime) -> dict[str, Any]:
    """All that is stored about a lead and those merged into it: {told_at, lead, sections: {kind: [row]}}."""
    people = [lead, *_merged_into(lead)]
    return {
        "told_at": now,
        "lead": lead.pk,
        "sections": {name: rows for name, rows in _sections(people) if rows},
    }


def _merged_into(lead: Lead) -> list[Lead]:
    found = list(Lead.objects.filter(merged_into=lead))
    return [one for step in found for one in (step, *_merged_into(step))]


def _sections(people: list[Lead]) -> list[Section]:
    ids = [one.pk for one in people]
    known = [_row(one) for one in people]
    companies = Company.objects.filter(leads__in=ids).distinct()
    numbers = Number.objects.filter(links__lead__in=ids).distinct()
    sections = [
        ("person", known),
        ("company", [_row(one) for one in companies]),
        ("number", [_row(one) for one in numbers]),
    ]
    for relation in _relations():
        model, name = relation.related_model, relation.field.name
        found = model._default_manager.filter(**{f"{name}__in": ids}).order_by("pk")
        direct = [field.name for field in model._meta.concrete_fields if field.is_relation]
        sections.append((_name(model), [_row(row) for row in found.select_related(*direct).distinct()]))
    return sections


def _relations() -> list[Any]:
    """Every kind of row that points at a lead, those known to us best first. Not the inbox's: what waits there
    may be about somebody else."""
    relations = [
        relation
        for relation in Lead._meta.get_fields(include_hidden=True)
        if (relation.one_to_many or relation.one_to_one) and relation.related_model is not Lead
    ]
    plain = [one for one in relations if not one.related_model._meta.auto_created]
    first = [LeadNumber, ExternalId, ListMembership]
    return sorted(plain, key=lambda one: (one.related_model not in first, _name(one.related_model)))


def _name(model: type[models.Model]) -> str:
    return str(model._meta.verbose_name).replace(" ", "_")


def _row(row: models.Model) -> dict[str, Any]:
    return {
        field.name: _value(row, field)
        for field in row._meta.concrete_fields
        if field.name not in _INTERNAL and _value(row, field) not in (None, "", [], {})
    }


def _value(row: models.Model, field: models.Field[Any, Any]) -> Any:
    if not field.is_relation:
        return getattr(row, field.attname)
    related = getattr(row, field.name)
    if related is None:
        return None
    if isinstance(related, get_user_model()):
        return related.get_full_name() or related.get_username()
    return (
        str(related)
        if isinstance(related, Number | Company) or not str(related.pk).isdecimal()
        else related.pk
    )


def as_zip(told: dict[str, Any]) -> bytes:
    """The same as JSON for a program, as a page for a person, and as one CSV for each kind of row."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("everything.json", as_json(told))
        archive.writestr("everything.html", _as_page(told))
        archive.writestr("everything.css", STYLE)
        for name, rows in told["sections"].items():
            archive.writestr(f"{name}.csv", "\ufeff" + "".join(csv_lines(_table(rows))))
    return held.getvalue()


def as_json(told: dict[str, Any]) -> str:
    return json.dumps(told, cls=DjangoJSONEncoder, ensure_ascii=False, indent=1)


def _as_page(told: dict[str, Any]) -> str:
    sections = []
    for name, rows in told["sections"].items():
        head, *body = _table(rows)
        sections.append((name.replace("_", " "), [name.replace("_", " ") for name in head], body))
    title = gettext("Everything we hold about you")
    return render_to_string(
        "compliance/everything.html", {"title": title, "told_at": told["told_at"], "sections": sections}
    )


def _table(rows: list[dict[str, Any]]) -> list[list[str]]:
    """The head and the rows, with every column that any row fills."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    return [columns, *([_cell(row.get(name)) for name in columns] for row in rows)]


def _cell(value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, dict | list):
        return json.dumps(value, cls=DjangoJSONEncoder, ensure_ascii=False)
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
