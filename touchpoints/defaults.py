"""What a new workspace starts with: every default row, as data that a manager can edit afterwards.

The numbers come from domain.md §3 (warmth), §4 (outcomes) and §5 (cadences); the seed migration writes them.
"""

from dataclasses import dataclass, field
from datetime import time, timedelta
from typing import Any

from .opening_lines import DEFAULT_ICEBREAKERS, DefaultIcebreaker

__all__ = [
    "DEFAULT_CADENCES",
    "DEFAULT_DAY_PARTS",
    "DEFAULT_ICEBREAKERS",
    "DEFAULT_KINDS",
    "DEFAULT_OUTCOMES",
    "HALF_LIFE",
    "PHASES",
    "PRIORS",
    "DefaultCadence",
    "DefaultDayPart",
    "DefaultIcebreaker",
    "DefaultKind",
    "DefaultOutcome",
    "DefaultStep",
]


def gettext_noop(text: str) -> str:
    """Mark a label for makemessages and return it; Django's own asks for settings, which data need not."""
    return text


HALF_LIFE = timedelta(days=14)

INBOUND, OUTBOUND = "inbound", "outbound"


@dataclass(frozen=True)
class DefaultKind:
    """A touchpoint kind with its warmth rule: alone it warms for `warms_for_days`, at most N are counted."""

    key: str
    label: str
    direction: str
    warms_for_days: int
    counts_at_most: int
    icon: str
    hand_raise: bool = False


DEFAULT_KINDS: tuple[DefaultKind, ...] = (
    DefaultKind("referral", gettext_noop("Referral"), INBOUND, 90, 3, "user-plus"),
    DefaultKind("meeting_held", gettext_noop("Meeting held"), INBOUND, 60, 3, "calendar-days"),
    DefaultKind(
        "inbound_call", gettext_noop("Call from them"), INBOUND, 45, 3, "phone-arrow-down-left", True
    ),
    DefaultKind("conversation", gettext_noop("Conversation"), OUTBOUND, 45, 2, "chat-bubble-left-right"),
    DefaultKind("event", gettext_noop("Met in person at an event"), INBOUND, 45, 3, "user-group"),
    DefaultKind("email_reply", gettext_noop("Reply by mail"), INBOUND, 45, 3, "envelope-open"),
    DefaultKind(
        "text_reply", gettext_noop("Reply by text"), INBOUND, 45, 3, "chat-bubble-bottom-center-text"
    ),
    DefaultKind(
        "direct_mail_response", gettext_noop("Response to a mailing"), INBOUND, 45, 2, "inbox-arrow-down"
    ),
    DefaultKind("past_customer", gettext_noop("Past customer"), INBOUND, 45, 1, "briefcase"),
    DefaultKind(
        "web_form", gettext_noop("Asked to be contacted"), INBOUND, 30, 3, "clipboard-document-list", True
    ),
    DefaultKind("callback_request", gettext_noop("Asked for a call"), INBOUND, 14, 3, "bell-alert", True),
    DefaultKind("webinar", gettext_noop("Webinar"), INBOUND, 30, 2, "video-camera"),
    DefaultKind("content_download", gettext_noop("Download"), INBOUND, 21, 2, "arrow-down-tray"),
    DefaultKind("social_follow", gettext_noop("Followed us"), INBOUND, 21, 2, "heart"),
    DefaultKind("direct_mail", gettext_noop("Mailing sent"), OUTBOUND, 21, 2, "envelope"),
    DefaultKind(
        "social_engagement", gettext_noop("Comment, share or mention"), INBOUND, 14, 3, "hand-thumb-up"
    ),
    DefaultKind("event_registered", gettext_noop("Registered for an event"), INBOUND, 7, 2, "ticket"),
    DefaultKind("website_visit", gettext_noop("Visit to our website"), INBOUND, -21, 3, "globe-alt"),
    DefaultKind("email_sent", gettext_noop("Mail sent"), OUTBOUND, -42, 1, "paper-airplane"),
    DefaultKind("text_sent", gettext_noop("Text sent"), OUTBOUND, -42, 1, "chat-bubble-left"),
    DefaultKind(
        "social_message", gettext_noop("Social message sent"), OUTBOUND, -42, 1, "chat-bubble-left-ellipsis"
    ),
    DefaultKind("voicemail_left", gettext_noop("Voicemail left"), OUTBOUND, -42, 2, "microphone"),
    DefaultKind("visit", gettext_noop("Visit, nobody met"), OUTBOUND, -42, 2, "map-pin"),
)


