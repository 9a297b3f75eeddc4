"""What may be typed of what we found out about a lead, and of where they work now?"""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from leads import numbers
from leads.models import Lead
from leads.register import PhoneInput

from .changed_jobs import NewJob
from .lead_forms import FactsForm
from .research import FIELDS

PLACE = ("country", "region", "city", "postcode", "address")


class ResearchForm(FactsForm):
    """The fields of the research panel."""

    names = FIELDS


class JobForm(forms.Form):
    """Where a lead works now. Which of their numbers and whether their e-mail still reach them is asked, not guessed;
    the place is shown as it was, to be corrected."""

    company = forms.CharField(label=_("Company now"), max_length=200)
    job_title = forms.CharField(label=_("Job title there"), required=False, max_length=150)
    phone = forms.CharField(label=_("Number there"), required=False, max_length=120)
    label = forms.CharField(
        label=_("Label"),
        required=False,
        max_length=40,
        widget=forms.TextInput(attrs={"placeholder": _("direct")}),
    )
    email = forms.CharField(label=_("E-mail there"), required=False, max_length=254)
    keeps = forms.MultipleChoiceField(
        label=_("Still theirs"), required=False, widget=forms.CheckboxSelectMultiple
    )
    country = forms.CharField(label=_("Country"), required=False, max_length=100)
    region = forms.CharField(label=_("Region"), required=False, max_length=100)
    city = forms.CharField(label=_("City"), required=False, max_length=100)
    postcode = forms.CharField(label=_("Postcode"), required=False, max_length=20)
    address = forms.CharField(label=_("Address"), required=False, max_length=250)
    follows = forms.BooleanField(
        label=_("Make a lead of whoever sits at the old desk now"),
        required=False,
        help_text=_("With the old title, place and numbers that are not theirs any more."),
    )
    first_name = forms.CharField(label=_("Their first name"), required=False, max_length=100)
    last_name = forms.CharField(label=_("Their last name"), required=False, max_length=100)

    def __init__(self, *args: Any, lead: Lead, **kwargs: Any) -> None:
        links = list(lead.lead_numbers.current().select_related("number"))
        mobile = [str(one.number_id) for one in links if one.number.line_type == "mobile"]
        place = {name: getattr(lead, name) for name in PLACE}
        super().__init__(*args, initial={**place, "keeps": mobile}, **kwargs)
        self.lead = lead
        choices = [
            (str(one.number_id), " · ".join(filter(None, [numbers.display(one.number.e164), one.label])))
            for one in links
        ]
        if lead.email:
            choices.append(("email", lead.email))
        if choices:
            self.fields["keeps"].choices = choices  # type: ignore[attr-defined]
        else:
            del self.fields["keeps"]

    def job(self) -> NewJob:
        """What was typed, as the door wants it. A place that stayed as it was says nothing."""
        data, kept = self.cleaned_data, self.cleaned_data.get("keeps", [])
        facts = {"company": data["company"], "job_title": data["job_title"], "decision_role": ""}
        if data["email"] or "email" not in kept:
            facts["email"] = data["email"]
        moved = {name: data[name] for name in PLACE if data[name] != getattr(self.lead, name)}
        if moved:
            facts |= {**moved, "time_zone": ""}
        phone = data["phone"].strip()
        return NewJob(
            facts=facts,
            keeps=frozenset(int(pk) for pk in kept if pk != "email"),
            phones=(PhoneInput(phone, label=data["label"]),) if phone else (),
            successor=self._successor(),
        )

    def _successor(self) -> dict[str, Any] | None:
        data = self.cleaned_data
        if not data["follows"]:
            return None
        return {name: data[name] for name in ("first_name", "last_name") if data[name]}
