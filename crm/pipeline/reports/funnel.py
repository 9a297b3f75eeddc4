"""How far do pursuits get, and what is warm calling worth against cold?"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from django.db.models import (
    Case,
    Count,
    Exists,
    IntegerField,
    Max,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.utils.translation import gettext as _

from crm.figures import count_text
from crm.pipeline.reports.scope import CONNECT, OUTBOUND, REACH, TALKED, Scope
from crm.pipeline.reports.tile import Column, Row, Tile, UnknownPart
from crm.pipeline.statistics import Proportion, proportion, ratio
from leads.models import Lead
from touchpoints.models import CallAttempt, Meeting, Pursuit, StageChange

STEPS = ("attempted", "connected", "reached", "conversation", "meeting", "held", "won")
TEMPERATURES = ("cold", "warm")


def _won() -> Q:
    """The lead is won, and no later pursuit of it lies between this one's start and the win."""
    win = StageChange.objects.filter(
        lead=OuterRef("lead"), after=Lead.Stage.WON, at__gte=OuterRef("started_at")
    )
    later = Pursuit.objects.filter(lead=OuterRef("lead"), started_at__gt=OuterRef("started_at")).filter(
        Exists(win)
    )
    return Q(lead__stage=Lead.Stage.WON) & Q(Exists(win)) & ~Q(Exists(later))


def with_level(pursuits: QuerySet[Pursuit]) -> QuerySet[Pursuit]:
    """Pursuits with at least one dial, annotated with `level`: the furthest step they got to, 1 to 7.

    Whoever got to a step passed those before it, so that the funnel never widens (a meeting booked by hand
    counts as a conversation).
    """
    calls = CallAttempt.objects.filter(pursuit=OuterRef("pk")).order_by()
    by_call = Case(When(TALKED, 4), When(REACH, 3), When(CONNECT, 2), default=1, output_field=IntegerField())
    furthest = calls.values("pursuit").annotate(level=Max(by_call)).values("level")
    meetings = Meeting.objects.filter(pursuit=OuterRef("pk")).exclude(status=Meeting.Status.CANCELLED)
    return pursuits.filter(Exists(calls.filter(OUTBOUND))).annotate(
        level=Case(
            When(_won(), then=Value(7)),
            When(Exists(meetings.filter(status=Meeting.Status.HELD)), then=Value(6)),
            When(Exists(meetings), then=Value(5)),
            default=Subquery(furthest, output_field=IntegerField()),
            output_field=IntegerField(),
        )
    )


def levels(scope: Scope) -> Counter[tuple[str, str]]:
    """How many pursuits begun in the period got at least to each (step, temperature at the start)."""
    return scope.once("levels", lambda: _levels(scope))


def _levels(scope: Scope) -> Counter[tuple[str, str]]:
    found: Counter[tuple[str, str]] = Counter()
    rows = (
        with_level(scope.pursuits_begun())
        .values("temperature_at_start", "level")
        .annotate(n=Count("pk"))
        .order_by()
    )
    for row in rows:
        for step in STEPS[: row["level"]]:
            found[step, row["temperature_at_start"]] += row["n"]
    return found


def funnel(scope: Scope) -> Tile:
    found = levels(scope)
    labels = {
        "attempted": _("Attempted"),
        "connected": _("Connected"),
        "reached": _("Reached"),
        "conversation": _("Conversation"),
        "meeting": _("Meeting"),
        "held": _("Held"),
        "won": _("Won"),
    }
    rows = []
    for step in STEPS:
        values: dict[str, object] = {"step": step, "label": labels[step]}
        for temperature in TEMPERATURES:
            hits, of = found[step, temperature], found["attempted", temperature]
            values[temperature] = hits
            values[f"{temperature}_share"] = proportion(hits, of).share
        parts = {temperature: f"{step}.{temperature}" for temperature in TEMPERATURES}
        rows.append(Row(values, parts=parts))
    cold, warm = found["attempted", "cold"], found["attempted", "warm"]
    return Tile(
        key="funnel",
        title=_("From first dial to won"),
        definition=_(
            "Pursuits begun in the period with at least one dial, by the lead's temperature at their start, "
            "and the furthest step each got to: connected – a human answered; reached – the lead answered; "
            "conversation – by the outcome, or a minute of talk measured by the phone system; meeting – one "
            "was booked; held; won."
        ),
        denominator=_("%(cold)s cold and %(warm)s warm pursuits with a dial")
        % {"cold": count_text(cold), "warm": count_text(warm)},
        columns=(
            Column("label", _("Step"), "text"),
            Column("cold", _("Cold")),
            Column("cold_share", _("Cold, share"), "share"),
            Column("warm", _("Warm")),
            Column("warm_share", _("Warm, share"), "share"),
        ),
        rows=rows,
    )


