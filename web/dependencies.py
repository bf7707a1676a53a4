"""What handlers ask for, by type: the request's transaction, who is acting, the settings."""

from typing import Any

from litestar import Request
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from sqlalchemy.ext.asyncio import AsyncSession

from core.actor import Actor
from core.settings import Settings

WebRequest = Request[Actor, Any, State]
DbSession = NamedDependency[AsyncSession]
Acting = NamedDependency[Actor]
Config = NamedDependency[Settings]

__all__ = ["Acting", "Config", "DbSession", "FromPath", "FromQuery", "WebRequest"]
