"""What time alone does to contracts."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.contracts import ending, events, policies, queries
from challenges.contracts.models import Contract
from challenges.contracts.standing import Standing, tell
from challenges.postings.models import Challenge
from core.actor import SYSTEM
from core.schedule import due


@due("contract.begin", queries.next_to_begin)
async def begin_work(session: AsyncSession, challenge: Challenge, now: datetime) -> None:
    await ending.begin_work_if_due(session, challenge, now)


@due("contract.abandoned", queries.next_abandoned)
async def close_abandoned(session: AsyncSession, contract: Contract, now: datetime) -> None:
    await ending.close_abandoned(session, contract, now)


@due("contract.signing_overdue", queries.next_unsigned_in_time)
async def tell_overdue(session: AsyncSession, contract: Contract, now: datetime) -> None:
    """Once: officers and who has not signed; afterwards the work queue keeps it in sight."""
    contract.overdue_told_at = now
    await session.flush()
    whole = await queries.contract_by_id(session, contract.id)
    assert whole is not None
    standing = Standing(whole, await queries.member_ids(session, whole.consortium_id))
    version = policies.open_version(whole)
    # A text that is not offered waits for the poster.
    is_offered = version is not None and version.state.value == "offered"
    missing = standing.missing(version) if version and is_offered else {whole.challenge.organization_id}
    await tell(
        session,
        SYSTEM,
        events.SIGNING_OVERDUE,
        standing,
        "overdue",
        missing,
        officers=True,
        team=str(whole.team_number),
        until_at=whole.sign_by.isoformat(),
        missing="、".join(sorted(standing.name_of(item) for item in missing)),
    )
