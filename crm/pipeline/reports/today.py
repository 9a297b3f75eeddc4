"""What needs a manager's eye now? Load against capacity, meetings, promises."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

from django.db.models import Count, F, Q, QuerySet
from django.db.models.functions import TruncDate
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from crm.accounts.models import User
from crm.figures import count_text, percent_text
from crm.pipeline.reports.scope import CALLED_OFF, OUTBOUND, Scope
from crm.pipeline.reports.tile import Column, Headline, Row, Tile, UnknownPart, pick
from crm.pipeline.statistics import proportion
from leads.models import Lead
from touchpoints.models import Channel, FollowUp, Meeting, Promise
from touchpoints.workload import Calendar, dials_by_day

DAYS_AHEAD = 10


# --- Due against capacity -----------------------------------------------------------------------------------


def due(scope: Scope) -> QuerySet[FollowUp]:
    """Open follow-ups by phone, due up to the end of the tenth day from today."""
    until = scope.day_starts(scope.today + timedelta(days=DAYS_AHEAD + 1))
    return scope.of_leads(FollowUp.objects.open().filter(channel=Channel.CALL, due_at__lt=until).order_by())


def capacity(scope: Scope) -> Tile:
    calendar = Calendar(DAYS_AHEAD + 1, now=scope.now, zone=scope.zone)
    reps = scope.people().filter(role=User.Role.REP, is_active=True).only("dials_a_day", "working_hours")
    dials = dials_by_day(reps, calendar)
    called = scope.calls_of_people().filter(OUTBOUND, started_at__lte=scope.now)
    made = called.filter(started_at__gte=calendar.begins_at).count()
    by_day: Counter[date] = Counter()
    for row in due(scope).values(day=TruncDate("due_at", tzinfo=scope.zone)).annotate(n=Count("pk")):
        by_day[row["day"]] += row["n"]
    overdue = sum(n for day, n in by_day.items() if day < scope.today)
    rows = []
    for index, day in enumerate(calendar.days):
        waiting_then = by_day[day] + (overdue if day == scope.today else 0)
        room = sum(of_rep[index] for of_rep in dials.values())
        values = {"day": day, "due": waiting_then, "capacity": room, "left": room - waiting_then}
        rows.append(Row(values, parts={"due": day.isoformat()}))
    today = rows[0].values
    return Tile(
        key="capacity",
        title=_("Due today / capacity"),
        definition=_(
            "Follow-ups by phone that are open and due by the end of the day (today with those overdue), "
            "against the dials the reps can still make: their dials a day where they work and are not away, "
            "today less the calls made already. Only the next step of each lead is planned; later ones "
            "follow from outcomes."
        ),
        denominator=ngettext("Capacity of %(n)d rep", "Capacity of %(n)d reps", len(dials))
        % {"n": len(dials)},
        columns=(
            Column("day", _("Day"), "date"),
            Column("due", _("Due")),
            Column("capacity", _("Capacity")),
            Column("left", _("Left")),
        ),
        rows=rows,
        headline=Headline(
            today["due"],
            "count",
            _("%(overdue)s overdue · %(made)s calls made today")
            % {"overdue": count_text(overdue), "made": count_text(made)},
            goal=today["capacity"],
            part=scope.today.isoformat(),
            tone="stop" if today["due"] > today["capacity"] and today["capacity"] else "",
        ),
        marks={"overdue": overdue, "made_today": made},
    )


def capacity_leads(scope: Scope, part: str) -> QuerySet[Lead]:
    try:
        day = date.fromisoformat(part)
    except ValueError:
        raise UnknownPart("YYYY-MM-DD") from None
    until = scope.day_starts(day + timedelta(days=1))
    chosen = due(scope).filter(due_at__lt=until)
    if day != scope.today:
        chosen = chosen.filter(due_at__gte=scope.day_starts(day))
    return scope.leads().filter(pk__in=chosen.values("lead"))


# --- Meetings -----------------------------------------------------------------------------------------------


def _meeting_kinds(scope: Scope) -> dict[str, Q]:
    after = scope.day_starts(scope.week_starts.astimezone(scope.zone).date() + timedelta(days=7))
    booked = Q(booked_at__gte=scope.week_starts, booked_at__lt=after) & ~Q(status__in=CALLED_OFF)
    on = Q(starts_at__gte=scope.week_starts, starts_at__lt=after)
    return {
        "set": booked,
        "set_warm": booked & Q(pursuit__temperature_at_start=Lead.Temperature.WARM),
        "due": on & Q(status=Meeting.Status.BOOKED),
        "held": on & Q(status=Meeting.Status.HELD),
        "no_show": on & Q(status=Meeting.Status.NO_SHOW),
        "called_off": on & Q(status__in=CALLED_OFF),
    }


def meetings(scope: Scope) -> Tile:
    counts = {key: Count("pk", filter=kind) for key, kind in _meeting_kinds(scope).items()}
    found = scope.of_leads(Meeting.objects.order_by()).aggregate(**counts)
    reps = scope.people().filter(role=User.Role.REP, is_active=True).count()
    goal = reps * scope.workspace.meetings_goal
    labels = {
        "set": _("Set this week"),
        "set_warm": _("of them from warm pursuits"),
        "due": _("To be held this week"),
        "held": _("Held this week"),
        "no_show": _("No-shows this week"),
        "called_off": _("Cancelled or moved, of this week"),
    }
    return Tile(
        key="meetings",
        title=_("Meetings this week / goal"),
        definition=_(
            "Meetings set since Monday, whenever they take place; the goal is the workspace's meetings a "
            "week for each rep. As of now, whatever the period."
        ),
        denominator=ngettext("Goal for %(n)d rep", "Goal for %(n)d reps", reps) % {"n": reps},
        columns=(Column("label", _("Meetings"), "text"), Column("meetings", _("Number"))),
        rows=[
            Row({"meetings_kind": key, "label": label, "meetings": found[key]}, parts={"meetings": key})
            for key, label in labels.items()
        ],
        headline=Headline(
            found["set"],
            "count",
            _("held %(held)d · no-shows %(no_show)d · warm %(warm)d of %(set)d")
            % {
                "held": found["held"],
                "no_show": found["no_show"],
                "warm": found["set_warm"],
                "set": found["set"],
            },
            goal=goal,
            part="set",
        ),
    )


def meetings_leads(scope: Scope, part: str) -> QuerySet[Lead]:
    chosen = scope.of_leads(Meeting.objects.order_by()).filter(pick(_meeting_kinds(scope), part))
    return scope.leads().filter(pk__in=chosen.values("lead"))


# --- Promises -----------------------------------------------------------------------------------------------

OPEN_PROMISE = Q(kept_at=None, broken_at=None)


def _promises(scope: Scope) -> QuerySet[Promise]:
    """Promises that fell due in the period, up to now, and were not cancelled."""
    until = min(scope.until, scope.now)
    fell_due = Promise.objects.filter(due_at__gte=scope.since, due_at__lte=until, cancelled_at=None)
    return scope.of_leads(fell_due.order_by())


def _promise_kinds() -> dict[str, Q]:
    kept = Q(broken_at=None, kept_at__isnull=False)
    return {
        "on_time": kept & Q(kept_at__lte=F("due_at")),
        "late": kept & Q(kept_at__gt=F("due_at")),
        "overdue": OPEN_PROMISE,
        "broken": Q(broken_at__isnull=False),
    }


def promises(scope: Scope) -> Tile:
    kinds = _promise_kinds()
    found = _promises(scope).aggregate(**{key: Count("pk", filter=kind) for key, kind in kinds.items()})
    total = sum(found.values())
    bad = found["overdue"] + found["broken"]
    on_time = percent_text(proportion(found["on_time"], total).share)
    labels = {
        "on_time": _("Kept on time"),
        "late": _("Kept late"),
        "overdue": _("Open and past due"),
        "broken": _("Broken"),
    }
    return Tile(
        key="promises",
        title=_("Broken promises"),
        definition=_(
            "Promises to leads that fell due in the period: broken, or still open past their date. Cancelled"
            " ones are left out."
        ),
        denominator=ngettext("%(n)s promise due", "%(n)s promises due", total) % {"n": count_text(total)},
        columns=(Column("label", _("Promises"), "text"), Column("promises", _("Number"))),
        rows=[
            Row({"kind": key, "label": label, "promises": found[key]}, parts={"promises": key})
            for key, label in labels.items()
        ],
        headline=Headline(
            bad,
            "count",
            _("of %(total)d due · %(share)s kept on time") % {"total": total, "share": on_time},
            part="bad",
            tone="stop" if bad else "ok",
        ),
    )


def promises_leads(scope: Scope, part: str) -> QuerySet[Lead]:
    kinds = _promise_kinds()
    condition = pick({**kinds, "bad": kinds["overdue"] | kinds["broken"]}, part)
    return scope.leads().filter(pk__in=_promises(scope).filter(condition).values("lead"))
