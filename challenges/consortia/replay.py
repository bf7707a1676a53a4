"""A decision computed once more from what was stored with it: is the outcome the same?

Each check compares what the decision says with what follows from its frozen inputs, by the library that computes the
quota everywhere, by the solver, and by the audit log. Whoever changes a decision in the database has to change all of
it consistently, and still differs from the digest in the log.
"""

import asyncio
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from challenges.consortia import queries
from challenges.consortia.composition import control_from
from challenges.consortia.freezing import decision_digest, frozen_quota, frozen_rule
from challenges.consortia.models import Decision, Outcome
from challenges.consortia.policies import may_replay
from challenges.matches.service import quota_controllers
from challenges.postings import service as postings
from core.actor import Actor
from core.audit import Head, entries_of, head_of_log
from core.errors import NotFoundError
from core.i18n import lazy_gettext as _
from matching.consortium import ConsortiumProblem, Proposal, check_consortium, propose
from matching.quota import QuotaMember, QuotaResult, QuotaRule, evaluate_quota, exact_number

# The page waits for it; the command may take as long as the first computation did.
PAGE_TIME_LIMIT_S = 10.0
COMMAND_TIME_LIMIT_S = 60.0
# The stored problem has its weights as floats, and HiGHS proves no finer than this.
OBJECTIVE_TOLERANCE = 1e-6


class Verdict(StrEnum):
    SAME = "same"
    DIFFERS = "differs"
    NOT_POSSIBLE = "not_possible"


NAMES = {
    "record": _("The decision is what the audit log recorded"),
    "rule": _("The rule's version still says the same"),
    "money": _("Every member's budget is that of its requirements"),
    "members": _("The same members count as SMEs"),
    "quota": _("Every part of the quota has the same value and result"),
    "objective": _("Weights and scores give the same points"),
    "optimum": _("The solver reaches the same optimum"),
    "outcome": _("The quota, or a waiver of it, allows the outcome"),
}


@dataclass(frozen=True)
class Difference:
    """`where` names the place in the inputs; `stored` is what the decision says, `computed` what follows now."""

    where: str
    stored: Any
    computed: Any


@dataclass(frozen=True)
class Check:
    name: str
    verdict: Verdict
    differences: tuple[Difference, ...] = ()
    # Why it was not possible.
    note: str = ""

    @property
    def text(self) -> str:
        return str(NAMES[self.name])


@dataclass(frozen=True)
class Replay:
    decision_id: uuid.UUID
    outcome: Outcome
    checks: tuple[Check, ...]
    head: Head

    @property
    def is_same(self) -> bool:
        return all(check.verdict is not Verdict.DIFFERS for check in self.checks)

    def as_json(self) -> dict[str, Any]:
        return {
            "decision": str(self.decision_id),
            "outcome": self.outcome.value,
            "same": self.is_same,
            "checks": [
                {
                    "check": check.name,
                    "verdict": check.verdict.value,
                    "differences": [
                        {"where": item.where, "stored": item.stored, "computed": item.computed}
                        for item in check.differences
                    ],
                    "note": check.note,
                }
                for check in self.checks
            ],
            "audit_head": {"number": self.head.number, "hash": self.head.hash.hex()},
        }


class NotPossibleError(Exception):
    """A check for which the decision holds too little."""


async def read_replay(session: AsyncSession, actor: Actor, decision_id: uuid.UUID) -> tuple[Decision, Replay]:
    """For officers of the program: a decision and its replay."""
    decision = await queries.decision_by_id(session, decision_id)
    challenge_id = (
        None if decision is None else await queries.challenge_id_of(session, decision.consortium_id)
    )
    if decision is None or challenge_id is None:
        raise NotFoundError(_("There is no such decision."))
    challenge = await postings.read_challenge(session, actor, challenge_id)
    if not may_replay(actor, challenge):
        raise NotFoundError(_("There is no such decision."))
    return decision, await replay_decision(session, decision, PAGE_TIME_LIMIT_S)


