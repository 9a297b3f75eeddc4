"""Is a request to stop read where somebody wrote one, and nowhere else?"""

from __future__ import annotations

from typing import Any

import pytest

from touchpoints.revocation import Message, asks_to_stop, message_of, own_words


def read(text: str, kind: str = "email_reply", subject: str = "", **data: Any) -> str | None:
    asked = asks_to_stop(Message(kind, text, subject, data))
    return asked.kind if asked else None


@pytest.mark.parametrize(
    "text",
    [
        "STOP",
        "Stop!",
        "quit",
        "end",
        "revoke",
        "Opt out",
        "opt-out.",
        "CANCEL",
        "Unsubscribe",
        "  stop, please  ",
        "Please stop.",
        "🛑 STOP 🛑",
        "Don’t call me again",
        "Hi,\nSTOP\nThanks",
        "Afmeld",
        "AFMELD MIG TAK",
        "Frameld",
        "Annullér",
        "Ring ikke igen",
        "stop med at ringe",
        "Slut",
        "Rezygnuję",
        "rezygnuje",
        "Wypisz mnie, proszę",
        "Cofam zgodę",
        "ANULUJ",
        "Zakończ",
        "nie dzwońcie do mnie",
        "Стоп",
        "СТОП!!!",
        "Отписаться",
        "Отмена",
        "отзываю согласие",
        "Не звоните мне больше, пожалуйста",
        "Хватит",
    ],
)
def test_a_word_as_the_whole_message_or_line_is_a_wish(text: str) -> None:
    assert read(text) == "stop"
    assert read(text, "text_reply") == "stop"


@pytest.mark.parametrize(
    "text",
    [
        "I will cancel my other meeting, call me on Friday",
        "Please don't stop, tell me more",
        "We might quit our present supplier",
        "Vi stopper ikke, men det er slut med den gamle aftale",
        "Czy mogę anulować spotkanie? Nie, nie anuluj go jeszcze",
        "Не надо отменить встречу, стоп кран не нужен",
    ],
)
def test_elsewhere_in_a_text_the_word_only_warns(text: str) -> None:
    assert read(text) == "hint"


@pytest.mark.parametrize(
    "text",
    [
        "Yes, gladly",
        "",
        "endorsed nonstop cancellation-free weekend",
        "Let us talk at the end of the week",
        "I could stop by on Tuesday",
        "S T O P",
        "Vi ses til slut i maj",
        "pod koniec marca",
    ],
)
def test_other_words_ask_for_nothing(text: str) -> None:
    assert read(text) is None


QUOTED = {
    "marked": "Call me.\n> STOP\n>> stop",
    "english": "Call me.\n\nOn Tue, 3 Mar 2026 at 10:00, Ann Lee <ann@a.example> wrote:\nSTOP",
    "english over two lines": "Ok\n\nOn Tue, 3 Mar 2026 at 10:00, Ann Lee\n<a@b.example> wrote:\n> reply STOP\n> STOP",
    "danish": "Ring gerne\n\nDen tir. 3. mar. 2026 kl. 10.00 skrev Ann Lee <ann@a.example>:\nSTOP",
    "polish": "Proszę o telefon\nW dniu 3.03.2026 o 10:00, Ann Lee pisze:\nSTOP",
    "polish past": "ok\nwt., 3 mar 2026 o 10:00 Ann Lee <ann@a.example> napisał(a):\nSTOP",
    "russian": "Да\nвт, 3 мар. 2026 г. в 10:00, Ann Lee <ann@a.example> пишет:\nSTOP",
    "russian past": "Да\n3 марта 2026 г. Анна написал(а):\nСТОП",
    "outlook": "Yes\n\nFrom: Ann\nSent: Tuesday\nTo: Bo\nSubject: hello\n\nSTOP",
    "outlook danish": "Ja\n\nFra: Ann\nSendt: tirsdag\nTil: Bo\nEmne: hej\n\nSTOP",
    "outlook polish": "Tak\n\nOd: Ann\nWysłano: wtorek\nDo: Bo\nTemat: hej\n\nSTOP",
    "outlook russian": "Да\n\nОт: Анна\nОтправлено: вторник\nКому: Бо\nТема: привет\n\nСТОП",
    "divider": "Yes\n-----Original Message-----\nSTOP",
    "danish divider": "Ja\n-----Oprindelig meddelelse-----\nSTOP",
    "signature": "Sounds good\n-- \nSTOP\nAnn",
    "phone": "Sounds good\nSent from my iPhone\nSTOP",
    "html": "<div>Call me</div><blockquote><p>STOP</p></blockquote>",
    "gmail": '<div dir="ltr">Call me</div><div class="gmail_quote"><div>STOP</div></div>',
}


