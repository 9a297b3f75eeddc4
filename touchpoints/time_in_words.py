"""How long ago was it, as a person says it: "on Tuesday", "last week", "three weeks ago"?"""

from datetime import datetime, timedelta, tzinfo

JUST_NOW = timedelta(hours=1)


def time_in_words(at: datetime, language: str, *, zone: tzinfo, now: datetime) -> str:
    """When it was, seen from `now` on the calendar of `zone`, in one of the languages of WORDS.

    Never more exact than true: within a week the weekday, then the calendar week, weeks, months.
    """
    words = WORDS[language]
    days = (now.astimezone(zone).date() - at.astimezone(zone).date()).days
    if days <= 0:
        return words["just_now"][0] if now - at < JUST_NOW else words["today"][0]
    if days == 1:
        return words["yesterday"][0]
    if days < 7:
        return words["weekday"][at.astimezone(zone).weekday()]
    if _weeks_between(at, now, zone) == 1:
        return words["last_week"][0]
    if days < 60:
        return words["weeks"][min(round(days / 7), 8) - 1]
    if days < 350:
        return words["months"][min(round(days / 30.44), 11) - 2]
    return words["year"][0] if days < 380 else words["longer"][0]


def _weeks_between(at: datetime, now: datetime, zone: tzinfo) -> int:
    """Calendar weeks (Monday to Sunday) from one instant to the other."""
    first, last = at.astimezone(zone).date(), now.astimezone(zone).date()
    return ((last - timedelta(days=last.weekday())) - (first - timedelta(days=first.weekday()))).days // 7


def _each(pattern: str, *numbers: str) -> tuple[str, ...]:
    return tuple(pattern.format(number) for number in numbers)


_EN = ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven")
_DA = ("to", "tre", "fire", "fem", "seks", "syv", "otte", "ni", "ti", "elleve")
_PL = ("dwa", "trzy", "cztery", "pięć", "sześć", "siedem", "osiem", "dziewięć", "dziesięć", "jedenaście")
_RU = ("два", "три", "четыре", "пять", "шесть", "семь", "восемь", "девять", "десять", "одиннадцать")

# "weeks" starts at one week, "months" at two months, "weekday" at Monday.
WORDS: dict[str, dict[str, tuple[str, ...]]] = {
    "en": {
        "just_now": ("just now",),
        "today": ("earlier today",),
        "yesterday": ("yesterday",),
        "weekday": _each(
            "on {}", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"
        ),
        "last_week": ("last week",),
        "weeks": ("a week ago", *_each("{} weeks ago", *_EN[:7])),
        "months": _each("{} months ago", *_EN),
        "year": ("about a year ago",),
        "longer": ("more than a year ago",),
    },
    "da": {
        "just_now": ("for et øjeblik siden",),
        "today": ("tidligere i dag",),
        "yesterday": ("i går",),
        "weekday": _each("i {}s", "mandag", "tirsdag", "onsdag", "torsdag", "fredag", "lørdag", "søndag"),
        "last_week": ("i sidste uge",),
        "weeks": ("for en uge siden", *_each("for {} uger siden", *_DA[:7])),
        "months": _each("for {} måneder siden", *_DA),
        "year": ("for cirka et år siden",),
        "longer": ("for mere end et år siden",),
    },
    "pl": {
        "just_now": ("przed chwilą",),
        "today": ("dzisiaj",),
        "yesterday": ("wczoraj",),
        "weekday": (
            "w poniedziałek",
            "we wtorek",
            "w środę",
            "w czwartek",
            "w piątek",
            "w sobotę",
            "w niedzielę",
        ),
        "last_week": ("w zeszłym tygodniu",),
        "weeks": (
            "tydzień temu",
            *_each("{} tygodnie temu", *_PL[:3]),
            *_each("{} tygodni temu", *_PL[3:7]),
        ),
        "months": (*_each("{} miesiące temu", *_PL[:3]), *_each("{} miesięcy temu", *_PL[3:])),
        "year": ("około roku temu",),
        "longer": ("ponad rok temu",),
    },
    "ru": {
        "just_now": ("только что",),
        "today": ("сегодня",),
        "yesterday": ("вчера",),
        "weekday": (
            "в понедельник",
            "во вторник",
            "в среду",
            "в четверг",
            "в пятницу",
            "в субботу",
            "в воскресенье",
        ),
        "last_week": ("на прошлой неделе",),
        "weeks": (
            "неделю назад",
            *_each("{} недели назад", "две", *_RU[1:3]),
            *_each("{} недель назад", *_RU[3:7]),
        ),
        "months": (*_each("{} месяца назад", *_RU[:3]), *_each("{} месяцев назад", *_RU[3:])),
        "year": ("около года назад",),
        "longer": ("больше года назад",),
    },
}
