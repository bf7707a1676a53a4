"""What people are told of public notices."""

import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.consortia.events import TITLE
from challenges.notices import queries
from challenges.postings import queries as posting_queries
from challenges.postings.sight import readable_of
from core.i18n import lazy_gettext as _
from core.notifications.kinds import Audience, Group, Kind, declare
from core.notifications.models import Delivery, Notification
from solvers.organizations.acting import actors_of, is_of_organization


async def notice_is_readable(
    session: AsyncSession, person_id: uuid.UUID, told: Sequence[Notification]
) -> set[uuid.UUID]:
    """Whoever may read the challenge."""
    challenges = {
        item.id: item.challenge_id
        for item in await queries.notices_by_ids(session, {item.subject_id for item in told})
    }
    readable = await readable_of(session, person_id, challenges.values())
    return {item.id for item in told if challenges.get(item.subject_id) in readable}


async def concerns_us(
    session: AsyncSession, person_id: uuid.UUID, told: Sequence[Notification]
) -> set[uuid.UUID]:
    """The organization that a bid's result is told to, as long as it may read the challenge."""
    return await notice_is_readable(session, person_id, told) & await is_of_organization(
        session, person_id, told
    )


async def officers_or_concerned(
    session: AsyncSession, person_id: uuid.UUID, told: Sequence[Notification]
) -> set[uuid.UUID]:
    """Poster, officers and members of the awarded teams."""
    notices = {
        item.id: item for item in await queries.notices_by_ids(session, {item.subject_id for item in told})
    }
    visible: set[uuid.UUID] = set()
    for actor in await actors_of(session, person_id):
        ours = await posting_queries.own_ids(session, actor, {item.challenge_id for item in notices.values()})
        for notice in notices.values():
            members = {member["id"] for team in notice.content["teams"] for member in team["members"]}
            if notice.challenge_id in ours or str(actor.organization_id) in members:
                visible.add(notice.id)
    return {item.id for item in told if item.subject_id in visible}


NOTICES = Group("notices", _("Notices and objections"))
LINK = "/notices/{subject_id}"


def _declared(
    name: str, label: Any, subject: Any, text: Any, *, visible: Any = notice_is_readable, **example: str
) -> Kind:
    return declare(
        Kind(
            name=name,
            group=NOTICES,
            label=label,
            subject=subject,
            text=text,
            link=LINK,
            delivery=Delivery.AT_ONCE,
            audience=Audience.ORGANIZATION,
            visible=visible,
            example={"title": TITLE, **example},
        )
    )


BEGUN = _declared(
    "notice.begun",
    _("An award that concerns us is on public notice"),
    _("On public notice: %(title)s"),
    _("The award of “%(title)s” is on public notice. Objections are taken until %(until_at)s."),
    until_at="2026-12-02T16:00:00+00:00",
)
NOT_CHOSEN = _declared(
    "notice.not_chosen",
    _("Our bid was not chosen"),
    _("Your bid was not chosen: %(title)s"),
    _(
        "The bid of %(lead)s for “%(title)s”, in which your organization has a part, was not chosen. The award is on"
        " public notice; objections are taken until %(until_at)s."
    ),
    visible=concerns_us,
    until_at="2026-12-02T16:00:00+00:00",
    lead="明州精密传动有限公司",
)
ENDED = _declared(
    "notice.ended",
    _("The public notice of our award has ended"),
    _("The public notice has ended: %(title)s"),
    _(
        "The public notice of the award of “%(title)s” has ended. Objections that wait for an answer:"
        " %(open_objections)s. The contract is signed once there is none."
    ),
    visible=officers_or_concerned,
    open_objections="0",
)
WITHDRAWN = _declared(
    "notice.withdrawn",
    _("A public notice that concerns us was withdrawn"),
    _("The public notice was withdrawn: %(title)s"),
    _("The award of “%(title)s” was taken back, and its public notice withdrawn. Reason: %(reason)s"),
    reason="经核实，牵头单位不符合申报条件。",
)
