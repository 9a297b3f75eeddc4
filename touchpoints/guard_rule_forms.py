"""How does an admin write a rule of the guard without writing JSON? A week of windows, rows of registries and
exemptions, and everything wrong said beside its field.

What the fields may hold is decided by `leads.law_rows`; here text becomes values and back.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from leads.facts import FieldError
from leads.hours import WEEKDAYS
from leads.law_words import AUDIENCE_NAMES, DAY_NAMES, FIRM_NAMES, KIND_NAMES, LIFT_NAMES, REGIME_NAMES

FEWEST_WINDOWS, MOST_WINDOWS = 2, 6
MOST_ROWS = 40
_CLOCK = re.compile(r"(\d{1,2})(?:[:.](\d{2}))?")
_EDGES = {"from": _("from"), "until": _("until")}


def clock(text: str) -> str:
    """ "8", "8.30" and "08:30" as HH:MM; what is no time stays as it was typed, for the door to refuse."""
    found = _CLOCK.fullmatch(text.strip())
    return f"{int(found[1]):02}:{found[2] or '00'}" if found else text.strip()


class DayInput(forms.DateInput):
    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


class RegistryRow(forms.Form):
    registry = forms.CharField(
        label=_("Registry"),
        max_length=32,
        required=False,
        widget=forms.TextInput(attrs={"list": "registry-names"}),
    )
    max_age_days = forms.IntegerField(
        label=_("Oldest list, days"), required=False, min_value=1, help_text=_("Empty: whatever its age.")
    )
    hit = forms.ChoiceField(
        label=_("A hit"),
        choices=[("block", _("blocks")), ("unless_fixed", _("warns; nothing on a landline"))],
    )
    only_trade = forms.BooleanField(label=_("only for an exempt trade"), required=False)

    def is_said(self) -> bool:
        return any(self.cleaned_data.get(name) for name in ("registry", "max_age_days", "only_trade"))

    def value(self) -> dict[str, Any]:
        said = self.cleaned_data
        use = {
            "registry": said["registry"].strip().lower(),
            "max_age_days": said["max_age_days"],
            "hit": said["hit"],
        }
        return {**use, "when": "trade"} if said["only_trade"] else use

    @staticmethod
    def initial_of(use: Mapping[str, Any]) -> dict[str, Any]:
        return {"hit": "block", **use, "only_trade": use.get("when") == "trade"}


class ExemptionRow(forms.Form):
    kind = forms.ChoiceField(label=_("What lifts"), choices=[("", "–"), *KIND_NAMES.items()], required=False)
    months = forms.IntegerField(
        label=_("Within months"), required=False, min_value=1, help_text=_("Empty: without limit.")
    )
    lifts = forms.MultipleChoiceField(
        label=_("Which check"),
        choices=list(LIFT_NAMES.items()),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    firms = forms.ChoiceField(label=_("For"), choices=list(FIRM_NAMES.items()), initial="all")
    names_number = forms.BooleanField(label=_("only where it names the number"), required=False)
    trades = forms.CharField(
        label=_("Trades"), required=False, help_text=_("With an exempt trade: insurance, rescue")
    )

    def is_said(self) -> bool:
        names = ("kind", "months", "lifts", "names_number", "trades")
        return any(self.cleaned_data.get(name) for name in names)

    def value(self) -> dict[str, Any]:
        said = self.cleaned_data
        one: dict[str, Any] = {"kind": said["kind"], "lifts": said["lifts"], "firms": said["firms"]}
        if said["months"] is not None:
            one["months"] = said["months"]
        if said["names_number"]:
            one["names_number"] = True
        trades = [trade.strip().lower().replace(" ", "_") for trade in said["trades"].split(",")]
        if any(trades):
            one["trades"] = [trade for trade in trades if trade]
        return one

    @staticmethod
    def initial_of(one: Mapping[str, Any]) -> dict[str, Any]:
        return {**one, "trades": ", ".join(one.get("trades", ()))}


class Rows(forms.BaseFormSet):
    """Rows of a rule; one that says nothing or is ticked for removal is left out."""

    def kept(self) -> list[Any]:
        return [form for form in self.forms if form.is_said() and not form.cleaned_data.get("DELETE")]


def _rows_of(form: type[forms.Form]) -> Any:
    return forms.formset_factory(
        form, formset=Rows, extra=1, can_delete=True, max_num=MOST_ROWS, absolute_max=MOST_ROWS
    )


RegistryRows, ExemptionRows = _rows_of(RegistryRow), _rows_of(ExemptionRow)


class GuardRuleForm(forms.Form):
    """One version of a rule: its plain fields, its week, and the two sets of rows.

    `is_valid()` reads; `values()` is what `law_rows.add` and `law_rows.revise` take; `refuse(errors)` puts what
    they refused beside its field.
    """

    jurisdiction = forms.CharField(
        label=_("Place"),
        max_length=40,
        help_text=_("A country (US), a country and its part (US-FL), or * for anywhere without a rule."),
    )
    audience = forms.ChoiceField(label=_("For"), choices=list(AUDIENCE_NAMES.items()))
    has_hours = forms.ChoiceField(
        label=_("Calling hours"),
        choices=[
            ("no", _("This rule says nothing about hours: the wider rule holds")),
            ("yes", _("Only within these windows; a day without one is closed")),
        ],
        widget=forms.RadioSelect,
    )
    closed_on_holidays = forms.BooleanField(label=_("no calls on public holidays"), required=False)
    hours_bind_business = forms.BooleanField(
        label=_("hours and closed days bind businesses too"),
        required=False,
        help_text=_("Untick to relax them for businesses here. Other rules of the same call still bind."),
    )
    dials_cap = forms.IntegerField(
        label=_("Most dials to one number"),
        required=False,
        min_value=1,
        help_text=_("Empty: no cap by this rule."),
    )
    dials_cap_hours = forms.IntegerField(label=_("in any rolling hours"), min_value=1, initial=24)
    refusal_bars_days = forms.IntegerField(
        label=_("A refusal bars calls for days"),
        min_value=0,
        initial=0,
        help_text=_("0: no bar by this rule."),
    )
    consent_regime = forms.ChoiceField(label=_("Consent"), choices=list(REGIME_NAMES.items()), required=False)
    machine_needs_written_consent = forms.BooleanField(
        label=_("calls by machine to mobiles need written consent"), required=False
    )
    consent_kept_years = forms.IntegerField(
        label=_("Records of consent are kept for years"),
        required=False,
        min_value=1,
        help_text=_("Empty: no rule."),
    )
    citation = forms.CharField(
        label=_("Source"),
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("The paragraph that says so, so that the next reader can check."),
    )
    note = forms.CharField(label=_("Note"), required=False, widget=forms.Textarea(attrs={"rows": 2}))
    verified_on = forms.DateField(
        label=_("Verified on"),
        required=False,
        widget=DayInput,
        help_text=_("The day somebody compared what stands here with its source. Empty: not verified yet."),
    )
    effective_from = forms.DateField(label=_("In effect from"), widget=DayInput)
    effective_until = forms.DateField(
        label=_("In effect until"),
        required=False,
        widget=DayInput,
        help_text=_("From that day the version before it holds again. Empty: until it is changed."),
    )
    reason = forms.CharField(
        label=_("Why the change"), max_length=300, help_text=_("Kept in the audit trail beside your name.")
    )

    PLACE = ("jurisdiction", "audience")
    DAYS = ("closed_on_holidays", "hours_bind_business")
    CAPS = ("dials_cap", "dials_cap_hours", "refusal_bars_days")
    CONSENT = ("consent_regime", "machine_needs_written_consent", "consent_kept_years")
    SOURCE = ("citation", "note", "verified_on", "effective_from", "effective_until", "reason")
    _OWN = ("has_hours", "reason")

    def __init__(
        self,
        data: QueryDict | None = None,
        *,
        said: Mapping[str, Any] | None = None,
        today: date,
        is_new: bool = False,
    ) -> None:
        said = said or {}
        initial = {name: said[name] for name in said if name in self.base_fields}
        initial["has_hours"] = "yes" if said.get("windows") else "no"
        initial["effective_from"] = today
        super().__init__(data, initial=initial)
        if not is_new:
            for name in self.PLACE:
                self.fields[name].disabled = True
        self.today, self.is_new = today, is_new
        self.windows = _windows_typed(data) if data is not None else dict(said.get("windows") or {})
        self.windows_a_day = max(
            FEWEST_WINDOWS, min(MOST_WINDOWS, max((len(pairs) for pairs in self.windows.values()), default=0))
        )
        self.registries = self._rows(RegistryRows, "registries", data, said)
        self.exemptions = self._rows(ExemptionRows, "exemptions", data, said)
        self.day_errors: dict[str, list[str]] = {}

    @staticmethod
    def _rows(rows: Any, prefix: str, data: QueryDict | None, said: Mapping[str, Any]) -> Any:
        if data is not None:
            return rows(data, prefix=prefix)
        row = rows.form
        return rows(initial=[row.initial_of(one) for one in said.get(prefix, ())], prefix=prefix)

    def is_valid(self) -> bool:
        found = [super().is_valid(), self.registries.is_valid(), self.exemptions.is_valid()]
        return all(found)

    def values(self) -> dict[str, Any]:
        """What a version with this form's content says. The form must be valid."""
        said = {name: value for name, value in self.cleaned_data.items() if name not in self._OWN}
        has_hours = self.cleaned_data["has_hours"] == "yes"
        return {
            **said,
            "windows": {day: self.windows.get(day, []) for day in WEEKDAYS} if has_hours else {},
            "registries": [row.value() for row in self.registries.kept()],
            "exemptions": [row.value() for row in self.exemptions.kept()],
        }

    def refuse(self, errors: Iterable[FieldError]) -> None:
        """Put each error at the field, the day or the row it names."""
        rows = {"registries": self.registries, "exemptions": self.exemptions}
        for error in errors:
            name, *rest = error.field.split(".")
            if name == "windows" and rest:
                self.day_errors.setdefault(rest[0], []).append(error.detail)
                self.add_error(None, f"{DAY_NAMES[rest[0]]}: {error.detail}")
            elif name in rows and rest:
                row = rows[name].kept()[int(rest[0])]
                row.add_error({"when": "only_trade"}.get(rest[1], rest[1]), error.detail)
                self.add_error(None, error.detail)
            elif name == "windows":
                self.add_error("has_hours", error.detail)
            else:
                self.add_error(name if name in self.fields else None, error.detail)

    # --- what the page draws ----------------------------------------------------------------------------------

    def fields_of(self, names: Iterable[str]) -> list[forms.BoundField]:
        return [self[name] for name in names]

    @property
    def place_fields(self) -> list[forms.BoundField]:
        return self.fields_of(self.PLACE)

    @property
    def day_fields(self) -> list[forms.BoundField]:
        return self.fields_of(self.DAYS)

    @property
    def cap_fields(self) -> list[forms.BoundField]:
        return self.fields_of(self.CAPS)

    @property
    def consent_fields(self) -> list[forms.BoundField]:
        return self.fields_of(self.CONSENT)

    @property
    def source_fields(self) -> list[forms.BoundField]:
        return self.fields_of(self.SOURCE)

    @property
    def week(self) -> list[dict[str, Any]]:
        """[{day, label, windows: [[{name, label, value}, …]], errors}] for the table of hours."""
        return [
            {
                "day": day,
                "label": DAY_NAMES[day],
                "errors": self.day_errors.get(day, []),
                "windows": [self._window(day, place) for place in range(self.windows_a_day)],
            }
            for day in WEEKDAYS
        ]

    def _window(self, day: str, place: int) -> list[dict[str, Any]]:
        pairs = self.windows.get(day, [])
        pair = pairs[place] if place < len(pairs) else ["", ""]
        return [
            {
                "name": _window_name(day, place, edge),
                "label": f"{DAY_NAMES[day]} {place + 1}, {word}",
                "value": text,
            }
            for (edge, word), text in zip(_EDGES.items(), pair, strict=True)
        ]


