"""Which leads? One FilterSet for the leads page, the API, segments and rules.

`LeadFilter(request.GET, queryset=Lead.objects.visible_to(user), request=request, now=now).qs`; a queryset that is not
cut down to what the user may see is the caller's mistake: a filter never widens it. The API refuses unknown
parameters itself (`leads.api.strict.StrictView`); a page ignores them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import django_filters as filters
from django import forms
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.expressions import OrderBy
from django.db.models.functions import Upper
from django.forms.utils import from_current_timezone
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext_lazy as _

from leads import numbers
from leads.models import Lead, LeadNumber, Workspace

# What a number typed in part must have before it is worth looking for.
FEWEST_DIGITS = 4
MOST_WORDS = 6
NOBODY = "none"
ME = "me"


class MomentField(forms.Field):
    """An instant in ISO 8601; without an offset, or a bare date, it is read in the user's time zone."""

    default_error_messages = {
        "invalid": _("Expected a date or a time in ISO 8601, as in 2026-03-01T09:30:00+01:00.")
    }

    def to_python(self, value: Any) -> datetime | None:
        if value in self.empty_values:
            return None
        text = str(value).strip()
        try:
            instant = parse_datetime(text)
            if instant is None and (day := parse_date(text)):
                instant = datetime.combine(day, datetime.min.time())
        except (ValueError, OverflowError):
            instant = None
        if instant is None or not 1900 <= instant.year < 2200:
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid")
        return instant if instant.tzinfo else from_current_timezone(instant)


class MomentFilter(filters.Filter):
    field_class = MomentField


class KeptText(forms.CharField):
    """Text a database can look for: lone surrogates are refused as NUL is."""

    def clean(self, value: Any) -> str:
        text: str = super().clean(value)
        if any("\ud800" <= letter <= "\udfff" for letter in text):
            raise forms.ValidationError(_("Holds a character that cannot be stored."), code="invalid")
        return text


class TextFilter(filters.CharFilter):
    field_class = KeptText

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, max_length=kwargs.pop("max_length", 254), **kwargs)


class WordFilter(filters.MultipleChoiceFilter):
    """One or more of some words: `?stage=new&stage=reached`, or `?stage=new,reached`."""

    class field_class(filters.MultipleChoiceFilter.field_class):  # type: ignore[misc,name-defined]
        def to_python(self, value: Any) -> Any:
            values = [part for one in value or () for part in str(one).split(",") if part]
            return super().to_python(values)


class YesNoFilter(filters.TypedChoiceFilter):
    """`true` or `false`; anything else is refused, not taken for "either"."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        choices = [("true", _("yes")), ("false", _("no"))]
        super().__init__(
            *args, choices=choices, coerce=lambda text: text == "true", empty_value=None, **kwargs
        )


class NamedOrderingFilter(filters.ChoiceFilter):
    """`?ordering=name` or `-name`: named orders only, never a column of the caller's choice."""

    def __init__(
        self, orders: Mapping[str, Callable[[QuerySet[Any], bool], QuerySet[Any]]], **kwargs: Any
    ) -> None:
        self.orders = orders
        choices = [(sign + name, sign + name) for name in orders for sign in ("", "-")]
        super().__init__(choices=choices, empty_label=None, **kwargs)

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        if not value:
            return qs
        return self.orders[value.removeprefix("-")](qs, value.startswith("-"))


def by_columns(*names: str) -> Callable[[QuerySet[Any], bool], QuerySet[Any]]:
    """An order by columns and then the id; rows without a value come last either way."""

    def order(queryset: QuerySet[Any], descending: bool) -> QuerySet[Any]:
        sign = "-" if descending else ""
        nullable = {field.name for field in queryset.model._meta.fields if field.null}
        parts = [
            OrderBy(F(name), descending=descending, nulls_last=True) if name in nullable else sign + name
            for name in names
        ]
        return queryset.order_by(*parts, f"{sign}pk")

    return order


