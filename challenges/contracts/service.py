"""Use cases of writing a contract: made after the notice, completed and offered by the poster, amended later on.

Signing is in `signing`, the end of a contract in `ending`.
"""

import asyncio
import hashlib
import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.contracts import events, policies, queries
from challenges.contracts.content import TaskBook
from challenges.contracts.document import pdf_of
from challenges.contracts.drafting import LANGUAGE, contradictions, first_text, lacking
from challenges.contracts.models import Contract, ContractState, ContractVersion, VersionState
from challenges.contracts.standing import Standing, book_of, read_contract, tell
from challenges.contracts.states import CONTRACT, VERSION
from challenges.milestones.planning import settled_change
from challenges.postings.models import Challenge, ChallengeState
from challenges.postings.queries import challenge_by_id
from challenges.programs.calendar import earliest_end
from core import audit
from core.actor import Actor
from core.attachments import store_attachment
from core.clock import to_shanghai
from core.database import database_today
from core.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from core.i18n import lazy_gettext as _
from core.i18n import use_locale
from core.settings import Settings
from core.states import move

# Documents and signed copies belong to a version.
SUBJECT = "contract_version"


async def generate_contracts(session: AsyncSession, actor: Actor, challenge_id: uuid.UUID) -> list[Contract]:
    """Make the contract of every approved team that has none yet; doing so twice makes nothing.

    Raises ConflictError while the notice runs, an objection is open, or a quota is to be settled.
    """
    challenge = await challenge_by_id(session, challenge_id, lock=True)
    if challenge is None or not policies.may_see_all(actor, challenge):
        raise NotFoundError(_("There is no such challenge."))
    if not policies.may_generate(actor, challenge):
        if challenge.state is not ChallengeState.IN_NOTICE:
            raise ConflictError(_("Contracts are made after the public notice of the award."))
        raise ForbiddenError(_("Contracts are made by the poster or by officers of the program."))
    now = await queries.database_time(session)
    if not await queries.is_notice_over(session, challenge, now):
        raise ConflictError(
            _("Contracts are made once the notice is over and no objection is open any more.")
        )
    teams = await queries.approved_teams(session, challenge.id)
    present = await queries.contracts_of(session, challenge.id)
    number = max((item.team_number for item in present), default=0)
    made: list[Contract] = []
    for team in teams:
        if any(item.consortium_id == team.id for item in present):
            continue
        if await queries.has_unsettled_recheck(session, challenge, team.id):
            raise ConflictError(_("Members of a team have changed: an officer settles the quota first."))
        number = max(number + 1, team.team)
        assert challenge.program is not None
        contract = Contract(
            id=uuid.uuid4(),
            challenge_id=challenge.id,
            consortium_id=team.id,
            team_number=number,
            sign_by=earliest_end(challenge.program, challenge.program.contract_days, now),
        )
        members = await queries.member_ids(session, team.id)
        book = first_text(
            challenge,
            team,
            await queries.bid_of(session, team.bid_id),
            number,
            members,
            teams=len(teams),
            today=to_shanghai(now).date(),
        )
        session.add(contract)
        await session.flush()
        session.add(ContractVersion(contract_id=contract.id, number=1, content=book.as_json()))
        await session.flush()
        await audit.record(session, actor, "contract.drafted", "contract", contract.id, {"team": number})
        made.append(contract)
        standing = await read_contract(session, actor, contract.id)
        await tell(
            session, actor, events.DRAFTED, standing, "1", [challenge.organization_id], team=str(number)
        )
    if made:
        await audit.record(
            session, actor, "challenge.contracts_drafted", "challenge", challenge.id, {"teams": len(made)}
        )
    return made


async def _fresh_text(session: AsyncSession, standing: Standing) -> TaskBook:
    """What challenge, bid and consortium say now."""
    contract = standing.contract
    return first_text(
        contract.challenge,
        contract.consortium,
        await queries.bid_of(session, contract.consortium.bid_id),
        contract.team_number,
        standing.members,
        teams=1,
        today=await database_today(session),
    )


async def _draft_to_change(
    session: AsyncSession, actor: Actor, contract_id: uuid.UUID
) -> tuple[Standing, ContractVersion]:
    standing = await read_contract(session, actor, contract_id, lock=True)
    version = policies.open_version(standing.contract)
    if not policies.may_edit_contract(actor, standing.contract) or version is None:
        if version is not None and version.state is VersionState.OFFERED:
            raise ConflictError(_("The contract is offered for signing and cannot be changed now."))
        raise ForbiddenError(_("The poster's editors write the contract until it is offered."))
    return standing, version


async def save_draft(
    session: AsyncSession, actor: Actor, contract_id: uuid.UUID, terms: Mapping[str, Any], revision: int
) -> ContractVersion:
    """Write the poster's terms over the draft; parties, requirements and money are taken anew from the award.

    Raises ConflictError where somebody saved meanwhile. An incomplete text is kept.
    """
    standing, version = await _draft_to_change(session, actor, contract_id)
    if version.revision != revision:
        raise ConflictError(
            _("A colleague has saved this contract meanwhile. Reload the page and enter your change again.")
        )
    book = book_of(version).with_frozen(await _fresh_text(session, standing))
    version.content = replace(book, **terms).as_json()
    version.revision += 1
    await session.flush()
    await audit.record(session, actor, "contract.saved", "contract", contract_id, {"version": version.number})
    return version