@dataclass(frozen=True)
class DefaultOutcome:
    """An outcome of a dial: its flags, and the policy (next_step.POLICIES) that decides what happens next."""

    key: str
    hotkey: str
    label: str
    policy: str
    params: dict[str, Any] = field(default_factory=dict)
    connect: bool = False
    reach: bool = False
    conversation: bool = False
    dangerous: bool = False
    ends_pursuit: str = ""
    sets_cooled: bool = False
    records_kind: str = ""
    position: int = 0


def _reached(key: str, hotkey: str, label: str, policy: str, **more: Any) -> DefaultOutcome:
    more.setdefault("conversation", True)
    return DefaultOutcome(key, hotkey, label, policy, connect=True, reach=True, **more)


_OUTCOMES = (
    DefaultOutcome("no_answer", "1", gettext_noop("No answer"), "next_slot"),
    DefaultOutcome(
        "voicemail_left",
        "2",
        gettext_noop("Left voicemail"),
        "voicemail",
        {"business_days": 1, "per_phase": 1, "per_pursuit": 4},
        records_kind="voicemail_left",
    ),
    DefaultOutcome("busy", "3", gettext_noop("Busy"), "busy", {"minutes": 30, "per_day": 2}),
    DefaultOutcome(
        "gatekeeper",
        "4",
        gettext_noop("Gatekeeper"),
        "gatekeeper",
        {"business_days": [1, 2], "day_parts": ["early", "late_afternoon"]},
        connect=True,
    ),
    _reached(
        "callback_requested",
        "5",
        gettext_noop("Callback"),
        "agreed_time",
        params={"tolerance_minutes": 15},
        records_kind="conversation",
    ),
    _reached(
        "not_now",
        "6",
        gettext_noop("Later"),
        "later",
        params={"days": [30, 60, 90], "warm_extra_days": 14},
        records_kind="conversation",
    ),
    _reached("meeting_booked", "7", gettext_noop("Meeting"), "end", ends_pursuit="meeting"),
    _reached(
        "not_interested",
        "8",
        gettext_noop("Not interested"),
        "end",
        params={"recycle_after_days": 180},
        ends_pursuit="not_interested",
        sets_cooled=True,
    ),
    _reached(
        "info_requested",
        "9",
        gettext_noop("Send info"),
        "send_info",
        params={"business_days": 2},
        records_kind="conversation",
    ),
    DefaultOutcome(
        "hung_up",
        "h",
        gettext_noop("Hung up"),
        "cool_off",
        {"business_days": 5, "ask_to_stop_at": 2},
        connect=True,
    ),
    _reached("referred_on", "r", gettext_noop("Referred on"), "end", ends_pursuit="referred_on"),
    DefaultOutcome(
        "left_company", "l", gettext_noop("Left company"), "end", connect=True, ends_pursuit="left_company"
    ),
    DefaultOutcome(
        "wrong_number",
        "w",
        gettext_noop("Wrong number"),
        "next_number",
        {"number": "detach"},
        connect=True,
        dangerous=True,
    ),
    DefaultOutcome(
        "disconnected",
        "0",
        gettext_noop("Disconnected"),
        "next_number",
        {"number": "invalidate"},
        dangerous=True,
    ),
    _reached(
        "disqualified",
        "q",
        gettext_noop("Disqualified"),
        "end",
        conversation=False,
        ends_pursuit="disqualified",
    ),
    # A person who shouts has refused: the end is theirs, so it is not a rep's giving up.
    DefaultOutcome(
        "abusive",
        "v",
        gettext_noop("Abusive"),
        "end",
        connect=True,
        dangerous=True,
        ends_pursuit="not_interested",
        sets_cooled=True,
    ),
    DefaultOutcome(
        "do_not_call",
        "x",
        gettext_noop("Do not call"),
        "end",
        connect=True,
        dangerous=True,
        ends_pursuit="do_not_call",
        sets_cooled=True,
    ),
)

