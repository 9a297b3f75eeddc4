"""Do we go on long enough? Calls a pursuit gets, those given up too early, when leads are first reached."""

from __future__ import annotations

from collections import Counter

from django.db.models import Count, F, IntegerField, Max, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from crm.figures import count_text, percent_text
from crm.pipeline import kaplan_meier
from crm.pipeline.reports.scope import OUTBOUND, Scope
from crm.pipeline.reports.tile import Column, Headline, Row, Tile, UnknownPart, pick
from crm.pipeline.statistics import FEW, proportion
from leads.models import Lead
from touchpoints.models import Cadence, CallAttempt, Pursuit

# Where most sellers stop: 4.05 attempts a lead, InsideSales Cadence Audit 2017 (8,000 firms).
MOST_STOP_AT = 4
# What reaching a buyer is said to take (LinkedIn 2020, citing RAIN Group); used where no plan is active.
QUOTED_TARGET = 18
# From here on the share given up early is shown as something to look at.
ALARMING = 0.25

GIVEN_UP = Q(end_reason=Pursuit.EndReason.GIVEN_UP)
EARLY = GIVEN_UP & Q(calls_made__lte=MOST_STOP_AT, calls_made__lt=F("target"))
BEFORE_TARGET = GIVEN_UP & Q(calls_made__lt=F("target"))


def with_calls_made(pursuits: QuerySet[Pursuit]) -> QuerySet[Pursuit]:
    """Annotate `calls_made`: every outbound call of the pursuit, those after the first reach included."""
    calls = CallAttempt.objects.filter(OUTBOUND, pursuit=OuterRef("pk")).order_by()
    counted = calls.values("pursuit").annotate(n=Count("pk")).values("n")
    return pursuits.annotate(calls_made=Coalesce(Subquery(counted, output_field=IntegerField()), 0))


def attempts(scope: Scope) -> Tile:
    ended = with_calls_made(scope.pursuits_ended())
    by_calls: dict[int, Counter[str]] = {}
    early = before = 0
    counted = ended.values("calls_made", "target", "end_reason").annotate(n=Count("pk")).order_by()
    for row in counted:
        made, n = row["calls_made"], row["n"]
        reason = row["end_reason"]
        kind = reason if reason in (Pursuit.EndReason.GIVEN_UP, Pursuit.EndReason.EXHAUSTED) else "answered"
        by_calls.setdefault(made, Counter())[kind] += n
        if kind == Pursuit.EndReason.GIVEN_UP and made < row["target"]:
            before += n
            early += n if made <= MOST_STOP_AT else 0
    total = sum(sum(kinds.values()) for kinds in by_calls.values())
    calls = sum(made * sum(kinds.values()) for made, kinds in by_calls.items())
    mean = calls / total if total else None
    rows = [_attempts_row(made, by_calls.get(made, Counter())) for made in _span(by_calls)]
    return Tile(
        key="attempts",
        title=_("How many calls does a pursuit get?"),
        definition=_(
            "Pursuits that ended in the period, other than by merging or erasing, by the calls made in them "
            "(follow-up calls after a reach included). Given up: a person stopped before the plan ran out, "
            "with no answer from the lead. Exhausted: the plan ran out. Most sellers stop after %(stop)d "
            "(InsideSales 2017)."
        )
        % {"stop": MOST_STOP_AT},
        denominator=ngettext("%(n)s ended pursuit", "%(n)s ended pursuits", total) % {"n": count_text(total)},
        columns=(
            Column("calls", _("Calls")),
            Column("pursuits", _("Pursuits")),
            Column("given_up", _("Given up")),
            Column("exhausted", _("Exhausted")),
            Column("answered", _("Ended by an answer or a fact")),
        ),
        rows=rows if total else [],
        headline=Headline(
            proportion(early, total).share,
            "share",
            _("%(early)s of %(total)s ended pursuits")
            % {"early": count_text(early), "total": count_text(total)}
            + " · "
            + _("%(before)s before the target") % {"before": percent_text(proportion(before, total).share)},
            part="early",
            label=_("Given up at %(stop)d or fewer") % {"stop": MOST_STOP_AT},
            tone="stop" if total and early / total > ALARMING else "",
        ),
        sentence=_("On average %(mean)s calls a pursuit.") % {"mean": f"{mean:.1f}"}
        if mean is not None
        else "",
        marks={
            "early": MOST_STOP_AT,
            "given_up_early": early,
            "given_up_before_target": before,
            "ended": total,
            "share_given_up_early": proportion(early, total).share,
            "share_given_up_before_target": proportion(before, total).share,
            "mean_calls": mean,
        },
    )


def _span(by_calls: dict[int, Counter[str]]) -> range:
    return range(min(by_calls, default=0), max(by_calls, default=0) + 1)


def _attempts_row(made: int, kinds: Counter[str]) -> Row:
    values = {
        "calls": made,
        "pursuits": sum(kinds.values()),
        "given_up": kinds["given_up"],
        "exhausted": kinds["exhausted"],
        "answered": kinds["answered"],
    }
    return Row(values, parts={"pursuits": f"calls.{made}", "given_up": f"given_up.{made}"})


def attempts_leads(scope: Scope, part: str) -> QuerySet[Lead]:
    ended = with_calls_made(scope.pursuits_ended())
    kind, _dot, made = part.partition(".")
    if made.isdecimal():
        if kind not in ("calls", "given_up"):
            raise UnknownPart("calls.N, given_up.N")
        ended = ended.filter(GIVEN_UP) if kind == "given_up" else ended
        chosen = ended.filter(calls_made=int(made))
    else:
        chosen = ended.filter(pick({"early": EARLY, "before_target": BEFORE_TARGET, "ended": Q()}, part))
    return scope.leads().filter(pk__in=chosen.values("lead"))