async def replay_decision(session: AsyncSession, decision: Decision, time_limit_s: float) -> Replay:
    """Check everything; the order is that in which people would ask."""
    entries = await entries_of(session, "consortium", decision.consortium_id)
    recorded = [
        entry.changes.get("digest") for entry in entries if entry.changes.get("decision") == str(decision.id)
    ]
    checks = [
        _checked("record", lambda: _record(decision, recorded)),
        _checked("rule", lambda: _rule(decision)),
        *await asyncio.to_thread(_computed, decision, time_limit_s),
    ]
    return Replay(decision.id, decision.outcome, tuple(checks), await head_of_log(session))


def _computed(decision: Decision, time_limit_s: float) -> list[Check]:
    inputs = decision.inputs
    return [
        _checked("money", lambda: _money(inputs)),
        _checked("members", lambda: _members(inputs)),
        _checked("quota", lambda: _quota(inputs, decision.quota)),
        _checked("objective", lambda: _objective(inputs)),
        _checked("optimum", lambda: _optimum(inputs["computation"], time_limit_s)),
        _checked("outcome", lambda: _outcome(decision)),
    ]


def _checked(name: str, differences: Callable[[], Iterator[Difference]]) -> Check:
    try:
        found = tuple(differences())
    except NotPossibleError as error:
        return Check(name, Verdict.NOT_POSSIBLE, note=str(error))
    # What was stored by the program can be read by it; what cannot was written by somebody else.
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        return Check(name, Verdict.DIFFERS, (Difference("", f"{type(error).__name__}: {error}", None),))
    return Check(name, Verdict.DIFFERS if found else Verdict.SAME, found)


def _record(decision: Decision, recorded: Sequence[Any]) -> Iterator[Difference]:
    digests = [digest for digest in recorded if digest]
    if recorded and not digests:
        raise NotPossibleError(_("The decision was taken before digests were recorded."))
    present = decision_digest(decision)
    if digests != [present]:
        yield Difference("digest", digests[0] if digests else None, present)


def _rule(decision: Decision) -> Iterator[Difference]:
    frozen = decision.inputs["rule"]
    if frozen is None and decision.rule is None:
        raise NotPossibleError(_("There was no rule."))
    now = {} if decision.rule is None else frozen_rule(decision.rule)
    for name, stored in (frozen or {}).items():
        # The sentences are in the words of their time; the numbers decide.
        if name != "text" and stored != now.get(name):
            yield Difference(f"rule.{name}", stored, now.get(name))


def _money(inputs: Mapping[str, Any]) -> Iterator[Difference]:
    if inputs["bid"] is not None:
        raise NotPossibleError(_("A bid names its own money."))
    budgets = {item["id"]: Decimal(item["budget_wan"] or 0) for item in inputs["requirements"]}
    for member in inputs["members"]:
        planned = sum((budgets[name] for name in member["requirements"]), Decimal(0))
        if planned != Decimal(member["budget_wan"]):
            yield Difference(f"members.{member['id']}.budget_wan", member["budget_wan"], str(planned))


def _members(inputs: Mapping[str, Any]) -> Iterator[Difference]:
    counted = {item.id: item for item in _evaluated(inputs).members}
    for member in inputs["members"]:
        now = counted[member["id"]]
        stored = (member["counted_sme"], member["not_counted_reason"])
        if stored != (now.counted, now.code or ""):
            yield Difference(
                f"members.{member['id']}.counted_sme",
                member["counted_sme"] or member["not_counted_reason"],
                now.counted or now.code,
            )


def _quota(inputs: Mapping[str, Any], stored: Mapping[str, Any]) -> Iterator[Difference]:
    now = frozen_quota(_evaluated(inputs))
    for name in ("applies", "holds"):
        if stored[name] != now[name]:
            yield Difference(f"quota.{name}", stored[name], now[name])
    for name in {**now["parts"], **stored["parts"]}:
        if stored["parts"].get(name) != now["parts"].get(name):
            yield Difference(f"quota.{name}", stored["parts"].get(name), now["parts"].get(name))