DEFAULT_OUTCOMES: tuple[DefaultOutcome, ...] = tuple(
    DefaultOutcome(**{**outcome.__dict__, "position": position})
    for position, outcome in enumerate(_OUTCOMES, start=1)
)


@dataclass(frozen=True)
class DefaultStep:
    """One attempt of a cadence; `wait` counts business days of the lead's place since the attempt before."""

    step: int
    wait: int
    phase: str
    channel: str = "call"


@dataclass(frozen=True)
class DefaultCadence:
    key: str
    label: str
    temperature: str
    audience: str
    target: int
    steps: tuple[DefaultStep, ...]
    recycle_after_days: int = 180


PHASES = (
    ("sprint", gettext_noop("Sprint")),
    ("follow_up", gettext_noop("Follow-up")),
    ("return", gettext_noop("Return")),
    ("last_pass", gettext_noop("Last pass")),
)

WARM_WAITS = ((0, 1, 1, 2, 1, 2), (2, 2, 3, 2), (10, 2, 3, 3), (15, 3, 4, 4))
COLD_WAITS = ((0, 1, 2, 4, 4, 5), (6, 5, 6, 6), (10, 4, 4, 5), (15, 6, 7, 6))


def _steps(*waits_by_phase: tuple[int, ...]) -> tuple[DefaultStep, ...]:
    flat = [
        (wait, phase)
        for (phase, _label), waits in zip(PHASES, waits_by_phase, strict=False)
        for wait in waits
    ]
    return tuple(DefaultStep(step, wait, phase) for step, (wait, phase) in enumerate(flat, start=1))


DEFAULT_CADENCES: tuple[DefaultCadence, ...] = (
    DefaultCadence("warm-18", gettext_noop("Warm, 18 attempts"), "warm", "business", 18, _steps(*WARM_WAITS)),
    DefaultCadence("cold-18", gettext_noop("Cold, 18 attempts"), "cold", "business", 18, _steps(*COLD_WAITS)),
    DefaultCadence(
        "warm-6-consumer",
        gettext_noop("Warm consumer, 6 attempts"),
        "warm",
        "consumer",
        6,
        _steps(WARM_WAITS[0]),
    ),
    DefaultCadence(
        "cold-6-consumer",
        gettext_noop("Cold consumer, 6 attempts"),
        "cold",
        "consumer",
        6,
        _steps(COLD_WAITS[0]),
    ),
)


@dataclass(frozen=True)
class DefaultDayPart:
    """A stretch of the lead's local day; `saturday_only` marks the one consumers get outside the week."""

    key: str
    label: str
    start: time
    end: time
    prior: float
    audiences: tuple[str, ...] = ("business", "consumer")
    saturday_only: bool = False


DEFAULT_DAY_PARTS: tuple[DefaultDayPart, ...] = (
    DefaultDayPart("early", gettext_noop("early"), time(8), time(10), 1.0),
    DefaultDayPart("late_morning", gettext_noop("late morning"), time(10), time(12), 1.0),
    DefaultDayPart("midday", gettext_noop("midday"), time(12), time(14), 0.4),
    DefaultDayPart("afternoon", gettext_noop("afternoon"), time(14), time(16), 0.9),
    DefaultDayPart("late_afternoon", gettext_noop("late afternoon"), time(16), time(18), 1.0),
    DefaultDayPart("evening", gettext_noop("evening"), time(18), time(20), 1.0, ("consumer",)),
    DefaultDayPart(
        "saturday", gettext_noop("Saturday"), time(10), time(13), 0.9, ("consumer",), saturday_only=True
    ),
)

# Published advice on the best hour conflicts; each source's favourite cell (ISO weekday) gets a small lead
# until the team's own connect rates outweigh it: MIT/InsideSales Thursday 16-18, Cognism Tuesday 10-11.
PRIORS: dict[tuple[int, str], float] = {(4, "late_afternoon"): 1.2, (2, "late_morning"): 1.2}
