"""What belongs to a decision after it was taken: its replay."""

import uuid

from litestar import Controller, get
from litestar.response import Template

from challenges.consortia import replay
from web.dependencies import Acting, DbSession, FromPath, WebRequest
from web.guards import Access
from web.templating import is_htmx, render


class DecisionController(Controller):
    @get("/decisions/{decision_id:uuid}/replay", opt={"access": Access.OFFICER})
    async def replay(
        self, request: WebRequest, session: DbSession, actor: Acting, decision_id: FromPath[uuid.UUID]
    ) -> Template:
        decision, found = await replay.read_replay(session, actor, decision_id)
        return render(
            request,
            "consortia/_replay.html" if is_htmx(request) else "consortia/replay.html",
            decision=decision,
            replay=found,
            audit_head=found.head,
        )
