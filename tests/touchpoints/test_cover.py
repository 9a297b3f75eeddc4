"""Who answers for somebody who is away or has left, what of theirs, and does it come back? Told as scenes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from crm.accounts.models import Absence, User
from leads.models import AuditEvent, Lead
from touchpoints import calls, cover, hand_raises, idle, outcomes, pursue, queue, reminders, screen
from touchpoints.models import FollowUp, ReassignedLead, Touchpoint

pytestmark = pytest.mark.django_db
ALead = Callable[..., Lead]
Touched = Callable[..., Touchpoint]
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


def away(user: User, now: datetime, *, days: int = 1, cover: User | None = None) -> Absence:
    last = (now + (days - 1) * DAY).date()
    return Absence.objects.create(user=user, starts_on=now.date(), ends_on=last, cover=cover)


@pytest.fixture
def jo(a_lead: ALead, ada: User, now: datetime) -> Lead:
    """Ada agreed yesterday to call Jo today at noon."""
    lead = a_lead(owner=ada, first_name="Jo")
    pursue.start([lead], by=ada, now=now - 2 * DAY)
    call = calls.dial(lead, user=ada, now=now - DAY)
    said = outcomes.Logged("callback_requested", callback_at=now)
    outcomes.log_outcome(call, said, user=ada, now=now - DAY + MINUTE)
    return lead


def served(user: User, now: datetime) -> Lead | None:
    row = queue.next_lead(user, now=now)
    queue.release(user, now=now)
    return row.lead if row else None


def test_cover_makes_the_call_and_the_lead_stays_whose_it_is(
    jo: Lead, ada: User, bea: User, cy: User, now: datetime
) -> None:
    """Ada is away today and Cy, of another team, covers: he is reminded, has Jo first, and Ada has Jo afterwards."""
    away(ada, now, cover=cy)
    assert [one.lead for one in reminders.reminders_for(cy, now=now - 4 * MINUTE)] == [jo]
    assert [row.lead for row in cover.covering_for(cy, now=now)] == [jo]
    assert list(cover.covering_for(bea, now=now)) == []
    assert (served(bea, now), served(cy, now)) == (None, jo)
    told = {user: screen.rail(user, now=now)[0] for user in (ada, cy)}
    assert {user: row["name"] for user, row in told.items()} == dict.fromkeys((ada, cy), jo.name)
    assert (told[ada]["url"], told[cy]["url"]) == (jo.get_absolute_url(), ""), "her page is not Cy's to see"
    call = calls.dial(jo, user=cy, now=now)
    outcomes.log_outcome(call, outcomes.Logged("no_answer"), user=cy, now=now + MINUTE)
    jo.refresh_from_db()
    assert jo.owner == ada
    follow_up = FollowUp.objects.open().get(lead=jo)
    assert follow_up.assignee == ada
    FollowUp.objects.update(due_at=now + DAY, window_end=now + 2 * DAY)
    assert (served(cy, now + DAY), served(ada, now + DAY)) == (None, jo)


def test_what_cover_did_not_call_comes_back(jo: Lead, ada: User, cy: User, now: datetime) -> None:
    away(ada, now, cover=cy)
    assert served(cy, now) == jo
    assert (served(cy, now + DAY), served(ada, now + DAY)) == (None, jo)


def test_nobody_was_named_as_cover(jo: Lead, ada: User, bea: User, cy: User, now: datetime) -> None:
    away(ada, now)
    assert (served(cy, now), served(bea, now)) == (None, jo)


def test_the_cover_is_away_too(jo: Lead, ada: User, bea: User, cy: User, now: datetime) -> None:
    """Cy covers for Ada and is ill himself: the team is asked, not nobody."""
    away(ada, now, cover=cy)
    away(cy, now)
    assert (served(cy, now), served(bea, now)) == (None, jo)


def test_the_cover_has_left(jo: Lead, ada: User, bea: User, cy: User, now: datetime) -> None:
    away(ada, now, cover=cy)
    User.objects.filter(pk=cy.pk).update(is_active=False)
    assert served(bea, now) == jo


def test_a_promise_missed_by_everybody_is_cover_s_the_next_day_too(
    jo: Lead, ada: User, cy: User, now: datetime
) -> None:
    away(ada, now, days=3, cover=cy)
    FollowUp.objects.filter(lead=jo).update(rank=FollowUp.Rank.PROMISE)
    assert served(cy, now + DAY) == jo


def test_cover_is_told_of_a_hand_raise_at_once(
    a_lead: ALead, touched: Touched, ada: User, bea: User, cy: User, now: datetime
) -> None:
    """Nobody waits the three minutes that are the owner's: Ada is away."""
    lead = a_lead(owner=ada, country="US", region="NY")
    absence = away(ada, now, cover=cy)
    touched(lead, "web_form")
    (alert,) = hand_raises.alerts_for(cy, now=now)
    assert (alert.lead, alert.instead_of) == (lead, "Ada")
    assert hand_raises.alerts_for(bea, now=now) == []
    assert served(cy, now) == lead
    absence.delete()
    assert hand_raises.alerts_for(cy, now=now) == []
    assert [one.instead_of for one in hand_raises.alerts_for(ada, now=now)] == [""]


def test_without_cover_the_team_is_told_of_it_at_once(
    a_lead: ALead, touched: Touched, ada: User, bea: User, now: datetime
) -> None:
    away(ada, now)
    touched(a_lead(owner=ada, country="US", region="NY"), "web_form")
    assert [one.instead_of for one in hand_raises.alerts_for(bea, now=now)] == ["Ada"]


def test_the_ordinary_work_of_who_is_away_waits_for_them(
    a_lead: ALead, ada: User, bea: User, now: datetime
) -> None:
    lead = a_lead(owner=ada)
    pursue.start([lead], by=ada, now=now)
    away(ada, now, days=5, cover=bea)
    assert (served(bea, now), served(ada, now + 5 * DAY)) == (None, lead)


# --- who left -------------------------------------------------------------------------------------------------


def test_what_nobody_dealt_out_of_who_left_is_the_pool_s_after_a_day(
    a_lead: ALead, jo: Lead, ada: User, bea: User, max_: User, now: datetime
) -> None:
    """Ada left: what she promised is offered at once, everything else has a day to be dealt out."""
    started, waiting, won = a_lead(owner=ada), a_lead(owner=ada), a_lead(owner=ada)
    pursue.start([started], by=ada, now=now)
    Lead.objects.filter(pk=won.pk).update(stage="won")
    User.objects.filter(pk=ada.pk).update(is_active=False)
    AuditEvent.objects.create(
        at=now, actor=max_, action="user.deactivated", subject_type="user", subject_id=str(ada.pk)
    )
    assert served(bea, now) == jo
    assert idle.sweep(now=now + timedelta(hours=23)) == 0
    assert idle.sweep(now=now + DAY + MINUTE) == 3
    assert set(Lead.objects.filter(owner=None, team=bea.team)) == {jo, started, waiting}
    won.refresh_from_db()
    assert won.owner == ada
    assert set(ReassignedLead.objects.values_list("from_owner", "reassignment__cause")) == {(ada.pk, "left")}
    assert FollowUp.objects.open().filter(assignee=None, team=bea.team).count() == 2
    assert AuditEvent.objects.filter(lead=started, reason="their owner left").exists()
    assert idle.sweep(now=now + 2 * DAY) == 0
