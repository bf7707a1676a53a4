"""The consortium of a challenge: prepared by the poster, decided by an officer, printed for the file."""

import uuid
from typing import Any

from litestar import Controller, Response, get, post
from litestar.response import Template
from sqlalchemy.ext.asyncio import AsyncSession

from challenges.consortia import (
    decisions,
    from_bids,
    policies,
    queries,
    service,
    submission,
    workbench,
)
from challenges.consortia.forms import DecisionForm, SettlementForm, WaiverAnswerForm, WaiverForm
from challenges.consortia.models import Consortium, Outcome
from challenges.consortia.standing import Standing, read_standing
from challenges.consortia.wording import part_names, part_text
from challenges.matches import queries as match_queries
from challenges.postings import policies as posting_policies
from core.actor import Actor
from core.audit import entries_of, head_of_log
from core.database import database_time
from core.errors import ConflictError, InvalidError, NotFoundError
from core.i18n import gettext
from core.i18n import lazy_gettext as _
from solvers.organizations.queries import organization_ids_of
from web.controllers.matches import heat
from web.controllers.what_if import what_if_context
from web.decision_view import frozen_view, waiver_view
from web.dependencies import Acting, DbSession, FromPath, WebRequest
from web.guards import Access
from web.history import history_of
from web.recheck_view import broken_text, change_text
from web.requests import FormData, form_data
from web.templating import is_htmx, redirect, render


