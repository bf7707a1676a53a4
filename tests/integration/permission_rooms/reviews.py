"""A review of the bidder's bid: the reviewer is asked in one scene, and has declared to have no conflict in another."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from challenges.models import Challenge, Expert, PanelSeat, Review, ReviewState, SeatState
from core.clock import utc_now

if TYPE_CHECKING:
    from tests.integration.permission_world import Builder


async def add_review(builder: Builder, scene: str, challenge: Challenge, things: dict[str, Any]) -> None:
    session = builder.make.session
    if "expert_id" not in builder.world.things:
        expert = Expert(person_id=builder.people["review"].id, organization_name="东海大学")
        session.add(expert)
        await session.flush()
        builder.world.things["expert_id"] = expert.id
    if scene not in {"asked", "declared"}:
        return
    review = Review(
        challenge_id=challenge.id,
        criteria=[{"name": "团队", "description": "", "weight": "1", "max_points": 10}],
        bid_ids=[str(things["bid_id"])],
        panel_size=1,
        min_enterprise=0,
        begun_by_id=builder.officer.id,
        due_at=utc_now() + timedelta(days=5),
        ranking=[],
    )
    session.add(review)
    await session.flush()
    seat = PanelSeat(
        review_id=review.id,
        expert_id=builder.world.things["expert_id"],
        state=SeatState.ASKED if scene == "asked" else SeatState.DECLARED,
        asked_at=utc_now(),
        declared_at=None if scene == "asked" else utc_now(),
        conflicting_bids=[],
    )
    session.add(seat)
    await session.flush()
    review.state = ReviewState.SCORING
    await session.flush()
    things |= {"review_id": review.id, "seat_id": seat.id}
