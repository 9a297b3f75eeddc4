"""May a program let a pursuit rest, go on and be given up, with a reason?"""

from __future__ import annotations

from datetime import timedelta

import pytest

from leads.models import Lead
from tests.api.conftest import codes
from touchpoints import pursue
from touchpoints.models import FollowUp, Pursuit


@pytest.fixture
def lead(a_lead, ada, noon) -> Lead:
    lead = a_lead(owner=ada, country="US", region="NY", phones=("+12125550123",))
    pursue.start([lead], by=ada, now=noon)
    return lead


def post(client, lead, action, **body):
    return client.post(f"/api/v1/leads/{lead.pk}/pursuit/{action}/", body)


def test_a_pursuit_rests_and_goes_on(client_of, ada, lead, noon):
    client, until = client_of(ada), noon + timedelta(days=9)
    answer = post(client, lead, "pause", until=until.isoformat(), why="budget frozen")
    assert answer.status_code == 200
    planned = answer.json()["pursuit"]["next_follow_up"]
    assert planned["due_at"] >= until.isoformat()
    assert "budget frozen" in planned["reason"]
    pursuit = Pursuit.objects.get()
    assert (pursuit.paused_until, pursuit.paused_why) == (until, "budget frozen")
    assert post(client, lead, "resume").status_code == 200
    assert FollowUp.objects.open().get().due_at < until
    refused = post(client, lead, "resume")
    assert (refused.status_code, refused.json()["code"]) == (409, "not_resting")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        pytest.param({"until": "2026-03-01T10:00:00Z", "why": "x"}, "until", id="in the past"),
        pytest.param({"until": "2028-03-01T10:00:00Z", "why": "x"}, "until", id="more than a year ahead"),
        pytest.param({"until": "2026-03-09T10:00:00", "why": "x"}, "until", id="without an offset"),
        pytest.param({"until": "2026-03-09T10:00:00Z"}, "why", id="without a reason"),
        pytest.param(
            {"until": "2026-03-09T10:00:00Z", "why": "x", "who": "me"}, "who", id="an unknown field"
        ),
    ],
)
def test_a_rest_needs_a_time_ahead_and_a_reason(client_of, ada, lead, body, field):
    answer = post(client_of(ada), lead, "pause", **body)
    assert answer.status_code == 400
    assert field in codes(answer)
    assert Pursuit.objects.get().paused_until is None


def test_giving_up_needs_a_reason_from_the_list_and_happens_once(client_of, ada, lead):
    client = client_of(ada)
    assert codes(post(client, lead, "stop", reason="just so")).keys() == {"reason"}
    answer = post(client, lead, "stop", reason="no fit")
    assert (answer.status_code, answer.json()["pursuit"]) == (200, None)
    assert (Pursuit.objects.get().end_reason, Pursuit.objects.get().end_note) == ("given_up", "no fit")
    for action, body in (
        ("stop", {"reason": "no fit"}),
        ("pause", {"until": "x", "why": "y"}),
        ("resume", {}),
    ):
        refused = post(client, lead, action, **body)
        assert (refused.status_code, refused.json()["code"]) == (409, "no_pursuit")


def test_another_s_lead_is_not_found(client_of, cy, lead):
    assert post(client_of(cy), lead, "stop", reason="no fit").status_code == 404
    assert Pursuit.objects.open().exists()
