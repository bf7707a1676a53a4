"""Two scenes after the award: `signing`, where contracts are offered, and `working`, where they are in force.

Team 1 is the bidder with the partner, team 2 the rival alone.
"""

from __future__ import annotations

import uuid
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, select

from challenges.consortia.models import Consortium, ConsortiumMember, ConsortiumState
from challenges.contracts.models import ContractState, ContractVersion
from challenges.models import (
    Challenge,
    ChallengeState,
    Elimination,
    FinalAcceptance,
    Milestone,
    MilestoneReport,
    MilestoneState,
)
from core.actor import SYSTEM
from core.attachments import store_attachment
from core.clock import utc_now
from tests.integration.contracting import ended_notice, whole, written_contract

if TYPE_CHECKING:
    from challenges.contracts.models import Contract
    from solvers.models import Organization
    from tests.integration.permission_world import Builder

STATES = {"signing": ChallengeState.IN_NOTICE, "working": ChallengeState.IN_PROGRESS}
SCENES = tuple(STATES)


async def add_contracts(builder: Builder, scene: str, challenge: Challenge, things: dict[str, Any]) -> None:
    if scene not in SCENES:
        return
    session = builder.make.session
    # The sketch of the earlier scenes would be a third team.
    await session.execute(
        delete(ConsortiumMember).where(ConsortiumMember.consortium_id == things["consortium_id"])
    )
    await session.execute(delete(Consortium).where(Consortium.id == things["consortium_id"]))
    session.add(ended_notice(challenge, builder.officer))
    first, *others = challenge.requirements
    teams = [
        await _team(builder, challenge, 1, (builder.bidder, [first]), (builder.partner, others)),
        await _team(builder, challenge, 2, (builder.rival, [first, *others])),
    ]
    things["consortium_id"] = teams[0].id
    for number, team in enumerate(teams, start=1):
        present, consortium = await whole(session, challenge, team)
        contract = await written_contract(
            builder.make,
            present,
            consortium,
            builder.officer,
            number=number,
            state=ContractState.OFFERED if scene == "signing" else ContractState.SIGNED,
        )
        version = await session.scalar(
            select(ContractVersion).where(ContractVersion.contract_id == contract.id)
        )
        assert version is not None
        copy = await store_attachment(
            session,
            builder.settings,
            SYSTEM,
            subject_type="contract_version",
            subject_id=version.id,
            name="签署件.pdf",
            content=b"%PDF-1.7 " + str(number).encode(),
        )
        names = ("contract_id", "contract_file") if number == 1 else ("other_contract", "other_contract_file")
        things.update(zip(names, (contract.id, copy.id), strict=True))
        things["number"] = 1
        if scene == "working":
            await _milestone(builder, things, contract, number)


async def _team(
    builder: Builder, challenge: Challenge, number: int, *parts: tuple[Organization, list[Any]]
) -> Consortium:
    consortium = Consortium(
        challenge_id=challenge.id,
        team=number,
        state=ConsortiumState.SUBMITTED,
        lead_id=parts[0][0].id,
        rule_id=builder.program.rules[0].id,
        submitted_at=utc_now(),
        members=[
            ConsortiumMember(
                organization_id=organization.id,
                position=position,
                kind=organization.kind,
                size_class=organization.size_class,
                counted_sme=organization.size_class is not None,
                budget_wan=sum((item.budget_wan or Decimal(0) for item in requirements), Decimal(0)),
                requirement_ids=[str(item.id) for item in requirements],
            )
            for position, (organization, requirements) in enumerate(parts)
        ],
    )
    builder.make.session.add(consortium)
    await builder.make.session.flush()
    consortium.state = ConsortiumState.APPROVED
    await builder.make.session.flush()
    return consortium


async def _milestone(builder: Builder, things: dict[str, Any], contract: Contract, number: int) -> None:
    """A reported milestone with a stage review; of team 1 also a proposal to eliminate it and an acceptance."""
    session = builder.make.session
    milestone = Milestone(
        contract_id=contract.id,
        key=uuid.uuid4(),
        position=1,
        title="中期检查",
        deliverables="样件",
        payment_wan=Decimal(100),
        is_stage=True,
        due_at=utc_now() + timedelta(days=30),
        state=MilestoneState.REPORTED,
    )
    session.add(milestone)
    await session.flush()
    lead = builder.people["bidder" if number == 1 else "rival"]
    report = MilestoneReport(
        milestone_id=milestone.id, text="完成样件", person_id=lead.id, reported_at=utc_now()
    )
    session.add(report)
    await session.flush()
    name = "milestone_id" if number == 1 else "other_milestone"
    things[name] = milestone.id
    things[f"report_file_{number}"] = (await builder.attachment("milestone_report", report.id)).id
    if number == 1:
        proposal = Elimination(
            contract_id=contract.id,
            milestone_id=milestone.id,
            reason="落后",
            proposed_by_id=builder.people["owner"].id,
            proposed_at=utc_now(),
        )
        acceptance = FinalAcceptance(
            contract_id=contract.id, text="请验收", asked_by_id=lead.id, asked_at=utc_now()
        )
        session.add_all([proposal, acceptance])
        await session.flush()
        things["elimination_id"], things["acceptance_id"] = proposal.id, acceptance.id
        things["acceptance_file"] = (await builder.attachment("final_acceptance", acceptance.id)).id
