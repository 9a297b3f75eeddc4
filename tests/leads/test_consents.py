"""Is every permission recorded with evidence, by somebody who may, and audited?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from crm.accounts.models import User
from leads import consents
from leads.models import AuditEvent, Consent, Lead, Number
from leads.register import NewLead, PhoneInput, create_lead
from touchpoints import calls, permissions, pursue
from touchpoints.models import Task

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)


@pytest.fixture
def lead(ada: User) -> Lead:
    """In Poland, where calls need consent."""
    new = NewLead({"last_name": "Nowak", "country": "PL"}, [PhoneInput("+48 22 123 45 67")])
    return create_lead(new, owner=ada, now=NOW - timedelta(days=30))


def test_a_consent_heard_on_a_call_opens_the_way_and_settles_the_task(lead: Lead, ada: User) -> None:
    pursue.start([lead], by=ada, now=NOW)
    assert Task.objects.get(done_at=None).kind == "record_consent"
    made = permissions.record(lead, evidence="“yes, call me”, 4 March, by phone", by=ada, now=NOW)
    assert (made.kind, made.channel, made.recorded_by, made.recorded_at) == ("consent", "call", ada, NOW)
    assert not Task.objects.filter(done_at=None).exists()
    pursue.resume_stalled(now=NOW)
    assert calls.dial(lead, user=ada, now=NOW).lead == lead
    consents.revoke(made, reason="changed their mind", by=ada, now=NOW + timedelta(minutes=1))
    actions = AuditEvent.objects.filter(subject_type="consent").order_by("pk").values_list("action", "reason")
    assert list(actions) == [("consent.recorded", ""), ("consent.revoked", "changed their mind")]


@pytest.mark.parametrize("kind", ["written_permission", "purchase", "enquiry", "personal_relationship"])
def test_reps_record_only_what_they_hear(lead: Lead, ada: User, max_: User, kind: str) -> None:
    with pytest.raises(consents.NotAllowed):
        consents.record(lead, kind=kind, evidence="the signed form", by=ada, now=NOW)
    assert not Consent.objects.exists()
    assert consents.record(lead, kind=kind, evidence="the signed form", by=max_, now=NOW).kind == kind


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"evidence": " - "}, "evidence"),
        ({"evidence": "x" * 6_000}, "evidence"),
        ({"starts_at": NOW + timedelta(hours=1)}, "starts_at"),
        ({"starts_at": datetime(1960, 1, 1, tzinfo=UTC)}, "starts_at"),
        ({"ends_at": NOW - timedelta(days=1)}, "ends_at"),
        ({"channel": "fax"}, "channel"),
        ({"kind": "hope"}, "kind"),
    ],
    ids=str,
)
def test_what_cannot_be_is_refused_by_its_field(
    lead: Lead, max_: User, given: dict[str, Any], field: str
) -> None:
    with pytest.raises(consents.ConsentRefused) as refused:
        consents.record(lead, **{"evidence": "form of 3 March", **given}, by=max_, now=NOW)
    assert [error.field for error in refused.value.errors] == [field]
    assert not Consent.objects.exists()


def test_a_number_of_somebody_else_is_none_of_theirs(lead: Lead, max_: User) -> None:
    stranger = Number.objects.create(e164="+48221234599")
    with pytest.raises(consents.ConsentRefused) as refused:
        consents.record(lead, evidence="form", number=stranger, by=max_, now=NOW)
    assert refused.value.errors[0].field == "number"


def test_managers_correct_and_end_reps_do_not(lead: Lead, ada: User, max_: User) -> None:
    row = consents.record(lead, evidence="by phone", by=ada, now=NOW)
    with pytest.raises(consents.NotAllowed):
        consents.edit(row, {"evidence": "by mail"}, by=ada, now=NOW)
    with pytest.raises(consents.NotAllowed):
        consents.end(row, reason="contract over", by=ada, now=NOW)
    with pytest.raises(consents.ConsentRefused):
        consents.edit(row, {"recorded_by": ada.pk}, by=max_, now=NOW)
    assert consents.edit(row, {"evidence": "by mail of 3 March"}, by=max_, now=NOW)
    assert not consents.edit(row, {"evidence": "by mail of 3 March"}, by=max_, now=NOW)
    consents.end(row, reason="contract over", by=max_, now=NOW + timedelta(hours=1))
    assert consents.state_of(row, now=NOW + timedelta(hours=1)) == "ended"
    with pytest.raises(consents.ConsentRefused):
        consents.revoke(row, reason="again", by=max_, now=NOW + timedelta(hours=2))
    edited = AuditEvent.objects.get(action="consent.edited")
    assert (edited.before["evidence"], edited.after["evidence"]) == ("by phone", "by mail of 3 March")
