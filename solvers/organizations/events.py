"""What an organization's owners are told of its verification."""

from core.i18n import lazy_gettext as _
from core.notifications.kinds import Audience, Group, Kind, declare
from core.notifications.models import Delivery
from solvers.organizations.acting import is_of_organization

ORGANIZATION = Group("organization", _("Our organization"))
NAME = "明州精密传动有限公司"

VERIFIED = declare(
    Kind(
        name="organization.verified",
        group=ORGANIZATION,
        label=_("Our organization is verified"),
        subject=_("%(organization)s is verified"),
        text=_("%(organization)s has been verified. You may now publish challenges and bid on them."),
        link="/organization",
        delivery=Delivery.AT_ONCE,
        audience=Audience.ORGANIZATION,
        visible=is_of_organization,
        example={"organization": NAME},
    )
)
SENT_BACK = declare(
    Kind(
        name="organization.sent_back",
        group=ORGANIZATION,
        label=_("The verification of our organization is sent back"),
        subject=_("The verification of %(organization)s was sent back"),
        text=_(
            "The verification of %(organization)s was sent back:\n\n%(reason)s\n\nPlease put it right and hand it in"
            " again."
        ),
        link="/organization",
        delivery=Delivery.AT_ONCE,
        audience=Audience.ORGANIZATION,
        visible=is_of_organization,
        example={"organization": NAME, "reason": "营业执照已过期。"},
    )
)
