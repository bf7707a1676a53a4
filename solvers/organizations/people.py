"""Use cases of an organization's people: invite, join, change roles, leave."""

import secrets
import uuid
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from core import audit
from core.accounts.queries import person_by_email, person_by_id
from core.accounts.service import close_logins_acting_for, create_person, token_hash
from core.actor import Actor
from core.database import database_time
from core.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from core.i18n import current_locale, gettext, use_locale
from core.i18n import lazy_gettext as _
from core.mail import send_mail
from core.settings import Settings
from solvers.organizations import policies, queries
from solvers.organizations.facts import InvitationFacts
from solvers.organizations.models import Invitation, Membership, MembershipRole

INVITATION_LIFETIME = timedelta(days=14)
# A stolen account must not become a machine for sending mail to strangers.
MAX_OPEN_INVITATIONS = 30


@dataclass(frozen=True, kw_only=True)
class NewPerson:
    """An account that is made while an invitation is accepted; the address is the invitation's."""

    name: str
    phone: str
    password: str
    locale: str


async def invite_person(
    session: AsyncSession,
    settings: Settings,
    actor: Actor,
    organization_id: uuid.UUID,
    facts: InvitationFacts,
) -> str:
    """Mail an invitation and return its token; an earlier one to the same address ends.

    Raises InvalidError on `email` when that person belongs to the organization already.
    """
    _require_owner(actor, organization_id)
    organization = await queries.organization_by_id(session, organization_id, lock=True)
    if organization is None:
        raise NotFoundError(_("There is no such organization."))
    email = facts.email.strip().lower()
    if any(item.person.email == email for item in organization.memberships):
        raise InvalidError({"email": _("This person belongs to the organization already.")})
    now = await database_time(session)
    waiting = await queries.open_invitations(session, organization_id, now)
    for earlier in waiting:
        if earlier.email == email:
            earlier.revoked_at = now
    if sum(item.revoked_at is None for item in waiting) >= MAX_OPEN_INVITATIONS:
        raise InvalidError({"email": _("Too many invitations are open. Revoke some first.")})
    token = secrets.token_urlsafe(32)
    assert actor.person_id is not None
    session.add(
        Invitation(
            organization_id=organization_id,
            email=email,
            role=facts.role,
            token_hash=token_hash(token),
            invited_by_id=actor.person_id,
            expires_at=now + INVITATION_LIFETIME,
        )
    )
    await audit.record(
        session,
        actor,
        "organization.person_invited",
        "organization",
        organization_id,
        {"email": email, "role": facts.role},
    )
    person = await person_by_email(session, email)
    with use_locale(person.locale if person else current_locale()):
        await send_mail(
            session,
            recipient=email,
            subject=gettext("Invitation to %(organization)s", organization=organization.name),
            body=gettext(
                "Hello,\n\n%(inviter)s invites you to work for %(organization)s on the open list of technical"
                " problems. To accept, open this link within %(days)s days:\n\n%(link)s\n\nIf you do not know"
                " about this, nothing needs to be done.",
                inviter=actor.name,
                organization=organization.name,
                days=INVITATION_LIFETIME.days,
                link=f"{settings.public_url}/invitations/{token}",
            ),
        )
    return token


async def revoke_invitation(session: AsyncSession, actor: Actor, invitation_id: uuid.UUID) -> None:
    invitation = await queries.invitation_by_id(session, invitation_id)
    if invitation is None or not actor.acts_for(invitation.organization_id):
        raise NotFoundError(_("There is no such invitation."))
    _require_owner(actor, invitation.organization_id)
    if invitation.accepted_at is not None or invitation.revoked_at is not None:
        return
    invitation.revoked_at = await database_time(session)
    await audit.record(
        session,
        actor,
        "organization.invitation_revoked",
        "organization",
        invitation.organization_id,
        {"email": invitation.email},
    )


