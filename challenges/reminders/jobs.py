"""What time alone reminds of: bids that are still drafts, invitations without an answer, bids not confirmed after a change."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.bids.models import Bid, BidMember
from challenges.reminders import events, queries
from challenges.reminders.models import Reminder
from core.notifications.kinds import Kind
from core.notifications.service import notify
from core.schedule import due
from solvers.organizations.queries import editor_ids


def _remind_lead(name: str, kind: Kind) -> Any:
    async def remind(session: AsyncSession, bid: Bid, now: datetime) -> None:
        await _remind(session, name, kind, bid, bid.id, bid.organization_id)

    return remind


def _remind_invited(name: str) -> Any:
    async def remind(session: AsyncSession, member: BidMember, now: datetime) -> None:
        await _remind(session, name, events.INVITATION_WAITS, member.bid, member.id, member.organization_id)

    return remind


async def _remind(
    session: AsyncSession, name: str, kind: Kind, bid: Bid, subject_id: UUID, organization_id: UUID
) -> None:
    deadline = bid.challenge.deadline_at
    assert deadline is not None
    session.add(Reminder(kind=name, subject_id=subject_id, due_at=deadline))
    await notify(
        session,
        f"{name}:{subject_id}:{deadline.isoformat()}",
        kind,
        sorted(await editor_ids(session, organization_id)),
        bid,
        {
            "title": bid.challenge.title,
            "lead": bid.organization.name,
            "deadline_at": deadline.isoformat(),
        },
    )


for _days in queries.DAYS:
    _name = f"{events.DRAFT_WAITS.name}.{_days}"
    due(_name, queries.next_draft(_name, _days))(_remind_lead(_name, events.DRAFT_WAITS))
    _name = f"{events.INVITATION_WAITS.name}.{_days}"
    due(_name, queries.next_invitation(_name, _days))(_remind_invited(_name))
    _name = f"{events.CONFIRMATION_WAITS.name}.{_days}"
    due(_name, queries.next_unconfirmed(_name, _days))(_remind_lead(_name, events.CONFIRMATION_WAITS))
