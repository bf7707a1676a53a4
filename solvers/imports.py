"""Importing solvers from a file: organizations with their certificates, profiles and evidence.

Each line is a transaction of its own: a line that fails leaves nothing, the others stay. Importing the same file again
writes nothing. An organization that people of its own look after is left as it is.
"""

from collections.abc import Callable
from dataclasses import fields

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from core import audit
from core.actor import Actor
from core.database import database_time
from core.errors import DomainError, InvalidError
from core.i18n import gettext
from core.i18n import lazy_gettext as _
from core.process import Process
from core.revisions import hold_order
from core.table_files import Failure, Outcome, Report, Row
from solvers.import_row import ParsedRow, parse_row
from solvers.models import CapabilityProfile, Organization, Verification
from solvers.organizations import queries, service
from solvers.organizations.facts import OrganizationFacts, check_facts
from solvers.profiles.queries import profile_of
from solvers.profiles.service import COLLECTION, Tokenize, save_evidence, save_profile

ACTOR_NAME = "import"


async def import_rows(
    process: Process,
    rows: list[Row],
    tokenize: Tokenize,
    *,
    verified: bool = False,
    on_failure: Callable[[Failure], None] | None = None,
) -> Report:
    """Import every line; `verified` marks organizations as verified, because the operator vouches for the file."""
    report = Report()
    for row in rows:
        try:
            async with process.transaction() as session:
                outcome = await import_row(session, parse_row(row), tokenize, verified=verified)
        except InvalidError as error:
            outcome = Outcome.FAILED
            failures = [Failure(row.line, name, str(message)) for name, message in error.errors.items()]
        except DomainError as error:
            outcome = Outcome.FAILED
            failures = [Failure(row.line, "", str(error.message))]
        except DBAPIError as error:
            # E.g. a character that the database cannot hold: this line's fault, and no reason to lose the others.
            if error.connection_invalidated:
                raise
            outcome = Outcome.FAILED
            failures = [Failure(row.line, "", str(error.orig).splitlines()[0])]
        else:
            failures = []
        report.outcomes[outcome] += 1
        report.failures.extend(failures)
        if on_failure is not None:
            for failure in failures:
                on_failure(failure)
    return report


async def import_row(
    session: AsyncSession, parsed: ParsedRow, tokenize: Tokenize, *, verified: bool = False
) -> Outcome:
    """Bring the database to what one line says; raises InvalidError where that cannot be."""
    known = await queries.organization_by_credit_code(session, parsed.credit_code)
    organization = await queries.organization_by_id(session, known.id, lock=True) if known else None
    await hold_order(session, COLLECTION)
    if organization is not None and organization.memberships:
        return Outcome.KEPT
    changed = False
    if organization is None:
        if parsed.facts is None:
            raise InvalidError(
                {"credit_code": _("This organization is not registered and its facts are missing.")}
            )
        organization = await _created(session, parsed.facts)
        outcome = Outcome.CREATED
    else:
        outcome = Outcome.UNCHANGED
        if parsed.facts is not None and not _same_facts(organization, parsed.facts):
            await service.change_facts(session, _actor(organization), organization.id, parsed.facts)
            changed = True
    actor = _actor(organization)
    certificate = parsed.certificate
    if certificate is not None and not any(
        item.kind is certificate.kind and item.number == certificate.number
        for item in organization.certificates
    ):
        await service.add_certificate(session, actor, organization.id, certificate)
        changed = True
    changed |= await _profile_written(session, actor, organization, parsed, tokenize)
    if verified and organization.verification in {Verification.DRAFT, Verification.PENDING}:
        await _vouch(session, actor, organization)
        changed = True
    return Outcome.CHANGED if changed and outcome is Outcome.UNCHANGED else outcome


async def _created(session: AsyncSession, facts: OrganizationFacts) -> Organization:
    """A new organization that waits for verification: nobody of its own could hand it in."""
    created = await service.register_organization(session, Actor(name=ACTOR_NAME), facts)
    created.verification = Verification.PENDING
    created.submitted_at = await database_time(session)
    await session.flush()
    organization = await queries.organization_by_id(session, created.id)
    assert organization is not None
    return organization


async def _profile_written(
    session: AsyncSession, actor: Actor, organization: Organization, parsed: ParsedRow, tokenize: Tokenize
) -> bool:
    profile = await profile_of(session, organization.id)
    changed = False
    if parsed.profile is not None and (profile is None or not _same_profile(profile, parsed)):
        profile = await save_profile(session, actor, organization.id, parsed.profile, tokenize=tokenize)
        changed = True
    evidence = parsed.evidence
    if evidence is not None:
        same = [
            item
            for item in (profile.evidence if profile else [])
            if item.kind is evidence.kind and item.title == evidence.title
        ]
        is_known = bool(same) and (same[0].text, same[0].year, list(same[0].keywords)) == (
            evidence.text,
            evidence.year,
            list(evidence.keywords),
        )
        if not is_known:
            await save_evidence(
                session,
                actor,
                organization.id,
                evidence,
                tokenize=tokenize,
                evidence_id=same[0].id if same else None,
            )
            changed = True
    return changed


async def _vouch(session: AsyncSession, actor: Actor, organization: Organization) -> None:
    organization.verification = Verification.VERIFIED
    organization.verified_at = await database_time(session)
    await service.announce_change(session, [organization.id])
    await audit.record(session, actor, "organization.verified", service.SUBJECT, organization.id)


def _actor(organization: Organization) -> Actor:
    return Actor(
        name=ACTOR_NAME,
        organization_id=organization.id,
        organization_name=organization.name,
        organization_role="editor",
    )


def _same_facts(organization: Organization, facts: OrganizationFacts) -> bool:
    checked, _decision = check_facts(facts)
    return all(getattr(organization, item.name) == getattr(checked, item.name) for item in fields(checked))


def _same_profile(profile: CapabilityProfile, parsed: ParsedRow) -> bool:
    data = parsed.profile
    assert data is not None
    return (
        profile.summary == data.summary
        and profile.team == data.team
        and list(profile.keywords) == list(data.keywords)
        and list(profile.subfield_codes) == list(data.subfield_codes)
        and profile.visibility is data.visibility
    )


def outcome_text(report: Report) -> str:
    """The counts in one line."""
    return gettext(
        "lines: %(created)s created, %(changed)s changed, %(unchanged)s unchanged, %(kept)s kept, %(failed)s failed",
        **{outcome.value: report.outcomes[outcome] for outcome in Outcome},
    )
