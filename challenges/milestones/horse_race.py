"""Stage reviews of a horse race (赛马制): the poster proposes to let a team go, an officer decides."""

import uuid

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.contracts.ending import close_texts, settle_challenge
from challenges.contracts.models import ContractState
from challenges.contracts.standing import read_contract, require_officer, tell
from challenges.contracts.states import CONTRACT
from challenges.milestones import events, policies, queries
from challenges.milestones.models import Elimination
from core import audit
from core.actor import Actor
from core.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from core.i18n import lazy_gettext as _
from core.states import move


async def propose_elimination(
    session: AsyncSession, actor: Actor, milestone_id: uuid.UUID, reason: str
) -> Elimination:
    """Propose to eliminate a milestone's team. Raises InvalidError on `note`, ConflictError for the last team."""
    contract_id = await queries.contract_id_of(session, milestone_id)
    if contract_id is None:
        raise NotFoundError(_("There is no such milestone."))
    standing = await read_contract(session, actor, contract_id, lock=True)
    milestone = await queries.milestone_by_id(session, milestone_id)
    assert milestone is not None
    if not policies.may_propose_elimination(actor, standing.contract, milestone):
        if policies.is_at_work(standing.contract) and milestone.is_stage:
            raise ForbiddenError(_("You may not take this step."))
        raise ConflictError(_("Teams are eliminated at a milestone with a stage review, while they work."))
    if not await queries.others_stay(session, standing.contract):
        raise ConflictError(_("At least one team stays in the race."))
    if any(item.answered_at is None for item in await queries.eliminations_of(session, contract_id)):
        raise ConflictError(_("The elimination of this team waits for the officer already."))
    if not reason.strip():
        raise InvalidError({"note": _("Please give a reason.")})
    assert actor.person_id is not None
    proposal = Elimination(
        id=uuid.uuid4(),
        contract_id=contract_id,
        milestone_id=milestone.id,
        reason=reason.strip(),
        proposed_by_id=actor.person_id,
        proposed_at=await queries.database_time(session),
    )
    session.add(proposal)
    await session.flush()
    await audit.record(
        session, actor, "contract.elimination_proposed", "contract", contract_id, {"reason": proposal.reason}
    )
    await tell(
        session,
        actor,
        events.ELIMINATION_PROPOSED,
        standing,
        str(proposal.id),
        officers=True,
        team=str(standing.contract.team_number),
        note=proposal.reason,
    )
    return proposal


async def answer_elimination(
    session: AsyncSession, actor: Actor, elimination_id: uuid.UUID, *, confirm: bool, reason: str = ""
) -> Elimination:
    """Eliminate the team, or refuse with a reason. The last team at work is never eliminated (a trigger holds it)."""
    proposal = await queries.elimination_by_id(session, elimination_id)
    if proposal is None:
        raise NotFoundError(_("There is no such proposal."))
    standing = await read_contract(session, actor, proposal.contract_id, lock=True)
    contract = standing.contract
    await require_officer(session, actor, standing)
    await session.refresh(proposal)
    if proposal.answered_at is not None or contract.state is not ContractState.SIGNED:
        raise ConflictError(_("This has been decided meanwhile."))
    if not confirm and not reason.strip():
        raise InvalidError({"note": _("Please give a reason.")})
    if confirm and not await queries.others_stay(session, contract):
        raise ConflictError(_("At least one team stays in the race."))
    now = await queries.database_time(session)
    proposal.is_confirmed, proposal.answer = confirm, reason.strip()
    proposal.officer_id, proposal.answered_at = actor.person_id, now
    await session.flush()
    team, note = str(contract.team_number), proposal.answer or proposal.reason
    if not confirm:
        await audit.record(
            session,
            actor,
            "contract.elimination_refused",
            "contract",
            contract.id,
            {"reason": proposal.answer},
        )
        await tell(
            session,
            actor,
            events.ELIMINATION_REFUSED,
            standing,
            str(proposal.id),
            [standing.challenge.organization_id],
            team=team,
            note=note,
        )
        return proposal
    whole_note = proposal.reason if not proposal.answer else f"{proposal.reason}\n\n{proposal.answer}"
    await move(session, CONTRACT, actor, contract, ContractState.ELIMINATED, note=whole_note)
    await close_texts(session, actor, standing)
    await tell(
        session,
        actor,
        events.ELIMINATED,
        standing,
        str(proposal.id),
        standing.party_ids,
        team=team,
        note=note,
    )
    await settle_challenge(session, actor, contract.challenge, now)
    return proposal
