"""Calendars as text (RFC 5545): events at a moment or on days, nothing more."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import icalendar


@dataclass(frozen=True)
class Event:
    """`start` is a moment, or the first day of a whole-day event whose last day is `last_day`."""

    uid: str
    title: str
    start: datetime | date
    changed_at: datetime
    link: str
    last_day: date | None = None
    description: str = ""


def calendar_text(name: str, events: Iterable[Event]) -> bytes:
    calendar = icalendar.Calendar()
    for field, value in (
        ("version", "2.0"),
        ("prodid", "-//Jiebang//Deadlines//ZH"),
        ("calscale", "GREGORIAN"),
        ("method", "PUBLISH"),
        ("x-wr-calname", name),
        ("x-wr-timezone", "Asia/Shanghai"),
    ):
        calendar.add(field, value)
    # How often a calendar program should look again (RFC 7986, 5.7).
    calendar.add("refresh-interval", timedelta(hours=1), parameters={"VALUE": "DURATION"})
    for event in events:
        calendar.add_component(_component(event))
    return calendar.to_ical()


def _component(event: Event) -> icalendar.Event:
    component = icalendar.Event()
    component.add("uid", event.uid)
    component.add("dtstamp", event.changed_at.astimezone(UTC))
    component.add("last-modified", event.changed_at.astimezone(UTC))
    if isinstance(event.start, datetime):
        component.add("dtstart", event.start.astimezone(UTC))
    else:
        component.add("dtstart", event.start)
        # The end is the first day that does not belong to it any more.
        component.add("dtend", (event.last_day or event.start) + timedelta(days=1))
    component.add("summary", event.title)
    if event.description:
        component.add("description", event.description)
    component.add("url", event.link)
    component.add("transp", "TRANSPARENT")
    return component
