"""What comes of a dial? Chances by temperature, attempt, hour, list and rep, and what is said then."""

from random import Random

from .cast import Rep

# How likely somebody answers, against the average, by the lead's local hour and weekday.
_BY_HOUR = {8: 0.9, 9: 1.1, 10: 1.25, 11: 1.1, 12: 0.7, 13: 0.78, 14: 0.95, 15: 1.05, 16: 1.25, 17: 1.12}
_BY_WEEKDAY = (0.86, 1.08, 1.1, 1.08, 0.88, 1.0, 1.0)
# The yield of one more attempt falls, and never to nothing.
_BY_ATTEMPT = (
    1.0,
    0.97,
    0.92,
    0.85,
    0.8,
    0.74,
    0.68,
    0.63,
    0.58,
    0.54,
    0.5,
    0.48,
    0.46,
    0.44,
    0.42,
    0.41,
    0.4,
    0.4,
)
CONNECT = {"cold": 0.14, "warm": 0.235}

_ANSWERED = {
    "cold": {
        "gatekeeper": 32, "hung_up": 9, "wrong_number": 2.2, "left_company": 1.6, "do_not_call": 2.2, "abusive": 0.5,
        "callback_requested": 9, "not_now": 7, "meeting_booked": 4.6, "not_interested": 20, "info_requested": 7,
        "referred_on": 1.6, "disqualified": 3.3,
    },
    "warm": {
        "gatekeeper": 26, "hung_up": 2.5, "wrong_number": 1.2, "left_company": 1.2, "do_not_call": 0.5, "abusive": 0.1,
        "callback_requested": 15, "not_now": 9, "meeting_booked": 4.6, "not_interested": 10, "info_requested": 13,
        "referred_on": 2.6, "disqualified": 2.4,
    },
}  # fmt: skip
# After the first reach the person is known: no wrong numbers, more meetings.
_KNOWN = {
    "gatekeeper": 8, "hung_up": 1.5, "left_company": 0.3, "do_not_call": 0.6,
    "callback_requested": 16, "not_now": 12, "meeting_booked": 7, "not_interested": 17, "info_requested": 8,
    "referred_on": 2, "disqualified": 3,
}  # fmt: skip
_SECONDS = {
    "no_answer": (20, 42), "voicemail_left": (45, 85), "busy": (7, 14), "disconnected": (7, 14),
    "gatekeeper": (35, 150), "hung_up": (6, 24), "wrong_number": (18, 45), "left_company": (30, 90),
    "do_not_call": (18, 60), "abusive": (12, 50), "not_interested": (35, 170), "disqualified": (70, 260),
    "meeting_booked": (220, 780),
}  # fmt: skip
NOTES = {
    "gatekeeper": (
        "Assistant takes messages only.",
        "Reception: try before nine.",
        "In a meeting until four.",
    ),
    "callback_requested": (
        "Wants figures for two halls.",
        "On the road; asked for a call back.",
        "Ask about compressors.",
    ),
    "not_now": ("Budget is closed for this year.", "New manager starts soon, later please."),
    "meeting_booked": (
        "Brings the plant manager.",
        "Wants to see a sample report.",
        "Send the link a day before.",
    ),
    "not_interested": (
        "Has a contract for two more years.",
        "No time for this.",
        "Energy is not an issue for them.",
    ),
    "info_requested": (
        "Send the checklist in their language.",
        "Wants a reference in the trade.",
        "Asked for prices.",
    ),
    "referred_on": ("Not the one who decides; gave a colleague's name.",),
    "disqualified": ("Rents the building, power is included.", "Closing the site next year."),
    "left_company": ("Left in the spring.",),
    "do_not_call": ("Asked firmly never to be called again.",),
    "hung_up": ("Hung up after the first sentence.",),
    "abusive": ("Shouted at once.",),
}
MISSED = ("no_answer", "voicemail_left", "busy")


def draw(
    dice: Random,
    rep: Rep,
    *,
    warm: bool,
    attempt: int | None,
    hour: int,
    weekday: int,
    reachable: float,
    quality: float,
    consumer: bool,
    voicemail_allowed: bool,
    asked_for: bool,
) -> str:
    """The outcome of one dial; `attempt` is None where the pursuit has reached the lead before."""
    temperature = "warm" if warm else "cold"
    chance = (
        CONNECT[temperature]
        * _BY_HOUR.get(hour, 0.95)
        * _BY_WEEKDAY[weekday]
        * rep.skill
        * reachable
        * quality
    )
    chance *= 1.15 if attempt is None else _BY_ATTEMPT[min(attempt, 18) - 1]
    if asked_for:
        chance = max(chance, 0.5)
    if dice.random() >= chance:
        return _unanswered(dice, rep, attempt, voicemail_allowed)
    weights = dict(_KNOWN if attempt is None else _ANSWERED[temperature])
    weights["meeting_booked"] *= rep.pitch * (1.3 if asked_for else 1)
    if consumer:
        weights["gatekeeper"] = 2.0
        weights.pop("left_company", None)
    if asked_for:
        weights |= {"gatekeeper": 2.0, "hung_up": 0.2, "do_not_call": 0.1}
    return dice.choices(tuple(weights), tuple(weights.values()))[0]


def _unanswered(dice: Random, rep: Rep, attempt: int | None, voicemail_allowed: bool) -> str:
    luck = dice.random()
    if luck < (0.016 if attempt == 1 else 0.001):
        return "disconnected"
    if luck < 0.06:
        return "busy"
    return "voicemail_left" if voicemail_allowed and dice.random() < rep.voicemails else "no_answer"


def seconds(dice: Random, outcome: str) -> int:
    return dice.randint(*_SECONDS.get(outcome, (90, 540)))


def note(dice: Random, outcome: str) -> str:
    lines = NOTES.get(outcome)
    return dice.choice(lines) if lines and dice.random() < 0.7 else ""
