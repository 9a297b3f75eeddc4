"""How old are the registries' lists, what was loaded, and what did holding our numbers against them find?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, timedelta
from typing import Any

from django.db.models import Count, Max, Q, Sum
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from crm.figures import count_text
from crm.pipeline.reports.scope import Scope
from crm.pipeline.reports.tile import Column, Headline, Row, Tile
from leads import law_rows, law_words
from leads.models import GuardRule, Number, RegistryArea, RegistryLoad, RegistryScrub, Workspace

# The ledger's own page shows all; the overview the latest.
LATEST = 10
NOT_IN_USE = RegistryLoad.Status.REFUSED


@dataclass
class Asked:
    """What the rules in effect ask of a registry: how old its list may be at most (None: whatever its age), and in
    which countries."""

    max_age_days: int | None = None
    countries: set[str] = field(default_factory=set)


def asked_for(*, today: date) -> dict[str, Asked]:
    """What the rules in effect ask of each registry; lists that only an exempt trade needs count for those in it."""
    ours = set(Workspace.current().trades)
    by_rule: dict[tuple[str, str], list[GuardRule]] = defaultdict(list)
    for rule in GuardRule.objects.filter(active=True):
        by_rule[rule.jurisdiction, rule.audience].append(rule)
    found: dict[str, Asked] = defaultdict(Asked)
    for (place, _audience), versions in by_rule.items():
        binding = law_rows.in_force(versions, today)
        for use in binding.registries if binding else ():
            if use.get("when") == "trade" and not ours.intersection(_trades_of(binding)):
                continue
            asked = found[use["registry"]]
            ages = [age for age in (asked.max_age_days, use["max_age_days"]) if age is not None]
            asked.max_age_days = min(ages, default=None)
            asked.countries.add(place.partition("-")[0])
    return dict(found)


def _trades_of(rule: GuardRule | None) -> list[str]:
    """The trades that the rule exempts."""
    return [trade for exemption in (rule.exemptions if rule else ()) for trade in exemption.get("trades", ())]


def registries(scope: Scope) -> Tile:
    """Each registry that a rule names or a list is loaded of: its lists' age and when the next is due."""
    today = scope.now.astimezone(UTC).date()
    asked = asked_for(today=today)
    ours = dict(Number.objects.order_by().values_list("region").annotate(n=Count("pk")))
    areas = RegistryArea.objects.values("registry", "area", "list_date")
    held: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for row in areas.annotate(numbers=Sum("count"), loading_now=Count("loading")).order_by("list_date"):
        held[row["registry"]].append(row)
    rows = [
        _registry_row(key, held.get(key, []), asked.get(key, Asked()), ours, today)
        for key in sorted({*asked, *held})
    ]
    wrong = sum(row.values["state"] in (_not_loaded(), _stale()) for row in rows)
    return Tile(
        key="registries",
        title=_("Registries"),
        definition=_(
            "The lists in use. A list counts from its own date, not from the day it was loaded; the strictest rule in "
            "effect says how old it may be. What is older, or not loaded, blocks the calls that need it."
        ),
        denominator=_("as of %(day)s (UTC)") % {"day": date_format(today)},
        columns=(
            Column("registry", _("Registry"), "text"),
            Column("areas", _("Areas")),
            Column("numbers", _("Numbers")),
            Column("oldest", _("Oldest list"), "day"),
            Column("newest", _("Newest list"), "day"),
            Column("age", _("Oldest, days")),
            Column("due", _("Next due by"), "day"),
            Column("stale", _("Areas too old")),
            Column("ours", _("Our numbers there")),
            Column("state", _("State"), "text"),
        ),
        rows=rows,
        headline=Headline(
            wrong,
            "count",
            ngettext(
                "of %(n)d registry missing or too old", "of %(n)d registries missing or too old", len(rows)
            )
            % {"n": len(rows)},
            label=_("Lists to load"),
            tone="stop" if wrong else "ok",
        ),
    )


def _not_loaded() -> str:
    return _("not loaded")


def _stale() -> str:
    return _("too old")


