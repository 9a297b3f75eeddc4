"""What may be typed on the pages of a lead, and how is it read? Local times on the clock of whoever types."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from django import forms
from django.contrib.auth import get_user_model
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from leads.facts import FREE_TEXT, FieldError
from leads.identity import Identity
from leads.models import Lead, Suppression
from leads.register import NewLead, PhoneInput

from .engine import LONGEST_OVERRIDE
from .forms import LocalTimeField
from .models import Direction, Touchpoint, TouchpointKind
from .pauses import LONGEST_PAUSE
from .pursue import GIVE_UP_REASONS
from .reports import NewTouchpoint

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
CLOCKS_DIFFER = timedelta(minutes=5)
LOCAL = "%Y-%m-%dT%H:%M"
FACTS = (
    "salutation",
    "first_name",
    "last_name",
    "job_title",
    "company",
    "email",
    "audience",
    "decision_role",
    "country",
    "region",
    "city",
    "postcode",
    "address",
    "time_zone",
    "language",
    "industry",
    "company_size",
    "occupation",
    "website",
    "value",
    "fit",
    "needs",
    "cares_about",
    "buying_power",
    "research",
    "links",
)


class LocalTimeInput(forms.DateTimeInput):
    input_type = "datetime-local"

    def format_value(self, value: Any) -> Any:
        return value.strftime(LOCAL) if isinstance(value, datetime) else value


def add_errors(form: forms.Form, errors: list[FieldError], **elsewhere: str) -> None:
    """Put what the register refused at the fields it came from; `elsewhere` renames some."""
    for error in errors:
        name = elsewhere.get(error.field, error.field)
        form.add_error(name if name in form.fields else None, error.detail)


class FactsForm(forms.Form):
    """The facts of a lead. Whether they can stand is the register's to say; here they are only read."""

    names: tuple[str, ...] = FACTS

    def __init__(self, *args: Any, lead: Lead | None = None, **kwargs: Any) -> None:
        super().__init__(*args, initial={**_facts_of(lead), **kwargs.pop("initial", {})}, **kwargs)
        for name in self.names:
            self.fields[name] = _fact_field(name)

    def changes(self) -> dict[str, Any]:
        """What was changed, by the model's names; a field that was not sent stays."""
        sent = [name for name in self.changed_data if name in self.names and name in self.data]
        return {name: self.cleaned_data[name] for name in sent}


def _facts_of(lead: Lead | None) -> dict[str, Any]:
    if lead is None:
        return {}
    values = {name: getattr(lead, name) for name in FACTS}
    return {**values, "company": lead.company.name if lead.company else ""}


def _fact_field(name: str) -> forms.Field:
    field = Lead._meta.get_field(name)
    label, help_text = capfirst(field.verbose_name), getattr(field, "help_text", "")  # type: ignore[union-attr]
    if name == "audience":
        return forms.ChoiceField(label=label, required=False, choices=[("", "–"), *Lead.Audience.choices])
    rows = {"rows": 3} if name in (*FREE_TEXT, "links") else {}
    widget = forms.Textarea(attrs=rows) if rows else forms.TextInput(attrs={"autocomplete": "off"})
    return forms.CharField(label=label, required=False, help_text=help_text, widget=widget)


class NewLeadForm(FactsForm):
    """A lead to be made by hand, with a first number."""

    phone = forms.CharField(label=_("Phone"), required=False, max_length=120)
    anyway = forms.BooleanField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.order_fields(["first_name", "last_name", "job_title", "company", "phone", "email"])

    def new_lead(self) -> NewLead:
        facts = {name: self.cleaned_data[name] for name in FACTS if self.cleaned_data[name]}
        phone = self.cleaned_data["phone"].strip()
        return NewLead(fields=facts, phones=[PhoneInput(phone)] if phone else [])


class NumberForm(forms.Form):
    """One more number of a lead."""

    phone = forms.CharField(label=_("Number"), max_length=120)
    label = forms.CharField(label=_("Label"), required=False, max_length=40)
    extension = forms.CharField(label=_("Extension"), required=False, max_length=20)


