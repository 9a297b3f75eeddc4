"""Does the report of promotions and coolings tell rules of one kind apart, and count each change where it belongs?"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from crm.accounts.models import User
from leads.models import Lead
from touchpoints import rulesets, temperature_report
from touchpoints.models import TemperatureChange, WarmthRuleset

pytestmark = pytest.mark.django_db
ALead = Callable[..., Lead]


def of(table: str, *, user: User, now: datetime) -> dict[str, tuple[int, int]]:
    found = temperature_report.report(user=user, days=7, now=now)
    (rows,) = [one.rows for one in found.tables if one.key == table]
    return {str(row["label"]): (row["warmed"], row["cooled"]) for row in rows}


def test_two_rules_of_one_kind_are_told_apart(
    a_lead: ALead, touched: Callable[..., Any], ada: User, max_: User, now: datetime
) -> None:
    draft = rulesets.draft(by=max_, now=now)
    rulesets.add_rule(
        draft,
        {"kind_id": "event", "campaign": "Expo", "warms_for_days": 70, "counts_at_most": 1, "active": True},
    )
    rulesets.publish(draft, by=max_, now=now)
    touched(a_lead(owner=ada), "event", days=1, campaign="Expo")
    touched(a_lead(owner=ada), "event", days=1)
    touched(a_lead(owner=ada), "event", days=2)
    said = of("rule", user=max_, now=now)
    assert len(said) == 2
    (expo,) = [label for label in said if "Expo" in label]
    assert expo.startswith(f"v{WarmthRuleset.objects.get(status='published').version} · ")
    assert "70 days" in expo
    assert said.pop(expo) == (1, 0)
    assert list(said.values()) == [(2, 0)]


def test_what_was_kept_without_its_rule_counts_by_its_kind(
    a_lead: ALead, ada: User, max_: User, now: datetime
) -> None:
    for evidence in ([{"kind": "referral", "share": 1}], []):
        TemperatureChange.objects.create(
            lead=a_lead(owner=ada), at=now, before="warm", after="cold", cause="decay", evidence=evidence
        )
    assert of("rule", user=max_, now=now) == {"Referral": (0, 1), "no evidence": (0, 1)}


def test_another_team_is_not_told(
    a_lead: ALead, touched: Callable[..., Any], ada: User, cy: User, now: datetime
) -> None:
    touched(a_lead(owner=ada), "event", days=1)
    assert of("cause", user=cy, now=now) == {}
    assert of("cause", user=ada, now=now) == {"new evidence": (1, 0)}
