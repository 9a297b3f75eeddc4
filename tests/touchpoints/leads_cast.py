"""Leads for the tests of pages: made through the register, as everybody's are."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from leads import register
from leads.models import Lead


def make_lead(
    first_name: str = "Anna", *, owner: Any = None, team: Any = None, phone: str = "", **fields: Any
) -> Lead:
    """A lead of a rep's, of a team's pool or of nobody's."""
    values = {
        "first_name": first_name,
        "last_name": "Hansen",
        "company": "Nordisk Fisk",
        "country": "DK",
        **fields,
    }
    phones = [register.PhoneInput(phone)] if phone else []
    new = register.NewLead(fields=values, phones=phones)
    return register.create_lead(new, owner=owner, team=team, by=owner, now=timezone.now())
