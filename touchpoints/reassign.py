"""How are one person's leads dealt out to others, and how is that taken back?

First a plan that anybody can look at, then one transaction by a fixed number of statements, whatever the number of
leads. Counts and pursuits go on where they stand. Calls move to days that their new owner can carry; what was agreed
with a lead, promised or asked for keeps its time.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import Count, Exists, F, OuterRef, Q, Subquery, Value
from django.db.models.functions import Concat, Replace, Substr
from django.utils.translation import gettext

from leads.models import AuditEvent, Lead

from . import assign, guarding
from .dealing import by_load, days_of, in_turn
from .models import CallAttempt, Channel, FollowUp, Meeting, ReassignedLead, Reassignment
from .presence import absences
from .turns import loads_of
from .workload import Calendar, dials_by_day, due_by_day, room_by_day

if TYPE_CHECKING:
    from datetime import date

    from django.contrib.auth.models import AbstractUser
    from django.db.models import QuerySet

Method = Reassignment.Method
# Days looked at: what is due later than that keeps its day.
HORIZON = 60
MOST_DAYS = 30
# What was dealt out wrongly is noticed within days; later it is their work.
UNDO_FOR = timedelta(days=7)
AN_HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Wish:
    """How somebody wants the leads dealt out. `callbacks`: who gets what was agreed, by follow-up; None is the pool."""

    receivers: tuple[int, ...] = ()
    method: str = Method.ROUND_ROBIN
    days: int = 5
    callbacks: Mapping[int, int | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Dealt:
    """One lead of the plan: to whom (None: the pool), and from which day to which its next call moves."""

    lead: Lead
    follow_up: FollowUp | None
    to: Any
    day: int | None = None
    day_after: int | None = None

    @property
    def moves(self) -> bool:
        return self.day != self.day_after


@dataclass(frozen=True)
class Day:
    on: date
    due: int  # calls due now
    more: int  # calls that come with the leads
    capacity: int

    @property
    def total(self) -> int:
        return self.due + self.more

    @property
    def over(self) -> bool:
        return self.total > self.capacity


@dataclass(frozen=True)
class Share:
    """What one receiver gets; `to` None is the pool, whose days are nobody's."""

    to: Any
    leads: int
    callbacks: int
    days: list[Day]


@dataclass(frozen=True)
class Plan:
    giver: Any
    wish: Wish
    rows: list[Dealt]
    shares: list[Share]
    calendar: Calendar

    @property
    def moved(self) -> int:
        return sum(row.moves for row in self.rows)

    @property
    def last_day(self) -> date | None:
        """The last day to which a call was moved."""
        days = [row.day_after for row in self.rows if row.moves and row.day_after is not None]
        return self.calendar.days[max(days)] if days else None


# --- what there is to deal out ------------------------------------------------------------------------------------


def leads_of(giver: Any) -> QuerySet[Lead]:
    """All leads a person has, those won and lost too: somebody must answer when they call."""
    return Lead.objects.live().filter(owner=giver)


def open_leads() -> QuerySet[Lead]:
    return Lead.objects.live().exclude(stage__in=[Lead.Stage.WON, Lead.Stage.LOST]).order_by()


def open_leads_of(giver: Any) -> QuerySet[Lead]:
    return open_leads().filter(owner=giver)


def agreed_with(giver: Any) -> list[FollowUp]:
    """The calls this person agreed with leads, the earliest first."""
    rows = FollowUp.objects.open().filter(lead__in=leads_of(giver).order_by().values("pk"))
    return list(
        rows.filter(agreed_at__isnull=False).select_related("lead__company").order_by("agreed_at", "pk")
    )


def meetings_of(giver: Any, *, now: datetime) -> list[Meeting]:
    """Meetings ahead that this person hosts: they are moved or handed over one by one."""
    rows = Meeting.objects.filter(host=giver, status=Meeting.Status.BOOKED, starts_at__gt=now)
    return list(rows.select_related("lead").order_by("starts_at", "pk"))


def receivers_for(giver: Any, *, by: Any, now: datetime) -> list[Any]:
    """Who may be given the leads: active and here today, of the manager's team; for admins of any."""
    people = get_user_model().objects.visible_to(by).filter(is_active=True)  # type: ignore[attr-defined]
    away = absences(Calendar(1, now=now).today).values("user")
    here = people.exclude(pk=giver.pk).exclude(pk__in=away).select_related("team")
    return list(here.order_by("first_name", "username"))


