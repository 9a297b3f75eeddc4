"""Until when is a lead warm, and which touchpoints say so?

Each rule gives a touchpoint a date u = occurred_at + warms_for on which it alone would stop to warm; evidence
adds up softly: warm_until = h * log2(sum of 2^(u / h)). This is forward decay (Cormode, Shkapenyuk,
Srivastava and Xu, 2009) with exponential decay, so the result is a date that time passing does not change.
`warmth_sql` is the same formula for many leads; a property test holds the two equal to one second.
"""

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Literal

from django.utils.dateformat import format as format_date
from django.utils.translation import gettext, ngettext

Temperature = Literal["cold", "warm"]
Reason = Literal["before_refusal", "same_campaign", "over_limit", "no_rule", "faded"]

# exp(-700) is the last comfortable power of a double; PostgreSQL raises where it underflows. A touchpoint
# whose date lies more than 700 / ln 2 = 1010 half-lives before the evaluation has faded: it counts for
# nothing, in both forms.
FADED = -700.0
# The set-based form sums powers relative to the evaluation time, so a rule may not reach too many half-lives
# ahead.
MOST_HALF_LIVES_AHEAD = 900


@dataclass(frozen=True, slots=True)
class Touch:
    """What the rules need to know of one touchpoint."""

    id: int
    kind: str
    occurred_at: datetime
    direction: str = ""
    network: str = ""
    campaign: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """How long a touchpoint of this kind warms alone (may be negative), and how many of them count at most.

    A blank condition accepts anything. A rule for a segment of leads matches nothing until
    `Ruleset.for_lead` has said whether the lead is in it.
    """

    id: int
    kind: str
    warms_for: timedelta
    counts_at_most: int
    direction: str = ""
    network: str = ""
    campaign: str = ""
    source: str = ""
    segment: int | None = None

    def matches(self, touch: Touch) -> bool:
        return (
            self.segment is None
            and self.kind == touch.kind
            and self.direction in ("", touch.direction)
            and self.network in ("", touch.network)
            and self.campaign in ("", touch.campaign)
            and self.source in ("", touch.source)
        )


