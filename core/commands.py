"""Console commands of the audit log: `audit verify` and `audit export`. They only read."""

import argparse
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TextIO, TypeVar

from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import AsyncSession

from core.audit import Head, Verification, exported_lines, verify
from core.console import with_session
from core.errors import DomainError

T = TypeVar("T")
BROKEN = 1


def add_commands(subparsers: Any) -> None:
    """Register `audit`; its commands set `run`, which takes the parsed arguments and returns the exit status."""
    text = "Check the audit log or write it to a file (docs/audit.md)."
    audit = subparsers.add_parser("audit", help=text, description=text)
    commands = audit.add_subparsers(title="commands", metavar="COMMAND", required=True)
    text = "Recompute the chain of the audit log and name the first entry that was tampered with."
    verifying = commands.add_parser("verify", help=text, description=text)
    verifying.add_argument(
        "--head",
        type=_head,
        metavar="NUMBER:HASH",
        help="a head that was published: finds newest entries that were removed, and a chain computed anew",
    )
    verifying.set_defaults(run=_verify)
    text = "Write the audit log as JSON Lines, which docs/verify_audit.py checks without this program."
    exporting = commands.add_parser("export", help=text, description=text)
    exporting.add_argument("file", metavar="FILE", help="where to write it; - is standard output")
    exporting.set_defaults(run=_export)


def _head(written: str) -> Head:
    try:
        return Head.parse(written)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _verify(options: argparse.Namespace) -> int:
    found = _read(lambda session: verify(session, options.head))
    for line in report(found):
        print(line)
    return 0 if found.is_intact else BROKEN


def report(found: Verification) -> list[str]:
    lines = [
        f"The guard {name} is missing or switched off: the database no longer refuses changes of the log."
        for name in found.lacking_guards
    ]
    if found.fault is None:
        lines.append(f"{found.head.number} entries follow from one another.")
        lines.append(f"head {found.head}")
    else:
        lines.append(f"The log is not intact. First bad entry: {found.bad_number}: {found.fault.reason}.")
        lines.append(f"last good entry {found.head}")
    return lines


def _export(options: argparse.Namespace) -> int:
    if options.file == "-":
        _read(lambda session: _write_lines(session, sys.stdout))
        return 0
    path = Path(options.file)
    # Under its name only once it is whole; in the same directory, so that renaming is one step.
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with unfinished.open("w", encoding="utf-8", newline="\n") as target:
            count = _read(lambda session: _write_lines(session, target))
        unfinished.replace(path)
    except OSError as error:
        raise DomainError(f"{path}: {error.strerror}") from None
    finally:
        unfinished.unlink(missing_ok=True)
    print(f"{path}: {count} entries")
    return 0


async def _write_lines(session: AsyncSession, target: TextIO) -> int:
    """Number of entries written; the line with the head is not one."""
    count = -1
    async for line in exported_lines(session):
        target.write(line + "\n")
        count += 1
    return count


def _read(use: Callable[[AsyncSession], Awaitable[T]]) -> T:
    try:
        return with_session(use)
    except ProgrammingError as error:
        if "audit_entry" in str(error.orig):
            raise DomainError(f"the audit log cannot be read: {error.orig}") from None
        raise
