"""How does text go into a spreadsheet without being run as a formula there?"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from io import StringIO

_RUNS = ("=", "+", "-", "@", "\t", "\r", "\n")
# A phone number in the international form and a plain negative number are no formulas.
_PLAIN = re.compile(r"\+[0-9][0-9 ().-]*( ?#[0-9]+)?|-[0-9]+([.,][0-9]+)?")


def safe_cell(text: str) -> str:
    """The text with an apostrophe before it where a spreadsheet would run it; numbers stay as they are."""
    if text.lstrip(" ").startswith(_RUNS) and not _PLAIN.fullmatch(text):
        return f"'{text}"
    return text


def csv_lines(rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """The rows as the lines of a CSV file, one at a time, each cell made safe."""
    line = StringIO()
    writer = csv.writer(line)
    for row in rows:
        writer.writerow([safe_cell(cell) for cell in row])
        yield line.getvalue()
        line.seek(0)
        line.truncate()
