"""Are records of calls kept as long as the law wants them, to the second, and not for ever?"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from crm.accounts.models import User
from leads.models import AuditEvent, Consent, GuardRule, Lead, Number, Workspace
from touchpoints import retention
from touchpoints.models import BlockedDial, CallAttempt, Complaint, Dial

pytestmark = pytest.mark.django_db
ALead = Callable[..., Lead]
SECOND = timedelta(seconds=1)
NOW = datetime(2026, 3, 4, 17, 0, tzinfo=UTC)
FIVE_YEARS_AGO = datetime(2021, 3, 4, 17, 0, tzinfo=UTC)


@pytest.fixture
def a_call(a_lead: ALead, ada: User) -> Callable[..., CallAttempt]:
    def make(at: datetime, lead: Lead | None = None, **more: Any) -> CallAttempt:
        lead = lead or a_lead(owner=ada)
        number = Number.objects.filter(links__lead=lead).first()
        call = CallAttempt.objects.create(
            lead=lead,
            user=ada,
            number=number,
            started_at=at - timedelta(minutes=3),
            ended_at=at,
            notes="said",
            guard={"decision": "allow"},
            outcome_id="no_answer",
            **more,
        )
        Dial.objects.create(call=call, lead=lead, number=number, at=call.started_at)
        return call

    return make


def test_to_the_second(a_call: Callable[..., CallAttempt]) -> None:
    young, old = a_call(FIVE_YEARS_AGO), a_call(FIVE_YEARS_AGO - SECOND)
    assert retention.thin(now=NOW) == {"calls": 1}
    young.refresh_from_db()
    old.refresh_from_db()
    assert (young.notes, young.guard) == ("said", {"decision": "allow"})
    assert (old.notes, old.guard, old.number, old.outcome_id) == ("", {}, None, "no_answer")
    assert old.dials.get().number is None
    assert retention.thin(now=NOW) == {}
    event = AuditEvent.objects.get(action="records.thinned")
    assert event.after == {"calls": 1, "years": 5, "older_than": FIVE_YEARS_AGO.isoformat()}


@pytest.mark.parametrize(
    "workspace, rule, years",
    [
        pytest.param(5, None, 5, id="the law's five"),
        pytest.param(1, None, 5, id="a workspace may not keep less"),
        pytest.param(7, None, 7, id="but more"),
        pytest.param(5, 10, 10, id="a rule in use may ask for more"),
    ],
)
def test_never_less_than_law_or_rule(
    a_call: Callable[..., CallAttempt], workspace: int, rule: int | None, years: int
) -> None:
    Workspace.objects.update(evidence_years=workspace)
    if rule:
        GuardRule.objects.filter(jurisdiction="DE").update(consent_kept_years=rule)
    cutoff = NOW.replace(year=NOW.year - years)
    a_call(cutoff)
    assert retention.thin(now=NOW) == {}
    a_call(cutoff - SECOND)
    assert retention.thin(now=NOW) == {"calls": 1}


def test_a_leap_day_keeps_longer() -> None:
    leap = datetime(2028, 2, 29, 12, tzinfo=UTC)
    assert retention.years_before(leap, 5) == datetime(2023, 2, 28, 12, tzinfo=UTC)
    assert retention.years_before(datetime(2029, 2, 28, 12, tzinfo=UTC), 5) == datetime(
        2024, 2, 28, 12, tzinfo=UTC
    )


def test_what_an_open_complaint_is_about_stays(a_call: Callable[..., CallAttempt], a_lead: ALead) -> None:
    old = FIVE_YEARS_AGO - timedelta(days=400)
    lead = a_lead()
    a_call(old, lead)
    moved = a_call(old)
    BlockedDial.objects.create(lead=lead, at=old, guard={})
    Consent.objects.create(
        lead=lead, kind="consent", starts_at=old, revoked_at=old, recorded_at=old, evidence="x"
    )
    complaint = Complaint.objects.create(lead=lead, said="I will report you", at=old)
    about_call = Complaint.objects.create(lead=a_lead(), call=moved, said="me too", at=old)
    assert retention.thin(now=NOW) == {}
    for one in (complaint, about_call):
        one.status, one.handled_at = "closed", NOW
        one.save()
    assert retention.thin(now=NOW) == {"calls": 2, "blocked_dials": 1, "consents": 1}
    Complaint.objects.update(handled_at=FIVE_YEARS_AGO - SECOND)
    assert retention.thin(now=NOW) == {"complaints": 2}


@pytest.mark.parametrize(
    "end, used, goes",
    [
        pytest.param({}, None, False, id="without an end it goes on"),
        pytest.param({"revoked_at": FIVE_YEARS_AGO}, None, False, id="revoked five years ago to the second"),
        pytest.param({"revoked_at": FIVE_YEARS_AGO - SECOND}, None, True, id="a second earlier"),
        pytest.param({"ends_at": FIVE_YEARS_AGO - SECOND}, None, True, id="run out a second earlier"),
        pytest.param({"ends_at": NOW}, FIVE_YEARS_AGO - timedelta(days=9), False, id="run out only now"),
        pytest.param(
            {"revoked_at": FIVE_YEARS_AGO - SECOND},
            FIVE_YEARS_AGO - timedelta(days=9),
            True,
            id="used before it was revoked",
        ),
        pytest.param(
            {"revoked_at": FIVE_YEARS_AGO - SECOND}, NOW, True, id="a call after its end did not rest on it"
        ),
    ],
)
def test_consents_stay_five_years_from_end_and_use(
    a_call: Callable[..., CallAttempt],
    a_lead: ALead,
    end: dict[str, datetime],
    used: datetime | None,
    goes: bool,
) -> None:
    lead, given = a_lead(), FIVE_YEARS_AGO - timedelta(days=700)
    Consent.objects.create(lead=lead, kind="consent", starts_at=given, recorded_at=given, evidence="x", **end)
    if used:
        a_call(used, lead)
    retention.thin(now=NOW)
    assert Consent.objects.exists() is not goes


def test_a_consent_recorded_late_stays_from_then(a_lead: ALead) -> None:
    old = FIVE_YEARS_AGO - timedelta(days=9)
    Consent.objects.create(
        lead=a_lead(), kind="consent", starts_at=old, ends_at=old, recorded_at=FIVE_YEARS_AGO, evidence="x"
    )
    assert retention.thin(now=NOW) == {}


def test_many_go_in_chunks(a_call: Callable[..., CallAttempt], a_lead: ALead) -> None:
    lead = a_lead()
    for day in range(5):
        a_call(FIVE_YEARS_AGO - timedelta(days=1 + day), lead)
    assert retention.thin(now=NOW, chunk=2) == {"calls": 5}
