"""May a program dial, log what came of it, and report what a phone system saw?"""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from leads.models import Lead, Suppression, Workspace
from tests.api.conftest import codes
from touchpoints import pursue
from touchpoints.models import BlockedDial, CallAttempt, Dial, FollowUp, Meeting, Outcome

CALLS = "/api/v1/calls/"
SHAPE = [
    "id", "lead", "number", "target", "direction", "outcome", "started_at", "duration_seconds", "notes", "guard",
    "breach", "recording_url", "next_follow_up",
]  # fmt: skip
GUARD = ["decision", "reasons", "next_allowed_at", "local_times", "rule_version"]
DESK, HOME = "+12125550123", "+12125550199"


@pytest.fixture
def lead(a_lead, ada, noon) -> Lead:
    """Ada's lead at Acme in New York, in pursuit."""
    lead = a_lead(
        owner=ada,
        first_name="Ann",
        company="Acme",
        country="US",
        region="NY",
        phones=(f"{DESK} ext. 12", HOME),
    )
    pursue.start([lead], by=ada, now=noon - timedelta(days=1))
    return lead


def due(now) -> None:
    """What is planned is due at `now`."""
    FollowUp.objects.update(due_at=now - timedelta(hours=1), window_end=now + timedelta(hours=1))


def dial(client, lead, **body):
    return client.post(f"/api/v1/leads/{lead.pk}/dial/", body)


def log(client, call, **body):
    return client.post(f"{CALLS}{call['id']}/outcome/", body)


def test_the_guard_says_whether_when_and_why(client_of, ada, lead, noon, time_machine):
    client = client_of(ada)
    url = f"/api/v1/leads/{lead.pk}/guard/"
    verdict = client.get(url).json()
    assert list(verdict) == GUARD
    assert (verdict["decision"], verdict["reasons"], verdict["next_allowed_at"]) == (
        "allow",
        [],
        noon.isoformat(),
    )
    assert verdict["local_times"][0]["zone"] == "America/New_York"
    time_machine.move_to(noon + timedelta(hours=10), tick=False)
    late = client.get(url, {"number": HOME}).json()
    assert (late["decision"], late["reasons"][0]["code"]) == ("block", "hours_closed")
    assert late["next_allowed_at"] == "2026-03-05T13:00:00+00:00"
    assert client.get(f"{url}?number={DESK}").json()["decision"] == "block", (
        "an unescaped + arrives as a blank"
    )


@pytest.mark.parametrize("number, code", [("12", "invalid"), ("+1 646 555 0100", "does_not_exist")])
def test_the_guard_is_asked_about_the_lead_s_own_numbers(client_of, ada, lead, number, code):
    client = client_of(ada)
    assert codes(client.get(f"/api/v1/leads/{lead.pk}/guard/", {"number": number})) == {"number": code}
    assert codes(dial(client, lead, number=number)) == {"number": code}
    assert not CallAttempt.objects.exists()


def test_a_dial_opens_an_attempt_with_its_link(client_of, ada, lead):
    answer = dial(client_of(ada), lead)
    assert answer.status_code == 201
    call = answer.json()
    assert list(call) == [*SHAPE, "tel_url"]
    assert (call["lead"], call["number"], call["target"], call["outcome"]) == (lead.pk, 1, 18, None)
    assert call["tel_url"] == f"tel:{DESK};ext=12"
    assert call["guard"]["decision"] == "allow"
    assert (call["next_follow_up"], call["breach"], call["direction"]) == (None, False, "outbound")
    assert Dial.objects.get().number.e164 == DESK


def test_a_second_dial_waits_for_the_first_outcome(client_of, ada, lead):
    client = client_of(ada)
    dial(client, lead)
    answer = dial(client, lead)
    assert (answer.status_code, answer.json()["code"]) == (409, "attempt_open")
    assert CallAttempt.objects.count() == Dial.objects.count() == 1


