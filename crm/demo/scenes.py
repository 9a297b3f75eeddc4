"""What waits for whoever opens the demo just now? Fresh hand-raises, promised calls, an inbox, tasks, a customer."""

from dataclasses import asdict
from datetime import timedelta
from random import Random

from leads import identity, register
from leads.models import Consent, Customer, Suppression
from touchpoints.models import Answer, Task, UnmatchedTouchpoint
from touchpoints.reports import NewTouchpoint

from . import clock, talk
from .cast import REPS
from .clock import DAY, HOUR, instant
from .course import Course, World
from .history import History
from .markets import MARKETS
from .people import CONSENT_COUNTRIES, Town
from .stories import Happening, happening

SOON = (10, 40)  # minutes until the promised callbacks


def set_stage(history: History, town: Town, world: World) -> None:
    """Everything that must be there at whatever hour the demo is built."""
    for keeper, courses in history.reserve.items():
        for course in courses:
            _wait(course, world)
        if keeper in world.users:
            _ring_and_promise([course for course in courses if not course.dials], world)
    _tasks(history.courses, world)
    _odd_ones(town, world)
    _permissions(history.courses, world)
    _answers(history.courses, world)


def _wait(course: Course, world: World) -> None:
    """A lead whose first call was due on the last business day, and is due still."""
    day = clock.local(course.market.zone, world.now - 14 * HOUR)[0]
    while not clock.works(course.market.country, course.market.region, day):
        day -= 1
    opened = clock.moment(course.market.zone, day, 8 * 60 + world.dice.randrange(60))
    course.heat.advance(opened)
    course.start(max(opened, course.person.arrived + 60))
    if course.heat.advance(world.now):
        course.turned_warm()
        course.place_slot(opened, 0)


def _ring_and_promise(courses: list[Course], world: World) -> None:
    """For one rep: two who have just asked for a call, two who were promised one for right now."""
    now = world.now
    awake = [
        course
        for course in courses
        if world.law.open_at(course.market, now - 6 * 60) and world.law.open_at(course.market, now + 50 * 60)
    ]
    world.dice.shuffle(awake)
    for minutes, kind in ((4, "web_form"), (17, "callback_request")):
        if len(awake) > 3:
            _ask(awake.pop(), now - minutes * 60, kind, world)
    for minutes in SOON:
        if len(awake) > 1:
            _promise(awake.pop(), now + minutes * 60 - now % 300, world)


def _ask(course: Course, at: int, kind: str, world: World) -> None:
    course.heat.soon(happening(kind, at, course.market.locale, world.dice))
    course.heat.soon(Happening(at - 9 * 60, "website_visit", "website", summary="Looked at the prices page"))
    course.heat.advance(world.now)
    course.ask_now(at + 3)


def _promise(course: Course, agreed: int, world: World) -> None:
    """They were reached on the last business day and asked to be called at the agreed time."""
    rep = course.person.rep
    assert rep is not None
    assert course.follow_up is not None
    day = clock.local(course.market.zone, world.now - 20 * HOUR)[0]
    while not clock.works(course.market.country, course.market.region, day):
        day -= 1
    span = world.law.span(course.market, day)
    t = clock.moment(course.market.zone, day, max(span[0] if span else 0, 9 * 60 + world.dice.randrange(100)))
    t = max(t, int(course.follow_up.placed_at.timestamp()) + 300)
    course.dial(rep, t, None, "callback_requested", agreed)


def _tasks(courses: list[Course], world: World) -> None:
    for course in courses:
        if not course.person.consented:
            reason = "no consent to calls is on record, and the place asks for it"
            _task(
                course,
                Task.Kind.RECORD_CONSENT,
                reason,
                world.now - world.dice.randrange(DAY, 20 * DAY),
                world,
            )


def _task(course: Course, kind: str, reason: str, at: int, world: World) -> None:
    lead = course.lead
    at = max(at, course.person.arrived + 60)
    world.add(
        Task(kind=kind, lead=lead, reason=reason, assignee=lead.owner, team=lead.team, created_at=instant(at))
    )


