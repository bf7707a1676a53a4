"""Every SELECT of the public list: what the filters leave, one page of it, and counts for each further filter."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from challenges.postings.models import Challenge, ChallengeState
from challenges.postings.policies import AWARDED_OR_LATER
from challenges.postings.queries import LINE, open_for_bids
from solvers.organizations.models import Organization

BUDGET_WAN = func.coalesce(Challenge.reward_wan, Challenge.investment_wan)
# States a listed challenge may be in; "published" with a past deadline is shown as closed already.
LISTED_STATES = (
    ChallengeState.PUBLISHED,
    ChallengeState.CLOSED,
    ChallengeState.IN_REVIEW,
    ChallengeState.MATCH_PROPOSED,
    *AWARDED_OR_LATER,
    ChallengeState.NO_AWARD,
    ChallengeState.WITHDRAWN,
)


class Deadline(StrEnum):
    OPEN = "open"
    WITHIN_7_DAYS = "7"
    WITHIN_30_DAYS = "30"
    PASSED = "closed"


class Sort(StrEnum):
    RELEVANCE = "relevance"
    NEWEST = "newest"
    DEADLINE = "deadline"
    BUDGET = "budget"


@dataclass(frozen=True)
class ChallengeFilters:
    """What a reader asks for. `region` is a province's two digits or a prefecture's four."""

    text: str = ""
    field: str = ""
    subfield: str = ""
    program_id: uuid.UUID | None = None
    region: str = ""
    min_wan: Decimal | None = None
    max_wan: Decimal | None = None
    deadline: Deadline | None = None
    state: ChallengeState | None = None


@dataclass(frozen=True)
class Facets:
    """How many challenges each further choice would leave, the other filters kept."""

    fields: dict[str, int]
    subfields: dict[str, int]
    programs: dict[uuid.UUID, int]
    provinces: dict[str, int]
    deadlines: dict[Deadline, int]
    states: dict[ChallengeState, int]


def _deadline_condition(deadline: Deadline, now: datetime) -> ColumnElement[bool]:
    if deadline is Deadline.PASSED:
        return Challenge.deadline_at <= now
    condition = open_for_bids(now)
    if deadline is Deadline.OPEN:
        return condition
    return and_(condition, Challenge.deadline_at <= now + timedelta(days=int(deadline.value)))


def _state_condition(state: ChallengeState, now: datetime) -> ColumnElement[bool]:
    """The deadline decides, the stored state follows it some seconds later."""
    if state is ChallengeState.PUBLISHED:
        return open_for_bids(now)
    if state is ChallengeState.CLOSED:
        overdue = and_(Challenge.state == ChallengeState.PUBLISHED, Challenge.deadline_at <= now)
        return or_(Challenge.state == ChallengeState.CLOSED, overdue)
    return Challenge.state == state


def _text_condition(text: str, ranked: Sequence[uuid.UUID]) -> ColumnElement[bool]:
    """Hits of the index, and what names the poster or stands in the title as typed."""
    return or_(
        Challenge.id.in_(ranked),
        Challenge.title.contains(text, autoescape=True),
        Organization.name.contains(text, autoescape=True),
    )


def _filtered(
    statement: Select[*tuple[Any, ...]],
    filters: ChallengeFilters,
    readable: ColumnElement[bool],
    ranked: Sequence[uuid.UUID],
    now: datetime,
) -> Select[*tuple[Any, ...]]:
    """`statement` over Challenge joined with its organization, narrowed."""
    statement = statement.join(Organization, Organization.id == Challenge.organization_id).where(
        Challenge.published_at.is_not(None), readable
    )
    if filters.text:
        statement = statement.where(_text_condition(filters.text, ranked))
    if filters.subfield:
        statement = statement.where(Challenge.subfield_code == filters.subfield)
    elif filters.field:
        statement = statement.where(Challenge.subfield_code.startswith(filters.field, autoescape=True))
    if filters.program_id is not None:
        statement = statement.where(Challenge.program_id == filters.program_id)
    if filters.region:
        statement = statement.where(Organization.region_code.startswith(filters.region, autoescape=True))
    if filters.min_wan is not None:
        statement = statement.where(filters.min_wan <= BUDGET_WAN)
    if filters.max_wan is not None:
        statement = statement.where(filters.max_wan >= BUDGET_WAN)
    if filters.deadline is not None:
        statement = statement.where(_deadline_condition(filters.deadline, now))
    if filters.state is not None:
        statement = statement.where(_state_condition(filters.state, now))
    return statement


async def count_challenges(
    session: AsyncSession,
    filters: ChallengeFilters,
    readable: ColumnElement[bool],
    ranked: Sequence[uuid.UUID],
    now: datetime,
) -> int:
    statement = _filtered(select(func.count(Challenge.id)), filters, readable, ranked, now)
    return (await session.execute(statement)).scalar_one()


async def page_of_challenges(
    session: AsyncSession,
    filters: ChallengeFilters,
    readable: ColumnElement[bool],
    ranked: Sequence[uuid.UUID],
    now: datetime,
    *,
    sort: Sort,
    limit: int,
    offset: int,
) -> list[Challenge]:
    """One page, with requirements where a text is searched for, to show what was found. `ranked` are the index's hits, best first; equals are ordered by id, so that pages do not overlap."""
    statement = _filtered(select(Challenge), filters, readable, ranked, now).options(*LINE)
    if filters.text:
        statement = statement.options(selectinload(Challenge.requirements))
    newest = Challenge.published_at.desc()
    if sort is Sort.RELEVANCE and ranked:
        place = case({key: number for number, key in enumerate(ranked)}, value=Challenge.id)
        statement = statement.order_by(place.asc().nulls_last(), newest)
    elif sort is Sort.DEADLINE:
        # First what can still be bid on, the nearest deadline on top; then the past, the latest on top.
        is_past = Challenge.deadline_at <= now
        statement = statement.order_by(
            is_past,
            case((Challenge.deadline_at > now, Challenge.deadline_at)).asc(),
            Challenge.deadline_at.desc(),
        )
    elif sort is Sort.BUDGET:
        statement = statement.order_by(BUDGET_WAN.desc().nulls_last(), newest)
    else:
        statement = statement.order_by(newest)
    return list(await session.scalars(statement.order_by(Challenge.id).limit(limit).offset(offset)))