class ConsortiumController(Controller):
    @get("/challenges/{challenge_id:uuid}/consortium", opt={"access": Access.PERSON})
    async def prepare(
        self, request: WebRequest, session: DbSession, actor: Acting, challenge_id: FromPath[uuid.UUID]
    ) -> Template | Response[Any]:
        standing = await read_standing(session, actor, challenge_id)
        if await workbench.has_several_teams(session, challenge_id):
            return redirect(request, f"/challenges/{challenge_id}/award")
        fragment = is_htmx(request)
        return await _workbench(
            request,
            session,
            actor,
            standing,
            "consortia/_workbench.html" if fragment else "consortia/prepare.html",
        )

    @get("/challenges/{challenge_id:uuid}/consortium/progress", opt={"access": Access.PERSON})
    async def progress(
        self, request: WebRequest, session: DbSession, actor: Acting, challenge_id: FromPath[uuid.UUID]
    ) -> Template:
        """Polled while the solver works; answers with the whole as soon as there is one."""
        standing = await read_standing(session, actor, challenge_id)
        if standing.consortium is not None and _is_solving(standing.consortium):
            return render(
                request,
                "consortia/_solving.html",
                challenge=standing.challenge,
                step=_step(standing.consortium),
            )
        return await _workbench(request, session, actor, standing, "consortia/_workbench.html")

    @post(
        "/challenges/{challenge_id:uuid}/consortium/propose", opt={"access": Access.EDITOR}, status_code=200
    )
    async def propose(
        self, request: WebRequest, session: DbSession, actor: Acting, challenge_id: FromPath[uuid.UUID]
    ) -> Response[Any]:
        await service.propose_consortium(session, actor, challenge_id)
        return redirect(request, f"/challenges/{challenge_id}/consortium")

    @post(
        "/challenges/{challenge_id:uuid}/consortium/from-bid", opt={"access": Access.EDITOR}, status_code=200
    )
    async def take_bid(
        self, request: WebRequest, session: DbSession, actor: Acting, challenge_id: FromPath[uuid.UUID]
    ) -> Response[Any]:
        data = await form_data(request)
        await from_bids.consortium_from_bid(session, actor, _key(data, "bid_id"))
        return redirect(request, f"/challenges/{challenge_id}/consortium")

    @post("/challenges/{challenge_id:uuid}/consortium/edit", opt={"access": Access.EDITOR}, status_code=200)
    async def edit(
        self, request: WebRequest, session: DbSession, actor: Acting, challenge_id: FromPath[uuid.UUID]
    ) -> Template | Response[Any]:
        """One change by hand, named by the field `step`; the computation follows."""
        await _change(session, actor, challenge_id, await form_data(request))
        if not is_htmx(request):
            return redirect(request, f"/challenges/{challenge_id}/consortium")
        standing = await read_standing(session, actor, challenge_id)
        return await _workbench(request, session, actor, standing, "consortia/_workbench.html")

    @post(
        "/challenges/{challenge_id:uuid}/consortium/refresh", opt={"access": Access.PERSON}, status_code=200
    )
    async def refresh(
        self, request: WebRequest, session: DbSession, actor: Acting, challenge_id: FromPath[uuid.UUID]
    ) -> Response[Any]:
        data = await form_data(request)
        consortium = await service.refresh_consortium(
            session, actor, challenge_id, page_number(data, "revision"), _optional_key(data, "consortium_id")
        )
        path = (
            f"/challenges/{challenge_id}/award"
            if data.get("from") == "award"
            else f"/challenges/{challenge_id}/consortium"
            if consortium.state in policies.EDITABLE
            else f"/consortia/{consortium.id}"
        )
        return redirect(
            request, path, flash=gettext("Computed again from present sizes, relations and rule.")
        )

    @post("/challenges/{challenge_id:uuid}/consortium/submit", opt={"access": Access.EDITOR}, status_code=200)
    async def submit(
        self,
        request: WebRequest,
        session: DbSession,
        actor: Acting,
        challenge_id: FromPath[uuid.UUID],
    ) -> Template | Response[Any]:
        data = await form_data(request)
        try:
            async with session.begin_nested():
                consortium = await submission.submit_consortium(
                    session,
                    actor,
                    challenge_id,
                    page_number(data, "revision"),
                    data.get("note"),
                    asks_waiver=bool(data.get("asks_waiver")),
                )
        except InvalidError as error:
            # What stands in the way is listed on the page itself.
            standing = await read_standing(session, actor, challenge_id)
            return await _workbench(
                request,
                session,
                actor,
                standing,
                "consortia/prepare.html",
                status=422,
                note=data.get("note"),
                note_error=error.errors.get("note"),
            )
        return redirect(
            request,
            f"/consortia/{consortium.id}",
            flash=gettext("The consortium was submitted; the program's officers have been told."),
        )

    @post(
        "/challenges/{challenge_id:uuid}/consortium/take-back", opt={"access": Access.EDITOR}, status_code=200
    )
    async def take_back(
        self, request: WebRequest, session: DbSession, actor: Acting, challenge_id: FromPath[uuid.UUID]
    ) -> Response[Any]:
        await submission.take_back_consortium(session, actor, challenge_id)
        return redirect(
            request,
            f"/challenges/{challenge_id}/consortium",
            flash=gettext("The consortium is yours again to change."),
        )

    @get("/consortia/{consortium_id:uuid}", opt={"access": Access.PERSON})
    async def show(
        self, request: WebRequest, session: DbSession, actor: Acting, consortium_id: FromPath[uuid.UUID]
    ) -> Template:
        standing = await decisions.read_consortium(session, actor, consortium_id)
        return await decision_page(request, session, actor, standing, DecisionForm())

    @post("/consortia/{consortium_id:uuid}/decide", opt={"access": Access.OFFICER}, status_code=200)
    async def decide(
        self,
        request: WebRequest,
        session: DbSession,
        actor: Acting,
        consortium_id: FromPath[uuid.UUID],
    ) -> Template | Response[Any]:
        data = await form_data(request)
        form = DecisionForm(data)
        standing = await decisions.read_consortium(session, actor, consortium_id)
        if not form.validate():
            return await decision_page(request, session, actor, standing, form, status=422)
        try:
            async with session.begin_nested():
                decision = await decisions.decide_consortium(
                    session,
                    actor,
                    consortium_id,
                    Outcome(form.outcome.data),
                    form.reason.data or "",
                    page_number(data, "revision"),
                )
        except InvalidError as error:
            form.add_errors(error.errors)
            return await decision_page(request, session, actor, standing, form, status=422)
        messages = {
            Outcome.APPROVED: _("The consortium is approved; poster and members have been told."),
            Outcome.RETURNED: _("The consortium went back to the poster."),
            Outcome.REJECTED: _("The consortium is rejected; the poster has been told."),
        }
        return redirect(request, f"/consortia/{consortium_id}", flash=str(messages[decision.outcome]))

    @get("/consortia/{consortium_id:uuid}/decision", opt={"access": Access.PERSON})
    async def print_view(
        self, request: WebRequest, session: DbSession, actor: Acting, consortium_id: FromPath[uuid.UUID]
    ) -> Template:
        """The decision as it was taken, from what was frozen with it."""
        standing = await decisions.read_consortium(session, actor, consortium_id)
        consortium = _present(standing)
        decision = await queries.decision_of(session, consortium.id)
        if decision is None or not policies.may_see_consortium(actor, standing.challenge, consortium):
            raise NotFoundError(_("There is no decision yet."))
        return render(
            request,
            "consortia/decision.html",
            challenge=standing.challenge,
            consortium=consortium,
            decision=decision,
            view=frozen_view(decision),
            waiver=waiver_view(decision),
            heat=heat,
        )


def _present(standing: Standing) -> Consortium:
    assert standing.consortium is not None
    return standing.consortium


def _is_solving(consortium: Consortium) -> bool:
    return consortium.computation.get("status") == "solving"


def _step(consortium: Consortium | None) -> str:
    """What the solver is at; the best consortium comes first."""
    return "proposal" if consortium is None else consortium.computation.get("step", "proposal")


