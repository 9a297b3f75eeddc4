"""What may be typed on the pages of rules, and how is it checked?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from leads import segments
from leads.models import Segment

from .models import Direction, TouchpointKind, WarmthRule
from .warmth import MOST_HALF_LIVES_AHEAD

if TYPE_CHECKING:
    from datetime import datetime

FEWEST_DAYS, MOST_DAYS = -3650, 3650


def _days(**options: Any) -> forms.FloatField:
    return forms.FloatField(
        label=_("warms for days"),
        min_value=FEWEST_DAYS,
        max_value=MOST_DAYS,
        help_text=_("Negative: never alone, only with others."),
        **options,
    )


class RuleForm(forms.ModelForm):
    """One rule of the draft. `values()` is what `rulesets.add_rule` and `change_rule` take."""

    warms_for_days = _days()
    counts_at_most = forms.IntegerField(label=_("counts at most"), min_value=1, max_value=100)

    class Meta:
        model = WarmthRule
        fields = [
            "kind",
            "warms_for_days",
            "counts_at_most",
            "direction",
            "network",
            "campaign",
            "source",
            "segment",
            "active",
        ]

    def __init__(self, *args: Any, user: Any, half_life_days: float, now: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.half_life_days, self.now = half_life_days, now
        kinds = TouchpointKind.objects.filter(active=True)
        if self.instance.pk:
            kinds |= TouchpointKind.objects.filter(pk=self.instance.kind_id)
        self.fields["kind"].queryset = kinds
        mine = Segment.objects.visible_to(user)
        if self.instance.segment_id:
            mine |= Segment.objects.filter(pk=self.instance.segment_id)
        self.fields["segment"].queryset = mine
        self.fields["segment"].empty_label = _("all leads")
        self.fields["direction"].choices = [("", _("either")), *Direction.choices]

    def clean_segment(self) -> Segment | None:
        segment: Segment | None = self.cleaned_data["segment"]
        wrong = segments.problems(segment.query, now=self.now) if segment else []
        if wrong:
            raise forms.ValidationError(gettext("A rule cannot use it: %(why)s.") % {"why": "; ".join(wrong)})
        return segment

    def clean_warms_for_days(self) -> float:
        days: float = self.cleaned_data["warms_for_days"]
        most = MOST_HALF_LIVES_AHEAD * self.half_life_days
        if days > most:
            raise forms.ValidationError(
                gettext("At most %(n)g days with a half-life of %(h)g.")
                % {"n": most, "h": self.half_life_days}
            )
        return days

    def values(self) -> dict[str, Any]:
        found = dict(self.cleaned_data)
        kind, segment = found.pop("kind"), found.pop("segment")
        return {**found, "kind_id": kind.pk, "segment_id": segment.pk if segment else None}


class HalfLifeForm(forms.Form):
    half_life_days = forms.FloatField(
        label=_("half-life in days"),
        min_value=0.5,
        max_value=365,
        help_text=_("Two equal pieces of evidence keep a lead warm so much longer than one."),
    )
    note = forms.CharField(
        label=_("what changes and why"), max_length=300, required=False, help_text=_("Kept with the version.")
    )


class KindForm(forms.Form):
    """A kind of touchpoint: a new one with its rule, or `kind` changed; of a built-in one only the words."""

    key = forms.SlugField(
        label=_("key"), max_length=40, help_text=_("For the API: small letters, digits, - and _. It stays.")
    )
    label = forms.CharField(label=_("name"), max_length=80)
    direction = forms.ChoiceField(label=_("usual direction"), choices=Direction.choices)
    icon = forms.CharField(
        label=_("icon"), max_length=40, required=False, help_text=_("A heroicon, such as ticket or gift.")
    )
    hand_raise = forms.BooleanField(label=_("hand-raise: they asked to be contacted"), required=False)
    active = forms.BooleanField(label=_("in use"), required=False, initial=True)
    warms_for_days = _days(initial=14)
    counts_at_most = forms.IntegerField(label=_("counts at most"), min_value=1, max_value=100, initial=2)

    def __init__(self, *args: Any, kind: TouchpointKind | None = None, **kwargs: Any) -> None:
        if kind is not None:
            names = ("label", "direction", "icon", "hand_raise", "active")
            kwargs.setdefault("initial", {name: getattr(kind, name) for name in names})
        super().__init__(*args, **kwargs)
        gone = {"active"} if kind is None else {"key", "warms_for_days", "counts_at_most"}
        if kind is not None and kind.builtin:
            gone |= {"direction", "hand_raise"}
        for name in gone:
            del self.fields[name]

    def clean_key(self) -> str:
        return str(self.cleaned_data["key"]).lower()