def test_a_blocked_dial_leaves_proof_and_no_attempt(client_of, ada, lead, noon, time_machine):
    time_machine.move_to(noon + timedelta(hours=12), tick=False)
    answer = dial(client_of(ada), lead, number=HOME)
    assert (answer.status_code, answer.json()["code"]) == (409, "guard_blocked")
    assert list(answer.json()["guard"]) == GUARD
    assert answer.json()["guard"]["next_allowed_at"]
    assert (CallAttempt.objects.count(), Dial.objects.count(), BlockedDial.objects.count()) == (0, 0, 1)


def test_a_warning_asks_for_a_reason(client_of, ada, root, lead):
    client_of(root).post("/api/v1/customers/", {"name": "Acme", "number": DESK})
    client = client_of(ada)
    answer = dial(client, lead, number=DESK)
    assert (answer.status_code, answer.json()["code"]) == (409, "guard_warned")
    assert answer.json()["guard"]["decision"] == "warn"
    assert not CallAttempt.objects.exists()
    assert dial(client, lead, number=DESK, warn_reason="They asked for Ann by name").status_code == 201


def test_a_lead_on_a_colleague_s_screen_is_left_alone(client_of, ada, bea, max_, lead, north):
    Lead.objects.update(owner=None)
    FollowUp.objects.update(assignee=None)
    client_of(bea).get("/api/v1/queue/next/")
    FollowUp.objects.update(lease_by=bea, lease_until=lead.created_at + timedelta(days=300))
    answer = dial(client_of(ada), lead)
    assert (answer.status_code, answer.json()["code"]) == (409, "leased_by_another")


def test_an_outcome_places_the_next_attempt(client_of, ada, lead, noon):
    client = client_of(ada)
    answer = log(client, dial(client, lead).json(), outcome="no_answer", notes="rang out")
    assert answer.status_code == 200
    call = answer.json()
    assert list(call) == SHAPE
    assert (call["outcome"], call["notes"], call["number"]) == ("no_answer", "rang out", 1)
    assert call["next_follow_up"]["attempt"] == 2
    assert call["next_follow_up"]["assignee"] == "ada"
    shown = client.get(f"/api/v1/leads/{lead.pk}/").json()
    assert (shown["stage"], shown["pursuit"]["attempt"]) == ("attempted", 2)
    assert shown["pursuit"]["next_follow_up"] == call["next_follow_up"]


def test_an_outcome_is_logged_once(client_of, ada, lead):
    client = client_of(ada)
    call = dial(client, lead).json()
    log(client, call, outcome="no_answer")
    before = list(CallAttempt.objects.values()), list(FollowUp.objects.order_by("pk").values())
    answer = log(client, call, outcome="busy")
    assert (answer.status_code, answer.json()["code"]) == (409, "attempt_closed")
    assert (list(CallAttempt.objects.values()), list(FollowUp.objects.order_by("pk").values())) == before


def test_an_outcome_may_be_amended(client_of, ada, lead):
    client = client_of(ada)
    call = dial(client, lead).json()
    log(client, call, outcome="no_answer")
    amended = client.patch(f"{CALLS}{call['id']}/outcome/", {"outcome": "not_interested"})
    assert (amended.status_code, amended.json()["outcome"]) == (200, "not_interested")
    assert client.get(f"/api/v1/leads/{lead.pk}/").json()["pursuit"] is None


