"""What is told of final acceptances and ratings; the subject is the contract."""

from challenges.contracts.events import contract_kind
from core.i18n import lazy_gettext as _
from core.notifications.kinds import Audience

PAGE = "/acceptance"
ASKED = contract_kind(
    "acceptance.asked",
    _("A team asks for the final acceptance"),
    _("Final acceptance asked for: %(title)s"),
    _("Team %(team)s asks for the final acceptance of “%(title)s”."),
    Audience.ORGANIZATION,
    page=PAGE,
    team="1",
)
ACCEPTED = contract_kind(
    "acceptance.accepted",
    _("A final acceptance waits for our confirmation"),
    _("Confirm the final acceptance: %(title)s"),
    _("The poster accepts what team %(team)s has delivered for “%(title)s”. An officer confirms it."),
    Audience.EVERYBODY,
    page=PAGE,
    team="1",
)
REFUSED = contract_kind(
    "acceptance.refused",
    _("A final acceptance is refused"),
    _("Final acceptance refused: %(title)s"),
    _("The final acceptance of “%(title)s” is refused:\n\n%(note)s"),
    Audience.ORGANIZATION,
    page=PAGE,
    note="第三项指标未达到。",
)
COMPLETED = contract_kind(
    "contract.completed",
    _("A contract of ours is completed"),
    _("Completed: %(title)s"),
    _(
        "The final acceptance of “%(title)s” is confirmed. Rate the other side, and say whether your profile shows the result."
    ),
    Audience.ORGANIZATION,
    page=PAGE,
)
FAILED = contract_kind(
    "contract.failed",
    _("A contract of ours has failed"),
    _("Contract failed: %(title)s"),
    _("The officer has declared the contract for “%(title)s” failed:\n\n%(note)s"),
    Audience.ORGANIZATION,
    page=PAGE,
    note="整改后仍未通过最终验收。",
)
RATED = contract_kind(
    "rating.visible",
    _("The other side has rated us"),
    _("Rated with %(stars)s of 5: %(title)s"),
    _("The other side of the contract for “%(title)s” has rated you with %(stars)s of 5 stars."),
    Audience.ORGANIZATION,
    page=PAGE,
    stars="5",
)
