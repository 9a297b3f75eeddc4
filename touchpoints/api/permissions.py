"""Who may be called and who buys from us, over the API: consents, relationships and customers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.exceptions import ErrorDetail, PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.settings import api_settings

from leads import consents, customers
from leads.api.records import ManagersWrite
from leads.api.strict import OneOf, StrictSerializer, StrictView, Text, Time, Whole, refuse
from leads.models import Consent, Customer, Lead, Workspace
from leads.permission_filters import ConsentFilter, CustomerFilter
from touchpoints import customers as door
from touchpoints import permissions


@contextmanager
def said() -> Iterator[None]:
    """What the doors refuse, as the API says it."""
    try:
        yield
    except (consents.ConsentRefused, customers.CustomerRefused) as refused:
        raise refuse(refused.errors) from None
    except consents.NotAllowed as refused:
        raise PermissionDenied(str(refused)) from None


class ConsentShape(serializers.Serializer[Consent]):
    id = serializers.IntegerField()
    lead = serializers.IntegerField(source="lead_id")
    kind = serializers.ChoiceField(Consent.Kind.choices)
    channel = serializers.ChoiceField(Consent.Channel.choices)
    number = serializers.CharField(source="number.e164", read_only=True, allow_null=True)
    starts_at = Time()
    ends_at = Time(allow_null=True)
    revoked_at = Time(allow_null=True)
    evidence = serializers.CharField()
    recorded_at = Time()
    recorded_by = serializers.CharField(source="recorded_by.username", read_only=True, allow_null=True)


class ConsentInput(StrictSerializer):
    """A permission of a lead's; who recorded it, and when, is not the client's to say."""

    lead = Whole(required=True, min_value=1)
    kind = OneOf(Consent.Kind.values, required=False)
    channel = OneOf(Consent.Channel.values, required=False)
    number = Text(required=False, max_length=120, help_text="Limits it to this one of their numbers.")
    starts_at = Time(required=False, past=True, help_text="When they gave it. Default: now.")
    ends_at = Time(required=False, allow_null=True)
    evidence = Text(required=True, max_length=5_000)

    def read_only_names(self) -> tuple[str, ...]:
        return tuple(ConsentShape().fields)


class EndInput(StrictSerializer):
    reason = Text(required=True, max_length=300)


class ConsentView(
    StrictView, mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Consent]
):
    """Consents, permissions and relationships of leads the caller may see. A rep records a consent with its evidence
    and notes a revocation; managers record any kind and end one."""

    serializer_class = ConsentShape
    filterset_class = ConsentFilter
    queryset = Consent.objects.none()

    def get_queryset(self) -> QuerySet[Consent]:
        seen = Consent.objects.filter(lead__in=Lead.objects.live().visible_to(self.request.user))
        return seen.select_related("number", "recorded_by").order_by("-pk")

    @extend_schema(request=ConsentInput, responses={201: ConsentShape})
    def create(self, request: Request) -> Response:
        values = self.check(ConsentInput)
        lead = Lead.objects.live().visible_to(request.user).filter(pk=values.pop("lead")).first()
        if lead is None:
            raise ValidationError({"lead": [ErrorDetail(_("There is no such lead."), "does_not_exist")]})
        if e164 := values.pop("number", ""):
            links = lead.lead_numbers.current().select_related("number")
            values["number"] = next((one.number for one in links if one.number.e164 == e164), None)
            if values["number"] is None:
                text = _("No number of this lead; expected one of theirs in E.164.")
                raise ValidationError({"number": [ErrorDetail(text, "invalid")]})
        with said():
            made = permissions.record(lead, **values, by=request.user, now=self.now)
        return Response(ConsentShape(made).data, status.HTTP_201_CREATED)

    @extend_schema(request=EndInput, responses=ConsentShape)
    def end(self, request: Request, pk: int) -> Response:
        return self._close(consents.end)

    @extend_schema(request=EndInput, responses=ConsentShape)
    def revoke(self, request: Request, pk: int) -> Response:
        return self._close(consents.revoke)

    def _close(self, act: Any) -> Response:
        row = self.get_object()
        with said():
            act(row, reason=self.check(EndInput)["reason"], by=self.request.user, now=self.now)
        return Response(ConsentShape(row).data)


class CustomerSerializer(StrictSerializer):
    """Known by a domain or a number, or both. Their people leave the queues; the account owner calls."""

    id = serializers.IntegerField(read_only=True)
    name = Text(required=False, max_length=200)
    domain = Text(required=False, max_length=200)
    number = Text(required=False, max_length=120, source="e164")
    account_owner = Text(
        required=False,
        max_length=150,
        allow_null=True,
        source="account_owner.username",
        help_text="A user name.",
    )
    since = serializers.DateField(required=False, allow_null=True)
    added_at = Time(read_only=True)

    def given(self) -> dict[str, Any]:
        """What was sent, by the names the door knows."""
        values = dict(self.validated_data)
        if "account_owner" in values:
            values["account_owner"] = values["account_owner"]["username"]
        if "e164" in values:
            values["number"] = values.pop("e164")
        return values


class CustomerView(StrictView, viewsets.ModelViewSet[Customer]):
    """Existing customers: everybody reads them, managers and admins keep them."""

    permission_classes = [*api_settings.DEFAULT_PERMISSION_CLASSES, ManagersWrite]
    serializer_class = CustomerSerializer
    filterset_class = CustomerFilter
    queryset = Customer.objects.select_related("account_owner").order_by("name", "pk")

    def perform_create(self, serializer: Any) -> None:
        with said():
            serializer.instance = door.add(
                serializer.given(), by=self.request.user, now=self.now, region=_home()
            )

    def perform_update(self, serializer: Any) -> None:
        with said():
            door.change(
                serializer.instance, serializer.given(), by=self.request.user, now=self.now, region=_home()
            )

    def perform_destroy(self, instance: Customer) -> None:
        customers.remove(instance, by=self.request.user, now=self.now)


def _home() -> str:
    return Workspace.current().region
