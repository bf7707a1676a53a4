"""Use cases of organizations: register, change, show evidence, hand in, verify, send back.

Each takes the acting person, checks the policies, writes and audits in the caller's transaction. Revisions are
taken before the audit log is written, everywhere: both lock until the end, so their order must not vary.
"""

import uuid
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from sqlalchemy import update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from core import audit
from core.accounts.models import Person
from core.accounts.queries import person_by_email
from core.accounts.service import create_person
from core.actor import Actor
from core.attachments import Attachment, Content, FileRules, attachments_of, store_attachment
from core.database import database_time
from core.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from core.i18n import lazy_gettext as _
from core.notifications.kinds import Kind
from core.notifications.service import notify
from core.revisions import next_revision
from core.settings import Settings
from solvers.organizations import events, policies, queries
from solvers.organizations.facts import (
    VERIFIED_FACTS,
    CertificateFacts,
    OrganizationFacts,
    RelationFacts,
    check_facts,
    normalize_name,
)
from solvers.organizations.models import (
    Certificate,
    ControlRelation,
    Membership,
    MembershipRole,
    Organization,
    OrganizationKind,
    Verification,
)
from solvers.profiles.models import CapabilityProfile

SUBJECT = "organization"
MAX_DOCUMENTS = 20
MAX_CERTIFICATES = 30
MAX_RELATIONS = 20


async def register_organization(
    session: AsyncSession, actor: Actor, facts: OrganizationFacts, *, owner_id: uuid.UUID | None = None
) -> Organization:
    """Register an organization, owned by `owner_id` or else by the acting person.

    Raises InvalidError naming the fields that are wrong; `credit_code` when it is registered already.
    """
    facts, decision = check_facts(facts)
    if await queries.organization_by_credit_code(session, facts.credit_code) is not None:
        raise InvalidError({"credit_code": _code_taken()})
    organization = Organization(
        **{item.name: getattr(facts, item.name) for item in fields(facts)},
        size_class=decision.size if decision else None,
        verification=Verification.DRAFT,
    )
    try:
        async with session.begin_nested():
            session.add(organization)
    except IntegrityError as error:
        # Somebody registered the same code since the look above.
        raise InvalidError({"credit_code": _code_taken()}) from error
    owner = owner_id or actor.person_id
    if owner is not None:
        session.add(Membership(organization_id=organization.id, person_id=owner, role=MembershipRole.OWNER))
    await audit.record(
        session,
        actor,
        "organization.registered",
        SUBJECT,
        organization.id,
        {"name": organization.name, "credit_code": organization.credit_code},
    )
    return organization


async def register_person_and_organization(
    session: AsyncSession,
    *,
    email: str,
    person_name: str,
    phone: str,
    password: str,
    locale: str,
    facts: OrganizationFacts,
) -> tuple[Person, Organization]:
    """An account and the organization it owns, both or neither; raises InvalidError with what is wrong in either."""
    errors: dict[str, Any] = {}
    try:
        check_facts(facts)
    except InvalidError as error:
        errors |= error.errors
    if await person_by_email(session, email) is not None:
        errors["email"] = _("There is already an account with this address. Log in instead.")
    if errors:
        raise InvalidError(errors)
    person = await create_person(
        session, email=email, name=person_name, password=password, phone=phone, locale=locale
    )
    acting = Actor(person_id=person.id, name=person.name, email=person.email)
    return person, await register_organization(session, acting, facts)


