"""Many leads, many touchpoints, and what must be true of them in the end whatever broke on the way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from crm.accounts.models import Team, User
from leads.models import Consent, Lead
from leads.register import NewLead, PhoneInput, create_leads
from touchpoints import engine
from touchpoints.models import FollowUp, HandRaise, Pursuit, TemperatureChange, Touchpoint
from touchpoints.warmth import warmth

# What is posted, over and over: what warms, a hand that is raised, and what warms nobody alone.
KINDS = ("referral", "web_form", "event", "email_sent")


@pytest.fixture
def crowd(transactional_db: None, root: User) -> Callable[[int], list[Lead]]:
    """crowd(500): so many leads of the default team's pool, each with a number in New York."""

    def make(count: int) -> list[Lead]:
        now = timezone.now()
        news = [
            NewLead(
                {"first_name": f"P{n}", "email": f"p{n}@example.com", "country": "US", "region": "NY"},
                [PhoneInput(f"+1 212 {200 + n // 8000} {1000 + n % 8000}")],
            )
            for n in range(count)
        ]
        made = create_leads(
            news, team=Team.objects.get(is_default=True), by=root, now=now - timedelta(days=1)
        )
        assert all(isinstance(one, Lead) for one in made)
        return made  # type: ignore[return-value]

    return make


@pytest.fixture
def program(transactional_db: None, root: User, api_key: Callable[..., str]) -> APIClient:
    """A program that posts what it hears."""
    return APIClient(headers={"Authorization": f"Bearer {api_key(root)}"})


def report(lead: Lead, n: int, *, at: datetime) -> dict[str, Any]:
    return {
        "kind": KINDS[n % len(KINDS)],
        "occurred_at": (at - timedelta(minutes=10)).isoformat(),
        "source": "forms",
        "external_id": f"t-{n}",
        "lead": {"id": lead.pk},
    }


def waiting() -> int:
    return Touchpoint.objects.waiting().count()


def assert_each_counted_once(leads: Sequence[Lead], *, reports: int) -> None:
    """Every touchpoint is stored and evaluated once, and every lead is where the pure rules put it."""
    rows = list(Touchpoint.objects.select_related("kind"))
    assert len(rows) == reports
    assert not [
        row for row in rows if row.evaluated_at is None or row.evaluation_error or row.evaluation_tries
    ]
    ruleset = engine.as_values(engine.published())
    of_lead: dict[int, list[Touchpoint]] = {}
    for row in rows:
        of_lead.setdefault(row.lead_id, []).append(row)
    now, warm = timezone.now(), set()
    for lead in Lead.objects.filter(pk__in=[lead.pk for lead in leads]):
        expected = warmth(map(engine.touch_of, of_lead.get(lead.pk, [])), ruleset, now=now, cooled_at=None)
        is_warm = expected.warm_until is not None and expected.warm_until > now
        assert lead.temperature == ("warm" if is_warm else "cold"), lead.pk
        if is_warm:
            warm.add(lead.pk)
            assert abs(lead.warm_until - expected.warm_until) < timedelta(seconds=1)
    changes = Counter(TemperatureChange.objects.values_list("lead_id", flat=True))
    assert changes == Counter(warm), "one change of temperature for each lead that turned warm"
    raised = sorted(row.pk for row in rows if row.kind.hand_raise)
    assert sorted(HandRaise.objects.values_list("touchpoint_id", flat=True)) == raised
    assert Consent.objects.filter(kind=Consent.Kind.ENQUIRY).count() == len(raised)
    for model in (Pursuit.objects.open(), FollowUp.objects.open()):
        assert max(Counter(model.values_list("lead_id", flat=True)).values(), default=1) == 1
