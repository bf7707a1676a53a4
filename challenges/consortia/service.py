"""Use cases of a poster preparing a consortium: have it proposed, change it by hand, compute it again.

Whoever changes a consortium locks its challenge first, so that two editors, or an editor and an officer, take turns.
"""

import uuid
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.consortia import policies, queries
from challenges.consortia.composition import compose
from challenges.consortia.drafting import Draft
from challenges.consortia.jobs import solve_consortium
from challenges.consortia.models import Consortium, ConsortiumState
from challenges.consortia.prospects import prospects_of, rule_of
from challenges.consortia.workbench import CHANGED_MEANWHILE, lock_for_poster, lock_open, on_the_workbench
from challenges.matches import queries as match_queries
from challenges.postings import policies as posting_policies
from challenges.postings import service as postings
from challenges.postings.models import Challenge
from core import audit
from core.actor import Actor
from core.errors import ConflictError, ForbiddenError, NotFoundError
from core.i18n import lazy_gettext as _
from core.jobs import enqueue


async def propose_consortium(session: AsyncSession, actor: Actor, challenge_id: uuid.UUID) -> Consortium:
    """Ask the solver for the best consortium that the rule allows, from the newest ranking.

    The answer is written by a job; until then the computation's status is "solving". A sketch that the poster had is
    replaced by it.
    """
    challenge = await lock_for_poster(session, actor, challenge_id)
    run = await match_queries.newest_done_run(session, challenge_id)
    if run is None:
        raise ConflictError(_("Solvers have not been ranked yet: a consortium is chosen from the ranking."))
    consortium = await on_the_workbench(session, challenge_id)
    if consortium is None:
        consortium = Consortium(challenge_id=challenge_id, revision=0, members=[], decisions=[], waivers=[])
        session.add(consortium)
    elif consortium.state not in policies.EDITABLE:
        raise ConflictError(_("The consortium has been submitted; it waits for the officer's decision."))
    rule = await rule_of(session, challenge)
    consortium.rule = rule
    consortium.run_id = run.id
    consortium.bid_id = None
    consortium.computation = {"status": "solving"}
    consortium.revision += 1
    await session.flush()
    await enqueue(session, solve_consortium, consortium.id, consortium.revision)
    await audit.record(session, actor, "consortium.proposal_asked", "consortium", consortium.id)
    return consortium


async def assign_requirements(
    session: AsyncSession,
    actor: Actor,
    challenge_id: uuid.UUID,
    revision: int,
    holders: Mapping[str, uuid.UUID | None],
    lead_id: uuid.UUID | None,
) -> Consortium:
    """Say which member answers for each requirement, and who leads; members stay as they are."""
    return await _change(
        session,
        actor,
        challenge_id,
        revision,
        "assigned",
        lambda draft: draft.assign({name: key for name, key in holders.items() if key is not None}, lead_id),
    )


async def add_member(
    session: AsyncSession, actor: Actor, challenge_id: uuid.UUID, revision: int, organization_id: uuid.UUID
) -> Consortium:
    return await _change(
        session,
        actor,
        challenge_id,
        revision,
        "member_added",
        lambda draft: draft.add(organization_id),
        {"organization": str(organization_id)},
    )


async def remove_member(
    session: AsyncSession, actor: Actor, challenge_id: uuid.UUID, revision: int, organization_id: uuid.UUID
) -> Consortium:
    """Its requirements are left without anybody until they are assigned anew."""
    return await _change(
        session,
        actor,
        challenge_id,
        revision,
        "member_removed",
        lambda draft: draft.remove(organization_id),
        {"organization": str(organization_id)},
    )


async def exchange_member(
    session: AsyncSession,
    actor: Actor,
    challenge_id: uuid.UUID,
    revision: int,
    leaves: uuid.UUID,
    joins: uuid.UUID,
) -> Consortium:
    """One organization takes another's requirements, and the lead where the other had it."""
    return await _change(
        session,
        actor,
        challenge_id,
        revision,
        "member_exchanged",
        lambda draft: draft.exchange(leaves, joins),
        {"leaves": str(leaves), "joins": str(joins)},
    )


