"""Which words ask us to stop, in the languages of the product, and do they make up a whole line? Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

_SINGLE = {
    "en": "stop stopall quit end revoke optout cancel unsubscribe",
    "da": "stop slut afslut stands ophør tilbagekald tilbagetræk frameld framelding frabedes annuller afmeld afmelding"
    " afbestil",
    "pl": "stop stój koniec zakończ przestań przestańcie cofam wycofuję odwołuję odwołaj rezygnuję rezygnacja anuluj"
    " wypisz wypiszcie wypisuję sprzeciw",
    "ru": "стоп хватит прекратите прекрати прекратить конец закончить завершить отозвать отзываю отказ отказываюсь"
    " отменить отмена отмените отписаться отпишите отписка отписаться",
}
_PHRASES = (
    # English
    "opt out",
    "opt me out",
    "stop all",
    "stop it",
    "stop calling",
    "stop calling me",
    "stop texting me",
    "stop contacting me",
    "do not call",
    "do not call me",
    "do not call me again",
    "do not call again",
    "don't call",
    "don't call me",
    "don't call me again",
    "do not contact me",
    "don't contact me",
    "no more calls",
    "remove me",
    "remove me from your list",
    "take me off your list",
    "unsubscribe me",
    "i unsubscribe",
    "i revoke my consent",
    "revoke consent",
    "cancel my subscription",
    # Danish
    "meld mig ud",
    "meld mig fra",
    "afmeld mig",
    "frameld mig",
    "fjern mig",
    "slet mig",
    "ring ikke",
    "ring ikke igen",
    "ring ikke mere",
    "ring ikke til mig",
    "ikke flere opkald",
    "kontakt mig ikke",
    "stop med at ringe",
    "jeg frabeder mig opkald",
    "tilbagekald samtykke",
    "jeg trækker mit samtykke tilbage",
    # Polish
    "nie dzwoń",
    "nie dzwonić",
    "nie dzwońcie",
    "nie dzwoń więcej",
    "nie dzwonić więcej",
    "nie dzwońcie do mnie",
    "nie kontaktować się",
    "wypisz mnie",
    "wypisuję się",
    "usuń mnie",
    "usuńcie mnie",
    "usuń mnie z listy",
    "cofam zgodę",
    "wycofuję zgodę",
    "odwołuję zgodę",
    "nie wyrażam zgody",
    # Russian
    "не звоните",
    "не звони",
    "не звонить",
    "не звоните мне",
    "не звоните мне больше",
    "больше не звоните",
    "больше не звонить",
    "не беспокоить",
    "отпишите меня",
    "удалите меня",
    "удалите мой номер",
    "отзываю согласие",
    "отзываю своё согласие",
)
_COURTESY = (
    "please pls plz thanks thank you hi hello hey now immediately ok okay sir madam"
    " tak venligst hej nu straks mange"
    " proszę prosze dziękuję dzięki dzień dobry witam natychmiast"
    " пожалуйста спасибо здравствуйте добрый день немедленно"
)
_CALLS = re.compile(r"\b(?:call|calls|calling|phone|ring|ringe|opkald|dzwon\w*|звон\w*)\b", re.IGNORECASE)
_LEAVES_LIST = re.compile(
    r"\b(?:unsubscribe|opt ?out|subscription|afmeld\w*|frameld\w*|wypis\w*|отпис\w*|отпиш\w*)\b"
)
# Where the word is another one's part or an ordinary noun: "the end of March", "til slut", "pod koniec".
_HARMLESS = re.compile(
    r"\b(?:the|at|by|in|to|until|week|year|month|dead|front|back|high|low|other) end\b|\bend of\b|\bend(?=-)"
    r"|\b(?:full|bus|next|non) stop\b|\bstop by\b|\bstop in\b|\btil slut\b|\bpod koniec\b|\bna koniec\b|\bв конец\b"
)
# Letters that the Unicode tables do not take apart.
_FOLD = str.maketrans({"ł": "l", "ø": "o", "æ": "ae", "’": "'", "‘": "'", "`": "'", "ё": "е"})


def folded(text: str) -> str:
    """How words are compared: without case and accents, one space between them, no punctuation but the apostrophe."""
    text = unicodedata.normalize("NFKD", text.casefold().translate(_FOLD))
    text = "".join(sign for sign in text if not unicodedata.combining(sign))
    return " ".join(re.sub(r"[^\w']+", " ", text.translate(_FOLD)).replace("_", " ").split())


_WORDS = frozenset(folded(word) for words in _SINGLE.values() for word in words.split())
_WHOLE = _WORDS | {folded(phrase) for phrase in _PHRASES}
_POLITE = frozenset(folded(_COURTESY).split())
# Longest first, so that what is shown is all of it.
_ANYWHERE = re.compile(
    r"(?<![\w'])(?:" + "|".join(sorted(map(re.escape, _WHOLE), key=len, reverse=True)) + r")(?![\w'])"
)


def whole_line(text: str) -> str:
    """The line that says nothing but a stop word, as it was written; blank where none does."""
    for line in _lines(text):
        words = folded(line)
        if words in _WHOLE or " ".join(_without_courtesy(words)) in _WHOLE:
            return line
    return ""


def _lines(text: str) -> Iterator[str]:
    """The lines of a text, and the whole of it where a phone broke one sentence over several."""
    for line in text.splitlines():
        if line.strip():
            yield line.strip()
    if len(text) <= 200:
        yield " ".join(text.split())


def _without_courtesy(words: str) -> list[str]:
    return [word for word in words.split() if word not in _POLITE]


def of_calls(line: str) -> bool:
    """Whether it speaks of calls, whatever it answers."""
    return bool(_CALLS.search(folded(line)))


def leaves_list(line: str) -> bool:
    """Whether it is what one writes to be taken off a mailing list."""
    return bool(_LEAVES_LIST.search(folded(line)))


def word_within(text: str) -> str:
    """The stop word somewhere in a text, as it is compared; blank where there is none."""
    found = _ANYWHERE.search(_HARMLESS.sub(" ", folded(text)))
    return found[0][:60] if found else ""
