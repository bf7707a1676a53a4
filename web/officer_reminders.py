"""What time alone does about the officers' work queue: whoever has something due soon is told, once."""

from datetime import datetime

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from challenges.programs.calendar import period
from challenges.reminders.events import WORK_DUE
from challenges.reminders.models import QueueCheck
from challenges.reminders.queries import next_queue
from core.accounts.models import Person
from core.i18n import use_locale
from core.notifications.service import notify
from core.schedule import due
from solvers.organizations.acting import actors_of
from web.officer_queue import sections_of

# So many days of the program before something is due, its officers are told.
LEAD_DAYS = 1


@due("officer.work_due", next_queue)
async def remind_of_work(session: AsyncSession, person: Person, now: datetime) -> None:
    values = {"checked_at": now}
    await session.execute(
        insert(QueueCheck)
        .values(person_id=person.id, **values)
        .on_conflict_do_update(index_elements=[QueueCheck.person_id], set_=values)
    )
    actor = next((item for item in await actors_of(session, person.id) if item.is_officer), None)
    if actor is None:
        return
    with use_locale(person.locale):
        for section in await sections_of(session, actor, now):
            for row in section.rows:
                program = row.challenge.program
                if row.due is None or program is None or now < row.due - period(program, LEAD_DAYS):
                    continue
                await notify(
                    session,
                    f"{WORK_DUE.name}:{section.anchor}:{row.address}:{row.due.isoformat()}",
                    WORK_DUE,
                    [person.id],
                    row.challenge,
                    {
                        "title": row.challenge.title,
                        "section": section.title,
                        "due_at": row.due.isoformat(),
                        "address": row.address,
                    },
                )
