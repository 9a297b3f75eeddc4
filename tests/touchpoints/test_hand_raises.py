"""Who hears of a hand-raise, on which screen, and who else gets it when the owner does not call?"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from crm.accounts.models import Absence, Team, User
from leads.identity import Identity
from leads.models import Consent, Lead, Number
from touchpoints import calls, corrections, engine, enquiries, hand_raises, outcomes, queue, record
from touchpoints.models import FollowUp, HandRaise, SweepRun, Touchpoint

pytestmark = pytest.mark.django_db
ALead = Callable[..., Lead]
Touched = Callable[..., Touchpoint]
MINUTE = timedelta(minutes=1)


@pytest.fixture
def priya(a_lead: ALead, touched: Touched, ada: User) -> Lead:
    """Ada's lead, who just asked to be contacted, at noon in New York."""
    lead = a_lead(owner=ada, first_name="Priya", last_name="Nair", country="US", region="NY")
    touched(lead, "web_form")
    return lead


def keys(user: User, *, now: datetime) -> list[str]:
    return [alert.key for alert in hand_raises.alerts_for(user, now=now)]


def offer_at(at: datetime) -> int:
    return hand_raises.offer_unanswered(now=at)


# --- the offer -------------------------------------------------------------------------------------------------------


def test_after_three_callable_minutes_a_free_colleague_is_served(
    priya: Lead, bea: User, cy: User, ada: User, now: datetime
) -> None:
    assert offer_at(now + 3 * MINUTE - timedelta(seconds=1)) == 0
    assert queue.next_lead(bea, now=now + 3 * MINUTE) is None
    assert offer_at(now + 3 * MINUTE) == 1
    assert offer_at(now + 4 * MINUTE) == 0, "once"
    assert queue.next_lead(cy, now=now + 4 * MINUTE) is None, "another team"
    row = queue.next_lead(bea, now=now + 4 * MINUTE)
    assert row is not None
    assert (row.lead, row.assignee, row.lease_by) == (priya, ada, bea)
    assert HandRaise.objects.get().offered_at == now + 3 * MINUTE
    run = SweepRun.objects.get(name="offer_hand_raises")
    assert (run.started_at, run.error) == (now + 4 * MINUTE, "")


def test_only_one_of_two_gets_it(priya: Lead, ada: User, bea: User, now: datetime) -> None:
    at = now + 3 * MINUTE
    offer_at(at)
    assert queue.next_lead(ada, now=at).lead == priya  # type: ignore[union-attr]
    assert queue.next_lead(bea, now=at) is None


def test_who_calls_in_time_keeps_it(priya: Lead, ada: User, bea: User, now: datetime) -> None:
    calls.dial(priya, user=ada, now=now + 2 * MINUTE)
    assert offer_at(now + 10 * MINUTE) == 0
    assert queue.next_lead(bea, now=now + 10 * MINUTE) is None


def test_minutes_of_the_night_do_not_count(a_lead: ALead, touched: Touched, ada: User, now: datetime) -> None:
    """Raised at 20:58 in New York, where the hours end at 21:00: two minutes today, the third tomorrow."""
    evening = now.replace(hour=1, minute=58) + timedelta(days=1)
    lead = a_lead(owner=ada, country="US", region="NY")
    touched(lead, "web_form", now=evening)
    due = FollowUp.objects.open().get(lead=lead).due_at
    assert due <= evening, "the scene: it may be called at once"
    assert offer_at(evening + 2 * MINUTE) == 0
    assert offer_at(evening + timedelta(hours=3)) == 0
    morning = hand_raises.guarding.gather([lead], now=evening + 3 * MINUTE)[lead.pk].next_window(
        now=evening + 3 * MINUTE
    )
    assert morning is not None
    opens = morning[0]
    assert opens - evening > timedelta(hours=8)
    assert offer_at(opens + timedelta(seconds=59)) == 0
    assert offer_at(opens + MINUTE) == 1


def test_what_the_guard_forbids_is_not_offered(priya: Lead, bea: User, ada: User, now: datetime) -> None:
    Number.objects.update(status="wrong")
    assert offer_at(now + 5 * MINUTE) == 0


