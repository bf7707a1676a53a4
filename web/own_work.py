"""What waits for an organization under way, from its bid to its payments, as lines of its home."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from challenges import own_work_queries as queries
from challenges.models import Challenge
from core.database import database_time
from core.i18n import lazy_gettext as _


@dataclass(frozen=True)
class Work:
    """`what` is the badge; `until` is when it is due, None where no period runs."""

    href: str
    title: str
    text: str
    what: Any
    until: datetime | None = None

    def is_overdue(self, now: datetime) -> bool:
        return self.until is not None and self.until <= now


async def work_of(session: AsyncSession, organization_id: uuid.UUID) -> list[Work]:
    """Everything, the nearest due date first; what has none comes last."""
    now = await database_time(session)
    found = [
        *[
            _of(
                item.challenge,
                f"/bids/{item.id}/changes",
                _("Changed: confirm your bid"),
                item.challenge.deadline_at,
            )
            for item in await queries.bids_to_confirm(session, organization_id, now)
        ],
        *[
            _of(item.challenge, f"/checks/{item.id}", _("Complete your bid"), item.completion_due_at)
            for item in await queries.checks_to_complete(session, organization_id, now)
        ],
        *[
            _of(item.challenge, f"/contracts/{item.id}", _("Contract to sign"), item.sign_by)
            for item in await queries.contracts_to_sign(session, organization_id)
        ],
        *[
            _of(item.challenge, f"/contracts/{item.id}", _("Contract to write"), item.sign_by)
            for item in await queries.contracts_to_write(session, organization_id)
        ],
        *[
            _of_milestone(item, _("Milestone to report"), item.due_at)
            for item in await queries.milestones_to_report(session, organization_id, now)
        ],
        *[
            _of_milestone(item, _("Report to answer"))
            for item in await queries.reports_to_answer(session, organization_id)
        ],
        *[
            _of_milestone(item, _("Payment to make"))
            for item in await queries.payments_to_make(session, organization_id)
        ],
        *[
            _of_milestone(item, _("Payment to confirm"))
            for item in await queries.payments_to_confirm(session, organization_id)
        ],
        *[
            _of(item, f"/challenges/{item.id}/award", _("Reviewed: name the winners"))
            for item in await queries.reviewed_without_winner(session, organization_id)
        ],
    ]
    return sorted(found, key=lambda item: (item.until is None, item.until or now))


def _of(challenge: Challenge, href: str, what: Any, until: datetime | None = None) -> Work:
    return Work(href, challenge.title, "", what, until)


def _of_milestone(milestone: Any, what: Any, until: datetime | None = None) -> Work:
    href = f"/contracts/{milestone.contract_id}/milestones#m-{milestone.id}"
    return Work(href, milestone.contract.challenge.title, milestone.title, what, until)
