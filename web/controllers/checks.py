"""The formal check: the officers' list and form, and the bidder's page with its completion."""

import uuid
from datetime import datetime
from typing import Any

from litestar import Controller, Response, get, post
from litestar.response import Template
from sqlalchemy.ext.asyncio import AsyncSession

from challenges.amendments.queries import unconfirmed, unconfirmed_versions
from challenges.bids import queries as bid_queries
from challenges.bids.sealing import bid_files
from challenges.checks import policies, queries, service
from challenges.checks.forms import (
    MET,
    NOT_MET,
    UNSEEN,
    CompletionForm,
    PointForm,
    ReopeningForm,
    SettlementForm,
)
from challenges.checks.models import CheckState, FormalCheck
from challenges.postings.models import Challenge
from challenges.postings.policies import is_officer_in_charge
from challenges.postings.service import read_challenge
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
from web.officer_sections import office_due
from web.requests import UPLOAD_BODY_LIMIT, FormData, form_data
from web.templating import redirect, render

ACTS = {
    "pass": CheckState.PASSED,
    "fail": CheckState.FAILED,
    "request": CheckState.COMPLETION_REQUESTED,
}


class CheckController(Controller):
    @get("/challenges/{challenge_id:uuid}/checks", opt={"access": Access.PERSON})
    async def of_challenge(
        self, request: WebRequest, session: DbSession, actor: Acting, challenge_id: FromPath[uuid.UUID]
    ) -> Template:
        challenge = await read_challenge(session, actor, challenge_id)
        if not policies.may_list_checks(actor, challenge):
            raise NotFoundError(_("There is nothing at this address."))
        return render(
            request,
            "checks/of_challenge.html",
            challenge=challenge,
            places=await places_of(session, actor, challenge),
            is_officer=is_officer_in_charge(actor, challenge),
            **await _overview(session, challenge),
        )

    @post("/challenges/{challenge_id:uuid}/checks", opt={"access": Access.OFFICER}, status_code=200)
    async def begin(
        self, request: WebRequest, session: DbSession, actor: Acting, challenge_id: FromPath[uuid.UUID]
    ) -> Response[Any]:
        challenge = await read_challenge(session, actor, challenge_id)
        if not policies.may_list_checks(actor, challenge):
            raise NotFoundError(_("There is nothing at this address."))
        await service.begin_checks(session, actor, challenge)
        return redirect(
            request, f"/challenges/{challenge_id}/checks", flash=gettext("The formal check has begun.")
        )

    @get("/checks/{check_id:uuid}", opt={"access": Access.PERSON})
    async def show(
        self, request: WebRequest, session: DbSession, actor: Acting, check_id: FromPath[uuid.UUID]
    ) -> Template:
        check = await service.read_check(session, actor, check_id)
        return await _page(request, session, actor, check)

    @post("/checks/{check_id:uuid}", opt={"access": Access.OFFICER}, status_code=200)
    async def save(
        self, request: WebRequest, session: DbSession, actor: Acting, check_id: FromPath[uuid.UUID]
    ) -> Template | Response[Any]:
        """Keep what was found; with a button of ACTS settle it as well."""
        check = await _for_officer(session, actor, check_id)
        data = await form_data(request)
        points, form = _bound_points(check, data), SettlementForm(data)
        # All of them, so that each shows its message.
        valid = [item.validate() for item in (*points, form)]
        if not all(valid):
            return await _page(request, session, actor, check, points=points, form=form, status=422)
        act = ACTS.get(data.get("act"))
        try:
            async with session.begin_nested():
                await service.save_points(
                    session,
                    actor,
                    check_id,
                    [(_met(item.met.data), item.remark.data or "") for item in points],
                    form.note.data or "",
                    int(data.get("revision")) if data.get("revision").isdigit() else -1,
                )
                if act is not None:
                    await service.settle(session, actor, check_id, act)
        except InvalidError as error:
            form.add_errors(error.errors)
            check = await _reloaded(session, check_id)
            return await _page(request, session, actor, check, points=points, form=form, status=422)
        if act is None:
            return redirect(request, f"/checks/{check_id}", flash=gettext("Saved."))
        return redirect(
            request, f"/challenges/{check.challenge_id}/checks", flash=gettext("The bidders are told of it.")
        )

    @post("/checks/{check_id:uuid}/reopen", opt={"access": Access.OFFICER}, status_code=200)
    async def reopen(
        self, request: WebRequest, session: DbSession, actor: Acting, check_id: FromPath[uuid.UUID]
    ) -> Template | Response[Any]:
        check = await _for_officer(session, actor, check_id)
        form = ReopeningForm(await form_data(request))
        try:
            if not form.validate():
                raise InvalidError({})
            async with session.begin_nested():
                await service.reopen(session, actor, check_id, form.note.data or "")
        except InvalidError as error:
            form.add_errors(error.errors)
            check = await _reloaded(session, check_id)
            return await _page(request, session, actor, check, reopening=form, status=422)
        return redirect(request, f"/checks/{check_id}", flash=gettext("The check is open again."))

    @post(
        "/checks/{check_id:uuid}/completion",
        opt={"access": Access.EDITOR},
        status_code=200,
        request_max_body_size=UPLOAD_BODY_LIMIT,
    )
    async def complete(
        self,
        request: WebRequest,
        session: DbSession,
        actor: Acting,
        settings: Config,
        check_id: FromPath[uuid.UUID],
    ) -> Template | Response[Any]:
        """Save text and file; with the button `hand_in` hand the completion in."""
        check = await service.read_check(session, actor, check_id)
        data = await form_data(request)
        form = CompletionForm(data)
        handing_in = data.get("act") == "hand_in"
        try:
            if not form.validate():
                raise InvalidError({})
            async with form_files(request, session, settings, actor, "check", check_id) as files:
                await service.save_completion(session, actor, settings, check_id, form.text.data or "", files)
                if handing_in:
                    await service.hand_in_completion(session, actor, check_id)
        except InvalidError as error:
            part = await refused_files(request, form, error)
            check = await _reloaded(session, check_id)
            return await _page(request, session, actor, check, completion=form, files=part, status=422)
        message = gettext("The completion is handed in.") if handing_in else gettext("Saved.")
        return redirect(request, f"/checks/{check_id}", flash=message)


