"""Whatever a registry's file looks like, every line of it is a number of the list or is kept with a reason."""

from __future__ import annotations

import gzip
import io
import zipfile
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyroaring import BitMap

from leads.registries import formats
from leads.registries.bitmaps import (
    BitmapDamaged,
    area_of,
    from_bytes,
    keys_of,
    number_at,
    part_of,
    prefix_of,
    to_bytes,
)
from leads.registries.files import FileRefused, lines, named, unpacked

UK = formats.Expected("GB", frozenset({"+44"}))
DANISH = formats.Expected("DK", frozenset({"+45"}))
US = formats.Expected("US")


def read(text: bytes, expected: formats.Expected = US, *, national: bool = False, block: int = 1 << 20):
    """(numbers added, numbers taken off, rejections, lines, accepted) of a file."""
    form = formats.recognise(text[:65536], national=national)
    blocks = (text[begin : begin + block] for begin in range(0, len(text), block))
    added, removed, rejected, counted, accepted = set(), set(), [], 0, 0
    for batch in formats.read(blocks, form, expected):
        for key, values in batch.removed.items():
            numbers = {number_at(key, value) for value in values}
            added, removed = added - numbers, removed | numbers
        for key, values in batch.added.items():
            numbers = {number_at(key, value) for value in values}
            added, removed = added | numbers, removed - numbers
        rejected += batch.rejected
        counted += batch.lines
        accepted += batch.accepted
    return added, removed, rejected, counted, accepted


# --- Names --------------------------------------------------------------------------------------------------

NAMES = [
    ("as the registry names it", "2026-11-1_212_0F8B.txt.zip", (date(2026, 11, 1), "212")),
    ("with noughts", "2026-11-01_305_0F8B.txt", (date(2026, 11, 1), "305")),
    ("all areas in one", "2026-11-20_Global_0F8B.txt.zip", (date(2026, 11, 20), "")),
    ("a state", "2026-11-20_RI_0F8B.xml.zip", (date(2026, 11, 20), "")),
    ("a day there is not", "2026-02-30_212_0F8B.txt", (None, "212")),
    ("no date", "tps.txt", (None, "")),
    ("no area code", "2026-11-20_112_0F8B.txt", (date(2026, 11, 20), "")),
]


@pytest.mark.parametrize(("name", "says"), [case[1:] for case in NAMES], ids=[case[0] for case in NAMES])
def test_what_a_name_says(name, says):
    assert (named(name).list_date, named(name).area) == says


# --- Full lists of the United States --------------------------------------------------------------------------

A, B = "+12125550101", "+13055550102"
FLAT = [
    ("with commas", b"212,5550101\n305,5550102\n", {A, B}),
    ("without", b"2125550101\n3055550102\n", {A, B}),
    ("with CRLF", b"212,5550101\r\n305,5550102\r\n", {A, B}),
    ("with a header", b"AreaCode,PhoneNumber\r\n212,5550101\r\n305,5550102\r\n", {A, B}),
    ("without an end of line", b"212,5550101\n305,5550102", {A, B}),
    ("with a mark of byte order", b"\xef\xbb\xbf212,5550101\n305,5550102\n", {A, B}),
    ("with blank lines", b"\n212,5550101\n\n305,5550102\n\n", {A, B}),
    ("one of them twice", b"212,5550101\n212,5550101\n305,5550102\n", {A, B}),
]


@pytest.mark.parametrize(("text", "numbers"), [case[1:] for case in FLAT], ids=[case[0] for case in FLAT])
def test_a_flat_list(text, numbers):
    added, _removed, rejected, counted, accepted = read(text)
    assert added == numbers
    assert not rejected
    assert counted == accepted


WRONG = [
    ("too short", b"212,555010"),
    ("too long", b"212,55501011"),
    ("an area that begins with 1", b"112,5550101"),
    ("an area that begins with 0", b"012,5550101"),
    ("words", b"nobody here 1"),
    ("digits of another script", "212,555010٣".encode()),
    ("a line of a change list", b"212,5550101,A"),
    ("no text at all", b"\xff\xfe\x00\x01"),
]


