"""Which key does what on the call screen, for somebody who moved some of them?

Keys are named by what is printed on an English keyboard and go by their place: "d" is the key D sits on there, whatever
the layout writes on it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

# What a key does that is no outcome, with the key it is on until somebody moves it.
ACTIONS: Mapping[str, str] = {
    "dial": "d",
    "elsewhere": "e",
    "number": "a",
    "redial": "g",
    "note": "n",
    "skip": "s",
    "undo": "z",
    "more": "m",
    "research": "i",
    "objections": "o",
    "voicemail": "b",
}
KEYS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789")


@dataclass(frozen=True, slots=True)
class Clash:
    """Two things on one key."""

    key: str
    first: str
    second: str


def code_of(key: str) -> str:
    """The place of a key as browsers name it: "KeyD", "Digit1"."""
    return f"Digit{key}" if key.isdigit() else f"Key{key.upper()}"


def keys_of(outcomes: Mapping[str, str], own: Mapping[str, str]) -> dict[str, str]:
    """The key of every action and outcome. `outcomes` holds the workspace's keys, `own` what the user moved."""
    keys = {name: own.get(name) or key for name, key in {**ACTIONS, **outcomes}.items()}
    # Whoever had moved something onto a key before it came to be the standard of something else keeps it there.
    for name, key in keys.items():
        if name not in own and key in own.values():
            keys[name] = min(KEYS - set(keys.values()), default=key)
    return keys


def moved(outcomes: Mapping[str, str], wanted: Mapping[str, str]) -> dict[str, str]:
    """What differs from the workspace's keys: all that is kept of a user's choice."""
    standard = {**ACTIONS, **outcomes}
    return {name: key for name, key in wanted.items() if name in standard and key and key != standard[name]}


def clashes(keys: Mapping[str, str]) -> list[Clash]:
    """Every pair of neighbours that share a key; none where each key does one thing."""
    taken: dict[str, str] = {}
    found = []
    for name, key in keys.items():
        if key in taken:
            found.append(Clash(key, taken[key], name))
        taken.setdefault(key, name)
    return found
