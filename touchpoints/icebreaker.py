"""What does the rep say first, so that it is warm and true?

A line is a template filled with what the touchpoint holds, and says nothing that it does not hold: `{fact}`
is a fact, `[...]` is said only where every fact in it is held, `[a|b]` says the first that can be said. A
template of which a needed fact is missing is not used. The language is the lead's, not that of the screen.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo

from django.utils.translation import gettext

from .time_in_words import time_in_words

LANGUAGES = ("en", "da", "pl", "ru")
TONES = ("formal", "informal")
FACTS = ("when", "campaign", "network", "referred_by", "colleague")

# Where one of us was there in person, "we met" would be untrue of a colleague's meeting: it has to name them.
IN_PERSON = frozenset({"event", "meeting_held", "conversation", "visit"})
# The second piece of evidence is worth a sentence from this share on.
WORTH_SAYING = 0.2

Templates = Mapping[tuple[str, str, str], str]


@dataclass(frozen=True, slots=True)
class Fact:
    """One touchpoint as it may be spoken of; `by` names which of our people took part, "" where unknown."""

    id: int
    kind: str
    occurred_at: datetime
    campaign: str = ""
    network: str = ""
    referred_by: str = ""
    by: str = ""
    share: float = 1.0
    kind_label: str = ""


@dataclass(frozen=True, slots=True)
class Person:
    """Whom the line is said to; `zone` says what "yesterday" is."""

    first_name: str = ""
    last_name: str = ""
    salutation: str = ""
    zone: tzinfo = UTC


@dataclass(frozen=True, slots=True)
class Promised:
    """What was promised last time, in our words, when, and by whom of ours."""

    text: str
    made_at: datetime
    by: str = ""


def icebreaker(
    evidence: Sequence[Fact],
    person: Person,
    *,
    caller: str,
    language: str,
    tone: str,
    templates: Templates,
    now: datetime,
    promise: Promised | None = None,
    firm: str = "",
) -> str:
    """The opening line: greeting, promise first, then the strongest evidence (two pieces where both weigh).

    `templates` is keyed by kind, language and tone. A language outside LANGUAGES speaks English. Evidence
    without a usable template is spoken of in general words; without evidence and promise the line is an
    honest cold one.
    """
    language = language.split("-")[0].lower()
    language = language if language in LANGUAGES else "en"
    said = [greeting(person, language=language, tone=tone, now=now)]
    if promise is not None:
        said.append(_promise_line(promise, person, caller, language, now))
        # The talk in which it was promised is what the promise speaks of already; beside it only what weighs is said.
        evidence = [fact for fact in evidence if fact.kind != "conversation" and fact.share >= WORTH_SAYING]
    for fact in _worth_saying(evidence):
        said.append(
            line(fact, person, caller=caller, language=language, tone=tone, templates=templates, now=now)
        )
    if len(said) == 1:
        said.append(fill(_COLD[language], {"caller": caller, "firm": firm}) or "")
    return " ".join(part for part in said if part)


def line(
    fact: Fact, person: Person, *, caller: str, language: str, tone: str, templates: Templates, now: datetime
) -> str:
    """The sentence about one touchpoint, by its template or, where none may be used, in general words."""
    when = time_in_words(fact.occurred_at, language, zone=person.zone, now=now)
    facts = {
        "when": when,
        "campaign": fact.campaign,
        "network": fact.network,
        "referred_by": fact.referred_by,
        "colleague": _colleague(fact.by, caller),
    }
    other_tone = TONES[1 - TONES.index(tone)] if tone in TONES else TONES[0]
    for template in (
        templates.get((fact.kind, language, tone)),
        templates.get((fact.kind, language, other_tone)),
    ):
        if not template or (facts["colleague"] and _names_who(fact.kind) and "{colleague}" not in template):
            continue
        text = fill(template, facts)
        if text:
            return text[0].upper() + text[1:]
    return fill(_GENERAL[language], facts) or ""


def greeting(person: Person, *, language: str, tone: str, now: datetime) -> str:
    """The salutation: Danes by first name; Polish and Russian forms as entered, never bent by us."""
    hour = now.astimezone(person.zone).hour
    name = _address(person, language, tone)
    if language == "en" and tone != "informal":
        hello = "Good morning" if hour < 12 else "Good afternoon" if hour < 18 else "Good evening"
    else:
        hello = _HELLO[language][tone == "informal"]
    comma = "" if (language, tone) in (("en", "informal"), ("da", "informal")) else ","
    return f"{hello}{comma} {name}." if name else f"{hello}."


def fill(template: str, facts: Mapping[str, str]) -> str | None:
    """The template with its facts, None where one that it needs is missing or blank."""
    if problems(template, known=tuple(facts)):
        return None
    said = []
    # Every second part stood in brackets. Each is filled on its own: a fact's text is never read again.
    for index, part in enumerate(re.split(r"\[([^\[\]]*)\]", template)):
        text = _first_sayable(part, facts) if index % 2 else _filled(part, facts)
        if text is None:
            return None
        said.append(text)
    return "".join(said)


def problems(template: str, known: Sequence[str] = FACTS) -> list[str]:
    """What is wrong with a template, in words for whoever edits it; empty where it can be used."""
    found = []
    flat = re.sub(r"\[[^\[\]]*\]", "", template)
    if "[" in flat or "]" in flat:
        found.append(gettext("each [ needs its ], and none may stand inside another"))
    for name in re.findall(r"\{([^{}]*)\}", template):
        if name not in known:
            names = ", ".join(known)
            found.append(
                gettext("{%(name)s} is no fact; known are %(names)s") % {"name": name, "names": names}
            )
    if re.search(r"[{}]", re.sub(r"\{[^{}]*\}", "", template)):
        found.append(gettext("each { needs its }"))
    return found


def examples(kind: str, template: str, *, caller: str, language: str, tone: str, now: datetime) -> list[str]:
    """How a template reads of a touchpoint that holds every fact, one that a colleague had, and one that holds none.

    Where it may not be used, the general words that are said instead.
    """
    at = now - timedelta(days=6)
    full = Fact(1, kind, at, campaign="ABC Expo", network="LinkedIn", referred_by="Ann Lee")
    templates = {(kind, language, tone): template}
    facts = [full, replace(full, by="Bo Chen"), Fact(1, kind, at)]
    said = [
        line(fact, Person(), caller=caller, language=language, tone=tone, templates=templates, now=now)
        for fact in facts
    ]
    return list(dict.fromkeys(said))


# Whom the lines are read to where they are edited: names and forms of address as people enter them.
_READ_TO = {
    "en": Person("Marta", "Jensen", "Ms"),
    "da": Person("Marta", "Jensen"),
    "pl": Person("Anna", "Nowak", "Pani Anno"),
    "ru": Person("Анна", "Петрова", "Анна Сергеевна"),
}


def example_greeting(*, language: str, tone: str, now: datetime) -> str:
    """The greeting before a line, as somebody of that language would hear it."""
    return greeting(_READ_TO[language], language=language, tone=tone, now=now)


def in_words(fact: Fact) -> str:
    """What the touchpoint was, for the reasons shown to the rep: "referred by Ann Lee", "met at ABC Expo"."""
    named, bare = _REASONS.get(fact.kind, ("", ""))
    detail = fact.referred_by or fact.campaign or fact.network
    if fact.kind in _BY_NETWORK:
        detail = fact.network
    if named and detail:
        return gettext(named) % {"detail": detail}
    if bare:
        return gettext(bare)
    return f"{fact.kind_label or fact.kind} ({detail})" if detail else fact.kind_label or fact.kind


def _worth_saying(evidence: Sequence[Fact]) -> list[Fact]:
    ordered = sorted(evidence, key=lambda fact: (-fact.share, fact.occurred_at, fact.id))
    first = ordered[:1]
    second = [fact for fact in ordered[1:] if fact.share >= WORTH_SAYING and fact.kind != ordered[0].kind]
    return first + second[:1]


def _names_who(kind: str) -> bool:
    """Whether a line about this kind has to name the colleague whose it was; a kind of one's own may be a meeting."""
    return kind in IN_PERSON or kind not in _REASONS


