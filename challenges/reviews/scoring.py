"""Use cases of a reviewer: declare, score, hand in, discuss, revise."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.reviews import events, policies, queries
from challenges.reviews.access import NO_SEAT, locked_review, own_seat
from challenges.reviews.models import (
    PanelSeat,
    Review,
    ReviewRemark,
    ReviewState,
    Score,
    ScoreRevision,
    SeatState,
)
from challenges.reviews.service import begin_discussion
from challenges.reviews.states import SEAT, panel_gap
from core import audit
from core.actor import SYSTEM, Actor
from core.errors import ConflictError, InvalidError, NotFoundError
from core.i18n import lazy_gettext as _
from core.states import move

LONGEST_REMARK = 5000


@dataclass(frozen=True)
class Given:
    """Points and comment for one criterion; None: not scored yet."""

    points: Decimal | None
    comment: str = ""


async def declare(
    session: AsyncSession,
    actor: Actor,
    seat_id: uuid.UUID,
    *,
    has_conflict: bool,
    bid_ids: Sequence[str] = (),
    reason: str = "",
) -> PanelSeat:
    """Say whether there is a conflict. Who has one leaves the panel and is replaced; nobody else is shown any content."""
    seat = await own_seat(session, actor, seat_id, lock=True)
    if not has_conflict:
        await move(session, SEAT, actor, seat, SeatState.DECLARED)
        await session.flush()
        return seat
    chosen = [item for item in seat.review.bid_ids if item in set(bid_ids)]
    if not reason.strip():
        raise InvalidError({"reason": _("Please give a reason.")})
    seat.conflicting_bids = chosen
    await move(session, SEAT, actor, seat, SeatState.EXCLUDED, note=reason, details={"bids": chosen})
    await session.flush()
    await events.tell_officers(
        session,
        events.CONFLICT_DECLARED,
        seat.review,
        occasion=str(seat.id),
        reviewer=seat.expert.person.name,
    )
    return seat


async def save_scores(
    session: AsyncSession, actor: Actor, seat_id: uuid.UUID, bid_id: uuid.UUID, given: Sequence[Given]
) -> PanelSeat:
    """Keep a draft for one bid, as often as wished, also after the deadline: nothing typed is lost."""
    seat = await _reading(session, actor, seat_id, bid_id)
    if seat.state is not SeatState.DECLARED or seat.review.state is not ReviewState.SCORING:
        raise ConflictError(_("Your scores are handed in: they can be revised in the discussion."))
    _check(seat.review, given)
    present = {score.criterion: score for score in seat.scores if score.bid_id == bid_id}
    changed = _changed(present, given)
    if not changed:
        # Pressed twice: the audit log tells of what was done once.
        return seat
    for place, item in changed:
        score = present.get(place)
        if score is None:
            score = Score(seat_id=seat.id, bid_id=bid_id, criterion=place)
            seat.scores.append(score)
        score.points, score.comment = item.points, item.comment.strip()
    await session.flush()
    await audit.record(session, actor, "seat.scores_saved", "review", seat.review_id, {"bid": str(bid_id)})
    return seat


async def hand_in(session: AsyncSession, actor: Actor, seat_id: uuid.UUID) -> PanelSeat:
    """All bids are scored: hand in before the deadline. After the last one the discussion begins by itself."""
    seat = await own_seat(session, actor, seat_id, lock=True)
    if not policies.may_read_bids(actor, seat):
        raise ConflictError(_("Declare first whether you have a conflict of interest."))
    if missing_scores(seat):
        raise InvalidError({"scores": _("Score every bid by every criterion first.")})
    await move(session, SEAT, actor, seat, SeatState.HANDED_IN)
    await session.flush()
    review = seat.review
    if panel_gap(review) is None and all(item.state is SeatState.HANDED_IN for item in review.seated):
        await begin_discussion(session, SYSTEM, review)
    return seat


def missing_scores(seat: PanelSeat) -> int:
    """How many scores of bids and criteria are not given yet."""
    scored = {(str(score.bid_id), score.criterion) for score in seat.scores if score.points is not None}
    wanted = {(bid, place) for bid in seat.review.bid_ids for place in range(len(seat.review.criteria))}
    return len(wanted - scored)


async def revise(
    session: AsyncSession,
    actor: Actor,
    seat_id: uuid.UUID,
    bid_id: uuid.UUID,
    given: Sequence[Given],
    reason: str,
) -> PanelSeat:
    """Change scores in the discussion, with a reason; what they were before is kept."""
    seat = await _reading(session, actor, seat_id, bid_id)
    if not policies.sees_everybodys_scores(actor, seat):
        raise ConflictError(_("Scores are revised in the discussion."))
    _check(seat.review, given)
    if any(item.points is None for item in given):
        raise InvalidError({"scores": _("Score every bid by every criterion first.")})
    if not reason.strip():
        raise InvalidError({"reason": _("Please give a reason.")})
    present = {score.criterion: score for score in seat.scores if score.bid_id == bid_id}
    if not _changed(present, given):
        # Pressed twice, or nothing changed: nothing was revised.
        return seat
    changed = 0
    for place, item in enumerate(given):
        score = present[place]
        score.comment = item.comment.strip()
        if score.points == item.points or score.points is None or item.points is None:
            continue
        session.add(
            ScoreRevision(
                seat_id=seat.id,
                bid_id=bid_id,
                criterion=place,
                before=score.points,
                after=item.points,
                reason=reason.strip(),
            )
        )
        score.points = item.points
        changed += 1
    await session.flush()
    await audit.record(
        session,
        actor,
        "seat.scores_revised",
        "review",
        seat.review_id,
        {"bid": str(bid_id), "changed": changed, "reason": reason.strip()},
    )
    return seat


async def remark(
    session: AsyncSession, actor: Actor, seat_id: uuid.UUID, text: str, bid_id: uuid.UUID | None = None
) -> None:
    """Say something to the panel and the officers, in the discussion."""
    seat = await own_seat(session, actor, seat_id, lock=True)
    if not policies.sees_everybodys_scores(actor, seat):
        raise ConflictError(_("The discussion begins when all have scored, and ends with the review."))
    await _say(session, actor, seat.review, text, bid_id)


async def remark_as_officer(
    session: AsyncSession, actor: Actor, review_id: uuid.UUID, text: str, bid_id: uuid.UUID | None = None
) -> None:
    review = await locked_review(session, actor, review_id)
    if review.state is not ReviewState.DISCUSSING:
        raise ConflictError(_("The discussion begins when all have scored, and ends with the review."))
    await _say(session, actor, review, text, bid_id)


async def _say(
    session: AsyncSession, actor: Actor, review: Review, text: str, bid_id: uuid.UUID | None
) -> None:
    text = text.strip()
    if not text:
        raise InvalidError({"text": _("Please fill this in.")})
    if len(text) > LONGEST_REMARK:
        raise InvalidError({"text": _("At most %(longest)s characters.", longest=LONGEST_REMARK)})
    if bid_id is not None and str(bid_id) not in review.bid_ids:
        raise InvalidError({"text": _("There is no such bid.")})
    assert actor.person_id is not None
    last = await queries.last_remark(session, review.id)
    if last is not None and (last.person_id, last.bid_id, last.text) == (actor.person_id, bid_id, text):
        # Pressed twice: nobody says the same again before another has answered.
        return
    said = ReviewRemark(
        id=uuid.uuid4(), review_id=review.id, person_id=actor.person_id, bid_id=bid_id, text=text
    )
    session.add(said)
    await session.flush()
    await audit.record(session, actor, "review.remark", "review", review.id, {"remark": str(said.id)})
    await events.tell_panel(session, events.REMARK, review, besides=actor.person_id, occasion=str(said.id))


async def may_read_bid(session: AsyncSession, actor: Actor, bid_id: uuid.UUID) -> bool:
    """Whether some seat lets this reviewer read the bid, its files included."""
    if not actor.is_reviewer:
        return False
    seats = await queries.seat_reading_bid(session, actor.person_id, bid_id)
    return any(policies.may_read_bid(actor, seat, bid_id) for seat in seats)


async def _reading(session: AsyncSession, actor: Actor, seat_id: uuid.UUID, bid_id: uuid.UUID) -> PanelSeat:
    seat = await own_seat(session, actor, seat_id, lock=True)
    if not policies.may_read_bid(actor, seat, bid_id):
        raise NotFoundError(NO_SEAT)
    return seat


def _changed(present: Mapping[int, Score], given: Sequence[Given]) -> list[tuple[int, Given]]:
    """What was given otherwise than it stands there, by the criterion's place."""
    return [
        (place, item)
        for place, item in enumerate(given)
        if place not in present
        or (present[place].points, present[place].comment) != (item.points, item.comment.strip())
    ]


def _check(review: Review, given: Sequence[Given]) -> None:
    if len(given) != len(review.criteria):
        raise InvalidError({"scores": _("Score every bid by every criterion first.")})
    errors: dict[str, Any] = {}
    for place, (criterion, item) in enumerate(zip(review.criteria, given, strict=True)):
        if not _is_allowed(item.points, criterion):
            errors[f"points-{place}"] = _(
                "Points from 0 to %(limit)s, in halves.", limit=criterion["max_points"]
            )
    if errors:
        raise InvalidError(errors)


def _is_allowed(points: Decimal | None, criterion: Mapping[str, Any]) -> bool:
    if points is None:
        return True
    return points.is_finite() and 0 <= points <= criterion["max_points"] and points * 2 % 1 == 0
