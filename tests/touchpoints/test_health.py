"""Do operators see how the engine is doing, the same on the page, in the metrics and in the readiness check?"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from crm.accounts.models import User
from leads.models import AuditEvent, Lead
from touchpoints import engine, health, set_aside, sweeps
from touchpoints.models import SweepRun, Touchpoint

pytestmark = pytest.mark.django_db
ALead = Callable[..., Lead]
Touched = Callable[..., Touchpoint]
SECOND = timedelta(seconds=1)


@pytest.fixture
def poison(a_lead: ALead, touched: Touched, ada: User, now: datetime) -> Touchpoint:
    """A touchpoint that was set aside after its tries."""
    touchpoint = touched(a_lead(owner=ada, last_name="Nair"), "referral", evaluate=False)
    Touchpoint.objects.update(
        set_aside_at=now, evaluation_tries=set_aside.MOST_TRIES, evaluation_error="division by zero"
    )
    touchpoint.refresh_from_db()
    return touchpoint


def test_the_figures(a_lead: ALead, touched: Touched, poison: Touchpoint, ada: User, now: datetime) -> None:
    touched(a_lead(owner=ada), "referral", now=now - timedelta(minutes=30))
    touched(a_lead(owner=ada), "referral", now=now - timedelta(minutes=2))
    touched(a_lead(owner=ada), "referral", now=now - timedelta(hours=2))
    touched(a_lead(owner=ada), "referral", now=now - 20 * SECOND, evaluate=False)
    touched(a_lead(owner=ada), "referral", now=now - 9 * SECOND, evaluate=False)
    Lead.objects.filter(pk=poison.lead_id).update(evaluation_due_at=now)
    found = health.figures(now=now)
    assert (found.backlog, found.oldest_age, found.is_behind) == (2, 20 * SECOND, False)
    assert (found.evaluated_5_minutes, found.evaluated_hour) == (1, 2)
    assert (found.set_aside, found.leads_due) == (1, 1)


def test_what_was_set_aside_holds_nothing_up(poison: Touchpoint, now: datetime) -> None:
    assert health.oldest_age(now=now + timedelta(days=1)) is None
    assert not health.is_behind(now=now + timedelta(days=1))


@pytest.mark.parametrize("waited, behind", [(60, False), (61, True)])
def test_a_minute_is_behind(
    a_lead: ALead, touched: Touched, now: datetime, waited: int, behind: bool
) -> None:
    touched(a_lead(), "referral", evaluate=False)
    assert health.is_behind(now=now + waited * SECOND) is behind


def test_a_sweep_that_misses_its_turns_is_late(now: datetime) -> None:
    SweepRun.objects.create(name="cool_expired", started_at=now, looked_at=7, changed=3)

    def cooling(at: datetime) -> health.Sweep:
        return next(sweep for sweep in health.sweeps(now=at) if sweep.name == "cool_expired")

    assert not cooling(now + 60 * SECOND).is_late
    assert cooling(now + 61 * SECOND).is_late
    never = next(sweep for sweep in health.sweeps(now=now) if sweep.name == "start_pursuits")
    assert (never.last, never.is_late) == (None, True)


def test_after_a_start_a_sweep_is_due_and_late_only_when_it_misses_that(now: datetime) -> None:
    SweepRun.objects.create(name="recycle_pursuits", started_at=now - timedelta(days=2))
    sweeps.note_start(now=now)

    def seen(name: str, at: datetime) -> health.Sweep:
        return next(sweep for sweep in health.sweeps(now=at) if sweep.name == name)

    for name in ("thin_records", "recycle_pursuits"):
        fresh = seen(name, now + timedelta(minutes=50))
        assert (fresh.is_late, fresh.due_at) == (False, now + timedelta(hours=1)), name
        assert seen(name, now + timedelta(hours=3, seconds=31)).is_late, name
    with sweeps.noted("thin_records", now=now + timedelta(hours=1)):
        pass
    ran = seen("thin_records", now + timedelta(hours=1))
    assert (ran.is_late, ran.due_at, ran.age) == (False, None, timedelta())
    assert sweeps.CLOCK not in {sweep.name for sweep in health.sweeps(now=now)}


def test_every_sweep_that_is_rung_notes_its_run_and_has_a_label(now: datetime) -> None:
    from crm.celery import app

    app.loader.import_default_modules()
    for task in app.conf.beat_schedule:
        app.tasks[task].apply(throw=True)
    found = health.sweeps(now=timezone.now())
    assert [sweep.name for sweep in found if sweep.last is None or sweep.is_late] == []
    assert [sweep.name for sweep in found if sweep.name not in health.LABELS] == []


def test_a_sweep_that_fails_says_so(now: datetime) -> None:
    with pytest.raises(ZeroDivisionError), sweeps.noted("cool_expired", now=now) as run:
        run.looked_at = 1 // 0
    assert SweepRun.objects.get(name="cool_expired").error == "integer division or modulo by zero"


def test_tried_again_it_counts(poison: Touchpoint, root: User, now: datetime) -> None:
    assert set_aside.try_again(poison, by=root, now=now)
    assert not health.is_behind(now=now + timedelta(days=1)), "what failed before says nothing of the pace"
    assert not set_aside.try_again(poison, by=root, now=now), "once"
    engine.evaluate_waiting(now=now)
    poison.refresh_from_db()
    assert (poison.evaluated_at, poison.evaluation_tries, poison.set_aside_at) == (now, 0, None)
    poison.lead.refresh_from_db()
    assert poison.lead.temperature == "warm"
    event = AuditEvent.objects.get(action="touchpoint_tried_again")
    assert (event.actor, event.lead_id) == (root, poison.lead_id)
    assert event.before == {"tries": set_aside.MOST_TRIES, "error": "division by zero"}


# --- the page, the metrics, the readiness check ----------------------------------------------------------------------


def test_the_page_shows_the_poison_and_has_it_tried_again(
    poison: Touchpoint, client: Client, root: User
) -> None:
    client.force_login(root)
    page = client.get("/engine/").content.decode()
    for words in ("division by zero", "Nair", "Cool leads whose date has passed", "never", "late"):
        assert words in page, words
    part = client.get("/engine/", headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in part
    assert 'hx-get="/engine/"' in part
    answer = client.post(f"/engine/{poison.pk}/again/")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/engine/")
    assert "division by zero" not in client.get("/engine/").content.decode()
    assert client.post(f"/engine/{poison.pk}/again/").status_code == 404


def test_the_page_is_for_admins(poison: Touchpoint, client: Client, max_: User) -> None:
    client.force_login(max_)
    assert client.get("/engine/").status_code == 403
    assert client.post(f"/engine/{poison.pk}/again/").status_code == 403
    poison.refresh_from_db()
    assert poison.set_aside_at is not None


def test_metrics_say_the_same(a_lead: ALead, touched: Touched, poison: Touchpoint, client: Client) -> None:
    at = timezone.now() - timedelta(minutes=2)
    touched(a_lead(), "referral", now=at, evaluate=False)
    SweepRun.objects.create(name="cool_expired", started_at=at)
    lines = client.get("/metrics", REMOTE_ADDR="127.0.0.1", HTTP_HOST="localhost").content.decode()
    values = dict(line.rsplit(" ", 1) for line in lines.splitlines() if not line.startswith("#"))
    assert float(values["thaw_engine_backlog"]) == 1
    assert float(values["thaw_engine_set_aside"]) == 1
    assert 120 <= float(values["thaw_engine_oldest_age_seconds"]) < 180
    assert 120 <= float(values['thaw_sweep_age_seconds{sweep="cool_expired"}']) < 180


def test_not_ready_while_the_engine_is_behind(a_lead: ALead, touched: Touched, client: Client) -> None:
    now = timezone.now()
    touched(a_lead(), "referral", now=now - 50 * SECOND, evaluate=False)
    assert client.get("/readyz").json()["checks"]["engine"] == "ok"
    Touchpoint.objects.update(recorded_at=now - 70 * SECOND)
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["checks"]["engine"]) == (503, "behind")
    engine.evaluate_waiting(now=now)
    assert client.get("/readyz").json()["checks"]["engine"] == "ok"
