"""The text of a contract, written by the poster until it is offered."""

import uuid
from typing import Any

from litestar import Controller, Response, get, post
from litestar.response import Template

from challenges.contracts import drafting, policies, service
from challenges.contracts.document import role_text
from challenges.contracts.forms import TermsForm, form_of, terms_of
from challenges.contracts.models import ContractVersion
from challenges.contracts.standing import Standing, book_of, read_contract
from core.actor import Actor
from core.errors import InvalidError
from core.i18n import gettext
from web.challenge_places import places_of
from web.dependencies import Acting, Config, DbSession, FromPath, WebRequest
from web.guards import Access
from web.requests import FormData, form_data
from web.templating import redirect, render


class ContractWritingController(Controller):
    path = "/contracts/{contract_id:uuid}"

    @get("/edit", opt={"access": Access.EDITOR})
    async def edit(
        self, request: WebRequest, session: DbSession, actor: Acting, contract_id: FromPath[uuid.UUID]
    ) -> Template | Response[Any]:
        standing = await read_contract(session, actor, contract_id)
        version = policies.open_version(standing.contract)
        if version is None or not policies.may_edit_contract(actor, standing.contract):
            return redirect(request, f"/contracts/{contract_id}")
        return await _editor(request, session, actor, standing, version, form_of(book_of(version)))

    @post("/edit", opt={"access": Access.EDITOR}, status_code=200)
    async def save(
        self,
        request: WebRequest,
        session: DbSession,
        settings: Config,
        actor: Acting,
        contract_id: FromPath[uuid.UUID],
    ) -> Template | Response[Any]:
        """Save; the button `offer` offers it for signing as well, `add` and `remove:N` change the milestones' rows."""
        standing = await read_contract(session, actor, contract_id)
        version = policies.open_version(standing.contract)
        data = await form_data(request)
        form = TermsForm(data)
        action = data.get("action")
        terms: dict[str, Any] = {}
        # Who may not is told so by the use case.
        if version is not None and policies.may_edit_contract(actor, standing.contract):
            if _arrange(form, action):
                return await _editor(request, session, actor, standing, version, form)
            if not form.validate():
                return await _editor(request, session, actor, standing, version, form, status=422)
            terms = terms_of(form, book_of(version))
        await service.save_draft(session, actor, contract_id, terms, _number(data, "revision"))
        if action == "offer":
            try:
                async with session.begin_nested():
                    await service.offer_contract(session, settings, actor, contract_id)
            except InvalidError as error:
                session.expire_all()
                standing = await read_contract(session, actor, contract_id)
                version = policies.open_version(standing.contract)
                assert version is not None
                form = form_of(book_of(version))
                form.add_errors(error.errors)
                return await _editor(request, session, actor, standing, version, form, status=422, saved=True)
            return redirect(
                request,
                f"/contracts/{contract_id}",
                flash=gettext("The contract is offered: every party is asked to sign."),
            )
        return redirect(request, f"/contracts/{contract_id}/edit", flash=gettext("Saved."))


def _number(data: FormData, name: str) -> int:
    text = data.get(name)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else -1


def _arrange(form: TermsForm, action: str) -> bool:
    """Add or remove a milestone's row of the form as it was typed; whether the button was one of these."""
    verb, _colon, number = action.partition(":")
    if verb == "add":
        if len(form.stages) < drafting.MOST_STAGES:
            form.stages.append_entry()
        return True
    if verb != "remove":
        return False
    place = int(number) if number.isascii() and number.isdigit() and len(number) < 4 else -1
    if 0 <= place < len(form.stages):
        kept = [entry.data for index, entry in enumerate(form.stages) if index != place]
        while len(form.stages):
            form.stages.pop_entry()
        for row in kept:
            form.stages.append_entry(row)
    return True


async def _editor(
    request: WebRequest,
    session: DbSession,
    actor: Actor,
    standing: Standing,
    version: ContractVersion,
    form: TermsForm,
    *,
    status: int = 200,
    saved: bool = False,
) -> Template:
    book = book_of(version)
    return render(
        request,
        "contracts/edit.html",
        status=status,
        challenge=standing.challenge,
        places=await places_of(session, actor, standing.challenge),
        contract=standing.contract,
        version=version,
        book=book,
        form=form,
        saved=saved,
        missing=drafting.lacking(book),
        role_text=role_text,
        most_stages=drafting.MOST_STAGES,
    )
