"""The demo obeys every rule the product keeps, and has something for everyone at any hour."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import phonenumbers
import pytest
from django.contrib.auth import get_user_model
from django.db import connection, transaction
from django.db.models import Count, F, Q

from crm.demo.build import Refused, build
from crm.demo.cast import REPS
from crm.demo.markets import FICTIONAL
from crm.demo.talk import tracks
from leads.models import Lead, LeadList, Number
from touchpoints import engine, guarding
from touchpoints.models import (
    CallAttempt,
    Dial,
    FollowUp,
    HandRaise,
    Meeting,
    Promise,
    Pursuit,
    StageChange,
    TalkTrack,
    TemperatureChange,
    UnmatchedTouchpoint,
)

NOW = datetime(2026, 11, 18, 13, 40, tzinfo=UTC)  # a Wednesday
LEADS = 420
# Every test has a transaction of its own inside the one the demo was built in.
pytestmark = pytest.mark.django_db
PERSISTENT = [rep.username for rep in REPS if not rep.gives_up_at]
IMPATIENT = [rep.username for rep in REPS if rep.gives_up_at]


@pytest.fixture(scope="module")
def demo(django_db_setup, django_db_blocker):
    """One demo for the tests that only look at it; rolled back at the end."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield build(leads=LEADS, seed=11, now=NOW, password="secret")
        transaction.set_rollback(True)


# --- who is in it -------------------------------------------------------------------------------------------


def test_it_has_as_many_leads_as_asked_for_all_of_them_marked(demo):
    assert demo.counts["leads"] == Lead.objects.filter(is_demo=True).count() == LEADS


def test_no_foreign_key_dangles(demo):
    connection.check_constraints()


def test_every_number_is_valid_and_fictional(demo):
    numbers = Number.objects.values_list("e164", flat=True)
    assert [number for number in numbers if not FICTIONAL.fullmatch(number)] == []
    assert [n for n in numbers if not phonenumbers.is_valid_number(phonenumbers.parse(n))] == []


def test_every_mail_address_and_domain_belongs_to_nobody(demo):
    assert not Lead.objects.exclude(email="").exclude(email__endswith=".example").exists()
    assert not get_user_model().objects.exclude(email__endswith=".example").exists()


def test_leads_come_from_many_places_and_speak_many_languages(demo):
    countries = set(Lead.objects.values_list("country", flat=True))
    assert countries >= {"US", "CA", "GB", "DE", "DK", "PL", "RU", "NP", "AU"}
    assert set(Lead.objects.values_list("language", flat=True)) >= {"en", "da", "pl", "ru", "de"}
    assert Lead.objects.filter(country="RU", last_name__regex="[а-яё]").exists()


def test_some_share_a_switchboard_some_a_home_and_some_have_no_name(demo):
    shared = Number.objects.annotate(n=Count("links")).filter(n__gt=1)
    assert shared.filter(links__label="switchboard").exists()
    assert shared.filter(links__label="home").exists()
    nameless = Lead.objects.filter(first_name="", last_name="")
    assert nameless.exists()
    assert (
        not nameless.filter(Q(job_title="") | Q(company=None)).exclude(calls__outcome="left_company").exists()
    )


def test_lists_have_many_sources(demo):
    sources = set(LeadList.objects.filter(is_demo=True).values_list("source", flat=True))
    assert sources == {"bought", "built", "directory", "referral", "event", "inbound", "other"}


def test_an_owner_puts_the_lead_into_the_owners_team(demo):
    assert not Lead.objects.filter(owner__isnull=False).exclude(team=F("owner__team")).exists()


# --- what they did ------------------------------------------------------------------------------------------


def test_every_call_was_made_within_the_leads_permitted_hours(demo):
    wrong = []
    for call in CallAttempt.objects.select_related("lead"):
        local = call.started_at.astimezone(ZoneInfo(call.lead.time_zone))
        assert (local.isoweekday(), local.hour) == (call.local_weekday, call.local_hour)
        if not 8 <= local.hour < 21 or call.started_at > NOW or call.ended_at > NOW:
            wrong.append((call.pk, local))
    assert wrong == []


