"""The console command `decision replay`. It only reads."""

import argparse
import json
import sys
import uuid
from typing import TYPE_CHECKING, Any

from sqlalchemy.ext.asyncio import AsyncSession

from core.console import with_session
from core.i18n import use_locale

if TYPE_CHECKING:
    # Loads the solver and all models: not before a command needs them.
    from challenges.consortia.replay import Replay

DIFFERS = 1
UNKNOWN = 2
SIGNS = {"same": "same", "differs": "DIFFERS", "not_possible": "not possible"}


def add_commands(subparsers: Any) -> None:
    """Register `decision`; its command sets `run`, which takes the parsed arguments and returns the exit status."""
    text = "Look at officers' decisions (docs/deciding.md)."
    decision = subparsers.add_parser("decision", help=text, description=text)
    commands = decision.add_subparsers(title="commands", metavar="COMMAND", required=True)
    text = (
        "Compute a decision once more from what was stored with it, and say whether the outcome is the same."
    )
    replaying = commands.add_parser("replay", help=text, description=text)
    replaying.add_argument("decision", metavar="ID", help="the number that the decision's print view shows")
    replaying.add_argument("--json", action="store_true", help="print one JSON object instead of text")
    replaying.set_defaults(run=_replay)


def _replay(options: argparse.Namespace) -> int:
    try:
        key = uuid.UUID(options.decision)
    except ValueError:
        return _unknown(options.decision)
    found = with_session(lambda session: _read(session, key))
    if found is None:
        return _unknown(options.decision)
    with use_locale("en"):
        if options.json:
            print(json.dumps(found.as_json(), ensure_ascii=False, allow_nan=False))
        else:
            for line in report(found):
                print(line)
    return 0 if found.is_same else DIFFERS


def report(found: "Replay") -> list[str]:
    lines = [f"Decision {found.decision_id}: {found.outcome.value}"]
    for check in found.checks:
        note = f" ({check.note})" if check.note else ""
        lines.append(f"  {SIGNS[check.verdict.value]:<12}  {check.text}{note}")
        lines += [
            f"                {item.where}: stored {item.stored}, computed {item.computed}"
            for item in check.differences
        ]
    lines.append("The outcome is the same." if found.is_same else "The outcome is NOT the same.")
    lines.append(f"head of the audit log {found.head}")
    return lines


async def _read(session: AsyncSession, key: uuid.UUID) -> "Replay | None":
    from challenges.consortia.queries import decision_by_id
    from challenges.consortia.replay import COMMAND_TIME_LIMIT_S, replay_decision

    decision = await decision_by_id(session, key)
    if decision is None:
        return None
    with use_locale("en"):
        return await replay_decision(session, decision, COMMAND_TIME_LIMIT_S)


def _unknown(written: str) -> int:
    print(f"jiebang: there is no decision {written}", file=sys.stderr)
    return UNKNOWN
