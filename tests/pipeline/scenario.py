"""Thirteen pursuits small enough to count by hand; the table is what the tests' figures are computed from.

Now is Wednesday, 18 March 2026, 15:00 UTC. One letter a call, in order: n no answer, m voicemail, b busy,
g gatekeeper, h hung up, c callback (reach), M meeting (reach), x not interested (reach), o still on the line.

 #  owner  start  calls    ended as        reached at  also
 1  ada    cold   nngn     given up                    lost; blocked twice (hours); asked for a call, never called
 2  ada    cold   nnnnnn   given up
 3  ada    cold   ncnM     meeting         2           held, won
 4  bea    cold   hx       not interested  2           blocked once (own list)
 5  bea    cold   nnn      –                           a cancelled meeting (taken back)
 6  bea    warm   M        meeting         1           today; the meeting is tomorrow
 7  bea    warm   nnM      meeting         3           booked on Monday, held today
 8  ada    warm   mn       given up
 9  ada    warm   bo       –                           both today
10  ada    warm            –                           never called
11  cy     cold   n        –                           the other team
12  ada    cold   18 × n   exhausted                   begun and called before the period
13  bea    cold   n        merged                      into 5
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from crm.accounts.models import Absence, User
from crm.pipeline.filters import ReportFilter
from crm.pipeline.reports import Scope
from leads.models import Lead, LeadList, ListMembership
from touchpoints.models import (
    BlockedDial,
    Cadence,
    CallAttempt,
    FollowUp,
    HandRaise,
    Meeting,
    Outcome,
    Promise,
    Pursuit,
    StageChange,
    Touchpoint,
)

NOW = datetime(2026, 3, 18, 15, 0, tzinfo=UTC)
BEGUN = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
OUTCOMES = {
    "n": "no_answer",
    "m": "voicemail_left",
    "b": "busy",
    "g": "gatekeeper",
    "h": "hung_up",
    "c": "callback_requested",
    "M": "meeting_booked",
    "x": "not_interested",
    "o": None,
}
REACHES = "cMx"
DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)


def lay_out(ada: User, bea: User, cy: User) -> dict[int, Lead]:
    """Write the scenario's rows; returns the leads by their number in the table."""
    User.objects.filter(pk=ada.pk).update(dials_a_day=40)
    User.objects.filter(pk=bea.pk).update(dials_a_day=60)
    Absence.objects.create(user=bea, starts_on=date(2026, 3, 20), ends_on=date(2026, 3, 20))
    outcomes = Outcome.objects.in_bulk()
    cadence = Cadence.objects.get(key="cold-18")
    table: list[tuple[int, User, str, str, str]] = [
        (1, ada, "cold", "nngn", "given_up"),
        (2, ada, "cold", "nnnnnn", "given_up"),
        (3, ada, "cold", "ncnM", "meeting"),
        (4, bea, "cold", "hx", "not_interested"),
        (5, bea, "cold", "nnn", ""),
        (6, bea, "warm", "M", "meeting"),
        (7, bea, "warm", "nnM", "meeting"),
        (8, ada, "warm", "mn", "given_up"),
        (9, ada, "warm", "bo", ""),
        (10, ada, "warm", "", ""),
        (11, cy, "cold", "n", ""),
        (12, ada, "cold", "n" * 18, "exhausted"),
        (13, bea, "cold", "n", "merged"),
    ]
    stages = {1: "lost", 3: "won", 6: "meeting", 7: "held", 10: "new"}
    leads: dict[int, Lead] = {}
    for number, owner, temperature, letters, ended in table:
        lead = Lead.objects.create(
            first_name=f"Lead {number}",
            owner=owner,
            team=owner.team,
            stage=stages.get(number, "attempted"),
            created_at=BEGUN,
        )
        leads[number] = lead
        started = BEGUN - 200 * DAY if number == 12 else BEGUN
        pursuit = Pursuit.objects.create(
            lead=lead,
            cadence=cadence,
            started_at=started,
            temperature_at_start=temperature,
            target=18,
            ended_at=NOW - DAY if ended else None,
            end_reason=ended,
            ended_by=None if ended in ("", "exhausted") else owner,
        )
        _call(pursuit, owner, letters, outcomes, first=started)
    Lead.objects.filter(pk=leads[13].pk).update(merged_into=leads[5])
    # 7's date has passed, though the sweep has not been by.
    Lead.objects.filter(pk=leads[6].pk).update(temperature="warm", warm_until=NOW + DAY)
    Lead.objects.filter(pk=leads[7].pk).update(temperature="warm", warm_until=NOW - MINUTE)
    StageChange.objects.create(lead=leads[3], at=NOW - DAY, before="held", after="won")
    _meet(leads)
    _raise_hands(leads)
    _follow_up(leads)
    _promise(leads)
    _block(leads)
    _list(leads)
    return leads


