"""The form of an amendment: the challenge's own form without what is settled by publication, and why it changes."""

import re
import uuid
from collections.abc import Mapping
from typing import Any, Protocol

from wtforms import TextAreaField

from challenges.postings.forms import (
    ROW_AMOUNTS,
    ROW_TEXTS,
    ChallengeForm,
    FieldValues,
    TypedDraft,
    TypedRequirement,
    typed_row,
    typed_values,
)
from challenges.postings.service import arrange
from core.forms import MaxLength, Required
from core.i18n import lazy_gettext as _

LONGEST_EXPLANATION = 2000
_ROW_FIELD = re.compile(r"requirements-(\d{1,4})-(\w+)")


class AmendmentForm(ChallengeForm):
    # Who may read it, and where it belongs, was settled when it was published.
    round_id: Any = None
    subfield_code: Any = None
    need_source: Any = None
    cooperation: Any = None
    visibility: Any = None
    allowed_certificates: Any = None
    invited: Any = None
    explanation = TextAreaField(_("Reason of the change"), [Required(), MaxLength(LONGEST_EXPLANATION)])


def typed_amendment(form: AmendmentForm) -> TypedDraft:
    values, unparsed = typed_values(form)
    return TypedDraft(
        values=values,
        unparsed=unparsed,
        requirements=[typed_row(entry.form) for entry in form.requirements.entries],
    )


class Sent(Protocol):
    def __iter__(self) -> Any: ...

    def getlist(self, name: str) -> list[Any]: ...


def arranged_fields(data: Sent, command: str) -> FieldValues:
    """What was sent, as it was typed, with its requirements after a row's button; nothing is stored."""
    values: dict[str, list[str]] = {}
    rows: dict[int, dict[str, str]] = {}
    for name in data:
        typed = [value for value in data.getlist(name) if isinstance(value, str)]
        if found := _ROW_FIELD.fullmatch(name):
            rows.setdefault(int(found.group(1)), {})[found.group(2)] = next(iter(typed), "")
        else:
            values[name] = typed
    arranged = arrange([_as_row(rows[number]) for number in sorted(rows)], command)
    for number, row in enumerate(arranged):
        prefix = f"requirements-{number}-"
        values[prefix + "id"] = [str(row.id)]
        for name in (*ROW_TEXTS, *ROW_AMOUNTS):
            values[prefix + name] = [str(row.values.get(name, ""))]
    return FieldValues(values)


def _as_row(typed: Mapping[str, str]) -> TypedRequirement:
    try:
        key = uuid.UUID(typed.get("id", ""))
    except ValueError:
        key = uuid.uuid4()
    return TypedRequirement(id=key, values=dict(typed), unparsed={})
