"""A person's own list of saved challenges."""

import uuid
from typing import Any

from litestar import Controller, Response, get, post
from litestar.response import Template

from challenges.postings import queries, service
from core.i18n import gettext
from web.dependencies import Acting, DbSession, FromPath, WebRequest
from web.guards import Access
from web.requests import form_data, safe_path
from web.templating import is_htmx, redirect, render


class SavedController(Controller):
    @get("/saved", opt={"access": Access.PERSON})
    async def index(self, request: WebRequest, session: DbSession, actor: Acting) -> Template:
        challenges = await queries.saved_challenges(
            session, actor, await service.certificates_of(session, actor)
        )
        return render(
            request,
            "saved/index.html",
            challenges=challenges,
            saved={challenge.id for challenge in challenges},
        )

    @post("/challenges/{challenge_id:uuid}/save", opt={"access": Access.PERSON}, status_code=200)
    async def save(
        self, request: WebRequest, session: DbSession, actor: Acting, challenge_id: FromPath[uuid.UUID]
    ) -> Template | Response[Any]:
        """Put the challenge on the list, or with `saved=0` take it off."""
        data = await form_data(request)
        wanted = data.get("saved", "1") != "0"
        await service.save_for_later(session, actor, challenge_id, saved=wanted)
        if is_htmx(request):
            return render(
                request,
                "saved/_toggle.html",
                challenge_id=challenge_id,
                is_saved=wanted,
                to=safe_path(data.get("to"), f"/challenges/{challenge_id}"),
            )
        message = gettext("Saved to your list.") if wanted else gettext("Taken off your list.")
        return redirect(request, safe_path(data.get("to"), f"/challenges/{challenge_id}"), flash=message)
