"""What of a challenge an amendment may change, as data: texts, money, terms, deadline, requirements. Pure."""

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from challenges.postings.forms import AMOUNTS, ROW_AMOUNTS, ROW_TEXTS, TEXTS, TypedDraft, TypedRequirement
from challenges.postings.models import Challenge, Requirement
from core.clock import to_shanghai

CONTACT = ("contact_name", "contact_phone", "contact_email")
# What changes without bidders having to think their bids over.
NOT_OF_SUBSTANCE = frozenset({"deadline_at", *CONTACT})

Content = dict[str, Any]


def content_of(challenge: Challenge) -> Content:
    """The challenge as it stands now."""
    assert challenge.deadline_at is not None
    return {
        **{name: _text(getattr(challenge, name)) for name in TEXTS},
        **{name: _amount(getattr(challenge, name)) for name in AMOUNTS},
        "time_limit_months": challenge.time_limit_months,
        "deadline_at": _moment(challenge.deadline_at),
        "requirements": [
            {
                "id": str(row.id),
                **{name: _text(getattr(row, name)) for name in ROW_TEXTS},
                **{name: _amount(getattr(row, name)) for name in ROW_AMOUNTS},
            }
            for row in challenge.requirements
        ],
    }


def amended_content(challenge: Challenge, typed: TypedDraft) -> Content:
    """What was typed over the challenge.

    Requirements that are there keep their ids; a row with any other id is a new one. Forms show minutes: a deadline
    that was left as it is keeps its seconds.
    """
    known = {str(row.id) for row in challenge.requirements}
    rows: list[Content] = []
    for row in typed.requirements:
        key = str(row.id)
        if key not in known:
            key = str(uuid.uuid4())
        known.discard(key)
        rows.append(
            {
                "id": key,
                **{name: _text(row.values.get(name)) for name in ROW_TEXTS},
                **{name: _amount(row.values.get(name)) for name in ROW_AMOUNTS},
            }
        )
    deadline = typed.values.get("deadline_at")
    assert challenge.deadline_at is not None
    if deadline is not None and deadline == _minute(challenge.deadline_at):
        deadline = challenge.deadline_at
    return {
        **{name: _text(typed.values.get(name)) for name in TEXTS},
        **{name: _amount(typed.values.get(name)) for name in AMOUNTS},
        "time_limit_months": typed.values.get("time_limit_months"),
        "deadline_at": None if deadline is None else _moment(deadline),
        "requirements": rows,
    }


def changed_names(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    return [name for name in after if before.get(name) != after[name]]


def is_substantial(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    return not NOT_OF_SUBSTANCE.issuperset(changed_names(before, after))


def deadline_of(content: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(content["deadline_at"])


def values_of(content: Mapping[str, Any]) -> dict[str, Any]:
    """Values of the challenge's columns."""
    return {
        **{name: content[name] for name in TEXTS},
        **{name: _decimal(content[name]) for name in AMOUNTS},
        "time_limit_months": content["time_limit_months"],
        "deadline_at": None if content["deadline_at"] is None else deadline_of(content),
    }


def rows_of(content: Mapping[str, Any]) -> list[TypedRequirement]:
    return [
        TypedRequirement(
            id=uuid.UUID(row["id"]),
            values={
                **{name: row[name] for name in ROW_TEXTS},
                **{name: _decimal(row[name]) for name in ROW_AMOUNTS},
            },
            unparsed={},
        )
        for row in content["requirements"]
    ]


def candidate(challenge: Challenge, content: Mapping[str, Any]) -> Challenge:
    """The challenge as it would be, never to be stored: for rules that look at a whole challenge."""
    return Challenge(
        round_id=challenge.round_id,
        subfield_code=challenge.subfield_code,
        need_source=challenge.need_source,
        cooperation=challenge.cooperation,
        is_public=challenge.is_public,
        allowed_certificates=list(challenge.allowed_certificates),
        invited=[],
        unparsed={},
        requirements=[Requirement(id=row.id, unparsed={}, **row.values) for row in rows_of(content)],
        **values_of(content),
    )


def _text(value: Any) -> str:
    """Browsers send line ends of two characters; that is no change."""
    return str(value or "").replace("\r\n", "\n").strip()


def _amount(value: Decimal | None) -> str | None:
    """Without trailing zeros: 600 and 600.00 are the same."""
    return None if value is None else f"{value.normalize():f}"


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()


def _minute(moment: datetime) -> datetime:
    return to_shanghai(moment).replace(second=0, microsecond=0)
