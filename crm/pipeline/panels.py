"""How is a tile shown? As a card with a table of linked figures, a drawing beside it, or lines of CSV."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django.urls import NoReverseMatch, reverse
from django.utils import formats
from django.utils.translation import gettext as _

from crm.accounts.templatetags.ui import when
from crm.figures import count_text, percent_text
from crm.pipeline.attempt_bars import Bar
from crm.pipeline.reports.hand_raises import wait_text
from crm.pipeline.reports.tile import Column, Headline, Row, Tile
from crm.pipeline.statistics import FEW
from leads.spreadsheet import safe_cell


class Cell(NamedTuple):
    text: str
    href: str = ""
    is_number: bool = True
    is_thin: bool = False
    is_alarm: bool = False


@dataclass(frozen=True)
class Panel:
    """A tile as the page shows it: its texts, its head and lines of cells, and where its CSV is."""

    tile: Tile
    query: Mapping[str, str]
    # The pages that answer with the tile's CSV, and with what stands behind one of its figures.
    page: str = "pipeline"
    behind: str = "pipeline_leads"

    @property
    def csv_href(self) -> str:
        return f"{reverse(self.page)}?{urlencode({'tile': self.tile.key, 'format': 'csv', **self.query})}"

    def href(self, part: str) -> str:
        """The page of the very leads behind a figure; blank where there are none to show."""
        if not part:
            return ""
        if self.tile.key == "stages":
            return self._leads_page(*part.split("."))
        return f"{reverse(self.behind)}?{urlencode({'tile': self.tile.key, 'part': part, **self.query})}"

    def _leads_page(self, stage: str, temperature: str) -> str:
        """What the filters of the leads page can say is shown there, where one can act on it."""
        query = {"stage": stage} | {name: self.query[name] for name in ("team", "list") if name in self.query}
        if temperature != "leads":
            query["temperature"] = temperature
        try:
            return f"{reverse('leads')}?{urlencode(query)}"
        except NoReverseMatch:
            return ""

    @property
    def head(self) -> list[Cell]:
        return [
            Cell(column.label, is_number=column.kind not in ("text", "day", "moment"))
            for column in self.tile.columns
        ]

    @property
    def lines(self) -> list[list[Cell]]:
        return [[self._cell(column, row) for column in self.tile.columns] for row in self.tile.rows]

    def only(self, *keys: str, rows: int | None = None) -> Panel:
        """The same with some of its columns, for a table that is read at a glance; the CSV keeps all."""
        columns = [column for column in self.tile.columns if column.key in keys]
        return replace(self, tile=replace(self.tile, columns=columns, rows=self.tile.rows[:rows]))

    def _cell(self, column: Column, row: Row) -> Cell:
        value = row.values[column.key]
        part = row.parts.get(column.key, "") if value else ""
        thin = bool(column.total) and row.values[column.total] < FEW
        alarm = column.alarm is not None and not thin and value is not None and value > column.alarm
        is_number = column.kind not in ("text", "date", "day", "moment")
        return Cell(shown(value, column.kind), self.href(part), is_number, thin, alarm)

    @property
    def value(self) -> str:
        """The headline's number, against its goal where it has one."""
        headline = self._headline()
        said = shown(headline.value, headline.kind)
        return said if headline.goal is None else f"{said} / {shown(headline.goal, headline.kind)}"

    @property
    def value_label(self) -> str:
        return self._headline().label or self.tile.title

    @property
    def value_href(self) -> str:
        headline = self._headline()
        return self.href(headline.part) if headline.value else ""

    def _headline(self) -> Headline:
        assert self.tile.headline is not None, f"{self.tile.key} has no headline"
        return self.tile.headline

    def figure(self, part: str) -> str:
        """The name of the figure that the part stands behind, as the page words it; blank where none does."""
        headline, first = self.tile.headline, self.tile.columns[0]
        if headline and headline.part == part:
            return f"{self.value_label}: {self.value}"
        columns = {column.key: column for column in self.tile.columns}
        for row in self.tile.rows:
            for key, named in row.parts.items():
                if named == part and key in columns:
                    value = shown(row.values[first.key], first.kind)
                    lead = value if first.kind in ("text", "date") else f"{first.label}: {value}"
                    return f"{lead} · {columns[key].label}"
        return ""

    # --- what the drawings take ---------------------------------------------------------------------------

    @property
    def funnel_rows(self) -> list[dict[str, Any]]:
        return [
            {
                "label": row.values["label"],
                "cold": row.values["cold"],
                "warm": row.values["warm"],
                "cold_href": self.href(row.parts["cold"]) if row.values["cold"] else "",
                "warm_href": self.href(row.parts["warm"]) if row.values["warm"] else "",
            }
            for row in self.tile.rows
        ]

    @property
    def curves(self) -> list[dict[str, Any]]:
        named = (("warm", _("warm")), ("cold", _("cold")))
        curves = self.tile.marks["curves"]
        return [
            {"label": label, "kind": kind, "shares": [point.reached_by for point in curves[kind]]}
            for kind, label in named
            if curves[kind]
        ]

    @property
    def hazard_bars(self) -> list[Bar]:
        """The chance of a reach at each attempt, hollow where fewer than 30 were tried."""
        bars = []
        for row in self.tile.rows:
            values = row.values
            words = _("attempt %(attempt)d: %(reached)d reached of %(n)d tried (%(share)s)") % {
                "attempt": values["attempt"],
                "reached": values["reached"],
                "n": values["at_risk"],
                "share": percent_text(values["hazard"]),
            }
            fill = "thin" if values["at_risk"] < FEW else "solid"
            href = self.href(row.parts["reached"]) if values["reached"] else ""
            bars.append(
                Bar(
                    values["attempt"], [(values["hazard"], fill)], words, href, percent_text(values["hazard"])
                )
            )
        return bars

    @property
    def attempt_bars(self) -> list[Bar]:
        """Ended pursuits by calls made, from the ground up: given up, exhausted, ended by an answer."""
        bars = []
        for row in self.tile.rows:
            values = row.values
            words = _(
                "%(calls)d calls: %(pursuits)d pursuits ended, %(given_up)d of them given up, "
                "%(exhausted)d exhausted"
            ) % {key: values[key] for key in ("calls", "pursuits", "given_up", "exhausted")}
            segments = [
                (values["given_up"], "hatched"),
                (values["exhausted"], "hollow"),
                (values["answered"], "solid"),
            ]
            href = self.href(row.parts["pursuits"]) if values["pursuits"] else ""
            bars.append(Bar(values["calls"], segments, words, href, count_text(values["pursuits"])))
        return bars

    @property
    def heat_cells(self) -> list[dict[str, Any]]:
        return [
            {
                "weekday": row.values["weekday"],
                "hour": row.values["hour"],
                "n": row.values["dials"],
                "rate": row.values["estimate"],
            }
            for row in self.tile.rows
        ]

    @property
    def days(self) -> list[dict[str, Any]]:
        return [
            {
                "label": formats.date_format(row.values["day"], "D"),
                "due": row.values["due"],
                "capacity": row.values["capacity"],
                "href": self.href(row.parts["due"]) if row.values["due"] else "",
            }
            for row in self.tile.rows
        ]


def shown(value: Any, kind: str) -> str:
    """A value as its column's kind is read; nothing known is an en dash."""
    if value is None:
        return "–"
    match kind:
        case "share":
            return percent_text(value)
        case "count":
            return count_text(value)
        case "minutes":
            return wait_text(value)
        case "ratio":
            return f"{formats.number_format(value, 1)}×"
        case "date":
            return formats.date_format(value, "D j M")
        case "day":
            return formats.date_format(value, "DATE_FORMAT")
        case "moment":
            return when(value)
    return str(value)


class _Line:
    """A file of one line, so that a CSV can be written line by line."""

    def write(self, text: str) -> str:
        return text


def csv_lines(tile: Tile) -> Iterator[str]:
    """The tile's table as CSV: a head of labels, shares as fractions, nothing known as nothing."""
    writer = csv.writer(_Line())
    yield writer.writerow([column.label for column in tile.columns])
    for row in tile.rows:
        yield writer.writerow([_plain(row.values[column.key]) for column in tile.columns])


def _plain(value: Any) -> object:
    match value:
        case None:
            return ""
        case float():
            return round(value, 6)
        case date():
            return value.isoformat()
        case str():
            return safe_cell(value)
    return value
