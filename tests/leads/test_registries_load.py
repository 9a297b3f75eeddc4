"""A list takes effect whole or not at all, is never guessed about, and leaves its trace in the ledger."""

from __future__ import annotations

import json
import sqlite3
import sys
from datetime import UTC, date, datetime, timedelta
from io import StringIO

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from leads.models import GuardRule, Number, RegistryArea, RegistryBitmap, RegistryLoad, RegistryScrub
from leads.registries import load, reach, rejects, scrub
from leads.registries.facts import facts_of
from leads.registries.lookup import BitmapCache, in_force
from tests.lists import load_list
from tests.processes import ROOT, start, wait_until

NOW = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
TODAY = NOW.date()
DAY = timedelta(days=1)
ON_IT, NOT_ON_IT, ELSEWHERE = "+12125550101", "+12125550102", "+13055550101"

pytestmark = pytest.mark.usefixtures("no_lists")


@pytest.fixture
def loads(tmp_path):
    """loads(text, registry="us-ftc", on=…, name=…, forced=…): the row of the ledger of a file with this text."""

    def make(text: str, registry: str = "us-ftc", **how):
        return load_list(tmp_path, registry, text, **{"on": TODAY, "now": NOW, **how})

    return make


def hit(e164: str) -> bool | None:
    """Whether the number is on a list; None where no list covers it."""
    facts = facts_of([e164])[e164]
    return any(fact.hit for fact in facts) if facts else None


# --- What a load does -----------------------------------------------------------------------------------------


def test_a_full_list_replaces_the_list_of_its_areas_and_no_other(loads):
    loads("212,5550101\n305,5550101\n")
    row = loads("212,5550102\n", on=TODAY)
    assert (row.status, row.kind, row.list_date) == ("loaded", "full", TODAY)
    assert row.areas == [{"area": "212", "before": 1, "after": 1}]
    assert (hit(ON_IT), hit(NOT_ON_IT), hit(ELSEWHERE)) == (False, True, True)
    assert hit("+16465550101") is None
    assert RegistryArea.objects.get(area="212").version == 2
    assert RegistryBitmap.objects.count() == 2  # what was replaced is gone


def test_the_ledger_keeps_all_that_is_to_know_of_a_file(loads, max_):
    row = loads("212,5550101\nnobody 1\n212,5550101\n", name="2026-11-19_212_guid.txt", on=None)
    assert (row.registry, row.file_name, row.list_date) == (
        "us-ftc",
        "2026-11-19_212_guid.txt",
        date(2026, 11, 19),
    )
    assert (row.lines, row.accepted, row.rejected) == (3, 2, 1)
    assert row.rejections == [{"line": 2, "value": "nobody 1", "reason": row.rejections[0]["reason"]}]
    assert len(row.sha256) == 64
    assert row.started_at == row.finished_at == NOW
    assert "".join(rejects.all_of(row)).splitlines()[1].startswith("2,nobody 1,")


def test_all_rejected_lines_are_kept_beyond_those_the_ledger_shows(loads):
    row = loads("212,5550101\n" + "".join(f"no {n}\n" for n in range(250)))
    assert (row.rejected, len(row.rejections)) == (250, 100)
    assert len(list(rejects.all_of(row))) == 251


def test_the_name_says_the_date_before_anybody_else(loads):
    assert loads("212,5550101\n", name="2026-11-1_212_x.txt", on=TODAY).list_date == date(2026, 11, 1)


def test_a_date_is_never_guessed(loads):
    row = loads("212,5550101\n", on=None)
    assert (row.status, hit(ON_IT)) == ("refused", None)
    assert "date is not known" in row.why


def test_a_date_to_come_is_refused(loads):
    assert "future" in loads("212,5550101\n", on=TODAY + DAY).why


def test_an_older_list_is_loaded_and_says_so(loads):
    loads("212,5550101\n")
    row = loads("212,5550102\n", on=TODAY - 40 * DAY)
    assert row.status == "loaded"
    assert "Older" in row.why
    assert facts_of([ON_IT])[ON_IT][0].list_date == TODAY - 40 * DAY