class TouchpointForm(forms.Form):
    """A touchpoint by hand. The time is read on the user's own clock; `once` makes a second click harmless."""

    kind = forms.ModelChoiceField(
        label=_("What happened"), queryset=TouchpointKind.objects.filter(active=True), empty_label=_("choose")
    )
    when = LocalTimeField(label=_("When"), widget=LocalTimeInput)
    direction = forms.ChoiceField(
        label=_("Who acted"), required=False, choices=[("", _("as usual for the kind")), *Direction.choices]
    )
    summary = forms.CharField(label=_("In a few words"), required=False, max_length=500)
    campaign = forms.CharField(label=_("Campaign or event"), required=False, max_length=120)
    network = forms.CharField(label=_("Network"), required=False, max_length=40)
    referred_by = forms.CharField(label=_("Referred by"), required=False, max_length=200)
    by = forms.CharField(label=_("Who of us"), required=False, max_length=120)
    once = forms.CharField(required=False, max_length=40, widget=forms.HiddenInput)

    def __init__(self, *args: Any, zone: Any, now: datetime, stored: Touchpoint | None = None, **kwargs: Any):
        self.zone, self.now, self.stored = zone, now, stored
        super().__init__(*args, initial=self._initial(stored), **kwargs)
        if stored is not None:
            kinds = TouchpointKind.objects.filter(active=True) | TouchpointKind.objects.filter(
                pk=stored.kind_id
            )
            self.fields["kind"].queryset = kinds  # type: ignore[attr-defined]

    def _initial(self, stored: Touchpoint | None) -> dict[str, Any]:
        if stored is None:
            return {"when": self.now.astimezone(self.zone), "once": uuid.uuid4().hex}
        names = ("direction", "summary", "campaign", "network", "referred_by", "by")
        return {
            **{name: getattr(stored, name) for name in names},
            "kind": stored.kind_id,
            "when": stored.occurred_at.astimezone(self.zone),
        }

    def clean_when(self) -> datetime:
        typed: datetime = self.cleaned_data["when"]
        # A form shows minutes: a time nobody touched keeps its seconds.
        if self.stored is not None and typed == self._minute(self.stored.occurred_at):
            return self.stored.occurred_at
        at = typed.replace(tzinfo=self.zone)
        if at > self.now + CLOCKS_DIFFER:
            raise forms.ValidationError(_("Lies in the future; expected when it happened."), code="future")
        if at < EPOCH:
            raise forms.ValidationError(_("Lies before 1970."), code="too_early")
        return at

    def _minute(self, at: datetime) -> datetime:
        return at.astimezone(self.zone).replace(second=0, microsecond=0, tzinfo=None)

    def changes(self) -> dict[str, Any]:
        """The touchpoint's own fields as typed, by the model's names."""
        data = self.cleaned_data
        names = ("summary", "campaign", "network", "referred_by", "by")
        return {
            **{name: data[name] for name in names},
            "kind_id": data["kind"].pk,
            "occurred_at": data["when"],
            "direction": data["direction"] or data["kind"].direction,
        }

    def new_touchpoint(self, lead: Lead, *, user: Any) -> NewTouchpoint:
        values = self.changes()
        return NewTouchpoint(
            kind=values.pop("kind_id"),
            lead=Identity(id=lead.pk),
            source="thaw",
            external_id=f"hand:{self.cleaned_data['once'] or uuid.uuid4().hex}",
            by_user_id=user.pk if _is_name_of(values["by"], user) else None,
            **values,
        )


def _is_name_of(name: str, user: Any) -> bool:
    return bool(name) and name.casefold() in (user.get_full_name().casefold(), user.username.casefold())


class OverrideForm(forms.Form):
    """A temperature set by hand: until when and why are required."""

    temperature = forms.ChoiceField(label=_("Temperature"), choices=Lead.Temperature.choices)
    until = LocalTimeField(label=_("Until"), widget=LocalTimeInput)
    reason = forms.CharField(label=_("Why"), max_length=300)

    def __init__(self, *args: Any, zone: Any, now: datetime, **kwargs: Any) -> None:
        self.zone, self.now = zone, now
        super().__init__(*args, initial={"temperature": Lead.Temperature.WARM}, **kwargs)

    def clean_until(self) -> datetime:
        until: datetime = self.cleaned_data["until"].replace(tzinfo=self.zone)
        if until <= self.now:
            raise forms.ValidationError(_("Lies in the past; expected a time ahead."), code="past")
        if until > self.now + LONGEST_OVERRIDE:
            raise forms.ValidationError(_("Lies more than ten years ahead."), code="far")
        return until


