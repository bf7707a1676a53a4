"""Use cases of the parties: sign, or ask for changes."""

import uuid
from datetime import datetime, time

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.contracts import events, policies, queries
from challenges.contracts.content import TaskBook
from challenges.contracts.ending import settle_challenge
from challenges.contracts.models import (
    Contract,
    ContractSignature,
    ContractState,
    ContractVersion,
    VersionState,
)
from challenges.contracts.service import SUBJECT
from challenges.contracts.standing import Standing, book_of, read_contract, tell
from challenges.contracts.states import CONTRACT, VERSION
from challenges.milestones.planning import follow_contract, settled_change
from core import audit
from core.actor import Actor
from core.attachments import Content, FileRules, store_attachment
from core.clock import SHANGHAI
from core.errors import ConflictError, ForbiddenError, InvalidError
from core.i18n import lazy_gettext as _
from core.settings import Settings
from core.states import move

SIGNED_ALREADY = _("Your organization has signed this version already.")
SIGNED_COPIES = ("application/pdf", "image/png", "image/jpeg")


async def _offered(
    session: AsyncSession, actor: Actor, contract_id: uuid.UUID
) -> tuple[Standing, ContractVersion]:
    standing = await read_contract(session, actor, contract_id, lock=True)
    contract = standing.contract
    if not policies.is_party(actor, contract, standing.members):
        raise ForbiddenError(_("Only editors of the parties sign a contract or ask for changes."))
    version = policies.open_version(contract)
    if (
        version is None
        or version.state is not VersionState.OFFERED
        or not policies.may_ask_for_changes(actor, contract, standing.members)
    ):
        raise ConflictError(_("No version of this contract is offered for signing now."))
    return standing, version


async def ask_for_changes(
    session: AsyncSession, actor: Actor, contract_id: uuid.UUID, reason: str
) -> ContractVersion:
    """Send the offered version back to the poster; what was signed under it counts no more.

    Raises InvalidError on field `note` where there is no reason.
    """
    standing, version = await _offered(session, actor, contract_id)
    contract = standing.contract
    if not reason.strip():
        raise InvalidError({"note": _("Please give a reason.")})
    await move(session, VERSION, actor, version, VersionState.DRAFT, note=reason)
    if contract.state is ContractState.OFFERED:
        await move(session, CONTRACT, actor, contract, ContractState.DRAFT, note=reason)
    for signature in version.signatures:
        signature.is_void = True
    version.revision += 1
    await session.flush()
    await tell(
        session,
        actor,
        events.CHANGES_ASKED,
        standing,
        f"{version.number}:{version.revision}",
        standing.party_ids,
        who=actor.organization_name or standing.name_of(actor.organization_id or uuid.UUID(int=0)),
        note=reason.strip(),
    )
    return version


async def copy_rules(session: AsyncSession, actor: Actor, contract_id: uuid.UUID) -> FileRules:
    """What holds for a signed copy that is about to be sent; raises like `sign_contract`."""
    _standing, version = await _offered(session, actor, contract_id)
    if actor.organization_id in policies.signed_ids(version):
        raise ConflictError(SIGNED_ALREADY)
    return FileRules()


async def sign_contract(
    session: AsyncSession,
    settings: Settings,
    actor: Actor,
    contract_id: uuid.UUID,
    *,
    sha256: str,
    name: str,
    content: Content,
) -> ContractVersion:
    """Sign the offered version for the actor's organization: the SHA-256 it confirms, and the signed copy.

    The last signature puts the version in force. Raises InvalidError on `file`, ConflictError where another version
    is offered by now, the organization has signed, the quota is to be settled, or a milestone that the version changes was
    accepted since.
    """
    standing, version = await _offered(session, actor, contract_id)
    contract = standing.contract
    role = standing.role_of(actor.organization_id)
    assert role is not None
    assert actor.organization_id is not None
    assert actor.person_id is not None
    if sha256 != version.sha256:
        raise ConflictError(_("The document has been changed meanwhile: read it again before you sign."))
    if actor.organization_id in policies.signed_ids(version):
        raise ConflictError(SIGNED_ALREADY)
    if await queries.has_unsettled_recheck(session, contract.challenge, contract.consortium_id):
        raise ConflictError(_("Members of a team have changed: an officer settles the quota first."))
    settled = await settled_change(session, contract, book_of(version))
    if settled is not None:
        raise ConflictError(
            _(
                "Milestone “%(title)s” was accepted after this version was offered, and stays as it is: ask for changes.",
                title=settled.title,
            )
        )
    now = await queries.database_time(session)
    signed_copy = await store_attachment(
        session, settings, actor, subject_type=SUBJECT, subject_id=version.id, name=name, content=content
    )
    if signed_copy.content_type not in SIGNED_COPIES:
        raise InvalidError({"file": _("The signed copy is a PDF or a picture (PNG, JPEG).")})
    session.add(
        ContractSignature(
            version_id=version.id,
            organization_id=actor.organization_id,
            role=role,
            sha256=sha256,
            copy_id=signed_copy.id,
            person_id=actor.person_id,
            signed_at=now,
        )
    )
    await session.flush()
    await audit.record(
        session,
        actor,
        "contract.party_signed",
        "contract",
        contract.id,
        {"version": version.number, "sha256": sha256, "copy_sha256": signed_copy.sha256},
    )
    await session.refresh(version, ["signatures"])
    missing = standing.missing(version)
    if missing:
        await tell(
            session,
            actor,
            events.PARTY_SIGNED,
            standing,
            f"{version.number}:{version.revision}:{actor.organization_id}",
            standing.party_ids,
            who=standing.name_of(actor.organization_id),
            version=str(version.number),
            missing=str(len(missing)),
        )
        return version
    await _put_in_force(session, actor, standing, version, now)
    return version


async def _put_in_force(
    session: AsyncSession, actor: Actor, standing: Standing, version: ContractVersion, now: datetime
) -> None:
    contract = standing.contract
    before = policies.version_in_force(contract)
    if before is not None:
        await move(session, VERSION, actor, before, VersionState.REPLACED)
    await move(session, VERSION, actor, version, VersionState.SIGNED)
    if contract.state is ContractState.OFFERED:
        await move(session, CONTRACT, actor, contract, ContractState.SIGNED)
    if contract.begins_at is None or contract.begins_at > now:
        contract.begins_at = _beginning(contract, book_of(version), now)
    await session.flush()
    await follow_contract(session, contract, book_of(version))
    await tell(
        session,
        actor,
        events.SIGNED,
        standing,
        str(version.number),
        standing.party_ids,
        officers=True,
        version=str(version.number),
    )
    await settle_challenge(session, actor, contract.challenge, now)


def _beginning(contract: Contract, book: TaskBook, now: datetime) -> datetime:
    """The first minute of the agreed day, or now where that has passed."""
    return max(now, datetime.combine(book.starts_on, time(), tzinfo=SHANGHAI))
