"""A challenge as the matcher reads it."""

from decimal import Decimal

from challenges.postings.models import Challenge
from matching import documents


def matching_challenge(challenge: Challenge) -> documents.Challenge:
    """A challenge with its requirements as the query of a ranking; each requirement is asked for by itself too."""
    return documents.Challenge(
        id=str(challenge.id),
        title=challenge.title,
        text="\n".join(
            part for part in (challenge.difficulty, challenge.indicators, challenge.content) if part
        ),
        requirements=tuple(
            documents.Requirement(
                id=str(requirement.id),
                text="\n".join(part for part in (requirement.text, requirement.target) if part),
                weight=requirement.weight if requirement.weight is not None else Decimal(0),
                budget_wan=requirement.budget_wan or Decimal(0),
            )
            for requirement in challenge.requirements
        ),
    )
