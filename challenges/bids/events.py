"""What organizations are told of the bids that they lead or are named in."""

import uuid
from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.bids import policies, queries
from challenges.postings.queries import challenge_by_id
from challenges.postings.sight import challenge_is_ours
from core.i18n import lazy_gettext as _
from core.notifications.kinds import Audience, Group, Kind, declare
from core.notifications.models import Delivery, Notification
from solvers.organizations.acting import actors_of, is_of_organization


async def bid_is_visible(
    session: AsyncSession, person_id: uuid.UUID, told: Sequence[Notification]
) -> set[uuid.UUID]:
    """Of those who were asked, and of those who may read the bid."""
    actors = await actors_of(session, person_id)
    bids = {bid.id: bid for bid in await queries.bids_by_ids(session, {item.subject_id for item in told})}
    return {
        item.id
        for item in told
        if (bid := bids.get(item.subject_id)) is not None
        and any(policies.is_asked(actor, bid) or policies.may_read_bid(actor, bid) for actor in actors)
    }


async def receipts_are_visible(
    session: AsyncSession, person_id: uuid.UUID, told: Sequence[Notification]
) -> set[uuid.UUID]:
    """Of those who took part, of the poster and of officers, once bidding is over."""
    actors = await actors_of(session, person_id)
    now = await queries.database_time(session)
    visible: set[uuid.UUID] = set()
    for challenge_id in {item.subject_id for item in told}:
        challenge = await challenge_by_id(session, challenge_id)
        participants = await queries.member_ids(session, challenge_id)
        if challenge is not None and any(
            policies.may_see_receipts(actor, challenge, participants, now) for actor in actors
        ):
            visible.add(challenge_id)
    return {item.id for item in told if item.subject_id in visible}


BIDS = Group("bids", _("Our bids"))
LINK = "/bids/{subject_id}"
TITLE, LEAD, MEMBER = "轧机主传动轴承寿命预测", "明州精密传动有限公司", "东海大学"

INVITED = declare(
    Kind(
        name="bid.member_invited",
        group=BIDS,
        label=_("We are asked to bid together"),
        subject=_("Invitation to bid together: %(title)s"),
        text=_(
            "%(lead)s asks your organization to take a part in its bid for “%(title)s”. See your part and answer"
            " before the deadline for bids."
        ),
        link=LINK,
        delivery=Delivery.AT_ONCE,
        audience=Audience.ORGANIZATION,
        visible=bid_is_visible,
        example={"title": TITLE, "lead": LEAD},
    )
)
CONFIRMED = declare(
    Kind(
        name="bid.member_confirmed",
        group=BIDS,
        label=_("A partner has confirmed its part"),
        subject=_("A partner has answered: %(title)s"),
        text=_("%(member)s has confirmed its part in your bid for “%(title)s”."),
        link=LINK,
        delivery=Delivery.AT_ONCE,
        audience=Audience.ORGANIZATION,
        visible=bid_is_visible,
        example={"title": TITLE, "member": MEMBER},
    )
)
DECLINED = declare(
    Kind(
        name="bid.member_declined",
        group=BIDS,
        label=_("A partner has declined its part"),
        subject=_("A partner has answered: %(title)s"),
        text=_("%(member)s has declined its part in your bid for “%(title)s”; the bid is a draft again."),
        link=LINK,
        delivery=Delivery.AT_ONCE,
        audience=Audience.ORGANIZATION,
        visible=bid_is_visible,
        example={"title": TITLE, "member": MEMBER},
    )
)
# Whoever was removed may not read the bid; that they were is for their organization to know.
REMOVED = declare(
    Kind(
        name="bid.member_removed",
        group=BIDS,
        label=_("We are no longer part of a bid"),
        subject=_("No longer part of the bid: %(title)s"),
        text=_("%(lead)s has removed your organization from its bid for “%(title)s”."),
        link="/my/bids",
        delivery=Delivery.AT_ONCE,
        audience=Audience.ORGANIZATION,
        visible=is_of_organization,
        example={"title": TITLE, "lead": LEAD},
    )
)
WITHDRAWN = declare(
    Kind(
        name="bid.withdrawn",
        group=BIDS,
        label=_("A bid that names us is withdrawn"),
        subject=_("Bid withdrawn: %(title)s"),
        text=_("%(lead)s has withdrawn its bid for “%(title)s”, in which your organization had a part."),
        link=LINK,
        delivery=Delivery.AT_ONCE,
        audience=Audience.ORGANIZATION,
        visible=bid_is_visible,
        example={"title": TITLE, "lead": LEAD},
    )
)
CHALLENGE_WITHDRAWN = declare(
    Kind(
        name="bid.challenge_withdrawn",
        group=BIDS,
        label=_("A challenge that we have bid for is withdrawn"),
        subject=_("The challenge is withdrawn: %(title)s"),
        text=_(
            "The challenge “%(title)s”, for which your organization prepares or has handed in a bid, was withdrawn"
            " for this reason:\n\n%(note)s"
        ),
        link=LINK,
        delivery=Delivery.AT_ONCE,
        audience=Audience.ORGANIZATION,
        visible=bid_is_visible,
        example={"title": TITLE, "note": "需求已由自主研发解决。"},
    )
)
NO_AWARD = declare(
    Kind(
        name="bid.no_award",
        group=BIDS,
        label=_("A challenge that we have bid for ends without an award"),
        subject=_("The challenge ends without an award: %(title)s"),
        text=_(
            "The challenge “%(title)s”, for which your organization has handed in a bid, has ended without an award,"
            " for this reason:\n\n%(note)s"
        ),
        link=LINK,
        delivery=Delivery.AT_ONCE,
        audience=Audience.ORGANIZATION,
        visible=bid_is_visible,
        example={"title": TITLE, "note": "无申报通过形式审查。"},
    )
)
OPENING_ASKED = declare(
    Kind(
        name="bids.opening_asked",
        group=BIDS,
        label=_("Another officer asks to open bids"),
        subject=_("Bids to open: %(title)s"),
        text=_(
            "%(officer)s asks to open the sealed bids for “%(title)s”. A second officer has to open them."
        ),
        link="/challenges/{subject_id}/bids",
        delivery=Delivery.AT_ONCE,
        audience=Audience.OFFICER,
        visible=challenge_is_ours,
        example={"title": TITLE, "officer": "林主管"},
    )
)
OPENED = declare(
    Kind(
        name="bids.opened",
        group=BIDS,
        label=_("Bids were opened that we made or asked for"),
        subject=_("Bids opened: %(title)s"),
        text=_("Two officers have opened the bids for “%(title)s”. Compare them with their receipts here:"),
        link="/challenges/{subject_id}/receipts",
        delivery=Delivery.AT_ONCE,
        audience=Audience.ORGANIZATION,
        visible=receipts_are_visible,
        example={"title": TITLE},
    )
)
