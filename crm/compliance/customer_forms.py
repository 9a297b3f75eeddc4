"""What may be typed about a customer? Whether it can stand is `leads.customers`' to say."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from leads.places import country_code


class CustomerForm(forms.Form):
    """One customer, known by a domain or a number or both."""

    name = forms.CharField(label=_("Name"), required=False, max_length=200)
    domain = forms.CharField(
        label=_("Domain"), required=False, max_length=200, help_text=_("What their e-mail addresses end in.")
    )
    number = forms.CharField(label=_("Number"), required=False, max_length=120)
    account_owner = forms.CharField(
        label=_("Account owner"),
        required=False,
        max_length=150,
        help_text=_("The user name of who looks after them."),
    )
    since = forms.DateField(
        label=_("Customer since"),
        required=False,
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
    )


class CustomersFileForm(forms.Form):
    """A file of customers."""

    file = forms.FileField(
        label=_("CSV file"), help_text=_("Columns: name, domain, number, account_owner, since.")
    )
    region = forms.CharField(
        label=_("Country"), max_length=60, help_text=_("For numbers without +: two letters, as in US.")
    )

    def clean_region(self) -> str:
        code = country_code(self.cleaned_data["region"])
        if code is None:
            raise forms.ValidationError(_("Expected a country in two letters, as in US."), code="invalid")
        return code
