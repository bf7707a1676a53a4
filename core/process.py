"""What one process holds: settings, engine, sessions. Made once by the web server, the worker or a command."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from core.database import create_engine, session_maker, transaction
from core.settings import Settings


@dataclass
class Process:
    settings: Settings
    engine: AsyncEngine
    maker: async_sessionmaker[AsyncSession] = field(init=False)

    def __post_init__(self) -> None:
        self.maker = session_maker(self.engine)

    def transaction(self) -> AbstractAsyncContextManager[AsyncSession]:
        return transaction(self.maker)


_current: Process | None = None


def start_process(settings: Settings, **engine_options: Any) -> Process:
    """Make this process's resources; `engine_options` go to SQLAlchemy's create_async_engine."""
    global _current
    _current = Process(settings, create_engine(settings, **engine_options))
    return _current


def current_process() -> Process:
    """The running process's resources, for actors, which are called by the broker with ids alone."""
    if _current is None:
        raise RuntimeError("start_process was not called")
    return _current
