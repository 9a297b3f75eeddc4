"""Do two leads become one with everything of both, and does nothing stricter get lost on the way?"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from crm.accounts.models import User
from crm.intake.models import ImportedRow
from leads import erasure
from leads.identity import Identity, match
from leads.models import (
    AuditEvent,
    Consent,
    ExternalId,
    Lead,
    LeadList,
    ListMembership,
    Suppression,
)
from touchpoints import calls, erase, merge, outcomes, pursue, refusals, suppress
from touchpoints.models import (
    Answer,
    CallAttempt,
    FollowUp,
    Promise,
    Pursuit,
    StageChange,
    Task,
    TemperatureChange,
    UnmatchedTouchpoint,
)

pytestmark = pytest.mark.django_db
ALead = Callable[..., Lead]


@pytest.fixture
def two(a_lead: ALead, ada: User) -> tuple[Lead, Lead]:
    """Ann as a fair's list knows her, and as the form on our page does."""
    stays = a_lead(first_name="Ann", last_name="Lee", owner=ada, company="Acme", phones=("+12125550101",))
    goes = a_lead(
        first_name="Ann",
        last_name="Lee",
        owner=ada,
        company="Acme",
        email="ann@acme.example",
        phones=("+12125550102", "+12125550101"),
    )
    return stays, goes


def rows_of(lead: Lead) -> dict[str, int]:
    return {
        model.__name__: count
        for model in (*merge.MOVED, *merge.WITH_RULES)
        if (count := model._default_manager.filter(lead=lead).count())
    }


def test_everything_goes_over(
    two: tuple[Lead, Lead], ada: User, now: datetime, touched: Callable[..., Any]
) -> None:
    stays, goes = two
    touched(goes, "referral", days=1)
    call = calls.dial(goes, user=ada, now=now - timedelta(days=1))
    outcomes.log_outcome(
        call,
        outcomes.Logged(
            "callback_requested",
            promise={"text": "prices", "due_at": now},
            callback_at=now + timedelta(hours=2),
        ),
        user=ada,
        now=now - timedelta(days=1),
    )
    Consent.objects.create(lead=goes, kind="consent", starts_at=now, recorded_at=now, evidence="form")
    fair = LeadList.objects.create(name="Fair", created_at=now)
    for lead in two:
        ListMembership.objects.create(lead=lead, list=fair, added_at=now)
    ExternalId.objects.create(lead=goes, source="crm", external_id="9")
    waiting = UnmatchedTouchpoint.objects.create(payload={}, received_at=now)
    waiting.candidates.set([stays, goes])
    for lead, answer, days in ((stays, "old", 2), (goes, "new", 1)):
        Answer.objects.create(lead=lead, question="Budget?", answer=answer, at=now - timedelta(days=days))
        Task.objects.create(lead=lead, kind="find_name", reason="", created_at=now)
    had = [rows_of(lead) for lead in two]
    merge.merge(stays, goes, by=ada, now=now)
    stays.refresh_from_db()
    goes.refresh_from_db()
    # The change of the temperature of the one that is empty now is its own.
    assert rows_of(goes) == {"TemperatureChange": 1}
    assert (goes.merged_into, goes.temperature, stays.temperature) == (stays, "cold", "warm")
    assert (stays.email, stays.stage) == ("ann@acme.example", "conversation")
    numbers = list(stays.lead_numbers.current().values_list("number__e164", flat=True))
    assert numbers == ["+12125550101", "+12125550102"]
    assert Answer.objects.get().answer == "new"
    assert Task.objects.filter(lead=stays, kind="find_name", done_at=None).count() == 1
    assert (ListMembership.objects.count(), list(waiting.candidates.all())) == (1, [stays])
    assert CallAttempt.objects.get().lead == stays
    assert set(Promise.objects.values_list("lead", flat=True)) == {stays.pk}
    assert had[1]["Dial"] == rows_of(stays)["Dial"] == 1
    found = match(
        [Identity(id=goes.pk), Identity(source="crm", external_id="9"), Identity(email="ann@acme.example")]
    )
    assert {one.lead_id for one in found} == {stays.pk}
    event = AuditEvent.objects.get(action="lead.merged")
    assert (event.actor, event.lead, event.before["lead"]) == (ada, stays, goes.pk)
    assert StageChange.objects.filter(lead=stays, why="merged", after="conversation").exists()


def test_warmth_counts_the_evidence_of_both(
    two: tuple[Lead, Lead], ada: User, now: datetime, touched: Callable[..., Any]
) -> None:
    stays, goes = two
    touched(stays, "social_follow", days=2)
    alone = stays.warm_until
    touched(goes, "social_follow", days=2)
    merge.merge(stays, goes, by=ada, now=now)
    stays.refresh_from_db()
    assert stays.warm_until > alone  # type: ignore[operator]


