"""What people are told of new challenges. Both kinds share one key per challenge: nobody is told of it twice."""

from challenges.postings.sight import challenge_is_readable
from core.i18n import lazy_gettext as _
from core.notifications.kinds import Audience, Group, Kind, declare
from core.notifications.models import Delivery

NEW_CHALLENGES = Group("new_challenges", _("New challenges"))
EXAMPLE = {
    "title": "轧机主传动轴承寿命预测",
    "organization": "华东重型装备集团",
    "deadline_at": "2026-12-31T09:00:00+00:00",
}

FOUND = declare(
    Kind(
        name="search.found",
        group=NEW_CHALLENGES,
        label=_("A new challenge matches a search of mine"),
        subject=_("New for “%(search)s”: %(title)s"),
        text=_(
            "%(organization)s has put the challenge “%(title)s” on the list. It matches your saved search"
            " “%(search)s”. Bids are taken until %(deadline_at)s."
        ),
        link="/challenges/{subject_id}",
        delivery=Delivery.DAILY,
        audience=Audience.EVERYBODY,
        visible=challenge_is_readable,
        example={**EXAMPLE, "search": "轴承"},
    )
)
FITS = declare(
    Kind(
        name="search.fits_profile",
        group=NEW_CHALLENGES,
        label=_("A new challenge fits our profile"),
        subject=_("New and fitting your profile: %(title)s"),
        text=_(
            "%(organization)s has put the challenge “%(title)s” on the list. It fits the profile of your organization"
            " well. Bids are taken until %(deadline_at)s."
        ),
        link="/challenges/{subject_id}",
        delivery=Delivery.DAILY,
        audience=Audience.ORGANIZATION,
        visible=challenge_is_readable,
        example=EXAMPLE,
    )
)
