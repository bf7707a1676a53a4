"""Changes of a published challenge: proposed by its poster, confirmed by an officer, read by everybody, answered by bidders."""

import uuid
from typing import Any

from litestar import Controller, Response, get, post
from litestar.response import Template

from challenges.amendments import policies, queries, service, standing
from challenges.amendments.content import amended_content, candidate
from challenges.amendments.forms import AmendmentForm, arranged_fields, typed_amendment
from challenges.bids.policies import leads_bid, may_edit_bid
from challenges.models import AmendmentState, Challenge
from challenges.postings.forms import field_values
from challenges.postings.policies import is_officer_in_charge, is_poster
from challenges.postings.service import read_challenge
from challenges.programs.calendar import earliest_end
from core.actor import Actor
from core.database import database_time
from core.errors import InvalidError
from core.i18n import gettext
from web.amendment_view import amendment_views
from web.challenge_places import places_of
from web.dependencies import Acting, DbSession, FromPath, WebRequest
from web.guards import Access
from web.requests import FormData, as_uuid, form_data, moment_of
from web.templating import redirect, render

ARRANGING = frozenset({"add", "remove", "up", "down"})


class AmendmentController(Controller):
    @get("/challenges/{challenge_id:uuid}/changes", opt={"access": Access.PUBLIC})
    async def of_challenge(
        self, request: WebRequest, session: DbSession, actor: Acting, challenge_id: FromPath[uuid.UUID]
    ) -> Template:
        challenge = await read_challenge(session, actor, challenge_id)
        return await _page(request, session, actor, challenge)

    @get("/challenges/{challenge_id:uuid}/changes/new", opt={"access": Access.EDITOR})
    async def new(
        self, request: WebRequest, session: DbSession, actor: Acting, challenge_id: FromPath[uuid.UUID]
    ) -> Template:
        """The challenge as it stands, or with what an earlier proposal (`again`) wanted of it."""
        challenge = await service.changeable_challenge(session, actor, challenge_id)
        form = AmendmentForm(field_values(challenge))
        earlier = await _earlier(request, session, challenge)
        if earlier is not None:
            form = AmendmentForm(field_values(candidate(challenge, earlier.after)))
            form.explanation.data = earlier.explanation
        return _form_page(request, challenge, form, challenge.revision)

    @post("/challenges/{challenge_id:uuid}/changes/new", opt={"access": Access.EDITOR}, status_code=200)
    async def propose(
        self, request: WebRequest, session: DbSession, actor: Acting, challenge_id: FromPath[uuid.UUID]
    ) -> Template | Response[Any]:
        challenge = await service.changeable_challenge(session, actor, challenge_id)
        data = await form_data(request)
        revision = _number(data, "revision")
        command = data.get("do")
        if command.partition(":")[0] in ARRANGING:
            return _form_page(request, challenge, AmendmentForm(arranged_fields(data, command)), revision)
        form = AmendmentForm(data)
        if not form.validate():
            return _form_page(request, challenge, form, revision, status=422)
        try:
            async with session.begin_nested():
                await service.propose(
                    session,
                    actor,
                    challenge_id,
                    amended_content(challenge, typed_amendment(form)),
                    explanation=form.explanation.data or "",
                    revision=revision,
                )
        except InvalidError as error:
            form.add_errors(error.errors)
            return _form_page(request, challenge, form, revision, status=422)
        return redirect(
            request,
            f"/challenges/{challenge_id}/changes",
            flash=gettext("The change waits for an officer of the program."),
        )

    @post("/amendments/{amendment_id:uuid}/confirm", opt={"access": Access.OFFICER}, status_code=200)
    async def confirm(
        self, request: WebRequest, session: DbSession, actor: Acting, amendment_id: FromPath[uuid.UUID]
    ) -> Template | Response[Any]:
        try:
            async with session.begin_nested():
                amendment = await service.confirm(session, actor, amendment_id)
        except InvalidError as error:
            return await _failed(request, session, actor, amendment_id, problem=error.errors["deadline_at"])
        return redirect(
            request,
            f"/challenges/{amendment.challenge_id}/changes",
            flash=gettext("The change is in force; whoever bids was told."),
        )

    @post("/amendments/{amendment_id:uuid}/refuse", opt={"access": Access.OFFICER}, status_code=200)
    async def refuse(
        self, request: WebRequest, session: DbSession, actor: Acting, amendment_id: FromPath[uuid.UUID]
    ) -> Template | Response[Any]:
        note = (await form_data(request)).get("note")
        try:
            async with session.begin_nested():
                amendment = await service.refuse(session, actor, amendment_id, note=note)
        except InvalidError as error:
            return await _failed(request, session, actor, amendment_id, note_error=error.errors["note"])
        return redirect(
            request,
            f"/challenges/{amendment.challenge_id}/changes",
            flash=gettext("The change was refused; the challenge stays as it is."),
        )

    @post("/amendments/{amendment_id:uuid}/take-back", opt={"access": Access.EDITOR}, status_code=200)
    async def take_back(
        self, request: WebRequest, session: DbSession, actor: Acting, amendment_id: FromPath[uuid.UUID]
    ) -> Response[Any]:
        amendment = await service.take_back(session, actor, amendment_id)
        return redirect(
            request,
            f"/challenges/{amendment.challenge_id}/changes",
            flash=gettext("The proposed change was taken back."),
        )

    @get("/bids/{bid_id:uuid}/changes", opt={"access": Access.MEMBER})
    async def of_bid(
        self, request: WebRequest, session: DbSession, actor: Acting, bid_id: FromPath[uuid.UUID]
    ) -> Template:
        return await _bid_page(request, session, actor, bid_id)

    @post("/bids/{bid_id:uuid}/changes", opt={"access": Access.EDITOR}, status_code=200)
    async def confirm_bid(
        self, request: WebRequest, session: DbSession, actor: Acting, bid_id: FromPath[uuid.UUID]
    ) -> Template | Response[Any]:
        version = _number(await form_data(request), "version")
        try:
            async with session.begin_nested():
                await standing.confirm_bid(session, actor, bid_id, version=version)
        except InvalidError as error:
            return await _bid_page(request, session, actor, bid_id, problem=error.errors["version"])
        return redirect(
            request, f"/bids/{bid_id}", flash=gettext("You have confirmed that your bid still stands.")
        )


