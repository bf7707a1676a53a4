"""How an amendment is shown: fields by their names in the form, texts word by word, other values as they were and are."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from challenges.amendments.comparison import Change, ChangedRow, Part, RowChange, compare
from challenges.amendments.content import CONTACT
from challenges.amendments.forms import AmendmentForm
from challenges.models import Amendment
from challenges.postings.forms import RequirementForm
from core.actor import Actor
from core.i18n import gettext
from web.templating import show_datetime, show_percent, show_wan


@dataclass(frozen=True)
class ShownChange:
    """`parts` of a text, or `before` and `after` of another value."""

    label: str
    parts: tuple[Part, ...]
    before: str
    after: str


@dataclass(frozen=True)
class ShownRow:
    title: str
    kind: RowChange
    changes: list[ShownChange]


@dataclass(frozen=True)
class AmendmentView:
    amendment: Amendment
    changes: list[ShownChange]
    rows: list[ShownRow]


async def amendment_views(amendments: Sequence[Amendment], actor: Actor) -> list[AmendmentView]:
    """Compared in a thread, since long texts take a while. Contacts are for people who are logged in."""
    compared = await asyncio.to_thread(lambda: [compare(item.before, item.after) for item in amendments])
    form, row_form = AmendmentForm(), RequirementForm()
    views: list[AmendmentView] = []
    for amendment, comparison in zip(amendments, compared, strict=True):
        shown = comparison.without(CONTACT) if actor.is_anonymous else comparison
        views.append(
            AmendmentView(
                amendment,
                [_shown(form, item) for item in shown.changes],
                [_shown_row(row_form, item) for item in shown.rows],
            )
        )
    return views


def _shown(form: Mapping[str, Any] | Any, change: Change) -> ShownChange:
    return ShownChange(
        label=str(form[change.name].label.text),
        parts=change.parts,
        before="" if change.parts else _value(change.name, change.before),
        after="" if change.parts else _value(change.name, change.after),
    )


def _shown_row(form: RequirementForm, row: ChangedRow) -> ShownRow:
    number = row.number_after or row.number_before
    title = {
        RowChange.ADDED: gettext("Requirement %(number)s is new", number=number),
        RowChange.REMOVED: gettext("Requirement %(number)s is dropped", number=number),
        RowChange.CHANGED: gettext("Requirement %(number)s", number=number),
        RowChange.MOVED: gettext(
            "Requirement %(before)s is now number %(after)s",
            before=row.number_before,
            after=row.number_after,
        ),
    }[row.kind]
    if row.kind is RowChange.CHANGED and row.number_before != row.number_after:
        title = gettext(
            "Requirement %(before)s, now number %(after)s",
            before=row.number_before,
            after=row.number_after,
        )
    return ShownRow(title, row.kind, [_shown(form, item) for item in row.changes])


def _value(name: str, value: Any) -> str:
    if value is None:
        return "–"
    if name == "deadline_at":
        return show_datetime(datetime.fromisoformat(value))
    if name == "weight":
        return show_percent(Decimal(value) / 100, 2)
    if name.endswith("_wan"):
        return show_wan(Decimal(value))
    if name == "time_limit_months":
        return gettext("%(months)s months", months=value)
    return str(value)
