"""Sections of the officers' work queue from the contract to the acceptance."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.acceptances import queries as acceptance_queries
from challenges.contracts import queries as contract_queries
from challenges.contracts.policies import open_version, signed_ids
from challenges.milestones import queries as milestone_queries
from core.actor import Actor
from core.i18n import gettext
from web.officer_sections import Section, Waiting, known, shortened


async def contracts(session: AsyncSession, actor: Actor, now: datetime) -> Section:
    rows = [
        Waiting(
            challenge,
            f"/challenges/{challenge.id}/contracts",
            notice_over_at,
            note=gettext("A team has no contract yet."),
        )
        for challenge, notice_over_at in await contract_queries.without_contract(session, actor, now)
    ]
    for contract in await contract_queries.unsigned_contracts(session, actor):
        version = open_version(contract)
        signed = len(signed_ids(version)) if version else 0
        rows.append(
            Waiting(
                contract.challenge,
                f"/contracts/{contract.id}",
                contract.created_at,
                due=contract.sign_by,
                note=gettext(
                    "Team %(number)s: %(signed)s signatures so far",
                    number=contract.team_number,
                    signed=signed,
                ),
            )
        )
    return Section(
        "contracts",
        gettext("Contracts to sign"),
        gettext("Contracts that are not signed by all"),
        gettext("Made on"),
        rows,
        gettext("No contract waits for signatures"),
        gettext("After the notice every approved team gets a contract that all its parties sign."),
    )


async def milestones(session: AsyncSession, actor: Actor, now: datetime) -> Section:
    return Section(
        "milestones",
        gettext("Overdue milestones"),
        gettext("Milestones that are overdue"),
        gettext("Contract since"),
        [
            Waiting(
                item.contract.challenge,
                f"/contracts/{item.contract_id}/milestones#m-{item.id}",
                known(item.contract.signed_at),
                due=item.due_at,
                note=gettext(
                    "Team %(number)s: %(title)s", number=item.contract.team_number, title=item.title
                ),
            )
            for item in await milestone_queries.overdue_milestones(session, actor, now)
        ],
        gettext("No milestone is overdue"),
    )


async def eliminations(session: AsyncSession, actor: Actor, now: datetime) -> Section:
    return Section(
        "eliminations",
        gettext("Eliminations to decide"),
        gettext("Eliminations that posters propose after a stage review"),
        gettext("Proposed"),
        [
            Waiting(
                item.contract.challenge,
                f"/contracts/{item.contract_id}/milestones#e-{item.id}",
                item.proposed_at,
                note=gettext(
                    "Team %(number)s: %(title)s",
                    number=item.contract.team_number,
                    title=shortened(item.reason),
                ),
            )
            for item in await milestone_queries.eliminations_waiting(session, actor)
        ],
        gettext("No elimination waits for a decision"),
    )


async def acceptances(session: AsyncSession, actor: Actor, now: datetime) -> Section:
    return Section(
        "acceptances",
        gettext("Acceptances to confirm"),
        gettext("Final acceptances that posters have given"),
        gettext("Accepted on"),
        [
            Waiting(
                item.contract.challenge,
                f"/contracts/{item.contract_id}/acceptance",
                known(item.answered_at),
                note=gettext("Team %(number)s", number=item.contract.team_number),
            )
            for item in await acceptance_queries.to_confirm(session, actor)
        ],
        gettext("No acceptance waits for your confirmation"),
    )