async def _workbench(
    request: WebRequest,
    session: AsyncSession,
    actor: Actor,
    standing: Standing,
    template: str,
    *,
    status: int = 200,
    note: str | None = None,
    note_error: object = None,
) -> Template:
    challenge, consortium = standing.challenge, standing.consortium
    context: dict[str, Any] = {"challenge": challenge, "consortium": consortium, "view": None}
    if consortium is not None and not _is_solving(consortium):
        context = what_if_context(actor, standing)
    return render(
        request,
        template,
        status=status,
        **context,
        is_solving=consortium is not None and _is_solving(consortium),
        step=_step(consortium),
        rule=standing.rule,
        shortcomings=standing.shortcomings,
        may_ask_waiver=bool(standing.broken) and not standing.structural,
        note_error=note_error,
        ranked=await match_queries.newest_done_run(session, challenge.id),
        may_prepare=policies.may_prepare(actor, challenge),
        may_edit=consortium is not None
        and consortium.bid_id is None
        and policies.may_edit_consortium(actor, challenge, consortium),
        may_hand_in=consortium is not None and policies.may_edit_consortium(actor, challenge, consortium),
        is_unsealed=posting_policies.is_bidding_over(challenge, await database_time(session)),
        note=note if note is not None else (consortium.note if consortium else ""),
        heat=heat,
    )


async def decision_page(
    request: WebRequest,
    session: AsyncSession,
    actor: Actor,
    standing: Standing,
    form: DecisionForm,
    *,
    waiver_form: WaiverForm | None = None,
    answer_form: WaiverAnswerForm | None = None,
    settlement_form: SettlementForm | None = None,
    status: int = 200,
) -> Template:
    challenge, consortium = standing.challenge, _present(standing)
    if not policies.may_see_consortium(actor, challenge, consortium):
        own = next(item for item in consortium.members if actor.acts_for(item.organization_id))
        return render(
            request,
            "consortia/own_part.html",
            challenge=challenge,
            consortium=consortium,
            member=own,
            has_left=own.organization_id in await queries.departed_ids(session, consortium.id),
            may_leave=policies.may_leave(actor, challenge, consortium),
        )
    own_organizations = await organization_ids_of(session, actor.person_id)
    may_decide = policies.may_decide(actor, challenge, consortium, own_organizations)
    waiver = policies.waiver_of(consortium)
    return render(
        request,
        "consortia/show.html",
        status=status,
        **what_if_context(actor, standing),
        rule=standing.rule,
        shortcomings=standing.shortcomings if consortium.state not in policies.DECIDED else [],
        form=form,
        may_decide=may_decide,
        obstacles=decisions.remaining_obstacles(standing),
        waivers=[(item, part_names(item.parts)) for item in consortium.waivers],
        waiver=waiver,
        broken=[part_text(part) for part in standing.broken],
        may_request_waiver=may_decide
        and waiver is None
        and bool(standing.broken)
        and not standing.structural,
        may_answer_waiver=waiver is not None
        and policies.may_answer_waiver(actor, challenge, consortium, waiver, own_organizations),
        waiver_form=waiver_form or WaiverForm(),
        answer_form=answer_form or WaiverAnswerForm(),
        rechecks=[
            (item, [change_text(change) for change in item.changes], broken_text(item))
            for item in await queries.rechecks_of(session, consortium.id)
            if item.changes
        ],
        may_settle=policies.may_settle(actor, challenge, consortium, own_organizations),
        settlement_form=settlement_form or SettlementForm(),
        has_interest=posting_policies.is_officer_in_charge(actor, challenge)
        and policies.has_interest(own_organizations, challenge, consortium),
        may_take_back=policies.may_take_back(actor, challenge, consortium),
        may_replay=policies.may_replay(actor, challenge),
        audit_head=await head_of_log(session),
        may_edit=False,
        teams=await queries.live_states(session, challenge.id),
        history=history_of(await entries_of(session, "consortium", consortium.id)),
        heat=heat,
    )


async def _change(session: AsyncSession, actor: Actor, challenge_id: uuid.UUID, data: FormData) -> None:
    revision = page_number(data, "revision")
    match data.get("step"):
        case "assign":
            holders = {
                name.removeprefix("holder-"): _optional_key(data, name)
                for name in data
                if name.startswith("holder-")
            }
            await service.assign_requirements(
                session, actor, challenge_id, revision, holders, _optional_key(data, "lead")
            )
        case "add":
            await service.add_member(session, actor, challenge_id, revision, _key(data, "organization_id"))
        case "remove":
            await service.remove_member(session, actor, challenge_id, revision, _key(data, "organization_id"))
        case "exchange":
            await service.exchange_member(
                session, actor, challenge_id, revision, _key(data, "leaves"), _key(data, "joins")
            )
        case "alternative":
            await service.take_alternative(
                session, actor, challenge_id, revision, page_number(data, "number")
            )
        case "what_if":
            holders = {
                name.removeprefix("holder-"): _key(data, name) for name in data if name.startswith("holder-")
            }
            await service.take_what_if(session, actor, challenge_id, revision, holders, _key(data, "lead"))
        case _:
            raise NotFoundError(_("There is no such change."))


def _key(data: FormData, name: str) -> uuid.UUID:
    key = _optional_key(data, name)
    if key is None:
        raise ConflictError(_("Choose an organization first."))
    return key


def _optional_key(data: FormData, name: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(data.get(name)) if data.get(name) else None
    except ValueError:
        raise NotFoundError(_("That organization does not exist.")) from None


def page_number(data: FormData, name: str) -> int:
    """A number that the page itself wrote; whatever else came cannot be right."""
    text = data.get(name)
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise ConflictError(workbench.CHANGED_MEANWHILE)
    return int(text)