def _window_name(day: str, place: int, edge: str) -> str:
    return f"{day}-{place}-{edge}"


def _windows_typed(data: QueryDict) -> dict[str, list[list[str]]]:
    """The windows as typed; a pair of which both ends are empty says nothing."""
    typed = {}
    for day in WEEKDAYS:
        pairs = [
            [clock(data.get(_window_name(day, place, edge), "")) for edge in _EDGES]
            for place in range(MOST_WINDOWS)
        ]
        typed[day] = [pair for pair in pairs if any(pair)]
    return typed


def with_more(data: QueryDict, wanted: str) -> QueryDict:
    """The form's data with one more empty row, or with Monday's windows on other days.

    `wanted`: "registries" or "exemptions" for a row; "weekdays" or "week" for Monday's hours.
    """
    grown = data.copy()
    if wanted in ("registries", "exemptions"):
        total = f"{wanted}-TOTAL_FORMS"
        count = int(grown[total]) if grown.get(total, "").isdigit() else 0
        grown[total] = str(min(count + 1, MOST_ROWS))
    elif wanted in ("weekdays", "week"):
        for day in WEEKDAYS[1 : 5 if wanted == "weekdays" else 7]:
            for place in range(MOST_WINDOWS):
                for edge in _EDGES:
                    grown[_window_name(day, place, edge)] = grown.get(_window_name("mon", place, edge), "")
        grown["has_hours"] = "yes"
    return grown
