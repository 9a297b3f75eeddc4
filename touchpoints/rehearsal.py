"""Whom does a rep meet in a rehearsal, and what is said? Made up from a seed: the same seed is the same rehearsal.

Nothing here knows the database: nobody is called, no attempt is opened, no row is written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from random import Random
from statistics import median
from typing import Any, Literal

from .icebreaker import Fact

ROUNDS = 5
MOST_SAID = 3
LONGEST = timedelta(hours=2)
Meets = Literal["person", "gatekeeper", "voicemail", "nobody"]
# Far more often than on a real day somebody answers: that is what is practised.
_MEETS: tuple[Meets, ...] = ("person",) * 6 + ("gatekeeper", "gatekeeper", "voicemail", "nobody")
_EVIDENCE = ("event", "referral", "social_follow", "web_form", "")
_FIRST = {
    "en": ("Alex", "Robin", "Kim", "Charlie", "Sam", "Jamie"),
    "da": ("Anne", "Kim", "Bo", "Maria", "Jens", "Lone"),
    "pl": ("Anna", "Ewa", "Jan", "Piotr", "Maria", "Adam"),
    "ru": ("Анна", "Иван", "Мария", "Олег", "Ольга", "Пётр"),
}
_LAST = {
    "en": ("Example", "Sample", "Testing", "Instance"),
    "da": ("Eksempel", "Prøve", "Øvelse", "Forsøg"),
    "pl": ("Przykład", "Próba", "Wzór", "Ćwiczenie"),
    "ru": ("Пример", "Проба", "Образец", "Опыт"),
}
_ROLES = {
    "en": ("head of purchasing", "plant manager", "owner", "office manager"),
    "da": ("indkøbschef", "driftsleder", "ejer", "kontorchef"),
    "pl": ("kierownik zakupów", "dyrektor zakładu", "właściciel", "kierownik biura"),
    "ru": ("начальник закупок", "директор завода", "владелец", "офис-менеджер"),
}
_FIRMS = ("Sample & Sons", "Example Works", "Nowhere Ltd", "Placeholder Foods", "Specimen Tools")


@dataclass(frozen=True, slots=True)
class Person:
    """A lead who does not exist. The numbers are of those kept for stories (555-0100 to 555-0199)."""

    first_name: str
    last_name: str
    job_title: str
    company: str
    numbers: tuple[str, str]
    language: str
    salutation: str = ""

    @property
    def name(self) -> str:
        return f"{self.first_name} {self.last_name}"

    def facts(self, user: Any, *, firm: str) -> dict[str, str]:
        """What a talk track may say of them, and of whoever calls."""
        return {
            "first_name": self.first_name,
            "last_name": self.last_name,
            "name": self.name,
            "company": self.company,
            "job_title": self.job_title,
            "sender": user.get_full_name() or user.get_username(),
            "firm": firm,
        }


@dataclass(frozen=True, slots=True)
class Scene:
    """One round: who is rung, what is known of them, who answers, and which objections of the track they make."""

    person: Person
    meets: Meets
    attempt: int
    evidence: str
    days_ago: int
    objections: tuple[int, ...]

    def fact(self, *, now: datetime) -> Fact | None:
        """The touchpoint they are warm by; None where the call is cold."""
        if not self.evidence:
            return None
        return Fact(0, self.evidence, now - timedelta(days=self.days_ago), by="", referred_by="")


@dataclass(frozen=True, slots=True)
class Done:
    """One round that was rehearsed."""

    round: int
    outcome: str
    seconds: int
    heard: int
    answered: int


@dataclass(frozen=True, slots=True)
class State:
    """Where a rehearsal stands; it travels with the page, as nothing of it is kept."""

    seed: int
    track: int
    round: int = 0
    dialled_at: str = ""
    heard: int = 0
    done: tuple[Done, ...] = ()

    @property
    def over(self) -> bool:
        return self.round >= ROUNDS

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def state_of(told: Mapping[str, Any]) -> State:
    """The state that a page sent back."""
    return State(**{**told, "done": tuple(Done(**one) for one in told["done"])})


# --- made up -----------------------------------------------------------------------------------------------------


def person(seed: int, language: str, round: int = 0) -> Person:
    """Somebody who does not exist, with a name that says so."""
    dice = Random(f"person:{seed}:{round}")
    spoken = language if language in _FIRST else "en"
    first, last = dice.choice(_FIRST[spoken]), dice.choice(_LAST[spoken])
    line = dice.randrange(100, 199)
    return Person(
        first_name=first,
        last_name=last,
        job_title=dice.choice(_ROLES[spoken]),
        company=dice.choice(_FIRMS),
        numbers=(f"555-0{line}", f"555-0{line + 1}"),
        language=language,
    )


def scene(seed: int, round: int, *, language: str, objections: int) -> Scene:
    """One round of a rehearsal with a track of so many objections. No two rounds in a row begin with the same one."""
    dice = Random(f"scene:{seed}:{round}")
    meets = dice.choice(_MEETS)
    order = list(range(objections))
    Random(f"objections:{seed}").shuffle(order)
    # Turned on by one a round: over as many rounds as there are objections, each is met.
    turned = order[round % objections :] + order[: round % objections] if objections else []
    return Scene(
        person=person(seed, language, round),
        meets=meets,
        attempt=dice.randint(1, 12),
        evidence=dice.choice(_EVIDENCE),
        days_ago=dice.randint(1, 12),
        objections=tuple(turned[: dice.randint(1, MOST_SAID)]) if meets == "person" else (),
    )


# --- what the rep does -------------------------------------------------------------------------------------------


def dial(state: State, *, now: datetime) -> State:
    """The clock runs from here; a second dial changes nothing."""
    return state if state.dialled_at or state.over else replace(state, dialled_at=now.isoformat(), heard=0)


def hear(state: State, scene: Scene) -> State:
    """The next thing they say."""
    if not state.dialled_at:
        return state
    return replace(state, heard=min(state.heard + 1, len(scene.objections)))


def log(state: State, outcome: str, *, answered: int, now: datetime) -> State:
    """The round is over with this outcome; without a dial there is nothing to log."""
    if not state.dialled_at or state.over:
        return state
    spent = max(timedelta(), min(now - datetime.fromisoformat(state.dialled_at), LONGEST))
    row = Done(state.round, outcome, int(spent.total_seconds()), state.heard, answered)
    return replace(state, round=state.round + 1, dialled_at="", heard=0, done=(*state.done, row))


def undo(state: State, *, now: datetime) -> State:
    """Back to the round before, its outcome not said; the clock goes on from where it stood."""
    if not state.done:
        return state
    last = state.done[-1]
    begun = now - timedelta(seconds=last.seconds)
    return replace(
        state, round=last.round, dialled_at=begun.isoformat(), heard=last.heard, done=state.done[:-1]
    )


def skip(state: State) -> State:
    return state if state.over else replace(state, round=state.round + 1, dialled_at="", heard=0)


def finish(state: State) -> State:
    return replace(state, round=ROUNDS, dialled_at="", heard=0)


# --- what was practised ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Summary:
    """`fitting` of `calls` outcomes fit what happened; `objections`: (index in the track, how often it was heard)."""

    calls: int
    skipped: int
    fitting: int
    seconds: int
    answered: int
    objections: list[tuple[int, int]]


def fits(meets: Meets, outcome: str, *, connect: bool, reach: bool) -> bool:
    """Whether an outcome with these flags says what happened in a round."""
    if meets == "person":
        return reach or outcome in ("hung_up", "abusive", "do_not_call")
    if meets == "gatekeeper":
        return connect and not reach
    return outcome in (("voicemail_left", "no_answer") if meets == "voicemail" else ("no_answer",))


def summary(
    state: State, scenes: Sequence[Scene], flags: Mapping[str, tuple[bool, bool]], *, rounds: int = ROUNDS
) -> Summary:
    """What was practised. `scenes` by round; `flags`: (connect, reach) by outcome."""
    heard = Counter(index for row in state.done for index in scenes[row.round].objections[: row.heard])
    right = (
        fits(scenes[row.round].meets, row.outcome, connect=flags[row.outcome][0], reach=flags[row.outcome][1])
        for row in state.done
        if row.outcome in flags
    )
    return Summary(
        calls=len(state.done),
        skipped=rounds - len(state.done),
        fitting=sum(right),
        seconds=int(median(_seconds(state.done))) if state.done else 0,
        answered=sum(row.answered for row in state.done),
        objections=sorted(heard.items(), key=lambda one: (-one[1], one[0])),
    )


def _seconds(rows: Iterable[Done]) -> list[int]:
    return [row.seconds for row in rows]
