"""What may be typed on the pages of our own list, and whom does it name?"""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from leads import numbers
from leads.models import Company, Lead, LeadNumber, Suppression, Workspace
from leads.places import country_code

Scope = Suppression.Scope
CHANNELS = (
    ("call", _("on a call")),
    ("mail", _("by mail")),
    ("letter", _("by letter")),
    ("text", _("by text")),
    ("form", _("by a form")),
    ("in person", _("in person")),
    ("authority", _("through an authority or a court")),
    ("other", _("otherwise")),
)
MOST_NAMED = 5


class AddForm(forms.Form):
    """A number, a person or a company that must not be called; `what` says which, as typed."""

    scope = forms.ChoiceField(
        label=_("Who must not be called"), choices=[c for c in Scope.choices if c[0] != Scope.ERASED]
    )
    what = forms.CharField(
        label=_("Number, person or company"),
        max_length=200,
        help_text=_("A person by e-mail, number or the lead's id; a company by its name."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    channel = forms.ChoiceField(label=_("How did they ask"), choices=CHANNELS)
    reason = forms.CharField(label=_("Reason"), max_length=200)
    evidence = forms.CharField(
        label=_("Evidence"),
        max_length=5_000,
        required=False,
        help_text=_("Where it can be read or heard: the letter's date, the mail, the recording."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        what, scope = data.get("what", "").strip(), data.get("scope")
        if what and scope:
            named = {Scope.NUMBER: self._number, Scope.PERSON: self._person, Scope.COMPANY: self._company}
            data["named"] = named[Scope(scope)](what)
        return data

    def _number(self, what: str) -> dict[str, Any]:
        try:
            return {"e164": numbers.parse(what, Workspace.current().region).e164}
        except numbers.NumberRefused as refused:
            self.add_error("what", gettext("%(reason)s.") % {"reason": refused.reason.capitalize()})
        return {}

    def _person(self, what: str) -> dict[str, Any]:
        seen = Lead.objects.live().visible_to(self.user)
        if what.lstrip("#").isdecimal() and len(what) < 9:
            found = seen.filter(pk=int(what.lstrip("#")))
        elif "@" in what:
            found = seen.filter(email=what.lower())
        else:
            found = seen.filter(pk__in=_users_of(what))
        return self._one(list(found.select_related("company")[: MOST_NAMED + 1]), "lead")

    def _company(self, what: str) -> dict[str, Any]:
        return self._one(list(Company.objects.filter(Q(name__iexact=what))[: MOST_NAMED + 1]), "company")

    def _one(self, found: list[Any], name: str) -> dict[str, Any]:
        if len(found) == 1:
            return {name: found[0]}
        if not found:
            self.add_error("what", gettext("Nobody by that is known; expected one that is."))
        elif name == "lead":
            named = ", ".join(f"#{one.pk} {one.name}" for one in found[:MOST_NAMED])
            self.add_error("what", gettext("Several fit: %(named)s. Type the id.") % {"named": named})
        else:
            self.add_error("what", gettext("Several companies have this name; add their numbers instead."))
        return {}


def _users_of(what: str) -> list[int]:
    try:
        e164 = numbers.parse(what, Workspace.current().region).e164
    except numbers.NumberRefused:
        return []
    return list(LeadNumber.objects.current().filter(number__e164=e164).values_list("lead_id", flat=True))


class UploadForm(forms.Form):
    """A file of numbers, all of which go on the list."""

    file = forms.FileField(label=_("CSV file"))
    column = forms.CharField(
        label=_("Column"),
        required=False,
        max_length=120,
        help_text=_("Which one holds the numbers, where it is not called so."),
    )
    region = forms.CharField(
        label=_("Country"), max_length=60, help_text=_("For numbers without +: two letters, as in US.")
    )
    reason = forms.CharField(
        label=_("Reason"),
        required=False,
        max_length=200,
        help_text=_("Kept with each. Default: the file's name."),
    )

    def clean_region(self) -> str:
        code = country_code(self.cleaned_data["region"])
        if code is None:
            raise forms.ValidationError(_("Expected a country in two letters, as in US."), code="invalid")
        return code


class LiftForm(forms.Form):
    """Why an entry comes off the list, and what shows it."""

    reason = forms.CharField(label=_("Why it comes off"), max_length=300)
    evidence = forms.CharField(
        label=_("What shows that they agree"),
        max_length=5_000,
        help_text=_("The mail, letter or form they sent, with its date."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class DecideForm(forms.Form):
    """What a person says of a proposed entry."""

    reason = forms.CharField(label=_("Why"), required=False, max_length=300)
    own_numbers = forms.BooleanField(required=False)
    company = forms.BooleanField(required=False)
