#!/usr/bin/env python3
"""Checks an exported audit log without the system that wrote it. Needs nothing but Python 3.9 or newer.

    python verify_audit.py FILE [--head NUMBER:HASH]

FILE is what `jiebang audit export` wrote. `--head` is a number and a hash that were published earlier, e.g. in the
minutes after an earlier verification: with it, entries that were cut off or a log that was written anew
up to there are found too. Exit status: 0 the log is whole, 1 it was tampered with, 2 it cannot be read.
docs/audit.md describes the format, which is simple enough to write another verifier.
"""

import argparse
import hashlib
import json
import sys
from pathlib import Path

GENESIS = "0" * 64
FIELDS = {
    "number",
    "at",
    "person_id",
    "person_name",
    "organization_id",
    "organization_name",
    "action",
    "subject_type",
    "subject_id",
    "changes",
    "previous_hash",
    "hash",
}


class Tampered(Exception):  # noqa: N818 - what is told, not what went wrong in this program
    pass


def canonical(value):
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def read_line(line, where):
    """One line as an object. It must be written canonically: so no reader can see another value in it than we do."""
    text = line.rstrip("\n")
    try:
        value = json.loads(text)
    except ValueError as error:
        raise Tampered(f"{where} is not JSON: {error}") from None
    if not isinstance(value, dict) or canonical(value) != text:
        raise Tampered(f"{where} is not written in the canonical form: it was edited")
    return value


def verify(lines, published=None):
    """(number, hash) of the head, after every line was checked; raises Tampered at the first that is wrong."""
    number, previous, head = 0, GENESIS, None
    for place, line in enumerate(lines, start=1):
        if head is not None:
            raise Tampered(f"line {place} follows the line with the head")
        entry = read_line(line, f"line {place}")
        if set(entry) == {"head"}:
            head = entry["head"]
            continue
        if set(entry) != FIELDS:
            raise Tampered(f"line {place} does not have the fields of an entry")
        expected = number + 1
        if entry["number"] != expected:
            raise Tampered(f"entry {expected} is missing; line {place} holds entry {entry['number']}")
        if entry["previous_hash"] != previous:
            raise Tampered(f"entry {expected} does not hold the hash of the entry before it")
        content = {key: value for key, value in entry.items() if key not in ("previous_hash", "hash")}
        digest = hashlib.sha256(bytes.fromhex(previous) + canonical(content).encode("utf-8")).hexdigest()
        if entry["hash"] != digest:
            raise Tampered(f"entry {expected} was edited: its content is not what was hashed")
        number, previous = expected, digest
        if published is not None and published[0] == number and published[1] != digest:
            raise Tampered(f"entry {number} has another hash than was published: the log was written anew")
    if head is None:
        raise Tampered(f"the line with the head is missing: the file ends after entry {number}")
    if head != {"number": number, "hash": previous}:
        raise Tampered(f"the head does not name the last entry, {number}: entries were cut off")
    if published is not None and published[0] > number:
        raise Tampered(
            f"entry {published[0]} was published, and the log ends at {number}: entries were cut off"
        )
    return number, previous


def head_of(text):
    number, _, digest = text.partition(":")
    if not number.isdigit() or len(digest) != 64:
        raise argparse.ArgumentTypeError("must be NUMBER:HASH with 64 hexadecimal digits")
    return int(number), digest.lower()


def main():
    parser = argparse.ArgumentParser(description="Check an exported audit log.")
    parser.add_argument("file", metavar="FILE")
    parser.add_argument(
        "--head", type=head_of, metavar="NUMBER:HASH", help="a head that was published earlier"
    )
    options = parser.parse_args()
    try:
        with Path(options.file).open(encoding="utf-8", newline="\n") as lines:
            number, digest = verify(lines, options.head)
    except (OSError, UnicodeDecodeError) as error:
        print(f"{options.file}: {error}", file=sys.stderr)
        return 2
    except Tampered as found:
        print(f"{options.file}: tampered with: {found}")
        return 1
    print(f"{options.file}: {number} entries follow from one another; head {number}:{digest}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
