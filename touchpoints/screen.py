"""What does the call screen show of a lead? Everything in one place, in a bounded number of queries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django.db.models import Count, OuterRef, Q
from django.utils import formats
from django.utils.translation import gettext, ngettext

from leads import agreement, numbers
from leads.models import Lead, Workspace
from leads.zones import zones_of_country

from . import callbacks, engine, guarding, keys, queue, spoken_time, steps, talk, talk_tracks, wishes
from .after_call import AfterCall, Earlier, earlier_calls, latest_raise
from .icebreaker import in_words
from .models import CallAttempt, FollowUp, Outcome, Promise, Pursuit, Touchpoint
from .outcomes import Logged
from .reasons import fact_of, line_about, reasons_for, zone_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leads.guard import Verdict

    from .situation import Situation

TIMELINE = 8
ASKS = {
    "agreed_time": "callback",
    "later": "later",
    "send_info": "promise",
}


@dataclass(frozen=True)
class DialChoice:
    """One number as a button: what it says, and whether the guard lets it be one."""

    id: int
    text: str
    label: str
    line_type: str
    shared: bool
    allowed: bool
    why: str
    registered_with: list[tuple[str, date]]


def show(
    lead: Lead,
    *,
    user: Any,
    now: datetime,
    call: CallAttempt | None,
    follow_up: FollowUp | None,
    situation: Situation | None = None,
) -> dict[str, Any]:
    """The context of the call screen for a lead in hand, with its open call where there is one.

    `situation`: the lead's, where the caller has just gathered it.
    """
    situation = situation or guarding.gather([lead], now=now)[lead.pk]
    verdicts = situation.verdicts(now=now)
    best = situation.best_verdict(now=now)
    promise = _promise(lead)
    found = engine.warmth_of([lead], now=now)[lead.pk]
    pursuit = _pursuit(lead, now=now)
    past = _calls_of(pursuit)
    workspace = Workspace.current()
    zone = zone_of(situation.zones)
    offered = list(Outcome.objects.filter(active=True))
    then = _after(lead, call, pursuit, past, situation, user=user, now=now).told(offered)
    return {
        "lead": lead,
        # A colleague's hand-raiser may be offered to somebody who does not see the lead's page.
        "has_page": _sees(user, lead),
        "call": call,
        "note": call.notes if call else "",
        "follow_up": follow_up,
        "pursuit": pursuit,
        # On a call the answer it was opened with stands; the next dial is asked about anew.
        "guard": call.guard if call else best,
        "guard_facts": guard_facts(situation, best, now=now),
        "wishes": wishes.of_lead(lead),
        "on_list_since_dial": call is not None and on_list(call, situation),
        "zone_choices": [] if call else zone_choices(situation),
        "to_agree": agreement.differences(lead),
        "numbers": _choices(situation, verdicts, keep_order=call is not None),
        "promise": promise,
        "reasons": reasons_for(
            lead, found, user=user, now=now, promise=promise, zone=zone, workspace=workspace
        ),
        "timeline": timeline(lead, most=TIMELINE),
        "dots": [dot(one) for one in past if one.attempt is not None and one.ended_at is not None],
        "outcome_buttons": _outcome_buttons(offered, situation, then, user=user),
        "then_later": {days: then.get(f"not_now:{days}", "") for days in (30, 60, 90)},
        "track": _track(lead, call, situation, past, workspace, user=user, now=now),
        "their_now": now.astimezone(zone) if situation.zones else None,
        "their_zone": situation.zones[0] if situation.zones else "",
        "callback_shortcuts": _shortcuts(now, zone),
        "why_next": queue.why_ranked(follow_up) if follow_up else "",
        "undo_seconds": workspace.undo_seconds,
    }


def on_list(call: CallAttempt, situation: Situation) -> bool:
    """Whether whom this call was dialled to is on our own list by now: it must not be dialled again."""
    facts = situation.facts.get(call.number_id or 0)
    return bool(facts.suppressed if facts else situation.suppressed)


def _pursuit(lead: Lead, *, now: datetime) -> Pursuit | None:
    """The lead's open pursuit, with `raised_at` of its lead's latest hand-raise."""
    rows = Pursuit.objects.open().filter(lead=lead).select_related("cadence")
    return rows.annotate(raised_at=latest_raise(OuterRef("lead"))).first()


def _calls_of(pursuit: Pursuit | None) -> list[CallAttempt]:
    """The calls of a pursuit in order, with their outcomes: what the meter draws and the next step goes by."""
    if pursuit is None:
        return []
    return list(pursuit.calls.select_related("outcome").order_by("attempt", "pk"))


def _after(
    lead: Lead,
    call: CallAttempt | None,
    pursuit: Pursuit | None,
    past: Sequence[CallAttempt],
    situation: Situation,
    *,
    user: Any,
    now: datetime,
) -> AfterCall:
    """The open call, or the one to be made, as its outcomes are weighed."""
    asked = call or CallAttempt(lead=lead, pursuit=pursuit, user=user, started_at=now)
    if pursuit is not None and asked.pursuit_id == pursuit.pk:
        asked.pursuit = pursuit
        earlier = [Earlier(one.outcome_id, one.started_at, one.attempt) for one in past if one.pk != asked.pk]
    else:
        earlier = earlier_calls(asked)
    raised_at = getattr(pursuit, "raised_at", None)
    return AfterCall(asked, lead, Logged(outcome=""), situation, earlier, raised_at, now=now)


def _sees(user: Any, lead: Lead) -> bool:
    own = lead.owner_id == user.pk
    return own or Lead.objects.visible_to(user).filter(pk=lead.pk).exists()


def line_of(lead: Lead, touchpoint_id: int | None, *, user: Any, now: datetime) -> str | None:
    """The opening line about one touchpoint, or about the strongest evidence; None where it is not the lead's."""
    zone, promise = zone_of(guarding.gather([lead], now=now)[lead.pk].zones), _promise(lead)
    if touchpoint_id is not None:
        return line_about(lead, touchpoint_id, user=user, now=now, promise=promise, zone=zone)
    found = engine.warmth_of([lead], now=now)[lead.pk]
    return reasons_for(lead, found, user=user, now=now, promise=promise, zone=zone).line


