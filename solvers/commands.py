"""Console commands of solvers: `size` and `import-solvers`."""

from typing import Any


def add_commands(subparsers: Any) -> None:
    """Register the subcommands; each sets `run`, which takes the parsed arguments and returns the exit status."""
