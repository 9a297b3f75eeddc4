"""What does a lead's page show? Everything in one place, in a bounded number of queries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django.db.models import Q
from django.utils.translation import gettext

from leads import agreement, consents, numbers
from leads.customers import customers_of
from leads.models import Suppression

from . import guarding, lead_history, screen, their_line, todo, warmth_story, wishes
from .models import CallAttempt, Complaint, FollowUp, IdleNotice, Meeting, Promise, Pursuit, StageChange, Task
from .reasons import reasons_for

if TYPE_CHECKING:
    from datetime import datetime

    from leads.guard import Verdict
    from leads.models import Lead, LeadNumber

TIMELINE = 40
WHOLE_TIMELINE = 400
MOST_ROWS = 20
REPS_AMEND_WITHIN = timedelta(hours=24)


@dataclass(frozen=True)
class NumberShown:
    """One number of the lead with the guard's answer for it now."""

    link: LeadNumber
    text: str
    shared: bool
    verdict: Verdict

    @property
    def why(self) -> str:
        return self.verdict.reasons[0].detail if self.verdict.reasons else ""


def show(lead: Lead, *, user: Any, now: datetime, whole: bool = False) -> dict[str, Any]:
    """The context of the lead's page. `whole` shows the timeline to its end."""
    situation = guarding.gather([lead], now=now)[lead.pk]
    verdicts = situation.verdicts(now=now)
    best = situation.best_verdict(now=now)
    told = warmth_story.story(lead, now=now)
    promises = list(
        Promise.objects.filter(lead=lead).select_related("made_by").order_by("-made_at")[:MOST_ROWS]
    )
    promise = next((one for one in promises if one.kept_at is None and one.cancelled_at is None), None)
    pursuits = list(Pursuit.objects.filter(lead=lead).select_related("cadence", "ended_by")[:MOST_ROWS])
    pursuit = next((one for one in pursuits if one.ended_at is None), None)
    most = WHOLE_TIMELINE if whole else TIMELINE + 1
    events = timeline(lead, told["turns"], most=most)
    latest = next((row["call"] for row in events if row.get("call")), None)
    tasks = list(Task.objects.filter(lead=lead, done_at=None).select_related("assignee", "lead"))
    return {
        "now": now,
        "lead": lead,
        "warm": lead.is_warm(now=now),
        "guard": best,
        "guard_facts": screen.guard_facts(situation, best, now=now),
        "numbers": [_number(link, situation, verdicts) for link in situation.links],
        "story": told,
        "reasons": reasons_for(lead, told["found"], user=user, now=now, promise=promise, zone=clock_of(user)),
        "pursuit": pursuit,
        "ended_pursuits": [one for one in pursuits if one.ended_at is not None],
        "dots": screen.dots(pursuit),
        "resting": pursuit is not None and pursuit.paused_until is not None and pursuit.paused_until > now,
        "idle_notice": IdleNotice.objects.filter(lead=lead).first(),
        "follow_up": FollowUp.objects.open().filter(lead=lead).select_related("assignee").first(),
        "promises": promises,
        "meetings": _meetings(lead),
        "tasks": tasks,
        "undecided": todo.undecided(tasks),
        "suppressions": suppressions_of(lead, situation.links),
        "wishes": wishes.of_lead(lead),
        "consents": _consents(lead, now=now),
        "complaints": list(Complaint.objects.filter(lead=lead)[:MOST_ROWS]),
        "customer": customers_of([lead]).get(lead.pk) if situation.is_customer else None,
        "timeline": events if whole else events[:TIMELINE],
        "more_timeline": not whole and len(events) > TIMELINE,
        "amendable": latest if latest is not None and may_amend(latest, user=user, now=now) else None,
        "may_dial": best.decision != "block" and bool(situation.links),
        "user_zone": user.time_zone,
        "their_zone": situation.zones[0] if situation.zones else "",
        "zone_choices": screen.zone_choices(situation),
        "to_agree": agreement.differences(lead),
        "line_types": their_line.choices_for(user),
    }


def _number(link: LeadNumber, situation: guarding.Situation, verdicts: dict[int, Verdict]) -> NumberShown:
    extension = f" #{link.extension}" if link.extension else ""
    return NumberShown(
        link=link,
        text=numbers.display(link.number.e164) + extension,
        shared=situation.users_of.get(link.number_id, 0) > 1,
        verdict=verdicts[link.number_id],
    )


def timeline(lead: Lead, turns: list[warmth_story.Turn], *, most: int) -> list[dict[str, Any]]:
    """Touchpoints, calls, temperature and stage changes, whose it was and when it rested, newest first:
    [{at, text, kind, by, note}]."""
    rows = screen.timeline(lead, most=most)
    rows += [
        {
            "at": turn.at,
            "text": turn.text,
            "kind": turn.temperature,
            "by": turn.by,
            "note": "",
        }
        for turn in turns
    ]
    moves = StageChange.objects.filter(lead=lead).select_related("by")[:most]
    rows += [
        {
            "at": move.at,
            "text": gettext("Stage: %(before)s → %(after)s")
            % {"before": move.get_before_display(), "after": move.get_after_display()},
            "kind": "",
            "by": move.by.short_name if move.by else "",
            "note": "",
            "quiet": True,
        }
        for move in moves
    ]
    rows += lead_history.rows_of(lead, most=most)
    for row in rows:
        if row["note"].strip(" .").casefold() == row["text"].casefold():
            row["note"] = ""
    return sorted(rows, key=lambda row: row["at"], reverse=True)[:most]


def _consents(lead: Lead, *, now: datetime) -> list[dict[str, Any]]:
    rows = lead.consents.select_related("number", "recorded_by").order_by("-starts_at", "-pk")[:MOST_ROWS]
    return [{"row": row, "state": consents.state_of(row, now=now)} for row in rows]


def _meetings(lead: Lead) -> list[Meeting]:
    return list(Meeting.objects.filter(lead=lead).select_related("host")[:MOST_ROWS])


def suppressions_of(lead: Lead, links: list[LeadNumber]) -> list[Suppression]:
    """The entries of our own list that stand in the way of calling this lead."""
    covered = Q(scope="person", lead=lead) | Q(scope="number", e164__in=[link.number.e164 for link in links])
    if lead.company_id:
        covered |= Q(scope="company", company=lead.company_id)
    return list(Suppression.objects.active().filter(covered).select_related("by"))


def may_amend(call: CallAttempt, *, user: Any, now: datetime) -> bool:
    """Whether this user may replace the call's outcome: one's own for a day, a manager any time."""
    own = call.user_id == user.pk and now - call.started_at < REPS_AMEND_WITHIN
    return bool(user.is_manager or own)


def clock_of(user: Any) -> ZoneInfo:
    """The zone in which a user types and reads times."""
    return ZoneInfo(user.time_zone)
