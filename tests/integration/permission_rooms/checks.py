"""A formal check of the bidder's bid, which waits for its completion, in every scene whose bids are open."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from challenges.models import Challenge, CheckState, FormalCheck
from core.clock import utc_now

if TYPE_CHECKING:
    from tests.integration.permission_world import Builder


async def add_check(builder: Builder, scene: str, challenge: Challenge, things: dict[str, Any]) -> None:
    if challenge.bids_opened_at is None:
        return
    check = FormalCheck(
        bid_id=things["bid_id"],
        challenge_id=challenge.id,
        state=CheckState.COMPLETION_REQUESTED,
        points=[{"text": "签章齐全", "met": False, "remark": ""}],
        asked="缺第三页",
        completion_due_at=utc_now() + timedelta(days=5),
        begun_by_id=builder.officer.id,
    )
    builder.make.session.add(check)
    await builder.make.session.flush()
    things["check_id"] = check.id
    things["completion_file"] = (await builder.attachment("completion", check.id)).id
