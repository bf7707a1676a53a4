"""Writing a bid: save it while typing, its rows, and hand it in."""

import uuid
from typing import Any

from litestar import Controller, Response, post
from litestar.response import Template
from sqlalchemy.ext.asyncio import AsyncSession

from challenges.amendments.queries import unconfirmed
from challenges.bids import policies, queries, service
from challenges.bids.completeness import budget_table, shortcomings
from challenges.bids.forms import BidForm, Typed, arranged, bid_form, field_values, typed_content, years_of
from challenges.bids.models import Bid, BidReceipt, BidState
from challenges.bids.sealing import bid_files, content_of
from core.actor import Actor
from core.attachments import limit_mb
from core.errors import ConflictError, InvalidError, NotFoundError, StaleError
from core.i18n import gettext
from core.i18n import lazy_gettext as _
from web.dependencies import Acting, DbSession, FromPath, WebRequest
from web.guards import Access
from web.requests import FormData, form_data, moment_of
from web.self_saving import Draft, answer_saved, answer_stale, revision_of
from web.templating import is_htmx, redirect, render

# What a bid's form sends besides the bid.
CONTROLS = {"_csrf_token", "revision", "overwrite", "action", "do"}


class BidEditingController(Controller):
    @post("/bids/{bid_id:uuid}", opt={"access": Access.EDITOR}, status_code=200)
    async def save(
        self, request: WebRequest, session: DbSession, actor: Acting, bid_id: FromPath[uuid.UUID]
    ) -> Template | Response[Any]:
        """Save, and obey the button that was pressed: rows, or `submit`, which hands it in if nothing is missing.

        A bid that is handed in is replaced by its button alone; until then what was typed is shown and not kept.
        """
        bid = await own_bid(session, actor, bid_id)
        data = await form_data(request)
        command, action = data.get("do"), data.get("action") or ("replace" if data.get("overwrite") else "")
        form = shown_form(bid, arranged(_typed(data), command))
        if bid.state is BidState.SUBMITTED and not action:
            await _still_open(session, actor, bid)
            if is_htmx(request) and command:
                return _rows(request, bid, form, command, saved=False)
            return await editor_page(request, session, actor, bid, form, unsaved=True)
        try:
            async with session.begin_nested():
                content = typed_content(form, bid.challenge)
                await service.save_bid(session, actor, bid_id, content, revision_of(data))
        except StaleError as error:
            bid = await _reloaded(session, bid_id)
            return await editor_page(
                request, session, actor, bid, form, status=409, stale=error, revision=revision_of(data)
            )
        except InvalidError as error:
            bid = await _reloaded(session, bid_id)
            _add_missing(form, error.errors)
            return await editor_page(request, session, actor, bid, form, status=422, missing=error.errors)
        if command:
            bid = await _reloaded(session, bid_id)
            if is_htmx(request):
                return _rows(request, bid, form, command, saved=True)
            return await editor_page(request, session, actor, bid, form)
        if action == "submit":
            try:
                async with session.begin_nested():
                    await service.submit_bid(session, actor, bid_id)
            except InvalidError as error:
                # The draft is saved; only handing it in has to wait.
                bid = await _reloaded(session, bid_id)
                form = form_of(bid)
                _add_missing(form, error.errors)
                return await editor_page(request, session, actor, bid, form, status=422, saved=True)
        message = gettext("Your bid is handed in.") if action == "submit" else gettext("Saved.")
        return redirect(request, f"/bids/{bid_id}", flash=message)

    @post("/bids/{bid_id:uuid}/autosave", opt={"access": Access.EDITOR}, status_code=200)
    async def autosave(
        self, request: WebRequest, session: DbSession, actor: Acting, bid_id: FromPath[uuid.UUID]
    ) -> Template:
        bid = await own_bid(session, actor, bid_id)
        data = await form_data(request)
        content = typed_content(bid_form(bid.challenge, _typed(data)), bid.challenge)
        try:
            bid = await service.save_bid(session, actor, bid_id, content, revision_of(data), by_itself=True)
        except StaleError as error:
            return answer_stale(request, _draft(bid), error)
        return answer_saved(request, _draft(bid))


def _draft(bid: Bid, revision: int | None = None) -> Draft:
    return Draft(f"/bids/{bid.id}", gettext("Save draft"), bid.revision if revision is None else revision)


def _typed(data: FormData) -> Typed:
    return {
        name: [value for value in data.getlist(name) if isinstance(value, str)]
        for name in data
        if name not in CONTROLS
    }


