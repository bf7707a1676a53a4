"""The facts that conflicts are found in."""

import uuid
from collections import defaultdict
from collections.abc import Collection, Sequence

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from challenges.bids.models import Bid, BidMember, BidMemberState, BidState
from challenges.consortia.models import Consortium, ConsortiumMember, ConsortiumState
from challenges.experts.models import Expert
from challenges.postings.models import Challenge
from challenges.reviews.conflicts import ExpertFacts, Organizations, Party, Ties, mail_domain, plain
from core.accounts.models import Person
from solvers.organizations.models import ControlRelation, Membership, Organization

LIVE_CONSORTIA = (ConsortiumState.SUBMITTED, ConsortiumState.APPROVED)


async def expert_facts(session: AsyncSession, experts: Sequence[Expert]) -> list[ExpertFacts]:
    """Of experts with their person, employer and past employers loaded."""
    member_of: dict[uuid.UUID, list[tuple[uuid.UUID, str]]] = defaultdict(list)
    statement = (
        select(Membership.person_id, Organization.id, Organization.name)
        .join(Organization, Organization.id == Membership.organization_id)
        .where(Membership.person_id.in_([expert.person_id for expert in experts]))
    )
    for person_id, organization_id, name in await session.execute(statement):
        member_of[person_id].append((organization_id, name))
    return [
        ExpertFacts(
            key=str(expert.id),
            person_id=expert.person_id,
            present=_organizations([(expert.organization_id, expert.employer), *member_of[expert.person_id]]),
            past=tuple(
                (_organizations([(item.organization_id, item.organization_name)]), item.until_year)
                for item in expert.past_employers
            ),
            mail_domain=mail_domain(expert.person.email),
        )
        for expert in experts
    ]


def _organizations(pairs: Sequence[tuple[uuid.UUID | None, str]]) -> Organizations:
    return Organizations(
        frozenset(key for key, _name in pairs if key is not None),
        frozenset(plain(name) for _key, name in pairs if name),
    )


async def parties_of(
    session: AsyncSession, challenge: Challenge, bid_ids: Collection[uuid.UUID]
) -> list[Party]:
    """The poster, and everybody with a part in these bids."""
    statement = (
        select(BidMember.bid_id, Organization.id, Organization.name)
        .join(Organization, Organization.id == BidMember.organization_id)
        .where(BidMember.bid_id.in_(bid_ids), BidMember.state == BidMemberState.CONFIRMED)
        .order_by(BidMember.bid_id, BidMember.position)
    )
    members = [(row[0], row[1], row[2]) for row in await session.execute(statement)]
    poster = await session.get_one(Organization, challenge.organization_id)
    named = [(None, poster.id, poster.name), *members]
    domains: dict[uuid.UUID, set[str]] = defaultdict(set)
    addresses = (
        select(Membership.organization_id, Person.email)
        .join(Person, Person.id == Membership.person_id)
        .where(Membership.organization_id.in_([item[1] for item in named]))
    )
    for organization_id, email in await session.execute(addresses):
        domains[organization_id].add(mail_domain(email))
    return [Party(key, name, frozenset(domains[key] - {""}), bid_id) for bid_id, key, name in named]


async def ties_of(session: AsyncSession, organization_ids: Collection[uuid.UUID]) -> Ties:
    """Declared control relations of these organizations, and whom they share a consortium or an opened bid with."""
    relations = select(ControlRelation).where(
        or_(
            ControlRelation.organization_id.in_(organization_ids),
            ControlRelation.controller_id.in_(organization_ids),
        )
    )
    above: dict[uuid.UUID, list[tuple[uuid.UUID | None, str]]] = defaultdict(list)
    for item in await session.scalars(relations):
        above[item.organization_id].append((item.controller_id, item.controller_name))
    partners: dict[uuid.UUID, set[uuid.UUID]] = defaultdict(set)
    own, other = aliased(ConsortiumMember), aliased(ConsortiumMember)
    consortia = (
        select(own.organization_id, other.organization_id)
        .join(other, other.consortium_id == own.consortium_id)
        .join(Consortium, Consortium.id == own.consortium_id)
        .where(
            own.organization_id.in_(organization_ids),
            other.organization_id != own.organization_id,
            Consortium.state.in_(LIVE_CONSORTIA),
        )
    )
    part, fellow = aliased(BidMember), aliased(BidMember)
    bids = (
        select(part.organization_id, fellow.organization_id)
        .join(fellow, fellow.bid_id == part.bid_id)
        .join(Bid, Bid.id == part.bid_id)
        .join(Challenge, Challenge.id == Bid.challenge_id)
        .where(
            part.organization_id.in_(organization_ids),
            fellow.organization_id != part.organization_id,
            part.state == BidMemberState.CONFIRMED,
            fellow.state == BidMemberState.CONFIRMED,
            Bid.state == BidState.SUBMITTED,
            # Who bids together is sealed with the bid.
            Challenge.bids_opened_at.is_not(None),
        )
    )
    for statement in (consortia, bids):
        for first, second in await session.execute(statement):
            partners[first].add(second)
    return Ties(
        {key: _organizations(pairs) for key, pairs in above.items()},
        {key: frozenset(found) for key, found in partners.items()},
    )
