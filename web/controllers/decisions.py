"""What belongs to a decision beside itself: waivers of the quota before it, its replay after it."""

import uuid
from typing import Any

from litestar import Controller, Response, get, post
from litestar.response import Template

from challenges.consortia import decisions, queries, replay, waivers
from challenges.consortia.forms import DecisionForm, WaiverAnswerForm, WaiverForm
from core.errors import InvalidError, NotFoundError
from core.i18n import gettext
from core.i18n import lazy_gettext as _
from web.controllers.consortia import decision_page, page_number
from web.dependencies import Acting, DbSession, FromPath, WebRequest
from web.guards import Access
from web.requests import form_data
from web.templating import is_htmx, redirect, render


class DecisionController(Controller):
    @post("/consortia/{consortium_id:uuid}/waiver", opt={"access": Access.OFFICER}, status_code=200)
    async def request_waiver(
        self,
        request: WebRequest,
        session: DbSession,
        actor: Acting,
        consortium_id: FromPath[uuid.UUID],
    ) -> Template | Response[Any]:
        data = await form_data(request)
        form = WaiverForm(data)
        standing = await decisions.read_consortium(session, actor, consortium_id)
        if not form.validate():
            return await decision_page(
                request, session, actor, standing, DecisionForm(), waiver_form=form, status=422
            )
        await waivers.request_waiver(
            session, actor, consortium_id, form.reason.data or "", page_number(data, "revision")
        )
        return redirect(
            request,
            f"/consortia/{consortium_id}",
            flash=gettext("The waiver was asked for; the program's other officers have been told."),
        )

    @post("/waivers/{waiver_id:uuid}/answer", opt={"access": Access.OFFICER}, status_code=200)
    async def answer_waiver(
        self,
        request: WebRequest,
        session: DbSession,
        actor: Acting,
        waiver_id: FromPath[uuid.UUID],
    ) -> Template | Response[Any]:
        consortium_id = await queries.consortium_id_of_waiver(session, waiver_id)
        if consortium_id is None:
            raise NotFoundError(_("There is no such waiver."))
        form = WaiverAnswerForm(await form_data(request))
        standing = await decisions.read_consortium(session, actor, consortium_id)
        is_confirmed = form.answer.data == "confirm"
        is_valid = form.validate()
        if is_valid:
            try:
                async with session.begin_nested():
                    await waivers.answer_waiver(
                        session,
                        actor,
                        waiver_id,
                        is_confirmed=is_confirmed,
                        reason=form.reason.data or "",
                    )
            except InvalidError as error:
                form.add_errors(error.errors)
                is_valid = False
        if not is_valid:
            return await decision_page(
                request, session, actor, standing, DecisionForm(), answer_form=form, status=422
            )
        return redirect(
            request,
            f"/consortia/{consortium_id}",
            flash=gettext("The waiver is confirmed: the consortium may be approved.")
            if is_confirmed
            else gettext("The waiver is refused."),
        )

    @get("/decisions/{decision_id:uuid}/replay", opt={"access": Access.OFFICER})
    async def replay(
        self, request: WebRequest, session: DbSession, actor: Acting, decision_id: FromPath[uuid.UUID]
    ) -> Template:
        decision, found = await replay.read_replay(session, actor, decision_id)
        return render(
            request,
            "consortia/_replay.html" if is_htmx(request) else "consortia/replay.html",
            decision=decision,
            replay=found,
            audit_head=found.head,
        )
