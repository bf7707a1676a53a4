"""One thing whose table of states is walked, and who plays which part towards it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from core.accounts.models import PlatformRole
from core.actor import Actor
from core.states import Role
from tests.factories import Factory
from tests.integration.matchmaking import actor_of


@dataclass
class Subject:
    """One thing, and who plays which part towards it; `strangers` play none."""

    kind: Any
    id: Any
    read: Callable[[], Awaitable[Any]]
    actors: dict[Role, Actor]
    strangers: list[Actor]
    # What the database holds a state to, written with it.
    along: dict[Any, dict[str, Any]] = field(default_factory=dict)


async def strangers_to(make: Factory) -> list[Actor]:
    other = await make.organization()
    return [
        Actor(),
        actor_of(await make.member(other), other),
        Actor(person_id=(await make.officer()).id, roles=frozenset({PlatformRole.OFFICER})),
    ]
