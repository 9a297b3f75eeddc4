"""Calls over the API: looked at, logged with an outcome, and reported by phone systems after the fact."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, status, viewsets
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from leads import identity, numbers
from leads.api.leads import candidates, facts_of
from leads.api.strict import (
    Flag,
    Money,
    OneOf,
    Problem,
    StrictSerializer,
    StrictView,
    Text,
    Time,
    Whole,
    refuse,
)
from leads.models import Lead, Number, Suppression, Workspace
from touchpoints import outcomes, reported, take_back
from touchpoints.api.answers import told
from touchpoints.api.shapes import CallShape, show_calls
from touchpoints.filters import CallFilter
from touchpoints.models import CallAttempt, Direction, Outcome

LONGEST_NOTE = 20_000
SCOPES = [Suppression.Scope.PERSON, Suppression.Scope.NUMBER, Suppression.Scope.COMPANY]


def active_outcomes() -> list[str]:
    return list(Outcome.objects.filter(active=True).order_by("position").values_list("key", flat=True))


class MeetingInput(StrictSerializer):
    starts_at = Time(required=True)
    title = Text(required=False, max_length=150)
    minutes = Whole(required=False, min_value=1, max_value=24 * 60)
    place = Text(required=False, max_length=300)
    host = Text(required=False, max_length=150, help_text="A user name; left out: whoever called.")
    value = Money(required=False, allow_null=True, min_value=0)
    invite = Flag(required=False, help_text="Mail the calendar file to the lead and the host.")


class PromiseInput(StrictSerializer):
    text = Text(required=True, max_length=300)
    due_at = Time(required=False)


class ReferredInput(StrictSerializer):
    """The person we were referred to."""

    salutation = Text(required=False, max_length=20)
    first_name = Text(required=False, max_length=100)
    last_name = Text(required=False, max_length=100)
    job_title = Text(required=False, max_length=150)
    company = Text(required=False, max_length=200)
    email = Text(required=False, max_length=254)
    phone = Text(required=False, max_length=120)
    country = Text(required=False, max_length=100)
    region = Text(required=False, max_length=100)
    language = Text(required=False, max_length=60)


class OutcomeInput(StrictSerializer):
    outcome = OneOf(active_outcomes)
    notes = Text(required=False, max_length=LONGEST_NOTE)
    callback_at = Time(required=False)
    days = Whole(required=False, min_value=1, max_value=3650)
    meeting = MeetingInput(required=False)
    promise = PromiseInput(required=False)
    reason = Text(required=False, max_length=300)
    referred = ReferredInput(required=False)
    scope = OneOf(SCOPES, required=False, help_text="Whom a do-not-call covers.")

    def logged(self) -> outcomes.Logged:
        values = dict(self.validated_data)
        if referred := values.pop("referred", None):
            phone = {"phone": referred["phone"]} if referred.get("phone") else {}
            values["referred"] = {**facts_of(referred), **phone}
        return outcomes.Logged(**values)


@extend_schema_field(
    {
        "oneOf": [
            {"type": "integer", "minimum": 1},
            {
                "type": "object",
                "properties": {
                    "id": {"type": "integer", "minimum": 1},
                    "external_id": {"type": "string"},
                    "email": {"type": "string"},
                    "phone": {"type": "string"},
                },
                "additionalProperties": False,
                "minProperties": 1,
            },
        ]
    }
)
class LeadRef(serializers.Field[Any, Any, Any, Any]):
    """A lead by its id, or by {id | external_id | email | phone}."""

    class Known(StrictSerializer):
        id = Whole(required=False, min_value=1)
        external_id = Text(required=False, max_length=200)
        email = Text(required=False, max_length=254)
        phone = Text(required=False, max_length=120)

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if isinstance(data, Mapping):
            return dict(self.Known(context=self.context).run_validation(data))
        return {"id": Whole(min_value=1).run_validation(data)}

    def to_representation(self, value: Any) -> Any:
        return value


class PastCallInput(StrictSerializer):
    source = Text(required=True, max_length=80)
    external_id = Text(required=True, max_length=200)
    lead = LeadRef(required=False)
    number = Text(required=False, max_length=120, help_text="The other side's number. Either this or `lead`.")
    user = Text(required=False, max_length=150, help_text="Who called or answered; left out: the key's user.")
    extension = Text(required=False, max_length=20, help_text="Of the user, on the phone system.")
    direction = OneOf(Direction.values)
    started_at = Time(past=True)
    duration_seconds = Whole(min_value=0, max_value=7 * 24 * 3600)
    outcome = OneOf(active_outcomes, required=False)
    recording_url = serializers.URLField(required=False, allow_blank=True, max_length=500)
    notes = Text(required=False, max_length=LONGEST_NOTE)

    def validate_recording_url(self, url: str) -> str:
        if url and not url.lower().startswith(("http://", "https://")):
            raise ValidationError(_("Expected an address that begins with https://."), "invalid")
        return url

    def validate(self, values: dict[str, Any]) -> dict[str, Any]:
        if not values.get("lead") and not values.get("number"):
            text = _("Expected `lead` or `number`: with whom was the call?")
            raise ValidationError({"lead": [ErrorDetail(text, "required")]})
        return values


class CallView(StrictView, viewsets.GenericViewSet[CallAttempt]):
    """Calls made by the caller or with leads they may see. Reps report and log their own, managers their team's."""

    serializer_class = CallShape
    filterset_class = CallFilter
    queryset = CallAttempt.objects.none()

    def get_queryset(self) -> QuerySet[CallAttempt]:
        return CallAttempt.objects.visible_to(self.request.user).order_by("-started_at", "-pk")

    def list(self, request: Request) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(show_calls(page or []))

    def retrieve(self, request: Request, pk: int) -> Response:
        return Response(show_calls([self.get_object()])[0])

    @extend_schema(request=PastCallInput, responses={201: CallShape, 200: CallShape})
    def create(self, request: Request) -> Response:
        values = self.check(PastCallInput)
        known = CallAttempt.objects.filter(source=values["source"], external_id=values["external_id"]).first()
        if known is not None:
            return self._repeated(known)
        user = _caller_of(values, asking=request.user)
        number = _number(values.get("number", ""))
        lead = _lead_of(values, number, user=user, asking=request.user)
        past = reported.PastCall(
            **{
                name: values[name]
                for name in ("source", "external_id", "started_at", "duration_seconds", "direction")
            },
            **{name: values.get(name, "") for name in ("outcome", "recording_url", "notes")},
        )
        with told():
            call, new = reported.keep(past, lead=lead, number=number, user=user, now=self.now)
        return Response(show_calls([call])[0], status.HTTP_201_CREATED if new else status.HTTP_200_OK)

    @extend_schema(request=OutcomeInput, responses=CallShape)
    def outcome(self, request: Request, pk: int) -> Response:
        call = self.get_object()
        with told():
            call = outcomes.log_outcome(call, self._logged(), user=request.user, now=self.now)
        return Response(show_calls([call])[0])

    @extend_schema(request=OutcomeInput, responses=CallShape)
    def amend(self, request: Request, pk: int) -> Response:
        call = self.get_object()
        with told():
            call = take_back.amend(call, self._logged(), user=request.user, now=self.now)
        return Response(show_calls([call])[0])

    def _logged(self) -> outcomes.Logged:
        checked = OutcomeInput(data=self.request.data, context=self.get_serializer_context())
        checked.is_valid(raise_exception=True)
        return checked.logged()

    def _repeated(self, known: CallAttempt) -> Response:
        """The answer to a report that was made before; whose the caller may not see is not told."""
        if not self.get_queryset().filter(pk=known.pk).exists():
            text = _("This source and external_id belong to another call.")
            raise ValidationError({"external_id": [ErrorDetail(text, "taken")]})
        return Response(show_calls([known])[0])


