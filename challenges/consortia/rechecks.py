"""The quota after the approval: when a member leaves or changes, it is computed again on what is true now.

What is looked at is digested by the database (SQL function `consortium_facts`); a tick of the schedule finds every
approved consortium whose digest is another than the one known, whatever changed it and whoever did.
"""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.consortia import events, policies, queries
from challenges.consortia.composition import Prospect, controls_of_member, essence, quota_rule
from challenges.consortia.decisions import lock_for_officer
from challenges.consortia.freezing import frozen_quota
from challenges.consortia.models import (
    Consortium,
    ConsortiumMember,
    ConsortiumState,
    MemberDeparture,
    QuotaRecheck,
    Settlement,
)
from challenges.consortia.prospects import prospects_of
from challenges.consortia.states import MACHINE
from challenges.matches.service import quota_controllers
from challenges.postings import service as postings
from challenges.postings.models import ChallengeState
from challenges.postings.queries import challenge_by_id
from challenges.postings.states import move
from core import audit, states
from core.actor import SYSTEM, Actor
from core.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from core.i18n import lazy_gettext as _
from core.notifications.service import notify
from core.schedule import due
from matching.quota import QuotaMember, QuotaResult, evaluate_quota
from solvers.organizations import queries as organization_queries
from solvers.organizations.models import Verification


async def leave_consortium(
    session: AsyncSession, actor: Actor, consortium_id: uuid.UUID, reason: str
) -> MemberDeparture:
    """Declare that the actor's organization leaves; the quota is checked again, and officers are told, by the schedule.

    Raises InvalidError on `reason` where there is none, ConflictError where it has left or there is a contract.
    """
    consortium = await queries.consortium_by_id(session, consortium_id)
    if consortium is None or not policies.may_see_own_part(actor, consortium):
        raise NotFoundError(_("There is no such consortium."))
    challenge = await postings.read_challenge(session, actor, consortium.challenge_id, lock=True)
    if not actor.is_owner:
        raise ForbiddenError(_("Only owners declare that their organization leaves."))
    if not policies.may_leave(actor, challenge, consortium):
        raise ConflictError(_("It is too late to leave: there is a contract, or the award has ended."))
    assert actor.organization_id is not None
    assert actor.person_id is not None
    if actor.organization_id in await queries.departed_ids(session, consortium.id):
        raise ConflictError(_("Your organization has left this consortium already."))
    if not reason.strip():
        raise InvalidError({"reason": _("Please give a reason.")})
    departure = MemberDeparture(
        consortium_id=consortium.id,
        organization_id=actor.organization_id,
        left_at=await queries.database_time(session),
        reason=reason.strip(),
        person_id=actor.person_id,
    )
    session.add(departure)
    await session.flush()
    await audit.record(
        session,
        actor,
        "consortium.member_left",
        "consortium",
        consortium.id,
        {"organization": str(actor.organization_id), "reason": departure.reason},
    )
    return departure


@due("consortium.recheck", queries.next_to_recheck)
async def recheck_consortium(
    session: AsyncSession, consortium: Consortium, now: datetime
) -> QuotaRecheck | None:
    """Compute the quota of those who remain, as they are now; None where all is again as it was approved."""
    challenge = await challenge_by_id(session, consortium.challenge_id)
    assert challenge is not None
    prospects = await prospects_of(session, challenge, consortium)
    departed = await queries.departed_ids(session, consortium.id)
    earlier = await queries.unsettled_recheck(session, consortium.id)
    if earlier is not None:
        earlier.settlement, earlier.settled_at = Settlement.FOUND_ANEW, now
    changes = [
        change
        for member in consortium.members
        for change in changes_of(consortium, member, prospects, departed)
    ]
    quota = quota_now(consortium, prospects, departed)
    # What nobody answers for any more is no consortium that could go on.
    is_whole = consortium.lead_id not in departed and not any(
        member.requirement_ids for member in consortium.members if member.organization_id in departed
    )
    recheck = QuotaRecheck(
        id=uuid.uuid4(),
        consortium_id=consortium.id,
        found_at=now,
        changes=changes,
        quota=frozen_quota(quota),
        holds=quota.holds and is_whole,
    )
    if not changes:
        recheck.settlement, recheck.settled_at = Settlement.FOUND_ANEW, now
    await session.flush()
    session.add(recheck)
    await session.flush()
    await audit.record(
        session,
        SYSTEM,
        "consortium.rechecked",
        "consortium",
        consortium.id,
        {"recheck": str(recheck.id), "holds": recheck.holds, "changes": changes},
    )
    if not changes:
        return None
    officers = await queries.officers_of(session, challenge.program_id)
    await notify(
        session,
        f"{events.RECHECKED.name}:{recheck.id}",
        events.RECHECKED,
        [officer.id for officer in officers],
        consortium,
        {"title": challenge.title},
    )
    return recheck


