"""Sheets about public notices, objections, contracts, milestones and acceptances."""

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.acceptances import queries as acceptance_queries
from challenges.contracts import queries as contract_queries
from challenges.contracts.models import Contract
from challenges.contracts.policies import signed_ids
from challenges.exports.scope import Cell, Scope, Sheet, local, local_end
from challenges.milestones import queries as milestone_queries
from challenges.notices import queries as notice_queries
from challenges.objections import queries as objection_queries
from core.i18n import gettext


async def notices(session: AsyncSession, scope: Scope) -> Sheet:
    rows: list[list[Cell]] = [
        [
            gettext("Challenge"),
            gettext("State"),
            gettext("Begins"),
            gettext("Ends"),
            gettext("Published by"),
            gettext("Reason or comments"),
        ]
    ]
    for challenge in scope.challenges:
        rows += [
            [
                challenge.title,
                scope.label(item.state),
                local(item.begun_at),
                local_end(item.ends_at),
                item.published_by.name,
                item.note,
            ]
            for item in reversed(await notice_queries.notices_of(session, challenge.id))
        ]
    return Sheet(gettext("Public notices"), rows)


async def objections(session: AsyncSession, scope: Scope) -> Sheet:
    """With who has raised them: officers in charge are told, and the file is for them."""
    rows: list[list[Cell]] = [
        [
            gettext("Challenge"),
            gettext("Raised"),
            gettext("Raised by"),
            gettext("State"),
            gettext("Objection"),
            gettext("Answer"),
            gettext("Answered"),
            gettext("Public summary"),
        ]
    ]
    for challenge in scope.challenges:
        for notice in reversed(await notice_queries.notices_of(session, challenge.id)):
            rows += [
                [
                    challenge.title,
                    local(item.raised_at),
                    item.organization.name,
                    scope.label(item.state),
                    item.text,
                    item.answer,
                    local(item.answered_at),
                    item.summary,
                ]
                for item in await objection_queries.objections_of(session, notice.id)
            ]
    return Sheet(gettext("Objections"), rows)


async def contracts(session: AsyncSession, scope: Scope) -> Sheet:
    """One row for each text of a contract."""
    rows: list[list[Cell]] = [
        [
            gettext("Challenge"),
            gettext("Team"),
            gettext("Lead"),
            gettext("State"),
            gettext("To be signed by"),
            gettext("Signed"),
            gettext("Version"),
            gettext("State of the version"),
            gettext("Signatures"),
            gettext("Reason or comments"),
            "SHA-256",
        ]
    ]
    for title, contract in await _contracts(session, scope):
        rows += [
            [
                title,
                contract.team_number,
                _lead(contract),
                scope.label(contract.state),
                local_end(contract.sign_by),
                local(contract.signed_at),
                version.number,
                scope.label(version.state),
                len(signed_ids(version)),
                version.reason or contract.state_note,
                version.sha256,
            ]
            for version in contract.versions
        ]
    return Sheet(gettext("Contracts"), rows)


async def milestones(session: AsyncSession, scope: Scope) -> Sheet:
    rows: list[list[Cell]] = [
        [
            gettext("Challenge"),
            gettext("Team"),
            gettext("Milestone"),
            gettext("State"),
            gettext("Due"),
            gettext("Reported"),
            gettext("Accepted on"),
            gettext("Payment (万元)"),
            gettext("Paid"),
            gettext("Payment confirmed"),
            gettext("Reason or comments"),
        ]
    ]
    for title, contract in await _contracts(session, scope):
        rows += [
            [
                title,
                contract.team_number,
                item.title,
                scope.label(item.state),
                local_end(item.due_at),
                local(item.reported_at),
                local(item.accepted_at),
                item.payment_wan,
                local(item.paid_at),
                local(item.received_at),
                item.state_note,
            ]
            for item in await milestone_queries.milestones_of(session, contract.id)
        ]
    return Sheet(gettext("Milestones"), rows)


async def acceptances(session: AsyncSession, scope: Scope) -> Sheet:
    rows: list[list[Cell]] = [
        [
            gettext("Challenge"),
            gettext("Team"),
            gettext("Lead"),
            gettext("State"),
            gettext("Report"),
            gettext("Asked for"),
            gettext("Answered"),
            gettext("Confirmed"),
            gettext("Reason or comments"),
        ]
    ]
    for title, contract in await _contracts(session, scope):
        rows += [
            [
                title,
                contract.team_number,
                _lead(contract),
                scope.label(item.state),
                item.text,
                local(item.asked_at),
                local(item.answered_at),
                local(item.confirmed_at),
                item.state_note,
            ]
            for item in reversed(await acceptance_queries.acceptances_of(session, contract.id))
        ]
    return Sheet(gettext("Final acceptances"), rows)


async def _contracts(session: AsyncSession, scope: Scope) -> list[tuple[str, Contract]]:
    return [
        (challenge.title, contract)
        for challenge in scope.challenges
        for contract in await contract_queries.contracts_of(session, challenge.id)
    ]


def _lead(contract: Contract) -> str:
    return contract.consortium.lead.name if contract.consortium.lead else ""
