"""What becomes of the consortia of a challenge that is withdrawn."""

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.consortia import queries
from challenges.consortia.models import ConsortiumState
from challenges.consortia.states import MACHINE
from challenges.postings.models import Challenge
from core.actor import SYSTEM, Actor
from core.states import move


async def end_consortia(session: AsyncSession, actor: Actor, challenge: Challenge) -> None:
    """Unfinished ones end with their challenge; an approved one holds no longer, by the officer who withdraws."""
    for consortium in await queries.unended_consortia(session, challenge.id):
        if consortium.state is ConsortiumState.APPROVED:
            await move(
                session, MACHINE, actor, consortium, ConsortiumState.SUPERSEDED, note=challenge.state_note
            )
        else:
            await move(
                session, MACHINE, SYSTEM, consortium, ConsortiumState.DROPPED, note=challenge.state_note
            )
        consortium.revision += 1
    await session.flush()
