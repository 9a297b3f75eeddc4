"""Whose figures, of which time? One value that every report takes, so that all count the same rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from django.db.models import Model, Q, QuerySet

from crm.accounts.models import Team, User
from leads.models import Lead, LeadList, ListMembership, Workspace
from touchpoints.models import CallAttempt, Direction, Meeting, Pursuit

Rows = TypeVar("Rows", bound=Model)
Counted = TypeVar("Counted")

OUTBOUND = Q(direction=Direction.OUTBOUND)
CONNECT = Q(outcome__connect=True)
REACH = Q(outcome__reach=True)
# An outcome taken back cancels its meeting; a moved one lives on as another row.
CALLED_OFF = (Meeting.Status.CANCELLED, Meeting.Status.MOVED)
# A phone system reports talk time; a duration typed in by hand is no measurement.
TALKED = Q(outcome__conversation=True) | (REACH & Q(duration_seconds__gte=60) & ~Q(source=""))


@dataclass(frozen=True)
class Scope:
    """The period [since, until), the leads and people that `viewer` may see, narrowed by team and list.

    Managers see their team, admins everybody; a rep sees what is the rep's own and nothing of the pool.
    Days and weeks are those of the workspace's zone.
    """

    viewer: User
    workspace: Workspace
    now: datetime
    since: datetime
    until: datetime
    team: Team | None = None
    lead_list: LeadList | None = None
    zone: ZoneInfo = field(init=False)
    _counted: dict[str, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "zone", ZoneInfo(self.workspace.time_zone))

    def once(self, name: str, count: Callable[[], Counted]) -> Counted:
        """What `count` found, counted once for all tiles that show it."""
        if name not in self._counted:
            self._counted[name] = count()
        found: Counted = self._counted[name]
        return found

    @property
    def own_only(self) -> bool:
        return not self.viewer.is_manager

    @property
    def today(self) -> date:
        return self.now.astimezone(self.zone).date()

    def day_starts(self, day: date) -> datetime:
        return datetime.combine(day, time.min, tzinfo=self.zone)

    @property
    def week_starts(self) -> datetime:
        """Monday 00:00 of the present week."""
        return self.day_starts(self.today - timedelta(days=self.today.weekday()))

    def leads(self) -> QuerySet[Lead]:
        leads = Lead.objects.visible_to(self.viewer)
        if self.own_only:
            leads = leads.filter(owner=self.viewer)
        if self.team:
            leads = leads.filter(team=self.team)
        if self.lead_list:
            leads = leads.filter(self._on_list("pk"))
        return leads

    def of_leads(self, rows: QuerySet[Rows], lead: str = "lead") -> QuerySet[Rows]:
        """Rows about leads of this scope; `lead` is the way to the lead."""
        if self.viewer.is_admin and not self.team and not self.lead_list:
            return rows
        return rows.filter(**{f"{lead}__in": self.leads().order_by()})

    def people(self) -> QuerySet[User]:
        """Colleagues whose work is counted here."""
        people = User.objects.visible_to(self.viewer)
        if self.own_only:
            people = people.filter(pk=self.viewer.pk)
        return people.filter(team=self.team) if self.team else people

    def pursuits_begun(self) -> QuerySet[Pursuit]:
        pursuits = Pursuit.objects.filter(started_at__gte=self.since, started_at__lt=self.until)
        return self.of_leads(pursuits.order_by())

    def pursuits_ended(self) -> QuerySet[Pursuit]:
        """Ended in the period by a decision or at the target; merging and erasing decide nothing."""
        ended = Pursuit.objects.filter(ended_at__gte=self.since, ended_at__lt=self.until).exclude(
            end_reason__in=[Pursuit.EndReason.MERGED, Pursuit.EndReason.ERASED]
        )
        return self.of_leads(ended.order_by())

    def dials(self) -> QuerySet[CallAttempt]:
        """Outbound calls of the period to leads of this scope, with or without an outcome yet."""
        dials = CallAttempt.objects.filter(OUTBOUND, started_at__gte=self.since, started_at__lt=self.until)
        return self.of_leads(dials.order_by())

    def calls_of_people(self) -> QuerySet[CallAttempt]:
        """Calls made by the people of this scope, whoever the lead belongs to by now; of any time."""
        calls = CallAttempt.objects.filter(user__in=self.people().order_by()).order_by()
        return calls.filter(self._on_list("lead")) if self.lead_list else calls

    def _on_list(self, lead: str) -> Q:
        return Q(**{f"{lead}__in": ListMembership.objects.filter(list=self.lead_list).values("lead")})