def _evaluated(inputs: Mapping[str, Any]) -> QuotaResult:
    rule: Mapping[str, Any] = inputs["rule"] or {}
    return evaluate_quota(
        QuotaRule(
            min_sme_budget_share=rule.get("min_sme_budget_share"),
            min_small_micro_share_of_sme=rule.get("min_small_micro_share_of_sme"),
            min_sme_members=rule.get("min_sme_members"),
            min_sme_member_share=rule.get("min_sme_member_share"),
            max_members=rule.get("max_members"),
            applies_to=rule.get("applies_to", "large_lead"),
        ),
        inputs["lead"],
        [
            QuotaMember.of(
                member["id"],
                member["kind"],
                member["size"],
                Decimal(member["budget_wan"]),
                quota_controllers([control_from(item) for item in member["controls"]]),
            )
            for member in inputs["members"]
        ],
    )


def _objective(inputs: Mapping[str, Any]) -> Iterator[Difference]:
    if inputs["objective"] is None:
        raise NotPossibleError(_("No points were stored."))
    given = {item["id"]: exact_number(item["weight"] or 0, "weight") for item in inputs["requirements"]}
    total = sum(given.values(), Fraction(0))
    weights = {key: weight / total if total else Fraction(1, len(given)) for key, weight in given.items()}
    now = sum(
        (
            weights[name] * exact_number(float(member["scores"].get(name, 0.0)), "score")
            for member in inputs["members"]
            for name in member["requirements"]
        ),
        Fraction(0),
    )
    if float(now) != inputs["objective"]:
        yield Difference("objective", inputs["objective"], float(now))


def _optimum(computation: Mapping[str, Any], time_limit_s: float) -> Iterator[Difference]:
    if not computation.get("problem") or not computation.get("answer"):
        raise NotPossibleError(_("It was not proposed by the solver."))
    problem = ConsortiumProblem.from_json(computation["problem"])
    answer = computation["answer"]
    if answer["members"]:
        holders = {name: member["id"] for member in answer["members"] for name in member["requirements"]}
        for violation in check_consortium(problem, answer["lead"], holders):
            yield Difference(f"answer.{violation.constraint}", "kept", violation.detail)
    now = propose(problem, time_limit_s=time_limit_s)
    if answer["status"] not in ("optimal", "infeasible") or now.status not in ("optimal", "infeasible"):
        yield from _unproven(answer, now)
        return
    if answer["status"] != now.status:
        yield Difference("answer.status", answer["status"], now.status)
    elif now.objective is not None and _differ(answer["objective"], float(now.objective)):
        yield Difference("answer.objective", answer["objective"], float(now.objective))


def _unproven(answer: Mapping[str, Any], now: Proposal) -> Iterator[Difference]:
    """One of the two ran out of time: they may differ, as long as neither contradicts the other's bound."""
    objective, bound = answer["objective"], answer["bound"]
    if objective is not None and now.bound is not None and objective > now.bound + OBJECTIVE_TOLERANCE:
        yield Difference("answer.objective", objective, f"<= {now.bound}")
    elif now.objective is not None and bound is not None and now.objective > bound + OBJECTIVE_TOLERANCE:
        yield Difference("answer.bound", bound, float(now.objective))
    elif now.status == "infeasible" and objective is not None:
        yield Difference("answer.status", answer["status"], now.status)
    else:
        raise NotPossibleError(_("The time limit ended the proof."))


def _differ(one: float, other: float) -> bool:
    return abs(one - other) > OBJECTIVE_TOLERANCE


def _outcome(decision: Decision) -> Iterator[Difference]:
    """An approval needs a quota that holds or a waiver of what is broken; a refusal is the officer's."""
    waived = (decision.inputs.get("waiver") or {}).get("parts", [])
    broken = {part.name for part in _evaluated(decision.inputs).failing} - set(waived)
    if decision.outcome is Outcome.APPROVED and broken:
        yield Difference("outcome", decision.outcome.value, ", ".join(sorted(broken)))
