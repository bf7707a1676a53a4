"""What if: another consortium beside the present one, for poster and officers. Asking stores nothing."""

import uuid
from collections.abc import Mapping
from typing import Any

from litestar import Controller, get
from litestar.response import Template

from challenges.consortia import policies
from challenges.consortia.forms import read_changes
from challenges.consortia.standing import Standing, read_standing
from challenges.consortia.what_if import Answer, ask_what_if
from core.actor import Actor
from core.errors import ConflictError, InvalidError
from core.i18n import lazy_gettext as _
from web.consortium_view import consortium_view
from web.dependencies import Acting, DbSession, FromPath, WebRequest
from web.guards import Access
from web.templating import is_htmx, render
from web.what_if_view import WhatIfView, what_if_view


class WhatIfController(Controller):
    @get("/challenges/{challenge_id:uuid}/consortium/what-if", opt={"access": Access.PERSON})
    async def ask(
        self, request: WebRequest, session: DbSession, actor: Acting, challenge_id: FromPath[uuid.UUID]
    ) -> Template:
        standing = await read_standing(session, actor, challenge_id)
        consortium = standing.consortium
        if consortium is None:
            raise ConflictError(_("There is no consortium yet."))
        data = {name: value.replace("\0", "") for name, value in request.query_params.items()}
        changes, errors = read_changes(
            data,
            {str(item.id): item.budget_wan for item in standing.challenge.requirements},
            [member.organization_id for member in consortium.members],
        )
        answer: Answer | None = None
        if changes and not errors:
            try:
                standing, answer = await ask_what_if(session, actor, challenge_id, changes)
            except InvalidError as error:
                errors = {name: str(text) for name, text in error.errors.items()}
        return render(
            request,
            "consortia/_what_if.html" if is_htmx(request) else "consortia/what_if.html",
            status=422 if errors else 200,
            **what_if_context(actor, standing, answer=answer, data=data, errors=errors),
        )


def what_if_context(
    actor: Actor,
    standing: Standing,
    *,
    answer: Answer | None = None,
    data: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """What the form and its answer need; without a question the form alone is shown."""
    challenge, consortium = standing.challenge, standing.consortium
    assert consortium is not None
    shown: WhatIfView | None = None if answer is None else what_if_view(standing, answer)
    return {
        "challenge": challenge,
        "consortium": consortium,
        "view": consortium_view(standing),
        "what_if": shown,
        "budgets": {str(item.id): f"{item.budget_wan or 0:f}" for item in challenge.requirements},
        "asked": data or {},
        "errors": errors or {},
        "may_take": shown is not None
        and shown.may_be_taken
        and consortium.bid_id is None
        and policies.may_edit_consortium(actor, challenge, consortium),
    }
