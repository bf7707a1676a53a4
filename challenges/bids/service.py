"""Use cases of bidding. The deadline is checked inside each transaction against the database's clock."""

import uuid
from dataclasses import replace
from datetime import datetime

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from challenges.amendments.queries import unconfirmed
from challenges.bids import events, policies, queries
from challenges.bids.completeness import is_blank, shortcomings
from challenges.bids.content import CANONICAL_VERSION, TEXTS, BidContent
from challenges.bids.keys import challenge_key
from challenges.bids.models import Bid, BidMember, BidMemberState, BidState, ReceiptAct
from challenges.bids.receipts import give_receipt
from challenges.bids.sealing import content_of, seal_content
from challenges.bids.states import BID, BID_MEMBER
from challenges.postings.models import Challenge
from challenges.postings.policies import may_bid
from challenges.postings.queries import certificates_on
from challenges.programs.policies import accepts_bidder
from core import audit
from core.actor import Actor
from core.attachments import (
    Attachment,
    Content,
    FileRules,
    attachments_of,
    reveal_facts,
    store_attachment,
)
from core.database import database_today
from core.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError, StaleError
from core.i18n import lazy_gettext as _
from core.notifications.kinds import Kind
from core.notifications.service import notify
from core.settings import Settings
from core.states import move
from solvers.organizations import queries as organization_queries

MAX_FILES = 20
ONE_BID = _("Your organization already takes part in another bid for this challenge.")


async def start_bid(session: AsyncSession, actor: Actor, challenge: Challenge) -> Bid:
    """Begin a draft, or return the live bid that the organization has already; it is the lead of its own bid."""
    if actor.organization_id is None:
        raise ForbiddenError(_("Only organizations bid."))
    organization = await organization_queries.organization_by_id(session, actor.organization_id)
    await queries.hold_challenge(session, challenge.id)
    await session.refresh(challenge, ["state", "deadline_at"])
    if organization is None or not may_bid(
        actor, challenge, organization, await queries.database_time(session)
    ):
        raise ForbiddenError(
            _("Only verified organizations of the kinds the program names bid, until the deadline.")
        )
    existing = await queries.part_in_challenge(session, challenge.id, actor.organization_id)
    if existing is not None:
        if existing.organization_id == actor.organization_id:
            return existing
        raise ConflictError(ONE_BID)
    bid = Bid(challenge_id=challenge.id, organization_id=actor.organization_id, created_by_id=actor.person_id)
    bid.members = [
        BidMember(
            organization_id=actor.organization_id,
            position=0,
            state=BidMemberState.CONFIRMED,
            requirement_ids=[],
        )
    ]
    session.add(bid)
    try:
        async with session.begin_nested():
            await session.flush()
    except IntegrityError as error:
        if getattr(getattr(error.orig, "diag", None), "constraint_name", "") == "uq_bid_member_one_bid":
            raise ConflictError(ONE_BID) from None
        # Two editors pressed at the same moment; the unique index let one through.
        raise ConflictError(_("A colleague has just started this bid. Open it under “Our bids”.")) from None
    await seal_content(session, bid, BidContent())
    await audit.record(session, actor, "bid.started", "bid", bid.id, {"challenge": challenge.title})
    return bid


async def _open_bid(session: AsyncSession, actor: Actor, bid_id: uuid.UUID) -> tuple[Bid, datetime]:
    """The actor's own bid, locked, while it may still be changed, and the moment at which that was found.

    What was in time then counts as done then: no second look at the clock dates a receipt after the deadline.
    """
    await queries.hold_challenge_of(session, bid_id)
    bid = await queries.bid_by_id(session, bid_id, lock=True)
    if bid is None or not policies.leads_bid(actor, bid):
        raise NotFoundError(_("There is no such bid."))
    await session.refresh(bid.challenge, ["state", "deadline_at"])
    now = await queries.database_time(session)
    if not policies.may_edit_bid(actor, bid, now):
        if not actor.may_edit_for_organization:
            raise ForbiddenError(_("Viewers cannot change a bid."))
        raise ConflictError(
            _("The deadline has passed or the bid was withdrawn: it cannot be changed any more.")
        )
    return bid, now


