"""What else the calls lead to and rest on, over the API: meetings, tasks, our own do-not-call list, the rules."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.settings import api_settings

from leads import numbers
from leads.api.strict import Money, OneOf, StrictSerializer, StrictView, Text, Time, Whole
from leads.models import GuardRule, Lead, Suppression, Workspace
from leads.permission_filters import SuppressionFilter
from touchpoints import meetings, suppress, todo
from touchpoints.api.answers import told
from touchpoints.filters import MeetingFilter, TaskFilter
from touchpoints.models import Cadence, Meeting, Outcome, Task, TouchpointKind, WarmthRuleset


class MeetingShape(serializers.Serializer[Meeting]):
    id = serializers.IntegerField()
    lead = serializers.IntegerField(source="lead_id")
    call = serializers.IntegerField(source="call_id", allow_null=True)
    title = serializers.CharField()
    starts_at = Time()
    minutes = serializers.IntegerField()
    place = serializers.CharField()
    host = serializers.CharField(source="host.username", read_only=True, allow_null=True)
    booked_by = serializers.CharField(source="booked_by.username", read_only=True, allow_null=True)
    booked_at = Time()
    value = Money(allow_null=True)
    status = serializers.ChoiceField(Meeting.Status.choices)


class MeetingChange(StrictSerializer):
    status = OneOf(
        ["held", "no_show", "moved", "cancelled"],
        help_text="How it went, once it has begun; moved needs `starts_at`, cancelled needs `why`.",
    )
    starts_at = Time(required=False, help_text="The new time of a meeting that is moved.")
    why = Text(required=False, max_length=300, help_text="Why it is called off.")
    call_again = OneOf(
        ["soon", "next_day"],
        required=False,
        help_text="After a no-show: a call in 15 minutes, or on the next business day (the default).",
    )

    def validate(self, given: dict[str, Any]) -> dict[str, Any]:
        if given["status"] == "moved" and "starts_at" not in given:
            raise serializers.ValidationError({"starts_at": "A moved meeting needs its new time."})
        return given

    def read_only_names(self) -> tuple[str, ...]:
        return tuple(name for name in MeetingShape().fields if name not in self.fields)


class MeetingView(
    StrictView, mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Meeting]
):
    """Meetings the caller hosts, booked, or had with leads they may see.

    A call's outcome books them; whoever sees one says how it went. A moved meeting is closed and answers with the one
    that took its place.
    """

    serializer_class = MeetingShape
    filterset_class = MeetingFilter
    queryset = Meeting.objects.none()

    def get_queryset(self) -> QuerySet[Meeting]:
        seen = Meeting.objects.visible_to(self.request.user)
        return seen.select_related("host", "booked_by").order_by("-starts_at", "-pk")

    @extend_schema(request=MeetingChange, responses=MeetingShape)
    def partial_update(self, request: Request, pk: int) -> Response:
        meeting = self.get_object()
        given, acting = self.check(MeetingChange), {"by": request.user, "now": self.now}
        with told():
            match given["status"]:
                case "held":
                    shown = meetings.hold(meeting, **acting)
                case "no_show":
                    shown = meetings.miss(meeting, again=given.get("call_again", "next_day"), **acting)
                case "moved":
                    shown = meetings.move(meeting, given["starts_at"], **acting)
                case _:
                    shown = meetings.call_off(meeting, why=given.get("why", ""), **acting)
        return Response(MeetingShape(self.get_queryset().get(pk=shown.pk)).data)


class TaskShape(serializers.Serializer[Task]):
    id = serializers.IntegerField()
    kind = serializers.ChoiceField(Task.Kind.choices)
    lead = serializers.IntegerField(source="lead_id", allow_null=True)
    reason = serializers.CharField()
    assignee = serializers.CharField(source="assignee.username", read_only=True, allow_null=True)
    team = serializers.CharField(source="team.name", read_only=True, allow_null=True)
    created_at = Time()
    due_at = Time(allow_null=True)
    done_at = Time(allow_null=True)
    done_by = serializers.CharField(source="done_by.username", read_only=True, allow_null=True)


class NoInput(StrictSerializer):
    """Nothing to say: an empty object."""


class TaskView(StrictView, mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Task]):
    """Tasks of leads the caller may see, and of their team."""

    serializer_class = TaskShape
    filterset_class = TaskFilter
    queryset = Task.objects.none()

    def get_queryset(self) -> QuerySet[Task]:
        seen = todo.visible_to(self.request.user)
        return seen.select_related("assignee", "team", "done_by").order_by("created_at", "pk")

    @extend_schema(request=NoInput, responses=TaskShape)
    def done(self, request: Request, pk: int) -> Response:
        task = self.get_object()
        self.check(NoInput)
        with told():
            todo.finish(task, by=request.user, now=self.now)
        return Response(TaskShape(self.get_object()).data)


class SuppressionShape(serializers.Serializer[Suppression]):
    id = serializers.IntegerField()
    scope = serializers.ChoiceField(Suppression.Scope.choices)
    number = serializers.CharField(source="e164")
    lead = serializers.IntegerField(source="lead_id", allow_null=True)
    company = serializers.CharField(source="company.name", read_only=True, allow_null=True)
    reason = serializers.CharField()
    channel = serializers.CharField()
    evidence = serializers.CharField()
    requested_at = Time()
    by = serializers.CharField(source="by.username", read_only=True, allow_null=True)
    state = serializers.ChoiceField(Suppression.State.choices)
    lifted_at = Time(allow_null=True)


class SuppressionInput(StrictSerializer):
    """Who must not be called: a number, or the person or the company of a lead."""

    scope = OneOf([Suppression.Scope.NUMBER, Suppression.Scope.PERSON, Suppression.Scope.COMPANY])
    number = Text(required=False, max_length=120)
    lead = Whole(required=False, min_value=1)
    reason = Text(required=False, max_length=200)
    channel = Text(required=False, max_length=40, help_text="How they asked: call, mail, letter…")
    evidence = Text(required=False, max_length=5_000)

    def validate(self, values: dict[str, Any]) -> dict[str, Any]:
        wanted = "number" if values["scope"] == Suppression.Scope.NUMBER else "lead"
        if not values.get(wanted):
            text = _("Expected with this scope.")
            raise ValidationError({wanted: [ErrorDetail(text, "required")]})
        return values

    def validate_number(self, text: str) -> str:
        if not text:
            return ""
        try:
            return numbers.parse(text, Workspace.current().region).e164
        except numbers.NumberRefused as refused:
            raise ValidationError(refused.reason, "invalid") from None


class LiftInput(StrictSerializer):
    reason = Text(required=True, max_length=300, help_text="Why it comes off the list.")
    evidence = Text(required=True, max_length=5_000, help_text="What shows that they agree: a mail, a form…")


class ManagersRead(BasePermission):
    """The list of everybody who asked not to be called is for managers; a single wish anybody may record."""

    message = gettext_lazy("Only managers and admins may read the do-not-call list.")

    def has_permission(self, request: Request, view: Any) -> bool:
        return request.method not in SAFE_METHODS or bool(getattr(request.user, "is_manager", False))


class SuppressionView(
    StrictView, mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Suppression]
):
    """Our own do-not-call list: anybody adds to it, managers read it, admins lift an entry for a reason."""

    permission_classes = [*api_settings.DEFAULT_PERMISSION_CLASSES, ManagersRead]
    serializer_class = SuppressionShape
    filterset_class = SuppressionFilter
    queryset = Suppression.objects.none()

    def get_queryset(self) -> QuerySet[Suppression]:
        """What is on the list, unless the filter asks for what was taken off it."""
        entries = Suppression.objects.select_related("company", "by").order_by("-pk")
        if self.action != "list" or "state" in self.request.query_params:
            return entries
        return entries.active()  # type: ignore[attr-defined,no-any-return]

    @extend_schema(request=SuppressionInput, responses={201: SuppressionShape})
    def create(self, request: Request) -> Response:
        values = self.check(SuppressionInput)
        lead = None
        if values["scope"] != Suppression.Scope.NUMBER:
            lead = Lead.objects.visible_to(request.user).live().filter(pk=values["lead"]).first()
            if lead is None:
                raise ValidationError({"lead": [ErrorDetail(_("There is no such lead."), "does_not_exist")]})
        with told():
            entry = suppress.suppress(
                scope=values["scope"],
                lead=lead,
                e164=values.get("number", "") if lead is None else "",
                **{name: values.get(name, "") for name in ("reason", "channel", "evidence")},
                by=request.user,
                now=self.now,
            )
        shown = dict(SuppressionShape(entry).data)
        if not request.user.is_manager and entry.by_id != request.user.pk:  # type: ignore[union-attr]
            # Of a wish that somebody else wrote down before, who reads the list reads the words.
            shown |= {"reason": "", "channel": "", "evidence": "", "by": None}
        return Response(shown, status.HTTP_201_CREATED)

    @extend_schema(request=LiftInput, responses={204: None})
    def lift(self, request: Request, pk: int) -> Response:
        entry = get_object_or_404(Suppression.objects.active(), pk=pk)
        with told():
            suppress.lift(entry, **self.check(LiftInput), by=request.user, now=self.now)
        return Response(status=status.HTTP_204_NO_CONTENT)


class KindShape(serializers.ModelSerializer[TouchpointKind]):
    class Meta:
        model = TouchpointKind
        fields = ["key", "label", "direction", "hand_raise"]


class OutcomeShape(serializers.ModelSerializer[Outcome]):
    class Meta:
        model = Outcome
        fields = [
            "key",
            "hotkey",
            "label",
            "connect",
            "reach",
            "conversation",
            "policy",
            "params",
            "ends_pursuit",
        ]


class WarmthRuleShape(serializers.Serializer[Any]):
    kind = serializers.CharField(source="kind_id")
    direction = serializers.CharField()
    network = serializers.CharField()
    campaign = serializers.CharField()
    source = serializers.CharField()
    warms_for_days = serializers.FloatField()
    counts_at_most = serializers.IntegerField()


class WarmthShape(serializers.Serializer[WarmthRuleset]):
    version = serializers.IntegerField()
    half_life_days = serializers.FloatField()
    rules = WarmthRuleShape(many=True)


class StepShape(serializers.Serializer[Any]):
    step = serializers.IntegerField()
    wait_days = serializers.IntegerField()
    phase = serializers.CharField()
    channel = serializers.CharField()


class CadenceShape(serializers.Serializer[Cadence]):
    key = serializers.CharField()
    version = serializers.IntegerField()
    name = serializers.CharField()
    temperature = serializers.CharField()
    audience = serializers.CharField()
    target = serializers.IntegerField()
    steps = StepShape(many=True)


class GuardRuleShape(serializers.ModelSerializer[GuardRule]):
    class Meta:
        model = GuardRule
        exclude = ["id", "note", "active"]


class RulesShape(serializers.Serializer[Any]):
    """The rules in force."""

    kinds = KindShape(many=True)
    outcomes = OutcomeShape(many=True)
    warmth = WarmthShape()
    cadences = CadenceShape(many=True)
    guard = GuardRuleShape(many=True)


class RulesView(StrictView, viewsets.ViewSet):
    """What decides warmth, next steps, plans and permission now. Everybody who is signed in may read it."""

    @extend_schema(responses=RulesShape)
    def retrieve(self, request: Request) -> Response:
        rules = {
            "kinds": TouchpointKind.objects.filter(active=True),
            "outcomes": Outcome.objects.filter(active=True),
            "warmth": WarmthRuleset.objects.prefetch_related("rules").get(
                status=WarmthRuleset.Status.PUBLISHED
            ),
            "cadences": Cadence.objects.filter(active=True).prefetch_related("steps"),
            "guard": GuardRule.objects.filter(active=True),
        }
        return Response(RulesShape(rules).data)
