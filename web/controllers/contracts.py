"""Contracts of awarded teams: read, signed by all parties, amended, ended."""

import uuid
from datetime import datetime
from typing import Any

from litestar import Controller, Response, get, post
from litestar.response import Template

from challenges.contracts import ending, policies, queries, service, signing
from challenges.contracts.document import blocks, differences, role_text
from challenges.contracts.forms import AmendForm, ReasonForm, SignForm
from challenges.contracts.models import ContractState, ContractVersion, VersionState
from challenges.contracts.standing import Standing, book_of, read_contract
from challenges.postings.models import Challenge, ChallengeState
from challenges.postings.queries import challenge_by_id
from core.actor import Actor
from core.database import database_time
from core.errors import InvalidError, NotFoundError
from core.i18n import gettext
from core.i18n import lazy_gettext as _
from web.challenge_places import places_of
from web.dependencies import Acting, Config, DbSession, FromPath, WebRequest
from web.form_files import FilePart, form_files, refused_files, waiting_files
from web.guards import Access
from web.requests import UPLOAD_BODY_LIMIT, form_data
from web.templating import redirect, render


class ContractsOfChallengeController(Controller):
    @get("/challenges/{challenge_id:uuid}/contracts", opt={"access": Access.PERSON})
    async def of_challenge(
        self, request: WebRequest, session: DbSession, actor: Acting, challenge_id: FromPath[uuid.UUID]
    ) -> Template:
        challenge, standings = await _contracts_page(session, actor, challenge_id)
        may_generate = policies.may_generate(actor, challenge)
        teams = await queries.approved_teams(session, challenge.id) if may_generate else []
        present = {item.contract.consortium_id for item in standings}
        now = await database_time(session)
        return render(
            request,
            "contracts/of_challenge.html",
            challenge=challenge,
            places=await places_of(session, actor, challenge),
            rows=[_row(item, now) for item in standings],
            may_generate=may_generate and any(team.id not in present for team in teams),
            is_notice_over=await queries.is_notice_over(session, challenge, now),
            teams=[team for team in teams if team.id not in present],
        )

    @post("/challenges/{challenge_id:uuid}/contracts", opt={"access": Access.PERSON}, status_code=200)
    async def generate(
        self, request: WebRequest, session: DbSession, actor: Acting, challenge_id: FromPath[uuid.UUID]
    ) -> Response[Any]:
        made = await service.generate_contracts(session, actor, challenge_id)
        message = gettext("The contracts are made.") if made else gettext("Every team has its contract.")
        return redirect(request, f"/challenges/{challenge_id}/contracts", flash=message)


