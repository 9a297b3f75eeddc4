"""Are the leads of somebody who leaves dealt out as planned, within what days can carry, and given back on demand?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from crm.accounts.models import Absence, Team, User
from leads.models import AuditEvent, Lead
from leads.register import NewLead, PhoneInput, create_leads
from touchpoints import calls, outcomes, pursue, reassign
from touchpoints.models import FollowUp, Promise, Pursuit, ReassignedLead, Reassignment, Task

pytestmark = pytest.mark.django_db
ALead = Callable[..., Lead]
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
CONTROL = ("SAVEPOINT", "RELEASE", "ROLLBACK", "BEGIN", "COMMIT")


@pytest.fixture
def dee(person: Callable[..., User], north: Team) -> User:
    return person("dee", role="rep", team=north)


def pursued(a_lead: ALead, owner: User, count: int, now: datetime) -> list[Lead]:
    leads = [a_lead(owner=owner) for _ in range(count)]
    pursue.start(leads, by=owner, now=now)
    return leads


def wish(*people: User, **more: object) -> reassign.Wish:
    return reassign.Wish(receivers=tuple(one.pk for one in people), **more)  # type: ignore[arg-type]


def deal(giver: User, *to: User, by: User, now: datetime, **more: object) -> Reassignment:
    made = reassign.plan(giver, wish(*to, **more), receivers=to, now=now)
    return reassign.carry_out(made, by=by, now=now)


def due_on(user: User) -> Counter[int]:
    """Calls of a user by the day of March 2026."""
    rows = FollowUp.objects.open().filter(assignee=user).values_list("due_at", flat=True)
    return Counter(at.astimezone(UTC).day for at in rows)


# --- who gets what ---------------------------------------------------------------------------------------------


def test_leads_go_round_with_their_counts_pursuits_and_tasks(
    a_lead: ALead, ada: User, bea: User, dee: User, max_: User, now: datetime
) -> None:
    leads = pursued(a_lead, ada, 4, now)
    idle = a_lead(owner=ada)
    Pursuit.objects.update(attempt=7, step=7)
    Task.objects.create(lead=idle, kind="find_name", reason="who?", assignee=ada, created_at=now)
    kept = deal(ada, bea, dee, by=max_, now=now)
    assert Counter(Lead.objects.values_list("owner__username", flat=True)) == {"bea": 3, "dee": 2}
    assert set(Pursuit.objects.open().values_list("attempt", "step")) == {(7, 7)}
    assert not FollowUp.objects.open().filter(assignee=ada).exists()
    assert Task.objects.get().assignee == Lead.objects.get(pk=idle.pk).owner
    assert (kept.giver, kept.by, kept.cause, kept.rows.count()) == (ada, max_, "dealt", 5)
    assert AuditEvent.objects.filter(lead__in=leads, action="lead.assigned", actor=max_).count() == 4


def test_the_least_loaded_gets_more(
    a_lead: ALead, ada: User, bea: User, dee: User, max_: User, now: datetime
) -> None:
    pursued(a_lead, bea, 4, now)
    leads = pursued(a_lead, ada, 6, now)
    deal(ada, bea, dee, by=max_, method="least_loaded", now=now)
    got = Counter(
        Lead.objects.filter(pk__in=[one.pk for one in leads]).values_list("owner__username", flat=True)
    )
    assert got == {"bea": 1, "dee": 5}


def test_back_to_the_pool_with_one_callback_for_bea(
    a_lead: ALead, ada: User, bea: User, max_: User, north: Team, now: datetime
) -> None:
    lead, other = pursued(a_lead, ada, 2, now - DAY)
    call = calls.dial(lead, user=ada, now=now)
    outcomes.log_outcome(
        call, outcomes.Logged("callback_requested", callback_at=now + DAY), user=ada, now=now + MINUTE
    )
    (agreed,) = reassign.agreed_with(ada)
    chosen = reassign.Wish(method="pool", callbacks={agreed.pk: bea.pk})
    reassign.carry_out(reassign.plan(ada, chosen, receivers=[bea], now=now), by=max_, now=now + 2 * MINUTE)
    lead.refresh_from_db(), other.refresh_from_db()
    assert (lead.owner, other.owner, other.team) == (bea, None, north)
    row = FollowUp.objects.open().get(lead=lead)
    assert (row.assignee, row.agreed_at) == (bea, now + DAY)
    assert Promise.objects.filter(lead=lead).count() <= 1


def test_a_lead_somebody_got_meanwhile_stays_theirs(
    a_lead: ALead, ada: User, bea: User, dee: User, max_: User, now: datetime
) -> None:
    one, two = pursued(a_lead, ada, 2, now)
    made = reassign.plan(ada, wish(bea), receivers=[bea], now=now)
    Lead.objects.filter(pk=one.pk).update(owner=dee)
    kept = reassign.carry_out(made, by=max_, now=now)
    one.refresh_from_db()
    assert one.owner == dee
    assert [row.lead for row in kept.rows.all()] == [two]


def test_who_may_get_leads(
    ada: User, bea: User, cy: User, dee: User, max_: User, root: User, now: datetime
) -> None:
    Absence.objects.create(user=dee, starts_on=now.date(), ends_on=now.date())
    assert reassign.receivers_for(ada, by=max_, now=now) == [bea, max_]
    assert reassign.receivers_for(ada, by=root, now=now) == [bea, cy, max_, root]


# --- when it is called -------------------------------------------------------------------------------------------


def test_calls_spread_over_the_days_that_people_work_and_no_day_overflows(
    a_lead: ALead, ada: User, bea: User, dee: User, max_: User, now: datetime
) -> None:
    """It is Wednesday: thirty calls due now, over three days, Bea away on Thursday, four dials a day each."""
    User.objects.filter(pk__in=[bea.pk, dee.pk]).update(dials_a_day=4)
    for user in (bea, dee):
        user.refresh_from_db()
    Absence.objects.create(user=bea, starts_on=(now + DAY).date(), ends_on=(now + DAY).date())
    pursued(a_lead, bea, 3, now)
    pursued(a_lead, ada, 30, now)
    made = reassign.plan(ada, wish(bea, dee, days=3), receivers=[bea, dee], now=now)
    assert not any(day.over for share in made.shares for day in share.days)
    assert made.moved > 20
    reassign.carry_out(made, by=max_, now=now)
    for user in (bea, dee):
        assert max(due_on(user).values()) <= 4
        assert not {7, 8} & due_on(user).keys(), "nobody works at the weekend"
    assert due_on(bea)[5] == 0
    assert sum((due_on(bea) + due_on(dee)).values()) == 33
    moved = FollowUp.objects.open().filter(reason__startswith="moved when")
    assert moved.count() == made.moved
    assert {at.hour for at in moved.values_list("due_at", flat=True)} == {17}, "at the time of day it was due"


def test_what_was_agreed_and_asked_for_keeps_its_time(
    a_lead: ALead, ada: User, bea: User, max_: User, now: datetime
) -> None:
    User.objects.filter(pk=bea.pk).update(dials_a_day=1)
    bea.refresh_from_db()
    callback, asked, promised, cold = pursued(a_lead, ada, 4, now)
    for lead, rank in ((callback, 1), (asked, 2), (promised, 3)):
        FollowUp.objects.filter(lead=lead).update(rank=rank, agreed_at=now if rank == 1 else None)
    deal(ada, bea, by=max_, now=now)
    due = dict(FollowUp.objects.open().values_list("lead", "due_at"))
    assert due[callback.pk] == due[asked.pk] == due[promised.pk] == now
    assert due[cold.pk] == now + DAY, "Wednesday has two too many already, Thursday has room for one"


def test_nothing_moves_to_an_hour_that_is_closed(
    a_lead: ALead, ada: User, bea: User, max_: User, now: datetime
) -> None:
    """Due at 17:00 of the winter; on Monday the clocks in New York are ahead, and it is evening there all the same."""
    User.objects.filter(pk=bea.pk).update(dials_a_day=1)
    bea.refresh_from_db()
    pursued(a_lead, ada, 5, now)
    FollowUp.objects.update(due_at=now + 8 * HOUR + 30 * MINUTE, window_end=now + 9 * HOUR)
    deal(ada, bea, by=max_, now=now)
    for row in ReassignedLead.objects.filter(due_after__isnull=False):
        situation = reassign.guarding.gather([row.lead], now=row.due_after)[row.lead_id]
        assert situation.next_window(now=row.due_after)[0] == row.due_after  # type: ignore[index]


# --- taking it back ----------------------------------------------------------------------------------------------


def test_undo_gives_back_what_has_not_moved_since(
    a_lead: ALead, ada: User, bea: User, dee: User, max_: User, now: datetime
) -> None:
    User.objects.filter(pk=bea.pk).update(dials_a_day=1)
    bea.refresh_from_db()
    called, given, quiet, late = pursued(a_lead, ada, 4, now)
    before = dict(FollowUp.objects.open().values_list("lead", "due_at"))
    reasons = dict(FollowUp.objects.open().values_list("lead", "reason"))
    kept = deal(ada, bea, by=max_, now=now)
    assert FollowUp.objects.open().exclude(due_at=now).count() >= 3
    calls.dial(called, user=bea, now=now + HOUR)
    reassign.assign.assign([Lead.objects.get(pk=given.pk)], owner=dee, by=max_, now=now + HOUR)
    assert reassign.undo(kept, by=max_, now=now + 2 * HOUR) == 2
    owners = dict(Lead.objects.values_list("pk", "owner__username"))
    assert owners == {called.pk: "bea", given.pk: "dee", quiet.pk: "ada", late.pk: "ada"}
    for lead in (quiet, late):
        row = FollowUp.objects.open().get(lead=lead)
        assert (row.due_at, row.assignee, row.reason) == (before[lead.pk], ada, reasons[lead.pk])
    kept.refresh_from_db()
    assert (kept.undone_by, kept.rows.filter(given_back_at__isnull=False).count()) == (max_, 2)
    assert reassign.undo(kept, by=max_, now=now + 3 * HOUR) == 0


def test_after_a_week_it_is_their_work(
    a_lead: ALead, ada: User, bea: User, max_: User, now: datetime
) -> None:
    pursued(a_lead, ada, 1, now)
    kept = deal(ada, bea, by=max_, now=now)
    assert not reassign.may_undo(kept, now=now + 7 * DAY)
    assert reassign.undo(kept, by=max_, now=now + 7 * DAY) == 0
    assert Lead.objects.get().owner == bea


# --- many ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("undo", [False, True], ids=["dealing", "taking back"])
def test_the_number_of_statements_does_not_grow(
    ada: User, bea: User, dee: User, max_: User, now: datetime, undo: bool
) -> None:
    """But for what is inserted, which SQLite takes in batches."""
    counted = []
    for first, size in ((0, 20), (1000, 400)):
        news = [
            NewLead({"last_name": f"No {n}"}, [PhoneInput(f"+1212{5560000 + n}")])
            for n in range(first, first + size)
        ]
        pursue.start(create_leads(news, owner=ada, now=now), by=None, now=now)  # type: ignore[arg-type]
        with CaptureQueriesContext(connection) as context:
            kept = deal(ada, bea, dee, by=max_, now=now)
            if undo:
                reassign.undo(kept, by=max_, now=now + HOUR)
        assert kept.rows.count() == size
        said = [query["sql"] for query in context.captured_queries]
        counted.append(len([sql for sql in said if not sql.startswith((*CONTROL, "INSERT"))]))
        Lead.objects.update(owner=None, team=None)
        FollowUp.objects.update(closed_at=now, closed_as="cancelled")
    assert counted[0] == counted[1] <= (60 if undo else 40)


# --- the pages ----------------------------------------------------------------------------------------------------


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_an_admin_lets_somebody_go_deals_out_and_takes_back(
    a_lead: ALead, ada: User, bea: User, root: User
) -> None:
    """Told as it is clicked: They leave → the dialogue → preview → deal out → take back."""
    now = timezone.now()
    lead = a_lead(owner=ada, first_name="Priya", last_name="Shah")
    pursue.start([lead], by=ada, now=now)
    FollowUp.objects.update(rank=1, agreed_at=now + HOUR)
    theirs, admin = signed_in(ada), signed_in(root)
    response = admin.post(reverse("settings_member_leaves", args=[ada.pk]))
    dialogue = reverse("settings_deal", args=[ada.pk])
    assert response.url == dialogue  # type: ignore[attr-defined]
    assert theirs.get(reverse("call")).status_code == 302
    page = admin.get(dialogue).content.decode()
    assert "Priya Shah" in page
    follow_up = FollowUp.objects.get()
    said = {
        "method": "round_robin",
        "receivers": [bea.pk],
        "days": "5",
        f"callback_{follow_up.pk}": str(bea.pk),
    }
    assert admin.post(dialogue, {**said, "receivers": []}).status_code == 422
    assert admin.post(dialogue, {**said, f"callback_{follow_up.pk}": "999999"}).status_code == 422
    preview = admin.post(dialogue, {**said, "step": "preview"})
    assert preview.status_code == 200
    assert "Deal out" in preview.content.decode()
    lead.refresh_from_db()
    assert lead.owner == ada, "a preview changes nothing"
    admin.post(dialogue, {**said, "step": "deal"})
    lead.refresh_from_db()
    assert lead.owner == bea
    assert "Take back" in admin.get(reverse("settings_team")).content.decode()
    admin.post(reverse("settings_deal_undo", args=[Reassignment.objects.get().pk]))
    lead.refresh_from_db()
    assert lead.owner == ada
    assert Absence.objects.count() == 0
    admin.post(reverse("settings_member_returns", args=[ada.pk]))
    ada.refresh_from_db()
    assert ada.is_active
    actions = AuditEvent.objects.filter(subject_type="user").order_by("pk").values_list("action", flat=True)
    assert list(actions) == ["user.deactivated", "user.activated"]


def test_nobody_takes_themselves_out(root: User) -> None:
    signed_in(root).post(reverse("settings_member_leaves", args=[root.pk]))
    root.refresh_from_db()
    assert root.is_active


def test_the_back_office_leads_to_the_dialogue_too(a_lead: ALead, ada: User, root: User) -> None:
    a_lead(owner=ada)
    client, address = signed_in(root), reverse("admin:accounts_user_change", args=[ada.pk])
    fields = (
        "username",
        "first_name",
        "last_name",
        "email",
        "role",
        "time_zone",
        "language",
        "tone",
        "dials_a_day",
    )
    sent = {name: getattr(ada, name) for name in fields} | {
        "team": ada.team_id,
        "working_hours": "{}",
        "key_map": "{}",
    }
    response = client.post(address, sent)
    assert response.status_code == 302, response.context["adminform"].form.errors
    assert response.url == reverse("settings_deal", args=[ada.pk])  # type: ignore[attr-defined]
    assert AuditEvent.objects.filter(action="user.deactivated", subject_id=str(ada.pk)).exists()


def test_a_manager_says_how_the_pool_is_shared(north: Team, south: Team, max_: User) -> None:
    client = signed_in(max_)
    sent = {"gives_new": "round_robin", "gives_hand_raises": "least_loaded", "idle_days": "14"}
    assert client.post(reverse("settings_sharing", args=[north.pk]), sent).status_code == 302
    north.refresh_from_db()
    assert (north.gives_new, north.gives_hand_raises, north.idle_days) == ("round_robin", "least_loaded", 14)
    assert AuditEvent.objects.get(action="team.sharing").after["idle_days"] == 14
    assert client.post(reverse("settings_sharing", args=[south.pk]), sent).status_code == 404
    assert (
        client.post(reverse("settings_sharing", args=[north.pk]), {**sent, "gives_new": "x"}).status_code
        == 422
    )
