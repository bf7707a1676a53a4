"""The organization that a person acts for, read for its pages."""

from core.errors import NotFoundError
from core.i18n import lazy_gettext as _
from solvers.models import Organization
from solvers.organizations import queries
from web.dependencies import Acting, DbSession


async def own_organization(session: DbSession, actor: Acting) -> Organization:
    organization = (
        await queries.organization_by_id(session, actor.organization_id) if actor.organization_id else None
    )
    if organization is None:
        raise NotFoundError(_("There is no such organization."))
    return organization
