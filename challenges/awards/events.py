"""What people are told of the winners of a challenge."""

from challenges.consortia.events import DECISIONS, POSTER, TITLE
from challenges.postings.sight import challenge_is_ours
from core.i18n import lazy_gettext as _
from core.notifications.kinds import Audience, Kind, declare
from core.notifications.models import Delivery

SUBMITTED = declare(
    Kind(
        name="award.submitted",
        group=DECISIONS,
        label=_("Winners wait for our decision"),
        subject=_("Winners wait for your decision: %(title)s"),
        text=_("%(poster)s has named the winners of “%(title)s”. Teams to decide on: %(teams)s."),
        link="/challenges/{subject_id}/award",
        delivery=Delivery.AT_ONCE,
        audience=Audience.OFFICER,
        visible=challenge_is_ours,
        example={"title": TITLE, "poster": POSTER, "teams": "2"},
    )
)
