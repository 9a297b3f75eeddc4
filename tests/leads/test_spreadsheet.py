"""Can a name run as a formula in somebody's spreadsheet? And do phone numbers stay numbers?"""

from __future__ import annotations

import csv

import pytest

from leads.spreadsheet import csv_lines, safe_cell


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "  =1", "+1+1", "+45 (1)=2"],
)
def test_what_a_spreadsheet_would_run_is_kept_from_it(text: str) -> None:
    assert safe_cell(text) == f"'{text}"


@pytest.mark.parametrize(
    "text", ["+4532123456", "+45 32 12 34 56", "+1 (215) 555-0162", "+49 30 901820 #12", "Ann", ""]
)
def test_names_and_numbers_stay_as_they_are(text: str) -> None:
    assert safe_cell(text) == text


def test_lines_read_back_as_the_rows_they_were() -> None:
    rows = [["name", "phone"], ["Ann, “B”\nLee", "+4532123456"], ["=1+1", ""]]
    assert list(csv.reader("".join(csv_lines(rows)).splitlines(keepends=True))) == [*rows[:2], ["'=1+1", ""]]
