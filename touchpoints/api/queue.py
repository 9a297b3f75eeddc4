"""Whom to call next, over the API."""

from __future__ import annotations

from typing import Any

from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import status, viewsets
from rest_framework.request import Request
from rest_framework.response import Response

from leads.api.leads import add_facts
from leads.api.strict import OneOf, Problem, StrictSerializer, StrictView, Text
from touchpoints import queue, steps
from touchpoints.api.answers import told
from touchpoints.api.shapes import QueueItemShape, Story
from touchpoints.models import CallAttempt, FollowUp

FRESH = {"Cache-Control": "no-store"}


class SkipInput(StrictSerializer):
    reason = Text(required=False, max_length=300)


class DoneInput(StrictSerializer):
    note = Text(required=False, max_length=500)
    outcome = OneOf(["met", "nobody_met", "refused"], required=False, help_text="What came of a visit.")


class QueueView(StrictView, viewsets.GenericViewSet[FollowUp]):
    """The caller's own queue: their follow-ups and their team's pool."""

    serializer_class = QueueItemShape
    queryset = FollowUp.objects.none()
    filter_backends: list[Any] = []

    @extend_schema(responses={200: QueueItemShape, 204: None})
    def next(self, request: Request) -> Response:
        row = queue.next_lead(request.user, now=self.now)
        if row is None:
            return Response(status=status.HTTP_204_NO_CONTENT, headers=FRESH)
        add_facts([row.lead])
        context = {"now": self.now, "story": Story([row.lead], now=self.now, planned=row)}
        return Response(QueueItemShape(row, context=context).data, headers=FRESH)

    @extend_schema(request=DoneInput, responses={204: None})
    def done(self, request: Request, pk: int) -> Response:
        """A message was sent, a visit made: logged as a touchpoint of ours, and the plan goes on."""
        reachable = queue.reachable_by(request.user, now=self.now)
        row = get_object_or_404(
            FollowUp.objects.open().filter(lead__in=reachable).select_related("lead"), pk=pk
        )
        given = self.check(DoneInput)
        with told():
            steps.done(
                row,
                note=given.get("note", ""),
                outcome=given.get("outcome", "nobody_met"),
                user=request.user,
                now=self.now,
            )
        return Response(status=status.HTTP_204_NO_CONTENT, headers=FRESH)

    @extend_schema(request=SkipInput, responses={204: None})
    def skip(self, request: Request, pk: int) -> Response:
        reachable = queue.reachable_by(request.user, now=self.now)
        row = get_object_or_404(FollowUp.objects.open().filter(lead__in=reachable), pk=pk)
        reason = self.check(SkipInput).get("reason", "")
        if row.lease_by_id not in (None, request.user.pk) and row.lease_until and row.lease_until > self.now:
            raise Problem(409, "leased_by_another", _("A colleague has this lead on the screen just now."))
        if CallAttempt.objects.open().outbound().filter(user=request.user, follow_up=row).exists():
            raise Problem(
                409, "attempt_open", _("Your call to this lead is still open: log its outcome first.")
            )
        queue.skip(row, reason, user=request.user, now=self.now)
        return Response(status=status.HTTP_204_NO_CONTENT, headers=FRESH)