class ContractController(Controller):
    path = "/contracts/{contract_id:uuid}"

    @get("/", opt={"access": Access.PERSON})
    async def show(
        self, request: WebRequest, session: DbSession, actor: Acting, contract_id: FromPath[uuid.UUID]
    ) -> Template:
        return await _contract_page(request, session, actor, contract_id)

    @get("/versions/{number:int}", opt={"access": Access.PERSON})
    async def document(
        self,
        request: WebRequest,
        session: DbSession,
        actor: Acting,
        contract_id: FromPath[uuid.UUID],
        number: FromPath[int],
    ) -> Template:
        """The document, to read and to print."""
        standing, version = await _version(session, actor, contract_id, number)
        return render(
            request,
            "contracts/document.html",
            challenge=standing.challenge,
            places=await places_of(session, actor, standing.challenge),
            contract=standing.contract,
            version=version,
            blocks=blocks(book_of(version), version.number, version.reason),
        )

    @get("/versions/{number:int}/changes", opt={"access": Access.PERSON})
    async def changes(
        self,
        request: WebRequest,
        session: DbSession,
        actor: Acting,
        contract_id: FromPath[uuid.UUID],
        number: FromPath[int],
    ) -> Template:
        """What a version says otherwise than the one that was in force before it."""
        standing, version = await _version(session, actor, contract_id, number)
        before = max(
            (
                item
                for item in standing.contract.versions
                if item.number < number and item.state in {VersionState.SIGNED, VersionState.REPLACED}
            ),
            key=lambda item: item.number,
            default=None,
        )
        if before is None:
            raise NotFoundError(_("There is no earlier version to compare with."))
        return render(
            request,
            "contracts/changes.html",
            challenge=standing.challenge,
            places=await places_of(session, actor, standing.challenge),
            contract=standing.contract,
            version=version,
            before=before,
            differences=differences(book_of(before), book_of(version)),
        )

    @post(
        "/sign",
        opt={"access": Access.EDITOR},
        status_code=200,
        request_max_body_size=UPLOAD_BODY_LIMIT,
    )
    async def sign(
        self,
        request: WebRequest,
        session: DbSession,
        settings: Config,
        actor: Acting,
        contract_id: FromPath[uuid.UUID],
    ) -> Template | Response[Any]:
        standing = await read_contract(session, actor, contract_id)
        form = SignForm(await form_data(request))
        if policies.may_sign(actor, standing.contract, standing.members) and not form.confirm.data:
            form.add_errors({"confirm": gettext("Please confirm the document that you sign.")})
            part = await waiting_files(request)
            return await _contract_page(
                request, session, actor, contract_id, sign_form=form, files=part, status=422
            )
        try:
            async with form_files(request, session, settings, actor, "contract", contract_id) as files:
                name, content = files[0] if files else ("", b"")
                version = await signing.sign_contract(
                    session,
                    settings,
                    actor,
                    contract_id,
                    sha256=form.sha256.data or "",
                    name=name,
                    content=content,
                )
        except InvalidError as error:
            session.expire_all()
            part = await refused_files(request, form, error)
            return await _contract_page(
                request, session, actor, contract_id, sign_form=form, files=part, status=422
            )
        message = (
            gettext("Signed by all parties.")
            if version.state is VersionState.SIGNED
            else gettext("Your organization has signed.")
        )
        return redirect(request, f"/contracts/{contract_id}", flash=message)

    @post("/changes", opt={"access": Access.EDITOR}, status_code=200)
    async def ask_for_changes(
        self, request: WebRequest, session: DbSession, actor: Acting, contract_id: FromPath[uuid.UUID]
    ) -> Template | Response[Any]:
        form = ReasonForm(await form_data(request))
        return await _with_reason(
            request,
            session,
            actor,
            contract_id,
            form,
            "changes_form",
            signing.ask_for_changes,
            gettext("The contract goes back to the poster with your reason."),
        )

    @post("/amend", opt={"access": Access.EDITOR}, status_code=200)
    async def amend(
        self, request: WebRequest, session: DbSession, actor: Acting, contract_id: FromPath[uuid.UUID]
    ) -> Template | Response[Any]:
        form = AmendForm(await form_data(request))
        try:
            async with session.begin_nested():
                await service.begin_amendment(session, actor, contract_id, form.reason.data or "")
        except InvalidError as error:
            form.add_errors(error.errors)
            return await _contract_page(request, session, actor, contract_id, amend_form=form, status=422)
        return redirect(request, f"/contracts/{contract_id}/edit")

    @post("/drop-amendment", opt={"access": Access.EDITOR}, status_code=200)
    async def drop_amendment(
        self, request: WebRequest, session: DbSession, actor: Acting, contract_id: FromPath[uuid.UUID]
    ) -> Response[Any]:
        await service.drop_amendment(session, actor, contract_id)
        return redirect(
            request,
            f"/contracts/{contract_id}",
            flash=gettext("The amendment is given up; the contract stays."),
        )

    @post("/end", opt={"access": Access.PERSON}, status_code=200)
    async def end(
        self, request: WebRequest, session: DbSession, actor: Acting, contract_id: FromPath[uuid.UUID]
    ) -> Template | Response[Any]:
        form = ReasonForm(await form_data(request))
        return await _with_reason(
            request,
            session,
            actor,
            contract_id,
            form,
            "end_form",
            ending.end_contract,
            gettext("The contract has ended."),
        )


async def _with_reason(
    request: WebRequest,
    session: DbSession,
    actor: Actor,
    contract_id: uuid.UUID,
    form: ReasonForm,
    place: str,
    take_step: Any,
    message: str,
) -> Template | Response[Any]:
    """A step with a reason; without one the page comes back with the message at its field."""
    try:
        async with session.begin_nested():
            await take_step(session, actor, contract_id, form.note.data or "")
    except InvalidError as error:
        form.add_errors(error.errors)
        forms: dict[str, Any] = {place: form}
        return await _contract_page(request, session, actor, contract_id, status=422, **forms)
    return redirect(request, f"/contracts/{contract_id}", flash=message)


