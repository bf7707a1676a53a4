"""Console commands of the indexes: `index status`, `index rebuild` and `index verify`."""

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, NullPool, create_engine
from sqlalchemy.exc import ProgrammingError

from challenges.indexing import queries
from challenges.indexing.entries import COLLECTIONS, Collection, Scope
from challenges.indexing.publishing import publish_all, retokenize
from challenges.indexing.shelf import root_of, state_in
from challenges.indexing.texts import terms_of_text
from core.database import sqlalchemy_url
from core.errors import DomainError
from core.postgres import database_server
from core.revisions import Head, head_of
from core.settings import Settings
from matching.saved import SavedIndexError, manifest_of, verify, versions_of

T = TypeVar("T")
BROKEN = 1


def add_commands(subparsers: Any) -> None:
    """Register `index`; its commands set `run`, which takes the parsed arguments and returns the exit status."""
    text = "Look at, rebuild or check the saved indexes (docs/matching.md)."
    index = subparsers.add_parser("index", help=text, description=text)
    commands = index.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name, run, text in (
        ("status", _status, "Tell what is published, of what, and what has changed since."),
        ("rebuild", _rebuild, "Build every index from what is stored and publish it; running processes go over to it."),
        ("verify", _verify, "Read every published file and compare it with its checksum."),
    ):  # fmt: skip
        command = commands.add_parser(name, help=text, description=text)
        command.add_argument("--json", action="store_true", help="print one JSON document")
        command.set_defaults(run=run)


@dataclass(frozen=True, kw_only=True)
class IndexStatus:
    """One index; `changed` counts what was saved since it was built, in all scopes of its collection."""

    name: str
    version: str | None = None
    fault: str | None = None
    documents: int = 0
    items: int = 0
    terms: int = 0
    bytes: int = 0
    revision: int | None = None
    day: str | None = None
    changed: int = 0
    older_versions: int = 0


def _status(options: argparse.Namespace) -> int:
    def read(engine: Engine, data_dir: Path) -> tuple[list[IndexStatus], int]:
        with engine.connect() as connection:
            statuses = [
                status_of(connection, data_dir, collection, scope)
                for collection in COLLECTIONS
                for scope in collection.scopes
            ]
            return statuses, queries.count_foreign(connection, terms_of_text.fingerprint)

    statuses, foreign = _with_database(read)
    if options.json:
        _print_json(
            {
                "tokenizer": terms_of_text.fingerprint,
                "rows_of_another_tokenizer": foreign,
                "indexes": [asdict(status) for status in statuses],
            }
        )
        return 0
    for status in statuses:
        print(_line(status))
    print(f"tokenizer {terms_of_text.fingerprint}; rows of another one: {foreign}")
    return 0


def status_of(connection: Connection, data_dir: Path, collection: Collection, scope: Scope) -> IndexStatus:
    root = root_of(data_dir, collection, scope)
    head = head_of(connection, collection.name)
    versions = versions_of(root)
    if not versions:
        return IndexStatus(name=root.name, fault="nothing is published")
    version = versions[-1]
    try:
        manifest = manifest_of(version)
        revision = int(manifest["facts"]["revision"])
    except (SavedIndexError, KeyError, ValueError) as error:
        return IndexStatus(name=root.name, version=version.name, fault=str(error))
    return IndexStatus(
        name=root.name,
        version=version.name,
        fault=_fault(manifest, head),
        documents=manifest["documents"],
        items=manifest["items"],
        terms=manifest["terms"],
        bytes=sum(path.stat().st_size for path in version.iterdir()),
        revision=revision,
        day=manifest["facts"]["day"],
        changed=queries.count_changed(connection, collection.name, revision),
        older_versions=len(versions) - 1,
    )


def _fault(manifest: dict[str, Any], head: Head) -> str | None:
    """Why no process would use it."""
    if manifest["tokenizer"] != terms_of_text.fingerprint:
        return f"made by {manifest['tokenizer']}"
    try:
        state_in(manifest["facts"], head)
    except SavedIndexError as error:
        return str(error)
    return None


def _line(status: IndexStatus) -> str:
    if status.version is None:
        return f"{status.name}: {status.fault}"
    older = f", {status.older_versions} older still in use" if status.older_versions else ""
    fault = f"; NOT USED: {status.fault}" if status.fault else ""
    return (
        f"{status.name}: {status.version}, {status.documents} documents, {status.items} items,"
        f" {status.terms} terms, {status.bytes / 2**20:.1f} MiB, as of change {status.revision},"
        f" {status.changed} changed since{older}{fault}"
    )


def _rebuild(options: argparse.Namespace) -> int:
    def build(engine: Engine, data_dir: Path) -> tuple[int, list[Path]]:
        retokenized = retokenize(engine)
        return retokenized, [
            path for collection in COLLECTIONS for path in publish_all(engine, data_dir, collection)
        ]

    retokenized, published = _with_database(build)
    if options.json:
        _print_json({"retokenized": retokenized, "published": [str(path) for path in published]})
        return 0
    if retokenized:
        print(f"{retokenized} rows were split anew")
    for path in published:
        print(path)
    return 0


def _verify(options: argparse.Namespace) -> int:
    """Needs no database: the files are read as they are."""
    root = Settings.from_environment().data_dir / "index"
    checked: list[dict[str, Any]] = []
    for version in [version for index in sorted(root.glob("*")) for version in versions_of(index)]:
        try:
            verify(version)
            fault = None
        except SavedIndexError as error:
            fault = str(error)
        checked.append({"index": version.parent.name, "version": version.name, "fault": fault})
    is_whole = all(each["fault"] is None for each in checked)
    if options.json:
        _print_json({"versions": checked})
    else:
        for each in checked:
            print(f"{each['index']} {each['version']}: {each['fault'] or 'whole'}")
        if not checked:
            print("nothing is published")
    return 0 if is_whole else BROKEN


def _with_database(use: Callable[[Engine, Path], T]) -> T:
    with database_server(Settings.from_environment()) as settings:
        engine = create_engine(sqlalchemy_url(str(settings.database_url)), poolclass=NullPool)
        try:
            return use(engine, settings.data_dir)
        except ProgrammingError as error:
            reason = str(error.orig).splitlines()[0]
            raise DomainError(
                f"the database is not of this version, see `jiebang migrate`: {reason}"
            ) from None


def _print_json(document: Any) -> None:
    json.dump(document, sys.stdout, ensure_ascii=False, indent=2)
    print()
