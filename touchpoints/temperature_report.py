"""How many leads turned warm and cold, on which day, by which rule, why, and from which list and source?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django.db.models import Count, F, Q, TextField
from django.db.models.fields.json import KT
from django.db.models.functions import Cast, Coalesce, TruncDate
from django.utils.translation import gettext

from leads.models import Lead, LeadList

from . import rule_words
from .models import TemperatureChange, TouchpointKind, WarmthRule

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.db.models import QuerySet

PERIODS = (7, 30, 90)
_COUNTS = {
    "warmed": Count("pk", filter=Q(after=Lead.Temperature.WARM), distinct=True),
    "cooled": Count("pk", filter=Q(after=Lead.Temperature.COLD), distinct=True),
}


@dataclass(frozen=True)
class Table:
    """One way of cutting the same changes: `rows` [{label, warmed, cooled}]."""

    key: str
    title: str
    rows: list[dict[str, Any]]

    @property
    def peak(self) -> int:
        """The largest figure, against which the others are drawn; never 0."""
        return max([1, *(max(row["warmed"], row["cooled"]) for row in self.rows)])


@dataclass(frozen=True)
class Report:
    days: int
    warmed: int
    cooled: int
    tables: list[Table]


def report(*, user: Any, days: int, now: datetime) -> Report:
    """The changes of leads this user may see in the last `days` days, on the user's own calendar; eight queries.

    A change counts with the rule of its strongest evidence, and with each list its lead is on.
    """
    zone = ZoneInfo(user.time_zone)
    first = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=days - 1)
    changes = TemperatureChange.objects.order_by().filter(
        at__gte=first, at__lte=now, lead__in=Lead.objects.visible_to(user)
    )
    kinds = {kind.pk: gettext(kind.label) for kind in TouchpointKind.objects.all()}
    causes = dict(TemperatureChange.Cause.choices)
    sources = dict(LeadList.Source.choices)
    none = gettext("no list")
    tables = [
        Table("day", gettext("Per day"), _by_day(changes, zone)),
        Table("cause", gettext("Why"), _by(changes, F("cause"), lambda key: str(causes.get(key, key)))),
        Table(
            "rule",
            gettext("Rule of the strongest evidence"),
            _by_rule(changes, kinds),
        ),
        Table("list", gettext("List"), _by(changes, F("lead__lists__name"), lambda key: key or none)),
        Table(
            "source",
            gettext("Source of the list"),
            _by(changes, F("lead__lists__source"), lambda key: str(sources.get(key, none))),
        ),
    ]
    total = changes.aggregate(**_COUNTS)
    return Report(days, total["warmed"], total["cooled"], tables)


def _by_day(changes: QuerySet[TemperatureChange], zone: ZoneInfo) -> list[dict[str, Any]]:
    found = changes.annotate(key=TruncDate("at", tzinfo=zone)).values("key").annotate(**_COUNTS)
    return [
        {"label": row["key"], "warmed": row["warmed"], "cooled": row["cooled"]}
        for row in found.order_by("-key")
    ]


def _by_rule(changes: QuerySet[TemperatureChange], kinds: dict[str, str]) -> list[dict[str, Any]]:
    """By the rule of the strongest evidence, versions apart; what was kept without its rule counts by its kind."""
    rule_id = Cast(KT("evidence__0__rule"), TextField())
    strongest = Coalesce(rule_id, KT("evidence__0__kind"))
    ids = {key for key in changes.annotate(key=strongest).values_list("key", flat=True).distinct() if key}
    rules = {
        str(rule.pk): " · ".join(
            [
                gettext("v%(n)d") % {"n": rule.ruleset.version},
                rule_words.in_words(rule),
                *rule_words.conditions(rule),
            ]
        )
        for rule in WarmthRule.objects.filter(pk__in=[key for key in ids if key.isdigit()]).select_related(
            "ruleset", "kind", "segment"
        )
    }
    return _by(
        changes, strongest, lambda key: rules.get(key) or kinds.get(key, key) or gettext("no evidence")
    )


def _by(changes: QuerySet[TemperatureChange], key: Any, label: Callable[[Any], str]) -> list[dict[str, Any]]:
    found = changes.annotate(key=key).values("key").annotate(**_COUNTS)
    rows = [{"label": label(row["key"]), "warmed": row["warmed"], "cooled": row["cooled"]} for row in found]
    return sorted(rows, key=lambda row: (-row["warmed"] - row["cooled"], row["label"]))
