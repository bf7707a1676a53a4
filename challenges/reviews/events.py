"""What reviewers, officers and posters are told of reviews. Bidders are told of results, never of reviewers."""

import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.postings.events import CHALLENGES, SCREENING
from challenges.programs import queries as program_queries
from challenges.reviews import policies, queries
from challenges.reviews.models import PanelSeat, Review, SeatState
from core.i18n import lazy_gettext as _
from core.notifications.kinds import Audience, Group, Kind, declare
from core.notifications.models import Delivery, Notification
from core.notifications.service import notify
from solvers.organizations import queries as organization_queries
from solvers.organizations.acting import actors_of

REVIEWING = Group("reviewing", _("My reviews"))
TITLE, NAME, DUE = "轧机主传动轴承寿命预测", "周教授", "2026-12-09T08:00:00+00:00"


async def seat_is_visible(
    session: AsyncSession, person_id: uuid.UUID, told: Sequence[Notification]
) -> set[uuid.UUID]:
    actors = await actors_of(session, person_id)
    reviews = await queries.reviews_of_seats(session, {item.subject_id for item in told})
    own = {
        seat.id
        for review in reviews
        for seat in review.seats
        if any(policies.holds_seat(actor, seat) for actor in actors)
    }
    return {item.id for item in told if item.subject_id in own}


async def review_is_visible(
    session: AsyncSession, person_id: uuid.UUID, told: Sequence[Notification]
) -> set[uuid.UUID]:
    actors = await actors_of(session, person_id)
    reviews = {
        review.id: review
        for review in await queries.reviews_by_ids(session, {item.subject_id for item in told})
    }
    return {
        item.id
        for item in told
        if (review := reviews.get(item.subject_id)) is not None
        and any(policies.may_read_result(actor, review.challenge, review) for actor in actors)
    }


def _for_reviewers(name: str, label: Any, subject: Any, text: Any, **example: str) -> Kind:
    return declare(
        Kind(
            name=name,
            group=REVIEWING,
            label=label,
            subject=subject,
            text=text,
            link="/seats/{subject_id}",
            delivery=Delivery.AT_ONCE,
            audience=Audience.REVIEWER,
            visible=seat_is_visible,
            example={"title": TITLE, "due_at": DUE, **example},
        )
    )


def _for_officers(name: str, label: Any, subject: Any, text: Any, **example: str) -> Kind:
    return declare(
        Kind(
            name=name,
            group=SCREENING,
            label=label,
            subject=subject,
            text=text,
            link="/challenges/{challenge_id}/review",
            delivery=Delivery.AT_ONCE,
            audience=Audience.OFFICER,
            visible=review_is_visible,
            example={"title": TITLE, "challenge_id": str(uuid.UUID(int=1)), **example},
        )
    )


