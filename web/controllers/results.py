"""What became of challenges: winners, quota, notice, and how far the work is."""

import uuid

from litestar import Controller, get
from litestar.response import Template

from challenges.milestones.queries import outcomes_of
from challenges.notices import queries
from challenges.notices.service import read_result
from challenges.objections import queries as objection_queries
from challenges.objections.models import ObjectionState
from challenges.postings.service import certificates_of
from web.dependencies import Acting, DbSession, FromPath, WebRequest
from web.guards import Access
from web.notice_view import outcomes_by_team, team_views
from web.paging import Page, page_number
from web.requests import as_uuid
from web.templating import render


class ResultController(Controller):
    path = "/results"

    @get("/", opt={"access": Access.PUBLIC})
    async def index(
        self,
        request: WebRequest,
        session: DbSession,
        actor: Acting,
    ) -> Template:
        page, program = (request.query_params.get(name, "") for name in ("page", "program"))
        certificates = await certificates_of(session, actor)
        program_id = as_uuid(program)
        shown = Page(page_number(page), await queries.count_results(session, actor, certificates, program_id))
        return render(
            request,
            "results/index.html",
            results=await queries.list_results(
                session, actor, certificates, program_id, offset=shown.offset, limit=shown.per_page
            ),
            page=shown,
            parameters={"program": program if program_id else ""},
        )

    @get("/{challenge_id:uuid}", opt={"access": Access.PUBLIC})
    async def show(
        self, request: WebRequest, session: DbSession, actor: Acting, challenge_id: FromPath[uuid.UUID]
    ) -> Template:
        notice = await read_result(session, actor, challenge_id)
        objections = await objection_queries.objections_of(session, notice.id)
        return render(
            request,
            "results/show.html",
            notice=notice,
            challenge=notice.challenge,
            teams=team_views(notice.content, outcomes_by_team(await outcomes_of(session, challenge_id))),
            answered=sum(
                item.state in (ObjectionState.UPHELD, ObjectionState.DISMISSED) for item in objections
            ),
        )