def test_two_cold_ones_turn_warm_together(
    two: tuple[Lead, Lead], ada: User, now: datetime, touched: Callable[..., Any]
) -> None:
    stays, goes = two
    for lead, kinds in ((stays, ("email_sent", "visit")), (goes, ("website_visit", "event_registered"))):
        for kind in kinds:
            touched(lead, kind, days=0)
    Lead.objects.filter(pk__in=[stays.pk, goes.pk]).update(temperature="cold")
    merge.merge(stays, goes, by=ada, now=now)
    change = TemperatureChange.objects.filter(lead=stays, after="warm").latest("pk")
    assert (change.cause, change.by) == ("merge", ada)


def test_one_pursuit_goes_on_the_one_that_came_further(
    two: tuple[Lead, Lead], ada: User, now: datetime
) -> None:
    stays, goes = two
    pursue.start([stays, goes], by=ada, now=now - timedelta(days=9))
    Pursuit.objects.filter(lead=goes).update(attempt=7, step=7)
    further = Pursuit.objects.get(lead=goes)
    FollowUp.objects.filter(lead=stays).update(rank=FollowUp.Rank.CALLBACK)
    promised = FollowUp.objects.get(lead=stays)
    merge.merge(stays, goes, by=ada, now=now)
    assert Pursuit.objects.open().get() == further
    assert Pursuit.objects.exclude(pk=further.pk).get().end_reason == "merged"
    follow_up = FollowUp.objects.open().get()
    assert (follow_up, follow_up.lead, follow_up.pursuit) == (promised, stays, further)


# --- stricter wins ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("whose", ["stays", "goes", "both"])
def test_a_wish_of_either_holds_for_both(
    two: tuple[Lead, Lead], ada: User, now: datetime, whose: str
) -> None:
    stays, goes = two
    pursue.start([stays, goes], by=ada, now=now - timedelta(days=1))
    Consent.objects.create(lead=stays, kind="consent", starts_at=now, recorded_at=now, evidence="form")
    for name, lead in (("stays", stays), ("goes", goes)):
        if whose in (name, "both"):
            suppress.suppress(scope="person", lead=lead, by=ada, now=now, reason=name)
    merge.merge(stays, goes, by=ada, now=now)
    assert Suppression.objects.active().get(scope="person").lead == stays
    assert Suppression.objects.filter(lead=stays).count() == (2 if whose == "both" else 1)
    assert not Pursuit.objects.open().exists()
    assert not FollowUp.objects.open().exists()
    with pytest.raises(refusals.GuardBlocked) as block:
        calls.dial(stays, user=ada, now=now)
    assert block.value.verdict is not None
    assert "internal_dnc" in block.value.verdict.codes


def test_a_certain_wish_is_not_left_to_a_decision(two: tuple[Lead, Lead], ada: User, now: datetime) -> None:
    stays, goes = two
    Suppression.objects.create(scope="person", lead=stays, state="proposed", requested_at=now)
    suppress.suppress(scope="person", lead=goes, by=ada, now=now)
    merge.merge(stays, goes, by=ada, now=now)
    assert Suppression.objects.active().get(scope="person").state == "confirmed"


def test_the_wish_of_a_company_is_not_left_behind(a_lead: ALead, ada: User, now: datetime) -> None:
    stays, goes = a_lead(owner=ada, company="Acme"), a_lead(owner=ada, company="Bolt")
    suppress.suppress(scope="company", lead=goes, by=ada, now=now, reason="their boss")
    merge.merge(stays, goes, by=ada, now=now)
    entry = Suppression.objects.get(scope="person")
    assert (entry.lead, entry.reason, entry.requested_at) == (stays, "their boss", now)


def test_the_wish_of_a_company_is_not_left_to_a_decision_about_another(
    a_lead: ALead, ada: User, max_: User, now: datetime
) -> None:
    stays, goes = a_lead(owner=ada, company="Acme"), a_lead(owner=ada, company="Umbrella")
    suppress.suppress(scope="company", lead=goes, by=ada, now=now)
    said = suppress.Proposal(stays.pk, now, "stop?", "mail", "touchpoint 1")
    suppress.propose([said], now=now)
    merge.merge(stays, goes, by=ada, now=now)
    entry = Suppression.objects.active().get(lead=stays)
    assert entry.state == Suppression.State.CONFIRMED
    with pytest.raises(refusals.TooLate):
        suppress.decline(entry, reason="no wish", by=max_, now=now)


