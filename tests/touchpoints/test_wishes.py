"""Does what people write stop our calls at once, and only until somebody decides?"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from crm.accounts.models import User
from leads import consents
from leads.identity import Identity
from leads.models import AuditEvent, Consent, Lead, Suppression
from touchpoints import (
    calls,
    complaints,
    corrections,
    engine,
    outcomes,
    permissions,
    pursue,
    queue,
    record,
    refusals,
    suppress,
    take_back,
    todo,
    wishes,
)
from touchpoints.models import Complaint, FollowUp, Pursuit, Task, Touchpoint, Wish

pytestmark = pytest.mark.django_db
ALead = Callable[..., Lead]


@pytest.fixture
def lead(a_lead: ALead, ada: User, now: datetime) -> Lead:
    """Ada's, pursued, to be called now."""
    made = a_lead(owner=ada)
    pursue.start([made], by=ada, now=now - timedelta(days=1))
    FollowUp.objects.update(due_at=now - timedelta(hours=1), window_end=now + timedelta(hours=2))
    return made


def writes(lead: Lead, text: str, now: datetime, *, kind: str = "text_reply", **more: Any) -> Touchpoint:
    more.setdefault("occurred_at", now - timedelta(minutes=5))
    new = record.NewTouchpoint(kind=kind, lead=Identity(id=lead.pk), summary=text, **more)
    made = record.record(new, user=None, now=now).touchpoint
    assert made is not None
    return made


def refused(lead: Lead, user: User, now: datetime) -> tuple[str, ...]:
    with pytest.raises(refusals.GuardBlocked) as block:
        calls.dial(lead, user=user, now=now)
    assert block.value.verdict is not None
    return block.value.verdict.codes


def test_stop_blocks_at_once_and_asks_a_manager(lead: Lead, ada: User, max_: User, now: datetime) -> None:
    writes(lead, "STOP", now)
    entry = Suppression.objects.get()
    assert (entry.scope, entry.lead, entry.state, entry.by) == ("person", lead, "proposed", None)
    assert refused(lead, ada, now) == ("internal_dnc",)
    assert queue.next_lead(ada, now=now) is None
    assert not FollowUp.objects.open().exists()
    assert Pursuit.objects.get().end_reason == "do_not_call"
    task = Task.objects.get(kind="decide_wish")
    assert (task.lead, task.assignee) == (lead, max_)
    wish = Wish.objects.get()
    assert (wish.kind, wish.state, wish.suppression, wish.message) == ("stop", "open", entry, "STOP")


def test_a_manager_declines_and_everything_goes_on(lead: Lead, ada: User, max_: User, now: datetime) -> None:
    given = permissions.record(lead, evidence="said so", starts_at=now - timedelta(days=9), by=ada, now=now)
    planned = FollowUp.objects.open().get()
    writes(lead, "STOP", now)
    given.refresh_from_db()
    assert given.revoked_at == now
    later = now + timedelta(hours=1)
    with pytest.raises(refusals.NotYours):
        wishes.decline(Wish.objects.get(), reason="a joke", by=ada, now=later)
    with pytest.raises(refusals.Invalid):
        wishes.decline(Wish.objects.get(), reason=" ", by=max_, now=later)
    assert refused(lead, ada, now)[0] == "internal_dnc"
    wishes.decline(Wish.objects.get(), reason="about the newsletter", by=max_, now=later)
    entry = Suppression.objects.get()
    assert (entry.state, entry.lifted_at, entry.decided_by) == ("declined", later, max_)
    given.refresh_from_db()
    assert given.revoked_at is None
    assert FollowUp.objects.open().get() == planned
    assert Pursuit.objects.open().get().lead == lead
    assert not Task.objects.filter(done_at=None).exists()
    assert Wish.objects.get().state == "declined"
    assert calls.dial(lead, user=ada, now=later).lead == lead


def test_who_sees_the_lead_confirms_with_their_own_numbers(a_lead: ALead, ada: User, now: datetime) -> None:
    switchboard = "+12125550177"
    one = a_lead(owner=ada, phones=(switchboard, "+12125550178"))
    a_lead(owner=ada, phones=(switchboard,))
    writes(one, "unsubscribe", now)
    wishes.confirm(Wish.objects.get(), own_numbers=True, by=ada, now=now)
    assert set(Suppression.objects.values_list("scope", "e164", "state")) == {
        ("person", "", "confirmed"),
        ("number", "+12125550178", "confirmed"),
    }
    assert (Wish.objects.get().state, Wish.objects.get().decided_by) == ("confirmed", ada)
    with pytest.raises(refusals.TooLate):
        wishes.confirm(Wish.objects.get(), by=ada, now=now)


def test_a_request_to_stop_warms_nobody(lead: Lead, ada: User, now: datetime) -> None:
    writes(lead, "STOP", now)
    wishes.confirm(Wish.objects.get(), by=ada, now=now)
    engine.evaluate_waiting(now=now)
    lead.refresh_from_db()
    assert (lead.temperature, lead.evaluation_due_at) == ("cold", None)


