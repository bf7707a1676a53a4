"""What is told of final acceptances and ratings; the subject is the contract."""

from challenges.contracts.events import CONTRACTS, TITLE, contract_is_visible
from core.i18n import lazy_gettext as _
from core.notifications.kinds import Audience, Kind, declare
from core.notifications.models import Delivery


def _kind(
    name: str, label: object, subject: object, text: object, audience: Audience, **example: str
) -> Kind:
    return declare(
        Kind(
            name=name,
            group=CONTRACTS,
            label=label,
            subject=subject,
            text=text,
            link="/contracts/{subject_id}/acceptance",
            delivery=Delivery.AT_ONCE,
            audience=audience,
            visible=contract_is_visible,
            example={"title": TITLE, **example},
        )
    )


ASKED = _kind(
    "acceptance.asked",
    _("A team asks for the final acceptance"),
    _("Final acceptance asked for: %(title)s"),
    _("Team %(team)s asks for the final acceptance of “%(title)s”."),
    Audience.ORGANIZATION,
    team="1",
)
ACCEPTED = _kind(
    "acceptance.accepted",
    _("A final acceptance waits for our confirmation"),
    _("Confirm the final acceptance: %(title)s"),
    _("The poster accepts what team %(team)s has delivered for “%(title)s”. An officer confirms it."),
    Audience.EVERYBODY,
    team="1",
)
REFUSED = _kind(
    "acceptance.refused",
    _("A final acceptance is refused"),
    _("Final acceptance refused: %(title)s"),
    _("The final acceptance of “%(title)s” is refused:\n\n%(note)s"),
    Audience.ORGANIZATION,
    note="第三项指标未达到。",
)
COMPLETED = _kind(
    "contract.completed",
    _("A contract of ours is completed"),
    _("Completed: %(title)s"),
    _(
        "The final acceptance of “%(title)s” is confirmed. Rate the other side, and say whether your profile shows the result."
    ),
    Audience.ORGANIZATION,
)
FAILED = _kind(
    "contract.failed",
    _("A contract of ours has failed"),
    _("Contract failed: %(title)s"),
    _("The officer has declared the contract for “%(title)s” failed:\n\n%(note)s"),
    Audience.ORGANIZATION,
    note="整改后仍未通过最终验收。",
)
RATED = _kind(
    "rating.visible",
    _("The other side has rated us"),
    _("Rated with %(stars)s of 5: %(title)s"),
    _("The other side of the contract for “%(title)s” has rated you with %(stars)s of 5 stars."),
    Audience.ORGANIZATION,
    stars="5",
)
