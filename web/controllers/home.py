"""The front page: for the public what this is, for each role what waits for it."""

from typing import Any

from litestar import Controller, Response, get
from litestar.response import Template

from challenges import waiting_queries
from challenges.amendments.queries import unconfirmed_versions
from challenges.matches.service import recommend_challenges
from challenges.models import Challenge, ChallengeState
from challenges.postings import queries as posting_queries
from challenges.postings import service as postings
from challenges.postings.policies import may_post as may_post_challenges
from challenges.programs import queries as program_queries
from challenges.questions import queries as question_queries
from challenges.reviews import queries as review_queries
from challenges.reviews.policies import is_waiting_for_reviewer
from core.accounts import service as account_service
from core.database import database_time
from core.errors import NotFoundError
from core.i18n import LOCALES
from core.i18n import lazy_gettext as _
from solvers.organizations import queries as organization_queries
from solvers.organizations.models import SizeClass, Verification
from solvers.profiles import queries as profile_queries
from solvers.profiles.completeness import assess
from web.dependencies import Acting, Config, DbSession, FromPath, FromQuery, WebRequest
from web.guards import Access
from web.own_work import Work, work_of
from web.requests import safe_path
from web.sessions import locale_cookie
from web.templating import redirect, render

# What fits beside the other parts of a home without scrolling far.
NEWEST = 6
SHOWN = 5


class HomeController(Controller):
    @get("/", opt={"access": Access.PUBLIC})
    async def home(self, request: WebRequest, session: DbSession, actor: Acting) -> Template:
        if actor.is_anonymous:
            return render(request, "home/front.html", **await _front(session))
        context: dict[str, Any] = {}
        if actor.is_officer:
            context["officer"] = await _officer_part(session, actor)
        if actor.is_administrator:
            context["administrator"] = await _administrator_part(session)
        if actor.is_reviewer:
            context["reviewer"] = await _reviewer_part(session, actor)
        if actor.organization_id is not None:
            organization = await postings.own_organization(session, actor)
            assert organization is not None
            challenges = await posting_queries.challenges_of_organization(session, actor.organization_id)
            may_post = may_post_challenges(actor, organization, await program_queries.programs(session))
            context["organization"] = organization
            if may_post or challenges or organization.size_class is SizeClass.LARGE:
                context["poster"] = await _poster_part(session, actor, challenges, may_post)
            else:
                context["solver"] = await _solver_part(session, actor)
        if not context:
            context["newest"] = await posting_queries.newest_challenges(session, limit=NEWEST)
        return render(request, "home/home.html", parts=context)

    @get("/about", opt={"access": Access.PUBLIC})
    async def about(self, request: WebRequest) -> Template:
        return render(request, "home/about.html")

    @get("/healthz", opt={"access": Access.PUBLIC, "exclude_from_auth": True}, media_type="text/plain")
    async def health(self, session: DbSession) -> str:
        await session.connection()
        return "ok"

    @get("/locale/{locale:str}", opt={"access": Access.PUBLIC})
    async def change_locale(
        self,
        request: WebRequest,
        session: DbSession,
        actor: Acting,
        locale: FromPath[str],
        settings: Config,
        to: FromQuery[str] = "/",
    ) -> Response[Any]:
        """The cookie is for this browser; mail follows the language that its reader chose last."""
        if locale not in LOCALES:
            raise NotFoundError(_("There is nothing at this address."))
        if not actor.is_anonymous:
            await account_service.set_locale_preference(session, actor, locale)
        return redirect(request, safe_path(to), cookies=[locale_cookie(settings, locale)])


async def _front(session: DbSession) -> dict[str, Any]:
    return {
        "figures": await waiting_queries.public_figures(session, await database_time(session)),
        "newest": await posting_queries.newest_challenges(session, limit=NEWEST),
    }


async def _reviewer_part(session: DbSession, actor: Acting) -> dict[str, Any]:
    """Seats on which something is left to do, the nearest deadline first."""
    seats = [
        seat
        for seat in await review_queries.seats_of_person(session, actor.person_id)
        if is_waiting_for_reviewer(seat)
    ]
    return {"seats": sorted(seats, key=lambda seat: (seat.review.due_at is None, seat.review.due_at))}


async def _officer_part(session: DbSession, actor: Acting) -> dict[str, Any]:
    now = await database_time(session)
    return {
        "screening": await waiting_queries.waiting_for_screening(session, actor),
        "decisions": await waiting_queries.waiting_for_decision(session, actor),
        "closed": await waiting_queries.without_consortium(session, actor, now),
        "closing": await waiting_queries.closing_soon(session, actor, now),
    }


async def _administrator_part(session: DbSession) -> dict[str, Any]:
    waiting, total = await organization_queries.verification_queue(
        session, states=[Verification.PENDING], search="", limit=SHOWN, offset=0
    )
    return {"waiting": waiting, "total": total}


async def _work(session: DbSession, actor: Acting) -> list[Work]:
    """Those who only read are not asked to do anything."""
    assert actor.organization_id is not None
    return await work_of(session, actor.organization_id) if actor.may_edit_for_organization else []


async def _poster_part(
    session: DbSession, actor: Acting, challenges: list[Challenge], may_post: bool
) -> dict[str, Any]:
    running = (
        ChallengeState.SUBMITTED,
        ChallengeState.PUBLISHED,
        ChallengeState.CLOSED,
        ChallengeState.IN_REVIEW,
        ChallengeState.MATCH_PROPOSED,
        ChallengeState.AWARDED,
        ChallengeState.IN_NOTICE,
        ChallengeState.CONTRACTED,
        ChallengeState.IN_PROGRESS,
    )
    return {
        "returned": [item for item in challenges if item.state is ChallengeState.RETURNED],
        "drafts": [item for item in challenges if item.state is ChallengeState.DRAFT],
        "running": [item for item in challenges if item.state in running],
        "consortia": await waiting_queries.consortia_waiting_for_poster(session, actor),
        "closed": await waiting_queries.challenges_waiting_for_poster(
            session, actor, await database_time(session)
        ),
        "questions": await question_queries.unanswered_of_poster(
            session, actor, await database_time(session)
        ),
        "work": await _work(session, actor),
        "may_post": may_post,
        "total": len(challenges),
    }


async def _solver_part(session: DbSession, actor: Acting) -> dict[str, Any]:
    assert actor.organization_id is not None
    now = await database_time(session)
    profile = await profile_queries.profile_of(session, actor.organization_id)
    bids = await waiting_queries.live_bids(session, actor, now)
    return {
        "work": await _work(session, actor),
        "completeness": assess(profile),
        "bids": bids,
        "unconfirmed": await unconfirmed_versions(session, [bid.id for bid in bids]),
        "invitations": await waiting_queries.unanswered_invitations(session, actor, now),
        "recommendations": await recommend_challenges(session, actor, limit=SHOWN),
        "newest": await posting_queries.newest_challenges(session, limit=NEWEST),
    }


@get("/{rest:path}", opt={"access": Access.PUBLIC})
async def not_found(rest: FromPath[str]) -> None:
    """Unknown addresses pass through here, so that the error page knows who is reading it."""
    raise NotFoundError(_("There is nothing at this address."))