def test_the_phone_confirms_what_the_message_proposed(
    lead: Lead, ada: User, max_: User, now: datetime
) -> None:
    writes(lead, "STOP", now)
    suppress.suppress(scope="person", lead=lead, by=ada, now=now, reason="said it again")
    assert (Suppression.objects.get().state, Wish.objects.get().state) == ("confirmed", "confirmed")
    with pytest.raises(refusals.TooLate):
        suppress.decline(Suppression.objects.get(), reason="x", by=max_, now=now)


def test_an_outcome_taken_back_does_not_take_back_what_they_wrote(
    lead: Lead, ada: User, now: datetime
) -> None:
    call = calls.dial(lead, user=ada, now=now)
    outcomes.log_outcome(call, outcomes.Logged("do_not_call", scope="person"), user=ada, now=now)
    writes(lead, "STOP", now)
    take_back.undo(call, user=ada, now=now + timedelta(seconds=2))
    assert Suppression.objects.active().filter(lead=lead).exists()


def test_a_word_within_a_text_only_warns(lead: Lead, ada: User, now: datetime) -> None:
    writes(lead, "I had to cancel, call me on Friday", now, kind="email_reply")
    assert not Suppression.objects.exists()
    assert [wish.kind for wish in wishes.of_lead(lead)] == ["hint"]
    wishes.decline(Wish.objects.get(), reason="another meeting", by=ada, now=now)
    assert wishes.of_lead(lead) == []


def test_leaving_a_newsletter_revokes_mail_and_leaves_calls(lead: Lead, ada: User, now: datetime) -> None:
    for channel in ("mail", "call"):
        consents.record(
            lead, channel=channel, evidence="form", starts_at=now - timedelta(days=9), by=ada, now=now
        )
    writes(lead, "unsubscribe", now, kind="email_reply", data={"newsletter": True})
    assert dict(Consent.objects.values_list("channel", "revoked_at")) == {"mail": now, "call": None}
    assert not Suppression.objects.exists()
    assert calls.dial(lead, user=ada, now=now).lead == lead


def test_our_own_messages_and_other_kinds_wish_nothing(lead: Lead, now: datetime) -> None:
    writes(lead, "STOP", now, kind="text_sent")
    writes(lead, "STOP", now, direction="outbound")
    writes(lead, "STOP", now, kind="website_visit")
    assert not Wish.objects.exists()


def test_a_historical_message_binds_as_well(lead: Lead, ada: User, now: datetime) -> None:
    old = now - timedelta(days=700)
    regained = consents.record(lead, evidence="form", starts_at=now - timedelta(days=9), by=ada, now=now)
    writes(lead, "STOP", now, historical=True, occurred_at=old)
    assert Suppression.objects.get().requested_at == old
    regained.refresh_from_db()
    assert regained.revoked_at is None  # given since: only the open wish stands in the way
    assert refused(lead, ada, now) == ("internal_dnc",)


def test_a_correction_proposes_and_never_unblocks(lead: Lead, now: datetime) -> None:
    stored = writes(lead, "Great, call me", now)
    corrections.correct(stored, {"summary": "STOP"}, user=None, now=now)
    assert Suppression.objects.get().state == "proposed"
    corrections.correct(stored, {"summary": "Great, call me"}, user=None, now=now)
    assert Wish.objects.get().state == "open"
    assert Suppression.objects.active().exists()


def test_a_replay_with_another_body_is_read_too(lead: Lead, now: datetime) -> None:
    known = {"source": "sms", "external_id": "m1"}
    writes(lead, "I might quit", now, **known)
    assert Wish.objects.get().kind == "hint"
    writes(lead, "quit", now, **known)
    assert (Wish.objects.get().kind, Suppression.objects.get().state) == ("stop", "proposed")
    writes(lead, "quit", now, **known)
    assert Wish.objects.count() == 1


def test_withdrawing_the_message_is_no_way_around_a_manager(lead: Lead, ada: User, now: datetime) -> None:
    stored = writes(lead, "STOP", now)
    corrections.withdraw(stored, user=ada, now=now)
    wish = Wish.objects.get()
    assert (wish.state, wish.touchpoint, wish.message) == ("open", None, "STOP")
    assert refused(lead, ada, now) == ("internal_dnc",)


def test_two_messages_are_declined_one_by_one(lead: Lead, ada: User, max_: User, now: datetime) -> None:
    writes(lead, "STOP", now)
    writes(lead, "quit", now)
    assert Suppression.objects.count() == 1
    first, second = Wish.objects.order_by("pk")
    wishes.decline(first, reason="a joke", by=max_, now=now)
    assert refused(lead, ada, now) == ("internal_dnc",)
    wishes.decline(second, reason="a joke", by=max_, now=now)
    assert calls.dial(lead, user=ada, now=now).lead == lead


