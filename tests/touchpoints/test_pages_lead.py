"""One lead's page: what it shows, what can be done there by whom, and what a refusal leaves behind."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.template.loader import render_to_string
from django.utils import timezone

from leads import identity
from leads.models import Lead, Suppression
from tests.touchpoints.leads_cast import make_lead
from touchpoints import engine, outcomes, pursue, record
from touchpoints.models import (
    CallAttempt,
    FollowUp,
    Meeting,
    Promise,
    Pursuit,
    Task,
    TemperatureOverride,
    Touchpoint,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test import Client

    from crm.accounts.models import Team, User

MOST_QUERIES = 46
HTMX = {"HX-Request": "true"}


@pytest.fixture
def anna(ada: User) -> Lead:
    return make_lead(owner=ada, phone="+45 32 12 34 56")


@pytest.fixture
def as_ada(client: Client, ada: User) -> Client:
    client.force_login(ada)
    return client


def touch(lead: Lead, kind: str = "event", *, days: int = 3, **more: Any) -> Touchpoint:
    now = timezone.now()
    new = record.NewTouchpoint(
        kind=kind, occurred_at=now - timedelta(days=days), lead=identity.Identity(id=lead.pk), **more
    )
    made = record.record(new, user=None, now=now).touchpoint
    engine.evaluate_leads([lead.pk], now=now)
    assert made is not None
    return made


def a_call(lead: Lead, user: User, outcome: str = "no_answer") -> CallAttempt:
    """A call that was made a minute ago and logged."""
    now = timezone.now()
    pursuit = Pursuit.objects.open().filter(lead=lead).first()
    call = CallAttempt.objects.create(
        lead=lead,
        user=user,
        pursuit=pursuit,
        attempt=pursuit.attempt if pursuit else None,
        started_at=now - timedelta(minutes=1),
    )
    return outcomes.log_outcome(call, outcomes.Logged(outcome), user=user, now=now)


# --- what it shows ----------------------------------------------------------------------------------------------


def test_why_it_is_warm_and_what_happened_are_said(as_ada: Client, ada: User, anna: Lead) -> None:
    touch(anna, campaign="ABC Expo", by="Bo Lund")
    pursue.start([anna], by=ada, now=timezone.now())
    page = as_ada.get(f"/leads/{anna.pk}/").content.decode()
    assert "Warm until" in page
    assert "ABC Expo" in page
    assert "1 of 18" in page
    assert "Turned warm: new evidence" in page


def test_what_warms_nobody_alone_is_given_no_date(as_ada: Client, anna: Lead) -> None:
    """A visit to the website adds to a meeting; by itself it would have ended before it was."""
    touch(anna, days=3)
    touch(anna, "website_visit", days=1)
    shown = as_ada.get(f"/leads/{anna.pk}/")
    on_call = "".join(
        render_to_string("call/piece.html", {"piece": one}) for one in shown.context["reasons"].pieces
    )
    for page in (shown.content.decode(), on_call):
        untils = re.findall(r'class="until">(.*?)</span></li>', page, re.S)
        assert [text.partition(" <")[0] for text in untils] == ["alone until", "only with others"]


def test_what_does_not_count_is_shown_with_the_reason(as_ada: Client, anna: Lead) -> None:
    touch(anna, campaign="ABC Expo", days=9)
    touch(anna, campaign="ABC Expo", days=3)
    story = as_ada.get(f"/leads/{anna.pk}/").context["story"]
    assert [str(one["why"]) for one in story["uncounted"]] == ["a later one of the same campaign counts"]
    assert len(story["found"].evidence) == 1


def test_the_curve_has_a_corner_for_each_change_and_stays_at_zero_after_a_refusal(
    as_ada: Client, anna: Lead
) -> None:
    touch(anna, days=10)
    anna.cooled_at = timezone.now() - timedelta(days=4)
    anna.save()
    points = as_ada.get(f"/leads/{anna.pk}/").context["story"]["points"]
    assert [round(point["days"]) for point in points] == [45, 0]


def test_the_page_costs_the_same_however_much_happened(
    as_ada: Client, ada: User, anna: Lead, django_assert_max_num_queries: Callable[..., Any]
) -> None:
    touch(anna)
    a_call(anna, ada)
    as_ada.get(f"/leads/{anna.pk}/")
    with django_assert_max_num_queries(MOST_QUERIES) as few:
        as_ada.get(f"/leads/{anna.pk}/")
    for n in range(12):
        touch(anna, days=n)
        a_call(anna, ada)
    with django_assert_max_num_queries(MOST_QUERIES) as many:
        as_ada.get(f"/leads/{anna.pk}/")
    assert len(many) == len(few)


def test_the_list_stays_at_hand(as_ada: Client, ada: User) -> None:
    leads = [make_lead(f"N{n}", owner=ada, industry="Food" if n != 1 else "Steel") for n in range(4)]
    page = as_ada.get(f"/leads/{leads[2].pk}/?from=list&industry=food")
    assert page.context["previous_url"] == f"/leads/{leads[3].pk}/?from=list&industry=food"
    assert page.context["next_url"] == f"/leads/{leads[0].pk}/?from=list&industry=food"
    assert page.context["list_url"] == "/leads/?industry=food"


# --- who may ----------------------------------------------------------------------------------------------------

POSTS = (
    "edit/",
    "numbers/",
    "numbers/{link}/remove/",
    "keeper/",
    "temperature/",
    "temperature/end/",
    "suppress/",
    "touchpoints/",
    "pursuit/start/",
    "pursuit/stop/",
)


@pytest.mark.parametrize("path", POSTS)
def test_another_teams_lead_is_not_there(client: Client, cy: User, anna: Lead, path: str) -> None:
    before = Lead.objects.values().get(pk=anna.pk)
    url = f"/leads/{anna.pk}/{path.format(link=anna.lead_numbers.get().pk)}"
    client.force_login(cy)
    assert client.get(f"/leads/{anna.pk}/").status_code == 404
    assert client.post(url, {"first_name": "Mallory", "scope": "person", "reason": "x"}).status_code == 404
    assert Lead.objects.values().get(pk=anna.pk) == before


@pytest.mark.parametrize("path", [path for path in POSTS if path != "edit/"])
def test_nothing_is_done_by_a_link(as_ada: Client, anna: Lead, path: str) -> None:
    url = f"/leads/{anna.pk}/{path.format(link=anna.lead_numbers.get().pk)}"
    assert as_ada.get(url).status_code == 405


def test_what_hangs_on_another_teams_lead_is_not_there_either(
    client: Client, ada: User, cy: User, anna: Lead
) -> None:
    touchpoint, call = touch(anna), a_call(anna, ada)
    now = timezone.now()
    meeting = Meeting.objects.create(lead=anna, title="x", starts_at=now - timedelta(hours=1), booked_at=now)
    promise = Promise.objects.create(lead=anna, text="x", due_at=now, made_at=now)
    task = Task.objects.create(lead=anna, kind="find_name", reason="x", created_at=now)
    client.force_login(cy)
    for url in (
        f"/touchpoints/{touchpoint.pk}/correct/",
        f"/touchpoints/{touchpoint.pk}/withdraw/",
        f"/meetings/{meeting.pk}/held/",
        f"/meetings/{meeting.pk}/missed/",
        f"/promises/{promise.pk}/kept/",
        f"/leads/tasks/{task.pk}/done/",
        f"/tasks/{task.pk}/done/",
        f"/call/{call.pk}/amend/",
        f"/lookup/{anna.pk}/inbound/",
    ):
        assert client.post(url, {"outcome": "busy"}).status_code == 404, url
    assert Touchpoint.objects.filter(pk=touchpoint.pk).exists()


# --- facts, numbers, keeper -------------------------------------------------------------------------------------


def test_facts_are_changed_where_they_stand(as_ada: Client, anna: Lead) -> None:
    form = as_ada.get(f"/leads/{anna.pk}/edit/").context["facts_form"]
    typed = {name: form[name].value() or "" for name in form.fields} | {"job_title": "Buyer", "region": "84"}
    response = as_ada.post(f"/leads/{anna.pk}/edit/", typed, headers=HTMX)
    assert response.status_code == 200
    assert "Saved." in response["HX-Trigger"]
    anna.refresh_from_db()
    assert (anna.job_title, anna.first_name, anna.company.name) == ("Buyer", "Anna", "Nordisk Fisk")  # type: ignore[union-attr]
    changes = anna.audit_events.get(action="lead.edit")
    assert set(changes.after) == {"job_title", "region"}


def test_facts_that_cannot_be_are_told_at_the_field_and_nothing_is_changed(
    as_ada: Client, anna: Lead
) -> None:
    before = Lead.objects.values().get(pk=anna.pk)
    response = as_ada.post(
        f"/leads/{anna.pk}/edit/", {"first_name": "Zoe", "email": "no", "time_zone": "Mars/Olympus"}
    )
    assert response.status_code == 422
    assert set(response.context["facts_form"].errors) == {"email", "time_zone"}
    assert Lead.objects.values().get(pk=anna.pk) == before


def test_numbers_come_and_go(as_ada: Client, anna: Lead) -> None:
    as_ada.post(f"/leads/{anna.pk}/numbers/", {"phone": "+45 20 12 34 57", "label": "mobile"})
    links = anna.lead_numbers.current()
    assert [link.number.e164 for link in links] == ["+4532123456", "+4520123457"]
    as_ada.post(f"/leads/{anna.pk}/numbers/{links[0].pk}/remove/")
    assert [link.number.e164 for link in anna.lead_numbers.current()] == ["+4520123457"]


def test_a_number_that_is_none_is_told_at_its_field(as_ada: Client, anna: Lead) -> None:
    response = as_ada.post(f"/leads/{anna.pk}/numbers/", {"phone": "12"})
    assert "phone" in response.context["number_form"].errors
    assert anna.lead_numbers.count() == 1


def test_a_rep_cannot_give_the_lead_to_another(as_ada: Client, ada: User, bea: User, anna: Lead) -> None:
    response = as_ada.post(f"/leads/{anna.pk}/keeper/", {"keeper": f"user:{bea.pk}"})
    assert response.status_code == 422
    anna.refresh_from_db()
    assert anna.owner == ada


def test_a_rep_gives_the_lead_back_to_the_pool(as_ada: Client, ada: User, anna: Lead, north: Team) -> None:
    as_ada.post(f"/leads/{anna.pk}/keeper/", {"keeper": f"team:{north.pk}"})
    anna.refresh_from_db()
    assert (anna.owner, anna.team) == (None, north)


def test_whoever_gives_a_lead_out_of_sight_comes_back_to_the_list(
    client: Client, root: User, max_: User, anna: Lead, south: Team
) -> None:
    client.force_login(root)
    client.post(f"/leads/{anna.pk}/keeper/", {"keeper": f"team:{south.pk}"})
    anna.refresh_from_db()
    assert anna.team == south


# --- touchpoints by hand ----------------------------------------------------------------------------------------


def typed_touch(user: User, **more: str) -> dict[str, str]:
    when = timezone.now().astimezone() - timedelta(days=1)
    return {"kind": "event", "when": when.strftime("%Y-%m-%dT10:00"), "campaign": "ABC Expo", **more}


def test_a_touchpoint_by_hand_is_read_on_the_users_clock(as_ada: Client, ada: User, anna: Lead) -> None:
    ada.time_zone = "Asia/Tokyo"
    ada.save()
    as_ada.post(f"/leads/{anna.pk}/touchpoints/", typed_touch(ada, by="Ada"))
    made = Touchpoint.objects.get()
    assert (made.lead, made.kind_id, made.direction, made.source) == (anna, "event", "inbound", "thaw")
    assert made.occurred_at.hour == 1
    assert made.recorded_by == ada
    anna.refresh_from_db()
    assert anna.temperature == "warm"


def test_a_second_click_records_nothing_more(as_ada: Client, ada: User, anna: Lead) -> None:
    typed = typed_touch(ada, once="abc")
    for _click in range(2):
        as_ada.post(f"/leads/{anna.pk}/touchpoints/", typed)
    assert Touchpoint.objects.count() == 1


@pytest.mark.parametrize(
    ("field", "value"),
    [("when", "2999-01-01T10:00"), ("when", "1950-01-01T10:00"), ("when", "soon"), ("kind", "telepathy")],
)
def test_a_touchpoint_that_cannot_be_is_told_at_its_field(
    as_ada: Client, ada: User, anna: Lead, field: str, value: str
) -> None:
    response = as_ada.post(f"/leads/{anna.pk}/touchpoints/", typed_touch(ada) | {field: value})
    assert response.status_code == 422
    assert set(response.context["touchpoint_form"].errors) == {field}
    assert not Touchpoint.objects.exists()


def test_a_touchpoint_is_corrected_and_keeps_its_seconds(as_ada: Client, ada: User, anna: Lead) -> None:
    stored = touch(anna, campaign="ABC")
    form = as_ada.get(f"/leads/{anna.pk}/?touchpoint={stored.pk}").context["touchpoint_form"]
    when = form["when"].value().strftime("%Y-%m-%dT%H:%M")
    as_ada.post(f"/touchpoints/{stored.pk}/correct/", {"kind": "referral", "when": when, "referred_by": "Bo"})
    changed = Touchpoint.objects.get()
    assert (changed.kind_id, changed.referred_by, changed.campaign) == ("referral", "Bo", "")
    assert changed.occurred_at == stored.occurred_at
    until = anna.warm_until
    anna.refresh_from_db()
    assert anna.warm_until != until
    assert anna.warm_until == stored.occurred_at + timedelta(days=90)


def test_a_touchpoint_is_withdrawn_and_stays_in_the_audit_trail(
    as_ada: Client, ada: User, anna: Lead
) -> None:
    stored = touch(anna)
    as_ada.post(f"/touchpoints/{stored.pk}/withdraw/")
    assert not Touchpoint.objects.exists()
    assert anna.audit_events.filter(action="touchpoint.withdrawn", actor=ada).exists()
    anna.refresh_from_db()
    assert anna.temperature == "cold"


# --- temperature by hand ----------------------------------------------------------------------------------------


def test_an_override_holds_until_it_is_ended(as_ada: Client, ada: User, anna: Lead) -> None:
    until = (timezone.now() + timedelta(days=5)).strftime("%Y-%m-%dT10:00")
    as_ada.post(
        f"/leads/{anna.pk}/temperature/", {"temperature": "warm", "until": until, "reason": "met my boss"}
    )
    anna.refresh_from_db()
    assert anna.temperature == "warm"
    page = as_ada.get(f"/leads/{anna.pk}/")
    assert "met my boss" in page.content.decode()
    # Who set it and why, not evidence that does not decide.
    assert re.fullmatch(
        r"Warm until \d+ \w+( \d{4})?, set by .+: met my boss", page.context["reasons"].sentence
    )
    as_ada.post(f"/leads/{anna.pk}/temperature/end/")
    anna.refresh_from_db()
    assert anna.temperature == "cold"


@pytest.mark.parametrize("missing", ["temperature", "until", "reason"])
def test_an_override_needs_all_of_it(as_ada: Client, anna: Lead, missing: str) -> None:
    until = (timezone.now() + timedelta(days=5)).strftime("%Y-%m-%dT10:00")
    typed = {"temperature": "warm", "until": until, "reason": "x"} | {missing: ""}
    response = as_ada.post(f"/leads/{anna.pk}/temperature/", typed)
    assert set(response.context["override_form"].errors) == {missing}
    assert not TemperatureOverride.objects.exists()


@pytest.mark.parametrize("until", ["2020-01-01T10:00", "0001-01-01T00:00", "9999-12-31T23:59"])
def test_an_override_ends_ahead_and_within_ten_years(
    as_ada: Client, ada: User, anna: Lead, until: str
) -> None:
    ada.time_zone = "America/New_York"
    ada.save()
    typed = {"temperature": "warm", "until": until, "reason": "x"}
    assert "until" in as_ada.post(f"/leads/{anna.pk}/temperature/", typed).context["override_form"].errors


# --- pursuit, suppression, amending -----------------------------------------------------------------------------


def test_a_pursuit_is_started_and_given_up_for_a_reason(as_ada: Client, ada: User, anna: Lead) -> None:
    as_ada.post(f"/leads/{anna.pk}/pursuit/start/")
    assert FollowUp.objects.open().filter(lead=anna).exists()
    refused = as_ada.post(f"/leads/{anna.pk}/pursuit/stop/", {"note": ""})
    assert "note" in refused.context["stop_form"].errors
    as_ada.post(f"/leads/{anna.pk}/pursuit/stop/", {"note": "no fit"})
    pursuit = Pursuit.objects.get()
    assert (pursuit.end_reason, pursuit.end_note) == ("given_up", "no fit")
    assert not FollowUp.objects.open().exists()


def test_no_pursuit_is_started_where_the_days_are_full(as_ada: Client, ada: User, anna: Lead) -> None:
    ada.dials_a_day = 1
    ada.save()
    others = [make_lead(f"N{n}", owner=ada, phone=f"+4532123{n:03}") for n in range(15)]
    pursue.start(others, by=None, now=timezone.now())
    response = as_ada.post(f"/leads/{anna.pk}/pursuit/start/")
    assert response.status_code == 422
    assert not Pursuit.objects.filter(lead=anna).exists()


def test_a_lead_is_suppressed_and_its_pursuit_ends(as_ada: Client, ada: User, anna: Lead) -> None:
    pursue.start([anna], by=ada, now=timezone.now())
    as_ada.post(f"/leads/{anna.pk}/suppress/", {"scope": "person", "reason": "said so by mail"})
    assert Suppression.objects.get().lead == anna
    assert Pursuit.objects.get().end_reason == "do_not_call"
    assert "do not call" in as_ada.get(f"/leads/{anna.pk}/").content.decode()


def test_a_suppression_of_a_number_says_which(as_ada: Client, anna: Lead) -> None:
    response = as_ada.post(f"/leads/{anna.pk}/suppress/", {"scope": "number", "reason": "x"})
    assert "number" in response.context["suppress_form"].errors
    assert not Suppression.objects.exists()


def test_the_latest_call_is_amended(as_ada: Client, ada: User, anna: Lead) -> None:
    pursue.start([anna], by=ada, now=timezone.now())
    call = a_call(anna, ada)
    assert f"/call/{call.pk}/amend/" in as_ada.get(f"/leads/{anna.pk}/").content.decode()
    as_ada.post(f"/call/{call.pk}/amend/", {"outcome": "not_interested", "reason": "has one"})
    call.refresh_from_db()
    assert call.outcome_id == "not_interested"
    assert Pursuit.objects.get().end_reason == "not_interested"


def test_a_colleagues_call_is_not_amended_by_a_rep(client: Client, ada: User, bea: User, north: Team) -> None:
    lead = make_lead(team=north, phone="+45 32 12 34 56")
    call = a_call(lead, ada)
    client.force_login(bea)
    assert f"/call/{call.pk}/amend/" not in client.get(f"/leads/{lead.pk}/").content.decode()
    assert client.post(f"/call/{call.pk}/amend/", {"outcome": "busy"}).status_code == 422
    call.refresh_from_db()
    assert call.outcome_id == "no_answer"
