"""Console commands of solvers: `size` and `import-solvers`."""

import argparse
import os
import sys
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from core.console import with_process
from core.errors import InvalidError
from core.i18n import gettext, use_locale
from core.process import Process
from core.table_files import Failure, Report, Table, UnreadableFileError
from solvers.import_file import read_file
from solvers.imports import import_rows, outcome_text
from solvers.industries import show_industry
from solvers.profiles.service import Tokenize
from solvers.size import TABLE_TITLE, Indicator, RuleLine, SizeDecision, classify

# Figures beyond this are typing errors: a hundred times the revenue of the largest enterprise there is.
LARGEST_FIGURE = Decimal(10) ** 11


def add_commands(subparsers: Any, *, load_tokenizer: Callable[[], Tokenize]) -> None:
    """Register the subcommands; each sets `run`, which takes the parsed arguments and returns the exit status.

    `load_tokenizer` makes the function that splits a text into terms; it takes a while and is called when needed.
    """
    text = "Tell the statutory size of an enterprise and the rule that decides it."
    size = subparsers.add_parser("size", help=text, description=text)
    size.add_argument(
        "--industry", required=True, metavar="CODE", help="GB/T 4754-2017 code, with or without letter"
    )
    size.add_argument("--employees", type=_whole_number, metavar="N", help="persons employed")
    size.add_argument("--revenue", type=_figure, metavar="N", help="yearly revenue in 万元 (10,000 CNY)")
    size.add_argument("--assets", type=_figure, metavar="N", help="total assets in 万元 (10,000 CNY)")
    size.set_defaults(run=_size)
    text = "Import organizations and profiles from a CSV or XLSX file (docs/import.md)."
    importing = subparsers.add_parser("import-solvers", help=text, description=text)
    importing.add_argument("file", type=Path, metavar="FILE")
    importing.add_argument(
        "--verified", action="store_true", help="mark them as verified: you vouch for what the file says"
    )
    importing.set_defaults(run=lambda options: _import_solvers(options, load_tokenizer))


def terminal_locale() -> str:
    """Chinese on a Chinese terminal, English otherwise."""
    language = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
    return "zh_CN" if language.lower().startswith("zh") else "en"


def _whole_number(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 0")
    if int(text) > LARGEST_FIGURE:
        raise argparse.ArgumentTypeError(f"{text!r} is implausibly large")
    return int(text)


def _figure(text: str) -> Decimal:
    try:
        figure = Decimal(text)
    except InvalidOperation:
        figure = Decimal("NaN")
    if not figure.is_finite() or figure < 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of at least 0")
    if figure > LARGEST_FIGURE:
        raise argparse.ArgumentTypeError(f"{text!r} is implausibly large")
    return figure


def _size(options: argparse.Namespace) -> int:
    arguments = {"industry_code": "--industry", "revenue_wan": "--revenue", "assets_wan": "--assets"}
    with use_locale(terminal_locale()):
        try:
            decision = classify(options.industry, options.employees, options.revenue, options.assets)
        except InvalidError as error:
            for name, message in error.errors.items():
                print(f"jiebang size: {arguments.get(name, '--' + name)}: {message}", file=sys.stderr)
            return 2
        print("\n".join(_size_report(decision)))
    return 0


def _import_solvers(options: argparse.Namespace, load_tokenizer: Callable[[], Tokenize]) -> int:
    """0 when every line is in the database, 1 when lines failed, 2 when the file cannot be read."""
    with use_locale(terminal_locale()):
        try:
            table = read_file(options.file)
        except UnreadableFileError as error:
            print(f"jiebang import-solvers: {options.file}: {error}", file=sys.stderr)
            return 2
        if table.ignored_columns:
            print(
                gettext("ignored columns: %(columns)s", columns=", ".join(table.ignored_columns)),
                file=sys.stderr,
            )
        tokenize = load_tokenizer()
        report = with_process(lambda process: _import(process, options, table, tokenize), migrated=True)
        print(outcome_text(report))
    return 1 if report.failures else 0


async def _import(process: Process, options: argparse.Namespace, table: Table, tokenize: Tokenize) -> Report:
    def say(failure: Failure) -> None:
        place = f"{options.file}:{failure.line}: {failure.column}".removesuffix(": ")
        print(f"{place}: {failure.reason}", file=sys.stderr)

    return await import_rows(process, table.rows, tokenize, verified=options.verified, on_failure=say)


def _size_report(decision: SizeDecision) -> list[str]:
    industry = show_industry(decision.industry_code)
    if decision.size is None or decision.group is None:
        assert decision.uncovered is not None
        reason = gettext(
            "no class: the statutory table does not cover %(part)s", part=decision.uncovered.name
        )
        return [reason, gettext("industry: %(industry)s", industry=industry)]
    return [
        decision.size.value,
        gettext("industry: %(industry)s", industry=industry),
        gettext("group: %(group)s", group=decision.group.name),
        gettext("rule: %(title)s", title=TABLE_TITLE),
        *(f"  {_compared(line)}" for line in decision.lines),
    ]


def _compared(line: RuleLine) -> str:
    names = {
        Indicator.EMPLOYEES: gettext("employees"),
        Indicator.REVENUE: gettext("revenue (万元)"),
        Indicator.ASSETS: gettext("assets (万元)"),
    }
    outcome = gettext("reached") if line.reached else gettext("not reached")
    sign = "≥" if line.reached else "<"
    return f"{line.size.value}: {names[line.indicator]} {line.value} {sign} {line.threshold}: {outcome}"