async def save_bid(
    session: AsyncSession,
    actor: Actor,
    bid_id: uuid.UUID,
    content: BidContent,
    revision: int,
    *,
    by_itself: bool = False,
) -> Bid:
    """Write what was typed over the bid, if it still is the `revision` that the form was opened with.

    A draft keeps incomplete and unreadable input as it is. A submitted bid stays submitted and so must stay complete:
    InvalidError otherwise; what saves itself (`by_itself`) never replaces it. Raises StaleError where somebody else
    has saved meanwhile, and nothing is written.
    """
    bid, now = await _open_bid(session, actor, bid_id)
    if bid.revision != revision:
        raise StaleError(
            _("This bid was saved in another window or by a colleague meanwhile. Nothing was overwritten."),
            revision=bid.revision,
        )
    if by_itself and bid.state is not BidState.DRAFT:
        raise ConflictError(_("The bid is handed in: use the button to replace it."))
    await seal_content(session, bid, _kept(bid, content, now))
    if bid.state is BidState.SUBMITTED:
        errors = shortcomings(bid)
        if errors:
            raise InvalidError(errors)
        await _leave_out_blank_rows(session, bid)
        bid.submitted_at = now
        await give_receipt(session, actor, bid, ReceiptAct.REPLACED, at=now)
    bid.revision += 1
    await session.flush()
    if not by_itself:
        await audit.record(session, actor, "bid.saved", "bid", bid.id, {"state": bid.state})
    return bid


def _kept(bid: Bid, content: BidContent, now: datetime) -> BidContent:
    """What was typed, without what belongs to no member or no requirement; a part that was not typed stays."""
    known = {str(requirement.id) for requirement in bid.challenge.requirements}
    typed = {part.organization_id for part in content.parts}
    before = content_of(bid)
    accepted = {item.text: item.at for item in before.statements}
    return BidContent(
        **{name: getattr(content, name).strip() for name in TEXTS},
        # Begun before bids were sealed, a bid has none.
        nonce=before.nonce or content.nonce,
        parts=tuple(
            replace(
                part,
                role_text=part.role_text.strip(),
                requirement_ids=tuple(item for item in part.requirement_ids if item in known),
            )
            for part in (
                (content if member.organization_id in typed else before).part(member.organization_id)
                for member in bid.members
            )
        ),
        steps=tuple(
            replace(step, name=step.name.strip(), deliverable=step.deliverable.strip())
            for step in content.steps
        ),
        people=tuple(
            replace(person, name=person.name.strip(), title=person.title.strip(), role=person.role.strip())
            for person in content.people
        ),
        statements=tuple(
            replace(item, at=accepted.get(item.text) or now.isoformat()) for item in content.statements
        ),
        unparsed=content.unparsed,
    )


async def _leave_out_blank_rows(session: AsyncSession, bid: Bid) -> None:
    """What is handed in has no rows that were opened and not filled in; one of the first version becomes whole."""
    content = content_of(bid)
    await seal_content(
        session,
        bid,
        replace(
            content,
            version=CANONICAL_VERSION,
            steps=tuple(step for step in content.steps if not is_blank(step)),
            people=tuple(person for person in content.people if not is_blank(person)),
        ),
    )


async def submit_bid(session: AsyncSession, actor: Actor, bid_id: uuid.UUID) -> Bid:
    """Hand the bid in; raises InvalidError with what is missing."""
    bid, now = await _open_bid(session, actor, bid_id)
    errors = shortcomings(bid)
    if changes := await unconfirmed(session, bid):
        errors["changes"] = _(
            "The challenge has changed: confirm first that the bid stands after change %(versions)s.",
            versions=", ".join(str(item.version) for item in changes),
        )
    if errors:
        raise InvalidError(errors)
    await _leave_out_blank_rows(session, bid)
    bid.revision += 1
    act = ReceiptAct.REPLACED if bid.state is BidState.SUBMITTED else ReceiptAct.SUBMITTED
    await move(session, BID, actor, bid, BidState.SUBMITTED, now=now)
    await give_receipt(session, actor, bid, act, at=now)
    return bid


async def withdraw_bid(session: AsyncSession, actor: Actor, bid_id: uuid.UUID) -> Bid:
    """Take the bid back before the deadline; its members are told. A new one may be started."""
    bid, now = await _open_bid(session, actor, bid_id)
    if bid.state is BidState.SUBMITTED:
        await give_receipt(session, actor, bid, ReceiptAct.WITHDRAWN, at=now)
    bid.revision += 1
    await move(session, BID, actor, bid, BidState.WITHDRAWN, now=now)
    for member in bid.members:
        if member.organization_id != bid.organization_id and member.state is not BidMemberState.DECLINED:
            await _tell(session, actor, events.WITHDRAWN, bid, member.organization_id)
    return bid


