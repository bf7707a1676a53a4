"""A reviewer's own pages: seats, declaration, bids and scores, discussion. For others they do not exist."""

import uuid
from typing import Any

from litestar import Controller, Response, get, post
from litestar.response import Template
from sqlalchemy.ext.asyncio import AsyncSession

from challenges.bids import queries as bid_queries
from challenges.bids.completeness import budget_table
from challenges.bids.models import Bid
from challenges.bids.sealing import bid_files
from challenges.checks import queries as check_queries
from challenges.reviews import policies, queries, scoring
from challenges.reviews.access import NO_SEAT, own_seat
from challenges.reviews.forms import SOME, DeclarationForm, PointsForm, ReasonForm, RemarkForm
from challenges.reviews.models import PanelSeat, Review
from core.actor import Actor
from core.attachments import attachments_of
from core.errors import InvalidError, NotFoundError
from core.i18n import gettext
from web.dependencies import Acting, DbSession, FromPath, WebRequest
from web.guards import Access
from web.requests import FormData, form_data
from web.review_view import bid_rows, own_scores, scores_of
from web.templating import redirect, render


class ReviewingController(Controller):
    @get("/my/reviews", opt={"access": Access.REVIEWER})
    async def mine(self, request: WebRequest, session: DbSession, actor: Acting) -> Template:
        seats = await queries.seats_of_person(session, actor.person_id)
        return render(
            request,
            "reviews/mine.html",
            seats=seats,
            missing={seat.id: scoring.missing_scores(seat) for seat in seats},
        )

    @get("/seats/{seat_id:uuid}", opt={"access": Access.REVIEWER})
    async def show(
        self, request: WebRequest, session: DbSession, actor: Acting, seat_id: FromPath[uuid.UUID]
    ) -> Template:
        return await _page(request, session, actor, await own_seat(session, actor, seat_id))

    @post("/seats/{seat_id:uuid}/declaration", opt={"access": Access.REVIEWER}, status_code=200)
    async def declare(
        self, request: WebRequest, session: DbSession, actor: Acting, seat_id: FromPath[uuid.UUID]
    ) -> Template | Response[Any]:
        seat = await own_seat(session, actor, seat_id)
        form = DeclarationForm(await form_data(request))
        has_conflict = form.conflict.data == SOME
        try:
            if not form.validate():
                raise InvalidError({})
            async with session.begin_nested():
                await scoring.declare(
                    session,
                    actor,
                    seat_id,
                    has_conflict=has_conflict,
                    bid_ids=form.bids.data or [],
                    reason=form.reason.data or "",
                )
        except InvalidError as error:
            form.add_errors(error.errors)
            seat = await _reloaded(session, actor, seat_id)
            return await _page(request, session, actor, seat, declaration=form, status=422)
        message = (
            gettext("Thank you. Somebody else is appointed in your place.")
            if has_conflict
            else gettext("Thank you. You can read the bids now.")
        )
        return redirect(request, f"/seats/{seat_id}", flash=message)

    @get("/seats/{seat_id:uuid}/bids/{bid_id:uuid}", opt={"access": Access.REVIEWER})
    async def bid(
        self,
        request: WebRequest,
        session: DbSession,
        actor: Acting,
        seat_id: FromPath[uuid.UUID],
        bid_id: FromPath[uuid.UUID],
    ) -> Template:
        seat, bid = await _reading(session, actor, seat_id, bid_id)
        return await _bid_page(request, session, actor, seat, bid)

    @post("/seats/{seat_id:uuid}/bids/{bid_id:uuid}", opt={"access": Access.REVIEWER}, status_code=200)
    async def score(
        self,
        request: WebRequest,
        session: DbSession,
        actor: Acting,
        seat_id: FromPath[uuid.UUID],
        bid_id: FromPath[uuid.UUID],
    ) -> Template | Response[Any]:
        """Save a draft; in the discussion revise what was handed in, with a reason."""
        seat, bid = await _reading(session, actor, seat_id, bid_id)
        data = await form_data(request)
        forms, reason = _bound_points(seat.review, data), ReasonForm(data)
        is_revision = policies.sees_everybodys_scores(actor, seat)
        try:
            # All of them, so that each shows its message.
            valid = [form.validate() for form in (*forms, reason)]
            if not all(valid):
                raise InvalidError({})
            given = [form.given() for form in forms]
            async with session.begin_nested():
                if is_revision:
                    await scoring.revise(session, actor, seat_id, bid_id, given, reason.note.data or "")
                else:
                    await scoring.save_scores(session, actor, seat_id, bid_id, given)
        except InvalidError as error:
            _put_errors(forms, reason, error.errors)
            session.expire_all()
            seat, bid = await _reading(session, actor, seat_id, bid_id)
            return await _bid_page(request, session, actor, seat, bid, forms=forms, reason=reason, status=422)
        return redirect(request, f"/seats/{seat_id}", flash=gettext("Saved."))

    @post("/seats/{seat_id:uuid}/scores", opt={"access": Access.REVIEWER}, status_code=200)
    async def hand_in(
        self, request: WebRequest, session: DbSession, actor: Acting, seat_id: FromPath[uuid.UUID]
    ) -> Template | Response[Any]:
        await own_seat(session, actor, seat_id)
        try:
            async with session.begin_nested():
                await scoring.hand_in(session, actor, seat_id)
        except InvalidError as error:
            seat = await _reloaded(session, actor, seat_id)
            return await _page(request, session, actor, seat, errors=error.errors, status=422)
        return redirect(request, f"/seats/{seat_id}", flash=gettext("Your scores are handed in."))

    @post("/seats/{seat_id:uuid}/remarks", opt={"access": Access.REVIEWER}, status_code=200)
    async def remark(
        self, request: WebRequest, session: DbSession, actor: Acting, seat_id: FromPath[uuid.UUID]
    ) -> Template | Response[Any]:
        await own_seat(session, actor, seat_id)
        form = RemarkForm(await form_data(request))
        try:
            async with session.begin_nested():
                await scoring.remark(session, actor, seat_id, form.text.data or "")
        except InvalidError as error:
            form.add_errors(error.errors)
            seat = await _reloaded(session, actor, seat_id)
            return await _page(request, session, actor, seat, remark=form, status=422)
        return redirect(request, f"/seats/{seat_id}#discussion", flash=gettext("Saved."))


