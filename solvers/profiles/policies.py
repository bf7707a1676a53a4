"""Who may read and change capability profiles, and what of an organization its page shows to whom."""

import uuid

from core.actor import Actor
from solvers.organizations.models import Organization
from solvers.profiles.models import Visibility


def readable_visibilities(actor: Actor) -> frozenset[Visibility]:
    """The visibilities that let this person read a profile of another organization."""
    if actor.is_officer:
        return frozenset(Visibility)
    if actor.organization_id is not None and actor.organization_verified:
        return frozenset({Visibility.PUBLIC, Visibility.VERIFIED})
    return frozenset({Visibility.PUBLIC})


def may_read_profile(actor: Actor, organization_id: uuid.UUID, visibility: Visibility) -> bool:
    return actor.acts_for(organization_id) or visibility in readable_visibilities(actor)


def may_edit_profile(actor: Actor, organization_id: uuid.UUID) -> bool:
    """Owners and editors, verified or not: a profile is part of what an administrator verifies."""
    return actor.acts_for(organization_id) and actor.may_edit_for_organization


def may_see_organization(actor: Actor, organization: Organization) -> bool:
    """Verified organizations have a public page; the others are known to themselves and the authority."""
    return (
        organization.is_verified
        or actor.acts_for(organization.id)
        or actor.is_officer
        or actor.is_administrator
    )


def may_see_figures(actor: Actor, organization_id: uuid.UUID) -> bool:
    """Employees, revenue, assets and legal data: for its own people and the authority."""
    return actor.acts_for(organization_id) or actor.is_officer or actor.is_administrator
