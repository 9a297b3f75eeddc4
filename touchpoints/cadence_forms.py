"""How does a manager write a cadence down? A name, an audience of leads, and a row a step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, available_timezones

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from leads.models import Segment

from .cadences import LONGEST_WAIT, MOST_STEPS, Step, Wanted
from .defaults import PHASES
from .models import Channel

if TYPE_CHECKING:
    from .models import Cadence


class StepForm(forms.Form):
    wait_days = forms.IntegerField(label=_("wait"), min_value=0, max_value=LONGEST_WAIT)
    channel = forms.ChoiceField(label=_("what"), choices=Channel.choices)
    phase = forms.ChoiceField(label=_("phase"), choices=[("", "–"), *PHASES], required=False)
    text = forms.CharField(
        label=_("text"),
        required=False,
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 1, "placeholder": _("what the message says")}),
    )


StepFormSet = forms.formset_factory(
    StepForm,
    extra=0,
    can_delete=True,
    min_num=1,
    max_num=MOST_STEPS,
    validate_max=True,
    absolute_max=MOST_STEPS,
)


class CadenceForm(forms.Form):
    """All of a cadence but its steps."""

    name = forms.CharField(label=_("name"), max_length=80)
    recycle_after_days = forms.IntegerField(
        label=_("again after days"),
        min_value=1,
        max_value=3650,
        help_text=_("An exhausted lead may be pursued again after so many days."),
    )
    segment = forms.ModelChoiceField(
        label=_("for the leads of"),
        queryset=Segment.objects.none(),
        required=False,
        empty_label=_("nobody in particular"),
        help_text=_("A shared segment: pursuits of its leads follow this plan instead of the default."),
    )
    position = forms.IntegerField(
        label=_("order"),
        min_value=0,
        max_value=999,
        help_text=_("Where two segments hold a lead, the lower goes."),
    )

    def __init__(self, *args: Any, cadence: Cadence, **kwargs: Any) -> None:
        kwargs.setdefault(
            "initial",
            {
                "name": cadence.name,
                "recycle_after_days": cadence.recycle_after_days,
                "segment": cadence.segment,
                "position": cadence.position,
            },
        )
        super().__init__(*args, **kwargs)
        self.fields["segment"].queryset = Segment.objects.filter(shared=True)  # type: ignore[attr-defined]
        if cadence.is_default:
            del self.fields["segment"], self.fields["position"]


def steps_of(cadence: Cadence) -> list[dict[str, Any]]:
    return [
        {"wait_days": row.wait_days, "channel": row.channel, "phase": row.phase, "text": row.text}
        for row in cadence.steps.all()
    ]


def wanted(form: CadenceForm, steps: Any) -> Wanted:
    """What a valid form and its valid steps say."""
    kept = [
        one.cleaned_data for one in steps.forms if one.cleaned_data and not one.cleaned_data.get("DELETE")
    ]
    return Wanted(
        name=form.cleaned_data["name"].strip(),
        steps=tuple(
            Step(one["wait_days"], one["channel"], one["phase"], one["text"].strip()) for one in kept
        ),
        recycle_after_days=form.cleaned_data["recycle_after_days"],
        segment=form.cleaned_data.get("segment"),
        position=form.cleaned_data.get("position") or 0,
    )


class SampleForm(forms.Form):
    """Where the lead of a preview is."""

    zone = forms.ChoiceField(label=_("time zone"), choices=())
    country = forms.CharField(label=_("country"), max_length=2, min_length=2)
    region = forms.CharField(label=_("state or region"), max_length=10, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["zone"] = forms.ChoiceField(
            label=_("time zone"), choices=[(zone, zone) for zone in sorted(available_timezones())]
        )

    def clean_country(self) -> str:
        text: str = self.cleaned_data["country"].upper()
        if not (text.isascii() and text.isalpha()):
            raise forms.ValidationError(gettext("Two letters, as in US."))
        return text

    @property
    def zone_info(self) -> ZoneInfo:
        return ZoneInfo(self.cleaned_data["zone"])
