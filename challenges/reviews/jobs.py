"""What time alone does to reviews."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.reviews import queries, service
from challenges.reviews.models import Review
from core.schedule import due


@due("review.remind", queries.next_to_remind)
async def remind_reviewers(session: AsyncSession, review: Review, now: datetime) -> None:
    await service.remind(session, review)


@due("review.overdue", queries.next_overdue)
async def note_overdue_review(session: AsyncSession, review: Review, now: datetime) -> None:
    await service.note_overdue(session, review, now)
