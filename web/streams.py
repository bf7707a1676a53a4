"""Server-sent events of one person: how many notifications they have not read, whenever that may have changed."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress

from litestar.response.sse import ServerSentEventMessage

from core.accounts.queries import is_login_in_force
from core.actor import Actor
from core.database import database_time
from core.notifications.listening import Listener
from core.notifications.queries import unread_count
from core.process import Process

# Below the minute after which proxies cut what is silent. A login that has expired is noticed as often.
HEARTBEAT_S = 20.0


async def notification_events(
    process: Process, listener: Listener, actor: Actor
) -> AsyncIterator[ServerSentEventMessage]:
    """Ends with the event "ended" when the login does, and without one when the server stops."""
    assert actor.person_id is not None
    assert actor.login_id is not None
    with listener.stream_of(actor.person_id) as woken:
        is_news = True
        while True:
            woken.clear()
            async with process.transaction() as session:
                in_force = await is_login_in_force(session, actor.login_id, await database_time(session))
                unread = await unread_count(session, actor.person_id) if in_force and is_news else 0
            if not in_force:
                yield ServerSentEventMessage(event="ended", data="")
                return
            if is_news:
                yield ServerSentEventMessage(event="unread", data=json.dumps({"unread": unread}))
            else:
                yield ServerSentEventMessage(comment="still here", data=None)
            if listener.is_closed:
                return
            with suppress(TimeoutError):
                await asyncio.wait_for(woken.wait(), HEARTBEAT_S)
            is_news = woken.is_set()