async def _page(
    request: WebRequest,
    session: DbSession,
    actor: Actor,
    challenge: Challenge,
    *,
    problem: Any = None,
    note_error: Any = None,
    status: int = 200,
) -> Template:
    sees_all = is_poster(actor, challenge) or is_officer_in_charge(actor, challenge)
    views = await amendment_views(
        await queries.amendments_of(session, challenge.id, only_confirmed=not sees_all), actor
    )
    waiting = next((item for item in views if item.amendment.state is AmendmentState.PROPOSED), None)
    now = await database_time(session)
    return render(
        request,
        "amendments/of_challenge.html",
        status=status,
        challenge=challenge,
        places=await places_of(session, actor, challenge),
        waiting=waiting,
        in_force=[item for item in views if item.amendment.state is AmendmentState.CONFIRMED],
        others=[
            item
            for item in views
            if item.amendment.state not in {AmendmentState.CONFIRMED, AmendmentState.PROPOSED}
        ],
        may_propose=policies.may_propose(actor, challenge, now) and waiting is None,
        is_poster=is_poster(actor, challenge),
        may_take_back=actor.may_edit_for_organization and is_poster(actor, challenge),
        may_decide=policies.may_decide(actor, challenge),
        problem=problem,
        note_error=note_error,
        typed_note=(await form_data(request)).get("note") if note_error else "",
    )


async def _failed(
    request: WebRequest, session: DbSession, actor: Actor, amendment_id: uuid.UUID, **shown: Any
) -> Template:
    challenge_id = await queries.challenge_of_amendment(session, amendment_id)
    assert challenge_id is not None
    challenge = await read_challenge(session, actor, challenge_id)
    return await _page(request, session, actor, challenge, status=422, **shown)


async def _earlier(request: WebRequest, session: DbSession, challenge: Challenge) -> Any:
    """The proposal that the poster makes again: one of this challenge, which had no effect."""
    key = as_uuid(request.query_params.get("again", ""))
    found = await queries.amendment_by_id(session, key) if key is not None else None
    return found if found is not None and found.challenge_id == challenge.id else None


def _form_page(
    request: WebRequest, challenge: Challenge, form: AmendmentForm, revision: int, *, status: int = 200
) -> Template:
    assert challenge.program is not None
    return render(
        request,
        "amendments/edit.html",
        status=status,
        challenge=challenge,
        form=form,
        revision=revision,
        earliest=earliest_end(challenge.program, challenge.program.min_bid_days, moment_of(request)),
    )


async def _bid_page(
    request: WebRequest, session: DbSession, actor: Actor, bid_id: uuid.UUID, *, problem: Any = None
) -> Template:
    bid, changes = await standing.bid_with_changes(session, actor, bid_id)
    return render(
        request,
        "amendments/of_bid.html",
        status=422 if problem else 200,
        bid=bid,
        views=await amendment_views(changes, actor),
        confirmed=await queries.confirmations_of(session, bid.id),
        uncovered=standing.uncovered(bid),
        leads=leads_bid(actor, bid),
        may_confirm=bool(changes) and may_edit_bid(actor, bid, await database_time(session)),
        problem=problem,
    )


def _number(data: FormData, name: str) -> int:
    raw = data.get(name)
    return int(raw) if raw.isascii() and raw.isdigit() and len(raw) < 10 else 0