async def offer_contract(
    session: AsyncSession, settings: Settings, actor: Actor, contract_id: uuid.UUID
) -> ContractVersion:
    """Fix the draft, make its document, and ask every party to sign. Raises InvalidError by field."""
    standing, version = await _draft_to_change(session, actor, contract_id)
    contract = standing.contract
    book = book_of(version)
    errors: dict[str, Any] = {}
    if (settled := await settled_change(session, contract, book)) is not None:
        errors["stages"] = _("Milestone “%(title)s” is accepted and stays as it is.", title=settled.title)
    errors = {
        **errors,
        **contradictions(book, await _fresh_text(session, standing)),
        **lacking(book),
    }
    if errors:
        raise InvalidError(errors)
    if await queries.has_unsettled_recheck(session, contract.challenge, contract.consortium_id):
        raise ConflictError(_("Members of a team have changed: an officer settles the quota first."))
    now = await queries.database_time(session)
    pdf = await asyncio.to_thread(_typeset, book, version.number, version.reason)
    document = await store_attachment(
        session,
        settings,
        actor,
        subject_type=SUBJECT,
        subject_id=version.id,
        name=f"{contract.challenge.title[:80]}-{contract.team_number}-v{version.number}.pdf",
        content=pdf,
    )
    version.document_id, version.sha256 = document.id, hashlib.sha256(pdf).hexdigest()
    version.offered_at = now
    await move(session, VERSION, actor, version, VersionState.OFFERED, details={"sha256": version.sha256})
    if contract.state is ContractState.DRAFT:
        await move(session, CONTRACT, actor, contract, ContractState.OFFERED)
    session.expire(version, ["document", "signatures"])
    await tell(
        session,
        actor,
        events.OFFERED,
        standing,
        f"{version.number}:{version.revision}",
        standing.party_ids,
        who=contract.challenge.organization.name,
        version=str(version.number),
        until_at=contract.sign_by.isoformat(),
    )
    return version


def _typeset(book: TaskBook, number: int, reason: str) -> bytes:
    with use_locale(LANGUAGE):
        return pdf_of(book, number, reason)


async def begin_amendment(
    session: AsyncSession, actor: Actor, contract_id: uuid.UUID, reason: str
) -> ContractVersion:
    """Begin the next version of a signed contract, as a draft of the poster. Raises InvalidError on `reason`."""
    standing = await read_contract(session, actor, contract_id, lock=True)
    contract = standing.contract
    if not policies.may_amend(actor, contract):
        if policies.open_version(contract) is not None:
            raise ConflictError(_("An amendment is under way already."))
        raise ForbiddenError(_("The poster amends a signed contract."))
    if not reason.strip():
        raise InvalidError({"reason": _("Please give a reason.")})
    present = policies.version_in_force(contract)
    assert present is not None
    book = book_of(present).with_frozen(await _fresh_text(session, standing))
    version = ContractVersion(
        id=uuid.uuid4(),
        contract_id=contract.id,
        number=max(item.number for item in contract.versions) + 1,
        content=book.as_json(),
        reason=reason.strip(),
    )
    contract.versions.append(version)
    await session.flush()
    await audit.record(
        session,
        actor,
        "contract.amendment_begun",
        "contract",
        contract.id,
        {"version": version.number, "reason": version.reason},
    )
    return version


async def drop_amendment(session: AsyncSession, actor: Actor, contract_id: uuid.UUID) -> ContractVersion:
    """Give up an amendment: the version in force stays."""
    standing, version = await _draft_to_change(session, actor, contract_id)
    if standing.contract.state is not ContractState.SIGNED:
        raise ConflictError(_("This is not possible in the present state."))
    return await move(session, VERSION, actor, version, VersionState.GIVEN_UP)


async def may_read_attachment(session: AsyncSession, actor: Actor, version_id: uuid.UUID) -> bool:
    """Documents and signed copies are for whoever may read the version."""
    contract_id = await queries.contract_id_of_version(session, version_id)
    if contract_id is None:
        return False
    try:
        standing = await read_contract(session, actor, contract_id)
    except NotFoundError:
        return False
    version = next(item for item in standing.contract.versions if item.id == version_id)
    return policies.may_see_version(actor, standing.contract, version)


async def own_contracts(session: AsyncSession, actor: Actor, challenge: Challenge) -> list[Standing]:
    """The contracts of a challenge that the actor may see."""
    found = []
    for contract in await queries.contracts_of(session, challenge.id):
        standing = Standing(contract, await queries.member_ids(session, contract.consortium_id))
        if policies.may_see_contract(actor, contract, standing.members):
            found.append(standing)
    return found