REFUSED = [
    ("no number in it", "AreaCode,Phone\n", "list.txt", "no number"),
    ("only rubbish", "rubbish 1\nrubbish 2\n", "list.txt", "no number"),
    ("another area's numbers", "212,5550101\n305,5550101\n", "2026-11-20_212_x.txt", "wrong area"),
    ("a flag nobody knows", "212,5550101,A,1\n212,5550102,Q,1\n", "list.txt", "flag"),
    ("changes without a list", "646,5550101,A,1\n", "list.txt", "full list first"),
]


@pytest.mark.parametrize(("text", "name", "why"), [c[1:] for c in REFUSED], ids=[c[0] for c in REFUSED])
def test_a_refused_file_changes_nothing_but_the_ledger(loads, text, name, why):
    loads("212,5550101\n")
    before = list(RegistryArea.objects.values())
    row = loads(text, name=name)
    assert row.status == "refused"
    assert why in row.why
    assert list(RegistryArea.objects.values()) == before
    assert RegistryBitmap.objects.count() == 1
    assert (hit(ON_IT), hit(NOT_ON_IT)) == (True, False)


def test_a_list_that_shrinks_by_more_than_half_is_refused_unless_forced(loads):
    loads("".join(f"212,55501{n:02d}\n" for n in range(10)))
    assert loads("".join(f"212,55501{n:02d}\n" for n in range(5))).status == "loaded"
    row = loads("212,5550100\n212,5550101\n")
    assert (row.status, "shrink" in row.why) == ("refused", True)
    assert hit("+12125550104") is True
    forced = loads("212,5550100\n212,5550101\n", forced=True)
    assert (forced.status, forced.forced, hit("+12125550104")) == ("loaded", True, False)


def test_a_file_of_another_area_than_its_name_says_is_refused_unless_forced(loads):
    assert loads("305,5550101\n", name="2026-11-20_212_x.txt").status == "refused"
    assert hit(ELSEWHERE) is None
    assert loads("305,5550101\n", name="2026-11-20_212_x.txt", forced=True).status == "loaded"
    assert (hit(ELSEWHERE), hit(ON_IT)) == (True, None)


def test_strays_in_a_forced_file_do_not_replace_their_own_areas_list(loads):
    loads("305,5550101\n305,5550102\n")
    row = loads("212,5550101\n305,5550109\n", name="2026-11-20_212_x.txt", forced=True)
    assert (row.status, row.accepted, row.rejected) == ("loaded", 1, 1)
    assert (hit(ON_IT), hit(ELSEWHERE)) == (True, True)


def test_changes_apply_to_the_list_that_is_loaded(loads):
    loads("212,5550101\n212,5550103\n305,5550101\n", on=TODAY - 9 * DAY)
    row = loads("212,5550102,A,2026-11-20\n212,5550101,D,2026-11-20\n")
    assert (row.status, row.kind) == ("loaded", "change")
    assert (hit(ON_IT), hit(NOT_ON_IT), hit("+12125550103")) == (False, True, True)
    dates = dict(RegistryArea.objects.values_list("area", "list_date"))
    assert dates == {"212": TODAY, "305": TODAY - 9 * DAY}


def test_changes_older_than_the_list_are_refused_unless_forced(loads):
    loads("212,5550101\n")
    assert "newer" in loads("212,5550102,A,1\n", on=TODAY - DAY).why
    assert loads("212,5550102,A,1\n", on=TODAY - DAY, forced=True).status == "loaded"


def test_a_british_list_covers_the_country_even_where_it_names_nobody(loads):
    assert loads("0207 3787244\r\n", "uk-tps").areas == [{"area": "+44", "before": 0, "after": 1}]
    assert hit("+442073787244") is True
    assert hit("+441614960000") is False
    facts = facts_of(["+441614960000"])["+441614960000"]
    assert [fact.registry for fact in facts] == ["uk-tps"]


def test_a_registry_that_a_rule_names_takes_one_column_of_its_countrys_numbers(loads):
    row = loads("32 12 34 56\n+442073787244\n", "dk-robinson")
    assert (row.status, row.accepted, row.rejected) == ("loaded", 1, 1)
    assert (hit("+4532123456"), hit("+4532123457"), hit("+442073787244")) == (True, False, None)


def test_a_states_own_list_covers_the_states_area_codes(loads):
    GuardRule.objects.filter(jurisdiction="US-TX").update(
        registries=[{"registry": "tx-no-call", "max_age_days": 90, "hit": "block"}]
    )
    assert loads("+1 214 555 0101\n", "tx-no-call").status == "loaded"
    assert (hit("+12145550101"), hit("+17135550101"), hit("+12125550101")) == (True, False, None)


