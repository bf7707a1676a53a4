"""Objections against awards on public notice: raised, withdrawn, answered."""

import uuid
from typing import Any

from litestar import Controller, Response, get, post
from litestar.response import Template
from sqlalchemy.ext.asyncio import AsyncSession

from challenges.awards.queries import approved_teams
from challenges.notices.service import read_notice
from challenges.objections import policies, queries, service
from challenges.objections.forms import AnswerForm, ObjectionForm
from challenges.objections.models import Effect, Objection, ObjectionState
from challenges.postings.policies import is_officer_in_charge
from core.actor import Actor
from core.attachments import attachments_of
from core.errors import ForbiddenError, InvalidError
from core.i18n import gettext
from core.i18n import lazy_gettext as _
from web.dependencies import Acting, Config, DbSession, FromPath, WebRequest
from web.form_files import FilePart, form_files, refused_files, waiting_files
from web.guards import Access
from web.notice_view import team_views
from web.requests import UPLOAD_BODY_LIMIT, as_uuid, form_data
from web.templating import redirect, render


class ObjectionController(Controller):
    @get("/notices/{notice_id:uuid}/objections/new", opt={"access": Access.PERSON})
    async def new(
        self, request: WebRequest, session: DbSession, actor: Acting, notice_id: FromPath[uuid.UUID]
    ) -> Template:
        return await _new_page(request, session, actor, notice_id, ObjectionForm())

    @post(
        "/notices/{notice_id:uuid}/objections/new",
        opt={"access": Access.EDITOR},
        status_code=200,
        request_max_body_size=UPLOAD_BODY_LIMIT,
    )
    async def create(
        self,
        request: WebRequest,
        session: DbSession,
        settings: Config,
        actor: Acting,
        notice_id: FromPath[uuid.UUID],
    ) -> Template | Response[Any]:
        form = ObjectionForm(await form_data(request))
        # Whoever may not object is told so whatever was typed.
        notice = await read_notice(session, actor, notice_id)
        if not policies.has_standing(actor, notice.challenge) or not form.validate():
            part = await waiting_files(request)
            return await _new_page(request, session, actor, notice_id, form, files=part, status=422)
        try:
            async with form_files(request, session, settings, actor, "notice", notice_id) as files:
                objection = await service.raise_objection(
                    session,
                    actor,
                    settings,
                    notice_id,
                    form.text.data or "",
                    as_uuid(form.consortium.data or ""),
                    files,
                )
        except InvalidError as error:
            part = await refused_files(request, form, error)
            return await _new_page(request, session, actor, notice_id, form, files=part, status=422)
        return redirect(
            request,
            f"/objections/{objection.id}",
            flash=gettext("The objection was raised; the program's officers have been told."),
        )

    @get("/my/objections", opt={"access": Access.PERSON})
    async def mine(self, request: WebRequest, session: DbSession, actor: Acting) -> Template:
        if actor.organization_id is None:
            raise ForbiddenError(_("Objections are raised by organizations."))
        return render(
            request,
            "objections/mine.html",
            objections=await queries.own_objections(session, actor.organization_id),
        )

    @get("/objections/{objection_id:uuid}", opt={"access": Access.PERSON})
    async def show(
        self, request: WebRequest, session: DbSession, actor: Acting, objection_id: FromPath[uuid.UUID]
    ) -> Template:
        objection = await service.read_objection(session, actor, objection_id)
        return await _page(request, session, actor, objection, AnswerForm())

    @post("/objections/{objection_id:uuid}/withdraw", opt={"access": Access.EDITOR}, status_code=200)
    async def withdraw(
        self, request: WebRequest, session: DbSession, actor: Acting, objection_id: FromPath[uuid.UUID]
    ) -> Response[Any]:
        await service.withdraw_objection(session, actor, objection_id)
        return redirect(request, f"/objections/{objection_id}", flash=gettext("The objection was withdrawn."))

    @post("/objections/{objection_id:uuid}/answer", opt={"access": Access.OFFICER}, status_code=200)
    async def answer(
        self, request: WebRequest, session: DbSession, actor: Acting, objection_id: FromPath[uuid.UUID]
    ) -> Template | Response[Any]:
        objection = await service.read_objection(session, actor, objection_id)
        form = AnswerForm(await form_data(request))
        if not form.validate():
            return await _page(request, session, actor, objection, form, status=422)
        try:
            async with session.begin_nested():
                await service.answer_objection(
                    session,
                    actor,
                    objection_id,
                    Effect(form.effect.data),
                    form.answer.data or "",
                    form.summary.data or "",
                    [key for text in form.teams.data or [] if (key := as_uuid(text)) is not None],
                )
        except InvalidError as error:
            form.add_errors(error.errors)
            return await _page(request, session, actor, objection, form, status=422)
        return redirect(
            request,
            f"/objections/{objection_id}",
            flash=gettext("The objection is answered; everybody concerned has been told."),
        )


async def _new_page(
    request: WebRequest,
    session: AsyncSession,
    actor: Actor,
    notice_id: uuid.UUID,
    form: ObjectionForm,
    *,
    files: FilePart | None = None,
    status: int = 200,
) -> Template:
    notice = await read_notice(session, actor, notice_id)
    if not policies.has_standing(actor, notice.challenge):
        raise ForbiddenError(
            _("Objections are raised by owners and editors of verified organizations, the poster excepted.")
        )
    teams = team_views(notice.content)
    form.consortium.choices = [
        ("", gettext("The whole decision")),
        *((team.consortium, team.lead) for team in teams),
    ]
    return render(
        request,
        "objections/new.html",
        status=status,
        notice=notice,
        challenge=notice.challenge,
        form=form,
        files=files or FilePart(),
        may_object=await service.may_object(session, actor, notice),
    )


async def _page(
    request: WebRequest,
    session: AsyncSession,
    actor: Actor,
    objection: Objection,
    form: AnswerForm,
    *,
    status: int = 200,
) -> Template:
    challenge = objection.challenge
    sees_objector = policies.may_see_objector(actor, objection)
    is_officer = is_officer_in_charge(actor, challenge)
    why_not = await service.why_not_answer(session, actor, objection) if is_officer else ""
    waits = objection.state is ObjectionState.RAISED
    teams = await approved_teams(session, challenge.id) if waits else []
    form.teams.choices = [(str(item.id), item.lead.name if item.lead else "") for item in teams]
    if form.teams.data is None or not form.teams.data:
        against = (
            [str(objection.consortium_id)] if objection.consortium_id else [str(item.id) for item in teams]
        )
        form.teams.data = against
    return render(
        request,
        "objections/show.html",
        status=status,
        objection=objection,
        notice=objection.notice,
        challenge=challenge,
        sees_objector=sees_objector,
        is_officer=is_officer,
        files=await attachments_of(session, service.SUBJECT, objection.id) if sees_objector else [],
        form=form,
        may_answer=is_officer and waits and not why_not,
        why_not=why_not if waits else "",
        may_withdraw=policies.may_withdraw(actor, objection),
    )