async def take_alternative(
    session: AsyncSession, actor: Actor, challenge_id: uuid.UUID, revision: int, number: int
) -> Consortium:
    """Start again from one of the solver's consortia: 0 is the best, 1 the first alternative."""
    return await _change(
        session,
        actor,
        challenge_id,
        revision,
        "alternative_taken",
        lambda draft: draft.take(number),
        {"number": number},
    )


async def take_what_if(
    session: AsyncSession,
    actor: Actor,
    challenge_id: uuid.UUID,
    revision: int,
    holders: Mapping[str, uuid.UUID],
    lead_id: uuid.UUID,
) -> Consortium:
    """Take over the answer to a what-if question as it was shown."""
    return await _change(
        session,
        actor,
        challenge_id,
        revision,
        "what_if_taken",
        lambda draft: draft.adopt(holders, lead_id),
        {"lead": str(lead_id), "members": sorted({str(key) for key in holders.values()})},
    )


async def refresh_consortium(
    session: AsyncSession,
    actor: Actor,
    challenge_id: uuid.UUID,
    revision: int,
    consortium_id: uuid.UUID | None = None,
) -> Consortium:
    """Compute the same consortium again from the rule in force, and from sizes and control relations as they are now.

    Open to the poster while it is prepared, and to the officer once it is submitted. Of several teams `consortium_id`
    names the one that is meant.
    """
    challenge = await postings.read_challenge(session, actor, challenge_id, lock=True)
    teams = await queries.live_teams(session, challenge_id, lock=True)
    open_teams = [item for item in teams if item.state in queries.OPEN and consortium_id in (None, item.id)]
    consortium = open_teams[0] if open_teams else None
    if consortium is None or not policies.may_see_consortium(actor, challenge, consortium):
        raise NotFoundError(_("There is no such consortium."))
    if not (
        policies.may_edit_consortium(actor, challenge, consortium)
        or (
            posting_policies.is_officer_in_charge(actor, challenge)
            and consortium.state is ConsortiumState.SUBMITTED
        )
    ):
        raise ForbiddenError(_("You may not take this step."))
    return await _rewrite(
        session, actor, challenge, consortium, revision, "computed_again", lambda draft: None
    )


async def _change(
    session: AsyncSession,
    actor: Actor,
    challenge_id: uuid.UUID,
    revision: int,
    verb: str,
    change: Callable[[Draft], None],
    details: dict[str, Any] | None = None,
) -> Consortium:
    challenge = await lock_for_poster(session, actor, challenge_id)
    consortium = await lock_open(session, challenge_id, revision)
    if consortium.state not in policies.EDITABLE:
        raise ConflictError(_("The consortium has been submitted; it waits for the officer's decision."))
    if consortium.computation.get("status") == "solving":
        raise ConflictError(_("The proposal is still being computed."))
    if consortium.bid_id is not None:
        raise ConflictError(
            _("This consortium was bid as it stands. Have another proposed to change members.")
        )
    return await _rewrite(session, actor, challenge, consortium, revision, verb, change, details)


async def _rewrite(
    session: AsyncSession,
    actor: Actor,
    challenge: Challenge,
    consortium: Consortium,
    revision: int,
    verb: str,
    change: Callable[[Draft], None],
    details: dict[str, Any] | None = None,
) -> Consortium:
    if consortium.revision != revision:
        raise ConflictError(CHANGED_MEANWHILE)
    prospects = await prospects_of(session, challenge, consortium)
    draft = Draft(consortium, prospects)
    change(draft)
    compose(
        consortium,
        challenge,
        await rule_of(session, challenge),
        prospects,
        members=draft.members,
        holders=draft.holders,
        lead_id=draft.lead_id,
        money=None
        if consortium.bid_id is None
        else {m.organization_id: m.budget_wan for m in consortium.members},
    )
    consortium.revision += 1
    await session.flush()
    await audit.record(session, actor, f"consortium.{verb}", "consortium", consortium.id, details)
    return consortium
