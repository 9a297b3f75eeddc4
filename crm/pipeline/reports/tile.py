"""What is a tile? Its title, definition, denominator, columns and rows: the same for page, CSV and API."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from django.db.models import QuerySet

from crm.pipeline.reports.scope import Scope
from leads.models import Lead

Kind = Literal["text", "count", "share", "decimal", "minutes", "ratio", "date", "day", "moment"]


@dataclass(frozen=True)
class Column:
    """One column of a tile's table. `key` is its name in the API, `kind` how a person reads its values.

    `total` names the column that holds the denominator of a share, so that thin ones can be greyed; a share
    above `alarm` that is not thin is one to look at.
    """

    key: str
    label: str
    kind: Kind = "count"
    total: str = ""
    alarm: float | None = None


@dataclass(frozen=True)
class Row:
    """One line of figures; `parts` names the leads behind single columns (see `Report.leads`)."""

    values: Mapping[str, Any]
    parts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Headline:
    """The tile in one number: the value, the line that says of what, and whether it asks for action."""

    value: float | int | None
    kind: Kind
    of: str
    goal: float | int | None = None
    part: str = ""
    # What the number is called where it is only a part of what the tile shows.
    label: str = ""
    tone: Literal["", "ok", "warn", "stop", "warm"] = ""


@dataclass(frozen=True)
class Tile:
    key: str
    title: str
    definition: str
    denominator: str
    columns: Sequence[Column]
    rows: Sequence[Row]
    headline: Headline | None = None
    # What the figures say in a sentence, where they say it better than a number does.
    sentence: str = ""
    # What only the drawing needs: marks, means, the attempt at which a curve ends.
    marks: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        return not self.rows or not any(
            value
            for row in self.rows
            for column, value in row.values.items()
            if isinstance(value, int | float)
            and column not in ("attempt", "weekday", "hour", "capacity", "goal")
        )


@dataclass(frozen=True)
class Report:
    """A tile and the leads behind its figures; `leads` raises UnknownPart where there is no such figure."""

    build: Callable[[Scope], Tile]
    leads: Callable[[Scope, str], QuerySet[Lead]]


class UnknownPart(LookupError):
    """The tile has no figure of that name, or none with leads behind it."""


def pick(parts: Mapping[str, Any], part: str) -> Any:
    """The entry named `part`. Raises UnknownPart, naming those there are."""
    try:
        return parts[part]
    except KeyError:
        raise UnknownPart(", ".join(sorted(parts))) from None
