"""What people are told of changes to published challenges."""

from challenges.bids.events import BIDS, bid_is_visible
from challenges.postings.events import CHALLENGES, SCREENING, TITLE
from challenges.postings.sight import challenge_is_ours, challenge_is_readable
from challenges.questions.events import FOLLOWED
from core.i18n import lazy_gettext as _
from core.notifications.kinds import Audience, Kind, declare
from core.notifications.models import Delivery

LINK = "/challenges/{subject_id}/changes"
EXPLANATION = "用户单位提高了轴承的设计转速。"
DEADLINE = "2026-12-31T09:00:00+00:00"

PROPOSED = declare(
    Kind(
        name="amendment.proposed",
        group=SCREENING,
        label=_("A change of a published challenge waits for confirmation"),
        subject=_("Change to confirm: %(title)s"),
        text=_("%(organization)s wants to change its published challenge “%(title)s”:\n\n%(explanation)s"),
        link=LINK,
        delivery=Delivery.AT_ONCE,
        audience=Audience.OFFICER,
        visible=challenge_is_ours,
        example={"title": TITLE, "organization": "华东重型装备集团", "explanation": EXPLANATION},
    )
)
CONFIRMED = declare(
    Kind(
        name="amendment.confirmed",
        group=CHALLENGES,
        label=_("A change of our challenge is in force"),
        subject=_("Change in force: %(title)s"),
        text=_(
            "An officer has confirmed your change of “%(title)s”. Whoever bids for it has been told; the deadline for"
            " bids is %(deadline_at)s."
        ),
        link=LINK,
        delivery=Delivery.AT_ONCE,
        audience=Audience.ORGANIZATION,
        visible=challenge_is_ours,
        example={"title": TITLE, "deadline_at": DEADLINE},
    )
)
REFUSED = declare(
    Kind(
        name="amendment.refused",
        group=CHALLENGES,
        label=_("A change of our challenge was refused"),
        subject=_("Change refused: %(title)s"),
        text=_("An officer has refused your change of “%(title)s” for this reason:\n\n%(note)s"),
        link=LINK,
        delivery=Delivery.AT_ONCE,
        audience=Audience.ORGANIZATION,
        visible=challenge_is_ours,
        example={"title": TITLE, "note": "调整后的指标与榜单批次的支持方向不符。"},
    )
)
LAPSED = declare(
    Kind(
        name="amendment.lapsed",
        group=CHALLENGES,
        label=_("A change of our challenge came too late"),
        subject=_("Change without effect: %(title)s"),
        text=_("Bidding for “%(title)s” ended before your change was confirmed; it has no effect."),
        link=LINK,
        delivery=Delivery.AT_ONCE,
        audience=Audience.ORGANIZATION,
        visible=challenge_is_ours,
        example={"title": TITLE},
    )
)
BID_TO_CONFIRM = declare(
    Kind(
        name="bid.challenge_changed",
        group=BIDS,
        label=_("A challenge that we bid for has changed"),
        subject=_("Confirm your bid: %(title)s has changed"),
        text=_(
            "The challenge “%(title)s” was changed for this reason:\n\n%(explanation)s\n\nLook at the change, revise"
            " your bid where needed, and confirm before %(deadline_at)s that it still stands. A bid that is not"
            " confirmed by then can be refused."
        ),
        link="/bids/{subject_id}/changes",
        delivery=Delivery.AT_ONCE,
        audience=Audience.ORGANIZATION,
        visible=bid_is_visible,
        example={"title": TITLE, "explanation": EXPLANATION, "deadline_at": DEADLINE},
    )
)
CHANGED = declare(
    Kind(
        name="challenge.changed",
        group=FOLLOWED,
        label=_("A challenge has changed"),
        subject=_("Changed: %(title)s"),
        text=_(
            "The challenge “%(title)s” was changed for this reason:\n\n%(explanation)s\n\nThe deadline for bids is"
            " %(deadline_at)s."
        ),
        link=LINK,
        delivery=Delivery.AT_ONCE,
        audience=Audience.EVERYBODY,
        visible=challenge_is_readable,
        example={"title": TITLE, "explanation": EXPLANATION, "deadline_at": DEADLINE},
    )
)
