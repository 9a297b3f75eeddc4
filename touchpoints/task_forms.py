"""What is typed to answer a task? A form for each kind; the others only ask for a word."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from zoneinfo import available_timezones

from django import forms
from django.utils.translation import gettext_lazy as _

from leads.models import Lead

from . import guarding, lead_page, screen
from .consent_forms import ConsentForm
from .lead_forms import FactsForm, NumberForm
from .models import Task

if TYPE_CHECKING:
    from datetime import datetime


class NameForm(FactsForm):
    """Whom to ask for."""

    names = ("salutation", "first_name", "last_name", "job_title")

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if not (data.get("first_name") or data.get("last_name")):
            self.add_error("last_name", _("Give a first or a last name."))
        return data


class ZoneForm(forms.Form):
    """Where they are: what is possible comes first, then every zone there is."""

    zone = forms.ChoiceField(label=_("Time zone"))

    def __init__(self, *args: Any, possible: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        others = sorted(available_timezones() - set(possible))
        choices: list[Any] = [("", _("choose"))]
        if possible:
            choices.append((_("possible"), [(zone, zone) for zone in possible]))
        choices.append((_("every other"), [(zone, zone) for zone in others]))
        self.fields["zone"].choices = choices  # type: ignore[attr-defined]


class WordForm(forms.Form):
    """What came of it, for whoever reads the lead later."""

    note = forms.CharField(label=_("What came of it"), required=False, max_length=300)


def form_of(task: Task, data: Any = None, *, user: Any, now: datetime) -> forms.Form:
    """The form that answers this task, filled with `data` where there is any."""
    lead = task.lead
    if lead is None:
        return WordForm(data)
    match task.kind:
        case Task.Kind.FIND_NUMBER:
            return NumberForm(data)
        case Task.Kind.FIND_NAME:
            return NameForm(data, lead=lead)
        case Task.Kind.FIND_ZONE:
            return ZoneForm(data, possible=possible_zones(lead, now=now))
        case Task.Kind.RECORD_CONSENT:
            return ConsentForm(data, lead=lead, user=user, zone=lead_page.clock_of(user), now=now)
    return WordForm(data)


def possible_zones(lead: Lead, *, now: datetime) -> list[str]:
    """The zones the lead may be in, as far as number and address tell."""
    situation = guarding.gather([lead], now=now)[lead.pk]
    return list(situation.zones) or screen.zone_choices(situation)
