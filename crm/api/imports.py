"""How far have my imports come, over the API? Files are brought in on the import page or by the command."""

from __future__ import annotations

from django.db.models import QuerySet
from rest_framework import mixins, serializers, viewsets

from crm.intake.models import LeadImport
from leads.api.strict import StrictView, Time


class ImportShape(serializers.Serializer[LeadImport]):
    id = serializers.IntegerField()
    file_name = serializers.CharField()
    list = serializers.CharField(source="lead_list.name", read_only=True, allow_null=True)
    status = serializers.ChoiceField(LeadImport.Status.choices)
    error = serializers.CharField()
    rows = serializers.IntegerField(source="rows_total")
    rows_done = serializers.IntegerField()
    created = serializers.IntegerField(source="created_count")
    duplicates = serializers.IntegerField(source="duplicate_count")
    refused = serializers.IntegerField(source="refused_count")
    created_at = Time()
    created_by = serializers.CharField(source="created_by.username", read_only=True, allow_null=True)
    started_at = Time(allow_null=True)
    finished_at = Time(allow_null=True)


class ImportView(
    StrictView, mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[LeadImport]
):
    """The caller's own imports; admins see all."""

    serializer_class = ImportShape
    queryset = LeadImport.objects.none()

    def get_queryset(self) -> QuerySet[LeadImport]:
        seen = LeadImport.objects.visible_to(self.request.user)
        return seen.select_related("lead_list", "created_by").order_by("-created_at", "-pk")