# --- the guard strip -----------------------------------------------------------------------------------------


def guard_facts(situation: Situation, verdict: Verdict, *, now: datetime) -> list[str]:
    """The short sentences beside the guard's answer: local time, when it closes, dials made, the rule."""
    said = []
    local = situation.local_time(now)
    if local is not None:
        said.append(_local_time(situation, local, now=now))
    today = sum(situation.local_date(at) == situation.local_date(now) for at in situation.dialled)
    week = sum(now - at < timedelta(days=7) for at in situation.dialled)
    said.append(gettext("today %(n)d of %(most)d") % {"n": today, "most": situation.caps.per_day})
    said.append(gettext("7 days %(n)d of %(most)d") % {"n": week, "most": situation.caps.per_week})
    if any(not rules.verified for rules in situation.rules.values()):
        said.append(gettext("default rule, not verified"))
    elif verdict.rule_version:
        said.append(gettext("rules %(version)s") % {"version": verdict.rule_version})
    return said


def _local_time(situation: Situation, local: datetime, *, now: datetime) -> str:
    clock = formats.date_format(local, "D H:i")
    city = situation.zones[0].rpartition("/")[2].replace("_", " ")
    where = gettext("%(time)s in %(city)s") % {"time": clock, "city": city}
    others = {now.astimezone(ZoneInfo(zone)).utcoffset() for zone in situation.zones} - {local.utcoffset()}
    if others:
        more = ngettext("or %(n)d other zone", "or %(n)d other zones", len(others)) % {"n": len(others)}
        where = f"{where} {more}"
    closes = situation.hours.closes_at(now) if situation.hours else None
    if closes is None:
        return where
    hours, minutes = divmod(int((closes - now).total_seconds()) // 60, 60)
    left = (
        gettext("%(h)d h %(m)02d") % {"h": hours, "m": minutes}
        if hours
        else gettext("%(m)d min") % {"m": minutes}
    )
    return gettext("%(where)s, closes in %(left)s") % {"where": where, "left": left}


def zone_choices(situation: Situation) -> list[str]:
    """Zones a rep may confirm with one click, where more than one is possible or none is known."""
    if len(situation.zones) == 1:
        return []
    return list(situation.zones) or list(zones_of_country(situation.country))


# --- numbers, promise, past ----------------------------------------------------------------------------------


def _choices(situation: Situation, verdicts: dict[int, Verdict], *, keep_order: bool) -> list[DialChoice]:
    usable = {link.number_id for link in situation.callable_numbers()}
    choices = [
        DialChoice(
            id=link.number_id,
            text=numbers.display(link.number.e164) + (f" #{link.extension}" if link.extension else ""),
            label=link.label,
            line_type=link.number.get_line_type_display(),
            shared=situation.users_of.get(link.number_id, 0) > 1,
            allowed=verdicts[link.number_id].decision != "block",
            why=verdicts[link.number_id].reasons[0].detail if verdicts[link.number_id].reasons else "",
            registered_with=link.number.registered_with,
        )
        for link in situation.links
    ]
    if keep_order:
        return choices
    return sorted(choices, key=lambda choice: (not choice.allowed, choice.id not in usable))


def _promise(lead: Lead) -> Promise | None:
    return (
        Promise.objects.filter(lead=lead, kept_at=None, cancelled_at=None)
        .select_related("made_by")
        .order_by("-made_at")
        .first()
    )


def timeline(lead: Lead, *, most: int) -> list[dict[str, Any]]:
    """What happened, newest first: touchpoints and calls as [{at, text, kind, by, note}]."""
    touches = Touchpoint.objects.filter(lead=lead).exclude(source="thaw", external_id__startswith="call:")
    rows = [
        {
            "at": row.occurred_at,
            "text": first_up(in_words(fact_of(row))),
            "kind": "touch",
            "by": row.by,
            "note": row.summary,
            "touchpoint": row,
        }
        for row in touches.select_related("kind", "by_user").order_by("-occurred_at")[:most]
    ]
    calls = CallAttempt.objects.filter(lead=lead, ended_at__isnull=False).select_related("outcome", "user")
    rows += [
        {
            "at": call.started_at,
            "text": _call_in_words(call),
            "kind": "",
            "by": str(call.user.short_name) if call.user else "",
            "note": call.notes,
            "call": call,
        }
        for call in calls.order_by("-started_at")[:most]
    ]
    return sorted(rows, key=lambda row: row["at"], reverse=True)[:most]


def _call_in_words(call: CallAttempt) -> str:
    outcome = gettext(str(call.outcome)) if call.outcome else gettext("outcome not logged")
    if call.direction == "inbound":
        return gettext("Rang us: %(outcome)s") % {"outcome": outcome}
    if call.attempt:
        return gettext("Attempt %(n)d: %(outcome)s") % {"n": call.attempt, "outcome": outcome}
    return gettext("Call: %(outcome)s") % {"outcome": outcome}


def first_up(text: str) -> str:
    return text[:1].upper() + text[1:]


def dots(pursuit: Pursuit | None) -> list[dict[str, str]]:
    """The attempts of the pursuit so far, as the meter draws them."""
    return [
        dot(call) for call in _calls_of(pursuit) if call.attempt is not None and call.ended_at is not None
    ]


def dot(call: CallAttempt) -> dict[str, str]:
    return {"kind": _dot(call), "label": _call_in_words(call)}


def _dot(call: CallAttempt) -> str:
    if call.outcome is None or call.outcome_id == "voicemail_left":
        return "voicemail" if call.outcome else "none"
    return "reach" if call.outcome.reach else "connect" if call.outcome.connect else "none"


def _track(
    lead: Lead,
    call: CallAttempt | None,
    situation: Situation,
    past: Sequence[CallAttempt],
    workspace: Workspace,
    *,
    user: Any,
    now: datetime,
) -> talk_tracks.Shown | None:
    """What to say: on a call the version it was opened with, whatever is approved meanwhile."""
    if call is not None and call.talk_track is not None:
        track, first = call.talk_track, [talk.Disclosure(**one) for one in call.disclosures]
    else:
        chosen = talk_tracks.choose(lead, situation.jurisdictions, now=now)
        if chosen.track is None:
            return None
        track, first = chosen.track, chosen.disclosures
    return talk_tracks.shown(
        track,
        first,
        steps.facts_of(lead, user=user, workspace=workspace),
        answers={answer.field: answer.answer for answer in lead.answers.all()},
        voicemails_left=sum(one.outcome_id == "voicemail_left" for one in past),
    )


# --- outcomes ------------------------------------------------------------------------------------------------


def _outcome_buttons(
    offered: Sequence[Outcome], situation: Situation, then: dict[str, str], *, user: Any
) -> list[dict[str, Any]]:
    """[{key, label, hotkey, code, asks, dangerous, common, then}]: `asks` names what must be answered first."""
    shared = any(users > 1 for users in situation.users_of.values())
    buttons = []
    for outcome in offered:
        hotkey = user.key_map.get(outcome.pk) or outcome.hotkey
        buttons.append(
            {
                "key": outcome.pk,
                "label": gettext(outcome.label),
                "hotkey": hotkey.upper(),
                "code": keys.code_of(hotkey),
                "asks": _asks(outcome, shared=shared, nameless=not situation.lead.person),
                "dangerous": outcome.dangerous,
                "common": outcome.common,
                "then": then.get(outcome.pk, ""),
                "first_row": outcome.hotkey.isdigit() and outcome.hotkey != "0",
            }
        )
    return buttons


def _asks(outcome: Outcome, *, shared: bool, nameless: bool) -> str:
    if outcome.policy in ASKS:
        return ASKS[outcome.policy]
    by_end = {
        "meeting": "meeting",
        "referred_on": "referred",
        "disqualified": "reason",
        "not_interested": "reason",
    }
    if outcome.ends_pursuit == "do_not_call":
        return "scope" if shared else ""
    if outcome.pk == "abusive":
        return ""
    if outcome.policy == "gatekeeper":
        # Whoever answers knows whom to ask for.
        return "referred" if nameless else ""
    return by_end.get(outcome.ends_pursuit, "")


def _shortcuts(now: datetime, zone: Any) -> list[dict[str, Any]]:
    """Natural callback times: [{label, words, at, minutes}]. `words` are read when the button is pressed, as a call
    takes its time; `at` is what they mean now, in the lead's own time, for a browser that reaches nobody then."""
    chosen = [
        (gettext("in 20 minutes"), "in 20 minutes", 20),
        (gettext("tomorrow, same time"), "tomorrow same time", None),
        (gettext("Thursday 16:00"), "thursday 16:00", None),
        (gettext("in 2 weeks"), "in 2 weeks", None),
    ]
    return [
        {
            "label": label,
            "words": words,
            "at": callbacks.on_the_clock(spoken_time.moment(words, zone=zone, now=now)),
            "minutes": minutes,
        }
        for label, words, minutes in chosen
    ]


def rail(user: Any, *, now: datetime) -> list[dict[str, Any]]:
    """The next five: [{name, temperature, why, url}]; no address where a colleague lends a lead one may not see."""
    return rail_of(queue.upcoming(user, now=now), user=user, now=now)


def rail_of(rows: Sequence[FollowUp], *, user: Any, now: datetime) -> list[dict[str, Any]]:
    return [
        {
            "name": row.lead.name,
            "temperature": "warm" if row.lead.is_warm(now=now) else "cold",
            "why": row.reason if row.rank <= FollowUp.Rank.PROMISE else _why(row),
            "url": row.lead.get_absolute_url()
            if row.assignee_id in (None, user.pk) or _sees(user, row.lead)
            else "",
        }
        for row in rows
    ]


def _why(row: FollowUp) -> str:
    company = f"{row.lead.company} · " if row.lead.company else ""
    target = row.pursuit.target if row.pursuit else 18
    if row.pursuit and row.pursuit.reached_at_attempt:
        return company + gettext("reached at %(n)d") % {"n": row.pursuit.reached_at_attempt}
    return company + gettext("attempt %(n)d of %(target)d") % {"n": row.attempt, "target": target}


def day_so_far(user: Any, *, now: datetime) -> dict[str, int]:
    """The rep's own day since midnight where they are: dials, noes, reaches, meetings."""
    midnight = now.astimezone(ZoneInfo(user.time_zone)).replace(hour=0, minute=0, second=0, microsecond=0)
    mine = CallAttempt.objects.outbound().filter(user=user, started_at__gte=midnight)
    return mine.aggregate(
        dials=Count("pk"),
        noes=Count("pk", filter=Q(outcome__in=("not_interested", "hung_up", "do_not_call", "abusive"))),
        reaches=Count("pk", filter=Q(outcome__reach=True)),
        meetings=Count("pk", filter=Q(outcome__ends_pursuit="meeting")),
    )