async def _reloaded(session: AsyncSession, actor: Actor, seat_id: uuid.UUID) -> PanelSeat:
    session.expire_all()
    return await own_seat(session, actor, seat_id)


async def _reading(
    session: AsyncSession, actor: Actor, seat_id: uuid.UUID, bid_id: uuid.UUID
) -> tuple[PanelSeat, Bid]:
    seat = await own_seat(session, actor, seat_id)
    bid = await bid_queries.bid_by_id(session, bid_id)
    if bid is None or not policies.may_read_bid(actor, seat, bid_id):
        raise NotFoundError(NO_SEAT)
    return seat, bid


async def _page(
    request: WebRequest,
    session: AsyncSession,
    actor: Actor,
    seat: PanelSeat,
    *,
    declaration: DeclarationForm | None = None,
    remark: RemarkForm | None = None,
    errors: dict[str, Any] | None = None,
    status: int = 200,
) -> Template:
    review = seat.review
    sees_all = policies.sees_everybodys_scores(actor, seat)
    return render(
        request,
        "reviews/seat.html",
        status=status,
        seat=seat,
        review=review,
        challenge=review.challenge,
        bids=await queries.bids_of(session, review),
        may_read=policies.may_read_bids(actor, seat),
        scored={
            bid: sum(score.points is not None and str(score.bid_id) == bid for score in seat.scores)
            for bid in review.bid_ids
        },
        missing=scoring.missing_scores(seat),
        declaration=declaration or DeclarationForm(),
        remark=remark or RemarkForm(),
        errors=errors or {},
        sees_all=sees_all,
        rows=await bid_rows(session, review) if sees_all else [],
        remarks=await queries.remarks_of(session, review.id) if sees_all else [],
    )


def _points_of(seat: PanelSeat, bid: Bid) -> list[PointsForm]:
    present = {score.criterion: score for score in own_scores(seat, bid)}
    return [
        PointsForm(
            prefix=f"c{place}-",
            data={"points": present[place].points, "comment": present[place].comment}
            if place in present
            else {},
        )
        for place in range(len(seat.review.criteria))
    ]


def _bound_points(review: Review, data: FormData) -> list[PointsForm]:
    return [PointsForm(data, prefix=f"c{place}-") for place in range(len(review.criteria))]


def _put_errors(forms: list[PointsForm], reason: ReasonForm, errors: dict[str, Any]) -> None:
    for name, message in errors.items():
        place = name.removeprefix("points-")
        if place.isdigit():
            field = forms[int(place)].points
            field.errors = [*field.errors, message]
        elif name == "reason":
            reason.note.errors = [*reason.note.errors, message]
        else:
            reason.form_errors.append(message)


async def _bid_page(
    request: WebRequest,
    session: AsyncSession,
    actor: Actor,
    seat: PanelSeat,
    bid: Bid,
    *,
    forms: list[PointsForm] | None = None,
    reason: ReasonForm | None = None,
    status: int = 200,
) -> Template:
    review = seat.review
    sees_all = policies.sees_everybodys_scores(actor, seat)
    check = await check_queries.check_of_bid(session, bid.id)
    if check is not None and check.completed_at is None:
        check = None
    return render(
        request,
        "reviews/bid.html",
        status=status,
        seat=seat,
        review=review,
        challenge=review.challenge,
        bid=bid,
        budget=budget_table(bid),
        attachments=await bid_files(session, bid),
        completion=check,
        completion_files=await attachments_of(session, "completion", check.id) if check else [],
        lines=list(zip(review.criteria, forms or _points_of(seat, bid), strict=True)),
        reason=reason or ReasonForm(),
        sees_all=sees_all,
        may_save=sees_all or seat.state.value == "declared",
        given=scores_of(review, bid) if sees_all else [],
    )
