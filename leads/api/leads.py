"""How does a lead look from outside, and what may a program say about one?

The facts of a lead. What is told of its warmth and pursuit is added by `touchpoints.api.leads`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError

from leads.api.strict import Money, OneOf, StrictSerializer, Text, Time
from leads.facts import LONGEST_LINK, MOST_LINKS
from leads.models import Lead, LeadList, LeadNumber, Number
from leads.plain_sql import Joined, rows
from leads.register import NewLead, PhoneInput

TEXT_FIELDS = (
    "salutation",
    "first_name",
    "last_name",
    "job_title",
    "company",
    "email",
    "country",
    "region",
    "postcode",
    "language",
    "industry",
    "company_size",
    "occupation",
    "website",
    "decision_role",
    "needs",
    "cares_about",
    "buying_power",
    "research",
    "time_zone",
)
MOST_PHONES = 20


_LINK = Joined("k", LeadNumber, number="n")
_LINKS = f"""
    SELECT {_LINK.columns}, EXISTS (
        SELECT 1 FROM leads_leadnumber o
        WHERE o.number_id = k.number_id AND o.detached_at IS NULL AND o.lead_id <> k.lead_id
    )
    FROM leads_leadnumber k JOIN leads_number n ON n.id = k.number_id
    WHERE k.detached_at IS NULL AND {{in:k.lead_id}} ORDER BY k.position, k.id
"""  # noqa: S608 - the columns are our models' own
_NAMES = """
    SELECT e.lead_id, e.source, e.external_id FROM leads_externalid e WHERE {in:e.lead_id}
    UNION ALL SELECT m.lead_id, NULL, l.name
    FROM leads_listmembership m JOIN leads_leadlist l ON l.id = m.list_id WHERE {in:m.lead_id}