@pytest.mark.parametrize(
    "body, refused",
    [
        ({}, {"outcome": "required"}),
        ({"outcome": "swallowed_by_a_whale"}, {"outcome": "invalid_choice"}),
        ({"outcome": "no_answer", "mood": "bad"}, {"mood": "unknown_field"}),
        ({"outcome": "callback_requested", "callback_at": "2026-03-05T15:00:00"}, {"callback_at": "naive"}),
        ({"outcome": "callback_requested"}, {"callback_at": "invalid"}),
        ({"outcome": "not_now", "days": "30"}, {"days": "invalid"}),
        ({"outcome": "not_now", "days": 31}, {"days": "invalid"}),
        ({"outcome": "meeting_booked", "meeting": {"title": "Demo"}}, {"meeting.starts_at": "required"}),
        (
            {"outcome": "meeting_booked", "meeting": {"starts_at": "2026-03-06T15:00:00Z", "host": "nobody"}},
            {"meeting.host": "invalid"},
        ),
        (
            {"outcome": "info_requested", "promise": {"due_at": "2026-03-06T15:00:00Z"}},
            {"promise.text": "required"},
        ),
        ({"outcome": "do_not_call", "scope": "planet"}, {"scope": "invalid_choice"}),
        ({"outcome": "referred_on", "referred": {"email": "x at y"}}, {"referred.email": "invalid"}),
    ],
    ids=lambda value: str(value)[:60],
)
def test_a_wrong_outcome_leaves_the_call_open(client_of, ada, lead, body, refused):
    client = client_of(ada)
    call = dial(client, lead).json()
    answer = client.post(f"{CALLS}{call['id']}/outcome/", body)
    assert answer.status_code == 400, answer.json()
    assert codes(answer) == refused
    open_call = CallAttempt.objects.get()
    assert (open_call.outcome_id, open_call.ended_at, open_call.effects) == (None, None, {})
    assert not Suppression.objects.exists()
    assert not Meeting.objects.exists()


def test_an_unknown_outcome_lists_those_there_are(client_of, ada, lead):
    client = client_of(ada)
    answer = log(client, dial(client, lead).json(), outcome="whale")
    detail = answer.json()["errors"][0]["detail"]
    assert all(key in detail for key in Outcome.objects.values_list("key", flat=True))


def test_what_outcomes_bring_with_them(client_of, ada, lead, noon):
    client = client_of(ada)
    call = dial(client, lead).json()
    body = {"starts_at": "2026-03-06T15:00:00-05:00", "title": "Demo", "minutes": 45, "value": 9000}
    logged = log(client, call, outcome="meeting_booked", meeting=body, promise={"text": "send the study"})
    assert logged.status_code == 200, logged.json()
    (meeting,) = client.get("/api/v1/meetings/").json()["results"]
    assert (meeting["starts_at"], meeting["host"], meeting["lead"]) == (
        "2026-03-06T20:00:00Z",
        "ada",
        lead.pk,
    )
    assert lead.promises.get().text == "send the study"
    assert client.get(f"/api/v1/leads/{lead.pk}/").json()["stage"] == "meeting"


def test_a_wish_not_to_be_called_is_kept_at_once(client_of, ada, lead):
    client = client_of(ada)
    log(client, dial(client, lead).json(), outcome="do_not_call", scope="person")
    assert Suppression.objects.get().lead == lead
    verdict = client.get(f"/api/v1/leads/{lead.pk}/guard/").json()
    assert (verdict["decision"], verdict["reasons"][0]["code"]) == ("block", "internal_dnc")


def test_calls_are_seen_by_whom_they_concern(client_of, ada, bea, cy, max_, root, lead):
    call = dial(client_of(ada), lead).json()
    for user, status in ((ada, 200), (max_, 200), (root, 200), (bea, 404), (cy, 404)):
        client = client_of(user)
        assert client.get(f"{CALLS}{call['id']}/").status_code == status
        assert len(client.get(CALLS).json()["results"]) == (status == 200)
        if status == 404:
            assert log(client, call, outcome="busy").status_code == 404
    assert log(client_of(max_), call, outcome="busy").status_code == 200


def test_a_colleague_s_call_is_not_logged_for_them(client_of, ada, bea, lead):
    call = dial(client_of(ada), lead).json()
    Lead.objects.update(owner=None)
    answer = log(client_of(bea), call, outcome="busy")
    assert (answer.status_code, answer.json()["code"]) == (403, "not_yours")
    assert CallAttempt.objects.get().outcome_id is None


def test_the_list_costs_the_same_whatever_its_length(client_of, ada, a_lead, noon):
    def make(count: int) -> None:
        for n in range(count):
            CallAttempt.objects.create(
                lead=a_lead(owner=ada), user=ada, started_at=noon - timedelta(hours=n), ended_at=noon
            )

    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            client.get(CALLS)
        return len(seen)

    client = client_of(ada)
    make(2)
    client.get(CALLS)
    few = queries()
    make(20)
    assert queries() == few <= 4


