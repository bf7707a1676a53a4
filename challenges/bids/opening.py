"""Opening the bids of a challenge: asked for by one officer, done by another, after the deadline."""

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.bids import events, policies, queries
from challenges.bids.models import BidOpening
from challenges.bids.sealing import break_seal
from challenges.postings.models import Challenge
from challenges.programs import queries as program_queries
from core import audit
from core.actor import Actor
from core.errors import ConflictError, ForbiddenError
from core.i18n import lazy_gettext as _
from core.notifications.service import notify
from solvers.organizations import queries as organization_queries

TOO_EARLY = _("Bids are opened after the deadline.")
ANOTHER_OFFICER = _("You asked for the opening: another officer has to open the bids.")


@dataclass(frozen=True)
class OpeningState:
    """How far the opening is, and what this officer may do: `ask`, `open` or nothing, with the reason."""

    opening: BidOpening | None
    may: str = ""
    why_not: str = ""


async def opening_state(session: AsyncSession, actor: Actor, challenge: Challenge) -> OpeningState:
    """For the page: what the reader can do about the opening of a challenge's bids."""
    opening = await queries.opening_of(session, challenge.id)
    if challenge.bids_opened_at is not None or not policies.is_officer_in_charge(actor, challenge):
        return OpeningState(opening)
    if not policies.is_bidding_over(challenge, await queries.database_time(session)):
        return OpeningState(opening, why_not=str(TOO_EARLY))
    if await has_interest(session, actor, challenge):
        return OpeningState(opening, why_not=str(INTERESTED))
    if opening is None:
        return OpeningState(opening, may="ask")
    if opening.asked_by_id == actor.person_id:
        return OpeningState(opening, why_not=str(ANOTHER_OFFICER))
    return OpeningState(opening, may="open")


INTERESTED = _("You belong to the poster or to a bidder: other officers have to open the bids.")


async def open_bids(session: AsyncSession, actor: Actor, challenge: Challenge) -> BidOpening:
    """The first officer asks, a second one opens: contents become readable to poster and officers.

    Raises ForbiddenError for who is not in charge or has an interest, ConflictError before the deadline, for the same
    officer again, and where the bids are open already.
    """
    if not policies.is_officer_in_charge(actor, challenge):
        raise ForbiddenError(_("Only officers in charge of the program open bids."))
    if await has_interest(session, actor, challenge):
        raise ForbiddenError(INTERESTED)
    await session.refresh(challenge, ["state", "deadline_at", "bids_opened_at"], with_for_update=True)
    now = await queries.database_time(session)
    if not policies.is_bidding_over(challenge, now):
        raise ConflictError(TOO_EARLY)
    if challenge.bids_opened_at is not None:
        raise ConflictError(_("The bids have been opened already."))
    assert actor.person_id is not None
    opening = await queries.opening_of(session, challenge.id, lock=True)
    if opening is None:
        opening = BidOpening(challenge_id=challenge.id, asked_by_id=actor.person_id, asked_at=now)
        session.add(opening)
        await session.flush()
        await audit.record(session, actor, "bids.opening_asked", "challenge", challenge.id)
        assert challenge.program_id is not None
        others = await program_queries.officer_ids(session, challenge.program_id) - {actor.person_id}
        about = {"title": challenge.title, "officer": actor.name}
        await notify(
            session,
            f"bids.opening_asked:{challenge.id}",
            events.OPENING_ASKED,
            list(others),
            challenge,
            about,
        )
        return opening
    if opening.asked_by_id == actor.person_id:
        raise ConflictError(ANOTHER_OFFICER)
    opening.opened_by_id, opening.opened_at = actor.person_id, now
    await session.flush()
    challenge.bids_opened_at = now
    await session.flush()
    bids = await queries.bids_of_challenge(session, challenge.id)
    for bid in bids:
        await break_seal(session, bid)
    await audit.record(
        session,
        actor,
        "bids.opened",
        "challenge",
        challenge.id,
        {"asked_by": str(opening.asked_by_id), "bids": [str(bid.id) for bid in bids]},
    )
    concerned = {challenge.organization_id} | await queries.member_ids(session, challenge.id)
    people = await organization_queries.editor_ids(session, *concerned)
    await notify(
        session,
        f"bids.opened:{challenge.id}",
        events.OPENED,
        sorted(people),
        challenge,
        {"title": challenge.title},
    )
    return opening


async def has_interest(session: AsyncSession, actor: Actor, challenge: Challenge) -> bool:
    own = await organization_queries.organization_ids_of(session, actor.person_id)
    return bool(own & ({challenge.organization_id} | await queries.member_ids(session, challenge.id)))
