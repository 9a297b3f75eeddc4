"""What may operators see and change in the back office? Settings and rules; rows that are history are only read."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.utils import timezone

from leads.models import (
    AuditEvent,
    Company,
    Consent,
    Customer,
    GuardRule,
    Lead,
    LeadList,
    Number,
    OwnListLoad,
    RegistryLoad,
    Segment,
    Suppression,
    Workspace,
)


class ReadOnly(admin.ModelAdmin):
    """Rows with a door of their own: looked at here, changed through the pages and the API, which keep the rules."""

    def has_add_permission(self, request: Any) -> bool:
        return False

    def has_change_permission(self, request: Any, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: Any, obj: Any = None) -> bool:
        return False


@admin.register(Lead)
class LeadAdmin(ReadOnly):
    list_display = ("id", "name", "company", "owner", "team", "stage", "temperature", "warm_until")
    list_filter = ("temperature", "stage", "team")
    list_select_related = ("company", "owner", "team")
    search_fields = ("last_name", "first_name", "email", "company__name")
    show_full_result_count = False


@admin.register(Company)
class CompanyAdmin(admin.ModelAdmin):
    list_display = ("name", "domain", "country", "industry")
    search_fields = ("name", "domain")

    def has_delete_permission(self, request: Any, obj: Any = None) -> bool:
        return False


@admin.register(Number)
class NumberAdmin(ReadOnly):
    list_display = ("e164", "region", "line_type", "status")
    search_fields = ("e164",)
    show_full_result_count = False


@admin.register(Suppression)
class SuppressionAdmin(ReadOnly):
    list_display = ("scope", "e164", "lead", "company", "reason", "requested_at", "by", "lifted_at")
    list_filter = ("scope",)
    list_select_related = ("lead", "company", "by")
    search_fields = ("e164",)
    show_full_result_count = False


@admin.register(Consent)
class ConsentAdmin(ReadOnly):
    list_display = ("lead", "kind", "channel", "starts_at", "ends_at", "revoked_at")
    list_select_related = ("lead",)


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnly):
    list_display = ("at", "actor", "action", "subject_type", "subject_id", "reason")
    list_filter = ("action",)
    list_select_related = ("actor",)
    date_hierarchy = "at"
    show_full_result_count = False


@admin.register(GuardRule)
class GuardRuleAdmin(ReadOnly):
    """Changed on the pages of rules, which check and audit every version."""

    list_display = ("jurisdiction", "audience", "version", "active", "effective_from", "verified_on")
    list_filter = ("active", "audience")
    search_fields = ("jurisdiction", "citation")


def _trades() -> list[tuple[str, str]]:
    """The trades that some rule of the guard exempts, and those the workspace keeps that no rule names any more."""
    every = GuardRule.objects.values_list("exemptions", flat=True)
    named = {trade for exemptions in every for one in exemptions for trade in one.get("trades", ())}
    named.update(*Workspace.objects.values_list("trades", flat=True))
    return [(trade, trade.replace("_", " ")) for trade in sorted(named)]


@admin.register(Workspace)
class WorkspaceAdmin(admin.ModelAdmin):
    def formfield_for_dbfield(self, db_field: Any, request: Any, **how: Any) -> Any:
        if db_field.name != "trades":
            return super().formfield_for_dbfield(db_field, request, **how)
        return forms.MultipleChoiceField(
            label=db_field.verbose_name,
            help_text=db_field.help_text,
            choices=_trades,
            required=False,
            widget=forms.CheckboxSelectMultiple,
        )

    def has_add_permission(self, request: Any) -> bool:
        return False

    def has_delete_permission(self, request: Any, obj: Any = None) -> bool:
        return False

    def save_model(self, request: Any, obj: Workspace, form: Any, change: bool) -> None:
        """Caps, trades and how hits count decide who may be called: whoever changed them stands in the audit trail."""
        stood = Workspace.objects.select_for_update().get(pk=obj.pk)
        super().save_model(request, obj, form, change)
        if form.changed_data:
            AuditEvent.objects.create(
                at=timezone.now(),
                actor=request.user,
                action="workspace.changed",
                subject_type="workspace",
                subject_id=str(obj.pk),
                before={name: _plain(getattr(stood, name)) for name in form.changed_data},
                after={name: _plain(getattr(obj, name)) for name in form.changed_data},
            )


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, str | int | list | dict) else str(value)


@admin.register(LeadList)
class LeadListAdmin(admin.ModelAdmin):
    list_display = ("name", "source", "created_at")
    exclude = ("created_by",)

    def has_delete_permission(self, request: Any, obj: Any = None) -> bool:
        return False


@admin.register(Customer)
class CustomerAdmin(ReadOnly):
    """Handed in on their page, which takes their people out of the queues."""

    list_display = ("name", "domain", "e164", "account_owner", "since")
    search_fields = ("name", "domain", "e164")


@admin.register(OwnListLoad, RegistryLoad)
class LoadAdmin(ReadOnly):
    list_display = ("file_name", "status", "at", "by")
    list_filter = ("status",)
    list_select_related = ("by",)


@admin.register(Segment)
class SegmentAdmin(admin.ModelAdmin):
    list_display = ("name", "owner", "shared")