async def change_facts(
    session: AsyncSession, actor: Actor, organization_id: uuid.UUID, facts: OrganizationFacts
) -> Organization:
    """Change what the organization declares. A verified one whose verified facts differ waits for another look."""
    organization = await _editable(session, actor, organization_id)
    facts, decision = check_facts(facts)
    size = decision.size if decision else None
    changes: dict[str, Any] = {
        item.name: [getattr(organization, item.name), getattr(facts, item.name)]
        for item in fields(facts)
        if getattr(organization, item.name) != getattr(facts, item.name)
    }
    if not changes:
        return organization
    if facts.kind is not OrganizationKind.ENTERPRISE and organization.controllers:
        raise InvalidError({"kind": _("Remove the control relations first: only enterprises have them.")})
    if "credit_code" in changes:
        other = await queries.organization_by_credit_code(session, facts.credit_code)
        if other is not None:
            raise InvalidError({"credit_code": _code_taken()})
    if organization.size_class is not size:
        changes["size_class"] = [organization.size_class, size]
    try:
        async with session.begin_nested():
            for name, (_before, after) in changes.items():
                setattr(organization, name, after)
            await session.flush()
    except IntegrityError as error:
        raise InvalidError({"credit_code": _code_taken()}) from error
    reopened = bool(changes.keys() & set(VERIFIED_FACTS)) and await _reopen(session, organization)
    affected = [organization.id]
    if changes.keys() & {"size_class", "kind"}:
        affected += await queries.organizations_seeing_size_of(session, organization.id)
    await announce_change(session, affected)
    await audit.record(session, actor, "organization.changed", SUBJECT, organization.id, changes)
    if reopened:
        await _record_reopened(session, actor, organization)
    return organization


async def add_certificate(
    session: AsyncSession, actor: Actor, organization_id: uuid.UUID, facts: CertificateFacts
) -> Certificate:
    """Declare a certificate; a verified organization waits for another look, since matching shows certificates."""
    organization = await _editable(session, actor, organization_id)
    number = " ".join(facts.number.split()).upper()
    if not number or len(number) > 60:
        raise InvalidError({"number": _("A certificate has a number of at most 60 characters.")})
    if facts.valid_until < facts.valid_from:
        raise InvalidError({"valid_until": _("The end lies before the beginning.")})
    if any(item.kind is facts.kind and item.number == number for item in organization.certificates):
        raise InvalidError({"number": _("This certificate is listed already.")})
    if len(organization.certificates) >= MAX_CERTIFICATES:
        raise InvalidError({"number": _("At most %(limit)s certificates.", limit=MAX_CERTIFICATES)})
    certificate = Certificate(
        organization_id=organization.id,
        kind=facts.kind,
        number=number,
        valid_from=facts.valid_from,
        valid_until=facts.valid_until,
    )
    organization.certificates.append(certificate)
    reopened = await _reopen(session, organization)
    await announce_change(session, [organization.id])
    await audit.record(
        session,
        actor,
        "organization.certificate_added",
        SUBJECT,
        organization.id,
        {"certificate": facts.kind, "number": number, "valid_until": facts.valid_until},
    )
    if reopened:
        await _record_reopened(session, actor, organization)
    return certificate


async def remove_certificate(
    session: AsyncSession, actor: Actor, organization_id: uuid.UUID, certificate_id: uuid.UUID
) -> None:
    organization = await _editable(session, actor, organization_id)
    certificate = next((item for item in organization.certificates if item.id == certificate_id), None)
    if certificate is None:
        raise NotFoundError(_("There is no such certificate."))
    organization.certificates.remove(certificate)
    await announce_change(session, [organization.id])
    await audit.record(
        session,
        actor,
        "organization.certificate_removed",
        SUBJECT,
        organization.id,
        {"certificate": certificate.kind, "number": certificate.number},
    )


async def add_relation(
    session: AsyncSession, actor: Actor, organization_id: uuid.UUID, facts: RelationFacts
) -> ControlRelation:
    """Declare who controls the organization; a verified one waits for another look.

    Raises InvalidError on `controller_id` or `controller_name`.
    """
    organization = await _editable(session, actor, organization_id)
    if organization.kind is not OrganizationKind.ENTERPRISE:
        raise ConflictError(_("Only enterprises declare control relations."))
    if len(organization.controllers) >= MAX_RELATIONS:
        raise InvalidError({"controller_name": _("At most %(limit)s relations.", limit=MAX_RELATIONS)})
    name = normalize_name(facts.controller_name)[:200]
    if facts.controller_id is not None:
        controller = await session.get(Organization, facts.controller_id)
        if controller is None:
            raise InvalidError({"controller_id": _("This organization is not registered.")})
        if controller.id == organization.id:
            raise InvalidError({"controller_id": _("An organization does not control itself.")})
        relation = ControlRelation(
            organization_id=organization.id, controller_id=controller.id, kind=facts.kind
        )
        name = controller.name
    elif name:
        relation = ControlRelation(
            organization_id=organization.id,
            controller_name=name,
            controller_size=facts.controller_size,
            kind=facts.kind,
        )
    else:
        raise InvalidError(
            {"controller_name": _("Choose a registered organization, or name one that is not registered.")}
        )
    if any(
        item.kind is relation.kind
        and item.controller_id == relation.controller_id
        and item.controller_name == (relation.controller_name or "")
        for item in organization.controllers
    ):
        raise InvalidError({"controller_name": _("This relation is listed already.")})
    organization.controllers.append(relation)
    reopened = await _reopen(session, organization)
    await announce_change(session, [organization.id, *_mutual(relation)])
    await audit.record(
        session,
        actor,
        "organization.relation_added",
        SUBJECT,
        organization.id,
        {"relation": facts.kind, "controller": name, "size": relation.controller_size},
    )
    if reopened:
        await _record_reopened(session, actor, organization)
    return relation


