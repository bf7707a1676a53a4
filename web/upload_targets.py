"""What files may be sent to, whole or in pieces, and what holds for them there."""

import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.acceptances import service as acceptance_service
from challenges.bids import service as bid_service
from challenges.checks import service as check_service
from challenges.contracts import signing
from challenges.milestones import service as milestone_service
from challenges.objections import service as objection_service
from challenges.postings import service as posting_service
from core.actor import Actor
from core.attachments import Content, FileRules
from core.settings import Settings
from solvers.organizations import service as organization_service

Rules = Callable[[AsyncSession, Actor, uuid.UUID], Awaitable[FileRules]]
# A use case that keeps a file: session, settings, actor and the target's id, with `name` and `content`.
Attach = Callable[..., Awaitable[Any]]
Add = Callable[[AsyncSession, Settings, Actor, uuid.UUID, str, Content], Awaitable[str]]


@dataclass(frozen=True)
class UploadTarget:
    """`rules` says what holds for a file that this person is about to send, by the target's id, and raises where none
    may be sent. `add` runs the use case, which checks everything again, and returns the path to go back to; it is None
    where files come with a form, whose own route takes them (web/form_files.py).
    """

    rules: Rules
    add: Add | None = None


def _adding(attach: Attach, path: str) -> Add:
    async def add(
        session: AsyncSession,
        settings: Settings,
        actor: Actor,
        target_id: uuid.UUID,
        name: str,
        content: Content,
    ) -> str:
        await attach(session, settings, actor, target_id, name=name, content=content)
        return path.format(target_id)

    return add


TARGETS: Mapping[str, UploadTarget] = {
    "organization": UploadTarget(
        organization_service.document_rules,
        _adding(organization_service.add_document, "/organization#documents"),
    ),
    "challenge": UploadTarget(
        posting_service.file_rules, _adding(posting_service.attach_file, "/challenges/{}/edit#files")
    ),
    "bid": UploadTarget(bid_service.file_rules, _adding(bid_service.attach_file, "/bids/{}#files")),
    # The completion that a formal check has asked for.
    "check": UploadTarget(check_service.completion_rules),
    # Evidence for an objection to the award on this notice.
    "notice": UploadTarget(objection_service.evidence_rules),
    # The signed copy of the version that is offered.
    "contract": UploadTarget(signing.copy_rules),
    # A report on this milestone.
    "milestone": UploadTarget(milestone_service.report_rules),
    # What goes with the request for the final acceptance of this contract.
    "acceptance": UploadTarget(acceptance_service.request_rules),
}
