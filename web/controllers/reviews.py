"""The officer's side of a review, what the poster sees of its result, and what bidders read afterwards."""

import uuid
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from litestar import Controller, Response, get, post
from litestar.response import Template
from sqlalchemy.ext.asyncio import AsyncSession

from challenges.bids import queries as bid_queries
from challenges.bids.policies import are_bids_opened
from challenges.checks import queries as check_queries
from challenges.postings.models import Challenge
from challenges.postings.service import read_challenge
from challenges.programs.policies import is_officer_of
from challenges.programs.queries import program_by_id
from challenges.reviews import criteria, panels, policies, queries, scoring, service
from challenges.reviews.access import NO_REVIEW, locked_review
from challenges.reviews.assignment import Proposal
from challenges.reviews.forms import BeginForm, CriteriaForm, ExtensionForm, ReasonForm, RemarkForm
from challenges.reviews.models import Review, ReviewState
from challenges.reviews.states import panel_gap, reduction_gap
from core.actor import Actor
from core.clock import from_shanghai
from core.errors import InvalidError, NotFoundError
from core.i18n import gettext
from core.i18n import lazy_gettext as _
from web.challenge_places import places_of
from web.dependencies import Acting, DbSession, FromPath, WebRequest
from web.guards import Access
from web.requests import form_data
from web.review_view import bid_rows, comments_on
from web.templating import redirect, render

SPARE_LINES = 2
# Beside those who are free, so many others are shown with what keeps them off.
SHOWN_PROSPECTS = 60