def _by_name(queryset: QuerySet[Any], descending: bool) -> QuerySet[Any]:
    sign = "-" if descending else ""
    named = queryset.annotate(last_name_key=Upper("last_name"), first_name_key=Upper("first_name"))
    return named.order_by(f"{sign}last_name_key", f"{sign}first_name_key", f"{sign}pk")


LEAD_ORDERS = {
    "id": by_columns(),
    "name": _by_name,
    "warm_until": by_columns("warm_until"),
    "value": by_columns("value"),
    "created_at": by_columns("created_at"),
    "updated_at": by_columns("updated_at"),
}


class LeadFilter(filters.FilterSet):
    """`now` decides what is warm. `owner`: a user name, me or none; `team` and `list`: a name, or none."""

    temperature = filters.ChoiceFilter(
        choices=Lead.Temperature.choices, method="by_temperature", empty_label=None, label=_("Temperature")
    )
    stage = WordFilter(choices=Lead.Stage.choices, label=_("Stage"))
    owner = TextFilter(method="by_owner", label=_("Owner"))
    team = TextFilter(method="by_team", label=_("Team"))
    list = TextFilter(method="by_list", label=_("List"))
    audience = filters.ChoiceFilter(choices=Lead.Audience.choices, empty_label=None, label=_("Audience"))
    country = TextFilter(lookup_expr="iexact", max_length=2, label=_("Country"))
    region = TextFilter(lookup_expr="iexact", max_length=10, label=_("Region"))
    language = TextFilter(lookup_expr="iexact", max_length=8, label=_("Language"))
    industry = TextFilter(lookup_expr="iexact", label=_("Industry"))
    company_size = TextFilter(lookup_expr="iexact", max_length=40, label=_("Company size"))
    occupation = TextFilter(lookup_expr="iexact", max_length=100, label=_("Occupation"))
    decision_role = TextFilter(method="by_words", label=_("Part in the decision"))
    needs = TextFilter(method="by_words", label=_("Needs"))
    cares_about = TextFilter(method="by_words", label=_("What they value"))
    buying_power = TextFilter(method="by_words", label=_("Ability to buy"))
    company = TextFilter(field_name="company__name", lookup_expr="iexact", label=_("Company"))
    email = TextFilter(method="by_email", label=_("E-mail"))
    phone = TextFilter(method="by_phone", label=_("Phone"))
    source = TextFilter(method="by_source", max_length=80, label=_("Source of the external id"))
    external_id = TextFilter(method="by_external_id", max_length=200, label=_("External id"))
    pursuit = filters.ChoiceFilter(
        choices=[("open", _("open")), ("none", _("none open"))],
        method="by_pursuit",
        empty_label=None,
        label=_("Pursuit"),
    )
    created_from = MomentFilter(field_name="created_at", lookup_expr="gte", label=_("Created from"))
    created_until = MomentFilter(field_name="created_at", lookup_expr="lt", label=_("Created before"))
    updated_from = MomentFilter(field_name="updated_at", lookup_expr="gte", label=_("Changed from"))
    warm_from = MomentFilter(field_name="warm_until", lookup_expr="gte", label=_("Warm until from"))
    warm_before = MomentFilter(field_name="warm_until", lookup_expr="lt", label=_("Warm until before"))
    value_min = filters.NumberFilter(field_name="value", lookup_expr="gte", label=_("Value from"))
    value_max = filters.NumberFilter(field_name="value", lookup_expr="lte", label=_("Value up to"))
    search = TextFilter(method="by_search", label=_("Search"))
    ordering = NamedOrderingFilter(LEAD_ORDERS, label=_("Order"))

    class Meta:
        model = Lead
        fields: list[str] = []

    def __init__(
        self,
        data: Any = None,
        queryset: QuerySet[Lead] | None = None,
        *,
        request: Any = None,
        prefix: str | None = None,
        now: datetime,
    ) -> None:
        super().__init__(data, queryset, request=request, prefix=prefix)
        self.now = now

    def by_temperature(self, queryset: QuerySet[Lead], name: str, value: str) -> QuerySet[Lead]:
        warm = Q(temperature=Lead.Temperature.WARM, warm_until__gt=self.now)
        return queryset.filter(warm) if value == Lead.Temperature.WARM else queryset.exclude(warm)

    def by_owner(self, queryset: QuerySet[Lead], name: str, value: str) -> QuerySet[Lead]:
        if value == ME:
            return queryset.filter(owner=self.request.user)
        return queryset.filter(owner=None) if value == NOBODY else queryset.filter(owner__username=value)

    def by_team(self, queryset: QuerySet[Lead], name: str, value: str) -> QuerySet[Lead]:
        return queryset.filter(team=None) if value == NOBODY else queryset.filter(team__name=value)

    def by_list(self, queryset: QuerySet[Lead], name: str, value: str) -> QuerySet[Lead]:
        on_lists = Lead.lists.through.objects.filter(lead=OuterRef("pk"))
        if value == NOBODY:
            return queryset.exclude(Exists(on_lists))
        return queryset.filter(Exists(on_lists.filter(list__name=value)))

    def by_email(self, queryset: QuerySet[Lead], name: str, value: str) -> QuerySet[Lead]:
        return queryset.filter(email=value.lower())

    def by_words(self, queryset: QuerySet[Lead], name: str, value: str) -> QuerySet[Lead]:
        """Every word occurs in the field."""
        for word in value.split()[:MOST_WORDS]:
            queryset = queryset.filter(_holds(name, word))
        return queryset

    def by_phone(self, queryset: QuerySet[Lead], name: str, value: str) -> QuerySet[Lead]:
        return queryset.filter(_has_number(value) or Q(pk__in=()))

    def by_source(self, queryset: QuerySet[Lead], name: str, value: str) -> QuerySet[Lead]:
        return queryset.filter(Exists(_external_ids().filter(source=value)))

    def by_external_id(self, queryset: QuerySet[Lead], name: str, value: str) -> QuerySet[Lead]:
        rows = _external_ids().filter(external_id=value)
        source = self.form.cleaned_data.get("source")
        return queryset.filter(Exists(rows.filter(source=source) if source else rows))

    def by_pursuit(self, queryset: QuerySet[Lead], name: str, value: str) -> QuerySet[Lead]:
        open_pursuit = Q(
            pk__in=Lead.objects.filter(pursuits__isnull=False, pursuits__ended_at=None).values("pk")
        )
        return queryset.filter(open_pursuit) if value == "open" else queryset.exclude(open_pursuit)

    def by_search(self, queryset: QuerySet[Lead], name: str, value: str) -> QuerySet[Lead]:
        """Every word occurs in the name, the company or the e-mail; or it is a number, whole or in part."""
        if (number := _has_number(value)) is not None:
            return queryset.filter(number)
        words = value.split()[:MOST_WORDS]
        if len(words) == 1 and re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", words[0]):
            return queryset.filter(email__istartswith=words[0])
        for word in words:
            queryset = queryset.filter(
                _holds("first_name", word)
                | _holds("last_name", word)
                | _holds("company__name", word)
                | Q(email__icontains=word)
            )
        return queryset


def _external_ids() -> QuerySet[Any]:
    return Lead._meta.get_field("external_id_rows").related_model.objects.filter(lead=OuterRef("pk"))


def _holds(field: str, word: str) -> Q:
    """The word in any case. SQLite folds only ASCII, so the usual spellings of other alphabets are asked for too."""
    found = Q(**{f"{field}__icontains": word})
    if not word.isascii():
        for spelling in {word.lower(), word.upper(), word.capitalize()}:
            found |= Q(**{f"{field}__icontains": spelling})
    return found


def _has_number(text: str) -> Q | None:
    """Leads with this number, or with these digits in a number; None where the text is no number."""
    if not re.fullmatch(r"[\d\s()+./-]+", text):
        return None
    digits = re.sub(r"\D", "", text)
    if len(digits) < FEWEST_DIGITS:
        return None
    links = LeadNumber.objects.filter(detached_at=None)
    try:
        whole = numbers.parse(text, Workspace.current().region)
    except numbers.NumberRefused:
        links = links.filter(number__e164__contains=digits.lstrip("0"))
    else:
        links = links.filter(number__e164=whole.e164)
    return Q(pk__in=links.values("lead"))