@pytest.mark.parametrize("text", [case[1] for case in WRONG], ids=[case[0] for case in WRONG])
def test_a_line_that_is_no_number_is_kept_with_its_place_and_reason(text):
    added, _removed, rejected, counted, accepted = read(b"212,5550101\n" + text + b"\n305,5550102\n")
    assert added == {A, B}
    assert (counted, accepted) == (3, 2)
    assert [one.line for one in rejected] == [2]
    assert rejected[0].reason


def test_a_line_without_end_is_rejected_and_not_kept():
    endless = b"7" * 5_000_000
    added, _removed, rejected, *_ = read(b"212,5550101\n" + endless + b"\n305,5550102\n", block=300_000)
    assert added == {A, B}
    assert [(one.line, len(one.value)) for one in rejected] == [(2, 80)]


def test_lines_keep_their_numbers_whatever_the_blocks():
    text = b"".join(b"212,555%04d\n" % number for number in range(3000)) + b"bad 1\n"
    for block in (7, 100, 12_345):
        rejected = read(text, block=block)[2]
        assert [one.line for one in rejected] == [3001]


def test_an_area_that_is_not_the_files_is_told_apart():
    expected = formats.Expected("US", frozenset({"212"}))
    batches = list(formats.read(iter([b"212,5550101\n305,5550102\n"]), formats.Form("flat"), expected))
    assert sum(batch.astray for batch in batches) == 1
    assert batches[0].rejected[0].line == 2


# --- XML ----------------------------------------------------------------------------------------------------

XML = [
    (
        "values as attributes",
        b'<?xml version="1.0"?><list type="full" level="state" val="NY"><ac val="212"><ph val="5550101"/></ac>'
        b'<ac val="305"><ph val="5550102" /></ac></list>',
    ),
    (
        "values as text",
        b"<list>\n<ac>212<ph>5550101</ph></ac>\n<row><areacode>305</areacode><phone>5550102</phone></row></list>",
    ),
    ("whole numbers", b"<list><number>2125550101</number><number>3055550102</number></list>"),
    ("in a name space", b'<d:list xmlns:d="x"><d:ac val="212"><d:ph val="5550101"/></d:ac>'
     b'<d:ac val="305"><d:ph val="5550102"/></d:ac></d:list>'),
]  # fmt: skip


@pytest.mark.parametrize("text", [case[1] for case in XML], ids=[case[0] for case in XML])
@pytest.mark.parametrize("block", [13, 1 << 20])
def test_xml(text, block):
    added, _removed, rejected, counted, accepted = read(text, block=block)
    assert added == {A, B}
    assert (counted, accepted, rejected) == (2, 2, [])


def test_a_number_of_xml_that_is_none_is_kept_with_its_line():
    _added, _removed, rejected, counted, accepted = read(
        b'<list>\n<ac val="212">\n<ph val="55501"/><ph val="5550101"/></ac></list>'
    )
    assert (counted, accepted) == (2, 1)
    assert (rejected[0].line, rejected[0].value) == (3, "212,55501")


XML_REFUSED = [
    ("cut short", b'<list><ac val="212"><ph val="5550101"/>'),
    ("a document type, which could hold a bomb", b'<!DOCTYPE l [<!ENTITY a "aa">]><l><ph val="2125550101"/></l>'),
    ("changes far down in a full list", b'<list><ac val="212">' + b'<ph val="5550101"/>' * 5_000
     + b'<ph val="5550101" flag="D"/></ac></list>'),
]  # fmt: skip


@pytest.mark.parametrize("text", [case[1] for case in XML_REFUSED], ids=[case[0] for case in XML_REFUSED])
def test_xml_that_is_none_is_refused(text):
    with pytest.raises(FileRefused):
        read(text)


def test_changes_as_xml():
    added, removed, *_ = read(
        b'<list type="change"><ac val="212"><ph val="5550101" flag="A"/></ac>'
        b'<ac val="305"><ph val="5550102"><change>D</change></ph></ac></list>'
    )
    assert (added, removed) == ({A}, {B})


def test_an_unknown_flag_refuses_xml():
    with pytest.raises(FileRefused, match="Line 2"):
        read(b'<list type="change"><ac val="212">\n<ph val="5550101" flag="X"/></ac></list>')


# --- Change lists -------------------------------------------------------------------------------------------

