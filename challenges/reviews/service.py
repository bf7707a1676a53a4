"""Use cases of the officer who leads a review, and what time brings. Panels and scores have files of their own."""

import uuid
from datetime import datetime
from decimal import Decimal

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.bids.opening import has_interest
from challenges.checks import queries as check_queries
from challenges.postings.models import Challenge, ChallengeState
from challenges.postings.states import move as move_challenge
from challenges.programs.calendar import earliest_end, period
from challenges.reviews import events, policies, queries
from challenges.reviews.access import INTERESTED, locked_review
from challenges.reviews.criteria import frozen, lines_of, thawed
from challenges.reviews.models import SEATED, Review, ReviewState, SeatState
from challenges.reviews.panels import ask, hold_panels, prospects_of
from challenges.reviews.ranking import BidScores, Ranked, rank_bids
from challenges.reviews.states import REVIEW, enterprise_heads, reduction_gap
from core import audit
from core.actor import SYSTEM, Actor
from core.errors import ConflictError, ForbiddenError, InvalidError
from core.i18n import lazy_gettext as _
from core.i18n import use_locale
from core.states import move

# Reminded when a fifth of the time is left.
REMINDER_PART = 5
# The language of what is frozen for everybody.
FROZEN_LOCALE = "zh_CN"


async def begin_review(
    session: AsyncSession, actor: Actor, challenge: Challenge, *, drops_extremes: bool
) -> Review:
    """Take a closed challenge into review: criteria, bids and the size of the panel are frozen now."""
    if not policies.may_manage(actor, challenge):
        raise ForbiddenError(_("Only officers in charge of the program lead a review."))
    if await has_interest(session, actor, challenge):
        raise ForbiddenError(INTERESTED)
    await session.refresh(challenge, ["state", "bids_opened_at"], with_for_update=True)
    program = challenge.program
    assert program is not None
    assert actor.person_id is not None
    if not program.needs_review:
        raise ConflictError(_("This program has no review: the poster chooses among the bids."))
    if not await check_queries.is_everything_settled(session, challenge):
        raise ConflictError(_("The bids have to be opened and their formal check settled first."))
    admitted = await check_queries.admitted_bids(session, challenge.id)
    if not admitted:
        raise ConflictError(_("No bid is admitted: there is nothing to review."))
    with use_locale(FROZEN_LOCALE):
        criteria = frozen(await lines_of(session, program.id))
    await move_challenge(session, actor, challenge, ChallengeState.IN_REVIEW)
    review = Review(
        id=uuid.uuid4(),
        challenge_id=challenge.id,
        criteria=criteria,
        bid_ids=[str(bid.id) for bid in admitted],
        panel_size=program.panel_size,
        min_enterprise=enterprise_heads(program.min_enterprise_expert_share, program.panel_size),
        min_panel_size=program.min_panel_size,
        min_enterprise_share=program.min_enterprise_expert_share,
        drops_extremes=drops_extremes,
        begun_by_id=actor.person_id,
        ranking=[],
    )
    session.add(review)
    await session.flush()
    await audit.record(
        session,
        actor,
        "review.prepared",
        "challenge",
        challenge.id,
        {"bids": review.bid_ids, "criteria": [item["name"] for item in criteria]},
    )
    return review


async def begin_scoring(session: AsyncSession, actor: Actor, review_id: uuid.UUID) -> Review:
    """The panel is complete: everybody is told and has the program's days from now."""
    review = await locked_review(session, actor, review_id)
    now = await queries.database_time(session)
    _set_deadline(review, _days_from(review, now))
    await move(session, REVIEW, actor, review, ReviewState.SCORING, now=now)
    for seat in review.seated:
        if seat.state is SeatState.PROPOSED:
            await ask(session, actor, seat)
    return review


async def extend(session: AsyncSession, actor: Actor, review_id: uuid.UUID, until: datetime) -> Review:
    """Give the panel more time; a deadline is never drawn nearer."""
    review = await locked_review(session, actor, review_id)
    if review.state is not ReviewState.SCORING or review.due_at is None:
        raise ConflictError(_("The panel is not scoring at present."))
    if until <= max(review.due_at, await queries.database_time(session)):
        raise InvalidError({"until": _("The new deadline lies after the present one and ahead of us.")})
    before = review.due_at
    _set_deadline(review, until)
    await session.flush()
    await audit.record(
        session,
        actor,
        "review.extended",
        "challenge",
        review.challenge_id,
        {"due_at": [before.isoformat(), until.isoformat()]},
    )
    for seat in review.seated:
        if seat.state in (SeatState.ASKED, SeatState.DECLARED):
            await events.tell_reviewer(session, events.EXTENDED, seat, occasion=until.isoformat())
    return review


async def begin_discussion(session: AsyncSession, actor: Actor, review: Review) -> Review:
    """All have scored: the panel sees all scores from now on."""
    await move(session, REVIEW, actor, review, ReviewState.DISCUSSING)
    await session.flush()
    for seat in review.seated:
        await events.tell_reviewer(session, events.DISCUSSION_BEGUN, seat)
    await events.tell_officers(session, events.ALL_HANDED_IN, review)
    return review


