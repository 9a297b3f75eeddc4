"""Does a wish not to be called stop every call to whom it covers, at once, and nobody else's?"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from crm.accounts.models import User
from leads.models import AuditEvent, Consent, Lead, Suppression
from touchpoints import calls, outcomes, pursue, queue, refusals, suppress
from touchpoints.models import FollowUp, Pursuit

pytestmark = pytest.mark.django_db
ALead = Callable[..., Lead]
SWITCHBOARD = "+12125550177"


@pytest.fixture
def colleagues(a_lead: ALead, ada: User, now: datetime) -> tuple[Lead, Lead]:
    """Two people of Acme behind one switchboard, both pursued; the first has a number of their own besides."""
    one = a_lead(owner=ada, company="Acme", phones=(SWITCHBOARD, "+12125550178"))
    two = a_lead(owner=ada, company="Acme", phones=(SWITCHBOARD,))
    pursue.start([one, two], by=ada, now=now - timedelta(days=1))
    return one, two


def planned() -> set[int]:
    return set(FollowUp.objects.open().values_list("lead_id", flat=True))


def refused(lead: Lead, user: User, now: datetime, **more: Any) -> tuple[str, ...]:
    with pytest.raises(refusals.GuardBlocked) as block:
        calls.dial(lead, user=user, now=now, **more)
    assert block.value.verdict is not None
    return block.value.verdict.codes


def test_one_person(colleagues: tuple[Lead, Lead], ada: User, now: datetime) -> None:
    one, two = colleagues
    Consent.objects.create(lead=one, kind="consent", starts_at=now, recorded_at=now, evidence="form")
    suppress.suppress(scope="person", lead=one, by=ada, now=now, reason="asked")
    assert planned() == {two.pk}
    assert Pursuit.objects.get(lead=one).end_reason == "do_not_call"
    assert Consent.objects.get().revoked_at == now
    assert refused(one, ada, now) == ("internal_dnc", "consent_revoked")
    assert calls.dial(two, user=ada, now=now).lead == two


def test_one_number_leaves_the_others(colleagues: tuple[Lead, Lead], ada: User, now: datetime) -> None:
    one, two = colleagues
    suppress.suppress(scope="number", e164=SWITCHBOARD, by=ada, now=now)
    assert planned() == {one.pk}
    shared = one.lead_numbers.get(number__e164=SWITCHBOARD).number
    assert refused(two, ada, now) == ("internal_dnc",)
    assert refused(one, ada, now, number=shared) == ("internal_dnc",)
    assert calls.dial(one, user=ada, now=now).number.e164 == "+12125550178"  # type: ignore[union-attr]


def test_a_company(colleagues: tuple[Lead, Lead], a_lead: ALead, ada: User, now: datetime) -> None:
    one, two = colleagues
    suppress.suppress(scope="company", lead=one, by=ada, now=now)
    newcomer = a_lead(owner=ada, company="Acme")
    assert pursue.start([newcomer, two], by=ada, now=now) == []
    assert (planned(), queue.next_lead(ada, now=now)) == (set(), None)
    assert {refused(lead, ada, now) for lead in (one, two, newcomer)} == {("internal_dnc",)}


def test_a_wish_on_a_shared_number_stops_this_person_only(
    colleagues: tuple[Lead, Lead], ada: User, now: datetime
) -> None:
    one, two = colleagues
    call = calls.dial(two, user=ada, now=now)
    outcomes.log_outcome(call, outcomes.Logged("do_not_call"), user=ada, now=now)
    assert list(Suppression.objects.values_list("scope", "lead")) == [("person", two.pk)]
    assert planned() == {one.pk}


def test_a_wish_on_ones_own_number_stops_the_number_too(a_lead: ALead, ada: User, now: datetime) -> None:
    lead = a_lead(owner=ada)
    call = calls.dial(lead, user=ada, now=now)
    outcomes.log_outcome(call, outcomes.Logged("do_not_call", reason="never again"), user=ada, now=now)
    assert set(Suppression.objects.values_list("scope", "reason")) == {
        ("person", "never again"),
        ("number", "never again"),
    }


def test_the_same_wish_twice_is_one_entry(colleagues: tuple[Lead, Lead], ada: User, now: datetime) -> None:
    entries = [suppress.suppress(scope="number", e164=SWITCHBOARD, by=ada, now=now) for _ in range(2)]
    assert entries[0] == entries[1]
    assert (
        suppress.suppress_numbers(
            [SWITCHBOARD, "+12125550178", "+12125550178"],
            reason="list",
            channel="file",
            evidence="f",
            by=ada,
            now=now,
        )
        == 1
    )
    assert planned() == set()
    assert AuditEvent.objects.filter(action="suppression.added").count() == 2


def test_a_scope_that_names_nothing(a_lead: ALead, ada: User, now: datetime) -> None:
    for scope, lead in (("company", a_lead()), ("person", None), ("number", None), ("erased", a_lead())):
        with pytest.raises(refusals.Invalid) as wrong:
            suppress.suppress(scope=scope, lead=lead, by=ada, now=now)
        assert wrong.value.field == "scope"
    assert not Suppression.objects.exists()


def test_only_an_admin_lifts_and_says_why(
    a_lead: ALead, ada: User, max_: User, root: User, now: datetime
) -> None:
    lead = a_lead(owner=ada)
    entry = suppress.suppress(scope="person", lead=lead, by=ada, now=now)
    for user in (ada, max_):
        with pytest.raises(refusals.NotYours):
            suppress.lift(entry, reason="they agreed", evidence="mail", by=user, now=now)
    with pytest.raises(refusals.Invalid) as wrong:
        suppress.lift(entry, reason=" ", evidence="mail", by=root, now=now)
    assert wrong.value.field == "reason"
    with pytest.raises(refusals.Invalid) as wrong:
        suppress.lift(entry, reason="they agreed by mail", evidence=" ", by=root, now=now)
    assert wrong.value.field == "evidence"
    assert refused(lead, ada, now) == ("internal_dnc",)
    suppress.lift(entry, reason="they agreed by mail", evidence="mail of 3 March", by=root, now=now)
    entry.refresh_from_db()
    assert (entry.lifted_by, entry.lifted_reason) == (root, "they agreed by mail")
    actions = AuditEvent.objects.filter(subject_type="suppression").order_by("pk")
    assert list(actions.values_list("action", "actor__username", "reason")) == [
        ("suppression.added", "ada", ""),
        ("suppression.lifted", "root", "they agreed by mail"),
    ]
    assert calls.dial(lead, user=ada, now=now).lead == lead


def test_who_asked_while_a_call_was_being_prepared_is_not_dialled(
    colleagues: tuple[Lead, Lead], ada: User, now: datetime
) -> None:
    served = queue.next_lead(ada, now=now)
    assert served is not None
    suppress.suppress(scope="person", lead=served.lead, by=ada, now=now)
    assert refused(served.lead, ada, now) == ("internal_dnc",)
    following = queue.next_lead(ada, now=now)
    assert following is not None
    assert following.lead != served.lead
