"""Columns are known by the names that exports and spreadsheets give them."""

from pathlib import Path

import pytest

from crm.intake import dialect, mapping, receive, rows
from leads.prepare import LeadRefused
from leads.spreadsheet import safe_cell

FILES = Path(__file__).parent / "files"


def leads_of(name, home="US"):
    """Every row of a file as (fields, phones, ids), or the refusal."""
    with (FILES / name).open("rb") as file:
        found = receive.recognise(file)
        for _line, cells in dialect.read(file, found.how):
            try:
                new = rows.to_lead(cells, found.columns, namespace="list", home=home)
            except LeadRefused as refused:
                yield refused
            else:
                yield new.fields, [(p.raw, p.label) for p in new.phones], new.external_ids


def test_hubspot():
    fields, phones, ids = next(leads_of("hubspot.csv"))
    assert fields == {
        "first_name": "Ann",
        "last_name": "Lee",
        "email": "ann.lee@abc.example",
        "company": "ABC Ltd",
        "job_title": "Head of purchasing",
        "city": "New York",
        "region": "New York",
        "country": "United States",
        "postcode": "10001",
    }
    assert phones == [("(212) 555-0101", ""), ("+1 212-555-0102", "mobile")]
    assert ids == {"hubspot": "101"}


def test_salesforce():
    dee, role = leads_of("salesforce.csv")
    assert dee[0]["salutation"] == "Ms."
    assert dee[0]["job_title"] == "Buyer"
    assert dee[0]["company"] == "Dahl GmbH"
    assert dee[0]["address"] == "Hauptstr. 1\nHinterhaus"
    assert dee[0]["research"] == 'Says "call me" in May'
    assert dee[1] == [("+49 30 901820", "")]
    assert dee[2] == {"salesforce": "00Q5e00001abcdEEAQ"}
    assert (role[0]["company"], role[0]["job_title"]) == ("Ember Inc", "Head of IT")


def test_google():
    fields, phones, _ids = next(leads_of("google.csv"))
    assert (fields["first_name"], fields["last_name"], fields["salutation"]) == ("Eve", "Frost", "Dr.")
    assert (fields["company"], fields["job_title"]) == ("Frost & Co", "Owner")
    assert fields["email"] == "eve@frost.example"
    assert fields["research"] == "Met at the fair\nOther e-mail addresses: eve@home.example"
    assert (fields["address"], fields["city"]) == ("1 High St, Greater London", "London")
    assert "region" not in fields
    assert phones == [
        ("+44 7400 123456", "Mobile"),
        ("+44 7400 123457", "Mobile"),
        ("020 7946 0123", "Work"),
    ]


def test_outlook():
    fields, phones, _ids = next(leads_of("outlook.csv"))
    assert (fields["salutation"], fields["first_name"], fields["last_name"]) == ("Mr.", "Gil B.", "Grant Jr.")
    assert (fields["job_title"], fields["address"], fields["region"]) == ("Director", "5 Main St", "TX")
    assert phones == [("+1 512 555 0105", "work"), ("+1 512 555 0106", "mobile")]


def test_linkedin():
    fields, _phones, _ids = next(leads_of("linkedin.csv"))
    assert (fields["first_name"], fields["job_title"], fields["company"]) == ("Hal", "CFO", "Hope plc")


@pytest.mark.parametrize(
    "name, expected",
    [
        ("danish_cp1252.csv", ("Åse", "Sørensen", "Bølge & Blæk ApS", "Indkøbschef", "Danmark")),
        ("polish_cp1250.csv", ("Łukasz", "Żółć", "Gęś sp. z o.o.", "Właściciel", "Polska")),
        ("russian_cp1251.csv", ("Иван Иванович", "Иванов", "ООО «Лёд»", "Директор", "Россия")),
        ("german_utf16.csv", ("Jürgen", "Groß", "Käse & Söhne", None, "Deutschland")),
    ],
)
def test_other_languages(name, expected):
    fields, phones, _ids = next(leads_of(name))
    got = tuple(fields.get(f) for f in ("first_name", "last_name", "company", "job_title", "country"))
    assert got == expected
    assert phones


def test_a_surname_first_stays_a_surname():
    second = list(leads_of("russian_cp1251.csv"))[1]
    assert (second[0]["first_name"], second[0]["last_name"]) == ("Анна", "Петрова")


def test_what_is_nobodys_business_is_left_out():
    header = ["First Name", "Date of birth", "soc_sec_id", "Fax", "Lucky number", "Do not call"]
    assert [c.target for c in mapping.guess(header, [])] == ["first_name", "", "", "", "", ""]


def test_an_address_without_a_name_is_seen_by_its_cells():
    columns = mapping.guess(["Who", "Web login"], [["x", "a@example.com"], ["y", "b@example.com"]])
    assert columns[1].target == "email"


@pytest.mark.parametrize(
    "header, sample, source",
    [
        ("rec_id", "rec-1", ""),
        ("Record ID", "1", ""),
        ("HubSpot ID", "1", "hubspot"),
        ("Contact ID", "0035e00001abcdE", "salesforce"),
    ],
)
def test_ids_count_in_the_system_they_come_from(header, sample, source):
    column = mapping.guess([header], [[sample]])[0]
    assert (column.target, column.source) == ("external_id", source)


@pytest.mark.parametrize(
    "name, first, last, salutation",
    [
        ("Ann Lee", "Ann", "Lee", None),
        ("Ann Mary Lee", "Ann Mary", "Lee", None),
        ("Lee, Ann", "Ann", "Lee", None),
        ("Dr. Jan van der Berg", "Jan", "van der Berg", "Dr."),
        ("John Smith Jr.", "John", "Smith Jr.", None),
        ("John Smith, Jr.", "John", "Smith, Jr.", None),
        ("Hr. Sørensen", None, "Sørensen", "Hr."),
        ("Cher", "Cher", None, None),
        ("Carlos de la Cruz", "Carlos", "de la Cruz", None),
    ],
)
def test_names_in_one_piece(name, first, last, salutation):
    found = rows.split_name(name)
    assert (found.get("first_name"), found.get("last_name"), found.get("salutation")) == (
        first,
        last,
        salutation,
    )


@pytest.mark.parametrize(
    "typed, amount",
    [
        ("$1,200.50", "1200.50"),
        ("1.200,50 €", "1200.50"),
        ("1 200,50 zł", "1200.50"),
        ("1,200", "1200"),
        ("12,5", "12.5"),
        ("1.234.567", "1234567"),
        ("1200", "1200"),
        ("a lot", "a lot"),
    ],
)
def test_amounts_as_people_write_them(typed, amount):
    assert rows._amount(typed) == amount


@pytest.mark.parametrize(
    "cell, safe",
    [
        ("=1+1", "'=1+1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("-cmd|' /C calc'!A0", "'-cmd|' /C calc'!A0"),
        ("+cmd()", "'+cmd()"),
        ("\tx", "'\tx"),
        ("+45 32 12 34 56", "+45 32 12 34 56"),
        ("-5", "-5"),
        ("Ann", "Ann"),
    ],
)
def test_no_cell_runs_in_a_spreadsheet_and_all_come_back(cell, safe):
    assert safe_cell(cell) == safe
    assert rows._value("research", safe) == cell.strip() or cell == "\tx"