class ReviewController(Controller):
    @get("/challenges/{challenge_id:uuid}/review", opt={"access": Access.PERSON})
    async def show(
        self, request: WebRequest, session: DbSession, actor: Acting, challenge_id: FromPath[uuid.UUID]
    ) -> Template:
        challenge = await _readable(session, actor, challenge_id)
        return await _page(request, session, actor, challenge)

    @post("/challenges/{challenge_id:uuid}/review", opt={"access": Access.OFFICER}, status_code=200)
    async def begin(
        self, request: WebRequest, session: DbSession, actor: Acting, challenge_id: FromPath[uuid.UUID]
    ) -> Response[Any]:
        challenge = await _readable(session, actor, challenge_id)
        form = BeginForm(await form_data(request))
        await service.begin_review(session, actor, challenge, drops_extremes=bool(form.drops_extremes.data))
        return _back(request, challenge_id, gettext("The review has begun: put the panel together."))

    @post("/reviews/{review_id:uuid}/proposal", opt={"access": Access.OFFICER}, status_code=200)
    async def propose(
        self, request: WebRequest, session: DbSession, actor: Acting, review_id: FromPath[uuid.UUID]
    ) -> Response[Any]:
        review = await _managed(session, actor, review_id)
        challenge_id = review.challenge_id
        proposal = await panels.propose(session, actor, review_id)
        return _back(request, challenge_id, _in_words(proposal), "#panel")

    @post("/reviews/{review_id:uuid}/round-proposal", opt={"access": Access.OFFICER}, status_code=200)
    async def propose_for_round(
        self, request: WebRequest, session: DbSession, actor: Acting, review_id: FromPath[uuid.UUID]
    ) -> Response[Any]:
        """All reviews of the round that are being prepared, as one question."""
        review = await _managed(session, actor, review_id)
        challenge_id = review.challenge_id
        assert review.challenge.round_id is not None
        proposal = await panels.propose_for_round(session, actor, review.challenge.round_id)
        return _back(request, challenge_id, _in_words(proposal), "#panel")

    @post("/reviews/{review_id:uuid}/seats", opt={"access": Access.OFFICER}, status_code=200)
    async def seat(
        self, request: WebRequest, session: DbSession, actor: Acting, review_id: FromPath[uuid.UUID]
    ) -> Template | Response[Any]:
        raw = (await form_data(request)).get("expert")
        return await _step(
            request,
            session,
            actor,
            review_id,
            lambda: panels.seat_expert(session, actor, review_id, _uuid(raw)),
            gettext("The expert is on the panel."),
            "#panel",
        )

    @post("/seats/{seat_id:uuid}/removal", opt={"access": Access.OFFICER}, status_code=200)
    async def remove(
        self, request: WebRequest, session: DbSession, actor: Acting, seat_id: FromPath[uuid.UUID]
    ) -> Template | Response[Any]:
        review_id = await queries.review_id_of_seat(session, seat_id)
        if review_id is None:
            raise NotFoundError(NO_REVIEW)
        note = (await form_data(request)).get("note")
        return await _step(
            request,
            session,
            actor,
            review_id,
            lambda: panels.excuse(session, actor, seat_id, note),
            gettext("The expert is off the panel."),
            "#panel",
        )

    @post("/reviews/{review_id:uuid}/scoring", opt={"access": Access.OFFICER}, status_code=200)
    async def begin_scoring(
        self, request: WebRequest, session: DbSession, actor: Acting, review_id: FromPath[uuid.UUID]
    ) -> Response[Any]:
        review = await _managed(session, actor, review_id)
        challenge_id = review.challenge_id
        await service.begin_scoring(session, actor, review_id)
        return _back(request, challenge_id, gettext("The reviewers are told."))

    @post("/reviews/{review_id:uuid}/extension", opt={"access": Access.OFFICER}, status_code=200)
    async def extend(
        self, request: WebRequest, session: DbSession, actor: Acting, review_id: FromPath[uuid.UUID]
    ) -> Template | Response[Any]:
        form = ExtensionForm(await form_data(request))
        return await _step(
            request,
            session,
            actor,
            review_id,
            lambda: service.extend(session, actor, review_id, _until(form)),
            gettext("The deadline is extended."),
        )

    @post("/reviews/{review_id:uuid}/discussion", opt={"access": Access.OFFICER}, status_code=200)
    async def begin_discussion(
        self, request: WebRequest, session: DbSession, actor: Acting, review_id: FromPath[uuid.UUID]
    ) -> Response[Any]:
        """After somebody has left, when those who remain have all scored."""
        review = await _managed(session, actor, review_id)
        challenge_id = review.challenge_id
        await service.begin_discussion(session, actor, await locked_review(session, actor, review_id))
        return _back(request, challenge_id, gettext("The panel discusses now."))

    @post("/reviews/{review_id:uuid}/reopening", opt={"access": Access.OFFICER}, status_code=200)
    async def reopen(
        self, request: WebRequest, session: DbSession, actor: Acting, review_id: FromPath[uuid.UUID]
    ) -> Template | Response[Any]:
        return await _with_reason(request, session, actor, review_id, service.reopen_scoring)

    @post("/reviews/{review_id:uuid}/fewer", opt={"access": Access.OFFICER}, status_code=200)
    async def go_on_with_fewer(
        self, request: WebRequest, session: DbSession, actor: Acting, review_id: FromPath[uuid.UUID]
    ) -> Template | Response[Any]:
        return await _with_reason(request, session, actor, review_id, service.go_on_with_fewer)

    @post("/reviews/{review_id:uuid}/break-off", opt={"access": Access.OFFICER}, status_code=200)
    async def break_off(
        self, request: WebRequest, session: DbSession, actor: Acting, review_id: FromPath[uuid.UUID]
    ) -> Template | Response[Any]:
        return await _with_reason(request, session, actor, review_id, service.break_off)

    @post("/reviews/{review_id:uuid}/end", opt={"access": Access.OFFICER}, status_code=200)
    async def finish(
        self, request: WebRequest, session: DbSession, actor: Acting, review_id: FromPath[uuid.UUID]
    ) -> Response[Any]:
        review = await _managed(session, actor, review_id)
        challenge_id = review.challenge_id
        await service.finish_review(session, actor, review_id)
        return _back(request, challenge_id, gettext("The ranking is fixed; the poster is told."))

    @post("/reviews/{review_id:uuid}/remarks", opt={"access": Access.OFFICER}, status_code=200)
    async def remark(
        self, request: WebRequest, session: DbSession, actor: Acting, review_id: FromPath[uuid.UUID]
    ) -> Template | Response[Any]:
        text = RemarkForm(await form_data(request)).text.data or ""
        return await _step(
            request,
            session,
            actor,
            review_id,
            lambda: scoring.remark_as_officer(session, actor, review_id, text),
            gettext("Saved."),
            "#discussion",
            remark=text,
        )

    @get("/bids/{bid_id:uuid}/review", opt={"access": Access.PERSON})
    async def feedback(
        self, request: WebRequest, session: DbSession, actor: Acting, bid_id: FromPath[uuid.UUID]
    ) -> Template:
        """What the bidders read of their own bid after the award: means and comments without names."""
        bid = await bid_queries.bid_by_id(session, bid_id)
        review = await queries.newest_finished(session, bid.challenge_id) if bid else None
        if bid is None or review is None or not policies.may_read_feedback(actor, bid, review):
            raise NotFoundError(_("There is nothing at this address."))
        own = next(item for item in review.ranking if item["bid"] == str(bid.id))
        return render(
            request,
            "reviews/feedback.html",
            bid=bid,
            review=review,
            own=own,
            comments=comments_on(review, bid),
        )