def with_tried(pursuits: QuerySet[Pursuit]) -> QuerySet[Pursuit]:
    """Annotate `tried`: the attempts made and over. One still on the line says nothing yet."""
    over = CallAttempt.objects.filter(
        OUTBOUND, pursuit=OuterRef("pk"), attempt__isnull=False, ended_at__isnull=False
    )
    last = over.order_by().values("pursuit").annotate(n=Max("attempt")).values("n")
    return pursuits.annotate(tried=Coalesce(Subquery(last, output_field=IntegerField()), 0))


def target() -> int:
    """The longest target among the plans in force: where the curve is to be read."""
    longest = Cadence.objects.filter(active=True, is_default=True).aggregate(longest=Max("target"))["longest"]
    return longest or QUOTED_TARGET


def first_reach(scope: Scope) -> Tile:
    events: dict[str, Counter[int]] = {"all": Counter(), "cold": Counter(), "warm": Counter()}
    censored: dict[str, Counter[int]] = {"all": Counter(), "cold": Counter(), "warm": Counter()}
    counted = with_tried(scope.pursuits_begun()).values("temperature_at_start", "reached_at_attempt", "tried")
    for row in counted.annotate(n=Count("pk")).order_by():
        # Whoever rang us was reached, but by none of the attempts made.
        by_attempt = row["reached_at_attempt"] is not None and row["reached_at_attempt"] <= row["tried"]
        side, at = (events, row["reached_at_attempt"]) if by_attempt else (censored, row["tried"])
        for name in ("all", row["temperature_at_start"]):
            side[name][at] += row["n"]
    curves = {name: kaplan_meier.curve(events[name], censored[name]) for name in events}
    until = target()
    tried = curves["all"][0].at_risk if curves["all"] else 0
    return Tile(
        key="first_reach",
        title=_("When do we first reach a lead?"),
        definition=_(
            "The share of pursuits begun in the period that reached the lead in person by each attempt, "
            "estimated after Kaplan and Meier: pursuits still open or ended without a reach count as tried "
            "as often as they were, and no further. It takes those stopped early for no different from those"
            " that went on."
        ),
        denominator=ngettext("%(n)s pursuit with an attempt", "%(n)s pursuits with an attempt", tried)
        % {"n": count_text(tried)},
        columns=(
            Column("attempt", _("Attempt")),
            Column("at_risk", _("Tried")),
            Column("reached", _("First reached")),
            Column("censored", _("Went no further")),
            Column("hazard", _("Reached of those tried"), "share", total="at_risk"),
            Column("reached_by", _("Reached by then"), "share"),
            Column("low", _("from"), "share"),
            Column("high", _("to"), "share"),
            Column("cold", _("Cold"), "share"),
            Column("warm", _("Warm"), "share"),
        ),
        rows=[_first_reach_row(point, curves) for point in curves["all"]],
        sentence=_reach_sentence(curves["all"], until),
        marks={"early": MOST_STOP_AT, "target": until, "curves": curves},
    )


def _first_reach_row(point: kaplan_meier.Point, curves: dict[str, tuple[kaplan_meier.Point, ...]]) -> Row:
    values = {
        "attempt": point.attempt,
        "at_risk": point.at_risk,
        "reached": point.reached,
        "censored": point.censored,
        "hazard": point.hazard,
        "reached_by": point.reached_by,
        "low": point.low,
        "high": point.high,
        "cold": kaplan_meier.reached_by(curves["cold"], point.attempt),
        "warm": kaplan_meier.reached_by(curves["warm"], point.attempt),
    }
    return Row(values, parts={"reached": f"reached.{point.attempt}", "censored": f"censored.{point.attempt}"})


def _reach_sentence(points: tuple[kaplan_meier.Point, ...], until: int) -> str:
    """What persistence is worth, and how much the figure rests on."""
    late = kaplan_meier.late_share(points, after=MOST_STOP_AT, until=until)
    if late is None:
        if not points:
            return ""
        return (
            _("No pursuit has been tried %(until)d times yet; the furthest has %(last)d attempts.")
            % {
                "until": until,
                "last": len(points),
            }
            if len(points) < until
            else _("Nobody has been reached yet.")
        )
    said = _(
        "If every pursuit went on to %(until)d, attempts %(first)d–%(until)d would bring %(share)s of all "
        "first reaches."
    ) % {"until": until, "first": MOST_STOP_AT + 1, "share": percent_text(late)}
    if points[until - 1].at_risk < FEW:
        said += " " + ngettext(
            "The end of the curve rests on %(n)d pursuit.",
            "The end of the curve rests on %(n)d pursuits.",
            points[until - 1].at_risk,
        ) % {"n": points[until - 1].at_risk}
    return said


def first_reach_leads(scope: Scope, part: str) -> QuerySet[Lead]:
    kind, _dot, number = part.partition(".")
    if kind not in ("reached", "censored") or not number.isdecimal():
        raise UnknownPart("reached.N, censored.N")
    by_attempt = Q(reached_at_attempt__isnull=False, reached_at_attempt__lte=F("tried"))
    pursuits = with_tried(scope.pursuits_begun())
    if kind == "reached":
        chosen = pursuits.filter(by_attempt, reached_at_attempt=int(number))
    else:
        chosen = pursuits.filter(~by_attempt, tried=int(number))
    return scope.leads().filter(pk__in=chosen.values("lead"))
