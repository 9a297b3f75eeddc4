"""Which entries of our own list, consents and customers? One FilterSet each, for pages and API alike."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import django_filters as filters
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from leads import numbers
from leads.filters import ME, MomentFilter, TextFilter
from leads.models import Consent, Customer, Lead, LeadNumber, Suppression, Workspace

STANDING, OFF_LIST, WAITING = "active", "lifted", "proposed"


class PermissionFilter(filters.FilterSet):
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


class SuppressionFilter(PermissionFilter):
    """`search`: a number in any spelling, with whoever it is; else a part of a person's or a company's name."""

    search = TextFilter(method="by_search", label=_("Number, person or company"))
    state = filters.ChoiceFilter(
        choices=[
            (STANDING, _("on the list")),
            (WAITING, _("to be decided")),
            (OFF_LIST, _("taken off")),
        ],
        method="by_state",
        empty_label=None,
        label=_("State"),
    )
    scope = filters.ChoiceFilter(choices=Suppression.Scope.choices, empty_label=None, label=_("Scope"))
    reason = TextFilter(lookup_expr="icontains", max_length=200, label=_("Reason"))
    channel = TextFilter(lookup_expr="iexact", max_length=40, label=_("Asked by"))
    by = TextFilter(method="by_user", max_length=150, label=_("Added by"))
    requested_from = MomentFilter(field_name="requested_at", lookup_expr="gte", label=_("Asked from"))
    requested_until = MomentFilter(field_name="requested_at", lookup_expr="lt", label=_("Asked before"))

    class Meta:
        model = Suppression
        fields: list[str] = []

    def by_state(self, queryset: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        if value == WAITING:
            return queryset.filter(lifted_at=None, state=Suppression.State.PROPOSED)
        return queryset.filter(lifted_at__isnull=value == STANDING)

    def by_search(self, queryset: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        try:
            e164 = numbers.parse(value, Workspace.current().region).e164
        except numbers.NumberRefused:
            return queryset.filter(_named(value))
        users = LeadNumber.objects.current().filter(number__e164=e164)
        leads = list(users.values_list("lead_id", flat=True)[:200])
        companies = Lead.objects.filter(pk__in=leads, company__isnull=False).values_list(
            "company_id", flat=True
        )
        return queryset.filter(Q(e164=e164) | Q(lead__in=leads) | Q(company__in=list(companies)))


def _named(text: str) -> Q:
    """Entries of people and companies whose name holds every word, and numbers that hold these digits."""
    person, company = Q(lead__isnull=False), Q(company__isnull=False)
    for word in text.split()[:6]:
        person &= (
            Q(lead__first_name__icontains=word)
            | Q(lead__last_name__icontains=word)
            | Q(lead__company__name__icontains=word)
            | Q(lead__email__iexact=word)
        )
        company &= Q(company__name__icontains=word)
    digits = "".join(sign for sign in text if sign.isdigit())
    part = Q(e164__contains=digits) if len(digits) >= 4 else Q(pk__in=())
    return person | company | part


class ConsentFilter(PermissionFilter):
    lead = filters.NumberFilter(
        field_name="lead_id", min_value=1, max_value=2**63 - 1, decimal_places=0, label=_("Lead")
    )
    kind = filters.ChoiceFilter(choices=Consent.Kind.choices, empty_label=None, label=_("Kind"))
    channel = filters.ChoiceFilter(choices=Consent.Channel.choices, empty_label=None, label=_("Channel"))
    state = filters.ChoiceFilter(
        choices=[("in_force", _("in force")), ("ended", _("ended")), ("revoked", _("revoked"))],
        method="by_state",
        empty_label=None,
        label=_("State"),
    )
    by = TextFilter(field_name="recorded_by", method="by_user", max_length=150, label=_("Recorded by"))
    search = TextFilter(method="by_search", label=_("Person, company or evidence"))

    class Meta:
        model = Consent
        fields: list[str] = []

    def by_state(self, queryset: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        if value == "revoked":
            return queryset.filter(revoked_at__lte=self.now)
        if value == "ended":
            return queryset.filter(ends_at__lte=self.now, revoked_at=None)
        return queryset.in_force(now=self.now)  # type: ignore[attr-defined]

    def by_search(self, queryset: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        for word in value.split()[:6]:
            queryset = queryset.filter(
                Q(lead__first_name__icontains=word)
                | Q(lead__last_name__icontains=word)
                | Q(lead__company__name__icontains=word)
                | Q(evidence__icontains=word)
            )
        return queryset


class CustomerFilter(PermissionFilter):
    search = TextFilter(method="by_search", label=_("Name, domain or number"))
    account_owner = TextFilter(method="by_user", max_length=150, label=_("Account owner"))

    class Meta:
        model = Customer
        fields: list[str] = []

    def by_search(self, queryset: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        found = Q(name__icontains=value) | Q(domain__icontains=value.lower().rpartition("@")[2])
        try:
            found |= Q(e164=numbers.parse(value, Workspace.current().region).e164)
        except numbers.NumberRefused:
            digits = "".join(sign for sign in value if sign.isdigit())
            found |= Q(e164__contains=digits) if len(digits) >= 4 else Q(pk__in=())
        return queryset.filter(found)
