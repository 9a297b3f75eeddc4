"""What does a talk track say to this lead? Its texts with their fields filled in, its questions, the next voicemail.

A text asks for a field in braces, `{company}`. What stands in square brackets is said only where every field in it is
known, `[a|b]` says the first that can be said. A field outside brackets that is not known leaves a gap that shows, so
that nobody reads out a name that is not there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple, Protocol, TypeVar

from django.utils.text import slugify
from django.utils.translation import gettext

from leads.law import ANYWHERE

from . import icebreaker, prepared

# A pitch that is longer is not listened to.
MOST_WORDS = 60
MOST_QUESTIONS = 8
MOST_OBJECTIONS = 20
MOST_VOICEMAILS = 6
GAP = "…"
# What a text may ask for: the same as in the prepared messages of a cadence.
NAMES = tuple(prepared.NAMES)
_PLACE = re.compile(r"^(\*|[A-Z]{2}(-[A-Z0-9]{1,3})?)$")


@dataclass(frozen=True, slots=True)
class Tip:
    """An answer that is often given, and what to say to it."""

    answer: str
    tip: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """`field` names what is learned, whatever the wording; `tip` is said where none of the answers fits."""

    field: str
    question: str
    tip: str = ""
    answers: tuple[Tip, ...] = ()


@dataclass(frozen=True, slots=True)
class Objection:
    objection: str
    answer: str


@dataclass(frozen=True, slots=True)
class Voicemail:
    """What is said after the beep, and in a few words what it offers."""

    text: str
    offer: str = ""


@dataclass(frozen=True, slots=True)
class Disclosure:
    """What the law of a place wants said: "US", "US-NY", or "*" for everywhere."""

    place: str
    text: str


@dataclass(frozen=True, slots=True)
class Script:
    """Everything a track says."""

    opening: str = ""
    intro: str = ""
    pitch: str = ""
    questions: tuple[Question, ...] = ()
    objections: tuple[Objection, ...] = ()
    voicemails: tuple[Voicemail, ...] = ()
    disclosures: tuple[Disclosure, ...] = ()


class Problem(NamedTuple):
    """What is wrong with a script; `field` names the part of it."""

    field: str
    text: str


class NextVoicemail(NamedTuple):
    """The text for one more voicemail; `number` says which of the track's it is."""

    number: int
    of: int
    text: str
    offer: str


# --- kept as JSON ------------------------------------------------------------------------------------------------


def as_kept(script: Script) -> dict[str, Any]:
    """The columns of a track's row."""
    return {
        "opening": script.opening,
        "intro": script.intro,
        "pitch": script.pitch,
        "questions": [
            asdict(one) | {"answers": [asdict(tip) for tip in one.answers]} for one in script.questions
        ],
        "objections": [asdict(one) for one in script.objections],
        "voicemail": [asdict(one) for one in script.voicemails],
        "disclosures": {one.place: one.text for one in script.disclosures},
    }


def script_of(row: Any) -> Script:
    """The script that a track's row holds."""
    return Script(
        opening=row.opening,
        intro=row.intro,
        pitch=row.pitch,
        questions=tuple(
            Question(
                one.get("field") or field_of(one["question"]),
                one["question"],
                one.get("tip", ""),
                tuple(Tip(**tip) for tip in one.get("answers", ())),
            )
            for one in row.questions
        ),
        objections=tuple(Objection(one["objection"], one["answer"]) for one in row.objections),
        voicemails=tuple(Voicemail(one["text"], one.get("offer", "")) for one in row.voicemail),
        disclosures=tuple(Disclosure(place, text) for place, text in row.disclosures.items()),
    )


def field_of(question: str) -> str:
    """The name under which answers to a question are kept, where nobody gave it another."""
    return slugify(question, allow_unicode=True)[:60].strip("-") or "question"


# --- what may be saved -------------------------------------------------------------------------------------------