def test_the_guards_own_hours_agree(demo):
    """Not our own arithmetic: the hours the guard would have used at that moment."""
    calls = list(CallAttempt.objects.select_related("lead").order_by("?")[:150])
    situations = guarding.gather([call.lead for call in calls], now=NOW)
    closed = [
        (call.lead.country, call.lead.region, call.started_at)
        for call in calls
        if situations[call.lead_id].hours and not situations[call.lead_id].hours.is_open(call.started_at)
    ]
    assert closed == []


def test_no_number_was_dialled_more_than_three_times_in_24_hours(demo):
    dials = defaultdict(list)
    for number, at in Dial.objects.order_by("at").values_list("number", "at"):
        dials[number].append(at)
    assert not [
        n for n, at in dials.items() for i in range(3, len(at)) if at[i] - at[i - 3] < timedelta(hours=24)
    ]


def test_one_dial_a_call(demo):
    assert Dial.objects.count() == CallAttempt.objects.count() == demo.counts["calls"] > LEADS


def test_attempts_count_up_to_the_first_reach_and_no_further(demo):
    for pursuit in Pursuit.objects.prefetch_related("calls__outcome"):
        calls = sorted(pursuit.calls.all(), key=lambda call: call.started_at)
        counted = [call.attempt for call in calls if call.attempt]
        assert counted == list(range(1, len(counted) + 1))
        reaches = [call for call in calls if call.outcome.reach]
        if reaches:
            assert pursuit.reached_at == reaches[0].started_at
            assert pursuit.reached_at_attempt == reaches[0].attempt == len(counted) == pursuit.attempt
        else:
            assert pursuit.reached_at is None
            assert pursuit.attempt == len(counted) + 1
        assert len(counted) <= pursuit.target


def test_a_pursuit_that_runs_has_its_next_step_and_one_that_ended_has_none(demo):
    lacking = (
        Pursuit.objects.open().exclude(lead__follow_ups__closed_at=None).exclude(lead__tasks__done_at=None)
    )
    assert not lacking.filter(lead__follow_ups__isnull=False).exclude(lead__tasks__isnull=False).exists()
    assert not FollowUp.objects.open().exclude(pursuit__ended_at=None).exists()


def test_stages_follow_one_another(demo):
    stage = defaultdict(lambda: "new")
    for change in StageChange.objects.order_by("at", "pk"):
        assert change.before == stage[change.lead_id], change
        stage[change.lead_id] = change.after
    assert not [lead for lead in Lead.objects.all() if lead.stage != stage[lead.pk]]


def test_temperatures_follow_one_another_and_end_where_the_lead_is(demo):
    temperature = defaultdict(lambda: "cold")
    for change in TemperatureChange.objects.order_by("at", "pk"):
        assert change.before == temperature[change.lead_id], change
        temperature[change.lead_id] = change.after
        if change.after == "warm" and change.cause != "override":
            assert sum(piece["share"] for piece in change.evidence) == pytest.approx(1, abs=1e-4)
    assert not [lead for lead in Lead.objects.all() if lead.temperature != temperature[lead.pk]]
    assert Lead.objects.warm(now=NOW).count() > LEADS / 10


def test_the_engine_has_nothing_to_add(demo):
    before = dict(Lead.objects.values_list("pk", "warm_until"))
    changes = TemperatureChange.objects.count()
    engine.evaluate_leads(before, now=NOW)
    engine.evaluate_waiting(now=NOW)
    assert TemperatureChange.objects.count() == changes
    assert dict(Lead.objects.values_list("pk", "warm_until")) == before


def test_two_reps_give_up_at_four_and_the_others_do_not(demo):
    def early(names):
        pursuits = Pursuit.objects.filter(calls__user__username__in=names, reached_at=None).distinct()
        given_up = pursuits.filter(end_reason="given_up", attempt__lte=5)
        return given_up.count() / max(1, pursuits.count())

    assert early(IMPATIENT) > 0.5
    assert early(PERSISTENT) < 0.05
    assert CallAttempt.objects.filter(attempt__gt=10, user__username__in=PERSISTENT).exists()


def test_warm_calls_connect_better_than_cold_ones(demo):
    def rate(temperature):
        calls = CallAttempt.objects.filter(temperature=temperature)
        return calls.filter(outcome__connect=True).count() / calls.count()

    assert rate("warm") > 1.4 * rate("cold")