def test_a_thousand_messages_cost_as_many_statements_as_ten(a_lead: ALead, ada: User, now: datetime) -> None:
    def cost(count: int, tag: str) -> int:
        leads = [a_lead(owner=ada) for _ in range(count)]
        news = [
            record.NewTouchpoint(
                kind="text_reply",
                occurred_at=now,
                lead=Identity(id=lead.pk),
                summary="STOP",
                source="sms",
                external_id=f"{tag}{lead.pk}",
            )
            for lead in leads
        ]
        with CaptureQueriesContext(
            connection,
        ) as queries:
            record.record_many(news, user=None, now=now)
        return len(queries)

    cost(2, "warm-up")
    assert cost(40, "many") == cost(5, "few")
    assert Wish.objects.count() == 47


def test_an_own_list_entry_ends_the_relationship(lead: Lead, ada: User, now: datetime) -> None:
    row = consents.record(lead, evidence="bought a boat", starts_at=now - timedelta(days=9), by=ada, now=now)
    suppress.suppress(scope="person", lead=lead, by=ada, now=now)
    row.refresh_from_db()
    assert row.revoked_at == now
    assert AuditEvent.objects.filter(action="consent.revoked", subject_id=str(row.pk)).exists()


# --- tasks that only a decision ends ---------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["decide_wish", "complaint"])
def test_done_does_not_end_what_nobody_decided(
    lead: Lead, ada: User, max_: User, now: datetime, client: Client, kind: str
) -> None:
    if kind == "decide_wish":
        writes(lead, "STOP", now)
    else:
        complaints.complain(lead, said="I will report you", by=ada, now=now)
    task = Task.objects.get(kind=kind)
    with pytest.raises(refusals.StillOpen, match="Wishes" if kind == "decide_wish" else "Complaints"):
        todo.finish(task, by=max_, now=now)
    client.force_login(max_)
    where = reverse("compliance_wishes" if kind == "decide_wish" else "compliance_complaints")
    for page, done in ((reverse("tasks"), "task_done"), (reverse("lead", args=[lead.pk]), "lead_task_done")):
        text = client.get(page).content.decode()
        assert f'href="{where}"' in text
        assert reverse(done, args=[task.pk]) not in text
        client.post(reverse(done, args=[task.pk]))
    assert client.get(reverse("tasks")).context["tasks"] == [task]
    answer = client.post(f"/api/v1/tasks/{task.pk}/done/", {}, content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (409, "still_open")
    if kind == "decide_wish":
        wishes.decline(Wish.objects.get(), reason="about another firm", by=max_, now=now)
    else:
        complaints.handle(Complaint.objects.get(), status="answered", handling="rang", by=max_, now=now)
    task.refresh_from_db()
    assert (task.done_at, task.done_by) == (now, max_)


def test_a_task_whose_question_is_settled_can_be_ticked_off(lead: Lead, max_: User, now: datetime) -> None:
    task = Task.objects.create(lead=lead, kind="decide_wish", reason="left over", created_at=now)
    assert todo.undecided([task]) == set()
    assert todo.finish(task, by=max_, now=now)


# --- complaints -----------------------------------------------------------------------------------------------


def test_a_complaint_keeps_the_call_and_tells_a_manager(
    lead: Lead, ada: User, max_: User, now: datetime
) -> None:
    call = calls.dial(lead, user=ada, now=now)
    outcomes.log_outcome(call, outcomes.Logged("hung_up"), user=ada, now=now)
    made = complaints.complain(lead, said="I will report you", by=ada, now=now)
    assert made.call == call
    assert made.call.guard["decision"] == "allow"
    assert Task.objects.get(kind="complaint").assignee == max_
    with pytest.raises(refusals.NotYours):
        complaints.handle(made, status="closed", handling="nothing", by=ada, now=now)
    with pytest.raises(refusals.Invalid):
        complaints.handle(made, status="closed", handling=" ", by=max_, now=now)
    complaints.handle(made, status="answered", handling="rang them and apologised", by=max_, now=now)
    assert (made.status, made.handled_by) == ("answered", max_)
    assert not Task.objects.filter(kind="complaint", done_at=None).exists()
    assert list(AuditEvent.objects.filter(subject_type="complaint").values_list("action", flat=True)) == [
        "complaint.handled",
        "complaint.recorded",
    ]


def test_a_complaint_says_something_about_their_own_call(
    lead: Lead, a_lead: ALead, ada: User, now: datetime
) -> None:
    call = calls.dial(lead, user=ada, now=now)
    for wrong in ({"said": " "}, {"said": "x" * 6_000}, {"said": "I will", "call": call}):
        with pytest.raises(refusals.Invalid):
            complaints.complain(a_lead(owner=ada) if "call" in wrong else lead, by=ada, now=now, **wrong)
    assert not Complaint.objects.exists()
