"""Which dials did the guard refuse, to whom and why, and which calls were made that it would have refused?"""

from __future__ import annotations

from typing import Any

from django.db.models import Count, QuerySet
from django.db.models.fields.json import KT
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from crm.accounts.models import User
from crm.figures import count_text
from crm.pipeline.reports.scope import Scope
from crm.pipeline.reports.tile import Column, Headline, Row, Tile
from crm.pipeline.reports.yields import reason_in_words
from touchpoints.models import BlockedDial, CallAttempt

FIRST_REASON = "guard__reasons__0__code"
# What stands in an address for a figure of nobody or of no reason.
NOBODY = NO_REASON = "none"


def blocked_dials(scope: Scope) -> QuerySet[BlockedDial]:
    """Dials of the period to leads of this scope that the guard refused."""
    refused = BlockedDial.objects.filter(at__gte=scope.since, at__lt=scope.until).order_by()
    return scope.of_leads(refused)


def breached_calls(scope: Scope) -> QuerySet[CallAttempt]:
    """Calls of the period that a phone system reported and the guard would have blocked."""
    return scope.dials().filter(breach=True)


def narrowed(rows: QuerySet[Any], part: str) -> QuerySet[Any] | None:
    """The rows behind one figure: "all", "reason.<code>", "rep.<id>", or several of these joined by ~; None where
    there is no such figure."""
    for one in part.split("~"):
        found = _narrowed(rows, one)
        if found is None:
            return None
        rows = found
    return rows


def _narrowed(rows: QuerySet[Any], part: str) -> QuerySet[Any] | None:
    kind, _dot, value = part.partition(".")
    match kind:
        case "all" if not value:
            return rows
        case "reason" if value == NO_REASON:
            return rows.filter(guard__reasons__0__isnull=True)
        case "reason" if value:
            return rows.filter(**{FIRST_REASON: value})
        case "rep" if value == NOBODY:
            return rows.filter(user=None)
        case "rep" if value.isascii() and value.isdigit() and len(value) < 19:
            return rows.filter(user=int(value))
    return None


def blocked(scope: Scope) -> Tile:
    """By the first reason the guard gave."""
    counted = (
        blocked_dials(scope)
        .annotate(code=KT(FIRST_REASON))
        .values("code")
        .annotate(dials=Count("pk"), leads=Count("lead", distinct=True))
    )
    found = list(counted.order_by("-dials", "code"))
    total = sum(row["dials"] for row in found)
    return Tile(
        key="blocked",
        title=_("Blocked dials by reason"),
        definition=_(
            "Dials the guard refused in the period, by the first reason it gave. None of them was made. Leads are "
            "those of the team now, whoever dialled."
        ),
        denominator=ngettext("%(n)s blocked dial", "%(n)s blocked dials", total) % {"n": count_text(total)},
        columns=(
            Column("reason", _("Reason"), "text"),
            Column("dials", _("Dials")),
            Column("leads", _("Leads")),
            Column("share", _("Share"), "share"),
        ),
        rows=[
            Row(
                {
                    "reason": reason_in_words(row["code"] or ""),
                    "dials": row["dials"],
                    "leads": row["leads"],
                    "share": row["dials"] / total,
                },
                parts=dict.fromkeys(("dials", "leads"), f"reason.{row['code'] or NO_REASON}"),
            )
            for row in found
        ],
        headline=Headline(
            total, "count", _("refused, none of them made"), part="all", label=_("Blocked dials")
        ),
    )


def blocked_reps(scope: Scope) -> Tile:
    """By who dialled, with each one's most frequent reason."""
    counted = (
        blocked_dials(scope)
        .annotate(code=KT(FIRST_REASON))
        .values("user", "code")
        .annotate(dials=Count("pk"))
    )
    by_rep: dict[int | None, dict[str, int]] = {}
    for row in counted.order_by("user", "-dials", "code"):
        by_rep.setdefault(row["user"], {})[row["code"] or ""] = row["dials"]
    total = sum(sum(codes.values()) for codes in by_rep.values())
    names = _names(by_rep)
    ranked = sorted(by_rep.items(), key=lambda one: (-sum(one[1].values()), names[one[0]]))
    return Tile(
        key="blocked_reps",
        title=_("Blocked dials by rep"),
        definition=_("Who asked for the dials the guard refused, and the reason that each met most often."),
        denominator=ngettext("%(n)s blocked dial", "%(n)s blocked dials", total) % {"n": count_text(total)},
        columns=(
            Column("rep", _("Rep"), "text"),
            Column("dials", _("Dials")),
            Column("most", _("Most often"), "text"),
            Column("share", _("Share"), "share"),
        ),
        rows=[
            Row(
                {
                    "rep": names[user],
                    "dials": sum(codes.values()),
                    "most": reason_in_words(max(codes, key=lambda code: codes[code])),
                    "share": sum(codes.values()) / total,
                },
                parts={"dials": f"rep.{user or NOBODY}"},
            )
            for user, codes in ranked
        ],
    )


def breaches(scope: Scope) -> Tile:
    """By whom the call was made, and by what the guard would have said."""
    counted = (
        breached_calls(scope)
        .annotate(code=KT(FIRST_REASON))
        .values("user", "code")
        .annotate(calls=Count("pk"), leads=Count("lead", distinct=True))
    )
    found = list(counted.order_by("-calls", "user", "code"))
    total = sum(row["calls"] for row in found)
    names = _names({row["user"]: None for row in found})
    return Tile(
        key="breaches",
        title=_("Breaches"),
        definition=_(
            "Calls of the period that a phone system reported and the guard would have blocked. They were made past "
            "Thaw, so nothing stopped them: find out how."
        ),
        denominator=ngettext("%(n)s call", "%(n)s calls", total) % {"n": count_text(total)},
        columns=(
            Column("rep", _("Rep"), "text"),
            Column("reason", _("The guard would have said"), "text"),
            Column("calls", _("Calls")),
            Column("leads", _("Leads")),
        ),
        rows=[
            Row(
                {
                    "rep": names[row["user"]],
                    "reason": reason_in_words(row["code"] or ""),
                    "calls": row["calls"],
                    "leads": row["leads"],
                },
                parts=dict.fromkeys(
                    ("calls", "leads"), f"rep.{row['user'] or NOBODY}~reason.{row['code'] or NO_REASON}"
                ),
            )
            for row in found
        ],
        headline=Headline(
            total,
            "count",
            _("made past the guard"),
            part="all",
            label=_("Breaches"),
            tone="stop" if total else "ok",
        ),
    )


def _names(users: dict[int | None, Any]) -> dict[int | None, str]:
    people = User.objects.filter(pk__in=[pk for pk in users if pk is not None])
    return {None: _("nobody any more")} | {user.pk: user.get_full_name() or user.username for user in people}
