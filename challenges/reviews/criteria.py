"""What reviewers score, by program; frozen into each review when it begins."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession

from challenges.programs.models import Program
from challenges.programs.policies import is_officer_of
from challenges.reviews import queries
from challenges.reviews.models import ReviewCriterion
from challenges.reviews.ranking import Criterion
from core import audit
from core.actor import Actor
from core.errors import ForbiddenError, InvalidError
from core.i18n import lazy_gettext as _

MOST = 12


@dataclass(frozen=True)
class Line:
    name: str
    description: str
    weight: Decimal
    max_points: int = 10


# Selection looks at these four; a program without criteria of its own takes them.
DEFAULTS = (
    (_("Team"), _("Who does the work, and what they have done before."), Decimal(25)),
    (_("R&D ability"), _("Evidence of research and development: people, equipment, results."), Decimal(25)),
    (_("Plan"), _("Technical plan, work split, time line and budget."), Decimal(30)),
    (_("Fit with the need"), _("How far the offer meets the requirements and their targets."), Decimal(20)),
)


async def lines_of(session: AsyncSession, program_id: uuid.UUID) -> list[Line]:
    """The program's criteria, or the defaults in the reader's language."""
    own = await queries.criteria_of(session, program_id)
    if not own:
        return [Line(str(name), str(text), weight) for name, text, weight in DEFAULTS]
    return [Line(item.name, item.description, item.weight, item.max_points) for item in own]


async def save_criteria(session: AsyncSession, actor: Actor, program: Program, lines: Sequence[Line]) -> None:
    """Reviews that have begun keep the criteria that they were begun with."""
    if not is_officer_of(actor, program):
        raise ForbiddenError(_("Only officers in charge of the program change it."))
    if not lines:
        raise InvalidError({"criteria": _("A review needs at least one criterion.")})
    if len(lines) > MOST:
        raise InvalidError({"criteria": _("At most %(limit)s criteria.", limit=MOST)})
    if len({line.name for line in lines}) < len(lines):
        raise InvalidError({"criteria": _("Two criteria have the same name.")})
    await session.execute(delete(ReviewCriterion).where(ReviewCriterion.program_id == program.id))
    session.add_all(
        ReviewCriterion(
            program_id=program.id,
            position=position,
            name=line.name,
            description=line.description,
            weight=line.weight,
            max_points=line.max_points,
        )
        for position, line in enumerate(lines)
    )
    await session.flush()
    await audit.record(
        session,
        actor,
        "program.criteria_saved",
        "program",
        program.id,
        {"criteria": [[line.name, str(line.weight), line.max_points] for line in lines]},
    )


def frozen(lines: Sequence[Line]) -> list[dict[str, Any]]:
    return [
        {
            "name": line.name,
            "description": line.description,
            "weight": str(line.weight),
            "max_points": line.max_points,
        }
        for line in lines
    ]


def thawed(criteria: Sequence[dict[str, Any]]) -> list[Criterion]:
    """A review's criteria as the ranking takes them."""
    return [Criterion(Decimal(item["weight"]), int(item["max_points"])) for item in criteria]
