"""Practising a call: for whoever is signed in. Nobody is called, no attempt is opened, nothing is kept."""

from __future__ import annotations

from secrets import randbelow
from typing import TYPE_CHECKING, Any

from django.contrib.auth.decorators import login_required
from django.core import signing
from django.shortcuts import render
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from leads.models import Workspace
from touchpoints import keys, rehearsal, talk, talk_tracks
from touchpoints.icebreaker import in_words
from touchpoints.models import Outcome, TalkTrack
from touchpoints.reasons import opening_line
from touchpoints.rehearsal import State

if TYPE_CHECKING:
    from datetime import datetime

    from django.http import HttpRequest, HttpResponse

SALT = "rehearsal"


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def rehearse(request: HttpRequest) -> HttpResponse:
    """Everybody: a call with somebody made up. ?track= chooses what is said, ?seed= the people; both are made up else.

    What happened so far travels with the page, signed: a POST changes nothing but the answer.
    """
    now = timezone.now()
    tracks = list(TalkTrack.objects.in_use().select_related("segment").order_by("language", "name"))
    state = _state(request, tracks)
    track = next((one for one in tracks if one.pk == state.track), None)
    if track is None:
        return render(request, "call/rehearse.html", {"tracks": tracks})
    script = talk.script_of(track)
    scenes = _scenes(state, track, script)
    if request.method == "POST":
        state = _moved(request, state, scenes, now=now)
    context = {
        "tracks": tracks,
        "rounds": rehearsal.ROUNDS,
        "round": state.round + 1,
        "state": _signed(state),
    }
    if state.over:
        context |= _summary(state, scenes, script)
    else:
        context |= _screen(request, state, scenes[state.round], track, script, now=now)
    template = "call/rehearse_screen.html" if request.htmx else "call/rehearse.html"  # type: ignore[attr-defined]
    return render(request, template, context)


def _state(request: HttpRequest, tracks: list[TalkTrack]) -> State:
    """As the page sent it back; a new rehearsal where it sent none, or one that is not ours."""
    if request.method == "POST":
        try:
            return rehearsal.state_of(signing.loads(request.POST.get("state", ""), salt=SALT))
        except signing.BadSignature:
            pass
    asked = {name: request.GET.get(name, "") for name in ("track", "seed")}
    seed = int(asked["seed"]) if asked["seed"].isdecimal() and len(asked["seed"]) < 10 else randbelow(10**6)
    wanted = talk.languages(request.user.language or Workspace.current().language)  # type: ignore[union-attr]
    known = {str(one.pk): one.pk for one in tracks}
    default = talk.chosen(tracks, wanted=wanted, segments=set())
    return State(seed=seed, track=known.get(asked["track"]) or (default.pk if default else 0))


def _signed(state: State) -> str:
    return signing.dumps(state.as_json(), salt=SALT)


def _scenes(state: State, track: TalkTrack, script: talk.Script) -> list[rehearsal.Scene]:
    return [
        rehearsal.scene(state.seed, n, language=track.language, objections=len(script.objections))
        for n in range(rehearsal.ROUNDS)
    ]


def _moved(request: HttpRequest, state: State, scenes: list[rehearsal.Scene], *, now: datetime) -> State:
    """The state after the key that was pressed."""
    act = request.POST.get("act", "")
    if outcome := request.POST.get("outcome", ""):
        answered = sum(
            bool(value.strip()) for name, value in request.POST.items() if name.startswith("answer_")
        )
        return rehearsal.log(state, outcome[:40], answered=answered, now=now)
    if act == "hear" and not state.over:
        return rehearsal.hear(state, scenes[state.round])
    steps = {
        "dial": lambda: rehearsal.dial(state, now=now),
        "undo": lambda: rehearsal.undo(state, now=now),
        "skip": lambda: rehearsal.skip(state),
        "finish": lambda: rehearsal.finish(state),
    }
    return steps[act]() if act in steps else state


