"""What may be typed on the pages of rules, and how is it checked?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from leads import segments
from leads.models import Segment

from .models import Direction, Touchpoint, TouchpointKind, WarmthRule
from .warmth import MOST_HALF_LIVES_AHEAD

if TYPE_CHECKING:
    from datetime import datetime

FEWEST_DAYS, MOST_DAYS = -3650, 3650
# What recent touchpoints hold is offered where a condition is typed: one that no touchpoint meets warms nobody.
TYPED = ("network", "campaign", "source")
RECENT = 2000
MOST_KNOWN = 40
# Pictures a manager may choose among for a kind; a kind that has another one keeps it.
ICONS = [
    "user-plus",
    "calendar-days",
    "phone-arrow-down-left",
    "chat-bubble-left-right",
    "user-group",
    "envelope-open",
    "envelope",
    "chat-bubble-bottom-center-text",
    "chat-bubble-oval-left-ellipsis",
    "inbox-arrow-down",
    "briefcase",
    "document-text",
    "bell-alert",
    "video-camera",
    "arrow-down-tray",
    "heart",
    "hand-thumb-up",
    "ticket",
    "globe-alt",
    "paper-airplane",
    "microphone",
    "map-pin",
    "gift",
    "megaphone",
    "newspaper",
    "academic-cap",
    "building-storefront",
    "truck",
    "star",
    "trophy",
    "cake",
    "light-bulb",
    "qr-code",
    "shopping-cart",
    "wrench-screwdriver",
    "clipboard-document-list",
    "chat-bubble-left",
    "chat-bubble-left-ellipsis",
]


def _days(**options: Any) -> forms.FloatField:
    return forms.FloatField(
        label=_("Warms for days"),
        min_value=FEWEST_DAYS,
        max_value=MOST_DAYS,
        help_text=_("Negative: never alone, only with others."),
        **options,
    )


class RuleForm(forms.ModelForm):
    """One rule of the draft. `values()` is what `rulesets.add_rule` and `change_rule` take."""

    warms_for_days = _days()
    counts_at_most = forms.IntegerField(label=_("Counts at most"), min_value=1, max_value=100)

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
        help_texts = {
            "campaign": _("Exactly as touchpoints name it."),
            "segment": _("A segment saved on the leads page."),
        }

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
        for name in TYPED:
            self.fields[name].widget.attrs["list"] = f"known-{name}"
        if self.instance.pk:
            self.initial["warms_for_days"] = plain(self.instance.warms_for_days)
        else:
            self.fields["kind"].empty_label = _("choose")
            self.initial["counts_at_most"] = 3
        first_wrong = next((name for name in self.errors if name in self.fields), "")
        self.fields[first_wrong or "kind"].widget.attrs["data-autofocus"] = ""

    @property
    def what(self) -> list[forms.BoundField]:
        return [self[name] for name in ("kind", "warms_for_days", "counts_at_most")]

    @property
    def only(self) -> list[forms.BoundField]:
        return [self[name] for name in ("direction", *TYPED, "segment")]

    @property
    def known(self) -> dict[str, list[str]]:
        """What recent touchpoints hold in each field that is typed; one query."""
        rows = list(Touchpoint.objects.order_by("-pk").values_list(*TYPED)[:RECENT])
        columns = zip(*rows, strict=True) if rows else [()] * len(TYPED)
        return {
            name: sorted({value for value in column if value}, key=str.casefold)[:MOST_KNOWN]
            for name, column in zip(TYPED, columns, strict=True)
        }

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


def plain(days: float) -> float | int:
    """The days as people write them: 14, not 14.0."""
    return int(days) if days == int(days) else days


class HalfLifeForm(forms.Form):
    half_life_days = forms.FloatField(
        label=_("Half-life in days"),
        min_value=0.5,
        max_value=365,
        help_text=_("Two equal pieces of evidence keep a lead warm so much longer than one."),
    )
    note = forms.CharField(
        label=_("What changes and why"), max_length=300, required=False, help_text=_("Kept with the version.")
    )


class KindForm(forms.Form):
    """A kind of touchpoint: a new one with its rule, or `kind` changed; of a built-in one only the words."""

    key = forms.SlugField(
        label=_("Key"), max_length=40, help_text=_("For the API: small letters, digits, - and _. It stays.")
    )
    label = forms.CharField(label=_("Name"), max_length=80)
    direction = forms.ChoiceField(label=_("Usual direction"), choices=Direction.choices)
    icon = forms.ChoiceField(label=_("Icon"), required=False, widget=forms.RadioSelect)
    hand_raise = forms.BooleanField(label=_("Hand-raise: they asked to be contacted"), required=False)
    active = forms.BooleanField(label=_("In use"), required=False, initial=True)
    warms_for_days = _days(initial=14)
    counts_at_most = forms.IntegerField(label=_("Counts at most"), min_value=1, max_value=100, initial=2)

    def __init__(self, *args: Any, kind: TouchpointKind | None = None, **kwargs: Any) -> None:
        if kind is not None:
            names = ("label", "direction", "icon", "hand_raise", "active")
            kwargs.setdefault("initial", {name: getattr(kind, name) for name in names})
        super().__init__(*args, **kwargs)
        held = [kind.icon] if kind is not None and kind.icon not in ("", *ICONS) else []
        self.fields["icon"].choices = [("", _("none")), *((name, name) for name in [*held, *ICONS])]
        gone = {"active"} if kind is None else {"key", "warms_for_days", "counts_at_most"}
        if kind is not None and kind.builtin:
            gone |= {"direction", "hand_raise"}
        for name in gone:
            del self.fields[name]

    def clean_key(self) -> str:
        return str(self.cleaned_data["key"]).lower()
