"""What is asked of somebody who brings a file: the file, what its columns are, which list, and who calls."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth import get_user_model
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from crm.accounts.models import Team
from crm.intake import mapping
from leads.models import LeadList
from leads.places import country_code


class UploadForm(forms.Form):
    file = forms.FileField(
        label=_("CSV file"),
        help_text=_("One line per person and a header line. Any delimiter and encoding; Excel: save as CSV."),
        error_messages={"required": _("No file was chosen; expected a CSV file.")},
        max_length=200,
        allow_empty_file=True,
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,.tsv,.txt,text/csv,text/plain"}),
    )


class ConfirmForm(forms.Form):
    """`who` as the page offers it: only people and pools the user may give work to."""

    list_name = forms.CharField(
        label=_("List"),
        max_length=LeadList._meta.get_field("name").max_length,
        help_text=_("An existing list, or a new name."),
        widget=forms.TextInput(attrs={"list": "known-lists", "autocomplete": "off"}),
    )
    region = forms.CharField(
        label=_("Country of numbers without +"),
        max_length=40,
        help_text=_("Two letters, as in US. A wrong country makes a wrong number."),
    )
    who = forms.ChoiceField(label=_("Who calls them"))

    def __init__(self, *args: Any, user: Any, columns: list[mapping.Column], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.columns = columns
        self.takers = takers(user)
        self.fields["who"].choices = [(key, label) for key, (label, _owner, _team) in self.takers.items()]  # type: ignore[attr-defined]
        self.fields["who"].initial = next(iter(self.takers))
        for number, column in enumerate(columns):
            self.fields[f"column_{number}"] = forms.ChoiceField(
                label=column.header or gettext("column %(n)d") % {"n": number + 1},
                choices=[("", _("not imported")), *mapping.TARGETS.items()],
                initial=column.target,
                required=False,
            )

    def clean_list_name(self) -> str:
        return " ".join(self.cleaned_data["list_name"].split())

    def clean_region(self) -> str:
        code = country_code(self.cleaned_data["region"])
        if code is None:
            raise forms.ValidationError(gettext("No country we know; expected two letters, as in US."))
        return code

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.errors and not mapping.identifies(self.chosen()):
            raise forms.ValidationError(
                gettext(
                    "No column says who a row is about; expected a name, an e-mail, a phone, or company "
                    "and job title."
                )
            )
        return cleaned

    def chosen(self) -> list[mapping.Column]:
        """The columns as confirmed. What came with a guess (a label, a source) goes where the guess is gone."""
        return [
            mapping.chosen(column, self.cleaned_data.get(f"column_{number}", ""))
            for number, column in enumerate(self.columns)
        ]

    def whose(self) -> tuple[Any, Any]:
        """(owner, team), one of them or both None."""
        _label, owner, team = self.takers[self.cleaned_data["who"]]
        return owner, team


def takers(user: Any) -> dict[str, tuple[str, Any, Any]]:
    """Whom this user may give leads to: {key: (label, owner, team)}, the likeliest first. Reps themselves and
    their pool, managers their team, admins anyone."""
    offered: dict[str, tuple[str, Any, Any]] = {}
    me = (f"user-{user.pk}", (gettext("me"), user, None))
    if not user.is_manager:
        offered.update([me])
    for team in _pools(user):
        offered[f"team-{team.pk}"] = (gettext("the pool of %(team)s") % {"team": team.name}, None, team)
    offered.setdefault(*me)
    if user.is_manager:
        colleagues = get_user_model().objects.visible_to(user).filter(is_active=True).order_by("username")
        for colleague in colleagues:
            label = colleague.get_full_name() or colleague.username
            offered.setdefault(f"user-{colleague.pk}", (label, colleague, None))
    if user.is_admin:
        offered["nobody"] = (gettext("nobody yet"), None, None)
    return offered


def _pools(user: Any) -> list[Team]:
    if user.is_admin:
        return list(Team.objects.order_by("-is_default", "name"))
    return [user.team] if user.team else []