def test_who_is_absent_or_on_the_phone_is_not_free(
    priya: Lead, a_lead: ALead, bea: User, person: Callable[..., User], now: datetime
) -> None:
    dee = person("dee", team=bea.team)
    Absence.objects.create(user=bea, starts_on=now.date(), ends_on=now.date())
    calls.dial(a_lead(owner=dee, country="US", region="NY"), user=dee, now=now)
    at = now + 3 * MINUTE
    assert offer_at(at) == 1
    assert queue.next_lead(bea, now=at) is None
    assert not [row for row in queue.upcoming(dee, now=at) if row.lead_id == priya.pk]
    assert keys(bea, now=at) == keys(dee, now=at) == []


def test_who_only_looks_at_it_lets_it_go(priya: Lead, ada: User, bea: User, now: datetime) -> None:
    """The page renews what is on the screen; what was offered meanwhile is held for one lease and no longer."""
    assert queue.next_lead(ada, now=now).lead == priya  # type: ignore[union-attr]
    for minutes in (1, 2, 3):
        assert queue.renew(ada, now=now + minutes * MINUTE)
    assert offer_at(now + 3 * MINUTE) == 1
    for minutes in (4, 5):
        assert queue.renew(ada, now=now + minutes * MINUTE), "she may dial still"
        assert queue.next_lead(ada, now=now + minutes * MINUTE).lead == priya  # type: ignore[union-attr]
        assert queue.next_lead(bea, now=now + minutes * MINUTE) is None
    assert not queue.renew(ada, now=now + 6 * MINUTE)
    assert queue.next_lead(bea, now=now + 6 * MINUTE).lead == priya  # type: ignore[union-attr]


def test_an_open_call_keeps_what_was_offered(priya: Lead, ada: User, bea: User, now: datetime) -> None:
    assert queue.next_lead(ada, now=now)
    assert offer_at(now + 3 * MINUTE) == 1
    calls.dial(priya, user=ada, now=now + 3 * MINUTE)
    assert queue.renew(ada, now=now + 20 * MINUTE)
    assert queue.next_lead(bea, now=now + 20 * MINUTE) is None


def test_a_colleague_has_what_was_offered_on_the_screen(priya: Lead, client: Client, bea: User) -> None:
    """By the real clock: without the offer the lead is none of Bea's business."""
    client.force_login(bea)
    assert client.get("/call/", {"lead": priya.pk}).status_code == 404
    assert client.post("/call/dial/", {"lead": priya.pk}).status_code == 404
    HandRaise.objects.update(offered_at=timezone.now(), raised_at=timezone.now())
    assert "Priya Nair" in client.get("/call/", {"lead": priya.pk}).content.decode()


def test_a_colleague_reaches_it_until_her_call_is_logged(
    priya: Lead, ada: User, bea: User, now: datetime
) -> None:
    def reaches(at: datetime) -> bool:
        return queue.reachable_by(bea, now=at).filter(pk=priya.pk).exists()

    at = now + 3 * MINUTE
    assert not reaches(at)
    offer_at(at)
    assert reaches(at)
    call = calls.dial(priya, user=bea, now=at)
    assert reaches(at), "her call is open: she may redial"
    outcomes.log_outcome(call, outcomes.Logged("no_answer"), user=bea, now=at + MINUTE)
    assert not reaches(at + MINUTE)
    priya.refresh_from_db()
    assert priya.owner == ada
    assert FollowUp.objects.open().get(lead=priya).assignee == ada


def test_the_sweep_costs_the_same_for_one_and_for_many(
    a_lead: ALead, touched: Touched, ada: User, now: datetime, django_assert_max_num_queries: Callable
) -> None:
    for _ in range(12):
        touched(a_lead(owner=ada, country="US", region="NY"), "web_form")
    with django_assert_max_num_queries(25):
        assert offer_at(now + 3 * MINUTE) == 12


# --- the alert -------------------------------------------------------------------------------------------------------


def test_the_owner_is_alerted_and_nobody_else(
    priya: Lead, ada: User, bea: User, cy: User, max_: User, root: User, now: datetime
) -> None:
    alert, *others = hand_raises.alerts_for(ada, now=now + MINUTE)
    assert (alert.lead, alert.raised_at, alert.opens_at, alert.offered, others) == (
        priya,
        now,
        None,
        False,
        [],
    )
    for user in (bea, cy, max_, root):
        assert keys(user, now=now + MINUTE) == []


