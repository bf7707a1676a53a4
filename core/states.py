"""One machine for the states of everything: tables of allowed steps, and `move`, the only place that takes one.

A noun declares a `Machine` with its table beside its models and writes no state by itself. docs/states.md is made
from the tables, and a test walks every one of them completely.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Generic, TypeVar
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from core import audit
from core.actor import Actor
from core.database import database_time
from core.errors import ConflictError, ForbiddenError, InvalidError
from core.i18n import lazy_gettext as _

Thing = TypeVar("Thing")
State = TypeVar("State", bound=StrEnum)


class Role(StrEnum):
    """The part that somebody plays towards a thing; a table names the parts that may take a step."""

    # An editor of the organization that posted the challenge.
    POSTER = "poster"
    # An officer of the challenge's program.
    OFFICER = "officer"
    # An editor of the organization that leads a bid.
    LEAD = "lead"
    # An editor of an organization that is named as a member of a bid.
    PARTNER = "partner"
    # Who was appointed to a challenge's panel of experts.
    REVIEWER = "reviewer"
    # An editor of the organization that raised an objection.
    OBJECTOR = "objector"
    # An editor of the organization that leads an awarded team.
    TEAM = "team"
    # An editor of another organization of an awarded team.
    MEMBER = "member"
    # Time, or what follows by itself.
    SYSTEM = "system"


# Both get the thing as it is under the lock, and the database's clock. A guard answers with the message that forbids
# the step, or None; its docstring says in words when it lets pass, and stands in docs/states.md.
Guard = Callable[[Any, datetime], Any]
Effect = Callable[[Any, datetime], None]


@dataclass(frozen=True, slots=True)
class Transition(Generic[State]):
    """One allowed step. `action` is its name in the audit log; `effect` writes what goes with the new state."""

    source: State
    target: State
    who: frozenset[Role]
    action: str
    needs_note: bool = False
    guard: Guard | None = None
    effect: Effect | None = None


async def _nothing_more(session: AsyncSession, thing: Any) -> None:
    return None


def _own_id(thing: Any) -> UUID:
    return thing.id


@dataclass(frozen=True)
class Machine(Generic[Thing, State]):
    """The table of one noun, and how its rows are locked, whose they are, and where they are told of.

    `locked` names the columns that guards and roles look at: they are read anew under the lock. `roles_of` reads the
    parts an actor plays now. `before_record` takes what must be taken before the audit log is written, since that
    is what everybody waits for.
    """

    noun: str
    states: type[State]
    initial: State
    transitions: tuple[Transition[State], ...]
    roles_of: Callable[[AsyncSession, Actor, Thing], Awaitable[frozenset[Role]]]
    locked: tuple[str, ...] = ("state",)
    # The column that keeps the latest note, where there is one.
    note_column: str | None = None
    before_record: Callable[[AsyncSession, Thing], Awaitable[None]] = _nothing_more
    audit_noun: str = ""
    audit_id: Callable[[Thing], UUID] = _own_id
    _by_step: dict[tuple[State, State], Transition[State]] = field(
        init=False, default_factory=dict, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        for item in self.transitions:
            step = (item.source, item.target)
            if step in self._by_step:
                raise ValueError(f"{self.noun}: {item.source} -> {item.target} stands twice in the table")
            self._by_step[step] = item

    def transition(self, source: State, target: State) -> Transition[State] | None:
        return self._by_step.get((source, target))

    def targets(self, source: State, roles: frozenset[Role]) -> frozenset[State]:
        """Where these parts may lead from a state, guards aside: for the buttons of a page."""
        return frozenset(
            item.target for item in self.transitions if item.source is source and item.who & roles
        )

    @property
    def every_state(self) -> list[State]:
        return list(self.states)

    @property
    def ends(self) -> frozenset[State]:
        return frozenset(self.every_state) - {item.source for item in self.transitions}


async def move(
    session: AsyncSession,
    machine: Machine[Thing, State],
    actor: Actor,
    thing: Thing,
    to: State,
    *,
    note: str = "",
    details: dict[str, Any] | None = None,
    now: datetime | None = None,
) -> Thing:
    """Take a thing to another state, with its entry in the audit log.

    The row is locked until the transaction ends, and everything is checked on what it holds then, by the database's
    clock unless `now` is given. Raises ConflictError for a step that the table does not know or that a guard forbids,
    ForbiddenError for who may not take it, InvalidError on field `note` where a reason is missing. `details` go into
    the audit entry.
    """
    note = note.strip()
    row: Any = thing
    await session.flush()
    await session.refresh(thing, attribute_names=list(machine.locked), with_for_update=True)
    now = now or await database_time(session)
    step = machine.transition(row.state, to)
    if step is None:
        raise ConflictError(_("This is not possible in the present state."))
    if not step.who & await machine.roles_of(session, actor, thing):
        raise ForbiddenError(_("You may not take this step."))
    if step.needs_note and not note:
        raise InvalidError({"note": _("Please give a reason.")})
    if step.guard is not None and (message := step.guard(thing, now)) is not None:
        raise ConflictError(message)
    row.state = to
    if machine.note_column is not None:
        setattr(row, machine.note_column, note)
    if step.effect is not None:
        step.effect(thing, now)
    await machine.before_record(session, thing)
    await audit.record(
        session,
        actor,
        step.action,
        machine.audit_noun or machine.noun,
        machine.audit_id(thing),
        {"state": [step.source.value, to.value], **({"note": note} if note else {}), **(details or {})},
    )
    return thing