# --- the plan ----------------------------------------------------------------------------------------------------


def plan(giver: Any, wish: Wish, *, receivers: Sequence[Any], now: datetime) -> Plan:
    """Who would get what, and when it would be called; writes nothing. `receivers`: those whom the wish names."""
    calendar = Calendar(HORIZON, now=now)
    leads = list(leads_of(giver).select_related("company").order_by("pk"))
    follow_ups = {row.lead_id: row for row in FollowUp.objects.open().filter(lead__owner=giver)}
    people = {one.pk: one for one in receivers}
    to = _owners(leads, follow_ups, wish, [one.pk for one in receivers if one.pk in wish.receivers], people)
    dials = dials_by_day(receivers, calendar)
    due = due_by_day(calendar)
    rows = [
        Dealt(lead, row := follow_ups.get(lead.pk), people.get(to[lead.pk] or 0), *_same_day(row, calendar))
        for lead in leads
    ]
    room = {pk: room_by_day(dials[pk], due["owner", pk]) for pk in people}
    rows = _on_days(rows, room, wish.days)
    shares = [_share(one, rows, calendar, due["owner", one.pk], dials[one.pk]) for one in receivers]
    pooled = [row for row in rows if row.to is None]
    if pooled:
        shares.append(Share(None, len(pooled), sum(_is_agreed(row) for row in pooled), []))
    return Plan(giver, wish, rows, [one for one in shares if one.leads or one.to], calendar)


def _owners(
    leads: Sequence[Lead],
    follow_ups: Mapping[int, FollowUp],
    wish: Wish,
    members: list[int],
    people: Mapping[int, Any],
) -> dict[int, int | None]:
    """Whose each lead becomes, by its id: calls first, the most pressing first, then those nothing is planned for."""

    def pressing(lead: Lead) -> tuple[Any, ...]:
        row = follow_ups.get(lead.pk)
        return (1, lead.pk) if row is None else (0, row.rank, -row.rank_value, row.due_at, lead.pk)

    named = {row.lead_id: wish.callbacks[row.pk] for row in follow_ups.values() if row.pk in wish.callbacks}
    others = [lead for lead in sorted(leads, key=pressing) if lead.pk not in named]
    chosen: Sequence[int | None]
    if wish.method == Method.POOL:
        chosen = [None] * len(others)
    elif wish.method == Method.LEAST_LOADED:
        loads = Counter(loads_of(members))
        loads.update(pk for pk in named.values() if pk is not None)
        dials = {pk: people[pk].dials_a_day for pk in members}
        chosen = by_load(len(others), {pk: loads[pk] for pk in members}, dials)
    else:
        chosen = in_turn(len(others), members)
    return {**named, **{lead.pk: pk for lead, pk in zip(others, chosen, strict=True)}}


def _same_day(row: FollowUp | None, calendar: Calendar) -> tuple[int | None, int | None]:
    if row is None:
        return None, None
    index = calendar.index_of(row.due_at)
    return (index, index) if index < HORIZON else (None, None)


def _keeps_its_time(row: FollowUp) -> bool:
    return row.rank <= FollowUp.Rank.PROMISE or row.agreed_at is not None or row.channel != Channel.CALL


def _is_agreed(row: Dealt) -> bool:
    return row.follow_up is not None and row.follow_up.agreed_at is not None


def _on_days(rows: Sequence[Dealt], room: Mapping[int, list[int]], days: int) -> list[Dealt]:
    """The rows, each on a day that its receiver can carry."""
    moving: dict[int, list[int]] = defaultdict(list)
    left = {pk: list(each) for pk, each in room.items()}
    for index, row in enumerate(rows):
        if row.to is None or row.follow_up is None or row.day is None:
            continue
        if not _keeps_its_time(row.follow_up):
            moving[row.to.pk].append(index)
        elif row.follow_up.channel == Channel.CALL:
            left[row.to.pk][row.day] -= 1
    found = list(rows)
    for pk, mine in moving.items():
        mine.sort(key=lambda index: _pressing(rows[index].follow_up))
        wanted = [rows[index].day or 0 for index in mine]
        for index, day in zip(mine, days_of(wanted, left[pk], days), strict=True):
            row = rows[index]
            found[index] = Dealt(row.lead, row.follow_up, row.to, row.day, day)
    return found