async def accept_invitation(
    session: AsyncSession, actor: Actor, token: str, *, new_person: NewPerson | None = None
) -> Membership:
    """Join by a mailed link: with the account of the address it was sent to, or with one that is made now.

    The link proves that the address is the person's own, so it works for no other account.
    """
    invitation = await queries.usable_invitation(
        session, token_hash(token), await database_time(session), lock=True
    )
    if invitation is None:
        raise NotFoundError(_("This invitation has expired, was revoked or was already accepted."))
    if not actor.is_anonymous:
        assert actor.person_id is not None
        person = await person_by_id(session, actor.person_id)
        if person is None or person.email != invitation.email:
            raise ForbiddenError(_("This invitation was sent to somebody else."))
    elif new_person is not None:
        person = await create_person(
            session,
            email=invitation.email,
            name=new_person.name,
            password=new_person.password,
            phone=new_person.phone,
            locale=new_person.locale,
        )
    else:
        raise ForbiddenError(_("Log in to continue."))
    invitation.accepted_at = await database_time(session)
    membership = await queries.membership_of(session, invitation.organization_id, person.id)
    if membership is not None:
        return membership
    try:
        async with session.begin_nested():
            session.add(
                Membership(
                    organization_id=invitation.organization_id, person_id=person.id, role=invitation.role
                )
            )
    except IntegrityError as error:
        raise ConflictError(_("You belong to this organization already.")) from error
    await audit.record(
        session,
        Actor(
            person_id=person.id,
            name=person.name,
            organization_id=invitation.organization_id,
            organization_name=invitation.organization.name,
        ),
        "organization.person_joined",
        "organization",
        invitation.organization_id,
        {"person": person.name, "role": invitation.role},
    )
    membership = await queries.membership_of(session, invitation.organization_id, person.id)
    assert membership is not None
    return membership


async def change_role(
    session: AsyncSession, actor: Actor, membership_id: uuid.UUID, role: MembershipRole
) -> Membership:
    """Give a person another role; their logins for this organization end, since their rights have changed."""
    membership = await _own_membership(session, actor, membership_id)
    _require_owner(actor, membership.organization_id)
    if membership.role is role:
        return membership
    if membership.role is MembershipRole.OWNER:
        await _require_another_owner(session, membership)
    before, membership.role = membership.role, role
    await close_logins_acting_for(session, membership.person_id, membership.organization_id)
    await audit.record(
        session,
        actor,
        "organization.role_changed",
        "organization",
        membership.organization_id,
        {"person": membership.person.name, "role": [before, role]},
    )
    return membership


async def remove_person(session: AsyncSession, actor: Actor, membership_id: uuid.UUID) -> Membership:
    """Take a person out of the organization, or leave it oneself; the last owner stays."""
    membership = await _own_membership(session, actor, membership_id)
    is_leaving = membership.person_id == actor.person_id
    if not is_leaving:
        _require_owner(actor, membership.organization_id)
    if membership.role is MembershipRole.OWNER:
        await _require_another_owner(session, membership)
    await session.delete(membership)
    await close_logins_acting_for(session, membership.person_id, membership.organization_id)
    await audit.record(
        session,
        actor,
        "organization.person_left" if is_leaving else "organization.person_removed",
        "organization",
        membership.organization_id,
        {"person": membership.person.name},
    )
    return membership


def _require_owner(actor: Actor, organization_id: uuid.UUID) -> None:
    if not policies.may_manage_people(actor, organization_id):
        raise ForbiddenError(_("Only owners manage the people of an organization."))


async def _own_membership(session: AsyncSession, actor: Actor, membership_id: uuid.UUID) -> Membership:
    membership = await queries.membership_by_id(session, membership_id)
    if membership is None or not actor.acts_for(membership.organization_id):
        raise NotFoundError(_("There is no such person in your organization."))
    return membership


async def _require_another_owner(session: AsyncSession, membership: Membership) -> None:
    owners = await queries.owners_locked(session, membership.organization_id)
    if all(owner.id == membership.id for owner in owners):
        raise ConflictError(_("An organization needs an owner: make somebody else an owner first."))
