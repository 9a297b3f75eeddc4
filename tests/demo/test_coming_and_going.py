"""A demo is the same for the same seed, refuses to mix with what is there, and leaves without a trace."""

import json
import stat
from datetime import UTC, datetime

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.urls import reverse

from crm.demo import access, logins
from crm.demo.build import Refused, build
from crm.demo.clear import clear
from crm.demo.manifest import exists
from leads.models import Lead, LeadList, LeadNumber, Number, Workspace
from touchpoints import queue
from touchpoints.models import CallAttempt

NOW = datetime(2026, 11, 18, 13, 40, tzinfo=UTC)  # a Wednesday


@pytest.fixture
def thaw_dir(settings, tmp_path):
    settings.THAW_DIR = tmp_path
    return tmp_path


def rows_by_table() -> dict[str, int]:
    return {
        model._meta.label: model._base_manager.count()
        for model in apps.get_models(include_auto_created=True)
        if model._meta.managed and not model._meta.proxy
    }


@pytest.mark.parametrize("hour", [0, 5, 11, 19])
def test_a_first_start_at_any_hour_on_a_sunday_finds_a_lead_for_ada(db, hour):
    now = datetime(2026, 11, 22, hour, 10, tzinfo=UTC)
    build(leads=120, seed=3, now=now, password="secret")
    assert queue.next_lead(get_user_model().objects.get(username="ada"), now=now) is not None


def test_the_same_seed_on_the_same_day_makes_the_same_demo(db):
    def portrait():
        built = build(leads=120, seed=5, now=NOW, password="secret")
        calls = list(
            CallAttempt.objects.order_by("pk").values_list("started_at", "outcome", "user__username")
        )
        names = list(
            Lead.objects.order_by("pk").values_list("first_name", "last_name", "warm_until", "stage")
        )
        clear()
        return built.counts, calls, names

    assert portrait() == portrait()


def test_clear_leaves_every_table_as_it_was(db, thaw_dir):
    before = rows_by_table()
    build(leads=120, seed=5, now=NOW, password="secret")
    assert exists()
    clear()
    assert rows_by_table() == before
    assert not exists()
    assert Workspace.current().seller_name == ""


def test_clear_keeps_what_was_added_meanwhile(db, thaw_dir):
    build(leads=120, seed=5, now=NOW, password="secret")
    ada = get_user_model().objects.get(username="ada")
    real = Lead.objects.create(last_name="Real", owner=ada, team=ada.team, created_at=NOW)
    number = LeadNumber.objects.filter(lead__is_demo=True).first().number
    LeadNumber.objects.create(lead=real, number=number)
    call = CallAttempt.objects.create(
        lead=real, user=ada, team=ada.team, number=number, started_at=NOW, ended_at=NOW
    )
    real_list = LeadList.objects.create(name="Mine", created_at=NOW)
    clear()
    real.refresh_from_db()
    call.refresh_from_db()
    assert (real.owner, real.team, call.user, call.number) == (None, None, None, number)
    assert list(Lead.objects.all()) == [real]
    assert list(Number.objects.all()) == [number]
    assert list(LeadList.objects.all()) == [real_list]


@pytest.mark.parametrize("leads", [0, -3, 119, 12_001])
def test_a_number_of_leads_out_of_range_is_refused(db, leads):
    with pytest.raises(Refused, match="expected 120 to 12000"):
        build(leads=leads, seed=1, now=NOW, password="secret")
    assert not exists()


def test_a_login_that_is_taken_is_refused_and_nothing_written(db):
    get_user_model().objects.create_user("ada", password="mine-and-only-mine")
    with pytest.raises(Refused, match="'ada'"):
        build(leads=200, seed=1, now=NOW, password="secret")
    assert not Lead.objects.exists()


# --- the command and the button ---------------------------------------------------------------------------------


def test_the_command_prints_one_document_and_keeps_the_logins_to_their_owner(db, thaw_dir, capsys, client):
    call_command("demo", "--leads", "120", "--json")
    printed = capsys.readouterr()
    assert json.loads(printed.out)["built"]["leads"] == 120
    assert "week 12 of 12" in printed.err or "writing" in printed.err
    kept = thaw_dir / "demo-logins.txt"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    password, users = access.read()
    assert [user["username"] for user in users][:2] == ["ada", "bea"]
    assert any(password in line for line in logins())
    assert client.login(username="ada", password=password)
    with pytest.raises(CommandError, match="--clear"):
        call_command("demo", "--leads", "120")
    call_command("demo", "--clear", "--json")
    assert json.loads(capsys.readouterr().out)["removed"]["leads"] == 120
    assert logins() == []
    with pytest.raises(CommandError, match="no demo"):
        call_command("demo", "--clear")


def test_only_an_admin_removes_the_demo_and_stays(db, thaw_dir, client):
    build(leads=120, seed=5, now=NOW, password="secret")
    people = get_user_model().objects
    for username in ("ada", "max"):
        client.force_login(people.get(username=username))
        assert client.post(reverse("demo_clear")).status_code == 403
    client.force_login(people.get(username="admin"))
    assert client.get(reverse("demo_clear")).status_code == 405
    assert exists()
    assert client.post(reverse("demo_clear")).status_code == 302
    assert not exists()
    assert [user.username for user in people.all()] == ["admin"]
    assert people.get().is_demo is False


def test_a_visitor_is_sent_to_sign_in(db, client):
    assert client.post(reverse("demo_clear")).status_code == 302


def test_the_banner_is_offered_to_admins_while_there_is_a_demo(db, rf):
    from django.template import Context, Template

    def banner(username):
        request = rf.get("/")
        request.user = get_user_model().objects.get(username=username)
        return Template("{% load demo %}{% demo_banner %}").render(
            Context({"request": request, "csrf_token": "x"})
        )

    root = get_user_model().objects.create_superuser("root", password="mine-and-only-mine")
    assert banner("root").strip() == ""
    build(leads=120, seed=5, now=NOW, password="secret")
    assert reverse("demo_clear") in banner("root")
    assert banner("ada").strip() == banner("max").strip() == ""
    clear(keep=root)
    assert banner("root").strip() == ""
