"""How does a person ask about one number? A number, where it is, whom it reaches, and when the call would be."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from leads import numbers
from leads.models import Lead
from leads.places import country_code, region_code
from leads.zones import country_of_number

from .forms import LocalTimeField
from .lead_forms import LocalTimeInput


class NumberQuestion(forms.Form):
    """A number as typed; `home` is the country in which one without + is read."""

    number = forms.CharField(
        label=_("Number"),
        max_length=120,
        widget=forms.TextInput(
            attrs={"type": "tel", "autocomplete": "off", "placeholder": "+1 212 555 0142"}
        ),
    )

    def __init__(self, *args: Any, home: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.home = home
        self.fields["number"].help_text = _("Without + it is read as dialled in %(country)s.") % {
            "country": home
        }

    def clean_number(self) -> numbers.ParsedNumber:
        try:
            return numbers.parse(self.cleaned_data["number"], self.home)
        except numbers.NumberRefused as refused:
            raise forms.ValidationError(refused.reason) from refused

    def place(self) -> dict[str, str]:
        """What `number_lookup.look_up` takes beside the number."""
        return {}

    def instant(self) -> datetime | None:
        return None


class GuardQuestion(NumberQuestion):
    """The test box: a number at a place, for an audience, at an instant on the asker's own clock."""

    state = forms.CharField(
        label=_("State of the address"),
        required=False,
        max_length=40,
        help_text=_("As in FL; empty: only what the number tells."),
    )
    zone = forms.ChoiceField(
        label=_("Time zone"),
        required=False,
        choices=[
            ("", _("every zone it may be in")),
            *((zone, zone) for zone in sorted(available_timezones())),
        ],
        help_text=_("One chosen here counts as confirmed."),
    )
    audience = forms.ChoiceField(
        label=_("Audience"), choices=Lead.Audience.choices, initial=Lead.Audience.CONSUMER
    )
    at = LocalTimeField(label=_("At"), required=False, widget=LocalTimeInput)

    def __init__(self, *args: Any, asker_zone: ZoneInfo, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.asker_zone = asker_zone
        self.fields["at"].help_text = _("On your clock (%(zone)s); empty: now.") % {"zone": asker_zone.key}

    def clean(self) -> dict[str, Any]:
        said = super().clean() or self.cleaned_data
        number, state = said.get("number"), said.get("state", "")
        if number is None or not state:
            return said
        country = self._country_of(state, number)
        part = region_code(state, country) if country else None
        if part is None:
            where = country or gettext("the number's country")
            wrong = gettext("%(country)s has no part “%(state)s”; expected one like FL or Florida.")
            self.add_error("state", wrong % {"country": where, "state": state})
            return said
        said["country"], said["state"] = country, part
        return said

    @staticmethod
    def _country_of(state: str, number: numbers.ParsedNumber) -> str:
        """ "CA-ON" names its country; otherwise it is the number's."""
        land, dash, _part = state.partition("-")
        home = country_of_number(number.e164) or ("US" if number.e164.startswith("+1") else "")
        return (country_code(land) if dash else None) or home

    def place(self) -> dict[str, str]:
        said = self.cleaned_data
        return {
            "zone": said["zone"],
            "country": said.get("country", ""),
            "region": said["state"],
            "audience": said["audience"],
        }

    def instant(self) -> datetime | None:
        at = self.cleaned_data["at"]
        return at.replace(tzinfo=self.asker_zone) if at else None
