"""The command: one JSON document on stdout, reasons on stderr, and an exit code that tells the two apart."""

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from leads.models import Lead, LeadList

FILES = Path(__file__).parent / "files"
pytestmark = pytest.mark.django_db


def run(*arguments, **options):
    out = StringIO()
    call_command("import_leads", *map(str, arguments), stdout=out, json=True, **options)
    return json.loads(out.getvalue())


def test_a_file_of_people():
    outcome = run(FILES / "hubspot.csv", list="Spring")
    assert outcome == {
        "file": str(FILES / "hubspot.csv"),
        "list": "Spring",
        "rows": 4,
        "created": 3,
        "duplicates": 0,
        "refused": 1,
        "refusals": [
            {
                "line": 5,
                "field": "email",
                "value": "cy.cole-at-cole.example",
                "reason": "not an e-mail address",
                "expected": "one such as ann@example.com",
            }
        ],
    }
    assert all(lead.team.is_default and lead.owner is None for lead in Lead.objects.all())


def test_numbers_are_read_in_the_region_given():
    run(FILES / "danish_cp1252.csv", list="DK", region="DK")
    assert Lead.objects.get(first_name="Åse").lead_numbers.get().number.e164 == "+4532123457"


def test_a_dry_run_says_the_same_and_writes_nothing():
    dry = run(FILES / "hubspot.csv", list="Spring", dry_run=True)
    assert not Lead.objects.exists()
    assert not LeadList.objects.exists()
    assert dry == run(FILES / "hubspot.csv", list="Spring")
    assert run(FILES / "hubspot.csv", list="Spring", dry_run=True)["duplicates"] == 3


def test_owner_and_team(ada, south):
    run(FILES / "linkedin.csv", list="A", owner="ada")
    assert Lead.objects.get().owner == ada
    run(FILES / "google.csv", list="B", team="South")
    assert Lead.objects.get(first_name="Eve").team == south


def test_several_errors_of_one_row_stand_together(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("name,email,phone\nAnn,nope,12\n")
    outcome = run(path, list="X")
    assert (outcome["refused"], len(outcome["refusals"])) == (1, 1)
    assert [outcome["refusals"][0]["field"], outcome["refusals"][0]["also"][0]["field"]] == ["email", "phone"]


@pytest.mark.parametrize(
    "content, options, word",
    [
        (None, {}, "No such file"),
        (b"", {}, "empty"),
        (b"Ann Lee,ann@example.com\n", {}, "no header"),
        (b"colour,size\nred,5\n", {}, "who a row is about"),
        (b"PK\x03\x04xx", {}, "XLSX"),
        (b"name\nAnn\n", {"region": "Atlantis"}, "--region"),
        (b"name\nAnn\n", {"owner": "nobody"}, "--owner"),
        (b"name\nAnn\n", {"team": "Nowhere"}, "--team"),
        (b"name\nAnn\n", {"list": " "}, "--list"),
        (b"name\nAnn\n", {"list": "x" * 121}, "--list"),
    ],
)
def test_a_refused_file_or_argument_leaves_nothing(tmp_path, content, options, word):
    path = tmp_path / "people.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CommandError, match=word):
        run(path, **{"list": "X", **options})
    assert not Lead.objects.exists()
    assert not LeadList.objects.exists()


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(CommandError, match="directory"):
        run(tmp_path, list="X")


def test_from_a_shell(idle_thaw):
    good = idle_thaw.manage("import_leads", str(FILES / "hubspot.csv"), "--list", "Spring", "--json")
    assert good.returncode == 0, good.stderr
    assert json.loads(good.stdout)["created"] == 3
    bad = idle_thaw.manage("import_leads", "/nowhere.csv", "--list", "Spring", "--json")
    assert bad.returncode != 0
    assert bad.stdout == ""
    assert "No such file" in bad.stderr
    assert "Traceback" not in bad.stderr