def words(text: str) -> int:
    """How many words a text has: a field counts as one, a dash as none."""
    flat = re.sub(r"\{[^{}]*\}", "x", text)
    return sum(any(letter.isalnum() for letter in part) for part in re.split(r"[\s\[\]|]+", flat))


def problems(script: Script) -> list[Problem]:
    """Why a script cannot be saved, naming the part; empty where it can."""
    found = [*_lengths(script), *_doubles(script)]
    for field, where, text in _texts(script):
        for problem in icebreaker.problems(text, known=NAMES):
            found.append(Problem(field, f"{where}: {problem}." if where else f"{problem}."))
    for n, voicemail in enumerate(script.voicemails, start=1):
        if "{" in voicemail.offer:
            # It stands in the timeline as what was offered, whoever it was left for.
            text = gettext("Voicemail %(n)d: say what it offers in plain words, without fields.") % {"n": n}
            found.append(Problem("voicemails", text))
    for one in script.disclosures:
        if not _PLACE.match(one.place):
            said = gettext("“%(place)s” is no place; expected a country as in US, a state as in US-NY, or *.")
            found.append(Problem("disclosures", said % {"place": one.place}))
    return found


def missing(script: Script) -> list[Problem]:
    """What a script still lacks before it can be approved."""
    found = []
    if not (script.opening or script.intro):
        found.append(Problem("intro", gettext("Say who we are and why we call.")))
    if not script.pitch:
        found.append(Problem("pitch", gettext("A track needs a pitch.")))
    return found


def _lengths(script: Script) -> list[Problem]:
    found = []
    count = words(script.pitch)
    if count > MOST_WORDS:
        said = gettext("The pitch has %(n)d words; expected at most %(most)d.")
        found.append(Problem("pitch", said % {"n": count, "most": MOST_WORDS}))
    for field, rows, most in (
        ("questions", script.questions, MOST_QUESTIONS),
        ("objections", script.objections, MOST_OBJECTIONS),
        ("voicemails", script.voicemails, MOST_VOICEMAILS),
    ):
        if len(rows) > most:
            said = gettext("%(n)d rows; expected at most %(most)d.")
            found.append(Problem(field, said % {"n": len(rows), "most": most}))
    return found


def _doubles(script: Script) -> list[Problem]:
    found = []
    said = gettext("“%(name)s” stands there twice.")
    for field, names in (
        ("questions", [one.field for one in script.questions]),
        ("disclosures", [one.place for one in script.disclosures]),
    ):
        twice = sorted({name for name in names if names.count(name) > 1})
        found += [Problem(field, said % {"name": name}) for name in twice]
    return found


def _texts(script: Script) -> Iterable[tuple[str, str, str]]:
    """(part, where in it, text) of everything that is said."""
    yield "opening", "", script.opening
    yield "intro", "", script.intro
    yield "pitch", "", script.pitch
    for n, question in enumerate(script.questions, start=1):
        where = gettext("Question %(n)d") % {"n": n}
        yield "questions", where, question.question
        yield "questions", where, question.tip
        for tip in question.answers:
            yield "questions", where, tip.tip
    for n, objection in enumerate(script.objections, start=1):
        where = gettext("Objection %(n)d") % {"n": n}
        yield "objections", where, objection.objection
        yield "objections", where, objection.answer
    for n, voicemail in enumerate(script.voicemails, start=1):
        where = gettext("Voicemail %(n)d") % {"n": n}
        yield "voicemails", where, voicemail.text
        yield "voicemails", where, voicemail.offer
    for disclosure in script.disclosures:
        yield "disclosures", disclosure.place, disclosure.text


# --- said to somebody --------------------------------------------------------------------------------------------


def said(text: str, facts: Mapping[str, str]) -> str:
    """The text for one lead; a field that is not known and stands outside brackets leaves a gap."""
    parts = []
    # Every second part stood in brackets. Each is filled on its own: what is filled in is never read again.
    for index, part in enumerate(re.split(r"\[([^\[\]]*)\]", text)):
        if index % 2:
            parts.append(icebreaker.fill(f"[{part}]", facts) or "")
        else:
            parts.append(re.sub(r"\{([^{}]*)\}", lambda found: facts.get(found[1]) or GAP, part))
    return "".join(parts).strip()


