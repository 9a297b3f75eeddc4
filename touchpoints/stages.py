"""Which stage does a lead reach by what happened? Every move of a lead's stage is decided here."""

from typing import Literal

Stage = Literal["new", "attempted", "reached", "conversation", "meeting", "held", "won", "lost"]
Event = Literal[
    "attempted", "reached", "conversation", "meeting", "held", "no_show", "won", "lost", "reopened"
]

STAGES: tuple[Stage, ...] = ("new", "attempted", "reached", "conversation", "meeting", "held", "won", "lost")
EVENTS: tuple[Event, ...] = (
    "attempted",
    "reached",
    "conversation",
    "meeting",
    "held",
    "no_show",
    "won",
    "lost",
    "reopened",
)

# A lost lead comes back by a new pursuit or by a fact that speaks for itself, never by a dial alone.
_REVIVES_LOST = ("meeting", "held", "won")


def advance(current: Stage, event: Event) -> Stage | None:
    """The stage after the event, or None where it stays as it is.

    Calls only ever move a lead ahead. A no-show takes a booked meeting back to the conversation it came from;
    `reopened` (a new pursuit) takes a lost lead back to attempted. Won and lost end the way: won is left only
    by being reopened, lost by that, a meeting or a sale. Raises ValueError for an unknown stage or event.
    """
    if current not in STAGES:
        raise ValueError(f"stage must be one of {', '.join(STAGES)}, not {current!r}")
    match event:
        case "reopened":
            return "attempted" if current in ("won", "lost") else None
        case "no_show":
            return "conversation" if current == "meeting" else None
        case "lost":
            return "lost" if current not in ("won", "lost") else None
        case "attempted" | "reached" | "conversation" | "meeting" | "held" | "won":
            if current == "lost":
                return event if event in _REVIVES_LOST else None
            return event if STAGES.index(event) > STAGES.index(current) else None
    raise ValueError(f"event must be one of {', '.join(EVENTS)}, not {event!r}")