# --- what a phone system reports --------------------------------------------------------------------------


@pytest.fixture
def past(noon):
    def make(**changes):
        body = {
            "source": "pbx",
            "external_id": "c-1",
            "number": DESK,
            "direction": "outbound",
            "started_at": (noon - timedelta(hours=1)).isoformat(),
            "duration_seconds": 95,
        }
        return {name: value for name, value in (body | changes).items() if value is not None}

    return make


def test_a_past_call_is_kept_once(client_of, ada, lead, past):
    client = client_of(ada)
    first = client.post(CALLS, past(outcome="no_answer", recording_url="https://pbx.example/1.mp3"))
    assert first.status_code == 201, first.json()
    call = first.json()
    assert list(call) == SHAPE
    assert (call["lead"], call["outcome"], call["duration_seconds"], call["breach"]) == (
        lead.pk,
        "no_answer",
        95,
        False,
    )
    assert call["recording_url"] == "https://pbx.example/1.mp3"
    again = client.post(CALLS, past(outcome="no_answer"))
    assert (again.status_code, again.json()["id"]) == (200, call["id"])
    assert CallAttempt.objects.count() == 1


def test_the_record_of_an_attempt_completes_it(client_of, ada, lead, past, noon):
    client = client_of(ada)
    call = dial(client, lead, number=DESK).json()
    done = client.post(CALLS, past(started_at=(noon + timedelta(minutes=2)).isoformat()))
    assert done.json()["id"] == call["id"]
    assert done.json()["duration_seconds"] == 95
    assert CallAttempt.objects.count() == 1


def test_what_the_guard_would_have_blocked_is_a_breach(client_of, ada, lead, past, noon):
    answer = client_of(ada).post(CALLS, past(started_at=(noon - timedelta(hours=6)).isoformat()))
    assert (answer.status_code, answer.json()["breach"]) == (201, True)
    assert answer.json()["guard"]["decision"] == "block"


def test_a_past_call_names_its_user(client_of, ada, bea, cy, max_, root, lead, past):
    type(bea).objects.filter(pk=bea.pk).update(extension="207")
    assert client_of(max_).post(CALLS, past(user="ada")).status_code == 201
    assert client_of(max_).post(CALLS, past(external_id="c-2", extension="207")).status_code == 201
    assert {call.user for call in CallAttempt.objects.all()} == {ada, bea}
    for user, body, field in (
        (ada, {"user": "bea"}, "user"),
        (max_, {"user": "cy"}, "user"),
        (root, {"extension": "9"}, "extension"),
    ):
        answer = client_of(user).post(CALLS, past(external_id="c-3", **body))
        assert codes(answer) == {field: "does_not_exist"}
    assert CallAttempt.objects.count() == 2


def test_a_past_call_names_its_lead_in_every_way(client_of, ada, lead, past):
    client = client_of(ada)
    for n, named in enumerate((lead.pk, {"id": lead.pk}, {"phone": HOME})):
        answer = client.post(CALLS, past(external_id=f"c-{n}", number=None, lead=named, direction="inbound"))
        assert (answer.status_code, answer.json()["lead"]) == (201, lead.pk), answer.json()


