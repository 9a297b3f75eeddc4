"""What reps say: read by everybody; drafted, previewed and approved by managers and admins."""

from __future__ import annotations

from itertools import groupby, pairwise
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from leads.models import Lead, Workspace
from touchpoints import guarding, rehearsal, steps, talk, talk_tracks
from touchpoints.models import TalkTrack
from touchpoints.refusals import Invalid
from touchpoints.talk_track_forms import (
    MOST_SAMPLES,
    NewTrackForm,
    SampleForm,
    TrackForm,
    language_name,
    parts_of,
    wanted,
)
from touchpoints.views.rules import managers_only

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from django.http import HttpRequest, HttpResponse


@login_required
@require_safe
def rules_tracks(request: HttpRequest) -> HttpResponse:
    """Everybody: the tracks in use by language; managers and admins see the drafts too and may start one."""
    rows = [one for one in talk_tracks.listed() if one.is_in_use or request.user.is_manager]  # type: ignore[union-attr]
    groups = [
        {
            "language": language_name(language),
            "tracks": [
                {
                    "current": next((one for one in same if one.is_in_use), None),
                    "draft": next((one for one in same if one.is_draft), None),
                    "words": talk.words(same[0].pitch),
                }
                for same in ([*versions] for _key, versions in groupby(tracks, key=lambda one: one.key))
            ],
        }
        for language, tracks in groupby(rows, key=lambda one: one.language)
    ]
    return render(request, "rules/tracks.html", {"groups": groups, "new": NewTrackForm()})


@managers_only
@require_POST
def rules_track_new(request: HttpRequest) -> HttpResponse:
    """Managers and admins: the draft of a new track, in the words of the one for everybody."""
    form = NewTrackForm(request.POST)
    if not form.is_valid():
        messages.error(request, "; ".join(str(error) for errors in form.errors.values() for error in errors))
        return redirect("rules_tracks")
    try:
        made = talk_tracks.start(
            form.cleaned_data["name"],
            form.cleaned_data["language"],
            by=request.user,  # type: ignore[arg-type]
            now=timezone.now(),
        )
    except Invalid as refused:
        messages.error(request, refused.detail)
        return redirect("rules_tracks")
    return redirect("rules_track", pk=made.pk)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def rules_track(request: HttpRequest, pk: int) -> HttpResponse:
    """Everybody reads a version; managers and admins change the draft, and with `approve` put it in use."""
    track = get_object_or_404(TalkTrack.objects.select_related("segment", "approved_by", "drafted_by"), pk=pk)
    leads_others = request.user.is_manager  # type: ignore[union-attr]
    if request.method == "POST":
        if not leads_others:
            raise PermissionDenied
        return _saved(request, track, now=timezone.now())
    if track.is_draft and not leads_others:
        raise Http404
    if not track.is_draft:
        return render(request, "rules/track.html", _read(request, track, now=timezone.now()))
    return _editor(request, track, TrackForm(track=track), parts_of(track))


@managers_only
@require_POST
def rules_track_preview(request: HttpRequest, pk: int) -> HttpResponse:
    """Managers and admins: how what was typed reads to the sample lead; nothing is kept."""
    track = get_object_or_404(TalkTrack.objects.drafts(), pk=pk)
    form, parts = TrackForm(request.POST, track=track), parts_of(track, request.POST)
    return render(request, "rules/track_preview.html", _preview(request, track, form, parts))


@managers_only
@require_POST
def rules_track_draft(request: HttpRequest, pk: int) -> HttpResponse:
    """Managers and admins: the draft of the next version, with this version's words."""
    track = get_object_or_404(TalkTrack.objects.select_related("segment"), pk=pk)
    made = talk_tracks.draft(track, by=request.user, now=timezone.now())  # type: ignore[arg-type]
    return redirect("rules_track", pk=made.pk)


@managers_only
@require_POST
def rules_track_discard(request: HttpRequest, pk: int) -> HttpResponse:
    """Managers and admins: throw a draft away."""
    return _act(request, pk, talk_tracks.discard, gettext("The draft is gone; what is in use stays."))


@managers_only
@require_POST
def rules_track_retire(request: HttpRequest, pk: int) -> HttpResponse:
    """Managers and admins: take a track out of use."""
    return _act(request, pk, talk_tracks.retire, gettext("Out of use; calls keep what was on their screen."))


def _act(request: HttpRequest, pk: int, act: Any, text: str) -> HttpResponse:
    track = get_object_or_404(TalkTrack, pk=pk)
    try:
        act(track, by=request.user, now=timezone.now())
    except Invalid as refused:
        messages.error(request, refused.detail)
    else:
        messages.success(request, text)
    return redirect("rules_tracks")


# --- what the answers are made of --------------------------------------------------------------------------------


def _saved(request: HttpRequest, track: TalkTrack, *, now: datetime) -> HttpResponse:
    form, parts = TrackForm(request.POST, track=track), parts_of(track, request.POST)
    if not _valid(form, parts):
        return _editor(request, track, form, parts, status=422)
    try:
        what = wanted(form, parts, language=track.language)
        talk_tracks.save(track, what, by=request.user, now=now)  # type: ignore[arg-type]
        if "approve" in request.POST:
            talk_tracks.approve(track, by=request.user, now=now)  # type: ignore[arg-type]
    except Invalid as refused:
        # Rows have no place for what is wrong with all of them: it stands on top.
        form.add_error(refused.field if refused.field in form.fields else None, refused.detail)
        return _editor(request, track, form, parts, status=422)
    if "approve" in request.POST:
        said = gettext("Version %(n)d is in use from the next call on.") % {"n": track.version}
        messages.success(request, said)
        return redirect("rules_tracks")
    messages.success(request, gettext("The draft is kept; reps see it once it is approved."))
    return redirect("rules_track", pk=track.pk)