def test_what_a_merge_does_to_wishes_and_consents_is_audited(a_lead: ALead, ada: User, now: datetime) -> None:
    stays, goes = a_lead(owner=ada, company="Acme"), a_lead(owner=ada, company="Umbrella")
    suppress.suppress(scope="company", lead=goes, by=ada, now=now)
    given = Consent.objects.create(
        lead=stays, starts_at=now - timedelta(days=1), recorded_at=now, evidence="form 7"
    )
    merge.merge(stays, goes, by=ada, now=now)
    assert Consent.objects.get().revoked_at == now
    done = AuditEvent.objects.filter(lead=stays, actor=ada, at=now)
    assert done.filter(action="suppression.added").count() == 1
    assert done.get(action="consent.revoked").subject_id == str(given.pk)


def test_a_refusal_stays_a_refusal(two: tuple[Lead, Lead], ada: User, now: datetime) -> None:
    stays, goes = two
    Lead.objects.filter(pk=goes.pk).update(cooled_at=now)
    merge.merge(stays, goes, by=ada, now=now)
    stays.refresh_from_db()
    assert stays.cooled_at == now


def test_an_erased_person_does_not_come_back_by_a_merge(
    a_lead: ALead, ada: User, root: User, now: datetime, settings: Any, tmp_path: Any
) -> None:
    settings.ERASURE_LEDGER = tmp_path / "ledger"
    gone = a_lead(first_name="Ann", last_name="Lee", phones=("+12125550150",))
    colleague = a_lead(first_name="Bo", owner=ada, phones=("+12125550150",))
    erase.erase(gone, reason="", by=root, now=now)
    assert erasure.erased_callees([("+12125550150", "Ann Lee")])
    namesake = a_lead(first_name="Ann", last_name="Lee", owner=ada, phones=("+12125550160",))
    with pytest.raises(refusals.Invalid, match="erased"):
        merge.merge(namesake, colleague, by=ada, now=now)
    with pytest.raises(refusals.Invalid):
        merge.merge(namesake, gone, by=ada, now=now)
    colleague.refresh_from_db()
    assert colleague.merged_into is None


def test_refused_and_nothing_is_written(two: tuple[Lead, Lead], ada: User, now: datetime) -> None:
    stays, goes = two
    with pytest.raises(refusals.Invalid):
        merge.merge(stays, stays, by=ada, now=now)
    calls.dial(goes, user=ada, now=now)
    before = rows_of(goes)
    with pytest.raises(refusals.AttemptOpen):
        merge.merge(stays, goes, by=ada, now=now)
    assert rows_of(goes) == before
    Lead.objects.filter(pk=goes.pk).update(merged_into=stays)
    CallAttempt.objects.update(ended_at=now)
    with pytest.raises(refusals.Invalid):
        merge.merge(stays, goes, by=ada, now=now)


def test_every_row_of_a_lead_has_a_rule() -> None:
    of_lead = {
        relation.related_model
        for relation in Lead._meta.get_fields(include_hidden=True)
        if (relation.one_to_many or relation.one_to_one) and relation.related_model is not Lead
    }
    through = {UnmatchedTouchpoint.candidates.through, ImportedRow}
    assert of_lead - {*merge.MOVED, *merge.WITH_RULES} - through == set()


# --- the page --------------------------------------------------------------------------------------------------


def test_those_alike_are_offered_and_merged(
    two: tuple[Lead, Lead], a_lead: ALead, ada: User, cy: User
) -> None:
    stays, goes = two
    hidden = a_lead(first_name="Ann", last_name="Lee", owner=cy, phones=("+12125550101",))
    client = Client()
    client.force_login(ada)
    url = f"/leads/{stays.pk}/merge/"
    page = client.get(url).content.decode()
    assert f'value="{goes.pk}"' in page
    assert f'value="{hidden.pk}"' not in page
    for wrong in ("", "x", str(hidden.pk), "9" * 30):
        assert client.post(url, {"with": wrong}).status_code == 422
    assert client.post(url, {"with": str(goes.pk)}).status_code == 302
    goes.refresh_from_db()
    assert goes.merged_into == stays
    assert client.get(f"/leads/{goes.pk}/").status_code == 404


def test_a_page_of_many_costs_no_more_queries(
    two: tuple[Lead, Lead], a_lead: ALead, ada: User, django_assert_max_num_queries: Any
) -> None:
    for _ in range(8):
        a_lead(first_name="Ann", last_name="Lee", owner=ada)
    client = Client()
    client.force_login(ada)
    with django_assert_max_num_queries(12):
        client.get(f"/leads/{two[0].pk}/merge/")
