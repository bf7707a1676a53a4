"""A consortium beside the present: what stands in its way, and what it breaks."""

import uuid
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.consortia import policies, queries
from challenges.consortia.composition import Prospects, broken_parts, structural_shortcomings
from challenges.consortia.models import Consortium
from challenges.consortia.prospects import prospects_of, rule_of
from challenges.consortia.wording import part_text
from challenges.matches import service as matches
from challenges.postings.models import Challenge
from challenges.programs.models import QuotaRule
from core.actor import Actor
from matching.quota import QuotaPart


@dataclass(frozen=True)
class Standing:
    """A consortium beside the present: the rule in force, organizations as they are now, and what stands in the way.

    A waiver can excuse the `broken` parts of the quota, never what is `structural`.
    """

    challenge: Challenge
    consortium: Consortium | None
    rule: QuotaRule | None
    prospects: Prospects
    structural: list[str]
    broken: tuple[QuotaPart, ...]

    @property
    def shortcomings(self) -> list[str]:
        return [*self.structural, *(part_text(part) for part in self.broken)]


async def read_standing(session: AsyncSession, actor: Actor, challenge_id: uuid.UUID) -> Standing:
    """What the consortium page of a challenge shows: for the poster and the program's officers."""
    challenge = await matches.read_candidates_challenge(session, actor, challenge_id)
    consortium = await queries.shown_consortium(session, challenge.id)
    if consortium is not None and not policies.may_see_consortium(actor, challenge, consortium):
        consortium = None
    return await standing_of(session, challenge, consortium)


async def standing_of(session: AsyncSession, challenge: Challenge, consortium: Consortium | None) -> Standing:
    rule = await rule_of(session, challenge)
    prospects = await prospects_of(session, challenge, consortium)
    if consortium is None:
        return Standing(challenge, None, rule, prospects, [], ())
    structural = structural_shortcomings(consortium, challenge, rule, prospects)
    return Standing(challenge, consortium, rule, prospects, structural, broken_parts(consortium, rule))