def test_a_registry_nobody_named_is_unknown():
    with pytest.raises(reach.UnknownRegistry, match="us-ftc"):
        load.start(ContentFile(b"", name="x.txt"), registry="us-fcc", now=NOW)
    assert not RegistryLoad.objects.exists()


# --- Readers beside a load ------------------------------------------------------------------------------------


def test_a_list_being_loaded_counts_as_stale_until_it_is_there(loads, tmp_path):
    """Seen from within: what the load tells while it runs."""
    loads("212,5550101\n305,5550101\n", on=TODAY - DAY)
    path = tmp_path / "2026-11-20_212_x.txt"
    path.write_text("212,5550101\n212,5550102\n")
    clock = iter(datetime.now(UTC) + n * timedelta(seconds=5) for n in range(1000))
    seen = []

    def look(_row):
        facts = facts_of([ON_IT, NOT_ON_IT, ELSEWHERE])
        seen.append([(fact.loading, fact.hit) for facts in facts.values() for fact in facts])

    row = load.start(path, registry="us-ftc", now=NOW)
    load.run(row.pk, clock=lambda: next(clock), path=path, tell=look)
    # The other process's lists are the old ones all the time, and only the areas concerned are being loaded.
    assert [(True, True), (True, False), (False, True)] in seen
    facts = facts_of([ON_IT, NOT_ON_IT, ELSEWHERE])
    assert [(f[0].loading, f[0].hit) for f in facts.values()] == [(False, True), (False, True), (False, True)]


def test_a_load_whose_process_is_gone_leaves_the_list_as_it_was(loads):
    loads("212,5550101\n")
    dead = RegistryLoad.objects.create(
        registry="us-ftc",
        file_name="x",
        at=NOW,
        status="loading",
        claimed_until=min(NOW, datetime.now(UTC)) - DAY,
    )
    RegistryArea.objects.update(loading=dead)
    assert facts_of([ON_IT])[ON_IT][0].loading is False
    assert loads("212,5550101\n").status == "loaded"
    dead.refresh_from_db()
    assert (dead.status, "interrupted" in dead.why) == ("refused", True)


def test_an_upload_whose_worker_died_is_begun_anew(loads):
    row = load.start(ContentFile(b"212,5550101\n", name="x.txt"), registry="us-ftc", list_date=TODAY, now=NOW)
    RegistryLoad.objects.filter(pk=row.pk).update(status="loading", claimed_until=NOW - DAY)
    RegistryBitmap.objects.create(load=row, key="1212", count=1, checksum="", data=b"half")
    assert load.waiting(now=NOW) == [row.pk]
    assert load.run(row.pk, clock=lambda: NOW).status == "loaded"
    assert hit(ON_IT) is True


def test_two_lists_of_a_registry_are_not_loaded_at_once(loads):
    RegistryLoad.objects.create(
        registry="us-ftc", file_name="x", at=NOW, status="loading", claimed_until=NOW + DAY
    )
    assert loads("212,5550101\n").status == "waiting"
    assert hit(ON_IT) is None
    assert loads("0207 3787244\n", "uk-tps").status == "loaded"


def test_an_uploads_file_is_kept_until_it_is_loaded_and_no_longer():
    row = load.start(
        ContentFile(b"212,5550101\n", name="a/../x.txt"), registry="us-ftc", list_date=TODAY, now=NOW
    )
    kept = row.file.name
    assert default_storage.exists(kept)
    assert load.waiting(now=NOW) == [row.pk]
    assert load.run(row.pk, clock=lambda: NOW).status == "loaded"
    assert not default_storage.exists(kept)
    assert load.waiting(now=NOW) == []


def test_damaged_bytes_count_as_not_loaded(loads):
    loads("212,5559876\n")  # a list that no other test has in the process's cache
    RegistryBitmap.objects.update(data=b"rubbish")
    assert facts_of([ON_IT])[ON_IT][0].loaded is False