"""


class Beside(NamedTuple):
    """What is shown of a lead and stands in other tables: its numbers in use, in order, each with whether it is
    `shared`; what other systems call it, by source; the names of its lists."""

    numbers: list[LeadNumber]
    external_ids: dict[str, str]
    lists: list[str]


def with_owner(leads: QuerySet[Lead]) -> QuerySet[Lead]:
    return leads.select_related("company", "owner", "team")


def add_facts(leads: Sequence[Lead]) -> None:
    """Read what is shown `beside` each of these leads, which were read `with_owner`; two queries."""
    found: dict[int, Beside] = defaultdict(lambda: Beside([], {}, []))
    ids = [lead.pk for lead in leads]
    for row in rows(_LINKS, [ids]) if ids else ():
        link, (shared,) = _LINK.read(row)
        link.shared = bool(shared)
        found[link.lead_id].numbers.append(link)
    for lead_id, source, name in rows(_NAMES, [ids, ids]) if ids else ():
        if source is None:
            found[lead_id].lists.append(name)
        else:
            found[lead_id].external_ids[source] = name
    for lead in leads:
        lead.beside = found[lead.pk]  # type: ignore[attr-defined]


class PhoneFacts(serializers.Serializer[LeadNumber]):
    number = serializers.CharField(source="number.e164")
    extension = serializers.CharField()
    label = serializers.CharField()
    line_type = serializers.ChoiceField(Number.LineType.choices, source="number.line_type")
    status = serializers.ChoiceField(Number.Status.choices, source="number.status")
    shared = serializers.BooleanField(help_text="Two or more people use the number.")


class LeadFacts(serializers.Serializer[Lead]):
    """A lead with its facts (`add_facts`). Texts are blank where unknown, never null."""

    id = serializers.IntegerField()
    salutation = serializers.CharField()
    first_name = serializers.CharField()
    last_name = serializers.CharField()
    job_title = serializers.CharField()
    company = serializers.SerializerMethodField()
    email = serializers.CharField()
    phone = serializers.SerializerMethodField(help_text="The first number still in use.")
    phones = PhoneFacts(many=True, source="beside.numbers")
    external_ids = serializers.SerializerMethodField()
    audience = serializers.ChoiceField(Lead.Audience.choices)
    country = serializers.CharField()
    region = serializers.CharField(help_text="The subdivision without the country, as in NY.")
    postcode = serializers.CharField()
    language = serializers.CharField()
    industry = serializers.CharField()
    company_size = serializers.CharField()
    occupation = serializers.CharField()
    value = Money(allow_null=True)
    time_zone = serializers.CharField()
    owner = serializers.SerializerMethodField(help_text="A user name.")
    team = serializers.SerializerMethodField(help_text="The team whose pool it is in, or whose rep owns it.")
    lists = serializers.SerializerMethodField()
    stage = serializers.ChoiceField(Lead.Stage.choices)
    temperature = serializers.SerializerMethodField()
    warm_until = Time(allow_null=True)

    def get_company(self, lead: Lead) -> str:
        return lead.company.name if lead.company else ""

    def get_phone(self, lead: Lead) -> str:
        links = lead.beside.numbers  # type: ignore[attr-defined]
        in_use = [link for link in links if link.number.status == Number.Status.OK]
        return (in_use or links)[0].number.e164 if links else ""

    @extend_schema_field({"type": "object", "additionalProperties": {"type": "string"}})
    def get_external_ids(self, lead: Lead) -> dict[str, str]:
        return lead.beside.external_ids  # type: ignore[attr-defined,no-any-return]

    def get_owner(self, lead: Lead) -> str | None:
        return lead.owner.get_username() if lead.owner else None

    def get_team(self, lead: Lead) -> str | None:
        return lead.team.name if lead.team else None

    def get_lists(self, lead: Lead) -> list[str]:
        return sorted(lead.beside.lists)  # type: ignore[attr-defined]

    @extend_schema_field({"type": "string", "enum": Lead.Temperature.values})
    def get_temperature(self, lead: Lead) -> str:
        """What holds now: a lead whose date has passed is cold, whether or not the sweep has been by."""
        return Lead.Temperature.WARM if lead.is_warm(now=self.context["now"]) else Lead.Temperature.COLD


class ResearchFacts(serializers.Serializer[Lead]):
    """What was found out about a lead before the call; given and changed as fields of the lead."""

    decision_role = serializers.CharField(help_text="Their part in the decision.")
    needs = serializers.CharField()
    cares_about = serializers.CharField(help_text="What they value.")
    buying_power = serializers.CharField(help_text="Their ability to buy.")
    research = serializers.CharField()
    website = serializers.CharField()
    links = serializers.SerializerMethodField(help_text="Web addresses.")

    @extend_schema_field({"type": "array", "items": {"type": "string"}})
    def get_links(self, lead: Lead) -> list[str]:
        return lead.links.splitlines()


class PhoneInputSerializer(StrictSerializer):
    number = Text(required=True, max_length=120)
    extension = Text(required=False, max_length=20)
    label = Text(required=False, max_length=40)

    def read_only_names(self) -> tuple[str, ...]:
        return ("line_type", "status", "shared")


class LeadInput(StrictSerializer):
    """What may be said about a lead. Null is the same as blank. `phone` is its first number, `phones` all of them."""

    salutation = Text(required=False, allow_null=True)
    first_name = Text(required=False, allow_null=True)
    last_name = Text(required=False, allow_null=True)
    job_title = Text(required=False, allow_null=True)
    company = Text(required=False, allow_null=True)
    email = Text(required=False, allow_null=True)
    phone = Text(required=False, allow_null=True, max_length=120)
    phones = PhoneInputSerializer(many=True, required=False, max_length=MOST_PHONES)
    external_ids = serializers.DictField(child=Text(required=True, max_length=200), required=False)
    audience = OneOf(Lead.Audience.values, required=False)
    country = Text(required=False, allow_null=True)
    region = Text(required=False, allow_null=True)
    postcode = Text(required=False, allow_null=True)
    language = Text(required=False, allow_null=True)
    industry = Text(required=False, allow_null=True)
    company_size = Text(required=False, allow_null=True)
    occupation = Text(required=False, allow_null=True)
    website = Text(required=False, allow_null=True)
    decision_role = Text(required=False, allow_null=True, help_text="Their part in the decision.")
    needs = Text(required=False, allow_null=True)
    cares_about = Text(required=False, allow_null=True, help_text="What they value.")
    buying_power = Text(required=False, allow_null=True, help_text="Their ability to buy.")
    research = Text(required=False, allow_null=True)
    links = serializers.ListField(
        child=Text(required=True, max_length=LONGEST_LINK), required=False, max_length=MOST_LINKS
    )
    value = Money(required=False, allow_null=True, min_value=0)
    time_zone = Text(required=False, allow_null=True)
    owner = Text(required=False, allow_null=True, help_text="A user name; null: nobody's, the pool's.")
    team = Text(required=False, allow_null=True, help_text="A team's name.")
    lists = serializers.ListField(
        child=Text(required=True), required=False, max_length=50, help_text="Names of lists that exist."
    )

    def read_only_names(self) -> tuple[str, ...]:
        return ("id", "stage", "temperature", "warm_until", "evidence", "pursuit")

    def validate_external_ids(self, value: dict[str, str]) -> dict[str, str]:
        if len(value) > MOST_PHONES:
            raise ValidationError(_("More than %(most)d.") % {"most": MOST_PHONES}, "max_length")
        return value


def facts_of(values: dict[str, Any]) -> dict[str, Any]:
    """The plain fields of a checked `LeadInput`, by the model's names."""
    kept = {name: values[name] or "" for name in TEXT_FIELDS if name in values}
    kept.update({name: values[name] for name in ("audience", "value", "links") if name in values})
    return kept


