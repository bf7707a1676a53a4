"""The officers' work queue: what waits, since when, and until when it should be done.

Each room of the way of a challenge adds a section to SECTIONS. A section reads only what the officer is in charge of.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from core.actor import Actor
from web import award_work, bidding_work, contract_work
from web.officer_sections import Section, Waiting, office_due

MakeSection = Callable[[AsyncSession, Actor, datetime], Awaitable[Section]]

# In the order in which a challenge reaches them.
SECTIONS: tuple[MakeSection, ...] = (
    bidding_work.screening,
    bidding_work.amendments,
    bidding_work.questions,
    bidding_work.sealed,
    award_work.checks,
    award_work.reviews,
    award_work.decisions,
    award_work.waivers,
    award_work.rechecks,
    award_work.notices,
    award_work.objections,
    contract_work.contracts,
    contract_work.milestones,
    contract_work.eliminations,
    contract_work.acceptances,
    bidding_work.closed,
    bidding_work.closing,
)


async def sections_of(session: AsyncSession, actor: Actor, now: datetime) -> list[Section]:
    """Every row has a due date: its own, or OFFICE_DAYS of its program's clock after it began to wait."""
    sections = [await make(session, actor, now) for make in SECTIONS]
    return [replace(item, rows=[_with_due(row) for row in item.rows]) for item in sections]


def _with_due(row: Waiting) -> Waiting:
    if row.due is not None or row.challenge.program is None:
        return row
    return replace(row, due=office_due(row.challenge.program, row.since))


class Order(StrEnum):
    DUE = "due"
    AGE = "age"
    TITLE = "title"


def arranged(section: Section, program_id: UUID | None, order: Order) -> Section:
    """The rows of one program, or of all, in an order that the reader has chosen."""
    rows = [row for row in section.rows if program_id is None or row.challenge.program_id == program_id]
    if order is Order.TITLE:
        rows.sort(key=lambda row: row.challenge.title)
    elif order is Order.AGE:
        rows.sort(key=lambda row: row.since)
    else:
        rows.sort(key=lambda row: (row.due is None, row.due or row.since, row.since))
    return replace(section, rows=rows)
