"""Which moment does somebody mean by "Thursday at four"? Read on the clock of whoever is called.

Words of the languages reps work in (English, Danish, German, Polish, Russian), all understood at once: people mix them.
"In twenty minutes" is counted in real time, "tomorrow, same time" on the clock on their wall: the nights in which
clocks are moved tell the two apart.
"""

from __future__ import annotations

import re
import unicodedata
from calendar import monthrange
from dataclasses import dataclass
from datetime import MAXYEAR, UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

from django.utils.translation import gettext

if TYPE_CHECKING:
    from datetime import tzinfo

FARTHEST = timedelta(days=366)
MORNING, FORENOON, NOON, AFTER_LUNCH, AFTERNOON, EVENING = (time(hour) for hour in (9, 10, 12, 13, 14, 18))
# "This afternoon", said at three, is a full hour before the afternoon is over.
PART_ENDS = {MORNING: 12, FORENOON: 12, NOON: 14, AFTER_LUNCH: 18, AFTERNOON: 18, EVENING: 21}
# An hour without minutes, "am" or "pm": nobody is called at four in the night.
AFTERNOON_HOURS = range(1, 7)
# "2h" is two hours from now; "16h" is a time of the day.
MOST_HOURS_AHEAD = 6


class Unclear(ValueError):
    """What was said names no moment ahead. `code`: empty, unknown, no_time, past, far."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code, self.detail = code, detail


def plain(text: str) -> str:
    """Lower case, without accents, one blank between words: "Środa, 16:30" becomes "sroda 16:30"."""
    text = unicodedata.normalize("NFKD", text.casefold())
    text = "".join(char for char in text if not unicodedata.combining(char))
    text = text.replace("ł", "l").replace("ø", "o").replace("æ", "ae").replace("'", "").replace("’", "")
    return re.sub(r"[^\w:./+-]+", " ", text).strip()


def _any(*words: str) -> str:
    """A pattern for any of the words, the longest first; a trailing * takes every ending."""
    ordered = sorted({plain(word) + ("*" if word.endswith("*") else "") for word in words}, key=len)
    return "|".join(
        re.escape(word[:-1]) + r"\w*" if word.endswith("*") else re.escape(word) for word in reversed(ordered)
    )


_AHEAD = _any("in", "om", "za", "через", "after")
_AT = _any("at", "kl", "kl.", "um", "o", "w", "we", "в", "во", "klokken")
_NEXT = _any("next", "næste", "nächst*", "następn*", "przyszł*", "следующ*", "kommend*")
_UNITS = {
    "minutes": _any("m", "min", "min.", "mins", "minut*", "минут*", "мин", "мин."),
    "hours": _any("h", "hr", "hrs", "hour", "hours", "t", "time", "timer", "stunde*", "std", "godz*", "ч", "час*"),
    "days": _any("d", "day", "days", "dag", "dage", "tag", "tage", "tagen", "dni", "dzień", "день", "дня", "дней"),
    "months": _any("month", "months", "måned", "måneder", "monat*", "miesiąc*", "miesięc*", "месяц*"),
    "weeks": _any("w", "wk", "week", "weeks", "uge", "uger", "woche*", "tydzień", "tygodn*", "tyg", "недел*"),
}  # fmt: skip
_COUNTS = {
    plain(word): count
    for count, words in {
        1: "a an one en et ein eine einer einem jeden jedną один одну",
        2: "two to zwei dwa dwie два две",
        3: "three tre drei trzy три",
        4: "four fire vier cztery четыре",
        5: "five fem fünf pięć пять",
        6: "six seks sechs sześć шесть",
        10: "ten ti zehn dziesięć десять",
        15: "fifteen femten fünfzehn piętnaście пятнадцать",
        20: "twenty tyve zwanzig dwadzieścia двадцать",
        30: "thirty tredive dreißig trzydzieści тридцать",
    }.items()
    for word in words.split()
}
_COUNT_WORDS = "|".join(sorted(_COUNTS, key=len, reverse=True))
_HALF_HOUR = re.compile(
    rf"(?:(?:{_AHEAD}) )?(?:"
    + _any("half an hour", "half hour", "en halv time", "halben stunde", "einer halben stunde", "pół godziny",
           "полчаса")
    + r")\b"
)  # fmt: skip
_AND_A_HALF = re.compile(r"\band a half\b")
_RELATIVE = re.compile(
    rf"(?:(?P<ahead>{_AHEAD}) |(?P<plus>\+) ?)?(?:(?P<count>\d{{1,3}}(?:[.,]\d)?) ?|(?P<word>{_COUNT_WORDS}) )?"
    + "(?:" + "|".join(f"(?P<{name}>{unit})" for name, unit in _UNITS.items()) + r")(?!:|[^\W\d])"
)  # fmt: skip
_PLUS = re.compile(r"\+ ?(\d{1,3})\b(?!:)")
_WEEKDAYS = [
    _any("mon", "monday", "man", "mandag", "montag", "mo", "pon", "poniedziałek", "пн", "понедельник*"),
    _any("tue", "tues", "tuesday", "tir", "tirsdag", "dienstag", "di", "wt", "wtorek", "вт", "вторник*"),
    _any("wed", "wednesday", "ons", "onsdag", "mittwoch", "mi", "śr", "środ*", "ср", "сред*"),
    _any("thu", "thur", "thurs", "thursday", "tor", "torsdag", "donnerstag", "do", "czw*", "чт", "четверг*"),
    _any("fri", "friday", "fre", "fredag", "freitag", "fr", "pt", "piąt*", "пт", "пятниц*"),
    _any("sat", "saturday", "lør", "lørdag", "samstag", "sonnabend", "sa", "sob", "sobot*", "сб", "суббот*"),
    _any("sun", "sunday", "søn", "søndag", "sonntag", "so", "nd", "niedz*", "вс", "воскресен*"),
]
_WEEKDAY = re.compile(
    rf"\b(?:(?P<next>{_NEXT}) )?(?:"
    + "|".join(f"(?P<d{n}>{words})" for n, words in enumerate(_WEEKDAYS))
    + r")\b\.?"
)
_NEXT_MONTH = re.compile(rf"\b(?:{_NEXT}) (?:{_UNITS['months']})\b")
_NEXT_WEEK = re.compile(rf"\b(?:{_NEXT}) (?:{_UNITS['weeks']})\b|\b(?:w przyszlym tygodniu)\b")
_DAYS = [
    (2, _any("day after tomorrow", "i overmorgen", "overmorgen", "übermorgen", "pojutrze", "послезавтра")),
    (1, _any("tomorrow", "tmrw", "i morgen", "jutro", "завтра")),
    (0, _any("today", "i dag", "heute", "dziś", "dzisiaj", "сегодня", "this")),
]
_MONTHS = [
    _any("jan*", "sty*", "янв*"), _any("feb*", "lut*", "фев*"), _any("mar", "march", "mart*", "märz", "marca",
    "marts", "март*"), _any("apr*", "kwi*", "апр*"), _any("may", "mai", "maj*", "май", "мая"),
    _any("jun*", "cze*", "июн*"), _any("jul*", "lip*", "июл*"), _any("aug*", "sie*", "авг*"),
    _any("sep*", "wrz*", "сен*"), _any("oct*", "okt*", "paź*", "окт*"), _any("nov*", "lis*", "ноя*"),
    _any("dec*", "dez*", "gru*", "дек*"),
]  # fmt: skip
_MONTH = "|".join(f"(?P<m{n}>{words})" for n, words in enumerate(_MONTHS, 1))
_ISO_DATE = re.compile(r"\b(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})(?:t(?=\d))?")
_DOTTED = re.compile(r"\b(?P<day>\d{1,2})\. ?(?P<month>\d{1,2})\.(?: ?(?P<year>\d{4})\b)?")
_SLASHED = re.compile(r"\b(?P<one>\d{1,2})/(?P<two>\d{1,2})(?:/(?P<year>\d{4}))?\b")
_DAY_MONTH = re.compile(
    rf"\b(?P<day>\d{{1,2}})(?:st|nd|rd|th|\.)? ?(?:{_MONTH})\b\.?(?: (?P<year>20\d\d)\b)?"
)
_MONTH_DAY = re.compile(rf"\b(?:{_MONTH})\.? (?P<day>\d{{1,2}})(?:st|nd|rd|th)?\b(?![:.h]\d)")
_NTH = re.compile(r"\b(?P<day>\d{1,2})(?:st|nd|rd|th)\b")
_SAME_TIME = re.compile(
    r"\b(?:"
    + _any("at the same time", "same time", "samme tid", "samme tidspunkt", "zur gleichen zeit", "gleiche zeit",
           "o tej samej porze", "o tej samej godzinie", "в то же время", "в это же время")
    + r")\b"
)  # fmt: skip
_PARTS = [
    (AFTER_LUNCH, _any("after lunch", "efter frokost", "nach dem essen", "po obiedzie", "после обеда")),
    (AFTERNOON, _any("afternoon", "eftermiddag", "nachmittag*", "po południu", "popołudniu", "днем")),
    (FORENOON, _any("formiddag", "vormittag*", "przed południem")),
    (
        NOON,
        _any(
            "noon",
            "midday",
            "lunch",
            "lunchtime",
            "lunch time",
            "middag",
            "mittag*",
            "w południe",
            "południe",
            "полдень",
        ),
    ),
    (
        MORNING,
        _any(
            "first thing in the morning", "first thing", "morning", "morgen", "früh", "rano", "утром", "утра"
        ),
    ),
    (EVENING, _any("evening", "tonight", "aften", "abend*", "wieczor*", "wieczór", "вечером", "вечера")),
]
_HOUR_WORDS = [
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
]
_HOUR_WORD = "|".join(_HOUR_WORDS)
_PAST = re.compile(
    rf"\b(?:(?P<what>half|quarter) (?P<way>past|to) (?P<hour>\d{{1,2}}|{_HOUR_WORD})"
    rf"|(?:at|around|about) (?P<word>{_HOUR_WORD}))\b"
)
_CLOCK = re.compile(
    rf"(?:\b(?:{_AT}) ?)?\b(?:"
    r"(?P<h>\d{1,2})(?:[:.]| ?h ?| uhr )(?P<m>[0-5]\d) ?(?P<half>am|pm|a\.m\.|p\.m\.)?"
    r"|(?P<h12>\d{1,2}) ?(?P<half12>am|pm|a\.m\.|p\.m\.)"
    r"|(?P<long>(?:[01]\d|2[0-3])[0-5]\d)"
    r"|(?P<bare>\d{1,2})(?: ?(?:h|uhr|ish|oclock|ч|час|часов|часа|godz))?"
    r")(?![\w:/])"
)
_FILLERS = frozenset(
    plain(
        "on the at in kl um o w we в во на and og i и den dem der am back call them again uhr oclock of"
    ).split()
)


@dataclass
class _Said:
    """What was understood so far, and the words that were not yet."""

    rest: str
    now: datetime  # on their clock
    month_first: bool
    delta: timedelta = timedelta()
    day: date | None = None
    weekday: int | None = None
    clock: time | None = None
    part: time | None = None  # the part of the day that stands for a clock

    def take(self, pattern: re.Pattern[str] | str) -> re.Match[str] | None:
        """The first match, which is cut out of the rest."""
        found = re.search(pattern, self.rest)
        if found is not None:
            self.rest = f"{self.rest[: found.start()]} {self.rest[found.end() :]}".strip()
            self.rest = re.sub(r" +", " ", self.rest)
        return found


def moment(text: str, *, zone: tzinfo, now: datetime, month_first: bool = False) -> datetime:
    """The moment that `text` names, in `zone`, to the minute and ahead of `now`; raises `Unclear` otherwise.

    A weekday is its next one, today's only with an hour still ahead; "next Thursday" is that of the coming week. An
    hour alone is today's, or tomorrow's where it has passed. A day without an hour keeps the hour of now.
    `month_first`: 3/12 is the twelfth of March.
    """
    said = _Said(plain(text), now.astimezone(zone), month_first)
    if not said.rest:
        raise Unclear("empty", gettext("Say when: “thu 16:00”, “in 20 minutes”."))
    same_time = said.take(_SAME_TIME)
    _read_day(said)
    _read_relative(said)
    _read_clock(said)
    if same_time and said.clock is None:
        said.clock = said.now.time().replace(second=0, microsecond=0)
    if set(said.rest.replace("-", " ").split()) - _FILLERS:
        raise _unknown(text)
    at = _resolve(said, zone, text)
    if at.astimezone(UTC) <= now:
        raise Unclear("past", gettext("That moment has passed."))
    if at.astimezone(UTC) - now > FARTHEST:
        raise _far()
    return at


def on_the_wall(day: date, clock: time, *, zone: tzinfo, now: datetime | None = None) -> datetime:
    """The moment at which clocks of the zone show this. Where they skip it, one skip later; where they show it twice,
    the first time that lies ahead of `now`."""
    first = datetime.combine(day, clock, tzinfo=zone).astimezone(UTC)
    again = datetime.combine(day, clock.replace(fold=1), tzinfo=zone).astimezone(UTC)
    return (again if now is not None and first <= now < again else first).astimezone(zone)


# --- reading ---------------------------------------------------------------------------------------------------------


def _read_day(said: _Said) -> None:
    today = said.now.date()
    if found := said.take(_ISO_DATE) or said.take(_DOTTED):
        said.day = _date(said, found["day"], int(found["month"]), found["year"])
    elif found := said.take(_SLASHED):
        day, month = (found["two"], found["one"]) if said.month_first else (found["one"], found["two"])
        said.day = _date(said, day, int(month), found["year"])
    elif found := said.take(_DAY_MONTH) or said.take(_MONTH_DAY):
        month = next(n for n in range(1, 13) if found[f"m{n}"])
        said.day = _date(said, found["day"], month, found.groupdict().get("year"))
    elif found := said.take(_NTH):
        said.day = _nth(today, int(found["day"]))
    else:
        for days, words in _DAYS:
            if said.take(rf"\b(?:{words})\b"):
                said.day = today + timedelta(days=days)
                break
    if said.take(_NEXT_MONTH):
        said.day = _months_on(today, 1)
    if said.take(_NEXT_WEEK):
        said.day = today + timedelta(days=7)
    if (found := said.take(_WEEKDAY)) and said.day is None:
        said.weekday = _weekday(found)
        if found["next"]:
            said.day = _in_week(today + timedelta(days=7), said.weekday)
    elif found and said.day == today + timedelta(days=7):
        said.day = _in_week(said.day, _weekday(found))
    # "Morgen" is German for tomorrow, and the Danish morning of a day that was named.
    if said.day is None and said.weekday is None and said.take(r"\bmorgen\b"):
        said.day = today + timedelta(days=1)


def _read_relative(said: _Said) -> None:
    """ "in 2 weeks", "1 h 30 min", "+20": days and weeks on the calendar, hours and minutes in real time."""
    if said.take(_HALF_HOUR):
        said.delta += timedelta(minutes=30)
    while found := _next_relative(said):
        unit = next(name for name in _UNITS if found[name])
        amount = float((found["count"] or str(_COUNTS[found["word"] or "a"])).replace(",", "."))
        if unit in ("minutes", "hours"):
            said.delta += timedelta(**{unit: amount})
            continue
        start = said.day or said.now.date()
        if unit == "months":
            said.day = _months_on(start, int(amount))
        else:
            said.day = start + timedelta(days=int(amount * (7 if unit == "weeks" else 1)))
        if said.weekday is not None:
            said.day, said.weekday = _in_week(said.day, said.weekday), None
    if said.delta >= timedelta(hours=1) and said.take(_AND_A_HALF):
        said.delta += timedelta(minutes=30)
    if found := said.take(_PLUS):
        said.delta += timedelta(minutes=int(found[1]))


def _next_relative(said: _Said) -> re.Match[str] | None:
    for found in _RELATIVE.finditer(said.rest):
        counted, ahead = found["count"] or found["word"], found["ahead"] or found["plus"]
        if found.start() and said.rest[found.start() - 1] not in " +" and not said.delta:
            continue
        of_the_clock = found["hours"] and counted and not ahead and not said.delta
        if (counted or ahead) and not (
            of_the_clock and counted.isdigit() and int(counted) > MOST_HOURS_AHEAD
        ):
            said.rest = f"{said.rest[: found.start()]} {said.rest[found.end() :]}".strip()
            return found
    return None


def _read_clock(said: _Said) -> None:
    part = next((clock for clock, words in _PARTS if said.take(rf"\b(?:{words})\b")), None)
    if not said.delta and (found := said.take(_PAST)):
        said.clock = _past(found, part)
        return
    found = None if said.delta else said.take(_CLOCK)
    if found is None:
        said.clock = said.part = part
        return
    half = (found["half"] or found["half12"] or "")[:1]
    if found["long"]:
        hour, minute = int(found["long"][:2]), int(found["long"][2:])
    else:
        hour, minute = int(found["h"] or found["h12"] or found["bare"]), int(found["m"] or 0)
    if half and not 1 <= hour <= 12:
        raise _unknown(found[0])
    if half:
        hour = hour % 12 + (12 if half == "p" else 0)
    elif hour < 12:
        vague = part is None and found["bare"] and not found["bare"].startswith("0")
        hour += 12 if part in (AFTERNOON, EVENING) or (vague and hour in AFTERNOON_HOURS) else 0
    if hour > 23:
        raise _unknown(found[0])
    said.clock = time(hour, minute)


# --- making a moment of it -------------------------------------------------------------------------------------------


def _resolve(said: _Said, zone: tzinfo, text: str) -> datetime:
    now, today = said.now.astimezone(UTC), said.now.date()
    if said.delta:
        if said.day is not None or said.weekday is not None or said.clock is not None:
            raise _unknown(text)
        return (now + said.delta).replace(second=0, microsecond=0).astimezone(zone)
    clock = said.clock or said.now.time().replace(second=0, microsecond=0, tzinfo=None)
    if said.day is not None:
        if said.day == today and said.clock is None:
            raise Unclear("no_time", gettext("Today at what time?"))
        if said.day == today and said.part and said.part <= said.now.time():
            hour = (said.now + timedelta(minutes=90)).hour
            clock = time(hour) if clock.hour < hour < PART_ENDS[said.part] else clock
        return on_the_wall(said.day, clock, zone=zone, now=now)
    if said.weekday is not None:
        at = on_the_wall(_on_or_after(today, said.weekday), clock, zone=zone, now=now)
        if at.date() > today or (said.clock is not None and at.astimezone(UTC) > now):
            return at
        return on_the_wall(at.date() + timedelta(days=7), clock, zone=zone)
    if said.clock is None:
        raise _unknown(text)
    at = on_the_wall(today, clock, zone=zone, now=now)
    return at if at.astimezone(UTC) > now else on_the_wall(today + timedelta(days=1), clock, zone=zone)


def _date(said: _Said, day: str, month: int, year: str | None) -> date:
    """The date named, this year's or, where that has passed, the next one's."""
    today = said.now.date()
    if year and int(year) > today.year + 1:
        raise _far()
    try:
        if year:
            return date(int(year), month, int(day))
        this = date(today.year, month, int(day))
        return this if this >= today else date(today.year + 1, month, int(day))
    except ValueError as error:
        raise Unclear("unknown", gettext("There is no such day.")) from error


def _nth(today: date, day: int) -> date:
    for months in range(13):
        year, month = divmod(today.month - 1 + months, 12)
        try:
            found = date(today.year + year, month + 1, day)
        except ValueError:
            continue
        if found >= today:
            return found
    raise Unclear("unknown", gettext("There is no such day."))


def _months_on(day: date, count: int) -> date:
    """The same day of a later month, or its last one."""
    years, month = divmod(day.month - 1 + count, 12)
    if day.year + years > MAXYEAR:
        raise _far()
    last = monthrange(day.year + years, month + 1)[1]
    return date(day.year + years, month + 1, min(day.day, last))


def _past(found: re.Match[str], part: time | None) -> time:
    """ "half past four", "quarter to 5", "at nine"."""
    word = found["hour"] or found["word"]
    hour = int(word) if word.isdigit() else _HOUR_WORDS.index(word) + 1
    if not 1 <= hour <= 12:
        raise _unknown(found[0])
    if (hour in AFTERNOON_HOURS and part not in (MORNING, FORENOON)) or (hour < 12 and part == EVENING):
        hour += 12
    minutes = {None: 0, "half": 30, "quarter": 15}[found["what"]]
    of_day = hour * 60 + (-minutes if found["way"] == "to" else minutes)
    return time(of_day // 60, of_day % 60)


def _weekday(found: re.Match[str]) -> int:
    return next(n for n in range(7) if found[f"d{n}"])


def _on_or_after(day: date, weekday: int) -> date:
    return day + timedelta(days=(weekday - day.weekday()) % 7)


def _in_week(day: date, weekday: int) -> date:
    return day + timedelta(days=weekday - day.weekday())


def _far() -> Unclear:
    return Unclear("far", gettext("That is more than a year ahead."))


def _unknown(text: str) -> Unclear:
    why = gettext("“%(text)s” is no time we understand: try “thu 16:00”, “tomorrow 9” or “in 20 minutes”.")
    return Unclear("unknown", why % {"text": text.strip()[:40]})