async def remove_relation(
    session: AsyncSession, actor: Actor, organization_id: uuid.UUID, relation_id: uuid.UUID
) -> None:
    """Take a relation back; this too needs another look, since it may make an organization count as SME."""
    organization = await _editable(session, actor, organization_id)
    relation = next((item for item in organization.controllers if item.id == relation_id), None)
    if relation is None:
        raise NotFoundError(_("There is no such relation."))
    name = relation.controller.name if relation.controller else relation.controller_name
    organization.controllers.remove(relation)
    reopened = await _reopen(session, organization)
    await announce_change(session, [organization.id, *_mutual(relation)])
    await audit.record(
        session,
        actor,
        "organization.relation_removed",
        SUBJECT,
        organization.id,
        {"relation": relation.kind, "controller": name},
    )
    if reopened:
        await _record_reopened(session, actor, organization)


async def add_document(
    session: AsyncSession,
    settings: Settings,
    actor: Actor,
    organization_id: uuid.UUID,
    *,
    name: str,
    content: Content,
) -> Attachment:
    """Keep a document as evidence for the verification; raises InvalidError on `file`."""
    await document_rules(session, actor, organization_id)
    organization = await _editable(session, actor, organization_id)
    document = await store_attachment(
        session, settings, actor, subject_type=SUBJECT, subject_id=organization.id, name=name, content=content
    )
    await audit.record(
        session, actor, "organization.document_added", SUBJECT, organization.id, {"file": document.name}
    )
    return document


async def document_rules(session: AsyncSession, actor: Actor, organization_id: uuid.UUID) -> FileRules:
    """What holds for a document that is about to be sent; raises like `add_document`."""
    organization = await _editable(session, actor, organization_id)
    if len(await attachments_of(session, SUBJECT, organization.id)) >= MAX_DOCUMENTS:
        raise InvalidError({"file": _("At most %(limit)s documents.", limit=MAX_DOCUMENTS)})
    return FileRules()


async def remove_document(session: AsyncSession, actor: Actor, document: Attachment) -> None:
    """Take a document back that no administrator has relied on yet."""
    organization = await _editable(session, actor, document.subject_id)
    if not policies.may_remove_document(actor, organization, document):
        raise ConflictError(_("The verification relies on this document; it stays."))
    await session.delete(document)
    await audit.record(
        session, actor, "organization.document_removed", SUBJECT, organization.id, {"file": document.name}
    )


async def submit_for_verification(
    session: AsyncSession, actor: Actor, organization_id: uuid.UUID
) -> Organization:
    """Hand in for verification; raises InvalidError on `file` when there is no evidence."""
    organization = await _editable(session, actor, organization_id)
    if organization.verification not in {Verification.DRAFT, Verification.REJECTED}:
        raise ConflictError(_("It is handed in already."))
    if not await attachments_of(session, SUBJECT, organization.id):
        raise InvalidError({"file": _("Upload the licence first, so that somebody can compare it.")})
    organization.verification = Verification.PENDING
    organization.submitted_at = await database_time(session)
    await announce_change(session, [organization.id])
    await audit.record(session, actor, "organization.submitted", SUBJECT, organization.id)
    return organization