CHANGES = [
    ("area, number, flag, date", b"212,5550101,A,2026-11-19\n305,5550102,D,2026-11-19\n"),
    ("area, number, date, flag", b"212,5550101,2026-11-19,a\n305,5550102,2026-11-19,d\n"),
    ("flag first", b"A,212,5550101\nD,305,5550102\n"),
    ("words for flags", b"212,5550101,add,1\n305,5550102,Delete,1\n"),
    ("insert and delete", b"212,5550101,I\n305,5550102,D\n"),
    ("whole numbers", b"2125550101,A,2026-11-19\n3055550102,D,2026-11-19\n"),
    ("a header in another order", b"Date,Change Type,Phone,Area Code\r\n1,A,5550101,212\r\n1,D,5550102,305\r\n"),
    ("in quotes", b'"212","5550101","A"\n"305","5550102","D"\n'),
]  # fmt: skip


@pytest.mark.parametrize("text", [case[1] for case in CHANGES], ids=[case[0] for case in CHANGES])
def test_a_change_list(text):
    assert formats.recognise(text, national=False).changes
    added, removed, rejected, counted, accepted = read(text)
    assert (added, removed, rejected) == ({A}, {B}, [])
    assert (counted, accepted) == (2, 2)


@pytest.mark.parametrize("flag", ["X", "", "AD", "1"])
def test_an_unknown_flag_refuses_the_whole_file(flag):
    with pytest.raises(FileRefused, match="Line 2"):
        read(b"212,5550101,A,2026-11-19\n305,5550102," + flag.encode() + b",2026-11-19\n")


def test_columns_nobody_knows_refuse_the_file():
    with pytest.raises(FileRefused, match="columns"):
        read(b"212,5550101,2026-11-19\n")


def test_of_two_changes_to_a_number_the_later_one_holds():
    assert read(b"212,5550101,A,1\n212,5550101,D,1\n")[:2] == (set(), {A})
    assert read(b"212,5550101,D,1\n212,5550101,A,1\n")[:2] == ({A}, set())


def test_a_short_line_of_a_change_list_is_kept():
    _added, _removed, rejected, counted, accepted = read(b"212,5550101,A,1\n212,55501,A,1\n")
    assert (counted, accepted, [one.line for one in rejected]) == (2, 1, [2])


# --- The United Kingdom and others ----------------------------------------------------------------------------

BRITISH = [
    ("with a blank in the middle", b"0207 3787244\r\n0161 4960000\r\n"),
    ("left-justified", b"02073787244 \r\n01614960000 \r\n"),
    ("both", b"0207 3787244\r\n01614960000 \r\n"),
    ("without CR", b"02073787244\n01614960000\n"),
    ("with a header", b"Telephone\r\n02073787244\r\n01614960000\r\n"),
    ("in the international form", b"+442073787244\r\n+44 161 496 0000\r\n"),
]


@pytest.mark.parametrize("text", [case[1] for case in BRITISH], ids=[case[0] for case in BRITISH])
def test_a_british_list(text):
    added, _removed, rejected, counted, accepted = read(text, UK, national=True)
    assert added == {"+442073787244", "+441614960000"}
    assert (counted, accepted, rejected) == (2, 2, [])


def test_a_short_british_number_stands_beside_the_long_ones():
    assert read(b"01697 721230\r\n016977 2123\r\n", UK, national=True)[0] == {"+441697721230", "+44169772123"}


@pytest.mark.parametrize("text", [b"12345", b"0000 0000000", b"02073787244999", b"+4532123456", b"n/a 1"])
def test_what_is_no_british_number_is_kept(text):
    added, _removed, rejected, counted, accepted = read(text + b"\r\n02073787244\r\n", UK, national=True)
    assert added == {"+442073787244"}
    assert (counted, accepted, [one.line for one in rejected]) == (2, 1, [1])


def test_one_column_of_numbers_as_dialled_in_their_country():
    added, _removed, rejected, *_ = read(b"32 12 34 56\n+45 32123457\n44 55\n", DANISH, national=True)
    assert added == {"+4532123456", "+4532123457"}
    assert [one.line for one in rejected] == [3]


# --- Properties ---------------------------------------------------------------------------------------------


