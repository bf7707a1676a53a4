"""Bidding: start, members, files, withdraw; the bids of a challenge once they are unsealed."""

import json
import uuid
from typing import Any

from litestar import Controller, Response, get, post
from litestar.response import Template

from challenges.amendments.queries import unconfirmed, unconfirmed_versions
from challenges.bids import policies, queries, service
from challenges.bids.completeness import budget_table
from challenges.bids.models import Bid
from challenges.bids.opening import open_bids, opening_state
from challenges.bids.receipts import published_receipts, receipt_json
from challenges.bids.sealing import bid_files, canonical_bid
from challenges.postings.service import read_challenge
from core.actor import Actor
from core.errors import ForbiddenError, InvalidError, NotFoundError
from core.i18n import gettext
from core.i18n import lazy_gettext as _
from web.controllers.bid_editing import editor_page, form_of, own_bid, receipts_for
from web.dependencies import Acting, Config, DbSession, FromPath, FromQuery, WebRequest
from web.guards import Access
from web.requests import UPLOAD_BODY_LIMIT, form_data, uploaded_file
from web.templating import is_htmx, redirect, render


class BidController(Controller):
    @get("/my/bids", opt={"access": Access.MEMBER})
    async def my_bids(self, request: WebRequest, session: DbSession, actor: Acting) -> Template:
        assert actor.organization_id is not None
        bids = await queries.bids_of_organization(session, actor.organization_id)
        own = [bid for bid in bids if policies.leads_bid(actor, bid)]
        asked = [bid for bid in bids if not policies.leads_bid(actor, bid)]
        return render(
            request, "bids/mine.html", own=own, asked=[(bid, _own_part(actor, bid)) for bid in asked]
        )

    @get("/challenges/{challenge_id:uuid}/bids/new", opt={"access": Access.EDITOR})
    async def confirm_start(
        self, request: WebRequest, session: DbSession, actor: Acting, challenge_id: FromPath[uuid.UUID]
    ) -> Template | Response[Any]:
        challenge = await read_challenge(session, actor, challenge_id)
        assert actor.organization_id is not None
        part = await queries.part_in_challenge(session, challenge.id, actor.organization_id)
        if part is not None:
            return redirect(request, f"/bids/{part.id}")
        return render(request, "bids/new.html", challenge=challenge)

    @post("/challenges/{challenge_id:uuid}/bids/new", opt={"access": Access.EDITOR}, status_code=200)
    async def start(
        self, request: WebRequest, session: DbSession, actor: Acting, challenge_id: FromPath[uuid.UUID]
    ) -> Response[Any]:
        challenge = await read_challenge(session, actor, challenge_id)
        bid = await service.start_bid(session, actor, challenge)
        return redirect(request, f"/bids/{bid.id}")

    @get("/bids/{bid_id:uuid}", opt={"access": Access.PERSON})
    async def show(
        self, request: WebRequest, session: DbSession, actor: Acting, bid_id: FromPath[uuid.UUID]
    ) -> Template:
        bid = await _visible_bid(session, actor, bid_id)
        if policies.may_edit_bid(actor, bid, await queries.database_time(session)):
            return await editor_page(request, session, actor, bid, form_of(bid))
        return render(
            request,
            "bids/show.html",
            bid=bid,
            own_part=_own_part(actor, bid),
            budget=budget_table(bid),
            may_read=policies.may_read_bid(actor, bid),
            may_answer=policies.may_answer_invitation(actor, bid, await queries.database_time(session)),
            attachments=await bid_files(session, bid),
            receipts=await receipts_for(session, actor, bid),
            unconfirmed=await unconfirmed(session, bid),
        )

    @get("/bids/{bid_id:uuid}/partners", opt={"access": Access.EDITOR})
    async def partners(
        self,
        request: WebRequest,
        session: DbSession,
        actor: Acting,
        bid_id: FromPath[uuid.UUID],
        q: FromQuery[str] = "",
    ) -> Template:
        bid = await own_bid(session, actor, bid_id)
        found = []
        if q.strip():
            found = await queries.possible_partners(
                session,
                q.strip(),
                kinds=bid.challenge.program.bidder_kinds if bid.challenge.program else [],
                excluded=[bid.challenge.organization_id, *(member.organization_id for member in bid.members)],
            )
        template = "bids/_partners.html" if is_htmx(request) else "bids/partners.html"
        return render(request, template, bid=bid, found=found, q=q)

    @post("/bids/{bid_id:uuid}/members", opt={"access": Access.EDITOR}, status_code=200)
    async def add_member(
        self,
        request: WebRequest,
        session: DbSession,
        actor: Acting,
        bid_id: FromPath[uuid.UUID],
    ) -> Response[Any]:
        organization_id = _uuid((await form_data(request)).get("organization_id"))
        await service.add_member(session, actor, bid_id, organization_id)
        return redirect(request, f"/bids/{bid_id}#members", flash=gettext("The partner was invited by mail."))

    @post(
        "/bids/{bid_id:uuid}/members/{organization_id:uuid}/remove",
        opt={"access": Access.EDITOR},
        status_code=200,
    )
    async def remove_member(
        self,
        request: WebRequest,
        session: DbSession,
        actor: Acting,
        bid_id: FromPath[uuid.UUID],
        organization_id: FromPath[uuid.UUID],
    ) -> Response[Any]:
        await service.remove_member(session, actor, bid_id, organization_id)
        return redirect(request, f"/bids/{bid_id}#members", flash=gettext("The member was removed."))

    @post("/bids/{bid_id:uuid}/answer", opt={"access": Access.EDITOR}, status_code=200)
    async def answer(
        self,
        request: WebRequest,
        session: DbSession,
        actor: Acting,
        bid_id: FromPath[uuid.UUID],
    ) -> Response[Any]:
        accept = (await form_data(request)).get("answer") == "confirm"
        await service.answer_invitation(session, actor, bid_id, accept=accept)
        if not accept:
            return redirect(request, "/my/bids", flash=gettext("You have declined the part in this bid."))
        return redirect(
            request, f"/bids/{bid_id}", flash=gettext("You have confirmed your part in this bid.")
        )

    @post(
        "/bids/{bid_id:uuid}/attachments",
        opt={"access": Access.EDITOR},
        status_code=200,
        request_max_body_size=UPLOAD_BODY_LIMIT,
    )
    async def attach(
        self,
        request: WebRequest,
        session: DbSession,
        actor: Acting,
        settings: Config,
        bid_id: FromPath[uuid.UUID],
    ) -> Template | Response[Any]:
        bid = await own_bid(session, actor, bid_id)
        upload = await uploaded_file(request)
        try:
            async with session.begin_nested():
                await service.attach_file(
                    session, settings, actor, bid_id, name=upload.name, content=upload.content
                )
        except InvalidError as error:
            return await editor_page(
                request, session, actor, bid, form_of(bid), status=422, file_error=error.errors["file"]
            )
        return redirect(request, f"/bids/{bid_id}#files", flash=gettext("The file was added."))

    @post("/bids/{bid_id:uuid}/withdraw", opt={"access": Access.EDITOR}, status_code=200)
    async def withdraw(
        self,
        request: WebRequest,
        session: DbSession,
        actor: Acting,
        bid_id: FromPath[uuid.UUID],
    ) -> Response[Any]:
        bid = await service.withdraw_bid(session, actor, bid_id)
        return redirect(request, f"/challenges/{bid.challenge_id}", flash=gettext("Your bid was withdrawn."))

    @get("/bids/{bid_id:uuid}/receipts/{receipt_id:uuid}", opt={"access": Access.PERSON})
    async def receipt(
        self,
        session: DbSession,
        actor: Acting,
        bid_id: FromPath[uuid.UUID],
        receipt_id: FromPath[uuid.UUID],
    ) -> Response[bytes]:
        bid = await _visible_bid(session, actor, bid_id)
        found = next(
            (item for item in await receipts_for(session, actor, bid) if item.id == receipt_id), None
        )
        if found is None:
            raise NotFoundError(_("There is no such receipt."))
        return _json_file(f"receipt-{found.id}.json", json.dumps(receipt_json(found), indent=2).encode())

    @get("/bids/{bid_id:uuid}/content", opt={"access": Access.PERSON})
    async def content(
        self, session: DbSession, actor: Acting, bid_id: FromPath[uuid.UUID]
    ) -> Response[bytes]:
        """What the receipts' hashes are made of, to the byte."""
        bid = await queries.bid_by_id(session, bid_id)
        if bid is None or not policies.may_read_bid(actor, bid):
            raise NotFoundError(_("There is no such bid."))
        return _json_file(f"bid-{bid.id}.json", await canonical_bid(session, bid))


