"""docs/states.md, made from the tables of states: `python -m web.states_page` prints it."""

import sys
from enum import StrEnum
from typing import Any

from challenges.states import MACHINES
from core.i18n import use_locale
from core.states import Machine, Role, Transition
from web.labels import label

INTRODUCTION = """# States

Made from the tables in the code by `make states`; a test fails where this page differs from them. Another test walks
every table completely: each step that stands here works for those who are named, and every other is refused.

A step locks its row, checks who takes it, what it demands and the reason, writes the state, and tells the audit log
of it in the same transaction (core/states.py). Time is the database's.
"""
TITLES = {
    "challenge": "Challenge (榜单项目)",
    "question": "Question (问题)",
    "amendment": "Amendment (榜单变更)",
    "bid": "Bid (揭榜申报)",
    "bid_member": "A member's part in a bid (揭榜申报成员)",
    "check": "Formal check of a bid (形式审查)",
    "review": "Review (专家评审)",
    "seat": "A reviewer's seat on a panel (评审专家席位)",
    "consortium": "Consortium (联合体)",
    "contract": "Contract (任务书)",
    "contract_version": "A version of a contract (任务书版本)",
    "notice": "Public notice (公示)",
    "objection": "Objection (异议)",
    "milestone": "Milestone (里程碑)",
    "final_acceptance": "Final acceptance (最终验收)",
}
ROLES = {
    Role.POSTER: "poster",
    Role.OFFICER: "officer",
    Role.LEAD: "lead of the bid",
    Role.PARTNER: "partner in the bid",
    Role.REVIEWER: "reviewer",
    Role.TEAM: "lead of the team",
    Role.MEMBER: "member of the team",
    Role.OBJECTOR: "objector",
    Role.SYSTEM: "time",
}


def page() -> str:
    return "\n".join([INTRODUCTION, *(_section(machine) for machine in MACHINES)])


def _section(machine: Machine[Any, Any]) -> str:
    lines = [f"## {TITLES[machine.noun]}", "", "```mermaid", "stateDiagram-v2"]
    lines += [f"    {state.value}: {_name(state)}" for state in machine.every_state]
    lines.append(f"    [*] --> {machine.initial.value}")
    lines += [
        f"    {item.source.value} --> {item.target.value}: {_who(item)}" for item in machine.transitions
    ]
    lines += [f"    {state.value} --> [*]" for state in machine.every_state if state in machine.ends]
    lines += [
        "```",
        "",
        "| from | to | who | in the audit log | when | reason |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {item.source.value} | {item.target.value} | {_who(item)} | `{item.action}` | {_when(item)} |"
        f" {'needed' if item.needs_note else ''} |"
        for item in machine.transitions
    ]
    return "\n".join([*lines, ""])


def _name(state: StrEnum) -> str:
    """Both languages; a colon or semicolon would end the name in Mermaid."""
    with use_locale("en"):
        english = label(state)
    with use_locale("zh_CN"):
        chinese = label(state)
    return f"{chinese} ({english})"


def _who(item: Transition[Any]) -> str:
    return ", ".join(text for role, text in ROLES.items() if role in item.who)


def _when(item: Transition[Any]) -> str:
    return " ".join((item.guard.__doc__ or "").split()) if item.guard else ""


if __name__ == "__main__":
    sys.stdout.write(page())
