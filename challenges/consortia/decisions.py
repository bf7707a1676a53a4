"""The officer's decision: judged by what is true at that moment, frozen with everything it rests on."""

import uuid
from collections.abc import Collection

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from challenges.consortia import events, policies, queries
from challenges.consortia.composition import quota_of
from challenges.consortia.freezing import decision_digest, frozen_inputs, frozen_quota
from challenges.consortia.models import Consortium, ConsortiumState, Decision, Outcome
from challenges.consortia.standing import Standing, standing_of
from challenges.consortia.states import MACHINE
from challenges.consortia.wording import part_text
from challenges.consortia.workbench import CHANGED_MEANWHILE
from challenges.matches import queries as match_queries
from challenges.postings import policies as posting_policies
from challenges.postings import service as postings
from challenges.postings.models import Challenge, ChallengeState
from challenges.postings.states import move
from core import states
from core.actor import Actor
from core.database import recorded_time
from core.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from core.i18n import gettext
from core.i18n import lazy_gettext as _
from core.notifications.service import notify
from solvers.organizations import queries as organization_queries

STATE_AFTER = {
    Outcome.APPROVED: ConsortiumState.APPROVED,
    Outcome.RETURNED: ConsortiumState.RETURNED,
    Outcome.REJECTED: ConsortiumState.REJECTED,
}
GUARDS = {
    "ck_consortium_keeps_quota_rule": _(
        "The database refuses: the consortium breaks the quota rule as things stand now."
    ),
    "ck_decision_officer_is_no_member": _(
        "You belong to a member of this consortium: another officer must decide."
    ),
    "ck_waiver_officer": _("The database refuses: the officer may not act in this matter."),
    "ck_waiver_second_officer": _("A waiver is confirmed by a second officer."),
    "ck_waiver_present": _("The database refuses: the waiver is not for the consortium as it stands now."),
    "pk_waiver_answer": _("This waiver has been answered already."),
    "uq_waiver_consortium_id_consortium_revision": _("A waiver was asked for this consortium already."),
}


async def read_consortium(session: AsyncSession, actor: Actor, consortium_id: uuid.UUID) -> Standing:
    """A consortium beside the present. Members of an approved one may come here too: the page shows their part."""
    consortium = await queries.consortium_by_id(session, consortium_id)
    if consortium is None:
        raise NotFoundError(_("There is no such consortium."))
    challenge = await postings.read_challenge(session, actor, consortium.challenge_id)
    if not policies.may_see_consortium(actor, challenge, consortium) and not policies.may_see_own_part(
        actor, consortium
    ):
        raise NotFoundError(_("There is no such consortium."))
    return await standing_of(session, challenge, consortium)


async def may_decide(session: AsyncSession, actor: Actor, standing: Standing) -> bool:
    assert standing.consortium is not None
    own = await organization_queries.organization_ids_of(session, actor.person_id)
    return policies.may_decide(actor, standing.challenge, standing.consortium, own)