async def _still_open(session: AsyncSession, actor: Actor, bid: Bid) -> None:
    if not policies.may_edit_bid(actor, bid, await queries.database_time(session)):
        raise ConflictError(
            _("The deadline has passed or the bid was withdrawn: it cannot be changed any more.")
        )


def shown_form(bid: Bid, typed: Typed) -> BidForm:
    """The form of a bid, with a row to begin with in every list."""
    for rows in ("steps", "people"):
        if not any(name.startswith(f"{rows}-") for name in typed):
            typed = arranged(typed, f"add:{rows}")
    return bid_form(bid.challenge, typed)


def form_of(bid: Bid) -> BidForm:
    return shown_form(bid, field_values(content_of(bid), [member.organization_id for member in bid.members]))


def _add_missing(form: BidForm, errors: dict[str, Any]) -> None:
    """What is missing, where no message stands yet."""
    present = form.messages()
    form.add_errors({name: message for name, message in errors.items() if name not in present})


def _rows(request: WebRequest, bid: Bid, form: BidForm, command: str, *, saved: bool) -> Template:
    rows = "people" if command.partition(":")[2].startswith("people") else "steps"
    return render(
        request,
        f"bids/_{rows}.html",
        headers={"HX-Trigger": "draft-saved"} if saved else {},
        bid=bid,
        form=form,
        draft=_draft(bid),
        saved_at=moment_of(request),
        swap_revision=saved,
    )


async def editor_page(
    request: WebRequest,
    session: DbSession,
    actor: Actor,
    bid: Bid,
    form: BidForm,
    *,
    status: int = 200,
    saved: bool = False,
    unsaved: bool = False,
    stale: StaleError | None = None,
    revision: int | None = None,
    missing: dict[str, Any] | None = None,
    file_error: Any = "",
) -> Template:
    # A draft's form may have no part of a member that was named meanwhile.
    forms_by_member = {part.form.organization_id.data: part.form for part in form.parts}
    missing = shortcomings(bid) if missing is None else missing
    return render(
        request,
        "bids/edit.html",
        status=status,
        bid=bid,
        form=form,
        members=[(member, forms_by_member.get(str(member.organization_id))) for member in bid.members],
        years=max([years_of(bid.challenge), *(len(part.form.years.entries) for part in form.parts)]),
        budget=budget_table(bid),
        missing=_lines(bid, form, missing),
        saved=saved,
        unsaved=unsaved,
        stale=stale,
        # A stale form keeps the revision it was opened with: saving it over the other takes a decision.
        draft=_draft(bid, revision),
        saved_at=bid.updated_at,
        swap_revision=False,
        attachments=await bid_files(session, bid),
        file_error=file_error,
        max_mb=limit_mb(
            request.app.state.process.settings,
            bid.challenge.program.max_file_mb if bid.challenge.program else None,
        ),
        receipts=await receipts_for(session, actor, bid),
        unconfirmed=await unconfirmed(session, bid),
    )


def _lines(bid: Bid, form: BidForm, missing: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Anchor, place in words and message of everything that is missing."""
    lines = []
    for name, message in missing.items():
        head, *rest = name.split("-")
        place, anchor = "", name
        if head == "parts" and rest:
            place, anchor = bid.members[int(rest[0])].organization.name, "members"
            if rest[1] in {"years", "budget_wan"}:
                anchor = name
            if rest[1] == "years":
                place += " · " + gettext("Year %(number)s", number=int(rest[2]) + 1)
        elif head == "steps":
            place = gettext("Step %(number)s", number=int(rest[0]) + 1)
        elif head == "people":
            place = gettext("Person %(number)s", number=int(rest[0]) + 1)
        elif head in {"requirement", "budget"}:
            anchor = "members"
        field = form.named(name)
        if head in {"steps", "people"} or not rest:
            label = str(field.label.text) if field is not None else ""
            place = " · ".join(filter(None, (place, label)))
        lines.append((anchor, place, str(message)))
    return lines


async def receipts_for(session: DbSession, actor: Actor, bid: Bid) -> list[BidReceipt]:
    """Receipts are the bidders'; a partner sees them once it has confirmed."""
    if not policies.bids_in(actor, bid):
        return []
    return await queries.receipts_of_bid(session, bid.id)


async def own_bid(session: DbSession, actor: Actor, bid_id: uuid.UUID) -> Bid:
    bid = await queries.bid_by_id(session, bid_id)
    if bid is None or not policies.leads_bid(actor, bid):
        raise NotFoundError(_("There is no such bid."))
    return bid


async def _reloaded(session: DbSession, bid_id: uuid.UUID) -> Bid:
    session.expire_all()
    bid = await queries.bid_by_id(session, bid_id)
    assert bid is not None
    return bid
