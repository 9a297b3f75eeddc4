"""Which talk track is said to a lead, and how does one change? By a draft that a manager approves.

An approved version is never changed: calls point at what was on the screen when they were made.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import models, transaction
from django.db.models import Exists, OuterRef
from django.utils.text import slugify
from django.utils.translation import gettext

from leads import segments
from leads.models import AuditEvent, Lead, Segment
from leads.plain_sql import Joined, rows

from . import talk
from .models import CallAttempt, TalkTrack
from .refusals import Invalid

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from django.contrib.auth.models import AbstractUser

    from .talk import Disclosure


@dataclass(frozen=True)
class Wanted:
    """A track as somebody wants it."""

    name: str
    language: str
    script: talk.Script
    segment: Segment | None = None
    position: int = 0


@dataclass(frozen=True)
class Chosen:
    """The version for one lead, and what the law of its places wants said first, as written."""

    track: TalkTrack | None
    disclosures: list[Disclosure]


# --- which is said -----------------------------------------------------------------------------------------------


_TRACK = Joined("t", TalkTrack, segment="s")
_IN_USE = f"""
    SELECT {_TRACK.columns}, (SELECT w.language FROM leads_workspace w WHERE w.id = 1)
    FROM touchpoints_talktrack t LEFT JOIN leads_segment s ON s.id = t.segment_id
    WHERE t.active AND t.approved_at IS NOT NULL ORDER BY t.position, t.id
"""  # noqa: S608 - the columns are our models' own


def choose(lead: Lead, places: Sequence[str], *, now: datetime) -> Chosen:
    """The approved version for this lead in these jurisdictions; one query, one more where segments have tracks."""
    found = [_TRACK.read(row) for row in rows(_IN_USE, [])]
    if not found:
        return Chosen(None, [])
    tracks = [track for track, _house in found]
    wanted = talk.languages(lead.language or found[0][1][0])
    asked = [one.segment for one in talk.ranked(tracks, wanted=wanted) if one.segment is not None]
    track = talk.chosen(tracks, wanted=wanted, segments=_holding(lead, asked, now=now))
    if track is None:
        return Chosen(None, [])
    fallback = disclosed_to_all(tracks, track.language)
    return Chosen(track, talk.disclosed(talk.script_of(track).disclosures, fallback, places))


def disclosed_to_all(tracks: Iterable[TalkTrack], language: str) -> list[Disclosure]:
    """What the tracks for everybody say first in a language, the best track's first: no other track loses it."""
    return [one for row in talk.everybodys(tracks, language) for one in talk.script_of(row).disclosures]


def _holding(lead: Lead, asked: Iterable[Segment], *, now: datetime) -> set[int]:
    """Which of the segments hold the lead; one query for any number of them."""
    held = {
        f"in_{one.pk}": Exists(segments.members(one.query, now=now).filter(pk=OuterRef("pk")))
        for one in asked
    }
    if not held:
        return set()
    row = Lead.objects.filter(pk=lead.pk).values(**held).first() or {}
    return {int(name.removeprefix("in_")) for name, holds in row.items() if holds}


@dataclass(frozen=True)
class Shown:
    """A version as a rep reads it out to one lead: `first` before everything else; `questions` with what is known."""

    id: int
    name: str
    version: int
    language: str
    script: talk.Script
    first: list[Disclosure]
    questions: list[tuple[talk.Question, str]]
    voicemail: talk.NextVoicemail | None


def shown(
    track: TalkTrack,
    disclosures: Iterable[Disclosure],
    facts: Mapping[str, str],
    *,
    answers: Mapping[str, str],
    voicemails_left: int,
) -> Shown:
    """A version with a lead's facts filled in. `answers`: what they told us earlier, by the question's name."""
    script = talk.script_of(track)
    return shown_script(track, script, disclosures, facts, answers=answers, voicemails_left=voicemails_left)


def shown_script(
    track: TalkTrack,
    written: talk.Script,
    disclosures: Iterable[Disclosure],
    facts: Mapping[str, str],
    *,
    answers: Mapping[str, str],
    voicemails_left: int = 0,
) -> Shown:
    """As `shown`, for a script that may not be kept yet."""
    script = talk.spoken(written, facts)
    return Shown(
        id=track.pk,
        name=track.name,
        version=track.version,
        language=track.language,
        script=script,
        first=[talk.Disclosure(one.place, talk.said(one.text, facts)) for one in disclosures],
        questions=[(one, answers.get(one.field, "")) for one in script.questions],
        voicemail=talk.voicemail(script, voicemails_left),
    )


# --- what there is -----------------------------------------------------------------------------------------------


def listed() -> list[TalkTrack]:
    """The version in use and the draft of every track, those for segments first, as they are tried."""
    rows = TalkTrack.objects.filter(active=True).select_related("segment", "approved_by", "drafted_by")
    return sorted(rows, key=lambda one: (one.language, one.for_all, one.position, one.key, one.is_draft))


def versions(key: str) -> list[TalkTrack]:
    """Every version of a track, the newest first, each with `used`: how many calls it was on the screen of."""
    used = CallAttempt.objects.filter(talk_track=OuterRef("pk")).order_by().values("talk_track")
    rows = TalkTrack.objects.filter(key=key).select_related("segment", "approved_by", "drafted_by")
    counted = used.annotate(n=models.Count("pk")).values("n")
    return list(rows.annotate(used=models.Subquery(counted)).order_by("-version"))


def wanted_of(track: TalkTrack) -> Wanted:
    return Wanted(track.name, track.language, talk.script_of(track), track.segment, track.position)


# --- how it changes ----------------------------------------------------------------------------------------------


