"""Which stage does a lead reach by what happened?"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchpoints.stages import EVENTS, STAGES, Event, Stage, advance

CALLS: tuple[Event, ...] = ("attempted", "reached", "conversation", "meeting")


@pytest.mark.parametrize(
    ("current", "event", "expected"),
    [
        ("new", "attempted", "attempted"),
        ("attempted", "reached", "reached"),
        ("attempted", "conversation", "conversation"),
        ("new", "meeting", "meeting"),
        ("conversation", "attempted", None),
        ("reached", "reached", None),
        ("held", "meeting", None),
        ("meeting", "held", "held"),
        ("meeting", "no_show", "conversation"),
        ("held", "no_show", None),
        ("attempted", "lost", "lost"),
        ("held", "won", "won"),
        ("won", "lost", None),
        ("won", "conversation", None),
        ("lost", "reached", None),
        ("lost", "meeting", "meeting"),
        ("lost", "won", "won"),
        ("lost", "reopened", "attempted"),
        ("won", "reopened", "attempted"),
        ("reached", "reopened", None),
    ],
    ids=[
        "a first dial",
        "the lead in person",
        "a conversation at once",
        "a meeting at once",
        "a later dial never goes back",
        "the same again is no move",
        "a second meeting keeps held",
        "a meeting takes place",
        "a no-show goes back to the conversation",
        "what was held stays held",
        "disqualified",
        "a sale",
        "a sale is not lost by a call",
        "nor talked away",
        "a dial alone revives nobody",
        "a meeting does",
        "so does a sale",
        "a new pursuit of a lost lead",
        "and of a customer",
        "a lead in pursuit is not reopened",
    ],
)
def test_moves(current: Stage, event: Event, expected: Stage | None) -> None:
    assert advance(current, event) == expected


@given(st.sampled_from(STAGES), st.lists(st.sampled_from(CALLS)))
def test_calls_never_move_a_lead_backwards(start: Stage, events: list[Event]) -> None:
    stage = start
    for event in events:
        moved = advance(stage, event)
        if moved is not None:
            assert stage == "lost" or STAGES.index(moved) > STAGES.index(stage)
            stage = moved


@pytest.mark.parametrize(("stage", "event"), [("lukewarm", "won"), ("new", "sang")])
def test_unknown_words_are_refused_with_those_allowed(stage: str, event: str) -> None:
    with pytest.raises(ValueError, match="must be one of"):
        advance(stage, event)  # type: ignore[arg-type]


def test_every_event_is_decided_for_every_stage() -> None:
    assert all(advance(stage, event) in (None, *STAGES) for stage in STAGES for event in EVENTS)
