"""Does the lead's page say what would keep it warm, as the engine would then find it?"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.utils.formats import date_format
from django.utils.timezone import localtime

from crm.accounts.models import User
from leads.models import Lead
from touchpoints import engine, lead_history, warmth_story
from touchpoints.models import Touchpoint, TouchpointKind

pytestmark = pytest.mark.django_db
ALead = Callable[..., Lead]
Touched = Callable[..., Touchpoint]


def keepers(lead: Lead, *, now: datetime) -> dict[str, datetime]:
    return {one["label"]: one["until"] for one in warmth_story.story(lead, now=now)["keepers"]}


def test_what_it_promises_is_what_happens(a_lead: ALead, touched: Touched, ada: User, now: datetime) -> None:
    lead = a_lead(owner=ada)
    touched(lead, "event", days=20, campaign="ABC Expo")
    promised = keepers(lead, now=now)
    assert list(promised) == ["Meeting held", "Conversation", "Met in person at an event", "Webinar"]
    touched(lead, "conversation", direction="outbound")
    assert lead.warm_until is not None
    assert abs(lead.warm_until - promised["Conversation"]) < timedelta(seconds=1)


def test_our_own_noise_keeps_nobody_warm(a_lead: ALead, ada: User, now: datetime) -> None:
    lead = a_lead(owner=ada)
    assert "Mail sent" not in keepers(lead, now=now)
    TouchpointKind.objects.exclude(pk__in=("email_sent", "voicemail_left")).update(active=False)
    assert keepers(lead, now=now) == {}


def test_what_a_refusal_cooled_is_warmed_by_something_new_alone(
    a_lead: ALead, touched: Touched, ada: User, now: datetime
) -> None:
    lead = a_lead(owner=ada)
    touched(lead, "referral", days=3)
    lead.cooled_at = now - timedelta(days=1)
    lead.save(update_fields=["cooled_at"])
    engine.evaluate_leads([lead.pk], now=now)
    lead.refresh_from_db()
    told = warmth_story.story(lead, now=now)
    assert [str(one["why"]) for one in told["uncounted"]] == ["before they refused: no longer counts"]
    promised = {one["label"]: one["until"] for one in told["keepers"]}
    assert promised["Conversation"] == now + timedelta(days=45)


def test_the_table_of_the_curve_says_the_days_each_touchpoint_left(
    a_lead: ALead, touched: Touched, ada: User, now: datetime
) -> None:
    lead = a_lead(owner=ada)
    touched(lead, "website_visit", days=30)
    touched(lead, "event", days=20, campaign="ABC Expo")
    left = [round(touch["days"]) for touch in warmth_story.story(lead, now=now)["touches"]]
    assert left == [0, 45]


def test_its_history_says_who_set_it_by_hand_until_when_and_why(
    a_lead: ALead, touched: Touched, ada: User, max_: User, now: datetime
) -> None:
    lead = a_lead(owner=ada)
    hour, day = timedelta(hours=1), timedelta(days=1)
    touched(lead, "referral", days=3, referred_by="Ann Lee")
    engine.set_override(
        lead, temperature="warm", until=now + 9 * day, reason="in two weeks", by=ada, now=now + hour
    )
    engine.set_override(
        lead, temperature="cold", until=now + 5 * day, reason="asked for peace", by=max_, now=now + 2 * hour
    )
    engine.end_override(lead, by=max_, now=now + 3 * hour)
    until = [f"{date_format(localtime(now + n * day), 'j F Y')}" for n in (9, 5)]
    today = date_format(localtime(now + 3 * hour), "j F Y")
    told = warmth_story.story(lead, now=now + 4 * hour)["turns"]
    assert [(one.text, one.by, one.strongest) for one in told] == [
        ("Turned warm: the setting by hand ended", "Max", "Referred by Ann Lee (100 %)"),
        (f"Turned cold: set by hand until {until[1]}, ended on {today}: asked for peace", "Max", ""),
        # It was warm already: nothing turned, and yet somebody said so.
        (f"Stays warm: set by hand until {until[0]}, ended on {today}: in two weeks", "Ada", ""),
        ("Turned warm: new evidence", "", "Referred by Ann Lee (100 %)"),
    ]


def test_who_let_the_evidence_decide_is_told_where_nothing_turned(
    a_lead: ALead, touched: Touched, ada: User, max_: User, now: datetime
) -> None:
    lead = a_lead(owner=ada)
    touched(lead, "referral", days=3)
    engine.set_override(lead, temperature="warm", until=now + timedelta(days=9), reason="x", by=ada, now=now)
    engine.end_override(lead, by=max_, now=now + timedelta(hours=1))
    engine.end_override(lead, by=max_, now=now + timedelta(hours=2))
    told = lead_history.rows_of(lead, most=9)
    assert [(one["text"], one["by"]) for one in told] == [
        ("The setting by hand ended: the evidence decides", "Max")
    ]
