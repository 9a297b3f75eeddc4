"""How do appointments look to a calendar? As iCalendar (RFC 5545, invitations by RFC 5546)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from icalendar import Calendar, Event, vCalAddress, vText

Method = Literal["PUBLISH", "REQUEST", "CANCEL"]


@dataclass(frozen=True, slots=True)
class Person:
    name: str
    email: str


@dataclass(frozen=True, slots=True)
class Appointment:
    """One entry. `uid` stays the same however often it is moved; `sequence` counts up each time."""

    uid: str
    title: str
    starts_at: datetime
    minutes: int
    place: str = ""
    description: str = ""
    sequence: int = 0
    host: Person | None = None
    guest: Person | None = None


def calendar_file(
    appointments: Iterable[Appointment], *, method: Method, now: datetime, name: str = ""
) -> bytes:
    """The file. REQUEST and CANCEL speak to the people named in it, PUBLISH only shows."""
    calendar = Calendar()
    calendar.add("prodid", "-//Thaw//Calendar//EN")
    calendar.add("version", "2.0")
    calendar.add("method", method)
    if name:
        calendar.add("x-wr-calname", name)
    for one in appointments:
        calendar.add_component(_event(one, method=method, now=now))
    return calendar.to_ical()


def _event(one: Appointment, *, method: Method, now: datetime) -> Event:
    event = Event()
    event.add("uid", one.uid)
    event.add("dtstamp", now)
    event.add("dtstart", one.starts_at)
    event.add("dtend", one.starts_at + timedelta(minutes=one.minutes))
    event.add("summary", one.title)
    event.add("sequence", one.sequence)
    event.add("status", "CANCELLED" if method == "CANCEL" else "CONFIRMED")
    if one.place:
        event.add("location", one.place)
    if one.description:
        event.add("description", one.description)
    if method == "PUBLISH":
        return event
    if one.host is not None and one.host.email:
        event["organizer"] = _address(one.host)
    if one.guest is not None and one.guest.email:
        attendee = _address(one.guest)
        attendee.params["rsvp"] = vText("TRUE")
        event.add("attendee", attendee, encode=0)
    return event


def _address(person: Person) -> vCalAddress:
    address = vCalAddress(f"MAILTO:{person.email}")
    address.params["cn"] = vText(person.name)
    return address