def _pressing(row: FollowUp | None) -> tuple[Any, ...]:
    assert row is not None  # only leads with a call are moved
    return row.rank, -row.rank_value, row.due_at, row.pk


def _share(
    one: Any, rows: Sequence[Dealt], calendar: Calendar, due: Counter[int], dials: Sequence[int]
) -> Share:
    mine = [row for row in rows if row.to is one]
    more = Counter(
        row.day_after
        for row in mine
        if row.day_after is not None and row.follow_up is not None and row.follow_up.channel == Channel.CALL
    )
    days = [Day(day, due[n], more[n], dials[n]) for n, day in enumerate(calendar.days)]
    return Share(one, len(mine), sum(map(_is_agreed, mine)), days)


# --- doing it ----------------------------------------------------------------------------------------------------


def carry_out(made: Plan, *, by: AbstractUser, now: datetime) -> Reassignment:
    """Deal the leads out as planned. Whoever got one of them since the plan was made keeps it."""
    # Read before anything is locked: with thousands of leads it takes longer than all the rest.
    times = _times(made, now=now)
    with transaction.atomic():
        ids = [row.lead.pk for row in made.rows]
        still = set(
            Lead.objects.select_for_update(of=("self",))
            .filter(owner=made.giver, pk__in=ids)
            .order_by("pk")
            .values_list("pk", flat=True)
        )
        rows = [row for row in made.rows if row.lead.pk in still]
        kept = Reassignment.objects.create(
            cause=Reassignment.Cause.DEALT,
            method=made.wish.method,
            days=made.wish.days,
            giver=made.giver,
            team=made.giver.team,
            at=now,
            by=by,
        )
        ReassignedLead.objects.bulk_create(_rows_of(kept, rows, made, times))
        reason = gettext("dealt out: leads of %(who)s") % {"who": made.giver}
        for to in {row.to for row in rows}:
            theirs = [row.lead for row in rows if row.to == to]
            assign.assign(theirs, owner=to, team=made.giver.team, by=by, reason=reason, now=now)
        _move_calls(kept)
    return kept


def _times(made: Plan, *, now: datetime) -> dict[int, tuple[datetime, datetime]]:
    """From when to when each call that moves is due on its new day, by the lead's id."""
    moving = [row for row in made.rows if row.moves and row.follow_up is not None]
    situations = guarding.gather([row.lead for row in moving], now=now)
    return {row.lead.pk: _time_on(row, situations[row.lead.pk], made.calendar) for row in moving}


def _rows_of(
    kept: Reassignment,
    rows: Sequence[Dealt],
    made: Plan,
    times: Mapping[int, tuple[datetime, datetime]],
) -> list[ReassignedLead]:
    return [
        ReassignedLead(
            reassignment=kept,
            lead=row.lead,
            from_owner_id=row.lead.owner_id,
            from_team_id=row.lead.team_id,
            to_owner=row.to,
            to_team=row.to.team if row.to else made.giver.team,
            follow_up=row.follow_up,
            due_before=row.follow_up.due_at if row.follow_up else None,
            until_before=row.follow_up.window_end if row.follow_up else None,
            due_after=times.get(row.lead.pk, (None, None))[0],
            until_after=times.get(row.lead.pk, (None, None))[1],
        )
        for row in rows
    ]


def _time_on(row: Dealt, situation: guarding.Situation, calendar: Calendar) -> tuple[datetime, datetime]:
    """The same time of day on the day it moves to, or the first permitted one from there."""
    assert row.follow_up is not None  # whoever comes here moves
    assert row.day_after is not None
    due_at = row.follow_up.due_at
    ahead = (calendar.days[row.day_after] - due_at.astimezone(calendar.zone).date()).days
    local = due_at.astimezone(calendar.zone) + timedelta(days=ahead)
    length = max(row.follow_up.window_end - due_at, AN_HOUR)
    window = situation.next_window(now=local) or (local, local + length)
    return window[0], max(window[1], window[0] + timedelta(minutes=1))


