"""The life of a public notice: it ends by itself, or is withdrawn with the award that it tells of."""

from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.notices.models import Notice, NoticeState
from challenges.postings.models import Challenge
from challenges.postings.states import present_roles
from core.actor import Actor
from core.i18n import lazy_gettext as _
from core.states import Machine, Role, Transition

OPEN, ENDED, WITHDRAWN = NoticeState.OPEN, NoticeState.ENDED, NoticeState.WITHDRAWN
OFFICER_OR_SYSTEM = frozenset({Role.OFFICER, Role.SYSTEM})


def _period_is_over(notice: Notice, now: datetime) -> Any:
    """The period of the notice has passed."""
    return _("The notice still runs.") if notice.ends_at > now else None


def _stamp_end(notice: Notice, now: datetime) -> None:
    notice.ended_at = now


async def _present_roles(session: AsyncSession, actor: Actor, notice: Notice) -> frozenset[Role]:
    challenge = await session.get_one(Challenge, notice.challenge_id)
    return await present_roles(session, actor, challenge)


MACHINE = Machine[Notice, NoticeState](
    noun="notice",
    states=NoticeState,
    initial=OPEN,
    transitions=(
        Transition(
            OPEN,
            ENDED,
            frozenset({Role.SYSTEM}),
            "notice.ended",
            guard=_period_is_over,
            effect=_stamp_end,
        ),
        # The award was returned or annulled after an objection, a member has changed, or the challenge ended early.
        Transition(
            OPEN, WITHDRAWN, OFFICER_OR_SYSTEM, "notice.withdrawn", needs_note=True, effect=_stamp_end
        ),
        Transition(
            ENDED, WITHDRAWN, OFFICER_OR_SYSTEM, "notice.withdrawn", needs_note=True, effect=_stamp_end
        ),
    ),
    roles_of=_present_roles,
    locked=("state", "challenge_id", "ends_at"),
    note_column="note",
)