def _valid(form: TrackForm, parts: dict[str, Any]) -> bool:
    return all([form.is_valid(), *(rows.is_valid() for rows in parts.values())])


def _editor(
    request: HttpRequest, track: TalkTrack, form: TrackForm, parts: dict[str, Any], *, status: int = 200
) -> HttpResponse:
    context = {
        "track_row": track,
        "form": form,
        "parts": _titled(parts),
        "language": language_name(track.language),
        "fields": talk.NAMES,
        "words": talk.words(form["pitch"].value() or ""),
        "most_words": talk.MOST_WORDS,
        "current": TalkTrack.objects.in_use().filter(key=track.key).first(),
        **_preview(request, track, form, parts),
    }
    return render(request, "rules/track_edit.html", context, status=status)


def _titled(parts: dict[str, Any]) -> list[dict[str, Any]]:
    titles = {
        "questions": (
            gettext("Discovery questions"),
            gettext(
                "What they answer is kept with the lead under its name and stands there on the next call."
            ),
        ),
        "objections": (gettext("Objections"), gettext("One key opens them on the call.")),
        "voicemails": (
            gettext("Voicemails"),
            gettext(
                "The first voicemail says the first text, the second the second; after the last, the last again."
            ),
        ),
        "disclosures": (
            gettext("Said first, by law"),
            gettext(
                "For a country (US), a state (US-NY), or everybody (*). It stands above everything else."
            ),
        ),
    }
    return [
        {"name": name, "rows": rows, "title": titles[name][0], "help": titles[name][1]}
        for name, rows in parts.items()
    ]


def _read(request: HttpRequest, track: TalkTrack, *, now: datetime) -> dict[str, Any]:
    """A version that is no draft, as it reads to somebody made up, with the history of its track."""
    known = talk_tracks.versions(track.key)
    rows = known if request.user.is_manager else [one for one in known if one.approved_at]  # type: ignore[union-attr]
    changes = {new.pk: talk_tracks.changed_parts(old, new) for new, old in pairwise(known)}
    return {
        "track_row": track,
        "language": language_name(track.language),
        "words": talk.words(track.pitch),
        "versions": [{"row": one, "changed": _in_words(changes.get(one.pk, []))} for one in rows],
        "waiting": next((one for one in known if one.is_draft), None),
        "current": next((one for one in known if one.is_in_use), None),
        "track": _made_up(request, track, talk.script_of(track)),
        "script": talk.script_of(track),
    }


def _in_words(columns: list[str]) -> list[str]:
    return [str(TalkTrack._meta.get_field(name).verbose_name) for name in columns]


def _preview(
    request: HttpRequest, track: TalkTrack, form: TrackForm, parts: dict[str, Any]
) -> dict[str, Any]:
    """What is typed, as it reads to the sample lead; where it cannot be read yet, what is kept."""
    now = timezone.now()
    leads = _samples(request, track)
    sample = SampleForm(request.POST or None, prefix="sample", leads=leads)
    typed = form.is_bound and _valid(form, parts)
    script = wanted(form, parts, language=track.language).script if typed else talk.script_of(track)
    chosen = sample.cleaned_data["lead"] if sample.is_bound and sample.is_valid() else ""
    lead = next((one for one in leads if str(one.pk) == chosen), None)
    context: dict[str, Any] = {
        "track_row": track,
        "sample": sample,
        "unread": form.is_bound and not typed,
        "problems": talk.problems(script),
    }
    if lead is None:
        return {**context, "track": _made_up(request, track, script)}
    facts = steps.facts_of(lead, user=request.user)  # type: ignore[arg-type]
    places = guarding.gather([lead], now=now)[lead.pk].jurisdictions
    return {
        **context,
        "gaps": talk.gaps(script, facts),
        "track": talk_tracks.shown_script(
            track,
            script,
            _first(track, script, places),
            facts,
            answers={one.field: one.answer for one in lead.answers.all()},
        ),
    }


def _made_up(request: HttpRequest, track: TalkTrack, script: talk.Script) -> talk_tracks.Shown:
    """A script as it reads to somebody made up, with everything that any place wants said first."""
    person = rehearsal.person(0, track.language)
    workspace = Workspace.current()
    facts = person.facts(request.user, firm=workspace.seller_name or workspace.name)
    first = _first(track, script)
    return talk_tracks.shown_script(track, script, first, facts, answers={})


def _first(
    track: TalkTrack, script: talk.Script, places: Sequence[str] | None = None
) -> list[talk.Disclosure]:
    """What is said first in these places, or in any."""
    fallback = talk_tracks.disclosed_to_all(TalkTrack.objects.in_use(), track.language)
    anywhere = [one.place for one in (*script.disclosures, *fallback)]
    return talk.disclosed(script.disclosures, fallback, anywhere if places is None else places)


def _samples(request: HttpRequest, track: TalkTrack) -> list[Lead]:
    """Some of the manager's leads who speak the track's language, or any where none is known to."""
    mine = Lead.objects.live().visible_to(request.user).select_related("company")  # type: ignore[arg-type]
    return list(mine.filter(language__in=("", track.language)).order_by("-pk")[:MOST_SAMPLES])
