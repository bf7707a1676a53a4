"""A person's notifications: the list, reading them, the stream that keeps the bell up to date."""

import uuid
from typing import Any

from litestar import Controller, Response, get, post
from litestar.datastructures import State
from litestar.response import ServerSentEvent, Template

import challenges.reminders.events
import challenges.searches.events  # noqa: F401
from core.i18n import gettext
from core.notifications import queries, service
from core.notifications.kinds import all_kinds
from core.notifications.models import Delivery
from core.notifications.policies import concerns
from web.dependencies import Acting, DbSession, FromPath, FromQuery, WebRequest
from web.guards import Access
from web.paging import Page, page_number
from web.requests import form_data, safe_path
from web.streams import notification_events
from web.templating import is_htmx, redirect, render


class NotificationController(Controller):
    @get("/notifications", opt={"access": Access.PERSON})
    async def index(
        self,
        request: WebRequest,
        session: DbSession,
        actor: Acting,
        show: FromQuery[str] = "",
        group: FromQuery[str] = "",
        page: FromQuery[str] = "1",
    ) -> Template:
        assert actor.person_id is not None
        groups = {kind.group.name: kind.group.label for kind in all_kinds() if concerns(actor, kind)}
        group = group if group in groups else ""
        show = "unread" if show == "unread" else ""
        page_shown = Page(page_number(page), 0)
        notifications, total = await queries.page_of_notifications(
            session,
            actor.person_id,
            unread=show == "unread",
            kinds=[kind.name for kind in all_kinds() if kind.group.name == group] if group else None,
            limit=page_shown.per_page,
            offset=page_shown.offset,
        )
        return render(
            request,
            "notifications/_list.html" if is_htmx(request) else "notifications/index.html",
            lines=await service.lines_of(session, actor.person_id, notifications),
            page=Page(page_shown.number, total),
            groups=groups,
            parameters={"show": show, "group": group},
        )

    @get("/notifications/stream", opt={"access": Access.PERSON})
    async def stream(self, state: State, actor: Acting) -> ServerSentEvent:
        return ServerSentEvent(
            notification_events(state.process, state.listener, actor),
            headers={"cache-control": "no-store", "x-accel-buffering": "no"},
        )

    @get("/notifications/{notification_id:uuid}", opt={"access": Access.PERSON})
    async def open(
        self, request: WebRequest, session: DbSession, actor: Acting, notification_id: FromPath[uuid.UUID]
    ) -> Response[Any]:
        """Go where it leads; it counts as read."""
        return redirect(request, await service.open_notification(session, actor, notification_id))

    @post("/notifications/{notification_id:uuid}/read", opt={"access": Access.PERSON}, status_code=200)
    async def read(
        self, request: WebRequest, session: DbSession, actor: Acting, notification_id: FromPath[uuid.UUID]
    ) -> Template | Response[Any]:
        assert actor.person_id is not None
        item = await service.read_notification(session, actor, notification_id)
        if is_htmx(request):
            await session.refresh(item)
            (line,) = await service.lines_of(session, actor.person_id, [item])
            return render(request, "notifications/_line.html", line=line)
        return redirect(request, safe_path((await form_data(request)).get("to"), "/notifications"))

    @post("/notifications/read", opt={"access": Access.PERSON}, status_code=200)
    async def read_all(self, request: WebRequest, session: DbSession, actor: Acting) -> Response[Any]:
        await service.mark_read(session, actor, None)
        return redirect(request, "/notifications", flash=gettext("All notifications are marked as read."))

    @get("/account/notifications", opt={"access": Access.PERSON})
    async def choices(self, request: WebRequest, session: DbSession, actor: Acting) -> Template:
        assert actor.person_id is not None
        return render(
            request,
            "notifications/choices.html",
            kinds=[kind for kind in all_kinds() if concerns(actor, kind)],
            chosen=await queries.preferences_of(session, actor.person_id),
            deliveries=list(Delivery),
        )

    @post("/account/notifications", opt={"access": Access.PERSON}, status_code=200)
    async def choose(self, request: WebRequest, session: DbSession, actor: Acting) -> Response[Any]:
        data = await form_data(request)
        values = {item.value for item in Delivery}
        chosen = {
            kind.name: Delivery(data.get(kind.name))
            for kind in all_kinds()
            if concerns(actor, kind) and data.get(kind.name) in values
        }
        await service.choose_deliveries(session, actor, chosen)
        return redirect(request, "/account/notifications", flash=gettext("Your choice was saved."))
