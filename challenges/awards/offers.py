"""The bids among which winners are named, beside each other: place in the review, fit, and the quota as it would be."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.awards import queries
from challenges.awards.policies import needs_review
from challenges.bids.models import Bid, BidMember
from challenges.checks.queries import admitted_bids, is_everything_settled
from challenges.consortia.composition import quota_of, structural_shortcomings
from challenges.consortia.from_bids import confirmed_parts, write_bid
from challenges.consortia.models import Consortium, ConsortiumMember
from challenges.consortia.prospects import prospects_of, rule_of
from challenges.postings.models import Challenge
from challenges.reviews.queries import finished_ranking
from core.clock import utc_now
from matching.quota import QuotaResult


@dataclass(frozen=True)
class Place:
    """A bid's place in a finished review."""

    rank: int
    score: Any


@dataclass(frozen=True)
class Offer:
    """One admitted bid. `consortium` is what it would become today; it belongs to no session and is never stored."""

    bid: Bid
    place: Place | None
    consortium: Consortium
    quota: QuotaResult
    # What keeps it from being submitted as it is, apart from the quota.
    obstacles: Sequence[str]
    # The matcher's place of the lead, None where it was not ranked.
    lead_rank: int | None
    is_rejected: bool

    @property
    def partners(self) -> list[BidMember]:
        return [
            item for item in confirmed_parts(self.bid) if item.organization_id != self.bid.organization_id
        ]

    @property
    def smes(self) -> list[ConsortiumMember]:
        return [item for item in self.consortium.members if item.counted_sme]

    @property
    def budget_wan(self) -> Decimal:
        return sum((item.budget_wan for item in self.consortium.members), Decimal(0))

    @property
    def fit(self) -> float:
        """Scores of the matcher for what each member is to do, weighted by requirement."""
        return self.consortium.objective or 0.0


async def ranking_of(session: AsyncSession, challenge: Challenge) -> dict[uuid.UUID, Place] | None:
    """Places of the finished review by bid; None without a review or before its end."""
    ranking = await finished_ranking(session, challenge.id)
    return None if ranking is None else {bid_id: Place(rank, score) for bid_id, rank, score in ranking}


async def are_ready(session: AsyncSession, challenge: Challenge) -> bool:
    """Whether winners may be named among the bids: all are checked and, where the program has a review, reviewed."""
    return await is_everything_settled(session, challenge) and (
        not needs_review(challenge) or await ranking_of(session, challenge) is not None
    )


async def offers_of(session: AsyncSession, challenge: Challenge) -> list[Offer]:
    """Admitted bids in the order of the review, else of their arrival; those without a place come last."""
    bids = await admitted_bids(session, challenge.id)
    places = await ranking_of(session, challenge) or {}
    rejected = await queries.rejected_bid_ids(session, challenge.id)
    rule = await rule_of(session, challenge)
    joining = {part.organization_id for bid in bids for part in confirmed_parts(bid)}
    prospects = await prospects_of(session, challenge, None, joining=joining)
    found: list[Offer] = []
    for bid in bids:
        consortium = Consortium(challenge_id=challenge.id, revision=0, members=[], bid_id=bid.id)
        write_bid(consortium, challenge, rule, prospects, bid)
        lead = prospects.get(bid.organization_id)
        found.append(
            Offer(
                bid=bid,
                place=places.get(bid.id),
                consortium=consortium,
                quota=quota_of(consortium),
                obstacles=structural_shortcomings(consortium, challenge, rule, prospects),
                lead_rank=None if lead is None else lead.rank,
                is_rejected=bid.id in rejected,
            )
        )
    far = len(found) + 1
    return sorted(
        found,
        key=lambda item: (
            item.place.rank if item.place else far,
            item.bid.submitted_at or utc_now(),
            str(item.bid.id),
        ),
    )
