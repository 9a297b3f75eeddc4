"""What happened between a lead and us outside the calls, and when?"""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from . import clock
from .cast import REPS
from .clock import DAY, HOUR
from .markets import Market
from .names import Locale, person

HAND_RAISES = ("web_form", "callback_request", "inbound_call")
_CHANCE = {  # kinds that happen to anybody now and then, with their weights
    "website_visit": 24, "direct_mail": 20, "email_sent": 20, "social_follow": 11, "content_download": 9,
    "social_engagement": 8, "webinar": 6, "email_reply": 4, "social_message": 4, "event_registered": 3,
    "web_form": 2.6, "text_sent": 2, "direct_mail_response": 2, "text_reply": 1, "referral": 1.4,
    "callback_request": 1.2, "inbound_call": 0.8, "visit": 1.2, "past_customer": 0.6, "event": 1.5,
}  # fmt: skip
_BEFORE = {  # what a story starts with: (kind, chance, days before the lead came to us)
    "cold": (),
    "read": (("website_visit", 0.5, 20), ("email_sent", 0.3, 6)),
    "fair": (("event_registered", 0.5, 16), ("event", 0.85, 4)),
    "referral": (("referral", 1.0, 2),),
    "inbound": (("website_visit", 0.6, 2), ("web_form", 0.8, 0)),
    "reader": (("content_download", 0.7, 10), ("email_sent", 0.6, 4)),
}
_DOWNLOADS = (
    "the guide to power meters",
    "the savings checklist",
    "the cold-store report",
    "the tariff calculator",
)
_WEBINARS = ("Power at night", "Meters in a morning", "Compressed air, honestly")
_MAILINGS = ("the autumn mailing", "the checklist by post", "the letter on night tariffs")
_MAILS = ("night tariffs", "the checklist", "a question about your meters")
_NETWORKS = ("LinkedIn", "LinkedIn", "LinkedIn", "Instagram", "Facebook")
FAIRS = ("the Energy Fair", "Build & Power Days")


@dataclass(frozen=True, slots=True)
class Happening:
    """One touchpoint to come, in the words of its model."""

    at: int
    kind: str
    source: str
    network: str = ""
    campaign: str = ""
    summary: str = ""
    referred_by: str = ""
    by: str = ""


def story(name: str, market: Market, dice: Random, *, arrived: int, start: int, end: int) -> list[Happening]:
    """Everything that happens to one lead from before it came to us until `end`, in order of time."""
    locale = market.locale
    found = list(_beginning(name, locale, dice, arrived=arrived))
    count = dice.choices((0, 1, 2, 3, 5), (48, 28, 14, 7, 3))[0]
    kinds, weights = tuple(_CHANCE), tuple(_CHANCE.values())
    for kind in dice.choices(kinds, weights, k=count):
        earliest = max(arrived, start - 40 * DAY)
        found.append(happening(kind, _awake(dice.randrange(earliest, end), kind, market, dice), locale, dice))
    return sorted((one for one in found if one.at < end), key=lambda one: one.at)


def _beginning(name: str, locale: Locale, dice: Random, *, arrived: int) -> Iterator[Happening]:
    for kind, chance, days in _BEFORE[name]:
        if dice.random() < chance:
            at = arrived - 60 if days == 0 else arrived - days * DAY - dice.randrange(6 * HOUR)
            yield happening(kind, at, locale, dice)


def _awake(t: int, kind: str, market: Market, dice: Random) -> int:
    """A moment of that day at which people there are up; who asks for a call does it at work."""
    day = clock.local(market.zone, t)[0]
    if kind in HAND_RAISES:
        day = clock.add_business_days(market, day, 0)
        return clock.moment(market.zone, day, int(dice.triangular(8 * 60, 18 * 60, 11 * 60)))
    return clock.moment(market.zone, day, int(dice.triangular(6 * 60, 23 * 60, 14 * 60)))


def happening(kind: str, at: int, locale: Locale, dice: Random) -> Happening:
    colleague = dice.choice(REPS).name
    if kind in ("social_follow", "social_engagement", "social_message"):
        network = dice.choice(_NETWORKS)
        said = {
            "social_follow": f"Followed us on {network}",
            "social_engagement": dice.choice(("Commented on our post", "Shared our post")) + f" on {network}",
            "social_message": f"We wrote on {network}",
        }[kind]
        return Happening(at, kind, network.lower(), network=network, summary=said)
    if kind == "referral":
        _title, first, last, _woman = person(locale, dice)
        return Happening(
            at, kind, "team", referred_by=f"{first} {last}", summary=f"Referred by {first} {last}"
        )
    if kind in ("event", "event_registered"):
        fair = FAIRS[0] if dice.random() < 0.7 else FAIRS[1]
        said = f"Talked at our stand, {fair}" if kind == "event" else f"Registered for {fair}"
        return Happening(
            at, kind, "events", campaign=fair, summary=said, by=colleague if kind == "event" else ""
        )
    for kinds, campaigns, source in (
        (("content_download",), _DOWNLOADS, "website"),
        (("webinar",), _WEBINARS, "webinars"),
        (("direct_mail", "direct_mail_response"), _MAILINGS, "mailings"),
        (("email_sent", "email_reply"), _MAILS, "mail"),
    ):
        if kind in kinds:
            campaign = dice.choice(campaigns)
            return Happening(at, kind, source, campaign=campaign, summary=_SAID[kind] + campaign)
    return Happening(at, kind, _SOURCE.get(kind, "website"), summary=_SAID[kind])


_SOURCE = {
    "inbound_call": "phone",
    "text_sent": "phone",
    "text_reply": "phone",
    "visit": "field",
    "past_customer": "books",
}
_SAID = {
    "content_download": "Downloaded ",
    "webinar": "Took part in the webinar ",
    "direct_mail": "Was sent ",
    "direct_mail_response": "Answered ",
    "email_sent": "Mail about ",
    "email_reply": "Replied to our mail about ",
    "website_visit": "Looked at the prices page",
    "web_form": "Asked for an offer on the contact page",
    "callback_request": "Asked to be called back",
    "inbound_call": "Rang us about meters",
    "text_sent": "We sent a text",
    "text_reply": "Answered our text",
    "visit": "We came by and met nobody",
    "past_customer": "Bought meters some years ago",
}