@pytest.mark.parametrize("count", [1, 50])
def test_facts_cost_one_query_once_the_bitmaps_are_held(loads, count):
    numbers = [f"+1{200 + n}5550101" for n in range(count)]
    loads("".join(f"{200 + n},5550101\n" for n in range(0, count, 2)))
    facts_of(numbers)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        found = facts_of(numbers)
    assert len(queries) == 1
    assert [bool(found[number]) for number in numbers] == [n % 2 == 0 for n in range(count)]


def test_the_cache_keeps_within_its_bounds(loads):
    loads("".join(f"{area},{number:07d}\n" for area in range(200, 240) for number in range(0, 70000, 7)))
    cache = BitmapCache(limit=200_000)
    lists = in_force([f"1{area}" for area in range(200, 240)])
    for _round in range(2):
        assert sum(len(bitmap) for _listed, bitmap in cache.each(lists)) == 40 * 10_000
        assert cache.bytes <= 200_000


# --- Our numbers ----------------------------------------------------------------------------------------------


def numbers(*e164s: str) -> None:
    Number.objects.bulk_create(Number(e164=e164) for e164 in e164s)


def hits_on(e164: str) -> list:
    return Number.objects.get(e164=e164).registry_hits


def test_a_load_notes_hits_on_our_numbers_and_a_later_list_clears_them(loads):
    numbers(ON_IT, NOT_ON_IT, ELSEWHERE, "+442073787244")
    loads("212,5550101\n212,5550109\n305,5550101\n")
    loads("0207 3787244\n", "uk-tps")
    loads("0207 3787244\n", "uk-ctps")
    found = {"registry": "us-ftc", "list_date": "2026-11-20"}
    assert (hits_on(ON_IT), hits_on(NOT_ON_IT), hits_on(ELSEWHERE)) == ([found], [], [found])
    assert [hit["registry"] for hit in hits_on("+442073787244")] == ["uk-ctps", "uk-tps"]
    loads("212,5550102\n", on=TODAY, forced=True)
    assert (hits_on(ON_IT), hits_on(NOT_ON_IT), hits_on(ELSEWHERE)) == ([], [found], [found])
    report = RegistryScrub.objects.first()
    assert (report.numbers, report.hits, report.found, report.cleared) == (2, 1, 1, 1)
    assert report.finished_at


def test_the_nightly_scrub_finds_what_came_past_the_door_and_runs_once_a_night(loads):
    loads("212,5550101\n")
    numbers(ON_IT, "+4532123456", "+16465550101")
    night = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
    assert scrub.is_due(now=night)
    report = scrub.nightly(clock=lambda: night)
    assert (report.numbers, report.hits, report.found, report.cleared) == (3, 1, 1, 0)
    assert hits_on(ON_IT)
    assert not scrub.is_due(now=night + timedelta(minutes=10))
    assert not scrub.is_due(now=night + timedelta(hours=12))
    assert scrub.is_due(now=night + DAY)
    assert scrub.is_due(now=night + timedelta(hours=31))


def test_a_scrub_that_changes_nothing_writes_nothing(loads):
    numbers(ON_IT)
    loads("212,5550101\n")
    with CaptureQueriesContext(connection) as queries:
        scrub.nightly(clock=lambda: NOW)
    assert not [one for one in queries if one["sql"].startswith("UPDATE") and "leads_number" in one["sql"]]


def test_a_number_that_comes_in_carries_its_hits_at_once(loads, a_lead_with):
    loads("212,5550101\n")
    lead = a_lead_with("+1 212 555 0101", "+1 212 555 0102")
    assert [link.number.registered_with for link in lead.lead_numbers.select_related("number")] == [
        [("us-ftc", TODAY)],
        [],
    ]


@pytest.fixture
def a_lead_with(db):
    from leads.register import NewLead, PhoneInput, create_lead

    def make(*phones: str):
        fields = {"last_name": "Jones", "country": "US", "region": "NY"}
        return create_lead(NewLead(fields, [PhoneInput(phone) for phone in phones]), now=NOW)

    return make


# --- The command ----------------------------------------------------------------------------------------------


