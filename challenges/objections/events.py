"""What people are told of objections."""

import uuid
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.consortia.events import TITLE
from challenges.notices.events import NOTICES
from challenges.objections import policies, queries
from challenges.objections.models import Effect, Objection
from challenges.postings.policies import is_officer_in_charge
from core.actor import Actor
from core.i18n import lazy_gettext as _
from core.notifications.kinds import Audience, Kind, declare
from core.notifications.models import Delivery, Notification
from solvers.organizations.acting import actors_of


async def _visible(
    session: AsyncSession,
    person_id: uuid.UUID,
    told: Sequence[Notification],
    may: Callable[[Actor, Objection], bool],
) -> set[uuid.UUID]:
    actors = await actors_of(session, person_id)
    objections = {
        item.id: item for item in await queries.objections_by_ids(session, {item.subject_id for item in told})
    }
    return {
        item.id
        for item in told
        if (objection := objections.get(item.subject_id)) is not None
        and any(may(actor, objection) for actor in actors)
    }


async def objection_is_visible(
    session: AsyncSession, person_id: uuid.UUID, told: Sequence[Notification]
) -> set[uuid.UUID]:
    """Objector, officers, poster and winners; nothing of these texts names the objector."""
    return await _visible(session, person_id, told, policies.may_read_objection)


async def objector_is_visible(
    session: AsyncSession, person_id: uuid.UUID, told: Sequence[Notification]
) -> set[uuid.UUID]:
    """Officers alone: the text names the objector."""
    return await _visible(
        session, person_id, told, lambda actor, item: is_officer_in_charge(actor, item.challenge)
    )


def _declared(
    name: str, label: Any, subject: Any, text: Any, *, officers: bool = False, **example: str
) -> Kind:
    return declare(
        Kind(
            name=name,
            group=NOTICES,
            label=label,
            subject=subject,
            text=text,
            link="/objections/{subject_id}",
            delivery=Delivery.AT_ONCE,
            audience=Audience.OFFICER if officers else Audience.ORGANIZATION,
            visible=objector_is_visible if officers else objection_is_visible,
            example={"title": TITLE, **example},
        )
    )


RAISED = _declared(
    "objection.raised",
    _("An objection waits for our answer"),
    _("An objection waits for an answer: %(title)s"),
    _("%(organization)s objects to the award of “%(title)s”. It is to be answered by %(due_at)s."),
    officers=True,
    organization="明州精密传动有限公司",
    due_at="2026-12-10T16:00:00+00:00",
)
TAKEN_BACK = _declared(
    "objection.withdrawn",
    _("An objection was withdrawn"),
    _("Objection withdrawn: %(title)s"),
    _("%(organization)s has withdrawn its objection to the award of “%(title)s”."),
    officers=True,
    organization="明州精密传动有限公司",
)
TOLD = _declared(
    "objection.told",
    _("There is an objection to an award that concerns us"),
    _("Objection to the award: %(title)s"),
    _("There is an objection to the award of “%(title)s”. Read it here; an officer answers it."),
)
DISMISSED = _declared(
    "objection.dismissed",
    _("An objection that concerns us was not upheld"),
    _("The objection was not upheld: %(title)s"),
    _("The objection to the award of “%(title)s” was not upheld; the decision stands."),
)
UPHELD = {
    Effect.RETURNED: _declared(
        "objection.returned",
        _("An objection that concerns us was upheld: winners are chosen again"),
        _("The objection was upheld: %(title)s"),
        _(
            "The objection to the award of “%(title)s” was upheld. The award is taken back; winners are chosen again."
        ),
    ),
    Effect.ANNULLED: _declared(
        "objection.annulled",
        _("An objection that concerns us was upheld: the award is annulled"),
        _("The award is annulled: %(title)s"),
        _(
            "The objection to the award of “%(title)s” was upheld. The award is annulled; the challenge ends without one."
        ),
    ),
}