def changes_of(
    consortium: Consortium,
    member: ConsortiumMember,
    prospects: Mapping[uuid.UUID, Prospect],
    departed: frozenset[uuid.UUID],
) -> list[dict[str, Any]]:
    """In which ways a member is not what it was approved as."""
    prospect = prospects[member.organization_id]
    organization = prospect.organization
    about = {"organization": str(organization.id), "name": organization.name}
    found: list[dict[str, Any]] = []

    def add(what: str, before: str = "", after: str = "") -> None:
        found.append({**about, "what": what, "before": before, "after": after})

    if member.organization_id in departed:
        add("left")
    if organization.kind is not member.kind:
        add("kind", member.kind.value, organization.kind.value)
    if organization.size_class is not member.size_class:
        sizes = [item.value if item else "" for item in (member.size_class, organization.size_class)]
        add("size", *sizes)
    if organization.verification is not Verification.VERIFIED:
        add("verification")
    frozen = controls_of_member(consortium, member)
    if essence(frozen) != essence(prospect.controls):
        add(
            "controls",
            *("、".join(sorted(item.name for item in side)) for side in (frozen, prospect.controls)),
        )
    return found


def quota_now(
    consortium: Consortium, prospects: Mapping[uuid.UUID, Prospect], departed: frozenset[uuid.UUID]
) -> QuotaResult:
    """The approved consortium's rule over the members that remain, with sizes and relations of today."""
    remaining = [item for item in consortium.members if item.organization_id not in departed]
    lead = None if consortium.lead_id in departed else consortium.lead_id
    members = []
    for item in remaining:
        prospect = prospects[item.organization_id]
        size = prospect.organization.size_class
        members.append(
            QuotaMember.of(
                str(item.organization_id),
                prospect.organization.kind.value,
                None if size is None else size.value,
                item.budget_wan,
                quota_controllers(prospect.controls),
            )
        )
    return evaluate_quota(quota_rule(consortium.rule), None if lead is None else str(lead), members)


async def settle_recheck(
    session: AsyncSession, actor: Actor, recheck_id: uuid.UUID, settlement: Settlement, reason: str
) -> QuotaRecheck:
    """Settle a recheck: the quota is kept, another consortium is chosen, or the award is ended.

    Raises InvalidError on `reason`, ConflictError where it is settled already or where a broken quota would be kept.
    """
    consortium_id = await queries.consortium_id_of_recheck(session, recheck_id)
    if consortium_id is None:
        raise NotFoundError(_("There is nothing to settle."))
    challenge, consortium = await lock_for_officer(session, actor, consortium_id)
    own = await organization_queries.organization_ids_of(session, actor.person_id)
    if not policies.may_settle(actor, challenge, consortium, own):
        raise ForbiddenError(
            _("You may not settle this: it takes an officer of the program without an interest.")
        )
    recheck = await queries.unsettled_recheck(session, consortium_id)
    if recheck is None or recheck.id != recheck_id:
        raise ConflictError(_("This has been settled, or things have changed once more."))
    if not reason.strip():
        raise InvalidError({"reason": _("Please give a reason.")})
    if settlement is Settlement.KEPT and not recheck.holds:
        raise ConflictError(
            _("The quota does not hold any more: choose another consortium, or end the award.")
        )
    now = await queries.database_time(session)
    recheck.settlement, recheck.reason = settlement, reason.strip()
    recheck.settled_by_id, recheck.settled_at = actor.person_id, now
    await session.flush()
    if settlement is Settlement.SUPERSEDED:
        await move(session, actor, challenge, ChallengeState.CLOSED, note=recheck.reason)
        await states.move(
            session, MACHINE, actor, consortium, ConsortiumState.SUPERSEDED, note=recheck.reason
        )
    elif settlement is Settlement.ENDED:
        await move(session, actor, challenge, ChallengeState.WITHDRAWN, note=recheck.reason)
    await audit.record(
        session,
        actor,
        "consortium.recheck_settled",
        "consortium",
        consortium.id,
        {"recheck": str(recheck.id), "settlement": settlement.value, "reason": recheck.reason},
    )
    return recheck