class BidsOfChallengeController(Controller):
    @get("/challenges/{challenge_id:uuid}/bids", opt={"access": Access.PERSON})
    async def of_challenge(
        self, request: WebRequest, session: DbSession, actor: Acting, challenge_id: FromPath[uuid.UUID]
    ) -> Template:
        challenge = await read_challenge(session, actor, challenge_id)
        if not policies.may_list_bids(actor, challenge, await queries.database_time(session)):
            raise ForbiddenError(
                _("Bids are sealed until the deadline, and then read by poster and officers alone.")
            )
        bids = await queries.bids_of_challenge(session, challenge.id)
        return render(
            request,
            "bids/of_challenge.html",
            challenge=challenge,
            bids=bids,
            unconfirmed=await unconfirmed_versions(session, [bid.id for bid in bids]),
            is_opened=policies.are_bids_opened(challenge),
            state=await opening_state(session, actor, challenge),
        )

    @post("/challenges/{challenge_id:uuid}/bids/open", opt={"access": Access.OFFICER}, status_code=200)
    async def open(
        self, request: WebRequest, session: DbSession, actor: Acting, challenge_id: FromPath[uuid.UUID]
    ) -> Response[Any]:
        challenge = await read_challenge(session, actor, challenge_id)
        opening = await open_bids(session, actor, challenge)
        message = (
            gettext("Another officer has to open the bids now.")
            if opening.opened_at is None
            else gettext("The bids are open.")
        )
        return redirect(request, f"/challenges/{challenge_id}/bids", flash=message)

    @get("/challenges/{challenge_id:uuid}/receipts", opt={"access": Access.PERSON})
    async def receipts(
        self, request: WebRequest, session: DbSession, actor: Acting, challenge_id: FromPath[uuid.UUID]
    ) -> Template:
        """Whoever took part sees that each bid opened is the one that was handed in."""
        challenge = await read_challenge(session, actor, challenge_id)
        participants = await queries.member_ids(session, challenge.id)
        if not policies.may_see_receipts(
            actor, challenge, participants, await queries.database_time(session)
        ):
            raise ForbiddenError(_("Receipts are shown after the deadline to those who took part."))
        own = {
            bid.id
            for bid in await queries.bids_of_challenge(session, challenge.id)
            if any(actor.acts_for(member.organization_id) for member in bid.members)
        }
        return render(
            request,
            "bids/receipts.html",
            challenge=challenge,
            checked=await published_receipts(session, challenge.id),
            own=own,
            opening=await queries.opening_of(session, challenge.id),
        )


def _json_file(name: str, content: bytes) -> Response[bytes]:
    return Response(
        content,
        media_type="application/json",
        headers={
            "content-disposition": f'attachment; filename="{name}"',
            "cache-control": "private, no-store",
        },
    )


async def _visible_bid(session: DbSession, actor: Actor, bid_id: uuid.UUID) -> Bid:
    bid = await queries.bid_by_id(session, bid_id)
    if bid is None or not (policies.may_read_bid(actor, bid) or policies.is_asked(actor, bid)):
        raise NotFoundError(_("There is no such bid."))
    return bid


def _uuid(raw: str) -> uuid.UUID:
    try:
        return uuid.UUID(raw)
    except ValueError:
        raise NotFoundError(_("There is no such organization.")) from None


def _own_part(actor: Actor, bid: Bid) -> Any:
    return next((member for member in bid.members if actor.acts_for(member.organization_id)), None)
