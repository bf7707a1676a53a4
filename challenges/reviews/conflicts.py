"""Conflicts of interest between experts and whoever a review is about. Pure: facts come from `conflict_queries`.

An expert is never seated where one of these is found; what only the expert knows they declare themselves.
"""

import uuid
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

# Whoever has left an organization longer ago than this is no longer of it.
YEARS = 5
# Half the country has an address there: it tells nothing of who works together.
COMMON_MAIL = frozenset(
    {
        "126.com",
        "139.com",
        "163.com",
        "189.cn",
        "aliyun.com",
        "foxmail.com",
        "gmail.com",
        "hotmail.com",
        "icloud.com",
        "live.com",
        "outlook.com",
        "qq.com",
        "sina.com",
        "sina.cn",
        "sohu.com",
        "tom.com",
        "vip.163.com",
        "vip.qq.com",
        "vip.sina.com",
        "yahoo.com",
        "yeah.net",
    }
)


class ConflictKind(StrEnum):
    SAME_ORGANIZATION = "same_organization"
    FORMER_EMPLOYER = "former_employer"
    CONTROL = "control"
    CO_MEMBER = "co_member"
    SAME_MAIL_DOMAIN = "same_mail_domain"
    IN_CHARGE = "in_charge"


@dataclass(frozen=True)
class Organizations:
    """Organizations by id where they are registered, else by name."""

    ids: frozenset[uuid.UUID] = frozenset()
    names: frozenset[str] = frozenset()

    def meets(self, other: "Organizations") -> bool:
        return bool(self.ids & other.ids or self.names & other.names)


@dataclass(frozen=True)
class ExpertFacts:
    """`present`: employer and memberships. `past`: employers with the last year there."""

    key: str
    person_id: uuid.UUID
    present: Organizations
    past: tuple[tuple[Organizations, int], ...] = ()
    mail_domain: str = ""


@dataclass(frozen=True)
class Party:
    """The poster, or a member of a bid."""

    organization_id: uuid.UUID
    name: str
    mail_domains: frozenset[str] = frozenset()
    bid_id: uuid.UUID | None = None

    @property
    def itself(self) -> Organizations:
        return Organizations(frozenset({self.organization_id}), frozenset({plain(self.name)}))


@dataclass(frozen=True)
class Ties:
    """`controllers` and `partners` by organization; partners have shared a consortium or a bid."""

    controllers: Mapping[uuid.UUID, Organizations] = field(default_factory=dict)
    partners: Mapping[uuid.UUID, frozenset[uuid.UUID]] = field(default_factory=dict)

    def controlled_by(self, organization_id: uuid.UUID) -> Organizations:
        return self.controllers.get(organization_id, Organizations())


@dataclass(frozen=True)
class Conflict:
    kind: ConflictKind
    name: str
    bid_id: uuid.UUID | None


def plain(name: str) -> str:
    """A name as it is compared: typed with or without spaces, in full or half width."""
    return "".join(name.split()).replace("（", "(").replace("）", ")").lower()


def mail_domain(address: str) -> str:
    """The part that tells of an employer; empty for common providers."""
    domain = address.rpartition("@")[2].strip().lower()
    return "" if domain in COMMON_MAIL else domain


def conflicts_of(
    expert: ExpertFacts,
    parties: Iterable[Party],
    ties: Ties,
    year: int,
    officers: Collection[uuid.UUID] = (),
) -> list[Conflict]:
    """What keeps this expert off a panel, at most one of each kind and party."""
    found = []
    if expert.person_id in officers:
        found.append(Conflict(ConflictKind.IN_CHARGE, "", None))
    for party in parties:
        found += [Conflict(kind, party.name, party.bid_id) for kind in _kinds(expert, party, ties, year)]
    return found


def _kinds(expert: ExpertFacts, party: Party, ties: Ties, year: int) -> Iterable[ConflictKind]:
    if expert.present.meets(party.itself):
        yield ConflictKind.SAME_ORGANIZATION
    if any(until >= year - YEARS and past.meets(party.itself) for past, until in expert.past):
        yield ConflictKind.FORMER_EMPLOYER
    above_party = ties.controlled_by(party.organization_id)
    if expert.present.meets(above_party) or any(
        ties.controlled_by(own).meets(party.itself) or ties.controlled_by(own).meets(above_party)
        for own in expert.present.ids
    ):
        yield ConflictKind.CONTROL
    if ties.partners.get(party.organization_id, frozenset()) & expert.present.ids:
        yield ConflictKind.CO_MEMBER
    if expert.mail_domain and expert.mail_domain in party.mail_domains:
        yield ConflictKind.SAME_MAIL_DOMAIN
