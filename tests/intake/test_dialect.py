"""Any common way to write a CSV file is read as it was meant, and anything else is turned away in plain words."""

import io
from pathlib import Path

import pytest

from crm.intake import dialect
from crm.intake.dialect import FileRefused

FILES = Path(__file__).parent / "files"


def recognise(data: bytes) -> dialect.Dialect:
    return dialect.recognise(io.BytesIO(data))


def rows(data: bytes) -> list[tuple[int, list[str]]]:
    file = io.BytesIO(data)
    return list(dialect.read(file, dialect.recognise(file)))


@pytest.mark.parametrize(
    "name, encoding, delimiter, header_line, count, word",
    [
        ("hubspot.csv", "utf-8", ",", 1, 4, "København"),
        ("salesforce.csv", "utf-8", ",", 1, 2, 'Says "call me" in May'),
        ("linkedin.csv", "utf-8", ",", 4, 1, "Hal"),
        ("danish_cp1252.csv", "cp1252", ";", 1, 2, "Århus"),
        ("polish_cp1250.csv", "cp1250", ";", 1, 2, "Łódź"),
        ("polish_latin2.csv", "iso8859_2", ";", 1, 2, "Śliwińska"),
        ("russian_cp1251.csv", "cp1251", "\t", 1, 2, "ООО «Лёд»"),
        ("german_utf16.csv", "utf-16", "\t", 1, 1, "Käse & Söhne"),
        ("quirks.csv", "utf-8-sig", "|", 1, 4, "=cmd()"),
    ],
)
def test_files_as_they_come(name, encoding, delimiter, header_line, count, word):
    with (FILES / name).open("rb") as file:
        found = dialect.recognise(file)
        cells = [cell for _line, row in dialect.read(file, found) for cell in row]
    assert (found.delimiter, found.header_line, found.rows) == (delimiter, header_line, count)
    assert word in cells
    assert found.encoding == encoding


def test_lines_are_those_an_editor_shows():
    with (FILES / "quirks.csv").open("rb") as file:
        assert [line for line, _row in dialect.read(file, dialect.recognise(file))] == [2, 5, 7, 8]


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_newlines_of_every_kind(newline):
    text = newline.join(["name,email", '"a', 'b",x@example.com', "c,y@example.com"])
    assert [line for line, _row in rows(text.encode())] == [2, 4]


@pytest.mark.parametrize(
    "text, expected",
    [
        pytest.param('name,email\n"a, b",c\n', [["a, b", "c"]], id="delimiter in quotes"),
        pytest.param('name,email\n"a ""b""",c\n', [['a "b"', "c"]], id="doubled quotes"),
        pytest.param('name,email\n"",""\nx,\n', [["x", ""]], id="empty cells"),
        pytest.param("name\nAnn\n", [["Ann"]], id="one column"),
        pytest.param("sep=;\nname;email\na;b\n", [["a", "b"]], id="Excel's own hint"),
        pytest.param('name,note\na,5" pipe\n', [["a", '5" pipe']], id="a lone inch sign"),
        pytest.param('name,note\na,{"k": 1}\n', [["a", '{"k": 1}']], id="JSON without quotes"),
        pytest.param("name,email\na,b", [["a", "b"]], id="no last newline"),
        pytest.param("name;amount\na;1,5\nb;2,5\n", [["a", "1,5"], ["b", "2,5"]], id="decimal commas"),
        pytest.param(
            "name,email\na,\u2028b\x0bc\n", [["a", "\u2028b\x0bc"]], id="separators that end no line"
        ),
    ],
)
def test_quirks(text, expected):
    assert [cells for _line, cells in rows(text.encode())] == expected


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_unicode_in_every_dress(encoding):
    assert rows("Name,Email\nŁukasz Ærø,x@example.com\n".encode(encoding))[0][1][0] == "Łukasz Ærø"


def test_an_older_encoding_is_seen_wherever_it_begins():
    data = (
        b"name,email\n"
        + b"Ann,a@example.com\n" * 30_000
        + "Søren Ærø på Århus,s@example.com\n".encode("cp1252")
    )
    assert rows(data)[-1][1][0] == "Søren Ærø på Århus"


@pytest.mark.parametrize(
    "data, word",
    [
        pytest.param(b"", "empty", id="empty"),
        pytest.param(b"\xef\xbb\xbf \r\n\n", "empty", id="only blanks"),
        pytest.param(b"PK\x03\x04" + b"\0" * 50, "XLSX", id="XLSX"),
        pytest.param(b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "PNG", id="image"),
        pytest.param(b"%PDF-1.7\n", "PDF", id="PDF"),
        pytest.param(bytes(range(256)) * 20, "NUL", id="binary"),
        pytest.param(b"name,email\nA\0nn,a@example.com\n", "NUL", id="NUL in the middle"),
        pytest.param(b"name,email\n", "no rows", id="header alone"),
        pytest.param(b"Ann Lee,ann@example.com\nBo Berg,bo@example.com\n", "no header", id="no header"),
        pytest.param(b"+4532123456;Ann\n+4532123457;Bo\n", "no header", id="numbers without header"),
        pytest.param(
            b'name,email\n"Ann,a@example.com\nBo,b@example.com\n', "Line 2", id="quote never closed"
        ),
        pytest.param(b'name,email\nAnn,"' + b"x" * 140_000 + b'"\n', "Line 2", id="endless cell"),
        pytest.param("name,email\nŁ,x\n".encode("utf-16")[:-1], "UTF-16", id="cut UTF-16"),
        pytest.param(b",".join(b"c%d" % i for i in range(600)) + b"\n1\n", "columns", id="600 columns"),
    ],
)
def test_what_is_no_table_of_people_is_turned_away(data, word):
    with pytest.raises(FileRefused, match=word):
        recognise(data)


def test_a_file_too_large_is_turned_away_unread(tmp_path):
    path = tmp_path / "huge.csv"
    with path.open("wb") as file:
        file.write(b"name,email\n")
        file.truncate(2**30)
    with path.open("rb") as file, pytest.raises(FileRefused, match="1024 MB; at most 256 MB"):
        dialect.recognise(file)
