"""Programs of the cast, each with a key of its own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rest_framework.test import APIClient

from crm.accounts.models import User
from leads.models import Lead
from leads.register import NewLead, PhoneInput, create_lead

NOON_IN_NEW_YORK = datetime(2026, 3, 4, 17, 0, tzinfo=UTC)


@pytest.fixture
def client_of(api_key: Callable[..., str]) -> Callable[..., APIClient]:
    """client_of(ada, scopes=[…]): a program with a key of Ada's."""

    def make(user: User, **key: Any) -> APIClient:
        return APIClient(headers={"Authorization": f"Bearer {api_key(user, **key)}"})

    return make


@pytest.fixture
def a_lead(db: None) -> Callable[..., Lead]:
    """a_lead(owner=ada, last_name="Jones", phones=["+1 212 555 0123"]): a lead through the one door."""

    def make(
        *,
        owner: Any = None,
        team: Any = None,
        phones: tuple[str, ...] = (),
        now: datetime | None = None,
        **fields: Any,
    ) -> Lead:
        fields.setdefault("last_name", "Jones")
        new = NewLead(fields, [PhoneInput(raw=one) for one in phones])
        return create_lead(new, owner=owner, team=team, now=now or NOON_IN_NEW_YORK - timedelta(days=30))

    return make


@pytest.fixture
def noon(time_machine: Any) -> datetime:
    """It is a Wednesday, noon in New York, and stays so."""
    time_machine.move_to(NOON_IN_NEW_YORK, tick=False)
    return NOON_IN_NEW_YORK


def codes(response: Any) -> dict[str, str]:
    """The refused fields of a problem, each with its code."""
    return {error["field"]: error["code"] for error in response.json()["errors"]}
