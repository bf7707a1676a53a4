"""Every SELECT of the indexes, and the writing of tokens that another tokenizer has made.

They run in threads of their own, so on a plain connection.
"""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Any, TypeVar, cast

from sqlalchemy import ColumnElement, Connection, Row, Table, and_, bindparam, func, or_, select

from challenges.postings.models import Challenge, Requirement
from core.clock import to_shanghai
from solvers.organizations.models import Certificate, Organization
from solvers.profiles.models import CapabilityProfile, EvidenceItem

# Bounds the parameters of one statement and the rows that are held twice.
BATCH = 5_000

Tokenized = CapabilityProfile | EvidenceItem | Challenge
AnyRow = Row[*tuple[Any, ...]]
T = TypeVar("T")


def today_of(connection: Connection) -> date:
    """The day in Asia/Shanghai by the database's clock."""
    return to_shanghai(connection.execute(select(func.clock_timestamp())).scalar_one()).date()


def changed_profiles(
    connection: Connection, after_revision: int, one_day: date, other_day: date
) -> list[AnyRow]:
    """Profiles with a higher revision, with the facts of their organizations.

    Also those of which a certificate is valid on only one of two days.
    """
    first, last = sorted((one_day, other_day))
    turned = select(Certificate.organization_id).where(
        or_(
            and_(Certificate.valid_from > first, Certificate.valid_from <= last),
            and_(Certificate.valid_until >= first, Certificate.valid_until < last),
        )
    )
    changed: ColumnElement[bool] = CapabilityProfile.index_revision > after_revision
    if first != last:
        changed = or_(changed, CapabilityProfile.organization_id.in_(turned))
    statement = (
        select(
            CapabilityProfile.id,
            CapabilityProfile.organization_id,
            CapabilityProfile.summary,
            CapabilityProfile.team,
            CapabilityProfile.keywords,
            CapabilityProfile.visibility,
            CapabilityProfile.tokens,
            CapabilityProfile.tokenizer,
            Organization.name,
            Organization.kind,
            Organization.size_class,
            Organization.region_code,
            Organization.verification,
        )
        .join(Organization, Organization.id == CapabilityProfile.organization_id)
        .where(changed)
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
        EvidenceItem.tokenizer,
    ).order_by(EvidenceItem.year.desc().nulls_last(), EvidenceItem.created_at, EvidenceItem.id)
    return _grouped(
        row
        for batch in _batches(profile_ids)
        for row in connection.execute(statement.where(EvidenceItem.profile_id.in_(batch)))
    )


def certificates_of(
    connection: Connection, organization_ids: Sequence[uuid.UUID], day: date
) -> dict[uuid.UUID, list[AnyRow]]:
    """Certificates that are valid on a day, by organization."""
    statement = select(Certificate.organization_id, Certificate.kind).where(
        Certificate.valid_from <= day, Certificate.valid_until >= day
    )
    return _grouped(
        row
        for batch in _batches(organization_ids)
        for row in connection.execute(statement.where(Certificate.organization_id.in_(batch)))
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
            Challenge.tokenizer,
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


def count_changed(connection: Connection, collection: str, after_revision: int) -> int:
    model = CapabilityProfile if collection == "solvers" else Challenge
    statement = select(func.count()).select_from(model).where(model.index_revision > after_revision)
    return connection.execute(statement).scalar_one()


def count_foreign(connection: Connection, fingerprint: str) -> int:
    """How many rows hold tokens of another tokenizer."""
    return sum(
        connection.execute(
            select(func.count()).select_from(model).where(_is_foreign(model, fingerprint))
        ).scalar_one()
        for model in (CapabilityProfile, EvidenceItem, Challenge)
    )


def foreign_profiles(connection: Connection, fingerprint: str, limit: int) -> list[AnyRow]:
    """Some profiles with tokens of another tokenizer, locked; those that somebody is saving are passed over."""
    return list(
        connection.execute(
            select(
                CapabilityProfile.id,
                CapabilityProfile.summary,
                CapabilityProfile.team,
                CapabilityProfile.keywords,
            )
            .where(_is_foreign(CapabilityProfile, fingerprint))
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
    )


def foreign_evidence(connection: Connection, fingerprint: str, limit: int) -> list[AnyRow]:
    return list(
        connection.execute(
            select(EvidenceItem.id, EvidenceItem.title, EvidenceItem.text, EvidenceItem.keywords)
            .where(_is_foreign(EvidenceItem, fingerprint))
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
    )


def foreign_challenges(connection: Connection, fingerprint: str, limit: int) -> list[AnyRow]:
    return list(
        connection.execute(
            select(
                Challenge.id, Challenge.title, Challenge.difficulty, Challenge.indicators, Challenge.content
            )
            .where(_is_foreign(Challenge, fingerprint))
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
    )


def write_tokens(
    connection: Connection, model: type[Tokenized], fingerprint: str, tokens: Sequence[dict[str, Any]]
) -> None:
    """`tokens` have `key` and `terms`. What was written with them before stays as old as it is."""
    if tokens:
        table = cast("Table", model.__table__)
        values = {
            "tokens": bindparam("terms"),
            "tokenizer": fingerprint,
            "updated_at": table.c.updated_at,
        }
        connection.execute(table.update().where(table.c.id == bindparam("key")).values(values), tokens)


def _is_foreign(model: type[Tokenized], fingerprint: str) -> ColumnElement[bool]:
    foreign = model.tokenizer != fingerprint
    # A draft has no tokens before it is handed in.
    return and_(foreign, Challenge.published_at.is_not(None)) if model is Challenge else foreign


def _batches(items: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), BATCH):
        yield items[start : start + BATCH]


def _grouped(rows: Iterable[AnyRow]) -> dict[uuid.UUID, list[AnyRow]]:
    """Rows by their first column."""
    groups: dict[uuid.UUID, list[AnyRow]] = defaultdict(list)
    for row in rows:
        groups[row[0]].append(row)
    return groups
