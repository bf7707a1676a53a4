"""The documents of a round's archive. A room adds its own to DOCUMENTS; sealed things never are among them."""

import json
import logging
from collections.abc import AsyncIterator

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.bids import policies as bid_policies
from challenges.bids import queries as bid_queries
from challenges.bids.keys import challenge_key
from challenges.bids.sealing import bid_files, canonical_bid
from challenges.consortia.freezing import decision_digest
from challenges.exports import queries
from challenges.exports.scope import Document, MakeDocuments, Scope, folder_of
from challenges.postings.models import Challenge
from core.attachments import Attachment, attachments_of, read_attachment
from core.i18n import gettext

logger = logging.getLogger(__name__)


async def read_file(scope: Scope, attachment: Attachment, key: bytes | None = None) -> bytes | None:
    """The content, or None where the file is not there: an export goes on without it."""
    try:
        chunks = await read_attachment(scope.settings, attachment, key)
        return b"".join([chunk async for chunk in chunks])
    except FileNotFoundError:
        logger.warning("the file of attachment %s is missing; it is not exported", attachment.id)
        return None


async def _challenge_files(
    session: AsyncSession, scope: Scope, challenge: Challenge
) -> AsyncIterator[Document]:
    for attachment in await attachments_of(session, "challenge", challenge.id):
        content = await read_file(scope, attachment)
        if content is not None:
            yield Document(folder_of(challenge, gettext("Files")), attachment.name, content)


async def _opened_bids(session: AsyncSession, scope: Scope, challenge: Challenge) -> AsyncIterator[Document]:
    """Each bid as its receipt's hash is made of, with its files."""
    if not bid_policies.are_bids_opened(challenge):
        return
    key = await challenge_key(session, challenge.id)
    for bid in await bid_queries.bids_of_challenge(session, challenge.id):
        folder = folder_of(challenge, gettext("Bids"), f"{bid.organization.name} {str(bid.id)[:8]}")
        yield Document(folder, f"bid-{bid.id}.json", await canonical_bid(session, bid))
        for attachment in await bid_files(session, bid):
            content = await read_file(scope, attachment, key)
            if content is not None:
                yield Document(folder, attachment.name, content)


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


# In the order of the way of a challenge.
DOCUMENTS: tuple[MakeDocuments, ...] = (_challenge_files, _opened_bids, _decisions)