async def add_member(
    session: AsyncSession, actor: Actor, bid_id: uuid.UUID, organization_id: uuid.UUID
) -> Bid:
    """Name a partner and invite it by mail. A submitted bid becomes a draft until the partner has confirmed."""
    bid, now = await _open_bid(session, actor, bid_id)
    organization = await organization_queries.organization_by_id(session, organization_id)
    if organization is None or not organization.is_verified:
        raise InvalidError({"member": _("Only verified organizations can be members.")})
    if organization_id == bid.challenge.organization_id:
        raise InvalidError({"member": _("The organization that posted the challenge cannot bid on it.")})
    if any(member.organization_id == organization_id for member in bid.members):
        raise InvalidError({"member": _("This organization is already named.")})
    if bid.challenge.program is not None and not accepts_bidder(bid.challenge.program, organization.kind):
        raise InvalidError({"member": _("This program takes no bids from this kind of organization.")})
    if not await _may_know(session, bid.challenge, organization_id):
        raise InvalidError(
            {"member": _("The challenge is restricted, and this organization is not admitted to it.")}
        )
    content = content_of(bid)
    bid.revision += 1
    await _back_to_draft(session, actor, bid, now)
    bid.members.append(
        BidMember(
            organization_id=organization_id,
            position=max(member.position for member in bid.members) + 1,
            state=BidMemberState.INVITED,
            requirement_ids=[],
        )
    )
    await session.flush()
    await seal_content(session, bid, content)
    (named,) = (member for member in bid.members if member.organization_id == organization_id)
    await audit.record(
        session, actor, "bid.member_invited", "bid", bid.id, {"organization": organization.name}
    )
    await _tell(session, actor, events.INVITED, bid, organization_id, about=named)
    return bid


async def _may_know(session: AsyncSession, challenge: Challenge, organization_id: uuid.UUID) -> bool:
    if challenge.is_public or any(item.organization_id == organization_id for item in challenge.invited):
        return True
    held = await certificates_on(session, organization_id, await database_today(session))
    return bool(held & set(challenge.allowed_certificates))


async def remove_member(
    session: AsyncSession, actor: Actor, bid_id: uuid.UUID, organization_id: uuid.UUID
) -> Bid:
    bid, now = await _open_bid(session, actor, bid_id)
    member = _member(bid, organization_id)
    if organization_id == bid.organization_id:
        raise InvalidError({"member": _("The lead cannot be removed; withdraw the bid instead.")})
    told = member.state is not BidMemberState.DECLINED
    bid.revision += 1
    await _back_to_draft(session, actor, bid, now)
    content = content_of(bid)
    bid.members.remove(member)
    parts = tuple(part for part in content.parts if part.organization_id != organization_id)
    await seal_content(session, bid, replace(content, parts=parts))
    await audit.record(
        session, actor, "bid.member_removed", "bid", bid.id, {"organization": str(organization_id)}
    )
    if told:
        await _tell(session, actor, events.REMOVED, bid, organization_id, about=member)
    return bid


async def answer_invitation(session: AsyncSession, actor: Actor, bid_id: uuid.UUID, *, accept: bool) -> Bid:
    """A partner confirms its part, or declines it (also later, until the deadline)."""
    await queries.hold_challenge_of(session, bid_id)
    bid = await queries.bid_by_id(session, bid_id, lock=True)
    if bid is None or not policies.is_asked(actor, bid) or policies.leads_bid(actor, bid):
        raise NotFoundError(_("There is no such bid."))
    await session.refresh(bid.challenge, ["state", "deadline_at"])
    now = await queries.database_time(session)
    if not policies.may_answer_invitation(actor, bid, now):
        if not actor.may_edit_for_organization:
            raise ForbiddenError(_("Viewers cannot answer for their organization."))
        raise ConflictError(
            _("The deadline has passed or the bid was withdrawn: it cannot be changed any more.")
        )
    assert actor.organization_id is not None
    member = _member(bid, actor.organization_id)
    if accept:
        if not actor.organization_verified:
            raise ForbiddenError(_("Your organization has to be verified first."))
        if await queries.part_in_challenge(session, bid.challenge_id, actor.organization_id, besides=bid.id):
            raise ConflictError(ONE_BID)
        if member.state is BidMemberState.CONFIRMED:
            # Pressed twice.
            return bid
    else:
        await _back_to_draft(session, actor, bid, now)
    try:
        async with session.begin_nested():
            await move(
                session,
                BID_MEMBER,
                actor,
                member,
                BidMemberState.CONFIRMED if accept else BidMemberState.DECLINED,
                details={"organization": actor.organization_name},
                now=now,
            )
    except IntegrityError:
        # Confirmed for two bids at the same moment; the trigger let one through.
        raise ConflictError(ONE_BID) from None
    kind = events.CONFIRMED if accept else events.DECLINED
    await _tell(session, actor, kind, bid, bid.organization_id, about=member, member=actor.organization_name)
    return bid


