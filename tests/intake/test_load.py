"""Every row of a file ends as exactly one thing: a new lead, one already known, or a refusal with its reasons."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm.accounts.models import Team
from crm.intake import load, receive
from crm.intake.models import ImportedRow, LeadImport
from leads.models import Company, Lead, LeadList, Number
from leads.register import NewLead, PhoneInput, create_lead
from leads.spreadsheet import csv_lines
from tests.processes import wait_until

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
FILES = Path(__file__).parent / "files"


def bring(data: bytes, *, list_name="Fair", owner=None, team=None, by=None, region="US") -> LeadImport:
    """A file handed in and confirmed as it was guessed, not yet worked on."""
    file = ContentFile(data, name="people.csv")
    recognised = receive.recognise(file)
    received = receive.keep(file, recognised, name="people.csv", region=region, by=by, now=NOW)
    given = {"list_name": list_name, "region": region, "owner": owner, "team": team, "now": NOW}
    assert receive.confirm(received, recognised.columns, **given)
    return received


def run(data: bytes, **given) -> LeadImport:
    received = bring(data, **given)
    load.run(received.pk, clock=lambda: NOW)
    received.refresh_from_db()
    assert received.status == "done", received.error
    return received


def counts(received: LeadImport) -> tuple[int, int, int]:
    return received.created_count, received.duplicate_count, received.refused_count


def table(*rows: list[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


@pytest.mark.django_db
class TestRows:
    def test_people_become_leads_of_a_list_and_a_pool(self, north):
        received = run((FILES / "hubspot.csv").read_bytes(), team=north)
        assert counts(received) == (3, 0, 1)
        ann = Lead.objects.get(email="ann.lee@abc.example")
        assert (ann.first_name, ann.company.name, ann.country, ann.region) == ("Ann", "ABC Ltd", "US", "NY")
        assert (ann.audience, ann.team, ann.owner) == ("business", north, None)
        assert [link.number.e164 for link in ann.lead_numbers.all()] == ["+12125550101", "+12125550102"]
        assert set(LeadList.objects.get(name="Fair").leads.all()) == set(Lead.objects.all())
        refused = received.rows.get(result="refused")
        assert refused.line == 5
        assert refused.errors == [
            {
                "field": "email",
                "value": "cy.cole-at-cole.example",
                "reason": "not an e-mail address",
                "expected": "one such as ann@example.com",
            }
        ]
        assert refused.cells[1] == "Cy"

    def test_a_rep_who_takes_them_owns_them(self, ada):
        run(table(["name", "email"], ["Ann Lee", "a@example.com"]), owner=ada, by=ada)
        lead = Lead.objects.get()
        assert (lead.owner, lead.team, lead.created_by) == (ada, ada.team, ada)

    def test_known_people_are_put_on_the_list_and_left_as_they_are(self):
        new = NewLead(
            {"first_name": "Ann", "email": "ann@example.com"}, [PhoneInput("+12125550101")], {"x": "1"}
        )
        ann = create_lead(new, now=NOW)
        data = table(
            ["First name", "Last name", "E-mail"], ["Anne", "Lee", "ANN@example.com"], ["Bo", "Berg", ""]
        )
        received = run(data)
        assert counts(received) == (1, 1, 0)
        ann.refresh_from_db()
        assert (ann.first_name, ann.last_name) == ("Ann", "")
        assert LeadList.objects.get().leads.count() == 2
        assert received.rows.get(line=2).lead == ann

    def test_an_earlier_row_of_the_file_is_known(self):
        data = table(
            ["First name", "Last name", "E-mail", "Phone"],
            ["Ann", "Lee", "a@example.com", ""],
            ["Anne", "Lee", "A@EXAMPLE.COM", ""],
            ["Bo", "Berg", "", "212 555 0101"],
            ["Bo", "BERG", "", "+1 (212) 555-0101"],
            ["Cy", "Cole", "", "212 555 0101"],
        )
        received = run(data)
        assert counts(received) == (3, 2, 0)
        assert received.rows.get(line=3).lead == received.rows.get(line=2).lead
        assert Number.objects.with_shared().get().shared

    def test_the_same_file_again_makes_nobody(self):
        data = (FILES / "salesforce.csv").read_bytes()
        assert counts(run(data)) == (2, 0, 0)
        assert counts(run(data, list_name="Again")) == (0, 2, 0)
        assert LeadList.objects.get(name="Again").leads.count() == 2

    def test_a_row_that_fits_two_leads_is_refused(self):
        create_lead(NewLead({"first_name": "Ann"}, external_ids={"Fair": "7"}), now=NOW)
        create_lead(NewLead({"first_name": "Bo", "email": "bo@example.com"}), now=NOW)
        received = run(table(["external id", "name", "email"], ["7", "Ann", "bo@example.com"]))
        assert counts(received) == (0, 0, 1)
        assert "fits 2 leads" in received.rows.get().errors[0]["reason"]

    def test_an_id_alone_is_nobody(self):
        received = run(table(["record id", "name"], ["7", ""], ["8", "Ann"]))
        assert counts(received) == (1, 0, 1)
        assert received.rows.get(line=2).errors[0]["reason"] == "nothing says who this is"

    def test_odd_files_are_accounted_for(self):
        received = run((FILES / "quirks.csv").read_bytes())
        assert counts(received) == (2, 0, 2)
        ann = Lead.objects.get(last_name="Lee")
        assert ann.research == 'Says "hi",\non two lines'
        assert ann.lead_numbers.count() == 2
        jan = Lead.objects.get(first_name="Jan")
        assert jan.lead_numbers.get().number.e164 == "+12125550109"
        assert jan.research == "=cmd()"
        reasons = {row.line: row.errors[0]["reason"] for row in received.rows.filter(result="refused")}
        assert reasons == {7: "a spreadsheet has rounded this number", 8: "4 cells"}

    def test_all_rows_refused_is_still_done(self):
        assert counts(run(table(["name", "email"], ["Ann", "nope"], ["Bo", "nor this"]))) == (0, 0, 2)

    def test_the_file_is_gone_when_it_is_done(self):
        received = bring(table(["name"], ["Ann"]))
        storage, name = received.file.storage, received.file.name
        assert storage.exists(name)
        load.run(received.pk, clock=lambda: NOW)
        assert not storage.exists(name)
        received.refresh_from_db()
        assert not received.file

    def test_refused_rows_come_back_mendable(self):
        data = table(
            ["name", "phone", "email", "notes"],
            ["=Ann", "+1 212 555 0101", "nope", "=1+1"],
            ["-Bo", "+1 212 555 0102", "nope", "+formula()"],
        )
        received = run(data)
        back = "".join(csv_lines(receive.refused_lines(received)))
        cells = list(csv.reader(io.StringIO(back)))
        assert cells[1][:4] == ["'=Ann", "+1 212 555 0101", "nope", "'=1+1"]
        mended = back.replace("nope", "ann@example.com", 1).replace("nope", "bo@example.com", 1)
        assert counts(run(mended.encode(), list_name="Mended")) == (2, 0, 0)
        ann = Lead.objects.get(email="ann@example.com")
        assert (ann.first_name, ann.research) == ("=Ann", "=1+1")
        assert ann.lead_numbers.get().number.e164 == "+12125550101"

    def test_naughty_strings_are_kept_as_they_are_or_refused(self):
        naughty = [
            "<script>alert(1)</script>",
            "'; DROP TABLE leads; --",
            "${jndi:ldap://x}",
            "Ω≈ç√∫˜µ≤≥÷",
            "田中さんにあげて下さい",
            "👩‍👩‍👧‍👦",
            "الإطلاق",
            "‮right to left",
            "%s%s%n",
            "{{ 7*7 }}",
            "undefined",
            "NULL",
            "-1",
            "1e1000",
            "\u200b",
            "a" * 100,
            "b" * 101,
        ]
        data = table(
            ["First name", "E-mail", "Notes"], *([n, f"x{i}@example.com", n] for i, n in enumerate(naughty))
        )
        received = run(data)
        assert sum(counts(received)) == len(naughty)
        assert counts(received)[2] == 1
        for i, text in enumerate(naughty[:-1]):
            lead = Lead.objects.get(email=f"x{i}@example.com")
            assert lead.first_name == " ".join(text.split())

    def test_a_chunk_takes_the_same_statements_whatever_its_size(self, north):
        def statements(n, start):
            rows = [
                [
                    f"A{i} Lee",
                    f"a{i}@example.com",
                    f"+1 212 {i // 9000 + 200} {i % 9000 + 1000}",
                    f"F{i % 40}",
                ]
                for i in range(start, start + n)
            ]
            received = bring(
                table(["name", "email", "phone", "company"], *rows, ["x", "bad", "", ""]), team=north
            )
            with CaptureQueriesContext(connection) as queries:
                load.run(received.pk, clock=lambda: NOW)
            received.refresh_from_db()
            assert counts(received) == (n, 0, 1)
            return len(queries)

        few, many = statements(10, 0), statements(998, 10)
        assert many <= few + 1  # the first of them makes the companies
        assert few <= 40


@pytest.mark.django_db
class TestRunning:
    def test_it_goes_on_from_its_checkpoint(self, monkeypatch):
        monkeypatch.setattr(load, "CHUNK", 10)
        received = bring(table(["name", "email"], *([f"A{i}", f"a{i}@example.com"] for i in range(25))))
        ticks = iter(NOW + timedelta(seconds=s) for s in range(1000))
        rounds = 0
        while load.run(received.pk, clock=lambda: next(ticks), turn=timedelta(seconds=1)):
            rounds += 1
            received.refresh_from_db()
            assert received.rows_done == received.rows.count() == min(25, rounds * 10)
        received.refresh_from_db()
        assert (received.status, counts(received)) == ("done", (25, 0, 0))
        assert Lead.objects.count() == 25

    def test_a_claim_that_holds_is_respected_and_a_stale_one_taken(self):
        received = bring(table(["name"], ["Ann"]))
        LeadImport.objects.update(status="running", claimed_until=NOW + timedelta(seconds=5))
        load.run(received.pk, clock=lambda: NOW)
        assert not Lead.objects.exists()
        assert load.waiting(now=NOW) == []
        later = NOW + timedelta(seconds=6)
        assert load.waiting(now=later) == [received.pk]
        load.run(received.pk, clock=lambda: later)
        assert Lead.objects.count() == 1

    def test_one_who_lost_the_claim_writes_nothing(self):
        received = bring(table(["name"], ["Ann"]))
        taken = load._claim(received.pk, now=NOW)
        LeadImport.objects.update(claimed_until=NOW + timedelta(hours=1))
        with pytest.raises(load.ClaimLost), transaction.atomic():
            load._write(taken, [load.Reading([], "x", "US").read(2, [])], now=NOW)
        assert not ImportedRow.objects.exists()

    def test_a_file_that_is_gone_says_so(self):
        received = bring(table(["name"], ["Ann"]))
        received.file.storage.delete(received.file.name)
        load.run(received.pk, clock=lambda: NOW)
        received.refresh_from_db()
        assert (received.status, received.error) == ("failed", "The file is gone.")

    def test_only_one_confirmation_counts(self, north, south):
        received = bring(table(["name"], ["Ann"]), team=north)
        columns = receive.recognise(ContentFile(table(["name"], ["Ann"]))).columns
        again = receive.confirm(
            received, columns, list_name="X", region="US", owner=None, team=south, now=NOW
        )
        received.refresh_from_db()
        assert not again
        assert received.team == north

    def test_an_upload_nobody_confirmed_is_forgotten(self):
        file = ContentFile(table(["name"], ["Ann"]), name="x.csv")
        received = receive.keep(file, receive.recognise(file), name="x.csv", region="US", by=None, now=NOW)
        receive.forget_unconfirmed(now=NOW + timedelta(days=1))
        assert LeadImport.objects.exists()
        receive.forget_unconfirmed(now=NOW + timedelta(days=3))
        assert not LeadImport.objects.exists()
        assert not received.file.storage.exists(received.file.name)


@pytest.mark.django_db(transaction=True)
def test_a_killed_worker_loses_nothing_and_repeats_nothing(live_worker):
    from crm.intake.tasks import run_waiting_imports

    rows = [
        [f"A{i} Lee", f"a{i}@example.com", f"+1 212 {i // 9000 + 200} {i % 9000 + 1000}"] for i in range(6000)
    ]
    received = bring(table(["name", "email", "phone"], *rows), team=Team.objects.get(is_default=True))

    def done() -> int:
        return LeadImport.objects.get(pk=received.pk).rows_done

    run_waiting_imports.delay()
    wait_until(lambda: done() >= 1000, seconds=60, what="the first chunk")
    live_worker.kill()
    at_death = done()
    assert at_death < 6000
    assert at_death == ImportedRow.objects.count() == Lead.objects.count()
    live_worker.start()
    LeadImport.objects.update(claimed_until=NOW)  # two minutes later
    run_waiting_imports.delay()
    wait_until(lambda: LeadImport.objects.get(pk=received.pk).status == "done", seconds=90, what="the end")
    received.refresh_from_db()
    assert counts(received) == (6000, 0, 0)
    assert Lead.objects.count() == 6000
    assert sorted(received.rows.values_list("line", flat=True)) == list(range(2, 6002))


CELL = st.one_of(
    st.sampled_from(
        [
            "",
            " ",
            "Ann",
            "ann lee",
            "Bo, Berg",
            "x@example.com",
            "y@example.com",
            "X@EXAMPLE.com",
            "not an e-mail",
            "+1 212 555 0101",
            "212-555-0102",
            "12",
            "US",
            "Atlantis",
            "=1+1",
            'say "hi"',
            "two\nlines",
            "Ærø",
        ]
    ),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=12),
)


@pytest.mark.django_db
@settings(max_examples=40, suppress_health_check=list(HealthCheck))
@given(
    rows=st.lists(st.lists(CELL, min_size=5, max_size=6), min_size=1, max_size=12), chunk=st.integers(1, 5)
)
def test_every_row_is_accounted_for_exactly_once(rows, chunk):
    data = table(["name", "email", "phone", "country", "company"], *rows)
    expected, before = [], 1
    reader = csv.reader(io.TextIOWrapper(io.BytesIO(data), encoding="utf-8", newline=""))
    for cells in reader:
        if any(cell.strip() for cell in cells):
            expected.append(before)
        before = reader.line_num + 1
    if len(expected) == 1:
        return
    usual, load.CHUNK = load.CHUNK, chunk
    try:
        with transaction.atomic():
            first = run(data)
            # A name alone is nobody in particular: two of them may be two people.
            only_named = Lead.objects.filter(email="", lead_numbers=None, company=None).count()
            assert first.created_count == Lead.objects.count()
            second = run(data, list_name="Again")
            for received in (first, second):
                assert sorted(received.rows.values_list("line", flat=True)) == expected[1:]
                assert sum(counts(received)) == received.rows_done == len(expected) - 1
            assert (second.created_count, second.refused_count) == (only_named, first.refused_count)
            refused = first.rows.filter(result="refused")
            assert all(row.errors and row.cells for row in refused)
            assert not first.rows.exclude(result="refused").filter(lead=None).exists()
            transaction.set_rollback(True)
    finally:
        load.CHUNK = usual


@pytest.mark.django_db
def test_rows_are_kept_as_json_without_loss():
    received = run(table(["name", "email"], ["Ann\u2028", "nope"]))
    assert json.dumps(received.rows.get().cells)
    assert Company.objects.count() == 0
