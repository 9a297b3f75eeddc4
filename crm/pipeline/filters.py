"""Which period, team and list does the address ask for? One reading for page, CSV, drill-down and API."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from crm.accounts.models import Team, User
from crm.pipeline.reports.scope import Scope
from leads.models import LeadList, Workspace

PERIODS: dict[str, timedelta] = {
    "today": timedelta(0),
    "7d": timedelta(days=6),
    "4w": timedelta(days=27),
    "12w": timedelta(days=83),
    "1y": timedelta(days=364),
}
DEFAULT_PERIOD = "12w"
_OUTSIDE = _("Expected a day between 1970 and 2199.")
# What else is typed as a day is a slip, and beyond the year 9999 there is no next one.
A_DAY = (MinValueValidator(date(1970, 1, 1), _OUTSIDE), MaxValueValidator(date(2199, 12, 31), _OUTSIDE))

NO_DAY = _("Expected a day, as in 2026-03-31.")


def _day_input() -> forms.DateInput:
    return forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")


class ReportFilter(forms.Form):
    """A named period, or `since` and `until` (both days included); a team and a list by name."""

    period = forms.ChoiceField(
        label=_("Period"),
        required=False,
        error_messages={"invalid_choice": _("Expected one of: today, 7d, 4w, 12w, 1y.")},
        choices=[
            ("today", _("Today")),
            ("7d", _("Last 7 days")),
            ("4w", _("Last 4 weeks")),
            ("12w", _("Last 12 weeks")),
            ("1y", _("Last year")),
        ],
    )
    since = forms.DateField(
        label=_("From"),
        required=False,
        widget=_day_input(),
        error_messages={"invalid": NO_DAY},
        validators=A_DAY,
    )
    until = forms.DateField(
        label=_("Until"),
        required=False,
        widget=_day_input(),
        error_messages={"invalid": NO_DAY},
        validators=A_DAY,
    )
    team = forms.ModelChoiceField(
        Team.objects.none(),
        label=_("Team"),
        required=False,
        to_field_name="name",
        empty_label=_("All teams"),
        error_messages={"invalid_choice": _("Expected the name of a team whose figures you may see.")},
    )
    list = forms.ModelChoiceField(
        LeadList.objects.all(),
        label=_("List"),
        required=False,
        to_field_name="name",
        empty_label=_("All lists"),
        error_messages={"invalid_choice": _("Expected the name of a list.")},
    )

    def __init__(self, data: Mapping[str, Any], *, viewer: User, now: datetime) -> None:
        known = {name: data[name] for name in self.base_fields if data.get(name)}
        if not known.keys() & {"since", "until"}:
            known.setdefault("period", DEFAULT_PERIOD)
        elif known.get("period", "") in PERIODS:
            # Days that are named say more than a period.
            known["period"] = ""
        super().__init__(known, auto_id="filter-%s")
        self.viewer, self.now = viewer, now
        self.workspace = Workspace.current()
        self.zone = ZoneInfo(self.workspace.time_zone)
        teams = Team.objects.all() if viewer.is_admin else Team.objects.filter(pk=viewer.team_id)
        self.fields["team"].queryset = teams  # type: ignore[attr-defined]
        if known.get("period", "") == "":
            period: Any = self.fields["period"]
            period.choices = [("", _("Own period")), *period.choices]
        self.today = now.astimezone(self.zone).date()

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        since, until = cleaned.get("since"), cleaned.get("until")
        if since and until and since > until:
            self.add_error("until", gettext("Expected a day on or after %(since)s.") % {"since": since})
        return cleaned

    def scope(self) -> Scope:
        """What the address asks for. The form must be valid; a named period gives way to days that are named."""
        chosen = self.cleaned_data
        since, until = chosen["since"], chosen["until"]
        if since is None:
            since = (until or self.today) - PERIODS[chosen["period"] or DEFAULT_PERIOD]
        return Scope(
            viewer=self.viewer,
            workspace=self.workspace,
            now=self.now,
            since=self._starts(since),
            until=self._starts((until or self.today) + timedelta(days=1)),
            team=chosen["team"],
            lead_list=chosen["list"],
        )

    def query(self) -> dict[str, str]:
        """The parameters of a valid form as an address writes them, the default left out."""
        chosen = self.cleaned_data
        said = {name: chosen[name].isoformat() for name in ("since", "until") if chosen[name]}
        if not said and chosen["period"] != DEFAULT_PERIOD:
            said["period"] = chosen["period"]
        said |= {name: chosen[name].name for name in ("team", "list") if chosen[name]}
        return said

    def _starts(self, day: date) -> datetime:
        return datetime(day.year, day.month, day.day, tzinfo=self.zone)
