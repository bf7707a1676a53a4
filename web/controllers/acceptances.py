"""The end of a contract: final acceptance, failure, ratings, and what the members' profiles show of it."""

import uuid
from typing import Any

from litestar import Controller, Response, get, post
from litestar.response import Template

from challenges.acceptances import policies, queries, service
from challenges.contracts.forms import ReasonForm
from challenges.contracts.standing import read_contract
from challenges.indexes import terms_of_text
from challenges.milestones.forms import AnswerForm, RatingForm, ReportForm, VerdictForm
from challenges.milestones.queries import milestones_of
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


class AcceptanceController(Controller):
    @get("/contracts/{contract_id:uuid}/acceptance", opt={"access": Access.PERSON})
    async def of_contract(
        self, request: WebRequest, session: DbSession, actor: Acting, contract_id: FromPath[uuid.UUID]
    ) -> Template:
        return await _page(request, session, actor, contract_id)

    @post(
        "/contracts/{contract_id:uuid}/acceptance",
        opt={"access": Access.EDITOR},
        status_code=200,
        request_max_body_size=UPLOAD_BODY_LIMIT,
    )
    async def ask(
        self,
        request: WebRequest,
        session: DbSession,
        settings: Config,
        actor: Acting,
        contract_id: FromPath[uuid.UUID],
    ) -> Template | Response[Any]:
        form = ReportForm(await form_data(request))
        try:
            async with form_files(request, session, settings, actor, "acceptance", contract_id) as files:
                await service.ask_for_acceptance(
                    session, settings, actor, contract_id, form.text.data or "", files
                )
        except InvalidError as error:
            part = await refused_files(request, form, error)
            return await _page(request, session, actor, contract_id, status=422, ask_form=form, files=part)
        return _back(request, contract_id, gettext("The poster is asked for the final acceptance."))

    @post("/acceptances/{acceptance_id:uuid}/answer", opt={"access": Access.PERSON}, status_code=200)
    async def answer(
        self, request: WebRequest, session: DbSession, actor: Acting, acceptance_id: FromPath[uuid.UUID]
    ) -> Template | Response[Any]:
        acceptance = await queries.acceptance_by_id(session, acceptance_id)
        if acceptance is None:
            raise NotFoundError(_("There is no such acceptance."))
        contract_id = acceptance.contract_id
        standing = await read_contract(session, actor, contract_id)
        is_officers_turn = policies.may_confirm(actor, standing.contract, acceptance)
        form = (VerdictForm if is_officers_turn else AnswerForm)(await form_data(request))
        may = is_officers_turn or policies.may_answer(actor, standing.contract, acceptance)
        if may and not form.validate():
            return await _page(request, session, actor, contract_id, status=422, answer_form=form)
        try:
            async with session.begin_nested():
                await service.answer_acceptance(
                    session,
                    actor,
                    acceptance_id,
                    accept=form.answer.data == "accept",
                    reason=form.note.data or "",
                )
        except InvalidError as error:
            form.add_errors(error.errors)
            return await _page(request, session, actor, contract_id, status=422, answer_form=form)
        return _back(request, contract_id, gettext("Your decision is recorded."))

    @post("/contracts/{contract_id:uuid}/fail", opt={"access": Access.OFFICER}, status_code=200)
    async def fail(
        self, request: WebRequest, session: DbSession, actor: Acting, contract_id: FromPath[uuid.UUID]
    ) -> Template | Response[Any]:
        form = ReasonForm(await form_data(request))
        try:
            async with session.begin_nested():
                await service.declare_failed(session, actor, contract_id, form.note.data or "")
        except InvalidError as error:
            form.add_errors(error.errors)
            return await _page(request, session, actor, contract_id, status=422, fail_form=form)
        return _back(request, contract_id, gettext("The contract is declared failed."))

    @post("/contracts/{contract_id:uuid}/rating", opt={"access": Access.EDITOR}, status_code=200)
    async def rate(
        self, request: WebRequest, session: DbSession, actor: Acting, contract_id: FromPath[uuid.UUID]
    ) -> Template | Response[Any]:
        form = RatingForm(await form_data(request))
        stars = int(form.stars.data) if form.stars.data in {"1", "2", "3", "4", "5"} else 0
        try:
            async with session.begin_nested():
                await service.rate(session, actor, contract_id, stars, form.comment.data or "")
        except InvalidError as error:
            form.add_errors(error.errors)
            return await _page(request, session, actor, contract_id, status=422, rating_form=form)
        return _back(request, contract_id, gettext("Thank you for your rating."))

    @post("/contracts/{contract_id:uuid}/delivery", opt={"access": Access.EDITOR}, status_code=200)
    async def answer_delivery(
        self, request: WebRequest, session: DbSession, actor: Acting, contract_id: FromPath[uuid.UUID]
    ) -> Response[Any]:
        show = (await form_data(request)).get("show") == "yes"
        await service.answer_delivery(session, actor, contract_id, show=show, tokenize=terms_of_text)
        message = (
            gettext("Your profile shows the result.") if show else gettext("Your profile does not show it.")
        )
        return _back(request, contract_id, message)


def _back(request: WebRequest, contract_id: uuid.UUID, message: str) -> Response[Any]:
    return redirect(request, f"/contracts/{contract_id}/acceptance", flash=message)


async def _page(
    request: WebRequest,
    session: DbSession,
    actor: Actor,
    contract_id: uuid.UUID,
    *,
    status: int = 200,
    ask_form: ReportForm | None = None,
    files: FilePart | None = None,
    answer_form: AnswerForm | None = None,
    fail_form: ReasonForm | None = None,
    rating_form: RatingForm | None = None,
) -> Template:
    standing = await read_contract(session, actor, contract_id)
    contract = standing.contract
    acceptances = await queries.acceptances_of(session, contract_id)
    pending = policies.open_acceptance(acceptances)
    is_officers_turn = policies.may_confirm(actor, contract, pending)
    ratings = await queries.ratings_of(session, contract_id)
    is_ready = policies.is_ready(contract, await milestones_of(session, contract_id), acceptances)
    now = await database_time(session)
    delivery = None
    may_deliver = policies.may_answer_delivery(actor, contract, standing.members)
    if may_deliver and actor.organization_id is not None:
        delivery = await queries.delivery_of(session, contract_id, actor.organization_id)
    return render(
        request,
        "acceptances/of_contract.html",
        status=status,
        challenge=contract.challenge,
        contract=contract,
        places=await places_of(session, actor, contract.challenge),
        acceptances=acceptances,
        is_ready=is_ready,
        may_ask=is_ready and policies.is_lead_editor(actor, contract),
        pending=pending,
        may_answer=is_officers_turn or policies.may_answer(actor, contract, pending),
        may_fail=policies.may_declare_failed(actor, contract, acceptances),
        may_rate=policies.may_rate(actor, contract, ratings),
        ratings=[
            item
            for item in ratings
            if policies.may_read_rating(actor, contract, item, service.is_shown(contract, item, ratings, now))
        ],
        hidden=sum(
            not policies.may_read_rating(
                actor, contract, item, service.is_shown(contract, item, ratings, now)
            )
            for item in ratings
        ),
        may_deliver=may_deliver,
        delivery=delivery,
        ask_form=ask_form or ReportForm(),
        files=files or FilePart(),
        documents={item.id: await attachments_of(session, service.SUBJECT, item.id) for item in acceptances},
        answer_form=answer_form or (VerdictForm if is_officers_turn else AnswerForm)(),
        fail_form=fail_form or ReasonForm(),
        rating_form=rating_form or RatingForm(),
    )
