import asyncio
from datetime import timedelta

from litestar import Litestar
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from challenges.models import ChallengeState
from challenges.postings.events import PUBLISHED
from core.accounts.models import Login, Person
from core.accounts.service import close_login, open_login
from core.actor import Actor
from core.clock import utc_now
from core.notifications.listening import Listener
from core.notifications.models import Delivery, Notification, NotificationPreference
from core.notifications.service import notify
from core.process import Process
from solvers.models import Membership, SizeClass
from tests.conftest import BrowserOf
from tests.factories import Factory
from web.streams import notification_events


async def told_editor(make: Factory) -> tuple[Person, object, Notification]:
    """An editor who was told that their challenge is published."""
    officer = await make.officer()
    poster = await make.organization(size=SizeClass.LARGE)
    person = await make.member(poster)
    challenge = await make.challenge(
        poster, await make.program(officer), state=ChallengeState.PUBLISHED, title="保密轴承", is_public=False
    )
    await notify(
        make.session, "event", PUBLISHED, [person.id], challenge, {"title": challenge.title, "note": ""}
    )
    await make.session.commit()
    item = await make.session.scalar(select(Notification))
    assert item is not None
    return person, poster, item


async def test_the_bell_counts_until_it_is_read(make: Factory, browser_of: BrowserOf) -> None:
    person, poster, item = await told_editor(make)
    browser = await browser_of(person, poster)
    page = (await browser.get("/notifications")).text
    assert "保密轴承" in page
    assert "未读消息： 1" in page
    answer = await browser.get(f"/notifications/{item.id}", follow_redirects=False)
    assert answer.headers["location"] == f"/challenges/{item.subject_id}"
    assert "未读消息： 1" not in (await browser.get("/notifications")).text
    assert "保密轴承" not in (await browser.get("/notifications?show=unread")).text
    assert "保密轴承" in (await browser.get("/notifications?group=challenges")).text


async def test_everything_is_marked_as_read_at_once(make: Factory, browser_of: BrowserOf) -> None:
    person, poster, item = await told_editor(make)
    browser = await browser_of(person, poster)
    assert (await browser.submit("/notifications/read")).status_code == 303
    await make.session.refresh(item)
    assert item.read_at is not None


async def test_who_has_lost_the_right_reads_no_word_of_it(make: Factory, browser_of: BrowserOf) -> None:
    person, _, item = await told_editor(make)
    membership = await make.session.scalar(select(Membership).where(Membership.person_id == person.id))
    await make.session.delete(membership)
    await make.session.commit()
    browser = await browser_of(person)
    page = await browser.get("/notifications")
    assert "您已无权查看此内容" in page.text
    assert "保密轴承" not in page.text
    assert (await browser.get(f"/notifications/{item.id}", follow_redirects=False)).status_code == 404


async def test_nobody_reads_what_another_was_told(make: Factory, browser_of: BrowserOf) -> None:
    _, poster, item = await told_editor(make)
    other = await browser_of(await make.member(poster), poster)  # type: ignore[arg-type]
    assert "保密轴承" not in (await other.get("/notifications")).text
    assert (await other.submit(f"/notifications/{item.id}/read")).status_code == 404


async def test_a_choice_is_kept_and_the_default_is_not(make: Factory, browser_of: BrowserOf) -> None:
    person, poster, _ = await told_editor(make)
    browser = await browser_of(person, poster)
    fields = {
        "challenge.published": "never",
        "challenge.returned": "at_once",
        "consortium.submitted": "never",
    }
    assert (await browser.submit("/account/notifications", fields)).status_code == 303
    kept = (await make.session.scalars(select(NotificationPreference))).all()
    # What is for officers alone was not theirs to choose.
    assert [(item.kind, item.delivery) for item in kept] == [("challenge.published", Delivery.NEVER)]
    assert (
        await browser.submit("/account/notifications", {"challenge.published": "at_once"})
    ).status_code == 303
    assert (await make.session.scalars(select(NotificationPreference))).all() == []


async def logged_in(process: Process, person: Person) -> Actor:
    async with process.transaction() as session:
        await open_login(session, process.settings, person, organization_id=None, address="", user_agent="")
    async with process.transaction() as session:
        login = await session.scalar(select(Login).where(Login.person_id == person.id))
    assert login is not None
    return Actor(person_id=person.id, login_id=login.id)


async def test_a_stream_tells_at_once_and_ends_with_the_login(
    make: Factory, process: Process, session: AsyncSession
) -> None:
    person = await make.person()
    other = await make.person()
    actor = await logged_in(process, person)
    listener = Listener(process.settings)
    events = notification_events(process, listener, actor)

    async def following() -> str:
        async with asyncio.timeout(15):
            return (await anext(events)).encode().decode()

    assert '{"unread": 0}' in await following()
    # The listening connection looks once more when it is there.
    assert '{"unread": 0}' in await following()
    for number, reader in enumerate((other, person)):
        await notify(
            session, f"event-{number}", PUBLISHED, [reader.id], person, {"title": "轴承", "note": ""}
        )
        await session.commit()
    assert '{"unread": 1}' in await following()
    assert actor.login_id is not None
    await close_login(session, actor.login_id)
    await session.commit()
    assert "event: ended" in await following()
    await listener.close()


async def test_a_stream_of_an_expired_login_ends(
    make: Factory, process: Process, session: AsyncSession
) -> None:
    actor = await logged_in(process, await make.person())
    await session.execute(update(Login).values(expires_at=utc_now() - timedelta(seconds=1)))
    await session.commit()
    listener = Listener(process.settings)
    events = [event async for event in notification_events(process, listener, actor)]
    assert [event.event for event in events] == ["ended"]
    await listener.close()


async def test_streams_end_when_the_server_does(app: Litestar, make: Factory, process: Process) -> None:
    actor = await logged_in(process, await make.person())
    listener: Listener = app.state.listener
    await listener.close()
    events = [event async for event in notification_events(process, listener, actor)]
    assert [event.event for event in events] == ["unread"]
