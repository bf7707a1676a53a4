"""The winners of a challenge: bids side by side, named by the poster, handed in together, decided on by officers."""

import uuid
from typing import Any

from litestar import Controller, Response, get, post
from litestar.response import Template
from sqlalchemy.ext.asyncio import AsyncSession

from challenges.awards import policies, service
from challenges.awards.forms import ChoiceForm, SubmissionForm
from challenges.awards.service import Award
from core.actor import Actor
from core.errors import InvalidError
from core.i18n import gettext
from web.award_view import offer_lines, team_lines
from web.challenge_places import places_of
from web.controllers.matches import heat
from web.dependencies import Acting, DbSession, FromPath, WebRequest
from web.guards import Access
from web.requests import form_data
from web.templating import redirect, render


class AwardController(Controller):
    path = "/challenges/{challenge_id:uuid}/award"

    @get("/", opt={"access": Access.PERSON})
    async def show(
        self, request: WebRequest, session: DbSession, actor: Acting, challenge_id: FromPath[uuid.UUID]
    ) -> Template:
        award = await service.read_award(session, actor, challenge_id)
        return await _page(request, session, actor, award)

    @post("/choose", opt={"access": Access.EDITOR}, status_code=200)
    async def choose(
        self, request: WebRequest, session: DbSession, actor: Acting, challenge_id: FromPath[uuid.UUID]
    ) -> Template | Response[Any]:
        data = await form_data(request)
        form = ChoiceForm(data)
        award = await service.read_award(session, actor, challenge_id)
        if form.validate():
            try:
                async with session.begin_nested():
                    await service.choose_winners(
                        session,
                        actor,
                        challenge_id,
                        form.bid_ids,
                        form.reason.data or "",
                        data.get("seen"),
                    )
            except InvalidError as error:
                form.add_errors(error.errors)
            else:
                return redirect(
                    request,
                    f"/challenges/{challenge_id}/award#teams",
                    flash=gettext("The winners are named; look at their quotas and submit them together."),
                )
        return await _page(request, session, actor, award, form=form, status=422)

    @post("/submit", opt={"access": Access.EDITOR}, status_code=200)
    async def submit(
        self, request: WebRequest, session: DbSession, actor: Acting, challenge_id: FromPath[uuid.UUID]
    ) -> Template | Response[Any]:
        data = await form_data(request)
        form = SubmissionForm(data)
        award = await service.read_award(session, actor, challenge_id)
        if form.validate():
            try:
                async with session.begin_nested():
                    await service.submit_winners(
                        session,
                        actor,
                        challenge_id,
                        form.note.data or "",
                        data.get("seen"),
                        asks_waiver=bool(form.asks_waiver.data),
                    )
            except InvalidError as error:
                form.add_errors(error.errors)
            else:
                return redirect(
                    request,
                    f"/challenges/{challenge_id}/award",
                    flash=gettext("The winners were submitted; the program's officers have been told."),
                )
        return await _page(request, session, actor, award, submission=form, status=422)

    @post("/drop", opt={"access": Access.EDITOR}, status_code=200)
    async def drop(
        self, request: WebRequest, session: DbSession, actor: Acting, challenge_id: FromPath[uuid.UUID]
    ) -> Response[Any]:
        data = await form_data(request)
        await service.drop_open_teams(session, actor, challenge_id, data.get("seen"))
        return redirect(
            request,
            f"/challenges/{challenge_id}/award",
            flash=gettext("The approved teams were submitted alone; an officer awards them."),
        )

    @post("/confirm", opt={"access": Access.OFFICER}, status_code=200)
    async def confirm(
        self, request: WebRequest, session: DbSession, actor: Acting, challenge_id: FromPath[uuid.UUID]
    ) -> Response[Any]:
        await service.award_rest(session, actor, challenge_id)
        return redirect(
            request, f"/challenges/{challenge_id}/award", flash=gettext("The approved teams hold the award.")
        )


async def _page(
    request: WebRequest,
    session: AsyncSession,
    actor: Actor,
    award: Award,
    *,
    form: ChoiceForm | None = None,
    submission: SubmissionForm | None = None,
    status: int = 200,
) -> Template:
    named = award.named
    if form is None:
        reasons = [item.reason for item in award.choices.values() if item.bid_id in named]
        form = ChoiceForm(data={"bids": [str(key) for key in named], "reason": reasons[0] if reasons else ""})
    notes = [item.consortium.note for item in award.open_teams if item.consortium is not None]
    return render(
        request,
        "awards/show.html",
        status=status,
        challenge=award.challenge,
        award=award,
        lines=offer_lines(award, set(form.bids.data or [])),
        teams=team_lines(award),
        needs_review=policies.needs_review(award.challenge),
        form=form,
        submission=submission or SubmissionForm(data={"note": notes[0] if notes else ""}),
        places=await places_of(session, actor, award.challenge),
        heat=heat,
    )
