"""What is told of milestones and of the horse race; the subject is the contract."""

from challenges.contracts.events import contract_kind, every_contract_is_visible
from core.i18n import lazy_gettext as _
from core.notifications.kinds import Audience

PAGE = "/milestones"
DUE = "2027-01-31T16:00:00+00:00"
NAME = "中期检查"
DUE_SOON = contract_kind(
    "milestone.due_soon",
    _("A milestone of ours is due soon"),
    _("Due soon: %(milestone)s of %(title)s"),
    _("The milestone “%(milestone)s” of “%(title)s” is due by %(due_at)s."),
    Audience.ORGANIZATION,
    page=PAGE,
    milestone=NAME,
    due_at=DUE,
)
OVERDUE = contract_kind(
    "milestone.overdue",
    _("A milestone is overdue"),
    _("Overdue: %(milestone)s of %(title)s"),
    _("The milestone “%(milestone)s” of “%(title)s” was due by %(due_at)s, and nothing is reported."),
    Audience.EVERYBODY,
    page=PAGE,
    milestone=NAME,
    due_at=DUE,
)
REPORTED = contract_kind(
    "milestone.reported",
    _("A team has reported on a milestone"),
    _("Report on %(milestone)s: %(title)s"),
    _(
        "Team %(team)s has reported on the milestone “%(milestone)s” of “%(title)s”. Accept it or ask for rework."
    ),
    Audience.ORGANIZATION,
    page=PAGE,
    milestone=NAME,
    team="1",
)
ANSWERED = {
    True: contract_kind(
        "milestone.accepted",
        _("A milestone of ours is accepted"),
        _("Accepted: %(milestone)s of %(title)s"),
        _("The poster has accepted the milestone “%(milestone)s” of “%(title)s”."),
        Audience.ORGANIZATION,
        page=PAGE,
        milestone=NAME,
    ),
    False: contract_kind(
        "milestone.rework",
        _("Rework is asked for"),
        _("Rework: %(milestone)s of %(title)s"),
        _("The poster asks for rework of the milestone “%(milestone)s” of “%(title)s”:\n\n%(note)s"),
        Audience.ORGANIZATION,
        page=PAGE,
        milestone=NAME,
        note="请补充第三方检测报告。",
    ),
}
PAID = contract_kind(
    "milestone.paid",
    _("A milestone of ours is paid"),
    _("Paid: %(milestone)s of %(title)s"),
    _(
        "The poster says that %(amount)s 万元 for the milestone “%(milestone)s” of “%(title)s” are paid. Confirm when the money is there."
    ),
    Audience.ORGANIZATION,
    page=PAGE,
    milestone=NAME,
    amount="80",
)
RECEIVED = contract_kind(
    "milestone.received",
    _("A team has confirmed a payment"),
    _("Payment confirmed: %(milestone)s of %(title)s"),
    _("The team has confirmed the payment of the milestone “%(milestone)s” of “%(title)s”."),
    Audience.ORGANIZATION,
    page=PAGE,
    milestone=NAME,
)
ELIMINATION_PROPOSED = contract_kind(
    "elimination.proposed",
    _("An elimination waits for our decision"),
    _("Elimination proposed: %(title)s"),
    _("After the stage review the poster proposes to eliminate team %(team)s of “%(title)s”:\n\n%(note)s"),
    Audience.OFFICER,
    page=PAGE,
    visible=every_contract_is_visible,
    team="2",
    note="关键指标明显落后于另一团队。",
)
ELIMINATED = contract_kind(
    "elimination.confirmed",
    _("A team is eliminated from the horse race"),
    _("Eliminated: team %(team)s of %(title)s"),
    _("After the stage review team %(team)s of “%(title)s” is eliminated:\n\n%(note)s"),
    Audience.ORGANIZATION,
    page=PAGE,
    team="2",
    note="关键指标明显落后于另一团队。",
)
ELIMINATION_REFUSED = contract_kind(
    "elimination.refused",
    _("An elimination that we proposed is refused"),
    _("Elimination refused: %(title)s"),
    _("The officer does not eliminate team %(team)s of “%(title)s”:\n\n%(note)s"),
    Audience.ORGANIZATION,
    page=PAGE,
    visible=every_contract_is_visible,
    team="2",
    note="评估材料不足。",
)
