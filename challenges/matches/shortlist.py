"""The shortlist of a challenge under its program's share of SME members, beside the list by score alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.matches import queries
from challenges.matches.service import Row, ranking_of
from challenges.postings.models import Challenge
from challenges.programs import queries as program_queries
from challenges.programs.models import QuotaRule
from core.database import database_today
from matching.shortlist import RankedCandidate, ShortlistEntry, discounted_gain, shortlist

# What fits on one screen, and is about what a poster invites to talk.
DEFAULT_LENGTH = 10
# Further down a list is read by nobody, and the ranking keeps not many more.
MAX_LENGTH = 50


@dataclass(frozen=True)
class ShortlistPlace:
    entry: ShortlistEntry
    row: Row


@dataclass(frozen=True)
class Shortlist:
    """`left_out` would be on the list by score alone, best first; each with its place there.

    `gain` and `gain_without_rule` are the DCG of the scores of both lists.
    """

    rule: QuotaRule
    share: Decimal
    length: int
    places: list[ShortlistPlace]
    left_out: list[tuple[int, Row]]
    admitted: int
    counted: int
    gain: float
    gain_without_rule: float

    @property
    def cost(self) -> float:
        return max(0.0, self.gain_without_rule - self.gain)

    @property
    def moved(self) -> int:
        return sum(place.entry.moved_up != 0 for place in self.places) + len(self.left_out)


async def shortlist_of(
    session: AsyncSession, challenge: Challenge, ranking: Sequence[Row], length: int
) -> Shortlist | None:
    """The best `length` admitted candidates with the share in every prefix; None where no share is demanded."""
    if challenge.program_id is None:
        return None
    rule = await program_queries.rule_in_force(session, challenge.program_id, await database_today(session))
    if rule is None or not rule.min_sme_member_share:
        return None
    return under_rule(rule, rule.min_sme_member_share, ranking, length)


async def newest_shortlist(session: AsyncSession, challenge: Challenge, length: int) -> Shortlist | None:
    run = await queries.newest_done_run(session, challenge.id)
    if run is None:
        return None
    return await shortlist_of(session, challenge, await ranking_of(session, challenge, run), length)


def under_rule(rule: QuotaRule, share: Decimal, ranking: Sequence[Row], length: int) -> Shortlist:
    rows: Mapping[str, Row] = {str(row.organization.id): row for row in ranking if row.may_take_part}
    candidates = [RankedCandidate(key, row.match.score, row.is_counted) for key, row in rows.items()]
    entries = shortlist(candidates, top_k=length, min_sme_member_share=share)
    plain = shortlist(candidates, top_k=length, min_sme_member_share=0)
    chosen = {entry.id for entry in entries}
    return Shortlist(
        rule=rule,
        share=share,
        length=length,
        places=[ShortlistPlace(entry, rows[entry.id]) for entry in entries],
        left_out=[(entry.rank, rows[entry.id]) for entry in plain if entry.id not in chosen],
        admitted=len(rows),
        counted=sum(row.is_counted for row in rows.values()),
        gain=discounted_gain([entry.score for entry in entries]),
        gain_without_rule=discounted_gain([entry.score for entry in plain]),
    )
