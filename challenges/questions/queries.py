"""Every SELECT about questions."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from challenges.postings.models import Challenge
from challenges.postings.queries import LINE, in_charge_of, open_for_bids
from challenges.questions.models import Question, QuestionState
from core.actor import Actor

# A section of a queue shows so many, the oldest; the rest follow as these are done.
SECTION_LIMIT = 100


@dataclass(frozen=True)
class Unanswered:
    """A challenge with questions that wait for an answer."""

    challenge: Challenge
    number: int
    oldest_at: datetime


async def question_by_id(session: AsyncSession, question_id: uuid.UUID) -> Question | None:
    """A question as it stands now, with its answers."""
    statement = (
        select(Question)
        .where(Question.id == question_id)
        .options(selectinload(Question.answers))
        .execution_options(populate_existing=True)
    )
    return await session.scalar(statement)


async def challenge_of_question(session: AsyncSession, question_id: uuid.UUID) -> uuid.UUID | None:
    return await session.scalar(select(Question.challenge_id).where(Question.id == question_id))


def _shown(actor: Actor, is_officer: bool) -> ColumnElement[bool]:
    """`policies.may_read` as a condition."""
    ways = [Question.state != QuestionState.HIDDEN]
    if actor.organization_id is not None:
        ways.append(Question.organization_id == actor.organization_id)
    if is_officer:
        ways.append(Question.state == QuestionState.HIDDEN)
    return or_(*ways)


async def questions_of(
    session: AsyncSession,
    challenge_id: uuid.UUID,
    actor: Actor,
    *,
    is_officer: bool,
    only_unanswered: bool = False,
    limit: int,
    offset: int,
) -> tuple[list[Question], int]:
    """Those that somebody who reads the challenge may see, newest first, with their number."""
    wanted = and_(Question.challenge_id == challenge_id, _shown(actor, is_officer))
    if only_unanswered:
        wanted = and_(wanted, Question.state == QuestionState.ASKED)
    statement = (
        select(Question)
        .where(wanted)
        .options(selectinload(Question.answers))
        .order_by(Question.asked_at.desc(), Question.id)
        .limit(limit)
        .offset(offset)
        .execution_options(populate_existing=True)
    )
    total = await session.scalar(select(func.count()).select_from(Question).where(wanted))
    return list(await session.scalars(statement)), total or 0


async def all_of(session: AsyncSession, challenge_id: uuid.UUID) -> list[Question]:
    """Every question, oldest first; what a reader may see of them is asked of the policies."""
    statement = (
        select(Question)
        .where(Question.challenge_id == challenge_id)
        .options(selectinload(Question.answers))
        .order_by(Question.asked_at, Question.id)
    )
    return list(await session.scalars(statement))


async def counts_of(session: AsyncSession, challenge_id: uuid.UUID) -> tuple[int, int]:
    """How many questions everybody sees, and how many of them wait for an answer."""
    row = (
        await session.execute(
            select(
                func.count().filter(Question.state != QuestionState.HIDDEN),
                func.count().filter(Question.state == QuestionState.ASKED),
            ).where(Question.challenge_id == challenge_id)
        )
    ).one()
    return row[0], row[1]


async def number_asked_by(session: AsyncSession, challenge_id: uuid.UUID, organization_id: uuid.UUID) -> int:
    statement = select(func.count()).where(
        Question.challenge_id == challenge_id, Question.organization_id == organization_id
    )
    return await session.scalar(statement) or 0


async def was_asked(
    session: AsyncSession, challenge_id: uuid.UUID, organization_id: uuid.UUID, text: str
) -> bool:
    """Whether the organization has asked just this already."""
    statement = select(Question.id).where(
        Question.challenge_id == challenge_id,
        Question.organization_id == organization_id,
        Question.text == text,
    )
    return await session.scalar(statement.limit(1)) is not None


async def unanswered_of_poster(session: AsyncSession, actor: Actor, now: datetime) -> list[Unanswered]:
    """The organization's open challenges with questions that wait for its answer, oldest question first."""
    return await _unanswered(session, Challenge.organization_id == actor.organization_id, now)


async def unanswered_in_charge(session: AsyncSession, actor: Actor, now: datetime) -> list[Unanswered]:
    """The same in the officer's programs."""
    return await _unanswered(session, in_charge_of(actor), now)


async def _unanswered(
    session: AsyncSession, challenges: ColumnElement[bool], now: datetime
) -> list[Unanswered]:
    waiting = (
        select(
            Question.challenge_id,
            func.count().label("number"),
            func.min(Question.asked_at).label("oldest_at"),
        )
        .where(Question.state == QuestionState.ASKED)
        .group_by(Question.challenge_id)
        .subquery()
    )
    statement = (
        select(Challenge, waiting.c.number, waiting.c.oldest_at)
        .join(waiting, waiting.c.challenge_id == Challenge.id)
        .where(open_for_bids(now), challenges)
        .options(*LINE)
        .order_by(waiting.c.oldest_at, Challenge.id)
        .limit(SECTION_LIMIT)
    )
    return [Unanswered(row[0], row[1], row[2]) for row in await session.execute(statement)]


async def questions_by_ids(session: AsyncSession, ids: set[uuid.UUID]) -> list[Question]:
    return list(await session.scalars(select(Question).where(Question.id.in_(ids))))
