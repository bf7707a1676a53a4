"""Use cases of the end of a contract: acceptance, failure, ratings, and the result in the members' profiles."""

import uuid
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.acceptances import events, policies, queries
from challenges.acceptances.models import AcceptanceState, Delivery, FinalAcceptance, Rating, Side
from challenges.acceptances.states import ACCEPTANCE
from challenges.contracts.ending import close_texts, settle_challenge
from challenges.contracts.models import Contract, ContractState
from challenges.contracts.policies import version_in_force
from challenges.contracts.standing import Standing, book_of, read_contract, require_officer, tell
from challenges.contracts.states import CONTRACT
from challenges.milestones.queries import milestones_of
from challenges.programs.calendar import period
from core import audit
from core.actor import Actor
from core.attachments import Content, FileRules, store_attachment
from core.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from core.i18n import gettext, use_locale
from core.i18n import lazy_gettext as _
from core.settings import Settings
from core.states import move
from solvers.profiles.models import EvidenceKind
from solvers.profiles.service import EvidenceData, Tokenize, save_evidence

SUBJECT = "final_acceptance"
MOST_FILES = 10


async def _to_be_asked(session: AsyncSession, actor: Actor, contract_id: uuid.UUID) -> Standing:
    """The contract, locked, for the lead that may ask for its final acceptance now."""
    standing = await read_contract(session, actor, contract_id, lock=True)
    contract = standing.contract
    if not policies.is_lead_editor(actor, contract):
        raise ForbiddenError(_("The lead of the team asks for the final acceptance."))
    acceptances = await queries.acceptances_of(session, contract.id)
    if not policies.is_ready(contract, await milestones_of(session, contract.id), acceptances):
        raise ConflictError(
            _(
                "The final acceptance is asked for once every milestone is accepted and no amendment is under way."
            )
        )
    return standing


async def request_rules(session: AsyncSession, actor: Actor, contract_id: uuid.UUID) -> FileRules:
    """What holds for a document that is about to be sent; raises like `ask_for_acceptance`."""
    await _to_be_asked(session, actor, contract_id)
    return FileRules()


async def may_read_attachment(session: AsyncSession, actor: Actor, acceptance_id: uuid.UUID) -> bool:
    """Documents of an acceptance are for whoever may read the contract: the parties and the officers."""
    acceptance = await queries.acceptance_by_id(session, acceptance_id)
    if acceptance is None:
        return False
    try:
        await read_contract(session, actor, acceptance.contract_id)
    except NotFoundError:
        return False
    return True


async def ask_for_acceptance(
    session: AsyncSession,
    settings: Settings,
    actor: Actor,
    contract_id: uuid.UUID,
    text: str,
    files: Sequence[tuple[str, Content]] = (),
) -> FinalAcceptance:
    """The lead asks once every milestone is accepted, with documents. Raises InvalidError on `text` or `file`."""
    standing = await _to_be_asked(session, actor, contract_id)
    contract = standing.contract
    if not text.strip():
        raise InvalidError({"text": _("Please fill this in.")})
    if len(files) > MOST_FILES:
        raise InvalidError({"file": _("At most %(most)s files.", most=MOST_FILES)})
    assert actor.person_id is not None
    acceptance = FinalAcceptance(
        id=uuid.uuid4(),
        contract_id=contract.id,
        text=text.replace("\r\n", "\n").strip(),
        asked_by_id=actor.person_id,
        asked_at=await queries.database_time(session),
    )
    session.add(acceptance)
    await session.flush()
    for name, content in files:
        await store_attachment(
            session,
            settings,
            actor,
            subject_type=SUBJECT,
            subject_id=acceptance.id,
            name=name,
            content=content,
        )
    await audit.record(session, actor, "acceptance.asked", "contract", contract.id, {"files": len(files)})
    await tell(
        session,
        actor,
        events.ASKED,
        standing,
        str(acceptance.id),
        [standing.challenge.organization_id],
        team=str(contract.team_number),
    )
    return acceptance


async def _held(
    session: AsyncSession, actor: Actor, acceptance_id: uuid.UUID
) -> tuple[Standing, FinalAcceptance]:
    acceptance = await queries.acceptance_by_id(session, acceptance_id)
    if acceptance is None:
        raise NotFoundError(_("There is no such acceptance."))
    standing = await read_contract(session, actor, acceptance.contract_id, lock=True)
    await session.refresh(acceptance)
    return standing, acceptance


async def answer_acceptance(
    session: AsyncSession, actor: Actor, acceptance_id: uuid.UUID, *, accept: bool, reason: str = ""
) -> FinalAcceptance:
    """The poster accepts or refuses, or the officer confirms or refuses what the poster has accepted.

    Raises InvalidError on `note` where a refusal has no reason. A confirmation completes the contract.
    """
    standing, acceptance = await _held(session, actor, acceptance_id)
    contract = standing.contract
    is_posters_turn = acceptance.state is AcceptanceState.ASKED
    may = policies.may_answer if is_posters_turn else policies.may_confirm
    if acceptance.state not in policies.OPEN or contract.state is not ContractState.SIGNED:
        raise ConflictError(_("This has been decided meanwhile."))
    if not may(actor, contract, acceptance):
        raise ForbiddenError(_("You may not take this step."))
    if not is_posters_turn:
        await require_officer(session, actor, standing)
    if not accept:
        await move(session, ACCEPTANCE, actor, acceptance, AcceptanceState.REFUSED, note=reason)
        await tell(
            session,
            actor,
            events.REFUSED,
            standing,
            f"{acceptance.id}:refused",
            standing.party_ids,
            note=acceptance.state_note,
        )
    elif is_posters_turn:
        await move(session, ACCEPTANCE, actor, acceptance, AcceptanceState.ACCEPTED, note=reason)
        await tell(
            session,
            actor,
            events.ACCEPTED,
            standing,
            f"{acceptance.id}:accepted",
            standing.members,
            officers=True,
            team=str(contract.team_number),
        )
    else:
        await move(session, ACCEPTANCE, actor, acceptance, AcceptanceState.CONFIRMED, note=reason)
        await move(session, CONTRACT, actor, contract, ContractState.COMPLETED)
        await close_texts(session, actor, standing)
        await tell(session, actor, events.COMPLETED, standing, "completed", standing.party_ids)
        await settle_challenge(session, actor, contract.challenge, await queries.database_time(session))
    return acceptance


