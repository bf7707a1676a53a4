"""Publishing an award, and the end of its notice."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.awards.queries import approved_teams, choices_of
from challenges.bids.queries import bids_of_challenge
from challenges.consortia.freezing import digest_of
from challenges.consortia.from_bids import confirmed_parts
from challenges.consortia.models import Consortium
from challenges.consortia.policies import has_interest
from challenges.consortia.queries import officers_of
from challenges.notices import events, policies, queries
from challenges.notices.content import content_of
from challenges.notices.models import Notice, NoticeState
from challenges.notices.states import MACHINE
from challenges.objections import queries as objection_queries
from challenges.objections.models import ObjectionState
from challenges.objections.states import MACHINE as OBJECTION
from challenges.postings import policies as posting_policies
from challenges.postings import service as postings
from challenges.postings.models import Challenge, ChallengeState
from challenges.postings.queries import challenge_by_id
from challenges.postings.states import move
from challenges.programs.calendar import end_of_full_days
from core import audit, states
from core.actor import SYSTEM, Actor
from core.database import database_time
from core.errors import ConflictError, ForbiddenError, NotFoundError
from core.i18n import lazy_gettext as _
from core.notifications.service import notify
from core.schedule import due
from solvers.organizations import queries as organization_queries

LONGEST_INTRODUCTION = 4000
GONE = "立项已撤销"


@dataclass(frozen=True)
class Preview:
    """A notice as it would be published now."""

    challenge: Challenge
    teams: list[Consortium]
    content: dict[str, Any]
    ends_at: datetime
    may_publish: bool


async def read_notice(session: AsyncSession, actor: Actor, notice_id: uuid.UUID) -> Notice:
    """A notice of a challenge that the actor may read; for everybody else it does not exist."""
    notice = await queries.notice_by_id(session, notice_id)
    if notice is None or not posting_policies.may_read_challenge(
        actor, notice.challenge, await postings.certificates_of(session, actor)
    ):
        raise NotFoundError(_("There is no such notice."))
    return notice


async def read_result(session: AsyncSession, actor: Actor, challenge_id: uuid.UUID) -> Notice:
    """The notice that tells of a challenge's winners, while they hold the award."""
    notice = await queries.standing_notice(session, challenge_id)
    if notice is None or notice.challenge.state not in queries.STANDS_IN:
        raise NotFoundError(_("There is no result."))
    return await read_notice(session, actor, notice.id)


async def preview_notice(session: AsyncSession, actor: Actor, challenge_id: uuid.UUID) -> Preview:
    """What an officer of the program is about to publish."""
    challenge = await postings.read_challenge(session, actor, challenge_id)
    if not posting_policies.is_officer_in_charge(actor, challenge):
        raise NotFoundError(_("There is nothing at this address."))
    if not policies.may_publish_notice(actor, challenge):
        raise ConflictError(_("A notice is published once the challenge is awarded, and once."))
    return await _preview(session, actor, challenge)


async def _preview(session: AsyncSession, actor: Actor, challenge: Challenge) -> Preview:
    assert challenge.program is not None
    teams = await approved_teams(session, challenge.id)
    own = await organization_queries.organization_ids_of(session, actor.person_id)
    now = await database_time(session)
    return Preview(
        challenge,
        teams,
        content_of(challenge, teams, await choices_of(session, challenge.id)),
        end_of_full_days(challenge.program, challenge.program.notice_days, now),
        not any(has_interest(own, challenge, item) for item in teams),
    )


async def publish_notice(
    session: AsyncSession, actor: Actor, challenge_id: uuid.UUID, introduction: str
) -> Notice:
    """Show the award publicly: from now on objections are taken until the program's full days have passed.

    Of two officers at once the second finds it published. Everybody concerned is told.
    """
    challenge = await postings.read_challenge(session, actor, challenge_id, lock=True)
    if not posting_policies.is_officer_in_charge(actor, challenge):
        raise ForbiddenError(_("Only officers of the program publish a notice."))
    if not policies.may_publish_notice(actor, challenge):
        raise ConflictError(_("A notice is published once the challenge is awarded, and once."))
    left = await queries.standing_notice(session, challenge_id, lock=True)
    if left is not None:
        await withdraw_notice(session, SYSTEM, left, challenge.state_note or GONE)
    preview = await _preview(session, actor, challenge)
    if not preview.may_publish:
        raise ForbiddenError(_("You belong to a member or to the poster: another officer must publish it."))
    assert actor.person_id is not None
    now = await database_time(session)
    assert challenge.program is not None
    notice = Notice(
        id=uuid.uuid4(),
        challenge_id=challenge.id,
        introduction=introduction.strip()[:LONGEST_INTRODUCTION],
        content=preview.content,
        begun_at=now,
        ends_at=end_of_full_days(challenge.program, challenge.program.notice_days, now),
        published_by_id=actor.person_id,
    )
    await move(session, actor, challenge, ChallengeState.IN_NOTICE, details={"notice": str(notice.id)})
    session.add(notice)
    await session.flush()
    await audit.record(
        session,
        actor,
        "notice.published",
        "notice",
        notice.id,
        {
            "challenge": str(challenge.id),
            "ends_at": notice.ends_at.isoformat(),
            "digest": digest_of({"introduction": notice.introduction, "content": notice.content}),
        },
    )
    await _tell_of_begin(session, actor, challenge, notice, preview.teams)
    return notice


