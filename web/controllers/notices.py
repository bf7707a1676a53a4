"""Public notices of awards, and the results of challenges."""

import uuid
from typing import Any

from litestar import Controller, Response, get, post
from litestar.response import Template
from sqlalchemy.ext.asyncio import AsyncSession

from challenges.notices import queries, service
from challenges.notices.feed import notice_feed
from challenges.notices.models import NoticeState
from challenges.objections import policies as objection_policies
from challenges.objections import queries as objection_queries
from challenges.objections.models import ObjectionState
from challenges.objections.service import may_object
from challenges.postings.policies import is_officer_in_charge
from challenges.postings.service import certificates_of
from core.actor import Actor
from core.errors import InvalidError
from core.i18n import gettext
from web.dependencies import Acting, Config, DbSession, FromPath, WebRequest
from web.guards import Access
from web.notice_view import team_views
from web.paging import Page, page_number
from web.requests import as_uuid, form_data
from web.templating import redirect, render

FEED_ENTRIES = 50


class NoticeController(Controller):
    @get("/notices", opt={"access": Access.PUBLIC})
    async def index(
        self,
        request: WebRequest,
        session: DbSession,
        actor: Acting,
    ) -> Template:
        asked = request.query_params
        page, state, program = (asked.get(name, "") for name in ("page", "state", "program"))
        chosen = next((item for item in NoticeState if item.value == state), None)
        certificates = await certificates_of(session, actor)
        program_id = as_uuid(program)
        total = await queries.count_notices(session, actor, certificates, chosen, program_id)
        shown = Page(page_number(page), total)
        return render(
            request,
            "notices/index.html",
            notices=await queries.list_notices(
                session,
                actor,
                certificates,
                state=chosen,
                program_id=program_id,
                offset=shown.offset,
                limit=shown.per_page,
            ),
            page=shown,
            parameters={"state": chosen.value if chosen else "", "program": program if program_id else ""},
            states=list(NoticeState),
            chosen=chosen,
        )

    @get("/notices.atom", opt={"access": Access.PUBLIC})
    async def feed(self, session: DbSession, settings: Config) -> Response[bytes]:
        notices = await queries.public_feed(session, limit=FEED_ENTRIES)
        content = notice_feed(
            notices, base_url=settings.public_url, title=gettext("Jiebang – public notices of awards")
        )
        return Response(
            content=content,
            media_type="application/atom+xml; charset=utf-8",
            headers={"cache-control": "public, max-age=300"},
        )

    @get("/notices/{notice_id:uuid}", opt={"access": Access.PUBLIC})
    async def show(
        self, request: WebRequest, session: DbSession, actor: Acting, notice_id: FromPath[uuid.UUID]
    ) -> Template:
        notice = await service.read_notice(session, actor, notice_id)
        objections = await objection_queries.objections_of(session, notice.id)
        return render(
            request,
            "notices/show.html",
            notice=notice,
            challenge=notice.challenge,
            teams=team_views(notice.content),
            answered=[
                item for item in objections if item.state in (ObjectionState.UPHELD, ObjectionState.DISMISSED)
            ],
            # Whoever may read an objection finds it here; nobody else learns that there is one.
            readable=[item for item in objections if objection_policies.may_read_objection(actor, item)],
            may_object=await may_object(session, actor, notice),
        )

    @get("/challenges/{challenge_id:uuid}/notice", opt={"access": Access.OFFICER})
    async def prepare(
        self, request: WebRequest, session: DbSession, actor: Acting, challenge_id: FromPath[uuid.UUID]
    ) -> Template:
        return await _preparation(request, session, actor, challenge_id)

    @post("/challenges/{challenge_id:uuid}/notice", opt={"access": Access.OFFICER}, status_code=200)
    async def publish(
        self, request: WebRequest, session: DbSession, actor: Acting, challenge_id: FromPath[uuid.UUID]
    ) -> Template | Response[Any]:
        introduction = (await form_data(request)).get("introduction")
        try:
            if len(introduction) > service.LONGEST_INTRODUCTION:
                raise InvalidError(
                    {
                        "introduction": gettext(
                            "At most %(number)s characters.", number=service.LONGEST_INTRODUCTION
                        )
                    }
                )
            async with session.begin_nested():
                notice = await service.publish_notice(session, actor, challenge_id, introduction)
        except InvalidError as error:
            return await _preparation(
                request, session, actor, challenge_id, introduction, error.errors["introduction"], status=422
            )
        return redirect(
            request,
            f"/notices/{notice.id}",
            flash=gettext("The notice is published; everybody concerned has been told."),
        )


async def _preparation(
    request: WebRequest,
    session: AsyncSession,
    actor: Actor,
    challenge_id: uuid.UUID,
    introduction: str = "",
    error: Any = "",
    *,
    status: int = 200,
) -> Template:
    preview = await service.preview_notice(session, actor, challenge_id)
    return render(
        request,
        "notices/prepare.html",
        status=status,
        challenge=preview.challenge,
        preview=preview,
        teams=team_views(preview.content),
        introduction=introduction,
        error=error,
        is_officer=is_officer_in_charge(actor, preview.challenge),
    )