def test_a_pool_is_alerted_as_a_whole(
    a_lead: ALead, touched: Touched, ada: User, bea: User, cy: User, north: Team, now: datetime
) -> None:
    touched(a_lead(team=north, country="US", region="NY"), "web_form")
    assert len(keys(ada, now=now)) == len(keys(bea, now=now)) == 1
    assert keys(cy, now=now) == []


def test_the_team_is_alerted_when_it_is_offered(priya: Lead, ada: User, bea: User, now: datetime) -> None:
    at = now + 4 * MINUTE
    offer_at(at)
    (alert,) = hand_raises.alerts_for(bea, now=at)
    assert (alert.lead, alert.offered) == (priya, True)
    assert len(keys(ada, now=at)) == 1


@pytest.mark.parametrize("more", [{"historical": True}, {"days": 2}], ids=["historical", "two days old"])
def test_the_past_alerts_nobody(
    a_lead: ALead, touched: Touched, ada: User, now: datetime, more: dict[str, object]
) -> None:
    touched(a_lead(owner=ada, country="US", region="NY"), "web_form", **more)
    assert keys(ada, now=now) == []
    assert offer_at(now + 10 * MINUTE) == 0


def test_no_alert_for_what_is_answered_in_hand_or_old(priya: Lead, ada: User, now: datetime) -> None:
    assert keys(ada, now=now)
    assert keys(ada, now=now + 31 * MINUTE) == []
    queue.next_lead(ada, now=now)
    assert keys(ada, now=now) == [], "it is before her"
    queue.release(ada, now=now)
    assert keys(ada, now=now)
    calls.dial(priya, user=ada, now=now)
    assert keys(ada, now=now) == []


def test_at_night_it_says_from_when_and_again_when_it_is_time(
    a_lead: ALead, touched: Touched, ada: User, now: datetime
) -> None:
    night = now.replace(hour=6)  # one in the morning in New York
    touched(a_lead(owner=ada, country="US", region="NY"), "web_form", now=night)
    (early,) = hand_raises.alerts_for(ada, now=night)
    assert early.opens_at is not None
    (due,) = hand_raises.alerts_for(ada, now=early.opens_at)
    assert (due.opens_at, due.lead) == (None, early.lead)
    assert due.key != early.key


def test_a_poll_writes_nothing_and_asks_little(
    priya: Lead, ada: User, now: datetime, django_assert_num_queries: Callable
) -> None:
    with django_assert_num_queries(2) as asked:
        assert keys(ada, now=now)
    assert all(query["sql"].startswith("SELECT") for query in asked.captured_queries)


@pytest.fixture
def just_asked(a_lead: ALead, touched: Touched, ada: User) -> Lead:
    """By the real clock, as pages poll by it."""
    lead = a_lead(owner=ada, first_name="Priya", last_name="Nair", country="US", region="NY")
    touched(lead, "web_form", now=timezone.now())
    return lead


def test_each_alert_is_shown_once_to_each_user(
    just_asked: Lead, a_lead: ALead, touched: Touched, client: Client, ada: User, bea: User
) -> None:
    client.force_login(bea)
    assert client.get("/call/alerts/").status_code == 204
    client.force_login(ada)
    shown = client.get("/call/alerts/").content.decode()
    assert "Priya Nair" in shown
    assert f"/call/?lead={just_asked.pk}" in shown
    assert client.get("/call/alerts/").status_code == 204
    assert client.get("/leads/").status_code == 200
    assert client.get("/call/alerts/").status_code == 204, "another page, and still told"
    touched(a_lead(owner=ada, first_name="Bo", country="US", region="NY"), "web_form", now=timezone.now())
    shown = client.get("/call/alerts/").content.decode()
    assert "Bo" in shown
    assert "Priya" not in shown
    elsewhere = Client()
    elsewhere.force_login(ada)
    assert "Priya Nair" in elsewhere.get("/call/alerts/").content.decode()


def test_a_flood_is_counted_not_stacked(a_lead: ALead, touched: Touched, client: Client, ada: User) -> None:
    for _ in range(8):
        touched(a_lead(owner=ada, country="US", region="NY"), "web_form", now=timezone.now())
    client.force_login(ada)
    shown = client.get("/call/alerts/").content.decode()
    assert shown.count("?lead=") == 3
    assert "5 more asked to be contacted" in shown
    assert client.get("/call/alerts/").status_code == 204


