"""Use cases of the expert base."""

import uuid
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.experts import policies, queries
from challenges.experts.forms import ExpertForm
from challenges.experts.models import Expert, PastEmployer
from core import audit
from core.accounts.models import Person, PersonRole, PlatformRole
from core.accounts.queries import person_by_email, person_by_id
from core.accounts.service import create_person, request_password_reset
from core.actor import Actor
from core.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from core.i18n import lazy_gettext as _
from core.settings import Settings

NOTHING: Mapping[str, Any] = MappingProxyType({})


async def register_expert(
    session: AsyncSession,
    actor: Actor,
    settings: Settings,
    form: ExpertForm,
    *,
    origin: Mapping[str, Any] = NOTHING,
) -> Expert:
    """Put a person on the base: an account that is there gets the reviewer's role, a new one a link by mail.

    `origin` goes into the audit log: where the facts come from, if not from the form's page.
    """
    require_manager(actor)
    email = (form.email.data or "").strip().lower()
    person = await person_by_email(session, email)
    if person is None:
        person = await create_person(
            session,
            email=email,
            name=form.name.data or "",
            # The link in the mail lets its owner choose one.
            password=None,
            roles=frozenset({PlatformRole.REVIEWER}),
        )
        await request_password_reset(session, settings, email)
    else:
        if await queries.expert_of_person(session, person.id) is not None:
            raise InvalidError({"email": _("This person stands in the expert base already.")})
        if person.is_disabled:
            raise InvalidError({"email": _("This account is disabled.")})
        await _make_reviewer(session, person)
    expert = Expert(id=uuid.uuid4(), person_id=person.id, created_by_id=actor.person_id, past_employers=[])
    await _fill(session, expert, form)
    session.add(expert)
    await session.flush()
    await audit.record(
        session, actor, "expert.registered", "expert", expert.id, {"name": person.name, **origin}
    )
    return expert


async def save_expert(
    session: AsyncSession,
    actor: Actor,
    expert_id: uuid.UUID,
    form: ExpertForm,
    revision: int,
    *,
    origin: Mapping[str, Any] = NOTHING,
) -> Expert:
    """Name and address are the account's own and stay."""
    require_manager(actor)
    expert = await queries.expert_by_id(session, expert_id, lock=True)
    if expert is None:
        raise NotFoundError(_("There is no such expert."))
    if expert.revision != revision:
        raise ConflictError(
            _("Somebody has changed this expert meanwhile. Reload the page and enter your change again.")
        )
    await _fill(session, expert, form)
    expert.revision += 1
    await session.flush()
    await audit.record(session, actor, "expert.saved", "expert", expert.id, dict(origin))
    return expert


async def set_active(session: AsyncSession, actor: Actor, expert_id: uuid.UUID, active: bool) -> Expert:
    """An expert who is not active is appointed to no new panel; what they have begun stays."""
    require_manager(actor)
    expert = await queries.expert_by_id(session, expert_id, lock=True)
    if expert is None:
        raise NotFoundError(_("There is no such expert."))
    expert.is_active = active
    await session.flush()
    await audit.record(
        session, actor, "expert.activated" if active else "expert.deactivated", "expert", expert.id
    )
    return expert


async def _make_reviewer(session: AsyncSession, person: Person) -> None:
    whole = await person_by_id(session, person.id)
    assert whole is not None
    if PlatformRole.REVIEWER not in {item.role for item in whole.roles}:
        whole.roles.append(PersonRole(role=PlatformRole.REVIEWER))
        await session.flush()


async def _fill(session: AsyncSession, expert: Expert, form: ExpertForm) -> None:
    name = (form.employer.data or "").strip()
    organization = await queries.organization_named(session, name)
    expert.organization_id = organization.id if organization else None
    expert.organization_name = organization.name if organization else name
    expert.title = (form.title.data or "").strip()
    expert.fields = list(form.fields.data or [])
    expert.strengths = (form.strengths.data or "").strip()
    expert.is_enterprise = bool(form.is_enterprise.data)
    past = []
    for item in form.past_employers.data:
        known = await queries.organization_named(session, item.name)
        past.append(
            PastEmployer(
                organization_id=known.id if known else None,
                organization_name=known.name if known else item.name,
                until_year=item.until_year,
            )
        )
    expert.past_employers = past


def require_manager(actor: Actor) -> None:
    if not policies.may_manage_experts(actor):
        raise ForbiddenError(_("Officers and administrators look after the expert base."))
