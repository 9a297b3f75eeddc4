"""Where do leads stand, what came of each list and source, and why were dials refused?"""

from __future__ import annotations

from typing import Any

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet
from django.db.models.fields.json import KT
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from crm.figures import count_text
from crm.pipeline.reports.scope import Scope
from crm.pipeline.reports.tile import Column, Row, Tile, UnknownPart, pick
from crm.pipeline.statistics import proportion
from leads.models import Lead, LeadList, ListMembership
from touchpoints.models import BlockedDial, Meeting, Pursuit

# --- Board by stage -----------------------------------------------------------------------------------------


def stages(scope: Scope) -> Tile:
    is_warm = Q(temperature=Lead.Temperature.WARM, warm_until__gt=scope.now)
    found = {
        row["stage"]: row
        for row in _live(scope).values("stage").annotate(leads=Count("pk"), warm=Count("pk", filter=is_warm))
    }
    rows = []
    for stage in Lead.Stage:
        row = found.get(stage.value, {"leads": 0, "warm": 0})
        values = {
            "stage": stage.value,
            "label": str(stage.label).capitalize(),
            "cold": row["leads"] - row["warm"],
            "warm": row["warm"],
            "leads": row["leads"],
        }
        parts = {key: f"{stage.value}.{key}" for key in ("leads", "cold", "warm")}
        rows.append(Row(values, parts=parts))
    total = sum(row.values["leads"] for row in rows)
    return Tile(
        key="stages",
        title=_("Leads by stage"),
        definition=_(
            "Leads by the stage and temperature they have now, whatever the period. Merged and erased ones "
            "are left out."
        ),
        denominator=ngettext("%(n)s lead", "%(n)s leads", total) % {"n": count_text(total)},
        columns=(
            Column("label", _("Stage"), "text"),
            Column("cold", _("Cold")),
            Column("warm", _("Warm")),
            Column("leads", _("Leads")),
        ),
        rows=rows,
    )


def _live(scope: Scope) -> QuerySet[Lead]:
    return scope.leads().filter(merged_into=None, erased_at=None).order_by()


def stages_leads(scope: Scope, part: str) -> QuerySet[Lead]:
    stage, _dot, temperature = part.partition(".")
    is_warm = Q(temperature=Lead.Temperature.WARM, warm_until__gt=scope.now)
    condition = pick({"leads": Q(), "warm": is_warm, "cold": ~is_warm}, temperature)
    if stage not in Lead.Stage.values:
        raise UnknownPart(", ".join(Lead.Stage.values))
    return _live(scope).filter(condition, stage=stage)


# --- Lists and sources --------------------------------------------------------------------------------------

# A lead's way through its pursuits, whoever asks: called, at its end or target, reached, met.
_OF_LEAD = Pursuit.objects.filter(lead=OuterRef("lead"))
STEPS: dict[str, Q] = {
    "leads": Q(),
    "attempted": Q(Exists(_OF_LEAD.filter(calls__direction="outbound"))),
    "completed": Q(Exists(_OF_LEAD.filter(Q(ended_at__isnull=False) | Q(attempt__gt=F("target")))))
    & ~Q(Exists(_OF_LEAD.filter(ended_at=None, attempt__lte=F("target")))),
    "reached": Q(Exists(_OF_LEAD.filter(reached_at__isnull=False))),
    "meeting": Q(
        Exists(Meeting.objects.filter(lead=OuterRef("lead")).exclude(status=Meeting.Status.CANCELLED))
    ),
    "won": Q(lead__stage=Lead.Stage.WON),
}


def _members(scope: Scope) -> QuerySet[ListMembership]:
    members = ListMembership.objects.filter(lead__merged_into=None, lead__erased_at=None).order_by()
    if scope.lead_list:
        members = members.filter(list=scope.lead_list)
    return scope.of_leads(members)


def _yield_columns(first: Column) -> tuple[Column, ...]:
    return (
        first,
        Column("leads", _("Leads")),
        Column("attempted", _("Called")),
        Column("completed", _("Completed")),
        Column("penetration", _("Penetration"), "share", total="leads"),
        Column("reached", _("Reached")),
        Column("reached_share", _("Reached, of called"), "share", total="attempted"),
        Column("meeting", _("Meeting")),
        Column("meeting_share", _("Meeting, of called"), "share", total="attempted"),
        Column("won", _("Won")),
    )


def _yield_row(found: dict[str, Any], names: dict[str, Any], part: str) -> Row:
    called = found["attempted"]
    values = names | {key: found[key] for key in STEPS}
    values["penetration"] = proportion(found["completed"], found["leads"]).share
    # A lead met or won without a call is a yield of the list, but not of calling it.
    values["reached_share"] = min(found["reached"] / called, 1.0) if called else None
    values["meeting_share"] = min(found["meeting"] / called, 1.0) if called else None
    return Row(values, parts={key: f"{key}.{part}" for key in STEPS})


