"""The manager's page as a browser gets it: who may see it, what it costs, where its links lead, its CSV."""

import csv
import io
import re
from html import unescape

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import NoReverseMatch, reverse

from crm.pipeline.panels import Panel, csv_lines
from crm.pipeline.reports import REPORTS
from leads.models import LeadList
from tests.pipeline.scenario import NOW, lay_out, scope_of

pytestmark = pytest.mark.django_db
PAGE = "/pipeline/"


@pytest.fixture(autouse=True)
def _at_three_on_wednesday():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def leads(ada, bea, cy):
    return lay_out(ada, bea, cy)


@pytest.fixture
def manager(client, max_):
    client.force_login(max_)
    return client


def queries_of(client, address):
    with CaptureQueriesContext(connection) as found:
        assert client.get(address).status_code == 200
    return len(found)


def test_its_names():
    assert reverse("pipeline") == PAGE
    assert reverse("pipeline_leads") == "/pipeline/leads/"


@pytest.mark.parametrize(
    "address", [PAGE, "/pipeline/leads/?tile=funnel&part=won.cold", "/pipeline/?tile=reps&format=csv"]
)
def test_reps_are_refused_and_strangers_sent_to_sign_in(client, ada, address):
    assert client.get(address).status_code == 302
    client.force_login(ada)
    assert client.get(address).status_code == 403


@pytest.mark.parametrize("address", [PAGE, "/pipeline/leads/?tile=funnel&part=won.cold"])
def test_it_is_read_and_never_posted_to(manager, address):
    assert manager.post(address).status_code == 405


def test_it_shows_every_tile_with_its_definition_and_denominator(manager, leads, max_):
    html = unescape(manager.get(PAGE).content.decode())
    for key, report in REPORTS.items():
        tile = report.build(scope_of(max_))
        assert tile.title in html, key
        assert tile.definition in html, key
        assert tile.denominator in html, key
        assert f"tile={key}&format=csv" in html, key


def test_every_number_on_it_leads_to_its_leads(manager, leads):
    html = unescape(manager.get(PAGE).content.decode())
    addresses = sorted(set(re.findall(r'href="(/pipeline/leads/[^"]*)"', html)))
    assert len(addresses) > 60
    for address in addresses:
        answer = manager.get(address)
        assert answer.status_code == 200, address
        assert answer.context["page_obj"].paginator.count >= 1, address
        assert answer.context["figure"], address


def test_it_costs_the_same_whatever_there_is(manager, leads):
    few = queries_of(manager, PAGE)
    leads[1].pursuits.all().delete()
    for number in range(30):
        LeadList.objects.create(name=f"List {number}", source="built", created_at=NOW)
    assert queries_of(manager, PAGE) == few
    assert few == 32


def test_the_leads_behind_a_figure_cost_the_same_for_one_and_for_many(manager, leads):
    one = queries_of(manager, "/pipeline/leads/?tile=funnel&part=won.cold")
    many = queries_of(manager, "/pipeline/leads/?tile=funnel&part=attempted.cold")
    assert one == many == 7


def test_filters_travel_with_every_link(manager, leads, root, client):
    client.force_login(root)
    html = unescape(client.get(PAGE, {"team": "North", "list": "Fair", "period": "4w"}).content.decode())
    links = re.findall(r'href="(/pipeline/(?:leads/)?\?[^"]*tile=[^"]*)"', html)
    assert links
    assert all("team=North" in link and "list=Fair" in link and "period=4w" in link for link in links)


def test_stages_lead_to_the_leads_page_once_there_is_one(leads, max_):

    tile = REPORTS["stages"].build(scope_of(max_))
    href = Panel(tile, {"list": "Fair", "period": "4w"}).href("meeting.warm")
    assert href in ("", f"{_leads_page()}?stage=meeting&list=Fair&temperature=warm")


def _leads_page():

    try:
        return reverse("leads")
    except NoReverseMatch:
        return None


