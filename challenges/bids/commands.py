"""Console commands of sealed bids: `bids check` for who has the files alone, `bids verify` for who runs the service."""

import argparse
import json
import sys
import uuid
from pathlib import Path
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.bids.content import content_hash
from challenges.bids.receipts import FORMAT, CheckedReceipt, published_receipts
from challenges.postings.queries import challenge_by_id
from core.console import with_session
from core.errors import InvalidError, NotFoundError
from core.i18n import gettext as _

DIFFERS = 1


def add_commands(subparsers: Any) -> None:
    """Register `bids`; its commands set `run`, which takes the parsed arguments and returns the exit status."""
    text = "Check the receipts of sealed bids (docs/sealed_bids.md)."
    bids = subparsers.add_parser("bids", help=text, description=text)
    commands = bids.add_subparsers(title="commands", metavar="COMMAND", required=True)
    text = "Compare a receipt with the content of a bid, both as downloaded; needs no database."
    checking = commands.add_parser("check", help=text, description=text)
    checking.add_argument("receipt", metavar="RECEIPT.json")
    checking.add_argument("content", metavar="CONTENT.json")
    checking.set_defaults(run=_check)
    text = "Compare every opened bid of a challenge with its last receipt."
    verifying = commands.add_parser("verify", help=text, description=text)
    verifying.add_argument("challenge", metavar="CHALLENGE_ID", type=uuid.UUID)
    verifying.set_defaults(run=_verify)


def _check(options: argparse.Namespace) -> int:
    receipt = _receipt(Path(options.receipt))
    try:
        content = Path(options.content).read_bytes()
    except OSError as error:
        raise InvalidError({options.content: str(error.strerror)}) from None
    computed = content_hash(content)
    print(f"receipt   {receipt['receipt']}  {receipt['act']} at {receipt['at']}")
    print(f"recorded  {receipt['content_sha256']}")
    print(f"computed  {computed}")
    agrees = computed == receipt["content_sha256"]
    print("agrees" if agrees else "DIFFERS: this is not the content that the receipt was given for")
    return 0 if agrees else DIFFERS


def _receipt(path: Path) -> dict[str, Any]:
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidError({str(path): str(error.strerror)}) from None
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InvalidError({str(path): str(error)}) from None
    wanted = {"format", "receipt", "act", "at", "content_sha256"}
    if not isinstance(read, dict) or read.get("format") != FORMAT or not wanted <= read.keys():
        raise InvalidError({str(path): _("This is no receipt of a bid.")})
    return read


def _verify(options: argparse.Namespace) -> int:
    async def read(session: AsyncSession) -> list[CheckedReceipt]:
        if await challenge_by_id(session, options.challenge) is None:
            raise NotFoundError(_("There is no such challenge."))
        return await published_receipts(session, options.challenge)

    checked = with_session(read)
    words = {None: "sealed", True: "agrees", False: "DIFFERS"}
    for item in checked:
        print(
            f"{item.receipt.id}  {item.receipt.at.isoformat()}  {item.receipt.content_sha256}  {words[item.agrees]}"
        )
    if not checked:
        print("no bid was handed in", file=sys.stderr)
    return DIFFERS if any(item.agrees is False for item in checked) else 0