def _met(value: str | None) -> bool | None:
    return {MET: True, NOT_MET: False}.get(value or "")


def _points_of(check: FormalCheck) -> list[PointForm]:
    words = {True: MET, False: NOT_MET, None: UNSEEN}
    return [
        PointForm(prefix=f"point-{index}-", data={"met": words[point["met"]], "remark": point["remark"]})
        for index, point in enumerate(check.points)
    ]


def _bound_points(check: FormalCheck, data: FormData) -> list[PointForm]:
    return [PointForm(data, prefix=f"point-{index}-") for index in range(len(check.points))]


async def _for_officer(session: AsyncSession, actor: Actor, check_id: uuid.UUID) -> FormalCheck:
    check = await service.read_check(session, actor, check_id)
    if not policies.may_check(actor, check):
        raise NotFoundError(_("There is no such check."))
    return check


async def _reloaded(session: AsyncSession, check_id: uuid.UUID) -> FormalCheck:
    session.expire_all()
    check = await queries.check_by_id(session, check_id)
    assert check is not None
    return check


async def _overview(session: AsyncSession, challenge: Challenge) -> dict[str, Any]:
    bids = await bid_queries.bids_of_challenge(session, challenge.id)
    checks = {check.bid_id: check for check in await queries.checks_of(session, challenge.id)}
    return {
        "unconfirmed": await unconfirmed_versions(session, [bid.id for bid in bids]),
        "due": {check.id: _due(challenge, check) for check in checks.values()},
        "rows": [(bid, checks.get(bid.id)) for bid in bids],
        "is_needed": bool(checks) or await queries.is_check_needed(session, challenge),
        "unchecked": sum(bid.id not in checks for bid in bids),
        "is_settled": await queries.is_everything_settled(session, challenge),
    }


def _due(challenge: Challenge, check: FormalCheck) -> datetime | None:
    """Until when the bidder completes it, or an officer should have settled it; None once it is settled."""
    if check.is_settled:
        return None
    if check.state is CheckState.COMPLETION_REQUESTED:
        return check.completion_due_at
    return None if challenge.program is None else office_due(challenge.program, policies.waiting_since(check))


async def _page(
    request: WebRequest,
    session: AsyncSession,
    actor: Actor,
    check: FormalCheck,
    *,
    points: list[PointForm] | None = None,
    form: SettlementForm | None = None,
    reopening: ReopeningForm | None = None,
    completion: CompletionForm | None = None,
    files: FilePart | None = None,
    status: int = 200,
) -> Template:
    is_officer = policies.may_check(actor, check)
    shown = {
        "check": check,
        "challenge": check.challenge,
        "completion_files": await attachments_of(session, "completion", check.id)
        if policies.may_read_completion(actor, check)
        else [],
        "files": files or FilePart(),
        "status": status,
    }
    if not is_officer:
        return render(
            request,
            "checks/own.html",
            **shown,
            may_complete=policies.may_complete(actor, check, await database_time(session)),
            form=completion or CompletionForm(data={"text": check.completion_text}),
        )
    return render(
        request,
        "checks/show.html",
        **shown,
        points=list(zip(check.points, points or _points_of(check), strict=True)),
        form=form or SettlementForm(data={"note": check.note}),
        reopening=reopening or ReopeningForm(),
        may_request=check.state is CheckState.BEGUN,
        bid_files=await bid_files(session, check.bid),
        unconfirmed=await unconfirmed(session, check.bid),
    )
