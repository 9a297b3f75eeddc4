"""Who did what? Today's work of each rep, and who gives up too early."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from django.db.models import Count, F, Q, QuerySet
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from crm.accounts.models import User
from crm.pipeline.reports.persistence import ALARMING, EARLY, with_calls_made
from crm.pipeline.reports.scope import CALLED_OFF, CONNECT, OUTBOUND, REACH, Scope
from crm.pipeline.reports.tile import Column, Row, Tile, UnknownPart
from crm.pipeline.statistics import proportion
from leads.models import Lead
from touchpoints.models import CallBlock, Meeting

# A no is an outcome by which the lead turned us down; shouting is counted apart.
NO = Q(outcome__sets_cooled=True) & ~Q(outcome="abusive")
COUNTED: dict[str, Q] = {
    "dials": OUTBOUND,
    "connects": OUTBOUND & CONNECT,
    "reaches": REACH,
    "noes": NO,
    "hang_ups": Q(outcome="hung_up"),
    "abuse": Q(outcome="abusive"),
}


def reps(scope: Scope) -> Tile:
    """One line a rep, and a line for any colleague who called; the busiest first."""
    figures = _figures(scope)
    people = scope.people().filter(Q(pk__in=figures) | Q(role=User.Role.REP, is_active=True))
    rows = [_row(user, figures[user.pk]) for user in people.order_by("first_name", "username")]
    rows.sort(key=lambda row: (-row.values["dials_today"], -row.values["dials"]))
    return Tile(
        key="reps",
        title=_("Reps today"),
        definition=_(
            "Calls by who made them, today and in the period, whoever the lead belongs to. Noes: the lead "
            "turned us down. Given up at ≤ 4: of the pursuits that ended in the period by this rep (or, "
            "where nobody ended them, of this rep's leads), those given up after four calls or fewer."
        ),
        denominator=_("Calls since midnight (%(zone)s)") % {"zone": scope.workspace.time_zone},
        columns=(
            Column("name", _("Rep"), "text"),
            Column("dials_today", _("Dials")),
            Column("noes_today", _("Noes")),
            Column("hang_ups_today", _("Hang-ups")),
            Column("abuse_today", _("Abuse")),
            Column("reaches_today", _("Reaches")),
            Column("meetings_today", _("Meetings")),
            Column("blocks_today", _("Blocks finished")),
            Column("dials", _("Dials, period")),
            Column("connects", _("Connects, period")),
            Column("reaches", _("Reaches, period")),
            Column("meetings", _("Meetings, period")),
            Column("given_up_early", _("Given up at ≤ 4, n")),
            Column("ended", _("Pursuits ended")),
            Column("given_up_early_share", _("Given up at ≤ 4"), "share", total="ended", alarm=ALARMING),
        ),
        rows=rows,
    )


def _row(user: User, found: dict[str, int]) -> Row:
    values: dict[str, Any] = {"username": user.username, "name": user.get_full_name() or user.username}
    for key in (*COUNTED, "meetings"):
        values[key] = found[key]
        values[f"{key}_today"] = found[f"{key}_today"]
    values["blocks_today"] = found["blocks_today"]
    values["ended"], values["given_up_early"] = found["ended"], found["given_up_early"]
    values["given_up_early_share"] = proportion(found["given_up_early"], found["ended"]).share
    behind = [
        *(f"{key}_today" for key in COUNTED),
        *COUNTED,
        "meetings_today",
        "meetings",
        "ended",
        "given_up_early",
    ]
    parts = {key: f"{key}.{user.pk}" for key in behind}
    parts["given_up_early_share"] = parts["given_up_early"]
    return Row(values, parts=parts)


def _today(scope: Scope, field: str) -> Q:
    return Q(**{f"{field}__gte": scope.day_starts(scope.today), f"{field}__lte": scope.now})


def _period(scope: Scope, field: str) -> Q:
    return Q(**{f"{field}__gte": scope.since, f"{field}__lt": scope.until})


def _spans(scope: Scope, field: str) -> dict[str, Q]:
    return {"": _period(scope, field), "_today": _today(scope, field)}


def _figures(scope: Scope) -> dict[int, dict[str, int]]:
    """Counts by user: calls, meetings, blocks and ended pursuits, in four statements."""
    found: dict[int, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    spans = _spans(scope, "started_at")
    calls = scope.calls_of_people().filter(spans[""] | spans["_today"]).values("user")
    counts = {
        f"{key}{span}": Count("pk", filter=condition & when)
        for key, condition in COUNTED.items()
        for span, when in spans.items()
    }
    for row in calls.annotate(**counts):
        found[row.pop("user")].update(row)
    booked = _spans(scope, "booked_at")
    set_by = _meetings(scope).filter(booked[""] | booked["_today"]).values("booked_by")
    for row in set_by.annotate(
        meetings=Count("pk", filter=booked[""]), meetings_today=Count("pk", filter=booked["_today"])
    ):
        found[row.pop("booked_by")].update(row)
    blocks = CallBlock.objects.filter(
        _today(scope, "ended_at"), user__in=scope.people().order_by()
    ).order_by()
    for row in blocks.values("user").annotate(blocks_today=Count("pk")):
        found[row.pop("user")].update(row)
    ended = _ended(scope).values("rep").annotate(ended=Count("pk"), given_up_early=Count("pk", filter=EARLY))
    for row in ended:
        found[row.pop("rep")].update(row)
    return found


def _meetings(scope: Scope) -> QuerySet[Meeting]:
    booked = Meeting.objects.exclude(status__in=CALLED_OFF).filter(booked_by__isnull=False)
    return scope.of_leads(booked.order_by())


def _ended(scope: Scope) -> QuerySet[Any]:
    by_rep = with_calls_made(scope.pursuits_ended()).annotate(rep=Coalesce(F("ended_by"), F("lead__owner")))
    return by_rep.filter(rep__isnull=False)


def reps_leads(scope: Scope, part: str) -> QuerySet[Lead]:
    name, _dot, user = part.rpartition(".")
    if not user.isdecimal() or not scope.people().filter(pk=int(user)).exists():
        raise UnknownPart("figure.user")
    key, span = (name.removesuffix("_today"), "_today") if name.endswith("_today") else (name, "")
    if key in COUNTED:
        rows = scope.calls_of_people().filter(COUNTED[key], _spans(scope, "started_at")[span], user=int(user))
    elif key == "meetings":
        rows = _meetings(scope).filter(_spans(scope, "booked_at")[span], booked_by=int(user))
    elif name in ("ended", "given_up_early"):
        rows = _ended(scope).filter(EARLY if name == "given_up_early" else Q(), rep=int(user))
    else:
        raise UnknownPart("dials, connects, reaches, noes, hang_ups, abuse, meetings, ended, given_up_early")
    return scope.leads().filter(pk__in=rows.values("lead"))