def _call(
    pursuit: Pursuit, owner: User, letters: str, outcomes: dict[str, Outcome], *, first: datetime
) -> None:
    at = {
        "M": [NOW.replace(hour=11)],
        "bo": [NOW.replace(hour=10), NOW - 5 * MINUTE],
    }.get(letters, [first + index * DAY for index in range(len(letters))])
    place = {"hx": (1, 9), "n" * 18: (None, None)}.get(
        letters, (2, 10) if pursuit.temperature_at_start == "cold" else (3, 15)
    )
    reached = False
    for index, letter in enumerate(letters):
        CallAttempt.objects.create(
            lead=pursuit.lead,
            pursuit=pursuit,
            user=owner,
            team=owner.team,
            attempt=None if reached else index + 1,
            outcome=outcomes[key] if (key := OUTCOMES[letter]) else None,
            started_at=at[index],
            ended_at=None if letter == "o" else at[index] + MINUTE,
            duration_seconds=60,
            temperature=pursuit.temperature_at_start,
            local_weekday=place[0],
            local_hour=place[1],
        )
        if letter in REACHES and not reached:
            reached = True
            pursuit.reached_at, pursuit.reached_at_attempt = at[index], index + 1
    pursuit.attempt = pursuit.reached_at_attempt or len(letters.rstrip("o")) + 1
    pursuit.save()


def _meet(leads: dict[int, Lead]) -> None:
    def book(number: int, booked_at: datetime, starts_at: datetime, status: str) -> None:
        lead = leads[number]
        Meeting.objects.create(
            lead=lead,
            pursuit=lead.pursuits.get(),
            title="Meeting",
            booked_by=lead.owner,
            booked_at=booked_at,
            starts_at=starts_at,
            status=status,
        )

    book(3, BEGUN + 3 * DAY, NOW - 8 * DAY, "held")
    book(5, NOW - 60 * MINUTE, NOW + DAY, "cancelled")
    book(6, NOW.replace(hour=11), NOW + DAY, "booked")
    book(7, NOW - 2 * DAY, NOW.replace(hour=9), "held")


def _raise_hands(leads: dict[int, Lead]) -> None:
    def ask(number: int, raised_at: datetime, called_after: int | None) -> None:
        touchpoint = Touchpoint.objects.create(
            lead=leads[number],
            kind_id="web_form",
            direction="inbound",
            occurred_at=raised_at,
            recorded_at=raised_at,
        )
        first = None if called_after is None else raised_at + called_after * MINUTE
        HandRaise.objects.create(
            lead=leads[number], touchpoint=touchpoint, raised_at=raised_at, first_attempt_at=first
        )

    ask(8, BEGUN, 2)
    ask(6, BEGUN, 4)
    ask(7, BEGUN, 10)
    ask(3, BEGUN, 60)
    ask(10, NOW - 3 * MINUTE, None)
    ask(5, NOW - 120 * MINUTE, None)
    ask(9, NOW - 3 * DAY, None)
    ask(1, NOW - 5 * DAY, None)
    ask(11, NOW - 7 * MINUTE, None)


def _follow_up(leads: dict[int, Lead]) -> None:
    def place(number: int, due_at: datetime, **more: Any) -> None:
        lead = leads[number]
        FollowUp.objects.create(
            lead=lead,
            pursuit=lead.pursuits.get(),
            due_at=due_at,
            window_end=due_at + 120 * MINUTE,
            reason="next attempt",
            assignee=lead.owner,
            team=lead.team,
            placed_at=BEGUN,
            **more,
        )

    place(5, NOW - DAY)
    place(9, NOW + 60 * MINUTE)
    place(10, NOW + 300 * MINUTE)
    place(8, NOW + DAY)
    place(4, NOW + DAY, channel="mail")
    place(2, NOW + 30 * DAY)
    place(1, NOW, closed_at=NOW, closed_as="done")
    place(11, NOW)


def _promise(leads: dict[int, Lead]) -> None:
    def promise(number: int, due_at: datetime, **more: Any) -> None:
        Promise.objects.create(
            lead=leads[number], text="Send the brochure", due_at=due_at, made_at=BEGUN, **more
        )

    promise(3, NOW - 3 * DAY, kept_at=NOW - 4 * DAY)
    promise(4, NOW - 3 * DAY, kept_at=NOW - 2 * DAY)
    promise(5, NOW - 60 * MINUTE)
    promise(6, NOW - 3 * DAY, broken_at=NOW - 2 * DAY)
    promise(7, NOW - 3 * DAY, cancelled_at=NOW - 4 * DAY)
    promise(8, NOW + 60 * MINUTE)


def _block(leads: dict[int, Lead]) -> None:
    for number, codes in (
        (1, ["hours_closed", "min_gap"]),
        (1, ["hours_closed"]),
        (4, ["internal_dnc"]),
        (11, ["hours_closed"]),
    ):
        BlockedDial.objects.create(
            lead=leads[number],
            user=leads[number].owner,
            at=NOW - DAY,
            guard={"decision": "block", "reasons": [{"code": code, "detail": code} for code in codes]},
        )


def _list(leads: dict[int, Lead]) -> None:
    for name, source, numbers in (("Fair", "event", (1, 2, 3, 4)), ("Bought", "bought", (4, 5, 6, 11, 13))):
        one = LeadList.objects.create(name=name, source=source, created_at=BEGUN)
        for number in numbers:
            ListMembership.objects.create(list=one, lead=leads[number], added_at=BEGUN)


def scope_of(viewer: User, **query: str) -> Scope:
    """What the page would count for this viewer and address, now."""
    form = ReportFilter(query, viewer=viewer, now=NOW)
    assert form.is_valid(), form.errors
    return form.scope()
