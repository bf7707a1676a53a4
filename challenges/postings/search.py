"""Finding challenges: the public list, and existing ones like a draft. Nobody finds what they may not read."""

import uuid
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import ColumnElement
from sqlalchemy.ext.asyncio import AsyncSession

from challenges.did_you_mean import did_you_mean
from challenges.indexes import challenge_index, challenge_text
from challenges.postings import list_queries, queries
from challenges.postings.list_queries import ChallengeFilters, Facets, Sort
from challenges.postings.models import Challenge
from challenges.postings.service import certificates_of
from core.actor import Actor
from core.clock import utc_now
from matching.suggestions import Suggestion

# Any word in common gives some score; what stays below this share of the best hit's is noise.
NOISE_SHARE = 0.25
MAX_HITS = 500
# As similarity of two whole texts: below, they share little more than the language of their trade.
SIMILAR_SCORE = 0.12
SIMILAR_SHOWN = 5


@dataclass(frozen=True)
class Found:
    challenges: list[Challenge]
    total: int
    facets: Facets


async def hits_of(
    session: AsyncSession, actor: Actor, readable: ColumnElement[bool], text: str
) -> list[uuid.UUID]:
    """Ids of challenges that a text matches, best first.

    Restricted challenges that the reader may not read leave no trace: neither in the order nor in what counts as
    noise.
    """
    if not text:
        return []
    among: dict[uuid.UUID, bool] | None = None
    if actor.organization_id is not None or actor.is_officer:
        among = await queries.listed_ids(session, readable)
    public_only = among is None or all(among.values())
    index = await challenge_index(session, public_only=public_only)
    hits = await index.search(text, among=None if public_only else among, limit=MAX_HITS)
    floor = hits[0][1] * NOISE_SHARE if hits else 0.0
    return [key for key, score in hits if score >= floor]


async def suggestions_for(session: AsyncSession, text: str) -> list[Suggestion]:
    """Words instead of those that no public challenge holds; restricted ones lend none, whoever reads."""
    if not text:
        return []
    return await did_you_mean(await challenge_index(session, public_only=True), text)


async def find_challenges(
    session: AsyncSession,
    actor: Actor,
    filters: ChallengeFilters,
    *,
    sort: Sort,
    limit: int,
    offset: int,
) -> Found:
    now = utc_now()
    readable = queries.readable_by(actor, await certificates_of(session, actor))
    ranked = await hits_of(session, actor, readable, filters.text)
    return Found(
        challenges=await list_queries.page_of_challenges(
            session, filters, readable, ranked, now, sort=sort, limit=limit, offset=offset
        ),
        total=await list_queries.count_challenges(session, filters, readable, ranked, now),
        facets=await list_queries.facets_of(session, filters, readable, ranked, now),
    )


async def similar_challenges(
    session: AsyncSession, actor: Actor, challenge: Challenge
) -> list[tuple[Challenge, Decimal]]:
    """Published challenges most like a draft, that its writer may read, with their scores in (0, 1]."""
    text = challenge_text(
        challenge.title,
        challenge.difficulty,
        challenge.indicators,
        challenge.content,
        [(row.text, row.target) for row in challenge.requirements],
    )
    if not text.strip():
        return []
    certificates = await certificates_of(session, actor)
    among = await queries.listed_ids(session, queries.readable_by(actor, certificates))
    index = await challenge_index(session, public_only=all(among.values()))
    hits = {
        key: score
        for key, score in await index.search(text, among=among, limit=SIMILAR_SHOWN + 1)
        if score >= SIMILAR_SCORE and key != challenge.id
    }
    found = await queries.readable_challenges(session, actor, certificates, list(hits))
    return [(item, Decimal(str(round(hits[item.id], 4)))) for item in found[:SIMILAR_SHOWN]]
