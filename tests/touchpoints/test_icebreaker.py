"""What does the rep say first, so that it is warm and true?"""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchpoints.defaults import DEFAULT_ICEBREAKERS, DEFAULT_KINDS
from touchpoints.icebreaker import (
    FACTS,
    LANGUAGES,
    TONES,
    Fact,
    Person,
    Promised,
    fill,
    greeting,
    icebreaker,
    in_words,
    problems,
)
from touchpoints.time_in_words import time_in_words

TEMPLATES = {(row.kind, row.language, row.tone): row.template for row in DEFAULT_ICEBREAKERS}
NOW = datetime(2026, 2, 19, 15, tzinfo=UTC)  # a Thursday
MARTA = Person("Marta", "Jensen", "Ms")
FAIR = Fact(1, "event", NOW - timedelta(days=21), campaign="ABC Expo", share=0.46)
FOLLOW = Fact(2, "social_follow", NOW - timedelta(days=2), network="LinkedIn", share=0.36)
MAILING = Fact(3, "direct_mail", NOW - timedelta(days=17), campaign="Spring mailing", share=0.17)


def say(*evidence: Fact, **fields: Any) -> str:
    told: dict[str, Any] = {
        "person": MARTA,
        "caller": "Ada",
        "language": "en",
        "tone": "formal",
        "templates": TEMPLATES,
        "now": NOW,
    }
    return icebreaker(evidence, **{**told, **fields})


def test_the_two_strongest_pieces_are_said_in_the_order_of_their_share() -> None:
    assert say(MAILING, FOLLOW, FAIR) == (
        "Good afternoon, Ms Jensen. We met three weeks ago at ABC Expo. "
        "I saw that you started following us on LinkedIn on Tuesday."
    )


def test_a_small_second_piece_is_not_worth_a_sentence() -> None:
    assert say(FAIR, MAILING) == "Good afternoon, Ms Jensen. We met three weeks ago at ABC Expo."


def test_a_picked_piece_is_said_alone() -> None:
    assert (
        say(MAILING)
        == "Good afternoon, Ms Jensen. We sent you something by post two weeks ago, Spring mailing."
    )


class TestHonesty:
    def test_a_colleague_who_met_them_is_named(self) -> None:
        by_bo = Fact(1, "event", FAIR.occurred_at, campaign="ABC Expo", by="Bo")
        assert say(by_bo).endswith("My colleague Bo met you three weeks ago at ABC Expo.")

    def test_the_caller_is_no_colleague_of_their_own(self) -> None:
        by_ada = Fact(1, "event", FAIR.occurred_at, campaign="ABC Expo", by="ada ")
        assert say(by_ada).endswith("We met three weeks ago at ABC Expo.")

    # A kind of one's own may be a meeting as well.
    @pytest.mark.parametrize("kind", ["event", "breakfast"])
    @pytest.mark.parametrize("language", LANGUAGES)
    def test_a_template_that_forgets_the_colleague_is_not_used_for_a_meeting(
        self, language: str, kind: str
    ) -> None:
        claims = {(kind, language, tone): "We met, you and I, {when}." for tone in TONES}
        assert "you and I" in say(Fact(1, kind, FAIR.occurred_at), templates=claims, language=language)
        by_bo = Fact(1, kind, FAIR.occurred_at, by="Bo")
        said = say(by_bo, templates=claims, language=language)
        assert "you and I" not in said
        assert "Bo" in said

    def test_what_the_touchpoint_does_not_hold_is_not_said(self) -> None:
        assert say(Fact(1, "event", FAIR.occurred_at)).endswith("We met three weeks ago.")
        assert say(Fact(1, "referral", FAIR.occurred_at)).endswith("We were given your name three weeks ago.")
        named = Fact(1, "referral", FAIR.occurred_at, referred_by="Ann Lee")
        assert say(named).endswith("Ann Lee gave us your name three weeks ago.")

    def test_a_template_whose_fact_is_missing_gives_way_to_general_words(self) -> None:
        needs = {("event", "en", "formal"): "How did you like {campaign}?"}
        assert say(Fact(1, "event", FAIR.occurred_at), templates=needs).endswith(
            "We were in touch with you three weeks ago."
        )

    def test_without_evidence_the_line_claims_no_earlier_contact(self) -> None:
        said = say(firm="Lakeside")
        assert said == (
            "Good afternoon, Ms Jensen. My name is Ada from Lakeside, and I am calling without an appointment. "
            "Is now a good time?"
        )
        assert "from" not in say(firm="")

    @given(
        kind=st.sampled_from([kind.key for kind in DEFAULT_KINDS]),
        language=st.sampled_from(LANGUAGES),
        tone=st.sampled_from(TONES),
        held=st.sets(st.sampled_from(["campaign", "network", "referred_by", "by"])),
    )
    def test_every_default_line_speaks_and_leaves_no_hole(
        self, kind: str, language: str, tone: str, held: set[str]
    ) -> None:
        values = {"campaign": "{when}[x]", "network": "Netz", "referred_by": "Ann Lee", "by": "Bo"}
        fact = Fact(1, kind, FAIR.occurred_at, **{name: values[name] for name in held})
        said = say(fact, language=language, tone=tone)
        hello = greeting(MARTA, language=language, tone=tone, now=NOW)
        assert said.startswith(hello)
        rest = said.removeprefix(hello).replace("{when}[x]", "")
        assert len(rest) > 10
        assert not set("{}[]|") & set(rest)
        for name in ("campaign", "network", "referred_by", "by"):
            assert name in held or values[name] not in said