async def verify_organization(
    session: AsyncSession, actor: Actor, organization_id: uuid.UUID, *, seen: int | None = None
) -> Organization:
    """Confirm that facts and evidence agree.

    `seen` is the number of the last audit entry that the administrator has read: what was changed after it was
    not looked at, and ConflictError says so.
    """
    organization = await _decidable(session, actor, organization_id, seen)
    if organization.verification is not Verification.PENDING:
        raise ConflictError(_("This organization does not wait for verification."))
    organization.verification = Verification.VERIFIED
    organization.verification_note = ""
    organization.verified_at = await database_time(session)
    organization.verified_by_id = actor.person_id
    await announce_change(session, [organization.id])
    entry = await audit.record(session, actor, "organization.verified", SUBJECT, organization.id)
    await _tell_owners(session, events.VERIFIED, organization, entry)
    return organization


async def send_back_organization(
    session: AsyncSession,
    actor: Actor,
    organization_id: uuid.UUID,
    reason: str,
    *,
    seen: int | None = None,
) -> Organization:
    """Refuse or withdraw a verification, with a reason that the organization reads."""
    reason = reason.strip()
    if not reason:
        raise InvalidError({"reason": _("Say what has to be put right.")})
    organization = await _decidable(session, actor, organization_id, seen)
    if organization.verification not in {Verification.PENDING, Verification.VERIFIED}:
        raise ConflictError(_("This organization does not wait for verification."))
    organization.verification = Verification.REJECTED
    organization.verification_note = reason
    await announce_change(session, [organization.id])
    entry = await audit.record(
        session, actor, "organization.sent_back", SUBJECT, organization.id, {"reason": reason}
    )
    await _tell_owners(session, events.SENT_BACK, organization, entry, reason=reason)
    return organization


async def _tell_owners(
    session: AsyncSession, kind: Kind, organization: Organization, entry: audit.AuditEntry, **texts: str
) -> None:
    owners = await queries.people_with_role(session, organization.id, MembershipRole.OWNER)
    await notify(
        session,
        f"{kind.name}:{entry.number}",
        kind,
        [person.id for person in owners],
        organization,
        {"organization": organization.name, "organization_id": str(organization.id), **texts},
    )


async def announce_change(session: AsyncSession, organization_ids: Sequence[uuid.UUID]) -> None:
    """Let the indexes read these organizations again: their profiles take new numbers in the order of changes."""
    await session.flush()
    for profile in await queries.profiles_of(session, list(organization_ids)):
        await session.execute(
            update(CapabilityProfile)
            .where(CapabilityProfile.id == profile.id)
            .values(index_revision=await next_revision(session, "solvers"))
        )


def _code_taken() -> Any:
    return _("This organization is registered already. Ask one of its people for an invitation.")


def _mutual(relation: ControlRelation) -> list[uuid.UUID]:
    return [relation.controller_id] if relation.controller_id is not None else []


async def _reopen(session: AsyncSession, organization: Organization) -> bool:
    """Send a verified organization back to the queue; whether that was so."""
    if organization.verification is not Verification.VERIFIED:
        return False
    organization.verification = Verification.PENDING
    organization.submitted_at = await database_time(session)
    return True


async def _record_reopened(session: AsyncSession, actor: Actor, organization: Organization) -> None:
    await audit.record(session, actor, "organization.reopened", SUBJECT, organization.id)


async def _editable(session: AsyncSession, actor: Actor, organization_id: uuid.UUID) -> Organization:
    """The organization, locked, if this person may change it."""
    organization = await queries.organization_by_id(session, organization_id, lock=True)
    if organization is None or not policies.may_read_file(actor, organization_id):
        raise NotFoundError(_("There is no such organization."))
    if not policies.may_edit(actor, organization_id):
        raise ForbiddenError(_("Your role in this organization does not allow changes."))
    return organization


async def _decidable(
    session: AsyncSession, actor: Actor, organization_id: uuid.UUID, seen: int | None
) -> Organization:
    if not policies.may_review(actor):
        raise ForbiddenError(_("Only administrators verify organizations."))
    organization = await queries.organization_by_id(session, organization_id, lock=True)
    if organization is None:
        raise NotFoundError(_("There is no such organization."))
    is_member = any(item.person_id == actor.person_id for item in organization.memberships)
    if not policies.may_decide(actor, organization, is_member=is_member):
        raise ForbiddenError(_("Nobody verifies an organization of their own."))
    if seen is not None and seen != await queries.last_change(session, organization.id):
        raise ConflictError(
            _("The organization has changed since you opened this page. Reload it and look again.")
        )
    return organization
