"""How does what was found out about a lead look from outside?"""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from leads.api.leads import ResearchFacts
from leads.api.strict import Time
from leads.models import Lead
from touchpoints.models import Answer, CallAttempt


class ColleagueShape(serializers.Serializer[Lead]):
    """Somebody else at the company whom the caller may see."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    job_title = serializers.CharField()
    stage = serializers.ChoiceField(Lead.Stage.choices)
    temperature = serializers.SerializerMethodField()
    warm_until = Time(allow_null=True)
    last_outcome = serializers.SerializerMethodField(
        help_text="Of the latest call, in words; blank where none."
    )
    last_called_at = Time(allow_null=True)
    owner = serializers.SerializerMethodField(help_text="A user name; null: nobody's, the pool's.")
    team = serializers.SerializerMethodField()

    @extend_schema_field({"type": "string", "enum": Lead.Temperature.values})
    def get_temperature(self, lead: Lead) -> str:
        return Lead.Temperature.WARM if lead.warm_now else Lead.Temperature.COLD  # type: ignore[attr-defined]

    def get_last_outcome(self, lead: Lead) -> str:
        label: str | None = lead.last_outcome  # type: ignore[attr-defined]
        return gettext(label) if label else ""

    def get_owner(self, lead: Lead) -> str | None:
        return lead.owner.get_username() if lead.owner else None

    def get_team(self, lead: Lead) -> str | None:
        return lead.team.name if lead.team else None


class PeopleShape(serializers.Serializer[Any]):
    """The warmest others at the company; `more`: of those the caller may see, `hidden`: whom only others may see."""

    shown = ColleagueShape(many=True)
    more = serializers.IntegerField()
    hidden = serializers.IntegerField()


class NoteShape(serializers.Serializer[CallAttempt]):
    call = serializers.IntegerField(source="pk")
    at = Time(source="started_at")
    notes = serializers.CharField()


class AnsweredShape(serializers.Serializer[Answer]):
    question = serializers.CharField()
    answer = serializers.CharField()


class JobShape(serializers.Serializer[Any]):
    company = serializers.CharField()
    job_title = serializers.CharField()
    until = Time()


class ResearchShape(ResearchFacts):
    """What was found out, and who else is known where they work. Its fields are changed as fields of the lead."""

    notes = serializers.SerializerMethodField()
    answers = serializers.SerializerMethodField()
    earlier_jobs = serializers.SerializerMethodField()
    people = serializers.SerializerMethodField()

    @extend_schema_field(NoteShape(many=True))
    def get_notes(self, lead: Lead) -> Any:
        return NoteShape(self.context["beyond"]["notes"], many=True).data

    @extend_schema_field(AnsweredShape(many=True))
    def get_answers(self, lead: Lead) -> Any:
        return AnsweredShape(self.context["beyond"]["answered"], many=True).data

    @extend_schema_field(JobShape(many=True))
    def get_earlier_jobs(self, lead: Lead) -> Any:
        return JobShape(self.context["beyond"]["jobs"], many=True).data

    @extend_schema_field(PeopleShape(allow_null=True))
    def get_people(self, lead: Lead) -> Any:
        people = self.context["beyond"]["people"]
        return PeopleShape(people).data if people else None
