"""Use cases of milestones: report, accept or send back, pay and confirm the payment."""

import uuid
from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.contracts.standing import Standing, read_contract, tell
from challenges.milestones import events, policies, queries
from challenges.milestones.models import Milestone, MilestoneReport, MilestoneState
from challenges.milestones.states import MILESTONE
from core import audit
from core.actor import Actor
from core.attachments import Content, FileRules, store_attachment
from core.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from core.i18n import lazy_gettext as _
from core.notifications.kinds import Kind
from core.settings import Settings
from core.states import move

SUBJECT = "milestone_report"
MOST_FILES = 10


async def _held(session: AsyncSession, actor: Actor, milestone_id: uuid.UUID) -> tuple[Standing, Milestone]:
    """A milestone that the actor may see, with challenge, contract and itself locked."""
    contract_id = await queries.contract_id_of(session, milestone_id)
    if contract_id is None:
        raise NotFoundError(_("There is no such milestone."))
    standing = await read_contract(session, actor, contract_id, lock=True)
    milestone = await queries.milestone_by_id(session, milestone_id)
    assert milestone is not None
    return standing, milestone


async def _to_report(
    session: AsyncSession, actor: Actor, milestone_id: uuid.UUID
) -> tuple[Standing, Milestone]:
    standing, milestone = await _held(session, actor, milestone_id)
    if not policies.may_report(actor, standing.contract, milestone):
        _refuse(actor, standing, milestone.state in {MilestoneState.PLANNED, MilestoneState.REWORK})
    return standing, milestone


async def report_rules(session: AsyncSession, actor: Actor, milestone_id: uuid.UUID) -> FileRules:
    """What holds for a file that is about to be sent with a report; raises like `report_milestone`."""
    await _to_report(session, actor, milestone_id)
    return FileRules()


async def report_milestone(
    session: AsyncSession,
    settings: Settings,
    actor: Actor,
    milestone_id: uuid.UUID,
    text: str,
    files: Sequence[tuple[str, Content]] = (),
) -> MilestoneReport:
    """Report on a milestone, with files. Raises InvalidError on `text` or `file`."""
    standing, milestone = await _to_report(session, actor, milestone_id)
    assert actor.person_id is not None
    if not text.strip():
        raise InvalidError({"text": _("Please fill this in.")})
    if len(files) > MOST_FILES:
        raise InvalidError({"file": _("At most %(most)s files.", most=MOST_FILES)})
    await move(session, MILESTONE, actor, milestone, MilestoneState.REPORTED)
    report = MilestoneReport(
        id=uuid.uuid4(),
        milestone_id=milestone.id,
        text=text.replace("\r\n", "\n").strip(),
        person_id=actor.person_id,
        reported_at=await queries.database_time(session),
    )
    session.add(report)
    await session.flush()
    for name, content in files:
        await store_attachment(
            session, settings, actor, subject_type=SUBJECT, subject_id=report.id, name=name, content=content
        )
    await _tell(
        session,
        actor,
        events.REPORTED,
        standing,
        milestone,
        str(report.id),
        [standing.challenge.organization_id],
        team=str(standing.contract.team_number),
    )
    return report


def _refuse(actor: Actor, standing: Standing, is_its_turn: bool) -> None:
    """Say why a step is not possible: the wrong person, or the wrong moment."""
    if is_its_turn and policies.is_at_work(standing.contract):
        raise ForbiddenError(_("You may not take this step."))
    raise ConflictError(_("This is not possible in the present state."))


async def answer_report(
    session: AsyncSession, actor: Actor, milestone_id: uuid.UUID, *, accept: bool, reason: str = ""
) -> Milestone:
    """Accept what was reported, or ask for rework. Raises InvalidError on `note` where rework has no reason."""
    standing, milestone = await _held(session, actor, milestone_id)
    if not policies.may_answer(actor, standing.contract, milestone):
        _refuse(actor, standing, milestone.state is MilestoneState.REPORTED)
    target = MilestoneState.ACCEPTED if accept else MilestoneState.REWORK
    report = milestone.reports[0]
    await move(session, MILESTONE, actor, milestone, target, note=reason)
    now = await queries.database_time(session)
    report.is_accepted, report.reason = accept, reason.strip()
    report.answered_by_id, report.answered_at = actor.person_id, now
    await session.flush()
    await _tell(
        session,
        actor,
        events.ANSWERED[accept],
        standing,
        milestone,
        str(report.id),
        standing.members,
        note=reason.strip(),
    )
    return milestone


async def mark_paid(session: AsyncSession, actor: Actor, milestone_id: uuid.UUID) -> Milestone:
    """The poster says that a milestone's payment is made."""
    standing, milestone = await _held(session, actor, milestone_id)
    if not policies.may_pay(actor, standing.contract, milestone):
        raise _payment_refusal(milestone.state is MilestoneState.ACCEPTED and milestone.paid_at is None)
    milestone.paid_at = await queries.database_time(session)
    await session.flush()
    amount = f"{milestone.payment_wan:,.2f}"
    await audit.record(session, actor, "milestone.paid", "milestone", milestone.id, {"wan": amount})
    lead = standing.contract.consortium.lead_id
    await _tell(
        session,
        actor,
        events.PAID,
        standing,
        milestone,
        str(milestone.id),
        [lead] if lead else [],
        amount=amount,
    )
    return milestone


async def confirm_payment(session: AsyncSession, actor: Actor, milestone_id: uuid.UUID) -> Milestone:
    """The lead confirms that the money has come."""
    standing, milestone = await _held(session, actor, milestone_id)
    if not policies.may_confirm_payment(actor, standing.contract, milestone):
        raise _payment_refusal(milestone.paid_at is not None and milestone.received_at is None)
    milestone.received_at = await queries.database_time(session)
    await session.flush()
    await audit.record(session, actor, "milestone.payment_received", "milestone", milestone.id)
    await _tell(
        session,
        actor,
        events.RECEIVED,
        standing,
        milestone,
        str(milestone.id),
        [standing.challenge.organization_id],
    )
    return milestone


def _payment_refusal(is_its_turn: bool) -> ForbiddenError | ConflictError:
    if is_its_turn:
        return ForbiddenError(_("You may not take this step."))
    return ConflictError(_("This is not possible in the present state."))


async def may_read_attachment(session: AsyncSession, actor: Actor, report_id: uuid.UUID) -> bool:
    contract_id = await queries.contract_id_of_report(session, report_id)
    if contract_id is None:
        return False
    try:
        await read_contract(session, actor, contract_id)
    except NotFoundError:
        return False
    return True


async def _tell(
    session: AsyncSession,
    actor: Actor,
    kind: Kind,
    standing: Standing,
    milestone: Milestone,
    event: str,
    organizations: Sequence[uuid.UUID] | frozenset[uuid.UUID],
    *,
    officers: bool = False,
    **texts: str,
) -> None:
    await tell(
        session,
        actor,
        kind,
        standing,
        event,
        organizations,
        officers=officers,
        milestone=milestone.title,
        **texts,
    )
