"""How do a lead, a call and what comes next look from outside?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from leads.api.leads import LeadFacts, add_facts
from leads.api.strict import Time
from leads.models import Lead
from touchpoints import engine
from touchpoints.models import CallAttempt, Channel, Direction, FollowUp, Pursuit


class GuardReason(serializers.Serializer[Any]):
    code = serializers.CharField()
    detail = serializers.CharField()


class LocalTime(serializers.Serializer[Any]):
    zone = serializers.CharField()
    time = serializers.CharField()


class GuardShape(serializers.Serializer[Any]):
    """A verdict of the guard: may this number be called now, and if not, why not and when?"""

    decision = serializers.ChoiceField(["allow", "warn", "block"])
    reasons = GuardReason(many=True)
    next_allowed_at = serializers.DateTimeField(allow_null=True)
    local_times = LocalTime(many=True)
    rule_version = serializers.CharField()


class EvidenceShape(serializers.Serializer[Any]):
    touchpoint = serializers.IntegerField()
    kind = serializers.CharField()
    occurred_at = serializers.DateTimeField()
    alone_until = serializers.DateTimeField()
    share = serializers.FloatField(help_text="Of the whole; the shares sum to 1.")


class NextFollowUp(serializers.Serializer[FollowUp]):
    id = serializers.IntegerField()
    attempt = serializers.IntegerField()
    channel = serializers.ChoiceField(Channel.choices)
    due_at = Time()
    window_end = Time()
    reason = serializers.CharField()
    assignee = serializers.SerializerMethodField(help_text="A user name; null: whoever of the pool is free.")

    def get_assignee(self, row: FollowUp) -> str | None:
        return row.assignee.get_username() if row.assignee else None


class PursuitShape(serializers.Serializer[Pursuit]):
    id = serializers.IntegerField()
    cadence = serializers.CharField(source="cadence.key")
    step = serializers.IntegerField()
    attempt = serializers.IntegerField(help_text="The number of the next attempt to be made.")
    target = serializers.IntegerField()
    reached_at_attempt = serializers.IntegerField(allow_null=True)
    next_follow_up = serializers.SerializerMethodField()

    @extend_schema_field(NextFollowUp(allow_null=True))
    def get_next_follow_up(self, pursuit: Pursuit) -> Any:
        row = self.context["story"].follow_ups.get(pursuit.lead_id)
        return NextFollowUp(row).data if row else None


class Story:
    """The evidence, pursuit and next follow-up of a page of leads, in a constant number of queries.

    `planned`: of a single lead, its open follow-up as the queue read it, with its pursuit: nothing is read twice.
    """

    def __init__(self, leads: Sequence[Lead], *, now: datetime, planned: FollowUp | None = None) -> None:
        ids = [lead.pk for lead in leads]
        self.warmth = engine.warmth_of(leads, now=now) if leads else {}
        if planned is not None:
            running = [planned.pursuit] if planned.pursuit and planned.pursuit.ended_at is None else []
            self.follow_ups = {planned.lead_id: planned}
        else:
            running = list(Pursuit.objects.open().filter(lead__in=ids).select_related("cadence"))
            self.follow_ups = open_follow_ups(ids)
        self.pursuits = {pursuit.lead_id: pursuit for pursuit in running}


def open_follow_ups(lead_ids: Iterable[int]) -> dict[int, FollowUp]:
    """The single next planned action of each lead that has one, by lead id."""
    rows = FollowUp.objects.open().filter(lead__in=list(lead_ids)).select_related("assignee")
    return {row.lead_id: row for row in rows}


class LeadShape(LeadFacts):
    """A lead with its story; `context["story"]` is the `Story` of all leads that are shown together."""

    evidence = serializers.SerializerMethodField()
    pursuit = serializers.SerializerMethodField()

    @extend_schema_field(EvidenceShape(many=True))
    def get_evidence(self, lead: Lead) -> list[dict[str, Any]]:
        found = self.context["story"].warmth.get(lead.pk)
        return engine.evidence_as_json(found) if found else []

    @extend_schema_field(PursuitShape(allow_null=True))
    def get_pursuit(self, lead: Lead) -> Any:
        pursuit = self.context["story"].pursuits.get(lead.pk)
        return PursuitShape(pursuit, context=self.context).data if pursuit else None


class CallShape(serializers.Serializer[CallAttempt]):
    """A call; `context["follow_ups"]` holds the open follow-ups of the leads that are shown together."""

    id = serializers.IntegerField()
    lead = serializers.IntegerField(source="lead_id")
    number = serializers.IntegerField(
        source="attempt",
        allow_null=True,
        help_text="Of the attempt within the pursuit; null after the reach.",
    )
    target = serializers.IntegerField()
    direction = serializers.ChoiceField(Direction.choices)
    outcome = serializers.CharField(source="outcome_id", allow_null=True)
    started_at = Time()
    duration_seconds = serializers.IntegerField(allow_null=True)
    notes = serializers.CharField()
    guard = serializers.SerializerMethodField()
    breach = serializers.BooleanField(
        help_text="The guard would have blocked it, and it was made all the same."
    )
    recording_url = serializers.CharField()
    next_follow_up = serializers.SerializerMethodField()

    @extend_schema_field(GuardShape(allow_null=True))
    def get_guard(self, call: CallAttempt) -> Any:
        """As it was given; what else is kept for proof is in the evidence export."""
        return {key: call.guard[key] for key in GuardShape().fields if key in call.guard} or None

    @extend_schema_field(NextFollowUp(allow_null=True))
    def get_next_follow_up(self, call: CallAttempt) -> Any:
        """What comes next is known once the call is over."""
        row = self.context["follow_ups"].get(call.lead_id) if call.ended_at else None
        return NextFollowUp(row).data if row else None


class OpenCallShape(CallShape):
    tel_url = serializers.SerializerMethodField(help_text="The link that dials, extension included.")

    def get_tel_url(self, call: CallAttempt) -> str:
        return str(self.context["tel_url"])


class QueueItemShape(serializers.Serializer[FollowUp]):
    """The lead to call now. `id` is the follow-up's."""

    id = serializers.IntegerField()
    attempt = serializers.IntegerField()
    channel = serializers.ChoiceField(Channel.choices)
    due_at = Time()
    window_end = Time()
    reason = serializers.CharField()
    lease_until = Time(allow_null=True)
    lead = serializers.SerializerMethodField()

    @extend_schema_field(LeadShape)
    def get_lead(self, row: FollowUp) -> Any:
        return LeadShape(row.lead, context=self.context).data


def show_calls(calls: Sequence[CallAttempt]) -> list[dict[str, Any]]:
    """Calls as the API answers them, in one query more."""
    context = {"follow_ups": open_follow_ups({call.lead_id for call in calls})}
    return list(CallShape(calls, many=True, context=context).data)


def show_leads(leads: Sequence[Lead], *, now: datetime) -> list[dict[str, Any]]:
    """Leads that were read `with_owner`, as the API answers them, in a constant number of queries."""
    add_facts(leads)
    return list(LeadShape(leads, many=True, context={"now": now, "story": Story(leads, now=now)}).data)