async def declare_failed(
    session: AsyncSession, actor: Actor, contract_id: uuid.UUID, reason: str
) -> Contract:
    """After a refused acceptance the officer declares the contract failed. Raises InvalidError on `note`."""
    standing = await read_contract(session, actor, contract_id, lock=True)
    contract = standing.contract
    await require_officer(session, actor, standing)
    if not policies.may_declare_failed(actor, contract, await queries.acceptances_of(session, contract_id)):
        raise ConflictError(
            _("A contract fails after its final acceptance was refused; before that it is ended.")
        )
    if not reason.strip():
        raise InvalidError({"note": _("Please give a reason.")})
    await move(session, CONTRACT, actor, contract, ContractState.FAILED, note=reason)
    await close_texts(session, actor, standing)
    await tell(session, actor, events.FAILED, standing, "failed", standing.party_ids, note=reason.strip())
    await settle_challenge(session, actor, contract.challenge, await queries.database_time(session))
    return contract


async def rate(
    session: AsyncSession, actor: Actor, contract_id: uuid.UUID, stars: int, comment: str
) -> Rating:
    """Rate the other side, once. Raises InvalidError on `stars` or `comment`."""
    standing = await read_contract(session, actor, contract_id, lock=True)
    contract = standing.contract
    side = policies.side_of(actor, contract)
    if side is None:
        raise ForbiddenError(_("The poster and the lead of the team rate each other."))
    if not policies.may_rate(actor, contract, await queries.ratings_of(session, contract_id)):
        raise ConflictError(_("Each side rates once, after the contract has ended."))
    if not 1 <= stars <= 5:
        raise InvalidError({"stars": _("Choose 1 to 5 stars.")})
    if not comment.strip():
        raise InvalidError({"comment": _("Please fill this in.")})
    lead_id = contract.consortium.lead_id
    assert actor.person_id is not None
    assert lead_id is not None
    rating = Rating(
        id=uuid.uuid4(),
        contract_id=contract.id,
        side=side,
        rated_id=lead_id if side is Side.POSTER else contract.challenge.organization_id,
        stars=stars,
        comment=comment.replace("\r\n", "\n").strip(),
        person_id=actor.person_id,
        rated_at=await queries.database_time(session),
    )
    session.add(rating)
    await session.flush()
    await audit.record(session, actor, "contract.rated", "contract", contract.id, {"side": side.value})
    return rating


def is_shown(contract: Contract, rating: Rating, ratings: list[Rating], now: datetime) -> bool:
    """Whether the rated side may read it: both have rated, or the time for rating is over."""
    program = contract.challenge.program
    if len(ratings) == len(Side) or rating.told_at is not None:
        return True
    return program is not None and now >= rating.rated_at + period(program, queries.RATING_DAYS)


async def answer_delivery(
    session: AsyncSession, actor: Actor, contract_id: uuid.UUID, *, show: bool, tokenize: Tokenize
) -> Delivery:
    """A member says, once, whether the completed contract becomes evidence in its profile and counts on its page.

    Nothing of a restricted challenge but its program is named there.
    """
    standing = await read_contract(session, actor, contract_id, lock=True)
    contract = standing.contract
    if not policies.may_answer_delivery(actor, contract, standing.members):
        if contract.state is not ContractState.COMPLETED:
            raise ConflictError(_("The result is shown once the contract is completed."))
        raise ForbiddenError(_("Only editors of the team's organizations answer this."))
    assert actor.organization_id is not None
    assert actor.person_id is not None
    if await queries.delivery_of(session, contract_id, actor.organization_id) is not None:
        raise ConflictError(_("Your organization has answered this already."))
    delivery = Delivery(
        contract_id=contract.id,
        organization_id=actor.organization_id,
        is_shown=show,
        person_id=actor.person_id,
        answered_at=await queries.database_time(session),
    )
    if show:
        item = await save_evidence(
            session,
            actor,
            actor.organization_id,
            _evidence(standing, actor.organization_id),
            tokenize=tokenize,
        )
        await session.flush()
        delivery.evidence_id = item.id
    session.add(delivery)
    await session.flush()
    await audit.record(session, actor, "contract.delivery_answered", "contract", contract.id, {"shown": show})
    return delivery


def _evidence(standing: Standing, organization_id: uuid.UUID) -> EvidenceData:
    challenge, version = standing.challenge, version_in_force(standing.contract)
    program = challenge.program.name if challenge.program else ""
    year = (standing.contract.ended_at or standing.contract.sign_by).year
    with use_locale("zh_CN"):
        if not challenge.is_public or version is None:
            title = gettext("Delivered a restricted challenge of %(program)s", program=program)
            return EvidenceData(kind=EvidenceKind.PROJECT, title=title[:200], year=year)
        tasks = [item.text for item in book_of(version).tasks if item.organization_id == organization_id]
        title = gettext("Delivered: %(title)s", title=challenge.title)
        text = gettext(
            "Accepted in %(program)s. Own part: %(tasks)s", program=program, tasks="；".join(tasks)
        )
    return EvidenceData(kind=EvidenceKind.PROJECT, title=title[:200], text=text[:3000], year=year)