def _registry_row(
    key: str, held: list[Mapping[str, Any]], asked: Asked, ours: Mapping[str, int], today: date
) -> Row:
    allowed = asked.max_age_days
    numbers = sum(ours.get(country, 0) for country in asked.countries)
    oldest = held[0]["list_date"] if held else None
    age = (today - oldest).days if oldest else None
    due = oldest + timedelta(days=allowed) if oldest and allowed is not None else None
    old = [row for row in held if allowed is not None and (today - row["list_date"]).days > allowed]
    if not held:
        state = _not_loaded() if numbers else _("not loaded; no number there")
    elif any(row["loading_now"] for row in held):
        state = _("being loaded")
    elif old:
        state = _stale()
    elif due is not None and (due - today).days <= 7:
        state = _("due soon")
    else:
        state = _("in order")
    return Row(
        {
            "registry": law_words.registry_name(key),
            "areas": len({row["area"] for row in held}),
            "numbers": sum(row["numbers"] for row in held),
            "oldest": oldest,
            "newest": held[-1]["list_date"] if held else None,
            "age": age,
            "due": due,
            "stale": len({row["area"] for row in old}),
            "ours": numbers,
            "state": state,
        }
    )


def loads(scope: Scope) -> Tile:
    """The latest files handed in, and those refused in the period."""
    in_period = Q(at__gte=scope.since, at__lt=scope.until)
    counted = RegistryLoad.objects.filter(in_period).aggregate(
        all=Count("pk"), refused=Count("pk", filter=Q(status=NOT_IN_USE))
    )
    latest = RegistryLoad.objects.filter(in_period).select_related("by")[:LATEST]
    return Tile(
        key="loads",
        title=_("Files loaded"),
        definition=_("Files handed in during the period, the latest first; a refused file changes nothing."),
        denominator=ngettext("%(n)s file handed in", "%(n)s files handed in", counted["all"])
        % {"n": count_text(counted["all"])},
        columns=(
            Column("at", _("Handed in"), "moment"),
            Column("registry", _("Registry"), "text"),
            Column("file", _("File"), "text"),
            Column("list_date", _("List date"), "day"),
            Column("accepted", _("Accepted")),
            Column("rejected", _("Rejected")),
            Column("status", _("State"), "text"),
            Column("by", _("By"), "text"),
        ),
        rows=[
            Row(
                {
                    "at": load.at,
                    "registry": law_words.registry_name(load.registry),
                    "file": load.file_name,
                    "list_date": load.list_date,
                    "accepted": load.accepted,
                    "rejected": load.rejected,
                    "status": load.get_status_display(),
                    "by": str(load.by or "–"),
                },
                parts={"file": f"load.{load.pk}"},
            )
            for load in latest
        ],
        headline=Headline(
            counted["refused"],
            "count",
            _("of %(n)s files handed in") % {"n": count_text(counted["all"])},
            label=_("Refused files"),
            tone="warn" if counted["refused"] else "",
        ),
    )


def scrubs(scope: Scope) -> Tile:
    """The latest times our numbers were held against the lists."""
    latest = RegistryScrub.objects.filter(finished_at__isnull=False).select_related("load")[:LATEST]
    rows = [
        Row(
            {
                "at": scrub.at,
                "cause": scrub.get_cause_display(),
                "numbers": scrub.numbers,
                "hits": scrub.hits,
                "found": scrub.found,
                "cleared": scrub.cleared,
            }
        )
        for scrub in latest
    ]
    whole = RegistryScrub.objects.filter(cause=RegistryScrub.Cause.NIGHTLY).aggregate(at=Max("finished_at"))
    return Tile(
        key="scrubs",
        title=_("Our numbers against the lists"),
        definition=_(
            "Every load, every night: all our numbers are held against the lists. Hits are shown on the number; a "
            "later list clears them."
        ),
        denominator=_("last whole scrub %(day)s") % {"day": date_format(whole["at"], "DATETIME_FORMAT")}
        if whole["at"]
        else _("no whole scrub yet"),
        columns=(
            Column("at", _("When"), "moment"),
            Column("cause", _("Why"), "text"),
            Column("numbers", _("Numbers")),
            Column("hits", _("On a list")),
            Column("found", _("Newly")),
            Column("cleared", _("Cleared")),
        ),
        rows=rows,
        headline=Headline(
            rows[0].values["hits"] if rows else None,
            "count",
            _("at the latest scrub"),
            label=_("Numbers on a list"),
        ),
    )