class TestPromise:
    promise = Promised("the stock-out checklist.", NOW - timedelta(days=8), by="Ada")

    def test_comes_before_the_evidence(self) -> None:
        assert say(FAIR, promise=self.promise) == (
            "Good afternoon, Ms Jensen. We promised you last week: the stock-out checklist. "
            "We met three weeks ago at ABC Expo."
        )

    def test_of_a_colleague_names_them(self) -> None:
        by_bo = Promised("the study", self.promise.made_at, by="Bo")
        assert "My colleague Bo promised you last week: the study." in say(promise=by_bo)

    def test_alone_is_opening_enough(self) -> None:
        assert "without an appointment" not in say(promise=self.promise)


@pytest.mark.parametrize(
    ("person", "language", "tone", "expected"),
    [
        (MARTA, "en", "formal", "Good afternoon, Ms Jensen."),
        (Person("Marta", "Jensen"), "en", "formal", "Good afternoon, Marta Jensen."),
        (MARTA, "en", "informal", "Hi Marta."),
        (Person(), "en", "formal", "Good afternoon."),
        (Person(), "en", "informal", "Hi."),
        (Person("Lars", "Holm", "Hr."), "da", "formal", "Goddag, Lars."),
        (Person("Lars", "Holm"), "da", "informal", "Hej Lars."),
        (Person("Anna", "Król", "Pani Anno"), "pl", "formal", "Dzień dobry, Pani Anno."),
        (Person("Anna", "Król", "Pani"), "pl", "formal", "Dzień dobry, Pani Król."),
        (Person("Anna", "Król"), "pl", "formal", "Dzień dobry."),
        (Person("Anna", "Król"), "pl", "informal", "Dzień dobry, Anna."),
        (Person("Олег", "Смирнов", "Олег Петрович"), "ru", "formal", "Здравствуйте, Олег Петрович."),
        (Person("Олег", "Смирнов"), "ru", "formal", "Здравствуйте, Олег."),
        (MARTA, "de", "formal", "Good afternoon, Ms Jensen."),
        (MARTA, "en-GB", "informal", "Hi Marta."),
    ],
    ids=[
        "English with a title",
        "English without a title",
        "English, informal",
        "English, name unknown",
        "English, informal, name unknown",
        "Danes go by first name, formal too",
        "Danes go by first name",
        "a Polish form as entered",
        "a bare Polish title",
        "no Polish form entered: none made up",
        "Polish, informal",
        "Russian name and patronymic as entered",
        "a Russian first name",
        "a language without lines speaks English",
        "a regional variant",
    ],
)
def test_people_are_greeted_as_their_language_does(
    person: Person, language: str, tone: str, expected: str
) -> None:
    assert say(FAIR, person=person, language=language, tone=tone).startswith(expected + " ")


@pytest.mark.parametrize(
    ("hour", "expected"), [(8, "Good morning"), (12, "Good afternoon"), (18, "Good evening")]
)
def test_the_hour_of_the_greeting_is_theirs(hour: int, expected: str) -> None:
    chicago = ZoneInfo("America/Chicago")
    person = Person("Marta", zone=chicago)
    now = datetime(2026, 2, 19, hour, tzinfo=chicago)
    assert greeting(person, language="en", tone="formal", now=now) == f"{expected}, Marta."