@given(st.lists(st.one_of(st.from_regex(r"[2-9][0-9]{2},?[0-9]{7}", fullmatch=True), st.text(max_size=30))))
def test_every_line_is_accounted_for_exactly_once(rows):
    rows = [row.replace("\n", " ").replace("\r", " ") for row in rows]
    text = "".join(f"{row}\n" for row in rows).encode("utf-8", "replace")
    plain = [line.strip(b" \t\r\x00\x1a") for line in text.split(b"\n")]
    _added, _removed, rejected, counted, accepted = formats_of_flat(text)
    header = bool(plain[0]) and formats._is_header(plain[0])
    assert counted == sum(map(bool, plain)) - header
    assert accepted + len(rejected) == counted
    assert len({one.line for one in rejected}) == len(rejected)


def formats_of_flat(text: bytes):
    batches = list(formats.read(iter([text] if text else []), formats.Form("flat"), US))
    return (
        None,
        None,
        [one for batch in batches for one in batch.rejected],
        sum(batch.lines for batch in batches),
        sum(batch.accepted for batch in batches),
    )


@given(st.from_regex(r"(1[2-9][0-9]{9}|44[1-9][0-9]{8,9}|45[0-9]{8}|49[1-9][0-9]{5,10}|7[0-9]{10}|298[0-9]{6})",
                     fullmatch=True))  # fmt: skip
def test_a_number_and_its_place_are_one(digits):
    part = part_of(f"+{digits}")
    assert part is not None
    assert number_at(*part) == f"+{digits}"
    assert part.value < 2**32
    assert part.key in set(keys_of(area_of(part.key)))
    assert f"+{digits}".startswith(prefix_of(area_of(part.key)))


@pytest.mark.parametrize(
    "text", ["", "+", "x", "12125550101", "+1212555", "+121255501011", "+999123456", "+٣"]
)
def test_what_can_be_on_no_list(text):
    assert part_of(text) is None


@given(st.sets(st.integers(0, 2**32 - 1)))
def test_a_bitmap_comes_back_as_it_was(values):
    data, checksum = to_bytes(BitMap(values))
    assert set(from_bytes(data, checksum)) == values


def test_a_damaged_bitmap_is_noticed():
    data, checksum = to_bytes(BitMap([1, 2, 3]))
    with pytest.raises(BitmapDamaged):
        from_bytes(data[:-1] + b"\x09", checksum)


# --- Zips ---------------------------------------------------------------------------------------------------


def zipped(*members: bytes) -> io.BytesIO:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        for number, member in enumerate(members):
            packed.writestr(f"{number}.txt", member)
    file.seek(0)
    return file


def test_all_the_files_of_a_zip_are_read():
    text = b"".join(unpacked(zipped(b"212,5550101\n", b"305,5550102", b"212,5550103\n")))
    assert text == b"212,5550101\n305,5550102\n212,5550103\n"


def test_a_zip_that_unpacks_without_end_is_refused_on_the_way():
    bomb = zipped(b"0" * (80 * 1024 * 1024))
    read_bytes = 0

    def read_all() -> None:
        nonlocal read_bytes
        for block in unpacked(bomb):
            read_bytes += len(block)

    with pytest.raises(FileRefused, match="unpacks"):
        read_all()
    assert read_bytes <= 64 * 1024 * 1024


@pytest.mark.parametrize("size", [10, 60])
def test_a_damaged_zip_is_refused(size):
    whole = zipped(b"212,5550101\n" * 1000).getvalue()
    with pytest.raises(FileRefused):
        list(unpacked(io.BytesIO(whole[:size])))


def test_an_empty_zip_is_refused():
    with pytest.raises(FileRefused, match="empty"):
        list(unpacked(zipped()))


def test_other_encodings_are_refused():
    with pytest.raises(FileRefused, match="UTF-16"):
        list(unpacked(io.BytesIO("212,5550101".encode("utf-16"))))


def test_a_gzip_is_refused_as_what_it_is():
    with pytest.raises(FileRefused, match="gzip; expected plain text or a zip"):
        list(unpacked(io.BytesIO(gzip.compress(b"212,5550101"))))


def test_chunks_are_whole_lines():
    blocks = [b"a\nb", b"c\nd", b"e"]
    assert [(chunk.line, chunk.text) for chunk in lines(iter(blocks))] == [
        (1, b"a\n"),
        (2, b"bc\n"),
        (3, b"de\n"),
    ]