async def reopen_scoring(session: AsyncSession, actor: Actor, review_id: uuid.UUID, reason: str) -> Review:
    """Somebody has left the panel after all: it is completed, and whoever joins has the program's days."""
    review = await locked_review(session, actor, review_id)
    now = await queries.database_time(session)
    await move(session, REVIEW, actor, review, ReviewState.SCORING, note=reason, now=now)
    _set_deadline(review, _days_from(review, now))
    await session.flush()
    return review


async def go_on_with_fewer(session: AsyncSession, actor: Actor, review_id: uuid.UUID, reason: str) -> Review:
    """Somebody has left and is not replaced: the panel is as large as it is now, where the program allows so few.

    Raises InvalidError on `note` with what is missing. Where all who are left have scored, they discuss from now on.
    """
    await hold_panels(session)
    review = await locked_review(session, actor, review_id)
    missing = reduction_gap(review)
    if missing is not None:
        raise InvalidError({"note": missing})
    if not reason.strip():
        raise InvalidError({"note": _("Please give a reason.")})
    free = sum(item.is_free for item in await prospects_of(session, review))
    before, review.panel_size = review.panel_size, len(review.seated)
    review.min_enterprise = enterprise_heads(review.min_enterprise_share, review.panel_size)
    review.fewer_note = reason.strip()
    await session.flush()
    # An entry of the review, not of the challenge: the reason may name a reviewer.
    await audit.record(
        session,
        actor,
        "review.panel_reduced",
        "review",
        review.id,
        {"experts": [before, review.panel_size], "free_experts": free, "reason": reason.strip()},
    )
    if review.state is ReviewState.SCORING and all(
        seat.state is SeatState.HANDED_IN for seat in review.seated
    ):
        await begin_discussion(session, SYSTEM, review)
    return review


async def finish_review(session: AsyncSession, actor: Actor, review_id: uuid.UUID) -> Review:
    """Close the discussion: the ranking is computed and stays."""
    review = await locked_review(session, actor, review_id)
    if review.state is not ReviewState.DISCUSSING:
        raise ConflictError(_("This is not possible in the present state."))
    review.ranking = [
        {
            "bid": item.key,
            "rank": item.rank,
            "score": str(item.score),
            "by_criterion": [str(mean) for mean in item.by_criterion],
        }
        for item in await ranking_of(session, review)
    ]
    await move(session, REVIEW, actor, review, ReviewState.FINISHED)
    await session.flush()
    await events.tell_poster(session, events.FINISHED, review)
    return review


async def break_off(session: AsyncSession, actor: Actor, review_id: uuid.UUID, reason: str) -> Review:
    """End a review without a result: the challenge is closed again, and another review may begin."""
    review = await locked_review(session, actor, review_id)
    review.note = reason.strip()
    await move(session, REVIEW, actor, review, ReviewState.BROKEN_OFF, note=reason)
    if review.challenge.state is ChallengeState.IN_REVIEW:
        await move_challenge(session, actor, review.challenge, ChallengeState.CLOSED, note=reason)
    for seat in review.seated:
        if seat.asked_at is not None:
            await events.tell_reviewer(session, events.BROKEN_OFF, seat)
    return review


async def ranking_of(session: AsyncSession, review: Review) -> list[Ranked]:
    """By the scores of those who have handed in; without any there is no ranking yet."""
    seats = [seat for seat in review.seats if seat.state is SeatState.HANDED_IN]
    if not seats:
        return []
    places = range(len(review.criteria))
    given = {
        (seat.id, str(score.bid_id), score.criterion): score.points for seat in seats for score in seat.scores
    }
    bids = []
    for bid in await queries.bids_of(session, review):
        points = [[given[seat.id, str(bid.id), place] or Decimal(0) for place in places] for seat in seats]
        assert bid.submitted_at is not None
        budget = sum((member.budget_wan for member in bid.members), Decimal(0))
        bids.append(BidScores(str(bid.id), points, budget, bid.submitted_at))
    return rank_bids(bids, thawed(review.criteria), drops_extremes=review.drops_extremes)


async def remind(session: AsyncSession, review: Review) -> None:
    """Once, when most of the time has passed."""
    for seat in review.seats:
        if seat.state in (SeatState.ASKED, SeatState.DECLARED):
            await events.tell_reviewer(session, events.REMINDER, seat, occasion=str(review.due_at))
    review.remind_at = None
    await session.flush()


async def note_overdue(session: AsyncSession, review: Review, now: datetime) -> None:
    """The deadline has passed with scores missing: officers extend it or exchange reviewers. Drafts stay."""
    review.overdue_at = now
    await session.flush()
    await events.tell_officers(session, events.OVERDUE, review, occasion=str(review.due_at))
    for seat in review.seats:
        if seat.state in SEATED and seat.state is not SeatState.HANDED_IN:
            await events.tell_reviewer(session, events.OVERDUE_FOR_ME, seat, occasion=str(review.due_at))


def _days_from(review: Review, now: datetime) -> datetime:
    program = review.challenge.program
    assert program is not None
    return earliest_end(program, program.review_days, now)


def _set_deadline(review: Review, until: datetime) -> None:
    program = review.challenge.program
    assert program is not None
    review.due_at = until
    review.remind_at = until - period(program, program.review_days) / REMINDER_PART
    review.overdue_at = None
