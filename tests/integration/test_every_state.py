"""Every table of states, walked completely: each allowed step works, each other is refused, for everybody."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update

from core.actor import Actor
from core.audit import AuditEntry
from core.clock import utc_now
from core.errors import ConflictError, ForbiddenError, InvalidError
from core.states import Machine, Role, move
from tests.factories import Factory
from tests.integration.state_subjects import BY_NOUN, ONLY_AFTER, subject_of


async def walk(make: Factory, machine: Machine[Any, Any]) -> tuple[int, int]:
    """Try every step from every state for everybody; answers with how many passed and how many were refused."""
    session = make.session
    passed = refused = 0
    subject = await subject_of(make, machine.noun)
    everybody = [
        *((frozenset({role}), actor) for role, actor in subject.actors.items()),
        *((frozenset[Role](), actor) for actor in subject.strangers),
    ]
    for source in machine.every_state:
        # Taken back afterwards: the database itself holds some ends for final.
        at_source = await session.begin_nested()
        for state in (*ONLY_AFTER.get(source, ()), source):
            await session.execute(
                update(subject.kind)
                .where(subject.kind.id == subject.id)
                .values(state=state, **subject.along.get(state, {}))
            )
        for target in machine.every_state:
            step = machine.transition(source, target)
            for roles, actor in everybody:
                # A guard that demands what time brings is asked before and after it.
                outcomes = set()
                for now in (utc_now(), utc_now() + timedelta(days=400)):
                    thing = await subject.read()
                    savepoint = await session.begin_nested()
                    try:
                        await move(session, machine, actor, thing, target, note="理由", now=now)
                    except (ConflictError, ForbiddenError) as error:
                        outcomes.add(type(error))
                        refused += 1
                    else:
                        assert thing.state is target
                        outcomes.add(None)
                        passed += 1
                        await _assert_told(make, machine, thing, step, actor)
                    await savepoint.rollback()
                if step is None:
                    assert outcomes == {ConflictError}, (source, target, actor)
                elif not step.who & roles:
                    assert outcomes == {ForbiddenError}, (source, target, actor)
                else:
                    assert None in outcomes, (source, target, actor)
                    if step.guard is None:
                        assert outcomes == {None}, (source, target, actor)
        await at_source.rollback()
    return passed, refused


async def _assert_told(
    make: Factory, machine: Machine[Any, Any], thing: Any, step: Any, actor: Actor
) -> None:
    entry = await make.session.scalar(select(AuditEntry).order_by(AuditEntry.number.desc()).limit(1))
    assert entry is not None
    assert (entry.action, entry.person_id) == (step.action, actor.person_id)
    assert entry.changes["state"] == [step.source.value, step.target.value]
    assert (entry.subject_type, entry.subject_id) == (
        machine.audit_noun or machine.noun,
        machine.audit_id(thing),
    )


@pytest.mark.parametrize("noun", sorted(BY_NOUN))
async def test_every_step_of_the_table_works_and_every_other_is_refused(make: Factory, noun: str) -> None:
    passed, refused = await walk(make, BY_NOUN[noun])
    assert passed >= len(BY_NOUN[noun].transitions)
    assert refused > passed


@pytest.mark.parametrize("noun", sorted(BY_NOUN))
async def test_a_step_that_needs_a_reason_is_not_taken_without_one(make: Factory, noun: str) -> None:
    machine, session = BY_NOUN[noun], make.session
    subject = await subject_of(make, noun)
    for step in machine.transitions:
        if not step.needs_note:
            continue
        await session.execute(
            update(subject.kind)
            .where(subject.kind.id == subject.id)
            .values(state=step.source, **subject.along.get(step.source, {}))
        )
        actor = next(actor for role, actor in subject.actors.items() if role in step.who)
        before = await session.scalar(select(func.count()).select_from(AuditEntry))
        savepoint = await session.begin_nested()
        with pytest.raises(InvalidError) as caught:
            await move(session, machine, actor, await subject.read(), step.target, note="  ")
        assert set(caught.value.errors) == {"note"}
        await savepoint.rollback()
        assert await session.scalar(select(func.count()).select_from(AuditEntry)) == before