async def attach_file(
    session: AsyncSession,
    settings: Settings,
    actor: Actor,
    bid_id: uuid.UUID,
    *,
    name: str,
    content: Content,
) -> Attachment:
    """Raises InvalidError on field `file`."""
    bid, now = await _open_bid(session, actor, bid_id)
    await _has_room(session, bid)
    attachment = await store_attachment(
        session,
        settings,
        actor,
        subject_type="bid",
        subject_id=bid.id,
        name=name,
        content=content,
        key=await challenge_key(session, bid.challenge_id),
        max_mb=_max_file_mb(bid),
    )
    await _files_changed(session, actor, bid, now)
    await audit.record(session, actor, "bid.file_added", "bid", bid.id, {"file": str(attachment.id)})
    return attachment


async def file_rules(session: AsyncSession, actor: Actor, bid_id: uuid.UUID) -> FileRules:
    """What holds for a file that its lead is about to send; raises like `attach_file`."""
    bid, _now = await _open_bid(session, actor, bid_id)
    await _has_room(session, bid)
    return FileRules(max_mb=_max_file_mb(bid), key=await challenge_key(session, bid.challenge_id))


def _max_file_mb(bid: Bid) -> int | None:
    return bid.challenge.program.max_file_mb if bid.challenge.program is not None else None


async def _has_room(session: AsyncSession, bid: Bid) -> None:
    if len(await attachments_of(session, "bid", bid.id)) >= MAX_FILES:
        raise InvalidError({"file": _("A bid has at most %(number)s attachments.", number=MAX_FILES)})


async def may_read_attachment(session: AsyncSession, actor: Actor, bid_id: uuid.UUID) -> bool:
    """Files are sealed as the bid is; a partner who has not confirmed sees its own part and no file."""
    bid = await queries.bid_by_id(session, bid_id)
    return bid is not None and policies.may_read_bid(actor, bid)


async def remove_file(session: AsyncSession, actor: Actor, bid_id: uuid.UUID, attachment: Attachment) -> None:
    bid, now = await _open_bid(session, actor, bid_id)
    await session.delete(attachment)
    await session.flush()
    await _files_changed(session, actor, bid, now)
    await audit.record(session, actor, "bid.file_removed", "bid", bid.id, {"file": str(attachment.id)})


async def _files_changed(session: AsyncSession, actor: Actor, bid: Bid, now: datetime) -> None:
    """Files are part of what was handed in."""
    if bid.state is BidState.SUBMITTED:
        bid.submitted_at = now
        await give_receipt(session, actor, bid, ReceiptAct.REPLACED, at=now)


async def bid_file(session: AsyncSession, attachment: Attachment) -> tuple[Attachment, bytes | None]:
    """A bid's file with its name, and the key that opens it where it is sealed."""
    if attachment.sealed_facts is None:
        return attachment, None
    bid = await queries.bid_by_id(session, attachment.subject_id)
    assert bid is not None
    key = await challenge_key(session, bid.challenge_id)
    reveal_facts(attachment, key)
    return attachment, key


def _member(bid: Bid, organization_id: uuid.UUID) -> BidMember:
    found = next((member for member in bid.members if member.organization_id == organization_id), None)
    if found is None:
        raise NotFoundError(_("That organization has no part in this bid."))
    return found


async def _back_to_draft(session: AsyncSession, actor: Actor, bid: Bid, now: datetime) -> None:
    """Members are part of what was handed in: when they change, the lead has to submit again."""
    if bid.state is BidState.SUBMITTED:
        await give_receipt(session, actor, bid, ReceiptAct.TAKEN_BACK, at=now)
        await move(session, BID, actor, bid, BidState.DRAFT, now=now)


async def _tell(
    session: AsyncSession,
    actor: Actor,
    kind: Kind,
    bid: Bid,
    organization_id: uuid.UUID,
    *,
    about: BidMember | None = None,
    **texts: str,
) -> None:
    """Tell an organization's editors, except who has just done it, once of each answer of the member it is about."""
    event = f"{about.id}:{about.answered_at}" if about is not None else str(organization_id)
    people = await organization_queries.editor_ids(session, organization_id)
    await notify(
        session,
        f"{kind.name}:{bid.id}:{event}",
        kind,
        people - {actor.person_id},
        bid,
        {
            "title": bid.challenge.title,
            "lead": bid.organization.name,
            "organization_id": str(organization_id),
            **texts,
        },
    )
