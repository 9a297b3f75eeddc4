"""What of calling may operators see and change in the back office? Words and settings; history is only read."""

from __future__ import annotations

from typing import Any

from django.contrib import admin

from leads.admin import ReadOnly

from .models import (
    BlockedDial,
    Cadence,
    CadenceStep,
    CallAttempt,
    Complaint,
    FollowUp,
    HandRaise,
    IceBreaker,
    Meeting,
    Outcome,
    Promise,
    Pursuit,
    RuleChangeRun,
    SweepRun,
    TalkTrack,
    Task,
    TemperatureChange,
    TemperatureOverride,
    Touchpoint,
    TouchpointKind,
    UnmatchedTouchpoint,
    WarmthRule,
    WarmthRuleset,
    Wish,
)


class _Rows(ReadOnly):
    """History: newest first, found by lead, never counted whole."""

    show_full_result_count = False
    list_select_related = ("lead",)


@admin.register(Touchpoint)
class TouchpointAdmin(_Rows):
    list_display = (
        "lead",
        "kind",
        "occurred_at",
        "source",
        "evaluated_at",
        "set_aside_at",
        "evaluation_error",
    )
    list_filter = ("kind", ("set_aside_at", admin.EmptyFieldListFilter))
    list_select_related = ("lead", "kind")


@admin.register(CallAttempt)
class CallAttemptAdmin(_Rows):
    list_display = ("lead", "user", "started_at", "outcome", "attempt", "breach")
    list_filter = ("outcome", "breach")
    list_select_related = ("lead", "user", "outcome")


@admin.register(Pursuit)
class PursuitAdmin(_Rows):
    list_display = ("lead", "cadence", "attempt", "target", "started_at", "ended_at", "end_reason")
    list_filter = ("end_reason",)
    list_select_related = ("lead", "cadence")


@admin.register(FollowUp)
class FollowUpAdmin(_Rows):
    list_display = ("lead", "rank", "due_at", "assignee", "team", "reason", "closed_as")
    list_filter = ("rank", "closed_as")
    list_select_related = ("lead", "assignee", "team")


@admin.register(TemperatureChange)
class TemperatureChangeAdmin(_Rows):
    list_display = ("lead", "at", "before", "after", "cause", "ruleset")
    list_filter = ("cause", "after")
    list_select_related = ("lead", "ruleset")


@admin.register(TemperatureOverride, HandRaise, Meeting, Promise, Task, BlockedDial, Wish, Complaint)
class OtherRowsAdmin(_Rows):
    pass


@admin.register(UnmatchedTouchpoint, RuleChangeRun, SweepRun)
class ReadAdmin(ReadOnly):
    pass


class WarmthRuleInline(admin.TabularInline):
    model = WarmthRule
    can_delete = False
    max_num = 0

    def has_change_permission(self, request: Any, obj: Any = None) -> bool:
        return False


@admin.register(WarmthRuleset)
class WarmthRulesetAdmin(ReadOnly):
    list_display = ("version", "status", "half_life_days", "published_at", "note")
    inlines = (WarmthRuleInline,)


class CadenceStepInline(admin.TabularInline):
    model = CadenceStep
    can_delete = False
    max_num = 0

    def has_change_permission(self, request: Any, obj: Any = None) -> bool:
        return False


@admin.register(Cadence)
class CadenceAdmin(ReadOnly):
    list_display = ("name", "version", "temperature", "audience", "target", "is_default", "active")
    inlines = (CadenceStepInline,)


@admin.register(Outcome)
class OutcomeAdmin(admin.ModelAdmin):
    """Labels, keys and parameters may change; what an outcome means to the figures may not."""

    list_display = ("key", "hotkey", "label", "connect", "reach", "conversation", "policy", "active")
    readonly_fields = ("key", "connect", "reach", "conversation", "policy", "ends_pursuit", "sets_cooled")

    def has_add_permission(self, request: Any) -> bool:
        return False

    def has_delete_permission(self, request: Any, obj: Any = None) -> bool:
        return False


@admin.register(TouchpointKind)
class TouchpointKindAdmin(ReadOnly):
    list_display = ("key", "label", "direction", "hand_raise", "builtin", "active")


@admin.register(IceBreaker)
class IceBreakerAdmin(ReadOnly):
    list_display = ("kind", "language", "tone", "text")
    list_filter = ("language", "tone")
    list_select_related = ("kind",)


@admin.register(TalkTrack)
class TalkTrackAdmin(ReadOnly):
    list_display = ("name", "version", "language", "active", "approved_at")