def lists(scope: Scope) -> Tile:
    counts = {
        key: Count("pk", filter=condition) if condition else Count("pk") for key, condition in STEPS.items()
    }
    found = (
        _members(scope)
        .values("list", "list__name", "list__source")
        .annotate(**counts)
        .order_by("-leads", "list__name")
    )
    labels = dict(LeadList.Source.choices)
    rows = [
        _yield_row(
            row,
            {
                "name": row["list__name"],
                "source": row["list__source"],
                "source_label": str(labels[row["list__source"]]),
            },
            str(row["list"]),
        )
        for row in found
    ]
    return Tile(
        key="lists",
        title=_("Lists"),
        definition=_(
            "What each list has yielded so far, whatever the period. Penetration: the share of the list's "
            "leads whose pursuit is at its target or ended. Reached and meeting are shares of the leads "
            "called."
        ),
        denominator=ngettext("%(n)d list", "%(n)d lists", len(rows)) % {"n": len(rows)},
        columns=_yield_columns(Column("name", _("List"), "text")),
        rows=rows,
    )


def sources(scope: Scope) -> Tile:
    counts = {
        key: Count("lead", distinct=True, filter=condition) if condition else Count("lead", distinct=True)
        for key, condition in STEPS.items()
    }
    labels = dict(LeadList.Source.choices)
    found = _members(scope).values("list__source").annotate(**counts).order_by("-leads", "list__source")
    rows = [
        _yield_row(
            row,
            {"source": row["list__source"], "name": str(labels[row["list__source"]])},
            row["list__source"],
        )
        for row in found
    ]
    return Tile(
        key="sources",
        title=_("Sources of lists"),
        definition=_("The same by where lists came from; a lead on two lists of one source counts once."),
        denominator=ngettext("%(n)d source", "%(n)d sources", len(rows)) % {"n": len(rows)},
        columns=_yield_columns(Column("name", _("Source"), "text")),
        rows=rows,
    )


def lists_leads(scope: Scope, part: str) -> QuerySet[Lead]:
    key, _dot, pk = part.partition(".")
    if not pk.isdecimal():
        raise UnknownPart("figure.list")
    members = _members(scope).filter(pick(STEPS, key), list=int(pk))
    return scope.leads().filter(pk__in=members.values("lead"))


def sources_leads(scope: Scope, part: str) -> QuerySet[Lead]:
    key, _dot, source = part.partition(".")
    if source not in LeadList.Source.values:
        raise UnknownPart("figure.source")
    members = _members(scope).filter(pick(STEPS, key), list__source=source)
    return scope.leads().filter(pk__in=members.values("lead"))


# --- Blocked dials ------------------------------------------------------------------------------------------


def _blocked(scope: Scope) -> QuerySet[BlockedDial]:
    refused = BlockedDial.objects.filter(at__gte=scope.since, at__lt=scope.until).order_by()
    return scope.of_leads(refused)


def blocked(scope: Scope) -> Tile:
    coded = _blocked(scope).annotate(code=KT("guard__reasons__0__code"))
    counted = coded.values("code").annotate(dials=Count("pk"), leads=Count("lead", distinct=True))
    found = list(counted.order_by("-dials", "code"))
    total = sum(row["dials"] for row in found)
    return Tile(
        key="blocked",
        title=_("Blocked dials"),
        definition=_(
            "Dials the guard refused in the period, by the first reason it gave. None of them was made."
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
                    "code": row["code"] or "",
                    "reason": reason_in_words(row["code"] or ""),
                    "dials": row["dials"],
                    "leads": row["leads"],
                    "share": row["dials"] / total,
                },
                parts={"dials": row["code"] or "", "leads": row["code"] or ""},
            )
            for row in found
        ],
    )


def reason_in_words(code: str) -> str:
    """The guard's code in a manager's words; a code not known here is shown as it is."""
    return {
        "erased": _("erased person"),
        "internal_dnc": _("our own do-not-call list"),
        "number_invalid": _("number disconnected"),
        "consent_missing": _("no consent"),
        "consent_revoked": _("consent revoked"),
        "registry_hit": _("on a do-not-call registry"),
        "registry_list_stale": _("registry list too old"),
        "registry_area_not_loaded": _("registry not loaded"),
        "hours_closed": _("outside calling hours"),
        "day_closed": _("a day without calls"),
        "zone_unknown": _("time zone unknown"),
        "frequency_cap": _("too many calls in 24 hours (law)"),
        "house_cap": _("our own cap on calls"),
        "min_gap": _("too soon after the last call"),
        "existing_customer": _("existing customer"),
        "guard_error": _("the guard could not check it"),
        "": _("no reason recorded"),
    }.get(code, code)


def blocked_leads(scope: Scope, part: str) -> QuerySet[Lead]:
    refused = _blocked(scope).filter(guard__reasons__0__code=part)
    return scope.leads().filter(pk__in=refused.values("lead"))
