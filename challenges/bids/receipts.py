"""Receipts: proof for the bidder of what was handed in and when, and after the opening for everybody who took part."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.bids import queries
from challenges.bids.content import content_hash
from challenges.bids.models import Bid, BidReceipt, ReceiptAct
from challenges.bids.sealing import canonical_bid
from core.actor import Actor

# What a receipt's file calls itself.
FORMAT = "jiebang bid receipt 1"


async def give_receipt(
    session: AsyncSession, actor: Actor, bid: Bid, act: ReceiptAct, *, at: datetime | None = None
) -> BidReceipt:
    """A receipt over what the bid says now, at the database's time unless told otherwise."""
    receipt = BidReceipt(
        id=uuid.uuid4(),
        bid_id=bid.id,
        challenge_id=bid.challenge_id,
        act=act,
        content_sha256=content_hash(await canonical_bid(session, bid)),
        at=at or await queries.database_time(session),
        person_id=actor.person_id,
    )
    session.add(receipt)
    await session.flush()
    return receipt


def receipt_json(receipt: BidReceipt) -> dict[str, Any]:
    """The receipt as a file that the bidder keeps; `jiebang bids check` compares it with the bid's content."""
    return {
        "format": FORMAT,
        "receipt": str(receipt.id),
        "act": receipt.act.value,
        "challenge": str(receipt.challenge_id),
        "bid": str(receipt.bid_id),
        "at": receipt.at.isoformat(),
        "content_sha256": receipt.content_sha256,
    }


@dataclass(frozen=True)
class CheckedReceipt:
    """`computed_sha256` is that of the bid as it was opened; None while it is sealed."""

    receipt: BidReceipt
    computed_sha256: str | None

    @property
    def agrees(self) -> bool | None:
        return None if self.computed_sha256 is None else self.computed_sha256 == self.receipt.content_sha256


async def published_receipts(session: AsyncSession, challenge_id: uuid.UUID) -> list[CheckedReceipt]:
    """The last receipt of each bid handed in, in the order of handing in, beside the bid's hash once it is opened."""
    receipts = await queries.last_receipts(session, challenge_id)
    opened = {
        bid.id: bid
        for bid in await queries.bids_of_challenge(session, challenge_id)
        if bid.challenge.bids_opened_at is not None and bid.sealed_content is None
    }
    return [
        CheckedReceipt(
            receipt,
            content_hash(await canonical_bid(session, opened[bid_id])) if bid_id in opened else None,
        )
        for bid_id, receipt in receipts.items()
    ]
