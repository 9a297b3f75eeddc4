"""When does somebody work? Hours as people write them, "9-12, 13:00-17:30", and as they are kept."""

import re
from collections.abc import Mapping
from itertools import pairwise

from django.core.exceptions import ValidationError
from django.utils.dates import WEEKDAYS_ABBR
from django.utils.translation import gettext

Spans = list[list[str]]

_TIME = re.compile(r"(?P<hour>\d{1,2})(?:[:.](?P<minute>\d{2}))?")


def read(text: str) -> Spans:
    """The spans of one day, in order: [["09:00", "12:00"], …]; a blank is a day off. Raises ValidationError."""
    spans = [_span(part) for part in re.split(r"[,;]", text) if part.strip()]
    for (_, until), (start, _end) in pairwise(spans):
        if start < until:
            raise ValidationError(
                gettext("%(start)s lies before the end of the hours in front of it.") % {"start": start}
            )
    return spans


def written(spans: Spans) -> str:
    """The spans of one day as they are typed in."""
    return ", ".join(f"{start}–{until}" for start, until in spans)


def in_words(hours: Mapping[str, Spans]) -> str:
    """A week on one line, days of the same hours together: "Mon–Thu 09:00–17:00; Fri 09:00–15:00"."""
    runs: list[tuple[int, int, str]] = []
    for day in range(1, 8):
        text = ", ".join("–".join(span) for span in hours.get(str(day), []))
        if runs and runs[-1][2] == text and runs[-1][1] == day - 1:
            runs[-1] = (runs[-1][0], day, text)
        elif text:
            runs.append((day, day, text))
    named = [
        (
            WEEKDAYS_ABBR[first - 1]
            if first == last
            else f"{WEEKDAYS_ABBR[first - 1]}–{WEEKDAYS_ABBR[last - 1]}",
            text,
        )
        for first, last, text in runs
    ]
    return "; ".join(f"{days} {text}" for days, text in named)


def _span(part: str) -> list[str]:
    ends = re.split(r"\s*[-–]\s*", part.strip())
    if len(ends) != 2:
        raise ValidationError(
            gettext("“%(part)s” is no span of hours; expected one such as 09:00–17:00.")
            % {"part": part.strip()}
        )
    start, until = (_clock(end) for end in ends)
    if until <= start:
        raise ValidationError(
            gettext("%(start)s–%(until)s ends before it begins; split a night at 24:00.")
            % {"start": start, "until": until}
        )
    return [start, until]


def _clock(text: str) -> str:
    found = _TIME.fullmatch(text.strip())
    hour, minute = (int(found["hour"]), int(found["minute"] or 0)) if found else (99, 0)
    if hour * 60 + minute > 24 * 60 or minute > 59:
        raise ValidationError(
            gettext("“%(text)s” is no time of day; expected one such as 09:00.") % {"text": text.strip()}
        )
    return f"{hour:02d}:{minute:02d}"