@pytest.mark.parametrize(
    ("ago", "en", "da", "pl", "ru"),
    [
        (timedelta(minutes=5), "just now", "for et øjeblik siden", "przed chwilą", "только что"),
        (timedelta(hours=5), "earlier today", "tidligere i dag", "dzisiaj", "сегодня"),
        (timedelta(days=1), "yesterday", "i går", "wczoraj", "вчера"),
        (timedelta(days=2), "on Tuesday", "i tirsdags", "we wtorek", "во вторник"),
        (timedelta(days=6), "on Friday", "i fredags", "w piątek", "в пятницу"),
        (timedelta(days=7), "last week", "i sidste uge", "w zeszłym tygodniu", "на прошлой неделе"),
        (timedelta(days=11), "two weeks ago", "for to uger siden", "dwa tygodnie temu", "две недели назад"),
        (
            timedelta(days=35),
            "five weeks ago",
            "for fem uger siden",
            "pięć tygodni temu",
            "пять недель назад",
        ),
        (
            timedelta(days=91),
            "three months ago",
            "for tre måneder siden",
            "trzy miesiące temu",
            "три месяца назад",
        ),
        (
            timedelta(days=180),
            "six months ago",
            "for seks måneder siden",
            "sześć miesięcy temu",
            "шесть месяцев назад",
        ),
        (
            timedelta(days=365),
            "about a year ago",
            "for cirka et år siden",
            "około roku temu",
            "около года назад",
        ),
        (
            timedelta(days=900),
            "more than a year ago",
            "for mere end et år siden",
            "ponad rok temu",
            "больше года назад",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) and value.isascii() else "",
)
def test_time_in_words(ago: timedelta, en: str, da: str, pl: str, ru: str) -> None:
    said = {language: time_in_words(NOW - ago, language, zone=UTC, now=NOW) for language in LANGUAGES}
    assert said == {"en": en, "da": da, "pl": pl, "ru": ru}


def test_yesterday_is_theirs() -> None:
    late = datetime(2026, 2, 19, 4, tzinfo=UTC)
    assert time_in_words(late, "en", zone=UTC, now=NOW) == "earlier today"
    assert time_in_words(late, "en", zone=ZoneInfo("America/Chicago"), now=NOW) == "yesterday"


class TestTemplates:
    def test_every_kind_has_a_line_in_every_language_and_tone(self) -> None:
        wanted = {
            (kind.key, language, tone) for kind in DEFAULT_KINDS for language in LANGUAGES for tone in TONES
        }
        assert set(TEMPLATES) == wanted
        assert {key: found for key, line in TEMPLATES.items() if (found := problems(line))} == {}

    @pytest.mark.parametrize(
        ("template", "expected"),
        [
            ("{a} and [{b}|nobody]", "A and nobody"),
            ("[{b}|{a}|nobody]", "A"),
            ("hello[ from {b}].", "hello."),
            ("hello from {b}.", None),
            ("{c}", None),
            ("[{a}", None),
        ],
        ids=[
            "the last choice needs nothing",
            "the first that can be said",
            "an optional part is dropped",
            "a needed fact is missing",
            "a fact nobody knows",
            "brackets that do not close",
        ],
    )
    def test_are_filled_or_not_used(self, template: str, expected: str | None) -> None:
        assert fill(template, {"a": "A", "b": ""}) == expected

    @pytest.mark.parametrize(
        ("template", "named"),
        [
            ("We met [at {campaign}", "each [ needs its ]"),
            ("We met [at [{campaign}]]", "each [ needs its ]"),
            ("You like {colour}", f"{{colour}} is no fact; known are {', '.join(FACTS)}"),
            ("We met {when", "each { needs its }"),
        ],
        ids=["an open bracket", "a bracket in a bracket", "an unknown fact", "an open brace"],
    )
    def test_what_is_wrong_is_said_to_whoever_edits_them(self, template: str, named: str) -> None:
        assert any(named in problem for problem in problems(template))


@pytest.mark.parametrize(
    ("fact", "expected"),
    [
        (Fact(1, "referral", NOW, referred_by="Ann Lee"), "referred by Ann Lee"),
        (FAIR, "met at ABC Expo"),
        (Fact(1, "event", NOW), "met in person"),
        (FOLLOW, "followed us on LinkedIn"),
        (Fact(1, "social_follow", NOW, campaign="Spring"), "followed us"),
        (
            Fact(1, "podcast_guest", NOW, campaign="Episode 3", kind_label="Podcast guest"),
            "Podcast guest (Episode 3)",
        ),
        (Fact(1, "podcast_guest", NOW), "podcast_guest"),
    ],
    ids=[
        "by whom",
        "where",
        "unknown where",
        "on which network",
        "no network",
        "a kind of their own",
        "its key",
    ],
)
def test_reasons_in_words(fact: Fact, expected: str) -> None:
    assert in_words(fact) == expected


def test_every_kind_has_words_for_its_reason() -> None:
    assert all(in_words(Fact(1, kind.key, NOW)) != kind.key for kind in DEFAULT_KINDS)
