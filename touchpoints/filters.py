"""Which touchpoints, calls, meetings and tasks? One FilterSet each, for pages and API alike."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import django_filters as filters
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from leads.filters import ME, MomentFilter, TextFilter, WordFilter, YesNoFilter
from touchpoints.models import CallAttempt, Direction, Meeting, Task, Touchpoint

MOST_ID = 2**63 - 1


class IdFilter(filters.NumberFilter):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, min_value=1, max_value=MOST_ID, decimal_places=0, **kwargs)


class RecordFilter(filters.FilterSet):
    """What the filters below share: `now`, and `me` for the asking user."""

    def __init__(
        self,
        data: Any = None,
        queryset: QuerySet[Any] | None = None,
        *,
        request: Any = None,
        prefix: str | None = None,
        now: datetime,
    ) -> None:
        super().__init__(data, queryset, request=request, prefix=prefix)
        self.now = now

    def by_user(self, queryset: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        """A user name, or me."""
        if value == ME:
            return queryset.filter(**{name: self.request.user})
        return queryset.filter(**{f"{name}__username": value})


class TouchpointFilter(RecordFilter):
    lead = IdFilter(field_name="lead_id", label=_("Lead"))
    kind = TextFilter(field_name="kind_id", max_length=40, label=_("Kind"))
    direction = filters.ChoiceFilter(choices=Direction.choices, empty_label=None, label=_("Direction"))
    source = TextFilter(max_length=80, label=_("Source"))
    external_id = TextFilter(max_length=200, label=_("External id"))
    network = TextFilter(max_length=40, label=_("Network"))
    campaign = TextFilter(max_length=120, label=_("Campaign"))
    historical = YesNoFilter(label=_("Historical"))
    occurred_from = MomentFilter(field_name="occurred_at", lookup_expr="gte", label=_("From"))
    occurred_until = MomentFilter(field_name="occurred_at", lookup_expr="lt", label=_("Before"))

    class Meta:
        model = Touchpoint
        fields: list[str] = []


class CallFilter(RecordFilter):
    lead = IdFilter(field_name="lead_id", label=_("Lead"))
    user = TextFilter(method="by_user", max_length=150, label=_("User"))
    outcome = TextFilter(field_name="outcome_id", max_length=40, label=_("Outcome"))
    direction = filters.ChoiceFilter(choices=Direction.choices, empty_label=None, label=_("Direction"))
    source = TextFilter(max_length=80, label=_("Source"))
    external_id = TextFilter(max_length=200, label=_("External id"))
    breach = YesNoFilter(label=_("Breach"))
    open = YesNoFilter(field_name="ended_at", lookup_expr="isnull", label=_("Open"))
    started_from = MomentFilter(field_name="started_at", lookup_expr="gte", label=_("From"))
    started_until = MomentFilter(field_name="started_at", lookup_expr="lt", label=_("Before"))

    class Meta:
        model = CallAttempt
        fields: list[str] = []


class MeetingFilter(RecordFilter):
    lead = IdFilter(field_name="lead_id", label=_("Lead"))
    host = TextFilter(method="by_user", max_length=150, label=_("Host"))
    status = WordFilter(choices=Meeting.Status.choices, label=_("Status"))
    starts_from = MomentFilter(field_name="starts_at", lookup_expr="gte", label=_("From"))
    starts_until = MomentFilter(field_name="starts_at", lookup_expr="lt", label=_("Before"))

    class Meta:
        model = Meeting
        fields: list[str] = []


class TaskFilter(RecordFilter):
    lead = IdFilter(field_name="lead_id", label=_("Lead"))
    kind = WordFilter(choices=Task.Kind.choices, label=_("Kind"))
    assignee = TextFilter(method="by_user", max_length=150, label=_("Assignee"))
    done = YesNoFilter(field_name="done_at", lookup_expr="isnull", exclude=True, label=_("Done"))

    class Meta:
        model = Task
        fields: list[str] = []
