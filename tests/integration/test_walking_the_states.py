"""Random walks over every table of states: none leaves its table, a step is told once, a refusal changes nothing."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import DBAPIError

from core import audit
from core.audit import AuditEntry
from core.clock import utc_now
from core.errors import ConflictError, ForbiddenError, InvalidError
from core.states import Role, move
from tests.factories import Factory
from tests.integration.state_subjects import BY_NOUN, ONLY_AFTER, subject_of
from tests.integration.state_subjects.subject import Subject


@st.composite
def wishes(draw: st.DrawFn) -> list[dict[str, Any]]:
    """What somebody wants next. Two of three wishes are steps that the table knows, or a walk would stand still."""
    wish = st.fixed_dictionaries(
        {
            "known": st.sampled_from([True, True, False]),
            "target": st.integers(0, 10_000),
            "actor": st.integers(0, 10_000),
            "entitled": st.sampled_from([True, True, False]),
            "days": st.sampled_from([0, 400]),
            "note": st.sampled_from(["理由", "理由", " "]),
        }
    )
    return draw(st.lists(wish, min_size=1, max_size=12))


class Walker:
    def __init__(self, make: Factory, subject: Subject) -> None:
        self.session, self.subject = make.session, subject

    async def row(self) -> Any:
        """Everything the row says, as the database writes it."""
        table = self.subject.kind.__tablename__
        found = await self.session.scalar(
            text(f"SELECT to_jsonb(t) FROM {table} t WHERE id = :id"),
            {"id": self.subject.id},
        )
        assert found is not None
        return found

    async def entries(self) -> int:
        return (await self.session.scalar(select(func.count()).select_from(AuditEntry))) or 0

    async def stand_at(self, state: Any) -> None:
        for item in (*ONLY_AFTER.get(state, ()), state):
            await self.session.execute(
                update(self.subject.kind)
                .where(self.subject.kind.id == self.subject.id)
                .values(state=item, **self.subject.along.get(item, {}))
            )


@pytest.mark.parametrize("noun", sorted(BY_NOUN))
@given(start=st.integers(0, 10_000), wished=wishes())
@hypothesis_settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
async def test_no_walk_leaves_its_table(
    noun: str, make: Factory, start: int, wished: list[dict[str, Any]]
) -> None:
    machine, session = BY_NOUN[noun], make.session
    subject = await kept_subject(make, noun)
    outer = await session.begin_nested()
    walker = Walker(make, subject)
    everybody = [
        *((frozenset({role}), actor) for role, actor in subject.actors.items()),
        *((frozenset[Role](), actor) for actor in subject.strangers),
    ]
    state = machine.every_state[start % len(machine.every_state)]
    await walker.stand_at(state)
    for wish in wished:
        known = sorted(machine.targets(state, frozenset(Role)))
        targets = known if wish["known"] and known else machine.every_state
        target = targets[wish["target"] % len(targets)]
        step = machine.transition(state, target)
        able = [item for item in everybody if step is not None and step.who & item[0]]
        choice = able if wish["entitled"] and able else everybody
        roles, actor = choice[wish["actor"] % len(choice)]
        before, entries = await walker.row(), await walker.entries()
        savepoint = await session.begin_nested()
        try:
            await move(
                session,
                machine,
                actor,
                await subject.read(),
                target,
                note=wish["note"],
                now=utc_now() + timedelta(days=wish["days"]),
            )
            # Guards of the database that look at the end of a statement have looked by then.
            await session.flush()
        except (ConflictError, ForbiddenError, InvalidError, DBAPIError) as error:
            refusal: Exception | None = error
        else:
            refusal = None
        if refusal is not None:
            await savepoint.rollback()
            session.expire_all()
            assert await walker.row() == before
            assert await walker.entries() == entries
            if step is None:
                assert type(refusal) is ConflictError
            elif not step.who & roles:
                assert type(refusal) is ForbiddenError
            elif step.needs_note and not wish["note"].strip():
                assert type(refusal) is InvalidError
            else:
                # Only what the table itself names may stand in the way: a guard, or the law in the database.
                assert step.guard is not None or isinstance(refusal, DBAPIError), refusal
            continue
        await savepoint.commit()
        assert step is not None, f"{state} -> {target} is in no table"
        assert step.who & roles
        assert wish["note"].strip() or not step.needs_note
        assert await walker.entries() == entries + 1
        last = await session.scalar(select(AuditEntry).order_by(AuditEntry.number.desc()).limit(1))
        assert last is not None
        assert last.changes["state"] == [state.value, target.value]
        assert (last.action, last.person_id) == (step.action, actor.person_id)
        assert (await walker.row())["state"] == target.value
        state = target
    assert (await audit.verify(session)).is_intact
    await outer.rollback()
    session.expire_all()


_kept: dict[int, tuple[str, Subject]] = {}


async def kept_subject(make: Factory, noun: str) -> Subject:
    """One subject for all walks of a test: each walk is rolled back."""
    if id(make) not in _kept:
        _kept.clear()
        _kept[id(make)] = (noun, await subject_of(make, noun))
    return _kept[id(make)][1]
