"""Early ends of contracts, and what contracts make of their challenge."""

import uuid
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.bids.ending import tell_no_award
from challenges.contracts import events, policies, queries
from challenges.contracts.models import Contract, ContractState, VersionState
from challenges.contracts.standing import Standing, read_contract, require_officer, tell
from challenges.contracts.states import CONTRACT, VERSION
from challenges.milestones.planning import cancel_open
from challenges.postings.models import Challenge, ChallengeState
from challenges.postings.policies import is_officer_in_charge
from challenges.postings.queries import challenge_by_id
from challenges.postings.states import move as move_challenge
from core.actor import SYSTEM, Actor
from core.errors import ForbiddenError, InvalidError
from core.i18n import lazy_gettext as _
from core.states import move


async def end_contract(session: AsyncSession, actor: Actor, contract_id: uuid.UUID, reason: str) -> Contract:
    """Drop a team that does not sign (an officer), or end a signed contract early (poster or officer).

    Raises InvalidError on field `note` where there is no reason.
    """
    standing = await read_contract(session, actor, contract_id, lock=True)
    contract = standing.contract
    if contract.state in policies.OPEN and not policies.may_end(actor, contract):
        raise ForbiddenError(_("You may not end this contract."))
    if is_officer_in_charge(actor, contract.challenge):
        await require_officer(session, actor, standing)
    if not reason.strip():
        raise InvalidError({"note": _("Please give a reason.")})
    await move(session, CONTRACT, actor, contract, ContractState.TERMINATED, note=reason)
    await close_texts(session, actor, standing)
    await tell_end(session, actor, standing)
    await settle_challenge(session, actor, contract.challenge, await queries.database_time(session))
    return contract


async def close_texts(session: AsyncSession, actor: Actor, standing: Standing) -> None:
    """Nothing of a contract that has ended waits for a signature or is due any more."""
    await cancel_open(session, standing.contract)
    version = policies.open_version(standing.contract)
    if version is not None:
        await move(session, VERSION, actor, version, VersionState.GIVEN_UP)


async def tell_end(session: AsyncSession, actor: Actor, standing: Standing) -> None:
    contract = standing.contract
    await tell(
        session,
        actor,
        events.ENDED,
        standing,
        "ended",
        standing.party_ids,
        officers=True,
        team=str(contract.team_number),
        note=contract.state_note,
    )


async def settle_challenge(
    session: AsyncSession, actor: Actor, challenge: Challenge, now: datetime
) -> Challenge:
    """Lead a challenge on when its contracts say so; it is locked by the caller.

    All signed or dropped: contracted, or no award where every team was dropped. None open any more: accepted where a
    contract is completed, else failed.
    """
    states = await queries.states_of(session, challenge.id)
    if challenge.state is ChallengeState.IN_NOTICE:
        teams = await queries.approved_teams(session, challenge.id)
        present = {item.consortium_id for item in await queries.contracts_of(session, challenge.id)}
        if any(state in queries.UNSIGNED for state in states) or any(t.id not in present for t in teams):
            return challenge
        if ContractState.SIGNED in states:
            await move_challenge(session, SYSTEM, challenge, ChallengeState.CONTRACTED, now=now)
            return await begin_work_if_due(session, challenge, now)
        if states:
            note = await _last_note(session, challenge.id)
            await move_challenge(session, actor, challenge, ChallengeState.NO_AWARD, note=note)
            await tell_no_award(session, challenge)
    elif challenge.state in {ChallengeState.CONTRACTED, ChallengeState.IN_PROGRESS}:
        if any(state in queries.OPEN for state in states):
            return challenge
        if ContractState.COMPLETED in states:
            await move_challenge(session, actor, challenge, ChallengeState.ACCEPTED)
        else:
            note = await _last_note(session, challenge.id)
            await move_challenge(session, actor, challenge, ChallengeState.FAILED, note=note)
    return challenge


async def _last_note(session: AsyncSession, challenge_id: uuid.UUID) -> str:
    ended = [item for item in await queries.contracts_of(session, challenge_id) if item.ended_at]
    latest = max(ended, key=lambda item: item.ended_at or item.created_at, default=None)
    return latest.state_note if latest and latest.state_note else "—"


async def begin_work_if_due(session: AsyncSession, challenge: Challenge, now: datetime) -> Challenge:
    """The work of a challenge begins with the first of its contracts."""
    contracts = [
        item
        for item in await queries.contracts_of(session, challenge.id)
        if item.state is ContractState.SIGNED
    ]
    if not any(item.begins_at is not None and item.begins_at <= now for item in contracts):
        return challenge
    await move_challenge(session, SYSTEM, challenge, ChallengeState.IN_PROGRESS, now=now)
    for contract in contracts:
        standing = Standing(contract, await queries.member_ids(session, contract.consortium_id))
        await tell(session, SYSTEM, events.BEGUN, standing, "begun", standing.party_ids)
    return challenge


async def close_abandoned(session: AsyncSession, contract: Contract, now: datetime) -> None:
    """The award that an unsigned contract rests on is gone: it ends with it."""
    await challenge_by_id(session, contract.challenge_id, lock=True)
    whole = await queries.contract_by_id(session, contract.id, lock=True)
    assert whole is not None
    standing = Standing(whole, await queries.member_ids(session, whole.consortium_id))
    note = str(_("The award that it rests on does not stand any more."))
    await move(session, CONTRACT, SYSTEM, whole, ContractState.TERMINATED, note=note, now=now)
    await close_texts(session, SYSTEM, standing)
    await tell_end(session, SYSTEM, standing)
