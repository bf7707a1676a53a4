"""The documents of a round's archive. A room adds its own to DOCUMENTS; sealed things never are among them."""

import json
import logging
from collections.abc import AsyncIterator, Iterable

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.acceptances import queries as acceptance_queries
from challenges.bids import policies as bid_policies
from challenges.bids import queries as bid_queries
from challenges.bids.keys import challenge_key
from challenges.bids.sealing import bid_files, canonical_bid
from challenges.checks import queries as check_queries
from challenges.consortia.freezing import decision_digest
from challenges.contracts import queries as contract_queries
from challenges.exports import queries
from challenges.exports.scope import Document, MakeDocuments, Scope, folder_of
from challenges.exports.wording import decision_page
from challenges.milestones import queries as milestone_queries
from challenges.notices import queries as notice_queries
from challenges.objections import queries as objection_queries
from challenges.postings.models import Challenge
from core.attachments import Attachment, attachments_of, read_attachment
from core.i18n import gettext

logger = logging.getLogger(__name__)


async def stream_of(
    scope: Scope, attachment: Attachment, key: bytes | None = None
) -> AsyncIterator[bytes] | None:
    """The content as it is read, or None where the file is not there: an export goes on without it."""
    try:
        return await read_attachment(scope.settings, attachment, key)
    except FileNotFoundError:
        logger.warning("the file of attachment %s is missing; it is not exported", attachment.id)
        return None


async def _files(
    scope: Scope, folder: tuple[str, ...], attachments: Iterable[Attachment], key: bytes | None = None
) -> AsyncIterator[Document]:
    for attachment in attachments:
        content = await stream_of(scope, attachment, key)
        if content is not None:
            yield Document(folder, attachment.name, content)


async def _challenge_files(
    session: AsyncSession, scope: Scope, challenge: Challenge
) -> AsyncIterator[Document]:
    attachments = await attachments_of(session, "challenge", challenge.id)
    async for document in _files(scope, folder_of(challenge, gettext("Files")), attachments):
        yield document


async def _opened_bids(session: AsyncSession, scope: Scope, challenge: Challenge) -> AsyncIterator[Document]:
    """Each bid as its receipt's hash is made of, with its files and what was completed in the formal check."""
    if not bid_policies.are_bids_opened(challenge):
        return
    key = await challenge_key(session, challenge.id)
    checks = {check.bid_id: check for check in await check_queries.checks_of(session, challenge.id)}
    for bid in await bid_queries.bids_of_challenge(session, challenge.id):
        name = f"{bid.organization.name} {str(bid.id)[:8]}"
        folder = folder_of(challenge, gettext("Bids"), name)
        yield Document(folder, f"bid-{bid.id}.json", await canonical_bid(session, bid))
        async for document in _files(scope, folder, await bid_files(session, bid), key):
            yield document
        check = checks.get(bid.id)
        # Until it is handed in, a completion is the bidder's own.
        if check is not None and check.completed_at is not None:
            completed = await attachments_of(session, "completion", check.id)
            async for document in _files(scope, (*folder, gettext("Completion")), completed):
                yield document


async def _decisions(session: AsyncSession, scope: Scope, challenge: Challenge) -> AsyncIterator[Document]:
    for consortium in await queries.consortia_of_round(session, scope.round.id):
        if consortium.challenge_id != challenge.id:
            continue
        for decision in reversed(consortium.decisions):
            content = {
                "decision": str(decision.id),
                "consortium": str(decision.consortium_id),
                "challenge": str(challenge.id),
                "outcome": decision.outcome.value,
                "reason": decision.reason,
                "officer": str(decision.officer_id),
                "officer_name": decision.officer.name,
                "rule": str(decision.rule_id) if decision.rule_id else None,
                "decided_at": decision.decided_at.isoformat(),
                "inputs": decision.inputs,
                "quota": decision.quota,
                "digest": decision_digest(decision),
            }
            text = json.dumps(content, ensure_ascii=False, indent=2, default=str)
            yield Document(
                folder_of(challenge, gettext("Decisions")), f"decision-{decision.id}.json", text.encode()
            )
            page = decision_page(consortium.challenge, consortium, decision) if decision.inputs else None
            if page is not None:
                yield Document(
                    folder_of(challenge, gettext("Decisions")), f"decision-{decision.id}.html", page.encode()
                )


async def _objections(session: AsyncSession, scope: Scope, challenge: Challenge) -> AsyncIterator[Document]:
    for notice in await notice_queries.notices_of(session, challenge.id):
        for objection in await objection_queries.objections_of(session, notice.id):
            name = f"{objection.organization.name} {str(objection.id)[:8]}"
            files = await attachments_of(session, "objection", objection.id)
            async for document in _files(scope, folder_of(challenge, gettext("Objections"), name), files):
                yield document


async def _contracts(session: AsyncSession, scope: Scope, challenge: Challenge) -> AsyncIterator[Document]:
    """Every text that was offered, the copies that count as signed, the files of milestone reports and acceptances."""
    for contract in await contract_queries.contracts_of(session, challenge.id):
        folder = folder_of(
            challenge,
            gettext("Contracts"),
            gettext("Team %(number)s", number=contract.team_number),
        )
        for version in contract.versions:
            if version.document is None:
                continue
            place = (*folder, gettext("Version %(number)s", number=version.number))
            async for document in _files(scope, place, [version.document]):
                yield document
            for signature in version.signatures:
                if signature.is_void:
                    continue
                signed = (*place, gettext("Signed copies"), signature.organization.name)
                async for document in _files(scope, signed, [signature.signed_copy]):
                    yield document
        for milestone in await milestone_queries.milestones_of(session, contract.id):
            place = (*folder, gettext("Milestones"), f"{milestone.position + 1} {milestone.title}")
            for report in reversed(milestone.reports):
                files = await attachments_of(session, "milestone_report", report.id)
                async for document in _files(scope, place, files):
                    yield document
        place = (*folder, gettext("Final acceptance"))
        for acceptance in reversed(await acceptance_queries.acceptances_of(session, contract.id)):
            files = await attachments_of(session, "final_acceptance", acceptance.id)
            async for document in _files(scope, place, files):
                yield document


# In the order of the way of a challenge.
DOCUMENTS: tuple[MakeDocuments, ...] = (_challenge_files, _opened_bids, _decisions, _objections, _contracts)
