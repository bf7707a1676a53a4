"""What is told of milestones and of the horse race; the subject is the contract."""

from challenges.contracts.events import CONTRACTS, TITLE, contract_is_visible, every_contract_is_visible
from core.i18n import lazy_gettext as _
from core.notifications.kinds import Audience, Check, Kind, declare
from core.notifications.models import Delivery


def _kind(
    name: str,
    label: object,
    subject: object,
    text: object,
    audience: Audience,
    visible: Check = contract_is_visible,
    **example: str,
) -> Kind:
    return declare(
        Kind(
            name=name,
            group=CONTRACTS,
            label=label,
            subject=subject,
            text=text,
            link="/contracts/{subject_id}/milestones",
            delivery=Delivery.AT_ONCE,
            audience=audience,
            visible=visible,
            example={"title": TITLE, **example},
        )
    )


DUE = "2027-01-31T16:00:00+00:00"
NAME = "中期检查"
DUE_SOON = _kind(
    "milestone.due_soon",
    _("A milestone of ours is due soon"),
    _("Due soon: %(milestone)s of %(title)s"),
    _("The milestone “%(milestone)s” of “%(title)s” is due by %(due_at)s."),
    Audience.ORGANIZATION,
    milestone=NAME,
    due_at=DUE,
)
OVERDUE = _kind(
    "milestone.overdue",
    _("A milestone is overdue"),
    _("Overdue: %(milestone)s of %(title)s"),
    _("The milestone “%(milestone)s” of “%(title)s” was due by %(due_at)s, and nothing is reported."),
    Audience.EVERYBODY,
    milestone=NAME,
    due_at=DUE,
)
REPORTED = _kind(
    "milestone.reported",
    _("A team has reported on a milestone"),
    _("Report on %(milestone)s: %(title)s"),
    _(
        "Team %(team)s has reported on the milestone “%(milestone)s” of “%(title)s”. Accept it or ask for rework."
    ),
    Audience.ORGANIZATION,
    milestone=NAME,
    team="1",
)
ANSWERED = {
    True: _kind(
        "milestone.accepted",
        _("A milestone of ours is accepted"),
        _("Accepted: %(milestone)s of %(title)s"),
        _("The poster has accepted the milestone “%(milestone)s” of “%(title)s”."),
        Audience.ORGANIZATION,
        milestone=NAME,
    ),
    False: _kind(
        "milestone.rework",
        _("Rework is asked for"),
        _("Rework: %(milestone)s of %(title)s"),
        _("The poster asks for rework of the milestone “%(milestone)s” of “%(title)s”:\n\n%(note)s"),
        Audience.ORGANIZATION,
        milestone=NAME,
        note="请补充第三方检测报告。",
    ),
}
PAID = _kind(
    "milestone.paid",
    _("A milestone of ours is paid"),
    _("Paid: %(milestone)s of %(title)s"),
    _(
        "The poster says that %(amount)s 万元 for the milestone “%(milestone)s” of “%(title)s” are paid. Confirm when the money is there."
    ),
    Audience.ORGANIZATION,
    milestone=NAME,
    amount="80",
)
RECEIVED = _kind(
    "milestone.received",
    _("A team has confirmed a payment"),
    _("Payment confirmed: %(milestone)s of %(title)s"),
    _("The team has confirmed the payment of the milestone “%(milestone)s” of “%(title)s”."),
    Audience.ORGANIZATION,
    milestone=NAME,
)
ELIMINATION_PROPOSED = _kind(
    "elimination.proposed",
    _("An elimination waits for our decision"),
    _("Elimination proposed: %(title)s"),
    _("After the stage review the poster proposes to eliminate team %(team)s of “%(title)s”:\n\n%(note)s"),
    Audience.OFFICER,
    every_contract_is_visible,
    team="2",
    note="关键指标明显落后于另一团队。",
)
ELIMINATED = _kind(
    "elimination.confirmed",
    _("A team is eliminated from the horse race"),
    _("Eliminated: team %(team)s of %(title)s"),
    _("After the stage review team %(team)s of “%(title)s” is eliminated:\n\n%(note)s"),
    Audience.ORGANIZATION,
    team="2",
    note="关键指标明显落后于另一团队。",
)
ELIMINATION_REFUSED = _kind(
    "elimination.refused",
    _("An elimination that we proposed is refused"),
    _("Elimination refused: %(title)s"),
    _("The officer does not eliminate team %(team)s of “%(title)s”:\n\n%(note)s"),
    Audience.ORGANIZATION,
    every_contract_is_visible,
    team="2",
    note="评估材料不足。",
)
