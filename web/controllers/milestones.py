"""Milestones of a contract: reports, answers, payments, and the stage reviews of a horse race."""

import uuid
from typing import Any

from litestar import Controller, Response, get, post
from litestar.response import Template

from challenges.contracts.forms import ReasonForm
from challenges.contracts.policies import may_see_all
from challenges.contracts.standing import read_contract
from challenges.milestones import horse_race, policies, queries, service
from challenges.milestones.forms import AnswerForm, ReportForm, VerdictForm
from challenges.milestones.models import MilestoneState
from core.actor import Actor
from core.attachments import attachments_of
from core.database import database_time
from core.errors import InvalidError, NotFoundError
from core.i18n import gettext
from core.i18n import lazy_gettext as _
from web.challenge_places import places_of
from web.dependencies import Acting, Config, DbSession, FromPath, WebRequest
from web.form_files import FilePart, form_files, refused_files
from web.guards import Access
from web.requests import UPLOAD_BODY_LIMIT, form_data
from web.templating import redirect, render


class MilestoneController(Controller):
    @get("/contracts/{contract_id:uuid}/milestones", opt={"access": Access.PERSON})
    async def of_contract(
        self, request: WebRequest, session: DbSession, actor: Acting, contract_id: FromPath[uuid.UUID]
    ) -> Template:
        return await _page(request, session, actor, contract_id)

    @post(
        "/milestones/{milestone_id:uuid}/report",
        opt={"access": Access.EDITOR},
        status_code=200,
        request_max_body_size=UPLOAD_BODY_LIMIT,
    )
    async def report(
        self,
        request: WebRequest,
        session: DbSession,
        settings: Config,
        actor: Acting,
        milestone_id: FromPath[uuid.UUID],
    ) -> Template | Response[Any]:
        contract_id = await _contract_of(session, milestone_id)
        form = ReportForm(await form_data(request))
        try:
            async with form_files(request, session, settings, actor, "milestone", milestone_id) as files:
                await service.report_milestone(
                    session, settings, actor, milestone_id, form.text.data or "", files
                )
        except InvalidError as error:
            part = await refused_files(request, form, error)
            failed = (milestone_id, "report", form)
            return await _page(request, session, actor, contract_id, failed=failed, files=part, status=422)
        return _back(request, contract_id, milestone_id, gettext("Reported: the poster is told."))

    @post("/milestones/{milestone_id:uuid}/answer", opt={"access": Access.EDITOR}, status_code=200)
    async def answer(
        self, request: WebRequest, session: DbSession, actor: Acting, milestone_id: FromPath[uuid.UUID]
    ) -> Template | Response[Any]:
        contract_id = await _contract_of(session, milestone_id)
        standing = await read_contract(session, actor, contract_id)
        form = AnswerForm(await form_data(request))
        milestone = next(
            item for item in await queries.milestones_of(session, contract_id) if item.id == milestone_id
        )
        if policies.may_answer(actor, standing.contract, milestone) and not form.validate():
            return await _page(
                request, session, actor, contract_id, failed=(milestone_id, "answer", form), status=422
            )
        try:
            async with session.begin_nested():
                await service.answer_report(
                    session,
                    actor,
                    milestone_id,
                    accept=form.answer.data == "accept",
                    reason=form.note.data or "",
                )
        except InvalidError as error:
            form.add_errors(error.errors)
            return await _page(
                request, session, actor, contract_id, failed=(milestone_id, "answer", form), status=422
            )
        return _back(request, contract_id, milestone_id, gettext("The team is told."))

    @post("/milestones/{milestone_id:uuid}/paid", opt={"access": Access.EDITOR}, status_code=200)
    async def paid(
        self, request: WebRequest, session: DbSession, actor: Acting, milestone_id: FromPath[uuid.UUID]
    ) -> Response[Any]:
        milestone = await service.mark_paid(session, actor, milestone_id)
        return _back(
            request, milestone.contract_id, milestone_id, gettext("Marked as paid: the lead confirms it.")
        )

    @post("/milestones/{milestone_id:uuid}/received", opt={"access": Access.EDITOR}, status_code=200)
    async def received(
        self, request: WebRequest, session: DbSession, actor: Acting, milestone_id: FromPath[uuid.UUID]
    ) -> Response[Any]:
        milestone = await service.confirm_payment(session, actor, milestone_id)
        return _back(request, milestone.contract_id, milestone_id, gettext("The payment is confirmed."))

    @post("/milestones/{milestone_id:uuid}/elimination", opt={"access": Access.EDITOR}, status_code=200)
    async def propose_elimination(
        self, request: WebRequest, session: DbSession, actor: Acting, milestone_id: FromPath[uuid.UUID]
    ) -> Template | Response[Any]:
        contract_id = await _contract_of(session, milestone_id)
        form = ReasonForm(await form_data(request))
        try:
            async with session.begin_nested():
                await horse_race.propose_elimination(session, actor, milestone_id, form.note.data or "")
        except InvalidError as error:
            form.add_errors(error.errors)
            return await _page(
                request, session, actor, contract_id, failed=(milestone_id, "elimination", form), status=422
            )
        return _back(request, contract_id, milestone_id, gettext("Proposed: an officer decides."))

    @post("/eliminations/{elimination_id:uuid}/answer", opt={"access": Access.OFFICER}, status_code=200)
    async def answer_elimination(
        self, request: WebRequest, session: DbSession, actor: Acting, elimination_id: FromPath[uuid.UUID]
    ) -> Template | Response[Any]:
        proposal = await queries.elimination_by_id(session, elimination_id)
        if proposal is None:
            raise NotFoundError(_("There is no such proposal."))
        contract_id = proposal.contract_id
        await read_contract(session, actor, contract_id)
        form = VerdictForm(await form_data(request))
        try:
            async with session.begin_nested():
                if not form.validate():
                    raise InvalidError({})
                await horse_race.answer_elimination(
                    session,
                    actor,
                    elimination_id,
                    confirm=form.answer.data == "accept",
                    reason=form.note.data or "",
                )
        except InvalidError as error:
            form.add_errors(error.errors)
            return await _page(
                request, session, actor, contract_id, failed=(elimination_id, "decision", form), status=422
            )
        return redirect(
            request, f"/contracts/{contract_id}/milestones", flash=gettext("Your decision is recorded.")
        )