def _odd_ones(town: Town, world: World) -> None:
    """A lead nobody knows the zone of, and one nobody knows the number of."""
    rep = REPS[0]
    zoneless = town.zoneless(rep)
    numberless = town.numberless(next(market for market in MARKETS if market.city == "Leeds"), rep)
    user = world.users[rep.username]
    for person, kind, reason in (
        (zoneless, Task.Kind.FIND_ZONE, "nobody knows the time zone: confirm it, or add an address"),
        (numberless, Task.Kind.FIND_NUMBER, "no number that may be called: find one"),
    ):
        person.lead.owner, person.lead.team = user, user.team
        world.add(
            Task(
                kind=kind, lead=person.lead, reason=reason, assignee=user, team=user.team,
                created_at=instant(world.now - 2 * DAY),
            )
        )  # fmt: skip


def _permissions(courses: list[Course], world: World) -> None:
    """Consents where the law of the place asks for one, and the enquiry behind every hand-raise."""
    for course in courses:
        lead = course.lead
        given = lead.created_at - timedelta(days=2)
        if (
            course.market.country in CONSENT_COUNTRIES
            and course.person.consented
            and not course.person.by_enquiry
        ):
            world.add(
                Consent(
                    lead=lead, kind=Consent.Kind.CONSENT, starts_at=given, evidence="Signed card from the trade fair",
                    recorded_at=lead.created_at,
                )
            )  # fmt: skip
        for raised in course.heat.hand_raises:
            kind = Consent.Kind.ENQUIRY
            world.add(
                Consent(
                    lead=lead, kind=kind, starts_at=raised.raised_at, ends_at=raised.raised_at + timedelta(days=90),
                    evidence=f"{raised.touchpoint.kind_id}, {raised.raised_at.isoformat()}",
                    recorded_at=raised.raised_at + timedelta(seconds=2),
                )
            )  # fmt: skip


def _answers(courses: list[Course], world: World) -> None:
    dice: Random = world.dice
    talked = ("callback_requested", "info_requested", "not_now", "meeting_booked")
    for course in courses:
        call = course.call
        if call is not None and call.outcome_id in talked and dice.random() < 0.5:
            for field, question, lines in talk.answers(course.lead.language)[: dice.randint(1, 3)]:
                world.add(
                    Answer(
                        lead=course.lead,
                        field=field,
                        question=question,
                        answer=dice.choice(lines),
                        call=call,
                        at=call.ended_at,
                    )
                )


def customers(courses: list[Course], world: World) -> list[Customer]:
    """Whoever was won is a customer: known by the firm's domain, looked after by the manager."""
    made: dict[str, Customer] = {}
    for course in courses:
        company = course.lead.company
        if course.stage == "won" and company is not None:
            made[company.domain] = Customer(
                name=company.name, domain=company.domain, account_owner=world.users["max"],
                since=instant(world.now - 7 * DAY).date(), added_at=instant(world.now - 7 * DAY),
            )  # fmt: skip
    return list(made.values())


def own_list(courses: list[Course], world: World) -> list[Suppression]:
    """One firm asked by mail that nobody there be called."""
    for course in courses:
        company = course.lead.company
        if company is not None and course.pursuit is None and len(course.person.links) == 1:
            return [
                Suppression(
                    scope="company", company=company, reason="asked in writing", channel="mail",
                    requested_at=instant(world.now - 12 * DAY), by=world.users["max"],
                )
            ]  # fmt: skip
    return []


def unmatched(courses: list[Course], world: World) -> list[tuple[UnmatchedTouchpoint, list[Course]]]:
    """Two reports whose mail address is one lead's and whose phone is another's."""
    known = [course for course in courses if course.lead.email and course.numbers()]
    made = []
    for index, (kind, source) in enumerate((("web_form", "website"), ("event_registered", "events"))):
        one, other = known[index * 7 % len(known)], known[(index * 7 + 3) % len(known)]
        new = NewTouchpoint(
            kind=kind,
            occurred_at=instant(world.now - (index * 26 + 3) * HOUR),
            lead=identity.Identity(email=one.lead.email, phone=other.numbers()[0].number.e164),
            lead_fields=register.NewLead(fields={"first_name": one.lead.first_name or "Sam"}),
            source=source,
            external_id=f"demo-{index + 1}",
            summary="Asked for an offer" if kind == "web_form" else "Registered for the Energy Fair",
        )
        payload = asdict(new) | {"occurred_at": new.occurred_at.isoformat()}
        row = UnmatchedTouchpoint(
            source=source,
            external_id=new.external_id,
            payload=payload,
            received_at=new.occurred_at + timedelta(seconds=1),
            why="the e-mail address and the phone number belong to two leads",
        )
        made.append((row, [one, other]))
    return made
