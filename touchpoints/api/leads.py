"""Leads over the API: to list, make, change and look at them, and to ask whether and how to call one."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status, viewsets
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from leads import claims, identity, numbers, register
from leads.api.keepers import keeper_after, keeper_of_new
from leads.api.leads import LeadInput, candidates, changes_of, lists_named, new_lead_of, with_owner
from leads.api.strict import OneOf, Problem, StrictSerializer, StrictView, Text, Time
from leads.filters import LeadFilter
from leads.lists import put_on
from leads.models import Lead, LeadNumber, Number, Workspace
from leads.prepare import keys_of, prepare
from touchpoints import assign, blockers, calls, guarding, pauses, pursue, queue, research, starts
from touchpoints.api.answers import told
from touchpoints.api.research import ResearchShape
from touchpoints.api.shapes import GuardShape, LeadShape, OpenCallShape, show_leads
from touchpoints.models import Pursuit


class DialInput(StrictSerializer):
    number = Text(
        required=False, max_length=120, help_text="One of the lead's numbers; else the first callable."
    )
    warn_reason = Text(required=False, max_length=300, help_text="Why to call in spite of a warning.")


class PauseInput(StrictSerializer):
    until = Time(help_text="When it goes on by itself; at most a year ahead.")
    why = Text(max_length=200)


class StopInput(StrictSerializer):
    reason = OneOf([key for key, _words in pursue.GIVE_UP_REASONS], help_text="Why it is given up.")


class GoOnInput(StrictSerializer):
    """Nothing to say: an empty object."""


class LeadView(StrictView, viewsets.GenericViewSet[Lead]):
    """Leads that the caller may see; anybody who is signed in may make one. Another's lead is not found."""

    serializer_class = LeadShape
    filterset_class = LeadFilter
    queryset = Lead.objects.none()

    def get_queryset(self) -> QuerySet[Lead]:
        return with_owner(Lead.objects.visible_to(self.request.user).live()).order_by("-pk")

    def list(self, request: Request) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(show_leads(page or [], now=self.now))

    def retrieve(self, request: Request, pk: int) -> Response:
        return Response(self._shown(pk))

    @extend_schema(request=LeadInput, responses={201: LeadShape})
    def create(self, request: Request) -> Response:
        values = self.check(LeadInput)
        owner, team = keeper_of_new(values, user=request.user)
        lists = lists_named(values.get("lists", []))
        new = new_lead_of(values)
        with told(), transaction.atomic():
            claims.hold_people([keys_of(prepare(new, home=Workspace.current().region))])
            self._refuse_duplicate(new)
            lead = register.create_lead(new, owner=owner, team=team, by=request.user, now=self.now)
            put_on(lead, lists, now=self.now)
            starts.start_if_room([lead], by=request.user, now=self.now)
        location = request.build_absolute_uri(f"{request.path}{lead.pk}/")
        return Response(
            self._shown(lead.pk, mine=False), status.HTTP_201_CREATED, headers={"Location": location}
        )

    @extend_schema(request=LeadInput, responses=LeadShape)
    def partial_update(self, request: Request, pk: int) -> Response:
        lead = self.get_object()
        values = self.check(LeadInput, partial=True)
        lists = lists_named(values["lists"]) if "lists" in values else None
        keeper = keeper_after(values, lead, user=request.user) if {"owner", "team"} & values.keys() else None
        with told(), transaction.atomic():
            if changes := changes_of(values):
                blockers.edit_lead(lead, changes, by=request.user, now=self.now)
            if lists is not None:
                put_on(lead, lists, now=self.now)
            if keeper is not None:
                assign.assign([lead], owner=keeper[0], team=keeper[1], by=request.user, now=self.now)
                starts.start_if_room([lead], by=request.user, now=self.now)
        return Response(self._shown(lead.pk, mine=False))

    @extend_schema(
        parameters=[
            OpenApiParameter("number", str, description="One of the lead's numbers; else the first callable.")
        ],
        responses=GuardShape,
    )
    def guard(self, request: Request, pk: int) -> Response:
        lead = self.get_object()
        number = _number_of(lead, request.query_params.get("number", ""))
        return Response(guarding.verdict(lead, number=number, user=request.user, now=self.now).as_json())

    @extend_schema(responses=ResearchShape)
    def research(self, request: Request, pk: int) -> Response:
        lead = self.get_object()
        found = research.beyond_the_facts(lead, user=request.user, now=self.now)  # type: ignore[arg-type]
        return Response(ResearchShape(lead, context={"now": self.now, "beyond": found}).data)

    @extend_schema(request=DialInput, responses={201: OpenCallShape})
    def dial(self, request: Request, pk: int) -> Response:
        lead = get_object_or_404(with_owner(queue.reachable_by(request.user, now=self.now)), pk=pk)
        values = self.check(DialInput)
        number = _number_of(lead, values.get("number", ""))
        with told():
            call = calls.dial(
                lead,
                user=request.user,
                number=number,
                warn_reason=values.get("warn_reason", ""),
                now=self.now,
            )
        context = {"follow_ups": {}, "tel_url": _tel_url(lead, call.number)}
        return Response(OpenCallShape(call, context=context).data, status.HTTP_201_CREATED)

    @extend_schema(request=PauseInput, responses=LeadShape)
    def pause(self, request: Request, pk: int) -> Response:
        """Let the lead's open pursuit rest; what was agreed with the lead stays where it is."""
        pursuit, values = self._open_pursuit(), self.check(PauseInput)
        if not self.now < values["until"] <= self.now + pauses.LONGEST_PAUSE:
            said = _("Expected a time ahead, by a year at most.")
            raise ValidationError({"until": [ErrorDetail(said, "out_of_range")]})
        pauses.pause(pursuit, values["until"], why=values["why"], by=request.user, now=self.now)
        return Response(self._shown(pk))

    @extend_schema(request=GoOnInput, responses=LeadShape)
    def resume(self, request: Request, pk: int) -> Response:
        """Let the lead's resting pursuit go on with the attempt it stands at."""
        pursuit = self._open_pursuit()
        self.check(GoOnInput)
        if not pauses.resume(pursuit, by=request.user, now=self.now):
            raise Problem(status.HTTP_409_CONFLICT, "not_resting", _("The pursuit does not rest."))
        return Response(self._shown(pk))

    @extend_schema(request=StopInput, responses=LeadShape)
    def stop(self, request: Request, pk: int) -> Response:
        """Give the lead's open pursuit up, for a reason from the list."""
        pursuit, values = self._open_pursuit(), self.check(StopInput)
        given_up = Pursuit.EndReason.GIVEN_UP
        pursue.end_many([pursuit], given_up, by=request.user, note=values["reason"], now=self.now)
        return Response(self._shown(pk))

    def _open_pursuit(self) -> Pursuit:
        pursuit = Pursuit.objects.open().filter(lead=self.get_object()).select_related("lead").first()
        if pursuit is None:
            raise Problem(status.HTTP_409_CONFLICT, "no_pursuit", _("No pursuit of this lead is open."))
        return pursuit

    def known_parameters(self) -> set[str]:
        return super().known_parameters() | ({"number"} if self.action == "guard" else set())

    def _shown(self, pk: int, *, mine: bool = True) -> dict[str, Any]:
        """One lead as answered. `mine=False`: the caller just wrote it, and may have given it away by that."""
        seen = self.get_queryset() if mine else with_owner(Lead.objects.all())
        return show_leads([get_object_or_404(seen, pk=pk)], now=self.now)[0]

    def _refuse_duplicate(self, new: register.NewLead) -> None:
        if found := identity.duplicates_of(new):
            raise Problem(
                status.HTTP_409_CONFLICT,
                "duplicate",
                _("This lead is known already."),
                candidates=candidates(found, user=self.request.user),
            )


def _number_of(lead: Lead, text: str) -> Number | None:
    """The lead's number that `text` spells; None for no text. Raises ValidationError where it is none of them."""
    if not text.strip():
        return None
    # A + that was not escaped in a query arrives as a blank.
    spelled = f"+{text.strip()}" if text.startswith(" ") else text
    try:
        e164 = numbers.parse(spelled, lead.country or Workspace.current().region).e164
    except numbers.NumberRefused as refused:
        raise ValidationError({"number": [ErrorDetail(refused.reason, "invalid")]}) from None
    link = LeadNumber.objects.current().filter(lead=lead, number__e164=e164).select_related("number").first()
    if link is None:
        raise ValidationError(
            {"number": [ErrorDetail(_("This is no number of this lead."), "does_not_exist")]}
        )
    return link.number


def _tel_url(lead: Lead, number: Number | None) -> str:
    if number is None:
        return ""
    link = LeadNumber.objects.current().filter(lead=lead, number=number).first()
    return numbers.tel_url(number.e164, link.extension if link else "")
