"""Attachments: fetched and removed under the rules of what they belong to.

Each package that keeps attachments has an entry in SUBJECTS. An attachment of an unknown subject is nobody's.
"""

import logging
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from litestar import Controller, Response, get, post
from litestar.response import Stream
from sqlalchemy.ext.asyncio import AsyncSession

from challenges.acceptances import service as acceptance_service
from challenges.bids import service as bid_service
from challenges.checks import service as check_service
from challenges.contracts import service as contract_service
from challenges.milestones import service as milestone_service
from challenges.objections import service as objection_service
from challenges.postings import service as posting_service
from challenges.reviews import scoring
from core.actor import Actor
from core.attachments import Attachment, attachment_by_id, read_attachment
from core.errors import ForbiddenError, LoginRequiredError, NotFoundError
from core.i18n import gettext
from core.i18n import lazy_gettext as _
from solvers.organizations import policies as organization_policies
from solvers.organizations import service as organization_service
from web.dependencies import Acting, Config, DbSession, FromPath, WebRequest
from web.guards import Access
from web.templating import redirect

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class SubjectRules:
    """How one kind of subject treats its attachments.

    `may_read` answers for this person now. `remove` runs the use case, which checks its own policy, and returns the
    path to go back to; None where attachments stay.
    """

    may_read: Callable[[AsyncSession, Actor, Attachment], Awaitable[bool]]
    remove: Callable[[AsyncSession, Actor, Attachment], Awaitable[str]] | None = None
    # The file with its name, and the key where it is sealed.
    unseal: Callable[[AsyncSession, Attachment], Awaitable[tuple[Attachment, bytes | None]]] | None = None


async def _may_read_of_organization(session: AsyncSession, actor: Actor, attachment: Attachment) -> bool:
    return organization_policies.may_read_file(actor, attachment.subject_id)


async def _remove_of_organization(session: AsyncSession, actor: Actor, attachment: Attachment) -> str:
    await organization_service.remove_document(session, actor, attachment)
    return "/organization"


async def _may_read_of_challenge(session: AsyncSession, actor: Actor, attachment: Attachment) -> bool:
    return await posting_service.may_read_attachment(session, actor, attachment.subject_id)


async def _remove_of_challenge(session: AsyncSession, actor: Actor, attachment: Attachment) -> str:
    await posting_service.remove_file(session, actor, attachment)
    return f"/challenges/{attachment.subject_id}/edit#files"


async def _may_read_of_bid(session: AsyncSession, actor: Actor, attachment: Attachment) -> bool:
    return await bid_service.may_read_attachment(
        session, actor, attachment.subject_id
    ) or await scoring.may_read_bid(session, actor, attachment.subject_id)


async def _remove_of_bid(session: AsyncSession, actor: Actor, attachment: Attachment) -> str:
    await bid_service.remove_file(session, actor, attachment.subject_id, attachment)
    return f"/bids/{attachment.subject_id}#files"


async def _may_read_of_completion(session: AsyncSession, actor: Actor, attachment: Attachment) -> bool:
    if await check_service.may_read_attachment(session, actor, attachment.subject_id):
        return True
    bid_id = await check_service.completed_bid(session, attachment.subject_id)
    return bid_id is not None and await scoring.may_read_bid(session, actor, bid_id)


async def _remove_of_completion(session: AsyncSession, actor: Actor, attachment: Attachment) -> str:
    await check_service.remove_file(session, actor, attachment)
    return f"/checks/{attachment.subject_id}"


async def _may_read_of_contract(session: AsyncSession, actor: Actor, attachment: Attachment) -> bool:
    return await contract_service.may_read_attachment(session, actor, attachment.subject_id)


async def _may_read_of_report(session: AsyncSession, actor: Actor, attachment: Attachment) -> bool:
    return await milestone_service.may_read_attachment(session, actor, attachment.subject_id)


