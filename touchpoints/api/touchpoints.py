"""Touchpoints over the API: reported one by one or in batches, corrected, withdrawn, never doubled."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers, status, viewsets
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from leads import identity
from leads.api.keepers import keeper_of_new
from leads.api.leads import LeadInput, lists_named, new_lead_of
from leads.api.strict import (
    BODY,
    Facts,
    Flag,
    OneOf,
    StrictSerializer,
    StrictView,
    Text,
    Time,
    Whole,
    flat_errors,
    refuse,
)
from leads.lists import put_on
from leads.register import FieldError
from touchpoints import assign, corrections, record
from touchpoints.api.answers import told
from touchpoints.filters import TouchpointFilter
from touchpoints.models import Direction, Touchpoint, TouchpointKind

MOST_ROWS = 5_000
ROWS = "touchpoints"
KEEPER = ("owner", "team")


def active_kinds() -> list[str]:
    return list(
        TouchpointKind.objects.filter(active=True).order_by("position", "key").values_list("key", flat=True)
    )


class LeadOfTouchpoint(LeadInput):
    """Whose it is: id, external_id (in the namespace of `source`), email or phone, and how to make an unknown one."""

    id = Whole(required=False, min_value=1)
    external_id = Text(required=False, max_length=200)

    def read_only_names(self) -> tuple[str, ...]:
        return ("stage", "temperature", "warm_until", "evidence", "pursuit")


class OwnFields(StrictSerializer):
    """What a touchpoint itself says, apart from whose it is."""

    kind = OneOf(active_kinds)
    occurred_at = Time(past=True)
    direction = OneOf(Direction.values, required=False, help_text="Left out: the kind's usual one.")
    network = Text(required=False, max_length=40)
    campaign = Text(required=False, max_length=120)
    summary = Text(required=False, max_length=500)
    referred_by = Text(required=False, max_length=200)
    by = Text(required=False, max_length=120, help_text="Which of our people: a user name, or any name.")
    url = serializers.URLField(required=False, allow_blank=True, max_length=500)
    data = Facts(required=False)
    historical = Flag(required=False, help_text="Counts for warmth; raises no alarm, starts no clock.")

    def validate_url(self, url: str) -> str:
        if url and not url.lower().startswith(("http://", "https://")):
            raise ValidationError(_("Expected an address that begins with https://."), "invalid")
        return url


class TouchpointInput(OwnFields):
    source = Text(required=True, max_length=80)
    external_id = Text(required=True, max_length=200)
    lead = LeadOfTouchpoint()


class TouchpointChange(OwnFields):
    def read_only_names(self) -> tuple[str, ...]:
        return ("id", "lead", "source", "external_id", "recorded_at")


class TouchpointShape(serializers.Serializer[Touchpoint]):
    id = serializers.IntegerField()
    lead = serializers.IntegerField(source="lead_id")
    kind = serializers.CharField(source="kind_id")
    occurred_at = Time()
    direction = serializers.ChoiceField(Direction.choices)
    source = serializers.CharField()
    external_id = serializers.CharField()
    network = serializers.CharField()
    campaign = serializers.CharField()
    summary = serializers.CharField()
    referred_by = serializers.CharField()
    by = serializers.CharField()
    url = serializers.CharField()
    data = serializers.DictField()
    historical = serializers.BooleanField()
    recorded_at = Time()


LEAD_MADE = inline_serializer(
    "LeadMade", {"id": serializers.IntegerField(), "created": serializers.BooleanField()}
)
ACCEPTED = inline_serializer(
    "TouchpointAccepted",
    {
        "id": serializers.IntegerField(),
        "created": serializers.BooleanField(),
        "updated": serializers.BooleanField(required=False),
        "lead": LEAD_MADE,
    },
)
UNRESOLVED = inline_serializer("TouchpointUnresolved", {"status": serializers.ChoiceField(["unresolved"])})
FIELD_ERROR = inline_serializer(
    "FieldError",
    {"field": serializers.CharField(), "code": serializers.CharField(), "detail": serializers.CharField()},
    many=True,
    required=False,
)
ROW = inline_serializer(
    "TouchpointRow",
    {
        "index": serializers.IntegerField(),
        "status": serializers.ChoiceField(["created", "duplicate", "updated", "unresolved", "rejected"]),
        "id": serializers.IntegerField(required=False),
        "lead": inline_serializer(
            "RowLead",
            {"id": serializers.IntegerField(), "created": serializers.BooleanField()},
            required=False,
        ),
        "errors": FIELD_ERROR,
    },
    many=True,
)
BATCH = inline_serializer(
    "TouchpointBatch",
    {
        **{
            name: serializers.IntegerField()
            for name in ("created", "duplicates", "updated", "unresolved", "rejected")
        },
        "results": ROW,
    },
)
COUNTED_AS = {"duplicate": "duplicates"}
BY_NAME = [
    OpenApiParameter("source", str, required=True, description="With `external_id`: which touchpoint."),
    OpenApiParameter("external_id", str, required=True),
]


class TouchpointView(StrictView, viewsets.GenericViewSet[Touchpoint]):
    """Touchpoints of leads that the caller may see; anybody who is signed in may report one."""

    serializer_class = TouchpointShape
    filterset_class = TouchpointFilter
    queryset = Touchpoint.objects.none()

    def get_queryset(self) -> QuerySet[Touchpoint]:
        return Touchpoint.objects.visible_to(self.request.user).order_by("-occurred_at", "-pk")

    def list(self, request: Request) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(TouchpointShape(page or [], many=True).data)

    def retrieve(self, request: Request, pk: int) -> Response:
        return Response(TouchpointShape(self._one(pk=pk)).data)

    @extend_schema(request=TouchpointInput, responses={201: ACCEPTED, 200: ACCEPTED, 202: UNRESOLVED})
    def create(self, request: Request) -> Response:
        values = self.check(TouchpointInput)
        results = self._record([values])
        result = results[0]
        if isinstance(result, record.RowRefused):
            raise refuse(result.errors)
        if result.touchpoint is None:
            return Response({"status": "unresolved"}, status.HTTP_202_ACCEPTED)
        new = result.status == "created"
        answer: dict[str, Any] = {"id": result.touchpoint.pk, "created": new}
        if result.status == "updated":
            answer["updated"] = True
        answer["lead"] = _lead_made(result)
        return Response(answer, status.HTTP_201_CREATED if new else status.HTTP_200_OK)

    @extend_schema(request=TouchpointInput(many=True), responses=BATCH)
    def batch(self, request: Request) -> Response:
        rows = _rows(request.data)
        checked, errors = self._check_rows(rows)
        results = dict(zip(checked, self._record(list(checked.values())), strict=True))
        answers = [
            _row_answer(index, results[index]) if index in results else _rejected(index, errors[index])
            for index in range(len(rows))
        ]
        counts = dict.fromkeys(("created", "duplicates", "updated", "unresolved", "rejected"), 0)
        for answer in answers:
            counts[COUNTED_AS.get(answer["status"], answer["status"])] += 1
        return Response({**counts, "results": answers})

    @extend_schema(request=TouchpointChange, responses=TouchpointShape)
    def partial_update(self, request: Request, pk: int) -> Response:
        return self._correct(self._one(pk=pk))

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, pk: int) -> Response:
        return self._withdraw(self._one(pk=pk))

    @extend_schema(request=TouchpointChange, responses=TouchpointShape, parameters=BY_NAME)
    def correct_named(self, request: Request) -> Response:
        return self._correct(self._named())

    @extend_schema(responses={204: None}, parameters=BY_NAME)
    def withdraw_named(self, request: Request) -> Response:
        return self._withdraw(self._named())

    def known_parameters(self) -> set[str]:
        named = self.action in ("correct_named", "withdraw_named")
        return super().known_parameters() | ({"source", "external_id"} if named else set())

    def _one(self, **named: Any) -> Touchpoint:
        return get_object_or_404(self.get_queryset(), **named)

    def _named(self) -> Touchpoint:
        asked = {name: self.request.query_params.get(name, "") for name in ("source", "external_id")}
        if missing := [name for name, value in asked.items() if not value]:
            text = _("Expected `source` and `external_id`: which touchpoint?")
            raise ValidationError({name: [ErrorDetail(text, "required")] for name in missing})
        if any("\0" in value for value in asked.values()):
            return self._one(pk=None)
        return self._one(**asked)

    def _correct(self, touchpoint: Touchpoint) -> Response:
        values = self.check(TouchpointChange, partial=True)
        changes = {("kind_id" if name == "kind" else name): value for name, value in values.items()}
        if "by" in changes:
            changes["by_user_id"] = _users([changes["by"]]).get(changes["by"])
        with told():
            corrections.correct(touchpoint, changes, user=self.request.user, now=self.now)
        return Response(TouchpointShape(self._one(pk=touchpoint.pk)).data)

    def _withdraw(self, touchpoint: Touchpoint) -> Response:
        corrections.withdraw(touchpoint, user=self.request.user, now=self.now)
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _check_rows(
        self, rows: Sequence[Any]
    ) -> tuple[dict[int, dict[str, Any]], dict[int, list[dict[str, str]]]]:
        """The rows that are fit, by index, and what is wrong with the others. One serializer checks them all."""
        serializer = TouchpointInput(context=self.get_serializer_context())
        checked, errors = {}, {}
        for index, row in enumerate(rows):
            try:
                checked[index] = serializer.run_validation(row)
            except ValidationError as error:
                errors[index] = flat_errors(error.detail)
        return checked, errors

    def _record(self, rows: Sequence[dict[str, Any]]) -> list[record.Recorded | record.RowRefused]:
        """Record checked reports, each refused by itself; who shall keep a new lead is settled with it."""
        users = _users(values.get("by", "") for values in rows)
        fit: dict[int, record.NewTouchpoint] = {}
        wishes: dict[int, tuple[Any, Any]] = {}
        results: dict[int, record.Recorded | record.RowRefused] = {}
        known: dict[tuple[Any, Any], Any] = {}
        for row, values in enumerate(rows):
            try:
                wishes[row] = self._wishes(values["lead"], known)
                fit[row] = _new(values, users)
            except ValidationError as error:
                results[row] = record.RowRefused(_as_field_errors(error))
        with transaction.atomic():
            stored = record.record_many(list(fit.values()), user=self.request.user, now=self.now)
            for row, result in zip(fit, stored, strict=True):
                results[row] = _in_lead(result) if isinstance(result, record.RowRefused) else result
            self._settle_wishes(results, wishes)
        return [results[row] for row in range(len(rows))]

    def _wishes(self, lead: Mapping[str, Any], known: dict[Any, Any]) -> tuple[Any, Any]:
        """(keeper, lists) asked for a lead that is yet to be made; each different wish is looked up once."""
        asked = {name: lead[name] for name in KEEPER if name in lead}
        names = tuple(lead.get("lists", ()))
        try:
            keeper = ("keeper", *sorted(asked.items()))
            if asked and keeper not in known:
                known[keeper] = keeper_of_new(asked, user=self.request.user)
            if names and names not in known:
                known[names] = lists_named(list(names))
        except ValidationError as error:
            raise ValidationError({"lead": error.detail}) from None
        return known.get(keeper) if asked else None, known.get(names) if names else None

    def _settle_wishes(
        self,
        results: Mapping[int, record.Recorded | record.RowRefused],
        wishes: Mapping[int, tuple[Any, Any]],
    ) -> None:
        kept: dict[Any, list[Any]] = {}
        for row, result in results.items():
            keeper, lists = wishes.get(row, (None, None))
            if (
                not isinstance(result, record.Recorded)
                or not result.lead_created
                or result.touchpoint is None
            ):
                continue
            if keeper is not None:
                kept.setdefault(keeper, []).append(result.touchpoint.lead)
            if lists:
                put_on(result.touchpoint.lead, lists, now=self.now)
        for (owner, team), leads in kept.items():
            assign.assign(leads, owner=owner, team=team, by=self.request.user, now=self.now)


def _rows(body: Any) -> Sequence[Any]:
    """The rows of a batch: a list, or an object with one. Raises ValidationError."""
    rows = body
    if isinstance(body, Mapping):
        if unknown := [name for name in body if name != ROWS]:
            text = _("Unknown field; expected one of: %(known)s.") % {"known": ROWS}
            raise ValidationError({name: [ErrorDetail(text, "unknown_field")] for name in unknown})
        rows = body.get(ROWS)
    where = ROWS if isinstance(body, Mapping) else BODY
    if not isinstance(rows, list):
        raise ValidationError({where: [ErrorDetail(_("Expected a list of touchpoints."), "not_a_list")]})
    if len(rows) > MOST_ROWS:
        text = _("%(count)d rows; expected at most %(most)d.") % {"count": len(rows), "most": MOST_ROWS}
        raise ValidationError({where: [ErrorDetail(text, "too_many")]})
    return rows


def _users(names: Iterable[str]) -> dict[str, int]:
    """Ids of those of our people who are named by their user name."""
    wanted = {name for name in names if name}
    if not wanted:
        return {}
    return dict(get_user_model().objects.filter(username__in=wanted).values_list("username", "pk"))


def _new(values: Mapping[str, Any], users: Mapping[str, int]) -> record.NewTouchpoint:
    """A checked report as the core takes it. Raises ValidationError where its identity cannot be read."""
    lead = values["lead"]
    phones = lead.get("phones") or []
    who = identity.Identity(
        id=lead.get("id"),
        source=values["source"],
        external_id=lead.get("external_id", ""),
        email=lead.get("email") or "",
        phone=lead.get("phone") or (phones[0]["number"] if phones else ""),
        region=(lead.get("country") or "") if len(lead.get("country") or "") == 2 else "",
    )
    if errors := identity.check(who):
        raise refuse(_in_lead(record.RowRefused(errors)).errors)
    own = {name: values[name] for name in OwnFields().fields if name in values}
    return record.NewTouchpoint(
        lead=who,
        lead_fields=new_lead_of(lead),
        source=values["source"],
        external_id=values["external_id"],
        by_user_id=users.get(values.get("by", "")),
        **own,
    )


def _in_lead(refused: record.RowRefused) -> record.RowRefused:
    """The core names a lead's field as the lead's; here it stands inside `lead`."""
    fields = LeadInput().fields
    return record.RowRefused(
        [
            FieldError(f"lead.{error.field}", error.code, error.reason, error.expected, error.value)
            if error.field.split(".")[0] in fields
            else error
            for error in refused.errors
        ]
    )


def _as_field_errors(error: ValidationError) -> list[FieldError]:
    return [FieldError(one["field"], one["code"], one["detail"]) for one in flat_errors(error.detail)]


def _lead_made(result: record.Recorded) -> dict[str, Any]:
    assert result.touchpoint is not None
    return {"id": result.touchpoint.lead_id, "created": result.lead_created}


def _row_answer(index: int, result: record.Recorded | record.RowRefused) -> dict[str, Any]:
    if isinstance(result, record.RowRefused):
        errors = [{"field": one.field, "code": one.code, "detail": one.detail} for one in result.errors]
        return _rejected(index, errors)
    answer: dict[str, Any] = {"index": index, "status": result.status}
    if result.touchpoint is not None:
        answer |= {"id": result.touchpoint.pk, "lead": _lead_made(result)}
    return answer


def _rejected(index: int, errors: list[dict[str, str]]) -> dict[str, Any]:
    return {"index": index, "status": "rejected", "errors": errors}
