"""Calendars as text (RFC 5545): events at a moment or on days, nothing more."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

# RFC 5545, 3.1: a line has at most 75 octets; a longer one goes on after a line break and a space.
LINE_OCTETS = 75


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
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Jiebang//Deadlines//ZH",
        "CALSCALE:GREGORIAN",
        "METHOD:PUBLISH",
        f"X-WR-CALNAME:{_escaped(name)}",
        "X-WR-TIMEZONE:Asia/Shanghai",
        "REFRESH-INTERVAL;VALUE=DURATION:PT1H",
    ]
    for event in events:
        lines += _event_lines(event)
    lines.append("END:VCALENDAR")
    return b"".join(_folded(line) for line in lines)


def _event_lines(event: Event) -> list[str]:
    lines = [
        "BEGIN:VEVENT",
        f"UID:{event.uid}",
        f"DTSTAMP:{_moment(event.changed_at)}",
        f"LAST-MODIFIED:{_moment(event.changed_at)}",
    ]
    if isinstance(event.start, datetime):
        lines.append(f"DTSTART:{_moment(event.start)}")
    else:
        last = event.last_day or event.start
        # The end is the first day that does not belong to it any more.
        lines += [
            f"DTSTART;VALUE=DATE:{event.start:%Y%m%d}",
            f"DTEND;VALUE=DATE:{last + timedelta(days=1):%Y%m%d}",
        ]
    lines.append(f"SUMMARY:{_escaped(event.title)}")
    if event.description:
        lines.append(f"DESCRIPTION:{_escaped(event.description)}")
    return [*lines, f"URL:{event.link}", "TRANSP:TRANSPARENT", "END:VEVENT"]


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _escaped(text: str) -> str:
    text = text.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    return "\\n".join(text.splitlines())


def _folded(line: str) -> bytes:
    parts: list[bytes] = []
    part, room = b"", LINE_OCTETS
    for character in line:
        octets = character.encode()
        if len(part) + len(octets) > room:
            parts.append(part)
            # The space that marks a continuation counts too.
            part, room = b"", LINE_OCTETS - 1
        part += octets
    return b"\r\n ".join([*parts, part]) + b"\r\n"