def _colleague(by: str, caller: str) -> str:
    """Who it was if not the caller; "" where it was the caller or is unknown."""
    return "" if by.strip().casefold() == caller.strip().casefold() else by.strip()


def _promise_line(promise: Promised, person: Person, caller: str, language: str, now: datetime) -> str:
    facts = {
        "when": time_in_words(promise.made_at, language, zone=person.zone, now=now),
        "colleague": _colleague(promise.by, caller),
        "text": promise.text.strip().rstrip("."),
    }
    return fill((_CALL_BACK if promise.text == CALL_BACK else _PROMISE)[language], facts) or ""


def _address(person: Person, language: str, tone: str) -> str:
    first, last, title = person.first_name.strip(), person.last_name.strip(), person.salutation.strip()
    if language == "da" or (language == "en" and tone == "informal"):
        return first
    if language == "en":
        return f"{title} {last}" if title and last else f"{first} {last}".strip()
    # A form of several words ("Pani Anno") is complete; a bare title goes with the name as entered.
    if title:
        return title if " " in title or not last else f"{title} {last}"
    return first if language == "ru" or tone == "informal" else ""


def _first_sayable(choices: str, facts: Mapping[str, str]) -> str:
    for choice in choices.split("|"):
        text = _filled(choice, facts)
        if text is not None:
            return text
    return ""


