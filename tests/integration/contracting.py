"""Awarded teams for the tests of contracts, milestones and acceptance."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from challenges.contracts import service, signing
from challenges.contracts.drafting import first_text
from challenges.contracts.models import (
    Contract,
    ContractSignature,
    ContractState,
    ContractVersion,
    PartyRole,
    VersionState,
)
from challenges.contracts.policies import open_version
from challenges.contracts.queries import approved_teams
from challenges.contracts.standing import book_of, read_contract
from challenges.models import (
    Challenge,
    ChallengeState,
    Consortium,
    ConsortiumMember,
    ConsortiumState,
    Decision,
    Notice,
    NoticeState,
    Outcome,
    Program,
)
from challenges.postings.queries import challenge_by_id
from core.accounts.models import Person, PlatformRole
from core.actor import Actor
from core.attachments import Attachment
from core.clock import shanghai_today, utc_now
from core.notifications.models import Notification
from core.settings import Settings
from solvers.models import Organization, OrganizationKind, SizeClass
from tests.factories import Factory
from tests.integration.matchmaking import actor_of

PDF = b"%PDF-1.7 signed"


@dataclass
class Team:
    consortium: Consortium
    lead: Organization
    member: Organization
    lead_actor: Actor
    member_actor: Actor


@dataclass
class Award:
    """A challenge after its notice: three requirements, and teams of a lead (two of them) and a member (one)."""

    make: Factory
    challenge: Challenge
    program: Program
    poster: Organization
    editor: Person
    officer: Person
    teams: list[Team]

    @property
    def session(self) -> AsyncSession:
        return self.make.session

    @property
    def poster_actor(self) -> Actor:
        return actor_of(self.editor, self.poster)

    @property
    def officer_actor(self) -> Actor:
        return Actor(
            person_id=self.officer.id, name=self.officer.name, roles=frozenset({PlatformRole.OFFICER})
        )

    def parties(self, number: int = 1) -> list[Actor]:
        team = self.teams[number - 1]
        return [self.poster_actor, team.lead_actor, team.member_actor]


async def award(
    make: Factory, *, teams: int = 1, state: ChallengeState = ChallengeState.IN_NOTICE, **values: Any
) -> Award:
    officer = await make.officer()
    program = await make.program(officer, rule={}, **values)
    poster = await make.organization(size=SizeClass.LARGE, name="航空发动机集团")
    challenge = await make.challenge(
        poster,
        program,
        state=ChallengeState.AWARDED,
        budgets=(100, 60, 40),
        deadline_at=utc_now() - timedelta(days=40),
        published_at=utc_now() - timedelta(days=80),
    )
    editor = await make.member(poster)
    made = [await approved_team(make, challenge, program, officer, number + 1) for number in range(teams)]
    challenge.state = state
    make.session.add(ended_notice(challenge, officer))
    await make.session.commit()
    return Award(make, challenge, program, poster, editor, officer, made)


def ended_notice(challenge: Challenge, officer: Person) -> Notice:
    return Notice(
        challenge_id=challenge.id,
        state=NoticeState.ENDED,
        content={
            "challenge": {"title": challenge.title, "poster": "发榜方", "reward_wan": None, "round": ""},
            "program": {"name": "专项", "authority": "省科学技术厅"},
            "notice_days": 5,
            "answer_days": 10,
            "teams": [],
        },
        begun_at=utc_now() - timedelta(days=10),
        ends_at=utc_now() - timedelta(days=5),
        ended_at=utc_now() - timedelta(days=5),
        published_by_id=officer.id,
    )


async def approved_team(
    make: Factory, challenge: Challenge, program: Program, officer: Person, number: int
) -> Team:
    lead, member = await make.organization(), await make.organization()
    first, second, third = challenge.requirements
    parts = ((lead, 160, [first, second]), (member, 40, [third]))
    consortium = Consortium(
        challenge_id=challenge.id,
        team=number,
        state=ConsortiumState.SUBMITTED,
        lead_id=lead.id,
        rule_id=program.rules[0].id,
        submitted_at=utc_now(),
        members=[
            ConsortiumMember(
                organization_id=organization.id,
                position=position,
                kind=OrganizationKind.ENTERPRISE,
                size_class=organization.size_class,
                counted_sme=True,
                budget_wan=Decimal(wan),
                requirement_ids=[str(item.id) for item in requirements],
            )
            for position, (organization, wan, requirements) in enumerate(parts)
        ],
    )
    make.session.add(consortium)
    await make.session.flush()
    consortium.state = ConsortiumState.APPROVED
    make.session.add(
        Decision(
            consortium_id=consortium.id,
            outcome=Outcome.APPROVED,
            reason="同意",
            officer_id=officer.id,
            rule_id=program.rules[0].id,
            decided_at=utc_now(),
            inputs={},
            quota={},
        )
    )
    await make.session.commit()
    return Team(
        consortium,
        lead,
        member,
        actor_of(await make.member(lead), lead),
        actor_of(await make.member(member), member),
    )


async def drafted(case: Award) -> list[Contract]:
    made = await service.generate_contracts(case.session, case.poster_actor, case.challenge.id)
    await case.session.commit()
    return made


async def offered(case: Award, settings: Settings, contract: Contract, **terms: Any) -> None:
    """Offer a contract whose work begins today, unless `terms` say otherwise."""
    standing = await read_contract(case.session, case.poster_actor, contract.id)
    version = open_version(standing.contract)
    assert version is not None
    await service.save_draft(
        case.session,
        case.poster_actor,
        contract.id,
        {"starts_on": shanghai_today(), **terms},
        version.revision,
    )
    await service.offer_contract(case.session, settings, case.poster_actor, contract.id)
    await case.session.commit()


async def sign(case: Award, settings: Settings, contract: Contract, actor: Actor) -> None:
    standing = await read_contract(case.session, actor, contract.id)
    version = open_version(standing.contract)
    assert version is not None
    await signing.sign_contract(
        case.session, settings, actor, contract.id, sha256=version.sha256, name="签字页.pdf", content=PDF
    )
    await case.session.commit()


async def signed(case: Award, settings: Settings, contract: Contract, **terms: Any) -> None:
    """Offered, and signed by all parties."""
    await offered(case, settings, contract, **terms)
    for actor in case.parties(contract.team_number):
        await sign(case, settings, contract, actor)


async def book(case: Award, contract: Contract) -> Any:
    standing = await read_contract(case.session, case.poster_actor, contract.id)
    return book_of(standing.contract.versions[-1])


async def written_contract(
    make: Factory,
    challenge: Challenge,
    consortium: Consortium,
    person: Person,
    *,
    number: int = 1,
    state: ContractState = ContractState.SIGNED,
    **values: Any,
) -> Contract:
    """A contract written straight to the tables, with one version that all its parties have signed."""
    session = make.session
    members = [item.organization for item in consortium.members]
    text = first_text(
        challenge, consortium, None, number, [item.id for item in members], teams=1, today=shanghai_today()
    )
    contract = Contract(
        challenge_id=challenge.id,
        consortium_id=consortium.id,
        team_number=number,
        sign_by=utc_now() + timedelta(days=30),
        signed_at=utc_now(),
        begins_at=utc_now(),
        **values,
    )
    session.add(contract)
    await session.flush()
    version = ContractVersion(contract_id=contract.id, number=1, content=text.as_json())
    session.add(version)
    await session.flush()
    document = await _file(make, version)
    version.document_id, version.sha256, version.offered_at = document.id, document.sha256, utc_now()
    version.state = VersionState.OFFERED
    await session.flush()
    roles = [
        PartyRole.POSTER,
        *(PartyRole.LEAD if m.id == consortium.lead_id else PartyRole.MEMBER for m in members),
    ]
    for organization, role in zip([challenge.organization, *members], roles, strict=True):
        session.add(
            ContractSignature(
                version_id=version.id,
                organization_id=organization.id,
                role=role,
                sha256=version.sha256,
                copy_id=(await _file(make, version)).id,
                person_id=person.id,
                signed_at=utc_now(),
            )
        )
    await session.flush()
    if state not in {ContractState.DRAFT, ContractState.OFFERED}:
        version.state, version.signed_at = VersionState.SIGNED, utc_now()
        await session.flush()
    contract.state = state
    await session.flush()
    return contract


async def _file(make: Factory, version: ContractVersion) -> Attachment:
    attachment = Attachment(
        subject_type="contract_version",
        subject_id=version.id,
        name="任务书.pdf",
        content_type="application/pdf",
        size_bytes=1,
        sha256="ab" * 32,
    )
    make.session.add(attachment)
    await make.session.flush()
    return attachment


async def whole(
    session: AsyncSession, challenge: Challenge, consortium: Consortium
) -> tuple[Challenge, Consortium]:
    """Both as the text of a contract needs them."""
    found = await challenge_by_id(session, challenge.id)
    team = next(item for item in await approved_teams(session, challenge.id) if item.id == consortium.id)
    assert found is not None
    return found, team


async def at_work(
    make: Factory, settings: Settings, *, teams: int = 1, **values: Any
) -> tuple[Award, list[Contract]]:
    """Teams whose contracts are signed and whose work has begun; in a race the first milestone has a stage review."""
    case = await award(make, teams=teams, **values)
    contracts = await drafted(case)
    for contract in contracts:
        await signed(case, settings, contract)
    await make.session.refresh(case.challenge)
    assert case.challenge.state is ChallengeState.IN_PROGRESS
    return case, contracts


async def told(session: AsyncSession, kind: str) -> set[object]:
    """Who was told of something of this kind."""
    return set(await session.scalars(select(Notification.person_id).where(Notification.kind == kind)))