def command(*arguments: str) -> str:
    out = StringIO()
    call_command("load_registry", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_loads_several_files_and_prints_one_document(tmp_path):
    for area in ("212", "305"):
        (tmp_path / f"2026-11-20_{area}_x.txt").write_text(f"{area},5550101\nbad {area}\n")
    files = sorted(map(str, tmp_path.iterdir()))
    told = json.loads(command(*files, "--registry", "us-ftc", "--json"))
    assert (told["loaded"], told["refused"], told["areas"]) == (2, 0, ["212", "305"])
    assert (told["lines"], told["accepted"], told["rejected"]) == (4, 2, 2)
    assert [file["rejections"][0]["line"] for file in told["files"]] == [2, 2]
    assert hit(ELSEWHERE) is True


def test_the_command_says_in_words_what_it_did(tmp_path):
    file = tmp_path / "tps.txt"
    file.write_text("0207 3787244\r\nrubbish 1\r\n")
    said = command(str(file), "--registry", "uk-tps", "--list-date", "2026-11-01")
    assert "full list of 2026-11-01, +44: 1 numbers (1 of 2 lines, 1 rejected)" in said
    assert "line 2: 'rubbish 1'" in said


BAD = [
    ("no such registry", ("list.txt", "--registry", "us-fcc"), "expected one of: us-ftc"),
    ("no date", ("list.txt", "--registry", "us-ftc"), "--list-date"),
    ("no day", ("list.txt", "--registry", "us-ftc", "--list-date", "19.11.2026"), "2026-11-20"),
    ("no file", ("none.txt", "--registry", "us-ftc", "--list-date", "2026-11-19"), "no such file"),
    ("a refused file", ("bad.txt", "--registry", "us-ftc", "--list-date", "2026-11-19"), "no number"),
]


@pytest.mark.parametrize(("arguments", "why"), [c[1:] for c in BAD], ids=[c[0] for c in BAD])
def test_the_command_refuses_in_words(tmp_path, monkeypatch, arguments, why):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "list.txt").write_text("212,5550101\n")
    (tmp_path / "bad.txt").write_text("rubbish\n")
    with pytest.raises(CommandError, match=why):
        command(*arguments)
    assert not RegistryArea.objects.exists()


def test_one_refused_file_does_not_hold_up_the_others(tmp_path):
    (tmp_path / "2026-11-20_212_x.txt").write_text("rubbish\n")
    (tmp_path / "2026-11-20_305_x.txt").write_text("305,5550101\n")
    with pytest.raises(CommandError, match="212"):
        command(*sorted(map(str, tmp_path.iterdir())), "--registry", "us-ftc")
    assert (hit(ON_IT), hit(ELSEWHERE)) == (None, True)


def test_a_killed_load_changes_nothing_and_is_in_nobodys_way(idle_thaw, tmp_path):
    """A real process, killed with SIGKILL while it reads."""
    small, large = tmp_path / "small.txt", tmp_path / "large.txt"
    small.write_text("212,5550101\n")
    large.write_text("".join(f"{area},{n:07d}\n" for area in (212, 305) for n in range(1_500_000)))

    def arguments(file, on):
        return ["load_registry", str(file), "--registry", "us-ftc", "--list-date", on, "--json"]

    assert idle_thaw.manage(*arguments(small, "2026-11-01")).returncode == 0
    database = next(idle_thaw.directory.glob("*.sqlite3"))

    def ask(sql):
        with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connected:
            return connected.execute(sql).fetchall()

    in_use = "SELECT key, version, bitmap_id, list_date FROM leads_registryarea"
    before = ask(in_use)
    command = [sys.executable, str(ROOT / "manage.py"), *arguments(large, "2026-11-02")]
    process = start(command, env=idle_thaw.env())
    underway = "SELECT 1 FROM leads_registryload WHERE status = 'loading'"
    wait_until(lambda: ask(underway), seconds=60, what="the load to begin")
    process.kill()
    process.wait()
    assert ask(underway), "the load was done before it was killed"
    assert ask(in_use) == before
    verdict = idle_thaw.manage("check_number", "+12125550102", "--at", "2026-11-05T12:00:00-05:00", "--json")
    codes = [reason["code"] for reason in json.loads(verdict.stdout)["reasons"]]
    assert "registry_list_stale" not in codes
    assert "registry_hit" not in codes
    again = idle_thaw.manage(*arguments(large, "2026-11-02"))
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["accepted"] == 3_000_000
    assert ask("SELECT status FROM leads_registryload ORDER BY id") == [
        ("loaded",),
        ("refused",),
        ("loaded",),
    ]
    assert ask("SELECT count(*) FROM leads_registrybitmap") == [(2,)]
