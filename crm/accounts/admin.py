"""Who works here, for operators: users, teams, absences and keys. A key is made by a command and revoked here."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin

from crm.accounts.models import Absence, ApiKey, Team, User


@admin.register(User)
class ThawUserAdmin(UserAdmin):
    list_display = ("username", "first_name", "last_name", "role", "team", "is_active", "dials_a_day")
    list_filter = ("role", "team", "is_active")
    list_select_related = ("team",)
    fieldsets = (
        (None, {"fields": ("username", "password", "first_name", "last_name", "email")}),
        (
            "Thaw",
            {"fields": ("role", "team", "time_zone", "language", "tone", "dials_a_day", "working_hours")},
        ),
        ("Phone", {"fields": ("extension", "calling_number", "dial_url", "key_map")}),
        ("Access", {"fields": ("is_active", "is_staff", "is_superuser", "last_login")}),
    )
    add_fieldsets = (
        (None, {"classes": ("wide",), "fields": ("username", "role", "team", "password1", "password2")}),
    )


@admin.register(Team)
class TeamAdmin(admin.ModelAdmin):
    list_display = ("name", "is_default")


@admin.register(Absence)
class AbsenceAdmin(admin.ModelAdmin):
    list_display = ("user", "starts_on", "ends_on", "cover", "reason")
    list_select_related = ("user", "cover")


class ApiKeyAdmin(admin.ModelAdmin):
    list_display = ("name", "user", "token_key", "created", "last_used_at", "requests_a_minute")
    list_select_related = ("user",)
    fields = ("name", "user", "scopes", "requests_a_minute", "token_key", "created", "expiry", "last_used_at")
    readonly_fields = ("user", "token_key", "created", "last_used_at")

    def has_add_permission(self, request: Any) -> bool:
        return False


if admin.site.is_registered(ApiKey):
    admin.site.unregister(ApiKey)
admin.site.register(ApiKey, ApiKeyAdmin)
