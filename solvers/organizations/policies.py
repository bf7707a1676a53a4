"""Who may do what with organizations: pure predicates."""

import uuid

from core.actor import Actor
from core.attachments import Attachment
from solvers.organizations.models import Organization


def may_read_file(actor: Actor, organization_id: uuid.UUID) -> bool:
    """Facts, figures, relations and evidence: the organization's own people and the authority."""
    return actor.acts_for(organization_id) or may_review(actor)


def may_edit(actor: Actor, organization_id: uuid.UUID) -> bool:
    return actor.acts_for(organization_id) and actor.may_edit_for_organization


def may_manage_people(actor: Actor, organization_id: uuid.UUID) -> bool:
    return actor.acts_for(organization_id) and actor.is_owner


def may_review(actor: Actor) -> bool:
    return actor.is_administrator


def may_decide(actor: Actor, organization: Organization, *, is_member: bool) -> bool:
    """Verify or send back: an administrator, and never of an organization that is their own."""
    return may_review(actor) and not is_member and not actor.acts_for(organization.id)


def may_remove_document(actor: Actor, organization: Organization, document: Attachment) -> bool:
    """Evidence that a verification has relied on stays."""
    relied_on = organization.verified_at is not None and document.created_at <= organization.verified_at
    return may_edit(actor, organization.id) and not relied_on
