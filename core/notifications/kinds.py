"""Kinds of events. Each domain package declares its own; docs/notifications.md tells how."""

import uuid
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from babel.dates import format_date, format_datetime
from sqlalchemy.ext.asyncio import AsyncSession

from core.clock import SHANGHAI, named_end
from core.i18n import current_locale
from core.notifications.models import Delivery, Notification

# Parameters that are the end of a period: one of whole days is named by its last day.
ENDS = frozenset({"due_at", "until_at"})

# Which of these notifications, all of the person and of one kind, the person may see as things stand now.
Check = Callable[[AsyncSession, uuid.UUID, Sequence[Notification]], Awaitable[Collection[uuid.UUID]]]


class Audience(StrEnum):
    """Whom a kind concerns: others are not bothered with choosing its delivery."""

    EVERYBODY = "everybody"
    ORGANIZATION = "organization"
    OFFICER = "officer"
    REVIEWER = "reviewer"
    ADMINISTRATOR = "administrator"


@dataclass(frozen=True)
class Group:
    """What kinds have in common: a filter of the list and a heading of the settings."""

    name: str
    label: Any


@dataclass(frozen=True)
class Kind:
    """A kind of event.

    `subject` and `text` are lazy messages with places like %(title)s, filled from the notification's parameters:
    texts as they are, those whose name ends in "_at" as minutes and in "_on" as days of Asia/Shanghai; "due_at" and
    "until_at" as the last day where a day ends with them. `link` is a
    path with {subject_id} or parameters in braces.
    """

    name: str
    group: Group
    label: Any
    subject: Any
    text: Any
    link: str
    delivery: Delivery
    audience: Audience
    visible: Check
    # For the administrators' preview; every place of subject and text has to stand here.
    example: Mapping[str, str] = field(default_factory=dict)


_kinds: dict[str, Kind] = {}


def declare(kind: Kind) -> Kind:
    if kind.name in _kinds:
        raise ValueError(f"the kind {kind.name} is declared twice")
    _kinds[kind.name] = kind
    return kind


@contextmanager
def kinds_without(name: str) -> Iterator[None]:
    """For tests: what is declared under this name meanwhile is forgotten afterwards."""
    kept = _kinds.pop(name, None)
    try:
        yield
    finally:
        _kinds.pop(name, None)
        if kept is not None:
            _kinds[name] = kept


def kind_of(name: str) -> Kind | None:
    """None for what a newer or older version of the product has told of."""
    return _kinds.get(name)


def all_kinds() -> list[Kind]:
    """Groups in the order of their first kind, kinds as declared."""
    places: dict[str, int] = {}
    for kind in _kinds.values():
        places.setdefault(kind.group.name, len(places))
    return sorted(_kinds.values(), key=lambda kind: places[kind.group.name])


def subject_of(kind: Kind, parameters: Mapping[str, Any]) -> str:
    return " ".join((str(kind.subject) % _shown(parameters)).split())


def text_of(kind: Kind, parameters: Mapping[str, Any]) -> str:
    return str(kind.text) % _shown(parameters)


def link_of(kind: Kind, subject_id: uuid.UUID, parameters: Mapping[str, Any]) -> str:
    return kind.link.format(**{**parameters, "subject_id": subject_id})


def _shown(parameters: Mapping[str, Any]) -> dict[str, str]:
    return {name: _text(name, value) for name, value in parameters.items()}


def _text(name: str, value: Any) -> str:
    if name.endswith("_on"):
        return _day(date.fromisoformat(value))
    if name.endswith("_at"):
        moment = datetime.fromisoformat(value)
        end = named_end(moment) if name in ENDS else moment
        return _minute(end) if isinstance(end, datetime) else _day(end)
    return str(value)


def _minute(moment: datetime) -> str:
    return format_datetime(moment.astimezone(SHANGHAI), "yyyy-MM-dd HH:mm", locale=current_locale())


def _day(day: date) -> str:
    return format_date(day, "yyyy-MM-dd", locale=current_locale())


async def always_visible(
    session: AsyncSession, person_id: uuid.UUID, told: Sequence[Notification]
) -> Collection[uuid.UUID]:
    """The check of kinds that tell only of the person themselves."""
    return {item.id for item in told}
