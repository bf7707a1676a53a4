"""Finding challenges: the public list, and existing ones like a draft. Nobody finds what they may not read."""

import asyncio
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import ColumnElement
from sqlalchemy.ext.asyncio import AsyncSession

from challenges.did_you_mean import did_you_mean
from challenges.excerpts import closest, excerpt
from challenges.indexes import challenge_index, challenge_text, terms_of_text
from challenges.postings import list_queries, queries
from challenges.postings.list_queries import ChallengeFilters, Facets, Sort
from challenges.postings.models import Challenge
from challenges.postings.service import certificates_of
from core.actor import Actor
from core.database import database_time
from matching.explanation import Piece, mark
from matching.suggestions import Suggestion

# Any word in common gives some score; what stays below this share of the best hit's is noise.
NOISE_SHARE = 0.25
MAX_HITS = 500
# As similarity of two whole texts: below, they share little more than the language of their trade.
SIMILAR_SCORE = 0.12
SIMILAR_SHOWN = 5


@dataclass(frozen=True)
class MarkedChallenge:
    """What the list shows of a challenge, with the terms that were searched for marked.

    `excerpt` is from the text of the challenge that shares most of them.
    """

    title: Sequence[Piece]
    excerpt: Sequence[Piece]
    organization: Sequence[Piece]


@dataclass(frozen=True)
class Found:
    challenges: list[Challenge]
    total: int
    facets: Facets
    # What was searched for is marked in these; empty where nothing was.
    marked: dict[uuid.UUID, MarkedChallenge]


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


async def suggestions_for(session: AsyncSession, actor: Actor, text: str) -> list[Suggestion]:
    """Words instead of those that no challenge holds which the reader may read.

    A restricted challenge lends its words to its own readers alone.
    """
    if not text:
        return []
    restricted: list[Sequence[str]] = []
    if actor.organization_id is not None or actor.is_officer:
        readable = queries.readable_by(actor, await certificates_of(session, actor))
        restricted = await queries.tokens_of_restricted(session, readable)
    return await did_you_mean(await challenge_index(session, public_only=True), text, restricted)


async def find_challenges(
    session: AsyncSession,
    actor: Actor,
    filters: ChallengeFilters,
    *,
    sort: Sort,
    limit: int,
    offset: int,
) -> Found:
    now = await database_time(session)
    readable = queries.readable_by(actor, await certificates_of(session, actor))
    ranked = await hits_of(session, actor, readable, filters.text)
    challenges = await list_queries.page_of_challenges(
        session, filters, readable, ranked, now, sort=sort, limit=limit, offset=offset
    )
    return Found(
        challenges=challenges,
        total=await list_queries.count_challenges(session, filters, readable, ranked, now),
        facets=await list_queries.facets_of(session, filters, readable, ranked, now),
        marked=await asyncio.to_thread(_marked, challenges, filters.text) if filters.text else {},
    )


def _marked(challenges: Sequence[Challenge], text: str) -> dict[uuid.UUID, MarkedChallenge]:
    terms = set(terms_of_text(text))
    return {challenge.id: _mark_challenge(challenge, terms) for challenge in challenges}


def _mark_challenge(challenge: Challenge, terms: set[str]) -> MarkedChallenge:
    texts = [challenge.difficulty, challenge.indicators, challenge.content]
    texts += [part for row in challenge.requirements for part in (row.text, row.target)]
    _, text = closest([("", text) for text in texts], terms)
    return MarkedChallenge(
        title=mark(challenge.title, terms),
        excerpt=excerpt(text, terms),
        organization=mark(challenge.organization.name, terms),
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