def gaps(script: Script, facts: Mapping[str, str]) -> list[str]:
    """The fields that the script asks for outside brackets and that are not known, each once."""
    names: dict[str, None] = {}
    for _field, _where, text in _texts(script):
        flat = re.sub(r"\[[^\[\]]*\]", "", text)
        names |= {name: None for name in re.findall(r"\{([^{}]*)\}", flat) if not facts.get(name)}
    return list(names)


def spoken(script: Script, facts: Mapping[str, str]) -> Script:
    """The whole script as it is said to one lead."""
    return Script(
        opening=said(script.opening, facts),
        intro=said(script.intro, facts),
        pitch=said(script.pitch, facts),
        questions=tuple(
            Question(
                one.field,
                said(one.question, facts),
                said(one.tip, facts),
                tuple(Tip(tip.answer, said(tip.tip, facts)) for tip in one.answers),
            )
            for one in script.questions
        ),
        objections=tuple(
            Objection(said(one.objection, facts), said(one.answer, facts)) for one in script.objections
        ),
        voicemails=tuple(
            Voicemail(said(one.text, facts), said(one.offer, facts)) for one in script.voicemails
        ),
        disclosures=tuple(Disclosure(one.place, said(one.text, facts)) for one in script.disclosures),
    )


def voicemail(script: Script, left: int) -> NextVoicemail | None:
    """What to leave after `left` voicemails: each its own text, and the last again once all are used."""
    if not script.voicemails:
        return None
    number = min(left + 1, len(script.voicemails))
    chosen = script.voicemails[number - 1]
    return NextVoicemail(number, len(script.voicemails), chosen.text, chosen.offer)


def disclosed(
    own: Iterable[Disclosure], fallback: Iterable[Disclosure], places: Sequence[str]
) -> list[Disclosure]:
    """What must be said first in these places, what holds everywhere before countries and states.

    What a track does not say of a place is taken from `fallback`, best first: what the law wants said must not be lost
    by a track of one's own.
    """
    texts: dict[str, str] = {}
    for one in (*own, *fallback):
        texts.setdefault(one.place, one.text)
    wanted = dict.fromkeys((ANYWHERE, *places))
    return [Disclosure(place, texts[place]) for place in wanted if texts.get(place)]


# --- which track -------------------------------------------------------------------------------------------------


class Candidate(Protocol):
    """A version in use."""

    language: str
    segment_id: int | None
    for_all: bool
    position: int
    pk: int


C = TypeVar("C", bound=Candidate)


def languages(*wanted: str) -> list[str]:
    """The languages to look for, best first: as wanted, else without the region, English last."""
    found: dict[str, None] = {}
    for language in (*wanted, "en"):
        found |= dict.fromkeys(one for one in (language.lower(), language.lower().split("-")[0]) if one)
    return list(found)


def ranked(tracks: Iterable[C], *, wanted: Sequence[str]) -> list[C]:
    """The tracks in these languages, best first: by language, those for a segment before those for everybody."""
    order = {language: n for n, language in enumerate(wanted)}
    usable = [one for one in tracks if one.language in order and (one.for_all or one.segment_id)]
    return sorted(usable, key=lambda one: (order[one.language], one.for_all, one.position, one.pk))


def chosen(tracks: Iterable[C], *, wanted: Sequence[str], segments: set[int]) -> C | None:
    """The track for a lead that these of the segments hold: words they understand come before words made for them."""
    fitting = (one for one in ranked(tracks, wanted=wanted) if one.for_all or one.segment_id in segments)
    return next(fitting, None)


def everybodys(tracks: Iterable[C], language: str) -> list[C]:
    """The tracks for everybody in one language, best first."""
    return [one for one in ranked(tracks, wanted=[language]) if one.for_all]
