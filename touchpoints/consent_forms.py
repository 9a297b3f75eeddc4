"""What may be typed of a permission, of its end, and of a complaint? Times on the clock of whoever types."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from leads import consents, numbers
from leads.models import Consent, Lead

from .forms import LocalTimeField
from .lead_forms import LocalTimeInput


class ConsentForm(forms.Form):
    """A permission of the lead's: which kinds there are depends on who records it."""

    kind = forms.ChoiceField(label=_("Kind"))
    channel = forms.ChoiceField(label=_("For"), choices=Consent.Channel.choices)
    number = forms.ChoiceField(label=_("Only for"), required=False)
    starts_at = LocalTimeField(label=_("Given at"), widget=LocalTimeInput)
    ends_at = LocalTimeField(label=_("Until"), required=False, widget=LocalTimeInput)
    evidence = forms.CharField(
        label=_("Evidence"),
        max_length=consents.MOST_EVIDENCE,
        help_text=_("Their words and where they said or signed them, so that somebody else can check it."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(
        self,
        *args: Any,
        lead: Lead,
        user: Any,
        zone: Any,
        now: datetime,
        stored: Consent | None = None,
        **kwargs: Any,
    ) -> None:
        self.zone, self.stored = zone, stored
        initial = self._initial(stored) if stored else {"starts_at": now.astimezone(zone)}
        super().__init__(*args, initial=initial, **kwargs)
        labels = dict(Consent.Kind.choices)
        self.fields["kind"].choices = [(kind, labels[kind]) for kind in consents.kinds_for(user)]  # type: ignore[attr-defined]
        self.links = {
            str(link.number_id): link.number for link in lead.lead_numbers.current().select_related("number")
        }
        choices = [(pk, numbers.display(number.e164)) for pk, number in self.links.items()]
        self.fields["number"].choices = [("", _("any number")), *choices]  # type: ignore[attr-defined]

    def _initial(self, stored: Consent) -> dict[str, Any]:
        return {
            "kind": stored.kind,
            "channel": stored.channel,
            "number": str(stored.number_id or ""),
            "starts_at": stored.starts_at.astimezone(self.zone),
            "ends_at": stored.ends_at.astimezone(self.zone) if stored.ends_at else None,
            "evidence": stored.evidence,
        }

    def given(self) -> dict[str, Any]:
        """The row's own values, as the door wants them."""
        data = self.cleaned_data
        return {
            "kind": data["kind"],
            "channel": data["channel"],
            "number": self.links.get(data["number"]),
            "starts_at": self._instant("starts_at"),
            "ends_at": self._instant("ends_at"),
            "evidence": data["evidence"],
        }

    def _instant(self, name: str) -> datetime | None:
        typed = self.cleaned_data[name]
        if typed is None:
            return None
        # A form shows minutes: a time nobody touched keeps its seconds.
        known = getattr(self.stored, name, None)
        if known and known.astimezone(self.zone).replace(second=0, microsecond=0, tzinfo=None) == typed:
            return known  # type: ignore[no-any-return]
        return typed.replace(tzinfo=self.zone)  # type: ignore[no-any-return]


class ReasonForm(forms.Form):
    """Why something ends."""

    reason = forms.CharField(label=_("Why"), max_length=300)


class ComplaintForm(forms.Form):
    """What they said of us."""

    said = forms.CharField(
        label=_("What they said"), max_length=5_000, widget=forms.Textarea(attrs={"rows": 3})
    )
