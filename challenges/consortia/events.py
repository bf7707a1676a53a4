"""What people are told of consortia and the decisions on them."""

import uuid
from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.consortia import policies, queries
from challenges.consortia.models import Outcome
from challenges.postings.queries import challenge_by_id
from core.i18n import lazy_gettext as _
from core.notifications.kinds import Audience, Group, Kind, declare
from core.notifications.models import Delivery, Notification
from solvers.organizations.acting import actors_of


async def consortium_is_visible(
    session: AsyncSession, person_id: uuid.UUID, told: Sequence[Notification]
) -> set[uuid.UUID]:
    """Of the poster and officers, and of members of an approved one."""
    actors = await actors_of(session, person_id)
    visible: set[uuid.UUID] = set()
    for consortium_id in {item.subject_id for item in told}:
        consortium = await queries.consortium_by_id(session, consortium_id)
        challenge = await challenge_by_id(session, consortium.challenge_id) if consortium else None
        if consortium is None or challenge is None:
            continue
        if any(
            policies.may_see_consortium(actor, challenge, consortium)
            or policies.may_see_own_part(actor, consortium)
            for actor in actors
        ):
            visible.add(consortium_id)
    return {item.id for item in told if item.subject_id in visible}


DECISIONS = Group("decisions", _("Decisions"))
LINK = "/consortia/{subject_id}"
TITLE, POSTER = "轧机主传动轴承寿命预测", "华东重型装备集团"

SUBMITTED = declare(
    Kind(
        name="consortium.submitted",
        group=DECISIONS,
        label=_("A consortium waits for our decision"),
        subject=_("A consortium waits for your decision: %(title)s"),
        text=_("%(poster)s has submitted a consortium for “%(title)s”."),
        link=LINK,
        delivery=Delivery.AT_ONCE,
        audience=Audience.OFFICER,
        visible=consortium_is_visible,
        example={"title": TITLE, "poster": POSTER},
    )
)
DECIDED = {
    Outcome.APPROVED: declare(
        Kind(
            name="consortium.approved",
            group=DECISIONS,
            label=_("A consortium is approved"),
            subject=_("Consortium approved: %(title)s"),
            text=_("The consortium for “%(title)s” has been approved."),
            link=LINK,
            delivery=Delivery.AT_ONCE,
            audience=Audience.ORGANIZATION,
            visible=consortium_is_visible,
            example={"title": TITLE},
        )
    ),
    Outcome.RETURNED: declare(
        Kind(
            name="consortium.returned",
            group=DECISIONS,
            label=_("Our consortium is returned"),
            subject=_("Consortium returned: %(title)s"),
            text=_("The consortium for “%(title)s” has been returned for revision. Reason: %(reason)s"),
            link=LINK,
            delivery=Delivery.AT_ONCE,
            audience=Audience.ORGANIZATION,
            visible=consortium_is_visible,
            example={"title": TITLE, "reason": "请补充检测指标的分工。"},
        )
    ),
    Outcome.REJECTED: declare(
        Kind(
            name="consortium.rejected",
            group=DECISIONS,
            label=_("Our consortium is rejected"),
            subject=_("Consortium rejected: %(title)s"),
            text=_("The consortium for “%(title)s” has been rejected. Reason: %(reason)s"),
            link=LINK,
            delivery=Delivery.AT_ONCE,
            audience=Audience.ORGANIZATION,
            visible=consortium_is_visible,
            example={"title": TITLE, "reason": "牵头单位不具备验收条件。"},
        )
    ),
}
WAIVER_REQUESTED = declare(
    Kind(
        name="consortium.waiver_requested",
        group=DECISIONS,
        label=_("A waiver of the quota waits for a second officer"),
        subject=_("A waiver of the quota waits for a second officer: %(title)s"),
        text=_(
            "%(officer)s asks for a waiver of the quota for “%(title)s”. Reason: %(reason)s\n\n"
            "Confirm or refuse it here:"
        ),
        link=LINK,
        delivery=Delivery.AT_ONCE,
        audience=Audience.OFFICER,
        visible=consortium_is_visible,
        example={"title": TITLE, "officer": "林主管", "reason": "国内仅此两家具备试制条件。"},
    )
)
WAIVER_CONFIRMED = declare(
    Kind(
        name="consortium.waiver_confirmed",
        group=DECISIONS,
        label=_("Our request for a waiver is confirmed"),
        subject=_("Waiver confirmed: %(title)s"),
        text=_("%(officer)s has confirmed the waiver of the quota for “%(title)s”. %(reason)s"),
        link=LINK,
        delivery=Delivery.AT_ONCE,
        audience=Audience.OFFICER,
        visible=consortium_is_visible,
        example={"title": TITLE, "officer": "周主管", "reason": "理由充分。"},
    )
)
WAIVER_REFUSED = declare(
    Kind(
        name="consortium.waiver_refused",
        group=DECISIONS,
        label=_("Our request for a waiver is refused"),
        subject=_("Waiver refused: %(title)s"),
        text=_("%(officer)s has refused the waiver of the quota for “%(title)s”. Reason: %(reason)s"),
        link=LINK,
        delivery=Delivery.AT_ONCE,
        audience=Audience.OFFICER,
        visible=consortium_is_visible,
        example={"title": TITLE, "officer": "周主管", "reason": "理由不足。"},
    )
)
RECHECKED = declare(
    Kind(
        name="consortium.rechecked",
        group=DECISIONS,
        label=_("A member of an approved consortium has changed"),
        subject=_("The quota has to be settled: %(title)s"),
        text=_(
            "A member of the approved consortium for “%(title)s” has left or changed. The quota was computed again;"
            " there is no contract until you settle it."
        ),
        link=LINK,
        delivery=Delivery.AT_ONCE,
        audience=Audience.OFFICER,
        visible=consortium_is_visible,
        example={"title": TITLE},
    )
)
