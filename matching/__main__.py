"""`python -m matching`: the matcher alone, for those who use it as a library."""

from __future__ import annotations

import argparse

from matching.commands import add_commands


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m matching", description="Rank solvers for challenges.")
    add_commands(parser.add_subparsers(dest="command", required=True))
    arguments = parser.parse_args()
    status: int = arguments.run(arguments)
    return status


if __name__ == "__main__":
    raise SystemExit(main())