async def facets_of(
    session: AsyncSession,
    filters: ChallengeFilters,
    readable: ColumnElement[bool],
    ranked: Sequence[uuid.UUID],
    now: datetime,
) -> Facets:
    async def counts(column: Any, others: ChallengeFilters) -> dict[Any, int]:
        statement = _filtered(
            select(column.label("choice"), func.count(Challenge.id)), others, readable, ranked, now
        ).group_by("choice")
        return {row[0]: row[1] for row in await session.execute(statement) if row[0] is not None}

    without_field = replace(filters, field="", subfield="")
    field = filters.field or filters.subfield[:2]
    by_deadline = select(
        *(
            func.count(Challenge.id).filter(_deadline_condition(item, now)).label(f"deadline_{item.value}")
            for item in Deadline
        )
    )
    by_state = select(
        *(
            func.count(Challenge.id).filter(_state_condition(item, now)).label(f"state_{item.value}")
            for item in LISTED_STATES
        )
    )
    deadlines = (
        await session.execute(_filtered(by_deadline, replace(filters, deadline=None), readable, ranked, now))
    ).one()
    states = (
        await session.execute(_filtered(by_state, replace(filters, state=None), readable, ranked, now))
    ).one()
    return Facets(
        fields=await counts(func.left(Challenge.subfield_code, 2), without_field),
        subfields=await counts(Challenge.subfield_code, replace(without_field, field=field)) if field else {},
        programs=await counts(Challenge.program_id, replace(filters, program_id=None)),
        provinces=await counts(func.left(Organization.region_code, 2), replace(filters, region="")),
        deadlines=dict(zip(Deadline, deadlines, strict=True)),
        states=dict(zip(LISTED_STATES, states, strict=True)),
    )
