"""Who asked to be contacted and still waits, and how fast are we?"""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Count, DurationField, ExpressionWrapper, F, Min, Q, QuerySet, Window
from django.db.models.functions import RowNumber
from django.utils import formats
from django.utils.translation import gettext as _

from crm.figures import percent_text
from crm.pipeline.reports.scope import Scope
from crm.pipeline.reports.tile import Column, Headline, Row, Tile, pick
from crm.pipeline.statistics import median_of, proportion
from leads.models import Lead
from touchpoints.models import HandRaise

# --- Waiting hand-raisers -----------------------------------------------------------------------------------


def waiting(scope: Scope) -> QuerySet[HandRaise]:
    """Hand-raises nobody has tried to answer yet, of leads that are still to be won."""
    unanswered = HandRaise.objects.filter(
        first_attempt_at=None, lead__merged_into=None, lead__erased_at=None, raised_at__lte=scope.now
    ).exclude(lead__stage__in=[Lead.Stage.WON, Lead.Stage.LOST])
    return scope.of_leads(unanswered.order_by())


def _waits(scope: Scope) -> dict[str, Q]:
    goal = scope.now - timedelta(minutes=scope.workspace.speed_goal_minutes)
    day = scope.now - timedelta(days=1)
    return {
        "in_time": Q(raised_at__gte=goal),
        "late": Q(raised_at__lt=goal, raised_at__gte=day),
        "old": Q(raised_at__lt=day),
    }


def hand_raisers(scope: Scope) -> Tile:
    waits = _waits(scope)
    found = waiting(scope).aggregate(
        longest=Min("raised_at"), **{key: Count("pk", filter=condition) for key, condition in waits.items()}
    )
    goal = scope.workspace.speed_goal_minutes
    labels = {
        "in_time": _("Up to %(goal)d minutes") % {"goal": goal},
        "late": _("Longer, up to a day"),
        "old": _("Longer than a day"),
    }
    number = sum(found[key] for key in waits)
    of = _("goal: first call within %(goal)d min") % {"goal": goal}
    if found["longest"]:
        of = _("longest %(wait)s · goal %(goal)d min") % {
            "wait": wait_text((scope.now - found["longest"]).total_seconds() / 60),
            "goal": goal,
        }
    return Tile(
        key="hand_raisers",
        title=_("Waiting hand-raisers"),
        definition=_(
            "Leads that asked to be contacted and have not been called since. As of now, whatever the period."
        ),
        denominator=_("All open enquiries of leads neither won nor lost"),
        columns=(Column("label", _("Waiting"), "text"), Column("hand_raises", _("Hand-raises"))),
        rows=[
            Row({"wait": key, "label": labels[key], "hand_raises": found[key]}, parts={"hand_raises": key})
            for key in waits
        ],
        headline=Headline(number, "count", of, part="all", tone="warm" if number else "ok"),
    )


def hand_raisers_leads(scope: Scope, part: str) -> QuerySet[Lead]:
    condition = pick({"all": Q(), **_waits(scope)}, part)
    return scope.leads().filter(pk__in=waiting(scope).filter(condition).values("lead"))


def wait_text(minutes: float | None) -> str:
    """6 min, 3.5 h, 2.0 d: as short as a wait can be said."""
    if minutes is None:
        return "–"
    if minutes < 90:
        return _("%(n)s min") % {"n": formats.number_format(minutes, 0 if minutes >= 10 else 1)}
    if minutes < 48 * 60:
        return _("%(n)s h") % {"n": formats.number_format(minutes / 60, 1)}
    return _("%(n)s d") % {"n": formats.number_format(minutes / 60 / 24, 1)}


# --- Speed to lead ------------------------------------------------------------------------------------------

WAIT = ExpressionWrapper(F("first_attempt_at") - F("raised_at"), output_field=DurationField())


