"""What did people ask of us: wishes to decide, complaints to answer, our own list, consents that end?"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.db.models import Count, Min, Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from crm.figures import count_text
from crm.pipeline.reports.scope import Scope
from crm.pipeline.reports.tile import Column, Headline, Row, Tile
from leads.models import Consent, Suppression
from touchpoints.models import Complaint, Wish

SOON = timedelta(days=30)


def wishes(scope: Scope) -> Tile:
    """Requests to stop that a person must still decide, whenever they came."""
    rows = scope.of_leads(Wish.objects.open().order_by())
    counted = {
        row["kind"]: row for row in rows.values("kind").annotate(n=Count("pk"), oldest=Min("found_at"))
    }
    return _by_kind(
        "wishes",
        _("Open wishes"),
        _(
            "Requests to stop that were read in a message and wait for a person's decision. Until then they block "
            "every call. All that are open, whenever they came."
        ),
        {kind: str(label) for kind, label in Wish.Kind.choices},
        counted,
    )


def complaints(scope: Scope) -> Tile:
    """Open ones whenever they came; of the period by state."""
    rows = scope.of_leads(
        Complaint.objects.filter(
            Q(status=Complaint.Status.OPEN) | Q(at__gte=scope.since, at__lt=scope.until)
        ).order_by()
    )
    counted = {row["status"]: row for row in rows.values("status").annotate(n=Count("pk"), oldest=Min("at"))}
    return _by_kind(
        "complaints",
        _("Complaints"),
        _(
            "Leads who said they would report us, or complained: all that are open, and those of the period that "
            "were answered or closed. Each is linked to its call's evidence."
        ),
        {status: str(label) for status, label in Complaint.Status.choices},
        counted,
        counts={Complaint.Status.OPEN.value},
    )


def own_list(scope: Scope) -> Tile:
    """Entries in force by what they name; the whole workspace's, for an entry binds everybody."""
    active = Suppression.objects.active().order_by()
    of_period = Q(requested_at__gte=scope.since, requested_at__lt=scope.until)
    counted = {
        row["scope"]: row
        for row in active.values("scope").annotate(n=Count("pk"), new=Count("pk", filter=of_period))
    }
    total = sum(row["n"] for row in counted.values())
    return Tile(
        key="own_list",
        title=_("Our own list"),
        definition=_(
            "Entries in force: whoever stands here is called by nobody. The whole workspace's, whatever the team."
        ),
        denominator=ngettext("%(n)s entry", "%(n)s entries", total) % {"n": count_text(total)},
        columns=(
            Column("scope", _("Names"), "text"),
            Column("entries", _("Entries")),
            Column("new", _("New in the period")),
        ),
        rows=[
            Row(
                {
                    "scope": str(label),
                    "entries": counted.get(scope_, {}).get("n", 0),
                    "new": counted.get(scope_, {}).get("new", 0),
                }
            )
            for scope_, label in Suppression.Scope.choices
        ],
        headline=Headline(total, "count", _("entries in force"), label=_("Our own list")),
    )


def consents_ending(scope: Scope) -> Tile:
    """Consents and relationships in force that end within 30 days, by kind."""
    ending = scope.of_leads(
        Consent.objects.in_force(now=scope.now).filter(ends_at__lte=scope.now + SOON).order_by()
    )
    counted = {
        row["kind"]: row for row in ending.values("kind").annotate(n=Count("pk"), oldest=Min("ends_at"))
    }
    return _by_kind(
        "consents_ending",
        _("Consents ending soon"),
        _(
            "Consents, permissions and relationships that end within the next 30 days. Afterwards the calls they "
            "allowed are blocked, unless they are renewed."
        ),
        {kind: str(label) for kind, label in Consent.Kind.choices},
        counted,
        first=_("First ends"),
        alarming=False,
    )


def _by_kind(
    key: str,
    title: str,
    definition: str,
    labels: Mapping[str, str],
    counted: Mapping[str, Any],
    *,
    first: str = "",
    counts: set[str] | None = None,
    alarming: bool = True,
) -> Tile:
    """A line a kind; the headline counts the kinds in `counts` (None: all)."""
    n = sum(row["n"] for kind, row in counted.items() if counts is None or kind in counts)
    return Tile(
        key=key,
        title=title,
        definition=definition,
        denominator=ngettext("%(n)s to look at", "%(n)s to look at", n) % {"n": count_text(n)},
        columns=(
            Column("kind", _("Kind"), "text"),
            Column("n", _("Number")),
            Column("oldest", first or _("Oldest"), "moment"),
        ),
        rows=[
            Row({"kind": label, "n": counted[kind]["n"], "oldest": counted[kind]["oldest"]})
            for kind, label in labels.items()
            if kind in counted
        ],
        headline=Headline(n, "count", _("to look at"), label=title, tone="warn" if n and alarming else ""),
    )
