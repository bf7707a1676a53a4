"""What people are reminded of."""

from challenges.bids.events import BIDS, LEAD, TITLE, bid_is_visible
from challenges.postings.events import SCREENING
from challenges.postings.sight import challenge_is_ours
from core.i18n import lazy_gettext as _
from core.notifications.kinds import Audience, Kind, declare
from core.notifications.models import Delivery

DEADLINE = "2026-12-31T09:00:00+00:00"

DRAFT_WAITS = declare(
    Kind(
        name="bid.draft_waits",
        group=BIDS,
        label=_("The deadline of a bid that we have begun comes near"),
        subject=_("Deadline near, bid not handed in: %(title)s"),
        text=_("Your bid for “%(title)s” is still a draft. Hand it in by %(deadline_at)s."),
        link="/bids/{subject_id}",
        delivery=Delivery.AT_ONCE,
        audience=Audience.ORGANIZATION,
        visible=bid_is_visible,
        example={"title": TITLE, "deadline_at": DEADLINE},
    )
)
INVITATION_WAITS = declare(
    Kind(
        name="bid.invitation_waits",
        group=BIDS,
        label=_("An invitation to bid together waits for our answer"),
        subject=_("Invitation not answered: %(title)s"),
        text=_(
            "%(lead)s has asked your organization to take a part in its bid for “%(title)s”. Answer by"
            " %(deadline_at)s, or the bid cannot be handed in with you."
        ),
        link="/bids/{subject_id}",
        delivery=Delivery.AT_ONCE,
        audience=Audience.ORGANIZATION,
        visible=bid_is_visible,
        example={"title": TITLE, "lead": LEAD, "deadline_at": DEADLINE},
    )
)
CONFIRMATION_WAITS = declare(
    Kind(
        name="bid.confirmation_waits",
        group=BIDS,
        label=_("The deadline of a bid that we have not confirmed after a change comes near"),
        subject=_("Deadline near, bid not confirmed: %(title)s"),
        text=_(
            "The challenge “%(title)s” was changed, and nobody has confirmed yet that your bid still stands. Look at"
            " the change and confirm by %(deadline_at)s: a bid that is not confirmed by then can be refused."
        ),
        link="/bids/{subject_id}/changes",
        delivery=Delivery.AT_ONCE,
        audience=Audience.ORGANIZATION,
        visible=bid_is_visible,
        example={"title": TITLE, "deadline_at": DEADLINE},
    )
)
WORK_DUE = declare(
    Kind(
        name="officer.work_due",
        group=SCREENING,
        label=_("Something in my work queue is due soon"),
        subject=_("Due on %(due_at)s: %(title)s"),
        text=_("“%(section)s” for “%(title)s” has to be done by %(due_at)s."),
        link="{address}",
        delivery=Delivery.DAILY,
        audience=Audience.OFFICER,
        visible=challenge_is_ours,
        example={"title": TITLE, "section": "初审", "due_at": DEADLINE, "address": "/officer"},
    )
)
