"""Who works here, for operators: users, teams, absences and keys. A key is made by a command and revoked here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.shortcuts import redirect
from django.utils import timezone

from crm.accounts.leaving.departure import deactivate
from crm.accounts.models import Absence, ApiKey, Team, User
from touchpoints import reassign

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


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

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Whose calls are proof for years is made inactive: without the user nobody could tell who called."""
        return False

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        """Who is made inactive here leaves by the same door as on the pages of the team."""
        was_active = change and User.objects.filter(pk=obj.pk, is_active=True).exists()
        super().save_model(request, obj, form, change)
        if was_active and not obj.is_active:
            deactivate(obj, by=request.user, now=timezone.now())  # type: ignore[arg-type]

    def response_change(self, request: HttpRequest, obj: User) -> HttpResponse:
        """On to whom their leads shall go, where somebody leaves who still has some."""
        said = super().response_change(request, obj)
        if not obj.is_active and "_continue" not in request.POST and reassign.open_leads_of(obj).exists():
            return redirect("settings_deal", obj.pk)
        return said


@admin.register(Team)
class TeamAdmin(admin.ModelAdmin):
    list_display = ("name", "is_default")

    def has_delete_permission(self, request: HttpRequest, obj: Team | None = None) -> bool:
        """Its managers read the evidence of the calls it made."""
        return False


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