def _moved_note() -> str:
    return gettext("moved when the leads were dealt out; ")


def _move_calls(kept: Reassignment) -> None:
    """Put the calls on their new days, from the rows that say so: one statement."""
    moved = kept.rows.filter(due_after__isnull=False)
    FollowUp.objects.open().filter(pk__in=moved.values("follow_up")).update(
        due_at=_of_last_row("due_after"),
        planned_for=_of_last_row("due_after"),
        window_end=_of_last_row("until_after"),
        reason=Substr(Concat(Value(_moved_note()), F("reason")), 1, 300),
    )


def _of_last_row(column: str) -> Subquery:
    """What the follow-up's last row says. Asked for by the follow-up alone, which an index answers for each: with the
    reassignment as well, some databases read all of its rows for every call."""
    return Subquery(
        ReassignedLead.objects.filter(follow_up=OuterRef("pk")).order_by("-pk").values(column)[:1]
    )


# --- taking it back ----------------------------------------------------------------------------------------------


def not_moved_since(kept: Reassignment) -> QuerySet[ReassignedLead]:
    """The leads that are where they were given and that nobody called or gave on since."""
    return _unmoved().filter(reassignment=kept)


def _unmoved() -> QuerySet[ReassignedLead]:
    since = {"lead": OuterRef("lead")}, OuterRef("reassignment__at")
    called = CallAttempt.objects.filter(**since[0], started_at__gte=since[1])
    given = AuditEvent.objects.filter(**since[0], action="lead.assigned", at__gt=since[1])
    return ReassignedLead.objects.filter(
        ~Exists(called),
        ~Exists(given),
        Q(lead__owner=F("to_owner")) | Q(lead__owner=None, to_owner=None),
        given_back_at=None,
        lead__merged_into=None,
        lead__erased_at=None,
    )


def may_undo(kept: Reassignment, *, now: datetime) -> bool:
    return kept.undone_at is None and now - kept.at < UNDO_FOR


def undo(kept: Reassignment, *, by: AbstractUser, now: datetime) -> int:
    """Give back what has not moved since, with its calls on their old days; returns how many leads. Zero where it is
    too late or was done before."""
    with transaction.atomic():
        locked = Reassignment.objects.select_for_update(of=("self",)).get(pk=kept.pk)
        if not may_undo(locked, now=now):
            return 0
        rows = list(not_moved_since(locked).select_related("lead", "from_owner__team", "from_team"))
        ids = [row.pk for row in rows]
        reason = gettext("taken back: leads of %(who)s") % {"who": locked.giver or gettext("the pool")}
        keepers: dict[tuple[int | None, int | None], list[ReassignedLead]] = defaultdict(list)
        for row in rows:
            keepers[row.from_owner_id, row.from_team_id].append(row)
        for mine in keepers.values():
            leads = [row.lead for row in mine]
            owner, team = mine[0].from_owner, mine[0].from_team
            assign.assign(leads, owner=owner, team=team, by=by, reason=reason, now=now)
        ReassignedLead.objects.filter(pk__in=ids).update(given_back_at=now)
        back = locked.rows.filter(
            given_back_at=now, due_before__isnull=False, due_after=F("follow_up__planned_for")
        )
        FollowUp.objects.open().filter(pk__in=back.values("follow_up")).update(
            due_at=_of_last_row("due_before"),
            planned_for=_of_last_row("due_before"),
            window_end=_of_last_row("until_before"),
            reason=Replace(F("reason"), Value(_moved_note()), Value("")),
        )
        Reassignment.objects.filter(pk=locked.pk).update(undone_at=now, undone_by=by)
    return len(rows)


def lately(user: Any, *, now: datetime, most: int = 10) -> list[dict[str, Any]]:
    """What was given on at once lately, as far as the user may see it: [{row, may_undo}], one query."""
    rows = (
        Reassignment.objects.visible_to(user)
        .select_related("giver", "by", "undone_by", "team")
        .annotate(leads=Count("rows"), left=Exists(_unmoved().filter(reassignment=OuterRef("pk"))))
    )
    return [{"row": row, "may_undo": row.left and may_undo(row, now=now)} for row in rows[:most]]  # type: ignore[attr-defined]