def funnel_leads(scope: Scope, part: str) -> QuerySet[Lead]:
    step, _dot, temperature = part.partition(".")
    if step not in STEPS or temperature not in TEMPERATURES:
        raise UnknownPart(", ".join(f"{s}.{t}" for s in STEPS for t in TEMPERATURES))
    pursuits = with_level(scope.pursuits_begun().filter(temperature_at_start=temperature))
    return scope.leads().filter(pk__in=pursuits.filter(level__gt=STEPS.index(step)).values("lead"))


@dataclass(frozen=True)
class _Measure:
    key: str
    label: str
    step: str
    of: str


def comparison(scope: Scope) -> Tile:
    """Cold against warm, each rate with its interval."""
    found, dials = levels(scope), _dials(scope)
    measures = (
        _Measure("connect_per_dial", _("Connects per dial"), "", ""),
        _Measure("reach_per_pursuit", _("Reached, per pursuit"), "reached", "attempted"),
        _Measure("meeting_per_pursuit", _("Meeting, per pursuit"), "meeting", "attempted"),
        _Measure("meeting_per_conversation", _("Meeting, per conversation"), "meeting", "conversation"),
        _Measure("won_per_pursuit", _("Won, per pursuit"), "won", "attempted"),
        _Measure("won_per_meeting", _("Won, per meeting"), "won", "meeting"),
    )
    rows = []
    for measure in measures:
        sides = {
            t: proportion(found[measure.step, t], found[measure.of, t]) if measure.step else dials[t]
            for t in TEMPERATURES
        }
        values: dict[str, object] = {"measure": measure.key, "label": measure.label}
        for temperature, side in sides.items():
            values |= _side(temperature, side)
        values["ratio"] = ratio(sides["warm"], sides["cold"])
        step = measure.step or "connected"
        rows.append(Row(values, parts={f"{t}_share": f"{step}.{t}" for t in TEMPERATURES}))
    return Tile(
        key="comparison",
        title=_("Cold against warm"),
        definition=_(
            "Pursuits begun in the period, by temperature at their start, with 95 % intervals (Wilson). A "
            "ratio is given where both sides rest on 30 or more. Warm leads differ in more than their "
            "warmth: this is an association, not a cause."
        ),
        denominator=_("%(cold)s cold and %(warm)s warm pursuits; %(dials)s dials")
        % {
            "cold": count_text(found["attempted", "cold"]),
            "warm": count_text(found["attempted", "warm"]),
            "dials": count_text(dials["cold"].trials + dials["warm"].trials),
        },
        columns=(
            Column("label", _("Measure"), "text"),
            *(
                Column(f"{t}{suffix}", label, kind, total=f"{t}_of" if kind == "share" else "")
                for t, named in (("cold", _("Cold")), ("warm", _("Warm")))
                for suffix, label, kind in (
                    ("_share", named, "share"),
                    ("_low", _("%(side)s, from") % {"side": named}, "share"),
                    ("_high", _("%(side)s, to") % {"side": named}, "share"),
                    ("_n", _("%(side)s, n") % {"side": named}, "count"),
                    ("_of", _("%(side)s, of") % {"side": named}, "count"),
                )
            ),
            Column("ratio", _("Ratio"), "ratio"),
        ),
        rows=rows,
    )


def _side(temperature: str, side: Proportion) -> dict[str, object]:
    return {
        f"{temperature}_share": side.share,
        f"{temperature}_low": side.low,
        f"{temperature}_high": side.high,
        f"{temperature}_n": side.hits,
        f"{temperature}_of": side.trials,
    }


def _dials(scope: Scope) -> dict[str, Proportion]:
    """Connects of all dials of the pursuits begun in the period, by temperature at their start."""
    calls = CallAttempt.objects.filter(
        OUTBOUND, pursuit__started_at__gte=scope.since, pursuit__started_at__lt=scope.until
    ).order_by()
    rows = (
        scope.of_leads(calls, "pursuit__lead")
        .values("pursuit__temperature_at_start")
        .annotate(dials=Count("pk"), connects=Count("pk", filter=CONNECT))
    )
    found = {t: proportion(0, 0) for t in TEMPERATURES}
    for row in rows:
        found[row["pursuit__temperature_at_start"]] = proportion(row["connects"], row["dials"])
    return found


def comparison_leads(scope: Scope, part: str) -> QuerySet[Lead]:
    return funnel_leads(scope, part)
