"""Is the moment that somebody names the one they mean, in every language and in nights in which clocks are moved?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchpoints.spoken_time import Unclear, moment, on_the_wall

NEW_YORK = ZoneInfo("America/New_York")
COPENHAGEN = ZoneInfo("Europe/Copenhagen")
# A Tuesday, 10:05 in New York; the seconds must not matter.
NOW = datetime(2026, 11, 24, 15, 5, 42, tzinfo=UTC)


def said(text: str, **more: bool) -> str:
    return f"{moment(text, zone=NEW_YORK, now=NOW, **more):%a %d %b %H:%M}"


@pytest.mark.parametrize(
    "text, meant",
    [
        ("in 20 minutes", "Tue 24 Nov 10:25"),
        ("20 min", "Tue 24 Nov 10:25"),
        ("+20", "Tue 24 Nov 10:25"),
        ("in an hour", "Tue 24 Nov 11:05"),
        ("half an hour", "Tue 24 Nov 10:35"),
        ("in 1 h 30 min", "Tue 24 Nov 11:35"),
        ("1h30m", "Tue 24 Nov 11:35"),
        ("in 1.5 hours", "Tue 24 Nov 11:35"),
        ("2h", "Tue 24 Nov 12:05"),
        ("in 16 h", "Wed 25 Nov 02:05"),
        ("16h", "Tue 24 Nov 16:00"),
        ("in 3 days", "Fri 27 Nov 10:05"),
        ("in 3 days at 16:00", "Fri 27 Nov 16:00"),
        ("in 2 weeks", "Tue 08 Dec 10:05"),
        ("in 2 weeks thu 9:30", "Thu 10 Dec 09:30"),
        ("in a week", "Tue 01 Dec 10:05"),
        ("tomorrow, same time", "Wed 25 Nov 10:05"),
        ("tomorrow same time", "Wed 25 Nov 10:05"),
        ("tomorrow", "Wed 25 Nov 10:05"),
        ("tomorrow 9", "Wed 25 Nov 09:00"),
        ("tomorrow at 3", "Wed 25 Nov 15:00"),
        ("tomorrow at 3 in the morning", "Wed 25 Nov 03:00"),
        ("tomorrow morning", "Wed 25 Nov 09:00"),
        ("tomorrow afternoon", "Wed 25 Nov 14:00"),
        ("day after tomorrow at noon", "Thu 26 Nov 12:00"),
        ("today 16:30", "Tue 24 Nov 16:30"),
        ("16:30", "Tue 24 Nov 16:30"),
        ("16.30", "Tue 24 Nov 16:30"),
        ("1630", "Tue 24 Nov 16:30"),
        ("4pm", "Tue 24 Nov 16:00"),
        ("4:30 p.m.", "Tue 24 Nov 16:30"),
        ("12 am", "Wed 25 Nov 00:00"),
        ("12pm", "Tue 24 Nov 12:00"),
        ("9", "Wed 25 Nov 09:00"),
        ("4", "Tue 24 Nov 16:00"),
        ("04:00", "Wed 25 Nov 04:00"),
        ("10:05", "Wed 25 Nov 10:05"),
        ("thu 4pm", "Thu 26 Nov 16:00"),
        ("Thursday 16:00", "Thu 26 Nov 16:00"),
        ("thu", "Thu 26 Nov 10:05"),
        ("thursday at 4", "Thu 26 Nov 16:00"),
        ("tue 16:00", "Tue 24 Nov 16:00"),
        ("tue 9:00", "Tue 01 Dec 09:00"),
        ("tuesday", "Tue 01 Dec 10:05"),
        ("next thursday 16:00", "Thu 03 Dec 16:00"),
        ("next week", "Tue 01 Dec 10:05"),
        ("next week thu 10", "Thu 03 Dec 10:00"),
        ("thu next week 10:00", "Thu 03 Dec 10:00"),
        ("2026-11-30 14:15", "Mon 30 Nov 14:15"),
        ("2026-11-30T14:15", "Mon 30 Nov 14:15"),
        ("30.11. 14:15", "Mon 30 Nov 14:15"),
        ("30.11.2026 14.15", "Mon 30 Nov 14:15"),
        ("30/11 9", "Mon 30 Nov 09:00"),
        ("30 nov 9am", "Mon 30 Nov 09:00"),
        ("Nov 30 at 9:15", "Mon 30 Nov 09:15"),
        ("Mon 30 November 9:15", "Mon 30 Nov 09:15"),
        ("the 2nd at 11", "Wed 02 Dec 11:00"),
        ("3 jan 10:00", "Sun 03 Jan 10:00"),
        ("half past four", "Tue 24 Nov 16:30"),
        ("thu quarter past 4", "Thu 26 Nov 16:15"),
        ("tomorrow quarter to ten", "Wed 25 Nov 09:45"),
        ("quarter to 1", "Tue 24 Nov 12:45"),
        ("half past seven in the evening", "Tue 24 Nov 19:30"),
        ("tomorrow at nine", "Wed 25 Nov 09:00"),
        ("4ish", "Tue 24 Nov 16:00"),
        ("in fifteen minutes", "Tue 24 Nov 10:20"),
        ("in an hour and a half", "Tue 24 Nov 11:35"),
        ("in two hours and a half", "Tue 24 Nov 12:35"),
        ("first thing tomorrow", "Wed 25 Nov 09:00"),
        ("tomorrow first thing in the morning", "Wed 25 Nov 09:00"),
        ("lunchtime", "Tue 24 Nov 12:00"),
        ("fri after lunch", "Fri 27 Nov 13:00"),
        ("this morning", "Tue 24 Nov 11:00"),
        ("in a month", "Thu 24 Dec 10:05"),
        ("in 3 months", "Wed 24 Feb 10:05"),
        ("next month", "Thu 24 Dec 10:05"),
    ],
)
def test_english(text: str, meant: str) -> None:
    assert said(text) == meant


@pytest.mark.parametrize(
    "text, meant",
    [
        ("om 20 minutter", "Tue 24 Nov 10:25"),
        ("om en time", "Tue 24 Nov 11:05"),
        ("om en halv time", "Tue 24 Nov 10:35"),
        ("om to uger", "Tue 08 Dec 10:05"),
        ("i morgen kl. 14", "Wed 25 Nov 14:00"),
        ("i morgen samme tid", "Wed 25 Nov 10:05"),
        ("i overmorgen kl 9.30", "Thu 26 Nov 09:30"),
        ("torsdag kl 16", "Thu 26 Nov 16:00"),
        ("torsdag morgen", "Thu 26 Nov 09:00"),
        ("næste torsdag 16.00", "Thu 03 Dec 16:00"),
        ("lørdag 11", "Sat 28 Nov 11:00"),
        ("in 20 Minuten", "Tue 24 Nov 10:25"),
        ("in einer halben Stunde", "Tue 24 Nov 10:35"),
        ("in zwei Wochen", "Tue 08 Dec 10:05"),
        ("morgen um 14 Uhr", "Wed 25 Nov 14:00"),
        ("morgen früh", "Wed 25 Nov 09:00"),
        ("übermorgen 9 Uhr 30", "Thu 26 Nov 09:30"),
        ("Do 16:00", "Thu 26 Nov 16:00"),
        ("nächsten Donnerstag um 16 Uhr", "Thu 03 Dec 16:00"),
        ("nächste Woche", "Tue 01 Dec 10:05"),
        ("30. November um 14 Uhr", "Mon 30 Nov 14:00"),
        ("za 20 minut", "Tue 24 Nov 10:25"),
        ("za godzinę", "Tue 24 Nov 11:05"),
        ("za pół godziny", "Tue 24 Nov 10:35"),
        ("za tydzień", "Tue 01 Dec 10:05"),
        ("za 2 tygodnie", "Tue 08 Dec 10:05"),
        ("jutro o 14", "Wed 25 Nov 14:00"),
        ("jutro o tej samej porze", "Wed 25 Nov 10:05"),
        ("pojutrze 9:30", "Thu 26 Nov 09:30"),
        ("w czwartek o 16", "Thu 26 Nov 16:00"),
        ("w środę po południu", "Wed 25 Nov 14:00"),
        ("30 listopada 10:00", "Mon 30 Nov 10:00"),
        ("через 20 минут", "Tue 24 Nov 10:25"),
        ("через час", "Tue 24 Nov 11:05"),
        ("через полчаса", "Tue 24 Nov 10:35"),
        ("через неделю", "Tue 01 Dec 10:05"),
        ("через 2 недели", "Tue 08 Dec 10:05"),
        ("завтра в 14:00", "Wed 25 Nov 14:00"),
        ("завтра в то же время", "Wed 25 Nov 10:05"),
        ("послезавтра утром", "Thu 26 Nov 09:00"),
        ("в четверг в 16", "Thu 26 Nov 16:00"),
        ("чт 16.00", "Thu 26 Nov 16:00"),
        ("в пятницу в 5 вечера", "Fri 27 Nov 17:00"),
        ("30 ноября 10:00", "Mon 30 Nov 10:00"),
        ("om en måned", "Thu 24 Dec 10:05"),
        ("in fünf Minuten", "Tue 24 Nov 10:10"),
        ("za miesiąc", "Thu 24 Dec 10:05"),
        ("через пятнадцать минут", "Tue 24 Nov 10:20"),
    ],
)
def test_danish_german_polish_and_russian(text: str, meant: str) -> None:
    assert said(text) == meant


def test_americans_write_the_month_first() -> None:
    assert said("12/3 10am", month_first=True) == "Thu 03 Dec 10:00"
    assert said("3/12 10am") == "Thu 03 Dec 10:00"


@pytest.mark.parametrize(
    "text, code",
    [
        ("", "empty"),
        (" , ", "empty"),
        ("soon", "unknown"),
        ("when she is back", "unknown"),
        ("25:00", "unknown"),
        ("13 pm", "unknown"),
        ("31.2.", "unknown"),
        ("tomorrow in 20 minutes", "unknown"),
        ("today", "no_time"),
        ("today 9:00", "past"),
        ("1.1.2026 10:00", "past"),
        ("1.1.2029 10:00", "far"),
        ("31.12.9999 23:59", "far"),
        ("in 999 weeks", "far"),
        ("in 999 months", "far"),
        ("half past 25", "unknown"),
        ("<script>", "unknown"),
    ],
)
def test_what_names_no_moment_ahead_is_refused_with_its_reason(text: str, code: str) -> None:
    with pytest.raises(Unclear) as refused:
        said(text)
    assert refused.value.code == code
    assert refused.value.detail


# --- the nights in which clocks are moved ----------------------------------------------------------------------------


def in_utc(text: str, zone: ZoneInfo, now: datetime) -> str:
    return f"{moment(text, zone=zone, now=now).astimezone(UTC):%d %b %H:%M}"


def test_minutes_are_real_and_days_are_those_of_the_wall() -> None:
    """Copenhagen goes to winter time on 25 October at 03:00, which is 02:00 again."""
    before = datetime(2026, 10, 24, 14, 0, tzinfo=UTC)  # Saturday 16:00
    assert in_utc("tomorrow same time", COPENHAGEN, before) == "25 Oct 15:00"
    assert in_utc("in 24 hours", COPENHAGEN, before) == "25 Oct 14:00"
    assert in_utc("in 1 day", COPENHAGEN, before) == "25 Oct 15:00"
    night = datetime(2026, 10, 25, 0, 50, tzinfo=UTC)  # 02:50, the first time
    assert in_utc("in 20 minutes", COPENHAGEN, night) == "25 Oct 01:10"
    assert f"{moment('in 20 minutes', zone=COPENHAGEN, now=night):%H:%M %z}" == "02:10 +0100"


def test_an_hour_shown_twice_is_its_first_that_lies_ahead() -> None:
    assert in_utc("25.10. 02:30", COPENHAGEN, datetime(2026, 10, 24, 12, tzinfo=UTC)) == "25 Oct 00:30"
    assert in_utc("today 02:30", COPENHAGEN, datetime(2026, 10, 25, 0, 45, tzinfo=UTC)) == "25 Oct 01:30"
    assert in_utc("02:30", COPENHAGEN, datetime(2026, 10, 25, 0, 45, tzinfo=UTC)) == "25 Oct 01:30"


def test_an_hour_that_is_skipped_is_one_later() -> None:
    """New York skips 02:00 to 03:00 on 8 March."""
    now = datetime(2026, 3, 7, 12, 0, tzinfo=UTC)
    assert f"{moment('tomorrow 02:30', zone=NEW_YORK, now=now):%H:%M %z}" == "03:30 -0400"
    assert in_utc("tomorrow same time", NEW_YORK, now) == "08 Mar 11:00"


def test_their_day_counts_and_not_ours() -> None:
    """In the evening of New York it is tomorrow in Tokyo already."""
    now = datetime(2026, 11, 24, 23, 0, tzinfo=UTC)
    tokyo = moment("tomorrow 10:00", zone=ZoneInfo("Asia/Tokyo"), now=now)
    assert tokyo.isoformat() == "2026-11-26T10:00:00+09:00"
    assert moment("tomorrow 10:00", zone=NEW_YORK, now=now).isoformat() == "2026-11-25T10:00:00-05:00"


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC)),
    st.sampled_from(["Europe/Copenhagen", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "UTC"]),
    st.sampled_from(
        ["thu 16:00", "tomorrow same time", "16:30", "in 2 weeks", "next monday 9:00", "in 45 min"]
    ),
)
def test_every_moment_lies_ahead_to_the_minute_on_their_clock(now: datetime, zone: str, text: str) -> None:
    at = moment(text, zone=ZoneInfo(zone), now=now)
    assert timedelta() < at.astimezone(UTC) - now <= timedelta(days=15)
    assert (at.second, at.microsecond, str(at.tzinfo)) == (0, 0, zone)


def test_the_wall_is_read_without_a_now_as_well() -> None:
    day = datetime(2026, 10, 25)
    assert on_the_wall(day.date(), day.time().replace(hour=2), zone=COPENHAGEN).fold == 0


@given(st.text("0123456789:.+/ -hmapwtudin", max_size=20))
def test_whatever_is_typed_is_a_moment_ahead_or_refused(text: str) -> None:
    try:
        at = moment(text, zone=NEW_YORK, now=NOW)
    except Unclear:
        return
    assert at.astimezone(UTC) > NOW