async def _tell_of_begin(
    session: AsyncSession, actor: Actor, challenge: Challenge, notice: Notice, teams: list[Consortium]
) -> None:
    winners = {member.organization_id for team in teams for member in team.members}
    about = {"title": challenge.title, "until_at": notice.ends_at.isoformat()}
    people = await organization_queries.editor_ids(session, challenge.organization_id, *winners)
    await notify(
        session,
        f"{events.BEGUN.name}:{notice.id}",
        events.BEGUN,
        people - {actor.person_id},
        notice,
        about,
    )
    told = set(people)
    for bid in await bids_of_challenge(session, challenge.id):
        for part in confirmed_parts(bid):
            # One organization takes part in one bid; each is told of its own result and no other.
            if part.organization_id in winners:
                continue
            people = await organization_queries.editor_ids(session, part.organization_id)
            await notify(
                session,
                f"{events.NOT_CHOSEN.name}:{notice.id}:{part.organization_id}",
                events.NOT_CHOSEN,
                people - told,
                notice,
                {**about, "lead": bid.organization.name, "organization_id": str(part.organization_id)},
            )


@due("notice.end", queries.next_to_end)
async def end_notice(session: AsyncSession, notice: Notice, now: datetime) -> None:
    """The period has passed. With objections waiting the award has not come through yet: see `queries.is_over`."""
    await states.move(session, MACHINE, SYSTEM, notice, NoticeState.ENDED, now=now)
    challenge = notice.challenge
    waiting = await objection_queries.count_raised(session, challenge.id)
    teams = await approved_teams(session, challenge.id)
    winners = {member.organization_id for team in teams for member in team.members}
    people = await organization_queries.editor_ids(session, challenge.organization_id, *winners)
    officers = {item.id for item in await officers_of(session, challenge.program_id)}
    await notify(
        session,
        f"{events.ENDED.name}:{notice.id}",
        events.ENDED,
        people | officers,
        notice,
        {"title": challenge.title, "open_objections": str(waiting)},
    )


@due("notice.left", queries.next_left)
async def withdraw_left_notice(session: AsyncSession, notice: Notice, now: datetime) -> None:
    """The award is gone: a member has left, or the challenge has ended early."""
    await withdraw_notice(session, SYSTEM, notice, notice.challenge.state_note or GONE)


async def withdraw_notice(session: AsyncSession, actor: Actor, notice: Notice, reason: str) -> None:
    """Take a notice back with the award; objections that wait lapse, and who was told of it is told of this."""
    await states.move(session, MACHINE, actor, notice, NoticeState.WITHDRAWN, note=reason)
    challenge = await challenge_by_id(session, notice.challenge_id)
    assert challenge is not None
    concerned = {challenge.organization_id}
    concerned |= {uuid.UUID(member["id"]) for team in notice.content["teams"] for member in team["members"]}
    for objection in await objection_queries.raised_of(session, notice.id, lock=True):
        await states.move(session, OBJECTION, SYSTEM, objection, ObjectionState.LAPSED)
        concerned.add(objection.organization_id)
    for bid in await bids_of_challenge(session, challenge.id):
        concerned |= {part.organization_id for part in confirmed_parts(bid)}
    people = await organization_queries.editor_ids(session, *concerned)
    await notify(
        session,
        f"{events.WITHDRAWN.name}:{notice.id}",
        events.WITHDRAWN,
        people - {actor.person_id},
        notice,
        {"title": challenge.title, "reason": notice.note},
    )