async def decide_consortium(
    session: AsyncSession,
    actor: Actor,
    consortium_id: uuid.UUID,
    outcome: Outcome,
    reason: str,
    revision: int,
) -> Decision:
    """Approve, return or reject. Of two officers at once the second finds it decided.

    Of several teams the last decision moves the challenge: see `challenge_state_after`.

    Raises InvalidError on `reason` for a refusal without one, ConflictError where the rule is broken, where members
    have changed since the computation, or where the decision has been taken.
    """
    challenge, consortium = await lock_for_officer(session, actor, consortium_id)
    reason = reason.strip()
    await check_may_decide(session, actor, challenge, consortium)
    if consortium.revision != revision:
        raise ConflictError(CHANGED_MEANWHILE)
    if outcome is not Outcome.APPROVED and not reason:
        raise InvalidError({"reason": _("Please give a reason.")})
    await queries.lock_organizations(session, [member.organization_id for member in consortium.members])
    standing = await standing_of(session, challenge, consortium)
    obstacles = remaining_obstacles(standing)
    if outcome is Outcome.APPROVED and obstacles:
        raise ConflictError(gettext("It cannot be approved: %(reasons)s", reasons=" ".join(obstacles)))
    run = None if consortium.run_id is None else await match_queries.run_by_id(session, consortium.run_id)
    decision = Decision(
        id=uuid.uuid4(),
        consortium_id=consortium.id,
        outcome=outcome,
        reason=reason,
        officer_id=actor.person_id,
        rule_id=consortium.rule_id,
        decided_at=await recorded_time(session),
        inputs=frozen_inputs(standing, run),
        quota=frozen_quota(quota_of(consortium)),
    )
    consortium_state = STATE_AFTER[outcome]
    others = await queries.live_states(session, challenge.id, besides=consortium.id)
    challenge_state = challenge_state_after([*others, consortium_state])
    if challenge_state is not None:
        is_sent_back = outcome is Outcome.APPROVED and challenge_state is ChallengeState.CLOSED
        await move(
            session,
            actor,
            challenge,
            challenge_state,
            # Another team was sent back before: this decision's reason is not why.
            note="" if is_sent_back else reason,
            details={"consortium": str(consortium.id), "decision": str(decision.id)},
        )
    try:
        async with session.begin_nested():
            session.add(decision)
            await session.flush()
            # Hashed as the database holds it: jsonb writes some numbers in another way.
            await session.refresh(decision)
            await states.move(
                session,
                MACHINE,
                actor,
                consortium,
                consortium_state,
                note=reason,
                details={
                    "decision": str(decision.id),
                    "rule": str(consortium.rule_id),
                    "digest": decision_digest(decision),
                },
            )
            # After the step: a waiver is for the revision that is approved.
            consortium.revision += 1
            await session.flush()
    except IntegrityError as error:
        raise as_conflict(error) from None
    await _tell(session, actor, challenge, consortium, decision)
    return decision


def challenge_state_after(teams: Collection[ConsortiumState]) -> ChallengeState | None:
    """Where decisions have led a challenge whose teams stand in these states; None while one still waits.

    Awarded where one is approved and none was returned; else the poster mends, or names others.
    """
    if ConsortiumState.SUBMITTED in teams:
        return None
    if ConsortiumState.APPROVED in teams and not (policies.EDITABLE & set(teams)):
        return ChallengeState.AWARDED
    return ChallengeState.CLOSED


async def check_may_decide(
    session: AsyncSession, actor: Actor, challenge: Challenge, consortium: Consortium
) -> None:
    own = await organization_queries.organization_ids_of(session, actor.person_id)
    if not posting_policies.is_officer_in_charge(actor, challenge):
        raise ForbiddenError(_("Only officers in charge of the program decide."))
    if policies.has_interest(own, challenge, consortium):
        raise ForbiddenError(_("You belong to a member or to the poster: another officer must decide."))
    if not policies.may_decide(actor, challenge, consortium, own):
        raise ConflictError(_("This consortium is not waiting for a decision any more."))


def remaining_obstacles(standing: Standing) -> list[str]:
    """What keeps it from being approved: the shortcomings that no confirmed waiver excuses."""
    assert standing.consortium is not None
    waived = policies.waived_parts(standing.consortium)
    return [*standing.structural, *(part_text(part) for part in standing.broken if part.name not in waived)]


async def lock_for_officer(
    session: AsyncSession, actor: Actor, consortium_id: uuid.UUID
) -> tuple[Challenge, Consortium]:
    challenge_id = await queries.challenge_id_of(session, consortium_id)
    if challenge_id is None:
        raise NotFoundError(_("There is no such consortium."))
    challenge = await postings.read_challenge(session, actor, challenge_id, lock=True)
    consortium = await queries.consortium_by_id(session, consortium_id, lock=True)
    if consortium is None or not policies.may_see_consortium(actor, challenge, consortium):
        raise NotFoundError(_("There is no such consortium."))
    return challenge, consortium


def as_conflict(error: IntegrityError) -> Exception:
    name = getattr(getattr(error.orig, "diag", None), "constraint_name", None)
    return ConflictError(GUARDS[name]) if name in GUARDS else error


async def _tell(
    session: AsyncSession, actor: Actor, challenge: Challenge, consortium: Consortium, decision: Decision
) -> None:
    """The poster is told of every decision; the members, who cannot change anything, of the approval."""
    organization_ids = [challenge.organization_id]
    if decision.outcome is Outcome.APPROVED:
        organization_ids += [member.organization_id for member in consortium.members]
    people = await organization_queries.editor_ids(session, *organization_ids)
    kind = events.DECIDED[decision.outcome]
    await notify(
        session,
        f"{kind.name}:{decision.id}",
        kind,
        people - {actor.person_id},
        consortium,
        {"title": challenge.title, "reason": decision.reason},
    )
