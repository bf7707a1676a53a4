"""The keys that seal bids: one per challenge, wrapped by its program's, which the deployment's key wraps.

Whoever takes the database without the deployment's secret reads no sealed bid.
"""

import uuid

from sqlalchemy import LargeBinary, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from challenges.postings.models import Challenge
from core.database import Base, Created, reference
from core.process import current_process
from core.sealing import deployment_key, new_key, seal, unseal


class ProgramKey(Created, Base):
    __tablename__ = "program_key"

    program_id: Mapped[uuid.UUID] = reference("program.id", ondelete="RESTRICT", primary_key=True)
    wrapped: Mapped[bytes] = mapped_column(LargeBinary)


class ChallengeKey(Created, Base):
    __tablename__ = "challenge_key"

    challenge_id: Mapped[uuid.UUID] = reference("challenge.id", ondelete="RESTRICT", primary_key=True)
    program_id: Mapped[uuid.UUID] = reference("program_key.program_id", ondelete="RESTRICT")
    wrapped: Mapped[bytes] = mapped_column(LargeBinary)


async def challenge_key(session: AsyncSession, challenge_id: uuid.UUID) -> bytes:
    """The key that seals the bids of a challenge, made at its first use."""
    program_id = await session.scalar(select(Challenge.program_id).where(Challenge.id == challenge_id))
    assert program_id is not None, "a challenge that takes bids belongs to a program"
    outer = await _program_key(session, program_id)
    context = f"challenge {challenge_id}"
    wrapped = await session.scalar(
        select(ChallengeKey.wrapped).where(ChallengeKey.challenge_id == challenge_id)
    )
    if wrapped is None:
        made = {"program_id": program_id, "wrapped": seal(outer, new_key(), context)}
        # Of two that make it at once the first wins; the second waits here and then reads that one.
        await session.execute(
            insert(ChallengeKey).values(challenge_id=challenge_id, **made).on_conflict_do_nothing()
        )
        wrapped = await session.scalar(
            select(ChallengeKey.wrapped).where(ChallengeKey.challenge_id == challenge_id)
        )
        assert wrapped is not None
    return unseal(outer, wrapped, context)


async def _program_key(session: AsyncSession, program_id: uuid.UUID) -> bytes:
    outer = deployment_key(current_process().settings)
    context = f"program {program_id}"
    chosen = select(ProgramKey.wrapped).where(ProgramKey.program_id == program_id)
    wrapped = await session.scalar(chosen)
    if wrapped is None:
        made = seal(outer, new_key(), context)
        await session.execute(
            insert(ProgramKey).values(program_id=program_id, wrapped=made).on_conflict_do_nothing()
        )
        wrapped = await session.scalar(chosen)
        assert wrapped is not None
    return unseal(outer, wrapped, context)
