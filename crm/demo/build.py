"""How does the demo get into the database? Everything is thought out in memory first, then written set by set."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import make_password
from django.db import models, transaction

from crm.accounts.models import Absence, Team
from leads.models import (
    Company,
    Consent,
    Customer,
    ExternalId,
    Lead,
    LeadList,
    LeadNumber,
    ListMembership,
    Number,
    Suppression,
    Workspace,
)
from touchpoints.models import (
    Answer,
    BlockedDial,
    CallAttempt,
    CallBlock,
    Dial,
    FollowUp,
    HandRaise,
    Meeting,
    Promise,
    Pursuit,
    Skip,
    StageChange,
    Task,
    TemperatureChange,
    TemperatureOverride,
    Touchpoint,
    UnmatchedTouchpoint,
)

from . import lists, scenes, talk
from .cast import FIRM, HOUSEHOLDS, ORIGINS, STAFF, TEAMS
from .clock import DAY, Law
from .course import Course, World
from .history import LEADS_FOR_FULL_DAYS, WEEKS, History, blocked_dials
from .manifest import Present, exists
from .people import Town
from .store import store
from .warming import evidence_json

FEWEST, MOST, DEFAULT_LEADS, DEFAULT_SEED = 120, 12_000, 6_000, 7
# In this order each table finds what it points at.
_ORDER: tuple[type[models.Model], ...] = (
    CallBlock, Pursuit, FollowUp, CallAttempt, Dial, StageChange, Meeting, Promise, Answer, Skip, Task, BlockedDial,
    Suppression, Consent,
)  # fmt: skip


@dataclass(frozen=True)
class Built:
    """How many rows of what the demo is made of."""

    counts: dict[str, int]


class Refused(Exception):
    """Why no demo is built, in one line."""


def build(
    *,
    leads: int,
    seed: int,
    now: datetime,
    password: str,
    progress: Callable[[str], None] = lambda _text: None,
) -> Built:
    """Build the demo workspace of about `leads` leads; the same seed on the same day makes the same one.

    Raises Refused where a demo is there already, a login of it is taken, or `leads` is out of range.
    """
    if not FEWEST <= leads <= MOST:
        raise Refused(f"leads is {leads}; expected {FEWEST} to {MOST}")
    if exists():
        raise Refused("the demo is there already; remove it first with: demo --clear")
    taken = get_user_model().objects.filter(username__in=[one.username for one in STAFF])
    if name := taken.values_list("username", flat=True).first():
        raise Refused(
            f"somebody signs in as {name!r} already, which is a login of the demo; rename that user first"
        )
    with transaction.atomic():
        return _Builder(leads, Random(f"{seed} {now:%Y-%m-%d}"), now, progress).run(password)


class _Builder:
    def __init__(self, leads: int, dice: Random, now: datetime, progress: Callable[[str], None]) -> None:
        self.leads, self.dice, self.at, self.progress = leads, dice, now, progress
        self.now = int(now.timestamp())
        self.start = self.now - WEEKS * 7 * DAY
        self.present = Present()

    def run(self, password: str) -> Built:
        self._name_the_firm()
        users = self._staff(password)
        self.progress(f"{self.leads} people and their companies")
        town = Town(self.dice, start=self.start, end=self.now)
        people = town.populate(self.leads - 2)
        world = World(now=self.now, law=Law(), users=users, dice=self.dice)
        for person in people:
            person.lead.owner = users[person.rep.username] if person.rep else None
            person.lead.team = self.teams[person.team]
            person.lead.created_by = users["max" if person.team == TEAMS[0] else "mona"]
        history = History(people, world, start=self.start, scale=self.leads / LEADS_FOR_FULL_DAYS)
        history.play(self.progress)
        scenes.set_stage(history, town, world)
        blocked_dials(history.courses, world, start=self.start, wanted=max(4, self.leads // 70))
        self.progress("writing it down")
        self._write(town, world, history.courses)
        self.present.lists = [row.pk for row in lists.bring(now=self.at)]
        self.present.keep(now=self.at)
        return Built(self._counts(town, world, history.courses))

    # --- who works here --------------------------------------------------------------------------------------

    def _name_the_firm(self) -> None:
        workspace = Workspace.objects.select_for_update().get(pk=1)
        if not workspace.seller_name:
            workspace.seller_name = FIRM
            workspace.save(update_fields=["seller_name"])
            self.present.workspace = {"seller_name": FIRM}

    def _staff(self, password: str) -> dict[str, Any]:
        taken = set(Team.objects.values_list("name", flat=True))
        names = {name: name if name not in taken else f"{name} (demo)" for name in TEAMS}
        teams = Team.objects.bulk_create(Team(name=names[key], is_demo=True) for key in TEAMS)
        self.teams = dict(zip(TEAMS, teams, strict=True))
        model = get_user_model()
        secret = make_password(password)
        users = {
            one.username: model(
                username=one.username, first_name=one.first_name, last_name=one.last_name, password=secret,
                email=f"{one.username}@lumenvale.example", role=one.role, team=self.teams.get(one.team),
                time_zone=one.zone, language=one.language, is_staff=one.role == "admin", is_demo=True,
                is_superuser=one.role == "admin", dials_a_day=sum(one.dials) // 2 if one.role == "rep" else 80,
                working_hours={str(day): [[f"{one.hours[0]:02d}:00", f"{one.hours[1]:02d}:00"]] for day in range(1, 6)},
                date_joined=self.at - timedelta(days=200),
            )
            for one in STAFF
        }  # fmt: skip
        model.objects.bulk_create(users.values())
        self._absences(users)
        for track in talk.tracks(approved_by=users["max"], now=self.at - timedelta(days=100)):
            track.save()
            self.present.add(track)
        return users

    def _absences(self, users: dict[str, Any]) -> None:
        for one in STAFF:
            if one.away_in_week:
                first = (self.at - timedelta(weeks=WEEKS) + timedelta(weeks=one.away_in_week - 1)).date()
                Absence.objects.create(
                    user=users[one.username], starts_on=first, ends_on=first + timedelta(days=6), reason="holiday",
                    cover=users["ada"],
                )  # fmt: skip
        ahead = (self.at + timedelta(days=9)).date()
        Absence.objects.create(
            user=users["gus"], starts_on=ahead, ends_on=ahead + timedelta(days=3), reason="holiday"
        )

    # --- writing ---------------------------------------------------------------------------------------------

    def _write(self, town: Town, world: World, courses: list[Course]) -> None:
        for course in courses:
            course.heat.settle()
        store(Company, town.companies)
        known = Number.objects.in_bulk([number.e164 for number in town.numbers], field_name="e164")
        for number in town.numbers:
            if number.e164 in known:  # a real lead has typed a fictional number: it is the same number
                number.pk = known[number.e164].pk
        store(Number, [number for number in town.numbers if number.pk is None])
        store(Lead, [person.lead for person in town.people])
        store(LeadNumber, [link for person in town.people for link in person.links])
        self._lists(town)
        self._write_evidence(courses)
        for model in _ORDER:
            if model is CallAttempt:
                self._effects(courses)
            rows = world.rows.get(model, [])
            rows.sort(key=_when.get(model, _unsorted))
            store(model, rows)
        for entry in (row for row in world.rows.get(Suppression, []) if row.scope == "number"):
            self.present.add(entry)
        self._odds_and_ends(world, courses)

    def _lists(self, town: Town) -> None:
        taken = set(LeadList.objects.values_list("name", flat=True))
        by_origin = {
            origin: LeadList(
                name=origin.name if origin.name not in taken else f"{origin.name} (demo)", source=origin.source,
                created_at=self.at - timedelta(days=130), is_demo=True,
            )
            for origin in (*ORIGINS, HOUSEHOLDS)
        }  # fmt: skip
        LeadList.objects.bulk_create(by_origin.values())
        store(
            ListMembership,
            (
                ListMembership(
                    lead=person.lead, list=by_origin[person.origin], added_at=person.lead.created_at
                )
                for person in town.people
            ),
        )
        readers = [person.lead for person in town.people if person.origin.story == "reader"]
        ExternalId.objects.bulk_create(
            ExternalId(lead=lead, source="newsletter", external_id=f"demo-{number:05d}")
            for number, lead in enumerate(readers, start=1)
        )

    def _write_evidence(self, courses: list[Course]) -> None:
        touchpoints = [row for course in courses for row in course.heat.rows]
        touchpoints.sort(key=lambda row: row.recorded_at)
        store(Touchpoint, touchpoints)
        store(HandRaise, [one for course in courses for one in course.heat.hand_raises])
        changes = []
        for course in courses:
            for change, found in course.heat.changes:
                change.evidence = evidence_json(found, course.heat.rows)
                changes.append(change)
        changes.sort(key=lambda change: change.at)
        store(TemperatureChange, changes)
        store(TemperatureOverride, [one for course in courses for one in course.heat.overrides])

    def _effects(self, courses: list[Course]) -> None:
        """Let the latest call of each lead be amended: keep what was before it and what it placed."""
        for course in courses:
            if course.call is None or course.call.ended_at is None:
                continue
            before, ended = dict(course.before), course.call.ended_at
            before["follow_up"] = before["follow_up"].pk if before["follow_up"] else None
            before["owner"] = before["owner"].pk if before["owner"] else None
            before["company"] = before["company"].pk if before["company"] else None
            made: dict[str, list[Any]] = {}
            follow_up = course.follow_up
            if follow_up is not None and follow_up.placed_at == ended:
                made["follow_up"] = [follow_up.pk]
            touchpoints = [
                row.pk
                for row in course.heat.rows
                if row.source == "thaw" and row.occurred_at == ended and row.by_user
            ]
            if touchpoints:
                made["touchpoints"] = touchpoints
            course.call.effects = {"before": before, "made": made}

    def _odds_and_ends(self, world: World, courses: list[Course]) -> None:
        """What carries no mark of the demo itself: remembered by id, so that it can be removed again."""
        domains = set(Customer.objects.values_list("domain", flat=True))
        rows: list[models.Model] = [
            one for one in scenes.customers(courses, world) if one.domain not in domains
        ]
        rows += scenes.own_list(courses, world)
        for row in rows:
            row.save()
            self.present.add(row)
        for one, candidates in scenes.unmatched(courses, world):
            if not UnmatchedTouchpoint.objects.filter(
                source=one.source, external_id=one.external_id
            ).exists():
                one.save()
                one.candidates.set([course.lead for course in candidates])
                self.present.add(one)

    def _counts(self, town: Town, world: World, courses: list[Course]) -> dict[str, int]:
        counts = {"leads": len(town.people), "companies": len(town.companies), "numbers": len(town.numbers)}
        counts |= {"users": len(STAFF), "teams": len(TEAMS), "lists": len(ORIGINS) + 1}
        counts["touchpoints"] = sum(len(course.heat.rows) for course in courses)
        counts["temperature_changes"] = sum(len(course.heat.changes) for course in courses)
        counts["hand_raises"] = sum(len(course.heat.hand_raises) for course in courses)
        counts["warm_leads"] = sum(course.heat.warm for course in courses)
        names = {CallAttempt: "calls", Pursuit: "pursuits", FollowUp: "follow_ups", Meeting: "meetings"}
        names |= {
            Promise: "promises",
            CallBlock: "blocks",
            Task: "tasks",
            Skip: "skips",
            BlockedDial: "blocked_dials",
        }
        return counts | {name: len(world.rows.get(model, [])) for model, name in names.items()}


def _unsorted(_row: models.Model) -> int:
    return 0


_when: dict[type[models.Model], Callable[[Any], Any]] = {
    CallAttempt: lambda row: row.started_at,
    Dial: lambda row: row.at,
    FollowUp: lambda row: row.placed_at,
    Pursuit: lambda row: row.started_at,
    StageChange: lambda row: row.at,
}
