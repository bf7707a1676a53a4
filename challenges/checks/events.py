"""What bidders and officers are told of formal checks."""

import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.bids.events import BIDS
from challenges.checks import policies, queries
from challenges.postings.events import SCREENING
from core.i18n import lazy_gettext as _
from core.notifications.kinds import Audience, Kind, declare
from core.notifications.models import Delivery, Notification
from solvers.organizations.acting import actors_of


async def check_is_visible(
    session: AsyncSession, person_id: uuid.UUID, told: Sequence[Notification]
) -> set[uuid.UUID]:
    actors = await actors_of(session, person_id)
    checks = {
        check.id: check for check in await queries.checks_by_ids(session, {item.subject_id for item in told})
    }
    return {
        item.id
        for item in told
        if (check := checks.get(item.subject_id)) is not None
        and any(policies.may_check(actor, check) or policies.may_read_own(actor, check) for actor in actors)
    }


TITLE, LEAD = "轧机主传动轴承寿命预测", "明州精密传动有限公司"


def _declared(
    name: str, label: Any, subject: Any, text: Any, *, officers: bool = False, **example: str
) -> Kind:
    return declare(
        Kind(
            name=name,
            group=SCREENING if officers else BIDS,
            label=label,
            subject=subject,
            text=text,
            link="/checks/{subject_id}",
            delivery=Delivery.AT_ONCE,
            audience=Audience.OFFICER if officers else Audience.ORGANIZATION,
            visible=check_is_visible,
            example={"title": TITLE, "lead": LEAD, **example},
        )
    )


COMPLETION_REQUESTED = _declared(
    "check.completion_requested",
    _("We are asked to complete a bid"),
    _("Please complete the bid: %(title)s"),
    _(
        "The formal check of the bid of %(lead)s for “%(title)s” asks for a completion:\n\n%(note)s\n\n"
        "The lead hands it in once, until %(due_at)s."
    ),
    note="法定代表人签字页缺失。",
    due_at="2026-11-30T08:00:00+00:00",
)
PASSED = _declared(
    "check.passed",
    _("Our bid has passed the formal check"),
    _("Formal check passed: %(title)s"),
    _("The bid of %(lead)s for “%(title)s” has passed the formal check."),
)
FAILED = _declared(
    "check.failed",
    _("Our bid has not passed the formal check"),
    _("Formal check not passed: %(title)s"),
    _("The bid of %(lead)s for “%(title)s” has not passed the formal check:\n\n%(note)s"),
    note="未按要求提交联合体协议。",
)
REOPENED = _declared(
    "check.reopened",
    _("The formal check of our bid is looked at again"),
    _("Formal check reopened: %(title)s"),
    _("An officer looks at the formal check of the bid of %(lead)s for “%(title)s” again:\n\n%(note)s"),
    note="附件中已含协议，前次核查有误。",
)
LAPSED_FOR_US = _declared(
    "check.lapsed_for_us",
    _("The time for completing our bid has passed"),
    _("No completion in time: %(title)s"),
    _("The time for completing the bid of %(lead)s for “%(title)s” passed on %(due_at)s."),
    due_at="2026-11-30T08:00:00+00:00",
)
COMPLETED = _declared(
    "check.completed",
    _("A bidder has completed its bid"),
    _("Bid completed: %(title)s"),
    _("%(lead)s has completed its bid for “%(title)s”. Please settle the formal check."),
    officers=True,
)
LAPSED = _declared(
    "check.lapsed",
    _("A bidder has not completed its bid in time"),
    _("No completion in time: %(title)s"),
    _("%(lead)s has not completed its bid for “%(title)s” by %(due_at)s. Please settle the formal check."),
    officers=True,
    due_at="2026-11-30T08:00:00+00:00",
)