def _raised(scope: Scope) -> QuerySet[HandRaise]:
    return scope.of_leads(
        HandRaise.objects.filter(raised_at__gte=scope.since, raised_at__lt=scope.until).order_by()
    )


def _speed_kinds(scope: Scope) -> dict[str, Q]:
    goal = timedelta(minutes=scope.workspace.speed_goal_minutes)
    answered = Q(first_attempt_at__isnull=False)
    return {
        "in_time": answered & Q(wait__lte=goal),
        "late": answered & Q(wait__gt=goal),
        # Not yet late: it says nothing of how fast we are.
        "fresh": Q(first_attempt_at=None, raised_at__gte=scope.now - goal),
        "unanswered": Q(first_attempt_at=None, raised_at__lt=scope.now - goal),
    }


def speed(scope: Scope) -> Tile:
    goal = scope.workspace.speed_goal_minutes
    raised = _raised(scope).annotate(wait=WAIT)
    kinds = _speed_kinds(scope)
    found = raised.aggregate(**{key: Count("pk", filter=kind) for key, kind in kinds.items()})
    answered = found["in_time"] + found["late"]
    decided = answered + found["unanswered"]
    middle, p90 = _quantiles(raised)
    share = proportion(found["in_time"], decided).share
    labels = {
        "in_time": _("Called within %(goal)d min") % {"goal": goal},
        "late": _("Called later"),
        "unanswered": _("Not called, past the goal"),
        "fresh": _("Not called yet, within the goal"),
    }
    return Tile(
        key="speed",
        title=_("Speed to lead"),
        definition=_(
            "From the hand-raise to the first call, in clock minutes, for hand-raises of the period: median "
            "and 90th percentile of those called. The share within the goal counts those not called in time "
            "as missed."
        ),
        denominator=_("%(answered)d of %(raised)d hand-raises called")
        % {"answered": answered, "raised": decided + found["fresh"]},
        columns=(Column("label", _("Hand-raises"), "text"), Column("hand_raises", _("Number"))),
        rows=[
            Row({"kind": key, "label": label, "hand_raises": found[key]}, parts={"hand_raises": key})
            for key, label in labels.items()
        ],
        headline=Headline(
            middle,
            "minutes",
            _("median · 90 %% within %(p90)s · %(share)s in %(goal)d min")
            % {"p90": wait_text(p90), "share": percent_text(share), "goal": goal},
            part="called",
        ),
        marks={"median_minutes": middle, "p90_minutes": p90, "share_in_time": share, "in_time_of": decided},
    )


def _quantiles(raised: QuerySet[HandRaise]) -> tuple[float | None, float | None]:
    """Median and 90th percentile (nearest rank) of the waits of those called, in minutes."""
    ranked = raised.filter(first_attempt_at__isnull=False).annotate(
        place=Window(RowNumber(), order_by=["wait", "pk"]), total=Window(Count("pk"))
    )
    middle = Q(twice__gte=F("total"), twice__lte=F("total") + 2)
    late = Q(ten_times__gte=F("nine_totals"), ten_times__lt=F("nine_totals") + 10)
    ranked = ranked.annotate(twice=F("place") * 2, ten_times=F("place") * 10, nine_totals=F("total") * 9)
    rows = list(ranked.filter(middle | late).order_by("place").values("wait", "place", "total"))
    if not rows:
        return None, None
    total = rows[0]["total"]
    minutes = {row["place"]: row["wait"].total_seconds() / 60 for row in rows}
    return (
        median_of(minutes[place] for place in sorted(minutes) if total <= 2 * place <= total + 2),
        minutes[-(-9 * total // 10)],
    )


def speed_leads(scope: Scope, part: str) -> QuerySet[Lead]:
    kinds = {**_speed_kinds(scope), "called": Q(first_attempt_at__isnull=False)}
    raised = _raised(scope).annotate(wait=WAIT).filter(pick(kinds, part))
    return scope.leads().filter(pk__in=raised.values("lead"))