@pytest.mark.parametrize(
    ("query", "said"),
    [
        pytest.param({"period": "decade"}, "Expected one of: today, 7d, 4w, 12w, 1y.", id="period"),
        pytest.param({"since": "2026-02-30"}, "Expected a day, as in 2026-03-31.", id="no such day"),
        pytest.param(
            {"since": "2026-03-02", "until": "2026-03-01"}, "Expected a day on or after", id="turned round"
        ),
        pytest.param({"since": "0001-01-01"}, "between 1970 and 2199", id="before time"),
        pytest.param({"team": "South"}, "a team whose figures you may see", id="another's team"),
        pytest.param({"list": "No such"}, "Expected the name of a list.", id="list"),
        pytest.param({"tile": "nonsense", "format": "csv"}, "hand_raisers, capacity", id="tile"),
        pytest.param({"tile": "reps", "format": "exe"}, "expected one of: csv", id="format"),
    ],
)
def test_what_is_not_understood_is_named(manager, leads, query, said):
    answer = manager.get(PAGE, query)
    assert answer.status_code == 400
    assert said in unescape(answer.content.decode())


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"tile": "funnel", "part": "won.tepid"}, "won.cold"),
        ({"tile": "funnel"}, "won.cold"),
        ({"tile": "nonsense", "part": "x"}, "hand_raisers"),
        ({"part": "x"}, "hand_raisers"),
        ({"tile": "funnel", "part": "won.cold", "period": "decade"}, "Expected one of: today"),
    ],
)
def test_a_figure_that_does_not_exist_is_named(manager, leads, query, said):
    answer = manager.get("/pipeline/leads/", query)
    assert answer.status_code == 400
    assert said in unescape(answer.content.decode())


def test_a_managers_list_of_leads_is_the_teams(manager, leads, root, client):
    query = {"tile": "blocked", "part": "hours_closed"}
    assert "Lead 11" not in manager.get("/pipeline/leads/", query).content.decode()
    client.force_login(root)
    assert "Lead 11" in client.get("/pipeline/leads/", query).content.decode()


def test_the_csv_holds_the_tiles_rows(manager, leads):
    answer = manager.get(PAGE, {"tile": "attempts", "format": "csv"})
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"] == 'attachment; filename="thaw-attempts-2026-03-18.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert rows[0] == {
        "Calls": "1",
        "Pursuits": "1",
        "Given up": "0",
        "Exhausted": "0",
        "Ended by an answer or a fact": "1",
    }
    assert len(rows) == 18


@pytest.mark.parametrize("key", sorted(REPORTS))
def test_every_tile_has_a_csv(manager, leads, key):
    answer = manager.get(PAGE, {"tile": key, "format": "csv"})
    lines = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert len(lines) > 1
    assert {len(line) for line in lines} == {len(lines[0])}


def test_a_name_that_a_spreadsheet_would_run_is_disarmed(leads, max_):

    LeadList.objects.filter(name="Fair").update(name='=HYPERLINK("http://x")')
    lines = "".join(csv_lines(REPORTS["lists"].build(scope_of(max_))))
    assert "'=HYPERLINK" in lines
    assert not re.search(r'(^|\n|,)"?=', lines)


def test_a_new_workspace_says_that_there_is_nothing_yet(manager):
    html = manager.get(PAGE).content.decode()
    assert "No pursuit begun in this period has been dialled yet." in html
    assert "No pursuit has ended in this period yet." in html


def test_days_that_are_named_say_more_than_a_period(manager, leads):
    form = manager.get(PAGE, {"period": "1y", "since": "2026-03-02", "until": "2026-03-10"}).context["form"]
    scope = form.scope()
    assert (scope.since.date().isoformat(), scope.until.date().isoformat()) == ("2026-03-02", "2026-03-11")
    assert form.query() == {"since": "2026-03-02", "until": "2026-03-10"}
    assert form["period"].value() == ""


def test_only_one_end_of_the_period_may_be_named(manager, leads):
    scope = manager.get(PAGE, {"until": "2026-03-10"}).context["form"].scope()
    assert (scope.since.date().isoformat(), scope.until.date().isoformat()) == ("2025-12-17", "2026-03-11")
    scope = manager.get(PAGE, {"since": "2026-03-10"}).context["form"].scope()
    assert (scope.since.date().isoformat(), scope.until.date().isoformat()) == ("2026-03-10", "2026-03-19")