class CriteriaController(Controller):
    @get("/programs/{program_id:uuid}/criteria", opt={"access": Access.OFFICER})
    async def show(
        self, request: WebRequest, session: DbSession, actor: Acting, program_id: FromPath[uuid.UUID]
    ) -> Template:
        program = await program_by_id(session, program_id)
        if program is None or not is_officer_of(actor, program):
            raise NotFoundError(_("There is no such program."))
        lines = await criteria.lines_of(session, program_id)
        data = [vars(line) for line in lines] + [{} for _ in range(SPARE_LINES)]
        form = CriteriaForm(data={"lines": data[: criteria.MOST]})
        return render(request, "reviews/criteria.html", program=program, form=form)

    @post("/programs/{program_id:uuid}/criteria", opt={"access": Access.OFFICER}, status_code=200)
    async def save(
        self, request: WebRequest, session: DbSession, actor: Acting, program_id: FromPath[uuid.UUID]
    ) -> Template | Response[Any]:
        program = await program_by_id(session, program_id)
        if program is None or not is_officer_of(actor, program):
            raise NotFoundError(_("There is no such program."))
        form = CriteriaForm(await form_data(request))
        try:
            if not form.validate():
                raise InvalidError({})
            async with session.begin_nested():
                await criteria.save_criteria(session, actor, program, form.typed())
        except InvalidError as error:
            for name, message in error.errors.items():
                form[name].errors = [*form[name].errors, message]
            return render(request, "reviews/criteria.html", status=422, program=program, form=form)
        return redirect(request, f"/programs/{program_id}/criteria", flash=gettext("Saved."))


async def _readable(session: AsyncSession, actor: Actor, challenge_id: uuid.UUID) -> Challenge:
    challenge = await read_challenge(session, actor, challenge_id)
    review = await queries.newest_finished(session, challenge_id)
    if not policies.may_read_result(actor, challenge, review):
        raise NotFoundError(_("There is nothing at this address."))
    return challenge


async def _managed(session: AsyncSession, actor: Actor, review_id: uuid.UUID) -> Review:
    review = await queries.review_by_id(session, review_id)
    if review is None or not policies.may_manage(actor, review.challenge):
        raise NotFoundError(NO_REVIEW)
    return review


def _uuid(raw: str) -> uuid.UUID:
    try:
        return uuid.UUID(raw)
    except ValueError:
        raise InvalidError({"expert": _("Choose an expert.")}) from None


def _back(request: WebRequest, challenge_id: uuid.UUID, flash: str, anchor: str = "") -> Response[Any]:
    return redirect(request, f"/challenges/{challenge_id}/review{anchor}", flash=flash)


