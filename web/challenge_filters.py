"""The filters of the list of challenges as an address and as words: for the list, and for saved searches."""

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any, TypeVar

from challenges.models import ChallengeState
from challenges.postings.list_queries import LISTED_STATES, ChallengeFilters, Deadline
from core.i18n import gettext
from solvers.fields import field_of
from solvers.regions import PROVINCES
from web.labels import label
from web.requests import as_uuid

MAX_QUERY_LENGTH = 200
PARAMETERS = (
    "q",
    "field",
    "subfield",
    "program",
    "region",
    "min",
    "max",
    "deadline",
    "state",
    "sort",
)


Kind = TypeVar("Kind", bound=StrEnum)


def names_of() -> Sequence[str]:
    """Parameters of the address that say what is looked for; `sort` only says in which order."""
    return PARAMETERS[:-1]


def member_of(kind: type[Kind], value: str) -> Kind | None:
    return next((member for member in kind if member.value == value), None)


def asked_filters(asked: dict[str, str]) -> ChallengeFilters:
    """What the address asks for; values that mean nothing are as if absent."""
    state = member_of(ChallengeState, asked["state"])
    subfield = asked["subfield"] if _is_code(asked["subfield"], 4) else ""
    return ChallengeFilters(
        text=" ".join(asked["q"].replace("\0", "").split())[:MAX_QUERY_LENGTH],
        field=subfield[:2] or (asked["field"] if _is_code(asked["field"], 2) else ""),
        subfield=subfield,
        program_id=as_uuid(asked["program"]),
        region=asked["region"] if _is_code(asked["region"], 2) or _is_code(asked["region"], 4) else "",
        min_wan=_as_wan(asked["min"]),
        max_wan=_as_wan(asked["max"]),
        deadline=member_of(Deadline, asked["deadline"]),
        state=state if state in LISTED_STATES else None,
    )


def _is_code(text: str, length: int) -> bool:
    return len(text) == length and text.isascii() and text.isdigit()


def _as_wan(text: str) -> Decimal | None:
    try:
        amount = Decimal(text.replace(",", "").replace("，", ""))
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and 0 <= amount < 10**9 else None


def address_of(filters: ChallengeFilters, sort: str = "") -> dict[str, Any]:
    """The address of this list: what filters are set, in the spelling of PARAMETERS."""
    return {
        "q": filters.text,
        "field": "" if filters.subfield else filters.field,
        "subfield": filters.subfield,
        "program": str(filters.program_id) if filters.program_id else "",
        "region": filters.region,
        "min": _plain(filters.min_wan),
        "max": _plain(filters.max_wan),
        "deadline": filters.deadline.value if filters.deadline else "",
        "state": filters.state.value if filters.state else "",
        "sort": sort,
    }


def _plain(amount: Decimal | None) -> str:
    return "" if amount is None else f"{amount.normalize():f}"


def deadline_text(deadline: Deadline) -> str:
    return {
        Deadline.OPEN: gettext("Open"),
        Deadline.WITHIN_7_DAYS: gettext("Closes within 7 days"),
        Deadline.WITHIN_30_DAYS: gettext("Closes within 30 days"),
        Deadline.PASSED: gettext("Closed"),
    }[deadline]


def chips_of(
    filters: ChallengeFilters, parameters: dict[str, Any], programs: list[Any]
) -> list[tuple[str, dict[str, Any]]]:
    """Each active filter's text, and the changes of the address that take it away."""
    chips: list[tuple[str, dict[str, Any]]] = []
    if filters.text:
        chips.append((f"“{filters.text}”", {"q": None, "sort": None}))
    if filters.field and (field := field_of(filters.field)):
        chips.append((field.name, {"field": None, "subfield": None}))
        if subfield := next((item for item in field.subfields if item.code == filters.subfield), None):
            chips.append((subfield.name, {"subfield": None, "field": filters.field}))
    if filters.program_id:
        name = next((item.name for item in programs if item.id == filters.program_id), gettext("Program"))
        chips.append((name, {"program": None}))
    if filters.region:
        name = next((item.name for item in PROVINCES if item.code == filters.region[:2]), filters.region)
        chips.append((name, {"region": None}))
    if filters.min_wan is not None:
        chips.append((f"≥ {gettext('%(number)s 万元', number=parameters['min'])}", {"min": None}))
    if filters.max_wan is not None:
        chips.append((f"≤ {gettext('%(number)s 万元', number=parameters['max'])}", {"max": None}))
    if filters.deadline:
        chips.append((deadline_text(filters.deadline), {"deadline": None}))
    if filters.state:
        chips.append((label(filters.state), {"state": None}))
    return chips
