"""Bids and teams as the page of winners shows them."""

from collections.abc import Collection
from dataclasses import dataclass

from challenges.awards.models import BidChoice
from challenges.awards.offers import Offer
from challenges.awards.service import Award
from challenges.consortia.composition import quota_of
from challenges.consortia.models import Consortium, ConsortiumState
from challenges.consortia.standing import Standing
from challenges.consortia.wording import part_text
from challenges.objections.models import Objection
from web.quota_view import QuotaLine, quota_line


@dataclass(frozen=True)
class OfferLine:
    """One bid in the table. `why_not` says why it cannot be ticked; an approved team's stays ticked.

    `upheld` is the objection by which it lost the award before.
    """

    offer: Offer
    quota: list[QuotaLine]
    applies: bool
    holds: bool
    is_ticked: bool
    is_approved: bool
    why_not: str
    upheld: Objection | None


@dataclass(frozen=True)
class TeamLine:
    standing: Standing
    consortium: Consortium
    choice: BidChoice | None
    quota: list[QuotaLine]
    holds: bool
    obstacles: list[str]
    broken: list[str]


def offer_lines(award: Award, ticked: Collection[str]) -> list[OfferLine]:
    approved = {
        item.consortium.bid_id
        for item in award.teams
        if item.consortium is not None and item.consortium.state is ConsortiumState.APPROVED
    }
    lines: list[OfferLine] = []
    for offer in award.offers:
        if offer.is_rejected:
            why_not = "rejected"
        elif award.is_reviewed and offer.place is None:
            why_not = "unranked"
        else:
            why_not = ""
        lines.append(
            OfferLine(
                offer=offer,
                quota=[quota_line(part) for part in offer.quota.parts if part.threshold is not None],
                applies=offer.quota.applies,
                holds=offer.quota.holds,
                is_ticked=str(offer.bid.id) in ticked or offer.bid.id in approved,
                is_approved=offer.bid.id in approved,
                why_not=why_not,
                upheld=award.upheld.get(offer.bid.id),
            )
        )
    return lines


def team_lines(award: Award) -> list[TeamLine]:
    lines: list[TeamLine] = []
    for standing in award.teams:
        consortium = standing.consortium
        assert consortium is not None
        quota = quota_of(consortium)
        is_open = consortium.state is not ConsortiumState.APPROVED
        lines.append(
            TeamLine(
                standing=standing,
                consortium=consortium,
                choice=award.choices.get(consortium.id),
                quota=[quota_line(part) for part in quota.parts if part.threshold is not None],
                holds=quota.holds,
                obstacles=list(standing.structural) if is_open else [],
                broken=[part_text(part) for part in standing.broken] if is_open else [],
            )
        )
    return lines