def test_every_page_polls_for_who_is_signed_in(client: Client, ada: User) -> None:
    assert "/call/alerts/" not in client.get("/account/login/").content.decode()
    client.force_login(ada)
    for page in ("/call/", "/leads/", "/inbox/"):
        assert 'hx-get="/call/alerts/"' in client.get(page).content.decode()


# --- what is corrected or taken back ---------------------------------------------------------------------------


def _withdrawn(made: Touchpoint, ada: User, at: datetime) -> None:
    corrections.withdraw(made, user=ada, now=at)


def _corrected(made: Touchpoint, ada: User, at: datetime) -> None:
    corrections.correct(made, {"kind_id": "website_visit"}, user=ada, now=at)


def _of_long_ago(made: Touchpoint, ada: User, at: datetime) -> None:
    corrections.correct(made, {"occurred_at": at - timedelta(days=200)}, user=ada, now=at)


def _reported_anew(made: Touchpoint, ada: User, at: datetime) -> None:
    record.record(
        record.NewTouchpoint(
            kind="website_visit",
            occurred_at=made.occurred_at,
            lead=Identity(id=made.lead_id),
            source=made.source,
            external_id=made.external_id,
        ),
        user=ada,
        now=at,
    )


@pytest.mark.parametrize("how", [_withdrawn, _corrected, _of_long_ago, _reported_anew])
def test_who_never_asked_is_not_called_at_once(
    a_lead: ALead, touched: Touched, ada: User, now: datetime, how: Callable[..., None]
) -> None:
    lead = a_lead(owner=ada)
    made = touched(lead, "web_form")
    assert [one.lead for one in hand_raises.alerts_for(ada, now=now)] == [lead]
    FollowUp.objects.open().update(lease_by=ada, lease_until=now + timedelta(hours=1))
    at = now + timedelta(minutes=1)
    how(made, ada, at)
    engine.evaluate_waiting(now=at)
    assert hand_raises.alerts_for(ada, now=at) == []
    assert not HandRaise.objects.exists()
    # An enquiry that was none permits no calls.
    assert not Consent.objects.filter(kind="enquiry", revoked_at=None).exists()
    left = FollowUp.objects.open().get(lead=lead)
    assert left.rank in (FollowUp.Rank.WARM, FollowUp.Rank.COLD)
    assert "asked to be contacted" not in left.reason
    # Whoever has it on the screen keeps it there.
    assert (left.lease_by, left.lease_until) == (ada, now + timedelta(hours=1))


def test_another_enquiry_still_hurries(a_lead: ALead, touched: Touched, ada: User, now: datetime) -> None:
    lead = a_lead(owner=ada)
    made = touched(lead, "web_form")
    touched(lead, "callback_request")
    corrections.withdraw(made, user=ada, now=now)
    assert FollowUp.objects.open().get(lead=lead).rank == FollowUp.Rank.HAND_RAISE
    assert Consent.objects.filter(kind="enquiry", revoked_at=None).count() == 1


def test_an_enquiry_of_another_time_holds_from_then(
    a_lead: ALead, touched: Touched, ada: User, now: datetime
) -> None:
    lead = a_lead(owner=ada)
    made = touched(lead, "web_form")
    HandRaise.objects.update(first_attempt_at=now)
    earlier = now - timedelta(hours=5)
    corrections.correct(made, {"occurred_at": earlier}, user=ada, now=now)
    engine.evaluate_waiting(now=now)
    raised = HandRaise.objects.get()
    assert (raised.raised_at, raised.first_attempt_at) == (earlier, now)
    enquiry = Consent.objects.get(kind="enquiry", revoked_at=None)
    assert (enquiry.starts_at, enquiry.ends_at) == (earlier, earlier + enquiries.ENQUIRY_HOLDS_FOR)
    # One that somebody ended stays ended.
    Consent.objects.update(revoked_at=now)
    corrections.correct(made, {"occurred_at": now - timedelta(hours=6)}, user=ada, now=now)
    assert not Consent.objects.filter(revoked_at=None).exists()
