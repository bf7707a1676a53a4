"""What people are told of a challenge's way."""

from challenges.postings.sight import challenge_is_ours
from core.i18n import lazy_gettext as _
from core.notifications.kinds import Audience, Group, Kind, declare
from core.notifications.models import Delivery

CHALLENGES = Group("challenges", _("Our challenges"))
SCREENING = Group("screening", _("Work of officers"))
LINK = "/challenges/{subject_id}"
TITLE = "轧机主传动轴承寿命预测"

SUBMITTED = declare(
    Kind(
        name="challenge.submitted",
        group=SCREENING,
        label=_("A challenge waits for screening"),
        subject=_("Waits for screening: %(title)s"),
        text=_("%(organization)s has submitted the challenge “%(title)s” to %(program)s."),
        link=LINK,
        delivery=Delivery.AT_ONCE,
        audience=Audience.OFFICER,
        visible=challenge_is_ours,
        example={"title": TITLE, "organization": "华东重型装备集团", "program": "装备制造关键技术专项"},
    )
)
PUBLISHED = declare(
    Kind(
        name="challenge.published",
        group=CHALLENGES,
        label=_("Our challenge is published"),
        subject=_("Published: %(title)s"),
        text=_("Your challenge “%(title)s” is on the list now. Solvers are being ranked for it."),
        link=LINK,
        delivery=Delivery.AT_ONCE,
        audience=Audience.ORGANIZATION,
        visible=challenge_is_ours,
        example={"title": TITLE},
    )
)
PUBLICATION_FAILED = declare(
    Kind(
        name="challenge.publication_failed",
        group=SCREENING,
        label=_("A challenge could not be published as planned"),
        subject=_("Not published: %(title)s"),
        text=_("The challenge “%(title)s” could not be published as planned: %(reasons)s"),
        link=LINK,
        delivery=Delivery.AT_ONCE,
        audience=Audience.OFFICER,
        visible=challenge_is_ours,
        example={"title": TITLE, "reasons": "截止时间距发布不足 20 天。"},
    )
)
RETURNED = declare(
    Kind(
        name="challenge.returned",
        group=CHALLENGES,
        label=_("Our challenge is returned for revision"),
        subject=_("Returned for revision: %(title)s"),
        text=_(
            "The officer has returned your challenge “%(title)s” with these comments:\n\n%(note)s"
            "\n\nRevise it and submit it again."
        ),
        link=f"{LINK}/edit",
        delivery=Delivery.AT_ONCE,
        audience=Audience.ORGANIZATION,
        visible=challenge_is_ours,
        example={"title": TITLE, "note": "指标二请给出可检验的数值。"},
    )
)
WITHDRAWN = declare(
    Kind(
        name="challenge.withdrawn",
        group=CHALLENGES,
        label=_("Our challenge is withdrawn"),
        subject=_("Withdrawn: %(title)s"),
        text=_("Your challenge “%(title)s” was withdrawn for this reason:\n\n%(note)s"),
        link=LINK,
        delivery=Delivery.AT_ONCE,
        audience=Audience.ORGANIZATION,
        visible=challenge_is_ours,
        example={"title": TITLE, "note": "需求已由自主研发解决。"},
    )
)
NO_AWARD = declare(
    Kind(
        name="challenge.no_award",
        group=CHALLENGES,
        label=_("Our challenge ends without an award"),
        subject=_("No award: %(title)s"),
        text=_("Your challenge “%(title)s” has ended without an award:\n\n%(note)s"),
        link=LINK,
        delivery=Delivery.AT_ONCE,
        audience=Audience.ORGANIZATION,
        visible=challenge_is_ours,
        example={"title": TITLE, "note": "截止日前无符合条件的揭榜申报。"},
    )
)
