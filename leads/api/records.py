"""What else is kept about leads: the lists they came on and saved segments."""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework import mixins, serializers, viewsets
from rest_framework.exceptions import ErrorDetail, PermissionDenied, ValidationError
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from leads.api.strict import Facts, Flag, OneOf, StrictSerializer, StrictView, Text, Time
from leads.filters import LeadFilter
from leads.models import Lead, LeadList, Segment

TAKEN = gettext_lazy("There is one of this name already.")


class ManagersWrite(BasePermission):
    """Everybody who is signed in reads, managers and admins change."""

    message = gettext_lazy("Only managers and admins may change this.")

    def has_permission(self, request: Request, view: Any) -> bool:
        return request.method in SAFE_METHODS or bool(getattr(request.user, "is_manager", False))


def save_new(field: str, make: Any) -> Any:
    """What `make()` stores, or a refusal of `field` where the database knows one like it already."""
    try:
        with transaction.atomic():
            return make()
    except IntegrityError:
        raise ValidationError({field: [ErrorDetail(TAKEN, "taken")]}) from None


class LeadListSerializer(StrictSerializer):
    id = serializers.IntegerField(read_only=True)
    name = Text(required=True, max_length=120)
    source = OneOf(LeadList.Source.values, required=False)
    created_at = Time(read_only=True)
    created_by = serializers.CharField(source="created_by.username", read_only=True, allow_null=True)

    def create(self, values: dict[str, Any]) -> LeadList:
        made: LeadList = save_new("name", lambda: LeadList.objects.create(**values))
        return made

    def update(self, one: LeadList, values: dict[str, Any]) -> LeadList:
        for name, value in values.items():
            setattr(one, name, value)
        save_new("name", one.save)
        return one


class LeadListView(
    StrictView,
    mixins.ListModelMixin,
    mixins.CreateModelMixin,
    mixins.RetrieveModelMixin,
    mixins.UpdateModelMixin,
    viewsets.GenericViewSet[LeadList],
):
    """Lists: everybody reads them and may make one for what they bring in; managers and admins rename."""

    serializer_class = LeadListSerializer
    queryset = LeadList.objects.select_related("created_by").order_by("name", "pk")

    def perform_create(self, serializer: Any) -> None:
        serializer.save(created_at=self.now, created_by=self.request.user)

    def perform_update(self, serializer: Any) -> None:
        if not self.request.user.is_manager:  # type: ignore[union-attr]
            raise PermissionDenied(_("Only managers and admins may change this."))
        serializer.save()


class SegmentSerializer(StrictSerializer):
    id = serializers.IntegerField(read_only=True)
    name = Text(required=True, max_length=80)
    query = Facts(required=True, help_text="Filters of the leads list, by name.")
    shared = Flag(required=False)
    owner = serializers.CharField(source="owner.username", read_only=True, allow_null=True)

    def validate_query(self, query: dict[str, Any]) -> dict[str, Any]:
        """A segment is a query of the leads list: what that would refuse is refused here, by name."""
        known = ", ".join(sorted(LeadFilter.base_filters))
        unknown = _("Unknown filter; expected one of: %(known)s.") % {"known": known}
        texts = QueryDict(mutable=True)
        for name, value in query.items():
            if name not in LeadFilter.base_filters:
                raise ValidationError({name: [ErrorDetail(unknown, "unknown_parameter")]})
            texts.setlist(name, [str(one) for one in (value if isinstance(value, list) else [value])])
        asked = LeadFilter(
            texts, Lead.objects.none(), request=self.context["request"], now=self.context["now"]
        )
        if not asked.is_valid():
            raise ValidationError(
                {
                    name: [
                        ErrorDetail(message, error.code or "invalid") for error in errors for message in error
                    ]
                    for name, errors in asked.errors.as_data().items()
                }
            )
        return query

    def create(self, values: dict[str, Any]) -> Segment:
        made: Segment = save_new("name", lambda: Segment.objects.create(**values))
        return made

    def update(self, one: Segment, values: dict[str, Any]) -> Segment:
        for name, value in values.items():
            setattr(one, name, value)
        save_new("name", one.save)
        return one


class SegmentView(StrictView, viewsets.ModelViewSet[Segment]):
    """Saved filters: everybody sees their own and the shared ones, and changes their own."""

    serializer_class = SegmentSerializer
    queryset = Segment.objects.none()

    def get_queryset(self) -> QuerySet[Segment]:
        return Segment.objects.visible_to(self.request.user).select_related("owner").order_by("name", "pk")

    def perform_create(self, serializer: Any) -> None:
        serializer.save(owner=self.request.user)

    def perform_update(self, serializer: Any) -> None:
        self._own(serializer.instance)
        serializer.save()

    def perform_destroy(self, instance: Segment) -> None:
        self._own(instance)
        instance.delete()

    def _own(self, segment: Segment) -> None:
        if segment.owner_id != self.request.user.pk:
            raise PermissionDenied(_("This segment is a colleague's."))
