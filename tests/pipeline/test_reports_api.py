"""The dashboards' numbers for programs, behind their addresses."""

import pytest
import time_machine
from django.urls import path
from rest_framework.test import APIClient

from crm.pipeline.api import urlpatterns as reports
from crm.pipeline.reports import GROUPS
from tests.pipeline.scenario import NOW, lay_out

# The addresses stand under /api/v1/ in the product; here they stand alone, and so does what they answer.
urlpatterns = [path(f"api/v1/{one.pattern}", one.callback, name=one.name) for one in reports]

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]


@pytest.fixture(autouse=True)
def _at_three_on_wednesday():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def leads(ada, bea, cy):
    return lay_out(ada, bea, cy)


@pytest.fixture
def ask():
    def get(user, group, **query):
        client = APIClient()
        client.force_authenticate(user)
        return client.get(f"/api/v1/reports/{group}/", query)

    return get


def rows_of(answer, key, by):
    return {row[by]: row for row in answer.json()["tiles"][key]["rows"]}


@pytest.mark.parametrize("group", sorted(GROUPS))
def test_every_group_answers_with_its_tiles(leads, ask, max_, group):
    answer = ask(max_, group)
    assert answer.status_code == 200
    body = answer.json()
    assert set(body["tiles"]) == set(GROUPS[group])
    assert (body["team"], body["list"]) == (None, None)
    assert body["since"].startswith("2025-12-25T00:00:00")
    for tile in body["tiles"].values():
        assert tile["title"]
        assert tile["definition"]
        assert tile["denominator"]
        assert all(column["key"] in row for row in tile["rows"] for column in tile["columns"])


def test_the_numbers_are_those_of_the_page(leads, ask, max_):
    assert rows_of(ask(max_, "pipeline"), "funnel", "step")["connected"]["cold"] == 3
    persistence = ask(max_, "persistence").json()["tiles"]
    assert persistence["attempts"]["summary"]["share_given_up_early"] == 0.25
    assert persistence["first_reach"]["rows"][1]["hazard"] == pytest.approx(2 / 7)
    assert rows_of(ask(max_, "activity"), "reps", "username")["bea"]["dials"] == 10
    assert ask(max_, "heatmap").json()["tiles"]["heatmap"]["rows"][0]["estimate"] == pytest.approx(9.5 / 32)
    connect = rows_of(ask(max_, "comparison"), "comparison", "measure")["connect_per_dial"]
    assert connect["cold_low"] < connect["cold_share"] < connect["cold_high"]


def test_reps_get_their_own_figures(leads, ask, ada):
    assert set(rows_of(ask(ada, "activity"), "reps", "username")) == {"ada"}
    assert rows_of(ask(ada, "pipeline"), "funnel", "step")["attempted"]["warm"] == 2


def test_strangers_get_nothing(leads, ask):
    assert ask(None, "pipeline").status_code in (401, 403)


@pytest.mark.parametrize(
    ("query", "field", "said"),
    [
        ({"colour": "red"}, "colour", "period"),
        ({"format": "csv"}, "format", "period"),
        ({"period": "decade"}, "period", "12w"),
        ({"since": "yesterday"}, "since", "2026-03-31"),
        ({"team": "South"}, "team", "team"),
        ({"list": "x"}, "list", "list"),
    ],
)
def test_what_is_not_understood_is_400_with_the_field(leads, ask, max_, query, field, said):
    answer = ask(max_, "pipeline", **query)
    assert answer.status_code == 400
    assert field in answer.content.decode()
    assert said in answer.content.decode()


def test_filters_are_those_of_the_page(leads, ask, root):
    answer = ask(root, "pipeline", team="South", since="2026-03-01", until="2026-03-18")
    assert answer.json()["team"] == "South"
    assert answer.json()["until"].startswith("2026-03-19T00:00:00")
    assert rows_of(answer, "funnel", "step")["attempted"]["cold"] == 1