def new_lead_of(values: dict[str, Any]) -> NewLead:
    """A checked `LeadInput` as the register takes it; `phone` is tried before `phones`."""
    first = [PhoneInput(raw=values["phone"])] if values.get("phone") else []
    return NewLead(
        fields=facts_of(values),
        phones=first + _phones(values.get("phones", [])),
        external_ids=dict(values.get("external_ids", {})),
    )


def changes_of(values: dict[str, Any]) -> dict[str, Any]:
    """A checked `LeadInput` as the changes that `register.edit_lead` makes; the keeper and lists are others'."""
    changes = facts_of(values)
    changes.update({name: values[name] for name in ("phone", "external_ids") if name in values})
    if "phones" in values:
        changes["phones"] = _phones(values["phones"])
    return changes


def _phones(phones: list[dict[str, str]]) -> list[PhoneInput]:
    return [
        PhoneInput(raw=one["number"], label=one.get("label", ""), extension=one.get("extension", ""))
        for one in phones
    ]


def lists_named(names: list[str]) -> list[LeadList]:
    """The lists of these names; raises ValidationError naming those there are not."""
    found = {one.name: one for one in LeadList.objects.filter(name__in=names)}
    if missing := [name for name in dict.fromkeys(names) if name not in found]:
        text = _("There is no list “%(name)s”.")
        raise ValidationError(
            {"lists": [ErrorDetail(text % {"name": name}, "does_not_exist") for name in missing]}
        )
    return list(found.values())


class Candidate(serializers.Serializer[Lead]):
    """A lead that may be meant, with enough to tell it from another."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    company = serializers.SerializerMethodField()
    email = serializers.CharField()

    def get_company(self, lead: Lead) -> str:
        return lead.company.name if lead.company else ""


def candidates(ids: Any, *, user: Any) -> list[dict[str, Any]]:
    """Those of the leads with these ids that `user` may see, to choose from."""
    found = Lead.objects.visible_to(user).filter(pk__in=list(ids)).select_related("company").order_by("pk")
    return list(Candidate(found, many=True).data)
