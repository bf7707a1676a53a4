"""Every SELECT of the statistics. Rows come as pure values; all that is computed from them is in `figures`.

Nothing here reads bids, drafts, or a consortium that has not been approved.
"""

import uuid
from collections import defaultdict
from dataclasses import replace
from typing import Any

from sqlalchemy import Float, ScalarSelect, Select, and_, cast, func, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession

from challenges.consortia.models import Consortium, ConsortiumMember, ConsortiumState, Decision, Outcome
from challenges.matches.models import Match, MatchRun, MatchRunState
from challenges.postings.models import Challenge
from challenges.programs.models import Program, QuotaRule
from challenges.statistics.figures import Award, Part, Place, Published
from solvers.organizations.models import Organization


async def awards_of_program(session: AsyncSession, program_id: uuid.UUID) -> list[Award]:
    """All approved consortia of a program, oldest decision first."""
    return await _awards(session, _approved().where(Challenge.program_id == program_id))


async def public_awards(session: AsyncSession) -> list[Award]:
    """Approved consortia of public challenges; of restricted ones nothing is told."""
    return await _awards(session, _approved().where(Challenge.is_public, Challenge.published_at.is_not(None)))


def _approved() -> Select[*tuple[Any, ...]]:
    answer = Consortium.computation["answer"]
    return (
        select(
            Consortium.id,
            Challenge.id,
            Challenge.title,
            Challenge.round_id,
            Program.name,
            _approved_at(),
            QuotaRule.min_sme_budget_share,
            cast(answer["price_of_quota"].astext, Float),
        )
        .join(Challenge, Challenge.id == Consortium.challenge_id)
        .join(Program, Program.id == Challenge.program_id)
        .outerjoin(QuotaRule, QuotaRule.id == Consortium.rule_id)
        .where(Consortium.state == ConsortiumState.APPROVED, _approved_at().is_not(None))
        .order_by(_approved_at(), Consortium.id)
    )


def _approved_at() -> ScalarSelect[Any]:
    return (
        select(func.max(Decision.decided_at))
        .where(Decision.consortium_id == Consortium.id, Decision.outcome == Outcome.APPROVED)
        .correlate(Consortium)
        .scalar_subquery()
    )


async def _awards(session: AsyncSession, statement: Select[*tuple[Any, ...]]) -> list[Award]:
    awards = [Award(*row) for row in await session.execute(statement)]
    parts = await _parts(session, [award.consortium_id for award in awards])
    return [replace(award, parts=tuple(parts[award.consortium_id])) for award in awards]


async def _parts(session: AsyncSession, consortium_ids: list[uuid.UUID]) -> dict[uuid.UUID, list[Part]]:
    """Kind and size are those that the decision was made with; the region is today's."""
    statement: Select[*tuple[Any, ...]] = (
        select(
            ConsortiumMember.consortium_id,
            ConsortiumMember.organization_id,
            Organization.name,
            ConsortiumMember.kind,
            ConsortiumMember.size_class,
            Organization.region_code,
            ConsortiumMember.budget_wan,
            ConsortiumMember.counted_sme,
        )
        .join(Organization, Organization.id == ConsortiumMember.organization_id)
        .where(ConsortiumMember.consortium_id.in_(consortium_ids))
        .order_by(ConsortiumMember.consortium_id, ConsortiumMember.position)
    )
    found: dict[uuid.UUID, list[Part]] = defaultdict(list)
    for consortium_id, *values in await session.execute(statement):
        found[consortium_id].append(Part(*values))
    return found


async def top_places(session: AsyncSession, program_id: uuid.UUID, top_k: int) -> list[Place]:
    """The first `top_k` places of the newest ranking of each published challenge of a program."""
    newest = (
        select(MatchRun.id, MatchRun.challenge_id, MatchRun.finished_at)
        .join(Challenge, Challenge.id == MatchRun.challenge_id)
        .where(
            MatchRun.state == MatchRunState.DONE,
            Challenge.program_id == program_id,
            Challenge.published_at.is_not(None),
        )
        .ext(distinct_on(MatchRun.challenge_id))
        .order_by(MatchRun.challenge_id, MatchRun.created_at.desc())
        .subquery()
    )
    statement = (
        select(
            Challenge.id,
            Challenge.round_id,
            newest.c.finished_at,
            Match.rank,
            Match.organization_id,
            Organization.kind,
            Organization.size_class,
        )
        .join(newest, newest.c.challenge_id == Challenge.id)
        .join(Match, and_(Match.run_id == newest.c.id, Match.rank <= top_k))
        .join(Organization, Organization.id == Match.organization_id)
        .order_by(Challenge.id, Match.rank)
    )
    return [Place(*row) for row in await session.execute(statement)]


async def published_challenges(session: AsyncSession) -> list[Published]:
    """What anybody may count on the public list."""
    statement = (
        select(
            Challenge.published_at,
            Challenge.state,
            Challenge.deadline_at,
            Challenge.subfield_code,
            Program.name,
            func.coalesce(Challenge.investment_wan, 0),
        )
        .outerjoin(Program, Program.id == Challenge.program_id)
        .where(Challenge.is_public, Challenge.published_at.is_not(None))
        .order_by(Challenge.published_at, Challenge.id)
    )
    return [Published(*row) for row in await session.execute(statement)]