@dataclass(frozen=True, slots=True)
class Ruleset:
    """The rules in their order, of which the first that matches a touchpoint decides."""

    version: int
    half_life: timedelta
    rules: tuple[Rule, ...]
    _by_kind: dict[str, list[Rule]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_kind: dict[str, list[Rule]] = {}
        for rule in self.rules:
            by_kind.setdefault(rule.kind, []).append(rule)
        object.__setattr__(self, "_by_kind", by_kind)
        if self.half_life <= timedelta(0):
            raise ValueError(f"half_life must be longer than nothing, not {self.half_life}")
        for rule in self.rules:
            if rule.counts_at_most < 1:
                raise ValueError(
                    f"counts_at_most of rule {rule.id} must be at least 1, not {rule.counts_at_most}"
                )
            if rule.warms_for > MOST_HALF_LIVES_AHEAD * self.half_life:
                raise ValueError(
                    f"warms_for of rule {rule.id} must be at most {MOST_HALF_LIVES_AHEAD} half-lives, "
                    f"not {rule.warms_for} with a half-life of {self.half_life}"
                )

    def for_lead(self, segments: Collection[int]) -> "Ruleset":
        """The rules as they hold for a lead that is in these segments and in no other."""
        if all(rule.segment is None for rule in self.rules):
            return self
        mine = tuple(
            replace(rule, segment=None)
            for rule in self.rules
            if rule.segment is None or rule.segment in segments
        )
        return replace(self, rules=mine)

    def rule_for(self, touch: Touch) -> Rule | None:
        return next((rule for rule in self._by_kind.get(touch.kind, ()) if rule.matches(touch)), None)


@dataclass(frozen=True, slots=True)
class Piece:
    """One counted touchpoint: until when it would warm alone, and its share of the whole (0..1)."""

    touch: Touch
    rule_id: int
    alone_until: datetime
    share: float


@dataclass(frozen=True, slots=True)
class Uncounted:
    touch: Touch
    reason: Reason


@dataclass(frozen=True, slots=True)
class Warmth:
    """`warm_until` is None exactly where no evidence counts; the shares of the evidence sum to 1, largest
    first.
    """

    warm_until: datetime | None
    evidence: tuple[Piece, ...] = ()
    uncounted: tuple[Uncounted, ...] = ()


def warmth(
    touches: Iterable[Touch], ruleset: Ruleset, *, now: datetime, cooled_at: datetime | None = None
) -> Warmth:
    """The date until which these touchpoints keep a lead warm (domain.md §3), with what counted and what did
    not.

    Touchpoints up to and including `cooled_at` do not count. Of one kind with one campaign only the latest
    counts, then of each rule the latest `counts_at_most`; where times are equal the higher id is the later.
    The order of `touches` does not matter. `now` decides only what has faded (see FADED).
    """
    counted, uncounted = _counted(touches, ruleset, cooled_at)
    h = ruleset.half_life
    dated = []
    for touch, rule in counted:
        alone_until = touch.occurred_at + rule.warms_for
        if (alone_until - now) / h * math.log(2) <= FADED:
            uncounted.append(Uncounted(touch, "faded"))
        else:
            dated.append((alone_until, rule, touch))
    if not dated:
        return Warmth(None, (), tuple(uncounted))
    # Powers relative to the latest date cannot overflow, and one date alone comes out exactly.
    latest = max(alone_until for alone_until, _rule, _touch in dated)
    weights = [2.0 ** ((alone_until - latest) / h) for alone_until, _rule, _touch in dated]
    total = math.fsum(weights)
    pieces = [
        Piece(touch, rule.id, alone_until, weight / total)
        for (alone_until, rule, touch), weight in zip(dated, weights, strict=True)
    ]
    pieces.sort(key=lambda piece: (piece.alone_until, piece.touch.occurred_at, piece.touch.id), reverse=True)
    return Warmth(latest + h * math.log2(total), tuple(pieces), tuple(uncounted))


def _counted(
    touches: Iterable[Touch], ruleset: Ruleset, cooled_at: datetime | None
) -> tuple[list[tuple[Touch, Rule]], list[Uncounted]]:
    """Split touchpoints into those that count, each with its rule, and those that do not, latest first."""
    counted: list[tuple[Touch, Rule]] = []
    uncounted: list[Uncounted] = []
    campaigns: set[tuple[str, str]] = set()
    used: dict[int, int] = {}
    for touch in sorted(touches, key=lambda touch: (touch.occurred_at, touch.id), reverse=True):
        rule = ruleset.rule_for(touch)
        if cooled_at is not None and touch.occurred_at <= cooled_at:
            uncounted.append(Uncounted(touch, "before_refusal"))
            continue
        if rule is None:
            uncounted.append(Uncounted(touch, "no_rule"))
            continue
        if touch.campaign:
            if (touch.kind, touch.campaign) in campaigns:
                uncounted.append(Uncounted(touch, "same_campaign"))
                continue
            campaigns.add((touch.kind, touch.campaign))
        used[rule.id] = used.get(rule.id, 0) + 1
        if used[rule.id] > rule.counts_at_most:
            uncounted.append(Uncounted(touch, "over_limit"))
        else:
            counted.append((touch, rule))
    return counted, uncounted


@dataclass(frozen=True, slots=True)
class OverrideValue:
    """A person's word over the computed temperature, until it ends by itself."""

    temperature: Temperature
    until: datetime


def effective(
    warm_until: datetime | None, override: OverrideValue | None, *, now: datetime
) -> tuple[Temperature, datetime | None]:
    """The temperature and `warm_until` that hold at `now`: an override decides until its end, else the
    evidence.
    """
    if override is not None and now < override.until:
        return (override.temperature, override.until if override.temperature == "warm" else None)
    return ("warm" if warm_until is not None and now < warm_until else "cold", warm_until)


def sentence(
    temperature: Temperature,
    warm_until: datetime | None,
    evidence: Sequence[Piece],
    describe: Callable[[Touch], str] | Mapping[int, str],
    *,
    now: datetime,
    zone: tzinfo = UTC,
    most: int = 3,
) -> str:
    """The reason a rep can say aloud: "Warm until 14 March: referred by Ann Lee (62 %), met at ABC Expo (38
    %)".

    `describe` gives the words for a touchpoint (`icebreaker.in_words`), as a function or by touchpoint id.
    """
    head = _head(temperature, warm_until, now=now, zone=zone)
    if not evidence:
        return head
    said = [_piece_in_words(piece, describe) for piece in evidence[:most]]
    if len(evidence) > most:
        rest = len(evidence) - most
        said.append(ngettext("%(count)d more", "%(count)d more", rest) % {"count": rest})
    return gettext("%(head)s: %(reasons)s") % {"head": head, "reasons": ", ".join(said)}


def _head(temperature: Temperature, warm_until: datetime | None, *, now: datetime, zone: tzinfo) -> str:
    if warm_until is None:
        return gettext("Cold") if temperature == "cold" else gettext("Warm")
    until, today = warm_until.astimezone(zone), now.astimezone(zone)
    date = format_date(until, "j F" if until.year == today.year else "j F Y")
    if temperature == "warm":
        return gettext("Warm until %(date)s") % {"date": date}
    return gettext("Cold since %(date)s") % {"date": date}


def _piece_in_words(piece: Piece, describe: Callable[[Touch], str] | Mapping[int, str]) -> str:
    return with_share(describe(piece.touch) if callable(describe) else describe[piece.touch.id], piece.share)


def with_share(what: str, share: float) -> str:
    """ "referred by Ann Lee (62 %)" """
    percent = round(share * 100)
    if percent == 0:
        return gettext("%(what)s (under 1 %%)") % {"what": what}
    return gettext("%(what)s (%(percent)d %%)") % {"what": what, "percent": percent}
