"""Which rules of the guard are there to read? Each place and audience once, with the version that stands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from leads import law_rows, law_words
from leads.law import ANYWHERE
from leads.models import GuardRule
from leads.places import country_name, region_name

OLD_AFTER = timedelta(days=365)


def place_name(jurisdiction: str) -> str:
    """ "United States: Florida" for "US-FL"."""
    if jurisdiction == ANYWHERE:
        return gettext("Anywhere else")
    country, _dash, part = jurisdiction.partition("-")
    return f"{country_name(country)}: {region_name(part, country)}" if part else country_name(country)


@dataclass(frozen=True)
class Entry:
    """One place and audience: the version to show (in effect, else to come, else the last), and how it stands."""

    rule: GuardRule
    standing: law_rows.Standing
    coming: GuardRule | None  # a later version that is not in effect yet
    versions: int
    is_old: bool  # verified never, or more than a year ago

    @property
    def name(self) -> str:
        return place_name(self.rule.jurisdiction)

    @property
    def said(self) -> dict[str, law_words.Said]:
        return {one.field: one for one in law_words.in_words(law_rows.said(self.rule))}

    @property
    def searched(self) -> str:
        rule = self.rule
        lists = " ".join(use["registry"] for use in rule.registries)
        return f"{rule.jurisdiction} {self.name} {rule.citation} {rule.note} {lists}".casefold()


class RuleFilter(forms.Form):
    """What the address asks for: a word, a country, an audience, how a rule stands, and whether it is verified."""

    search = forms.CharField(
        label=_("Search"),
        required=False,
        widget=forms.TextInput(attrs={"type": "search", "placeholder": _("Place, source, registry")}),
    )
    country = forms.ChoiceField(label=_("Country"), required=False)
    audience = forms.ChoiceField(
        label=_("For"),
        required=False,
        choices=[("", _("all rules")), *law_words.AUDIENCE_NAMES.items()],
    )
    standing = forms.ChoiceField(
        label=_("Standing"),
        required=False,
        choices=[
            ("", _("in effect or to come")),
            ("in_effect", _("in effect")),
            ("scheduled", _("to come")),
            ("over", _("retired or ended")),
            ("all", _("all")),
        ],
    )
    verified = forms.ChoiceField(
        label=_("Verified"),
        required=False,
        choices=[("", _("whenever")), ("no", _("not, or over a year ago"))],
    )

    def __init__(self, data: Mapping[str, Any], countries: Iterable[str]) -> None:
        super().__init__(data, auto_id="filter-%s")
        choices: Any = self.fields["country"]
        named = sorted((place_name(code), code) for code in countries)
        choices.choices = [("", _("all countries")), *((code, name) for name, code in named)]

    def chosen(self, entries: Iterable[Entry]) -> list[Entry]:
        """The entries asked for; a parameter that means nothing here narrows nothing."""
        self.is_valid()
        return [entry for entry in entries if self._wanted(entry)]

    @property
    def is_used(self) -> bool:
        return any(self.cleaned_data.values())

    def _wanted(self, entry: Entry) -> bool:
        asked = self.cleaned_data
        rule = entry.rule
        standing = asked.get("standing") or ""
        alive = entry.standing in ("in_effect", "scheduled")
        by_standing = {
            "": alive,
            "in_effect": entry.standing == "in_effect",
            "scheduled": entry.standing == "scheduled" or entry.coming is not None,
            "over": not alive,
            "all": True,
        }[standing]
        country = asked.get("country")
        words = (asked.get("search") or "").casefold().split()
        return (
            by_standing
            and (not country or rule.jurisdiction.partition("-")[0] == country)
            and (not asked.get("audience") or rule.audience == asked["audience"])
            and (not asked.get("verified") or entry.is_old)
            and all(word in entry.searched for word in words)
        )


def entries(*, today: date) -> list[Entry]:
    """Every place and audience, countries before their parts; one query."""
    grouped: dict[tuple[str, str], list[GuardRule]] = {}
    for rule in GuardRule.objects.order_by("jurisdiction", "audience", "version"):
        grouped.setdefault((rule.jurisdiction, rule.audience), []).append(rule)
    return [_entry(versions, today) for versions in grouped.values()]


def _entry(versions: list[GuardRule], today: date) -> Entry:
    ahead = [rule for rule in versions if rule.active and rule.effective_from > today]
    binding = law_rows.in_force(versions, today)
    shown = binding or next(iter(ahead), None) or versions[-1]
    return Entry(
        rule=shown,
        standing=law_rows.standing(shown, versions, today),
        coming=next(iter(ahead), None) if binding else None,
        versions=len(versions),
        is_old=shown.verified_on is None or today - shown.verified_on > OLD_AFTER,
    )
