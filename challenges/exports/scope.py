"""What the parts of an export are given, and what they give."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.postings.models import Challenge
from challenges.programs.models import Program, Round
from core.clock import SHANGHAI, named_end
from core.settings import Settings

Cell = str | int | float | Decimal | datetime | date | bool | None


@dataclass(frozen=True)
class Scope:
    """A round as an officer in charge may read it. `label` turns members of enumerations into words."""

    settings: Settings
    round: Round
    program: Program
    challenges: Sequence[Challenge]
    now: datetime
    label: Callable[[StrEnum | None], str]


@dataclass(frozen=True)
class Sheet:
    """The first row holds the heads."""

    title: str
    rows: Sequence[Sequence[Cell]]


@dataclass(frozen=True)
class Document:
    """`folders` and `name` are as people typed them; `archive.safe_name` makes a path of them.

    `content` is whole where it is made for the export, and streams where it is a file.
    """

    folders: tuple[str, ...]
    name: str
    content: bytes | AsyncIterator[bytes]


MakeSheet = Callable[[AsyncSession, Scope], Awaitable[Sheet]]
MakeDocuments = Callable[[AsyncSession, Scope, Challenge], AsyncIterator[Document]]


def local(moment: datetime | None) -> datetime | None:
    """Spreadsheets know no time zones: the wall clock of Asia/Shanghai."""
    return None if moment is None else moment.astimezone(SHANGHAI).replace(tzinfo=None)


def local_end(end: datetime | None) -> datetime | date | None:
    """The last day of a period of whole days, else the wall clock at its end."""
    named = None if end is None else named_end(end)
    return local(named) if isinstance(named, datetime) else named


def folder_of(challenge: Challenge, *more: str) -> tuple[str, ...]:
    """Each challenge has a folder of its own; titles alone need not differ."""
    return (f"{challenge.title} {str(challenge.id)[:8]}", *more)


def text_of(value: Any) -> str:
    return "" if value is None else str(value)