async def _contracts_page(
    session: DbSession, actor: Actor, challenge_id: uuid.UUID
) -> tuple[Challenge, list[Standing]]:
    """For poster and officers from the notice on; for a team's people as soon as they have something to see."""
    challenge = await challenge_by_id(session, challenge_id)
    if challenge is None:
        raise NotFoundError(_("There is no such challenge."))
    standings = await service.own_contracts(session, actor, challenge)
    if not standings and not (
        policies.may_see_all(actor, challenge) and challenge.state in policies.UNDER_CONTRACT
    ):
        raise NotFoundError(_("There is no such challenge."))
    return challenge, standings


def _row(standing: Standing, now: datetime) -> dict[str, Any]:
    contract = standing.contract
    version = policies.open_version(contract)
    is_offered = version is not None and version.state is VersionState.OFFERED
    is_waiting = contract.state in queries.UNSIGNED
    return {
        "contract": contract,
        "missing": [standing.name_of(item) for item in standing.missing(version)]
        if version is not None and is_offered
        else [],
        "is_overdue": is_waiting and contract.sign_by <= now,
        "in_force": policies.version_in_force(contract),
    }


async def _version(
    session: DbSession, actor: Actor, contract_id: uuid.UUID, number: int
) -> tuple[Standing, ContractVersion]:
    standing = await read_contract(session, actor, contract_id)
    version = next((item for item in standing.contract.versions if item.number == number), None)
    if version is None or not policies.may_see_version(actor, standing.contract, version):
        raise NotFoundError(_("There is no such version."))
    return standing, version


async def _contract_page(
    request: WebRequest,
    session: DbSession,
    actor: Actor,
    contract_id: uuid.UUID,
    *,
    status: int = 200,
    sign_form: SignForm | None = None,
    files: FilePart | None = None,
    changes_form: ReasonForm | None = None,
    amend_form: AmendForm | None = None,
    end_form: ReasonForm | None = None,
) -> Template:
    standing = await read_contract(session, actor, contract_id)
    contract = standing.contract
    version = policies.open_version(contract)
    may_see_open = version is not None and policies.may_see_version(actor, contract, version)
    shown = version if may_see_open else policies.version_in_force(contract)
    readable = [item for item in contract.versions if policies.may_see_version(actor, contract, item)]
    shown = shown or (readable[-1] if readable else None)
    signatures = {
        item.organization_id: item for item in (shown.signatures if shown else []) if not item.is_void
    }
    parties = [
        (standing.name_of(key), standing.role_of(key), signatures.get(key))
        for key in sorted(standing.party_ids, key=lambda key: (_rank(standing, key), standing.name_of(key)))
    ]
    is_first = contract.state in queries.UNSIGNED
    return render(
        request,
        "contracts/show.html",
        status=status,
        challenge=contract.challenge,
        places=await places_of(session, actor, contract.challenge),
        contract=contract,
        version=shown,
        open_version=version,
        may_see_open=may_see_open,
        book=book_of(shown) if shown else None,
        readable=list(reversed(readable)),
        parties=parties,
        role_text=role_text,
        is_overdue=is_first and contract.sign_by <= await database_time(session),
        is_first=is_first,
        may_edit=policies.may_edit_contract(actor, contract),
        may_sign=policies.may_sign(actor, contract, standing.members),
        may_ask=policies.may_ask_for_changes(actor, contract, standing.members),
        may_amend=policies.may_amend(actor, contract),
        may_end=policies.may_end(actor, contract),
        may_drop_amendment=policies.may_edit_contract(actor, contract)
        and contract.state is ContractState.SIGNED,
        needs_settling=is_first
        and await queries.has_unsettled_recheck(session, contract.challenge, contract.consortium_id),
        is_running=contract.challenge.state is ChallengeState.IN_PROGRESS,
        sign_form=sign_form or SignForm(),
        files=files or FilePart(),
        changes_form=changes_form or ReasonForm(),
        amend_form=amend_form or AmendForm(),
        end_form=end_form or ReasonForm(),
    )


def _rank(standing: Standing, key: uuid.UUID) -> int:
    role = standing.role_of(key)
    return ["poster", "lead", "member"].index(role.value) if role else 9