@pytest.mark.parametrize(
    "change, refused",
    [
        ({"number": None}, {"lead": "required"}),
        ({"number": "12"}, {"number": "invalid"}),
        ({"number": "+1 646 555 0100"}, {"number": "does_not_exist"}),
        ({"lead": 424242}, {"lead": "does_not_exist"}),
        ({"lead": {"id": 1, "name": "x"}}, {"lead.name": "unknown_field"}),
        ({"lead": "ann"}, {"lead": "invalid"}),
        ({"lead": {"email": "ann at acme"}}, {"lead.email": "invalid"}),
        ({"started_at": "2026-03-04T17:06:00Z"}, {"started_at": "in_the_future"}),
        ({"started_at": "2026-03-04T16:00:00"}, {"started_at": "naive"}),
        ({"duration_seconds": -1}, {"duration_seconds": "min_value"}),
        ({"duration_seconds": "95"}, {"duration_seconds": "invalid"}),
        ({"direction": "both"}, {"direction": "invalid_choice"}),
        ({"outcome": "whale"}, {"outcome": "invalid_choice"}),
        ({"outcome": "callback_requested"}, {"callback_at": "invalid"}),
        ({"recording_url": "javascript:alert(1)"}, {"recording_url": "invalid"}),
        ({"cost": 5}, {"cost": "unknown_field"}),
    ],
    ids=str,
)
def test_a_wrong_report_of_a_call_is_not_kept(client_of, ada, lead, past, change, refused):
    answer = client_of(ada).post(CALLS, past(**change))
    assert answer.status_code == 400, answer.json()
    assert codes(answer) == refused
    assert (CallAttempt.objects.count(), Dial.objects.count()) == (0, 0)


def test_a_switchboard_s_call_needs_a_name(client_of, ada, a_lead, lead, past, noon):
    other = a_lead(owner=ada, last_name="Ng", company="Acme", phones=(DESK,))
    client = client_of(ada)
    answer = client.post(CALLS, past())
    assert (answer.status_code, answer.json()["code"]) == (409, "ambiguous")
    assert [one["id"] for one in answer.json()["candidates"]] == [lead.pk, other.pk]
    call = dial(client, other, number=DESK).json()
    assert client.post(CALLS, past(started_at=noon.isoformat())).json()["id"] == call["id"]


def test_others_calls_are_not_told(client_of, ada, cy, lead, past):
    client_of(ada).post(CALLS, past())
    client = client_of(cy)
    assert codes(client.post(CALLS, past())) == {"external_id": "taken"}
    assert codes(client.post(CALLS, past(external_id="c-2"))) == {"number": "does_not_exist"}


# --- the queue ----------------------------------------------------------------------------------------------


def test_the_queue_leases_the_next_lead_and_holds_it(client_of, ada, bea, lead, noon, north):
    Lead.objects.update(owner=None)
    FollowUp.objects.update(assignee=None)
    due(noon)
    client = client_of(ada)
    answer = client.get("/api/v1/queue/next/")
    assert (answer.status_code, answer["Cache-Control"]) == (200, "no-store")
    item = answer.json()
    assert list(item) == ["id", "attempt", "channel", "due_at", "window_end", "reason", "lease_until", "lead"]
    assert item["lead"] == client.get(f"/api/v1/leads/{lead.pk}/").json()
    assert item["lease_until"] == (
        noon + timedelta(seconds=Workspace.current().lease_seconds)
    ).isoformat().replace("+00:00", "Z")
    assert client.get("/api/v1/queue/next/").json()["id"] == item["id"]
    empty = client_of(bea).get("/api/v1/queue/next/")
    assert (empty.status_code, empty.content, empty["Cache-Control"]) == (204, b"", "no-store")


def test_a_skip_lets_go_with_a_reason(client_of, ada, bea, lead, noon, north):
    due(noon)
    client = client_of(ada)
    item = client.get("/api/v1/queue/next/").json()
    url = f"/api/v1/queue/{item['id']}/skip/"
    assert codes(client.post(url, {"why": "x"})) == {"why": "unknown_field"}
    assert client_of(bea).post(url, {}).status_code == 404
    assert client.post(url, {"reason": "in a meeting till two"}).status_code == 204
    assert client.get("/api/v1/queue/next/").status_code == 204
    follow_up = FollowUp.objects.get()
    assert follow_up.lease_by is None
    assert follow_up.skips.get().reason == "in a meeting till two"


def test_what_is_being_called_is_not_skipped(client_of, ada, lead, noon):
    due(noon)
    client = client_of(ada)
    item = client.get("/api/v1/queue/next/").json()
    dial(client, lead)
    answer = client.post(f"/api/v1/queue/{item['id']}/skip/", {})
    assert (answer.status_code, answer.json()["code"]) == (409, "attempt_open")