async def _contract_of(session: DbSession, milestone_id: uuid.UUID) -> uuid.UUID:
    contract_id = await queries.contract_id_of(session, milestone_id)
    if contract_id is None:
        raise NotFoundError(_("There is no such milestone."))
    return contract_id


def _back(
    request: WebRequest, contract_id: uuid.UUID, milestone_id: uuid.UUID, message: str
) -> Response[Any]:
    return redirect(request, f"/contracts/{contract_id}/milestones#m-{milestone_id}", flash=message)


async def _page(
    request: WebRequest,
    session: DbSession,
    actor: Actor,
    contract_id: uuid.UUID,
    *,
    status: int = 200,
    failed: tuple[uuid.UUID, str, Any] | None = None,
    files: FilePart | None = None,
) -> Template:
    """`failed`: what was sent back: of which milestone or proposal, which form, and the form; with `files`, its files."""
    standing = await read_contract(session, actor, contract_id)
    contract = standing.contract
    milestones = await queries.milestones_of(session, contract_id)
    eliminations = await queries.eliminations_of(session, contract_id)
    others_stay = await queries.others_stay(session, contract)
    is_proposed = any(item.answered_at is None for item in eliminations)

    def form_for(key: uuid.UUID, name: str, kind: Any) -> Any:
        return failed[2] if failed and failed[:2] == (key, name) else kind()

    now = await database_time(session)
    rows = [
        {
            "milestone": item,
            "is_overdue": item.state in queries.WAITING
            and policies.is_at_work(contract)
            and item.due_at <= now,
            "report_form": form_for(item.id, "report", ReportForm)
            if policies.may_report(actor, contract, item)
            else None,
            "report_files": files if files and failed and failed[0] == item.id else FilePart(),
            "answer_form": form_for(item.id, "answer", AnswerForm)
            if policies.may_answer(actor, contract, item)
            else None,
            "elimination_form": form_for(item.id, "elimination", ReasonForm)
            if policies.may_propose_elimination(actor, contract, item) and others_stay and not is_proposed
            else None,
            "may_pay": policies.may_pay(actor, contract, item),
            "may_confirm_payment": policies.may_confirm_payment(actor, contract, item),
            "files": {
                report.id: await attachments_of(session, service.SUBJECT, report.id)
                for report in item.reports
            },
        }
        for item in milestones
    ]
    return render(
        request,
        "milestones/of_contract.html",
        status=status,
        challenge=contract.challenge,
        contract=contract,
        places=await places_of(session, actor, contract.challenge),
        rows=rows,
        done=sum(item.state is MilestoneState.ACCEPTED for item in milestones),
        eliminations=[
            (
                item,
                form_for(item.id, "decision", VerdictForm)
                if item.answered_at is None and policies.may_answer_elimination(actor, contract)
                else None,
            )
            for item in eliminations
            # A team learns of it once an officer has confirmed.
            if item.is_confirmed or may_see_all(actor, contract.challenge)
        ],
    )
