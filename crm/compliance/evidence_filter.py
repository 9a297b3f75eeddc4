"""Which calls' evidence is asked for? The same words in the page's form and in the address of the export."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django import forms
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from crm.pipeline.filters import A_DAY
from leads import numbers
from leads.models import Workspace
from touchpoints import evidence_export
from touchpoints.models import CallAttempt

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import QueryDict

DAYS = 30
DECISIONS = [("", _("any")), ("allow", _("allowed")), ("warn", _("allowed with a reason"))]
KINDS = [("", _("any")), ("breach", _("breaches only")), ("complaint", _("complained of"))]


class EvidenceFilter(forms.Form):
    """Calls by period, number, call and user. Without any of them: those of the last 30 days."""

    first = forms.DateField(
        label=_("From"), required=False, widget=forms.DateInput({"type": "date"}), validators=A_DAY
    )
    last = forms.DateField(
        label=_("To and including"),
        required=False,
        widget=forms.DateInput({"type": "date"}),
        validators=A_DAY,
    )
    number = forms.CharField(
        label=_("Number"),
        required=False,
        max_length=120,
        help_text=_("Those of erased persons are found too."),
    )
    call = forms.IntegerField(label=_("Call"), required=False, min_value=1, max_value=2**62)
    user = forms.CharField(label=_("User"), required=False, max_length=150)
    decision = forms.ChoiceField(label=_("Verdict"), required=False, choices=DECISIONS)
    only = forms.ChoiceField(label=_("Only"), required=False, choices=KINDS)

    def __init__(self, params: QueryDict, *, viewer: Any, now: datetime) -> None:
        given = params.dict()
        self.viewer, self.zone = viewer, ZoneInfo(viewer.time_zone)
        if not any(given.get(name) for name in ("first", "last", "number", "call")):
            today = now.astimezone(self.zone).date()
            given |= {"first": str(today - timedelta(days=DAYS)), "last": str(today)}
        super().__init__(given, label_suffix="")

    def clean_number(self) -> str:
        text = self.cleaned_data["number"].strip()
        if not text:
            return ""
        try:
            return numbers.parse(text, Workspace.current().region).e164
        except numbers.NumberRefused as refused:
            raise ValidationError(refused.reason[:1].upper() + refused.reason[1:] + ".") from None

    def clean_user(self) -> str:
        name = self.cleaned_data["user"].strip()
        seen = get_user_model().objects.visible_to(self.viewer)
        if name and not seen.filter(username=name).exists():
            raise ValidationError(gettext("Nobody you see signs in by this name."))
        return str(name)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("first") and data.get("last") and data["first"] > data["last"]:
            self.add_error("last", gettext("Before the first day; expected a later one."))
        return data

    def calls(self) -> QuerySet[CallAttempt]:
        """The calls asked for, of those the viewer may see; none while something asked for cannot be read."""
        calls = evidence_export.calls_of(self.viewer)
        if not self.is_valid():
            return calls.none()
        data = self.cleaned_data
        if data["first"]:
            calls = calls.filter(started_at__gte=self._midnight(data["first"]))
        if data["last"]:
            calls = calls.filter(started_at__lt=self._midnight(data["last"] + timedelta(days=1)))
        if data["number"]:
            calls = evidence_export.to_number(calls, data["number"])
        if data["call"]:
            calls = calls.filter(pk=data["call"])
        if data["user"]:
            calls = calls.filter(user__username=data["user"])
        if data["decision"]:
            calls = calls.filter(guard__decision=data["decision"])
        if data["only"] == "breach":
            calls = calls.filter(breach=True)
        if data["only"] == "complaint":
            calls = calls.filter(complaints__isnull=False).distinct()
        return calls

    def told(self) -> dict[str, str]:
        """What was asked for, as the export's head and the audit trail keep it."""
        return {name: str(value) for name, value in self.cleaned_data.items() if value}

    def _midnight(self, day: date) -> datetime:
        return datetime.combine(day, time(), tzinfo=self.zone).astimezone(UTC)