def _caller_of(values: Mapping[str, Any], *, asking: Any) -> Any:
    """Which of our people was on the phone. Reps report for themselves, managers for their team, admins for all."""
    named = {"username": values.get("user"), "extension": values.get("extension")}
    field, wanted = ("user", named["username"]) if named["username"] else ("extension", named["extension"])
    if not wanted:
        return asking
    mine = (
        get_user_model().objects.visible_to(asking)
        if asking.is_manager
        else get_user_model().objects.filter(pk=asking.pk)
    )
    by = Q(username=wanted) if field == "user" else Q(extension=wanted)
    found = list(mine.filter(by, is_active=True).select_related("team")[:2])
    if len(found) != 1:
        text = _("There is nobody of this name or extension for whom you may report calls.")
        raise ValidationError({field: [ErrorDetail(text, "does_not_exist")]})
    return found[0]


def _number(text: str) -> Number | None:
    if not text:
        return None
    try:
        e164 = numbers.parse(text, Workspace.current().region).e164
    except numbers.NumberRefused as refused:
        raise ValidationError({"number": [ErrorDetail(refused.reason, "invalid")]}) from None
    number = Number.objects.filter(e164=e164).first()
    if number is None:
        raise ValidationError({"number": [ErrorDetail(_("No lead has this number."), "does_not_exist")]})
    return number


def _lead_of(values: Mapping[str, Any], number: Number | None, *, user: Any, asking: Any) -> Lead:
    """With whom the call was: as named, else the attempt it belongs to, else the number's only lead."""
    if number is not None and not values.get("lead"):
        attempt = _attempt_to(number, user, values["started_at"])
        if attempt is not None and Lead.objects.visible_to(asking).filter(pk=attempt.lead_id).exists():
            return attempt.lead
    named = values.get("lead")
    who = identity.Identity(source=values["source"], **(named or {"phone": number.e164 if number else ""}))
    if errors := identity.check(who):
        inside = ("email", "phone") if named else ()
        raise refuse(
            replace(one, field=f"lead.{one.field}") if one.field in inside else one for one in errors
        )
    match = identity.match([who], user=asking)[0]
    users = (
        number.links.filter(detached_at=None).values_list("lead", flat=True) if number and not named else ()
    )
    meant = match.candidates or users
    if match.lead_id is None and (choices := candidates(meant, user=asking)):
        raise Problem(409, "ambiguous", _("Several leads may be meant; name one."), candidates=choices)
    lead = Lead.objects.visible_to(asking).live().filter(pk=match.lead_id).first()
    if lead is None:
        text = _("There is no such lead.")
        raise ValidationError({"lead" if named else "number": [ErrorDetail(text, "does_not_exist")]})
    return lead


def _attempt_to(number: Number, user: Any, started_at: datetime) -> CallAttempt | None:
    near = (started_at - reported.SAME_CALL_WITHIN, started_at + reported.SAME_CALL_WITHIN)
    attempts = CallAttempt.objects.outbound().filter(user=user, number=number, started_at__range=near)
    return attempts.select_related("lead").order_by("-started_at").first()
