"""Telling of a new challenge, once: whom a saved search of theirs finds it, and whose profile it fits."""

import asyncio
import uuid
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.indexes import terms_of_text
from challenges.matches.service import LEAST_RECOMMENDED_SCORE
from challenges.postings import list_queries
from challenges.postings.models import Challenge
from challenges.postings.queries import readable_ids
from challenges.postings.service import certificates_of
from challenges.programs.policies import accepts_bidder
from challenges.searches import events, queries
from challenges.searches.filters import restored
from challenges.searches.models import ChallengeAnnouncement
from core.audit import canonical_json
from core.notifications.service import notify
from core.schedule import due
from solvers.organizations.acting import actors_of
from solvers.organizations.queries import editor_ids

# Of those that are ranked for a challenge only the first few are called: it is meant for them.
FITTING_HEADS = 10


@due("challenge.announce", queries.next_to_announce)
async def announce_challenge(session: AsyncSession, challenge: Challenge, now: datetime) -> None:
    """The row written here and the shared event key make it once, however often this runs."""
    assert challenge.deadline_at is not None
    people = 0
    key = f"challenge.new:{challenge.id}"
    about = {
        "title": challenge.title,
        "organization": challenge.organization.name,
        "deadline_at": challenge.deadline_at.isoformat(),
    }
    for person_id, name in (await _searchers(session, challenge, now)).items():
        told = await notify(session, key, events.FOUND, [person_id], challenge, {**about, "search": name})
        people += len(told)
    fitting = await _fitting_people(session, challenge)
    people += len(await notify(session, key, events.FITS, sorted(fitting), challenge, about))
    session.add(ChallengeAnnouncement(challenge_id=challenge.id, told_at=now, people=people))
    await session.flush()


async def _searchers(session: AsyncSession, challenge: Challenge, now: datetime) -> Mapping[uuid.UUID, str]:
    """People with the name of their search that finds the challenge, who may read it and have not posted it."""
    assert challenge.published_at is not None
    finds: dict[str, bool] = {}
    found: dict[uuid.UUID, str] = {}
    for search in await queries.searches_before(session, challenge.published_at):
        if search.person_id in found:
            continue
        spelled = canonical_json(search.filters)
        if spelled not in finds:
            finds[spelled] = await _finds(session, search.filters, challenge, now)
        if finds[spelled] and await _may_read(session, search.person_id, challenge):
            found[search.person_id] = search.name
    return found


async def _finds(session: AsyncSession, kept: Mapping[str, str], challenge: Challenge, now: datetime) -> bool:
    """Stricter than the list, which ranks: every term that is searched for stands in the challenge."""
    filters = restored(kept)
    terms = set(await asyncio.to_thread(terms_of_text, filters.text)) if filters.text else set()
    hits = [challenge.id] if terms and terms <= set(challenge.tokens) else []
    only = Challenge.id == challenge.id
    return bool(await list_queries.count_challenges(session, filters, only, hits, now))


async def _may_read(
    session: AsyncSession,
    person_id: uuid.UUID,
    challenge: Challenge,
    organization_id: uuid.UUID | None = None,
) -> bool:
    """As any of the actors that the person may be, or for one organization; nobody of the poster is told."""
    actors = await actors_of(session, person_id)
    if any(actor.acts_for(challenge.organization_id) for actor in actors):
        return False
    for actor in actors:
        if organization_id is not None and not actor.acts_for(organization_id):
            continue
        certificates = await certificates_of(session, actor)
        if await readable_ids(session, actor, certificates, [challenge.id]):
            return True
    return False


async def _fitting_people(session: AsyncSession, challenge: Challenge) -> set[uuid.UUID]:
    """Editors of the organizations that lead the ranking, may bid, and may know of the challenge."""
    people: set[uuid.UUID] = set()
    for organization in await queries.best_ranked(
        session, challenge.id, heads=FITTING_HEADS, score=LEAST_RECOMMENDED_SCORE
    ):
        if challenge.program is not None and not accepts_bidder(challenge.program, organization.kind):
            continue
        for person_id in await editor_ids(session, organization.id):
            if await _may_read(session, person_id, challenge, organization.id):
                people.add(person_id)
    return people
