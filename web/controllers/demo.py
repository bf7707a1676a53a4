"""What only the demo has: the mailbox that stands for everybody's mail, and the list of accounts."""

from typing import Any

from litestar import Controller, get
from litestar.response import Template

from core import mail
from core.accounts.queries import person_by_email
from web.demo import DEMO_ACCOUNTS, DEMO_PASSWORD
from web.dependencies import DbSession, FromQuery, WebRequest
from web.guards import Access
from web.paging import Page, page_number
from web.templating import render


class DemoController(Controller):
    path = "/demo"
    opt = {"access": Access.DEMO}

    @get("/mailbox")
    async def mailbox(
        self,
        request: WebRequest,
        session: DbSession,
        page: FromQuery[str] = "1",
        recipient: FromQuery[str] = "",
    ) -> Template:
        number = page_number(page)
        messages, total = await mail.messages(session, recipient=recipient, page=number)
        parameters: dict[str, Any] = {"recipient": recipient}
        return render(
            request,
            "demo/mailbox.html",
            messages=messages,
            page=Page(number, total, mail.PER_PAGE),
            recipient=recipient,
            parameters=parameters,
        )

    @get("/accounts")
    async def accounts(self, request: WebRequest, session: DbSession) -> Template:
        rows = [(account, await person_by_email(session, account.email)) for account in DEMO_ACCOUNTS]
        return render(request, "demo/accounts.html", rows=rows, password=DEMO_PASSWORD)
