"""A review as its pages show it: each bid with its scores, their spread, and where it stands."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.bids.models import Bid
from challenges.reviews import queries
from challenges.reviews.criteria import thawed
from challenges.reviews.models import PanelSeat, Review, Score, SeatState
from challenges.reviews.ranking import Spread, rounded, spread_of, total_of
from challenges.reviews.service import ranking_of


@dataclass(frozen=True)
class SeatScore:
    """What one reviewer gave one bid; `total` of 100."""

    seat: PanelSeat
    scores: Sequence[Score]
    total: Decimal
    is_outlier: bool


@dataclass(frozen=True)
class BidRow:
    bid: Bid
    rank: int | None
    score: Decimal | None
    by_criterion: Sequence[Decimal]
    given: Sequence[SeatScore]
    spread: Spread | None
    # The matcher's, of the lead; information that is never counted.
    fit: float | None

    @property
    def budget_wan(self) -> Decimal:
        return sum((member.budget_wan for member in self.bid.members), Decimal(0))


async def bid_rows(session: AsyncSession, review: Review) -> list[BidRow]:
    """By rank where somebody has handed in, else in the order of handing in."""
    ranked = {item.key: item for item in await ranking_of(session, review)}
    fits = await queries.fits_of(session, review.challenge_id)
    rows = []
    for bid in await queries.bids_of(session, review):
        given = scores_of(review, bid)
        spread = spread_of([item.total for item in given])
        standing = ranked.get(str(bid.id))
        rows.append(
            BidRow(
                bid=bid,
                rank=standing.rank if standing else None,
                score=standing.score if standing else None,
                by_criterion=standing.by_criterion if standing else (),
                given=[
                    SeatScore(item.seat, item.scores, item.total, place in spread.outliers)
                    for place, item in enumerate(given)
                ]
                if spread
                else [],
                spread=spread,
                fit=fits.get(bid.organization_id),
            )
        )
    return sorted(rows, key=lambda row: row.rank or 0)


def scores_of(review: Review, bid: Bid) -> list[SeatScore]:
    """Of everybody who has handed in."""
    found = []
    for seat in review.seats:
        if seat.state is not SeatState.HANDED_IN:
            continue
        scores = own_scores(seat, bid)
        points = [score.points or Decimal(0) for score in scores]
        found.append(SeatScore(seat, scores, rounded(total_of(points, thawed(review.criteria))), False))
    return found


def own_scores(seat: PanelSeat, bid: Bid) -> list[Score]:
    """In the order of the criteria."""
    return sorted(
        (score for score in seat.scores if score.bid_id == bid.id), key=lambda score: score.criterion
    )


def comments_on(review: Review, bid: Bid) -> list[list[str]]:
    """By criterion, without names and in no order that tells of one."""
    texts: list[set[str]] = [set() for _ in review.criteria]
    for item in scores_of(review, bid):
        for score in item.scores:
            if score.comment:
                texts[score.criterion].add(score.comment)
    return [sorted(found) for found in texts]