def start(name: str, language: str, *, by: AbstractUser, now: datetime) -> TalkTrack:
    """The first draft of a new track, in the words of the one for everybody in that language."""
    name = name.strip()[:80]
    if not name:
        raise Invalid(gettext("Give the track a name."), field="name")
    key = f"{slugify(name, allow_unicode=True)[:60] or 'track'}-{language}"
    with transaction.atomic():
        if TalkTrack.objects.filter(key=key).exists():
            raise Invalid(gettext("There is a track of this name in this language already."), field="name")
        model = next(iter(talk.everybodys(TalkTrack.objects.in_use(), language)), None)
        script = talk.script_of(model) if model else talk.Script()
        row = _write(key, 1, Wanted(name, language, script), by=by, now=now)
        _audit(row, "talk_track.started", {}, {"language": language}, by=by, now=now)
    return row


def draft(track: TalkTrack, *, by: AbstractUser, now: datetime) -> TalkTrack:
    """The draft of the next version, which all managers share; an earlier version's words can be taken up again."""
    with transaction.atomic():
        known = list(
            TalkTrack.objects.select_for_update(of=("self",)).filter(key=track.key).order_by("-version")
        )
        waiting = next((one for one in known if one.is_draft), None)
        if waiting is not None:
            return waiting
        row = _write(track.key, known[0].version + 1, wanted_of(track), by=by, now=now)
        _audit(row, "talk_track.drafted", {}, {"from": track.version}, by=by, now=now)
    return row


def save(track: TalkTrack, wanted: Wanted, *, by: AbstractUser, now: datetime) -> TalkTrack:
    """Keep a draft; raises Invalid, naming the part, for what cannot be said."""
    check(wanted, now=now)
    with transaction.atomic():
        row = _locked_draft(track)
        for name, value in _columns(wanted).items():
            setattr(row, name, value)
        row.drafted_at, row.drafted_by = now, by
        row.save()
    return row


def approve(track: TalkTrack, *, by: AbstractUser, now: datetime) -> TalkTrack:
    """Put a draft in use from the next call on; the version before it stays with the calls it was used on."""
    with transaction.atomic():
        row = _locked_draft(track)
        wanted = wanted_of(row)
        check(wanted, now=now)
        if lacking := talk.missing(wanted.script):
            raise Invalid(lacking[0].text, field=lacking[0].field)
        old = TalkTrack.objects.in_use().filter(key=row.key).first()
        TalkTrack.objects.in_use().filter(key=row.key).update(active=False)
        row.approved_at, row.approved_by = now, by
        row.save(update_fields=["approved_at", "approved_by"])
        _audit(row, "talk_track.approved", _told(old) if old else {}, _told(row), by=by, now=now)
    return row


def discard(track: TalkTrack, *, by: AbstractUser, now: datetime) -> None:
    """Throw a draft away."""
    with transaction.atomic():
        row = _locked_draft(track)
        _audit(row, "talk_track.discarded", _told(row), {}, by=by, now=now)
        row.delete()


def retire(track: TalkTrack, *, by: AbstractUser, now: datetime) -> None:
    """Out of use with its draft. The last track for everybody stays: somebody must have something to say."""
    with transaction.atomic():
        rows = list(TalkTrack.objects.select_for_update(of=("self",)).filter(active=True))
        others = [one for one in rows if one.key != track.key and one.is_in_use and one.for_all]
        if not others:
            raise Invalid(gettext("The last track for everybody stays in use; approve another first."))
        TalkTrack.objects.in_use().filter(key=track.key).update(active=False)
        TalkTrack.objects.drafts().filter(key=track.key).delete()
        _audit(track, "talk_track.retired", {}, {}, by=by, now=now)


def check(wanted: Wanted, *, now: datetime) -> None:
    """Raise Invalid, naming the part, for a track that cannot be said."""
    if not wanted.name.strip():
        raise Invalid(gettext("Give the track a name."), field="name")
    if found := talk.problems(wanted.script):
        raise Invalid(found[0].text, field=found[0].field)
    if wanted.segment is not None and (why := segments.problems(wanted.segment.query, now=now)):
        raise Invalid("; ".join(why), field="segment")


def changed_parts(before: TalkTrack, after: TalkTrack) -> list[str]:
    """Which parts of a track differ between two versions, by their columns."""
    old, new = _told(before), _told(after)
    return [name for name in new if old[name] != new[name]]


def _locked_draft(track: TalkTrack) -> TalkTrack:
    row = TalkTrack.objects.select_for_update(of=("self",)).filter(pk=track.pk).first()
    if row is None or not row.is_draft:
        raise Invalid(
            gettext("Somebody approved or discarded this draft meanwhile; look at the track again.")
        )
    return row


def _write(key: str, version: int, wanted: Wanted, *, by: AbstractUser, now: datetime) -> TalkTrack:
    return TalkTrack.objects.create(
        key=key, version=version, drafted_at=now, drafted_by=by, **_columns(wanted)
    )


def _columns(wanted: Wanted) -> dict[str, Any]:
    return {
        "name": wanted.name.strip(),
        "language": wanted.language,
        "segment": wanted.segment,
        "for_all": wanted.segment is None,
        "position": wanted.position,
        **talk.as_kept(wanted.script),
    }


def _told(row: TalkTrack) -> dict[str, Any]:
    kept = talk.as_kept(talk.script_of(row))
    segment = row.segment.name if row.segment else ""
    return {"name": row.name, "segment": segment, "position": row.position, **kept}


def _audit(
    row: TalkTrack,
    action: str,
    before: dict[str, Any],
    after: dict[str, Any],
    *,
    by: AbstractUser,
    now: datetime,
) -> None:
    AuditEvent.objects.create(
        at=now,
        actor=by,
        action=action,
        subject_type="talk_track",
        subject_id=f"{row.key[:32]}:{row.version}",
        before=before,
        after=after,
    )
