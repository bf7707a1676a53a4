"""Bids are encrypted in the database until two officers open them.

Columns of a sealed bid are empty; `reveal` shows its content on the loaded objects, as if it had been read from them,
and nothing of it is ever written back.
"""

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm.attributes import set_committed_value

from challenges.bids.content import (
    TEXTS,
    BidContent,
    FileFacts,
    Part,
    canonical,
    people_as_json,
    people_from_json,
    statements_as_json,
    statements_from_json,
    steps_as_json,
    steps_from_json,
    years_as_json,
    years_from_json,
)
from challenges.bids.keys import challenge_key
from challenges.bids.models import Bid, BidMember
from core.attachments import Attachment, attachments_of, reveal_facts
from core.sealing import seal, unseal

# Where a revealed bid keeps what cannot be read of it.
UNPARSED = "_unparsed"


def _context(bid: Bid) -> str:
    return f"bid {bid.id}"


async def seal_content(session: AsyncSession, bid: Bid, content: BidContent) -> None:
    """Keep the content sealed, and show it on the bid."""
    await session.flush()
    if bid.sealed_content is None:
        await _blank(session, bid)
    key = await challenge_key(session, bid.challenge_id)
    written = json.dumps(content.to_seal(), ensure_ascii=False).encode()
    bid.sealed_content = seal(key, written, _context(bid))
    bid.content_version = content.version
    await session.flush()
    _show(bid, content)


async def reveal(session: AsyncSession, bids: Sequence[Bid]) -> None:
    """Show the contents of sealed bids on the objects, whoever reads them: policies decide who may."""
    for bid in bids:
        if bid.sealed_content is not None:
            key = await challenge_key(session, bid.challenge_id)
            _show(bid, BidContent.from_json(json.loads(unseal(key, bid.sealed_content, _context(bid)))))


def content_of(bid: Bid) -> BidContent:
    """The content of a bid that was revealed or opened, with a part for each of its members."""
    return BidContent(
        **{name: getattr(bid, name) for name in TEXTS},
        nonce=bid.nonce,
        version=bid.content_version,
        unparsed=unparsed_of(bid),
        steps=steps_from_json(bid.steps),
        people=people_from_json(bid.people),
        statements=statements_from_json(bid.statements),
        parts=tuple(
            Part(
                organization_id=member.organization_id,
                role_text=member.role_text,
                requirement_ids=tuple(member.requirement_ids),
                budget_wan=member.budget_wan,
                years=years_from_json(member.years),
            )
            for member in bid.members
        ),
    )


def unparsed_of(bid: Bid) -> Mapping[str, str]:
    """What a revealed draft holds that cannot be read; it has no column, since it is never handed in."""
    return getattr(bid, UNPARSED, {})


async def canonical_bid(session: AsyncSession, bid: Bid) -> bytes:
    """The bid as its receipts' hashes were made of: texts, parts, files."""
    files = await bid_files(session, bid)
    return canonical(
        bid.id,
        bid.challenge_id,
        bid.organization_id,
        content_of(bid),
        [FileFacts(item.name, item.size_bytes, item.sha256) for item in files],
    )


async def bid_files(session: AsyncSession, bid: Bid) -> list[Attachment]:
    """The files of a bid with their names, in the order they were added."""
    files = await attachments_of(session, "bid", bid.id)
    if any(item.sealed_facts is not None for item in files):
        key = await challenge_key(session, bid.challenge_id)
        for item in files:
            reveal_facts(item, key)
    return files


async def break_seal(session: AsyncSession, bid: Bid) -> None:
    """Write the content where everybody with a right to it reads it from now on. A trigger refuses it too early."""
    await reveal(session, [bid])
    if bid.sealed_content is None:
        return
    content = content_of(bid)
    await session.execute(
        update(Bid)
        .where(Bid.id == bid.id)
        .values(
            **{name: getattr(content, name) for name in TEXTS},
            **_lists(content),
            nonce=content.nonce,
            content_version=content.version,
            sealed_content=None,
        )
    )
    for part in content.parts:
        await session.execute(
            update(BidMember)
            .where(BidMember.bid_id == bid.id, BidMember.organization_id == part.organization_id)
            .values(
                role_text=part.role_text,
                requirement_ids=list(part.requirement_ids),
                budget_wan=part.budget_wan,
                years=years_as_json(part.years),
            )
        )


def _lists(content: BidContent) -> dict[str, list[dict[str, Any]]]:
    return {
        "steps": steps_as_json(content.steps),
        "people": people_as_json(content.people),
        "statements": statements_as_json(content.statements),
    }


async def _blank(session: AsyncSession, bid: Bid) -> None:
    """Take a bid's content from where it stands in the clear: it was begun before bids were sealed."""
    texts = dict.fromkeys((*TEXTS, "nonce"), "")
    empty = update(Bid).where(Bid.id == bid.id).values(**texts, **_lists(BidContent()))
    await session.execute(empty)
    await session.execute(
        update(BidMember)
        .where(BidMember.bid_id == bid.id)
        .values(role_text="", requirement_ids=[], budget_wan=Decimal(0), years=[])
    )


def _show(bid: Bid, content: BidContent) -> None:
    for name in TEXTS:
        set_committed_value(bid, name, getattr(content, name))
    for name, value in _lists(content).items():
        set_committed_value(bid, name, value)
    set_committed_value(bid, "nonce", content.nonce)
    set_committed_value(bid, "content_version", content.version)
    setattr(bid, UNPARSED, dict(content.unparsed))
    for member in bid.members:
        part = content.part(member.organization_id)
        set_committed_value(member, "role_text", part.role_text)
        set_committed_value(member, "requirement_ids", list(part.requirement_ids))
        set_committed_value(member, "budget_wan", Decimal(part.budget_wan))
        set_committed_value(member, "years", years_as_json(part.years))
