"""Every SELECT of the in-process indexes. They run in a thread of their own, so on a plain connection."""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar

from sqlalchemy import Connection, Row, select

from challenges.postings.models import Challenge, Requirement
from solvers.organizations.models import Certificate, ControlKind, ControlRelation, Organization
from solvers.profiles.models import CapabilityProfile, EvidenceItem

# Bounds the parameters of one statement and the rows that are held twice.
BATCH = 5_000

AnyRow = Row[*tuple[Any, ...]]
T = TypeVar("T")


def changed_profiles(connection: Connection, after_revision: int) -> list[AnyRow]:
    """Profiles with a higher revision, with the facts of their organizations."""
    statement = (
        select(
            CapabilityProfile.id,
            CapabilityProfile.organization_id,
            CapabilityProfile.summary,
            CapabilityProfile.team,
            CapabilityProfile.keywords,
            CapabilityProfile.visibility,
            CapabilityProfile.tokens,
            Organization.name,
            Organization.kind,
            Organization.size_class,
            Organization.region_code,
            Organization.verification,
        )
        .join(Organization, Organization.id == CapabilityProfile.organization_id)
        .where(CapabilityProfile.index_revision > after_revision)
    )
    return list(connection.execute(statement))


def evidence_of(connection: Connection, profile_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, list[AnyRow]]:
    """Evidence items by profile, in the order in which pages show them."""
    statement = select(
        EvidenceItem.profile_id,
        EvidenceItem.id,
        EvidenceItem.title,
        EvidenceItem.text,
        EvidenceItem.keywords,
        EvidenceItem.tokens,
    ).order_by(EvidenceItem.year.desc().nulls_last(), EvidenceItem.created_at, EvidenceItem.id)
    return _grouped(
        row
        for batch in _batches(profile_ids)
        for row in connection.execute(statement.where(EvidenceItem.profile_id.in_(batch)))
    )


def certificates_of(
    connection: Connection, organization_ids: Sequence[uuid.UUID]
) -> dict[uuid.UUID, list[AnyRow]]:
    """Certificates with their validity by organization."""
    statement = select(
        Certificate.organization_id, Certificate.kind, Certificate.valid_from, Certificate.valid_until
    )
    return _grouped(
        row
        for batch in _batches(organization_ids)
        for row in connection.execute(statement.where(Certificate.organization_id.in_(batch)))
    )


def controllers_of(
    connection: Connection, organization_ids: Sequence[uuid.UUID]
) -> dict[uuid.UUID, list[AnyRow]]:
    """Registered organizations that control others, by the controlled one."""
    statement = select(ControlRelation.organization_id, ControlRelation.controller_id).where(
        ControlRelation.controller_id.is_not(None), ControlRelation.kind == ControlKind.CONTROL
    )
    return _grouped(
        row
        for batch in _batches(organization_ids)
        for row in connection.execute(statement.where(ControlRelation.organization_id.in_(batch)))
    )


def changed_challenges(connection: Connection, after_revision: int) -> list[AnyRow]:
    """Challenges with a higher revision, with the region of their posters."""
    statement = (
        select(
            Challenge.id,
            Challenge.title,
            Challenge.difficulty,
            Challenge.indicators,
            Challenge.content,
            Challenge.is_public,
            Challenge.published_at,
            Challenge.tokens,
            Organization.region_code,
        )
        .join(Organization, Organization.id == Challenge.organization_id)
        .where(Challenge.index_revision > after_revision)
    )
    return list(connection.execute(statement))


def requirements_of(
    connection: Connection, challenge_ids: Sequence[uuid.UUID]
) -> dict[uuid.UUID, list[AnyRow]]:
    """Requirements by challenge, in their order."""
    statement = select(Requirement.challenge_id, Requirement.text, Requirement.target).order_by(
        Requirement.position
    )
    return _grouped(
        row
        for batch in _batches(challenge_ids)
        for row in connection.execute(statement.where(Requirement.challenge_id.in_(batch)))
    )


def _batches(items: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), BATCH):
        yield items[start : start + BATCH]


def _grouped(rows: Iterable[AnyRow]) -> dict[uuid.UUID, list[AnyRow]]:
    """Rows by their first column."""
    groups: dict[uuid.UUID, list[AnyRow]] = defaultdict(list)
    for row in rows:
        groups[row[0]].append(row)
    return groups
