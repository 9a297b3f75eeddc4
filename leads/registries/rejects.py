"""Where is every line kept that was no number of a list?

The first hundred in the ledger, all of them in a gzipped CSV file beside it.
"""

from __future__ import annotations

import gzip
import tempfile
from collections.abc import Iterator
from typing import Any

from django.core.files import File
from django.utils.translation import gettext as _

from leads.models import RegistryLoad
from leads.registries.files import FileRefused
from leads.registries.formats import Rejected
from leads.spreadsheet import csv_lines

SHOWN = 100
MOST = 1_000_000


class Rejects:
    """The rejected lines of one load, as they come. Raises FileRefused where there is no end to them."""

    def __init__(self) -> None:
        self.count = 0
        self.first: list[dict[str, Any]] = []
        self._kept = tempfile.TemporaryFile()  # noqa: SIM115 (closed by `keep`)
        self._text = gzip.open(self._kept, "wt", encoding="utf-8", newline="")  # noqa: SIM115
        self._text.writelines(csv_lines([["line", "value", "reason"]]))

    def add(self, rejected: list[Rejected]) -> None:
        self.count += len(rejected)
        room = SHOWN - len(self.first)
        self.first += [
            {"line": one.line, "value": one.value, "reason": one.reason} for one in rejected[: max(room, 0)]
        ]
        self._text.writelines(csv_lines([str(one.line), one.value, one.reason] for one in rejected))
        if self.count > MOST:
            raise FileRefused(
                _("More than %d lines are no numbers of this registry; is it the right file?") % MOST
            )

    def keep(self, load: RegistryLoad) -> None:
        """Note them on the load, which the caller saves."""
        self._text.close()
        load.rejected, load.rejections = self.count, self.first
        if self.count:
            self._kept.seek(0)
            load.rejected_file.save(f"{load.pk}.csv.gz", File(self._kept), save=False)
        self._kept.close()


def all_of(load: RegistryLoad) -> Iterator[str]:
    """Every rejected line of a load as lines of CSV."""
    if not load.rejected_file:
        yield from csv_lines([["line", "value", "reason"]])
        return
    with load.rejected_file.open("rb") as kept, gzip.open(kept, "rt", encoding="utf-8", newline="") as text:
        yield from text
