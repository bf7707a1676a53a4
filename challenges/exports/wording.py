"""Words and pages that are the web's: it hands them in when it starts, as the worker does."""

from collections.abc import Callable
from enum import StrEnum

from challenges.consortia.models import Consortium, Decision
from challenges.postings.models import Challenge

Label = Callable[[StrEnum | None], str]


def _plain(member: StrEnum | None) -> str:
    return "" if member is None else member.value


_label: Label = _plain


def use_labels(words: Label) -> None:
    global _label
    _label = words


def label(member: StrEnum | None) -> str:
    return _label(member)


# A decision as a page that is read without this site; None where nobody has handed one in.
DecisionPage = Callable[[Challenge, Consortium, Decision], str]
_decision_page: DecisionPage | None = None


def use_decision_page(page: DecisionPage) -> None:
    global _decision_page
    _decision_page = page


def decision_page(challenge: Challenge, consortium: Consortium, decision: Decision) -> str | None:
    return None if _decision_page is None else _decision_page(challenge, consortium, decision)
