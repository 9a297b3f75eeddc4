"""What may a user change about themselves, and a manager about the team?"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from zoneinfo import available_timezones

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from crm.accounts import working_hours
from crm.accounts.models import Absence, User
from leads.models import AuditEvent
from touchpoints import keys

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

DIAL_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
# Addresses a browser would run or read instead of dialling.
NO_PHONE = ("javascript", "data", "vbscript", "file", "blob", "about")


class MeForm(forms.ModelForm):  # type: ignore[type-arg]
    """Who I am, how I speak, how I dial."""

    class Meta:
        model = User
        fields = (
            "first_name",
            "last_name",
            "email",
            "language",
            "tone",
            "time_zone",
            "extension",
            "dial_url",
        )
        help_texts = {
            "tone": _("How your opening lines speak to people."),
            "dial_url": _(
                "Where your phone takes numbers, with {number} in it: a link of its own, or the https address of a "
                "softphone or phone system that dials on a POST. Blank: the usual link of a number."
            ),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        zones = [(zone, zone.replace("_", " ")) for zone in sorted(available_timezones())]
        self.fields["time_zone"] = forms.ChoiceField(label=_("time zone"), choices=zones)
        self.fields["language"] = forms.ChoiceField(label=_("language"), choices=settings.LANGUAGES)

    def clean_dial_url(self) -> str:
        text: str = self.cleaned_data["dial_url"].strip()
        if not text:
            return ""
        scheme = DIAL_SCHEME.match(text)
        if scheme is None or scheme[0][:-1].lower() in NO_PHONE:
            raise ValidationError(
                gettext("Not an address a phone takes; expected one such as sip:{number}@pbx.example.")
            )
        if "{number}" not in text:
            raise ValidationError(gettext("Say with {number} where the number goes."))
        if any(c.isspace() or c in "\"'<>`;," for c in text):
            raise ValidationError(
                gettext("No blanks, quotes, commas or semicolons; write them as %20 and so on.")
            )
        return text


class HoursForm(forms.Form):
    """Working hours, a line a weekday."""

    def __init__(self, *args: Any, hours: Mapping[str, working_hours.Spans], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for day in range(1, 8):
            self.fields[f"day_{day}"] = forms.CharField(
                label=str(WEEKDAYS[day - 1]).capitalize(),
                required=False,
                max_length=100,
                initial=working_hours.written(hours.get(str(day), [])),
                validators=[working_hours.read],
                widget=forms.TextInput(attrs={"placeholder": gettext("off"), "autocomplete": "off"}),
            )

    @property
    def hours(self) -> dict[str, working_hours.Spans]:
        """{ISO weekday: spans}; a day off is left out."""
        read = {str(day): working_hours.read(self.cleaned_data[f"day_{day}"]) for day in range(1, 8)}
        return {day: spans for day, spans in read.items() if spans}


class KeysForm(forms.Form):
    """One key an action and outcome. `labels` gives every name its words, `standard` the outcomes' usual keys."""

    def __init__(
        self,
        *args: Any,
        standard: Mapping[str, str],
        own: Mapping[str, str],
        labels: Mapping[str, str],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.standard = standard
        for name, key in keys.keys_of(standard, own).items():
            self.fields[name] = forms.CharField(
                label=labels[name],
                initial=key.upper(),
                max_length=1,
                widget=forms.TextInput(
                    attrs={"class": "key-field", "autocomplete": "off", "data-one-key": ""}
                ),
                error_messages={"required": _("Every action needs a key.")},
            )

    def clean(self) -> dict[str, Any]:
        wanted = {name: str(key).lower() for name, key in self.cleaned_data.items()}
        for name, key in wanted.items():
            if key not in keys.KEYS:
                self.add_error(name, gettext("Only the letters A–Z and the digits can be used."))
        for clash in keys.clashes(wanted):
            first = self.fields[clash.first].label
            self.add_error(
                clash.second,
                gettext("%(key)s is “%(other)s” already.") % {"key": clash.key.upper(), "other": first},
            )
        return wanted

    @property
    def moved(self) -> dict[str, str]:
        return keys.moved(self.standard, self.cleaned_data)


class MemberForm(forms.ModelForm):  # type: ignore[type-arg]
    """What a manager sets for a member of the team."""

    class Meta:
        model = User
        fields = ("dials_a_day",)
        help_texts = {"dials_a_day": _("New pursuits start only as far as due dials fit into this.")}


class AbsenceForm(forms.ModelForm):  # type: ignore[type-arg]
    """Days without calls. Managers enter them for their people, everybody else for themselves."""

    class Meta:
        model = Absence
        fields = ("user", "starts_on", "ends_on", "cover", "reason")
        labels = {"user": _("who"), "cover": _("covered by")}
        help_texts = {"cover": _("Due callbacks and hand-raises go to them meanwhile, and come back after.")}
        widgets = {
            "starts_on": forms.DateInput(attrs={"type": "date"}),
            "ends_on": forms.DateInput(attrs={"type": "date"}),
        }

    def __init__(self, *args: Any, by: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        people = people_of(by)
        colleagues = User.objects.visible_to(by).filter(is_active=True).order_by("first_name", "username")
        self.fields["user"].queryset = people  # type: ignore[attr-defined]
        self.fields["user"].initial = by
        self.fields["cover"].queryset = colleagues  # type: ignore[attr-defined]
        if not by.is_manager:
            self.fields["user"].widget = forms.HiddenInput()

    def clean(self) -> dict[str, Any] | None:
        found = super().clean() or {}
        user, starts, ends = found.get("user"), found.get("starts_on"), found.get("ends_on")
        if starts and ends and ends < starts:
            self.add_error("ends_on", gettext("Ends before it begins; the last day counts."))
        elif user and starts and ends:
            over = Absence.objects.filter(user=user, starts_on__lte=ends, ends_on__gte=starts)
            if (other := over.exclude(pk=self.instance.pk).first()) is not None:
                self.add_error(
                    "starts_on",
                    gettext("Overlaps the absence from %(from)s to %(to)s; take that one away first.")
                    % {"from": other.starts_on, "to": other.ends_on},
                )
        if user and found.get("cover") == user:
            self.add_error("cover", gettext("Nobody covers for themselves."))
        return found


def people_of(user: User) -> Any:
    """Whose hours and absences `user` may set: a manager's team, else one's own."""
    if not user.is_manager:
        return User.objects.filter(pk=user.pk)
    return User.objects.visible_to(user).filter(is_active=True).order_by("first_name", "username")


def audit(user: User, action: str, before: Any, after: Any, *, by: User, now: datetime) -> None:
    """Note a change of somebody's settings that decides whom they call and when."""
    AuditEvent.objects.create(
        at=now,
        actor=by,
        action=action,
        subject_type="user",
        subject_id=str(user.pk),
        before=before,
        after=after,
    )
