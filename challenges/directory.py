"""The public directory of solvers: verified organizations, filtered, and ranked when something is searched for.

A profile that the reader may not read has no part in the search: not in the ranking, its statistics or the excerpts.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.did_you_mean import did_you_mean
from challenges.excerpts import closest, excerpt
from challenges.indexes import solver_index, terms_of_text
from core.actor import Actor
from core.database import database_today
from matching.explanation import Piece, mark
from matching.suggestions import Suggestion
from solvers.models import Certificate, Organization
from solvers.profiles import policies, queries
from solvers.profiles.queries import DirectoryFilters, DirectoryReader
from solvers.profiles.texts import evidence_body, profile_text

# Any two characters in common give some score. What scores less than this share of the best hit is noise.
LEAST_OF_BEST = 0.15


class DirectorySort(StrEnum):
    RELEVANCE = "relevance"
    NAME = "name"
    NEWEST = "newest"


@dataclass(frozen=True, kw_only=True)
class DirectoryQuery:
    text: str = ""
    filters: DirectoryFilters = DirectoryFilters()
    sort: DirectorySort = DirectorySort.RELEVANCE


@dataclass(frozen=True, kw_only=True)
class DirectoryEntry:
    """One organization as the reader may see it: without its profile there is no excerpt and no field."""

    organization: Organization
    name: Sequence[Piece]
    excerpt: Sequence[Piece]
    excerpt_title: Sequence[Piece]
    certificates: Sequence[Certificate]
    subfield_codes: Sequence[str]
    evidence_count: int
    is_readable: bool


async def search_directory(
    session: AsyncSession, actor: Actor, query: DirectoryQuery, *, limit: int, offset: int
) -> tuple[list[DirectoryEntry], int]:
    """One page of the directory, and how many organizations it holds in all."""
    reader = DirectoryReader(
        readable=policies.readable_visibilities(actor),
        organization_id=actor.organization_id,
        today=await database_today(session),
    )
    if query.text:
        found = await queries.listed_ids(session, query.filters, reader)
        named = found & await queries.ids_by_name(session, query.text)
        index = await solver_index(session, reader.readable)
        hits = await index.search(query.text, among=found)
        floor = hits[0][1] * LEAST_OF_BEST if hits else 0.0
        ranked = [key for key, score in hits if score >= floor or key in named]
        # Whoever types a name looks for that organization; its profile need not contain the name.
        ranked = [key for key in ranked if key in named] + [key for key in ranked if key not in named]
        by_name_alone = sorted(named - set(ranked))
        ordered = [*by_name_alone, *ranked]
        if query.sort is not DirectorySort.RELEVANCE:
            ordered = await queries.sorted_ids(
                session, ordered, newest_first=query.sort is DirectorySort.NEWEST
            )
        total, ids = len(ordered), ordered[offset : offset + limit]
    else:
        ids, total = await queries.listed_page(
            session,
            query.filters,
            reader,
            newest_first=query.sort is DirectorySort.NEWEST,
            limit=limit,
            offset=offset,
        )
    organizations = await queries.organizations_with_profiles(session, ids)
    return await asyncio.to_thread(_entries, organizations, actor, reader, query.text), total


async def suggestions_for(session: AsyncSession, actor: Actor, text: str) -> list[Suggestion]:
    """Words instead of those that no profile holds which the reader may read."""
    if not text:
        return []
    return await did_you_mean(await solver_index(session, policies.readable_visibilities(actor)), text)


def _entries(
    organizations: Sequence[Organization], actor: Actor, reader: DirectoryReader, text: str
) -> list[DirectoryEntry]:
    terms = set(terms_of_text(text)) if text else set[str]()
    return [_entry(organization, actor, reader, terms) for organization in organizations]


def _entry(
    organization: Organization, actor: Actor, reader: DirectoryReader, terms: set[str]
) -> DirectoryEntry:
    profile = organization.profile
    if profile is not None and not policies.may_read_profile(actor, organization.id, profile.visibility):
        profile = None
    title, text = "", profile.summary if profile else ""
    if profile and terms:
        # The text that shares most terms with the query; a summary wins over an item that is no better, and an item
        # over the keywords, which say nothing by themselves.
        named = profile_text(profile.summary, profile.team, profile.keywords)
        texts = [
            ("", profile.summary),
            *((item.title, evidence_body(item.text, item.keywords)) for item in profile.evidence),
            ("", named),
        ]
        title, text = closest(texts, terms)
    return DirectoryEntry(
        organization=organization,
        name=mark(organization.name, terms) if terms else [Piece(organization.name, marked=False)],
        excerpt=excerpt(text, terms),
        excerpt_title=mark(title, terms) if title else (),
        certificates=[
            item for item in organization.certificates if item.valid_from <= reader.today <= item.valid_until
        ],
        subfield_codes=profile.subfield_codes if profile else (),
        evidence_count=len(profile.evidence) if profile else 0,
        is_readable=organization.profile is None or profile is not None,
    )


@dataclass(frozen=True, kw_only=True)
class MarkedProfile:
    """The texts of a profile in pieces, evidence by the items' ids."""

    summary: Sequence[Piece]
    team: Sequence[Piece]
    keywords: Sequence[Sequence[Piece]]
    evidence: dict[str, "MarkedEvidence"]


@dataclass(frozen=True, kw_only=True)
class MarkedEvidence:
    title: Sequence[Piece]
    text: Sequence[Piece]
    keywords: Sequence[Piece]


async def mark_profile(organization: Organization, text: str) -> MarkedProfile:
    """The texts of an organization's profile with the terms of `text` marked."""
    return await asyncio.to_thread(_mark_profile, organization, text)


def _mark_profile(organization: Organization, text: str) -> MarkedProfile:
    profile = organization.profile
    terms = set(terms_of_text(text)) if text else set[str]()

    def pieces(part: str) -> list[Piece]:
        return mark(part, terms) if terms and part else [Piece(part, marked=False)]

    return MarkedProfile(
        summary=pieces(profile.summary if profile else ""),
        team=pieces(profile.team if profile else ""),
        keywords=[pieces(word) for word in (profile.keywords if profile else ())],
        evidence={
            str(item.id): MarkedEvidence(
                title=pieces(item.title), text=pieces(item.text), keywords=pieces("、".join(item.keywords))
            )
            for item in (profile.evidence if profile else ())
        },
    )
