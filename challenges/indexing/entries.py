"""What stands in the indexes: rows of the database as documents with their terms."""

import uuid
from collections.abc import Collection as Rows
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection

from challenges.indexing import queries
from challenges.indexing.texts import challenge_text, profile_tokens, terms_in
from matching.documents import Document, Evidence
from matching.index import DocumentTokens
from solvers.organizations.models import Verification
from solvers.profiles.models import Visibility
from solvers.profiles.texts import evidence_body, evidence_text, profile_text

SOLVERS = "solvers"
CHALLENGES = "challenges"
PUBLIC, RESTRICTED = "public", "restricted"
# Before every number: rows that no use case has saved have revision 0.
NOTHING = -1


@dataclass(frozen=True)
class Entry:
    """A document, and the label by which scopes take it in: a profile's visibility, whether a challenge is public."""

    document: Document
    tokens: DocumentTokens
    label: str


@dataclass(frozen=True)
class State:
    """Up to which number and for which day something was read: certificates begin and end with a day."""

    revision: int = NOTHING
    day: date | None = None


# Changed rows by id; None for what has no place in any index any more.
Entries = Mapping[uuid.UUID, Entry | None]
# The labels that an index takes in: what lies outside has no part in it, not even in its statistics.
Scope = frozenset[str]


@dataclass(frozen=True)
class Collection:
    name: str
    scopes: tuple[Scope, ...]

    def read(self, connection: Connection, known: State, today: date) -> Entries:
        """What has changed since `known`, as it is today."""
        raise NotImplementedError


class SolverCollection(Collection):
    """Verified organizations with kind, size, region code and the certificates that are valid on the day."""

    def read(self, connection: Connection, known: State, today: date) -> Entries:
        rows = queries.changed_profiles(connection, known.revision, known.day or today, today)
        candidates = [row for row in rows if row.verification is Verification.VERIFIED]
        evidence = queries.evidence_of(connection, [row.id for row in candidates])
        certificates = queries.certificates_of(connection, [row.organization_id for row in candidates], today)
        read: dict[uuid.UUID, Entry | None] = {row.organization_id: None for row in rows}
        for row in candidates:
            held = frozenset(item.kind.value for item in certificates.get(row.organization_id, ()))
            read[row.organization_id] = _solver_entry(row, evidence.get(row.id, ()), held)
        return read


class ChallengeCollection(Collection):
    """Challenges that were published; a document's region is the poster's."""

    def read(self, connection: Connection, known: State, today: date) -> Entries:
        rows = queries.changed_challenges(connection, known.revision)
        requirements = queries.requirements_of(connection, [row.id for row in rows if row.published_at])
        return {
            row.id: _challenge_entry(row, requirements.get(row.id, ())) if row.published_at else None
            for row in rows
        }


def solver_scope(readable: Rows[Visibility]) -> Scope:
    return frozenset(item.value for item in readable)


# As solvers.profiles.policies.readable_visibilities and challenges.postings.search give them to people.
SOLVER_COLLECTION = SolverCollection(
    SOLVERS,
    (
        solver_scope({Visibility.PUBLIC}),
        solver_scope({Visibility.PUBLIC, Visibility.VERIFIED}),
        solver_scope(Visibility),
    ),
)
CHALLENGE_COLLECTION = ChallengeCollection(CHALLENGES, (frozenset({PUBLIC}), frozenset({PUBLIC, RESTRICTED})))
COLLECTIONS: tuple[Collection, ...] = (SOLVER_COLLECTION, CHALLENGE_COLLECTION)


def _solver_entry(row: Any, evidence: Rows[Any], certificates: frozenset[str]) -> Entry:
    text = profile_text(row.summary, row.team, row.keywords)
    return Entry(
        Document(
            id=str(row.organization_id),
            name=row.name,
            text=text,
            evidence=tuple(
                Evidence(title=item.title, text=evidence_body(item.text, item.keywords), id=str(item.id))
                for item in evidence
            ),
            kind=row.kind.value,
            size=row.size_class.value if row.size_class else None,
            region=row.region_code,
            certificates=certificates,
        ),
        profile_tokens(
            terms_in(row.tokens, row.tokenizer, text),
            row.summary,
            [
                (
                    item.text,
                    terms_in(
                        item.tokens, item.tokenizer, evidence_text(item.title, item.text, item.keywords)
                    ),
                )
                for item in evidence
            ],
        ),
        row.visibility.value,
    )


def _challenge_entry(row: Any, requirements: Rows[Any]) -> Entry:
    text = challenge_text(
        row.title,
        row.difficulty,
        row.indicators,
        row.content,
        [(item.text, item.target) for item in requirements],
    )
    tokens = tuple(terms_in(row.tokens, row.tokenizer, text))
    return Entry(
        Document(id=str(row.id), name=row.title, text=text, region=row.region_code),
        DocumentTokens(whole=tokens, items=(tokens,) if tokens else ()),
        PUBLIC if row.is_public else RESTRICTED,
    )