ASKED = _for_reviewers(
    "review.asked",
    _("I am asked to review bids"),
    _("Please review: %(title)s"),
    _(
        "You are on the panel for “%(title)s”. Say first whether you have a conflict of interest; then score the bids"
        " by %(due_at)s."
    ),
)
REMINDER = _for_reviewers(
    "review.reminder",
    _("My scores are due soon"),
    _("Scores due soon: %(title)s"),
    _("Your scores for “%(title)s” are due on %(due_at)s."),
)
EXTENDED = _for_reviewers(
    "review.extended",
    _("I have more time for a review"),
    _("More time for the review: %(title)s"),
    _("Scores for “%(title)s” can be handed in until %(due_at)s now."),
)
OVERDUE_FOR_ME = _for_reviewers(
    "review.overdue_for_me",
    _("The deadline for my scores has passed"),
    _("Deadline passed: %(title)s"),
    _(
        "The deadline for scores on “%(title)s” passed on %(due_at)s. What you saved is kept; the officer can extend"
        " the deadline."
    ),
)
DISCUSSION_BEGUN = _for_reviewers(
    "review.discussion_begun",
    _("The discussion of a panel begins"),
    _("Discussion of the panel: %(title)s"),
    _(
        "All reviewers of “%(title)s” have scored. Compare the scores, discuss, and revise yours where needed."
    ),
)
REMARK = _for_reviewers(
    "review.remark",
    _("Somebody has said something in a panel's discussion"),
    _("New remark in the discussion: %(title)s"),
    _("There is a new remark in the panel's discussion of “%(title)s”."),
)
EXCUSED = _for_reviewers(
    "review.excused",
    _("I am no longer on a panel"),
    _("No longer on the panel: %(title)s"),
    _("The officer has taken you off the panel for “%(title)s”. Nothing is left for you to do."),
)
BROKEN_OFF = _for_reviewers(
    "review.broken_off",
    _("A review of mine is broken off"),
    _("Review broken off: %(title)s"),
    _("The review of “%(title)s” has been broken off. Nothing is left for you to do."),
)
CONFLICT_DECLARED = _for_officers(
    "review.conflict_declared",
    _("A reviewer has declared a conflict of interest"),
    _("Reviewer to replace: %(title)s"),
    _(
        "%(reviewer)s has declared a conflict of interest for “%(title)s” and is off the panel. Appoint somebody else."
    ),
    reviewer=NAME,
)
ALL_HANDED_IN = _for_officers(
    "review.all_handed_in",
    _("All reviewers of a panel have scored"),
    _("All scores are in: %(title)s"),
    _("All reviewers of “%(title)s” have scored; the panel discusses. Finish the review when it is done."),
)
OVERDUE = _for_officers(
    "review.overdue",
    _("The deadline of a review has passed with scores missing"),
    _("Scores missing: %(title)s"),
    _(
        "The deadline of the review of “%(title)s” has passed with scores missing. Extend it or exchange reviewers."
    ),
)
FINISHED = declare(
    Kind(
        name="review.finished",
        group=CHALLENGES,
        label=_("The review of our challenge is finished"),
        subject=_("Review finished: %(title)s"),
        text=_(
            "The experts' review of the bids for “%(title)s” is finished. See the ranking and name the winners."
        ),
        link="/challenges/{challenge_id}/review",
        delivery=Delivery.AT_ONCE,
        audience=Audience.ORGANIZATION,
        visible=review_is_visible,
        example={"title": TITLE, "challenge_id": str(uuid.UUID(int=1))},
    )
)


async def tell_reviewer(session: AsyncSession, kind: Kind, seat: PanelSeat, *, occasion: str = "") -> None:
    parameters = {"title": seat.review.challenge.title}
    if seat.review.due_at is not None:
        parameters["due_at"] = seat.review.due_at.isoformat()
    key = f"{kind.name}:{seat.id}:{occasion}"
    await notify(session, key, kind, [seat.expert.person_id], seat, parameters)


async def tell_panel(
    session: AsyncSession, kind: Kind, review: Review, *, besides: uuid.UUID, occasion: str
) -> None:
    for seat in review.seats:
        if seat.state is SeatState.HANDED_IN and seat.expert.person_id != besides:
            await tell_reviewer(session, kind, seat, occasion=occasion)


async def tell_officers(
    session: AsyncSession, kind: Kind, review: Review, *, occasion: str = "", **texts: str
) -> None:
    assert review.challenge.program_id is not None
    people = await program_queries.officer_ids(session, review.challenge.program_id)
    key = f"{kind.name}:{review.id}:{occasion}"
    await notify(session, key, kind, people, review, {**_about(review), **texts})


async def tell_poster(session: AsyncSession, kind: Kind, review: Review) -> None:
    people = await organization_queries.editor_ids(session, review.challenge.organization_id)
    await notify(session, f"{kind.name}:{review.id}", kind, people, review, _about(review))


def _about(review: Review) -> dict[str, str]:
    return {"title": review.challenge.title, "challenge_id": str(review.challenge_id)}
