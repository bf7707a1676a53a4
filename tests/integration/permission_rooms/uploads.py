"""An upload that the bidder has begun for its bid, in every scene that has one."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from challenges.models import Challenge
from core.clock import utc_now
from core.uploads import Upload

if TYPE_CHECKING:
    from tests.integration.permission_world import Builder


async def add_upload(builder: Builder, scene: str, challenge: Challenge, things: dict[str, Any]) -> None:
    if "bid_id" not in things:
        return
    upload = Upload(
        person_id=builder.people["bidder"].id,
        subject_type="bid",
        subject_id=things["bid_id"],
        size_bytes=1_000_000,
        expires_at=utc_now() + timedelta(days=1),
    )
    builder.make.session.add(upload)
    await builder.make.session.flush()
    things["upload_id"] = upload.id
