"""Who may become a member of a challenge's consortium, as organizations, scores and the rule stand now."""

import uuid
from collections.abc import Collection, Mapping
from datetime import date

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.consortia import queries
from challenges.consortia.composition import Prospect
from challenges.consortia.models import Consortium
from challenges.matches import queries as match_queries
from challenges.matches.service import held_certificates
from challenges.postings.models import Challenge
from challenges.programs import queries as program_queries
from challenges.programs.models import QuotaRule
from core.database import database_today
from solvers.organizations.models import Organization


async def rule_of(session: AsyncSession, challenge: Challenge) -> QuotaRule | None:
    """The rule that the challenge's program has in force today."""
    if challenge.program_id is None:
        return None
    return await program_queries.rule_in_force(session, challenge.program_id, await database_today(session))


async def prospects_of(
    session: AsyncSession,
    challenge: Challenge,
    consortium: Consortium | None,
    joining: Collection[uuid.UUID] = (),
) -> dict[uuid.UUID, Prospect]:
    """The ranked solvers and whoever is a member or joins, as they stand now, in the order of the ranking.

    A member that the newest ranking lacks keeps the scores it was chosen with.
    """
    run = await match_queries.newest_done_run(session, challenge.id)
    ranked = await match_queries.matches_of(session, run.id) if run is not None else []
    scores = {match.organization_id: (match.rank, dict(match.requirement_scores)) for match in ranked}
    members = list(consortium.members) if consortium is not None else []
    frozen = {member.organization_id: dict(member.requirement_scores) for member in members}
    keys = list(dict.fromkeys([*scores, *frozen, *joining]))
    organizations = {item.id: item for item in await queries.organizations_by_ids(session, keys)}
    controls = await match_queries.controls_of(session, keys)
    today = await database_today(session)
    return {
        key: _prospect(
            organizations[key], controls.get(key, ()), *scores.get(key, (None, frozen.get(key, {}))), today
        )
        for key in keys
        if key in organizations
    }


def _prospect(
    organization: Organization,
    controls: tuple[match_queries.Control, ...],
    rank: int | None,
    scores: Mapping[str, float],
    today: date,
) -> Prospect:
    held = held_certificates(organization, today)
    return Prospect(organization, held, controls, scores, rank)