def _in_words(proposal: Proposal) -> str:
    missing = sum(proposal.missing.values())
    chosen = sum(len(keys) for keys in proposal.chosen.values())
    if missing or any(proposal.missing_enterprise.values()):
        return gettext(
            "Proposed: %(count)s experts. For %(missing)s seats nobody without a conflict is free, or enterprise"
            " experts are too few.",
            count=chosen,
            missing=missing,
        )
    return gettext("Proposed: %(count)s experts, the best choice there is.", count=chosen)


def _until(form: ExtensionForm) -> datetime:
    if not form.validate() or form.until.data is None:
        raise InvalidError({"until": _("Choose a day and a time.")})
    return from_shanghai(form.until.data)


def _note(form: ReasonForm) -> str:
    if not form.validate():
        raise InvalidError({"note": form.note.errors[0]})
    return form.note.data or ""


async def _with_reason(
    request: WebRequest, session: AsyncSession, actor: Actor, review_id: uuid.UUID, act: Any
) -> Template | Response[Any]:
    form = ReasonForm(await form_data(request))
    return await _step(
        request,
        session,
        actor,
        review_id,
        lambda: act(session, actor, review_id, _note(form)),
        gettext("Saved."),
    )


async def _step(
    request: WebRequest,
    session: AsyncSession,
    actor: Actor,
    review_id: uuid.UUID,
    act: Callable[[], Awaitable[Any]],
    done: str,
    anchor: str = "",
    **typed: Any,
) -> Template | Response[Any]:
    """Take a step of a review that the officer is in charge of.

    What `act` refuses, or finds missing in the form, comes back on the page with its messages.
    """
    challenge_id = (await _managed(session, actor, review_id)).challenge_id
    try:
        async with session.begin_nested():
            await act()
    except InvalidError as error:
        return await _again(request, session, actor, challenge_id, error, **typed)
    return _back(request, challenge_id, done, anchor)


async def _again(
    request: WebRequest,
    session: AsyncSession,
    actor: Actor,
    challenge_id: uuid.UUID,
    error: InvalidError,
    **typed: Any,
) -> Template:
    session.expire_all()
    challenge = await read_challenge(session, actor, challenge_id)
    return await _page(request, session, actor, challenge, errors=error.errors, status=422, **typed)


async def _page(
    request: WebRequest,
    session: AsyncSession,
    actor: Actor,
    challenge: Challenge,
    *,
    errors: dict[str, Any] | None = None,
    status: int = 200,
    remark: str = "",
) -> Template:
    is_officer = policies.may_manage(actor, challenge)
    review = (
        await queries.newest_review(session, challenge.id)
        if is_officer
        else await queries.newest_finished(session, challenge.id)
    )
    context: dict[str, Any] = {
        "challenge": challenge,
        "places": await places_of(session, actor, challenge),
        "is_officer": is_officer,
        "review": review,
        "errors": errors or {},
        "remark": remark,
    }
    if review is not None:
        context["rows"] = await bid_rows(session, review)
    if is_officer:
        context |= await _for_officer(session, challenge, review)
    return render(request, "reviews/of_challenge.html", status=status, **context)


async def _for_officer(session: AsyncSession, challenge: Challenge, review: Review | None) -> dict[str, Any]:
    if review is None or review.state is ReviewState.BROKEN_OFF:
        assert challenge.program_id is not None
        return {
            "begin_form": BeginForm(),
            "criteria": await criteria.lines_of(session, challenge.program_id),
            "is_settled": are_bids_opened(challenge)
            and await check_queries.is_everything_settled(session, challenge),
            "admitted": len(await check_queries.admitted_bids(session, challenge.id)),
        }
    shown: dict[str, Any] = {
        "gap": panel_gap(review),
        "reduction_gap": reduction_gap(review),
        "remarks": await queries.remarks_of(session, review.id),
        "revisions": await queries.revisions_of(session, review),
    }
    if review.state in (ReviewState.PREPARING, ReviewState.SCORING):
        shown["prospects"] = (await panels.prospects_of(session, review))[:SHOWN_PROSPECTS]
    return shown
