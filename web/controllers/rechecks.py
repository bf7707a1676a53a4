"""After the approval: members leave, and officers settle what a recheck of the quota found."""

import uuid
from typing import Any

from litestar import Controller, Response, get, post
from litestar.response import Template

from challenges.consortia import decisions, policies, queries, rechecks
from challenges.consortia.forms import DecisionForm, LeaveForm, SettlementForm
from challenges.consortia.models import Settlement
from core.errors import NotFoundError
from core.i18n import gettext
from core.i18n import lazy_gettext as _
from web.controllers.consortia import decision_page
from web.dependencies import Acting, DbSession, FromPath, WebRequest
from web.guards import Access
from web.requests import form_data
from web.templating import redirect, render


class RecheckController(Controller):
    @get("/consortia/{consortium_id:uuid}/leave", opt={"access": Access.OWNER})
    async def ask_to_leave(
        self, request: WebRequest, session: DbSession, actor: Acting, consortium_id: FromPath[uuid.UUID]
    ) -> Template:
        standing = await decisions.read_consortium(session, actor, consortium_id)
        assert standing.consortium is not None
        if not policies.may_leave(actor, standing.challenge, standing.consortium):
            raise NotFoundError(_("There is no such consortium."))
        return render(
            request,
            "consortia/leave.html",
            challenge=standing.challenge,
            consortium=standing.consortium,
            form=LeaveForm(),
        )

    @post("/consortia/{consortium_id:uuid}/leave", opt={"access": Access.OWNER}, status_code=200)
    async def leave(
        self, request: WebRequest, session: DbSession, actor: Acting, consortium_id: FromPath[uuid.UUID]
    ) -> Template | Response[Any]:
        standing = await decisions.read_consortium(session, actor, consortium_id)
        assert standing.consortium is not None
        if not policies.may_see_own_part(actor, standing.consortium):
            raise NotFoundError(_("There is no such consortium."))
        form = LeaveForm(await form_data(request))
        if not form.validate():
            return render(
                request,
                "consortia/leave.html",
                status=422,
                challenge=standing.challenge,
                consortium=standing.consortium,
                form=form,
            )
        await rechecks.leave_consortium(session, actor, consortium_id, form.reason.data or "")
        return redirect(
            request,
            f"/consortia/{consortium_id}",
            flash=gettext("Your organization has left the consortium."),
        )

    @post("/rechecks/{recheck_id:uuid}/settle", opt={"access": Access.OFFICER}, status_code=200)
    async def settle(
        self, request: WebRequest, session: DbSession, actor: Acting, recheck_id: FromPath[uuid.UUID]
    ) -> Template | Response[Any]:
        consortium_id = await queries.consortium_id_of_recheck(session, recheck_id)
        if consortium_id is None:
            raise NotFoundError(_("There is nothing to settle."))
        form = SettlementForm(await form_data(request))
        standing = await decisions.read_consortium(session, actor, consortium_id)
        if not form.validate():
            return await decision_page(
                request, session, actor, standing, DecisionForm(), settlement_form=form, status=422
            )
        await rechecks.settle_recheck(
            session, actor, recheck_id, Settlement(form.settlement.data), form.reason.data or ""
        )
        return redirect(request, f"/consortia/{consortium_id}", flash=gettext("It is settled."))
