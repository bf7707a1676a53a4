"""Reviews and seats for whoever acts on them, locked: the challenge first, then the review."""

import uuid

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.bids import queries as bid_queries
from challenges.bids.opening import has_interest
from challenges.reviews import policies, queries
from challenges.reviews.models import PanelSeat, Review
from core.actor import Actor
from core.errors import ForbiddenError, NotFoundError
from core.i18n import lazy_gettext as _

NO_REVIEW, NO_SEAT = _("There is no such review."), _("There is no such seat on a panel.")
INTERESTED = _("You belong to the poster or to a bidder: other officers have to lead the review.")


async def locked_review(session: AsyncSession, actor: Actor, review_id: uuid.UUID) -> Review:
    """For an officer in charge without an interest of their own."""
    challenge_id = await queries.challenge_id_of(session, review_id)
    if challenge_id is None:
        raise NotFoundError(NO_REVIEW)
    await bid_queries.hold_challenge(session, challenge_id)
    review = await queries.review_by_id(session, review_id, lock=True)
    if review is None or not policies.may_manage(actor, review.challenge):
        raise NotFoundError(NO_REVIEW)
    if await has_interest(session, actor, review.challenge):
        raise ForbiddenError(INTERESTED)
    return review


async def locked_seat(session: AsyncSession, actor: Actor, seat_id: uuid.UUID) -> PanelSeat:
    """A seat of a review that the officer leads."""
    review_id = await queries.review_id_of_seat(session, seat_id)
    if review_id is None:
        raise NotFoundError(NO_SEAT)
    review = await locked_review(session, actor, review_id)
    return _seat_in(review, seat_id)


async def own_seat(
    session: AsyncSession, actor: Actor, seat_id: uuid.UUID, *, lock: bool = False
) -> PanelSeat:
    """The reviewer's own seat; for everybody else it does not exist."""
    review_id = await queries.review_id_of_seat(session, seat_id)
    if review_id is None:
        raise NotFoundError(NO_SEAT)
    challenge_id = await queries.challenge_id_of(session, review_id)
    if lock and challenge_id is not None:
        await bid_queries.hold_challenge(session, challenge_id)
    review = await queries.review_by_id(session, review_id, lock=lock)
    if review is None:
        raise NotFoundError(NO_SEAT)
    seat = _seat_in(review, seat_id)
    if not policies.holds_seat(actor, seat):
        raise NotFoundError(NO_SEAT)
    return seat


def _seat_in(review: Review, seat_id: uuid.UUID) -> PanelSeat:
    found = next((seat for seat in review.seats if seat.id == seat_id), None)
    if found is None:
        raise NotFoundError(NO_SEAT)
    return found
