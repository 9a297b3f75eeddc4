"""Leads to call: made through the doors that everybody uses, at a noon in New York."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest

from leads.identity import Identity
from leads.models import Lead
from leads.register import NewLead, PhoneInput, create_lead
from touchpoints import engine, record
from touchpoints.models import Touchpoint

# A Wednesday, noon in New York.
NOW = datetime(2026, 3, 4, 17, 0, tzinfo=UTC)


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture
def a_lead(db: None) -> Callable[..., Lead]:
    """a_lead(owner=ada, phones=["+12125550123"], company="Acme"): a lead with a number of its own in New York."""
    numbers = count(100)

    def make(
        *, owner: Any = None, team: Any = None, phones: tuple[str, ...] | None = None, **fields: Any
    ) -> Lead:
        number = next(numbers)
        fields.setdefault("first_name", "Jo")
        fields.setdefault("last_name", f"Jones{number}")
        given = (f"+1212555{number:04d}",) if phones is None else phones
        new = NewLead(fields, [PhoneInput(raw=one) for one in given])
        return create_lead(new, owner=owner, team=team, now=NOW - timedelta(days=30))

    return make


@pytest.fixture
def touched(db: None) -> Callable[..., Touchpoint]:
    """touched(lead, "referral", days=2, campaign="…"): a touchpoint so many days ago, evaluated at `now`."""
    ids = count(1)

    def make(
        lead: Lead, kind: str, *, days: float = 0, now: datetime = NOW, evaluate: bool = True, **more: Any
    ) -> Touchpoint:
        new = record.NewTouchpoint(
            kind=kind,
            occurred_at=now - timedelta(days=days),
            lead=Identity(id=lead.pk),
            source="test",
            external_id=f"t{next(ids)}",
            **more,
        )
        made = record.record(new, user=None, now=now).touchpoint
        assert made is not None
        if evaluate:
            engine.evaluate_waiting(now=now)
            lead.refresh_from_db()
        return made

    return make
