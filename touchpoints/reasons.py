"""Why is this lead warm, in words a rep can read, and which line opens the call?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django.utils.formats import date_format
from django.utils.translation import gettext

from leads.models import Workspace

from .icebreaker import Fact, Person, Promised, icebreaker, in_words
from .models import IceBreaker, Promise, TemperatureOverride, Touchpoint
from .warmth import effective, sentence

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from leads.models import Lead

    from .warmth import Piece, Warmth

LINE_PIECES = 3


@dataclass(frozen=True)
class Reasons:
    """`sentence`: "Warm until 14 March: referred by Ann Lee (62 %)…"; `line`: what to say first; `pieces`:
    [{touchpoint, share, label, alone_until, occurred_at}], strongest first; `by_hand`: whether a person's word
    decides instead of them."""

    sentence: str
    line: str
    pieces: list[dict[str, Any]]
    by_hand: bool = False


def reasons_for(
    lead: Lead,
    found: Warmth,
    *,
    user: Any,
    now: datetime,
    promise: Promise | None = None,
    zone: tzinfo = UTC,
    workspace: Workspace | None = None,
) -> Reasons:
    """Everything that is said about a lead's warmth; three queries, one more where it was set by hand."""
    words = facts_of([piece.touch.id for piece in found.evidence], found.evidence)
    temperature = "warm" if lead.is_warm(now=now) else "cold"
    by_hand = said_by_hand(lead, now=now, zone=zone)
    return Reasons(
        by_hand=bool(by_hand),
        sentence=by_hand
        or sentence(
            temperature,
            lead.warm_until,
            found.evidence,
            {pk: in_words(fact) for pk, fact in words.items()},
            now=now,
            zone=zone,
        ),
        line=opening_line(
            lead, list(words.values()), user=user, now=now, promise=promise, zone=zone, workspace=workspace
        ),
        pieces=[
            {
                "touchpoint": piece.touch.id,
                "share": piece.share,
                "label": in_words(words[piece.touch.id]),
                "alone_until": piece.alone_until,
                "occurred_at": piece.touch.occurred_at,
            }
            for piece in found.evidence
        ],
    )


def said_by_hand(lead: Lead, *, now: datetime, zone: tzinfo) -> str:
    """ "Warm until 5 May, set by Ada: asked to be called later"; blank where the evidence decides."""
    if (lead.temperature, lead.warm_until) == effective(lead.evidence_until, None, now=now):
        return ""
    row = (
        TemperatureOverride.objects.filter(lead=lead, ended_at=None, until__gt=now)
        .select_related("by")
        .first()
    )
    if row is None:
        return ""
    until = row.until.astimezone(zone)
    date = date_format(until, "j F" if until.year == now.astimezone(zone).year else "j F Y")
    text = (
        gettext("Warm until %(date)s, set by %(who)s: %(why)s")
        if row.temperature == "warm"
        else gettext("Cold until %(date)s, set by %(who)s: %(why)s")
    )
    return text % {"date": date, "who": _name(row.by) or gettext("somebody"), "why": row.reason}


def line_about(
    lead: Lead, touchpoint_id: int, *, user: Any, now: datetime, promise: Promise | None, zone: tzinfo
) -> str | None:
    """The opening line with this touchpoint as its evidence, as the rep chose; None where it is not the lead's."""
    if not Touchpoint.objects.filter(pk=touchpoint_id, lead=lead, set_aside_at=None).exists():
        return None
    facts = list(facts_of([touchpoint_id]).values())
    return opening_line(lead, facts, user=user, now=now, promise=promise, zone=zone)


def facts_of(ids: Sequence[int], evidence: Iterable[Piece] = ()) -> dict[int, Fact]:
    """What may be said of these touchpoints, by id, in the order given."""
    shares = {piece.touch.id: piece.share for piece in evidence}
    rows = Touchpoint.objects.select_related("kind", "by_user").in_bulk(list(ids))
    return {pk: fact_of(rows[pk], share=shares.get(pk, 1.0)) for pk in ids if pk in rows}


def fact_of(row: Touchpoint, *, share: float = 1.0) -> Fact:
    return Fact(
        id=row.pk,
        kind=row.kind_id,
        occurred_at=row.occurred_at,
        campaign=row.campaign,
        network=row.network,
        referred_by=row.referred_by,
        by=row.by or (row.by_user.get_full_name() if row.by_user else ""),
        share=share,
        kind_label=str(row.kind),
    )


def opening_line(
    lead: Lead,
    evidence: Sequence[Fact],
    *,
    user: Any,
    now: datetime,
    promise: Promise | None,
    zone: tzinfo,
    workspace: Workspace | None = None,
) -> str:
    """The ice-breaker in the lead's language; the caller's when the lead's is not known."""
    templates = {
        (row.kind_id, row.language, row.tone): row.text
        for row in IceBreaker.objects.filter(kind__in={fact.kind for fact in evidence})
    }
    workspace = workspace or Workspace.current()
    return icebreaker(
        list(evidence)[:LINE_PIECES],
        Person(lead.first_name, lead.last_name, lead.salutation, zone),
        caller=user.get_full_name() or user.get_username(),
        language=lead.language or workspace.language,
        tone=user.tone,
        templates=templates,
        now=now,
        promise=Promised(promise.text, promise.made_at, _name(promise.made_by)) if promise else None,
        firm=workspace.seller_name,
    )


def _name(user: Any) -> str:
    return (user.get_full_name() or user.get_username()) if user else ""


def zone_of(names: Sequence[str]) -> tzinfo:
    return ZoneInfo(names[0]) if names else UTC