class PauseForm(forms.Form):
    """Letting a pursuit rest: until when, and why."""

    until = LocalTimeField(label=_("Until"), widget=LocalTimeInput)
    why = forms.CharField(label=_("Why"), max_length=200)

    def __init__(self, *args: Any, zone: Any, now: datetime, **kwargs: Any) -> None:
        self.zone, self.now = zone, now
        super().__init__(*args, **kwargs)

    def clean_until(self) -> datetime:
        until: datetime = self.cleaned_data["until"].replace(tzinfo=self.zone)
        if until <= self.now:
            raise forms.ValidationError(_("Lies in the past; expected a time ahead."), code="past")
        if until > self.now + LONGEST_PAUSE:
            raise forms.ValidationError(
                _("Lies more than a year ahead; give the pursuit up instead."), code="far"
            )
        return until


class StopForm(forms.Form):
    """Giving a pursuit up, with one of the usual reasons."""

    note = forms.ChoiceField(label=_("Why"), choices=[("", _("choose")), *GIVE_UP_REASONS])


class SuppressForm(forms.Form):
    """Putting a person, one of their numbers or their company on our own do-not-call list."""

    scope = forms.ChoiceField(
        label=_("Who must not be called"), choices=[c for c in Suppression.Scope.choices if c[0] != "erased"]
    )
    number = forms.ChoiceField(label=_("Which number"), required=False)
    reason = forms.CharField(label=_("How did they say so"), max_length=200)

    def __init__(self, *args: Any, lead: Lead, numbers: list[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        scopes = self.fields["scope"]
        if not lead.company_id:
            scopes.choices = [c for c in scopes.choices if c[0] != "company"]  # type: ignore[attr-defined]
        if not numbers:
            scopes.choices = [c for c in scopes.choices if c[0] != "number"]  # type: ignore[attr-defined]
        if numbers:
            self.fields["number"].choices = [("", "–"), *numbers]  # type: ignore[attr-defined]
        else:
            del self.fields["number"]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("scope") == Suppression.Scope.NUMBER and not data.get("number"):
            self.add_error("number", gettext("Say which number."))
        return data


class KeeperForm(forms.Form):
    """To whom a user may give leads: reps to themselves or their pool, managers within the team, admins to anybody."""

    keeper = forms.ChoiceField(label=_("Whose"))

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        self.fields["keeper"].choices = [("", _("choose")), *keepers_for(user)]  # type: ignore[attr-defined]

    def owner_and_team(self) -> tuple[Any, Any]:
        """(owner, team) of the choice."""
        sort, _sep, pk = self.cleaned_data["keeper"].partition(":")
        if sort == "user":
            return get_user_model().objects.select_related("team").get(pk=pk), None
        return None, _teams().get(pk=pk) if sort == "team" else None


def keepers_for(user: Any) -> list[tuple[str, str]]:
    """The owners and pools this user may give leads to, as choices."""
    people = get_user_model().objects.filter(is_active=True).order_by("username")
    teams = _teams().order_by("name")
    if not user.is_admin:
        teams = teams.filter(pk=user.team_id)
        people = (
            people.filter(team=user.team_id)
            if user.is_manager and user.team_id
            else people.filter(pk=user.pk)
        )
    choices = [(f"user:{one.pk}", one.get_full_name() or one.username) for one in people]
    choices += [(f"team:{one.pk}", gettext("pool %(team)s") % {"team": one}) for one in teams]
    return [*choices, ("nobody", gettext("nobody"))] if user.is_admin else choices


def _teams() -> Any:
    return Lead._meta.get_field("team").related_model._default_manager  # type: ignore[union-attr]
