"""What is typed before somebody is erased, or before an erased person may be called again?"""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from leads.models import Lead


class EraseForm(forms.Form):
    """The name typed once more: nobody is erased by a slip."""

    reason = forms.CharField(
        label=_("Why"),
        max_length=200,
        help_text=_("As in “letter of 3 May”; without their name, since it is kept."),
    )
    typed = forms.CharField(label=_("Type the name to confirm"), max_length=300)

    def __init__(self, *args: Any, lead: Lead, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.lead = lead
        self.fields["typed"].widget.attrs |= {"autocomplete": "off", "spellcheck": "false"}

    def clean_typed(self) -> str:
        text = str(self.cleaned_data["typed"])
        if " ".join(text.split()).casefold() != " ".join(self.lead.name.split()).casefold():
            raise ValidationError(gettext("Not the name; expected “%(name)s”.") % {"name": self.lead.name})
        return text


class ReadmitForm(forms.Form):
    """An erased person asks to be called again: who, why, and what shows it."""

    known_by = forms.CharField(
        label=_("Number or e-mail"),
        max_length=120,
        help_text=_("One at a time, each that they may be reached by."),
    )
    name = forms.CharField(
        label=_("Name"), max_length=201, required=False, help_text=_("Where others share the number.")
    )
    reason = forms.CharField(label=_("Why"), max_length=300)
    evidence = forms.CharField(
        label=_("What shows that they ask"), max_length=2_000, widget=forms.Textarea({"rows": 2})
    )
