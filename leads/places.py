"""Which country, part of a country or language does this text name, in whatever way people write it?"""

from __future__ import annotations

import re
from functools import cache

from django.conf.locale import LANG_INFO
from holidays.registry import COUNTRIES as HOLIDAY_COUNTRIES
from holidays.utils import country_holidays
from phonenumbers import SUPPORTED_REGIONS

# States decide which law applies, so in these countries an unknown one is refused rather than kept as text.
STATES_DECIDE = frozenset({"US", "CA"})

# What exports say beside the English name and the ISO codes that the library knows.
_SPOKEN = {
    "AT": "Österreich Østrig Австрия",
    "AU": "Австралия Australien",
    "BE": "België Belgique Belgien Бельгия Belgia",
    "BR": "Brasil Brasilien",
    "BY": "Беларусь Białoruś Hviderusland",
    "CA": "Kanada Канада",
    "CH": "Schweiz Suisse Svizzera Schwajcaria Szwajcaria Швейцария",
    "CZ": "Czechia Česko Tschechien Tjekkiet Czechy Чехия",
    "DE": "Deutschland Tyskland Niemcy Германия",
    "DK": "Danmark Dänemark Dania Дания",
    "EE": "Eesti Estland",
    "ES": "España Spanien Hiszpania Испания",
    "FI": "Suomi Finnland Finlandia Финляндия",
    "FR": "Frankreich Frankrig Francja Франция",
    "GB": "UK Britain England Scotland Wales Storbritannien Großbritannien Великобритания",
    "IE": "Éire Irland",
    "IN": "Indien Индия",
    "IT": "Italia Italien Włochy Италия",
    "KZ": "Казахстан",
    "LT": "Lietuva Litauen Litwa",
    "LV": "Latvija Letland",
    "NL": "Nederland Holland Niederlande Holandia Нидерланды",
    "NO": "Norge Norwegen Norwegia Норвегия",
    "PL": "Polska Polen Польша",
    "PT": "Portugalia Португалия",
    "RU": "Россия Russland Rusland Rosja РФ",
    "SE": "Sverige Schweden Szwecja Швеция",
    "UA": "Україна Украина Ukraina",
    "US": "USA America США",
}
_SPOKEN_PHRASES = {
    "united states of america": "US",
    "great britain": "GB",
    "northern ireland": "GB",
    "vereinigtes königreich": "GB",
    "wielka brytania": "GB",
    "det forenede kongerige": "GB",
    "vereinigte staaten": "US",
    "stany zjednoczone": "US",
    "соединённые штаты америки": "US",
    "российская федерация": "RU",
    "russian federation": "RU",
    "czech republic": "CZ",
    "republic of ireland": "IE",
    "the netherlands": "NL",
}
# Armed forces' post and territories the holiday calendars leave out.
_MORE_REGIONS = {"US": ("AA", "AE", "AP")}


def _plain(text: str) -> str:
    return re.sub(r"[\W_]+", "", text).casefold()


@cache
def _countries() -> dict[str, str]:
    """Every known way to write a country, folded, with its two letters."""
    names = {code.casefold(): code for code in SUPPORTED_REGIONS}
    for class_name, code, *others in HOLIDAY_COUNTRIES.values():
        if code in SUPPORTED_REGIONS:
            names.update({_plain(name): code for name in (class_name, *others)})
    for code, words in _SPOKEN.items():
        names.update({_plain(word): code for word in words.split()})
    names.update({_plain(phrase): code for phrase, code in _SPOKEN_PHRASES.items()})
    return names


def country_code(text: str) -> str | None:
    """The two ISO letters of the country `text` names ("US", "usa", "Danmark"), or None."""
    return _countries().get(_plain(text))


@cache
def _regions(country: str) -> dict[str, str]:
    """Every known way to write a part of `country`, folded, with its code; empty where none are known."""
    try:
        calendar = country_holidays(country)
    except NotImplementedError:
        return {}
    codes = [*calendar.subdivisions, *_MORE_REGIONS.get(country, ())]
    names = {_plain(name): code for name, code in calendar.subdivisions_aliases.items()}
    return names | {code.casefold(): code for code in codes if len(code) <= 10}


def region_code(text: str, country: str) -> str | None:
    """The subdivision code without its country ("NY" for "New York", "ny" or "US-NY"), or None where the
    country's subdivisions are not known or `text` is none of them."""
    own = text.strip().upper().removeprefix(f"{country}-") if country else text
    return _regions(country).get(_plain(own)) if country else None


@cache
def country_name(code: str) -> str:
    """A country's English name ("United Kingdom" for "GB"), or its letters where the calendars do not know it."""
    names = {two: words for words, two, *_ in HOLIDAY_COUNTRIES.values()}
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", names[code]) if code in names else code


@cache
def region_name(code: str, country: str) -> str:
    """The name of a part of a country ("Florida" for "FL" of "US"), or its code where that is all one knows."""
    try:
        names = country_holidays(country).subdivisions_aliases
    except NotImplementedError:
        return code
    return next((name for name, known in names.items() if known == code), code)


@cache
def _languages() -> dict[str, str]:
    names = {}
    for code, about in LANG_INFO.items():
        for name in (about.get("name"), about.get("name_local")):
            if name:
                names[_plain(name)] = code
    return names


def language_code(text: str) -> str | None:
    """A language tag of at most 8 characters in lower case ("da", "en-us") for a tag or a language's name."""
    tag = text.strip().replace("_", "-").lower()
    if re.fullmatch(r"[a-z]{2,3}(-[a-z0-9]{2,4})?", tag) and (tag.split("-")[0] in LANG_INFO or "-" in tag):
        return tag
    named = _languages().get(_plain(text))
    return named if named and len(named) <= 8 else None
