"""The conditions of an allocation in words of the domain: what was asked, and which of it conflict."""

from typing import Any

from challenges.allocations.models import SolverGroup
from challenges.allocations.problem import Inputs
from challenges.allocations.question import GroupDemand, Question
from core.i18n import gettext
from core.i18n import lazy_gettext as _

GROUPS = {
    SolverGroup.COUNTED_SME: _("counted SMEs"),
    SolverGroup.SMALL_MICRO: _("counted small and micro enterprises"),
    SolverGroup.LARGE: _("large enterprises"),
    SolverGroup.RESEARCH_INSTITUTE: _("research institutes"),
    SolverGroup.UNIVERSITY: _("universities"),
}
SENSE_WORDS = {">=": _("at least"), "<=": _("at most"), "==": _("exactly")}


def group_sentence(demand: GroupDemand, title: str | None) -> str:
    """`title`: of the one challenge it is about; None: of each."""
    values = {"sense": SENSE_WORDS[demand.sense], "count": demand.count, "group": GROUPS[demand.group]}
    if title is None:
        return gettext("Each challenge gets %(sense)s %(count)s %(group)s.", **values)
    return gettext("“%(title)s” gets %(sense)s %(count)s %(group)s.", title=title, **values)


def conditions(question: Question, inputs: Inputs) -> list[str]:
    """Everything that was asked beside the demands."""
    titles = {item.id: item.title for item in inputs.challenges}
    names = {item.id: item.name for item in inputs.solvers}
    found = [
        gettext(
            "Each solver takes from %(least)s to %(most)s challenges.",
            least=question.minimum,
            most=question.maximum,
        )
    ]
    found += [
        gettext(
            "“%(name)s” takes from %(least)s to %(most)s challenges.",
            name=names.get(load.solver, "–"),
            least=load.minimum,
            most=load.maximum,
        )
        for load in question.loads
    ]
    found += [
        group_sentence(item, titles.get(item.challenge, "–") if item.challenge else None)
        for item in question.groups
    ]
    for pair in question.pairs:
        values = {"name": names.get(pair.solver, "–"), "title": titles.get(pair.challenge, "–")}
        found.append(
            gettext("“%(name)s” has to take “%(title)s”.", **values)
            if pair.forced
            else gettext("“%(name)s” must not take “%(title)s”.", **values)
        )
    return found


def conflict_sentences(result: dict[str, Any], question: Question, inputs: Inputs) -> list[str]:
    return [_sentence(item, question, inputs) for item in result.get("conflict", ())]


def _sentence(item: dict[str, Any], question: Question, inputs: Inputs) -> str:
    name, count = item["constraint"], item["count"]
    challenge = None if item["challenge"] is None else inputs.challenges[item["challenge"]]
    title = challenge.title if challenge else ""
    solver = "" if item["solver"] is None or not inputs.solvers else inputs.solvers[item["solver"]].name
    if name == "group":
        return group_sentence(question.groups[item["group"]], title or _title_of_rule(item, question, inputs))
    if name == "forbidden" and challenge is not None:
        out = sum(not pair.forced and pair.challenge == challenge.id for pair in question.pairs)
        return gettext(
            "“%(title)s” has %(able)s ranked and admitted candidates; %(out)s pairs with it were forbidden.",
            title=title,
            able=len(challenge.scores),
            out=out,
        )
    if name == "forced":
        return gettext("“%(name)s” has to take “%(title)s”.", name=solver, title=title)
    if name == "demand":
        return gettext("“%(title)s” needs %(count)s solvers.", title=title, count=count)
    if name == "minimum":
        return gettext("“%(name)s” takes at least %(count)s challenges.", name=solver, count=count)
    if name == "maximum":
        return gettext("“%(name)s” takes at most %(count)s challenges.", name=solver, count=count)
    wholes = {
        "demands": gettext("All challenges together need %(count)s solvers.", count=count),
        "minimums": gettext("All solvers together have to take at least %(count)s challenges.", count=count),
        "maximums": gettext("All solvers together can take at most %(count)s challenges.", count=count),
        "all_forced": gettext("All %(count)s required pairs.", count=count),
    }
    return wholes.get(
        name, gettext("Only ranked and admitted candidates take a challenge, less the forbidden pairs.")
    )


def _title_of_rule(item: dict[str, Any], question: Question, inputs: Inputs) -> str | None:
    wanted = question.groups[item["group"]].challenge
    return next((each.title for each in inputs.challenges if each.id == wanted), None)