async def _may_read_of_objection(session: AsyncSession, actor: Actor, attachment: Attachment) -> bool:
    return await objection_service.may_read_file(session, actor, attachment.subject_id)


async def _may_read_of_acceptance(session: AsyncSession, actor: Actor, attachment: Attachment) -> bool:
    return await acceptance_service.may_read_attachment(session, actor, attachment.subject_id)


SUBJECTS: dict[str, SubjectRules] = {
    "bid": SubjectRules(_may_read_of_bid, _remove_of_bid, bid_service.bid_file),
    "challenge": SubjectRules(_may_read_of_challenge, _remove_of_challenge),
    "completion": SubjectRules(_may_read_of_completion, _remove_of_completion),
    "contract_version": SubjectRules(_may_read_of_contract),
    "final_acceptance": SubjectRules(_may_read_of_acceptance),
    "objection": SubjectRules(_may_read_of_objection),
    "organization": SubjectRules(_may_read_of_organization, _remove_of_organization),
    "milestone_report": SubjectRules(_may_read_of_report),
}


class AttachmentController(Controller):
    @get("/attachments/{attachment_id:uuid}", opt={"access": Access.PUBLIC})
    async def fetch(
        self, session: DbSession, settings: Config, actor: Acting, attachment_id: FromPath[uuid.UUID]
    ) -> Stream:
        attachment, rules = await _readable(session, actor, attachment_id)
        key = None
        if rules.unseal is not None:
            attachment, key = await rules.unseal(session, attachment)
        try:
            chunks = await read_attachment(settings, attachment, key)
        except FileNotFoundError:
            logger.error("the file of attachment %s is not in the storage", attachment.id)
            raise NotFoundError(gettext("This file is not available at present.")) from None
        headers = {
            "content-disposition": content_disposition(attachment.name),
            # A file that breaks off is not taken for a whole one.
            "content-length": str(attachment.size_bytes),
            "cache-control": "private, no-store",
            # Whatever a browser makes of the file, it runs nothing and reaches nothing of this site.
            "content-security-policy": "sandbox; default-src 'none'",
            "x-content-type-options": "nosniff",
        }
        return Stream(chunks, media_type=attachment.content_type, headers=headers)

    @post("/attachments/{attachment_id:uuid}/remove", opt={"access": Access.PERSON}, status_code=200)
    async def remove(
        self, request: WebRequest, session: DbSession, actor: Acting, attachment_id: FromPath[uuid.UUID]
    ) -> Response[Any]:
        attachment, rules = await _readable(session, actor, attachment_id)
        if rules.remove is None:
            raise ForbiddenError(_("This file cannot be removed."))
        if rules.unseal is not None:
            attachment, _key = await rules.unseal(session, attachment)
        target = await rules.remove(session, actor, attachment)
        return redirect(request, target, flash=gettext("%(name)s was removed.", name=attachment.name))


def content_disposition(name: str) -> str:
    """A header that saves the file under its own name, Chinese included (RFC 6266, RFC 5987).

    >>> content_disposition("证书 1.pdf")
    'attachment; filename="__ 1.pdf"; filename*=UTF-8\\'\\'%E8%AF%81%E4%B9%A6%201.pdf'
    """
    plain = "".join(
        character if character.isascii() and character.isprintable() and character not in '"\\%;' else "_"
        for character in name
    )
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


async def _readable(
    session: AsyncSession, actor: Actor, attachment_id: uuid.UUID
) -> tuple[Attachment, SubjectRules]:
    """An attachment that this person may read; otherwise the answer does not tell whether it exists."""
    attachment = await attachment_by_id(session, attachment_id)
    rules = SUBJECTS.get(attachment.subject_type) if attachment else None
    if attachment is None or rules is None or not await rules.may_read(session, actor, attachment):
        if actor.is_anonymous:
            raise LoginRequiredError(_("Log in to continue."))
        raise NotFoundError(_("There is nothing at this address."))
    return attachment, rules
