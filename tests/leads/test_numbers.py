"""Phone numbers as people type them: valid and complete, or refused with a reason, and nothing else ever."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leads.numbers import NumberRefused, display, parse, split, tel_url

READ = [
    ("international with spaces", "+45 32 12 34 56", None, "+4532123456", "", "DK", "unknown"),
    ("danish without a country code", "32 12 34 56", "DK", "+4532123456", "", "DK", "unknown"),
    ("region in small letters", "(212) 555-0123", "us", "+12125550123", "", "US", "unknown"),
    ("american with extension", "212-555-0123 x508", "US", "+12125550123", "508", "US", "unknown"),
    ("extension spelled out", "+1 416 555 0123 ext. 7", None, "+14165550123", "7", "CA", "unknown"),
    ("the plus wins over the region", "+44 20 7946 0123", "US", "+442079460123", "", "GB", "fixed"),
    ("trunk zero in brackets", "+44 (0)20 7946 0123", None, "+442079460123", "", "GB", "fixed"),
    ("german area code and slash", "030/23125 123", "DE", "+493023125123", "", "DE", "fixed"),
    ("german mobile", "0171 3920012", "DE", "+491713920012", "", "DE", "mobile"),
    ("australian mobile", "0491 570 156", "AU", "+61491570156", "", "AU", "mobile"),
    ("toll-free", "1-800-555-0123", "US", "+18005550123", "", "US", "toll_free"),
    ("premium", "0900 1123123", "DE", "+499001123123", "", "DE", "premium"),
    (
        "RFC 3966 with its own context",
        "tel:03-331-6005;phone-context=+64",
        None,
        "+6433316005",
        "",
        "NZ",
        "fixed",
    ),
    ("full-width digits", "+４５３２１２３４５６", None, "+4532123456", "", "DK", "unknown"),
]


@pytest.mark.parametrize(
    ("raw", "region", "e164", "extension", "country", "line"), [c[1:] for c in READ], ids=[c[0] for c in READ]
)
def test_read(raw, region, e164, extension, country, line):
    number = parse(raw, region)
    assert (number.e164, number.extension, number.region, number.line_type) == (
        e164,
        extension,
        country,
        line,
    )
    assert number.raw == raw


REFUSED = [
    ("nothing", "", "US", "empty"),
    ("blanks", " \t", "US", "empty"),
    ("no country is guessed", "212 555 0123", None, "no country"),
    ("a blank region is none", "212 555 0123", " ", "no country"),
    ("a region nobody has", "212 555 0123", "XX", "no country 'XX'"),
    ("words", "call me", "US", "not a phone number"),
    ("possible, but in no one's plan", "123-456-7890", "US", "not a valid number when read in US"),
    ("the drama numbers of Britain are not in use", "+44 7700 900123", None, "not a valid number"),
    ("a country code nobody has", "+999 123456", None, "country code"),
    ("too long", "+1 212 555 0123 456 789 012 345", None, "too long"),
    ("a novel", "1" * 121, "US", "longer than"),
]


@pytest.mark.parametrize(("raw", "region", "reason"), [c[1:] for c in REFUSED], ids=[c[0] for c in REFUSED])
def test_refused_with_a_reason(raw, region, reason):
    with pytest.raises(NumberRefused) as refusal:
        parse(raw, region)
    assert reason in refusal.value.reason


@given(st.text(max_size=130), st.one_of(st.none(), st.text(max_size=3), st.sampled_from(["US", "GB", "DK"])))
def test_no_text_raises_anything_else(raw, region):
    with suppress(NumberRefused):
        assert parse(raw, region).e164.startswith("+")
    assert all(piece.strip() == piece for piece in split(raw))
    display(raw)


@given(
    st.integers(min_value=2_000_000_000, max_value=9_999_999_999),
    st.sampled_from(["{}", "1{}", "+1 {}", "tel:{}"]),
)
def test_every_spelling_of_a_number_is_the_same_number(digits, spelling):
    try:
        plain = parse(str(digits), "US")
    except NumberRefused:
        return
    assert parse(spelling.format(digits), "US").e164 == plain.e164
    assert parse(display(plain.e164), None).e164 == plain.e164


SPLIT = [
    ("one number", "+45 32 12 34 56", ["+45 32 12 34 56"]),
    ("two with a spaced slash", "212-555-0123 / 212-555-0124", ["212-555-0123", "212-555-0124"]),
    ("two with a bare slash", "212-555-0123/212-555-0124", ["212-555-0123", "212-555-0124"]),
    ("a german area code", "030/23125123", ["030/23125123"]),
    ("a german area code and spaces", "030 / 23125123", ["030 / 23125123"]),
    ("two extensions of one number", "(212)555-0123 x508/x1234", ["(212)555-0123 x508/x1234"]),
    ("semicolon", "+4532123456; +4532123457", ["+4532123456", "+4532123457"]),
    ("semicolon of a link stays", "tel:+4532123456;ext=12", ["tel:+4532123456;ext=12"]),
    ("comma", "+4532123456, +4532123457", ["+4532123456", "+4532123457"]),
    ("comma before an extension stays", "+4532123456, ext 12", ["+4532123456, ext 12"]),
    ("or", "+4532123456 or +4532123457", ["+4532123456", "+4532123457"]),
    ("a line each", "+4532123456\r\n+4532123457\n", ["+4532123456", "+4532123457"]),
    ("nothing", "  ", []),
]


@pytest.mark.parametrize(("raw", "pieces"), [c[1:] for c in SPLIT], ids=[c[0] for c in SPLIT])
def test_split(raw, pieces):
    assert split(raw) == pieces


def test_display_and_link():
    assert display("+4532123456") == "+45 32 12 34 56"
    assert display("nonsense") == "nonsense"
    assert tel_url("+4532123456") == "tel:+4532123456"
    assert tel_url("+4532123456", "12") == "tel:+4532123456;ext=12"
    assert tel_url("+4532123456", "1;phone-context=x") == "tel:+4532123456;ext=1"
