"""What administrators see of mail: what was given up and why, and how every kind of notification reads."""

import uuid
from typing import Any

from litestar import Controller, Response, get, post
from litestar.response import Template

from core import mail
from core.i18n import LOCALES, gettext, use_locale
from core.notifications.kinds import all_kinds, subject_of, text_of
from web.dependencies import Acting, DbSession, FromPath, FromQuery, WebRequest
from web.guards import Access
from web.paging import Page, page_number
from web.templating import redirect, render


class MailController(Controller):
    path = "/administration"
    opt = {"access": Access.ADMINISTRATOR}

    @get("/mail")
    async def index(
        self,
        request: WebRequest,
        session: DbSession,
        show: FromQuery[str] = mail.Shown.FAILED.value,
        page: FromQuery[str] = "1",
    ) -> Template:
        shown = mail.Shown(show) if show in list(mail.Shown) else mail.Shown.FAILED
        number = page_number(page)
        messages, total = await mail.messages(session, recipient="", page=number, shown=shown)
        return render(
            request,
            "administration/mail.html",
            messages=messages,
            shown=shown,
            page=Page(number, total, mail.PER_PAGE),
            parameters={"show": shown.value},
        )

    @post("/mail/{message_id:uuid}/retry", status_code=200)
    async def retry(
        self, request: WebRequest, session: DbSession, actor: Acting, message_id: FromPath[uuid.UUID]
    ) -> Response[Any]:
        await mail.retry_mail(session, actor, message_id)
        return redirect(request, "/administration/mail", flash=gettext("The mail is tried again."))

    @get("/templates")
    async def templates(self, request: WebRequest) -> Template:
        """Every kind with its example data, in every language."""
        previews: list[tuple[Any, dict[str, tuple[str, str]]]] = []
        for kind in all_kinds():
            texts: dict[str, tuple[str, str]] = {}
            for locale in LOCALES:
                with use_locale(locale):
                    texts[locale] = (subject_of(kind, kind.example), text_of(kind, kind.example))
            previews.append((kind, texts))
        return render(request, "administration/templates.html", previews=previews)