def test_every_rep_worked_through_the_twelve_weeks(demo):
    for rep in REPS:
        calls = CallAttempt.objects.filter(user__username=rep.username).order_by("started_at")
        assert calls.first().started_at < NOW - timedelta(days=70)
        assert calls.last().started_at > NOW - timedelta(days=5)


def test_no_rep_was_on_two_calls_at_once(demo):
    for rep in REPS:
        # The calls that set the stage are put beside the day's work, so that a few may touch it.
        calls = list(
            CallAttempt.objects.filter(user__username=rep.username, block__isnull=False).order_by(
                "started_at"
            )
        )
        assert all(one.ended_at <= other.started_at for one, other in pairwise(calls))


def test_meetings_promises_and_hand_raises_have_come_out_in_every_way(demo):
    assert set(Meeting.objects.values_list("status", flat=True)) >= {"held", "no_show"}
    assert Promise.objects.exclude(kept_at=None).exists()
    assert Promise.objects.exclude(broken_at=None).exists()
    assert HandRaise.objects.exclude(first_attempt_at=None).exists()
    assert demo.counts["blocked_dials"] > 0
    assert not HandRaise.objects.filter(first_attempt_at__lt=F("raised_at")).exists()


def test_hand_raisers_are_called_sooner_than_others_by_most(demo):
    waits = sorted(
        one.first_attempt_at - one.raised_at for one in HandRaise.objects.exclude(first_attempt_at=None)
    )
    assert waits[len(waits) // 2] < timedelta(days=1)


# --- what waits for whoever opens it ------------------------------------------------------------------------


@pytest.mark.parametrize("username", [rep.username for rep in REPS])
def test_somebody_can_be_called_at_every_hour_of_the_day(demo, username):
    user = get_user_model().objects.get(username=username)
    for hours in range(24):
        now = NOW + timedelta(hours=hours)
        due = FollowUp.objects.due(now=now).filter(assignee=user).select_related("lead")
        situations = guarding.gather([row.lead for row in due], now=now)
        assert any(situations[row.lead_id].may_serve(now=now) for row in due), now


def test_ada_finds_a_fresh_hand_raise_and_a_promised_call(demo):
    own = FollowUp.objects.open().filter(assignee__username="ada")
    raised = own.get(
        rank=FollowUp.Rank.HAND_RAISE, lead__hand_raises__raised_at__gte=NOW - timedelta(minutes=5)
    )
    assert raised.lead.is_warm(now=NOW)
    soon = own.filter(
        rank=FollowUp.Rank.CALLBACK, agreed_at__gt=NOW, agreed_at__lt=NOW + timedelta(minutes=45)
    )
    assert soon.exists()
    assert Promise.objects.filter(lead__in=soon.values("lead"), kept_at=None, broken_at=None).exists()


def test_two_reports_wait_in_the_inbox_each_with_two_candidates(demo):
    waiting = UnmatchedTouchpoint.objects.open()
    assert [row.candidates.count() for row in waiting] == [2, 2]


def test_leads_without_consent_wait_for_a_person_and_are_not_called(demo):
    situations = guarding.gather(Lead.objects.filter(country__in=["PL", "RU"]), now=NOW)
    # Whoever asked not to be called has taken back the consent, too.
    for situation in (one for one in situations.values() if not one.suppressed):
        if "consent_missing" in situation.best_verdict(now=NOW).codes:
            assert not situation.lead.calls.filter(started_at__gt=NOW - timedelta(days=80)).exists()
            assert not FollowUp.objects.open().filter(lead=situation.lead).exists()


def test_every_language_has_its_approved_talk_track_with_a_short_pitch(demo):
    found = TalkTrack.objects.filter(active=True, approved_at__isnull=False)
    assert set(found.values_list("language", flat=True)) >= {"en", "da", "pl", "ru"}
    assert all(len(track.pitch.split()) <= 60 for track in tracks(approved_by=None, now=NOW))


def test_a_second_demo_is_refused(demo):
    with pytest.raises(Refused, match="demo --clear"):
        build(leads=200, seed=1, now=NOW, password="secret")
