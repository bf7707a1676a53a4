"""Building indexes from stored tokens and publishing them for all processes of this machine.

One process builds at a time: it holds an advisory lock of the database, which goes with its connection, however it
ends. A version that was not finished is never opened, and is swept away by whoever comes next.
"""

import logging
from collections.abc import Collection as Some
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

from sqlalchemy import Connection, Engine, func, select

from challenges.indexing import queries
from challenges.indexing.entries import NOTHING, Collection, Scope, State
from challenges.indexing.shelf import Reading, build_index, facts_of, root_of
from challenges.indexing.shelves import SHELVES, beside, reading
from challenges.indexing.texts import challenge_text, terms_of_text
from challenges.postings.models import Challenge
from core.revisions import announce, begin_order
from matching.saved import publish, remove_old
from solvers.profiles.models import CapabilityProfile, EvidenceItem
from solvers.profiles.texts import evidence_text, profile_text

logger = logging.getLogger(__name__)

# ASCII codes of "inde"; the second number of the lock is the collection's.
BUILDING_LOCK = 0x696E6465
# Rows of one transaction: while it lasts, whoever saves one of them waits.
RETOKENIZED_AT_ONCE = 100


@contextmanager
def only_builder(engine: Engine, collection: Collection, *, wait: bool) -> Iterator[bool]:
    """Whether nobody else builds this collection during the block; `wait` waits until that is so."""
    key = (BUILDING_LOCK, func.hashtext(collection.name))
    with beside(engine, isolation_level="AUTOCOMMIT").connect() as connection:
        if wait:
            connection.execute(select(func.pg_advisory_lock(*key)))
            yield True
        else:
            yield connection.execute(select(func.pg_try_advisory_lock(*key))).scalar_one()


def publish_lacking(engine: Engine, data_dir: Path, collection: Collection) -> list[Path]:
    """Publish what lacks a version or has grown too far from it, unless somebody is at it; what was published."""
    with only_builder(engine, collection, wait=False) as is_alone:
        if not is_alone:
            return []
        lacks = SHELVES[collection.name].refresh(engine, data_dir)
        lacking = [scope for scope, lack in lacks.items() if lack is not None]
        for scope in lacking:
            logger.info("building %s: %s", root_of(data_dir, collection, scope).name, lacks[scope])
        return _publish(engine, data_dir, collection, lacking)


def publish_all(engine: Engine, data_dir: Path, collection: Collection) -> list[Path]:
    """Publish every index of a collection; waits for whoever is building."""
    with only_builder(engine, collection, wait=True):
        return _publish(engine, data_dir, collection, collection.scopes)


def _publish(engine: Engine, data_dir: Path, collection: Collection, scopes: Some[Scope]) -> list[Path]:
    if not scopes:
        return []
    with beside(engine).begin() as connection:
        begin_order(connection, collection.name)
    published: list[Path] = []
    with reading(engine).connect() as connection:
        moment = Reading(connection, collection)
        entries = moment.changes(State(NOTHING, moment.today))
    for scope in scopes:
        root = root_of(data_dir, collection, scope)
        published.append(publish(build_index(entries, scope), root, facts_of(moment.state, moment.head)))
        remove_old(root)
    with beside(engine).begin() as connection:
        announce(connection, collection.name)
    return published


def retokenize(engine: Engine) -> int:
    """Split anew what another tokenizer has split; how many rows that were.

    Indexes hold the same before and after: whoever reads such a row splits it by itself. So this takes no numbers.
    """
    count = 0
    while written := _retokenize_some(engine):
        count += written
    return count


def _retokenize_some(engine: Engine) -> int:
    fingerprint = terms_of_text.fingerprint
    with beside(engine).begin() as connection:
        profiles = queries.foreign_profiles(connection, fingerprint, RETOKENIZED_AT_ONCE)
        texts = [(row.id, profile_text(row.summary, row.team, row.keywords)) for row in profiles]
        _write(connection, CapabilityProfile, texts)
    with beside(engine).begin() as connection:
        evidence = queries.foreign_evidence(connection, fingerprint, RETOKENIZED_AT_ONCE)
        texts = [(row.id, evidence_text(row.title, row.text, row.keywords)) for row in evidence]
        _write(connection, EvidenceItem, texts)
    with beside(engine).begin() as connection:
        challenges = queries.foreign_challenges(connection, fingerprint, RETOKENIZED_AT_ONCE)
        requirements = queries.requirements_of(connection, [row.id for row in challenges])
        texts = [
            (
                row.id,
                challenge_text(
                    row.title,
                    row.difficulty,
                    row.indicators,
                    row.content,
                    [(item.text, item.target) for item in requirements.get(row.id, ())],
                ),
            )
            for row in challenges
        ]
        _write(connection, Challenge, texts)
    return len(profiles) + len(evidence) + len(challenges)


def _write(connection: Connection, model: type[queries.Tokenized], texts: Sequence[tuple[UUID, str]]) -> None:
    tokens = [{"key": key, "terms": terms_of_text(text)} for key, text in texts]
    queries.write_tokens(connection, model, terms_of_text.fingerprint, tokens)