def _filled(text: str, facts: Mapping[str, str]) -> str | None:
    names = re.findall(r"\{(\w+)\}", text)
    if not all(facts.get(name) for name in names):
        return None
    return re.sub(r"\{(\w+)\}", lambda name: facts[name[1]], text)


_HELLO = {
    "en": ("Good afternoon", "Hi"),
    "da": ("Goddag", "Hej"),
    "pl": ("Dzień dobry", "Dzień dobry"),
    "ru": ("Здравствуйте", "Здравствуйте"),
}
_PROMISE = {
    "en": "[My colleague {colleague}|We] promised you {when}: {text}.",
    "da": "[Min kollega {colleague}|Vi] lovede dig {when}: {text}.",
    "pl": "Nasza obietnica złożona {when}[ ({colleague})]: {text}.",
    "ru": "Мы обещали вам {when}[ ({colleague})]: {text}.",
}
# An agreed callback is kept as a promise under this text; the lead asked for it, and so it is said.
CALL_BACK = "call back"
_CALL_BACK = {
    "en": "You asked [my colleague {colleague}|us] {when} to call back.",
    "da": "Du bad [min kollega {colleague}|os] {when} om at ringe tilbage.",
    "pl": "Umówiliśmy się na telefon {when}[ (z naszej strony: {colleague})].",
    "ru": "Мы договорились о звонке {when}[ (с нашей стороны: {colleague})].",
}
_GENERAL = {
    "en": "[My colleague {colleague} was|We were] in touch with you {when}.",
    "da": "[Min kollega {colleague} var|Vi var] i kontakt med dig {when}.",
    "pl": "Nasz ostatni kontakt był {when}[ (z naszej strony: {colleague})].",
    "ru": "Наш последний контакт был {when}[ (с нашей стороны: {colleague})].",
}
_COLD = {
    "en": "My name is {caller}[ from {firm}], and I am calling without an appointment. Is now a good time?",
    "da": "Jeg hedder {caller}[ fra {firm}], og jeg ringer uden aftale. Passer det lige nu?",
    "pl": "Nazywam się {caller}[, {firm}], i dzwonię bez zapowiedzi. Czy to dobry moment?",
    "ru": "Меня зовут {caller}[, {firm}], звоню без предварительной договорённости. Вам удобно говорить?",
}


def gettext_noop(text: str) -> str:
    """Mark a phrase for makemessages and return it."""
    return text


_BY_NETWORK = frozenset({"social_follow", "social_engagement", "social_message"})
# For each kind: the words with a detail, and without one.
_REASONS: dict[str, tuple[str, str]] = {
    "referral": (gettext_noop("referred by %(detail)s"), gettext_noop("referred")),
    "meeting_held": ("", gettext_noop("met for a meeting")),
    "inbound_call": ("", gettext_noop("called us")),
    "conversation": ("", gettext_noop("spoke with us")),
    "event": (gettext_noop("met at %(detail)s"), gettext_noop("met in person")),
    "email_reply": (gettext_noop("replied by mail to %(detail)s"), gettext_noop("replied by mail")),
    "text_reply": ("", gettext_noop("replied by text")),
    "direct_mail_response": (
        gettext_noop("answered the mailing %(detail)s"),
        gettext_noop("answered a mailing"),
    ),
    "past_customer": ("", gettext_noop("was a customer")),
    "web_form": (gettext_noop("asked to be contacted (%(detail)s)"), gettext_noop("asked to be contacted")),
    "callback_request": ("", gettext_noop("asked for a call")),
    "webinar": (gettext_noop("was at the webinar %(detail)s"), gettext_noop("was at a webinar")),
    "content_download": (gettext_noop("downloaded %(detail)s"), gettext_noop("downloaded something")),
    "social_follow": (gettext_noop("followed us on %(detail)s"), gettext_noop("followed us")),
    "direct_mail": (gettext_noop("was sent %(detail)s"), gettext_noop("was sent a mailing")),
    "social_engagement": (gettext_noop("reacted to us on %(detail)s"), gettext_noop("reacted to us")),
    "event_registered": (gettext_noop("registered for %(detail)s"), gettext_noop("registered for an event")),
    "website_visit": ("", gettext_noop("visited our website")),
    "email_sent": (gettext_noop("was sent the mail %(detail)s"), gettext_noop("was sent a mail")),
    "text_sent": ("", gettext_noop("was sent a text")),
    "social_message": (gettext_noop("was written to on %(detail)s"), gettext_noop("was sent a message")),
    "voicemail_left": ("", gettext_noop("was left a voicemail")),
    "visit": ("", gettext_noop("was visited, nobody met")),
}
