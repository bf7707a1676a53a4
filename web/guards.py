"""Deny by default: every route names the least it takes to enter, and a route that names nothing does not start.

The guard answers "may this kind of person come here at all"; whether they may see the thing itself is decided by
the policies of the domain packages, which the controllers ask.
"""

from enum import StrEnum
from typing import Any

from litestar import HttpMethod, Litestar
from litestar.connection import ASGIConnection
from litestar.handlers import HTTPRouteHandler
from litestar.handlers.base import BaseRouteHandler

from core.actor import Actor
from core.errors import ForbiddenError, LoginRequiredError, NotFoundError
from core.i18n import lazy_gettext as _


class Access(StrEnum):
    PUBLIC = "public"
    PERSON = "person"  # anybody who is logged in
    MEMBER = "member"  # acting for an organization
    EDITOR = "editor"  # acting for an organization as owner or editor
    OWNER = "owner"
    OFFICER = "officer"
    REVIEWER = "reviewer"
    ADMINISTRATOR = "administrator"
    STAFF = "staff"  # officer or administrator
    DEMO = "demo"  # exists in the demo alone, for everybody


async def access_guard(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    if _only_tells_methods(handler):
        return
    access = Access(handler.opt["access"])
    # Before the person is asked for: a route that is excluded from logins has none.
    if access is Access.PUBLIC:
        return
    actor: Actor = connection.user
    if access is Access.DEMO:
        if not connection.app.state.process.settings.demo:
            raise NotFoundError(_("There is nothing at this address."))
        return
    if actor.is_anonymous:
        raise LoginRequiredError(_("Log in to continue."))
    allowed = {
        Access.PERSON: True,
        Access.MEMBER: actor.organization_id is not None,
        Access.EDITOR: actor.may_edit_for_organization,
        Access.OWNER: actor.is_owner,
        Access.OFFICER: actor.is_officer,
        Access.REVIEWER: actor.is_reviewer,
        Access.ADMINISTRATOR: actor.is_administrator,
        Access.STAFF: actor.is_officer or actor.is_administrator,
    }[access]
    if not allowed:
        raise ForbiddenError(_("Your role does not allow this."))


def _only_tells_methods(handler: BaseRouteHandler) -> bool:
    """Litestar's own answer to OPTIONS, which carries nothing but the Allow header."""
    return isinstance(handler, HTTPRouteHandler) and handler.http_methods == {HttpMethod.OPTIONS}


def require_declared_access(app: Litestar) -> None:
    """Raise when a route does not say who may enter."""
    for route in app.routes:
        for handler in getattr(route, "route_handlers", []):
            if (
                isinstance(handler, HTTPRouteHandler)
                and "access" not in handler.opt
                and not _only_tells_methods(handler)
            ):
                raise RuntimeError(f"{route.path} does not declare opt access")