def _screen(
    request: HttpRequest,
    state: State,
    scene: rehearsal.Scene,
    track: TalkTrack,
    script: talk.Script,
    *,
    now: datetime,
) -> dict[str, Any]:
    user, person, workspace = request.user, scene.person, Workspace.current()
    facts = person.facts(user, firm=workspace.seller_name or workspace.name)
    # What was typed in this round stands until the round is over.
    same_round = request.POST.get("round") == str(state.round + 1)
    typed = {
        request.POST.get(f"field_{n}", ""): request.POST.get(f"answer_{n}", "")
        for n in range(1, talk.MOST_QUESTIONS + 1)
    }
    fact = scene.fact(now=now)
    fallback = talk_tracks.disclosed_to_all(TalkTrack.objects.in_use(), track.language)
    anywhere = [one.place for one in (*script.disclosures, *fallback)]
    first = talk.disclosed(script.disclosures, fallback, anywhere)
    said = talk.spoken(script, facts)
    return {
        "person": person,
        "scene": scene,
        "temperature": "warm" if fact else "cold",
        "fact": in_words(fact) if fact else "",
        "line": opening_line(
            person,  # type: ignore[arg-type]
            [fact] if fact else [],
            user=user,
            now=now,
            promise=None,
            zone=now.tzinfo,  # type: ignore[arg-type]
            workspace=workspace,
        ),
        "track": talk_tracks.shown_script(
            track,
            script,
            first,
            facts,
            answers=typed if same_round else {},
            voicemails_left=scene.attempt // 5,
        ),
        "dialled_at": parse_datetime(state.dialled_at) if state.dialled_at else None,
        "happens": _happens(state, scene, said) if state.dialled_at else [],
        "more_to_hear": bool(state.dialled_at) and state.heard < len(scene.objections),
        "outcome_buttons": _buttons(user),
        "notes": request.POST.get("notes", "")[:10_000] if same_round else "",
        "done": state.done,
        "meter": range(rehearsal.ROUNDS),
    }


def _happens(state: State, scene: rehearsal.Scene, said: talk.Script) -> list[str]:
    """What the rep hears, the latest last."""
    begins = {
        "nobody": gettext("It rings, and rings. Nobody answers."),
        "voicemail": gettext("“Please leave a message after the tone.” Beep."),
        "gatekeeper": gettext("“Reception. Who is calling, and what is it about?”"),
        "person": gettext("“%(name)s.”") % {"name": scene.person.last_name},
    }
    heard = [f"“{said.objections[index].objection}”" for index in scene.objections[: state.heard]]
    return [begins[scene.meets], *heard]


def _buttons(user: Any) -> list[dict[str, Any]]:
    """The outcomes with their keys, as on the call screen."""
    rows = Outcome.objects.filter(active=True)
    return [
        {
            "key": one.pk,
            "label": gettext(one.label),
            "hotkey": (user.key_map.get(one.pk) or one.hotkey).upper(),
            "code": keys.code_of(user.key_map.get(one.pk) or one.hotkey),
            "talks": one.reach or one.conversation,
            "dangerous": one.dangerous,
            "common": one.common,
            "first_row": (one.hotkey.isdigit() and one.hotkey != "0") or one.pk == "do_not_call",
        }
        for one in rows
    ]


def _summary(state: State, scenes: list[rehearsal.Scene], script: talk.Script) -> dict[str, Any]:
    outcomes = {one.pk: one for one in Outcome.objects.all()}
    flags = {key: (one.connect, one.reach) for key, one in outcomes.items()}
    told = rehearsal.summary(state, scenes, flags)
    met = {
        "person": gettext("answered themselves"),
        "gatekeeper": gettext("the gatekeeper answered"),
        "voicemail": gettext("voicemail"),
        "nobody": gettext("nobody answered"),
    }
    return {
        "summary": told,
        "practised": [(script.objections[index], times) for index, times in told.objections],
        "rows": [
            {
                "name": scenes[row.round].person.name,
                "met": met[scenes[row.round].meets],
                "outcome": gettext(str(outcomes[row.outcome])) if row.outcome in outcomes else row.outcome,
                "fits": row.outcome in flags
                and rehearsal.fits(
                    scenes[row.round].meets,
                    row.outcome,
                    connect=flags[row.outcome][0],
                    reach=flags[row.outcome][1],
                ),
                "seconds": row.seconds,
                "answered": row.answered,
            }
            for row in state.done
        ],
        "track_row": state.track,
        "seed": state.seed,
    }