@pytest.mark.parametrize("text", QUOTED.values(), ids=QUOTED.keys())
def test_what_they_quote_is_not_theirs(text: str) -> None:
    assert asks_to_stop(message_of("email_reply", "", {"body": text})) is None


def test_an_answer_under_the_quotation_is_theirs() -> None:
    text = "On Tue, 3 Mar 2026 at 10:00, Ann Lee <ann@a.example> wrote:\n> May we call?\n\nSTOP"
    assert own_words(text).strip() == "STOP"
    assert read(text) == "stop"


@pytest.mark.parametrize(
    ("subject", "data"),
    [
        ("Out of office", {}),
        ("Automatic reply: our offer", {}),
        ("Autosvar: tilbud", {}),
        ("Jeg er ikke på kontoret", {}),
        ("Automatyczna odpowiedź: oferta", {}),
        ("Jestem poza biurem", {}),
        ("Автоответ: предложение", {}),
        ("Меня нет на месте, отсутствие на рабочем месте", {}),
        ("", {"auto_submitted": "auto-replied"}),
        ("", {"Auto-Submitted": "auto-generated"}),
        ("", {"headers": {"Precedence": "bulk"}}),
        ("", {"headers": [{"name": "X-Autoreply", "value": "yes"}]}),
    ],
    ids=str,
)
def test_a_machine_wishes_nothing(subject: str, data: dict[str, Any]) -> None:
    assert read("STOP", subject=subject, **data) is None


def test_headers_that_say_a_person_wrote_it_change_nothing() -> None:
    assert read("STOP", headers={"Auto-Submitted": "no", "Precedence": "normal"}) == "stop"


@pytest.mark.parametrize(
    ("kind", "text", "data", "expected"),
    [
        ("email_reply", "unsubscribe", {"newsletter": True}, "newsletter"),
        ("email_reply", "STOP", {"newsletter": True}, "newsletter"),
        ("email_reply", "do not call me", {"newsletter": True}, "stop"),
        ("email_reply", "unsubscribe", {"channel": "mail"}, "newsletter"),
        ("email_reply", "STOP", {"channel": "email"}, "stop"),
        ("newsletter_unsubscribed", "", {}, "newsletter"),
        ("newsletter_reply", "", {"event": "unsubscribe"}, "newsletter"),
        ("text_reply", "STOP", {"newsletter": True}, "stop"),
        ("website_visit", "STOP", {}, None),
    ],
    ids=str,
)
def test_leaving_a_newsletter_is_no_wish_about_calls(
    kind: str, text: str, data: dict[str, Any], expected: str | None
) -> None:
    assert read(text, kind, **data) == expected


def test_a_subject_alone_is_a_message_but_the_subject_of_an_answer_is_ours() -> None:
    assert read("", subject="Unsubscribe") == "stop"
    assert read("", subject="Re: Stop") is None
    assert read("Yes please", subject="Stop") is None


def test_the_body_a_tool_sent_counts_before_its_summary() -> None:
    assert message_of("email_reply", "STOP…", {"body": "Call me"}).text == "Call me"
    assert message_of("email_reply", "STOP", {"opened": 3}).text == "STOP"
